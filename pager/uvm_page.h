/*
 * uvm_page: page frames, the page hash, object page lists and page queues;
 * spec section 2.
 *
 * A frame is known by its number, 1..; 0 is no frame.  Links are 4 bytes, so
 * that what is common of a page is 32, half a cache line; what is rare lies
 * apart.  Structure and order are those of 1998: a hash of tail-inserted
 * chains, a doubly linked memq in order of insertion, tail queues.
 */
#ifndef PAGER_UVM_PAGE_H
#define PAGER_UVM_PAGE_H

#include "base/base.h"
#include "pager/uvm_lock.h"

struct uvm;
struct uvm_object;

/* Object flags: spec section 1.2, with its values. */
#define PG_COUNTED  0x0001 /* ours: counted in the gauge dirty */
#define PG_AHEAD    0x0002 /* ours: read ahead, not faulted yet */
#define PG_CLEAN    0x0008
#define PG_BUSY	    0x0010
#define PG_WANTED   0x0020
#define PG_TABLED   0x0040
#define PG_FAKE	    0x0200
#define PG_RELEASED 0x1000
#define PG_CLEANCHK 0x4000
/* Page attributes folded from mappings that are gone; ours. */
#define PA_REF 0x0100
#define PA_MOD 0x0400
#define PA_ALL (PA_REF | PA_MOD)

/* Queue flags. */
#define PQ_FREE	    0x01
#define PQ_INACTIVE 0x02
#define PQ_ACTIVE   0x04
#define PQ_WIRED    0x08 /* ours: on no queue, as it is wired */

/*
 * The descriptor of a page.  Lists link to a page by the place of its
 * descriptor behind the first, in units of PAGE_LINK bytes: 4 bytes a link, and
 * to follow it costs no arithmetic.  Link 0 leads to no page.
 *
 * o: object lock, q: page-queue lock, f: free-list lock, h: hash lock; shared:
 * read, too, by who started an I/O on the page and has to find out whose it is
 */
struct vm_page {
	uint64_t key;	     /* o,q; shared: whose it is, page_key() */
	uint32_t hashq;	     /* h: next in the hash chain */
	uint32_t listq_next; /* o: memq */
	uint32_t listq_prev; /* o */
	uint32_t pageq_next; /* q: page queue, or f: free list */
	uint32_t pageq_prev; /* q,f */
	union {
		struct {
			uint16_t flags;	 /* o: PG_, PA_ */
			uint8_t pqflags; /* q: PQ_ */
			uint8_t nmaps;	 /* o: mappings, page_nmaps() */
		};
		uint32_t state; /* o,q: these three, page_state() */
	};
};
_Static_assert(sizeof(struct vm_page) == 32, "two in a cache line");

/* What few pages have, or have a use for: page_rare(). */
struct vm_page_rare {
	uint32_t dry;	     /* the dry flush that had it cleaned last */
	uint32_t nmaps;	     /* o: mappings beyond NMAPS_MANY */
	uint16_t wire_count; /* q */
	uint16_t version;    /* o; shared: of who may remember it; wraps */
};

/* vm_page.nmaps is at most this. */
#define NMAPS_MANY UINT8_MAX

/* Whose a page is: 28 bits of the object's number, at most UVM_FILES_MAX, 0 is
 * none; and 36 of the page's number in it, below UVM_FILE_MAX / UVM_PAGE_MIN. */
#define PAGE_PGNO_BITS 36
#define PAGE_PGNO_MASK ((1ULL << PAGE_PGNO_BITS) - 1)

/* => pgno is one of a file, or UINT64_MAX: then it is no page's (q16) */
static inline uint64_t
page_key(uint32_t uobject, uint64_t pgno)
{

	return (uint64_t)uobject << PAGE_PGNO_BITS | pgno;
}

/* Page number in the object. */
static inline uint64_t
page_pgno(const struct vm_page *pg)
{

	return shared_get(&pg->key) & PAGE_PGNO_MASK;
}

/* Object number; 0 is none. */
static inline uint32_t
page_uobject(const struct vm_page *pg)
{

	return (uint32_t)(shared_get(&pg->key) >> PAGE_PGNO_BITS);
}

