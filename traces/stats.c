/*
 * stats.c: events taken apart, and what the other files make of them put
 * together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/stats_i.h"

#define MEMORY_SMALL ((size_t)1 << 28) /* of processes and threads */

void
stats_hist_add(struct stats_hist *sh, uint64_t v)
{
	sh->sh_bucket[stats_bucket(v)]++;
	sh->sh_count++;
	sh->sh_sum += v;
	if (v > sh->sh_max)
		sh->sh_max = v;
}

/* Room for what is known of each file.  => ENOMEM */
static int
files_init(struct trace_stats *ts)
{
	const struct trace_meta *const tm = ts->ts_meta;
	struct stats_result *const sr = &ts->ts_result;

	sr->sr_files = calloc(tm->tm_nfiles + 1, sizeof(*sr->sr_files));
	ts->ts_dirty.dp_files =
	    calloc(tm->tm_nfiles + 1, sizeof(*ts->ts_dirty.dp_files));
	if (trace_places_init(&ts->ts_places, tm) != 0 ||
	    sr->sr_files == NULL || ts->ts_dirty.dp_files == NULL)
		return ENOMEM;
	sr->sr_nfiles = tm->tm_nfiles;
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		sr->sr_files[i].sf_file = &tm->tm_files[i];
	return 0;
}

int
trace_stats_create(const struct trace_meta *tm, const struct stats_param *sp,
    struct trace_stats **tsp, struct errmsg *em)
{
	struct trace_stats *const ts = calloc(1, sizeof(*ts));

	if (ts == NULL)
		return ERRMSG(em, ENOMEM, "no memory for the statistics");
	ts->ts_meta = tm;
	ts->ts_shift = (unsigned)__builtin_ctz(tm->tm_page);
	ts->ts_budget.sb_left =
	    sp->sp_memory != 0 ? sp->sp_memory : STATS_MEMORY;
	ts->ts_small.sb_left = MEMORY_SMALL;
	table_init(&ts->ts_pids, sizeof(struct stats_key), &ts->ts_small);
	table_init(&ts->ts_tids, sizeof(struct stats_key), &ts->ts_small);
	table_init(&ts->ts_maps, sizeof(struct live_range), &ts->ts_budget);
	table_init(&ts->ts_leaves, sizeof(struct page_leaf), &ts->ts_budget);
	dirty_init(&ts->ts_dirty, &ts->ts_leaves, &ts->ts_budget);
	seq_init(&ts->ts_tracks);
	if (files_init(ts) != 0 ||
	    order_init(&ts->ts_order, sp->sp_fast) != 0) {
		trace_stats_destroy(ts);
		return ERRMSG(em, ENOMEM, "no memory for the statistics");
	}
	*tsp = ts;
	return 0;
}

void
trace_stats_destroy(struct trace_stats *ts)
{
	if (ts == NULL)
		return;
	for (size_t i = 0; i < STATS_NSYNCS; i++)
		sync_fini(&ts->ts_syncs[i]);
	table_fini(&ts->ts_pids);
	table_fini(&ts->ts_tids);
	table_fini(&ts->ts_maps);
	table_fini(&ts->ts_leaves);
	seq_fini(&ts->ts_tracks);
	order_fini(&ts->ts_order);
	dirty_fini(&ts->ts_dirty);
	free(ts->ts_result.sr_files);
	trace_places_fini(&ts->ts_places);
	free(ts);
}

static uint32_t
place(const struct trace_stats *ts, uint32_t id)
{
	return trace_place(&ts->ts_places, id);
}

static uint64_t
page_up(const struct trace_stats *ts, uint64_t bytes)
{
	return (bytes + ts->ts_meta->tm_page - 1) >> ts->ts_shift;
}

static const struct live_range *
range_of(const struct trace_stats *ts, uint32_t map)
{
	return table_find(&ts->ts_maps, (struct stats_key){ map, 0 });
}

/* Does a write through it change the file? */
static bool
shared(struct trace_stats *ts, const struct trace_event *te)
{
	if (te->te_map != ts->ts_map) {
		const struct live_range *const lr = range_of(ts, te->te_map);

		ts->ts_map = te->te_map;
		ts->ts_private = lr != NULL && lr->lr_private;
	}
	return !ts->ts_private && (te->te_flags & TRACE_F_PRIVATE) == 0;
}

