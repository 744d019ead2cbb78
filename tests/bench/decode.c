/*
 * decode TRACE: reads a trace and does nothing with it; prints its events, and
 * how many millions of them a second.  For scripts/bench.
 */
#include <stdio.h>
#include <time.h>

#include "traces/trace.h"

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev;
	struct trace_reader *tr;
	size_t n, events = 0;
	double begun;
	int error;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: decode TRACE\n");
		return 2;
	}
	error = trace_open(argv[1], 0, &tr, &em);
	begun = seconds();
	while (
	    error == 0 && (error = trace_next(tr, &ev, &n, &em)) == 0 && n != 0)
		events += n;
	if (error != 0) {
		(void)fprintf(stderr, "decode: %s\n", em.em_text);
		return 3;
	}
	(void)printf("%zu %.2f\n", events,
	    (double)events / (seconds() - begun) / 1e6);
	trace_close(tr);
	return 0;
}
