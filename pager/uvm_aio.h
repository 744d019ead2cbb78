/*
 * uvm_aio: asynchronous I/O: descriptors, the done queue and aiodone; spec
 * section 3.12, which is all that 1998 left of it.
 *
 * A request is in one of these states:
 *
 *	idle	on ai_idle
 *	flying	the backend has it; its pages are BUSY, its object's u_nio and
 *		ai_flying count it, its pager address space is reserved
 *	done	the backend gave it back, aiodone has not been
 *
 * Who has to wait for anything that a flying request holds (a page, a
 * descriptor, address space, u_nio) sleeps, and sleeping collects what is done.
 */
#ifndef PAGER_UVM_AIO_H
#define PAGER_UVM_AIO_H

#include "pager/uvm_backend.h"
#include "pager/uvm_lock.h"
#include "pager/uvm_page.h"

struct uvm_vnode;
struct vnode;

/* Whose it is: what becomes of the pages follows from that. */
enum aio_kind { AIO_FLUSH, AIO_DAEMON, AIO_GET };

struct uvm_aiodesc {
	struct uvm_buf ad_buf; /* first: the backend knows its address */
	struct uvm_vnode *ad_uvn;
	struct vm_page **ad_page; /* [slots] */
	void **ad_addr;		  /* [slots]; NULL without data */
	struct uvm_aiodesc *ad_next;
	enum aio_kind ad_kind;
};

struct uvm_aio {
	struct uvm_aiodesc *ai_desc; /* [io_depth] */
	struct vm_page **ai_pages;   /* of all of them */
	void **ai_addrs;
	struct simplelock ai_lock; /* a: the following but ai_done and ai_on */
	struct uvm_aiodesc *ai_idle;
	struct uvm_aiodesc *ai_done, **ai_donetail; /* aiodone's alone */
	struct vnode *ai_rele; /* vnodes to be released when nothing is held */
	uint64_t ai_flying;
	bool ai_on; /* this machine has asynchronous I/O */
};

/* Descriptors, if the machine wants them. => ENOMEM, EOPNOTSUPP */
int uvm_aio_init(struct uvm *uvm, struct errmsg *em) mustcheck;
void uvm_aio_fini(struct uvm *uvm);

/*
 * A descriptor, waiting for one if none is idle.
 *
 * => nothing locked but, perhaps, a vnode
 * => NULL: the machine failed
 */
struct uvm_aiodesc *uvm_aio_get(struct uvm *uvm);
struct uvm_aiodesc *uvm_aio_tryget(struct uvm *uvm); /* NULL if none is idle */
void uvm_aio_put(struct uvm *uvm, struct uvm_aiodesc *ad);

/*
 * Start ad, filled in but for its state.
 *
 * => 0, or an errno: it was not started, and stays the caller's
 */
int uvm_aio_start(struct uvm *uvm, struct uvm_aiodesc *ad) mustcheck;

/* Nothing more will be started for now: the backend is to begin. */
void uvm_aio_submit(struct uvm *uvm);

/*
 * Collect what the backend is done with, and have aiodone finish it; with wait,
 * at least one if any is flying.
 *
 * => nothing locked but, perhaps, a vnode
 * => how many were finished
 */
unsigned uvm_aio_collect(struct uvm *uvm, bool wait);

/* Wait until no I/O of the object is under way. => nothing locked but vnodes */
void uvm_aio_drain(struct uvm *uvm, struct uvm_vnode *uvn);

/* Is any under way? */
bool uvm_aio_flying(struct uvm *uvm);

/*
 * An object died with its last I/O, in a place where its vnode cannot be
 * released: note it, and release what is noted.
 *
 * => rele: nothing locked
 */
void uvm_aio_rele_later(struct uvm *uvm, struct vnode *vp);
void uvm_aio_rele(struct uvm *uvm);

#endif