static void
access_take(struct trace_stats *ts, const struct trace_event *te)
{
	struct stats_result *const sr = &ts->ts_result;
	const bool write = te->te_op == TRACE_WRITE;
	const uint32_t file = place(ts, te->te_file);
	const uint64_t first = te->te_offset >> ts->ts_shift;
	uint64_t end = page_up(ts, te->te_offset + te->te_length);

	if (end == first)
		end++;
	sr->sr_accesses[write] += end - first;
	sr->sr_files[file].sf_accesses[write] += end - first;
	for (uint32_t f = te->te_flags; f != 0; f &= f - 1)
		sr->sr_flag[__builtin_ctz(f)][write] += end - first;
	seq_take(&ts->ts_tracks, &ts->ts_seq, te, file, first, end - first);
	if (!following(ts))
		return;
	work_time(&ts->ts_work, te->te_time, ts->ts_order.po_next);
	pages_take(ts, file, first, end, write, write && shared(ts, te));
}

static void
attach_take(struct trace_stats *ts, const struct trace_event *te)
{
	struct live_range *const lr =
	    table_get(&ts->ts_maps, (struct stats_key){ te->te_map, 0 });

	if (lr == NULL)
		return;
	lr->lr_from = te->te_offset;
	lr->lr_to = te->te_offset + te->te_length;
	lr->lr_private = (te->te_flags & TRACE_F_PRIVATE) != 0;
	ts->ts_map = 0;
}

/* A map goes; of one that goes in part, what was said of it still holds. */
static void
detach_take(struct trace_stats *ts, const struct trace_event *te)
{
	const struct live_range *const lr = range_of(ts, te->te_map);

	if (lr == NULL ||
	    (te->te_length > 0 &&
		(te->te_offset > lr->lr_from ||
		    te->te_offset + te->te_length < lr->lr_to)))
		return;
	table_remove(&ts->ts_maps, (struct stats_key){ te->te_map, 0 });
	ts->ts_map = 0;
}

static void
call_take(struct trace_stats *ts, const struct trace_event *te)
{
	struct stats_file *const sf =
	    &ts->ts_result.sr_files[place(ts, te->te_file)];
	const bool write = te->te_op == TRACE_PWRITE;

	ts->ts_result.sr_bytes[write] += te->te_length;
	sf->sf_calls[write]++;
	sf->sf_bytes[write] += te->te_length;
}

/* Pages of a file go, and what was dirty of them with them. */
static void
drop_take(struct trace_stats *ts, const struct trace_event *te)
{
	uint64_t from = page_up(ts, te->te_length), to = UINT64_MAX;

	if (te->te_op == TRACE_FALLOCATE) {
		if ((te->te_flags & (TRACE_F_PUNCH | TRACE_F_ZERO)) == 0)
			return;
		from = page_up(ts, te->te_offset);
		to = (te->te_offset + te->te_length) >> ts->ts_shift;
	}
	if (following(ts))
		ts->ts_result.sr_dropped += dirty_clean(&ts->ts_dirty,
		    place(ts, te->te_file), from, to, NULL);
}

/* The bytes of its file that a sync covers. */
static void
sync_range(const struct trace_stats *ts, const struct trace_event *te,
    enum stats_sync_kind kind, uint64_t *fromp, uint64_t *top)
{
	const struct live_range *lr;

	*fromp = 0;
	*top = INT64_MAX;
	if (kind == STATS_FSYNC || kind == STATS_FDATASYNC)
		return;
	*fromp = te->te_offset;
	if (te->te_length > 0)
		*top = te->te_offset + te->te_length;
	else if (kind != STATS_RANGE && (lr = range_of(ts, te->te_map)) != NULL)
		*top = lr->lr_to;
}

static void
sync_event(struct trace_stats *ts, const struct trace_event *te)
{
	struct stats_result *const sr = &ts->ts_result;
	struct dirty_pages *const dp = &ts->ts_dirty;
	const uint64_t accesses = sr->sr_accesses[0] + sr->sr_accesses[1];
	const enum stats_sync_kind kind = sync_kind(te);
	struct stats_sync *const sy = &sr->sr_sync[kind];
	uint64_t from, to, sum = 0;

	sy->sy_count++;
	sync_take(&ts->ts_syncs[kind], te->te_time, accesses);
	sync_take(&ts->ts_syncs[STATS_ANY], te->te_time, accesses);
	if (!following(ts))
		return;
	if (kind == STATS_ALL) {
		while (dp->dp_first != 0)
			sum += dirty_clean(dp, dp->dp_first - 1, 0, UINT64_MAX,
			    &sy->sy_runs);
	} else {
		sync_range(ts, te, kind, &from, &to);
		sum = dirty_clean(dp, place(ts, te->te_file),
		    from >> ts->ts_shift, page_up(ts, to), &sy->sy_runs);
	}
	sy->sy_clean += sum == 0;
	stats_hist_add(&sy->sy_pages, sum);
}

