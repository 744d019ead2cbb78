/*
 * uvm_pdaemon.c: the page daemon; spec section 5, after uvm_pdaemon.c 1.12.
 */
#include <errno.h>
#include <inttypes.h>

#include "pager/uvm_i.h"

#ifdef UVM_MP

/* The daemon sleeps on the target it works towards. */
void
uvm_pageout_wake(struct uvm *uvm)
{
	const bool held = simple_lock_held(&uvm->fpageqlock);

	if (shared_get(&uvm->hot.uh_due) & UVM_DUE_DAEMON)
		return;
	if (!held)
		simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
	shared_or(&uvm->hot.uh_due, UVM_DUE_DAEMON);
	uvm_wakeup(uvm, &uvm->inactarg);
	if (!held)
		simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
}

/* A page was passed over, for its object is locked. */
static void
pd_passed(struct uvm *uvm)
{

	uvm->mp.mp_passed = true;
}

/* Sleep until a page is freed, or the daemon gives up. */
static int
wait_for_daemon(struct uvm *uvm)
{

	simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
	if (shared_get(&LEVELS(uvm)->free) <= uvm->up.reserve_kernel) {
		if (uvm->mp.mp_waiters++ == 0)
			uvm_wakeup(uvm, &uvm->inactarg);
		uvm_pageout_wake(uvm);
		(void)uvm_sleep(uvm, &LEVELS(uvm)->free, UVM_WAIT_MEMORY,
		    "memory", &uvm->fpageqlock);
		uvm->mp.mp_waiters--;
	}
	simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
	return FAILED(uvm);
}

#else

#define wait_for_daemon(uvm) FAILED(uvm)
#define pd_passed(uvm)	     ((void)(uvm))

#endif

void
uvm_pageout_progress(struct uvm *uvm)
{

	shared_set(&uvm->idleturns, 0);
	shared_set(&uvm->shuffled, 0);
}

int
uvm_out_of_memory(struct uvm *uvm)
{
	const struct uvmexp *const lv = LEVELS(uvm);

	return uvm_fail(uvm, EDEADLK,
	    "out of memory: %" PRIu64
	    " turns of the page daemon freed nothing with %" PRIu64
	    " pages free, %" PRIu64 " active, %" PRIu64
	    " inactive; give it more memory",
	    shared_get(&uvm->idleturns), shared_get(&lv->free),
	    shared_get(&lv->active), shared_get(&lv->inactive));
}

int
uvm_wait(struct uvm *uvm)
{

	uvm_may_sleep(uvm);
	EXP(uvm)->memory_waits++;
	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	if (SELF(uvm)->indaemon)
		return uvm_fail(uvm, EDEADLK,
		    "the page daemon waits for "
		    "memory itself; give it more");
	if (CONCURRENT(uvm))
		return wait_for_daemon(uvm);
	uvm_waiting(uvm, UVM_WAIT_MEMORY, uvm_clock(uvm));
	uvm_pageout_wake(uvm);
	uvm_pageout_turn(uvm);
	/* What would be freed may be under way. */
	if (LEVELS(uvm)->free <= uvm->up.reserve_kernel &&
	    uvm_aio_flying(uvm) && uvm_aio_collect(uvm, true) != 0)
		uvm->idleturns = 0;
	uvm_waited(uvm, uvm_clock(uvm));
	if (uvm->idleturns >= uvm->up.daemon_limit)
		return uvm_out_of_memory(uvm);
	return FAILED(uvm);
}

/*
 * Write a dirty inactive page and what clusters with it.
 *
 * => object and page queues locked on entry and exit, unlocked in between
 * => *deadp: the object died of it, and is unlocked
 * => the page to look at next
 */
