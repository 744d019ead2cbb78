/*
 * uvm_access.c: accesses of pages: what hardware does, spec section 1.7, and
 * what it needs the fault routine for.
 *
 * With one thread, and a backend that takes no time, the commonest faults are
 * done here, in one piece: fault_lean().
 */
#include "pager/uvm_i.h"

#ifndef UVM_MP

/*
 * A fault that goes the usual way: shared pages of one entry of a map, away
 * from its ends, nothing to wait for, nobody to tell, a backend that takes no
 * time and has no bytes.  Of what the fault routine, the get and the I/O do
 * between them this does what is still there afterwards, in the same order;
 * locks and flags that are taken and given back, the buffer and the calls are
 * left out.  tests/pager/t_lean.c compares every bit of it with the long way.
 */

/* How many pages before and behind the faulting one; false: it is odd. */
static bool
lean_window(const struct uvm *uvm, const struct vm_map_entry *me,
    struct lean *le)
{
	uint64_t back = 0, forward = 0;

	if (me->me_advice == ADVICE_NORMAL) {
		back = uvm->up.fault_back;
		forward = uvm->up.fault_forward;
	}
	/* What pte_mapped8() reads. */
	if (back + 1 + forward > 8 || me->me_advice == ADVICE_SEQUENTIAL)
		return false;
	le->le_back = (unsigned)back;
	le->le_npages = (unsigned)(back + 1 + forward);
	return true;
}

/* Find out what holds for the entry that holds pgno. => false: nothing does */
static bool
lean_settle(struct uvm *uvm, struct vm_map *map, uint64_t pgno)
{
	struct lean *const le = &uvm->lean;
	const struct uvm_vnode *const uvn = &map->vm_vp->v_uvm;
	const struct vm_map_entry *const me = uvm_map_lookup_entry(map, pgno);
	uint64_t end, beyond;

	le->le_map = NULL;
	if (!uvm->leanable || me == NULL || me->me_cow ||
	    (me->me_prot & UVM_MAP_READ) == 0 || !lean_window(uvm, me, le))
		return false;
	/* Whole pages of the file that have a bit, and their windows. */
	end = pages_trunc(uvm, uvn->u_size);
	end = end < me->me_end ? end : me->me_end;
	end = end < uvn->u_obj.uo_rbits ? end : uvn->u_obj.uo_rbits;
	/* What pte_mapped8() reads behind the faulting page. */
	beyond = le->le_npages == 1 ? 0 : 8;
	if (end < me->me_start + le->le_back + beyond)
		return false;
	le->le_map = map;
	le->le_start = me->me_start + le->le_back;
	le->le_span = end - le->le_start - beyond;
	le->le_writable = (me->me_prot & UVM_MAP_WRITE) != 0;
	le->le_enter = le->le_writable ? PTE_R | PTE_W : PTE_R;
	return true;
}

/* Map the page. */
static inline void
lean_enter(const struct lean *le, struct uvm_object *uobj, struct vm_page *pg,
    uint8_t *pte, uint8_t was, uint8_t and)
{

	pg->nmaps += (was & PTE_R) == 0;
	*pte = (uint8_t)((was & (PTE_REF | PTE_MOD)) | le->le_enter | and);
	uobj->uo_maydirty |= le->le_writable;
}

/* Resident neighbours that are not mapped, bit by bit; pte is that of bit 0. */
static noinline void
lean_neighbours(struct uvm *uvm, struct uvm_object *uobj, uint64_t start,
    uint8_t *pte, uint32_t there)
{
	struct vm_page *pg;

	for (; there != 0; there &= there - 1) {
		const unsigned i = (unsigned)__builtin_ctz(there);

		pg = hash_search(uvm, uobj, start + i);
		if (pg == NULL || (pg->flags & (PG_BUSY | PG_RELEASED)))
			continue;
		page_activate(uvm, pg);
		EXP(uvm)->neighbours_mapped++;
		lean_enter(&uvm->lean, uobj, pg, &pte[i], pte[i], 0);
	}
}

/* The page is allocated and read: uvn_get(), uvn_io(). => active */
static inline struct vm_page *
lean_pagein(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno)
{
	struct uvmexp *const exp = EXP(uvm);
	struct vm_page *const frames = uvm->mem.pm_frame;
	struct vm_page *pg;
	uint32_t link;

	exp->misses++;
	exp->fltget++;
	exp->lookups++;
	free_low(uvm, exp->free);
	link = free_take(uvm);
	pg = link_at(frames, link);
	page_becomes(pg, uobj, pgno, PG_CLEAN | PG_TABLED);
	hash_link(uvm, uobj, pg, link);
	memq_link(uvm, uobj, pg, link);
	resident_set(uobj, pgno);
	exp->pagein_ios++;
	exp->pagein_pages++;
	exp->pagein_bytes += uvm->up.page_size;
	uvm->untold++;
	exp->fltrelck++;
	exp->fltrelckok++;
	exp->active++;
	pg->pqflags = PQ_ACTIVE;
	queue_append(frames, &uvm->mem.pm_active, pg, link);
	return pg;
}

/* => UVM_HIT_MAPPED: the fault is another kind; nothing has happened
 * => no mapping is lost */
static inline enum uvm_outcome
fault_lean(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	const struct lean *const le = &uvm->lean;
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	struct uvmexp *const exp = EXP(uvm);
	uint32_t there, center = 1, lookups = 1;
	struct vm_page *pg = NULL;
	uint8_t *pte, was, mark = PTE_REF;

	if (unlikely(le->le_map != map || pgno - le->le_start >= le->le_span) &&
	    (!lean_settle(uvm, map, pgno) ||
		pgno - le->le_start >= le->le_span))
		return UVM_HIT_MAPPED;
	if (unlikely(exp->free <= uvm->up.reserve_kernel) ||
	    unlikely(how == UVM_ACCESS_WRITE && !le->le_writable))
		return UVM_HIT_MAPPED;
	pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	was = *pte;
	if (le->le_npages != 1) {
		center = 1U << le->le_back;
		there = (~pte_mapped8(pte - le->le_back) | center) &
		    ((1U << le->le_npages) - 1);
		lookups = (unsigned)__builtin_popcount(there);
		there &= (uint32_t)uvm_resident_run(uobj, pgno - le->le_back,
		    le->le_npages);
	} else {
		there = uvm_resident_run(uobj, pgno, 1) & 1;
	}
	if (there & center) {
		pg = hash_search(uvm, uobj, pgno);
		if (unlikely(pg == NULL) ||
		    unlikely(pg->flags & (PG_BUSY | PG_RELEASED | PG_AHEAD)))
			return UVM_HIT_MAPPED;
	}
	exp->accesses++;
	exp->faults++;
	exp->fltlget++;
	exp->lookups += lookups;
	exp->flt_obj++;
	if (unlikely((there & ~center) != 0))
		lean_neighbours(uvm, uobj, pgno - le->le_back,
		    pte - le->le_back, there & ~center);
	if (how == UVM_ACCESS_WRITE)
		mark |= PTE_MOD;
	if (pg == NULL) {
		pg = lean_pagein(uvm, uobj, pgno);
		lean_enter(le, uobj, pg, pte, was, mark);
	} else {
		exp->resident_hits++;
		lean_enter(le, uobj, pg, pte, was, mark);
		page_activate(uvm, pg);
	}
	if (how == UVM_ACCESS_WRITE && (was & PTE_MOD) == 0)
		uvm_page_dirtied(uvm, pg);
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
	uvm->hot.uh_lost++;
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
