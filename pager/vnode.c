#include <errno.h>

#include "pager/uvm_i.h"

static void
free_remove(struct uvm *uvm, struct vnode *vp)
{

	if (vp->v_freenext != NULL)
		vp->v_freenext->v_freeprev = vp->v_freeprev;
	else
		uvm->freetail = vp->v_freeprev;
	if (vp->v_freeprev != NULL)
		vp->v_freeprev->v_freenext = vp->v_freenext;
	else
		uvm->freehead = vp->v_freenext;
	vp->v_freenext = vp->v_freeprev = NULL;
	vp->v_onfree = false;
}

static void
free_append(struct uvm *uvm, struct vnode *vp)
{

	vp->v_freenext = NULL;
	vp->v_freeprev = uvm->freetail;
	if (uvm->freetail != NULL)
		uvm->freetail->v_freenext = vp;
	else
		uvm->freehead = vp;
	uvm->freetail = vp;
	vp->v_onfree = true;
}

#define VNODES_LOCK(uvm)   simple_lock(&SELF(uvm)->ls, &(uvm)->vnodeslock)
#define VNODES_UNLOCK(uvm) simple_unlock(&SELF(uvm)->ls, &(uvm)->vnodeslock)

/*
 * Out of core: its object is ended first.
 *
 * => vp is unused, and v_xlock keeps it so
 * => vnodes locked on entry and exit, unlocked in between
 */
static void
vnode_reclaim(struct uvm *uvm, struct vnode *vp)
{

	VNODES_UNLOCK(uvm);
	vn_lock(uvm, vp);
	uvm_vnp_terminate(uvm, vp);
	vn_unlock(uvm, vp);
	VNODES_LOCK(uvm);
	vp->v_incore = false;
	vp->v_xlock = false;
	uvm->numvnodes--;
	uvm_wakeup(uvm, &vp->v_xlock);
}

/*
 * getnewvnode: bring the file of vp into core; spec section 7.
 *
 * => vnodes locked on entry and exit, unlocked in between
 */
static void
vnode_new(struct uvm *uvm, struct vnode *vp)
{
	struct vnode *const old = uvm->freehead;

	vp->v_incore = true;
	if (uvm->numvnodes++ < uvm->up.max_vnodes || old == NULL)
		return;
	UVMHIST(uvm, "recycle the vnode of file %u for file %u", old->v_file,
	    vp->v_file, 0, 0);
	free_remove(uvm, old);
	old->v_xlock = true;
	EXP(uvm)->vnodes_recycled++;
	vnode_reclaim(uvm, old);
}

static void
ref_locked(struct uvm *uvm, struct vnode *vp)
{

	if (vp->v_onfree)
		free_remove(uvm, vp);
	vp->v_usecount++;
}

void
vnode_get(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	VNODES_LOCK(uvm);
	while (vp->v_xlock &&
	    uvm_sleep(uvm, &vp->v_xlock, UVM_WAIT_LOCK,
		"a file that leaves core", &uvm->vnodeslock))
		continue;
	ref_locked(uvm, vp);
	if (!vp->v_incore)
		vnode_new(uvm, vp);
	VNODES_UNLOCK(uvm);
}

void
vnode_ref(struct uvm *uvm, struct vnode *vp)
{

	VNODES_LOCK(uvm);
	KASSERT(!vp->v_xlock || !CONCURRENT(uvm));
	ref_locked(uvm, vp);
	VNODES_UNLOCK(uvm);
}

bool
vnode_tryref(struct uvm *uvm, struct vnode *vp)
{
	bool xlock;

	VNODES_LOCK(uvm);
	xlock = vp->v_xlock && CONCURRENT(uvm);
	if (!xlock)
		ref_locked(uvm, vp);
	VNODES_UNLOCK(uvm);
	return !xlock;
}

/*
 * VOP_INACTIVE of an unlinked file: nothing of it is left.
 *
 * => vnodes locked on entry and exit, unlocked in between
 */
static void
vnode_inactive(struct uvm *uvm, struct vnode *vp)
{

	vp->v_inactive = vp->v_xlock = true;
	VNODES_UNLOCK(uvm);
	vn_lock(uvm, vp);
	(void)vnode_truncate(uvm, vp, 0);
	vn_unlock(uvm, vp);
	VNODES_LOCK(uvm);
	vp->v_inactive = vp->v_unlinked = false;
	vnode_reclaim(uvm, vp);
}

void
vnode_rele(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	VNODES_LOCK(uvm);
	KASSERT(vp->v_usecount != 0);
	if (--vp->v_usecount == 0 && !vp->v_inactive) {
		if (vp->v_unlinked)
			vnode_inactive(uvm, vp);
		else
			free_append(uvm, vp);
	}
	VNODES_UNLOCK(uvm);
}

#ifdef UVM_MP