static struct vm_page *
pd_clean(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    bool *deadp)
{
	struct uvmexp *const exp = EXP(uvm);
	const uint16_t version = page_rare(uvm, pg)->version;
	struct uvm_pcluster pc;
	struct vm_page *next;
	int result;

	pg->flags |= PG_BUSY;
	pmap_page_protect(uvm, pg, UVM_MAP_READ);
	exp->pgswapout++;
	exp->pdpageouts++;
	result = uvm_pager_put(uvm, uobj, pg, &pc,
	    PGO_ALLPAGES | PGO_PDFREECLUST, 0, 0);
	if (result == VM_PAGER_PEND) {
		/* aiodone does the rest; pg may be anyone's by now. */
		exp->pdpending++;
		OBJ_LOCK(uvm, uobj);
		uvm_lock_pageq(uvm);
		return link_page(uvm,
		    shared_get(&page_rare(uvm, pg)->version) == version &&
			    (pg->pqflags & PQ_INACTIVE) ?
			pg->pageq_next :
			uvm->mem.pm_inactive.pl_head);
	}
	uvm_page_unbusy(uvm, pg);
	if (result == VM_PAGER_OK) {
		uvm_page_cleaned(uvm, pg);
		uvm_pageout_progress(uvm);
	}
	if (pg->flags & PG_RELEASED) {
		if (result == VM_PAGER_ERROR)
			uvm_page_lost(uvm, pg);
		/* The write's own uncache ends an object that persists. */
		*deadp = !uobj->pgops->pgo_releasepg(uvm, pg, &next);
		if (*deadp)
			uvn_relkilled(uvm, (struct uvm_vnode *)uobj);
		return next;
	}
	uvm_lock_pageq(uvm);
	next = link_page(uvm, pg->pageq_next);
	pmap_clear_reference(uvm, pg);
	if (result == VM_PAGER_OK) {
		/* Clean, and still where it was: a later pass frees it. */
		pmap_clear_modify(uvm, pg);
		pg->flags |= PG_CLEAN;
	} else if (result != VM_PAGER_AGAIN) {
		uvm_pageactivate(uvm, pg);
	}
	return next;
}

/*
 * One inactive page: free it if clean, write it if dirty.
 *
 * => page queues locked; the page to look at next
 */
static struct vm_page *
pd_inactive_page(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const exp = EXP(uvm);
	struct uvm_object *const uobj = page_object(uvm, pg);
	struct vm_page *next = link_page(uvm, pg->pageq_next);
	bool dead = false;

	exp->pdscans++;
	if (!simple_lock_try(&SELF(uvm)->ls, &uobj->vmobjlock)) {
		pd_passed(uvm);
		return next;
	}
	if (pmap_is_referenced(uvm, pg)) {
		uvm_pageactivate(uvm, pg);
		exp->pdreact++;
	} else if (pg->flags & PG_BUSY) {
		exp->pdbusy++;
	} else {
		exp->pdobscan++;
		if (pg->flags & PG_CLEAN) {
			pmap_page_protect(uvm, pg, 0);
			uvm_pagefree(uvm, pg);
			exp->pdfreed++;
			uvm_pageout_progress(uvm);
		} else if (shared_get(&LEVELS(uvm)->free) +
			shared_get(&uvm->paging) <=
		    uvm->up.freetarg) {
			next = pd_clean(uvm, uobj, pg, &dead);
		}
	}
	if (!dead)
		OBJ_UNLOCK(uvm, uobj);
	return next;
}

#ifndef UVM_MP

/*
 * Move n pages, first to last, from one queue to the end of another.  They
 * stand behind each other, and stay linked as they are: only where the run
 * begins and ends there are other neighbours.
 *
 * => their queue flags are those of the other queue
 */
static void
pglist_move(struct uvm *uvm, struct pglist *from, struct pglist *to,
    uint32_t first, uint32_t last, uint64_t n)
{
	struct vm_page *const frames = uvm->mem.pm_frame;
	const uint32_t prev = link_at(frames, first)->pageq_prev;
	const uint32_t next = link_at(frames, last)->pageq_next;

	/* Pages that left between the head and the scout were not counted. */
	if (link_at(frames, from->pl_scout)->pqflags ==
	    link_at(frames, first)->pqflags)
		scout_set(from, next, 0);
	if (next != 0)
		link_at(frames, next)->pageq_prev = prev;
	else
		from->pl_tail = prev;
	if (prev != 0) {
		link_at(frames, prev)->pageq_next = next;
	} else {
		from->pl_head = next;
		scout_headed(from, n);
	}

	link_at(frames, first)->pageq_prev = to->pl_tail;
	link_at(frames, last)->pageq_next = 0;
	if (to->pl_tail != 0)
		link_at(frames, to->pl_tail)->pageq_next = first;
	else
		to->pl_head = first;
	to->pl_tail = last;
}

