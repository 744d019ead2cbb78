/*
 * runs.c: accesses of a batch that are alike.
 *
 * First, without branches, each event's mapping and page; then, many at once,
 * how long the mapping stays the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

/* Events whose mappings are held at a time. */
#define PIECE 512

/* Mappings and pages that are looked at together. */
#define TOGETHER 16

_Static_assert(TRACE_WRITE == TRACE_READ + 1, "one comparison for both");
_Static_assert(sizeof(struct trace_run) == 24 &&
	offsetof(struct trace_run, rn_n) == 4 &&
	offsetof(struct trace_run, rn_file) == 8 &&
	offsetof(struct trace_run, rn_map) == 12 &&
	offsetof(struct trace_run, rn_low) == 16 &&
	offsetof(struct trace_run, rn_pages) == 20,
    "written by pairs");

int
runs_init(struct runs *rs, unsigned page_shift, size_t max)
{
	const size_t at = max * sizeof(*rs->rs_at_room);

	*rs = (struct runs){ .rs_shift = page_shift };
	rs->rs_at_room = calloc(1, at);
	rs->rs_run_room = malloc(max * sizeof(*rs->rs_run_room));
	rs->rs_at = rs->rs_at_room;
	rs->rs_run = rs->rs_run_room;
	if (rs->rs_at_room == NULL || rs->rs_run_room == NULL) {
		runs_fini(rs);
		return ENOMEM;
	}
	return 0;
}

void
runs_fini(struct runs *rs)
{

	free(rs->rs_at_room);
	free(rs->rs_run_room);
	*rs = (struct runs){ .rs_shift = 0 };
}

/*
 * Of any mappings, n events, without a branch for each: where mappings take
 * turns none can be foreseen.  What is in no run is written where the next run
 * will be.
 *
 * => not for vectors, which are slower here
 */
static noinline void
cut_each(struct runs_cut *rcp, const uint64_t *where, const uint32_t *at,
    size_t n, uint32_t first)
{
	struct runs_cut rc = *rcp;

	for (size_t i = 0; i < n; i++) {
		const bool some = where[i] != 0;
		const uint32_t other = where[i] != rc.rc_where;
		const uint32_t low = rc.rc_low | -other;
		const uint32_t high = rc.rc_high & (other - 1);
		uint64_t run[3];

		rc.rc_where = where[i];
		rc.rc_first = (rc.rc_first & (other - 1)) | (first & -other);
		rc.rc_low = at[i] < low ? at[i] : low;
		rc.rc_high = at[i] > high ? at[i] : high;
		rc.rc_n += other & some;
		first++;
		run[0] = rc.rc_first | (uint64_t)(first - rc.rc_first) << 32;
		run[1] = where[i];
		run[2] =
		    rc.rc_low >> 1 | (uint64_t)((rc.rc_high >> 1) + 1) << 32;
		(void)memcpy(&rc.rc_run[rc.rc_n - some], run, sizeof(run));
	}
	*rcp = rc;
}

/* Are they all of the mapping of the event before? */
static inline __attribute__((always_inline)) bool
same(const struct runs_cut *rc, const uint64_t *where)
{
	uint64_t other = 0;

	for (size_t i = 0; i < TOGETHER; i++)
		other |= where[i] ^ rc->rc_where;
	return other == 0;
}

/* They are: their run, if it is one, goes on. */
static inline __attribute__((always_inline)) void
cut_same(struct runs_cut *rc, const uint32_t *at, size_t n)
{
	uint32_t low = rc->rc_low, high = rc->rc_high;
	struct trace_run *rn;

	if (rc->rc_where == 0)
		return;
	rn = &rc->rc_run[rc->rc_n - 1];
	for (size_t i = 0; i < n; i++) {
		low = at[i] < low ? at[i] : low;
		high = at[i] > high ? at[i] : high;
	}
	rc->rc_low = low;
	rc->rc_high = high;
	rn->rn_n += (uint32_t)n;
	rn->rn_low = low >> 1;
	rn->rn_pages = (high >> 1) + 1;
}

vectorized void
runs_cut(struct runs_cut *rc, const uint64_t *where, size_t n)
{
	const uint32_t *const at = rc->rc_at;
	size_t i, k;

	for (i = 0; i < n; i += k) {
		k = n - i < TOGETHER ? n - i : TOGETHER;
		if (k == TOGETHER && same(rc, where + i))
			cut_same(rc, at + i, TOGETHER);
		else
			cut_each(rc, where + i, at + i, k,
			    (uint32_t)(rc->rc_done + i));
	}
	rc->rc_at += n;
	rc->rc_done += n;
}

vectorized void
runs_same(struct runs_cut *rc, uint64_t where, size_t n)
{
	const uint32_t *at = rc->rc_at;
	size_t left = n;

	if (where != rc->rc_where) {
		cut_each(rc, &where, at, 1, (uint32_t)rc->rc_done);
		at++;
		left--;
	}
	cut_same(rc, at, left);
	rc->rc_at += n;
	rc->rc_done += n;
}

size_t
runs_find(const struct trace_event *ev, size_t n, unsigned page_shift,
    uint32_t *at, struct trace_run *run)
{
	const uint64_t in_page = ((uint64_t)1 << page_shift) - 1;
	struct runs_cut rc = { .rc_run = run };
	uint64_t where[PIECE];

	rc.rc_at = at;
	while (rc.rc_done < n) {
		const struct trace_event *const te = ev + rc.rc_done;
		const size_t left = n - rc.rc_done;
		const size_t k = left < PIECE ? left : PIECE;

		for (size_t i = 0; i < k; i++) {
			const uint64_t page = te[i].te_offset >> page_shift;
			const uint64_t rest =
			    in_page - (te[i].te_offset & in_page);
			const unsigned op = te[i].te_op - (unsigned)TRACE_READ;
			/* A length of 0 is more than any rest. */
			const bool usual = (op <= 1) &
			    (te[i].te_length - 1 <= rest) &
			    (page < TRACE_PAGES);

			rc.rc_at[i] = TRACE_AT(page, op & 1);
			where[i] = runs_where(&te[i]) & -(uint64_t)usual;
		}
		runs_cut(&rc, where, k);
	}
	return rc.rc_n;
}

/* The thread of all of n events, or TRACE_TIDS. */
static uint64_t
thread_of(const struct trace_event *ev, size_t n)
{
	uint32_t others = 0;

	for (size_t i = 1; i < n; i++)
		others |= ev[i].te_tid ^ ev[0].te_tid;
	return others == 0 ? ev[0].te_tid : TRACE_TIDS;
}

void
runs_ro(struct trace_reader *tr, size_t n)
{
	struct runs *const rs = tr->tr_runs;

	rs->rs_at = rs->rs_at_room;
	rs->rs_run = rs->rs_run_room;
	rs->rs_n = runs_find(tr->tr_ev, n, rs->rs_shift, rs->rs_at_room,
	    rs->rs_run_room);
	rs->rs_tid = thread_of(tr->tr_ev, n);
}
