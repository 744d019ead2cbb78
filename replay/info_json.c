#include <jansson.h>

#include "replay/cmd_trace_info.h"
#include "replay/json_out.h"

static json_t *
integer(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *
window_json(uint64_t window)
{
	return window == TRACE_INF ? json_string("inf") : integer(window);
}

static void
set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *
ops_json(const struct stats_result *sr)
{
	json_t *ops = json_object();

	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (sr->sr_ops[op] != 0)
			set(ops, trace_op_name[op], integer(sr->sr_ops[op]));
	return ops;
}

/* Accesses with each flag, read and written. */
static json_t *
flags_json(const struct stats_result *sr)
{
	json_t *flags = json_object();

	for (unsigned f = 0; f < TRACE_NFLAGS; f++)
		if ((trace_op_flags[TRACE_READ] >> f & 1) != 0)
			set(flags, trace_flag_name[f],
			    json_pack("{s:o, s:o}", "pages_read",
				integer(sr->sr_flag[f][0]), "pages_written",
				integer(sr->sr_flag[f][1])));
	return flags;
}

static json_t *
files_json(const struct stats_result *sr)
{
	json_t *files = json_array();

	for (size_t i = 0; i < sr->sr_nfiles; i++) {
		const struct stats_file *const sf = &sr->sr_files[i];
		const uint64_t n = sf->sf_accesses[0] + sf->sf_accesses[1];
		json_t *file = json_object();

		set(file, "id", integer(sf->sf_file->tf_id));
		set(file, "size", integer(sf->sf_file->tf_size));
		set(file, "path", json_text(sf->sf_file->tf_path));
		set(file, "pages_read", integer(sf->sf_accesses[0]));
		set(file, "pages_written", integer(sf->sf_accesses[1]));
		set(file, "share",
		    json_real(
			info_share(n, sr->sr_accesses[0] + sr->sr_accesses[1]) /
			100));
		set(file, "touched_pages", integer(sf->sf_touched));
		set(file, "touched_pages_read", integer(sf->sf_pages[0]));
		set(file, "touched_pages_written", integer(sf->sf_pages[1]));
		set(file, "preads", integer(sf->sf_calls[0]));
		set(file, "pwrites", integer(sf->sf_calls[1]));
		set(file, "pread_bytes", integer(sf->sf_bytes[0]));
		set(file, "pwrite_bytes", integer(sf->sf_bytes[1]));
		(void)json_array_append_new(files, file);
	}
	return files;
}

/* The buckets that are not empty. */
static json_t *
hist_json(const struct stats_hist *sh)
{
	json_t *hist = json_object(), *buckets = json_array();

	for (unsigned k = 0; k < STATS_BUCKETS; k++)
		if (sh->sh_bucket[k] != 0)
			(void)json_array_append_new(buckets,
			    json_pack("{s:o, s:o}", "from",
				integer(stats_bucket_from(k)), "count",
				integer(sh->sh_bucket[k])));
	set(hist, "count", integer(sh->sh_count));
	set(hist, "sum", integer(sh->sh_sum));
	set(hist, "max", integer(sh->sh_max));
	set(hist, "buckets", buckets);
	return hist;
}

static json_t *
sequence_json(const struct stats_result *sr)
{
	const struct stats_seq *const sq = &sr->sr_seq;
	const uint64_t next = sq->sq_step[1].sh_bucket[1];
	const uint64_t previous = sq->sq_step[0].sh_bucket[1];
	json_t *seq = json_object();

	if (!sq->sq_complete) {
		json_decref(seq);
		return json_null();
	}
	set(seq, "first", integer(sq->sq_first));
	set(seq, "same", integer(sq->sq_same));
	set(seq, "next", integer(next));
	set(seq, "previous", integer(previous));
	set(seq, "elsewhere",
	    integer(sq->sq_step[0].sh_count + sq->sq_step[1].sh_count - next -
		previous));
	set(seq, "steps_up", hist_json(&sq->sq_step[1]));
	set(seq, "steps_down", hist_json(&sq->sq_step[0]));
	set(seq, "runs_up", hist_json(&sq->sq_run[1]));
	set(seq, "runs_down", hist_json(&sq->sq_run[0]));
	set(seq, "alone", integer(sq->sq_alone));
	return seq;
}

/* Memory of 1, 2, 4 ... pages, up to where only first touches miss. */
static json_t *
lru_json(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	json_t *lru = json_array();
	uint64_t misses = UINT64_MAX;

	for (unsigned k = 1; k < STATS_BUCKETS && misses > sr->sr_touched;
	     k++) {
		const uint64_t pages = stats_bucket_from(k);

		misses = info_misses(sr, k);
		(void)json_array_append_new(lru,
		    json_pack("{s:o, s:o, s:f, s:b}", "pages", integer(pages),
			"misses", integer(misses), "miss_ratio",
			info_share(misses,
			    sr->sr_accesses[0] + sr->sr_accesses[1]) /
			    100,
			"meaningful", (int)info_meaningful(in, pages)));
	}
	return lru;
}

static json_t *
reuse_json(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	json_t *reuse;

	if (!sr->sr_reuse_known)
		return json_null();
	reuse = json_object();
	set(reuse, "first_touches", integer(sr->sr_touched));
	set(reuse, "distances", hist_json(&sr->sr_reuse));
	set(reuse, "lru", lru_json(in));
	return reuse;
}

static json_t *
spread_json(const struct stats_spread *ss)
{
	json_t *spread = json_object();

	set(spread, "count", integer(ss->ss_count));
	set(spread, "median", integer(ss->ss_median));
	set(spread, "p90", integer(ss->ss_p90));
	set(spread, "max", integer(ss->ss_max));
	set(spread, "complete", json_boolean(ss->ss_kept == ss->ss_count));
	return spread;
}

static json_t *
syncs_json(const struct stats_result *sr)
{
	json_t *syncs = json_object();

	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++) {
		const struct stats_sync *const sy = &sr->sr_sync[kind];
		json_t *sync;

		if (sy->sy_count == 0)
			continue;
		sync = json_object();
		set(sync, "count", integer(sy->sy_count));
		set(sync, "interval_ns", spread_json(&sy->sy_time));
		set(sync, "interval_accesses", spread_json(&sy->sy_accesses));
		if (sr->sr_pages_complete) {
			set(sync, "clean", integer(sy->sy_clean));
			set(sync, "pages", hist_json(&sy->sy_pages));
			set(sync, "runs", hist_json(&sy->sy_runs));
		}
		set(syncs, stats_sync_name[kind], sync);
	}
	return syncs;
}

