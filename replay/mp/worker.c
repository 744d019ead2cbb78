/*
 * worker.c: a thread of a replay, and how threads wait for each other; see mp.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/mp/mp.h"
#include "replay/replay.h"

#define SPINS	200	   /* looks before a sleep */
#define LOOK_NS 250000000U /* between two looks at signals and progress */

_Thread_local struct engine *engine_worker;

/* ---- waiting for each other ---- */

void
mp_count(struct mp *mp, struct count *ct, uint64_t n)
{

	/* A sleeper says what it wants before it looks at the count, which was
	 * stored before this: in one order for all. */
	atomic_store(&ct->ct_n, n);
	if (atomic_load(&ct->ct_want) > n)
		return;
	(void)pthread_mutex_lock(&mp->mp_mutex);
	atomic_store(&ct->ct_want, UINT64_MAX);
	(void)pthread_cond_broadcast(&mp->mp_cond);
	(void)pthread_mutex_unlock(&mp->mp_mutex);
}

void
mp_halt(struct mp *mp, struct worker *wk)
{

	(void)pthread_mutex_lock(&mp->mp_mutex);
	if (!atomic_load(&mp->mp_stop))
		mp->mp_failed = wk;
	atomic_store(&mp->mp_stop, true);
	(void)pthread_cond_broadcast(&mp->mp_cond);
	(void)pthread_mutex_unlock(&mp->mp_mutex);
}

/* A look, now and then, of the dispatcher that waits. */
static void
look(struct mp *mp)
{

	if (engine_interrupted())
		mp_halt(mp, NULL);
	engine_progress(mp->mp_en);
}

/* When the next one is due. */
static struct timespec
next_look(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	ts.tv_nsec += LOOK_NS;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

/*
 * Sleep until something is told.  Never without an end: glibc before 2.41 can
 * lose the wake-up of a condition variable (its bug 25847).
 */
static void
doze(struct mp *mp)
{
	const struct timespec until = next_look(CLOCK_MONOTONIC);

	(void)pthread_cond_timedwait(&mp->mp_cond, &mp->mp_mutex, &until);
	if (engine_worker != NULL)
		return;
	(void)pthread_mutex_unlock(&mp->mp_mutex);
	look(mp);
	(void)pthread_mutex_lock(&mp->mp_mutex);
}

void
mp_await(struct mp *mp, struct count *ct, uint64_t n)
{

	for (unsigned i = 0; i < SPINS; i++) {
		if (count_get(ct) >= n)
			return;
		clock_relax();
	}
	(void)pthread_mutex_lock(&mp->mp_mutex);
	for (;;) {
		/* Others may wait for less, and again for this when woken. */
		if (atomic_load(&ct->ct_want) > n)
			atomic_store(&ct->ct_want, n);
		if (atomic_load(&ct->ct_n) >= n || atomic_load(&mp->mp_stop))
			break;
		doze(mp);
	}
	(void)pthread_mutex_unlock(&mp->mp_mutex);
}

/* ---- workers ---- */

static int
event_do(struct worker *wk)
{
	struct engine *const en = &wk->wk_en;
	int status = 0;

	if (en->en_pace.pc_on)
		status = engine_pace_event(en);
	if (status == 0)
		status = engine_apply(en);
	if (status == 0)
		atomic_store_explicit(&wk->wk_events,
		    atomic_load_explicit(&wk->wk_events, memory_order_relaxed) +
			1,
		    memory_order_relaxed);
	return status;
}

static void
wait_deps(struct worker *wk, const struct job *jb)
{
	struct mp *const mp = wk->wk_mp;

	for (uint32_t i = 0; i < jb->jb_ndeps; i++)
		mp_await(mp, &mp->mp_worker[jb->jb_deps[i].dp_worker]->wk_done,
		    jb->jb_deps[i].dp_pos);
}

/*
 * The event is the first of another interval: end the last one when it is due.
 * The rows are this worker's.
 */
static void
interval_do(struct worker *wk, const struct job *jb)
{
	struct mp *const mp = wk->wk_mp;
	struct engine *const en = &wk->wk_en;
	const uint64_t now = jb->jb_ev.te_time;

	/* Rows may be longer than when this was given out. */
	if (now < en->en_iv.iv_end) {
		wait_deps(wk, jb);
		return;
	}
	/* In this order there is seldom more to wait for, and to be told of. */
	if (en->en_pace.pc_on)
		(void)engine_pace_until(en, now);
	wait_deps(wk, jb);
	if (engine_ends(en))
		return;
	engine_interval_close(mp->mp_en, &en->en_iv, now);
	atomic_store(&mp->mp_len, en->en_iv.iv_len);
}

static int
job_do(struct worker *wk, const struct job *jb)
{
	struct engine *const en = &wk->wk_en;
	int error, status = 0;

	if (jb->jb_kind == JOB_INTERVAL) {
		interval_do(wk, jb);
		return 0;
	}
	wait_deps(wk, jb);
	if (atomic_load_explicit(&wk->wk_mp->mp_stop, memory_order_relaxed))
		return 0;
	if (jb->jb_kind == JOB_PUBLISH) {
		uvm_thread_publish(en->en_uvm);
		return 0;
	}
	en->en_ev = &jb->jb_ev;
	en->en_seq = jb->jb_seq;
	/* The map of its last access may be gone. */
	if (wk->wk_detaches != jb->jb_detaches)
		en->en_map = NULL;
	wk->wk_detaches = jb->jb_detaches;
	status = jb->jb_kind == JOB_TICK ? engine_tick(en) : event_do(wk);
	uvm_event_end(en->en_uvm);
	if (status == 0 && en->en_verify != NULL &&
	    (error = verify_failed(en->en_verify, &en->en_report->er_em)) != 0)
		status = engine_status(error);
	return status;
}

static void *
worker_main(void *arg)
{
	struct worker *const wk = arg;
	struct mp *const mp = wk->wk_mp;
	uint64_t done = 0;

	engine_worker = &wk->wk_en;
	if (uvm_thread_join(wk->wk_en.en_uvm) != 0) {
		wk->wk_status = ERRMSG(&wk->wk_report.er_em, UVN_ENVIRONMENT,
		    "no memory for a thread");
		mp_halt(mp, wk);
		return NULL;
	}
	for (;;) {
		struct job *jb;

		mp_await(mp, &wk->wk_head, done + 1);
		if (count_get(&wk->wk_head) == done)
			break; /* stopped */
		jb = &wk->wk_ring[done % RING];
		if (jb->jb_kind == JOB_END) {
			wait_deps(wk, jb);
			break;
		}
		if (wk->wk_status == 0 && (wk->wk_status = job_do(wk, jb)) != 0)
			mp_halt(mp, wk);
		free(jb->jb_deps);
		jb->jb_deps = NULL;
		mp_count(mp, &wk->wk_done, ++done);
	}
	uvm_thread_leave(wk->wk_en.en_uvm);
	return NULL;
}

int
worker_start(struct mp *mp, uint32_t n, struct engine_thread *th)
{
	struct engine *const en = mp->mp_en;
	struct worker *const wk =
	    aligned_alloc(64, (sizeof(*wk) + 63) / 64 * 64);
	int error;

	if (wk == NULL)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for a thread");
	(void)memset(wk, 0, sizeof(*wk));
	wk->wk_ring = calloc(RING, sizeof(wk->wk_ring[0]));
	ENGINE_LOCK(en);
	wk->wk_en = *en;
	ENGINE_UNLOCK(en);
	wk->wk_job = *en->en_job;
	wk->wk_job.ej_progress = false;
	wk->wk_en.en_job = &wk->wk_job;
	wk->wk_en.en_report = &wk->wk_report;
	wk->wk_en.en_thread = th;
	wk->wk_en.en_map = NULL;
	(void)memset(wk->wk_en.en_counted, 0, sizeof(wk->wk_en.en_counted));
	wk->wk_en.en_op_errors = 0;
	wk->wk_en.en_pace.pc_lateness = NULL;
	wk->wk_en.en_stop = &mp->mp_stop;
	wk->wk_mp = mp;
	wk->wk_head.ct_want = wk->wk_done.ct_want = UINT64_MAX;
	mp->mp_worker[n] = wk;
	if (wk->wk_ring == NULL || engine_pace_init(&wk->wk_en) != 0)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for a thread");
	/* It takes no processor from those whose events have to be in time. */
	if (n == WORKER_INTERVAL)
		wk->wk_en.en_pace.pc_spin = 0;
	error = pthread_create(&wk->wk_thread, NULL, worker_main, wk);
	if (error != 0)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "a thread cannot be made: %s", errno_text(error));
	wk->wk_started = true;
	return 0;
}

