/*
 * uvm_pdaemon.c: the page daemon; spec section 5, after uvm_pdaemon.c 1.12.
 */
#include <errno.h>
#include <inttypes.h>

#include "pager/uvm_i.h"

void
uvm_pageout_wake(struct uvm *uvm)
{

	uvm->hot.uh_due |= UVM_DUE_DAEMON;
}

void
uvm_pageout_progress(struct uvm *uvm)
{

	uvm->idleturns = 0;
	uvm->shuffled = 0;
}

int
uvm_wait(struct uvm *uvm)
{

	uvm_may_sleep(uvm);
	EXP(uvm)->memory_waits++;
	if (uvm->failed != 0)
		return uvm->failed;
	if (uvm->indaemon)
		return uvm_fail(uvm, EDEADLK,
		    "the page daemon waits for "
		    "memory itself; give it more");
	uvm_waiting(uvm, UVM_WAIT_MEMORY, uvm_clock(uvm));
	uvm_pageout_wake(uvm);
	uvm_pageout_turn(uvm);
	/* What would be freed may be under way. */
	if (EXP(uvm)->free <= uvm->up.reserve_kernel &&
	    uvm->aio.ai_flying != 0 && uvm_aio_collect(uvm, true) != 0)
		uvm->idleturns = 0;
	uvm_waited(uvm, uvm_clock(uvm));
	if (uvm->idleturns >= uvm->up.daemon_limit)
		return uvm_fail(uvm, EDEADLK,
		    "out of memory: %" PRIu64
		    " turns of the page daemon freed nothing with %" PRIu64
		    " pages free, %" PRIu64 " active, %" PRIu64
		    " inactive; give it more memory",
		    uvm->idleturns, EXP(uvm)->free, EXP(uvm)->active,
		    EXP(uvm)->inactive);
	return uvm->failed;
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
		    pg->version == version && (pg->pqflags & PQ_INACTIVE) ?
			pg->pageq_next :
			uvm->mem.pm_inactive.pl_head);
	}
	uvm_page_unbusy(uvm, pg);
	if (result == VM_PAGER_OK) {
		uvm_page_cleaned(uvm, pg);
		uvm_pageout_progress(uvm);
	}
	if (pg->flags & PG_RELEASED) {
		/* The write's own uncache ends an object that persists. */
		*deadp = !uobj->pgops->pgo_releasepg(uvm, pg, &next);
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
	if (pmap_is_referenced(uvm, pg)) {
		uvm_pageactivate(uvm, pg);
		exp->pdreact++;
		return next;
	}
	if (!simple_lock_try(&uvm->ls, &uobj->vmobjlock))
		return next;
	if (pg->flags & PG_BUSY) {
		exp->pdbusy++;
	} else {
		exp->pdobscan++;
		if (pg->flags & PG_CLEAN) {
			pmap_page_protect(uvm, pg, 0);
			uvm_pagefree(uvm, pg);
			exp->pdfreed++;
			uvm_pageout_progress(uvm);
		} else if (exp->free + uvm->paging <= uvm->up.freetarg) {
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

	while (pg != NULL && EXP(uvm)->free < uvm->up.freetarg) {
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
	struct uvmexp *const exp = EXP(uvm);
	struct vm_page *pg, *next;
	uint64_t shortage;

	if (uvm->inactarg > exp->inactive)
		shortage = uvm->inactarg - exp->inactive;
	else
		shortage = freed ? 0 : 1;
	for (pg = frame_page(uvm, uvm->mem.pm_active.pl_head);
	     pg != NULL && shortage != 0; pg = next) {
		next = frame_page(uvm, pg->pageq_next);
		if (pg->flags & PG_BUSY)
			continue;
		pmap_page_protect(uvm, pg, 0);
		uvm_pagedeactivate(uvm, pg);
		exp->pddeact++;
		/* All pages once; after that they only go round. */
		if (uvm->shuffled++ < uvm->mem.pm_npages)
			uvm->idleturns = 0;
		shortage--;
	}
}

void
uvm_pageout_turn(struct uvm *uvm)
{
	struct uvmexp *const exp = EXP(uvm);
	const uint64_t share = uvm->up.inactive;
	uint64_t freed;

	KASSERT(!uvm->indaemon);
	uvm->indaemon = true;
	(void)uvm_aio_collect(uvm, false);
	uvm->hot.uh_due &= (uint8_t)~UVM_DUE_DAEMON;
	exp->pdwoke++;
	uvm->idleturns++;
	uvm->inactarg =
	    (exp->active + exp->inactive) * RATIO_NUM(share) / RATIO_DEN(share);
	if (uvm->inactarg <= uvm->up.freetarg)
		uvm->inactarg = uvm->up.freetarg + 1;
	UVMHIST(uvm, "free %u of %u, inactive %u of %u", exp->free,
	    uvm->up.freetarg, exp->inactive, uvm->inactarg);

	if (exp->free < uvm->up.freetarg || exp->inactive < uvm->inactarg) {
		exp->pdrevs++;
		freed = exp->pdfreed;
		uvm_lock_pageq(uvm);
		pd_scan_inactive(uvm);
		pd_scan_active(uvm, exp->pdfreed != freed);
		uvm_unlock_pageq(uvm);
	}
	uvm_aio_submit(uvm);
	uvm->indaemon = false;
	uvm_wakeup(uvm, &exp->free);
}

void
uvm_event_end_slow(struct uvm *uvm)
{

	if (uvm->failed != 0)
		return;
	if (uvm->hot.uh_due & UVM_DUE_AIO) {
		(void)uvm_aio_collect(uvm, false);
		uvm_aio_rele(uvm);
	}
	if ((uvm->hot.uh_due & UVM_DUE_DAEMON) &&
	    uvm->up.daemon_rule != DAEMON_WAIT)
		uvm_pageout_turn(uvm);
}

bool
uvm_poll(struct uvm *uvm)
{

	if (uvm->failed != 0 || (uvm->hot.uh_due & UVM_DUE_AIO) == 0)
		return false;
	(void)uvm_aio_collect(uvm, false);
	uvm_aio_rele(uvm);
	return uvm->aio.ai_flying != 0;
}
