/*
 * report_events.c: what perf events counted, in the summary of a run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/options.h"
#include "replay/report_impl.h"

#define NAME   20	  /* columns of an event's name, */
#define INDENT (NAME + 3) /* and before what follows it */

/* The row of an event in a phase; NULL: there is none. */
static const struct db_event *
row_of(const struct engine_report *er, const char *name, const char *phase)
{
	for (size_t i = 0; i < er->er_nperf; i++)
		if (strcmp(er->er_perf[i].ev_phase, phase) == 0 &&
		    strcmp(er->er_perf[i].ev_name, name) == 0)
			return &er->er_perf[i];
	return NULL;
}

static const char *
value_text(const struct db_event *ev, char buf[TEXT_MAX])
{
	if (ev == NULL || ev->ev_reason != NULL)
		return "?";
	return count_text(ev->ev_value, buf);
}

static void
text_event(FILE *out, const struct engine_report *er, const struct db_event *ev)
{
	char run[TEXT_MAX], flush[TEXT_MAX], reading[TEXT_MAX];

	if (strlen(ev->ev_name) > NAME)
		(void)fprintf(out, "  %s\n%*s", ev->ev_name, INDENT, "");
	else
		(void)fprintf(out, "  %-*s ", NAME, ev->ev_name);
	if (ev->ev_reason != NULL) {
		print_wrapped(out, ev->ev_reason, INDENT);
		return;
	}
	(void)fprintf(out, "%17s %17s %17s\n", value_text(ev, run),
	    value_text(row_of(er, ev->ev_name, "flush"), flush),
	    value_text(row_of(er, ev->ev_name, "reading"), reading));
	if (ev->ev_running < ev->ev_enabled)
		(void)fprintf(out,
		    "%*son a counter for %.1f %% of the time, and scaled\n",
		    INDENT, "",
		    100 * (double)ev->ev_running / (double)ev->ev_enabled);
}

void
report_events_text(FILE *out, const struct engine_report *er)
{
	if (er->er_nperf == 0)
		return;
	(void)fprintf(out, "perf events\n  %-*s %17s %17s %17s\n", NAME,
	    "event", "run", "flush traversals", "by reading them");
	for (size_t i = 0; i < er->er_nperf; i++)
		if (strcmp(er->er_perf[i].ev_phase, "run") == 0)
			text_event(out, er, &er->er_perf[i]);
	if (er->er_phases != 0)
		(void)fprintf(out, "  %zu phases between marks, in --json%s\n",
		    er->er_phases, er->er_run != 0 ? " and table event" : "");
}

static json_t *
json_count(const struct db_event *ev, uint64_t value)
{
	/* JSON of jansson ends at 2^63 - 1. */
	if (ev->ev_reason != NULL)
		return json_null();
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *
report_events_json(const struct engine_report *er)
{
	json_t *const array = json_array();

	for (size_t i = 0; i < er->er_nperf; i++) {
		const struct db_event *const ev = &er->er_perf[i];
		json_t *const row = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?}",
		    "phase", ev->ev_phase, "name", ev->ev_name, "value",
		    json_count(ev, ev->ev_value), "time_enabled",
		    json_count(ev, ev->ev_enabled), "time_running",
		    json_count(ev, ev->ev_running), "reason", ev->ev_reason);

		if (json_array_append_new(array, row) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
