#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/tracetest.h"
#include "traces/gen_i.h"

static uint64_t
page_of(const struct trace_event *te)
{
	return te->te_offset / 4096;
}

static bool
is_access(const struct trace_event *te)
{
	return te->te_op == TRACE_READ || te->te_op == TRACE_WRITE;
}

static size_t
count_op(const struct trace_event *ev, size_t n, enum trace_op op)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ev[i].te_op == op;
	return count;
}

static void
the_same_seed_makes_the_same_events_everywhere(void **state)
{
	/* XXH3-64 of the events. */
	static const struct {
		const char *pattern;
		uint64_t sum;
	} pinned[] = {
		{ "pattern=sequential", 0x39cde2bf14f380d8 },
		{ "pattern=descending", 0xaf2a3cfb7fdaf3d0 },
		{ "pattern=strided", 0x3299e2711ea27afc },
		{ "pattern=uniform", 0x59b62980f868cbd6 },
		{ "pattern=zipf", 0x913f7f3e2e650f62 },
		{ "pattern=hotcold", 0xad170386cadd4d63 },
		{ "pattern=append", 0xd3e42a739e3f708c },
		{ "pattern=mix", 0xa0fefde4d7bb8b30 },
	};
	bool good = true;

	(void)state;
	for (size_t i = 0; i < nitems(pinned); i++) {
		size_t n;
		struct trace_event *ev = events_make(&n,
		    SETTINGS(pinned[i].pattern, "events=60000", "pages=30000",
			"seed=7", "files=2", "maps=2", "threads=3",
			"detach=yes"));
		const uint64_t sum = XXH3_64bits(ev, n * sizeof(*ev));

		free(ev);
		if (sum != pinned[i].sum) {
			print_message("%s: 0x%016" PRIx64 "\n",
			    pinned[i].pattern, sum);
			good = false;
		}
	}
	assert_true(good);
}

static void
another_seed_makes_another_trace(void **state)
{
	char a[33], b[33];

	(void)state;
	generate("a.csv", "pattern=uniform", "events=100", "seed=1", NULL);
	generate("b.csv", "pattern=uniform", "events=100", "seed=2", NULL);
	digest_of("a.csv", a);
	digest_of("b.csv", b);
	assert_string_not_equal(a, b);
}

static void
there_are_as_many_events_as_asked_for(void **state)
{
	static const char *const patterns[] = { "pattern=sequential",
		"pattern=hotcold", "pattern=append", "pattern=mix",
		"pattern=zipf" };
	static const char *const counts[] = { "events=12", "events=13",
		"events=2059", "events=10007" };
	static const size_t numbers[] = { 12, 13, 2059, 10007 };

	(void)state;
	for (size_t p = 0; p < nitems(patterns); p++)
		for (size_t c = 0; c < nitems(counts); c++) {
			size_t n;
			struct trace_event *ev = events_make(&n,
			    SETTINGS(patterns[p], counts[c], "files=3",
				"maps=2", "detach=yes", "pages=100", "msync=1",
				"fsync=1", "sync=1", "truncate=1"));

			assert_int_equal(n, numbers[c]);
			assert_int_equal(count_op(ev, n, TRACE_ATTACH), 6);
			assert_int_equal(count_op(ev, n, TRACE_DETACH), 6);
			free(ev);
		}
}

