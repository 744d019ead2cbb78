/*
 * report_impl: the parts of the summary of a run, for report*.c alone.
 *
 *	report.c	the summary
 *	report_events.c	its section on perf events
 */
#ifndef REPLAY_REPORT_IMPL_H
#define REPLAY_REPORT_IMPL_H

#include <stdio.h>

#include <jansson.h>

#include "replay/report.h"

#define TEXT_MAX 40

/* 1234567 as 1,234,567, in buf. */
const char *count_text(uint64_t n, char buf[TEXT_MAX]);

/* Lines for people; none if no event was asked for. */
void report_events_text(FILE *out, const struct engine_report *er);

/* The rows of table event as an array; NULL without memory. */
json_t *report_events_json(const struct engine_report *er);

#endif
