#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/calibrate.h"
#include "replay/clock.h"

/* A machine of pages with frames in some order, filled. */
static struct uvm *
machine(uint64_t pages, enum cal_frames frames, bool sparse)
{
	struct errmsg em = { .em_text = "" };
	struct uvm *uvm;

	assert_int_equal(lab_create(pages, frames, 1, &uvm, &em), 0);
	assert_int_equal(lab_fill(uvm, pages, sparse, 2), 0);
	return uvm;
}

static struct uvm_list_order
order_of(const struct uvm *uvm)
{
	return uvm_list_order(uvm, LAB_FILE);
}

static void
pages_stand_in_the_list_as_they_were_faulted_in(void **state)
{
	(void)state;
	for (enum cal_frames f = CAL_FRESH; f < CAL_NFRAMES; f++) {
		struct uvm *uvm = machine(1000, f, false);

		assert_int_equal(order_of(uvm).lo_pages, 1000);
		assert_true(order_of(uvm).lo_ascending);
		assert_int_equal(lab_fill(uvm, 1000, true, 3), 0);
		assert_true(order_of(uvm).lo_ascending);
		uvm_destroy(uvm);
	}
}

static void
fresh_frames_lie_one_behind_the_other(void **state)
{
	static const uint64_t sizes[] = { 16, 1000, 5000 };

	(void)state;
	for (size_t i = 0; i < nitems(sizes); i++)
		for (unsigned sparse = 0; sparse < 2; sparse++) {
			struct uvm *uvm =
			    machine(sizes[i], CAL_FRESH, sparse != 0);
			const struct uvm_list_order ord = order_of(uvm);

			assert_int_equal(ord.lo_next, ord.lo_pages - 1);
			uvm_destroy(uvm);
		}
}

/* Also those of a small object, and those of a second filling. */
static void
shuffled_frames_lie_anywhere(void **state)
{
	static const uint64_t sizes[] = { 200, 1000, 5000 };

	(void)state;
	for (size_t i = 0; i < nitems(sizes); i++) {
		struct uvm *uvm = machine(sizes[i], CAL_SHUFFLED, false);

		for (unsigned fill = 0; fill < 3; fill++) {
			const struct uvm_list_order ord = order_of(uvm);

			/* 200 steps that go up or down with equal chance lie
			 * within these bounds but once in 20 000. */
			assert_in_range(ord.lo_up * 100 / ord.lo_pages, 35, 65);
			assert_true(ord.lo_next * 20 < ord.lo_pages);
			assert_int_equal(lab_fill(uvm, sizes[i], fill == 0, 9),
			    0);
		}
		uvm_destroy(uvm);
	}
}

static void
aged_frames_are_neither_in_order_nor_wholly_out_of_it(void **state)
{
	static const uint64_t sizes[] = { 200, 1000, 5000 };

	(void)state;
	for (size_t i = 0; i < nitems(sizes); i++) {
		struct uvm *uvm = machine(sizes[i], CAL_AGED, false);

		for (unsigned fill = 0; fill < 3; fill++) {
			const struct uvm_list_order ord = order_of(uvm);

			assert_true(ord.lo_next * 2 < ord.lo_pages);
			assert_true(ord.lo_up * 100 > ord.lo_pages * 55);
			assert_int_equal(lab_fill(uvm, sizes[i], fill == 0, 9),
			    0);
		}
		uvm_destroy(uvm);
	}
}

static void
the_same_seed_makes_the_same_order(void **state)
{
	struct uvm *a = machine(1000, CAL_AGED, true);
	struct uvm *b = machine(1000, CAL_AGED, true);

	(void)state;
	assert_int_equal(order_of(a).lo_up, order_of(b).lo_up);
	assert_int_equal(order_of(a).lo_next, order_of(b).lo_next);
	assert_int_equal(order_of(a).lo_pages, order_of(b).lo_pages);
	uvm_destroy(a);
	uvm_destroy(b);
}

static void
a_dense_object_has_its_first_pages_and_no_others(void **state)
{
	(void)state;
	for (enum cal_frames f = CAL_FRESH; f < CAL_NFRAMES; f++) {
		struct uvm *uvm = machine(1000, f, false);
		struct errmsg em = { .em_text = "" };

		assert_int_equal(uvm_resident(uvm, LAB_FILE), 1000);
		assert_int_equal(uvm_dry_hash(uvm, LAB_FILE, 0, 1000), 1000);
		assert_int_equal(uvm_dry_hash(uvm, LAB_FILE, 1000, 3000), 0);
		assert_int_equal(uvm_dry_list(uvm, LAB_FILE, 0, 4000), 1000);
		assert_int_equal(uvm_check(uvm, &em), 0);
		uvm_destroy(uvm);
	}
}

