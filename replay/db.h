/*
 * db: the SQLite database of results; tables in docs/schema.md.
 *
 *	struct db		an open database
 *	struct db_writer	the thread that puts rows into it, behind a
 *				bounded queue
 *
 * One row of table run is one replay.  db_run_begin() commits it as "running",
 * so a run that is killed is seen to be unfinished: the next db_open() marks
 * it so.  Rows of ops, flushes, intervals go through the writer; what is known
 * at the end goes in with db_run_end(), in one transaction.
 */
#ifndef REPLAY_DB_H
#define REPLAY_DB_H

#include "replay/config.h"
#include "replay/hist.h"

struct db;
struct db_writer;

/* Operation kinds and outcomes, as view ops and table latency spell them.  The
 * order is the number in op: add at the end only. */
#define OPKINDS(K)                                                             \
	K(ATTACH, "attach")                                                    \
	K(DETACH, "detach")                                                    \
	K(PROTECT, "protect")                                                  \
	K(READ, "read")                                                        \
	K(WRITE, "write")                                                      \
	K(MSYNC, "msync")                                                      \
	K(MADVISE, "madvise")                                                  \
	K(TRUNCATE, "truncate")                                                \
	K(FALLOCATE, "fallocate")                                              \
	K(FSYNC, "fsync")                                                      \
	K(SYNC, "sync")                                                        \
	K(PREAD, "pread")                                                      \
	K(PWRITE, "pwrite")                                                    \
	K(OPEN, "open")                                                        \
	K(CLOSE, "close")                                                      \
	K(UNLINK, "unlink")                                                    \
	K(EXIT, "exit")                                                        \
	K(UPDATE, "update")

enum opkind {
#define K(NAME, name) OP_##NAME,
	OPKINDS(K)
#undef K
	    OP_NKINDS
};

#define OUTCOMES(O)                                                            \
	O(OK, "ok")                                                            \
	O(MAPPED, "mapped")                                                    \
	O(RESIDENT, "resident")                                                \
	O(MISS, "miss")                                                        \
	O(PROT, "protection")                                                  \
	O(BAD, "past-eof")                                                     \
	O(ERROR, "error")

enum outcome {
#define O(NAME, name) OUTCOME_##NAME,
	OUTCOMES(O)
#undef O
	    OUTCOME_NOUTCOMES
};

extern const char *const opkind_name[OP_NKINDS];
extern const char *const outcome_name[OUTCOME_NOUTCOMES];

/* Whose a thread is, as tables wait and thread_latency spell it. */
#define ROLES(R)                                                               \
	R(TRACE, "trace")   /* one of the trace, by its tid */                 \
	R(OTHERS, "others") /* those of the trace that have no row */          \
	R(DAEMON, "daemon") /* the page daemon, and what else ends an event */ \
	R(UPDATE, "update") /* the syncer */

enum role {
#define R(NAME, name) ROLE_##NAME,
	ROLES(R)
#undef R
	    ROLE_NROLES
};

extern const char *const role_name[ROLE_NROLES];

#define DB_NEVER UINT64_MAX /* a time that there is none of */

/* A row of op. */
struct db_op {
	uint64_t op_seq;  /* event number in the trace */
	uint64_t op_time; /* trace time, ns */
	uint64_t op_offset, op_length;
	uint64_t op_bytes_in, op_bytes_out;
	/* ns since the first event: due (DB_NEVER without pace), begun. */
	uint64_t op_scheduled, op_issued;
	uint64_t op_latency; /* ns; completed is issued and this */
	uint32_t op_tid, op_file;
	uint32_t op_reads, op_writes;
	uint8_t op_kind;    /* enum opkind */
	uint8_t op_outcome; /* enum outcome */
};

/* A row of table flush. */
struct db_flush {
	uint64_t fl_seq; /* event number it happened in */
	uint64_t fl_range_pages, fl_object_pages;
	uint64_t fl_visits, fl_lookups, fl_cleaned, fl_writes;
	uint64_t fl_cpu_ns; /* traversal alone: latency less I/O */
	uint64_t fl_latency_ns;
	uint32_t fl_file;
	uint8_t fl_caller; /* enum uvm_flush_caller */
	bool fl_by_list;
	bool fl_choice; /* hash_penalty chose */
	bool fl_both;	/* the rest is known; else NULL in the table */
	uint64_t fl_other_visits, fl_other_lookups, fl_other_writes;
	uint64_t fl_list_ns, fl_hash_ns;
};

/* A row of table flush_total: sums over the flushes of a caller and method. */
struct db_flush_total {
	uint64_t ft_flushes;
	uint64_t ft_range_pages, ft_object_pages;
	uint64_t ft_visits, ft_lookups, ft_cleaned, ft_writes;
	uint64_t ft_cpu_ns, ft_latency_ns;
};

/* A row of table event: what one perf event counted in one phase. */
struct db_event {
	const char *ev_phase; /* "run", "flush", "phase-0", ... */
	const char *ev_name;
	const char *ev_reason; /* why there is no value; NULL: there is */
	uint64_t ev_value;     /* scaled to the whole time enabled */
	uint64_t ev_enabled, ev_running; /* ns */
};

/* A row of table inject: what came of a rule. */
struct db_inject {
	const char *ij_text;
	uint64_t ij_seen, ij_hit;
};

