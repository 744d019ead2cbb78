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
	bool awake, late = false;

	for (;;) {
		pg = uvm_pagelookup(uvm, uobj, pgno);
		*freshp = pg == NULL;
		if (pg == NULL) {
			pg = uvm_pagealloc(uvm, uobj, pgno);
			if (pg != NULL)
				return pg;
			OBJ_UNLOCK(uvm, uobj);
			awake = uvm_wait(uvm) == 0;
			OBJ_LOCK(uvm, uobj);
		} else if (pg->flags & (PG_BUSY | PG_RELEASED)) {
			pg->flags |= PG_WANTED;
			/* It may wake up more than once before it is there. */
			if (!late && (pg->flags & PG_AHEAD)) {
				late = true;
				EXP(uvm)->readahead_late++;
			}
			awake = uvm_sleep(uvm, pg, UVM_WAIT_PAGE, "a busy page",
			    &uobj->vmobjlock);
		} else {
			pg->flags |= PG_BUSY;
			return pg;
		}
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
	while (n < uvm->slots && page_pgno(pg) + n < end &&
	    shared_get(&LEVELS(uvm)->free) > uvm->up.freemin &&
	    uvm_pagelookup(uvm, uobj, page_pgno(pg) + n) == NULL) {
		pps[n] = uvm_pagealloc(uvm, uobj, page_pgno(pg) + n);
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
		pps = SELF(uvm)->readbuf;
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
		uvm_page_unbusy(uvm, pps[i]);
		if (unlikely(pps[i]->flags & PG_RELEASED)) {
			/* pg itself keeps the object alive. */
			if (!uvn_releasepg(uvm, pps[i], NULL))
				KASSERT(false && "object died under a get");
			continue;
		}
		uvm_lock_pageq(uvm);
		uvm_pageactivate(uvm, pps[i]);
		uvm_unlock_pageq(uvm);
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

/* Does somebody hold off the object's I/O? => object locked */
static inline bool
uvn_held_off(const struct uvm_vnode *uvn)
{

#ifdef UVM_MP
	/* Who ends the object waits for its pages: those claimed before. */
	if (uvn->u_flags & UVM_VNODE_VNISLOCKED)
		return false;
	if (uvn->u_frozen)
		return true;
#endif
	return (uvn->u_flags & UVM_VNODE_IOSYNC) != 0;
}

/*
 * Wait until I/O is no longer held off.
 *
 * => object locked on entry; on OK and AGAIN, which is for who may not wait,
 *    locked, else unlocked
 */
static noinline int
uvn_io_hold(struct uvm *uvm, struct uvm_vnode *uvn, bool wait)
{
	struct uvm_object *const uobj = &uvn->u_obj;

	if (!wait)
		return VM_PAGER_AGAIN;
	while (uvn_held_off(uvn)) {
		uvn->u_flags |= UVM_VNODE_IOSYNCWANTED;
		if (!uvm_sleep(uvm, &uvn->u_flags, UVM_WAIT_PAGE,
			"I/O held off by a flush", &uobj->vmobjlock)) {
			OBJ_UNLOCK(uvm, uobj);
			return VM_PAGER_ERROR;
		}
	}
	return VM_PAGER_OK;
}

/*
 * May an I/O start?  Waits out IOSYNC and reserves pager address space.
 *
 * => object locked on entry; on OK and AGAIN locked, else unlocked
 * => *mappedp: the address space is reserved; else it must be waited for
 */
static inline int
uvn_io_admit(struct uvm *uvm, struct uvm_vnode *uvn, uint64_t pgno,
    unsigned npages, bool wait, bool *mappedp)
{
	struct uvm_object *const uobj = &uvn->u_obj;
	int result;

	if (unlikely(uvn_held_off(uvn)) &&
	    (result = uvn_io_hold(uvm, uvn, wait)) != VM_PAGER_OK)
		return result;
	if (pgno << uvm->mem.pm_shift >= uvn->u_size) {
		UVMHIST(uvm, "object %u page %u: size check fired",
		    uobj->uo_num, pgno, 0, 0);
		OBJ_UNLOCK(uvm, uobj);
		return VM_PAGER_BAD;
	}
	*mappedp = uvm_pagermapin(uvm, npages, false);
	return *mappedp || wait ? VM_PAGER_OK : VM_PAGER_AGAIN;
}

/* Count an I/O that is handed to the backend. */
static inline void
uvn_io_count(struct uvm *uvm, const struct uvm_buf *b)
{
	struct uvmexp *const exp = EXP(uvm);

	if (b->b_io == UVM_READ) {
		exp->pagein_ios++;
		exp->pagein_pages += b->b_npages;
		exp->pagein_bytes += b->b_length;
	} else {
		exp->pageout_ios++;
		exp->pageout_pages += b->b_npages;
		exp->pageout_bytes += b->b_length;
	}
}

/* An I/O on its way to the backend. */
struct vnio {
	struct uvm_vnode *vi_uvn;
	struct vm_page **vi_pps;
	unsigned vi_npages;
	enum uvm_io vi_rw;
	uint64_t vi_size; /* of the file, in bytes, when it was admitted */
};

/* Fill in what the backend is to do.  addr takes the addresses of the frames. */
static inline void
uvn_io_fill(const struct uvm *uvm, const struct vnio *vi, void **addr,
    struct uvm_buf *b)
{
	struct vm_page **const pps = vi->vi_pps;
	const unsigned npages = vi->vi_npages;
	const uint64_t offset = page_pgno(pps[0]) << uvm->mem.pm_shift;
	const uint64_t full = (uint64_t)npages << uvm->mem.pm_shift;
	const uint64_t left = vi->vi_size - offset;
	unsigned i;

	*b = (struct uvm_buf){
		.b_io = vi->vi_rw,
		.b_file = UVNTOV(vi->vi_uvn)->v_file,
		.b_offset = offset,
		.b_length = full < left ? full : left,
		.b_npages = npages,
		.b_pgsize = (uint32_t)uvm->up.page_size,
		.b_durable = vi->vi_rw == UVM_WRITE &&
		    uvm->up.durability == DURABLE_DSYNC,
	};
	if (uvm->mem.pm_data == NULL)
		return;
	for (i = 0; i < npages; i++)
		addr[i] = page_bytes(uvm, pps[i]);
	b->b_page = addr;
}

#ifdef UVM_MP

/*
 * With threads an I/O does without the vnode's lock.  In 1998's order, u_nio
 * first, whoever holds that lock and waits for the object's I/O would wait for
 * ever for one that waits for the lock.  What the lock kept off, the file's own
 * operations, wait for u_nio and hold new I/O off instead: vnode_quiesce().
 */
static bool
uvn_io_begin(struct uvm *uvm, struct uvm_vnode *uvn, enum uvm_io rw)
{

	(void)uvm;
	(void)uvn;
	(void)rw;
	return true;
}

/*
 * A write uncaches the file, which may flush it: before it is admitted, or it
 * would keep that flush waiting for itself.
 *
 * => object locked on entry and exit
 * => true: it ended an object that persisted, and the pages in hand with it,
 *    unless they are written: they were BUSY, and it trusted whoever made them
 *    so.  Else the object was locked all along
 */
static bool
uvn_io_uncache(struct uvm *uvm, struct uvm_vnode *uvn)
{

	if ((uvn->u_flags & (UVM_VNODE_VALID | UVM_VNODE_BLOCKED)) !=
	    UVM_VNODE_VALID)
		return false;
	uvn->u_flags &= ~(unsigned)UVM_VNODE_CANPERSIST;
	if (uvn->u_obj.uo_refs != 0)
		return false;
	OBJ_UNLOCK(uvm, &uvn->u_obj);
	(void)uvm_vnp_uncache(uvm, UVNTOV(uvn));
	OBJ_LOCK(uvm, &uvn->u_obj);
	return true;
}

#else

/* An I/O begins: the vnode is locked, and a write uncaches it. */
static bool
uvn_io_begin(struct uvm *uvm, struct uvm_vnode *uvn, enum uvm_io rw)
{
	const bool islocked = (uvn->u_flags & UVM_VNODE_VNISLOCKED) != 0;

	uvm_may_sleep(uvm);
	if (!islocked)
		vn_lock(uvm, UVNTOV(uvn));
	if (rw == UVM_WRITE)
		(void)uvm_vnp_uncache(uvm, UVNTOV(uvn));
	return islocked;
}

#define uvn_io_uncache(uvm, uvn) ((void)(uvm), (void)(uvn), false)

#endif

/* A transfer ended short, without an error. */
static noinline void
io_short(struct uvm *uvm, struct uvm_buf *b)
{

	if (b->b_done == 0 || FIXED(uvm, q1_error_clean))
		b->b_error = EIO;
	else if (b->b_io == UVM_READ)
		EXP(uvm)->short_reads++;
	else
		EXP(uvm)->short_writes++;
}

static inline int
io_finish(struct uvm *uvm, struct uvm_buf *b)
{
	unsigned i;

	/* Nothing moved is an error; what is short passed for whole in 1998. */
	if (b->b_error == 0 && unlikely(b->b_done < b->b_length))
		io_short(uvm, b);
	if (b->b_io == UVM_READ)
		EXP(uvm)->pagein_errors += b->b_error != 0;
	else
		EXP(uvm)->pageout_errors += b->b_error != 0;
	if (uvm->obs.uo_io != NULL)
		uvm->obs.uo_io(uvm->obs.uo_arg, b);
	if (b->b_error != 0 || b->b_io != UVM_READ || b->b_page == NULL)
		return b->b_error;
	/* What the file did not fill reads as zero. */
	if (b->b_done > b->b_length)
		b->b_done = b->b_length;
	for (i = 0; i < b->b_npages; i++) {
		const uint64_t at = (uint64_t)i << uvm->mem.pm_shift;
		const uint64_t in = b->b_done <= at ? 0 : b->b_done - at;

		if (in < uvm->up.page_size)
			(void)memset((uint8_t *)b->b_page[i] + in, 0,
			    (size_t)(uvm->up.page_size - in));
	}
	return 0;
}

int
uvn_io_finish(struct uvm *uvm, struct uvm_buf *b)
{

	return io_finish(uvm, b);
}

/* Call the backend, and take the time. => 0 or an errno */
static inline int
uvn_io_call(struct uvm *uvm, struct uvm_buf *b)
{
	uint64_t began, ended;
	int error;

#ifndef UVM_MP
	/* A clock takes longer than this. */
	if ((uvm->be->be_flags & UVM_BE_INSTANT) &&
	    likely((uvm->hot.uh_due & UVM_DUE_AIO) == 0) &&
	    likely(uvm->obs.uo_traverse == NULL)) {
		if (unlikely(SELF(uvm)->ws.ws_depth != 0))
			uvm_call_odd(uvm, false, 0);
		return uvm->be->be_io(uvm->becookie, b);
	}
#endif
	began = uvm_backend_begin(uvm);
	uvm_call_begin(uvm, began);
	error = uvm->be->be_io(uvm->becookie, b);
	ended = uvm_backend_end(uvm, began);
	uvm_call_end(uvm, began, ended);
	return error;
}

/*
 * Have the backend move the bytes.
 *
 * => nothing locked but, for writes by terminate, the vnode
 * => 0 or an errno
 */
static inline int
uvn_io_transfer(struct uvm *uvm, const struct vnio vi)
{
	const bool islocked = uvn_io_begin(uvm, vi.vi_uvn, vi.vi_rw);
	struct uvm_buf b;

	uvn_io_fill(uvm, &vi, SELF(uvm)->iobuf, &b);
	uvn_io_count(uvm, &b);
	b.b_error = uvn_io_call(uvm, &b);
	if (!islocked)
		vn_unlock(uvm, UVNTOV(vi.vi_uvn));
	uvm_chaos(uvm);
	return io_finish(uvm, &b);
}

/*
 * Hand pages to the backend and go on.
 *
 * => pager address space is reserved, u_nio counts it; nothing locked but, for
 *    writes by terminate, the vnode
 * => VM_PAGER_PEND, or what became of it at once
 */
static int
uvn_io_start(struct uvm *uvm, const struct vnio vi, enum aio_kind kind)
{
	struct uvm_vnode *const uvn = vi.vi_uvn;
	/* What a write's uncache does may need descriptors: it comes first. */
	const bool islocked = uvn_io_begin(uvm, uvn, vi.vi_rw);
	struct uvm_aiodesc *const ad =
	    kind == AIO_GET ? uvm_aio_tryget(uvm) : uvm_aio_get(uvm);

	int error;

	if (ad == NULL) {
		if (!islocked)
			vn_unlock(uvm, UVNTOV(uvn));
		return kind == AIO_GET ? VM_PAGER_AGAIN : VM_PAGER_ERROR;
	}
	ad->ad_uvn = uvn;
	ad->ad_kind = kind;
	(void)memcpy(ad->ad_page, vi.vi_pps, vi.vi_npages * sizeof(void *));
	uvn_io_fill(uvm, &vi, ad->ad_addr, &ad->ad_buf);
	uvn_io_count(uvm, &ad->ad_buf);
	SELF(uvm)->aio_begun++;
	error = uvm_aio_start(uvm, ad); /* it may be over by now */
	if (!islocked)
		vn_unlock(uvm, UVNTOV(uvn));
	if (error == 0)
		return VM_PAGER_PEND;
	ad->ad_buf.b_error = error;
	(void)uvn_io_finish(uvm, &ad->ad_buf);
	uvm_aio_put(uvm, ad);
	return VM_PAGER_ERROR;
}

/* An I/O is over, or did not begin.  => object unlocked on entry and exit */
static inline int
uvn_io_end(struct uvm *uvm, struct uvm_vnode *uvn, int result)
{
	struct uvm_object *const uobj = &uvn->u_obj;

	OBJ_LOCK(uvm, uobj);
	uvn->u_nio--;
	if ((uvn->u_flags & UVM_VNODE_IOSYNC) && uvn->u_nio == 0)
		uvm_wakeup(uvm, &uvn->u_nio);
	OBJ_UNLOCK(uvm, uobj);
	return result;
}

/* As uvn_io(), from where asynchronous I/O goes another way. */
static noinline int
uvn_io_pend(struct uvm *uvm, struct uvm_vnode *uvn, struct vm_page **pps,
    unsigned npages, unsigned flags, enum uvm_io rw, uint64_t size)
{
	const struct vnio vi = { uvn, pps, npages, rw, size };
	const uint64_t pgno = page_pgno(vi.vi_pps[0]);
	const int result = uvn_io_start(uvm, vi,
	    vi.vi_rw == UVM_READ	? AIO_GET :
		flags & PGO_PDFREECLUST ? AIO_DAEMON :
					  AIO_FLUSH);

	UVMHIST(uvm, "rw %u page %u, %u pages: result %u", vi.vi_rw, pgno,
	    vi.vi_npages, result);
	if (result == VM_PAGER_PEND)
		return result;
	uvm_pagermapout(uvm, vi.vi_npages);
	(void)uvn_io_end(uvm, vi.vi_uvn, result);
	if (result == VM_PAGER_AGAIN)
		OBJ_LOCK(uvm, &vi.vi_uvn->u_obj);
	return result;
}

int
uvn_io(struct uvm *uvm, struct uvm_vnode *uvn, struct vm_page **pps,
    unsigned npages, unsigned flags, enum uvm_io rw)
{
	struct uvm_object *const uobj = &uvn->u_obj;
	bool mapped, must;
	uint64_t size;
	int result;

	LOCK_HELD(&uobj->vmobjlock);
	LOCK_FREE(&uvm->pageqlock);
	must = rw == UVM_WRITE && uvn_io_uncache(uvm, uvn);
	result = uvn_io_admit(uvm, uvn, page_pgno(pps[0]), npages,
	    must || (flags & PGO_SYNCIO) != 0, &mapped);
	if (result != VM_PAGER_OK)
		return result;
	uvn->u_nio++;
	size = uvn->u_size;
	OBJ_UNLOCK(uvm, uobj);

	if (uvm->up.daemon_rule == DAEMON_IO && !CONCURRENT(uvm) &&
	    (uvm->hot.uh_due & UVM_DUE_DAEMON) && !SELF(uvm)->indaemon)
		uvm_pageout_turn(uvm);
	if (!mapped && !uvm_pagermapin(uvm, npages, true))
		return uvn_io_end(uvm, uvn, VM_PAGER_ERROR);
	if ((flags & PGO_SYNCIO) == 0 &&
	    (rw == UVM_READ || uvm->up.async_put == SWITCH_ON))
		return uvn_io_pend(uvm, uvn, pps, npages, flags, rw, size);
	result = uvn_io_transfer(uvm,
		     (struct vnio){ uvn, pps, npages, rw, size }) == 0 ?
	    VM_PAGER_OK :
	    VM_PAGER_ERROR;
	UVMHIST(uvm, "rw %u page %u, %u pages: result %u", rw,
	    page_pgno(pps[0]), npages, result);
	uvm_pagermapout(uvm, npages);
	return uvn_io_end(uvm, uvn, result);
}

void
uvn_io_wait(struct uvm *uvm, struct uvm_vnode *uvn, const char *what)
{
	bool awake = true;

	while (uvn->u_nio != 0 && awake) {
		uvn->u_flags |= UVM_VNODE_IOSYNC;
		awake = uvm_sleep(uvm, &uvn->u_nio, UVM_WAIT_DEVICE, what,
		    &uvn->u_obj.vmobjlock);
	}
}

void
uvn_iosync_end(struct uvm *uvm, struct uvm_vnode *uvn)
{

	LOCK_HELD(&uvn->u_obj.vmobjlock);
	if (uvn->u_flags & UVM_VNODE_IOSYNCWANTED)
		uvm_wakeup(uvm, &uvn->u_flags);
	uvn->u_flags &= ~(unsigned)(UVM_VNODE_IOSYNC | UVM_VNODE_IOSYNCWANTED);
}
