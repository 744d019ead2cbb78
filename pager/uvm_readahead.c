/*
 * uvm_readahead.c: how far to read ahead of a fault.  1998 had none: what came
 * of the locked window's neighbours was all.
 *
 * Each map entry remembers where its faults went on and what was read ahead for
 * it and is still to come, [me_ahead.ra_begin, ra_end).  A fault that goes on
 * where the last one was, or that falls into what was read ahead, is
 * sequential: the window doubles, up to readahead_max.  Any other one closes
 * it.  Reads are whole clusters, so a window is filled up only once a cluster's
 * worth is due.
 *
 * The idea of a window that grows with use and closes at a jump is that of
 * NetBSD's later uvm_readahead.c and of most systems since.
 */
#include "pager/uvm_i.h"

/*
 * Does pgno lie in what was read ahead?  A few pages behind count: faults map
 * so many.
 */
static bool
is_ahead(const struct uvm *uvm, const struct readahead *ra, uint64_t pgno)
{

	return pgno + uvm->up.fault_back >= ra->ra_begin && pgno < ra->ra_end;
}

/*
 * Is a fault at pgno one step of a scan?  Faults map neighbours ahead, so a
 * scan's next one may lie that much further on.
 */
static bool
is_sequential(const struct uvm *uvm, const struct vm_map_entry *me,
    uint64_t pgno)
{
	const struct readahead *const ra = &me->me_ahead;

	return is_ahead(uvm, ra, pgno) ||
	    pgno - ra->ra_last - 1 <= uvm->up.fault_forward ||
	    (pgno == me->me_start && ra->ra_last == 0);
}

/* The window of a fault at pgno, in pages; 0 for none. */
static uint64_t
window(const struct uvm *uvm, const struct vm_map_entry *me, uint64_t pgno)
{
	const uint64_t max = pages_trunc(uvm, uvm->up.readahead_max);
	const uint64_t last = me->me_ahead.ra_size;

	if (me->me_advice == ADVICE_RANDOM)
		return 0;
	if (uvm->up.readahead == READAHEAD_FIXED ||
	    me->me_advice == ADVICE_SEQUENTIAL)
		return max;
	if (!is_sequential(uvm, me, pgno))
		return 0;
	if (last == 0)
		return uvm->slots < max ? uvm->slots : max;
	return last < max / 2 ? last * 2 : max;
}

void
uvm_readahead(struct uvm *uvm, struct uvm_object *uobj, struct vm_map_entry *me,
    uint64_t pgno)
{
	struct readahead *const ra = &me->me_ahead;
	const uint64_t size = window(uvm, me, pgno);
	uint64_t from = pgno + 1, to;

	LOCK_HELD(&uobj->vmobjlock);
	ra->ra_last = pgno;
	if (size == 0) {
		ra->ra_begin = ra->ra_end = ra->ra_size = 0;
		return;
	}
	if (is_ahead(uvm, ra, pgno))
		from = ra->ra_end;
	ra->ra_begin = pgno;
	to = pgno + 1 + size < me->me_end ? pgno + 1 + size : me->me_end;
	if (from >= to ||
	    (from > pgno + 1 && to - from < uvm->slots && to != me->me_end))
		return;
	if (to - from > uvm->slots && to != me->me_end)
		to -= (to - from) % uvm->slots;
	ra->ra_end = from +
	    uobj->pgops->pgo_asyncget(uvm, uobj, from, (unsigned)(to - from));
	ra->ra_size = size;
}