void
worker_join(struct worker *wk)
{
	struct timespec until;

	if (!wk->wk_started)
		return;
	do {
		look(wk->wk_mp);
		until = next_look(CLOCK_REALTIME);
	} while (
	    pthread_timedjoin_np(wk->wk_thread, NULL, &until) == ETIMEDOUT);
}

void
worker_result(struct engine *en, const struct worker *wk)
{
	struct engine_report *const er = en->en_report;

	for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++) {
		en->en_counted[0][o] += wk->wk_en.en_counted[0][o];
		en->en_counted[1][o] += wk->wk_en.en_counted[1][o];
	}
	en->en_op_errors += wk->wk_en.en_op_errors;
	errmsg_put(&en->en_op_em, "%s", wk->wk_en.en_op_em.em_text);
	for (size_t i = 0; i < (size_t)OP_NKINDS * OUTCOME_NOUTCOMES; i++)
		er->er_untimed[i / OUTCOME_NOUTCOMES][i % OUTCOME_NOUTCOMES] +=
		    wk->wk_report.er_untimed[i / OUTCOME_NOUTCOMES]
					    [i % OUTCOME_NOUTCOMES];
	if (wk->wk_en.en_pace.pc_lateness != NULL &&
	    en->en_pace.pc_lateness != NULL)
		hist_merge(en->en_pace.pc_lateness,
		    wk->wk_en.en_pace.pc_lateness);
}

void
worker_free(struct worker *wk)
{

	for (uint64_t i = 0; wk->wk_ring != NULL && i < RING; i++)
		free(wk->wk_ring[i].jb_deps);
	free(wk->wk_ring);
	free(wk->wk_en.en_pace.pc_lateness);
	free(wk);
}
