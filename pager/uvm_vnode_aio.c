/*
 * uvm_vnode_aio.c: the vnode pager's asynchronous side: what becomes of pages
 * whose I/O is over, and reading ahead; spec sections 3.7 and 3.12.
 *
 * The protocol of BUSY, WANTED, RELEASED, IOSYNC and u_nio between whoever
 * starts an I/O, aiodone and all who wait is modelled in tests/spin/.
 */
#include "pager/uvm_i.h"

/*
 * A page was written, or not: clean, or as dirty as it was.
 *
 * => object locked; the page is not BUSY any more
 */
static void
aio_written(struct uvm *uvm, const struct uvm_aiodesc *ad, struct vm_page *pg,
    int error)
{

	if (error != 0) {
		if (ad->ad_kind == AIO_DAEMON || FIXED(uvm, q1_error_clean)) {
			/* Not at the head of the queue again at once. */
			uvm_lock_pageq(uvm);
			if (pg->pqflags & PQ_INACTIVE)
				uvm_pageactivate(uvm, pg);
			uvm_unlock_pageq(uvm);
			return;
		}
		uvm_page_lost(uvm, pg);
	}
	pmap_clear_reference(uvm, pg);
	pmap_clear_modify(uvm, pg);
	pg->flags |= PG_CLEAN;
	uvm_page_cleaned(uvm, pg);
}

/*
 * A page was read: it has contents now and waits to be faulted.  An object
 * that persists has its pages on the inactive queue.
 *
 * => object locked; the page is not BUSY any more
 */
static void
aio_read(struct uvm *uvm, struct vm_page *pg)
{

	pg->flags &= (uint16_t)~PG_FAKE;
	pmap_clear_modify(uvm, pg);
	uvm_lock_pageq(uvm);
	if (page_object(uvm, pg)->uo_refs != 0)
		uvm_pageactivate(uvm, pg);
	else
		uvm_pagedeactivate(uvm, pg);
	uvm_unlock_pageq(uvm);
}

/*
 * One page of a finished request.
 *
 * => object locked, on exit too unless it died
 * => false: it died
 */
static bool
aio_page(struct uvm *uvm, const struct uvm_aiodesc *ad, struct vm_page *pg,
    int error)
{

	uvm_page_unbusy(uvm, pg);
	/* A page that got no contents is of no use to anyone. */
	if (error != 0 && ad->ad_kind == AIO_GET)
		pg->flags |= PG_RELEASED;
	if (pg->flags & PG_RELEASED) {
		EXP(uvm)->aio_released++;
		if (ad->ad_kind != AIO_GET && error == 0)
			uvm_page_cleaned(uvm, pg);
		else if (ad->ad_kind != AIO_GET)
			uvm_page_lost(uvm, pg);
		return uvn_releasepg(uvm, pg, NULL);
	}
	if (ad->ad_kind == AIO_GET)
		aio_read(uvm, pg);
	else
		aio_written(uvm, ad, pg, error);
	return true;
}

void
uvn_aiodone(struct uvm *uvm, struct uvm_aiodesc *ad)
{
	struct uvm_vnode *const uvn = ad->ad_uvn;
	struct uvm_object *const uobj = &uvn->u_obj;
	const unsigned npages = ad->ad_buf.b_npages;
	const int error = uvn_io_finish(uvm, &ad->ad_buf);
	bool alive = true, idle;
	unsigned i;

	EXP(uvm)->aiodones++;
	UVMHIST(uvm, "object %u page %u, %u pages: error %u", uobj->uo_num,
	    page_pgno(ad->ad_page[0]), npages, error);
	uvm_pagermapout(uvm, npages);
	OBJ_LOCK(uvm, uobj);
	if (error != 0 && ad->ad_kind != AIO_GET)
		uvn->u_error = error;
	idle = --uvn->u_nio == 0;
	for (i = 0; i < npages; i++) {
		KASSERT(alive);
		alive = aio_page(uvm, ad, ad->ad_page[i], error);
	}
	if (!alive) {
		/* q8: 1998 would have kept the vnode's reference for ever. */
		EXP(uvm)->relkills++;
		uvm_aio_rele_later(uvm, UVNTOV(uvn));
	} else {
		OBJ_UNLOCK(uvm, uobj);
	}
	/* Who drains the object finds its pages gone: q10. */
	if (idle)
		uvm_wakeup(uvm, &uvn->u_nio);
	if (ad->ad_kind == AIO_DAEMON) {
		if (error == 0)
			uvm_pageout_progress(uvm);
		uvm_pageout_wake(uvm);
	}
	uvm_aio_put(uvm, ad);
}

/*
 * Pages from pgno on that one read can bring in: absent, before end, within a
 * cluster, and to be had without waiting.
 *
 * => object locked; how many there are, in pps
 */
static unsigned
asyncget_pages(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    uint64_t end, struct vm_page **pps)
{
	unsigned n = 0;

	while (n < uvm->slots && pgno + n < end) {
		if (uvm_pagelookup(uvm, uobj, pgno + n) != NULL)
			break;
		if (shared_get(&LEVELS(uvm)->free) <= uvm->up.freemin) {
			uvm_pageout_wake(uvm);
			break;
		}
		pps[n] = uvm_pagealloc(uvm, uobj, pgno + n);
		if (pps[n] == NULL)
			break;
		pps[n++]->flags |= PG_AHEAD;
	}
	return n;
}

/* Give back pages that got no I/O. => object locked */
static void
asyncget_undo(struct uvm *uvm, struct vm_page **pps, unsigned n)
{

	while (n-- > 0) {
		pps[n]->flags &= (uint16_t)~PG_AHEAD;
		uvm_page_unbusy(uvm, pps[n]);
		uvm_lock_pageq(uvm);
		uvm_pagefree(uvm, pps[n]);
		uvm_unlock_pageq(uvm);
	}
}

unsigned
uvn_asyncget(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    unsigned npages)
{
	struct uvm_vnode *const uvn = (struct uvm_vnode *)uobj;
	const uint64_t size = pages_round(uvm, uvn->u_size);
	const uint64_t end = pgno + npages < size ? pgno + npages : size;
	struct vm_page **const pps = SELF(uvm)->readbuf;
	uint64_t at = pgno;

	LOCK_HELD(&uobj->vmobjlock);
	UVMHIST(uvm, "object %u page %u, %u pages", uobj->uo_num, pgno, npages,
	    0);
	if (!uvm->aio.ai_on)
		return 0;
	while (at < end) {
		const unsigned n = asyncget_pages(uvm, uobj, at, end, pps);
		int result;

		if (n == 0) {
			if (uvm_pagepeek(uvm, uobj, at) == NULL)
				break; /* memory is low */
			at++;
			continue;
		}
		result = uvn_io(uvm, uvn, pps, n, 0, UVM_READ);
		if (result != VM_PAGER_AGAIN)
			OBJ_LOCK(uvm, uobj);
		if (result != VM_PAGER_PEND) {
			asyncget_undo(uvm, pps, n);
			break;
		}
		EXP(uvm)->readahead_ios++;
		EXP(uvm)->readahead_pages += n;
		at += n;
	}
	uvm_aio_submit(uvm);
	return (unsigned)(at - pgno);
}
