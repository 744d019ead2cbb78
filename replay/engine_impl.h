/*
 * engine_impl: the parts of the engine, for engine*.c alone.
 *
 *	engine.c	set-up, the loop over batches, the end
 *	engine_batch.c	the loop over events
 *	engine_apply.c	one event of the trace, given to the pager
 *	engine_log.c	latencies, rows, intervals
 *	engine_flush.c	what flushes cost
 *	engine_inject.c	faults to order
 *	engine_events.c	perf events
 *	engine_pace.c	when each event happens
 *	engine_thread.c	what each thread did and waited for
 */
#ifndef REPLAY_ENGINE_IMPL_H
#define REPLAY_ENGINE_IMPL_H

#include <errno.h>
#ifdef UVM_MP
#include <pthread.h>
#include <stdatomic.h>
#endif

#include "pager/uvm.h"
#include "replay/clock.h"
#include "replay/engine.h"
#include "replay/replay.h"
#include "replay/verify.h"
#include "traces/trace.h"

/* Rows of table interval in the making: engine_log.c. */
struct intervals {
	struct db_interval *iv_row;
	size_t iv_n, iv_room;
	uint64_t iv_len;       /* trace time of a row, ns */
	uint64_t iv_end;       /* of the row under way */
	bool iv_adapt;	       /* double iv_len when iv_row is full */
	struct uvmexp iv_last; /* at the end of the last row */
};

/* When events are due: engine_pace.c. */
struct pacer {
	bool pc_on;
	uint64_t pc_factor;    /* a RATIO: times as fast as recorded */
	uint64_t pc_first;     /* trace time of the first event */
	uint64_t pc_spin;      /* the last of a wait, without sleep; ns */
	uint64_t pc_scheduled; /* of what is under way; ns since the first */
	struct hist *pc_lateness;
	int pc_slack; /* the timers' slack that was */
};

/* What one thread did; one thread alone writes it. */
struct engine_thread {
	uint32_t et_tid;
	enum role et_role;
	struct hist *et_latency[OP_NKINDS][OUTCOME_NOUTCOMES];
	struct hist *et_response[OP_NKINDS][OUTCOME_NOUTCOMES];
	struct engine_wait et_wait[UVM_NWAITS];
};

/* I/Os under way, in the interval under way. */
struct io_depth {
	unsigned dp_now, dp_most;
	uint64_t dp_from, dp_since; /* ticks: of the interval, of dp_now */
	clock_wide dp_sum;	    /* integral from dp_from to dp_since */
};

/* The counters that the row of an op has. */
struct engine_io {
	uint64_t ei_reads, ei_writes, ei_bytes_in, ei_bytes_out;
};

struct engine {
	const struct engine_job *en_job;
	struct engine_report *en_report;
	const struct config *en_cf;

	struct uvm *en_uvm;
	const struct uvm_backend *en_be;
	void *en_cookie;
	struct uvm_nullbe en_nullbe;
	struct uvm_filebe *en_filebe;
	struct uvm_injectbe *en_inject; /* NULL: no faults to order */
	struct verify *en_verify;
	struct db_writer *en_writer;
	struct trace_reader *en_trace;
	unsigned en_shift; /* log2 of the page size */
	bool en_data;	   /* pages have bytes to stamp */

	/* the event under way */
	const struct trace_event *en_ev;
	uint64_t en_seq;
	struct uvm_map *en_map; /* of the last access; NULL: look it up */
	uint32_t en_map_id;
	uint64_t en_due;    /* trace time of the next tick or interval */
	uint64_t en_faults; /* when the batch began */

	/* time */
	uint64_t en_began; /* of the first event, ticks */
	struct pacer en_pace;
	uint64_t en_shown; /* when the progress line changed */

	/* threads */
	struct engine_threads *en_threads;
	struct engine_thread *en_thread; /* at work: engine_thread_set() */
	uint64_t en_tid;		 /* its, if it is of the trace */
	struct engine_thread *en_daemon, *en_update;
	struct io_depth en_depth;

	/* logging */
	uint64_t en_every;   /* one op row in so many; 0: none */
	uint64_t en_skip;    /* ops until the next row */
	uint64_t en_timing;  /* one fault timed in so many; 0: none */
	uint64_t en_untimed; /* faults until the next that is timed */
	/* accesses that were not timed: reads, writes */
	uint64_t en_counted[2][OUTCOME_NOUTCOMES];
	struct engine_io en_before; /* of the op under way, for its row */
	uint64_t *en_cluster[2];
	size_t en_cluster_max; /* pages */
	struct intervals en_iv;
	struct db_flush_total en_flush_total[FLUSH_NCALLER][2];
	struct engine_events *en_events; /* engine_events.c; NULL: none */
#ifdef UVM_MP
	struct mp *en_mp;
	bool en_threaded;	  /* other threads are at work */
	_Atomic bool *en_stop;	  /* of a worker: the run is to end */
	pthread_mutex_t *en_lock; /* of what all threads write: ENGINE_LOCK() */
#endif
	uint64_t en_op_errors;	/* calls that failed with an I/O error */
	struct errmsg en_op_em; /* the first; it did not end the run */
};

