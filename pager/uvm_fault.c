/*
 * uvm_fault.c: the fault routine; spec section 6, after uvm_fault.c 1.19.
 *
 * A fault on a mapped file has two gets.  The first, with everything locked,
 * lends what is resident in a window around the fault; neighbours are mapped on
 * the way.  If the faulting page was not among them, the second brings it in.
 *
 * What is changed here, in uvn_get() or in uvn_io() has to be so in
 * fault_lean() of uvm_access.c, too; tests/pager/t_lean.c tells.
 */
#include <errno.h>
#include <string.h>

#include "pager/uvm_i.h"

#define WINDOW_MAX (2 * 256 + 1)

/* One fault under way. */
struct fault {
	struct uvm *ft_uvm;
	struct vm_map *ft_map;
	struct vm_map_entry *ft_entry;
	uint64_t ft_pgno;
	uint64_t ft_start; /* window, in file pages */
	unsigned ft_npages, ft_center;
	unsigned ft_enter_prot;
	bool ft_promote; /* write to a private mapping */
};

/* What the entry's protection must include for an access. */
static bool
fault_allowed(const struct vm_map_entry *me, enum uvm_access how)
{

	switch (how) {
	case UVM_ACCESS_READ:
		return (me->me_prot & UVM_MAP_READ) != 0;
	case UVM_ACCESS_IFETCH:
		return (me->me_prot & (UVM_MAP_READ | UVM_MAP_EXEC)) != 0;
	case UVM_ACCESS_WRITE:
		/* The i386 reports a write fault as a read and a write. */
		break;
	}
	return (me->me_prot & (UVM_MAP_READ | UVM_MAP_WRITE)) ==
	    (UVM_MAP_READ | UVM_MAP_WRITE);
}

/*
 * The window: spec section 6.2, cut to the entry; and the drop-behind of
 * sequential advice, section 6.3.
 */
static void
fault_window(struct fault *ft)
{
	struct uvm *const uvm = ft->ft_uvm;
	const struct vm_map_entry *const me = ft->ft_entry;
	struct uvm_object *const uobj = &ft->ft_map->vm_vp->v_uvm.u_obj;
	uint64_t back = 0, forward = 0;

	switch ((enum uvm_advice)me->me_advice) {
	case ADVICE_NORMAL:
		back = uvm->up.fault_back;
		forward = uvm->up.fault_forward;
		break;
	case ADVICE_RANDOM:
		break;
	case ADVICE_SEQUENTIAL:
		back = uvm->up.seq_back;
		forward = uvm->up.seq_forward;
		break;
	}
	if (back > ft->ft_pgno - me->me_start)
		back = ft->ft_pgno - me->me_start;
	if (forward > me->me_end - ft->ft_pgno - 1)
		forward = me->me_end - ft->ft_pgno - 1;
	ft->ft_start = ft->ft_pgno - back;

	if (me->me_advice == ADVICE_SEQUENTIAL) {
		OBJ_LOCK(uvm, uobj);
		SELF(uvm)->caller = FLUSH_FAULT;
		(void)uvn_flush(uvm, uobj, ft->ft_start << uvm->mem.pm_shift,
		    ft->ft_pgno << uvm->mem.pm_shift, PGO_DEACTIVATE);
		OBJ_UNLOCK(uvm, uobj);
		ft->ft_start = ft->ft_pgno;
		back = 0;
	}
	ft->ft_npages = (unsigned)(back + 1 + forward);
	ft->ft_center = (unsigned)back;
}

/* Reading pg ahead was worth it. => object locked */
static inline void
fault_used(struct uvm *uvm, struct vm_page *pg)
{

	if (unlikely(pg->flags & PG_AHEAD)) {
		pg->flags &= (uint16_t)~PG_AHEAD;
		EXP(uvm)->readahead_used++;
	}
}

/* Map a resident neighbour. => object locked */
static inline void
fault_neighbour(struct fault *ft, struct vm_page *pg)
{
	struct uvm *const uvm = ft->ft_uvm;

	uvm_lock_pageq(uvm);
	uvm_pageactivate(uvm, pg);
	uvm_unlock_pageq(uvm);
	fault_used(uvm, pg);
	EXP(uvm)->neighbours_mapped++;
	pmap_enter(uvm, ft->ft_map, pg, ft->ft_enter_prot);
}

/*
 * The first get: map the resident neighbours, return the faulting page if it
 * is resident too.  The pager's locked get, word for word; for windows of more
 * pages than a word has bits.
 *
 * => object locked on entry and exit
 */
