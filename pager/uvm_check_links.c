/*
 * uvm_check_links.c: what joins pages, objects, vnodes, maps and I/O.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pager/uvm_check.h"

/* Of a hash with more chains, only those with pages of objects are looked at. */
#define CHAINS_MAX (1ULL << 20)

/* A chain of the hash: what is in it belongs there. */
static int
check_chain(const struct uvm *uvm, const struct pghash *ph, uint64_t tabled,
    uint64_t *np, struct errmsg *em)
{
	const uint64_t chain = (uint64_t)(ph - uvm->mem.pm_bucket);
	uint32_t link, last = 0;

	for (link = ph->ph_head; link != 0;) {
		const struct vm_page *const pg = link_page(uvm, link);

		CHECK(em,
		    (pg->flags & PG_TABLED) && page_uobject(pg) != 0 &&
			hash_bucket(uvm, page_object(uvm, pg), page_pgno(pg)) ==
			    ph,
		    "I4: hash chain %" PRIu64 ": frame %" PRIu32
		    " does not belong there",
		    chain, link_frame(link));
		CHECK(em, ++*np <= tabled,
		    "I4: the hash has more pages than %" PRIu64, tabled);
		last = link;
		link = pg->hashq;
	}
	CHECK(em, last == ph->ph_tail,
	    "hash chain %" PRIu64 " ends with frame %" PRIu32 ", not %" PRIu32,
	    chain, link_frame(last), link_frame(ph->ph_tail));
	return 0;
}

/* The chains that begin with a page of the object. */
static int
check_chains_of(const struct uvm *uvm, const struct uvm_object *uobj,
    uint64_t tabled, uint64_t *np, struct errmsg *em)
{
	const struct vm_page *pg;
	int error;

	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next)) {
		const struct pghash *const ph =
		    hash_bucket(uvm, uobj, page_pgno(pg));

		if (ph->ph_head == page_link(uvm, pg) &&
		    (error = check_chain(uvm, ph, tabled, np, em)) != 0)
			return error;
	}
	return 0;
}

/* I4: the hash has the pages of objects and no others. */
static int
check_hash(const struct uvm *uvm, uint64_t tabled, struct errmsg *em)
{
	const struct uvm_pagemem *const pm = &uvm->mem;
	uint64_t n = 0;
	int error;

	for (uint64_t b = 0; pm->pm_mask < CHAINS_MAX && b <= pm->pm_mask; b++)
		if ((error = check_chain(uvm, &pm->pm_bucket[b], tabled, &n,
			 em)) != 0)
			return error;
	for (uint32_t i = 1; pm->pm_mask >= CHAINS_MAX && i <= uvm->nobject;
	     i++)
		if ((error = check_chains_of(uvm, &uvm->object[i]->v_uvm.u_obj,
			 tabled, &n, em)) != 0)
			return error;
	CHECK(em, n == tabled,
	    "I4: the hash has %" PRIu64 " pages, objects %" PRIu64, n, tabled);
	return 0;
}

/* I1, and the links of the list. */
static int
check_wlist(const struct uvm *uvm, struct errmsg *em)
{
	const struct uvm_vnode *prev = NULL, *uvn;
	uint64_t n = 0, writeable = 0;

	for (uint32_t i = 1; i <= uvm->nobject; i++)
		writeable +=
		    (uvm->object[i]->v_uvm.u_flags & UVM_VNODE_WRITEABLE) != 0;
	for (uvn = uvm->wlist; uvn != NULL; uvn = uvn->u_wnext) {
		CHECK(em,
		    (uvn->u_flags & UVM_VNODE_WRITEABLE) &&
			uvn->u_wprev == prev && ++n <= writeable,
		    "I1: object %" PRIu32
		    " flags %#x and the writable list differ",
		    uvn->u_obj.uo_num, uvn->u_flags);
		prev = uvn;
	}
	CHECK(em, n == writeable,
	    "I1: %" PRIu64 " objects on the writable list, %" PRIu64
	    " with the flag",
	    n, writeable);
	return 0;
}

/*
 * I3: who uses a vnode: open descriptors, the object once for all references
 * to it, who has not let go of it yet, and who never will.
 */
