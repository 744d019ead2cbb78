/*
 * pair: one trace through the model and through the pager, side by side.
 *
 *	pair_run()	compare them event by event
 *	pair_shrink()	make a trace on which they differ small
 *	pair_print()	a trace as CSV, and its machine
 */
#ifndef TESTS_MODEL_PAIR_H
#define TESTS_MODEL_PAIR_H

#include <stdio.h>

#include "tests/model/model.h"

struct verdict {
	bool agree;
	size_t events;	/* done; the first that differs is the last of them */
	char what[256]; /* differs, model first */
	char why[160];	/* both ended before the trace did; the model's words */
	uint64_t ios;
	struct model_counters counters; /* the model's */
};

/*
 * Run tr through both and compare every counter, every I/O, the sizes of files
 * and what the program would see after each event; check the pager's invariants
 * now and then.  A trace that is wrong ends both at the same event, which is
 * agreeing.
 */
void pair_run(const struct model_trace *tr, struct verdict *v);

/*
 * Drop events of tr as long as the two still differ.
 *
 * => *events is a copy that the caller frees; tr is made to point to it
 */
void pair_shrink(struct model_trace *tr, struct model_event **events);

void pair_print(FILE *fp, const struct model_trace *tr);

#endif
