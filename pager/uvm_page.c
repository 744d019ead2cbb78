#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/uvm_i.h"

/* What a processor has near by: its cache of level 2.  For a hint sysconf(3) will
 * do; host_cache() of replay/host.h is for the largest, and not the pager's. */
static size_t
near_bytes(void)
{
	const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);

	/* Some systems do not say. */
	return bytes > 0 ? (size_t)bytes : (size_t)1 << 20;
}

int
uvm_page_init(struct uvm *uvm, struct errmsg *em)
{
	struct uvm_pagemem *const pm = &uvm->mem;
	const uint64_t npages = uvm->up.memory / uvm->up.page_size;

	pm->pm_shift = (unsigned)__builtin_ctzll(uvm->up.page_size);
	pm->pm_npages = npages;
	pm->pm_fresh = 1;
	pm->pm_mask = uvm->up.hash_buckets - 1;
	pm->pm_framelen = (npages + 1) * sizeof(struct vm_page);
	pm->pm_rarelen = (npages + 1) * sizeof(struct vm_page_rare);
	pm->pm_bucketlen = uvm->up.hash_buckets * sizeof(struct pghash);
	pm->pm_far = pm->pm_framelen + pm->pm_bucketlen > near_bytes();
	pm->pm_frame = room_take(pm->pm_framelen);
	pm->pm_rare = room_take(pm->pm_rarelen);
	pm->pm_bucket = room_take(pm->pm_bucketlen);
	if (uvm->be->be_flags & UVM_BE_DATA) {
		pm->pm_datalen = npages << pm->pm_shift;
		pm->pm_data = room_take(pm->pm_datalen);
	}
	if (pm->pm_frame == NULL || pm->pm_rare == NULL ||
	    pm->pm_bucket == NULL ||
	    (pm->pm_datalen != 0 && pm->pm_data == NULL))
		return ERRMSG(em, ENOMEM,
		    "memory: no address space for %" PRIu64 " frames and their "
		    "descriptors; choose less memory%s",
		    npages, pm->pm_datalen != 0 ? ", or --backend null" : "");
	scout_set(&pm->pm_active, 0, 0);
	scout_set(&pm->pm_inactive, 0, 0);
	LEVELS(uvm)->free = npages;
	return 0;
}

void
uvm_page_fini(struct uvm *uvm)
{
	struct uvm_pagemem *const pm = &uvm->mem;

	room_give(pm->pm_frame, pm->pm_framelen);
	room_give(pm->pm_rare, pm->pm_rarelen);
	room_give(pm->pm_bucket, pm->pm_bucketlen);
	room_give(pm->pm_data, pm->pm_datalen);
}

/* Objects of more pages than this have bits for their first ones only. */
#define RESIDENT_MAX (1ULL << 27)

/*
 * Make the bits of an object reach pgno.  Without memory they stay as they
 * are: what they do not cover is looked up.
 */
static void
resident_grow(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno)
{
	uint64_t bits = uobj->uo_rbits != 0 ? uobj->uo_rbits : 1024, *map;

	if (pgno >= RESIDENT_MAX)
		return;
	while (bits <= pgno)
		bits *= 2;
	lean_forget(uvm);
	/* And a word behind the last: uvm_resident_run(). */
	map = realloc(uobj->uo_resident, bits / 8 + sizeof(*map));
	if (map == NULL)
		return;
	(void)memset(&map[uobj->uo_rbits / 64], 0,
	    (bits - uobj->uo_rbits) / 8 + sizeof(*map));
	uobj->uo_resident = map;
	uobj->uo_rbits = bits;
}

/* Spec section 2.2. => object locked */
static void
uvm_pageinsert(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg)
{
	const uint32_t link = page_link(uvm, pg);

	simple_lock(&SELF(uvm)->ls, &uvm->hashlock);
	hash_link(uvm, uobj, page_pgno(pg), pg, link);
	simple_unlock(&SELF(uvm)->ls, &uvm->hashlock);
	memq_link(uvm, uobj, pg, link);
	pg->flags |= PG_TABLED;
	if (unlikely(page_pgno(pg) >= uobj->uo_rbits))
		resident_grow(uvm, uobj, page_pgno(pg));
	resident_set(uobj, page_pgno(pg));
}

/* => object locked */
static void
uvm_pageremove(struct uvm *uvm, struct vm_page *pg)
{
	struct uvm_object *const uobj = page_object(uvm, pg);

	LOCK_HELD(&uobj->vmobjlock);
	simple_lock(&SELF(uvm)->ls, &uvm->hashlock);
	hash_unlink(uvm, uobj, pg, page_link(uvm, pg));
	simple_unlock(&SELF(uvm)->ls, &uvm->hashlock);
	memq_unlink(uvm, uobj, pg);
	resident_clear(uobj, page_pgno(pg));
	pg->flags &= (uint16_t)~PG_TABLED;
	page_disown(uvm, pg, true);
}

struct vm_page *
uvm_pagealloc(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno)
{
	struct vm_page *pg;
	uint64_t free;
	uint32_t link;

	LOCK_HELD(&uobj->vmobjlock);
	simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
	free = shared_get(&LEVELS(uvm)->free);
	uvm_pageout_wake_if(uvm, free < free_wake(uvm));
	if (free <= uvm->up.reserve_kernel) {
		simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
		EXP(uvm)->alloc_failures++;
		return NULL;
	}
	link = free_take(uvm);
	KASSERT(link != 0);
	shared_sub(&LEVELS(uvm)->free, 1);
	simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
	pg = link_at(uvm->mem.pm_frame, link);
	KASSERT(pg->nmaps == 0);
	page_becomes(pg, uobj, pgno, PG_BUSY | PG_CLEAN | PG_FAKE, 0, 0);
	uvm_pageinsert(uvm, uobj, pg);
	return pg;
}

