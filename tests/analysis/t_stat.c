#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stat.h"

#define NEAR(a, b, eps) assert_true(fabs((a) - (b)) <= (eps))

static void
medians_and_their_intervals(void **state)
{
	const double odd[] = { 1, 2, 9 }, even[] = { 1, 2, 4, 9 };
	double ten[10];

	(void)state;
	NEAR(stat_median(odd, 3), 2, 0);
	NEAR(stat_median(even, 4), 3, 0);
	NEAR(stat_median_interval(odd, 3).si_low, 1, 0);
	NEAR(stat_median_interval(odd, 3).si_high, 9, 0);
	for (size_t i = 0; i < 10; i++)
		ten[i] = (double)(i + 1);
	/* Of ten: the second and the ninth. */
	NEAR(stat_median_interval(ten, 10).si_low, 2, 0);
	NEAR(stat_median_interval(ten, 10).si_high, 9, 0);
}

/* Tail probabilities of U from the tables of Mann and Whitney (1947). */
static void
small_samples_have_the_p_of_the_tables(void **state)
{
	/* One-sided P(U <= u), n = m. */
	static const struct {
		size_t n;
		unsigned u;
		double tail;
	} known[] = {
		{ 3, 0, 0.050 },
		{ 3, 1, 0.100 },
		{ 4, 0, 0.014 },
		{ 4, 1, 0.029 },
		{ 4, 2, 0.057 },
		{ 5, 2, 0.016 },
		{ 5, 4, 0.048 },
		{ 6, 5, 0.021 },
		{ 7, 8, 0.019 },
		{ 8, 13, 0.025 },
	};

	(void)state;
	for (size_t k = 0; k < nitems(known); k++) {
		const size_t n = known[k].n;
		unsigned left = known[k].u;
		double a[8], b[8];

		/* Each a below all b, but for some that pass u of them. */
		for (size_t i = 0; i < n; i++)
			b[i] = (double)(i + 1) * 10;
		for (size_t i = n; i-- > 0;) {
			const unsigned pass = left < n ? left : (unsigned)n;

			a[i] = (double)pass * 10 + 1 + (double)i / 100;
			left -= pass;
		}
		assert_int_equal(left, 0);
		NEAR(stat_mann_whitney(a, n, b, n), 2 * known[k].tail, 0.0011);
		NEAR(stat_mann_whitney(b, n, a, n), 2 * known[k].tail, 0.0011);
	}
}

static void
the_smallest_p_is_that_of_samples_apart(void **state)
{
	(void)state;
	for (size_t n = 2; n < 12; n++)
		for (size_t m = 2; m < 12; m++) {
			double a[12], b[12];

			for (size_t i = 0; i < n; i++)
				a[i] = (double)i;
			for (size_t i = 0; i < m; i++)
				b[i] = (double)(100 + i);
			NEAR(stat_mann_whitney(a, n, b, m),
			    stat_smallest_p(n, m), 1e-12);
		}
	NEAR(stat_smallest_p(10, 10), 2.0 / 184756, 1e-12);
	NEAR(stat_smallest_p(0, 5), 1, 0);
}

/* By hand: {1, 2} and {2, 3}: ranks 1, 2.5 and 2.5, 4.  Of the six pairs of
 * ranks the sums are 3.5 3.5 5 5 6.5 6.5, and 3.5 is the smallest: 4 of 6. */
static void
ties_are_exact_too(void **state)
{
	const double a[] = { 1, 2 }, b[] = { 2, 3 }, same[] = { 7, 7, 7 };

	(void)state;
	NEAR(stat_mann_whitney(a, 2, b, 2), 4.0 / 6, 1e-12);
	NEAR(stat_mann_whitney(same, 3, same, 3), 1, 1e-12);
}

static void
large_samples_agree_with_the_exact_ones(void **state)
{
	uint64_t seed = 5;

	(void)state;
	print_message("seed 5\n");
	for (unsigned trial = 0; trial < 50; trial++) {
		double a[40], b[40];
		double exact, approximate;

		for (size_t i = 0; i < 40; i++) {
			a[i] = (double)(stat_random(&seed) % 1000);
			b[i] = (double)(stat_random(&seed) % 1000) +
			    (double)(trial * 4);
		}
		exact = stat_mann_whitney(a, 30, b, 30);
		/* One more on either side leaves exactness. */
		approximate = stat_mann_whitney(a, 31, b, 31);
		assert_true(exact >= 0 && exact <= 1);
		assert_true(approximate >= 0 && approximate <= 1);
		if (exact > 0.2)
			assert_true(approximate > 0.05);
		if (exact < 0.001)
			assert_true(approximate < 0.01);
	}
}

