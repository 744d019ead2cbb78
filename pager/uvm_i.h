/*
 * uvm_i: the machine, for pager/ alone.
 */
#ifndef PAGER_UVM_I_H
#define PAGER_UVM_I_H

#include "pager/uvm.h"
#include "pager/uvm_aio.h"
#include "pager/uvm_hist.h"
#include "pager/uvm_lock.h"
#include "pager/uvm_page.h"
#include "pager/uvm_pager.h"
#include "pager/uvm_pmap.h"
#include "pager/uvm_vnode.h"
#include "pager/vnode.h"

/* What the running thread waits for: uvm_waiting(). */
struct waitstat {
	unsigned ws_depth; /* waits, one within the other */
	enum uvm_waitkind ws_kind;
	uint64_t ws_began; /* the outermost; uo_clock() */
};

/*
 * What belongs to the thread that runs: SELF(uvm).  A machine of one thread has
 * it within; with UVM_MP it is the thread's, from joining to leaving.
 */
struct uvm_self {
	struct lockstat ls;
	struct waitstat ws;
	enum uvm_flush_caller caller; /* of the flush under way */
	struct vm_page **slotbuf;     /* [UVM_SLOTDEPTH][slots] */
	unsigned slotdepth;	      /* clusters under I/O, nested */
	void **iobuf;		      /* [slots]: frame addresses */
	struct vm_page **readbuf;     /* [slots]: q4 fixed */
	uint64_t io_time;	      /* uo_clock units within the backend */
	uint64_t aio_time;	      /* of these, of asynchronous I/O */
	uint64_t aio_begun;	      /* page I/Os, of those counted */
	struct uvm_calls notcalls;    /* calls that are not waited, not alone */
	unsigned traversals;	      /* flushes under way, nested */
	bool transferring;	      /* the backend is at work */
	bool traversing;	      /* what uo_traverse was told last */
	bool indaemon;
#ifdef UVM_MP
	struct uvmexp exp;
	struct uvmexp published; /* of exp; under mp.mp_lock */
	struct uvm_self *next;	 /* of mp.mp_selves */
#endif
};

/*
 * Numbers to pointers: files and maps by their ids.  A number once put stays
 * known; its pointer may become NULL.
 */
struct idmap {
	struct idmap_slot {
		uint32_t is_id; /* 0: empty */
		void *is_ptr;
	} * im_slot;
	size_t im_mask, im_used;
};

/* A flush's I/O may run the daemon, or end an object, each with its I/O. */
#define UVM_SLOTDEPTH 4

#ifdef UVM_MP
#include "pager/mp/uvm_mp.h"
#endif

/*
 * What a common fault needs to know of the entry of a map: uvm_lean.c.  It
 * holds until lean_forget().
 */
struct lean {
	const struct vm_map *le_map; /* NULL: none */
	uint64_t le_start, le_span;  /* pages whose faults may be common */
	unsigned le_back, le_npages; /* the window */
	uint64_t le_others;	     /* it without the page, a byte each */
	uint8_t le_enter;	     /* PTE_: what a mapping gets */
	bool le_writable;
};

struct uvm {
	struct uvm_hot hot; /* first: what the inlines read */
	struct uvm_param up;
	const struct uvm_backend *be;
	void *becookie;
	struct uvm_pagemem mem;
	struct simplelock pageqlock, fpageqlock, hashlock;
#ifdef UVM_MP
	struct uvm_mp mp;
#else
	struct uvm_self self;
#endif

	/* page daemon */
	uint64_t inactarg;  /* pages; 0 before the first turn */
	uint64_t paging;    /* pages in asynchronous page-out */
	uint64_t idleturns; /* consecutive, without progress */
	bool midturn;	    /* a turn was begun: uvm_pageout_clean() */
	uint64_t turnfreed; /* pdfreed when it was */
	uint64_t shuffled;  /* deactivated since a page was freed or cleaned */

	/* vnodes and objects */
	struct idmap files;    /* to struct vnode */
	struct vnode **object; /* [uo_num] */
	uint32_t nobject, objectroom;
	uint64_t numvnodes;
	struct vnode *freehead, *freetail;
	struct simplelock vnodeslock;
	struct uvm_vnode *wlist;
	struct simplelock wlistlock;
	bool synclock;

	/* maps */
	struct idmap maps; /* to struct vm_map, NULL when gone */
	struct vm_map *allmaps;
	struct simplelock mapslock; /* of these two */

	/* pager */
	unsigned slots;		/* pages in the largest cluster */
	uint64_t pagermap_free; /* pages */
	struct simplelock pagermaplock;
	struct uvm_aio aio;
	uint64_t next_sync; /* trace time */

