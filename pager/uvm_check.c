/*
 * uvm_check.c: the invariants of spec section 1.5, looked up everywhere:
 * queues, objects and their pages.  The rest is in uvm_check_links.c.
 */
#include <errno.h>
#include <inttypes.h>

#include "pager/uvm_check.h"

/* A queue: links both ways, flags of its pages, scout, length. */
static int
check_queue(const struct uvm *uvm, const struct pglist *pl, uint8_t pqflags,
    uint64_t npages, struct errmsg *em)
{
	uint32_t prev = 0, link;
	uint64_t n = 0;

	for (link = pl->pl_head; link != 0;) {
		const struct vm_page *const pg = link_page(uvm, link);
		const uint32_t frame = link_frame(link);

		CHECK(em, pg->pageq_prev == prev,
		    "queue %#x: frame %" PRIu32 " has a wrong back link",
		    pqflags, frame);
		CHECK(em, pg->pqflags == pqflags,
		    "I8: frame %" PRIu32 " on queue %#x has flags %#x", frame,
		    pqflags, pg->pqflags);
		CHECK(em, page_rare(uvm, pg)->wire_count == 0,
		    "I9: wired frame %" PRIu32 " on queue %#x", frame, pqflags);
		CHECK(em,
		    ((pg->flags & PG_TABLED) != 0) == (pqflags != PQ_FREE) &&
			(page_uobject(pg) != 0) == (pqflags != PQ_FREE),
		    "I8: frame %" PRIu32
		    " on queue %#x has flags %#x of object %" PRIu32,
		    frame, pqflags, pg->flags, page_uobject(pg));
		CHECK(em, ++n <= npages,
		    "queue %#x: more than %" PRIu64 " pages", pqflags, npages);
		prev = link;
		link = pg->pageq_next;
	}
	CHECK(em,
	    pqflags == PQ_FREE ||
		(pl->pl_scout == 0 ?
			pl->pl_lead >= SCOUT_LEAD :
			link_page(uvm, pl->pl_scout)->pqflags == pqflags),
	    "queue %#x: its scout is nowhere", pqflags);
	CHECK(em, prev == pl->pl_tail && n == npages,
	    "queue %#x: %" PRIu64 " pages, counted %" PRIu64, pqflags, n,
	    npages);
	return 0;
}

/* What page tables say of a page against what the page says. */
static int
check_mappings(const struct uvm *uvm, const struct vm_page *pg,
    struct errmsg *em)
{
	const struct uvm_object *const uobj = page_object(uvm, pg);
	const struct vm_map *map;
	uint32_t n = 0;

	for (map = uobj->uo_maps; map != NULL; map = map->vm_objnext) {
		const uint64_t idx = page_pgno(pg) - map->vm_hot.um_first;

		if (idx < map->vm_hot.um_npages &&
		    (map->vm_hot.um_pte[idx] & (PTE_R | PTE_ANON)) == PTE_R)
			n++;
	}
	CHECK(em, n == page_nmaps(uvm, pg),
	    "object %" PRIu32 " page %" PRIu64 ": %" PRIu32
	    " mappings, counted %" PRIu32,
	    uobj->uo_num, page_pgno(pg), n, page_nmaps(uvm, pg));
	CHECK(em, pg->nmaps == NMAPS_MANY || page_rare(uvm, pg)->nmaps == 0,
	    "object %" PRIu32 " page %" PRIu64
	    ": mappings beyond %d, and not so many",
	    uobj->uo_num, page_pgno(pg), NMAPS_MANY);
	CHECK(em, (pg->pqflags & PQ_INACTIVE) == 0 || n == 0,
	    "I7: object %" PRIu32 " page %" PRIu64 " is inactive and mapped",
	    uobj->uo_num, page_pgno(pg));
	CHECK(em,
	    (pg->pqflags & PQ_INACTIVE) == 0 || (pg->flags & PG_CLEAN) == 0 ||
		!pmap_is_modified(uvm, pg),
	    "I7: object %" PRIu32 " page %" PRIu64
	    " is inactive, clean and modified",
	    uobj->uo_num, page_pgno(pg));
	return 0;
}