/* Hand-computed: n = m = 40, all of a below all of b, z = 799.5 / 104. */
static void
the_approximation_is_the_formula(void **state)
{
	double a[40], b[40];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		a[i] = (double)i;
		b[i] = (double)(100 + i);
	}
	const double z = (800 - 0.5) / sqrt(40. * 40. * 81. / 12);

	NEAR(stat_mann_whitney(a, 40, b, 40) / erfc(z / sqrt(2)), 1, 1e-9);
}

static void
holm_orders_and_never_decreases(void **state)
{
	double p[] = { 0.01, 0.04, 0.03, 0.005 };

	(void)state;
	assert_int_equal(stat_holm(p, 4), 0);
	NEAR(p[3], 0.02, 1e-12);
	NEAR(p[0], 0.03, 1e-12);
	NEAR(p[2], 0.06, 1e-12);
	NEAR(p[1], 0.06, 1e-12);
	p[0] = 0.9;
	p[1] = 0.8;
	assert_int_equal(stat_holm(p, 2), 0);
	NEAR(p[0], 1, 0);
	NEAR(p[1], 1, 0);
}

/* Of two uniform deviates: near enough to a bell for a test of coverage. */
static double
deviate(uint64_t *seed)
{
	double sum = 0;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)(stat_random(seed) >> 11) / 9007199254740992.0;
	return sum - 6;
}

static void
the_bootstrap_covers_the_ratio(void **state)
{
	uint64_t seed = 11;
	unsigned covered = 0;

	(void)state;
	print_message("seed 11\n");
	for (unsigned trial = 0; trial < 400; trial++) {
		struct stat_interval si;
		double a[12], b[12];

		for (size_t i = 0; i < 12; i++) {
			a[i] = 100 + 3 * deviate(&seed);
			b[i] = 110 + 3 * deviate(&seed);
		}
		assert_int_equal(stat_ratio_interval((struct stat_sample){ a,
							 12 },
				     (struct stat_sample){ b, 12 }, trial, 800,
				     0.95, &si),
		    0);
		assert_true(si.si_low <= si.si_high);
		covered += si.si_low <= 1.1 && si.si_high >= 1.1;
	}
	assert_in_range(covered, 360, 400);
}

static void
the_same_seed_gives_the_same_interval(void **state)
{
	const double a[] = { 1, 2, 3, 4, 5 }, b[] = { 2, 4, 6, 8, 9 };
	struct stat_interval x, y, z;

	(void)state;
	assert_int_equal(stat_ratio_interval((struct stat_sample){ a, 5 },
			     (struct stat_sample){ b, 5 }, 1, 500, 0.95, &x),
	    0);
	assert_int_equal(stat_ratio_interval((struct stat_sample){ a, 5 },
			     (struct stat_sample){ b, 5 }, 1, 500, 0.95, &y),
	    0);
	assert_int_equal(stat_ratio_interval((struct stat_sample){ a, 5 },
			     (struct stat_sample){ b, 5 }, 1, 500, 0.50, &z),
	    0);
	assert_memory_equal(&x, &y, sizeof(x));
	assert_true(z.si_low >= x.si_low && z.si_high <= x.si_high);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_and_their_intervals),
		cmocka_unit_test(small_samples_have_the_p_of_the_tables),
		cmocka_unit_test(the_smallest_p_is_that_of_samples_apart),
		cmocka_unit_test(ties_are_exact_too),
		cmocka_unit_test(large_samples_agree_with_the_exact_ones),
		cmocka_unit_test(the_approximation_is_the_formula),
		cmocka_unit_test(holm_orders_and_never_decreases),
		cmocka_unit_test(the_bootstrap_covers_the_ratio),
		cmocka_unit_test(the_same_seed_gives_the_same_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
