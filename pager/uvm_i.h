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

struct uvm {
	struct uvm_hot hot; /* first: what the inlines read */
	struct uvm_param up;
	const struct uvm_backend *be;
	void *becookie;
	struct uvm_pagemem mem;
	struct lockstat ls;
	struct simplelock pageqlock, fpageqlock, hashlock;

	/* page daemon */
	uint64_t inactarg;  /* pages; 0 before the first turn */
	uint64_t paging;    /* pages in asynchronous page-out */
	uint64_t idleturns; /* consecutive, without progress */
	uint64_t shuffled;  /* deactivated since a page was freed or cleaned */
	bool indaemon;

	/* vnodes and objects */
	struct idmap files;    /* to struct vnode */
	struct vnode **object; /* [uo_num] */
	uint32_t nobject, objectroom;
	uint64_t numvnodes;
	struct vnode *freehead, *freetail;
	struct uvm_vnode *wlist;
	struct simplelock wlistlock;
	bool synclock;

	/* maps */
	struct idmap maps; /* to struct vm_map, NULL when gone */
	struct vm_map *allmaps;

	/* pager */
	unsigned slots;		  /* pages in the largest cluster */
	struct vm_page **slotbuf; /* [UVM_SLOTDEPTH][slots] */
	unsigned slotdepth;	  /* clusters under I/O, nested */
	void **iobuf;		  /* [max I/O pages]: frame addresses */
	struct vm_page **readbuf; /* [slots]: q4 fixed */
	uint64_t pagermap_free;	  /* pages */
	struct uvm_aio aio;
	uint64_t next_sync;	      /* trace time */
	enum uvm_flush_caller caller; /* of the flush under way */
	uint64_t io_time;	      /* uo_clock units within the backend */

	/*
	 * Called where 1998 slept, with what it slept on; returns false when
	 * nothing can ever wake it.  NULL is always false: with one thread and
	 * synchronous I/O there is nothing to wait for.
	 */
	bool (*sleep)(struct uvm *, const void *chan);

	struct uvm_observer obs;
	unsigned traversals; /* flushes under way, nested */
	bool transferring;   /* the backend is at work */
	bool traversing;     /* what uo_traverse was told last */
	uint32_t dryflush;   /* of the last dry flush: dry_stamp() */
	struct uvm_hist hist;
	int failed;
	char why[256];
};

#define EXP(uvm)      (&(uvm)->hot.uh_exp)
#define FIXED(uvm, q) ((uvm)->up.q == QUIRK_FIXED)

static inline struct vm_page *
frame_page(const struct uvm *uvm, uint32_t frame)
{

	return frame != 0 ? &uvm->mem.pm_frame[frame] : NULL;
}

static inline uint32_t
page_frame(const struct uvm *uvm, const struct vm_page *pg)
{

	return (uint32_t)(pg - uvm->mem.pm_frame);
}

static inline struct uvm_object *
page_object(const struct uvm *uvm, const struct vm_page *pg)
{

	return &uvm->object[pg->uobject]->v_uvm.u_obj;
}

/* The bytes of a frame; NULL without data. */
static inline void *
page_bytes(const struct uvm *uvm, const struct vm_page *pg)
{

	if (uvm->mem.pm_data == NULL)
		return NULL;
	return uvm->mem.pm_data +
	    ((size_t)(page_frame(uvm, pg) - 1) << uvm->mem.pm_shift);
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

#define OBJ_LOCK(uvm, uobj)   simple_lock(&(uvm)->ls, &(uobj)->vmobjlock)
#define OBJ_UNLOCK(uvm, uobj) simple_unlock(&(uvm)->ls, &(uobj)->vmobjlock)

/* Something here could sleep: no spin lock may be held. */
static inline void
uvm_may_sleep(struct uvm *uvm)
{

	KASSERT(uvm->ls.ls_spins == 0);
	(void)uvm;
}

/* The machine cannot go on; the first reason wins. Returns error. */
int uvm_fail(struct uvm *uvm, int error, const char *fmt, ...) printflike(3, 4);

/*
 * Wait for chan: spec section 2.6.  => the object is unlocked around it
 * => false: nothing will ever wake us, and the machine has failed
 */
bool uvm_sleep(struct uvm *uvm, const void *chan, const char *what);
void uvm_wakeup(struct uvm *uvm, const void *chan);

/* Have the file's bytes put on stable storage, and count that. */
int uvm_file_sync(struct uvm *uvm, uint32_t file) mustcheck;

/* Page daemon: spec section 5. */
void uvm_pageout_wake(struct uvm *uvm);
int uvm_wait(struct uvm *uvm) mustcheck;
void uvm_pageout_progress(struct uvm *uvm); /* a page was freed or cleaned */
void uvm_pageout_turn(struct uvm *uvm);

/* Tell uo_traverse, if it is another answer than before. */
static inline void
uvm_traverse_tell(struct uvm *uvm)
{
	const bool on = uvm->traversals != 0 && !uvm->transferring;

	if (likely(uvm->obs.uo_traverse == NULL) || on == uvm->traversing)
		return;
	uvm->traversing = on;
	uvm->obs.uo_traverse(uvm->obs.uo_arg, on);
}

/* A call of the backend begins and ends: what it takes is no time of ours. */
static inline uint64_t
uvm_backend_begin(struct uvm *uvm)
{

	uvm->transferring = true;
	uvm_traverse_tell(uvm);
	return uvm->obs.uo_clock != NULL ? uvm->obs.uo_clock() : 0;
}

static inline void
uvm_backend_end(struct uvm *uvm, uint64_t began)
{

	if (uvm->obs.uo_clock != NULL)
		uvm->io_time += uvm->obs.uo_clock() - began;
	uvm->transferring = false;
	uvm_traverse_tell(uvm);
}

int idmap_put(struct idmap *im, uint32_t id, void *ptr) mustcheck;
void *idmap_get(const struct idmap *im, uint32_t id);
bool idmap_known(const struct idmap *im, uint32_t id);
void idmap_fini(struct idmap *im);

#include "pager/uvm_page_i.h"

#endif