static void
a_sparse_object_has_about_a_quarter_here_and_there(void **state)
{
	(void)state;
	for (enum cal_frames f = CAL_FRESH; f < CAL_NFRAMES; f++) {
		struct uvm *uvm = machine(1000, f, true);
		const uint64_t n = uvm_resident(uvm, LAB_FILE);

		assert_in_range(n, 850, 1150);
		assert_int_equal(uvm_dry_list(uvm, LAB_FILE, 0, 4000), n);
		for (uint64_t at = 0; at < 4000; at += 1000)
			assert_in_range(uvm_dry_hash(uvm, LAB_FILE, at, 1000),
			    180, 330);
		uvm_destroy(uvm);
	}
}

static void
filling_again_leaves_nothing_of_the_last_time(void **state)
{
	struct uvm *uvm = machine(1000, CAL_AGED, true);

	(void)state;
	assert_int_equal(lab_fill(uvm, 1000, false, 3), 0);
	assert_int_equal(uvm_resident(uvm, LAB_FILE), 1000);
	assert_int_equal(uvm_dry_hash(uvm, LAB_FILE, 1000, 3000), 0);
	uvm_destroy(uvm);
}

static void
dry_walks_count_and_change_nothing(void **state)
{
	struct uvm *uvm = machine(500, CAL_SHUFFLED, false);
	const struct uvmexp before = *uvm_stat(uvm);

	(void)state;
	(void)uvm_dry_list(uvm, LAB_FILE, 0, 500);
	(void)uvm_dry_hash(uvm, LAB_FILE, 0, 500);
	assert_memory_equal(&before, uvm_stat(uvm), sizeof(before));
	assert_int_equal(uvm_dry_list(uvm, 99, 0, 500), 0);
	assert_int_equal(uvm_dry_hash(uvm, 99, 0, 500), 0);
	uvm_destroy(uvm);
}

static void
expect_value_of(struct cal_value cv, double median, double low, double high)
{
	assert_float_equal(cv.cv_median, median, 1e-12);
	assert_float_equal(cv.cv_low, low, 1e-12);
	assert_float_equal(cv.cv_high, high, 1e-12);
}

static void
the_interval_of_few_samples_is_their_range(void **state)
{
	double five[] = { 5, 1, 4, 2, 3 }, two[] = { 2, 1 }, one[] = { 7 };
	struct cal_value cv = cal_median(five, 5);

	(void)state;
	expect_value_of(cv, 3, 1, 5);
	cv = cal_median(two, 2);
	expect_value_of(cv, 1.5, 1, 2);
	cv = cal_median(one, 1);
	expect_value_of(cv, 7, 7, 7);
}

static void
the_interval_of_many_is_by_order_statistics(void **state)
{
	/* Ranks below and above that hold the median in 95 %: a table. */
	static const struct {
		size_t n, rank;
	} known[] = { { 6, 1 }, { 9, 2 }, { 10, 2 }, { 12, 3 }, { 15, 4 },
		{ 20, 6 }, { 25, 8 }, { 30, 10 } };
	double value[30];

	(void)state;
	for (size_t i = 0; i < nitems(known); i++) {
		const size_t n = known[i].n;

		for (size_t j = 0; j < n; j++)
			value[j] = (double)(n - j);
		const struct cal_value cv = cal_median(value, n);
		expect_value_of(cv, (double)(n + 1) / 2, (double)known[i].rank,
		    (double)(n + 1 - known[i].rank));
	}
}

static void
every_combination_is_measured_once_and_costs_something(void **state)
{
	struct calibration ca = {
		.ca_min = 64,
		.ca_max = 512,
		.ca_step = 8,
		.ca_repeats = 3,
		.ca_seed = 7,
		.ca_sample_ns = 1000,
		.ca_patience_ns = UINT64_MAX,
		.ca_cache = 4096,
		.ca_cold = true,
	};
	struct errmsg em = { .em_text = "" };
	bool seen[2][CAL_NFRAMES][CAL_NPRESENT][2] = { 0 };

	(void)state;
	assert_int_equal(calibrate(&ca, &em), 0);
	assert_int_equal(ca.ca_n, 2 * CAL_NFRAMES * CAL_NPRESENT * 2);
	for (size_t i = 0; i < ca.ca_n; i++) {
		const struct cal_row *const cr = &ca.ca_row[i];
		const struct cal_value *const value[] = { &cr->cr_list,
			&cr->cr_lookup, &cr->cr_break_even };
		bool *const once = &seen[cr->cr_pages == 512][cr->cr_frames]
					[cr->cr_present][cr->cr_cold];

		assert_false(*once);
		*once = true;
		assert_int_equal(cr->cr_repeats, 3);
		for (size_t k = 0; k < nitems(value); k++) {
			assert_true(isfinite(value[k]->cv_median));
			assert_true(value[k]->cv_low > 0);
			assert_true(value[k]->cv_low <= value[k]->cv_median);
			assert_true(value[k]->cv_median <= value[k]->cv_high);
		}
	}
	free(ca.ca_row);
}

