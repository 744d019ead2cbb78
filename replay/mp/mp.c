/*
 * mp.c: the threads of a replay; see mp.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/mp/mp.h"
#include "replay/replay.h"

#define RING	1024	   /* jobs that wait for a worker */
#define SPINS	200	   /* looks before a sleep */
#define LOOK_NS 250000000U /* between two looks at signals and progress */

/* d: the dispatcher's; w: the worker's. */
struct worker {
	struct engine wk_en;		/* w: a view of the run's */
	struct engine_report wk_report; /* w: what it has to say */
	struct engine_job wk_job;	/* the run's, but that it is silent */
	struct mp *wk_mp;
	pthread_t wk_thread;
	bool wk_started;		       /* d */
	uint64_t wk_given;		       /* d: jobs in all */
	uint64_t wk_detaches;		       /* w: that it knows of */
	uint64_t wk_told;		       /* d: when it last published */
	struct job *wk_ring;		       /* [RING] */
	_Alignas(64) _Atomic uint64_t wk_head; /* written by d */
	_Alignas(64) _Atomic uint64_t wk_done; /* written by w */
	_Atomic uint64_t wk_events;	       /* of the trace; written by w */
	int wk_status;			       /* w */
};

struct mp {
	struct engine *mp_en;
	struct depend mp_depend;
	struct worker *mp_worker[WORKERS]; /* NULL: not needed yet */
	uint32_t mp_first;		   /* the only tid so far */
	uint32_t mp_tids[THREADS_MAX];	   /* of workers */
	uint32_t mp_ntids;
	bool mp_any, mp_started;
	uint64_t mp_before;	  /* events before there were threads */
	uint64_t mp_detaches;	  /* and exits, given out */
	uint64_t mp_tick;	  /* when the syncer's next turn is due */
	uint64_t mp_end;	  /* and the interval's end, by what is known */
	_Atomic uint64_t mp_len;  /* of intervals, by WORKER_INTERVAL */
	_Atomic bool mp_stop;	  /* changed with mp_mutex held */
	struct worker *mp_failed; /* who stopped it; NULL: the dispatcher */
	/* For sleepers on wk_head and wk_done. */
	pthread_mutex_t mp_mutex;
	pthread_cond_t mp_cond;
	_Atomic unsigned mp_sleepers;
};

_Thread_local struct engine *engine_worker;

/* ---- waiting for each other ---- */

/* Something changed that others may wait for. */
static void
tell(struct mp *mp)
{

	/* The word was stored before this, and a sleeper counted before it
	 * looks at the word: in one order for all. */
	if (atomic_load(&mp->mp_sleepers) == 0)
		return;
	(void)pthread_mutex_lock(&mp->mp_mutex);
	(void)pthread_cond_broadcast(&mp->mp_cond);
	(void)pthread_mutex_unlock(&mp->mp_mutex);
}

/* The run is to end: a worker failed, or, with NULL, the dispatcher. */
static void
stop(struct mp *mp, struct worker *wk)
{

	(void)pthread_mutex_lock(&mp->mp_mutex);
	if (!atomic_load(&mp->mp_stop))
		mp->mp_failed = wk;
	atomic_store(&mp->mp_stop, true);
	(void)pthread_cond_broadcast(&mp->mp_cond);
	(void)pthread_mutex_unlock(&mp->mp_mutex);
}

/*
 * Sleep until something is told.  The dispatcher has a look at signals and at
 * the progress line, too.
 */
static void
doze(struct mp *mp)
{
	struct timespec until;

	if (engine_worker != NULL) {
		(void)pthread_cond_wait(&mp->mp_cond, &mp->mp_mutex);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&mp->mp_cond, &mp->mp_mutex, &until);
	(void)pthread_mutex_unlock(&mp->mp_mutex);
	if (engine_interrupted())
		stop(mp, NULL);
	engine_progress(mp->mp_en);
	(void)pthread_mutex_lock(&mp->mp_mutex);
}

