/*
 * uvm_vnode.c: the vnode pager's object: attach, reference, detach, release.
 * After uvm_vnode.c 1.9; flush is in uvm_vnode_flush.c, I/O in uvm_vnode_io.c,
 * what the vnode layer calls in uvm_vnp.c.
 */
#include "pager/uvm_i.h"

const struct uvm_pagerops uvm_vnodeops = {
	.pgo_init = uvn_init,
	.pgo_attach = uvn_attach,
	.pgo_reference = uvn_reference,
	.pgo_detach = uvn_detach,
	.pgo_flush = uvn_flush,
	.pgo_get = uvn_get,
	.pgo_asyncget = uvn_asyncget,
	.pgo_put = uvn_put,
	.pgo_cluster = uvn_cluster,
	.pgo_releasepg = uvn_releasepg,
};

void
uvn_init(struct uvm *uvm)
{

	uvm->wlist = NULL;
	simple_lock_init(&uvm->wlistlock, RANK_WLIST);
	uvm->synclock = false;
}

/* Put uvn at the head of the writable list. => object locked */
static void
uvn_wlist_insert(struct uvm *uvm, struct uvm_vnode *uvn)
{

	LOCK_HELD(&uvn->u_obj.vmobjlock);
	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	uvn->u_wprev = NULL;
	uvn->u_wnext = uvm->wlist;
	if (uvm->wlist != NULL)
		uvm->wlist->u_wprev = uvn;
	shared_set(&uvm->wlist, uvn);
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
	uvn->u_flags |= UVM_VNODE_WRITEABLE;
}

void
uvn_wlist_remove(struct uvm *uvm, struct uvm_vnode *uvn)
{

	if (!simple_lock_held(&uvm->wlistlock))
		EXP(uvm)->lock_violations++;
	if (uvn->u_wnext != NULL)
		uvn->u_wnext->u_wprev = uvn->u_wprev;
	if (uvn->u_wprev != NULL)
		uvn->u_wprev->u_wnext = uvn->u_wnext;
	else
		shared_set(&uvm->wlist, uvn->u_wnext);
	uvn->u_wnext = uvn->u_wprev = NULL;
}

/* Leave the writable list, if on it. => object locked */
static void
uvn_wlist_leave(struct uvm *uvm, struct uvm_vnode *uvn)
{

	if ((uvn->u_flags & UVM_VNODE_WRITEABLE) == 0)
		return;
	simple_lock(&SELF(uvm)->ls, &uvm->wlistlock);
	uvn_wlist_remove(uvm, uvn);
	simple_unlock(&SELF(uvm)->ls, &uvm->wlistlock);
}

struct uvm_object *
uvn_attach(struct uvm *uvm, struct vnode *vp, unsigned accessprot)
{
	struct uvm_vnode *const uvn = VTOUVN(vp);
	struct uvm_object *const uobj = &uvn->u_obj;
	unsigned oldflags;

	EXP(uvm)->attaches++;
	UVMHIST(uvm, "file %u prot %x flags %x refs %u", vp->v_file, accessprot,
	    uvn->u_flags, uobj->uo_refs);
	OBJ_LOCK(uvm, uobj);
	while (uvn->u_flags & UVM_VNODE_BLOCKED) {
		uvn->u_flags |= UVM_VNODE_WANTED;
		if (!uvm_sleep(uvm, uvn, UVM_WAIT_PAGE,
			"a blocked vnode object", &uobj->vmobjlock)) {
			OBJ_UNLOCK(uvm, uobj);
			return NULL;
		}
	}

	if (uvn->u_flags & UVM_VNODE_VALID) {
		if (uobj->uo_refs == 0)
			vnode_ref(uvm, vp);
		uobj->uo_refs++;
		if ((accessprot & UVM_MAP_WRITE) != 0 &&
		    (uvn->u_flags & UVM_VNODE_WRITEABLE) == 0)
			uvn_wlist_insert(uvm, uvn);
		OBJ_UNLOCK(uvm, uobj);
		return uobj;
	}

	/* Getting attributes may sleep; ALOCK keeps others away meanwhile. */
	uvn->u_flags = UVM_VNODE_ALOCK;
	OBJ_UNLOCK(uvm, uobj);
	uvm_may_sleep(uvm);
	OBJ_LOCK(uvm, uobj);

	uobj->pgops = &uvm_vnodeops;
	uobj->memq_head = uobj->memq_tail = 0;
	uobj->uo_npages = 0;
	uobj->uo_refs = 1;
	uobj->uo_maydirty = false;
	oldflags = uvn->u_flags;
	uvn->u_flags = UVM_VNODE_VALID | UVM_VNODE_CANPERSIST;
	uvn->u_nio = 0;
	uvn->u_size = shared_get(&vp->v_size);
	if (accessprot & UVM_MAP_WRITE)
		uvn_wlist_insert(uvm, uvn);
	vnode_ref(uvm, vp);
	OBJ_UNLOCK(uvm, uobj);
	if (oldflags & UVM_VNODE_WANTED)
		uvm_wakeup(uvm, uvn);
	return uobj;
}

void
uvn_reference(struct uvm *uvm, struct uvm_object *uobj)
{

	OBJ_LOCK(uvm, uobj);
	KASSERT(((struct uvm_vnode *)uobj)->u_flags & UVM_VNODE_VALID);
	uobj->uo_refs++;
	OBJ_UNLOCK(uvm, uobj);
}

