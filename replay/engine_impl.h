/*
 * engine_impl: the parts of the engine, for engine*.c alone.
 *
 *	engine.c	set-up, the loop over batches, the end
 *	engine_apply.c	one event of the trace, given to the pager
 *	engine_log.c	latencies, rows, intervals
 *	engine_flush.c	what flushes cost
 *	engine_events.c	perf events
 */
#ifndef REPLAY_ENGINE_IMPL_H
#define REPLAY_ENGINE_IMPL_H

#include "pager/uvm.h"
#include "replay/clock.h"
#include "replay/engine.h"
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

struct engine {
	const struct engine_job *en_job;
	struct engine_report *en_report;
	const struct config *en_cf;

	struct uvm *en_uvm;
	const struct uvm_backend *en_be;
	void *en_cookie;
	struct uvm_nullbe en_nullbe;
	struct uvm_filebe *en_filebe;
	struct verify *en_verify;
	struct db_writer *en_writer;
	struct trace_reader *en_trace;
	unsigned en_shift; /* log2 of the page size */
	bool en_data;	   /* pages have bytes to stamp */

	/* the event under way */
	const struct trace_event *en_ev;
	uint64_t en_seq;
	struct uvm_map *en_map; /* of the last access; NULL: look it up */
	uint64_t en_due;	/* trace time of the next tick or interval */
	uint64_t en_faults;	/* when the batch began */

	/* logging */
	uint64_t en_every;	 /* one op row in so many; 0: none */
	uint64_t en_skip;	 /* ops until the next row */
	uint64_t en_mapped[2];	 /* untimed mapped hits: reads, writes */
	struct uvmexp en_before; /* of the op under way, for its row */
	uint64_t *en_cluster[2];
	size_t en_cluster_max; /* pages */
	struct intervals en_iv;
	struct db_flush_total en_flush_total[FLUSH_NCALLER][2];
	struct engine_events *en_events; /* engine_events.c; NULL: none */
	uint64_t en_op_errors; /* calls that failed with an I/O error */
};

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

/* An access that needs no fault and is not to be timed.  false: not done. */
static inline bool
engine_hit(struct engine *en, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{

	if (unlikely(en->en_skip == 1) ||
	    !uvm_access_fast(en->en_uvm, map, pgno, how))
		return false;
	(void)engine_untimed(en);
	en->en_mapped[how == UVM_ACCESS_WRITE]++;
	return true;
}

/*
 * Do one event that is not a page access of the fast kind.
 *
 * => 0, or UVN_INPUT or UVN_FAILED with the report's message: the run ends
 */
int engine_apply(struct engine *en);

/* The time of the event has reached en_due: update's syncs and intervals. */
int engine_due(struct engine *en);

/* Begin an op that will be timed: its clock; and its row's counters. */
uint64_t engine_op_begin(struct engine *en);

/* An op ended: into its histogram, and perhaps a row. */
void engine_op_end(struct engine *en, enum opkind kind, enum outcome outcome,
    uint64_t began, uint64_t offset, uint64_t length);

int engine_log_init(struct engine *en);
void engine_log_fini(struct engine *en);

/* The observer of the pager that counts clusters, flushes and events. */
void engine_log_observe(struct engine *en);

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

void engine_interval_close(struct engine *en, uint64_t now);

/* What is known at the end, into table run and the report. */
void engine_log_result(struct engine *en, struct db_result *rs);

#endif
