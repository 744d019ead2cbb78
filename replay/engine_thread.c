/*
 * engine_thread.c: what each thread did and waited for, and the I/O that was
 * under way.
 *
 * The thread of an event of the trace is the trace's, though one thread replays
 * all of them; what ends the event is the page daemon's, a tick the syncer's.
 */
#include <errno.h>
#include <stdlib.h>

#include "replay/engine_impl.h"

/* The places of those that the trace does not know, after its own. */
enum { PLACE_OTHERS = THREADS_MAX, PLACE_DAEMON, PLACE_UPDATE, NPLACES };

#define PLACES_HASH 256U
_Static_assert(PLACES_HASH >= 2U * THREADS_MAX, "it must not fill up");

struct engine_threads {
	struct engine_thread ts_thread[NPLACES];
	size_t ts_n;		       /* of the trace */
	uint8_t ts_place[PLACES_HASH]; /* by tid: place + 1; 0: none */
	struct engine_thread *ts_last; /* of the trace */
	struct uvm_call_sum ts_calls;  /* those that a thread has by now */
	struct uvm_call_sum ts_depth;  /* those that en_depth has */
	struct db_wait *ts_waits;      /* rows, at the end */
	struct db_thread_latency *ts_rows;
};

int
engine_threads_init(struct engine *en)
{
	struct engine_threads *const ts = calloc(1, sizeof(*ts));

	en->en_threads = ts;
	if (ts == NULL)
		return ENOMEM;
	ts->ts_thread[PLACE_OTHERS].et_role = ROLE_OTHERS;
	ts->ts_thread[PLACE_DAEMON].et_role = ROLE_DAEMON;
	ts->ts_thread[PLACE_UPDATE].et_role = ROLE_UPDATE;
	en->en_daemon = en->en_thread = &ts->ts_thread[PLACE_DAEMON];
	en->en_tid = UINT64_MAX;
	en->en_update = &ts->ts_thread[PLACE_UPDATE];
	return 0;
}

static void
hists_free(struct hist *(*hists)[OUTCOME_NOUTCOMES])
{

	for (size_t i = 0; i < (size_t)OP_NKINDS * OUTCOME_NOUTCOMES; i++)
		free(hists[i / OUTCOME_NOUTCOMES][i % OUTCOME_NOUTCOMES]);
}

void
engine_threads_fini(struct engine *en)
{
	struct engine_threads *const ts = en->en_threads;

	if (ts == NULL)
		return;
	for (size_t i = 0; i < NPLACES; i++) {
		hists_free(ts->ts_thread[i].et_latency);
		hists_free(ts->ts_thread[i].et_response);
	}
	free(ts->ts_waits);
	free(ts->ts_rows);
	free(ts);
	en->en_threads = NULL;
}

/* Find the thread's place, or give it one. */
static struct engine_thread *
thread_find(struct engine_threads *ts, uint32_t tid)
{
	size_t i = tid * 0x9e3779b1U % PLACES_HASH;
	struct engine_thread *th;

	for (; ts->ts_place[i] != 0; i = (i + 1) % PLACES_HASH) {
		th = &ts->ts_thread[ts->ts_place[i] - 1];
		if (th->et_tid == tid)
			return th;
	}
	if (ts->ts_n == THREADS_MAX)
		return &ts->ts_thread[PLACE_OTHERS];
	th = &ts->ts_thread[ts->ts_n++];
	th->et_tid = tid;
	ts->ts_place[i] = (uint8_t)ts->ts_n;
	return th;
}

#ifdef UVM_MP
#define calls_settle(en) ((void)(en))
#define depth_calls(en)	 ((void)(en))
#else

/* Give the thread at work the calls that came since it began. */
static void
calls_settle(struct engine *en)
{
	const struct uvm_call_sum uc = uvm_calls(en->en_uvm).uc_waited;
	struct uvm_call_sum *const had = &en->en_threads->ts_calls;
	struct engine_wait *const ew = &en->en_thread->et_wait[UVM_WAIT_DEVICE];

	ew->ew_count += uc.n - had->n;
	ew->ew_ticks += uc.time - had->time;
	*had = uc;
}

