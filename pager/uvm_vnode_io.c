/*
 * uvm_vnode_io.c: pages to and from the file; spec sections 3.6, 3.8, 3.10.
 */
#include <errno.h>
#include <string.h>

#include "pager/uvm_i.h"

/*
 * The locked get: lend what is resident and idle, without sleeping or I/O.
 *
 * => object locked on entry and exit
 */
static int
uvn_get_locked(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    struct vm_page **pps, unsigned *npagesp, unsigned centeridx, unsigned flags)
{
	unsigned i, got = 0;
	bool done = true;

	for (i = 0; i < *npagesp; i++) {
		struct vm_page *pg;

		if (pps[i] == PGO_DONTCARE)
			continue;
		pg = uvm_pagelookup(uvm, uobj, pgno + i);
		if (pg == NULL || (pg->flags & (PG_BUSY | PG_RELEASED))) {
			if (i == centeridx || (flags & PGO_ALLPAGES))
				done = false;
			continue;
		}
		pg->flags |= PG_BUSY;
		pps[i] = pg;
		got++;
	}
	*npagesp = got;
	return done ? VM_PAGER_OK : VM_PAGER_UNLOCK;
}

/*
 * Find the page or make room for it, waiting as it takes.
 *
 * => object locked on entry and exit
 * => *freshp: it was allocated just now, and has no contents
 * => NULL: the machine failed
 */
static struct vm_page *
uvn_getpage(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    bool *freshp)
{
	struct vm_page *pg;
	bool awake;

	for (;;) {
		pg = uvm_pagelookup(uvm, uobj, pgno);
		*freshp = pg == NULL;
		if (pg == NULL) {
			pg = uvm_pagealloc(uvm, uobj, pgno);
			if (pg != NULL)
				return pg;
			OBJ_UNLOCK(uvm, uobj);
			awake = uvm_wait(uvm) == 0;
		} else if (pg->flags & (PG_BUSY | PG_RELEASED)) {
			pg->flags |= PG_WANTED;
			OBJ_UNLOCK(uvm, uobj);
			awake = uvm_sleep(uvm, pg, "a busy page");
		} else {
			pg->flags |= PG_BUSY;
			return pg;
		}
		OBJ_LOCK(uvm, uobj);
		if (!awake)
			return NULL;
	}
}

/*
 * q4 fixed: pages after pg that one I/O can bring along: absent, before the
 * end of the file, within a cluster, and to be had without waiting.
 *
 * => object locked; pps[0] is pg; returns how many pages there are in all
 */
static unsigned
uvn_get_cluster(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    struct vm_page **pps)
{
	const struct uvm_vnode *const uvn = (struct uvm_vnode *)uobj;
	const uint64_t end = pages_round(uvm, uvn->u_size);
	unsigned n = 1;

	pps[0] = pg;
	while (n < uvm->slots && pg->pgno + n < end &&
	    EXP(uvm)->free > uvm->up.freemin &&
	    uvm_pagelookup(uvm, uobj, pg->pgno + n) == NULL) {
		pps[n] = uvm_pagealloc(uvm, uobj, pg->pgno + n);
		if (pps[n] == NULL)
			break;
		n++;
	}
	return n;
}

/* Give back a page that got no contents. => object locked */
static void
uvn_get_undo(struct uvm *uvm, struct vm_page *pg)
{

	uvm_page_unbusy(uvm, pg);
	uvm_lock_pageq(uvm);
	uvm_pagefree(uvm, pg);
	uvm_unlock_pageq(uvm);
}

/*
 * Fill the fresh page pg, and under q4 fixed some after it.
 *
 * => object locked on entry and exit
 * => a VM_PAGER_ code; pg is freed unless it is OK
 */
static int
uvn_pagein(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg)
{
	struct vm_page *one = pg, **pps = &one;
	unsigned i, n = 1;
	int result;

	if (FIXED(uvm, q4_single_read)) {
		pps = uvm->readbuf;
		n = uvn_get_cluster(uvm, uobj, pg, pps);
	}
	result =
	    uvn_io(uvm, (struct uvm_vnode *)uobj, pps, n, PGO_SYNCIO, UVM_READ);
	OBJ_LOCK(uvm, uobj);
	for (i = n; i-- > 0;) {
		if (result != VM_PAGER_OK) {
			uvn_get_undo(uvm, pps[i]);
			continue;
		}
		pps[i]->flags &= (uint16_t)~PG_FAKE;
		pmap_clear_modify(uvm, pps[i]);
	}
	for (i = 1; i < n && result == VM_PAGER_OK; i++) {
		uvm_lock_pageq(uvm);
		uvm_pageactivate(uvm, pps[i]);
		uvm_unlock_pageq(uvm);
		uvm_page_unbusy(uvm, pps[i]);
	}
	return result;
}

