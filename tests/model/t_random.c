/*
 * t_random: random traces, through the model and through the pager.
 *
 *	UVN_SEED		the first seed; with it alone, one trace
 *	UVN_MODEL_TRACES	how many; 200
 */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/dice.h"
#include "tests/model/gen.h"
#include "tests/model/pair.h"

static uint64_t
number(const char *name, uint64_t def)
{
	const char *const text = getenv(name);

	return text == NULL ? def : strtoull(text, NULL, 0);
}

static void
complain(struct gen *g, const struct verdict *v)
{
	struct model_trace tr = g->trace;
	struct model_event *events;
	struct verdict small;

	(void)printf("UVN_SEED=%" PRIu64 ": event %zu of %zu: %s\n", g->seed,
	    v->events - 1, tr.nevents, v->what);
	pair_shrink(&tr, &events);
	pair_run(&tr, &small);
	(void)printf("reduced to %zu events: model, pager: %s\n", tr.nevents,
	    small.what);
	pair_print(stdout, &tr);
	free(events);
}

static void
model_and_pager_agree(void **state)
{
	const uint64_t first = dice_seed();
	const uint64_t many = getenv("UVN_SEED") != NULL ? 1 : 200;
	const uint64_t traces = number("UVN_MODEL_TRACES", many);
	struct model_counters sum = { 0 };
	uint64_t i, events = 0, ios = 0, bad = 0, ended = 0;
	struct verdict v;
	struct gen g;

	(void)state;
	(void)printf("%" PRIu64 " traces\n", traces);
	for (i = 0; i < traces && bad < number("UVN_MODEL_STOP", 1); i++) {
		gen_make(&g, first + i);
		pair_run(&g.trace, &v);
		events += v.events;
		ios += v.ios;
		ended += v.why[0] != '\0';
#define X(name) sum.name += v.counters.name;
		MODEL_COUNTERS(X)
#undef X
		if (!v.agree) {
			complain(&g, &v);
			bad++;
		}
		gen_free(&g);
	}
	(void)printf("%" PRIu64 " events, %" PRIu64 " I/Os, %" PRIu64
		     " ended early\n",
	    events, ios, ended);
	if (getenv("UVN_MODEL_COUNTERS") != NULL) {
#define X(name) (void)printf("%-18s %" PRIu64 "\n", #name, sum.name);
		MODEL_COUNTERS(X)
#undef X
	}
	assert_int_equal(bad, 0);
}

static void
the_same_seed_gives_the_same_trace(void **state)
{
	struct gen a, b;

	(void)state;
	gen_make(&a, 42);
	gen_make(&b, 42);
	assert_int_equal(a.trace.nevents, b.trace.nevents);
	assert_memory_equal(a.events, b.events,
	    a.trace.nevents * sizeof(*a.events));
	gen_free(&a);
	gen_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_trace),
		cmocka_unit_test(model_and_pager_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