/*
 * The last reference is gone and the pages may stay.
 *
 * => object locked on entry, unlocked on exit
 */
static void
uvn_persist(struct uvm *uvm, struct uvm_vnode *uvn)
{
	struct uvm_object *const uobj = &uvn->u_obj;

	SELF(uvm)->caller = FLUSH_DETACH;
	(void)uvn_flush(uvm, uobj, 0, 0, PGO_DEACTIVATE | PGO_ALLPAGES);
	EXP(uvm)->persists++;

	/*
	 * 1998 drops the vnode, which can sleep and can come back for this very
	 * object, before the lock (q7).  On its one processor that went well;
	 * here the breach is counted and the lock gets out of the way.
	 */
	if (!FIXED(uvm, q7_vrele_locked))
		EXP(uvm)->lock_violations++;
	OBJ_UNLOCK(uvm, uobj);
	vnode_rele(uvm, UVNTOV(uvn));
}

void
uvn_detach(struct uvm *uvm, struct uvm_object *uobj)
{
	struct uvm_vnode *const uvn = (struct uvm_vnode *)uobj;
	unsigned oldflags;

	EXP(uvm)->detaches++;
	OBJ_LOCK(uvm, uobj);
	UVMHIST(uvm, "object %u refs %u flags %x pages %u", uobj->uo_num,
	    uobj->uo_refs, uvn->u_flags, uobj->uo_npages);
	KASSERT(uobj->uo_refs > 0);
	if (--uobj->uo_refs != 0) {
		OBJ_UNLOCK(uvm, uobj);
		return;
	}
	if (uvn->u_flags & UVM_VNODE_CANPERSIST) {
		uvn_persist(uvm, uvn);
		return;
	}

	uvn->u_flags |= UVM_VNODE_DYING;
	SELF(uvm)->caller = FLUSH_DETACH;
	(void)uvn_flush(uvm, uobj, 0, 0, PGO_CLEANIT | PGO_FREE | PGO_ALLPAGES);
	if (uobj->uo_npages != 0) {
		/* All BUSY|RELEASED: who finishes their I/O ends the object. */
		uvn->u_flags |= UVM_VNODE_RELKILL;
		OBJ_UNLOCK(uvm, uobj);
		return;
	}
	uvn_wlist_leave(uvm, uvn);
	oldflags = uvn->u_flags;
	uvn->u_flags = 0;
	OBJ_UNLOCK(uvm, uobj);
	if (oldflags & UVM_VNODE_WANTED)
		uvm_wakeup(uvm, uvn);
	vnode_rele(uvm, UVNTOV(uvn));
}

bool
uvn_releasepg(struct uvm *uvm, struct vm_page *pg, struct vm_page **nextpgp)
{
	struct uvm_object *const uobj = page_object(uvm, pg);
	struct uvm_vnode *const uvn = (struct uvm_vnode *)uobj;

	LOCK_HELD(&uobj->vmobjlock);
	KASSERT(pg->flags & PG_RELEASED);
	pmap_page_protect(uvm, pg, 0);
	uvm_lock_pageq(uvm);
	if (nextpgp != NULL)
		*nextpgp = link_page(uvm, pg->pageq_next);
	uvm_pagefree(uvm, pg);
	if (nextpgp == NULL)
		uvm_unlock_pageq(uvm);

	/* Who ends the object waits for its pages, which outlive their I/O. */
	if (uobj->uo_npages == 0)
		uvm_wakeup(uvm, &uvn->u_nio);
	if ((uvn->u_flags & UVM_VNODE_RELKILL) == 0 || uobj->uo_npages != 0)
		return true;
	KASSERT(uobj->uo_refs == 0);
	/* The writable list comes before the queues: *nextpgp may move. */
	if (nextpgp != NULL)
		uvm_unlock_pageq(uvm);
	uvn_wlist_leave(uvm, uvn);
	if (uvn->u_flags & UVM_VNODE_WANTED)
		uvm_wakeup(uvm, uvn);
	uvn->u_flags = 0;
	OBJ_UNLOCK(uvm, uobj);
	if (nextpgp != NULL)
		uvm_lock_pageq(uvm);
	return false;
}

void
uvn_relkilled(struct uvm *uvm, struct uvm_vnode *uvn)
{

	if (uvm->aio.ai_on || CONCURRENT(uvm))
		uvm_aio_rele_later(uvm, UVNTOV(uvn));
	else
		UVNTOV(uvn)->v_kept++;
}

void
uvn_cluster(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    uint64_t *lop, uint64_t *hip)
{
	const struct uvm_vnode *const uvn = (struct uvm_vnode *)uobj;
	const uint64_t npages = pages_round(uvm, uvn->u_size);
	const uint64_t max = uvm->slots;
	uint64_t lo = pgno, hi;

	if (unlikely(pgno >= npages)) {
		/* Released by a truncate while it waited to be written. */
		KASSERT(CONCURRENT(uvm));
		*lop = pgno;
		*hip = pgno + 1;
		return;
	}
	switch ((enum uvm_cluster_policy)uvm->up.cluster_policy) {
	case CLUSTER_FORWARD:
		break;
	case CLUSTER_ALIGNED:
		lo = pgno - pgno % max;
		break;
	case CLUSTER_AROUND:
		lo = pgno - (pgno < max / 2 ? pgno : max / 2);
		break;
	}
	hi = lo + max;
	*lop = lo;
	*hip = hi < npages ? hi : npages;
}