/* Wait until *word is at least value, or the run is to stop. */
static void
await(struct mp *mp, _Atomic uint64_t *word, uint64_t value)
{

	for (unsigned i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(word, memory_order_acquire) >= value)
			return;
		clock_relax();
	}
	(void)pthread_mutex_lock(&mp->mp_mutex);
	atomic_fetch_add(&mp->mp_sleepers, 1);
	while (atomic_load(word) < value && !atomic_load(&mp->mp_stop))
		doze(mp);
	atomic_fetch_sub(&mp->mp_sleepers, 1);
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

/*
 * The event is the first of another interval: end the last one when it is due.
 * The rows are this worker's.
 */
static void
interval_do(struct worker *wk)
{
	struct mp *const mp = wk->wk_mp;
	struct engine *const en = &wk->wk_en;
	const uint64_t now = en->en_ev->te_time;

	/* Rows may be longer than when this was given out. */
	if (now < en->en_iv.iv_end)
		return;
	engine_pace_until(en, now);
	if (engine_ends(en))
		return;
	engine_interval_close(mp->mp_en, &en->en_iv, now);
	atomic_store(&mp->mp_len, en->en_iv.iv_len);
}

static int
job_do(struct worker *wk, const struct job *jb)
{
	struct engine *const en = &wk->wk_en;
	int status = 0;

	for (uint32_t i = 0; i < jb->jb_ndeps; i++)
		await(wk->wk_mp,
		    &wk->wk_mp->mp_worker[jb->jb_deps[i].dp_worker]->wk_done,
		    jb->jb_deps[i].dp_pos);
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
	if (jb->jb_kind == JOB_INTERVAL) {
		interval_do(wk);
		return 0;
	}
	status = jb->jb_kind == JOB_TICK ? engine_tick(en) : event_do(wk);
	uvm_event_end(en->en_uvm);
	if (status == 0 && en->en_verify != NULL &&
	    verify_failed(en->en_verify, &en->en_report->er_em) != 0)
		status = UVN_FAILED;
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
		stop(mp, wk);
		return NULL;
	}
	engine_pace_thread(&wk->wk_en);
	for (;;) {
		struct job *jb;

		await(mp, &wk->wk_head, done + 1);
		if (atomic_load_explicit(&wk->wk_head, memory_order_acquire) ==
		    done)
			break; /* stopped */
		jb = &wk->wk_ring[done % RING];
		if (jb->jb_kind == JOB_END)
			break;
		if (wk->wk_status == 0 && (wk->wk_status = job_do(wk, jb)) != 0)
			stop(mp, wk);
		free(jb->jb_deps);
		jb->jb_deps = NULL;
		atomic_store(&wk->wk_done, ++done);
		tell(mp);
	}
	uvm_thread_leave(wk->wk_en.en_uvm);
	return NULL;
}

/* A worker for tid: its view of the run, and its thread. => an exit status */
static int
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
	wk->wk_en.en_mapped[0] = wk->wk_en.en_mapped[1] = 0;
	wk->wk_en.en_op_errors = 0;
	wk->wk_en.en_pace.pc_lateness = NULL;
	wk->wk_en.en_stop = &mp->mp_stop;
	wk->wk_mp = mp;
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

/* ---- handing out ---- */

/* The worker of a tid, started if need be. => an exit status */
static int
worker_of(struct mp *mp, uint32_t tid, uint32_t *np)
{
	uint32_t n;

	for (n = 0; n < mp->mp_ntids && mp->mp_tids[n] != tid; n++)
		continue;
	*np = n;
	if (n == mp->mp_ntids && n < THREADS_MAX)
		mp->mp_tids[mp->mp_ntids++] = tid;
	if (mp->mp_worker[n] != NULL)
		return 0;
	engine_thread_enter(mp->mp_en, tid);
	return worker_start(mp, n, mp->mp_en->en_thread);
}

