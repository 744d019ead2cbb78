/*
 * What comparisons find: nothing where there is nothing, and 5 % where there is.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"
#include "analysis/stat.h"

#define METRICS 40
#define REPEATS 10

/* About standard normal. */
static double
deviate(uint64_t *seed)
{
	double sum = 0;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)(stat_random(seed) >> 11) / 9007199254740992.0;
	return sum - 6;
}

/* Noise as timings have it: now and then a value far above the others. */
static double
noisy(uint64_t *seed, double mean, double noise)
{
	const double tail =
	    stat_random(seed) % 8 == 0 ? fabs(3 * deviate(seed)) : 0;

	return mean * (1 + noise * (deviate(seed) + tail));
}

/*
 * A comparison of METRICS metrics with REPEATS values a side; b's metric 0 is
 * larger by factor.  The noise is 1 % to 20 %, of metric 0 it is 1 %.
 *
 * => the verdicts; the caller frees cp_row
 */
static void
trial(uint64_t seed, double factor, struct compare_report *cp)
{
	static double value[METRICS][2][REPEATS];
	struct metric me[METRICS];
	const struct compare_job cj = {
		.cj_seed = seed,
		.cj_resamples = 1000,
		.cj_confidence = 0.95,
	};

	for (size_t i = 0; i < METRICS; i++) {
		const double noise = 0.01 + 0.005 * (double)i;

		me[i] = (struct metric){ .me_name = "metric",
			.me_value = { value[i][0], value[i][1] },
			.me_n = { REPEATS, REPEATS } };
		for (size_t k = 0; k < REPEATS; k++) {
			value[i][0][k] = noisy(&seed, 1e6, noise);
			value[i][1][k] =
			    noisy(&seed, i == 0 ? 1e6 * factor : 1e6, noise);
		}
	}
	memset(cp, 0, sizeof(*cp));
	assert_int_equal(compare_judge(&cj, me, METRICS, cp), 0);
	assert_int_equal(cp->cp_nrows, METRICS);
	assert_int_equal(cp->cp_tests, METRICS);
	assert_int_equal(cp->cp_needed, 0);
}

static void
of_identical_configurations_at_most_5_in_100_differ(void **state)
{
	unsigned wrong = 0;

	(void)state;
	print_message("seeds 1..100\n");
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct compare_report cp;
		bool any = false;

		trial(seed, 1, &cp);
		for (size_t i = 0; i < cp.cp_nrows; i++)
			any |= cp.cp_row[i].cw_verdict == COMPARE_DIFFERENT;
		wrong += any;
		free(cp.cp_row);
	}
	print_message("%u of 100 comparisons found a difference\n", wrong);
	assert_true(wrong <= 5);
}

static void
five_percent_are_found_with_ten_repeats_of_little_noise(void **state)
{
	unsigned found = 0;

	(void)state;
	print_message("seeds 1001..1100\n");
	for (uint64_t seed = 1001; seed <= 1100; seed++) {
		struct compare_report cp;

		trial(seed, 1.05, &cp);
		found += cp.cp_row[0].cw_verdict == COMPARE_DIFFERENT;
		if (cp.cp_row[0].cw_verdict == COMPARE_DIFFERENT)
			assert_true(cp.cp_row[0].cw_ratio > 1.02 &&
			    cp.cp_row[0].cw_ratio < 1.08);
		free(cp.cp_row);
	}
	print_message("found in %u of 100\n", found);
	assert_true(found >= 95);
}

/* Judge one metric of these values. */
static struct compare_row
judge(bool counter, const double *a, size_t n, const double *b, size_t m,
    size_t *neededp)
{
	double left[16], right[16];
	struct metric me = { .me_name = "one",
		.me_counter = counter,
		.me_value = { left, right },
		.me_n = { n, m } };
	const struct compare_job cj = { .cj_seed = 1,
		.cj_resamples = 500,
		.cj_confidence = 0.95 };
	struct compare_report cp;

	memset(&cp, 0, sizeof(cp));
	memcpy(left, a, n * sizeof(*a));
	memcpy(right, b, m * sizeof(*b));
	assert_int_equal(compare_judge(&cj, &me, 1, &cp), 0);
	const struct compare_row row = cp.cp_row[0];
	*neededp = cp.cp_needed;
	free(cp.cp_row);
	return row;
}

static void
counters_need_no_test_where_they_are_constant(void **state)
{
	static const double five[] = { 5, 5, 5 }, six[] = { 6, 6 };
	size_t needed;

	(void)state;
	assert_int_equal(judge(true, five, 3, five, 2, &needed).cw_verdict,
	    COMPARE_EQUAL);
	assert_int_equal(judge(true, five, 1, six, 1, &needed).cw_verdict,
	    COMPARE_EXACT);
	/* A time that happens to be the same is not known to be. */
	assert_int_equal(judge(false, five, 3, five, 2, &needed).cw_verdict,
	    COMPARE_NONE);
}

static void
too_few_repeats_are_said_to_be(void **state)
{
	static const double a[] = { 1, 2, 3 }, b[] = { 11, 12, 13, 14 };
	static const double c[] = { 1, 2, 3, 4 };
	size_t needed;

	(void)state;
	/* 2 in 35 is the least p that three and four can give. */
	assert_int_equal(judge(false, a, 3, b, 4, &needed).cw_verdict,
	    COMPARE_FEW);
	assert_int_equal(needed, 4);
	assert_int_equal(judge(false, c, 4, b, 4, &needed).cw_verdict,
	    COMPARE_DIFFERENT);
	assert_int_equal(needed, 0);
	assert_int_equal(judge(false, a, 1, b, 1, &needed).cw_verdict,
	    COMPARE_FEW);
}

static void
a_ratio_to_nothing_is_no_number(void **state)
{
	static const double zero[] = { 0, 0, 0, 0, 0 },
			    some[] = { 3, 4, 5, 6, 7 };
	size_t needed;
	const struct compare_row row = judge(false, zero, 5, some, 5, &needed);

	(void)state;
	assert_true(isnan(row.cw_ratio));
	assert_int_equal(row.cw_verdict, COMPARE_DIFFERENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    of_identical_configurations_at_most_5_in_100_differ),
		cmocka_unit_test(
		    five_percent_are_found_with_ten_repeats_of_little_noise),
		cmocka_unit_test(counters_need_no_test_where_they_are_constant),
		cmocka_unit_test(too_few_repeats_are_said_to_be),
		cmocka_unit_test(a_ratio_to_nothing_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
