#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"
#include "replay/report_impl.h"
#include "traces/trace.h"

#define LABEL 14 /* columns before the text of a line */

const char *
count_text(uint64_t n, char buf[TEXT_MAX])
{
	char plain[24];
	const int len = snprintf(plain, sizeof(plain), "%" PRIu64, n);
	size_t o = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = plain[i];
	}
	buf[o] = '\0';
	return buf;
}

/* Three digits or more and a unit, rounded. */
static const char *
scaled_text(uint64_t val, uint64_t step, const char *const *units,
    size_t nunits, char buf[TEXT_MAX])
{
	uint64_t unit = 1;
	size_t i = 0;
	double scaled;

	while (val / unit >= step && i + 1 < nunits) {
		unit *= step;
		i++;
	}
	scaled = (double)val / (double)unit;
	if (i == 0 || scaled >= 99.95)
		(void)snprintf(buf, TEXT_MAX, "%" PRIu64 " %s",
		    (uint64_t)(scaled + 0.5), units[i]);
	else if (scaled >= 9.995)
		(void)snprintf(buf, TEXT_MAX, "%" PRIu64 ".%u %s",
		    (uint64_t)(scaled * 10 + 0.5) / 10,
		    (unsigned)(scaled * 10 + 0.5) % 10, units[i]);
	else
		(void)snprintf(buf, TEXT_MAX, "%" PRIu64 ".%02u %s",
		    (uint64_t)(scaled * 100 + 0.5) / 100,
		    (unsigned)(scaled * 100 + 0.5) % 100, units[i]);
	return buf;
}

static const char *
bytes_text(uint64_t bytes, char buf[TEXT_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB" };

	return scaled_text(bytes, 1024, units, nitems(units), buf);
}

const char *
time_text(uint64_t ns, char buf[TEXT_MAX])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	return scaled_text(ns, 1000, units, nitems(units), buf);
}

static double
ratio(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (double)part / (double)whole;
}

void
report_line(FILE *out, const char *label, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(out, "%-*s", LABEL, label);
	va_start(ap, fmt);
	(void)vfprintf(out, fmt, ap);
	va_end(ap);
	(void)fputc('\n', out);
}

static void
text_share(FILE *out, const char *label, uint64_t n, uint64_t of)
{
	char buf[TEXT_MAX];

	report_line(out, label, "%15s  %6.2f %%", count_text(n, buf),
	    100 * ratio(n, of));
}

static void
text_accesses(FILE *out, const struct uvmexp *exp)
{
	const uint64_t other =
	    exp->accesses - exp->mapped_hits - exp->resident_hits - exp->misses;
	char a[TEXT_MAX], b[TEXT_MAX];

	report_line(out, "accesses", "%15s", count_text(exp->accesses, a));
	text_share(out, "  mapped", exp->mapped_hits, exp->accesses);
	text_share(out, "  resident", exp->resident_hits, exp->accesses);
	text_share(out, "  miss", exp->misses, exp->accesses);
	if (other > 0)
		text_share(out, "  refused", other, exp->accesses);
	report_line(out, "faults", "%15s  %s failed",
	    count_text(exp->faults, a), count_text(exp->fault_errors, b));
}

static void
text_io(FILE *out, const char *label, uint64_t ios, uint64_t pages,
    uint64_t bytes, uint64_t errors)
{
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];

	report_line(out, label, "%15s I/Os  %s pages  %s  %.2f pages/I/O%s%s%s",
	    count_text(ios, a), count_text(pages, b), bytes_text(bytes, c),
	    ratio(pages, ios), errors > 0 ? "  " : "",
	    errors > 0 ? count_text(errors, d) : "",
	    errors > 0 ? " failed" : "");
}