	/*
	 * Called where 1998 slept, with what it slept on; returns false when
	 * nothing can ever wake it.  NULL is always false: with one thread and
	 * synchronous I/O there is nothing to wait for.
	 */
	bool (*sleep)(struct uvm *, const void *chan);

	struct uvm_observer obs;
	bool leanable; /* common faults may be had in one piece */
	struct lean lean;
	uint64_t untold;   /* uvm_untold() */
	uint32_t dryflush; /* of the last dry flush: dry_stamp() */
	struct uvm_hist hist;
	int failed;
	char why[256];
};

/*
 * EXP	counters, the thread's own
 * LEVELS	gauges, the machine's: shared_get() and its kin
 */
#ifdef UVM_MP
extern _Thread_local struct uvm_self *uvm_self;
#define SELF(uvm) ((void)(uvm), uvm_self)
#define EXP(uvm)  (&SELF(uvm)->exp)
#else
#define SELF(uvm) (&(uvm)->self)
#define EXP(uvm)  (&(uvm)->hot.uh_exp)
#endif

/* Is there a page daemon, are there other threads? */
#ifdef UVM_MP
#define CONCURRENT(uvm) ((uvm)->mp.mp_running)
#else
#define CONCURRENT(uvm) false
#endif
#define LEVELS(uvm)   (&(uvm)->hot.uh_exp)
#define FIXED(uvm, q) ((uvm)->up.q == QUIRK_FIXED)
#define FAILED(uvm)   shared_get(&(uvm)->failed)

/* The page that a link leads to: link 0 to frame 0, which is none. */
static inline struct vm_page *
link_at(const struct vm_page *frames, uint32_t link)
{

	return unconst((const char *)frames + (size_t)link * PAGE_LINK);
}

/* => NULL: it leads nowhere */
static inline struct vm_page *
link_page(const struct uvm *uvm, uint32_t link)
{

	return link != 0 ? link_at(uvm->mem.pm_frame, link) : NULL;
}

static inline uint32_t
page_link(const struct uvm *uvm, const struct vm_page *pg)
{

	return (uint32_t)(((uintptr_t)pg - (uintptr_t)uvm->mem.pm_frame) /
	    PAGE_LINK);
}

/* The number of a frame, from 1. */
static inline uint32_t
link_frame(uint32_t link)
{

	return link / (sizeof(struct vm_page) / PAGE_LINK);
}

/* What is rare of a page. */
static inline struct vm_page_rare *
page_rare(const struct uvm *uvm, const struct vm_page *pg)
{

	return &uvm->mem.pm_rare[link_frame(page_link(uvm, pg))];
}

static inline struct uvm_object *
page_object(const struct uvm *uvm, const struct vm_page *pg)
{

	return &uvm->object[page_uobject(pg)]->v_uvm.u_obj;
}

/* The bytes of a frame; NULL without data. */
static inline void *
page_bytes(const struct uvm *uvm, const struct vm_page *pg)
{

	if (uvm->mem.pm_data == NULL)
		return NULL;
	return uvm->mem.pm_data +
	    ((size_t)(link_frame(page_link(uvm, pg)) - 1) << uvm->mem.pm_shift);
}

/* Bytes to pages, down and up. */
static inline uint64_t
pages_trunc(const struct uvm *uvm, uint64_t bytes)
{

	return bytes >> uvm->mem.pm_shift;
}

static inline uint64_t
pages_round(const struct uvm *uvm, uint64_t bytes)
{

	return (bytes + (1ULL << uvm->mem.pm_shift) - 1) >> uvm->mem.pm_shift;
}

#define OBJ_LOCK(uvm, uobj)   simple_lock(&SELF(uvm)->ls, &(uobj)->vmobjlock)
#define OBJ_UNLOCK(uvm, uobj) simple_unlock(&SELF(uvm)->ls, &(uobj)->vmobjlock)

/* Something here could sleep: no spin lock may be held. */
static inline void
uvm_may_sleep(struct uvm *uvm)
{

	KASSERT(SELF(uvm)->ls.ls_spins == 0);
	(void)uvm;
}

#ifdef UVM_MP
bool uvm_mp_sleep(struct uvm *uvm, const void *chan, enum uvm_waitkind kind,
    const char *what, struct simplelock *l);
void uvm_mp_wake_all(struct uvm *uvm);
#else
#define uvm_chaos(uvm) ((void)(uvm))
#endif

/* The page daemon's turns free nothing, and someone waits: the machine fails. */
int uvm_out_of_memory(struct uvm *uvm);

/* The machine cannot go on; the first reason wins. Returns error. */
int uvm_fail(struct uvm *uvm, int error, const char *fmt, ...) printflike(3, 4);