/* A page was freed. => free list locked */
static inline void
wake_waiters(struct uvm *uvm)
{

#ifdef UVM_MP
	if (uvm->mp.mp_waiters != 0)
		uvm_wakeup(uvm, &LEVELS(uvm)->free);
#else
	(void)uvm;
#endif
}

void
uvm_pagefree(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const exp = EXP(uvm), *const lv = LEVELS(uvm);
	const bool dirty = (pg->flags & PG_COUNTED) != 0;

	LOCK_HELD(&uvm->pageqlock);
	KASSERT(pg->nmaps == 0);
	if (unlikely(pg->flags & PG_AHEAD))
		exp->readahead_unused++;
	if (dirty) {
		exp->dirty_discarded++;
		uvm_page_cleaned(uvm, pg);
	}
	if (uvm->obs.uo_freed != NULL)
		uvm->obs.uo_freed(uvm->obs.uo_arg,
		    uvm->object[page_uobject(pg)]->v_file, page_pgno(pg),
		    dirty);
	if (pg->flags & PG_TABLED)
		uvm_pageremove(uvm, pg);
	if (pg->pqflags & PQ_ACTIVE) {
		pglist_remove(uvm, &uvm->mem.pm_active, pg);
		shared_sub(&lv->active, 1);
	} else if (pg->pqflags & PQ_INACTIVE) {
		pglist_remove(uvm, &uvm->mem.pm_inactive, pg);
		shared_sub(&lv->inactive, 1);
	}
	if (pg->pqflags & PQ_WIRED) {
		page_rare(uvm, pg)->wire_count = 0;
		shared_sub(&lv->wired, 1);
	}
	simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
	pglist_append(uvm, &uvm->mem.pm_free, pg);
	pg->pqflags = PQ_FREE;
	shared_add(&lv->free, 1);
	wake_waiters(uvm);
	simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
}

void
uvm_pagedeactivate(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const lv = LEVELS(uvm);

	LOCK_HELD(&uvm->pageqlock);
	if (pg->pqflags & PQ_ACTIVE) {
		pglist_remove(uvm, &uvm->mem.pm_active, pg);
		pg->pqflags = 0;
		shared_sub(&lv->active, 1);
	}
	if (pg->pqflags & PQ_INACTIVE)
		return;
	pglist_append(uvm, &uvm->mem.pm_inactive, pg);
	pg->pqflags = PQ_INACTIVE;
	shared_add(&lv->inactive, 1);
	pmap_clear_reference(uvm, pg);
	if (pmap_is_modified(uvm, pg))
		pg->flags &= (uint16_t)~PG_CLEAN;
}

void
uvm_pagewire(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const lv = LEVELS(uvm);

	LOCK_HELD(&uvm->pageqlock);
	if ((pg->pqflags & PQ_WIRED) == 0) {
		if (pg->pqflags & PQ_ACTIVE) {
			pglist_remove(uvm, &uvm->mem.pm_active, pg);
			shared_sub(&lv->active, 1);
		} else if (pg->pqflags & PQ_INACTIVE) {
			pglist_remove(uvm, &uvm->mem.pm_inactive, pg);
			shared_sub(&lv->inactive, 1);
		}
		pg->pqflags = PQ_WIRED;
		shared_add(&lv->wired, 1);
	}
	page_rare(uvm, pg)->wire_count++;
}

void
uvm_pageunwire(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const lv = LEVELS(uvm);

	LOCK_HELD(&uvm->pageqlock);
	KASSERT(pg->pqflags & PQ_WIRED);
	if (--page_rare(uvm, pg)->wire_count == 0) {
		pglist_append(uvm, &uvm->mem.pm_active, pg);
		pg->pqflags = PQ_ACTIVE;
		shared_add(&lv->active, 1);
		shared_sub(&lv->wired, 1);
	}
}

void
uvm_page_dirtied(struct uvm *uvm, struct vm_page *pg)
{

	if ((pg->flags & PG_COUNTED) == 0) {
		pg->flags |= PG_COUNTED;
		EXP(uvm)->dirtied++;
		shared_add(&LEVELS(uvm)->dirty, 1);
	}
}

void
uvm_page_cleaned(struct uvm *uvm, struct vm_page *pg)
{

	if (pg->flags & PG_COUNTED) {
		pg->flags &= (uint16_t)~PG_COUNTED;
		shared_sub(&LEVELS(uvm)->dirty, 1);
	}
}

void
uvm_page_lost(struct uvm *uvm, const struct vm_page *pg)
{

	EXP(uvm)->lost_pages++;
	if (uvm->obs.uo_lost != NULL)
		uvm->obs.uo_lost(uvm->obs.uo_arg,
		    uvm->object[page_uobject(pg)]->v_file, page_pgno(pg));
}

bool
uvm_page_dirty_p(const struct uvm *uvm, const struct vm_page *pg)
{

	return (pg->flags & PG_CLEAN) == 0 || pmap_is_modified(uvm, pg);
}