static void
text_pager(FILE *out, const struct uvmexp *exp)
{
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX];

	text_io(out, "page-ins", exp->pagein_ios, exp->pagein_pages,
	    exp->pagein_bytes, exp->pagein_errors);
	text_io(out, "page-outs", exp->pageout_ios, exp->pageout_pages,
	    exp->pageout_bytes, exp->pageout_errors);
	if (exp->lost_pages + exp->short_writes + exp->short_reads > 0)
		report_line(out, "lost",
		    "%15s pages  %s short writes, %s short reads taken for "
		    "whole",
		    count_text(exp->lost_pages, a),
		    count_text(exp->short_writes, b),
		    count_text(exp->short_reads, c));
	report_line(out, "dirtied", "%15s pages  written %.2f times on average",
	    count_text(exp->dirtied, a),
	    ratio(exp->pageout_pages, exp->dirtied));
	report_line(out, "flushes", "%15s  %s by list, %s by hash",
	    count_text(exp->flushes, a), count_text(exp->flush_by_list, b),
	    count_text(exp->flush_by_hash, c));
	report_line(out, "", "%15s  pages visited on lists",
	    count_text(exp->list_visits, a));
	report_line(out, "", "%15s  lookups in the page hash",
	    count_text(exp->lookups, a));
	report_line(out, "page daemon",
	    "%15s turns  %s pages freed, %s put out",
	    count_text(exp->pdwoke, a), count_text(exp->pdfreed, b),
	    count_text(exp->pgswapout, c));
}

/* Latencies of one kind and outcome; nothing if there were none. */
static void
text_latency(FILE *out, const char *kind, const char *outcome,
    const struct hist *h, uint64_t untimed)
{
	char n[TEXT_MAX], p50[TEXT_MAX], p90[TEXT_MAX], p99[TEXT_MAX],
	    max[TEXT_MAX];

	if (h != NULL && h->h_count > 0)
		(void)fprintf(out, "  %-10s %-11s %13s %9s %9s %9s %9s\n", kind,
		    outcome, count_text(h->h_count, n),
		    time_text(hist_quantile(h, 0.5), p50),
		    time_text(hist_quantile(h, 0.9), p90),
		    time_text(hist_quantile(h, 0.99), p99),
		    time_text(h->h_max, max));
	if (untimed > 0)
		(void)fprintf(out, "  %-10s %-11s %13s %9s\n", kind, outcome,
		    count_text(untimed, n), "not timed");
}

static void
text_latencies(FILE *out, const struct engine_report *er)
{
	(void)fprintf(out, "latencies\n  %-10s %-11s %13s %9s %9s %9s %9s\n",
	    "operation", "outcome", "count", "p50", "p90", "p99", "max");
	for (size_t k = 0; k < OP_NKINDS; k++)
		for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++)
			text_latency(out, opkind_name[k], outcome_name[o],
			    er->er_latency[k][o], er->er_untimed[k][o]);
}

/* The tunables that are not as a run without any would have them. */
static void
text_tunables(FILE *out, const struct config *cf)
{
	char text[2048] = "", value[TUNABLE_TEXT_MAX];
	struct config plain;
	size_t len = 0;

	config_init(&plain);
	if (config_resolve(&plain, NULL) != 0)
		return;
	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);

		if (config_get(cf, i) == config_get(&plain, i))
			continue;
		tunable_format(tn, config_get(cf, i), value, sizeof(value));
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s=%s", len > 0 ? " " : "", tn->tn_name, value);
		if (len >= sizeof(text) - 128)
			break;
	}
	if (len == 0)
		return;
	(void)fprintf(out, "%-*s", LABEL, "tunables");
	print_wrapped(out, text, LABEL);
}

static void
text_inject(FILE *out, const struct engine_report *er)
{
	char a[TEXT_MAX], b[TEXT_MAX];

	for (size_t i = 0; i < er->er_ninject; i++)
		report_line(out, i == 0 ? "injected" : "",
		    "%15s of %s I/Os  %s",
		    count_text(er->er_inject[i].ij_hit, a),
		    count_text(er->er_inject[i].ij_seen, b),
		    er->er_inject[i].ij_text);
}