/*
 * With threads, the view of the run that the running thread has, or NULL: it is
 * a daemon; the lock of the writer and of what observers write; and whether
 * another thread has ended the run.
 */
#ifdef UVM_MP
extern _Thread_local struct engine *engine_worker;
#define ENGINE_LOCK(en)	   ((void)pthread_mutex_lock((en)->en_lock))
#define ENGINE_UNLOCK(en)  ((void)pthread_mutex_unlock((en)->en_lock))
#define ENGINE_STOPPED(en) ((en)->en_stop != NULL && atomic_load((en)->en_stop))
#else
#define ENGINE_LOCK(en)	   ((void)(en))
#define ENGINE_UNLOCK(en)  ((void)(en))
#define ENGINE_STOPPED(en) ((void)(en), false)
#endif

/* The running thread's view of the run. */
static inline struct engine *
engine_running(struct engine *en)
{

#ifdef UVM_MP
	if (engine_worker != NULL)
		return engine_worker;
#endif
	return en;
}

/*
 * What replays the trace's threads as threads: replay/mp/.
 *
 * => alone: so many of the first n events are those of one thread, and the
 *    caller's to replay
 * => batch: the others; 0, or an exit status
 * => destroy: all have ended; the exit status, given the one so far
 */
struct mp;
struct mp *mp_create(struct engine *en);
size_t mp_alone(struct mp *mp, const struct trace_event *ev, size_t n);
int mp_batch(struct mp *mp, const struct trace_event *ev, size_t n) mustcheck;
int mp_destroy(struct mp *mp, int status);

/* Events of the trace that are over. */
uint64_t mp_done(const struct mp *mp);

/* Since the first event, ns. */
static inline uint64_t
engine_elapsed(const struct engine *en)
{

	return clock_ns(clock_ticks() - en->en_began);
}

/*
 * Is this op one of those that get no row, and, if it is a mapped hit, no
 * time?  Counts it off if so.
 */
static inline bool
engine_untimed(struct engine *en)
{

	if (likely(en->en_every == 0))
		return true;
	if (en->en_skip == 1)
		return false;
	en->en_skip--;
	return true;
}

/* Is a fault to be timed?  Those that get a row, or are paced, always are. */
static inline bool
engine_fault_timed(struct engine *en)
{

	if (likely(en->en_timing == 1))
		return true;
	if (en->en_every != 0 || en->en_pace.pc_on)
		return true;
	if (en->en_timing == 0 || --en->en_untimed != 0)
		return false;
	en->en_untimed = en->en_timing;
	return true;
}

/* It was no fault after all: the next takes its turn. */
static inline void
engine_fault_none(struct engine *en, bool timed)
{

	if (en->en_timing > 1)
		en->en_untimed = timed ? 1 : en->en_untimed + 1;
}