/* Add the calls since this was last asked to what was under way. */
static void
depth_calls(struct engine *en)
{
	const struct uvm_call_sum uc = uvm_calls(en->en_uvm).uc_alone;
	struct uvm_call_sum *const had = &en->en_threads->ts_depth;
	struct io_depth *const dp = &en->en_depth;

	dp->dp_sum += uc.time - had->time;
	if (uc.n != had->n && dp->dp_most == 0)
		dp->dp_most = 1;
	*had = uc;
}

#endif

void
engine_thread_set(struct engine *en, struct engine_thread *th)
{

	calls_settle(en);
	en->en_thread = th;
	en->en_tid = UINT64_MAX;
}

void
engine_thread_change(struct engine *en, uint32_t tid)
{
	struct engine_threads *const ts = en->en_threads;

#ifdef UVM_MP
	if (engine_worker != NULL)
		return; /* it is, and stays it */
#endif
	if (ts->ts_last == NULL || ts->ts_last->et_tid != tid ||
	    ts->ts_last->et_role != ROLE_TRACE)
		ts->ts_last = thread_find(ts, tid);
	engine_thread_set(en, ts->ts_last);
	en->en_tid = tid;
}

bool
engine_hist_make(struct hist **hp)
{

	*hp = malloc(sizeof(**hp));
	if (*hp != NULL)
		hist_init(*hp);
	return *hp != NULL;
}

/* The thread that runs. */
static struct engine_thread *
waiter(struct engine *en)
{

#ifdef UVM_MP
	if (engine_worker == NULL && en->en_threaded)
		return en->en_daemon;
#endif
	return engine_running(en)->en_thread;
}

static void
observe_wait(void *arg, enum uvm_waitkind kind, uint64_t begin, uint64_t end)
{
	struct engine *const en = arg;
	struct engine_thread *const th = waiter(en);
	struct engine_wait *const ew = &th->et_wait[kind];
	/* The daemons share a place; all others have one of their own. */
	const bool shared = th == en->en_daemon;

	if (shared)
		ENGINE_LOCK(en);
	ew->ew_count++;
	ew->ew_ticks += end - begin;
	if (shared)
		ENGINE_UNLOCK(en);
}

/* Bring the integral up to now. */
static void
depth_settle(struct io_depth *dp, uint64_t now)
{

	/* Threads may be told in another order than their clocks. */
	if (now <= dp->dp_since)
		return;
	dp->dp_sum += (clock_wide)dp->dp_now * (now - dp->dp_since);
	dp->dp_since = now;
}

static void
observe_depth(void *arg, int change, uint64_t now)
{
	struct engine *const en = arg;
	struct io_depth *const dp = &en->en_depth;

	ENGINE_LOCK(en);
	depth_settle(dp, now);
	dp->dp_now += (unsigned)change;
	if (dp->dp_now > dp->dp_most)
		dp->dp_most = dp->dp_now;
	ENGINE_UNLOCK(en);
}

void
engine_threads_observe(struct engine *en, struct uvm_observer *uo)
{

	uo->uo_wait = observe_wait;
	uo->uo_depth = observe_depth;
	en->en_depth.dp_since = en->en_depth.dp_from = clock_ticks();
}

void
engine_depth_take(struct engine *en, struct db_interval *in)
{
	struct io_depth *const dp = &en->en_depth;
	const uint64_t now = clock_ticks();

	ENGINE_LOCK(en);
	depth_settle(dp, now);
	depth_calls(en);
	in->in_real = clock_ns(now - dp->dp_from);
	in->in_depth = clock_ns((uint64_t)dp->dp_sum);
	in->in_depth_most = dp->dp_most;
	dp->dp_from = now;
	dp->dp_sum = 0;
	dp->dp_most = dp->dp_now;
	ENGINE_UNLOCK(en);
}

/* ---- the end ---- */

/* The row of one kind of operation of a thread; false: there were none. */
static bool
latency_row(const struct engine_thread *th, size_t kind,
    struct db_thread_latency *tl, struct hist *all)
{

	bool any = false;