void
report_text(FILE *out, const struct engine_job *ej,
    const struct engine_report *er, const char *db)
{
	const struct uvmexp *exp = &er->er_exp;
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX];

	report_line(out, "trace", "%s", ej->ej_trace);
	if (er->er_em.em_text[0] != '\0')
		report_line(out, "status", "%s: %s", er->er_status,
		    er->er_em.em_text);
	else
		report_line(out, "status", "%s", er->er_status);
	text_tunables(out, ej->ej_config);
	report_line(out, "time", "%15s wall  %s processor",
	    time_text(er->er_wall_ns, a), time_text(er->er_cpu_ns, b));
	report_line(out, "events", "%15s  %s/s", count_text(er->er_events, a),
	    count_text(er->er_wall_ns == 0 ? 0 :
					     (uint64_t)((double)er->er_events *
						 1e9 / (double)er->er_wall_ns),
		b));
	report_times_text(out, er);
	text_accesses(out, exp);
	text_pager(out, exp);
	report_line(out, "memory", "%15s pages free  %s active, %s inactive",
	    count_text(exp->free, a), count_text(exp->active, b),
	    count_text(exp->inactive, c));
	text_latencies(out, er);
	report_events_text(out, er);
	text_inject(out, er);
	if (er->er_verify_unwritten > 0)
		report_line(out, "verify",
		    "%s  %s pages lost, %s of them as "
		    "their writes failed",
		    er->er_verify, count_text(er->er_verify_lost, a),
		    count_text(er->er_verify_unwritten, b));
	else if (er->er_verify_lost > 0)
		report_line(out, "verify",
		    "%s  %s pages lost, as quirks and "
		    "calls permit",
		    er->er_verify, count_text(er->er_verify_lost, a));
	else
		report_line(out, "verify", "%s",
		    er->er_verify != NULL ? er->er_verify : "off");
	if (db == NULL) {
		report_line(out, "database", "none");
		return;
	}
	report_line(out, "rows", "%15s  %s waits for the database",
	    count_text(er->er_rows, a), count_text(er->er_waits, b));
	report_line(out, "run", "%" PRId64 " in %s", er->er_run, db);
}

/* ---- JSON ---- */

