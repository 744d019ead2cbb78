#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "replay/hist.h"
#include "tests/dice.h"

#define NVALUES 5000

static struct hist *
new_hist(void)
{
	struct hist *h = malloc(sizeof(*h));

	assert_non_null(h);
	hist_init(h);
	return h;
}

static void
buckets_are_contiguous_and_cover_every_value(void **state)
{

	(void)state;
	assert_int_equal(hist_low(0), 0);
	for (size_t b = 0; b < HIST_NBUCKET; b++) {
		assert_true(hist_low(b) <= hist_high(b));
		assert_int_equal(hist_bucket(hist_low(b)), b);
		assert_int_equal(hist_bucket(hist_high(b)), b);
		if (b + 1 < HIST_NBUCKET)
			assert_int_equal(hist_high(b) + 1, hist_low(b + 1));
	}
	assert_true(hist_high(HIST_NBUCKET - 1) == UINT64_MAX);
}

static void
a_bucket_is_at_most_a_128th_of_its_values_wide(void **state)
{

	(void)state;
	for (size_t b = 0; b < HIST_NBUCKET; b++)
		assert_true(hist_high(b) - hist_low(b) <= hist_low(b) / 128);
}

static void
an_empty_histogram_has_quantiles_of_0(void **state)
{
	struct hist *h = new_hist();

	(void)state;
	assert_int_equal(hist_quantile(h, 0.5), 0);
	assert_true(hist_mean(h) < 1e-9);
	char *text = hist_text(h);
	assert_string_equal(text, "");
	free(text);
	free(h);
}

static void
small_values_are_exact(void **state)
{
	struct hist *h = new_hist();

	(void)state;
	for (uint64_t v = 1; v <= 100; v++)
		hist_add(h, v);
	assert_int_equal(h->h_count, 100);
	assert_int_equal(h->h_sum, 5050);
	assert_int_equal(hist_quantile(h, 0.0), 1);
	assert_int_equal(hist_quantile(h, 0.5), 50);
	assert_int_equal(hist_quantile(h, 0.9), 90);
	assert_int_equal(hist_quantile(h, 0.99), 99);
	assert_int_equal(hist_quantile(h, 0.991), 100);
	assert_int_equal(hist_quantile(h, 1.0), 100);
	assert_true(hist_mean(h) > 50.499 && hist_mean(h) < 50.501);
	free(h);
}

static void
quantiles_stay_within_min_and_max(void **state)
{
	struct hist *h = new_hist();

	(void)state;
	hist_add(h, 1000001);
	hist_add(h, 1000002);
	assert_int_equal(hist_quantile(h, 1.0), 1000002);
	assert_true(hist_quantile(h, 0.0) >= 1000001);
	assert_int_equal(h->h_min, 1000001);
	assert_int_equal(h->h_max, 1000002);
	free(h);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* One value of distribution dist, out of 64 random bits. */
static uint64_t
draw(int dist, struct dice *d)
{
	const uint64_t r = dice_next(d);

	switch (dist) {
	case 0: /* uniform */
		return r % 1000000;
	case 1: /* every magnitude alike */
		return r >> dice_below(d, 64);
	case 2: /* two modes, a cache and a disk */
		return r % 10 == 0 ? 80000 + r % 9000 : 300 + r % 50;
	default: /* constant but for the odd one */
		return r % 1000 == 0 ? r % (UINT64_C(1) << 40) : 4242;
	}
}

static void
every_quantile_is_within_1_percent(void **state)
{
	static const double quantile[] = { 0.0, 0.001, 0.01, 0.1, 0.25, 0.5,
		0.75, 0.9, 0.99, 0.999, 1.0 };
	static uint64_t value[NVALUES];
	struct dice d = { dice_seed() };

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct hist *h = new_hist();

		for (size_t i = 0; i < NVALUES; i++) {
			value[i] = draw(round % 4, &d);
			hist_add(h, value[i]);
		}
		qsort(value, NVALUES, sizeof(value[0]), compare);
		for (size_t i = 0; i < nitems(quantile); i++) {
			const double rank = quantile[i] * NVALUES;
			const size_t at =
			    rank < 1.0 ? 0 : (size_t)(rank + 0.5) - 1;
			const double want = (double)value[at];
			const double got =
			    (double)hist_quantile(h, quantile[i]);

			assert_true(got >= want);
			assert_true(got <= want * 1.01);
		}
		free(h);
	}
}

static void
the_text_holds_every_bucket_and_its_count(void **state)
{
	struct hist *h = new_hist(), *back = new_hist();
	struct dice d = { dice_seed() };

	(void)state;
	for (size_t i = 0; i < NVALUES; i++)
		hist_add(h, draw(1, &d));
	char *text = hist_text(h), *save = NULL;
	assert_non_null(text);
	for (char *word = strtok_r(text, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		char *colon;
		const uint64_t low = strtoull(word, &colon, 10);

		assert_int_equal(*colon, ':');
		assert_int_equal(hist_low(hist_bucket(low)), low);
		back->h_bucket[hist_bucket(low)] +=
		    strtoull(colon + 1, NULL, 10);
	}
	assert_memory_equal(h->h_bucket, back->h_bucket, sizeof(h->h_bucket));
	free(text);
	free(back);
	free(h);
}

/* Whatever the values and however they are shared out. */
static void
histograms_joined_are_that_of_all_values(void **state)
{
	struct hist *all = new_hist(), *sum = new_hist(), *part = new_hist();
	struct dice d = { dice_seed() };

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		/* The first and others are empty. */
		const uint64_t n = i % 7 == 0 ? 0 : dice_below(&d, 50);

		hist_init(part);
		for (uint64_t k = 0; k < n; k++) {
			const uint64_t v =
			    dice_next(&d) >> (1 + dice_below(&d, 62));

			hist_add(part, v);
			hist_add(all, v);
		}
		hist_merge(sum, part);
	}
	assert_memory_equal(sum, all, sizeof(*all));
	free(part);
	free(sum);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_contiguous_and_cover_every_value),
		cmocka_unit_test(
		    a_bucket_is_at_most_a_128th_of_its_values_wide),
		cmocka_unit_test(an_empty_histogram_has_quantiles_of_0),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(quantiles_stay_within_min_and_max),
		cmocka_unit_test(every_quantile_is_within_1_percent),
		cmocka_unit_test(the_text_holds_every_bucket_and_its_count),
		cmocka_unit_test(histograms_joined_are_that_of_all_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