static void
events_are_well_formed_and_accesses_within_the_file(void **state)
{
	static const char *const patterns[] = { "pattern=sequential",
		"pattern=descending", "pattern=strided", "pattern=uniform",
		"pattern=zipf", "pattern=hotcold", "pattern=append",
		"pattern=mix" };

	(void)state;
	for (size_t p = 0; p < nitems(patterns); p++) {
		uint64_t size[3];
		size_t n;
		struct trace_event *ev = events_make(&n,
		    SETTINGS(patterns[p], "events=30000", "pages=1000",
			"files=3", "maps=2", "msync=100", "fsync=200",
			"truncate=150", "sync=1000", "threads=4"));

		for (size_t f = 0; f < nitems(size); f++)
			size[f] = p == GEN_APPEND ? 0 : 1000 * 4096;
		for (size_t i = 0; i < n; i++) {
			assert_null(trace_event_check(&ev[i]));
			assert_int_equal(ev[i].te_time, i * 1000);
			if (ev[i].te_op == TRACE_TRUNCATE)
				size[ev[i].te_file - 1] = ev[i].te_length;
			if (is_access(&ev[i]))
				assert_true(ev[i].te_offset + ev[i].te_length <=
				    size[ev[i].te_file - 1]);
		}
		assert_true(count_op(ev, n, TRACE_MSYNC) > 250);
		assert_true(count_op(ev, n, TRACE_FSYNC) > 120);
		assert_true(count_op(ev, n, TRACE_TRUNCATE) > 150);
		assert_true(count_op(ev, n, TRACE_SYNC) > 20);
		free(ev);
	}
}

/* Each page of the first pass comes once, and in this order. */
static void
scan_is(const char *pattern, uint64_t first, uint64_t step)
{
	size_t n;
	struct trace_event *ev = events_make(&n,
	    SETTINGS(pattern, "events=1001", "pages=500", "stride=1"));

	for (size_t i = 1; i < n; i++)
		assert_int_equal(page_of(&ev[i]),
		    (first + step * (i - 1) % 500) % 500);
	free(ev);
}

static void
scans_go_round(void **state)
{
	(void)state;
	scan_is("pattern=sequential", 0, 1);
	scan_is("pattern=descending", 499, 499);
	scan_is("pattern=strided", 0, 1);
}

static void
a_strided_pass_meets_every_page_once(void **state)
{
	static const char *const strides[] = { "stride=2", "stride=7",
		"stride=16", "stride=499", "stride=500", "stride=501" };

	(void)state;
	for (size_t s = 0; s < nitems(strides); s++) {
		unsigned seen[500] = { 0 };
		size_t n;
		struct trace_event *ev = events_make(&n,
		    SETTINGS("pattern=strided", "events=501", "pages=500",
			strides[s]));

		for (size_t i = 1; i < n; i++)
			seen[page_of(&ev[i])]++;
		for (size_t i = 0; i < nitems(seen); i++)
			assert_int_equal(seen[i], 1);
		free(ev);
	}
}

static int
descending(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x < y) - (x > y);
}

#define PAGES 100000
#define DRAWS 1000000

/* How often each page comes, most often first. */
static unsigned *
frequencies(const char *const *settings)
{
	unsigned *seen = calloc(PAGES, sizeof(*seen));
	size_t n;
	struct trace_event *ev = events_make(&n, settings);

	assert_non_null(seen);
	for (size_t i = 0; i < n; i++)
		if (is_access(&ev[i]))
			seen[page_of(&ev[i])]++;
	free(ev);
	qsort(seen, PAGES, sizeof(*seen), descending);
	return seen;
}

static void
zipf_ranks_have_their_weights(void **state)
{
	/* 1 / sum of k^-0.9, k = 1..100000, times k^-0.9 for some k. */
	static const double h = 22.1927;
	static const struct {
		size_t rank;
		double weight;
	} some[] = { { 1, 1 }, { 2, 0.535887 }, { 10, 0.125893 },
		{ 100, 0.0158489 } };
	unsigned *seen = frequencies(SETTINGS("pattern=zipf", "theta=0.9",
	    "pages=100000", "events=1000001"));
	double top = 0, all = 0;

	(void)state;
	for (size_t i = 0; i < nitems(some); i++) {
		const double want = DRAWS * some[i].weight / h;
		const double got = seen[some[i].rank - 1];

		if (got < want * 0.93 || got > want * 1.07)
			fail_msg("rank %zu: %.0f, not %.0f", some[i].rank, got,
			    want);
	}
	for (size_t i = 0; i < PAGES; i++) {
		all += seen[i];
		top += i < PAGES / 10 ? seen[i] : 0;
	}
	/* The first tenth of the ranks has 70.7 % of the weight. */
	assert_true(top / all > 0.69 && top / all < 0.73);
	free(seen);
}