static void
give(struct mp *mp, uint32_t n, const struct job *jb)
{
	struct worker *const wk = mp->mp_worker[n];

	if (wk->wk_given >= RING)
		await(mp, &wk->wk_done, wk->wk_given - RING + 1);
	if (atomic_load(&mp->mp_stop)) {
		free(jb->jb_deps);
		return;
	}
	wk->wk_ring[wk->wk_given % RING] = *jb;
	atomic_store(&wk->wk_head, ++wk->wk_given);
	tell(mp);
}

/* Wait until all that was given is done. */
static void
drain(struct mp *mp)
{

	for (uint32_t n = 0; n < WORKERS; n++)
		if (mp->mp_worker[n] != NULL)
			await(mp, &mp->mp_worker[n]->wk_done,
			    mp->mp_worker[n]->wk_given);
}

/* The dependences of the event in hand, as the job's own. */
static int
take_deps(struct mp *mp, struct job *jb)
{
	const struct depend *const de = &mp->mp_depend;

	if (de->de_ndeps == 0)
		return 0;
	jb->jb_deps = malloc(de->de_ndeps * sizeof(jb->jb_deps[0]));
	if (jb->jb_deps == NULL)
		return ENOMEM;
	(void)memcpy(jb->jb_deps, de->de_deps,
	    de->de_ndeps * sizeof(jb->jb_deps[0]));
	jb->jb_ndeps = de->de_ndeps;
	return 0;
}

/* An event of the trace, to its thread. => 0, or an exit status */
static int
give_event(struct mp *mp, const struct trace_event *ev)
{
	struct engine *const en = mp->mp_en;
	struct job jb = { .jb_ev = *ev,
		.jb_seq = en->en_seq,
		.jb_detaches = mp->mp_detaches };
	/* An exit has to be alone, and what is verified by event. */
	const bool alone = ev->te_op == TRACE_EXIT ||
	    (en->en_verify != NULL && depend_alone(ev));
	uint32_t n;
	int status;

	if ((status = worker_of(mp, ev->te_tid, &n)) != 0)
		return status;
	if (alone)
		drain(mp);
	if (depend_event(&mp->mp_depend, ev, n,
		mp->mp_worker[n]->wk_given + 1) != 0 ||
	    take_deps(mp, &jb) != 0)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for the order of threads");
	give(mp, n, &jb);
	mp->mp_detaches += ev->te_op == TRACE_DETACH || ev->te_op == TRACE_EXIT;
	if (alone)
		drain(mp);
	return 0;
}

/*
 * Have each worker publish what it has counted up to here; the job, if there is
 * one, waits for that. => ENOMEM
 */
static int
give_publish(struct mp *mp, struct job *jb)
{
	const struct job publish = { .jb_kind = JOB_PUBLISH };

	if (jb != NULL) {
		jb->jb_deps = calloc(WORKERS, sizeof(jb->jb_deps[0]));
		if (jb->jb_deps == NULL)
			return ENOMEM;
	}
	for (uint32_t n = 0; n < WORKER_INTERVAL; n++) {
		struct worker *const wk = mp->mp_worker[n];

		if (wk == NULL || wk->wk_given == wk->wk_told)
			continue; /* nothing new */
		give(mp, n, &publish);
		wk->wk_told = wk->wk_given;
		if (jb != NULL)
			jb->jb_deps[jb->jb_ndeps++] =
			    (struct dependence){ n, wk->wk_given };
	}
	return 0;
}

/* The event is the first of another interval. => an exit status */
static int
give_interval(struct mp *mp, const struct trace_event *ev)
{
	struct engine *const en = mp->mp_en;
	const bool paced = en->en_pace.pc_on;
	struct job jb = { .jb_ev = *ev,
		.jb_seq = en->en_seq,
		.jb_detaches = mp->mp_detaches,
		.jb_kind = JOB_INTERVAL };
	int status;

	if (paced && mp->mp_worker[WORKER_INTERVAL] == NULL) {
		status = worker_start(mp, WORKER_INTERVAL, en->en_daemon);
		if (status != 0)
			return status;
	}
	if (give_publish(mp, paced ? &jb : NULL) != 0)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for the order of threads");
	if (paced) {
		give(mp, WORKER_INTERVAL, &jb);
		mp->mp_end =
		    engine_interval_end(ev->te_time, atomic_load(&mp->mp_len));
	} else {
		drain(mp);
		engine_interval_close(en, &en->en_iv, ev->te_time);
		mp->mp_end = en->en_iv.iv_end;
	}
	return 0;
}