/* A value of vm_page.state, or a mask of it. */
static inline uint32_t
page_state(unsigned flags, unsigned pqflags, unsigned nmaps)
{
	const struct vm_page pg = {
		.flags = (uint16_t)flags,
		.pqflags = (uint8_t)pqflags,
		.nmaps = (uint8_t)nmaps,
	};

	return pg.state;
}

/* Processors scale an index by as much. */
#define PAGE_LINK 8
_Static_assert(sizeof(struct vm_page) % PAGE_LINK == 0, "links are whole");

/* So many descriptors have a link, and the one of no page. */
#define FRAMES_MAX (UINT32_MAX / (sizeof(struct vm_page) / PAGE_LINK))

/*
 * A tail queue of frames, linked by pageq.
 *
 * The page daemon takes pages from the head, each at a random place in memory.
 * A scout runs some pages ahead of it and tells the cache; pl_lead is about how
 * many.  It is a hint: nothing depends on where in the queue it stands.  At the
 * end it is 0, and pl_lead as large as may be.
 */
struct pglist {
	uint32_t pl_head, pl_tail;
	uint32_t pl_scout;
	uint32_t pl_lead;
};

/* A hash chain, linked by hashq. */
struct pghash {
	uint32_t ph_head, ph_tail;
};

/*
 * Memory.  Frames from pm_fresh on were never used: they stand, in order, at
 * the head of the free list without being linked, so that a machine of any
 * size touches only the descriptors it uses.
 */
struct uvm_pagemem {
	struct vm_page *pm_frame;     /* [pm_npages + 1]; [0] is none */
	struct vm_page_rare *pm_rare; /* of the same */
	struct pghash *pm_bucket;     /* [pm_mask + 1] */
	uint64_t pm_mask;
	uint64_t pm_npages;
	uint64_t pm_fresh;	   /* f: next never used frame */
	struct pglist pm_free;	   /* f */
	struct pglist pm_active;   /* q */
	struct pglist pm_inactive; /* q: the object queue; no page is anon */
	uint8_t *pm_data;	   /* bytes of frames 1.., or NULL */
	unsigned pm_shift;	   /* log2 of the page size */
	bool pm_far; /* descriptors and hash are more than a cache holds */
	/* of the maps */
	size_t pm_framelen, pm_rarelen, pm_bucketlen, pm_datalen;
};

/* Reserve address space; ENOMEM with the size in em.  up is resolved. */
int uvm_page_init(struct uvm *uvm, struct errmsg *em) mustcheck;
void uvm_page_fini(struct uvm *uvm);

/*
 * Allocate the page pgno of uobj: spec section 2.3.
 *
 * => object locked; the page is not there yet
 * => may wake the daemon; never sleeps
 * => NULL: memory is low; the caller waits with uvm_wait()
 * => the page is BUSY|CLEAN|FAKE, in the object, on no queue
 */
struct vm_page *uvm_pagealloc(struct uvm *uvm, struct uvm_object *uobj,
    uint64_t pgno);

/*
 * Free a page: spec section 2.4.
 *
 * => object and page queues locked; no mappings are left
 */
void uvm_pagefree(struct uvm *uvm, struct vm_page *pg);

/* Queues: spec section 2.5; activate is an inline of uvm_page_i.h.
 * => page queues locked */
void uvm_pagedeactivate(struct uvm *uvm, struct vm_page *pg);
void uvm_pagewire(struct uvm *uvm, struct vm_page *pg);
void uvm_pageunwire(struct uvm *uvm, struct vm_page *pg);

/* Keep the gauge dirty: pg has, or no longer has, changes of its own. */
void uvm_page_dirtied(struct uvm *uvm, struct vm_page *pg);
void uvm_page_cleaned(struct uvm *uvm, struct vm_page *pg);

/* Its write failed, and it becomes clean or free all the same: tell of it. */
void uvm_page_lost(struct uvm *uvm, const struct vm_page *pg);

/* Does the file lack what pg holds?  CLEAN and the modified bits say. */
bool uvm_page_dirty_p(const struct uvm *uvm, const struct vm_page *pg);

#endif