/* The object of the page looked at last: most are of the same. */
struct known {
	uint32_t kn_num;
	struct uvm_object *kn_uobj;
};

static inline struct uvm_object *
known_object(const struct uvm *uvm, const struct vm_page *pg, struct known *kn)
{

	if (unlikely(page_uobject(pg) != kn->kn_num)) {
		kn->kn_num = page_uobject(pg);
		kn->kn_uobj = page_object(uvm, pg);
	}
	return kn->kn_uobj;
}

/* Flags of an inactive page that decide what becomes of it. */
#define PD_FLAGS                                                               \
	(PG_CLEAN | PG_BUSY | PG_WANTED | PG_RELEASED | PG_TABLED |            \
	    PG_COUNTED | PG_AHEAD | PA_REF)

/*
 * Free pages from pg on, as pd_inactive_page() would: those that are clean, not
 * mapped, and nobody's business.
 *
 * => the first that is not one of them, or that is not needed any more, or NULL
 */
static struct vm_page *
pd_free_run(struct uvm *uvm, struct vm_page *pg)
{
	struct vm_page *const frames = uvm->mem.pm_frame;
	struct uvmexp *const exp = EXP(uvm), *const lv = LEVELS(uvm);
	const uint64_t most = uvm->up.freetarg - lv->free;
	const uint32_t first = page_link(uvm, pg);
	uint32_t link = first, last = 0;
	const uint32_t care = page_state(PD_FLAGS, 0, UINT8_MAX);
	const uint32_t common = page_state(PG_CLEAN | PG_TABLED, 0, 0);
	const uint32_t keep = page_state(UINT16_MAX & ~PG_TABLED, 0, 0);
	const uint32_t becomes = page_state(0, PQ_FREE, 0);
	/* Only a flush remembers a page, by its version, while others free. */
	const bool remembered = SELF(uvm)->traversals != 0;
	struct known kn = { 0, NULL };
	uint64_t n;

	if (uvm->obs.uo_freed != NULL)
		return pg;
	for (n = 0; link != 0 && n < most; n++) {
		struct uvm_object *uobj;

		pg = link_at(frames, link);
		if ((pg->state & care) != common)
			break;
		uobj = known_object(uvm, pg, &kn);
		hash_unlink(uvm, uobj, pg, link);
		memq_unlink(uvm, uobj, pg);
		resident_clear(uobj, page_pgno(pg));
		page_disown(uvm, pg, remembered);
		pg->state = (pg->state & keep) | becomes;
		last = link;
		link = pg->pageq_next;
	}
	if (n != 0) {
		pglist_move(uvm, &uvm->mem.pm_inactive, &uvm->mem.pm_free,
		    first, last, n);
		lv->inactive -= n;
		lv->free += n;
		exp->pdscans += n;
		exp->pdobscan += n;
		exp->pdfreed += n;
		uvm_pageout_progress(uvm);
	}
	return link_page(uvm, link);
}

/*
 * Take the only mapping of a page from it, if it is the object's first map.
 *
 * => *statep: that of the page, but for nmaps, is to become it
 */
static inline bool
pd_unmap(const struct uvm_object *uobj, const struct vm_page *pg,
    uint32_t *statep)
{
	const struct vm_map *const map = uobj->uo_maps;
	const uint64_t idx = page_pgno(pg) - map->vm_hot.um_first;
	uint8_t *pte, was;

	if (unlikely(idx >= map->vm_hot.um_npages))
		return false;
	pte = &map->vm_hot.um_pte[idx];
	was = *pte;
	if (unlikely((was & (PTE_R | PTE_ANON)) != PTE_R))
		return false;
	*pte = 0;
	*statep |= page_state(PA_MOD, 0, 0) & -(uint32_t)((was & PTE_MOD) != 0);
	return true;
}

/*
 * Deactivate the pages from *framep on, most at most, up to one that is busy.
 *
 * => *framep: the one after them; returns how many they were
 */