static struct vm_page *
fault_neighbours_wide(struct fault *ft)
{
	struct uvm *const uvm = ft->ft_uvm;
	struct vm_map *const map = ft->ft_map;
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const uint8_t *const pte =
	    &map->vm_hot.um_pte[ft->ft_start - map->vm_hot.um_first];
	struct vm_page *pages[WINDOW_MAX];
	unsigned i, got = ft->ft_npages;

	for (i = 0; i < ft->ft_npages; i++)
		/* A private copy is mapped, even one that mprotect closed. */
		pages[i] = shared_get(&pte[i]) & (PTE_R | PTE_ANON) ?
		    PGO_DONTCARE :
		    NULL;
	pages[ft->ft_center] = NULL;
	EXP(uvm)->fltlget++;
	(void)uobj->pgops->pgo_get(uvm, uobj, ft->ft_start, pages, &got,
	    ft->ft_center, PGO_LOCKED);
	if (got == 0)
		return NULL;
	for (i = 0; i < ft->ft_npages; i++) {
		struct vm_page *const pg = pages[i];

		if (i == ft->ft_center || pg == NULL || pg == PGO_DONTCARE)
			continue;
		fault_neighbour(ft, pg);
		pg->flags &= (uint16_t)~PG_BUSY;
	}
	return pages[ft->ft_center];
}

/* Bit i: page i of the window is mapped, or a private copy kept closed. */
static uint64_t
fault_mapped(const struct fault *ft)
{
	const struct uvm_map *const map = &ft->ft_map->vm_hot;
	const uint64_t idx = ft->ft_start - map->um_first;
	const uint8_t *const pte = &map->um_pte[idx];
	uint64_t mapped = 0;
	unsigned i;

#ifndef UVM_MP
	if (ft->ft_npages <= 8 && idx + 8 <= map->um_npages) {
		return pte_mapped8(pte);
	}
#endif
	for (i = 0; i < ft->ft_npages; i++)
		mapped |=
		    (uint64_t)((shared_get(&pte[i]) & (PTE_R | PTE_ANON)) != 0)
		    << i;
	return mapped;
}

/*
 * The first get, as fault_neighbours_wide() does it and counting the same, with
 * sets of pages in a word: most windows hold nothing to lend.
 *
 * => object locked on entry and exit
 */
static struct vm_page *
fault_neighbours(struct fault *ft)
{
	struct uvm *const uvm = ft->ft_uvm;
	struct uvm_object *const uobj = &ft->ft_map->vm_vp->v_uvm.u_obj;
	const unsigned n = ft->ft_npages;
	const uint64_t all = (1ULL << (n & 63)) - 1;
	struct vm_page *pg, *center = NULL;
	uint64_t wanted, there;

	if (unlikely(n >= 64))
		return fault_neighbours_wide(ft);
	wanted = (~fault_mapped(ft) | 1ULL << ft->ft_center) & all;
	EXP(uvm)->fltlget++;
	EXP(uvm)->lookups +=
	    wanted == all ? n : (unsigned)__builtin_popcountll(wanted);
	there = uvm_resident_run(uobj, ft->ft_start, n) & wanted;
	for (; there != 0; there &= there - 1) {
		const unsigned i = (unsigned)__builtin_ctzll(there);

		pg = uvm_pagepeek(uvm, uobj, ft->ft_start + i);
		if (pg == NULL || (pg->flags & (PG_BUSY | PG_RELEASED)))
			continue;
		if (i != ft->ft_center) {
			fault_neighbour(ft, pg);
			continue;
		}
		pg->flags |= PG_BUSY;
		center = pg;
	}
	return center;
}

/*
 * The second get: the faulting page from the file.
 *
 * => object locked on entry; on success locked and *pgp BUSY, else unlocked
 */
static enum uvm_outcome
fault_get(struct fault *ft, struct vm_page **pgp)
{
	struct uvm *const uvm = ft->ft_uvm;
	struct uvm_object *const uobj = &ft->ft_map->vm_vp->v_uvm.u_obj;
	unsigned npages = 1;
	int result;

	EXP(uvm)->misses++;
	EXP(uvm)->fltget++;
	*pgp = NULL;
	result =
	    uobj->pgops->pgo_get(uvm, uobj, ft->ft_pgno, pgp, &npages, 0, 0);
	if (result != VM_PAGER_OK) {
		EXP(uvm)->fault_errors++;
		if (FIXED(uvm, q18_error_segv))
			EXP(uvm)->sigbus++;
		else
			EXP(uvm)->sigsegv++;
		return result == VM_PAGER_BAD ? UVM_FAULT_BAD : UVM_FAULT_ERROR;
	}
	/* The map is as it was: who uses it keeps others from changing it. */
	EXP(uvm)->fltrelck++;
	EXP(uvm)->fltrelckok++;
	OBJ_LOCK(uvm, uobj);
	return UVM_MISS;
}