static int
check_page(const struct uvm *uvm, const struct uvm_object *uobj,
    const struct vm_page *pg, struct errmsg *em)
{

	CHECK(em, page_uobject(pg) == uobj->uo_num && (pg->flags & PG_TABLED),
	    "object %" PRIu32 ": memq holds a page of object %" PRIu32,
	    uobj->uo_num, page_uobject(pg));
	CHECK(em, uvm_pagepeek(uvm, uobj, page_pgno(pg)) == pg,
	    "I4: object %" PRIu32 " page %" PRIu64 " is not in the hash",
	    uobj->uo_num, page_pgno(pg));
	CHECK(em,
	    (pg->flags & (PG_BUSY | PG_FAKE)) == 0 ||
		(((const struct uvm_vnode *)uobj)->u_nio != 0 &&
		    (pg->flags & PG_BUSY)),
	    "object %" PRIu32 " page %" PRIu64 " is left busy", uobj->uo_num,
	    page_pgno(pg));
	CHECK(em,
	    page_rare(uvm, pg)->wire_count == 0 ?
		(pg->pqflags & PQ_WIRED) == 0 :
		pg->pqflags == PQ_WIRED,
	    "I9: object %" PRIu32 " page %" PRIu64 " is wired, and queued",
	    uobj->uo_num, page_pgno(pg));
	CHECK(em, (pg->pqflags & PQ_FREE) == 0,
	    "I8: object %" PRIu32 " page %" PRIu64 " is free", uobj->uo_num,
	    page_pgno(pg));
	CHECK(em, uvm_page_dirty_p(uvm, pg) == ((pg->flags & PG_COUNTED) != 0),
	    "object %" PRIu32 " page %" PRIu64
	    ": dirty and not counted, or clean and counted",
	    uobj->uo_num, page_pgno(pg));
	return check_mappings(uvm, pg, em);
}

/* What the pages of all objects add up to. */
struct sums {
	uint64_t sm_tabled;
	uint64_t sm_reads; /* on their way into memory: not on a queue yet */
	uint64_t sm_active, sm_inactive; /* by their own flags */
	uint64_t sm_dirty, sm_busy;
};

static void
add_page(struct sums *sm, const struct vm_page *pg)
{

	sm->sm_tabled++;
	sm->sm_reads += (pg->flags & PG_BUSY) && pg->pqflags == 0;
	sm->sm_active += (pg->pqflags & PQ_ACTIVE) != 0;
	sm->sm_inactive += (pg->pqflags & PQ_INACTIVE) != 0;
	sm->sm_dirty += (pg->flags & PG_COUNTED) != 0;
	sm->sm_busy += (pg->flags & PG_BUSY) != 0;
}

/* The pages of an object, along its list: both ways, and all there. */
static int
check_memq(const struct uvm *uvm, const struct uvm_object *uobj,
    struct sums *sm, struct errmsg *em)
{
	const struct vm_page *pg;
	uint32_t prev = 0;
	uint64_t n = 0;
	int error;

	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next)) {
		CHECK(em, pg->listq_prev == prev,
		    "object %" PRIu32 ": memq: page %" PRIu64
		    " has a wrong back link",
		    uobj->uo_num, page_pgno(pg));
		prev = page_link(uvm, pg);
		if ((error = check_page(uvm, uobj, pg, em)) != 0)
			return error;
		CHECK(em,
		    uobj->uo_refs != 0 ||
			(pg->pqflags & (PQ_INACTIVE | PQ_WIRED)) ||
			(pg->flags & PG_BUSY),
		    "object %" PRIu32 " persists with page %" PRIu64
		    " not inactive",
		    uobj->uo_num, page_pgno(pg));
		add_page(sm, pg);
		CHECK(em, ++n <= uobj->uo_npages,
		    "I4: object %" PRIu32 ": memq has more pages than %" PRIu64,
		    uobj->uo_num, uobj->uo_npages);
	}
	CHECK(em, n == uobj->uo_npages && prev == uobj->memq_tail,
	    "I4: object %" PRIu32 ": memq has %" PRIu64 " pages, not %" PRIu64,
	    uobj->uo_num, n, uobj->uo_npages);
	return 0;
}