/* A row of table interval: differences over it, and levels at its end. */
struct db_interval {
	uint64_t in_time; /* trace time of its end, ns */
	uint64_t in_accesses, in_mapped, in_resident, in_misses;
	uint64_t in_dirty, in_free, in_active, in_inactive;
	uint64_t in_bytes_in, in_bytes_out;
	uint64_t in_real;  /* real time it took, ns */
	uint64_t in_depth; /* integral over it of I/Os under way, ns */
	uint64_t in_depth_most;
};

struct db_thread {
	uint32_t th_n; /* 0.. in the run */
	uint32_t th_tid;
	enum role th_role; /* th_tid means something for ROLE_TRACE */
};

/* A row of table wait. */
struct db_wait {
	struct db_thread wt_thread;
	enum uvm_waitkind wt_kind;
	uint64_t wt_count, wt_ns;
};

/* A row of table thread_latency: of all outcomes. */
struct db_thread_latency {
	struct db_thread tl_thread;
	enum opkind tl_kind;
	uint64_t tl_count, tl_min, tl_p50, tl_p90, tl_p99, tl_p999, tl_max;
	double tl_mean;
};

/* What is known when a run begins. */
struct db_run {
	const struct config *rn_config;
	const char *rn_trace;	/* path as given */
	const char *rn_command; /* command line that repeats it */
	const char *rn_dir;	/* backing files; NULL under null */
	uint64_t rn_repeat;	/* 0.. */
	uint64_t rn_seed;
	int64_t rn_sweep;    /* row in table sweep; 0: none */
	const char *rn_cell; /* key of the cell; NULL: none */
};

/* What is known when it ends. */
struct db_result {
	const char *rs_status; /* "complete", "interrupted", "failed"*/
	const char *rs_reason; /* why it failed; NULL */
	const char *rs_digest; /* of the trace; NULL if unknown */
	uint64_t rs_events, rs_wall_ns, rs_cpu_ns;
	const char *rs_verify; /* "off", "passed", "failed" */
	const struct uvmexp *rs_exp;
	/* Extra counters of the engine: names, values, how many. */
	const char *const *rs_names;
	const uint64_t *rs_values;
	size_t rs_nvalues;
	/* [kind][outcome]; NULL where nothing was counted.  Mapped hits under
	 * log=summary are counted, not timed: rs_untimed. */
	struct hist *const (*rs_latency)[OUTCOME_NOUTCOMES];
	const uint64_t (*rs_untimed)[OUTCOME_NOUTCOMES];
	/* As rs_latency, from the time each was due; NULL without pace. */
	struct hist *const (*rs_response)[OUTCOME_NOUTCOMES];
	const struct hist *rs_lateness; /* of events; NULL without pace */
	const struct db_wait *rs_waits;
	size_t rs_nwaits;
	const struct db_thread_latency *rs_threads;
	size_t rs_nthreads;
	/* I/Os by pages: rs_cluster[UVM_READ or UVM_WRITE][pages], for
	 * pages 1 to rs_cluster_max inclusive; NULL: none. */
	const uint64_t *rs_cluster[2];
	size_t rs_cluster_max;
	const struct db_interval *rs_intervals;
	size_t rs_nintervals;
	/* [caller][by list]; NULL: none. */
	const struct db_flush_total (*rs_flush_total)[2];
	const struct db_event *rs_perf; /* rows of table event */
	size_t rs_nperf;
	const struct db_inject *rs_inject; /* rows of table inject */
	size_t rs_ninject;
};

/*
 * Open or make the database at path.
 *
 * => runs and sweeps left "running" by a process that is gone become
 *    "unfinished"
 * => EINVAL: not a database, or another program's, or a newer schema
 * => EBUSY: locked by another program for longer than we wait
 * => EACCES, EROFS, ENOSPC, ENOENT: em names path and remedy
 * => memory ":memory:" for none on disk
 */
int db_open(const char *path, struct db **dbp, struct errmsg *em) mustcheck;
void db_close(struct db *db);

/* Every tunable's exact text as a JSON object; the caller's to free(), NULL
 * without memory. */
char *db_tunables_text(const struct config *cf);

int db_run_begin(struct db *db, const struct db_run *rn, int64_t *runp,
    struct errmsg *em) mustcheck;
int db_run_end(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em) mustcheck;

/*
 * The command line tunables of an earlier run, for --like: cf is set to its
 * values.  ENOENT: no such run.
 */
int db_run_config(struct db *db, int64_t run, struct config *cf,
    struct errmsg *em) mustcheck;

/*
 * Start the thread that writes the rows of one run.  The queue holds nrows.
 * db must not be used by others until db_writer_stop().
 */
int db_writer_start(struct db *db, int64_t run, size_t nrows,
    struct db_writer **dwp, struct errmsg *em) mustcheck;

/*
 * Queue a row.  Waits while the queue is full; never drops a row.  Errors come
 * out at db_writer_stop(); db_writer_failed() tells early, cheaply.
 */
void db_put_op(struct db_writer *dw, const struct db_op *op);
void db_put_flush(struct db_writer *dw, const struct db_flush *fl);
bool db_writer_failed(const struct db_writer *dw);

/* Write all that is queued, end the thread; rows written, and waits. */
int db_writer_stop(struct db_writer *dw, uint64_t *rowsp, uint64_t *waitsp,
    struct errmsg *em) mustcheck;

#endif