static json_t *
dirty_json(const struct stats_result *sr)
{
	json_t *dirty;

	if (!sr->sr_pages_complete)
		return json_null();
	dirty = json_object();
	set(dirty, "made", integer(sr->sr_dirtied));
	set(dirty, "dropped", integer(sr->sr_dropped));
	set(dirty, "left", integer(sr->sr_dirty));
	return dirty;
}

static json_t *
parts_json(const struct stats_result *sr)
{
	json_t *parts;

	if (!sr->sr_pages_complete)
		return json_null();
	parts = json_array();
	for (size_t i = 0; i < sr->sr_nparts; i++)
		(void)json_array_append_new(parts,
		    json_pack("{s:o, s:o, s:o, s:o}", "from_ns",
			integer(sr->sr_first + i * sr->sr_part_ns), "accesses",
			integer(sr->sr_part[i].st_accesses), "pages",
			integer(sr->sr_part[i].st_pages), "new_pages",
			integer(sr->sr_part[i].st_first)));
	return parts;
}

/* What the members say that are a number or a name. */
static void
set_plain(json_t *top, const struct info *in)
{
	const struct trace_meta *const tm = trace_meta(in->in_trace);
	const struct stats_result *const sr = in->in_result;
	char digest[33] = "";
	uint64_t blocks, events;

	if (trace_digest(in->in_trace, digest) != 0)
		digest[0] = '\0';
	trace_salvaged(in->in_trace, &blocks, &events);
	const struct {
		const char *name;
		json_t *value;
	} members[] = {
		{ "trace", json_text(in->in_path) },
		{ "digest", json_text(digest) },
		{ "events", integer(sr->sr_events) },
		{ "first_ns", integer(sr->sr_first) },
		{ "last_ns", integer(sr->sr_last) },
		{ "duration_ns", integer(sr->sr_last - sr->sr_first) },
		{ "processes", integer(sr->sr_pids) },
		{ "threads", integer(sr->sr_tids) },
		{ "threads_complete", json_boolean(sr->sr_pids_complete) },
		{ "page", integer(tm->tm_page) },
		{ "window", window_json(tm->tm_window) },
		{ "meaningful_pages",
		    tm->tm_window <= UINT64_MAX / INFO_WINDOWS ?
			integer(tm->tm_window * INFO_WINDOWS) :
			json_null() },
		{ "mode", json_text(tm->tm_mode) },
		{ "clock", json_text(trace_clock_name[tm->tm_clock]) },
		{ "lost", integer(tm->tm_lost) },
		{ "footprint_pages", integer(sr->sr_touched) },
		{ "footprint_complete", json_boolean(sr->sr_pages_complete) },
		{ "accesses",
		    integer(sr->sr_accesses[0] + sr->sr_accesses[1]) },
		{ "pages_read", integer(sr->sr_accesses[0]) },
		{ "pages_written", integer(sr->sr_accesses[1]) },
		{ "pread_bytes", integer(sr->sr_bytes[0]) },
		{ "pwrite_bytes", integer(sr->sr_bytes[1]) },
		{ "damaged_blocks", integer(blocks) },
		{ "damaged_events", integer(events) },
	};

	for (size_t i = 0; i < nitems(members); i++)
		set(top, members[i].name, members[i].value);
}

int
info_json(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	json_t *const top = json_object();

	set_plain(top, in);
	set(top, "ops", ops_json(sr));
	set(top, "flags", flags_json(sr));
	set(top, "files", files_json(sr));
	set(top, "sequence", sequence_json(sr));
	set(top, "reuse", reuse_json(in));
	set(top, "syncs", syncs_json(sr));
	set(top, "dirty", dirty_json(sr));
	set(top, "part_ns", integer(sr->sr_part_ns));
	set(top, "parts", parts_json(sr));
	return json_emit(top);
}