static void
zipf_without_scatter_starts_at_the_first_page(void **state)
{
	size_t n, first = 0;
	struct trace_event *ev = events_make(&n,
	    SETTINGS("pattern=zipf", "scatter=no", "pages=100000",
		"events=100001"));

	(void)state;
	for (size_t i = 1; i < n; i++)
		first += page_of(&ev[i]) == 0;
	/* 1 / 22.19 of them. */
	assert_in_range(first, 4200, 4800);
	free(ev);
}

static void
theta_0_is_uniform_and_theta_is_for_any_size(void **state)
{
	static const char *const sizes[] = { "pages=1", "pages=2", "pages=8193",
		"pages=100000000", "pages=1099511627776" };
	unsigned *seen = frequencies(SETTINGS("pattern=zipf", "theta=0",
	    "pages=100000", "events=1000001"));

	(void)state;
	assert_true(seen[0] < 40);
	free(seen);
	for (size_t i = 0; i < nitems(sizes); i++) {
		size_t n;
		struct trace_event *ev = events_make(&n,
		    SETTINGS("pattern=zipf", sizes[i], "events=10000"));

		for (size_t e = 0; e < n; e++)
			assert_null(trace_event_check(&ev[e]));
		free(ev);
	}
}

static void
a_permutation_meets_every_number_once(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 1000, 4096, 4097 };

	(void)state;
	for (size_t s = 0; s < nitems(sizes); s++)
		for (uint64_t key = 0; key < 3; key++) {
			unsigned seen[4097] = { 0 };

			for (uint64_t i = 0; i < sizes[s]; i++)
				seen[permute(i, sizes[s], key)]++;
			for (uint64_t i = 0; i < sizes[s]; i++)
				assert_int_equal(seen[i], 1);
		}
}

static void
uniform_meets_all_pages_alike(void **state)
{
	unsigned *seen = frequencies(
	    SETTINGS("pattern=uniform", "pages=100000", "events=1000001"));

	(void)state;
	/* Ten each on average; so far out is one in a million for any. */
	assert_true(seen[0] < 40);
	assert_true(seen[PAGES / 2] >= 8 && seen[PAGES / 2] <= 12);
	free(seen);
}

static void
the_share_of_writes_is_as_asked_for(void **state)
{
	static const struct {
		const char *setting;
		size_t low, high;
	} cases[] = { { "writes=0", 0, 0 }, { "writes=1", 100000, 100000 },
		{ "writes=1/4", 24000, 26000 },
		{ "writes=0.9", 89000, 91000 } };

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		size_t n;
		struct trace_event *ev = events_make(&n,
		    SETTINGS("pattern=uniform", "events=100001",
			cases[i].setting));

		assert_in_range(count_op(ev, n, TRACE_WRITE), cases[i].low,
		    cases[i].high);
		free(ev);
	}
}

static void
the_hot_set_moves_with_each_marked_phase(void **state)
{
	uint64_t hot[4] = { 0 };
	size_t n, phase = 0, total[4] = { 0 };
	struct trace_event *ev = events_make(&n,
	    SETTINGS("pattern=hotcold", "events=40001", "pages=1000",
		"hot=1/10", "hot_probability=9/10", "phases=4"));

	(void)state;
	assert_int_equal(count_op(ev, n, TRACE_MARK), 4);
	for (size_t i = 1; i < n; i++) {
		if (ev[i].te_op == TRACE_MARK) {
			phase++;
			continue;
		}
		total[phase - 1]++;
		if (page_of(&ev[i]) / 100 == phase - 1)
			hot[phase - 1]++;
	}
	for (size_t p = 0; p < 4; p++) {
		assert_in_range(total[p], 9900, 10100);
		assert_in_range(hot[p], 8700, 9300);
	}
	free(ev);
}