/* Was another thread faster to make a private copy?  It stays. */
static inline bool
fault_copied(const struct fault *ft)
{

#ifdef UVM_MP
	const struct uvm_map *const map = &ft->ft_map->vm_hot;

	return (shared_get(&map->um_pte[ft->ft_pgno - map->um_first]) &
		   PTE_ANON) != 0;
#else
	(void)ft;
	return false;
#endif
}

/*
 * Map the faulting page, or a private copy of it; it is given back active.
 *
 * => object locked on entry and exit
 */
static void
fault_enter(struct fault *ft, struct vm_page *pg)
{
	struct uvm *const uvm = ft->ft_uvm;
	const struct vm_map_entry *const me = ft->ft_entry;

	if (fault_copied(ft)) {
		pmap_enter_anon(uvm, ft->ft_map, ft->ft_pgno, me->me_prot);
	} else if (ft->ft_promote) {
		EXP(uvm)->flt_prcopy++;
		pmap_enter_anon(uvm, ft->ft_map, ft->ft_pgno, me->me_prot);
	} else {
		EXP(uvm)->flt_obj++;
		pmap_enter(uvm, ft->ft_map, pg, ft->ft_enter_prot);
	}
	uvm_lock_pageq(uvm);
	uvm_pageactivate(uvm, pg);
	uvm_unlock_pageq(uvm);
	fault_used(uvm, pg);
	uvm_page_unbusy(uvm, pg);
	pg->flags &= (uint16_t)~PG_FAKE;
}

/*
 * The faulting page was truncated or freed while it was ours and the object was
 * not locked: it goes, and whoever faulted will fault again.
 *
 * => object locked on entry and exit: the map's reference keeps it alive
 */
static void
fault_release(struct fault *ft, struct vm_page *pg)
{
	struct uvm *const uvm = ft->ft_uvm;
	struct uvm_object *const uobj = &ft->ft_map->vm_vp->v_uvm.u_obj;

	uvm_page_unbusy(uvm, pg);
	if (!uobj->pgops->pgo_releasepg(uvm, pg, NULL))
		KASSERT(false && "object died under a map");
}

enum uvm_outcome
uvm_fault(struct uvm *uvm, struct vm_map *map, struct vm_map_entry *me,
    uint64_t pgno, enum uvm_access how)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	uint8_t *const pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	struct fault ft = {
		.ft_uvm = uvm,
		.ft_map = map,
		.ft_entry = me,
		.ft_pgno = pgno,
		.ft_promote = me->me_cow && how == UVM_ACCESS_WRITE,
	};
	enum uvm_outcome outcome = UVM_HIT_RESIDENT;
	struct vm_page *pg;

	EXP(uvm)->faults++;
	if (!fault_allowed(me, how)) {
		EXP(uvm)->fault_errors++;
		EXP(uvm)->sigsegv++;
		return UVM_FAULT_PROT;
	}
	ft.ft_enter_prot = me->me_prot;
	if (me->me_cow)
		ft.ft_enter_prot &= ~(unsigned)UVM_MAP_WRITE;
	fault_window(&ft);
	if (shared_get(pte) & PTE_ANON) {
		/* A private copy that mprotect had closed. */
		OBJ_LOCK(uvm, uobj);
		pmap_enter_anon(uvm, map, pgno, me->me_prot);
		OBJ_UNLOCK(uvm, uobj);
		EXP(uvm)->resident_hits++;
		return outcome;
	}

	OBJ_LOCK(uvm, uobj);
	pg = fault_neighbours(&ft);
	if (unlikely(uvm->aio.ai_on) && uvm->up.readahead > READAHEAD_NONE)
		uvm_readahead(uvm, uobj, me, pgno);
	if (pg == NULL) {
		outcome = fault_get(&ft, &pg);
		if (outcome != UVM_MISS)
			return outcome;
	} else {
		EXP(uvm)->resident_hits++;
	}
	if (likely((pg->flags & PG_RELEASED) == 0))
		fault_enter(&ft, pg);
	else
		fault_release(&ft, pg);
	OBJ_UNLOCK(uvm, uobj);
#ifndef UVM_MP
	uvm_scout(uvm);
#endif
	return outcome;
}
