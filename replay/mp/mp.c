/*
 * mp.c: events, handed out to the threads of a replay; see mp.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/mp/mp.h"
#include "replay/replay.h"

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

	/* When it is full, half of it is waited for: one sleep for many. */
	if (wk->wk_given - wk->wk_free >= RING) {
		mp_await(mp, &wk->wk_done, wk->wk_given - RING / 2);
		wk->wk_free = count_get(&wk->wk_done);
	}
	if (atomic_load(&mp->mp_stop)) {
		free(jb->jb_deps);
		return;
	}
	wk->wk_ring[wk->wk_given % RING] = *jb;
	mp_count(mp, &wk->wk_head, ++wk->wk_given);
}

/* Wait until all that was given is done. */
static void
drain(struct mp *mp)
{

	for (uint32_t n = 0; n < WORKERS; n++)
		if (mp->mp_worker[n] != NULL)
			mp_await(mp, &mp->mp_worker[n]->wk_done,
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

/* Wait for the end of the last interval. => ENOMEM */
static int
after_interval(const struct mp *mp, struct job *jb)
{
	const struct worker *const wk = mp->mp_worker[WORKER_INTERVAL];

	if (wk == NULL || wk->wk_given == 0)
		return 0;
	if ((jb->jb_deps = malloc(sizeof(jb->jb_deps[0]))) == NULL)
		return ENOMEM;
	jb->jb_deps[0] = (struct dependence){ WORKER_INTERVAL, wk->wk_given };
	jb->jb_ndeps = 1;
	return 0;
}

/*
 * Have each worker publish what it has counted up to here, which the job waits
 * for; but not before the last interval has been counted. => ENOMEM
 */
static int
give_publish(struct mp *mp, struct job *jb)
{

	jb->jb_deps = calloc(WORKERS, sizeof(jb->jb_deps[0]));
	if (jb->jb_deps == NULL)
		return ENOMEM;
	for (uint32_t n = 0; n < WORKER_INTERVAL; n++) {
		struct worker *const wk = mp->mp_worker[n];
		struct job publish = { .jb_kind = JOB_PUBLISH };

		if (wk == NULL || wk->wk_given == wk->wk_told)
			continue; /* nothing new */
		if (after_interval(mp, &publish) != 0)
			return ENOMEM;
		give(mp, n, &publish);
		wk->wk_told = wk->wk_given;
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
	struct job jb = { .jb_ev = *ev,
		.jb_seq = en->en_seq,
		.jb_detaches = mp->mp_detaches,
		.jb_kind = JOB_INTERVAL };
	int status;

	if (mp->mp_worker[WORKER_INTERVAL] == NULL) {
		status = worker_start(mp, WORKER_INTERVAL, en->en_daemon);
		if (status != 0)
			return status;
	}
	if (give_publish(mp, &jb) != 0) {
		free(jb.jb_deps);
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for the order of threads");
	}
	give(mp, WORKER_INTERVAL, &jb);
	mp->mp_end = engine_interval_end(ev->te_time, atomic_load(&mp->mp_len));
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
	uint64_t turns;
	int status = 0;

	if (mp->mp_worker[WORKER_SYNCER] == NULL)
		status = worker_start(mp, WORKER_SYNCER, en->en_update);
	if (status != 0)
		return status;
	give(mp, WORKER_SYNCER, &jb);
	turns = step == 0 ? 0 : (ev->te_time - mp->mp_tick) / step;
	mp->mp_tick = step == 0 || turns >= (UINT64_MAX - mp->mp_tick) / step ?
	    UINT64_MAX :
	    mp->mp_tick + (turns + 1) * step;
	return 0;
}

/* Trace time has come to a tick or an interval's end. => an exit status */
static int
give_due(struct mp *mp, const struct trace_event *ev)
{
	struct engine *const en = mp->mp_en;
	int status = 0;

	if (mp->mp_tick != UINT64_MAX && ev->te_time >= mp->mp_tick)
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

/* Take the end of the run from the worker that stopped it, if one did. */
static int
failed_result(struct mp *mp, int status)
{
	const struct worker *const wk = mp->mp_failed;

	if (wk == NULL) /* a signal may have come when all was given out */
		return status == 0 && mp->mp_stop ? UVN_FAILED : status;
	/* What others said came of this. */
	if (wk->wk_report.er_em.em_text[0] != '\0')
		mp->mp_en->en_report->er_em = wk->wk_report.er_em;
	return wk->wk_status;
}

int
mp_destroy(struct mp *mp, int status)
{
	struct engine *const en = mp->mp_en;

	if (status != 0)
		mp_halt(mp, NULL);
	for (uint32_t n = 0; n < WORKERS; n++) {
		struct job end = { .jb_kind = JOB_END };

		if (mp->mp_worker[n] == NULL || !mp->mp_worker[n]->wk_started)
			continue;
		/* Who leaves publishes. */
		if (n != WORKER_INTERVAL && after_interval(mp, &end) != 0)
			status = ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
			    "no memory for the order of threads");
		give(mp, n, &end);
	}
	for (uint32_t n = 0; n < WORKERS; n++) {
		struct worker *const wk = mp->mp_worker[n];

		if (wk == NULL)
			continue;
		worker_join(wk);
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
