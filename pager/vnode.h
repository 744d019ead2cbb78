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
	unsigned v_usecount;
	unsigned v_opens; /* of those, open descriptors */
	uint64_t v_size;  /* bytes, as the file system has it */
	bool v_incore;
	bool v_onfree;
	bool v_locked; /* the sleeping vnode lock */
	bool v_unlinked;
	bool v_inactive; /* VOP_INACTIVE is running */
	struct vnode *v_freenext, *v_freeprev;
	struct vnode *v_relenext; /* of uvm_aio.ai_rele */
	unsigned v_reles;	  /* references to be released from there */
};

#define VTOUVN(vp)  (&(vp)->v_uvm)
#define UVNTOV(uvn) ((struct vnode *)(uvn))

/* One more use of a file; its vnode is in core after it. May recycle one. */
void vnode_get(struct uvm *uvm, struct vnode *vp);

/* One more use of a vnode in use. */
void vnode_ref(struct uvm *uvm, struct vnode *vp);

/*
 * One use less; the last puts it on the free list, after VOP_INACTIVE if it is
 * unlinked.  May sleep.
 */
void vnode_rele(struct uvm *uvm, struct vnode *vp);

/* Wait until no asynchronous I/O of the file is under way. => vnode locked */
void vnode_quiesce(struct uvm *uvm, struct vnode *vp);

/* Let the backend's file have v_size. => vnode locked, no I/O under way */
int vnode_resize(struct uvm *uvm, struct vnode *vp);

/* The file's truncate: size, pager, backend. => vnode locked */
int vnode_truncate(struct uvm *uvm, struct vnode *vp, uint64_t size);

#endif