/*
 * Wait for chan: spec section 2.6.
 *
 * => kind and what say for whom it is
 * => l is locked on entry and exit, and nothing else; given up in between.
 *    With UVM_MP no wakeup can come between the two
 * => true: awake, though perhaps for another's sake: look again
 * => false: nothing will ever wake us, and the machine has failed
 */
bool uvm_sleep(struct uvm *uvm, const void *chan, enum uvm_waitkind kind,
    const char *what, struct simplelock *l);
#ifdef UVM_MP
void uvm_wakeup(struct uvm *uvm, const void *chan);
#else
/* Nobody else sleeps. */
#define uvm_wakeup(uvm, chan) ((void)(uvm), (void)(chan))
#endif

/*
 * The fault routine: spec section 6.  An access of page pgno, which lies in me,
 * has no usable mapping.
 *
 * => nothing locked, on entry and exit
 */
enum uvm_outcome uvm_fault(struct uvm *uvm, struct vm_map *map,
    struct vm_map_entry *me, uint64_t pgno, enum uvm_access how);

#ifndef UVM_MP

/*
 * The same for a common fault, in one piece: uvm_lean.c.
 *
 * => the page has no usable mapping
 * => UVM_HIT_MAPPED: it is another kind of fault; nothing has happened
 */
enum uvm_outcome uvm_fault_lean(struct uvm *uvm, struct vm_map *map,
    uint64_t pgno, bool write);

/* Find out anew what uvm.leanable is, after what it depends on. */
void uvm_lean_settle(struct uvm *uvm);

/* Entries of a map, the size of a file or its bits may change. */
static inline void
lean_forget(struct uvm *uvm)
{

	uvm->lean.le_map = NULL;
}

#else

/* There are locks to take, and others to wait for. */
#define uvm_lean_settle(uvm) ((void)(uvm))
#define lean_forget(uvm)     ((void)(uvm))

#endif

/* Have the file's bytes put on stable storage, and count that. */
int uvm_file_sync(struct uvm *uvm, uint32_t file) mustcheck;

/* Page daemon: spec section 5. */
#ifdef UVM_MP
void uvm_pageout_wake(struct uvm *uvm);
#define uvm_pageout_wake_if(uvm, low)                                          \
	do {                                                                   \
		if (low)                                                       \
			uvm_pageout_wake(uvm);                                 \
	} while (0)
#else
/* Without a branch. */
static inline void
uvm_pageout_wake_if(struct uvm *uvm, bool low)
{

	uvm->hot.uh_due |= (uint8_t)(low * UVM_DUE_DAEMON);
}
#define uvm_pageout_wake(uvm) uvm_pageout_wake_if((uvm), true)
#endif
int uvm_wait(struct uvm *uvm) mustcheck;
void uvm_pageout_progress(struct uvm *uvm); /* a page was freed or cleaned */
void uvm_pageout_turn(struct uvm *uvm);

/*
 * The turn that is due at the end of an event, as far as all pages it comes to
 * are clean and nobody's business: most have no others.
 *
 * => false: uvm_event_end() is to take it, or the rest of it
 * => true: it is over, and nothing is due; mappings may be lost
 */
#ifdef UVM_MP
#define uvm_pageout_clean(uvm) ((void)(uvm), false)
#else
bool uvm_pageout_clean(struct uvm *uvm);
#endif

static inline uint64_t
uvm_clock(const struct uvm *uvm)
{

	return uvm->obs.uo_clock != NULL ? uvm->obs.uo_clock() : 0;
}

/* A wait begins, and ends; both may stand around others. */
static inline void
uvm_waiting(struct uvm *uvm, enum uvm_waitkind kind, uint64_t now)
{
	struct waitstat *const ws = &SELF(uvm)->ws;

	if (ws->ws_depth++ == 0) {
		ws->ws_kind = kind;
		ws->ws_began = now;
	}
}

static inline void
uvm_waited(struct uvm *uvm, uint64_t now)
{
	struct waitstat *const ws = &SELF(uvm)->ws;

	KASSERT(ws->ws_depth != 0);
	if (--ws->ws_depth == 0 && uvm->obs.uo_wait != NULL)
		uvm->obs.uo_wait(uvm->obs.uo_arg, ws->ws_kind, ws->ws_began,
		    now);
}

/* Tell uo_depth. */
static inline void
uvm_depth_tell(struct uvm *uvm, int change, uint64_t now)
{

	if (uvm->obs.uo_depth != NULL)
		uvm->obs.uo_depth(uvm->obs.uo_arg, change, now);
}

/* A page I/O within a call was part of a wait, or another was under way. */
static inline void
uvm_call_odd(struct uvm *uvm, bool flying, uint64_t time)
{
	struct uvm_self *const self = SELF(uvm);

	if (self->ws.ws_depth != 0) {
		self->notcalls.uc_waited.n++;
		self->notcalls.uc_waited.time += time;
	}
	if (flying) {
		self->notcalls.uc_alone.n++;
		self->notcalls.uc_alone.time += time;
	}
}

