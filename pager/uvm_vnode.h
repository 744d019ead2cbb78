/*
 * uvm_vnode: the vnode pager; spec section 3.
 */
#ifndef PAGER_UVM_VNODE_H
#define PAGER_UVM_VNODE_H

#include "pager/uvm_aio.h"
#include "pager/uvm_pager.h"

#define UVM_VNODE_VALID	       0x001
#define UVM_VNODE_CANPERSIST   0x002
#define UVM_VNODE_ALOCK	       0x004
#define UVM_VNODE_DYING	       0x008
#define UVM_VNODE_RELKILL      0x010
#define UVM_VNODE_WANTED       0x020
#define UVM_VNODE_VNISLOCKED   0x040
#define UVM_VNODE_IOSYNC       0x080
#define UVM_VNODE_IOSYNCWANTED 0x100
#define UVM_VNODE_WRITEABLE    0x200
#define UVM_VNODE_BLOCKED                                                      \
	(UVM_VNODE_ALOCK | UVM_VNODE_DYING | UVM_VNODE_RELKILL)

/*
 * The pager's part of a vnode: spec section 1.4.
 *
 * o: object lock, w: lock of the writable list, s: sync lock
 */
struct uvm_vnode {
	struct uvm_object u_obj;
	unsigned u_flags; /* o */
	unsigned u_nio;	  /* o: I/Os in flight */
#ifdef UVM_MP
	bool u_frozen; /* o: none may begin: vnode_quiesce() */
#endif
	uint64_t u_size; /* o: bytes */
	int u_error;	 /* o: of asynchronous writes, not reported yet */
	struct uvm_vnode *u_wnext, *u_wprev; /* w */
	struct uvm_vnode *u_snext;	     /* s */
};

extern const struct uvm_pagerops uvm_vnodeops;

void uvn_init(struct uvm *uvm);

/*
 * Attach: spec section 3.2.  accessprot is UVM_MAP_PROT bits.
 *
 * => nothing locked; vp is referenced by the caller
 * => the object, with one reference more; a new one holds one vnode reference
 */
struct uvm_object *uvn_attach(struct uvm *uvm, struct vnode *vp,
    unsigned accessprot);

/* One reference more of an object that has some. => object unlocked */
void uvn_reference(struct uvm *uvm, struct uvm_object *uobj);

/*
 * One reference less: spec section 3.4.
 *
 * => object unlocked, on entry and exit; the vnode may be gone from core
 */
void uvn_detach(struct uvm *uvm, struct uvm_object *uobj);

/*
 * Flush pages of [start, stop), bytes: spec section 3.5.
 *
 * => object locked on entry and exit, unlocked in between iff PGO_CLEANIT
 * => page queues unlocked
 * => false: a write failed, as the quirks report it
 */
bool uvn_flush(struct uvm *uvm, struct uvm_object *uobj, uint64_t start,
    uint64_t stop, unsigned flags);

/*
 * What a flush of file pages [start, stop) by the other method than by_list
 * says would count, and what a dry walk by each takes: the members of fi from
 * fi_both on.  Changes nothing but vm_page_rare.dry.
 *
 * => object locked; writes are taken to succeed
 * => fi_both stays false where that cannot be foretold
 */
void uvm_flush_dry(struct uvm *uvm, struct uvm_object *uobj, uint64_t start,
    uint64_t stop, unsigned flags, bool by_list, struct uvm_flushinfo *fi);

/*
 * Get pages: spec section 3.6.  pgno is that of pps[0].
 *
 * => object locked on entry; on exit locked iff PGO_LOCKED
 * => a VM_PAGER_ code
 */
int uvn_get(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    struct vm_page **pps, unsigned *npagesp, unsigned centeridx,
    unsigned flags);

/*
 * Begin to read those of npages pages from pgno on that are not there, as far
 * as that goes without waiting: spec section 3.7, where it did nothing.
 *
 * => object locked on entry and exit, unlocked in between
 * => how many pages, from pgno on, are there now or on their way
 */
unsigned uvn_asyncget(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    unsigned npages);

/*
 * A fault at page pgno in entry me: read ahead as the tunables say.
 *
 * => object locked on entry and exit, unlocked in between
 */
void uvm_readahead(struct uvm *uvm, struct uvm_object *uobj,
    struct vm_map_entry *me, uint64_t pgno);

/*
 * A request is over: give up its pages and all else that it held.
 *
 * => nothing locked but, perhaps, a vnode
 */
void uvn_aiodone(struct uvm *uvm, struct uvm_aiodesc *ad);

/* Write pages. => as uvn_io() */
int uvn_put(struct uvm *uvm, struct uvm_object *uobj, struct vm_page **pps,
    unsigned npages, unsigned flags);

/* [*lop, *hip) pages that may be written with pgno: spec section 3.9. */
void uvn_cluster(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    uint64_t *lop, uint64_t *hip);

/*
 * Move pages: spec section 3.10.
 *
 * => object locked on entry, unlocked on exit; the pages are BUSY
 * => on VM_PAGER_AGAIN it is locked, and of a write was all along: nobody can
 *    have taken the pages for ones that are being written
 */
int uvn_io(struct uvm *uvm, struct uvm_vnode *uvn, struct vm_page **pps,
    unsigned npages, unsigned flags, enum uvm_io rw);

/* Count b, tell the observer, fill up what a read did not. => b's error */
int uvn_io_finish(struct uvm *uvm, struct uvm_buf *b);

/*
 * Wait until the object has no I/O under way.  IOSYNC makes the last one wake
 * us, and is left set: uvn_iosync_end().
 *
 * => object locked on entry and exit
 */
void uvn_io_wait(struct uvm *uvm, struct uvm_vnode *uvn, const char *what);

/* Draining is over: I/O may start again. => object locked */
void uvn_iosync_end(struct uvm *uvm, struct uvm_vnode *uvn);

/*
 * Dispose of a BUSY and RELEASED page: spec section 3.11.
 *
 * => object locked, page queues unlocked
 * => with nextpgp: *nextpgp is its queue successor, page queues locked on exit
 * => false: the object died of it, and is unlocked; else still locked
 */
bool uvn_releasepg(struct uvm *uvm, struct vm_page *pg,
    struct vm_page **nextpgp);

/*
 * What follows where uvn_releasepg() ended the object: its vnode is let go.
 *
 * => q8: 1998 kept it, for ever; with one thread and I/O within calls we do
 */
void uvn_relkilled(struct uvm *uvm, struct uvm_vnode *uvn);

/* Take uvn off the writable list. */
void uvn_wlist_remove(struct uvm *uvm, struct uvm_vnode *uvn);

/* Hooks of the vnode layer: spec sections 3.13 to 3.16. => object unlocked */
void uvm_vnp_terminate(struct uvm *uvm, struct vnode *vp);
bool uvm_vnp_uncache(struct uvm *uvm, struct vnode *vp);
void uvm_vnp_setsize(struct uvm *uvm, struct vnode *vp, uint64_t newsize);
void uvm_vnp_sync(struct uvm *uvm);

#endif
