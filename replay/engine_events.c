/*
 * engine_events.c: perf events over the run, its phases and its flushes.
 *
 * Counters run from begin to end and are never stopped: what a part of the run
 * took is the difference of two readings.  Around a traversal the readings
 * themselves are in that difference; what an empty pair of them counts is
 * measured before the run and told apart, as phase "reading".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/engine_impl.h"
#include "replay/perf.h"
#include "replay/replay.h"

/* Phases that get rows.  Later ones are counted in the run alone. */
#define PHASES_MAX 1000
#define PHASE_LEN  32

/* Pairs of readings to a batch, and batches, of which the median counts. */
#define PAIRS	64
#define BATCHES 15

/* One event. */
struct counted {
	struct perf_reading ct_begin; /* when the run began, */
	struct perf_reading ct_since; /* the phase under way, */
	struct perf_reading ct_on;    /* and the traversal under way */
	struct perf_reading ct_run;   /* what they came to */
	struct perf_reading ct_flush;
	struct perf_reading ct_pairs; /* PAIRS empty pairs of readings */
};

struct engine_events {
	struct perf_set *ee_set;
	size_t ee_n; /* events */
	struct counted *ee_ct;
	struct perf_reading *ee_phase; /* [phase][event] */
	size_t ee_nphases, ee_room;
	uint64_t ee_lost;  /* phases without a row */
	uint64_t ee_pairs; /* traversals */
	bool ee_counting, ee_on;
};

/* The first reading comes last on the way back, so that the pairs nest. */
static void
traverse_on(struct engine_events *ee)
{
	size_t i;

	for (i = 0; i < ee->ee_n; i++)
		(void)perf_read(ee->ee_set, i, &ee->ee_ct[i].ct_on);
}

static void
traverse_off(struct engine_events *ee)
{
	struct perf_reading pr;
	size_t i;

	for (i = ee->ee_n; i-- > 0;) {
		struct counted *const ct = &ee->ee_ct[i];

		if (!perf_read(ee->ee_set, i, &pr))
			continue;
		pr = perf_since(&pr, &ct->ct_on);
		ct->ct_flush.pr_value += pr.pr_value;
		ct->ct_flush.pr_enabled += pr.pr_enabled;
		ct->ct_flush.pr_running += pr.pr_running;
	}
}

static void
observe_traverse(void *arg, bool on)
{
	struct engine *const en = arg;
	struct engine_events *const ee = en->en_events;

	if (!ee->ee_counting || on == ee->ee_on)
		return;
	ee->ee_on = on;
	if (on) {
		ee->ee_pairs++;
		traverse_on(ee);
	} else
		traverse_off(ee);
}

static int
by_value(const void *a, const void *b)
{
	const struct perf_reading *const pa = a, *const pb = b;

	return (pa->pr_value > pb->pr_value) - (pa->pr_value < pb->pr_value);
}

/* Let ct_pairs be what the median batch of empty pairs counted. */
static void
measure_reading(struct engine_events *ee, struct perf_reading *batch)
{
	size_t i, j, k;

	perf_enable(ee->ee_set);
	for (j = 0; j < BATCHES; j++) {
		for (k = 0; k < PAIRS; k++) {
			traverse_on(ee);
			traverse_off(ee);
		}
		for (i = 0; i < ee->ee_n; i++) {
			batch[i * BATCHES + j] = ee->ee_ct[i].ct_flush;
			ee->ee_ct[i].ct_flush = (struct perf_reading){ 0 };
		}
	}
	perf_disable(ee->ee_set);
	for (i = 0; i < ee->ee_n; i++) {
		struct perf_reading *const b = &batch[i * BATCHES];

		qsort(b, BATCHES, sizeof(*b), by_value);
		ee->ee_ct[i].ct_pairs = b[BATCHES / 2];
	}
}

