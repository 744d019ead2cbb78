/*
 * uvm_vnp.c: what the vnode layer and file systems call in the vnode pager;
 * spec sections 3.13 to 3.16.
 */
#include <string.h>

#include "pager/uvm_i.h"

/*
 * Wait until the I/Os of an object are done and its pages are gone.
 *
 * => object locked
 * => false: the machine failed
 */
static bool
uvn_drain(struct uvm *uvm, struct uvm_vnode *uvn)
{
	struct uvm_object *const uobj = &uvn->u_obj;
	bool awake = true;

	while (uobj->uo_npages != 0 && awake) {
		uvn->u_flags |= UVM_VNODE_IOSYNC;
		awake = uvm_sleep(uvm, &uvn->u_nio, UVM_WAIT_DEVICE,
		    "the I/O of a dying file", &uobj->vmobjlock);
	}
	/* q10: 1998 left IOSYNC set, and I/O of an object that lives on hung. */
	if (uvm->aio.ai_on || CONCURRENT(uvm))
		uvn_iosync_end(uvm, uvn);
	return awake;
}

void
uvm_vnp_terminate(struct uvm *uvm, struct vnode *vp)
{
	struct uvm_vnode *const uvn = VTOUVN(vp);
	struct uvm_object *const uobj = &uvn->u_obj;
	unsigned oldflags;

	KASSERT(vp->v_locked);
	OBJ_LOCK(uvm, uobj);
	UVMHIST(uvm, "file %u refs %u flags %x", vp->v_file, uobj->uo_refs,
	    uvn->u_flags, 0);
	if ((uvn->u_flags & UVM_VNODE_VALID) == 0) {
		OBJ_UNLOCK(uvm, uobj);
		return;
	}
	EXP(uvm)->terminates++;
	uvn->u_flags &= ~(unsigned)UVM_VNODE_RELKILL;
	uvn->u_flags |= UVM_VNODE_DYING | UVM_VNODE_VNISLOCKED;
	SELF(uvm)->caller = FLUSH_TERMINATE;
	(void)uvn_flush(uvm, uobj, 0, 0, PGO_CLEANIT | PGO_FREE | PGO_ALLPAGES);
	(void)uvn_drain(uvm, uvn);

	oldflags = uvn->u_flags;
	if (uobj->uo_refs != 0) {
		uvn->u_flags &=
		    ~(unsigned)(UVM_VNODE_DYING | UVM_VNODE_VNISLOCKED |
			UVM_VNODE_WANTED | UVM_VNODE_CANPERSIST);
	} else {
		KASSERT((uvn->u_flags & UVM_VNODE_IOSYNCWANTED) == 0);
		if (uvn->u_flags & UVM_VNODE_WRITEABLE) {
			simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
			uvn_wlist_remove(uvm, uvn);
			simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
		}
		uvn->u_flags = 0;
	}
	if (oldflags & UVM_VNODE_WANTED)
		uvm_wakeup(uvm, uvn);
	OBJ_UNLOCK(uvm, uobj);
}

bool
uvm_vnp_uncache(struct uvm *uvm, struct vnode *vp)
{
	struct uvm_vnode *const uvn = VTOUVN(vp);
	struct uvm_object *const uobj = &uvn->u_obj;

	const bool locked = vn_islocked(uvm, vp);

#ifndef UVM_MP
	KASSERT(locked);
#endif
	OBJ_LOCK(uvm, uobj);
	if ((uvn->u_flags & UVM_VNODE_VALID) == 0 ||
	    (uvn->u_flags & UVM_VNODE_BLOCKED) != 0) {
		OBJ_UNLOCK(uvm, uobj);
		return true;
	}
	uvn->u_flags &= ~(unsigned)UVM_VNODE_CANPERSIST;
	if (uobj->uo_refs != 0) {
		OBJ_UNLOCK(uvm, uobj);
		return false;
	}

	/* Persisting: a reference of ours, dropped, ends it; or another will. */
	if (!vnode_tryref(uvm, vp)) {
		OBJ_UNLOCK(uvm, uobj);
		return true;
	}
	uobj->uo_refs++;
	OBJ_UNLOCK(uvm, uobj);
	if (locked)
		vn_unlock(uvm, vp);
	uvn_detach(uvm, uobj);
	if (locked)
		vn_lock(uvm, vp);
	return true;
}