/* The next turn of update is due. => an exit status */
static int
give_tick(struct mp *mp, const struct trace_event *ev)
{
	struct engine *const en = mp->mp_en;
	const uint64_t step = en->en_cf->cf_uvm.sync_interval;
	const struct job jb = { .jb_ev = *ev,
		.jb_seq = en->en_seq,
		.jb_detaches = mp->mp_detaches,
		.jb_kind = JOB_TICK };
	int status = 0;

	if (mp->mp_worker[WORKER_SYNCER] == NULL)
		status = worker_start(mp, WORKER_SYNCER, en->en_update);
	if (status != 0)
		return status;
	give(mp, WORKER_SYNCER, &jb);
	while (mp->mp_tick <= ev->te_time)
		mp->mp_tick = mp->mp_tick > UINT64_MAX - step ?
		    UINT64_MAX :
		    mp->mp_tick + step;
	return 0;
}

/* Trace time has come to a tick or an interval's end. => an exit status */
static int
give_due(struct mp *mp, const struct trace_event *ev)
{
	struct engine *const en = mp->mp_en;
	int status = 0;

	en->en_ev = ev;
	if (ev->te_time >= mp->mp_tick)
		status = give_tick(mp, ev);
	if (status == 0 && ev->te_time >= mp->mp_end)
		status = give_interval(mp, ev);
	en->en_due = mp->mp_tick < mp->mp_end ? mp->mp_tick : mp->mp_end;
	return status;
}

/* The second thread of the trace has come. => an exit status */
static int
start(struct mp *mp)
{
	struct engine *const en = mp->mp_en;

	mp->mp_tick = uvm_next_tick(en->en_uvm);
	/* Without a database nobody looks at rows. */
	mp->mp_end = en->en_job->ej_db != NULL ? en->en_iv.iv_end : UINT64_MAX;
	mp->mp_len = en->en_iv.iv_len;
	mp->mp_before = en->en_seq;
	en->en_threaded = true;
	if (depend_init(&mp->mp_depend) != 0)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for the order of threads");
	/* The places of threads in the engine's table are those here. */
	engine_thread_enter(en, mp->mp_first);
	mp->mp_tids[mp->mp_ntids++] = mp->mp_first;
	if (uvm_threads_start(en->en_uvm, &en->en_report->er_em) != 0)
		return UVN_ENVIRONMENT;
	mp->mp_started = true;
	return 0;
}

struct mp *
mp_create(struct engine *en)
{
	struct mp *const mp = calloc(1, sizeof(*mp));
	pthread_condattr_t ca;

	if (mp == NULL)
		return NULL;
	mp->mp_en = en;
	(void)pthread_mutex_init(&mp->mp_mutex, NULL);
	(void)pthread_condattr_init(&ca);
	(void)pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&mp->mp_cond, &ca);
	(void)pthread_condattr_destroy(&ca);
	return mp;
}

size_t
mp_alone(struct mp *mp, const struct trace_event *ev, size_t n)
{
	size_t i = 0;

	if (mp->mp_started || n == 0)
		return 0;
	if (!mp->mp_any)
		mp->mp_first = ev->te_tid;
	mp->mp_any = true;
	while (i < n && ev[i].te_tid == mp->mp_first)
		i++;
	return i;
}

int
mp_batch(struct mp *mp, const struct trace_event *ev, size_t n)
{
	struct engine *const en = mp->mp_en;
	int status = mp->mp_started || n == 0 ? 0 : start(mp);

	for (size_t i = 0; i < n && status == 0; i++, en->en_seq++) {
		if (ev[i].te_time >= en->en_due)
			status = give_due(mp, &ev[i]);
		if (status == 0)
			status = give_event(mp, &ev[i]);
		if (atomic_load_explicit(&mp->mp_stop, memory_order_relaxed) ||
		    engine_interrupted())
			status = UVN_FAILED;
	}
	return status;
}

