/*
 * The statistics of a trace computed as docs/trace-stats.md defines them, by
 * lists that are searched from end to end; and traces to compare them on.
 */
#ifndef TESTS_TRACES_STATS_NAIVE_H
#define TESTS_TRACES_STATS_NAIVE_H

#include "tests/traces/tracetest.h"
#include "traces/stats.h"

/*
 * n events of a few threads over nfiles files of some pages each, of every op;
 * one page in a hundred lies far behind the others.
 */
struct trace_event *stats_events(struct dice *d, size_t n, uint32_t nfiles,
    uint64_t pages);

/*
 * The result, but for the parts of the time.
 *
 * => sr_files is the caller's to free()
 */
void stats_naive(const struct trace_meta *tm, const struct trace_event *ev,
    size_t n, struct stats_result *sr);

/* Different pages within events of from <= te_time < to; accesses to them. */
uint64_t stats_naive_pages(const struct trace_event *ev, size_t n,
    uint64_t from, uint64_t to, uint64_t *accessesp);

/* What trace_stats has to say of them; ends the test if it is no memory. */
struct trace_stats *stats_of(const struct trace_meta *tm,
    const struct stats_param *sp, const struct trace_event *ev, size_t n,
    const struct stats_result **srp);

#endif
