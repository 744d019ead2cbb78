#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stat.h"

#define NEAR(a, b, eps) assert_true(fabs((a) - (b)) <= (eps))

static void
medians_are_in_the_middle(void **state)
{
	const double odd[] = { 1, 2, 9 }, even[] = { 1, 2, 4, 9 };

	(void)state;
	NEAR(stat_median(odd, 3), 2, 0);
	NEAR(stat_median(even, 4), 3, 0);
}

/* The rank of the lower end, from 1, of a sample 1..n, n <= 60. */
static unsigned
rank_of(size_t n, double confidence)
{
	double value[60];

	for (size_t i = 0; i < n; i++)
		value[i] = (double)(i + 1);
	const struct stat_interval si =
	    stat_median_interval(value, n, confidence);

	NEAR(si.si_low + si.si_high, (double)(n + 1), 0);
	return (unsigned)si.si_low;
}

/* The ranks of the sign test's tables, two-sided 5 % and 1 %. */
static void
intervals_of_medians_have_the_ranks_of_the_tables(void **state)
{
	static const struct {
		size_t n;
		unsigned at_95, at_99;
	} known[] = {
		{ 1, 1, 1 },
		{ 2, 1, 1 },
		{ 5, 1, 1 },
		{ 6, 1, 1 },
		{ 8, 1, 1 },
		{ 9, 2, 1 },
		{ 10, 2, 1 },
		{ 11, 2, 1 },
		{ 12, 3, 2 },
		{ 15, 4, 3 },
		{ 17, 5, 3 },
		{ 20, 6, 4 },
		{ 25, 8, 6 },
		{ 30, 10, 8 },
		{ 40, 14, 12 },
		{ 50, 18, 16 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(known); i++) {
		assert_int_equal(rank_of(known[i].n, 0.95), known[i].at_95);
		assert_int_equal(rank_of(known[i].n, 0.99), known[i].at_99);
	}
	/* Half of all samples of two have the median between them. */
	assert_int_equal(rank_of(2, 0.50), 1);
	assert_int_equal(rank_of(3, 0.50), 1);
	assert_int_equal(rank_of(4, 0.50), 1);
	assert_int_equal(rank_of(5, 0.50), 2);
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

/* Mann and Whitney's U, doubled, of the values whose bits are in pick. */
static int
u_of(const double *v, size_t all, unsigned pick)
{
	int u = 0;

	for (size_t i = 0; i < all; i++)
		for (size_t j = 0; j < all; j++)
			if ((pick >> i & 1) > (pick >> j & 1))
				u += 1 + (v[i] > v[j]) - (v[i] < v[j]);
	return u;
}

/* The share of the ways to pick n values whose U is as far from its mean as
 * that of the first n is. */
static double
by_counting(const double *v, size_t n, size_t all)
{
	const unsigned first = (1U << n) - 1;
	const int mean = (int)(n * (all - n));
	const int off = abs(u_of(v, all, first) - mean);
	unsigned ways = 0, far = 0;

	for (unsigned pick = first; pick < 1U << all; pick++)
		if ((size_t)__builtin_popcount(pick) == n) {
			ways++;
			far += abs(u_of(v, all, pick) - mean) >= off;
		}
	return (double)far / ways;
}

static void
p_is_what_counting_all_divisions_gives(void **state)
{
	uint64_t seed = 31;

	(void)state;
	print_message("seed 31\n");
	for (unsigned trial = 0; trial < 150; trial++) {
		const size_t n = 1 + stat_random(&seed) % 5;
		const size_t m = 1 + stat_random(&seed) % 5;
		double v[10];

		/* Few different values: many ties. */
		for (size_t i = 0; i < n + m; i++)
			v[i] = (double)(stat_random(&seed) % 6);
		NEAR(stat_mann_whitney(v, n, v + n, m),
		    by_counting(v, n, n + m), 1e-12);
	}
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

/* About standard normal: of twelve uniform ones. */
static double
deviate(uint64_t *seed)
{
	double sum = 0;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)(stat_random(seed) >> 11) / 9007199254740992.0;
	return sum - 6;
}

/* n values about mean, sorted; one in eight may lie far above. */
static void
draw(double *value, size_t n, double mean, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		const double tail =
		    stat_random(seed) % 8 == 0 ? fabs(3 * deviate(seed)) : 0;

		value[i] = mean * (1 + 0.03 * (deviate(seed) + tail));
	}
	stat_sort(value, n);
}

/* How often of 1000 the ratio of medians lies in its interval. */
static unsigned
covered(size_t n, uint64_t seed)
{
	unsigned times = 0;

	for (unsigned trial = 0; trial < 1000; trial++) {
		struct stat_interval si;
		double a[40], b[40];

		draw(a, n, 100, &seed);
		draw(b, n, 110, &seed);
		assert_int_equal(stat_ratio_interval((struct stat_sample){ a,
							 n },
				     (struct stat_sample){ b, n }, trial, 1000,
				     0.95, &si),
		    0);
		assert_true(si.si_low <= si.si_high);
		times += si.si_low <= 1.1 && si.si_high >= 1.1;
	}
	print_message("%zu repeats: %u of 1000 intervals hold the ratio\n", n,
	    times);
	return times;
}

static void
the_bootstrap_covers_the_ratio(void **state)
{

	(void)state;
	print_message("seeds 11..14\n");
	assert_true(covered(5, 11) >= 900);
	assert_true(covered(10, 12) >= 925);
	assert_true(covered(20, 13) >= 925);
	assert_true(covered(40, 14) >= 925);
}

/* Of samples from one distribution p is below 5 % at most 1 in 20 times. */
static void
the_test_errs_no_more_than_it_says(void **state)
{
	static const size_t sizes[] = { 4, 5, 10, 20, 40 };
	uint64_t seed = 21;

	(void)state;
	print_message("seed 21\n");
	for (size_t s = 0; s < nitems(sizes); s++) {
		unsigned below = 0;

		for (unsigned trial = 0; trial < 1000; trial++) {
			double a[40], b[40];

			draw(a, sizes[s], 100, &seed);
			draw(b, sizes[s], 100, &seed);
			below +=
			    stat_mann_whitney(a, sizes[s], b, sizes[s]) < 0.05;
		}
		print_message("%zu repeats: p < 0.05 in %u of 1000\n", sizes[s],
		    below);
		/* Of a true 50, 71 or more are three deviations away. */
		assert_true(below <= 70);
	}
}

static void
the_median_of_resamples_is_that_of_a_sorted_sample(void **state)
{
	const double one[] = { 3 }, two[] = { 1, 2 }, zero[] = { 0, 0 };
	struct stat_interval si;

	(void)state;
	/* One value: nothing else can be drawn. */
	assert_int_equal(stat_ratio_interval((struct stat_sample){ one, 1 },
			     (struct stat_sample){ one, 1 }, 1, 100, 0.95, &si),
	    0);
	NEAR(si.si_low, 1, 0);
	NEAR(si.si_high, 1, 0);
	/* Of 1, 2 come 1, 1.5 and 2; the extremes are rare but there. */
	assert_int_equal(stat_ratio_interval((struct stat_sample){ one, 1 },
			     (struct stat_sample){ two, 2 }, 1, 2000, 0.95,
			     &si),
	    0);
	NEAR(si.si_low, 1. / 3, 1e-12);
	NEAR(si.si_high, 2. / 3, 1e-12);
	/* To nothing. */
	assert_int_equal(stat_ratio_interval((struct stat_sample){ zero, 2 },
			     (struct stat_sample){ two, 2 }, 1, 100, 0.95, &si),
	    0);
	assert_true(isinf(si.si_low) && isinf(si.si_high));
	assert_int_equal(stat_ratio_interval((struct stat_sample){ zero, 2 },
			     (struct stat_sample){ zero, 2 }, 1, 100, 0.95,
			     &si),
	    0);
	NEAR(si.si_low, 1, 0);
	NEAR(si.si_high, 1, 0);
}

static void
orders_are_the_same_or_reverse(void **state)
{
	const double x[] = { 3, 1, 2, 2 };
	const double up[] = { 30, 10, 20, 20 }, down[] = { -3, -1, -2, -2 };
	const double other[] = { 3, 2, 1, 1 }, tied[] = { 3, 1, 1, 2 };
	const double less[] = { 3, 1, 2, nan("") };

	(void)state;
	assert_true(stat_same_order(x, x, 4));
	assert_true(stat_same_order(x, up, 4));
	assert_true(stat_same_order(x, down, 4));
	assert_false(stat_same_order(x, other, 4));
	assert_false(stat_same_order(x, tied, 4));
	assert_false(stat_same_order(tied, x, 4));
	assert_false(stat_same_order(x, less, 4));
	assert_true(stat_same_order(less, less, 4));
	/* And so the test gives the same p. */
	NEAR(stat_mann_whitney(x, 2, x + 2, 2),
	    stat_mann_whitney(down, 2, down + 2, 2), 1e-12);
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
		cmocka_unit_test(medians_are_in_the_middle),
		cmocka_unit_test(
		    intervals_of_medians_have_the_ranks_of_the_tables),
		cmocka_unit_test(small_samples_have_the_p_of_the_tables),
		cmocka_unit_test(the_smallest_p_is_that_of_samples_apart),
		cmocka_unit_test(ties_are_exact_too),
		cmocka_unit_test(p_is_what_counting_all_divisions_gives),
		cmocka_unit_test(large_samples_agree_with_the_exact_ones),
		cmocka_unit_test(the_approximation_is_the_formula),
		cmocka_unit_test(holm_orders_and_never_decreases),
		cmocka_unit_test(
		    the_median_of_resamples_is_that_of_a_sorted_sample),
		cmocka_unit_test(orders_are_the_same_or_reverse),
		cmocka_unit_test(the_bootstrap_covers_the_ratio),
		cmocka_unit_test(the_test_errs_no_more_than_it_says),
		cmocka_unit_test(the_same_seed_gives_the_same_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