uint64_t
mp_done(const struct mp *mp)
{
	uint64_t done = mp->mp_before;

	if (!mp->mp_started)
		return mp->mp_en->en_seq;
	for (uint32_t n = 0; n < WORKERS; n++)
		if (mp->mp_worker[n] != NULL)
			done +=
			    atomic_load_explicit(&mp->mp_worker[n]->wk_events,
				memory_order_relaxed);
	return done;
}

/* What a worker has to say goes into the run's. */
static void
worker_result(struct engine *en, const struct worker *wk)
{
	struct engine_report *const er = en->en_report;

	en->en_mapped[0] += wk->wk_en.en_mapped[0];
	en->en_mapped[1] += wk->wk_en.en_mapped[1];
	en->en_op_errors += wk->wk_en.en_op_errors;
	for (size_t i = 0; i < (size_t)OP_NKINDS * OUTCOME_NOUTCOMES; i++)
		er->er_untimed[i / OUTCOME_NOUTCOMES][i % OUTCOME_NOUTCOMES] +=
		    wk->wk_report.er_untimed[i / OUTCOME_NOUTCOMES]
					    [i % OUTCOME_NOUTCOMES];
	if (wk->wk_en.en_pace.pc_lateness != NULL &&
	    en->en_pace.pc_lateness != NULL)
		hist_merge(en->en_pace.pc_lateness,
		    wk->wk_en.en_pace.pc_lateness);
}

/* Take the end of the run from the worker that stopped it, if one did. */
static int
failed_result(struct mp *mp, int status)
{
	const struct worker *const wk = mp->mp_failed;

	if (wk == NULL) /* a signal may have come when all was given out */
		return status == 0 && mp->mp_stop ? UVN_FAILED : status;
	/* What others said is of calls that failed, or came of this. */
	(void)ERRMSG(&mp->mp_en->en_report->er_em, 0, "%s",
	    wk->wk_report.er_em.em_text);
	return wk->wk_status;
}

static void
worker_free(struct worker *wk)
{

	for (uint64_t i = 0; wk->wk_ring != NULL && i < RING; i++)
		free(wk->wk_ring[i].jb_deps);
	free(wk->wk_ring);
	free(wk->wk_en.en_pace.pc_lateness);
	free(wk);
}

int
mp_destroy(struct mp *mp, int status)
{
	struct engine *const en = mp->mp_en;
	const struct job end = { .jb_kind = JOB_END };

	if (status != 0)
		stop(mp, NULL);
	else
		drain(mp);
	for (uint32_t n = 0; n < WORKERS; n++)
		if (mp->mp_worker[n] != NULL && mp->mp_worker[n]->wk_started)
			give(mp, n, &end);
	for (uint32_t n = 0; n < WORKERS; n++) {
		struct worker *const wk = mp->mp_worker[n];

		if (wk == NULL)
			continue;
		if (wk->wk_started)
			(void)pthread_join(wk->wk_thread, NULL);
		worker_result(en, wk);
	}
	/* Some that were given out may not have been done. */
	en->en_seq = mp_done(mp);
	if (mp->mp_worker[WORKER_INTERVAL] != NULL)
		en->en_iv = mp->mp_worker[WORKER_INTERVAL]->wk_en.en_iv;
	status = failed_result(mp, status);
	for (uint32_t n = 0; n < WORKERS; n++)
		if (mp->mp_worker[n] != NULL)
			worker_free(mp->mp_worker[n]);
	if (mp->mp_started)
		uvm_threads_stop(en->en_uvm);
	depend_fini(&mp->mp_depend);
	(void)pthread_mutex_destroy(&mp->mp_mutex);
	(void)pthread_cond_destroy(&mp->mp_cond);
	free(mp);
	return status;
}
