/*
 * stats_sync.c: kinds of sync, and how far apart they are.
 */
#include <stdlib.h>

#include "traces/stats_i.h"

const char *const stats_sync_name[STATS_NSYNCS] = {
#define STATS_SYNC(NAME, name) [STATS_##NAME] = (name),
	STATS_SYNCS(STATS_SYNC)
#undef STATS_SYNC
};

enum stats_sync_kind
sync_kind(const struct trace_event *te)
{
	const uint32_t flags = te->te_flags;

	if (te->te_op == TRACE_SYNC)
		return STATS_ALL;
	if (te->te_op == TRACE_MSYNC)
		return (flags & TRACE_F_ASYNC) != 0 ? STATS_ASYNC : STATS_MSYNC;
	if ((flags & TRACE_F_RANGE) != 0)
		return STATS_RANGE;
	return (flags & TRACE_F_DATA) != 0 ? STATS_FDATASYNC : STATS_FSYNC;
}

static void
sample(struct sync_samples *sm, uint64_t v)
{
	sm->sm_count++;
	if (v > sm->sm_max)
		sm->sm_max = v;
	if (sm->sm_n == sm->sm_room && sm->sm_room < STATS_RECORDS) {
		const size_t room = sm->sm_room != 0 ? sm->sm_room * 2 : 64;
		uint64_t *const more =
		    reallocarray(sm->sm_v, room, sizeof(*more));

		if (more != NULL) {
			sm->sm_v = more;
			sm->sm_room = room;
		}
	}
	/* The first ones without a gap, or none: no memory came too late. */
	if (sm->sm_n < sm->sm_room && sm->sm_n == sm->sm_count - 1)
		sm->sm_v[sm->sm_n++] = v;
}

void
sync_take(struct sync_times *sn, uint64_t time, uint64_t accesses)
{
	if (sn->sn_seen) {
		sample(&sn->sn_times, time - sn->sn_time);
		sample(&sn->sn_between, accesses - sn->sn_accesses);
	}
	sn->sn_seen = true;
	sn->sn_time = time;
	sn->sn_accesses = accesses;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The least value that so many tenths of all do not exceed. */
static uint64_t
quantile(const uint64_t *v, size_t n, unsigned tenths)
{
	return n > 0 ? v[(n * tenths + 9) / 10 - 1] : 0;
}

static void
spread(const struct sync_samples *sm, struct stats_spread *ss)
{
	*ss = (struct stats_spread){ .ss_count = sm->sm_count,
		.ss_kept = sm->sm_n,
		.ss_max = sm->sm_max };
	/* Their order is of no more use. */
	if (sm->sm_n > 0)
		qsort(sm->sm_v, sm->sm_n, sizeof(*sm->sm_v), by_value);
	ss->ss_median = quantile(sm->sm_v, sm->sm_n, 5);
	ss->ss_p90 = quantile(sm->sm_v, sm->sm_n, 9);
}

void
sync_result(const struct sync_times *sn, struct stats_sync *sy)
{
	spread(&sn->sn_times, &sy->sy_time);
	spread(&sn->sn_between, &sy->sy_accesses);
}

void
sync_fini(struct sync_times *sn)
{
	free(sn->sn_times.sm_v);
	free(sn->sn_between.sm_v);
}
