/*
 * uvm_access.c: accesses of pages: what hardware does, spec section 1.7, and
 * what it needs the fault routine for.
 *
 * With one thread, and a backend that takes no time, the commonest faults are
 * done here, in one piece: fault_lean().
 */
#include <string.h>

#include "pager/uvm_i.h"

#ifndef UVM_MP

/*
 * A fault that goes the usual way: shared pages of the map's entry that was
 * used last, nothing to wait for, nobody to tell, a backend that takes no time
 * and has no bytes.  Of what the fault routine, the get and the I/O do between
 * them this does what is still there afterwards, in the same order; locks and
 * flags that are taken and given back, the buffer and the calls are left out.
 */
struct lean {
	const struct vm_map_entry *le_entry;
	uint8_t *le_pte; /* of the faulting page */
	uint64_t le_start;
	unsigned le_npages, le_center; /* the window, from le_start on */
	uint64_t le_wanted;	       /* not mapped, and the faulting page */
};

/* May this entry be accessed so? => false as well if that takes a closer look */
static inline bool
lean_allowed(const struct vm_map_entry *me, enum uvm_access how)
{
	const unsigned need = how == UVM_ACCESS_WRITE ?
	    UVM_MAP_READ | UVM_MAP_WRITE :
	    UVM_MAP_READ;

	return (me->me_prot & need) == need && !me->me_cow;
}

/* The window of advice normal: spec section 6.2. => false: it is an odd one */
static inline bool
lean_window(const struct uvm *uvm, const struct vm_map *map, uint64_t pgno,
    struct lean *le)
{
	const struct vm_map_entry *const me = le->le_entry;
	uint64_t back = uvm->up.fault_back, forward = uvm->up.fault_forward;
	uint64_t idx, word;

	if (back > pgno - me->me_start)
		back = pgno - me->me_start;
	if (forward > me->me_end - pgno - 1)
		forward = me->me_end - pgno - 1;
	le->le_start = pgno - back;
	le->le_npages = (unsigned)(back + 1 + forward);
	le->le_center = (unsigned)back;
	idx = le->le_start - map->vm_hot.um_first;
	if (le->le_npages > 8 || idx + 8 > map->vm_hot.um_npages)
		return false;
	word = pte_mapped8(&map->vm_hot.um_pte[idx]);
	le->le_wanted = (~word | 1ULL << le->le_center) &
	    ((1ULL << le->le_npages) - 1);
	return true;
}

/* => false: the fault is another kind; nothing has happened */
static inline bool
lean_begin(const struct uvm *uvm, const struct vm_map *map, uint64_t pgno,
    enum uvm_access how, struct lean *le)
{
	const uint32_t hint = map->vm_hint;
	const struct vm_map_entry *const me = &map->vm_entry[hint];
	const struct uvm_vnode *const uvn = &map->vm_vp->v_uvm;

	if (!uvm->lean || hint >= map->vm_nentries || pgno < me->me_start ||
	    pgno >= me->me_end || !lean_allowed(me, how) ||
	    pgno << uvm->mem.pm_shift >= uvn->u_size ||
	    (uvn->u_flags & (UVM_VNODE_IOSYNC | UVM_VNODE_VNISLOCKED)) != 0 ||
	    LEVELS(uvm)->free <= uvm->up.reserve_kernel ||
	    uvm->failed != 0)
		return false;
	le->le_entry = me;
	le->le_pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	le->le_start = pgno;
	le->le_npages = 1;
	le->le_center = 0;
	le->le_wanted = 1;
	if (me->me_advice != ADVICE_RANDOM &&
	    (me->me_advice != ADVICE_NORMAL ||
		!lean_window(uvm, map, pgno, le)))
		return false;
	return le->le_start + le->le_npages <= uvn->u_obj.uo_rbits;
}

/* Map pg, a page of uobj, with the entry's protection. */
static inline void
lean_enter(struct uvm_object *uobj, struct vm_page *pg, uint8_t *pte,
    unsigned prot)
{
	const bool writable = (prot & UVM_MAP_WRITE) != 0;

	pg->nmaps += (*pte & PTE_R) == 0;
	*pte = (uint8_t)((*pte & (PTE_REF | PTE_MOD)) |
	    (writable ? PTE_R | PTE_W : PTE_R));
	uobj->uo_maydirty |= writable;
}