/* A page I/O within a call begins, and has ended. */
static inline void
uvm_call_begin(struct uvm *uvm, uint64_t began)
{

#ifdef UVM_MP
	uvm_waiting(uvm, UVM_WAIT_DEVICE, began);
	uvm_depth_tell(uvm, 1, began);
#else
	if (unlikely(uvm->hot.uh_due & UVM_DUE_AIO))
		uvm_depth_tell(uvm, 1, began);
#endif
}

static inline void
uvm_call_end(struct uvm *uvm, uint64_t began, uint64_t ended)
{

#ifdef UVM_MP
	(void)began;
	uvm_depth_tell(uvm, -1, ended);
	uvm_waited(uvm, ended);
#else
	const unsigned flying = uvm->hot.uh_due & UVM_DUE_AIO;

	if (unlikely((SELF(uvm)->ws.ws_depth | flying) != 0))
		uvm_call_odd(uvm, flying != 0, ended - began);
	if (unlikely(flying != 0))
		uvm_depth_tell(uvm, -1, ended);
#endif
}

/*
 * The backend is called, and has returned: as long as it takes nobody who waits
 * is to be thought stuck.
 */
static inline void
uvm_called(struct uvm *uvm, bool on)
{

#ifdef UVM_MP
	if (on)
		shared_add(&uvm->mp.mp_calls, 1);
	else
		shared_sub(&uvm->mp.mp_calls, 1);
#else
	(void)uvm;
	(void)on;
#endif
}

/* A call for the file itself, waited for as the device. */
static inline void
uvm_device_begin(struct uvm *uvm)
{

	uvm_called(uvm, true);
	uvm_waiting(uvm, UVM_WAIT_DEVICE, uvm_clock(uvm));
}

static inline void
uvm_device_end(struct uvm *uvm)
{

	uvm_waited(uvm, uvm_clock(uvm));
	uvm_called(uvm, false);
}

/* Tell uo_traverse, if it is another answer than before. */
static inline void
uvm_traverse_tell(struct uvm *uvm)
{
	const bool on = SELF(uvm)->traversals != 0 && !SELF(uvm)->transferring;

	if (likely(uvm->obs.uo_traverse == NULL) || on == SELF(uvm)->traversing)
		return;
	SELF(uvm)->traversing = on;
	uvm->obs.uo_traverse(uvm->obs.uo_arg, on);
}

/* A call of the backend begins and ends: what it takes is no time of ours. */
static inline uint64_t
uvm_backend_begin(struct uvm *uvm)
{

	uvm_called(uvm, true);
	if (unlikely(uvm->obs.uo_traverse != NULL)) {
		SELF(uvm)->transferring = true;
		uvm_traverse_tell(uvm);
	}
	return uvm_clock(uvm);
}

/* => when it ended */
static inline uint64_t
uvm_backend_end(struct uvm *uvm, uint64_t began)
{
	const uint64_t now = uvm_clock(uvm);

	uvm_called(uvm, false);
	SELF(uvm)->io_time += now - began;
	if (unlikely(uvm->obs.uo_traverse != NULL)) {
		SELF(uvm)->transferring = false;
		uvm_traverse_tell(uvm);
	}
	return now;
}

int idmap_put(struct idmap *im, uint32_t id, void *ptr) mustcheck;
void *idmap_get(const struct idmap *im, uint32_t id);
bool idmap_known(const struct idmap *im, uint32_t id);
void idmap_fini(struct idmap *im);

#include "pager/uvm_page_i.h"

/*
 * Reserve pager address space for n pages; spec section 4.5.
 *
 * => false: there is not enough; with wait it sleeps and succeeds, or the
 *    machine fails
 */
bool uvm_pagermapin_wait(struct uvm *uvm, unsigned npages, bool wait);

static inline bool
uvm_pagermapin(struct uvm *uvm, unsigned npages, bool wait)
{

#ifndef UVM_MP
	if (likely(uvm->pagermap_free >= npages)) {
		uvm->pagermap_free -= npages;
		return true;
	}
#endif
	return uvm_pagermapin_wait(uvm, npages, wait);
}

static inline void
uvm_pagermapout(struct uvm *uvm, unsigned npages)
{

	mp_lock(&SELF(uvm)->ls, &uvm->pagermaplock);
	uvm->pagermap_free += npages;
	uvm_wakeup(uvm, &uvm->pagermap_free);
	mp_unlock(&SELF(uvm)->ls, &uvm->pagermaplock);
}

#endif
