/*
 * fault: page faults as other tools print them.
 *
 * Private to traces/.
 */
#ifndef TRACES_FAULT_H
#define TRACES_FAULT_H

#include "traces/raw.h"

/* The kernel takes some faults twice: no later than this. */
#define FAULT_AGAIN_NS	 2000000
#define FAULT_PAGE_SHIFT 12 /* x86's */

/* The last fault of a thread. */
struct fault_last {
	uint64_t fl_page, fl_until; /* fl_until 0: none */
	uint8_t fl_flags;
};

/*
 * Is the fault the thread's last one once more?  What the thread has done in
 * between, a call, makes it another: then fl_until is 0.
 */
static inline bool
fault_again(struct fault_last *fl, const struct raw *rw)
{
	const uint64_t page = rw->rw_arg[0] >> FAULT_PAGE_SHIFT;
	const bool again = rw->rw_time < fl->fl_until && page == fl->fl_page &&
	    rw->rw_flags == fl->fl_flags;

	*fl = (struct fault_last){ page, rw->rw_time + FAULT_AGAIN_NS,
		rw->rw_flags };
	return again;
}

#endif