/* Resident neighbours that are not mapped, bit by bit. */
static inline void
lean_neighbours(struct uvm *uvm, struct uvm_object *uobj,
    const struct lean *le, uint64_t there)
{
	struct vm_page *pg;

	for (; there != 0; there &= there - 1) {
		const unsigned i = (unsigned)__builtin_ctzll(there);

		pg = hash_search(uvm, uobj, le->le_start + i);
		if (pg == NULL || (pg->flags & (PG_BUSY | PG_RELEASED)))
			continue;
		page_activate(uvm, pg);
		EXP(uvm)->neighbours_mapped++;
		lean_enter(uobj, pg, &le->le_pte[(int)i - (int)le->le_center],
		    le->le_entry->me_prot);
	}
}

/* The page is read: uvn_get(), uvn_io(). */
static inline struct vm_page *
lean_pagein(struct uvm *uvm, struct uvm_vnode *uvn, uint64_t pgno)
{
	struct uvmexp *const exp = EXP(uvm);
	const uint64_t left = uvn->u_size - (pgno << uvm->mem.pm_shift);
	struct vm_page *pg;

	exp->misses++;
	exp->fltget++;
	exp->lookups++;
	free_low(uvm, LEVELS(uvm)->free);
	pg = free_take(uvm);
	page_becomes(pg, &uvn->u_obj, pgno, PG_CLEAN | PG_TABLED);
	hash_link(uvm, &uvn->u_obj, pg);
	memq_link(uvm, &uvn->u_obj, pg);
	resident_set(&uvn->u_obj, pgno);
	exp->pagein_ios++;
	exp->pagein_pages++;
	exp->pagein_bytes +=
	    left < uvm->up.page_size ? left : uvm->up.page_size;
	uvm->untold++;
	exp->fltrelck++;
	exp->fltrelckok++;
	return pg;
}

/* => UVM_HIT_MAPPED: the fault is another kind; nothing has happened */
static inline enum uvm_outcome
fault_lean(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	struct uvm_vnode *const uvn = &map->vm_vp->v_uvm;
	struct uvmexp *const exp = EXP(uvm);
	struct vm_page *pg = NULL;
	struct lean le;
	uint64_t there, center;
	bool modified;

	if (unlikely(!lean_begin(uvm, map, pgno, how, &le)))
		return UVM_HIT_MAPPED;
	center = 1ULL << le.le_center;
	there = uvm_resident_run(&uvn->u_obj, le.le_start, le.le_npages) &
	    le.le_wanted;
	if (there & center) {
		pg = hash_search(uvm, &uvn->u_obj, pgno);
		if (unlikely(pg == NULL) ||
		    unlikely(pg->flags & (PG_BUSY | PG_RELEASED | PG_AHEAD)))
			return UVM_HIT_MAPPED;
	}
	exp->accesses++;
	exp->faults++;
	exp->fltlget++;
	exp->lookups += le.le_npages == 1 ?
	    1 :
	    (unsigned)__builtin_popcountll(le.le_wanted);
	if (unlikely((there & ~center) != 0))
		lean_neighbours(uvm, &uvn->u_obj, &le, there & ~center);
	if (pg == NULL)
		pg = lean_pagein(uvm, uvn, pgno);
	else
		exp->resident_hits++;
	exp->flt_obj++;
	modified = (*le.le_pte & PTE_MOD) != 0;
	lean_enter(&uvn->u_obj, pg, le.le_pte, le.le_entry->me_prot);
	page_activate(uvm, pg);
	*le.le_pte |= PTE_REF;
	if (how == UVM_ACCESS_WRITE && !modified) {
		*le.le_pte |= PTE_MOD;
		uvm_page_dirtied(uvm, pg);
	}
	uvm_scout(uvm);
	return there & center ? UVM_HIT_RESIDENT : UVM_MISS;
}

#endif

/*
 * An access begins.
 *
 * => *mep: what it goes to; not UVM_HIT_MAPPED: it failed, and is not counted
 */
static inline enum uvm_outcome
access_begin(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    struct vm_map_entry **mep)
{

	if (FAILED(uvm) != 0)
		return UVM_FAULT_ERROR;
	*mep = uvm_map_lookup_entry(map, pgno);
	if (*mep == NULL)
		return UVM_FAULT_NOMAP;
	EXP(uvm)->accesses++;
	return UVM_HIT_MAPPED;
}

/*
 * Hardware access through a usable mapping: spec section 1.7.  The first store
 * after the page was clean is where the gauge dirty hears of it.
 *
 * => with UVM_MP the object is locked
 */
