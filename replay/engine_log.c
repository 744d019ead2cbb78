/*
 * engine_log.c: what the engine measures, and where it puts it.
 *
 * Mapped hits take a few nanoseconds, less than reading a clock twice: those
 * that get no row are counted and not timed.  Of faults the tunable timing says
 * which are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/engine_impl.h"

#define INTERVALS      1024 /* rows at most when they adapt */
#define INTERVAL_FIRST 1000 /* ns */

int
engine_log_init(struct engine *en)
{
	const struct uvm_param *const up = &en->en_cf->cf_uvm;
	const uint64_t log = en->en_cf->cf_replay.log;
	struct intervals *const iv = &en->en_iv;

	en->en_every = en->en_job->ej_db != NULL ? log : 0;
	en->en_skip = en->en_every;
	en->en_timing = en->en_untimed = en->en_cf->cf_replay.timing;
	en->en_cluster_max = (size_t)(up->cluster / up->page_size);
	en->en_cluster[UVM_READ] =
	    calloc(en->en_cluster_max + 1, sizeof(uint64_t));
	en->en_cluster[UVM_WRITE] =
	    calloc(en->en_cluster_max + 1, sizeof(uint64_t));
	iv->iv_adapt = en->en_cf->cf_replay.interval == 0;
	iv->iv_len =
	    iv->iv_adapt ? INTERVAL_FIRST : en->en_cf->cf_replay.interval;
	iv->iv_end = iv->iv_len;
	iv->iv_room = INTERVALS;
	iv->iv_row = calloc(iv->iv_room, sizeof(iv->iv_row[0]));
	if (en->en_cluster[UVM_READ] == NULL ||
	    en->en_cluster[UVM_WRITE] == NULL || iv->iv_row == NULL)
		return ENOMEM;
	return engine_threads_init(en);
}

void
engine_log_fini(struct engine *en)
{

	free(en->en_cluster[UVM_READ]);
	free(en->en_cluster[UVM_WRITE]);
	free(en->en_iv.iv_row);
	free(en->en_pace.pc_lateness);
	engine_threads_fini(en);
}

static void
observe_io(void *arg, const struct uvm_buf *b)
{
	struct engine *const en = arg;

	ENGINE_LOCK(en);
	en->en_cluster[b->b_io][b->b_npages]++;
	ENGINE_UNLOCK(en);
}

static void
observe_freed(void *arg, uint32_t file, uint64_t pgno, bool dirty)
{
	struct engine *const en = arg;

	(void)dirty;
	verify_freed(en->en_verify, file, pgno);
}

static void
observe_lost(void *arg, uint32_t file, uint64_t pgno)
{
	struct engine *const en = arg;

	verify_lost(en->en_verify, file, pgno);
}

void
engine_log_observe(struct engine *en)
{
	struct uvm_observer uo = {
		.uo_arg = en,
		.uo_io = observe_io,
		.uo_lean = true,
		.uo_freed = en->en_verify != NULL ? observe_freed : NULL,
		.uo_lost = en->en_verify != NULL ? observe_lost : NULL,
	};

	engine_threads_observe(en, &uo);
	engine_flush_observe(en, &uo);
	engine_events_observe(en, &uo);
	uvm_observe(en->en_uvm, &uo);
}

/* Of the thread that does the op, where there are several. */
static inline struct engine_io
engine_io(const struct engine *en)
{
#ifdef UVM_MP
	const struct uvmexp *const exp = uvm_counters();

	(void)en;
#else
	const struct uvmexp *const exp = uvm_stat(en->en_uvm);
#endif
	return (struct engine_io){
		.ei_reads = exp->pagein_ios,
		.ei_writes = exp->pageout_ios,
		.ei_bytes_in = exp->pagein_bytes,
		.ei_bytes_out = exp->pageout_bytes,
	};
}

uint64_t
engine_op_begin(struct engine *en)
{

	engine_thread_enter(en, en->en_ev->te_tid);
	if (en->en_every != 0 && en->en_skip == 1)
		en->en_before = engine_io(en);
	return clock_ticks();
}

/* What the row of an op has from its event and the counters. */
static void
put_op_row(struct engine *en, struct db_op *op)
{
	const struct trace_event *const ev = en->en_ev;
	const struct engine_io now = engine_io(en);
	const struct engine_io *const before = &en->en_before;

	op->op_seq = en->en_seq;
	op->op_time = ev->te_time;
	op->op_tid = ev->te_tid;
	op->op_file = ev->te_file;
	op->op_bytes_in = now.ei_bytes_in - before->ei_bytes_in;
	op->op_bytes_out = now.ei_bytes_out - before->ei_bytes_out;
	op->op_reads = (uint32_t)(now.ei_reads - before->ei_reads);
	op->op_writes = (uint32_t)(now.ei_writes - before->ei_writes);
	ENGINE_LOCK(en);
	db_put_op(en->en_writer, op);
	ENGINE_UNLOCK(en);
}

/* When an op began, ns after the first event. */
static inline uint64_t
issued(const struct engine *en, uint64_t began)
{

	return clock_ns(began - en->en_began);
}