/*
 * q6 fixed: the page with the new end of file stays, and what it holds behind
 * the end reads as zero from now on.
 *
 * => object locked
 */
static void
uvn_zero_tail(struct uvm *uvm, struct uvm_object *uobj, uint64_t size)
{
	const size_t in = (size_t)(size & (uvm->up.page_size - 1));
	struct vm_page *pg;
	uint8_t *bytes;

	if (in == 0 ||
	    (pg = uvm_pagepeek(uvm, uobj, pages_trunc(uvm, size))) == NULL ||
	    (bytes = page_bytes(uvm, pg)) == NULL)
		return;
	(void)memset(bytes + in, 0, (size_t)uvm->up.page_size - in);
}

void
uvm_vnp_setsize(struct uvm *uvm, struct vnode *vp, uint64_t newsize)
{
	struct uvm_vnode *const uvn = VTOUVN(vp);
	struct uvm_object *const uobj = &uvn->u_obj;
	uint64_t start = newsize;

	OBJ_LOCK(uvm, uobj);
	UVMHIST(uvm, "file %u size %u -> %u flags %x", vp->v_file, uvn->u_size,
	    newsize, uvn->u_flags);
	if (uvn->u_flags & UVM_VNODE_VALID) {
		if (newsize < uvn->u_size) {
			if (FIXED(uvm, q6_eof_page)) {
				start = pages_round(uvm, newsize)
				    << uvm->mem.pm_shift;
				uvn_zero_tail(uvm, uobj, newsize);
			}
			SELF(uvm)->caller = FLUSH_SETSIZE;
			if (start < uvn->u_size)
				(void)uvn_flush(uvm, uobj, start, uvn->u_size,
				    PGO_FREE);
		}
		uvn->u_size = newsize;
		lean_forget(uvm);
	}
	OBJ_UNLOCK(uvm, uobj);
}

/*
 * q15 fixed: does any page of the object hold, or may it come by, changes that
 * no fault would tell of?  => object locked
 */
static bool
uvn_maydirty(const struct uvm *uvm, const struct uvm_object *uobj)
{
	const struct vm_page *pg;

	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next)) {
		if (uvm_page_dirty_p(uvm, pg) || pmap_is_writable(uvm, pg))
			return true;
	}
	return false;
}

/* Clean one object of the sync queue and drop the reference taken for it. */
static void
uvn_sync_one(struct uvm *uvm, struct uvm_vnode *uvn)
{
	struct uvm_object *const uobj = &uvn->u_obj;
	bool skip;

	OBJ_LOCK(uvm, uobj);
	skip = FIXED(uvm, q15_rescan_clean) && !uobj->uo_maydirty;
	SELF(uvm)->caller = FLUSH_SYNC;
	if (!skip) {
		(void)uvn_flush(uvm, uobj, 0, 0,
		    PGO_CLEANIT | PGO_ALLPAGES | PGO_DOACTCLUST);
		if (FIXED(uvm, q15_rescan_clean))
			uobj->uo_maydirty = uvn_maydirty(uvm, uobj);
	}
	if (uobj->uo_refs == 1 && (uvn->u_flags & UVM_VNODE_WRITEABLE)) {
		/* Only we refer to it, and it is clean: leave the list, in
		 * 1998 without the list's lock (q11). */
		if (FIXED(uvm, q11_wlist_unlocked))
			simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
		uvn_wlist_remove(uvm, uvn);
		if (FIXED(uvm, q11_wlist_unlocked))
			simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
		uvn->u_flags &= ~(unsigned)UVM_VNODE_WRITEABLE;
	}
	OBJ_UNLOCK(uvm, uobj);
	uvn_detach(uvm, uobj);
}