static void
access_mark(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	uint8_t *const pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	const bool modified = (shared_get(pte) & PTE_MOD) != 0;

	shared_or(pte, PTE_REF);
	if (how != UVM_ACCESS_WRITE || modified)
		return;
	shared_or(pte, PTE_MOD);
	if ((shared_get(pte) & PTE_ANON) == 0)
		uvm_page_dirtied(uvm,
		    uvm_pagepeek(uvm, &map->vm_vp->v_uvm.u_obj, pgno));
}

#ifdef UVM_MP

/* Do an access, and with store() a store, if the mapping allows it by now. */
static bool
access_try(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how, const struct uvm_store *st)
{
	const uint8_t need = how == UVM_ACCESS_WRITE ? PTE_W : PTE_R;
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	bool allowed;

	OBJ_LOCK(uvm, uobj);
	allowed =
	    (shared_get(&map->vm_hot.um_pte[pgno - map->vm_hot.um_first]) &
		need) != 0;
	if (allowed) {
		access_mark(uvm, map, pgno, how);
		if (st != NULL)
			st->st_store(st->st_arg,
			    uvm_page_bytes(uvm, &map->vm_hot, pgno));
	}
	OBJ_UNLOCK(uvm, uobj);
	return allowed;
}

static void
uncount(struct uvm *uvm, enum uvm_outcome outcome)
{

	if (outcome == UVM_MISS)
		EXP(uvm)->misses--;
	else
		EXP(uvm)->resident_hits--;
}

enum uvm_outcome
uvm_access_store(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how, const struct uvm_store *st)
{
	struct vm_map *const map = (struct vm_map *)umap;
	enum uvm_outcome outcome, got;
	struct vm_map_entry *me;

	outcome = access_begin(uvm, map, pgno, &me);
	if (outcome != UVM_HIT_MAPPED)
		return outcome;
	/* What a fault mapped may be gone before the access comes to it. */
	while (!access_try(uvm, map, pgno, how, st)) {
		got = uvm_fault(uvm, map, me, pgno, how);
		if (got >= UVM_FAULT_PROT) {
			/* A failure has counted itself. */
			if (outcome != UVM_HIT_MAPPED)
				uncount(uvm, outcome);
			return got;
		}
		/* One access has one outcome: the worse of two. */
		if (outcome != UVM_HIT_MAPPED)
			uncount(uvm, got < outcome ? got : outcome);
		if (got > outcome)
			outcome = got;
		uvm_chaos(uvm);
	}
	if (outcome == UVM_HIT_MAPPED)
		EXP(uvm)->mapped_hits++;
	return outcome;
}

enum uvm_outcome
uvm_access_slow(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how)
{

	return uvm_access_store(uvm, umap, pgno, how, NULL);
}

#else

/* Does a mapping let it through?  What hardware does not see is marked here. */
static inline bool
access_mapped(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	const uint64_t idx = pgno - map->vm_hot.um_first;
	const uint8_t need = how == UVM_ACCESS_WRITE ? PTE_W : PTE_R;

	if (idx >= map->vm_hot.um_npages ||
	    (map->vm_hot.um_pte[idx] & need) == 0 || FAILED(uvm) != 0)
		return false;
	EXP(uvm)->accesses++;
	EXP(uvm)->mapped_hits++;
	access_mark(uvm, map, pgno, how);
	return true;
}

enum uvm_outcome
uvm_access_slow(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how)
{
	struct vm_map *const map = (struct vm_map *)umap;
	struct vm_map_entry *me;
	enum uvm_outcome outcome;

	if (access_mapped(uvm, map, pgno, how))
		return UVM_HIT_MAPPED;
	outcome = fault_lean(uvm, map, pgno, how);
	if (likely(outcome != UVM_HIT_MAPPED))
		return outcome;
	outcome = access_begin(uvm, map, pgno, &me);
	if (outcome != UVM_HIT_MAPPED)
		return outcome;
	outcome = uvm_fault(uvm, map, me, pgno, how);
	if (outcome < UVM_FAULT_PROT)
		access_mark(uvm, map, pgno, how);
	return outcome;
}

#endif

void *
uvm_page_bytes(struct uvm *uvm, const struct uvm_map *umap, uint64_t pgno)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct vm_page *pg;

	if (uvm->mem.pm_data == NULL ||
	    pgno - umap->um_first >= umap->um_npages ||
	    (shared_get(&umap->um_pte[pgno - umap->um_first]) & PTE_ANON))
		return NULL;
	pg = uvm_pagepeek(uvm, &map->vm_vp->v_uvm.u_obj, pgno);
	return pg != NULL ? page_bytes(uvm, pg) : NULL;
}
