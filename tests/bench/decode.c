/*
 * decode [runs|image] TRACE: reads a trace and does nothing with it, a short one
 * again and again; prints the events read, and how many millions of them a
 * second.  For scripts/bench.
 *
 *	runs	finds runs of pages of 4 KiB, too
 *	image	decodes it into memory, with these runs
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "traces/trace.h"

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What one reading takes at least; less is read once more. */
#define LEAST 0.5

static int
read_all(const char *path, bool runs, size_t *eventsp, struct errmsg *em)
{
	struct trace_batch tb;
	struct trace_reader *tr;
	int error = trace_open(path, 0, &tr, em);

	if (error != 0)
		return error;
	error = runs ? trace_runs(tr, 12) : 0;
	while (error == 0 && (error = trace_next_batch(tr, &tb, em)) == 0 &&
	    tb.tb_n != 0)
		*eventsp += tb.tb_n;
	trace_close(tr);
	return error;
}

static int
load(const char *path, size_t *eventsp, struct errmsg *em)
{
	struct trace_image *ti;
	const int error =
	    trace_image_load(path, 0, 12, UINT64_MAX / 2, &ti, em);

	if (error != 0)
		return error;
	*eventsp += (size_t)trace_image_count(ti);
	trace_image_free(ti);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *const how = argc == 3 ? argv[1] : "";
	const bool image = strcmp(how, "image") == 0;
	const bool runs = strcmp(how, "runs") == 0;
	struct errmsg em = { .em_text = "" };
	size_t events = 0;
	double begun;
	int error;

	if (argc != 2 && !(argc == 3 && (image || runs))) {
		(void)fprintf(stderr, "usage: decode [runs|image] TRACE\n");
		return 2;
	}
	begun = seconds();
	do {
		error = image ? load(argv[argc - 1], &events, &em) :
				read_all(argv[argc - 1], runs, &events, &em);
	} while (error == 0 && seconds() - begun < LEAST);
	if (error != 0) {
		(void)fprintf(stderr, "decode: %s\n", em.em_text);
		return 3;
	}
	(void)printf("%zu %.2f\n", events,
	    (double)events / (seconds() - begun) / 1e6);
	return 0;
}
