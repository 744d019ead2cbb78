/*
 * uvm_lean.c: the commonest faults, in one piece.
 *
 * A fault that goes the usual way: shared pages of one entry of a map, away
 * from its ends, nothing to wait for, nobody to tell, one thread, a backend
 * that takes no time and has no bytes.  Of what the fault routine, the get and
 * the I/O do between them this does what is still there afterwards, in the same
 * order; locks and flags that are taken and given back, the buffer and the
 * calls are left out, and counters are added to at the end of a run of faults.
 * tests/pager/t_lean.c compares every bit of it with the long way.
 */
#include "pager/uvm_i.h"
#include "pager/uvm_run.h"

#ifndef UVM_MP

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
	le->le_others = 0;
	for (unsigned i = 0; i < le->le_npages; i++)
		le->le_others |= (uint64_t)(i != back) << 8 * i;
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

/* What runs of faults keep by themselves: counters until there are no more. */
struct lean_sum {
	uint64_t resident; /* faults of resident pages */
	uint64_t misses;
	uint64_t lookups; /* of the fault routine */
	/* of one run */
	uint64_t free; /* pages */
	uint64_t last; /* a page taken while fewer are free is the last */
	bool over;     /* it was taken */
};

/* Pages were activated, or nothing has happened yet. */
static inline void
lean_levels(const struct uvm *uvm, struct lean_sum *ls)
{
	const uint64_t wake = free_wake(uvm);
	const uint64_t reserved = uvm->up.reserve_kernel + 2;

	ls->last = wake > reserved ? wake : reserved;
}

/* Map a resident page. */
static inline void
lean_enter(const struct uvm *uvm, const struct lean *le, struct vm_page *pg,
    uint8_t *pte, uint8_t was, uint8_t and)
{

	page_mapped(uvm, pg, (was & PTE_R) == 0);
	*pte = (uint8_t)((was & (PTE_REF | PTE_MOD)) | le->le_enter | and);
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
		lean_enter(uvm, &uvm->lean, pg, &pte[i], pte[i], 0);
		/* Another will be deactivated in place of it. */
		uvm_scout_active(uvm);
	}
}

/*
 * The page is allocated, read and mapped: uvn_get(), uvn_io().
 *
 * => active; its bit is bit pgno % 64 of word
 */
static inline struct vm_page *
lean_pagein(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    uint64_t *word)
{
	struct vm_page *const frames = uvm->mem.pm_frame;
	const uint32_t link = free_take(uvm);
	struct vm_page *const pg = link_at(frames, link);

	page_becomes(pg, uobj, pgno, PG_CLEAN | PG_TABLED, PQ_ACTIVE, 1);
	hash_link(uvm, uobj, pgno, pg, link);
	memq_link(uvm, uobj, pg, link);
	*word |= 1ULL << (pgno % 64);
	queue_append(frames, &uvm->mem.pm_active, pg, link);
	return pg;
}

/* How many bits of eight are set. */
static inline unsigned
popcount8(unsigned bits)
{

	bits -= bits >> 1 & 0x55;
	bits = (bits & 0x33) + (bits >> 2 & 0x33);
	return (bits + (bits >> 4)) & 0xf;
}

/* What faults count, but for the levels. */
static void
lean_count(struct uvm *uvm, const struct lean_sum *ls)
{
	struct uvmexp *const exp = EXP(uvm);
	const uint64_t misses = ls->misses, faults = ls->resident + misses;

	exp->accesses += faults;
	exp->faults += faults;
	exp->fltlget += faults;
	exp->flt_obj += faults;
	exp->resident_hits += ls->resident;
	exp->misses += misses;
	exp->fltget += misses;
	exp->fltrelck += misses;
	exp->fltrelckok += misses;
	exp->lookups += ls->lookups + misses;
	exp->pagein_ios += misses;
	exp->pagein_pages += misses;
	exp->pagein_bytes += misses << uvm->mem.pm_shift;
	uvm->untold += misses;
}

/* The neighbours of a fault at pgno, whose entry is *pte, are mapped. */
static inline void
lean_window_map(struct uvm *uvm, const struct lean *le, struct uvm_object *uobj,
    uint64_t pgno, uint8_t *pte, struct lean_sum *ls)
{
	/* Those that are not: the lowest bit of byte i is the one at i. */
	const uint64_t unmapped =
	    ~pte_mapped_bytes(pte - le->le_back) & le->le_others;
	const uint32_t there = uvm_lowest8(unmapped) &
	    (uint32_t)uvm_resident_run(uobj, pgno - le->le_back, 8);

	/* The page itself is one of them. */
	ls->lookups += 1 + (unmapped * UVM_LOWEST8 >> 56);
	if (unlikely(there != 0)) {
		lean_neighbours(uvm, uobj, pgno - le->le_back,
		    pte - le->le_back, there);
		lean_levels(uvm, ls);
	}
}

/*
 * An access to a page whose entry lacks something; single: le_npages is 1.
 *
 * => there is a page free, above those that are reserved
 * => false: another kind of fault, or none; nothing has happened
 * => no mapping is lost, and no mark of one
 */