static void
append_grows_by_chunks_and_sometimes_goes_back(void **state)
{
	uint64_t size = 0;
	size_t n, grown = 0, back = 0;
	struct trace_event *ev = events_make(&n,
	    SETTINGS("pattern=append", "events=20000", "pages=10000",
		"chunk=32"));

	(void)state;
	for (size_t i = 1; i < n; i++) {
		if (ev[i].te_op == TRACE_TRUNCATE) {
			grown += ev[i].te_length > size;
			back += ev[i].te_length < size;
			if (ev[i].te_length > size)
				assert_true(
				    ev[i].te_length - size <= 32 * 4096);
			size = ev[i].te_length;
		} else {
			assert_int_equal(ev[i].te_op, TRACE_WRITE);
		}
	}
	assert_true(grown > 300);
	assert_true(back > 20);
	free(ev);
}

static void
every_map_and_thread_takes_part(void **state)
{
	bool maps[6] = { false }, threads[5] = { false };
	size_t n;
	struct trace_event *ev = events_make(&n,
	    SETTINGS("pattern=uniform", "events=1000", "files=3", "maps=2",
		"threads=5"));

	(void)state;
	for (size_t i = 6; i < n; i++) {
		maps[ev[i].te_map - 1] = true;
		threads[ev[i].te_tid - ev[i].te_pid] = true;
		assert_int_equal(ev[i].te_file, (ev[i].te_map - 1) % 3 + 1);
	}
	for (size_t i = 0; i < nitems(maps); i++)
		assert_true(maps[i]);
	for (size_t i = 0; i < nitems(threads); i++)
		assert_true(threads[i]);
	free(ev);
}

static void
parameters_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		uint64_t pages, events, page, detach;
		const char *word;
	} cases[] = {
		{ 1ULL << 40, 10, 65536 + 1, 0, "power of two" },
		{ 1ULL << 52, 10, 4096, 0, "pages" },
		{ 10, 0, 4096, 0, "events" },
		{ 10, 1, 4096, 1, "detaching" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct errmsg em = { .em_text = "" };
		struct trace_gen_param gp;
		struct trace_gen *tg;

		tunable_defaults(trace_gen_table, trace_gen_count, &gp);
		gp.pages = cases[i].pages;
		gp.events = cases[i].events;
		gp.page = cases[i].page;
		gp.detach = cases[i].detach;
		assert_int_equal(trace_gen_create(&gp, &tg, &em), EINVAL);
		assert_non_null(strstr(em.em_text, cases[i].word));
	}
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(the_same_seed_makes_the_same_events_everywhere),
		T(another_seed_makes_another_trace),
		cmocka_unit_test(there_are_as_many_events_as_asked_for),
		cmocka_unit_test(
		    events_are_well_formed_and_accesses_within_the_file),
		cmocka_unit_test(scans_go_round),
		cmocka_unit_test(a_strided_pass_meets_every_page_once),
		cmocka_unit_test(zipf_ranks_have_their_weights),
		cmocka_unit_test(zipf_without_scatter_starts_at_the_first_page),
		cmocka_unit_test(theta_0_is_uniform_and_theta_is_for_any_size),
		cmocka_unit_test(a_permutation_meets_every_number_once),
		cmocka_unit_test(uniform_meets_all_pages_alike),
		cmocka_unit_test(the_share_of_writes_is_as_asked_for),
		cmocka_unit_test(the_hot_set_moves_with_each_marked_phase),
		cmocka_unit_test(
		    append_grows_by_chunks_and_sometimes_goes_back),
		cmocka_unit_test(every_map_and_thread_takes_part),
		cmocka_unit_test(
		    parameters_that_contradict_each_other_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