static int
check_uses(const struct vnode *vp, struct errmsg *em)
{
	const struct uvm_vnode *const uvn = &vp->v_uvm;
	/* One that dies lets go of its vnode with its last page. */
	const bool held = (uvn->u_flags & UVM_VNODE_VALID) &&
	    (uvn->u_obj.uo_refs > 0 || (uvn->u_flags & UVM_VNODE_BLOCKED));

	CHECK(em,
	    vp->v_usecount == vp->v_opens + vp->v_reles + vp->v_kept + held,
	    "I3: file %" PRIu32
	    ": its vnode has %u uses: %u opens, %u to be let go, %u by q8, "
	    "%s object",
	    vp->v_file, vp->v_usecount, vp->v_opens, vp->v_reles, vp->v_kept,
	    held ? "an" : "no");
	return 0;
}

/* Vnodes in core: those that nobody uses are on the free list. */
static int
check_vnodes(const struct uvm *uvm, struct errmsg *em)
{
	const struct vnode *prev = NULL, *vp;
	uint64_t n = 0, incore = 0, onfree = 0;
	int error;

	for (uint32_t i = 1; i <= uvm->nobject; i++) {
		vp = uvm->object[i];
		if ((error = check_uses(vp, em)) != 0)
			return error;
		CHECK(em,
		    vp->v_onfree == (vp->v_incore && vp->v_usecount == 0) &&
			(vp->v_incore || vp->v_usecount == 0),
		    "file %" PRIu32 " has %u uses and is%s in core,%s free",
		    vp->v_file, vp->v_usecount, vp->v_incore ? "" : " not",
		    vp->v_onfree ? "" : " not");
		CHECK(em, !vp->v_locked && !vp->v_xlock,
		    "file %" PRIu32 " is left locked", vp->v_file);
		incore += vp->v_incore;
		onfree += vp->v_onfree;
	}
	CHECK(em, incore == uvm->numvnodes,
	    "%" PRIu64 " vnodes are in core, counted %" PRIu64, incore,
	    uvm->numvnodes);
	for (vp = uvm->freehead; vp != NULL; vp = vp->v_freenext) {
		CHECK(em,
		    vp->v_freeprev == prev && vp->v_onfree && ++n <= onfree,
		    "free vnodes: file %" PRIu32 " has a wrong back link",
		    vp->v_file);
		prev = vp;
	}
	CHECK(em, n == onfree && prev == uvm->freetail,
	    "%" PRIu64 " vnodes on the free list, %" PRIu64 " say so", n,
	    onfree);
	return 0;
}

/*
 * Asynchronous I/O: what is under way is counted, idle descriptors are all the
 * others, and I6: of the pages in flight none is anything but busy.
 */
static int
check_aio(const struct uvm *uvm, uint64_t busy, struct errmsg *em)
{
	const struct uvm_aio *const ai = &uvm->aio;
	const struct uvm_aiodesc *ad;
	const uint64_t depth = ai->ai_on ? uvm->up.io_depth : 0;
	const uint64_t pagermap = uvm->up.pager_map / uvm->up.page_size;
	uint64_t idle = 0, flying = 0;

	for (uint32_t i = 1; i <= uvm->nobject; i++)
		flying += uvm->object[i]->v_uvm.u_nio;
	CHECK(em, flying == ai->ai_flying,
	    "I5: objects have %" PRIu64 " I/Os in flight, counted %" PRIu64,
	    flying, ai->ai_flying);
	for (ad = ai->ai_idle; ad != NULL && idle <= depth; ad = ad->ad_next)
		idle++;
	CHECK(em, idle + flying == depth,
	    "%" PRIu64 " descriptors are idle and %" PRIu64
	    " in flight, of %" PRIu64,
	    idle, flying, depth);
	CHECK(em, busy + uvm->pagermap_free == pagermap,
	    "I6: %" PRIu64 " pages are busy and %" PRIu64
	    " of pager space free, of %" PRIu64,
	    busy, uvm->pagermap_free, pagermap);
	CHECK(em, uvm->paging <= busy,
	    "%" PRIu64 " pages are in page-out, and %" PRIu64 " busy",
	    uvm->paging, busy);
	return 0;
}

int
check_links(const struct uvm *uvm, uint64_t tabled, uint64_t busy,
    struct errmsg *em)
{
	int error;