/*
 * q9 fixed: a get of several pages failed; un-busy those it had.
 *
 * => object locked
 */
static void
uvn_get_release(struct uvm *uvm, struct vm_page **pps, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (pps[i] == NULL || pps[i] == PGO_DONTCARE)
			continue;
		uvm_lock_pageq(uvm);
		uvm_pageactivate(uvm, pps[i]);
		uvm_unlock_pageq(uvm);
		uvm_page_unbusy(uvm, pps[i]);
		pps[i] = NULL;
	}
}

int
uvn_get(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    struct vm_page **pps, unsigned *npagesp, unsigned centeridx, unsigned flags)
{
	unsigned i;
	int result = VM_PAGER_OK;

	LOCK_HELD(&uobj->vmobjlock);
	if (flags & PGO_LOCKED)
		return uvn_get_locked(uvm, uobj, pgno, pps, npagesp, centeridx,
		    flags);

	for (i = 0; i < *npagesp && result == VM_PAGER_OK; i++) {
		struct vm_page *pg;
		bool fresh;

		if (pps[i] != NULL ||
		    (i != centeridx && (flags & PGO_ALLPAGES) == 0))
			continue;
		pg = uvn_getpage(uvm, uobj, pgno + i, &fresh);
		if (pg == NULL)
			result = VM_PAGER_ERROR;
		else if (fresh)
			result = uvn_pagein(uvm, uobj, pg);
		if (result == VM_PAGER_OK)
			pps[i] = pg;
		else if (FIXED(uvm, q9_get_error_busy))
			uvn_get_release(uvm, pps, i);
	}
	OBJ_UNLOCK(uvm, uobj);
	return result;
}

int
uvn_put(struct uvm *uvm, struct uvm_object *uobj, struct vm_page **pps,
    unsigned npages, unsigned flags)
{

	return uvn_io(uvm, (struct uvm_vnode *)uobj, pps, npages, flags,
	    UVM_WRITE);
}

/*
 * May an I/O start?  Waits out IOSYNC and reserves pager address space.
 *
 * => object locked on entry; on OK locked, else unlocked
 * => *mappedp: the address space is reserved; else it must be waited for
 */
static int
uvn_io_admit(struct uvm *uvm, struct uvm_vnode *uvn, uint64_t pgno,
    unsigned npages, bool wait, bool *mappedp)
{
	struct uvm_object *const uobj = &uvn->u_obj;

	while (uvn->u_flags & UVM_VNODE_IOSYNC) {
		if (!wait) {
			OBJ_UNLOCK(uvm, uobj);
			return VM_PAGER_AGAIN;
		}
		uvn->u_flags |= UVM_VNODE_IOSYNCWANTED;
		OBJ_UNLOCK(uvm, uobj);
		if (!uvm_sleep(uvm, &uvn->u_flags, "I/O held off by a flush"))
			return VM_PAGER_ERROR;
		OBJ_LOCK(uvm, uobj);
	}
	if (pgno << uvm->mem.pm_shift >= uvn->u_size) {
		UVMHIST(uvm, "object %u page %u: size check fired",
		    uobj->uo_num, pgno, 0, 0);
		OBJ_UNLOCK(uvm, uobj);
		return VM_PAGER_BAD;
	}
	*mappedp = uvm_pagermapin(uvm, npages, false);
	if (!*mappedp && !wait) {
		OBJ_UNLOCK(uvm, uobj);
		return VM_PAGER_AGAIN;
	}
	return VM_PAGER_OK;
}

/* Count an I/O that was handed to the backend. */
static void
uvn_io_count(struct uvm *uvm, const struct uvm_buf *b)
{
	struct uvmexp *const exp = EXP(uvm);

	if (b->b_io == UVM_READ) {
		exp->pagein_ios++;
		exp->pagein_pages += b->b_npages;
		exp->pagein_bytes += b->b_length;
		exp->pagein_errors += b->b_error != 0;
	} else {
		exp->pageout_ios++;
		exp->pageout_pages += b->b_npages;
		exp->pageout_bytes += b->b_length;
		exp->pageout_errors += b->b_error != 0;
	}
}

/*
 * Have the backend move the bytes.
 *
 * => nothing locked but, for writes by terminate, the vnode
 * => 0 or an errno
 */