static uint64_t
pd_deactivate_run(struct uvm *uvm, uint64_t most, uint32_t *framep)
{
	struct vm_page *const frames = uvm->mem.pm_frame;
	const uint32_t first = *framep;
	const uint32_t keep = page_state(UINT16_MAX & ~PA_REF, 0, 0);
	const uint32_t becomes = page_state(0, PQ_INACTIVE, 0);
	const uint32_t modified = page_state(PA_MOD, 0, 0);
	const uint32_t clean = page_state(PG_CLEAN, 0, 0);
	uint32_t link = first, last = 0, state;
	struct known kn = { 0, NULL };
	uint64_t n;

	for (n = 0; link != 0 && n < most; n++) {
		struct vm_page *const pg = link_at(frames, link);

		if (unlikely(pg->flags & PG_BUSY))
			break;
		state = pg->state;
		if (unlikely(pg->nmaps != 1) ||
		    unlikely(
			!pd_unmap(known_object(uvm, pg, &kn), pg, &state))) {
			if (pg->nmaps != 0)
				pmap_page_protect(uvm, pg, 0);
			state = pg->state;
		}
		state = (state & keep) | becomes;
		/* No branch: nothing foresees which pages were written to. */
		pg->state =
		    state & ~(clean & -(uint32_t)((state & modified) != 0));
		last = link;
		link = pg->pageq_next;
	}
	if (n != 0)
		pglist_move(uvm, &uvm->mem.pm_active, &uvm->mem.pm_inactive,
		    first, last, n);
	*framep = link;
	return n;
}

/* Make up the inactive shortage from the active queue. => queues locked */
static void
pd_deactivate(struct uvm *uvm, uint64_t shortage)
{
	struct uvmexp *const lv = LEVELS(uvm);
	uint32_t link = uvm->mem.pm_active.pl_head;
	uint64_t n = 0;

	for (;;) {
		n += pd_deactivate_run(uvm, shortage - n, &link);
		if (link == 0 || n == shortage)
			break;
		link = link_at(uvm->mem.pm_frame, link)->pageq_next;
	}
	if (n == 0)
		return;
	lv->active -= n;
	lv->inactive += n;
	EXP(uvm)->pddeact += n;
	/* All pages once; after that they only go round. */
	if (uvm->shuffled < uvm->mem.pm_npages)
		uvm->idleturns = 0;
	uvm->shuffled += n;
}

#else

/* The free list, queues and objects have locks, and each page is taken alone. */
static inline struct vm_page *
pd_free_run(const struct uvm *uvm, struct vm_page *pg)
{

	(void)uvm;
	return pg;
}

/* Make up the inactive shortage from the active queue. => queues locked */
static void
pd_deactivate(struct uvm *uvm, uint64_t shortage)
{
	struct vm_page *pg, *next;

	for (pg = link_page(uvm, uvm->mem.pm_active.pl_head);
	     pg != NULL && shortage != 0; pg = next) {
		struct simplelock *const l = &page_object(uvm, pg)->vmobjlock;

		next = link_page(uvm, pg->pageq_next);
		if (!simple_lock_try(&SELF(uvm)->ls, l)) {
			pd_passed(uvm);
			continue;
		}
		if ((pg->flags & PG_BUSY) == 0) {
			pmap_page_protect(uvm, pg, 0);
			uvm_pagedeactivate(uvm, pg);
			EXP(uvm)->pddeact++;
			/* All pages once; after that they only go round. */
			if (shared_get(&uvm->shuffled) < uvm->mem.pm_npages)
				shared_set(&uvm->idleturns, 0);
			shared_add(&uvm->shuffled, 1);
			shortage--;
		}
		simple_unlock(&SELF(uvm)->ls, l);
	}
}

#endif

/* The free loop: spec section 5.5. => page queues locked */
static void
pd_scan_inactive(struct uvm *uvm)
{
	struct vm_page *pg = link_page(uvm, uvm->mem.pm_inactive.pl_head);

	while (pg != NULL &&
	    shared_get(&LEVELS(uvm)->free) < uvm->up.freetarg &&
	    FAILED(uvm) == 0) {
		pg = pd_free_run(uvm, pg);
		if (pg == NULL ||
		    shared_get(&LEVELS(uvm)->free) >= uvm->up.freetarg)
			break;
		pg = pd_inactive_page(uvm, pg);
		if (pg != NULL && (pg->pqflags & PQ_INACTIVE) == 0) {
			UVMHIST(uvm, "successor left the queue: from its head",
			    0, 0, 0, 0);
			pg = link_page(uvm, uvm->mem.pm_inactive.pl_head);
		}
	}
}

