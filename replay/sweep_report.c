/*
 * sweep_report.c: what a sweep prints.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "replay/json_out.h"
#include "replay/replay.h"
#include "replay/sweep.h"

/* The file's name without its folders. */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* How wide the column of an axis is. */
static int
axis_width(const struct sweep_axis *ax)
{
	const struct tunable *tn = config_tunable(ax->ax_tunable);
	char text[TUNABLE_TEXT_MAX];
	size_t width = strlen(tn->tn_name);

	for (size_t i = 0; i < ax->ax_n; i++) {
		tunable_format(tn, ax->ax_value[i], text, sizeof(text));
		if (strlen(text) > width)
			width = strlen(text);
	}
	return (int)width;
}

static int
trace_width(const struct sweep *sw)
{
	size_t width = strlen("trace");

	for (size_t i = 0; i < sw->sw_ntraces; i++)
		if (strlen(base_name(sw->sw_trace[i].st_path)) > width)
			width = strlen(base_name(sw->sw_trace[i].st_path));
	return (int)width;
}

/* The columns that tell a cell from others. */
static void
put_names(const struct sweep *sw)
{
	(void)printf("%6s", "cell");
	for (size_t i = 0; i < sw->sw_axes.xs_n; i++) {
		const struct sweep_axis *ax = &sw->sw_axes.xs_axis[i];

		(void)printf("  %*s", axis_width(ax),
		    config_tunable(ax->ax_tunable)->tn_name);
	}
	if (sw->sw_ntraces > 1)
		(void)printf("  %-*s", trace_width(sw), "trace");
	(void)printf("  %6s", "repeat");
}

static void
put_values(const struct sweep *sw, const struct sweep_cell *sc)
{
	char text[TUNABLE_TEXT_MAX];

	(void)printf("%6zu", (size_t)(sc - sw->sw_cell));
	for (size_t i = 0; i < sw->sw_axes.xs_n; i++) {
		const struct sweep_axis *ax = &sw->sw_axes.xs_axis[i];

		tunable_format(config_tunable(ax->ax_tunable),
		    config_get(&sc->sc_point->pt_asked, ax->ax_tunable), text,
		    sizeof(text));
		(void)printf("  %*s", axis_width(ax), text);
	}
	if (sw->sw_ntraces > 1)
		(void)printf("  %-*s", trace_width(sw),
		    base_name(sc->sc_trace->st_path));
	(void)printf("  %6" PRIu64, sc->sc_row.dc_repeat);
}

/* 4.5 s, 45 s, 12 min, 34 h. */
static const char *
duration(double seconds, char buf[32])
{
	const char *unit = "s";

	if (seconds > 99.5 * 60) {
		seconds /= 3600;
		unit = "h";
	} else if (seconds > 99.5) {
		seconds /= 60;
		unit = "min";
	}
	(void)snprintf(buf, 32, "%.2g %s", seconds < 1e9 ? seconds : 1e9, unit);
	return buf;
}

static bool
silent(const struct sweep *sw)
{
	return sw->sw_quiet || sw->sw_json;
}

void
sweep_report_begin(const struct sweep *sw, bool resumed)
{
	const size_t before = sweep_count(sw, CELL_COMPLETE);

	if (silent(sw))
		return;
	(void)printf("sweep %" PRId64 " in %s%s: %zu cells", sw->sw_id,
	    sw->sw_db, resumed ? " goes on" : "", sw->sw_ncells);
	if (before > 0)
		(void)printf(", %zu of them there already", before);
	(void)printf(", %zu at a time\n", sw->sw_jobs);
	if (before == sw->sw_ncells)
		return;
	put_names(sw);
	(void)printf("  %9s  %9s  %9s  %7s  %s\n", "wall s", "writes",
	    "flush ms", "hit %", "status");
	(void)fflush(stdout);
}

