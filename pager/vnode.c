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

/* Out of core: its object is ended first. => vp is unused */
static void
vnode_reclaim(struct uvm *uvm, struct vnode *vp)
{

	vn_lock(uvm, vp);
	uvm_vnp_terminate(uvm, vp);
	vn_unlock(uvm, vp);
	vp->v_incore = false;
	uvm->numvnodes--;
}

/* getnewvnode: bring the file of vp into core; spec section 7. */
static void
vnode_new(struct uvm *uvm, struct vnode *vp)
{
	struct vnode *const old = uvm->freehead;

	if (uvm->numvnodes >= uvm->up.max_vnodes && old != NULL) {
		UVMHIST(uvm, "recycle the vnode of file %u for file %u",
		    old->v_file, vp->v_file, 0, 0);
		free_remove(uvm, old);
		vnode_reclaim(uvm, old);
		EXP(uvm)->vnodes_recycled++;
	}
	uvm->numvnodes++;
	vp->v_incore = true;
}

void
vnode_get(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	if (!vp->v_incore)
		vnode_new(uvm, vp);
	vnode_ref(uvm, vp);
}

void
vnode_ref(struct uvm *uvm, struct vnode *vp)
{

	if (vp->v_onfree)
		free_remove(uvm, vp);
	vp->v_usecount++;
}

/* VOP_INACTIVE of an unlinked file: nothing of it is left. */
static void
vnode_inactive(struct uvm *uvm, struct vnode *vp)
{

	vp->v_inactive = true;
	vn_lock(uvm, vp);
	(void)vnode_truncate(uvm, vp, 0);
	vn_unlock(uvm, vp);
	vp->v_inactive = false;
	vp->v_unlinked = false;
	vnode_reclaim(uvm, vp);
}

void
vnode_rele(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	KASSERT(vp->v_usecount != 0);
	if (--vp->v_usecount != 0 || vp->v_inactive)
		return;
	if (vp->v_unlinked)
		vnode_inactive(uvm, vp);
	else
		free_append(uvm, vp);
}

void
vnode_quiesce(struct uvm *uvm, struct vnode *vp)
{

	KASSERT(vp->v_locked);
	if (uvm->aio.ai_on && vp->v_uvm.u_nio != 0)
		uvm_aio_drain(uvm, &vp->v_uvm);
}

int
vnode_resize(struct uvm *uvm, struct vnode *vp)
{
	int error;

	if (uvm->be->be_truncate == NULL)
		return 0;
	uvm_waiting(uvm, UVM_WAIT_DEVICE, uvm_clock(uvm));
	error = uvm->be->be_truncate(uvm->becookie, vp->v_file, vp->v_size);
	uvm_waited(uvm, uvm_clock(uvm));
	return error;
}

int
vnode_truncate(struct uvm *uvm, struct vnode *vp, uint64_t size)
{
	const uint64_t old = vp->v_size;

	KASSERT(vp->v_locked);
	if (size > UVM_FILE_MAX)
		return EFBIG;
	/* The file system returns early: the pager hears nothing. */
	if (size == old)
		return 0;
	/* The page at the new end stays, and must not change behind it. */
	if (size < old && FIXED(uvm, q6_eof_page))
		vnode_quiesce(uvm, vp);
	if (size > old) {
		vp->v_size = size;
		uvm_vnp_setsize(uvm, vp, size);
		(void)uvm_vnp_uncache(uvm, vp);
	} else {
		vp->v_size = size;
		(void)uvm_vnp_uncache(uvm, vp);
		uvm_vnp_setsize(uvm, vp, size);
	}
	if (uvm->be->be_truncate == NULL)
		return 0;
	/* A write that were still under way would make the file grow again. */
	vnode_quiesce(uvm, vp);
	return vnode_resize(uvm, vp);
}