static json_t *
json_tunables(const struct config *cf)
{
	json_t *object = json_object();
	char value[TUNABLE_TEXT_MAX];

	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);

		tunable_format(tn, config_get(cf, i), value, sizeof(value));
		if (!json_put_text(object, tn->tn_name, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *
json_counters(const struct uvmexp *exp)
{
	const uint64_t *value = (const uint64_t *)exp;
	json_t *object = json_object();

	/* struct uvmexp is its rows and nothing else (uvm_stat.c). */
	for (size_t i = 0; i < uvm_stat_count; i++)
		if (!json_put_uint(object, uvm_stat_table[i].uc_name,
			value[i])) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static bool
json_hist(json_t *array, size_t k, size_t o, const struct hist *h,
    uint64_t untimed)
{
	json_t *row = json_object();
	bool ok = json_put_text(row, "kind", opkind_name[k]) &&
	    json_put_text(row, "outcome", outcome_name[o]);

	if (h != NULL && h->h_count > 0) {
		ok = ok && json_put_uint(row, "count", h->h_count + untimed) &&
		    json_put_uint(row, "timed", h->h_count) &&
		    report_put_times(row, h);
	} else
		ok = ok && json_put_uint(row, "count", untimed) &&
		    json_put_uint(row, "timed", 0);
	if (!ok) {
		json_decref(row);
		return false;
	}
	return json_array_append_new(array, row) == 0;
}

static json_t *
json_latency(const struct engine_report *er)
{
	json_t *array = json_array();

	for (size_t k = 0; k < OP_NKINDS; k++)
		for (size_t o = 0; o < OUTCOME_NOUTCOMES; o++) {
			const struct hist *h = er->er_latency[k][o];
			const uint64_t untimed = er->er_untimed[k][o];

			if ((h == NULL || h->h_count == 0) && untimed == 0)
				continue;
			if (!json_hist(array, k, o, h, untimed)) {
				json_decref(array);
				return NULL;
			}
		}
	return array;
}

static json_t *
json_inject(const struct engine_report *er)
{
	json_t *array = json_array();

	for (size_t i = 0; i < er->er_ninject; i++) {
		const struct db_inject *const ij = &er->er_inject[i];
		json_t *row = json_object();

		if (!json_put_text(row, "rule", ij->ij_text) ||
		    !json_put_uint(row, "seen", ij->ij_seen) ||
		    !json_put_uint(row, "injected", ij->ij_hit)) {
			json_decref(row);
			json_decref(array);
			return NULL;
		}
		if (json_array_append_new(array, row) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int
report_json(const struct engine_job *ej, const struct engine_report *er,
    const char *db)
{
	json_t *root = json_object();
	const char *reason = NULL, *digest = NULL;
	bool ok;

	if (er->er_em.em_text[0] != '\0')
		reason = er->er_em.em_text;
	if (er->er_digest[0] != '\0')
		digest = er->er_digest;
	ok = json_put_text(root, "version", UVN_VERSION) &&
	    json_put(root, "run",
		db != NULL ? json_integer(er->er_run) : json_null()) &&
	    json_put_text(root, "db", db) &&
	    json_put_text(root, "status", er->er_status) &&
	    json_put_text(root, "reason", reason) &&
	    json_put_text(root, "trace", ej->ej_trace) &&
	    json_put_text(root, "digest", digest) &&
	    json_put_uint(root, "seed", ej->ej_seed) &&
	    json_put_uint(root, "events", er->er_events) &&
	    json_put_uint(root, "wall_ns", er->er_wall_ns) &&
	    json_put_uint(root, "cpu_ns", er->er_cpu_ns) &&
	    json_put_uint(root, "rows", er->er_rows) &&
	    json_put_uint(root, "waits", er->er_waits) &&
	    json_put_text(root, "verify", er->er_verify) &&
	    json_put_uint(root, "verify_lost", er->er_verify_lost) &&
	    json_put_uint(root, "verify_unwritten", er->er_verify_unwritten) &&
	    json_put(root, "inject", json_inject(er)) &&
	    json_put(root, "tunables", json_tunables(ej->ej_config)) &&
	    json_put(root, "counters", json_counters(&er->er_exp)) &&
	    json_put(root, "latency", json_latency(er)) &&
	    json_put(root, "response", report_response_json(er)) &&
	    json_put(root, "lateness", report_lateness_json(er)) &&
	    json_put(root, "wait", report_waits_json(er)) &&
	    json_put(root, "perf_events", report_events_json(er));
	if (!ok) {
		json_decref(root);
		root = NULL;
	}
	return json_emit(root);
}

void
report_folded(const char *path, bool folded)
{
	if (folded)
		(void)complain(UVN_OK,
		    "%s has more than %d threads: those after the first %d "
		    "share their rows of tables thread_latency and wait",
		    path, THREADS_MAX, THREADS_MAX);
}

void
report_window(const char *path, uint64_t window)
{
	if (window == TRACE_INF)
		(void)complain(UVN_OK,
		    "%s was recorded without re-references: hit rates and "
		    "misses mean nothing, only first accesses, syncs and "
		    "their order do",
		    path);
	else if (window != 0)
		(void)complain(UVN_OK,
		    "%s was recorded with a window of %" PRIu64 " pages; with "
		    "less than four times as many in memory its misses are not "
		    "those of the program",
		    path, window);
}

void
report_lost(const char *path, uint64_t lost)
{
	if (lost != 0)
		(void)complain(UVN_OK,
		    "%s lacks %" PRIu64
		    " records that were lost when it was recorded",
		    path, lost);
}