int
engine_events_open(struct engine *en)
{
	struct errmsg *const em = &en->en_report->er_em;
	struct perf_reading *batch = NULL;
	struct engine_events *ee;
	int error;

	if (en->en_job->ej_events == NULL)
		return 0;
	if ((ee = calloc(1, sizeof(*ee))) == NULL)
		goto nomem;
	en->en_events = ee;
	error = perf_open(en->en_job->ej_events, &ee->ee_set, em);
	if (error != 0)
		return error == EINVAL ? UVN_USAGE : UVN_ENVIRONMENT;
	ee->ee_n = perf_count(ee->ee_set);
	ee->ee_ct = calloc(ee->ee_n, sizeof(ee->ee_ct[0]));
	batch = calloc(ee->ee_n * BATCHES, sizeof(*batch));
	if (ee->ee_ct == NULL || batch == NULL)
		goto nomem;
	measure_reading(ee, batch);
	free(batch);
	return 0;
nomem:
	free(batch);
	return ERRMSG(em, UVN_ENVIRONMENT, "--events: out of memory");
}

void
engine_events_observe(struct engine *en, struct uvm_observer *uo)
{

	if (en->en_events != NULL)
		uo->uo_traverse = observe_traverse;
}

void
engine_events_begin(struct engine *en)
{
	struct engine_events *const ee = en->en_events;
	size_t i;

	if (ee == NULL)
		return;
	perf_enable(ee->ee_set);
	ee->ee_counting = true;
	for (i = 0; i < ee->ee_n; i++) {
		struct counted *const ct = &ee->ee_ct[i];

		(void)perf_read(ee->ee_set, i, &ct->ct_begin);
		ct->ct_since = ct->ct_begin;
	}
}

/* Room for a phase more; false: there is none. */
static bool
phase_room(struct engine_events *ee)
{
	struct perf_reading *phase;
	size_t room = ee->ee_room != 0 ? ee->ee_room * 2 : 8;

	if (ee->ee_nphases == PHASES_MAX)
		return false;
	if (ee->ee_nphases < ee->ee_room)
		return true;
	phase = realloc(ee->ee_phase, room * ee->ee_n * sizeof(*phase));
	if (phase == NULL)
		return false;
	ee->ee_phase = phase;
	ee->ee_room = room;
	return true;
}

/* A phase ends. */
static void
phase_end(struct engine_events *ee)
{
	struct perf_reading pr, *row;
	size_t i;

	if (ee->ee_lost != 0 || !phase_room(ee)) {
		ee->ee_lost++;
		return;
	}
	row = &ee->ee_phase[ee->ee_nphases++ * ee->ee_n];
	for (i = 0; i < ee->ee_n; i++) {
		struct counted *const ct = &ee->ee_ct[i];

		(void)perf_read(ee->ee_set, i, &pr);
		row[i] = perf_since(&pr, &ct->ct_since);
		ct->ct_since = pr;
	}
}

void
engine_events_mark(struct engine *en)
{

	if (en->en_events != NULL)
		phase_end(en->en_events);
}

void
engine_events_end(struct engine *en)
{
	struct engine_events *const ee = en->en_events;
	struct perf_reading pr;
	size_t i;

	if (ee == NULL)
		return;
	/* Without a mark there is but the run. */
	if (ee->ee_nphases != 0)
		phase_end(ee);
	for (i = 0; i < ee->ee_n; i++)
		if (perf_read(ee->ee_set, i, &pr))
			ee->ee_ct[i].ct_run =
			    perf_since(&pr, &ee->ee_ct[i].ct_begin);
	ee->ee_counting = false;
	perf_disable(ee->ee_set);
}

/* Rows in the making, and the text that they point to. */
struct rows {
	struct db_event *rw_row;
	size_t rw_n;
	char *rw_text;
};

static const char *
keep(struct rows *rw, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *const copy = memcpy(rw->rw_text, text, size);

	rw->rw_text += size;
	return copy;
}