void
sweep_report_cell(const struct sweep *sw, const struct sweep_cell *sc)
{
	const struct db_cell_result *cr = &sc->sc_result;

	if (silent(sw))
		return;
	sweep_report_progress_off(sw);
	put_values(sw, sc);
	if (cr->cr_wall_ns != 0)
		(void)printf("  %9.3f  %9" PRIu64 "  %9.3f  %7.3f",
		    (double)cr->cr_wall_ns / 1e9, cr->cr_writes,
		    (double)cr->cr_flush_cpu_ns / 1e6,
		    cr->cr_accesses == 0 ?
			0 :
			100 * (double)cr->cr_hits / (double)cr->cr_accesses);
	else
		(void)printf("  %9s  %9s  %9s  %7s", "-", "-", "-", "-");
	(void)printf("  %s%s%s\n", db_cell_status_name[sc->sc_row.dc_status],
	    sc->sc_row.dc_reason != NULL ? ": " : "",
	    sc->sc_row.dc_reason != NULL ? sc->sc_row.dc_reason : "");
	(void)fflush(stdout);
}

void
sweep_report_progress(const struct sweep *sw, uint64_t elapsed_ns)
{
	const double seconds = (double)elapsed_ns / 1e9;
	size_t before = 0, all;
	char left[32];

	if (!sw->sw_progress)
		return;
	for (size_t i = 0; i < sw->sw_ncells; i++)
		before += sw->sw_cell[i].sc_before;
	all = sw->sw_ncells - before;
	(void)fprintf(stderr, "\r%zu of %zu cells", before + sw->sw_ended,
	    sw->sw_ncells);
	if (sw->sw_failed > 0)
		(void)fprintf(stderr, ", %zu failed", sw->sw_failed);
	if (sw->sw_ended > 0 && seconds > 0) {
		const double each = seconds / (double)sw->sw_ended;

		(void)fprintf(stderr, ", %.1f cells/min, %s left", 60 / each,
		    duration(each * (double)(all - sw->sw_ended), left));
	}
	(void)fprintf(stderr, "\033[K");
	(void)fflush(stderr);
}

void
sweep_report_progress_off(const struct sweep *sw)
{
	if (sw->sw_progress)
		(void)fprintf(stderr, "\r\033[K");
}

void
sweep_report_end(const struct sweep *sw, uint64_t elapsed_ns)
{
	char took[32];

	if (silent(sw))
		return;
	(void)printf("sweep %" PRId64 ": %zu of %zu cells complete", sw->sw_id,
	    sweep_count(sw, CELL_COMPLETE), sw->sw_ncells);
	if (sweep_count(sw, CELL_FAILED) > 0)
		(void)printf(", %zu failed", sweep_count(sw, CELL_FAILED));
	if (sweep_count(sw, CELL_INTERRUPTED) > 0)
		(void)printf(", %zu interrupted",
		    sweep_count(sw, CELL_INTERRUPTED));
	(void)printf("; %zu replayed in %s\n", sw->sw_ended,
	    duration((double)elapsed_ns / 1e9, took));
}

static void
put_estimate(const struct sweep *sw, const struct sweep_estimate *es)
{
	const size_t left = sweep_count(sw, CELL_PLANNED);
	char text[32];

	(void)printf("%zu cells, %zu to replay, %zu at a time", sw->sw_ncells,
	    left, sw->sw_jobs);
	if (left == 0) {
		(void)printf("\n");
		return;
	}
	if (es->es_seconds < 0)
		(void)printf(": for how long cannot be told");
	else
		(void)printf(": about %s", duration(es->es_seconds, text));
	if (es->es_runs > 0)
		(void)printf(", by the median of %" PRIu64 " earlier runs",
		    es->es_runs);
	if (es->es_probes > 0)
		(void)printf("%s by trying %zu cell%s for a moment",
		    es->es_runs > 0 ? " and" : ",", es->es_probes,
		    es->es_probes == 1 ? "" : "s");
	(void)printf("\n");
}

void
sweep_report_plan(const struct sweep *sw, const struct sweep_estimate *es)
{
	if (silent(sw))
		return;
	put_names(sw);
	(void)printf("  %s\n", "status");
	for (size_t i = 0; i < sw->sw_ncells; i++) {
		const struct sweep_cell *sc = &sw->sw_cell[i];

		put_values(sw, sc);
		(void)printf("  %s", db_cell_status_name[sc->sc_row.dc_status]);
		if (sc->sc_row.dc_run != 0)
			(void)printf(", run %" PRId64, sc->sc_row.dc_run);
		if (sc->sc_row.dc_reason != NULL)
			(void)printf(": %s", sc->sc_row.dc_reason);
		(void)printf("\n");
	}
	put_estimate(sw, es);
}

/* ---- JSON ---- */

/* JSON of ours, read again.  Takes text. */
static json_t *
reread(char *text)
{
	json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return value;
}