/* The inactive shortage: spec section 5.4. => page queues locked */
static void
pd_scan_active(struct uvm *uvm, bool freed)
{
	const uint64_t inactive = shared_get(&LEVELS(uvm)->inactive);

	if (uvm->inactarg > inactive)
		pd_deactivate(uvm, uvm->inactarg - inactive);
	else if (!freed)
		pd_deactivate(uvm, 1);
}

/* A turn begins. => false: there is nothing to do */
static bool
pd_begin(struct uvm *uvm)
{
	struct uvmexp *const exp = EXP(uvm), *const lv = LEVELS(uvm);
	const uint64_t share = uvm->up.inactive;
	uint64_t inactarg;

	exp->pdwoke++;
	shared_add(&uvm->idleturns, 1);
	inactarg = (shared_get(&lv->active) + shared_get(&lv->inactive)) *
	    RATIO_NUM(share) / RATIO_DEN(share);
	if (inactarg <= uvm->up.freetarg)
		inactarg = uvm->up.freetarg + 1;
	shared_set(&uvm->inactarg, inactarg);
	UVMHIST(uvm, "free %u of %u, inactive %u of %u", lv->free,
	    uvm->up.freetarg, lv->inactive, inactarg);
	if (shared_get(&lv->free) >= uvm->up.freetarg &&
	    shared_get(&lv->inactive) >= inactarg)
		return false;
	exp->pdrevs++;
	uvm->turnfreed = exp->pdfreed;
	return true;
}

void
uvm_pageout_turn(struct uvm *uvm)
{

	KASSERT(!SELF(uvm)->indaemon);
	SELF(uvm)->indaemon = true;
	if (!CONCURRENT(uvm) && uvm_aio_flying(uvm))
		(void)uvm_aio_collect(uvm, false);
	shared_and(&uvm->hot.uh_due, (uint8_t)~UVM_DUE_DAEMON);
	if (uvm->midturn || pd_begin(uvm)) {
		uvm->midturn = false;
		uvm_lock_pageq(uvm);
		pd_scan_inactive(uvm);
		pd_scan_active(uvm, EXP(uvm)->pdfreed != uvm->turnfreed);
		uvm_unlock_pageq(uvm);
	}
	uvm_aio_submit(uvm);
	SELF(uvm)->indaemon = false;
}

#ifndef UVM_MP

bool
uvm_pageout_clean(struct uvm *uvm)
{
	struct uvmexp *const lv = LEVELS(uvm);
	struct vm_page *pg = link_page(uvm, uvm->mem.pm_inactive.pl_head);

	if (uvm->hot.uh_due != UVM_DUE_DAEMON ||
	    uvm->up.daemon_rule != DAEMON_EVENT)
		return false;
	if (pd_begin(uvm)) {
		if (lv->free < uvm->up.freetarg && pg != NULL)
			pg = pd_free_run(uvm, pg);
		uvm->midturn = lv->free < uvm->up.freetarg && pg != NULL;
		if (uvm->midturn)
			return false;
		pd_scan_active(uvm, EXP(uvm)->pdfreed != uvm->turnfreed);
	}
	uvm->hot.uh_due = 0;
	uvm->hot.uh_lost++;
	return true;
}

#endif

void
uvm_event_end_slow(struct uvm *uvm)
{

	if (FAILED(uvm) != 0)
		return;
#ifndef UVM_MP
	uvm->hot.uh_lost++;
#endif
	if (shared_get(&uvm->hot.uh_due) & UVM_DUE_AIO) {
		if (!CONCURRENT(uvm))
			(void)uvm_aio_collect(uvm, false);
		uvm_aio_rele(uvm);
	}
	if (CONCURRENT(uvm))
		return;
	if ((uvm->hot.uh_due & UVM_DUE_DAEMON) &&
	    uvm->up.daemon_rule != DAEMON_WAIT)
		uvm_pageout_turn(uvm);
}

bool
uvm_poll(struct uvm *uvm)
{

	if (FAILED(uvm) != 0 || CONCURRENT(uvm) ||
	    (uvm->hot.uh_due & UVM_DUE_AIO) == 0)
		return false;
	(void)uvm_aio_collect(uvm, false);
	uvm_aio_rele(uvm);
	return uvm_aio_flying(uvm);
}