/* phase, name and reason must outlive the row. */
static void
add_row(struct rows *rw, const char *phase, const char *name,
    const char *reason, const struct perf_reading *pr)
{
	struct db_event *const ev = &rw->rw_row[rw->rw_n++];

	*ev = (struct db_event){
		.ev_phase = phase,
		.ev_name = name,
		.ev_reason = reason,
		.ev_enabled = pr->pr_enabled,
		.ev_running = pr->pr_running,
	};
	if (reason == NULL && !perf_scaled(pr, &ev->ev_value))
		ev->ev_reason = "it never got a counter; name fewer events";
}

/* What the readings around all traversals added, by the empty pairs. */
static struct perf_reading
reading_share(const struct engine_events *ee, const struct perf_reading *pr)
{
	const uint128_t pairs = ee->ee_pairs;

	return (struct perf_reading){
		.pr_value = (uint64_t)(pairs * pr->pr_value / PAIRS),
		.pr_enabled = (uint64_t)(pairs * pr->pr_enabled / PAIRS),
		.pr_running = (uint64_t)(pairs * pr->pr_running / PAIRS),
	};
}

/* Rows and text of one event at most. */
static size_t
event_rows(const struct engine_events *ee)
{

	return 3 + ee->ee_nphases;
}

static size_t
event_text(const struct engine_events *ee, size_t i)
{
	const char *const reason = perf_reason(ee->ee_set, i);

	return strlen(perf_name(ee->ee_set, i)) + 1 +
	    (reason != NULL ? strlen(reason) + 1 : 0) +
	    ee->ee_nphases * PHASE_LEN;
}

static void
add_event(struct rows *rw, const struct engine_events *ee, size_t i)
{
	const struct counted *const ct = &ee->ee_ct[i];
	const struct perf_reading reading = reading_share(ee, &ct->ct_pairs);
	const char *const name = keep(rw, perf_name(ee->ee_set, i));
	const char *reason = perf_reason(ee->ee_set, i);
	char phase[PHASE_LEN];
	size_t p;

	if (reason != NULL)
		reason = keep(rw, reason);
	add_row(rw, "run", name, reason, &ct->ct_run);
	add_row(rw, "flush", name, reason, &ct->ct_flush);
	if (reason != NULL)
		return;
	add_row(rw, "reading", name, NULL, &reading);
	for (p = 0; p < ee->ee_nphases; p++) {
		(void)snprintf(phase, sizeof(phase), "phase-%zu", p);
		add_row(rw, keep(rw, phase), name, NULL,
		    &ee->ee_phase[p * ee->ee_n + i]);
	}
}

void
engine_events_result(struct engine *en, struct db_result *rs)
{
	const struct engine_events *const ee = en->en_events;
	struct engine_report *const er = en->en_report;
	struct rows rw = { .rw_row = NULL };
	size_t i, n, size = 0;

	if (ee == NULL)
		return;
	n = ee->ee_n * event_rows(ee);
	for (i = 0; i < ee->ee_n; i++)
		size += event_text(ee, i);
	/* One piece of memory: rows, then their text. */
	rw.rw_row = calloc(1, n * sizeof(rw.rw_row[0]) + size);
	if (rw.rw_row == NULL) {
		er->er_exit = ERRMSG(&er->er_em, UVN_ENVIRONMENT,
		    "--events: no memory for what was counted");
		return;
	}
	rw.rw_text = (char *)&rw.rw_row[n];
	for (i = 0; i < ee->ee_n; i++)
		add_event(&rw, ee, i);
	er->er_perf = rw.rw_row;
	er->er_nperf = rw.rw_n;
	er->er_phases = ee->ee_nphases;
	er->er_phases_lost = ee->ee_lost;
	rs->rs_perf = er->er_perf;
	rs->rs_nperf = er->er_nperf;
}

void
engine_events_fini(struct engine *en)
{
	struct engine_events *const ee = en->en_events;

	if (ee == NULL)
		return;
	if (ee->ee_set != NULL)
		perf_close(ee->ee_set);
	free(ee->ee_ct);
	free(ee->ee_phase);
	free(ee);
	en->en_events = NULL;
}