	if ((error = check_hash(uvm, tabled, em)) != 0 ||
	    (error = check_wlist(uvm, em)) != 0 ||
	    (error = check_vnodes(uvm, em)) != 0)
		return error;
	return check_aio(uvm, busy, em);
}

/* How many pages of its object a map maps. */
static uint64_t
count_ptes(const struct vm_map *map)
{
	static const uint8_t nothing[4096];
	const uint8_t *const pte = map->vm_hot.um_pte;
	const uint64_t npages = map->vm_hot.um_npages;
	uint64_t n = 0;

	for (uint64_t i = 0, k; i < npages; i += k) {
		k = npages - i < sizeof(nothing) ? npages - i : sizeof(nothing);
		/* Most are. */
		if (memcmp(&pte[i], nothing, k) == 0)
			continue;
		for (uint64_t j = i; j < i + k; j++)
			n += (pte[j] & (PTE_R | PTE_ANON)) == PTE_R;
	}
	return n;
}

/* Entries of a map: ascending, disjoint, within it. */
static int
check_entries(const struct vm_map *map, struct errmsg *em)
{
	const struct uvm_map *const um = &map->vm_hot;
	uint64_t at = um->um_first;

	for (uint32_t i = 0; i < map->vm_nentries; i++) {
		const struct vm_map_entry *const me = &map->vm_entry[i];

		CHECK(em,
		    me->me_start >= at && me->me_start < me->me_end &&
			me->me_end <= um->um_first + um->um_npages,
		    "map %" PRIu32 ": entry %" PRIu32 " is [%" PRIu64
		    ", %" PRIu64 ")",
		    um->um_id, i, me->me_start, me->me_end);
		at = me->me_end;
	}
	CHECK(em, map->vm_nentries != 0, "map %" PRIu32 " maps nothing",
	    um->um_id);
	return 0;
}

/* The bits of an object are those of its pages. */
static int
check_resident(const struct uvm *uvm, const struct uvm_object *uobj,
    struct errmsg *em)
{
	const struct vm_page *pg;
	uint64_t bits = 0, n = 0;

	for (uint64_t i = 0; i < uobj->uo_rbits / 64; i++)
		bits += (uint64_t)__builtin_popcountll(uobj->uo_resident[i]);
	for (pg = link_page(uvm, uobj->memq_head); pg != NULL && n <= bits;
	     pg = link_page(uvm, pg->listq_next)) {
		if (page_pgno(pg) >= uobj->uo_rbits)
			continue;
		CHECK(em, uvm_resident_run(uobj, page_pgno(pg), 1) & 1,
		    "object %" PRIu32 " page %" PRIu64 " has no bit",
		    uobj->uo_num, page_pgno(pg));
		n++;
	}
	CHECK(em, n == bits,
	    "object %" PRIu32 " has bits of %" PRIu64 " pages, not %" PRIu64,
	    uobj->uo_num, bits, n);
	return 0;
}

int
check_object_links(const struct uvm *uvm, const struct vnode *vp,
    struct errmsg *em)
{
	const struct uvm_object *const uobj = &vp->v_uvm.u_obj;
	const struct vm_map *map, *prev = NULL;
	const struct vm_page *pg;
	uint64_t entries = 0, ptes = 0, mapped = 0;
	int error;

	for (map = uobj->uo_maps; map != NULL; map = map->vm_objnext) {
		CHECK(em, map->vm_objprev == prev && map->vm_vp == vp,
		    "object %" PRIu32 ": map %" PRIu32 " has a wrong link",
		    uobj->uo_num, map->vm_hot.um_id);
		if ((error = check_entries(map, em)) != 0)
			return error;
		entries += map->vm_nentries;
		ptes += count_ptes(map);
		prev = map;
	}
	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next))
		mapped += page_nmaps(uvm, pg);
	CHECK(em, ptes == mapped,
	    "object %" PRIu32 ": %" PRIu64 " pages are mapped, %" PRIu64
	    " of them are there",
	    uobj->uo_num, ptes, mapped);
	CHECK(em, uobj->uo_refs >= 0 && (uint64_t)uobj->uo_refs == entries,
	    "object %" PRIu32 " has %d references of %" PRIu64 " map entries",
	    uobj->uo_num, uobj->uo_refs, entries);
	return check_resident(uvm, uobj, em);
}