static void
impatience_leaves_enough_samples_for_an_interval(void **state)
{
	struct calibration ca = {
		.ca_min = 64,
		.ca_max = 64,
		.ca_step = 2,
		.ca_repeats = 1000,
		.ca_sample_ns = 1000,
	};
	struct errmsg em = { .em_text = "" };

	(void)state;
	assert_int_equal(calibrate(&ca, &em), 0);
	assert_int_equal(ca.ca_n, CAL_NFRAMES * CAL_NPRESENT);
	for (size_t i = 0; i < ca.ca_n; i++) {
		assert_int_equal(ca.ca_row[i].cr_repeats, CAL_LEAST);
		assert_false(ca.ca_row[i].cr_cold);
	}
	free(ca.ca_row);
}

/* A calibration of one size with these break-evens, aged. */
static struct calibration
made(struct cal_row row[4], double quarter_warm, double quarter_cold,
    double present_warm, double present_cold)
{
	const double value[] = { quarter_warm, quarter_cold, present_warm,
		present_cold };
	struct calibration ca = { .ca_row = row };

	for (size_t i = 0; i < 4; i++)
		if (value[i] > 0)
			row[ca.ca_n++] = (struct cal_row){
				.cr_pages = 64,
				.cr_frames = CAL_AGED,
				.cr_present = i < 2 ? CAL_QUARTER : CAL_PRESENT,
				.cr_cold = i % 2 != 0,
				.cr_break_even = { value[i], value[i],
				    value[i] },
			};
	return ca;
}

static void
what_is_recommended_is_warm_and_fits_its_own_range(void **state)
{
	static const struct {
		double value[4];
		const char *text;
	} cases[] = {
		{ { 0.25, 0.5, 0.3, 0.4 }, "1/4" },
		{ { 0.5, 0, 0.3, 0 }, "1/2" },
		{ { 0.9, 0.5, 3.0, 0.3 }, "3" },
		{ { 0.25, 0.5, 0.3, 3.0 }, "1/4" },
		{ { 0.124, 0, 0.2, 0 }, "1/8" },
		{ { 0.011, 0, 0.2, 0 }, "1/64" },
		{ { 0.5, 0, 100, 0 }, "16" },
	};
	struct cal_row row[4];
	char text[32];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const double *const v = cases[i].value;
		const struct calibration ca = made(row, v[0], v[1], v[2], v[3]);
		struct config cf;

		assert_non_null(cal_recommend(&ca, 64, text, sizeof(text)));
		assert_string_equal(text, cases[i].text);
		config_init(&cf);
		assert_int_equal(config_assign(&cf, "hash_penalty", text, NULL),
		    0);
		assert_null(cal_recommend(&ca, 65, text, sizeof(text)));
	}
}

static void
one_penalty_for_all_sizes_is_in_their_middle(void **state)
{
	struct cal_row row[2] = { { .cr_pages = 64 }, { .cr_pages = 128 } };
	struct calibration ca = {
		.ca_min = 32, /* of which there is nothing */
		.ca_max = 256,
		.ca_step = 2,
		.ca_row = row,
	};
	double mean = 0, off = 0;
	char text[32];

	(void)state;
	assert_false(cal_overall(&ca, text, sizeof(text), &mean, &off));
	ca.ca_n = 2;
	for (size_t i = 0; i < 2; i++) {
		row[i].cr_frames = CAL_AGED;
		row[i].cr_present = CAL_QUARTER;
		row[i].cr_break_even.cv_median = i == 0 ? 0.125 : 0.5;
	}
	assert_true(cal_overall(&ca, text, sizeof(text), &mean, &off));
	assert_string_equal(text, "1/4");
	assert_float_equal(mean, 0.25, 1e-6);
	assert_float_equal(off, 2, 1e-6);
}

static void
a_wide_interval_is_told(void **state)
{
	struct cal_row cr = { .cr_break_even = { 1, 0.8, 1.2 } };

	(void)state;
	assert_false(cal_unsteady(&cr));
	cr.cr_break_even.cv_low = 0.6;
	assert_true(cal_unsteady(&cr));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    pages_stand_in_the_list_as_they_were_faulted_in),
		cmocka_unit_test(fresh_frames_lie_one_behind_the_other),
		cmocka_unit_test(shuffled_frames_lie_anywhere),
		cmocka_unit_test(
		    aged_frames_are_neither_in_order_nor_wholly_out_of_it),
		cmocka_unit_test(the_same_seed_makes_the_same_order),
		cmocka_unit_test(
		    a_dense_object_has_its_first_pages_and_no_others),
		cmocka_unit_test(
		    a_sparse_object_has_about_a_quarter_here_and_there),
		cmocka_unit_test(filling_again_leaves_nothing_of_the_last_time),
		cmocka_unit_test(dry_walks_count_and_change_nothing),
		cmocka_unit_test(the_interval_of_few_samples_is_their_range),
		cmocka_unit_test(the_interval_of_many_is_by_order_statistics),
		cmocka_unit_test(
		    every_combination_is_measured_once_and_costs_something),
		cmocka_unit_test(
		    impatience_leaves_enough_samples_for_an_interval),
		cmocka_unit_test(one_penalty_for_all_sizes_is_in_their_middle),
		cmocka_unit_test(a_wide_interval_is_told),
		cmocka_unit_test(
		    what_is_recommended_is_warm_and_fits_its_own_range),
	};

	clock_init(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