void
engine_op_end(struct engine *en, enum opkind kind, enum outcome outcome,
    uint64_t began, uint64_t offset, uint64_t length)
{
	const uint64_t latency = clock_ns(clock_ticks() - began);
	const struct pacer *const pc = &en->en_pace;

	engine_latency(en, kind, outcome, latency);
	if (pc->pc_on)
		(void)engine_thread_add(&en->en_thread
					     ->et_response[kind][outcome],
		    issued(en, began) + latency - pc->pc_scheduled);
	if (en->en_every == 0 || --en->en_skip != 0)
		return;
	en->en_skip = en->en_every;
	put_op_row(en,
	    &(struct db_op){
		.op_offset = offset,
		.op_length = length,
		.op_scheduled = pc->pc_on ? pc->pc_scheduled : DB_NEVER,
		.op_issued = issued(en, began),
		.op_latency = latency,
		.op_kind = (uint8_t)kind,
		.op_outcome = (uint8_t)outcome,
	    });
}

/* Append a row; one of the same time as the last is added to it. */
static void
intervals_append(struct intervals *iv, struct db_interval in)
{
	struct db_interval *const last =
	    iv->iv_n != 0 ? &iv->iv_row[iv->iv_n - 1] : NULL;

	if (iv->iv_row == NULL)
		return;
	if (last != NULL && last->in_time == in.in_time) {
		in.in_accesses += last->in_accesses;
		in.in_mapped += last->in_mapped;
		in.in_resident += last->in_resident;
		in.in_misses += last->in_misses;
		in.in_bytes_in += last->in_bytes_in;
		in.in_bytes_out += last->in_bytes_out;
		in.in_real += last->in_real;
		in.in_depth += last->in_depth;
		if (in.in_depth_most < last->in_depth_most)
			in.in_depth_most = last->in_depth_most;
		iv->iv_n--;
	}
	iv->iv_row[iv->iv_n++] = in;
}

/* Two rows to a row, and rows twice as long. */
static void
intervals_halve(struct intervals *iv)
{
	const size_t n = iv->iv_n;
	size_t i;

	iv->iv_len *= 2;
	iv->iv_n = 0;
	for (i = 0; i < n; i++) {
		struct db_interval in = iv->iv_row[i];

		in.in_time += iv->iv_len - 1;
		in.in_time -= in.in_time % iv->iv_len;
		intervals_append(iv, in);
	}
}

/* Room for a row; false: no memory, and the row is left out. */
static bool
intervals_room(struct intervals *iv)
{
	struct db_interval *row;

	if (iv->iv_row == NULL)
		return false;
	while (iv->iv_adapt && iv->iv_n == iv->iv_room)
		intervals_halve(iv);
	if (iv->iv_n < iv->iv_room)
		return true;
	row = calloc(iv->iv_room * 2, sizeof(*row));
	if (row == NULL)
		return false;
	(void)memcpy(row, iv->iv_row, iv->iv_n * sizeof(*row));
	free(iv->iv_row);
	iv->iv_row = row;
	iv->iv_room *= 2;
	return true;
}

void
engine_interval_close(struct engine *en, struct intervals *iv, uint64_t now)
{
	const struct uvmexp *const exp = uvm_stat(en->en_uvm);
	const struct uvmexp *const was = &iv->iv_last;

	if (exp->accesses + exp->pageout_ios + exp->file_writes !=
		was->accesses + was->pageout_ios + was->file_writes &&
	    intervals_room(iv)) {
		const uint64_t len = iv->iv_len;
		struct db_interval in = {
			/* iv_len may have grown: align its end again. */
			.in_time = (iv->iv_end + len - 1) / len * len,
			.in_accesses = exp->accesses - was->accesses,
			.in_mapped = exp->mapped_hits - was->mapped_hits,
			.in_resident = exp->resident_hits - was->resident_hits,
			.in_misses = exp->misses - was->misses,
			.in_dirty = exp->dirty,
			.in_free = exp->free,
			.in_active = exp->active,
			.in_inactive = exp->inactive,
			.in_bytes_in = exp->pagein_bytes - was->pagein_bytes,
			.in_bytes_out = exp->pageout_bytes - was->pageout_bytes,
		};

		engine_depth_take(en, &in);
		intervals_append(iv, in);
		iv->iv_last = *exp;
	}
	iv->iv_end = engine_interval_end(now, iv->iv_len);
}

void
engine_log_result(struct engine *en, struct db_result *rs)
{

	for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++) {
		en->en_report->er_untimed[OP_READ][o] += en->en_counted[0][o];
		en->en_report->er_untimed[OP_WRITE][o] += en->en_counted[1][o];
	}
	en->en_cluster[UVM_READ][1] += uvm_untold(en->en_uvm);
	engine_threads_result(en, rs);
	rs->rs_exp = &en->en_report->er_exp;
	/* C11 adds no const to the elements of arrays by itself. */
	rs->rs_latency =
	    (struct hist *const(*)[OUTCOME_NOUTCOMES])en->en_report->er_latency;
	if (en->en_pace.pc_on) {
		en->en_report->er_lateness = en->en_pace.pc_lateness;
		en->en_pace.pc_lateness = NULL;
		rs->rs_response = (struct hist *const(*)[OUTCOME_NOUTCOMES])
				      en->en_report->er_response;
		rs->rs_lateness = en->en_report->er_lateness;
	}
	rs->rs_untimed =
	    (const uint64_t(*)[OUTCOME_NOUTCOMES])en->en_report->er_untimed;
	rs->rs_cluster[UVM_READ] = en->en_cluster[UVM_READ];
	rs->rs_cluster[UVM_WRITE] = en->en_cluster[UVM_WRITE];
	rs->rs_cluster_max = en->en_cluster_max;
	rs->rs_intervals = en->en_iv.iv_row;
	rs->rs_nintervals = en->en_iv.iv_n;
	rs->rs_flush_total =
	    (const struct db_flush_total(*)[2])en->en_flush_total;
	engine_events_result(en, rs);
	engine_inject_result(en, rs);
}
