/*
 * The ranges of generated msyncs: fixed, or spread over all lengths.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "tests/traces/tracetest.h"

#define DOUBLINGS 8 /* 4..1023 pages, and 1024 alone */

/* Every msync of a trace, counted by doubling of its length from 4 pages on. */
static size_t
lengths(size_t count[DOUBLINGS + 1], const char *least, const char *pages)
{
	size_t n, msyncs = 0;
	struct trace_event *ev = events_make(&n,
	    SETTINGS("pattern=uniform", "pages=5000", "events=110000",
		"msync=10", pages, least));

	for (size_t i = 0; i < n; i++) {
		const uint64_t range = ev[i].te_length / 4096;
		size_t k = 0;

		if (ev[i].te_op != TRACE_MSYNC)
			continue;
		assert_true(ev[i].te_offset + ev[i].te_length <= 5000 * 4096);
		assert_true(range >= 4 && range <= 5000);
		while (k < DOUBLINGS && range >= UINT64_C(8) << k)
			k++;
		count[k]++;
		msyncs++;
	}
	free(ev);
	return msyncs;
}

static void
each_doubling_of_the_range_is_as_likely(void **state)
{
	size_t count[DOUBLINGS + 1] = { 0 };
	const size_t n = lengths(count, "msync_least=4", "msync_pages=1023");

	(void)state;
	assert_true(n > 9000);
	for (size_t k = 0; k < DOUBLINGS; k++) {
		assert_true(count[k] > n / DOUBLINGS * 8 / 10);
		assert_true(count[k] < n / DOUBLINGS * 12 / 10);
	}
	assert_int_equal(count[DOUBLINGS], 0);
}

static void
without_a_least_range_all_are_alike(void **state)
{
	size_t count[DOUBLINGS + 1] = { 0 };
	const size_t n = lengths(count, "msync_least=0", "msync_pages=100");

	(void)state;
	assert_int_equal(count[4], n);
}

static void
a_least_range_beyond_the_longest_leaves_the_longest(void **state)
{
	size_t count[DOUBLINGS + 1] = { 0 };
	const size_t n = lengths(count, "msync_least=2000", "msync_pages=100");

	(void)state;
	assert_int_equal(count[4], n);
}

static void
ranges_reach_to_the_whole_map(void **state)
{
	size_t count[DOUBLINGS + 1] = { 0 };
	const size_t n = lengths(count, "msync_least=4", "msync_pages=0");

	(void)state;
	/* 1024..4999: two doublings and a part of eleven. */
	assert_true(count[DOUBLINGS] > n * 2 / 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_doubling_of_the_range_is_as_likely),
		cmocka_unit_test(without_a_least_range_all_are_alike),
		cmocka_unit_test(
		    a_least_range_beyond_the_longest_leaves_the_longest),
		cmocka_unit_test(ranges_reach_to_the_whole_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