static int
check_object(const struct uvm *uvm, const struct vnode *vp, struct sums *sm,
    struct errmsg *em)
{
	const struct uvm_vnode *const uvn = &vp->v_uvm;
	const struct uvm_object *const uobj = &uvn->u_obj;
	int error;

	CHECK(em, !simple_lock_held(&uobj->vmobjlock),
	    "object %" PRIu32 " left locked", uobj->uo_num);
	CHECK(em,
	    (uvn->u_flags & UVM_VNODE_WANTED) == 0 ||
		(uvn->u_flags & UVM_VNODE_BLOCKED) != 0,
	    "I2: object %" PRIu32 " is wanted and not blocked", uobj->uo_num);
	if ((uvn->u_flags & UVM_VNODE_VALID) == 0) {
		CHECK(em, uobj->uo_npages == 0 && uobj->memq_head == 0,
		    "object %" PRIu32 " is dead and has pages", uobj->uo_num);
		return 0;
	}
	if ((error = check_memq(uvm, uobj, sm, em)) != 0)
		return error;
	return check_object_links(uvm, vp, em);
}

static int
check_sums(const struct uvm *uvm, const struct sums *sm, struct errmsg *em)
{
	const struct uvmexp *const exp = &uvm->hot.uh_exp;
	const uint64_t npages = uvm->mem.pm_npages;

	CHECK(em, exp->free + sm->sm_tabled == npages,
	    "%" PRIu64 " pages are free and %" PRIu64
	    " in objects, of %" PRIu64,
	    exp->free, sm->sm_tabled, npages);
	CHECK(em,
	    exp->active + exp->inactive + exp->wired + sm->sm_reads ==
		sm->sm_tabled,
	    "%" PRIu64 " pages in objects, but %" PRIu64 " on queues or wired",
	    sm->sm_tabled,
	    exp->active + exp->inactive + exp->wired + sm->sm_reads);
	CHECK(em,
	    sm->sm_active == exp->active && sm->sm_inactive == exp->inactive,
	    "I8: %" PRIu64 " pages say active and %" PRIu64
	    " inactive, %" PRIu64 " and %" PRIu64 " are on the queues",
	    sm->sm_active, sm->sm_inactive, exp->active, exp->inactive);
	CHECK(em, sm->sm_dirty == exp->dirty,
	    "%" PRIu64 " pages are dirty, counted %" PRIu64, sm->sm_dirty,
	    exp->dirty);
	return 0;
}

int
uvm_check(const struct uvm *uvm, struct errmsg *em)
{
	const struct uvmexp *const exp = &uvm->hot.uh_exp;
	const struct uvm_pagemem *const pm = &uvm->mem;
	struct sums sm = { .sm_tabled = 0 };
	uint64_t fresh;
	uint32_t i;
	int error;

	if (FAILED(uvm) != 0)
		return 0;
	CHECK(em, SELF(uvm)->ls.ls_spins == 0, "%u locks are left held",
	    SELF(uvm)->ls.ls_spins);
	CHECK(em, SELF(uvm)->ws.ws_depth == 0, "%u waits have no end",
	    SELF(uvm)->ws.ws_depth);
	fresh = pm->pm_npages + 1 - pm->pm_fresh;
	if ((error = check_queue(uvm, &pm->pm_free, PQ_FREE, exp->free - fresh,
		 em)) != 0 ||
	    (error = check_queue(uvm, &pm->pm_active, PQ_ACTIVE, exp->active,
		 em)) != 0 ||
	    (error = check_queue(uvm, &pm->pm_inactive, PQ_INACTIVE,
		 exp->inactive, em)) != 0)
		return error;
	for (i = 1; i <= uvm->nobject; i++)
		if ((error = check_object(uvm, uvm->object[i], &sm, em)) != 0)
			return error;
	if ((error = check_sums(uvm, &sm, em)) != 0)
		return error;
	return check_links(uvm, sm.sm_tabled, sm.sm_busy, em);
}
