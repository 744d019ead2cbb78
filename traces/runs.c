/*
 * runs.c: accesses of a batch that are alike.
 *
 * First, without branches, each event's mapping and page; then, many at once,
 * how long the mapping stays the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "traces/trace_i.h"

/* Events whose mappings are held at a time. */
#define PIECE 512

/* Mappings and pages that are looked at together. */
#define TOGETHER 16

_Static_assert(TRACE_WRITE == TRACE_READ + 1, "one comparison for both");

int
runs_init(struct runs *rs, unsigned page_shift, size_t max)
{
	const size_t at = (max + TRACE_AT_SLACK) * sizeof(*rs->rs_at_room);

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

/* How many of the n >= 1 at where are as the first. */
static inline size_t
same(const uint64_t *where, size_t n)
{
	const uint64_t first = where[0];
	size_t i = 0;

	for (; n - i >= TOGETHER; i += TOGETHER) {
		uint64_t other = 0;

		for (size_t k = 0; k < TOGETHER; k++)
			other |= where[i + k] ^ first;
		if (other != 0)
			break;
	}
	while (i < n && where[i] == first)
		i++;
	return i;
}

/* Make the run that ends at event first longer by n, whose pages are at at. */
static inline void
longer(struct trace_run *rn, const uint32_t *at, size_t n)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (size_t i = 0; i < n; i++) {
		low = at[i] < low ? at[i] : low;
		high = at[i] > high ? at[i] : high;
	}
	low >>= 1;
	high >>= 1;
	rn->rn_n += (uint32_t)n;
	rn->rn_low = low < rn->rn_low ? low : rn->rn_low;
	rn->rn_pages = high >= rn->rn_pages ? high + 1 : rn->rn_pages;
}

/* Does the run go on, with an access of that mapping at event first? */
static inline bool
goes_on(const struct trace_run *rn, size_t first, uint64_t where)
{

	return rn->rn_first + rn->rn_n == first &&
	    ((uint64_t)rn->rn_map << 32 | rn->rn_file) == where;
}

vectorized void
runs_cut(struct runs_cut *rc, const uint64_t *where, const uint32_t *at,
    size_t n)
{
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		const size_t first = rc->rc_at + i;
		struct trace_run *rn = &rc->rc_run[rc->rc_n];

		len = same(where + i, n - i);
		if (where[i] == 0)
			continue;
		if (rc->rc_n > 0 && goes_on(rn - 1, first, where[i])) {
			longer(rn - 1, at + i, len);
			continue;
		}
		*rn = (struct trace_run){
			.rn_first = (uint32_t)first,
			.rn_file = (uint32_t)where[i],
			.rn_map = (uint32_t)(where[i] >> 32),
			.rn_low = UINT32_MAX,
		};
		longer(rn, at + i, len);
		rc->rc_n++;
	}
	rc->rc_at += n;
}

size_t
runs_find(const struct trace_event *ev, size_t n, unsigned page_shift,
    uint32_t *at, struct trace_run *run)
{
	const uint64_t in_page = ((uint64_t)1 << page_shift) - 1;
	struct runs_cut rc = { .rc_run = run };
	uint64_t where[PIECE];

	while (rc.rc_at < n) {
		const struct trace_event *const te = ev + rc.rc_at;
		uint32_t *const to = at + rc.rc_at;
		const size_t k = n - rc.rc_at < PIECE ? n - rc.rc_at : PIECE;

		for (size_t i = 0; i < k; i++) {
			const uint64_t page = te[i].te_offset >> page_shift;
			const uint64_t rest =
			    in_page - (te[i].te_offset & in_page);
			const unsigned op = te[i].te_op - (unsigned)TRACE_READ;
			/* A length of 0 is more than any rest. */
			const bool usual = (op <= 1) &
			    (te[i].te_length - 1 <= rest) &
			    (page < TRACE_PAGES);

			to[i] = TRACE_AT(page, op & 1);
			where[i] = runs_where(&te[i]) & -(uint64_t)usual;
		}
		runs_cut(&rc, where, to, k);
	}
	return rc.rc_n;
}

void
runs_ro(struct trace_reader *tr, size_t n)
{
	struct runs *const rs = tr->tr_runs;

	rs->rs_at = rs->rs_at_room;
	rs->rs_run = rs->rs_run_room;
	rs->rs_n = runs_find(tr->tr_ev, n, rs->rs_shift, rs->rs_at_room,
	    rs->rs_run_room);
}