/* An access that needs no fault and is not to be timed.  false: not done. */
static inline bool
engine_hit(struct engine *en, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{

	if (unlikely(en->en_skip == 1) ||
	    !uvm_access_fast(en->en_uvm, map, pgno, how))
		return false;
	(void)engine_untimed(en);
	en->en_counted[how == UVM_ACCESS_WRITE][OUTCOME_MAPPED]++;
	return true;
}

/* The exit status of a run that its machine or its verifier ends. */
static inline int
engine_status(int error)
{

	return error == ENOMEM ? UVN_ENVIRONMENT : UVN_FAILED;
}

/*
 * Do one event that is not a page access of the fast kind.
 *
 * => 0, or an exit status with the report's message: the run ends
 */
int engine_apply(struct engine *en);

#define ENGINE_UNTIMED UINT64_MAX

/*
 * What became of an access that needed a fault and was not a hit: its latency
 * is counted, or that it has none.
 *
 * => 0, or the exit status
 */
int engine_access_end(struct engine *en, bool write, enum uvm_outcome got,
    uint64_t latency);

/*
 * Replay the first n events of a batch.
 *
 * => 0, or the exit status with which the run ends before its time
 */
int engine_batch(struct engine *en, const struct trace_batch *tb, size_t n);

/*
 * The time of the event has reached en_due: update's syncs and intervals.  The
 * former alone, for threads.
 */
int engine_due(struct engine *en);
int engine_tick(struct engine *en);

/* Begin an op that will be timed: its clock; and its row's counters. */
uint64_t engine_op_begin(struct engine *en);

/* An op ended: into its histogram, and perhaps a row. */
void engine_op_end(struct engine *en, enum opkind kind, enum outcome outcome,
    uint64_t began, uint64_t offset, uint64_t length);

/* Has a signal asked for an end? */
bool engine_interrupted(void);

/* Is there to be no more waiting: a signal, or another thread's failure? */
static inline bool
engine_ends(const struct engine *en)
{

	return ENGINE_STOPPED(en) || engine_interrupted();
}

/* Change the progress line, if there is one and it is time to. */
void engine_progress(struct engine *en);

/*
 * The clock from which events are due begins now; first is the trace time of
 * the first.
 *
 * => init: 0, or the exit status
 */
int engine_pace_init(struct engine *en);
void engine_pace_begin(struct engine *en, uint64_t first);
void engine_pace_end(struct engine *en);

/*
 * How long before an event is due there is no more sleep, ns: what it was, and
 * by how much the last sleep was too long.
 */
uint64_t engine_pace_margin(uint64_t spin, uint64_t over);

/*
 * Wait until trace time te is due: pc_scheduled.
 *
 * => ns since the beginning; less than pc_scheduled: engine_ends() came first
 */
uint64_t engine_pace_until(struct engine *en, uint64_t te);

/*
 * Wait until the event is due, and note how late it is.
 *
 * => 0, or UVN_FAILED: engine_ends() came first
 */
int engine_pace_event(struct engine *en);

/* The threads of the trace, and the pager's own. => ENOMEM */
int engine_threads_init(struct engine *en);
void engine_threads_fini(struct engine *en);
void engine_threads_observe(struct engine *en, struct uvm_observer *uo);

/*
 * The thread at work is now this one; tid of the trace; and for the end of the
 * event, if anything is due then, the page daemon.
 */
void engine_thread_set(struct engine *en, struct engine_thread *th);
void engine_thread_change(struct engine *en, uint32_t tid);

static inline void
engine_thread_enter(struct engine *en, uint32_t tid)
{

	if (unlikely(en->en_tid != tid))
		engine_thread_change(en, tid);
}

static inline void
engine_event_end(struct engine *en)
{

	if (likely(!uvm_event_due(en->en_uvm)))
		return;
	engine_thread_set(en, en->en_daemon);
	uvm_event_end(en->en_uvm);
}

/* An empty histogram. => false: no memory */
bool engine_hist_make(struct hist **hp);

/* Add a time to a histogram, which is made first. => false: no memory */
static inline bool
engine_thread_add(struct hist **hp, uint64_t ns)
{

	if (unlikely(*hp == NULL) && !engine_hist_make(hp))
		return false;
	hist_add(*hp, ns);
	return true;
}

/* The latency of an op of the thread at work, ns. */
static inline void
engine_latency(struct engine *en, enum opkind kind, enum outcome outcome,
    uint64_t latency)
{

	if (unlikely(
		!engine_thread_add(&en->en_thread->et_latency[kind][outcome],
		    latency)))
		en->en_report->er_untimed[kind][outcome]++;
}

/* What the interval had of I/O under way; the next begins. */
void engine_depth_take(struct engine *en, struct db_interval *in);

/* Rows of all threads, which the engine keeps; and sums, into the report. */
void engine_threads_result(struct engine *en, struct db_result *rs);

int engine_log_init(struct engine *en);
void engine_log_fini(struct engine *en);

/* The observer of the pager that counts clusters, flushes and events. */
void engine_log_observe(struct engine *en);

/*
 * Put faults to order over the backend; the backend to use is then en_be.  What
 * came of them, into the report, from which the result borrows it.
 *
 * => ENOMEM
 */
int engine_inject_open(struct engine *en) mustcheck;
void engine_inject_result(struct engine *en, struct db_result *rs);

/* What is known of the last I/O that failed. */
const char *engine_io_why(const struct engine *en);

/* Its members that tell of flushes. */
void engine_flush_observe(struct engine *en, struct uvm_observer *uo);

/*
 * Perf events: made ready before the run has its row; its members of the
 * observer; counted from begin to end, a phase ending at each mark of the
 * trace; put into the report, from which the result borrows them.
 *
 * => open: 0, or the exit status with the report's message
 */
int engine_events_open(struct engine *en);
void engine_events_observe(struct engine *en, struct uvm_observer *uo);
void engine_events_begin(struct engine *en);
void engine_events_mark(struct engine *en);
void engine_events_end(struct engine *en);
void engine_events_result(struct engine *en, struct db_result *rs);
void engine_events_fini(struct engine *en);

/* The end of the interval that now is in, each len long. */
static inline uint64_t
engine_interval_end(uint64_t now, uint64_t len)
{
	const uint64_t begin = now - now % len;

	return begin > UINT64_MAX - len ? UINT64_MAX : begin + len;
}

/* End the row under way; the next one is that of trace time now. */
void engine_interval_close(struct engine *en, struct intervals *iv,
    uint64_t now);

/* What is known at the end, into table run and the report. */
void engine_log_result(struct engine *en, struct db_result *rs);

#endif
