/*
 * backend_inject: faults and delays to order, over any backend.
 *
 * A rule says which I/O it is about and what becomes of it.  The layer passes
 * on what no rule hits, and counts, for each rule, what it looked at and what
 * it hit.  A failed I/O moves nothing; of a short one the first half is moved,
 * in whole pages if there are several.  An asynchronous I/O fails, or is late,
 * when it is collected, as one of a device is.
 *
 * With one thread the same I/Os and seed give the same faults.
 */
#ifndef PAGER_BACKEND_INJECT_H
#define PAGER_BACKEND_INJECT_H

#include "base/tunable.h"
#include "pager/uvm_backend.h"

/* What an I/O is, as bits of a rule. */
#define INJECT_READ	0x1 /* page-ins and read(2) */
#define INJECT_WRITE	0x2 /* page-outs, write(2), zeros of fallocate(2) */
#define INJECT_SYNC	0x4 /* the file onto stable storage */
#define INJECT_TRUNCATE 0x8 /* a change of the file's size */

#define INJECT_ANY UINT64_MAX

/*
 * All conditions have to hold.  They are asked from ij_file down, and each
 * counts only I/Os that passed those before it: ij_nth with ij_page is the
 * n-th I/O that has the page.
 */
struct inject_rule {
	unsigned ij_what;  /* INJECT_ */
	int ij_error;	   /* it fails with that; or, if 0, */
	bool ij_short;	   /* a page-in or page-out moves only a part; */
	uint64_t ij_delay; /* else it takes so much longer, ns */
	uint32_t ij_file;  /* of this file; 0: of any */
	uint64_t ij_page;  /* has this page; or INJECT_ANY */
	uint64_t ij_after; /* bytes that are let by before; 0: none */
	uint64_t ij_nth;   /* the n-th, 1..; 0: all */
	uint64_t ij_every; /* each n-th; 0: all */
	uint64_t ij_p;	   /* with this probability, a RATIO; RATIO(1, 1) */
};

/* What came of a rule. */
struct inject_count {
	uint64_t ic_seen; /* I/Os it is about: in file, page and after */
	uint64_t ic_hit;  /* of those, failed, short or late by it */
};

struct uvm_injectbe;

/*
 * Make a layer over be, whose cookie is cookie; rules are copied.
 *
 * => the backend to use is uvm_injectbe_ops(), its cookie the layer
 * => it has asynchronous I/O if be has
 * => where several rules hit, the first that is no delay counts, and all
 *    delays are added up
 */
int uvm_injectbe_create(const struct uvm_backend *be, void *cookie,
    uint32_t pgsize, const struct inject_rule *rules, size_t nrules,
    uint64_t seed, struct uvm_injectbe **ibp) mustcheck;
void uvm_injectbe_destroy(struct uvm_injectbe *ib);
const struct uvm_backend *uvm_injectbe_ops(const struct uvm_injectbe *ib);

/* Of the i-th rule, so far. */
struct inject_count uvm_injectbe_count(struct uvm_injectbe *ib, size_t i);

#endif