void
vn_lock(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	VNODES_LOCK(uvm);
	KASSERT(vp->v_owner != SELF(uvm));
	while (vp->v_locked &&
	    uvm_sleep(uvm, &vp->v_locked, UVM_WAIT_LOCK, "a locked vnode",
		&uvm->vnodeslock))
		continue;
	vp->v_locked = true;
	vp->v_owner = SELF(uvm);
	VNODES_UNLOCK(uvm);
}

void
vn_unlock(struct uvm *uvm, struct vnode *vp)
{

	VNODES_LOCK(uvm);
	KASSERT(vp->v_owner == SELF(uvm) || FAILED(uvm) != 0);
	vp->v_locked = false;
	vp->v_owner = NULL;
	uvm_wakeup(uvm, &vp->v_locked);
	VNODES_UNLOCK(uvm);
	uvm_chaos(uvm);
}

bool
vn_islocked(struct uvm *uvm, struct vnode *vp)
{
	bool mine;

	VNODES_LOCK(uvm);
	mine = vp->v_owner == SELF(uvm);
	VNODES_UNLOCK(uvm);
	return mine;
}

void
vnode_quiesce(struct uvm *uvm, struct vnode *vp)
{
	struct uvm_vnode *const uvn = &vp->v_uvm;

	KASSERT(vn_islocked(uvm, vp));
	OBJ_LOCK(uvm, &uvn->u_obj);
	uvn->u_frozen = true;
	uvn_io_wait(uvm, uvn, "I/O under way");
	OBJ_UNLOCK(uvm, &uvn->u_obj);
}

void
vnode_resume(struct uvm *uvm, struct vnode *vp)
{
	struct uvm_vnode *const uvn = &vp->v_uvm;

	OBJ_LOCK(uvm, &uvn->u_obj);
	uvn->u_frozen = false;
	uvn_iosync_end(uvm, uvn);
	OBJ_UNLOCK(uvm, &uvn->u_obj);
}

#else

void
vnode_quiesce(struct uvm *uvm, struct vnode *vp)
{

	KASSERT(vp->v_locked);
	if (uvm->aio.ai_on && vp->v_uvm.u_nio != 0)
		uvm_aio_drain(uvm, &vp->v_uvm);
}

void
vnode_resume(struct uvm *uvm, struct vnode *vp)
{

	(void)uvm;
	KASSERT(vp->v_locked);
}

#endif

/* The file itself has size bytes from now on. => quiescent, or an errno */
static int
vnode_resize(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	int error;

	if (uvm->be->be_truncate == NULL)
		return 0;
	uvm_device_begin(uvm);
	error = uvm->be->be_truncate(uvm->becookie, vp->v_file, size);
	uvm_device_end(uvm);
	return error;
}

int
vnode_grow(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	int error = 0;

	if (uvm->be->be_truncate != NULL) {
		vnode_quiesce(uvm, vp);
		error = vnode_resize(uvm, vp, size);
		vnode_resume(uvm, vp);
	}
	if (error != 0)
		return error;
	shared_set(&vp->v_size, size);
	uvm_vnp_setsize(uvm, vp, size);
	return 0;
}

/* q6 fixed: the file first, since then a failure changes nothing. */
static int
shrink_file_first(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	int error;

	(void)uvm_vnp_uncache(uvm, vp);
	/* The page at the new end stays, and must not change behind it. */
	vnode_quiesce(uvm, vp);
	error = vnode_resize(uvm, vp, size);
	if (error == 0) {
		shared_set(&vp->v_size, size);
		uvm_vnp_setsize(uvm, vp, size);
	}
	vnode_resume(uvm, vp);
	return error;
}

/* As 1998 has it: the pages go first, and are gone if the file then stays. */
static int
shrink_pages_first(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	const uint64_t old = vp->v_size;
	int error;

	shared_set(&vp->v_size, size);
	(void)uvm_vnp_uncache(uvm, vp);
	uvm_vnp_setsize(uvm, vp, size);
	if (uvm->be->be_truncate == NULL)
		return 0;
	/* A write that were still under way would make the file grow again. */
	vnode_quiesce(uvm, vp);
	error = vnode_resize(uvm, vp, size);
	vnode_resume(uvm, vp);
	if (error != 0) {
		shared_set(&vp->v_size, old);
		uvm_vnp_setsize(uvm, vp, old);
	}
	return error;
}

int
vnode_truncate(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	int error;

	KASSERT(vp->v_locked);
	if (size > UVM_FILE_MAX)
		return EFBIG;
	/* The file system returns early: the pager hears nothing. */
	if (size == vp->v_size)
		return 0;
	if (size < vp->v_size)
		return FIXED(uvm, q6_eof_page) ?
		    shrink_file_first(uvm, vp, size) :
		    shrink_pages_first(uvm, vp, size);
	error = vnode_grow(uvm, vp, size);
	if (error == 0)
		(void)uvm_vnp_uncache(uvm, vp);
	return error;
}
