/*
 * report_impl: the parts of the summary of a run, for report*.c alone.
 *
 *	report.c	the summary
 *	report_events.c	its section on perf events
 *	report_times.c	its section on pace and waits
 */
#ifndef REPLAY_REPORT_IMPL_H
#define REPLAY_REPORT_IMPL_H

#include <stdio.h>

#include <jansson.h>

#include "replay/report.h"

#define TEXT_MAX 40

/* 1234567 as 1,234,567, in buf. */
const char *count_text(uint64_t n, char buf[TEXT_MAX]);

/* 1234567 ns as 1.23 ms, in buf. */
const char *time_text(uint64_t ns, char buf[TEXT_MAX]);

/* A line of the summary. */
void report_line(FILE *out, const char *label, const char *fmt, ...)
    printflike(3, 4);

/* How late events began, if they had a time; what was waited for. */
void report_times_text(FILE *out, const struct engine_report *er);

/* Members for a distribution that is not empty; false: without memory. */
bool report_put_times(json_t *row, const struct hist *h);

/* The same, each NULL without memory; lateness null without pace. */
json_t *report_lateness_json(const struct engine_report *er);
json_t *report_response_json(const struct engine_report *er);
json_t *report_waits_json(const struct engine_report *er);

/* Lines for people; none if no event was asked for. */
void report_events_text(FILE *out, const struct engine_report *er);

/* The rows of table event as an array; NULL without memory. */
json_t *report_events_json(const struct engine_report *er);

#endif
