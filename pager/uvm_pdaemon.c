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

void
uvm_pageout_wake(struct uvm *uvm)
{

	uvm->hot.uh_due |= UVM_DUE_DAEMON;
}

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
	const uint16_t version = pg->version;
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
		return frame_page(uvm,
		    shared_get(&pg->version) == version &&
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
	next = frame_page(uvm, pg->pageq_next);
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
	struct vm_page *next = frame_page(uvm, pg->pageq_next);
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

/* The free loop: spec section 5.5. => page queues locked */
static void
pd_scan_inactive(struct uvm *uvm)
{
	struct vm_page *pg = frame_page(uvm, uvm->mem.pm_inactive.pl_head);

	while (pg != NULL &&
	    shared_get(&LEVELS(uvm)->free) < uvm->up.freetarg &&
	    FAILED(uvm) == 0) {
		pg = pd_inactive_page(uvm, pg);
		if (pg != NULL && (pg->pqflags & PQ_INACTIVE) == 0) {
			UVMHIST(uvm, "successor left the queue: from its head",
			    0, 0, 0, 0);
			pg = frame_page(uvm, uvm->mem.pm_inactive.pl_head);
		}
	}
}

/* Make up the inactive shortage from the active queue. => queues locked */
static void
pd_scan_active(struct uvm *uvm, bool freed)
{
	const uint64_t inactive = shared_get(&LEVELS(uvm)->inactive);
	struct vm_page *pg, *next;
	uint64_t shortage;

	if (uvm->inactarg > inactive)
		shortage = uvm->inactarg - inactive;
	else
		shortage = freed ? 0 : 1;
	for (pg = frame_page(uvm, uvm->mem.pm_active.pl_head);
	     pg != NULL && shortage != 0; pg = next) {
		struct simplelock *const l = &page_object(uvm, pg)->vmobjlock;
		bool locked;

		next = frame_page(uvm, pg->pageq_next);
		locked = mp_lock_try(&SELF(uvm)->ls, l);
		if (!locked) {
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
		mp_unlock(&SELF(uvm)->ls, l);
	}
}

void
uvm_pageout_turn(struct uvm *uvm)
{
	struct uvmexp *const exp = EXP(uvm), *const lv = LEVELS(uvm);
	const uint64_t share = uvm->up.inactive;
	uint64_t freed, inactarg;

	KASSERT(!SELF(uvm)->indaemon);
	SELF(uvm)->indaemon = true;
	if (!CONCURRENT(uvm) && uvm_aio_flying(uvm))
		(void)uvm_aio_collect(uvm, false);
	shared_and(&uvm->hot.uh_due, (uint8_t)~UVM_DUE_DAEMON);
	exp->pdwoke++;
	shared_add(&uvm->idleturns, 1);
	inactarg = (shared_get(&lv->active) + shared_get(&lv->inactive)) *
	    RATIO_NUM(share) / RATIO_DEN(share);
	if (inactarg <= uvm->up.freetarg)
		inactarg = uvm->up.freetarg + 1;
	shared_set(&uvm->inactarg, inactarg);
	UVMHIST(uvm, "free %u of %u, inactive %u of %u", lv->free,
	    uvm->up.freetarg, lv->inactive, inactarg);

	if (shared_get(&lv->free) < uvm->up.freetarg ||
	    shared_get(&lv->inactive) < inactarg) {
		exp->pdrevs++;
		freed = exp->pdfreed;
		uvm_lock_pageq(uvm);
		pd_scan_inactive(uvm);
		pd_scan_active(uvm, exp->pdfreed != freed);
		uvm_unlock_pageq(uvm);
	}
	uvm_aio_submit(uvm);
	SELF(uvm)->indaemon = false;
}

void
uvm_event_end_slow(struct uvm *uvm)
{

	if (FAILED(uvm) != 0)
		return;
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
