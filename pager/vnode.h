/*
 * vnode: files in core: references, the free list and recycling, size, and the
 * file's own operations; spec section 7.
 */
#ifndef PAGER_VNODE_H
#define PAGER_VNODE_H

#include "pager/uvm_vnode.h"

struct vnode {
	struct uvm_vnode v_uvm; /* first: vnode, uvn and object are one */
	uint32_t v_file;	/* the file's number in the trace */
	unsigned v_usecount;	/* this and what follows: vnodeslock */
	unsigned v_opens;	/* of those, open descriptors */
	uint64_t v_size;	/* bytes, as the file system has it */
	bool v_incore;
	bool v_onfree;
	bool v_locked; /* the sleeping vnode lock */
	bool v_unlinked;
	bool v_inactive; /* VOP_INACTIVE is running */
	bool v_xlock;	 /* leaving core: nobody may have it until it has */
#ifdef UVM_MP
	const struct uvm_self *v_owner; /* of the vnode lock */
#endif
	struct vnode *v_freenext, *v_freeprev;
	struct vnode *v_relenext; /* of uvm_aio.ai_rele */
	unsigned v_reles;	  /* references to be released from there */
	unsigned v_kept;	  /* and those that never will be: q8 */
};

#define VTOUVN(vp)  (&(vp)->v_uvm)
#define UVNTOV(uvn) ((struct vnode *)(uvn))

/* One more use of a file; its vnode is in core after it. May recycle one. */
void vnode_get(struct uvm *uvm, struct vnode *vp);

/* One more use of a vnode in use, or cached. => false: it is leaving core */
bool vnode_tryref(struct uvm *uvm, struct vnode *vp) mustcheck;
void vnode_ref(struct uvm *uvm, struct vnode *vp);

/*
 * One use less; the last puts it on the free list, after VOP_INACTIVE if it is
 * unlinked.  May sleep.
 */
void vnode_rele(struct uvm *uvm, struct vnode *vp);

/*
 * Wait until no I/O of the file's object is under way; with UVM_MP none begins
 * before vnode_resume().
 *
 * => vnode locked, from before the one until after the other
 */
void vnode_quiesce(struct uvm *uvm, struct vnode *vp);
void vnode_resume(struct uvm *uvm, struct vnode *vp);

/*
 * The file's size grows, or becomes anything: backend and pager.
 *
 * => vnode locked
 * => after an error the size is what it was
 */
int vnode_grow(struct uvm *uvm, struct vnode *vp, uint64_t size) mustcheck;
int vnode_truncate(struct uvm *uvm, struct vnode *vp, uint64_t size);

#endif