	for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++)
		any |= th->et_latency[kind][o] != NULL;
	if (!any)
		return false;
	hist_init(all);
	for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++)
		if (th->et_latency[kind][o] != NULL)
			hist_merge(all, th->et_latency[kind][o]);
	if (all->h_count == 0)
		return false;
	*tl = (struct db_thread_latency){
		.tl_kind = (enum opkind)kind,
		.tl_count = all->h_count,
		.tl_min = all->h_min,
		.tl_mean = hist_mean(all),
		.tl_p50 = hist_quantile(all, 0.5),
		.tl_p90 = hist_quantile(all, 0.9),
		.tl_p99 = hist_quantile(all, 0.99),
		.tl_p999 = hist_quantile(all, 0.999),
		.tl_max = all->h_max,
	};
	return true;
}

/* Rows of one thread, the n-th that has any. => were there any? */
static bool
thread_rows(const struct engine_thread *th, uint32_t n, struct db_result *rs,
    struct engine_threads *ts, struct hist *all)
{
	const struct db_thread dt = {
		.th_n = n,
		.th_tid = th->et_tid,
		.th_role = th->et_role,
	};
	const size_t before = rs->rs_nwaits + rs->rs_nthreads;

	for (size_t i = 0; i < UVM_NWAITS; i++)
		if (th->et_wait[i].ew_count != 0)
			ts->ts_waits[rs->rs_nwaits++] = (struct db_wait){
				.wt_thread = dt,
				.wt_kind = (enum uvm_waitkind)i,
				.wt_count = th->et_wait[i].ew_count,
				.wt_ns = clock_ns(th->et_wait[i].ew_ticks),
			};
	for (size_t i = 0; i < OP_NKINDS; i++)
		if (latency_row(th, i, &ts->ts_rows[rs->rs_nthreads], all))
			ts->ts_rows[rs->rs_nthreads++].tl_thread = dt;
	return rs->rs_nwaits + rs->rs_nthreads != before;
}

/* A thread's histograms go into those of the run. */
static void
hists_join(struct hist *(*to)[OUTCOME_NOUTCOMES],
    struct hist *(*from)[OUTCOME_NOUTCOMES])
{

	for (size_t i = 0; i < (size_t)OP_NKINDS * OUTCOME_NOUTCOMES; i++) {
		struct hist **const h =
		    &from[i / OUTCOME_NOUTCOMES][i % OUTCOME_NOUTCOMES];
		struct hist **const sum =
		    &to[i / OUTCOME_NOUTCOMES][i % OUTCOME_NOUTCOMES];

		if (*h != NULL && *sum != NULL) {
			hist_merge(*sum, *h);
		} else if (*h != NULL) {
			*sum = *h;
			*h = NULL;
		}
	}
}

void
engine_threads_result(struct engine *en, struct db_result *rs)
{
	struct engine_threads *const ts = en->en_threads;
	struct engine_report *const er = en->en_report;
	struct hist *const all = malloc(sizeof(*all));
	uint32_t n = 0;

	calls_settle(en);
	ts->ts_waits =
	    calloc((size_t)NPLACES * UVM_NWAITS, sizeof(ts->ts_waits[0]));
	ts->ts_rows =
	    calloc((size_t)NPLACES * OP_NKINDS, sizeof(ts->ts_rows[0]));
	for (size_t i = 0; i < NPLACES; i++) {
		struct engine_thread *const th = &ts->ts_thread[i];

		if (all != NULL && ts->ts_waits != NULL &&
		    ts->ts_rows != NULL && thread_rows(th, n, rs, ts, all)) {
			er->er_folded |= th->et_role == ROLE_OTHERS;
			n++;
		}
		for (size_t k = 0; k < UVM_NWAITS; k++) {
			er->er_wait[k].ew_count += th->et_wait[k].ew_count;
			er->er_wait[k].ew_ticks += th->et_wait[k].ew_ticks;
		}
		hists_join(er->er_latency, th->et_latency);
		hists_join(er->er_response, th->et_response);
	}
	rs->rs_waits = ts->ts_waits;
	rs->rs_threads = ts->ts_rows;
	free(all);
}
