/*
 * stats: what a trace amounts to, gathered in one pass.
 *
 *	struct trace_stats	statistics in the making
 *	struct stats_result	what came of them
 *
 *	if ((error = trace_stats_create(trace_meta(tr), &sp, &ts, &em)) != 0)
 *		return error;
 *	while ((error = trace_next(tr, &ev, &n, &em)) == 0 && n > 0)
 *		trace_stats_take(ts, ev, n);
 *	sr = trace_stats_result(ts);
 *	...
 *	trace_stats_destroy(ts);
 *
 * docs/trace-stats.md defines every figure.  All are exact, or said not to be:
 * memory is bounded, and what it does not suffice for is left out.
 *
 * Layer 1, as trace.h.
 */
#ifndef TRACES_STATS_H
#define TRACES_STATS_H

#include "traces/trace.h"

/* Numbers by their size: bucket 0 is 0, bucket k is 2^(k-1) .. 2^k - 1. */
#define STATS_BUCKETS 65

struct stats_hist {
	uint64_t sh_bucket[STATS_BUCKETS];
	uint64_t sh_count, sh_sum, sh_max;
};

static inline unsigned
stats_bucket(uint64_t v)
{
	return v != 0 ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* The least number of a bucket. */
static inline uint64_t
stats_bucket_from(unsigned k)
{
	return k != 0 ? (uint64_t)1 << (k - 1) : 0;
}

/* The kinds of sync: STATS_SYNC(NAME, "name"). */
#define STATS_SYNCS(STATS_SYNC)                                                \
	STATS_SYNC(MSYNC, "msync")                                             \
	STATS_SYNC(ASYNC, "msync async")                                       \
	STATS_SYNC(FSYNC, "fsync")                                             \
	STATS_SYNC(FDATASYNC, "fdatasync")                                     \
	STATS_SYNC(RANGE, "sync_file_range")                                   \
	STATS_SYNC(ALL, "sync")                                                \
	STATS_SYNC(ANY, "any")

enum stats_sync_kind {
#define STATS_SYNC(NAME, name) STATS_##NAME,
	STATS_SYNCS(STATS_SYNC)
#undef STATS_SYNC
	    STATS_NSYNCS
};

extern const char *const stats_sync_name[STATS_NSYNCS];

/* Intervals: the quantiles are of the first ss_kept of ss_count. */
struct stats_spread {
	uint64_t ss_count, ss_kept;
	uint64_t ss_median, ss_p90, ss_max;
};

struct stats_sync {
	uint64_t sy_count;
	uint64_t sy_clean;	    /* that found nothing dirty */
	struct stats_hist sy_pages; /* dirty pages that each found */
	struct stats_hist sy_runs;  /* lengths of the runs they form */
	struct stats_spread sy_time, sy_accesses; /* since the one before */
};

/* Of read and write: sf_pages[true] are those written. */
struct stats_file {
	const struct trace_file *sf_file; /* the meta's */
	uint64_t sf_accesses[2];
	uint64_t sf_pages[2]; /* different ones */
	uint64_t sf_touched;  /* different ones, read or written */
	uint64_t sf_calls[2]; /* pread, pwrite */
	uint64_t sf_bytes[2]; /* by pread, pwrite */
};

/* Steps from an access to the next of its thread in its file. */
struct stats_seq {
	bool sq_complete; /* false: left out for want of memory */
	uint64_t sq_first, sq_same;
	struct stats_hist sq_step[2]; /* by pages: down, up */
	/* Runs by pages: of one page alone, down, up. */
	uint64_t sq_alone;
	struct stats_hist sq_run[2];
};

/* A part of the time that the trace spans. */
struct stats_part {
	uint64_t st_accesses;
	uint64_t st_pages; /* different ones */
	uint64_t st_first; /* of them, touched for the first time */
};

#define STATS_PARTS 20

struct stats_result {
	uint64_t sr_events, sr_first, sr_last; /* ns */
	uint64_t sr_ops[TRACE_NOPS];
	uint64_t sr_pids, sr_tids;
	bool sr_pids_complete; /* false: there are more */

	/* Pages accessed through maps: read, written; those with each flag. */
	uint64_t sr_accesses[2];
	uint64_t sr_flag[TRACE_NFLAGS][2];
	uint64_t sr_bytes[2];	     /* by pread, pwrite */
	struct stats_file *sr_files; /* in the order of the meta */
	size_t sr_nfiles;
	uint64_t sr_touched; /* different pages */
	struct stats_seq sr_seq;
	struct stats_sync sr_sync[STATS_NSYNCS];

	/*
	 * False: pages took more than sp_memory.  sr_touched and those of files
	 * are then less than the truth, and what follows is not known.
	 */
	bool sr_pages_complete;

	/* Dirty pages: made, dropped by truncate and the like, left over. */
	uint64_t sr_dirtied, sr_dropped, sr_dirty;

	/* Distances of reuse; false: sp_fast, or too many pages. */
	bool sr_reuse_known;
	struct stats_hist sr_reuse;

	uint64_t sr_part_ns; /* of each part but the last, which is cut */
	size_t sr_nparts;
	struct stats_part sr_part[STATS_PARTS];
};

struct stats_param {
	bool sp_fast;	    /* leave distances of reuse out */
	uint64_t sp_memory; /* bytes that pages may take; 0: STATS_MEMORY */
};

#define STATS_MEMORY ((uint64_t)1 << 30)

struct trace_stats;

/*
 * => tm is the caller's, and has to live as long as *tsp
 * => *tsp is the caller's until trace_stats_destroy()
 * => ENOMEM
 */
int trace_stats_create(const struct trace_meta *tm,
    const struct stats_param *sp, struct trace_stats **tsp, struct errmsg *em)
    mustcheck;

/* Take the next n events; they are as trace_next() gives them. */
void trace_stats_take(struct trace_stats *ts, const struct trace_event *ev,
    size_t n);

/* What came of the events so far; valid until the next call on ts. */
const struct stats_result *trace_stats_result(struct trace_stats *ts);

void trace_stats_destroy(struct trace_stats *ts);

#endif