static inline __attribute__((always_inline)) bool
lean_access(struct uvm *uvm, const struct lean *le, struct vm_map *map,
    uint32_t at, bool single, struct uvm_run *ur, struct lean_sum *ls)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const uint64_t pgno = UVM_AT_PAGE(at);
	const bool write = UVM_AT_WRITE(at);
	const uint8_t mark = write ? PTE_REF | PTE_MOD : PTE_REF;
	uint8_t *pte, was;
	struct vm_page *pg;
	uint64_t *word;

	if (unlikely(pgno - le->le_start >= le->le_span) ||
	    unlikely(write && !le->le_writable))
		return false;
	pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	was = *pte;
	if (unlikely(was & (write ? PTE_W : PTE_R))) {
		*pte = was | mark;
		if (write && (was & PTE_MOD) == 0)
			uvm_page_dirtied(uvm, hash_search(uvm, uobj, pgno));
		return true;
	}
	word = &uobj->uo_resident[pgno / 64];
	if (*word >> pgno % 64 & 1) {
		pg = hash_search(uvm, uobj, pgno);
		if (unlikely(pg == NULL) ||
		    unlikely(pg->flags & (PG_BUSY | PG_RELEASED | PG_AHEAD)))
			return false;
		if (!single)
			lean_window_map(uvm, le, uobj, pgno, pte, ls);
		lean_enter(uvm, le, pg, pte, was, mark);
		page_activate(uvm, pg);
		lean_levels(uvm, ls);
		ls->resident++;
		if (unlikely(write))
			ur->ur_fault_writes[0]++;
	} else {
		if (!single)
			lean_window_map(uvm, le, uobj, pgno, pte, ls);
		/* A page that is not there has no mapping. */
		pg = lean_pagein(uvm, uobj, pgno, word);
		*pte = le->le_enter | mark;
		ls->over = ls->free < ls->last;
		ls->free--;
		if (unlikely(write))
			ur->ur_fault_writes[1]++;
	}
	if (write && (was & PTE_MOD) == 0)
		uvm_page_dirtied(uvm, pg);
	uvm_scout(uvm);
	return true;
}

/*
 * Accesses that are due, as long as they are common, and nothing is due at the
 * end of their event.
 */
static inline __attribute__((always_inline)) void
lean_run(struct uvm *uvm, const struct lean le, struct vm_map *map,
    struct uvm_run *ur, bool single, struct lean_sum *sum)
{
	const uint32_t *const at = ur->ur_at;
	struct uvmexp *const lv = LEVELS(uvm);
	const uint64_t free = lv->free;
	/* If something is due already, it comes after the next. */
	const uint32_t first =
	    uvm->hot.uh_due == 0 ? ur->ur_due : ur->ur_due & -ur->ur_due;
	uint32_t due = first, done;
	struct lean_sum ls = { .free = free };
	uint64_t faults;

	if (unlikely(free <= uvm->up.reserve_kernel))
		return;
	lean_levels(uvm, &ls);
	do {
		if (unlikely(!lean_access(uvm, &le, map, at[__builtin_ctz(due)],
			single, ur, &ls)))
			break;
		due &= due - 1;
	} while ((due != 0) & !ls.over);
	done = first ^ due;
	if (done == 0)
		return;
	ls.misses = free - ls.free;
	faults = ls.resident + ls.misses;
	if (ls.over)
		uvm_pageout_wake_if(uvm, ls.free + 1 < free_wake(uvm));
	if (faults != 0)
		map->vm_vp->v_uvm.u_obj.uo_maydirty |= le.le_writable;
	lv->active += ls.misses;
	lv->free = ls.free;
	sum->resident += ls.resident;
	sum->misses += ls.misses;
	sum->lookups += single ? faults : ls.lookups;
	ur->ur_last = 31U - (unsigned)__builtin_clz(done);
	ur->ur_done += popcount8(done & 0xff) + popcount8(done >> 8);
	ur->ur_due ^= done;
}

void
uvm_fault_run(struct uvm *uvm, struct uvm_run *ur)
{
	struct vm_map *const map = (struct vm_map *)ur->ur_map;
	const struct lean *const le = &uvm->lean;
	struct lean_sum ls = { .resident = 0 };

	while (ur->ur_due != 0) {
		const unsigned done = ur->ur_done;
		const uint64_t pgno =
		    UVM_AT_PAGE(ur->ur_at[__builtin_ctz(ur->ur_due)]);

		if (unlikely(le->le_map != map ||
			pgno - le->le_start >= le->le_span) &&
		    !lean_settle(uvm, map, pgno))
			break;
		if (le->le_npages == 1)
			lean_run(uvm, *le, map, ur, true, &ls);
		else
			lean_run(uvm, *le, map, ur, false, &ls);
		if (unlikely(ur->ur_done == done))
			break;
		if (uvm->hot.uh_due == 0)
			continue;
		if (!ur->ur_turns || !uvm_pageout_clean(uvm))
			break;
		ur->ur_due = uvm_run_due(ur, ur->ur_last + 1);
	}
	ur->ur_faults[0] += (unsigned)ls.resident;
	ur->ur_faults[1] += (unsigned)ls.misses;
	if (ls.resident + ls.misses != 0)
		lean_count(uvm, &ls);
}

enum uvm_outcome
uvm_fault_lean(struct uvm *uvm, struct vm_map *map, uint64_t pgno, bool write)
{
	const uint32_t at = (uint32_t)pgno << 1 | write;
	struct uvm_run ur = {
		.ur_map = &map->vm_hot,
		.ur_at = &at,
		.ur_n = 1,
		.ur_due = 1,
	};

	if (unlikely(pgno > UVM_AT_PAGE(UINT32_MAX)))
		return UVM_HIT_MAPPED;
	uvm_fault_run(uvm, &ur);
	return ur.ur_faults[1] != 0 ? UVM_MISS :
	    ur.ur_faults[0] != 0    ? UVM_HIT_RESIDENT :
				      UVM_HIT_MAPPED;
}

#endif