/* Count the process and the thread, if they are not those of the last event. */
static void
thread_take(struct trace_stats *ts, const struct trace_event *te)
{
	const uint64_t pid = (uint64_t)te->te_pid + 1;
	const uint64_t tid = (uint64_t)te->te_tid + 1;

	if (pid != ts->ts_pid)
		(void)table_get(&ts->ts_pids, (struct stats_key){ pid, 0 });
	if (tid != ts->ts_tid)
		(void)table_get(&ts->ts_tids, (struct stats_key){ tid, 0 });
	ts->ts_pid = pid;
	ts->ts_tid = tid;
}

static void
event_take(struct trace_stats *ts, const struct trace_event *te)
{
	struct stats_result *const sr = &ts->ts_result;

	if (sr->sr_events++ == 0) {
		sr->sr_first = ts->ts_work.wp_begin = te->te_time;
		ts->ts_work.wp_slot[0] = ts->ts_order.po_next;
	}
	sr->sr_last = te->te_time;
	sr->sr_ops[te->te_op]++;
	thread_take(ts, te);
	switch ((enum trace_op)te->te_op) {
	case TRACE_READ:
	case TRACE_WRITE:
		access_take(ts, te);
		break;
	case TRACE_ATTACH:
		attach_take(ts, te);
		break;
	case TRACE_DETACH:
		detach_take(ts, te);
		break;
	case TRACE_MSYNC:
	case TRACE_FSYNC:
	case TRACE_SYNC:
		sync_event(ts, te);
		break;
	case TRACE_TRUNCATE:
	case TRACE_FALLOCATE:
		drop_take(ts, te);
		break;
	case TRACE_PREAD:
	case TRACE_PWRITE:
		call_take(ts, te);
		break;
	case TRACE_PROTECT:
	case TRACE_MADVISE:
	case TRACE_OPEN:
	case TRACE_CLOSE:
	case TRACE_UNLINK:
	case TRACE_RENAME:
	case TRACE_FORK:
	case TRACE_EXIT:
	case TRACE_MARK:
	case TRACE_NOPS:
		break;
	}
}

void
trace_stats_take(struct trace_stats *ts, const struct trace_event *ev, size_t n)
{
	memset(ts->ts_ahead, 0, sizeof(ts->ts_ahead));
	for (size_t i = 0; i < n; i++) {
		pages_ahead(ts, ev, i, n);
		event_take(ts, &ev[i]);
	}
}

static void
hist_sum(struct stats_hist *to, const struct stats_hist *from)
{
	for (unsigned k = 0; k < STATS_BUCKETS; k++)
		to->sh_bucket[k] += from->sh_bucket[k];
	to->sh_count += from->sh_count;
	to->sh_sum += from->sh_sum;
	if (from->sh_max > to->sh_max)
		to->sh_max = from->sh_max;
}

/* All kinds together, and the intervals of each. */
static void
syncs_result(struct trace_stats *ts)
{
	struct stats_sync *const any = &ts->ts_result.sr_sync[STATS_ANY];

	*any = (struct stats_sync){ .sy_count = 0 };
	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++) {
		struct stats_sync *const sy = &ts->ts_result.sr_sync[kind];

		sync_result(&ts->ts_syncs[kind], sy);
		if (kind == STATS_ANY)
			continue;
		any->sy_count += sy->sy_count;
		any->sy_clean += sy->sy_clean;
		hist_sum(&any->sy_pages, &sy->sy_pages);
		hist_sum(&any->sy_runs, &sy->sy_runs);
	}
}

const struct stats_result *
trace_stats_result(struct trace_stats *ts)
{
	struct stats_result *const sr = &ts->ts_result;

	sr->sr_pids = ts->ts_pids.tb_n;
	sr->sr_tids = ts->ts_tids.tb_n;
	sr->sr_pids_complete = !ts->ts_small.sb_spent;
	sr->sr_pages_complete = following(ts);
	sr->sr_seq = ts->ts_seq;
	seq_result(&ts->ts_tracks, &sr->sr_seq);
	syncs_result(ts);
	sr->sr_reuse_known = following(ts) && !ts->ts_order.po_fast;
	sr->sr_dirty = sr->sr_dirtied - sr->sr_dropped -
	    sr->sr_sync[STATS_ANY].sy_pages.sh_sum;
	sr->sr_nparts = 0;
	if (following(ts) && sr->sr_events > 0) {
		work_time(&ts->ts_work, sr->sr_last, ts->ts_order.po_next);
		work_result(&ts->ts_work, sr);
	}
	return sr;
}