#ifdef UVM_MP

/*
 * Take a reference of each object on the writable list.
 *
 * 1998 went on without the lock of an object that another had (q12).  Here the
 * list's lock, under which no object's may be waited for, only serves to keep
 * the vnodes; then each object is looked at under its own.
 *
 * => the sync queue
 */
static struct uvm_vnode *
sync_collect(struct uvm *uvm)
{
	struct uvm_vnode *uvn, *next, *kept = NULL, *queue = NULL;
	struct uvm_vnode **tail = &queue;

	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	for (uvn = uvm->wlist; uvn != NULL; uvn = uvn->u_wnext) {
		if (!vnode_tryref(uvm, UVNTOV(uvn)))
			continue;
		uvn->u_snext = kept;
		kept = uvn;
	}
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
	uvm_chaos(uvm);

	for (uvn = kept; uvn != NULL; uvn = next) {
		struct uvm_object *const uobj = &uvn->u_obj;
		const unsigned state = UVM_VNODE_VALID | UVM_VNODE_WRITEABLE;
		bool ours = true;

		next = uvn->u_snext;
		OBJ_LOCK(uvm, uobj);
		if ((uvn->u_flags & (state | UVM_VNODE_BLOCKED)) == state) {
			/* The object's one reference of its vnode, or ours. */
			ours = uobj->uo_refs++ != 0;
			uvn->u_snext = NULL;
			*tail = uvn;
			tail = &uvn->u_snext;
		}
		OBJ_UNLOCK(uvm, uobj);
		if (ours)
			vnode_rele(uvm, UVNTOV(uvn));
	}
	return queue;
}

/* The sync lock, which is slept on. */
static void
sync_lock(struct uvm *uvm)
{

	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	while (uvm->synclock &&
	    uvm_sleep(uvm, &uvm->synclock, UVM_WAIT_LOCK, "a sync",
		&uvm->wlistlock))
		continue;
	uvm->synclock = true;
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
}

static void
sync_unlock(struct uvm *uvm)
{

	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	uvm->synclock = false;
	uvm_wakeup(uvm, &uvm->synclock);
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
}

#else

static struct uvm_vnode *
sync_collect(struct uvm *uvm)
{
	struct uvm_vnode *uvn, *queue = NULL;

	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	for (uvn = uvm->wlist; uvn != NULL; uvn = uvn->u_wnext) {
		struct uvm_object *const uobj = &uvn->u_obj;

		(void)simple_lock_try(&SELF(uvm)->ls, &uobj->vmobjlock);
		if (uvn->u_flags & UVM_VNODE_BLOCKED) {
			OBJ_UNLOCK(uvm, uobj);
			continue;
		}
		if (uobj->uo_refs == 0)
			vnode_ref(uvm, UVNTOV(uvn));
		uobj->uo_refs++;
		OBJ_UNLOCK(uvm, uobj);
		/* At the head: oldest writable first. */
		uvn->u_snext = queue;
		queue = uvn;
	}
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
	return queue;
}

static void
sync_lock(struct uvm *uvm)
{

	KASSERT(!uvm->synclock);
	uvm->synclock = true;
}

static void
sync_unlock(struct uvm *uvm)
{

	uvm->synclock = false;
}

#endif

void
uvm_vnp_sync(struct uvm *uvm)
{
	struct uvm_vnode *uvn, *next;

	sync_lock(uvm);
	EXP(uvm)->syncs++;
	for (uvn = sync_collect(uvm); uvn != NULL; uvn = next) {
		next = uvn->u_snext;
		uvn_sync_one(uvm, uvn);
	}
	sync_unlock(uvm);
}