static int
uvn_io_transfer(struct uvm *uvm, struct uvm_vnode *uvn, struct vm_page **pps,
    unsigned npages, enum uvm_io rw)
{
	struct vnode *const vp = UVNTOV(uvn);
	const uint64_t offset = pps[0]->pgno << uvm->mem.pm_shift;
	const uint64_t full = (uint64_t)npages << uvm->mem.pm_shift;
	const uint64_t left = uvn->u_size - offset;
	const bool islocked = (uvn->u_flags & UVM_VNODE_VNISLOCKED) != 0;
	struct uvm_buf b = {
		.b_io = rw,
		.b_file = vp->v_file,
		.b_offset = offset,
		.b_length = full < left ? full : left,
		.b_npages = npages,
		.b_pgsize = (uint32_t)uvm->up.page_size,
	};
	uint64_t began = 0;
	unsigned i;

	uvm_may_sleep(uvm);
	if (!islocked)
		vn_lock(uvm, vp);
	if (rw == UVM_WRITE)
		(void)uvm_vnp_uncache(uvm, vp);
	if (uvm->mem.pm_data != NULL) {
		for (i = 0; i < npages; i++)
			uvm->iobuf[i] = page_bytes(uvm, pps[i]);
		b.b_page = uvm->iobuf;
	}
	uvm->transferring = true;
	uvm_traverse_tell(uvm);
	if (uvm->obs.uo_clock != NULL)
		began = uvm->obs.uo_clock();
	b.b_error = uvm->be->be_io(uvm->becookie, &b);
	if (uvm->obs.uo_clock != NULL)
		uvm->io_time += uvm->obs.uo_clock() - began;
	uvm->transferring = false;
	uvm_traverse_tell(uvm);
	KASSERT(b.b_error != EINPROGRESS);
	if (!islocked)
		vn_unlock(uvm, vp);

	/* Nothing moved is an error; a short write passes for a whole one. */
	if (b.b_error == 0 && b.b_done == 0)
		b.b_error = EIO;
	uvn_io_count(uvm, &b);
	if (uvm->obs.uo_io != NULL)
		uvm->obs.uo_io(uvm->obs.uo_arg, &b);
	if (b.b_error == 0 && rw == UVM_READ && b.b_done > b.b_length)
		b.b_done = b.b_length;
	if (b.b_error == 0 && rw == UVM_READ && b.b_page != NULL) {
		/* What the file did not fill reads as zero. */
		for (i = 0; i < npages; i++) {
			const uint64_t at = (uint64_t)i << uvm->mem.pm_shift;
			const uint64_t in = b.b_done <= at ? 0 : b.b_done - at;

			if (in < uvm->up.page_size)
				(void)memset((uint8_t *)b.b_page[i] + in, 0,
				    (size_t)(uvm->up.page_size - in));
		}
	}
	return b.b_error;
}

int
uvn_io(struct uvm *uvm, struct uvm_vnode *uvn, struct vm_page **pps,
    unsigned npages, unsigned flags, enum uvm_io rw)
{
	struct uvm_object *const uobj = &uvn->u_obj;
	const bool wait = (flags & PGO_SYNCIO) != 0;
	bool mapped;
	int error = EDEADLK, result;

	LOCK_HELD(&uobj->vmobjlock);
	LOCK_FREE(&uvm->pageqlock);
	result = uvn_io_admit(uvm, uvn, pps[0]->pgno, npages, wait, &mapped);
	if (result != VM_PAGER_OK)
		return result;
	uvn->u_nio++;
	OBJ_UNLOCK(uvm, uobj);

	if (uvm->up.daemon_rule == DAEMON_IO && uvm->hot.uh_turn_due &&
	    !uvm->indaemon)
		uvm_pageout_turn(uvm);
	if (!mapped)
		mapped = uvm_pagermapin(uvm, npages, true);
	if (mapped) {
		error = uvn_io_transfer(uvm, uvn, pps, npages, rw);
		uvm_pagermapout(uvm, npages);
	}
	UVMHIST(uvm, "rw %u page %u, %u pages: error %u", rw, pps[0]->pgno,
	    npages, error);

	OBJ_LOCK(uvm, uobj);
	uvn->u_nio--;
	if ((uvn->u_flags & UVM_VNODE_IOSYNC) && uvn->u_nio == 0)
		uvm_wakeup(uvm, &uvn->u_nio);
	OBJ_UNLOCK(uvm, uobj);
	return error == 0 ? VM_PAGER_OK : VM_PAGER_ERROR;
}