static json_t *
cell_values(const struct sweep *sw, const struct sweep_cell *sc)
{
	json_t *object = json_object();
	char text[TUNABLE_TEXT_MAX];

	for (size_t i = 0; i < sw->sw_axes.xs_n; i++) {
		const size_t k = sw->sw_axes.xs_axis[i].ax_tunable;

		tunable_format(config_tunable(k),
		    config_get(&sc->sc_point->pt_asked, k), text, sizeof(text));
		if (!json_put_text(object, config_tunable(k)->tn_name, text)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static bool
cell_results(json_t *object, const struct db_cell_result *cr)
{
	return json_put_uint(object, "wall_ns", cr->cr_wall_ns) &&
	    json_put_uint(object, "cpu_ns", cr->cr_cpu_ns) &&
	    json_put_uint(object, "accesses", cr->cr_accesses) &&
	    json_put_uint(object, "hits", cr->cr_hits) &&
	    json_put_uint(object, "misses", cr->cr_misses) &&
	    json_put_uint(object, "writes", cr->cr_writes) &&
	    json_put_uint(object, "flush_cpu_ns", cr->cr_flush_cpu_ns);
}

static json_t *
cell_json(const struct sweep *sw, const struct sweep_cell *sc)
{
	const struct db_cell *dc = &sc->sc_row;
	json_t *object = json_object();
	bool ok;

	ok = json_put_uint(object, "n", (uint64_t)(sc - sw->sw_cell)) &&
	    json_put_text(object, "trace", dc->dc_trace) &&
	    json_put_text(object, "digest", dc->dc_digest) &&
	    json_put_uint(object, "repeat", dc->dc_repeat) &&
	    json_put(object, "values", cell_values(sw, sc)) &&
	    json_put_text(object, "cell", dc->dc_key) &&
	    json_put_text(object, "status",
		db_cell_status_name[dc->dc_status]) &&
	    json_put(object, "before", json_boolean(sc->sc_before)) &&
	    json_put(object, "run",
		dc->dc_run != 0 ? json_integer(dc->dc_run) : json_null()) &&
	    json_put_text(object, "reason", dc->dc_reason);
	if (ok && sc->sc_result.cr_wall_ns != 0)
		ok = cell_results(object, &sc->sc_result);
	if (!ok) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *
cells_json(const struct sweep *sw)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sw->sw_ncells; i++)
		if (json_array_append_new(array,
			cell_json(sw, &sw->sw_cell[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
estimate_json(const struct sweep_estimate *es)
{
	json_t *object = json_object();

	if (!json_put(object, "seconds",
		es->es_seconds >= 0 ? json_real(es->es_seconds) :
				      json_null()) ||
	    !json_put_uint(object, "earlier_runs", es->es_runs) ||
	    !json_put_uint(object, "probes", es->es_probes)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

int
sweep_report_json(const struct sweep *sw, const char *status,
    const struct sweep_estimate *es)
{
	json_t *root = json_object();
	bool ok;

	ok = json_put_text(root, "version", UVN_VERSION) &&
	    json_put(root, "sweep",
		sw->sw_id != 0 ? json_integer(sw->sw_id) : json_null()) &&
	    json_put_text(root, "db", sw->sw_db) &&
	    json_put_text(root, "status", status) &&
	    json_put_text(root, "definition", sw->sw_definition) &&
	    json_put(root, "axes", reread(sweep_axes_text(&sw->sw_axes))) &&
	    json_put(root, "traces", reread(sweep_traces_text(sw))) &&
	    json_put_uint(root, "repeats", sw->sw_repeats) &&
	    json_put_uint(root, "seed", sw->sw_seed) &&
	    json_put_uint(root, "jobs", sw->sw_jobs) &&
	    json_put_uint(root, "complete", sweep_count(sw, CELL_COMPLETE)) &&
	    json_put_uint(root, "failed", sweep_count(sw, CELL_FAILED)) &&
	    json_put_uint(root, "interrupted",
		sweep_count(sw, CELL_INTERRUPTED)) &&
	    json_put_uint(root, "planned", sweep_count(sw, CELL_PLANNED)) &&
	    (es == NULL || json_put(root, "estimate", estimate_json(es))) &&
	    json_put(root, "cells", cells_json(sw));
	if (!ok) {
		json_decref(root);
		root = NULL;
	}
	return json_emit(root);
}
