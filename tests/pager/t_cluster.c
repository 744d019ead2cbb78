/*
 * Which pages a flush visits, how, and what it writes together: the hash
 * penalty, cluster policies, and what counts as a finished write.
 */
#include "tests/pager/core.h"

#include <string.h>

/* npages dirty pages, faulted in from the last to the first. */
static void
start(struct lab *lab, const char *settings, uint64_t npages)
{

	lab_open(lab, settings);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_scan(lab, 1, npages - 1, 0, UVM_ACCESS_WRITE);
	lab_mark(lab);
}

static void
by_list_if_pages_are_at_most_range_times_penalty(void **state)
{
	static const struct {
		const char *settings;
		uint64_t npages, range;
		bool by_list;
	} cases[] = {
		{ "hash_penalty=4", 64, 16, true },
		{ "hash_penalty=4", 64, 15, false },
		{ "hash_penalty=4", 61, 15, false },
		{ "hash_penalty=4", 60, 15, true },
		{ "hash_penalty=1/8", 1, 7, false },
		{ "hash_penalty=1/8", 1, 8, true },
		{ "hash_penalty=1/8", 2, 15, false },
		{ "hash_penalty=0.125", 2, 16, true },
		{ "hash_penalty=0", 1, 64, false },
		{ "hash_penalty=0", 0, 64, true },
		{ "hash_penalty=inf", 64, 1, true },
		{ "hash_penalty=inf", 64, 0, true },
		{ "hash_penalty=4", 1, 0, false },
		{ "hash_penalty=4", 0, 0, true },
		{ "hash_penalty=4294967295", 64, 1, true },
		{ "hash_penalty=1/4294967295", 1, 64, false },
	};
	struct lab lab;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		lab_open(&lab, cases[i].settings);
		lab_file(&lab, 1, 64 * PG);
		lab_map(&lab, 1, 1, MAP_R);
		if (cases[i].npages != 0)
			lab_scan(&lab, 1, 0, cases[i].npages - 1,
			    UVM_ACCESS_READ);
		lab_mark(&lab);
		assert_true(core_flush(&lab, 1, 0, cases[i].range * PG, 0));
		assert_rise(&lab, flushes, 1);
		assert_rise(&lab, flush_by_list, cases[i].by_list);
		assert_rise(&lab, flush_by_hash, !cases[i].by_list);
		if (cases[i].by_list) {
			assert_rise(&lab, list_visits, cases[i].npages);
			assert_rise(&lab, lookups, 0);
		} else {
			assert_rise(&lab, list_visits, 0);
			assert_rise(&lab, lookups,
			    cases[i].range != 0 ? cases[i].range : 1);
		}
		lab_close(&lab);
	}
}

static void
an_empty_range_to_clean_makes_one_lookup(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 4);
	assert_true(core_flush(&lab, 1, PG, PG, PGO_CLEANIT));
	assert_rise(&lab, lookups, 1);
	assert_rise(&lab, flush_by_hash, 1);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
policies_place_clusters_around_the_first_page_found(void **state)
{
	static const struct {
		const char *settings, *writes;
	} cases[] = {
		{ "cluster_policy=forward cluster=8K",
		    "w(5,1) w(4,1) w(3,1) w(2,1) w(1,1) w(0,1)" },
		{ "cluster_policy=aligned cluster=16K", "w(4,2) w(0,4)" },
		{ "cluster_policy=aligned", "w(0,6)" },
		{ "cluster_policy=aligned cluster=12K", "w(3,3) w(0,3)" },
		{ "cluster_policy=around cluster=16K", "w(3,3) w(0,3)" },
		{ "cluster_policy=around cluster=12K", "w(4,2) w(2,2) w(0,2)" },
		{ "cluster_policy=around", "w(0,6)" },
		{ "cluster_policy=around cluster=4K",
		    "w(5,1) w(4,1) w(3,1) w(2,1) w(1,1) w(0,1)" },
	};
	struct lab lab;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		start(&lab, cases[i].settings, 6);
		lab_msync(&lab, 1, UVM_MS_SYNC);
		assert_ios(&lab.rec, cases[i].writes);
		assert_gauge(&lab, dirty, 0);
		lab_close(&lab);
	}
}

static void
around_takes_half_behind_and_the_rest_ahead(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "cluster_policy=around", 64);
	/* By list, page 63 first: 55..63; then 54, whose mates ahead are clean. */
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec,
	    "w(55,9) w(46,9) w(37,9) w(28,9) w(19,9) w(10,9) w(1,9) w(0,1)");
	lab_close(&lab);
}

static void
clusters_stay_within_the_flushed_range(void **state)
{
	static const struct {
		const char *settings, *writes;
	} cases[] = {
		{ "hash_penalty=0 cluster=32K", "w(5,8) w(13,4)" },
		{ "hash_penalty=0 cluster=32K cluster_policy=aligned",
		    "w(5,3) w(8,8) w(16,1)" },
		{ "hash_penalty=0 cluster=32K cluster_policy=around",
		    "w(5,4) w(9,4) w(13,4)" },
	};
	struct lab lab;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		start(&lab, cases[i].settings, 32);
		must(uvm_sys_msync(lab.uvm, 1, 5 * PG, 12 * PG, UVM_MS_SYNC));
		lab_end(&lab);
		assert_ios(&lab.rec, cases[i].writes);
		assert_gauge(&lab, dirty, 20);
		lab_close(&lab);
	}
}

static void
backward_mates_are_looked_up_until_one_stops(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "cluster_policy=aligned cluster=32K", 16);
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_SYNC));
	lab_end(&lab);
	/* Page 15: 14..8. Page 7: 6..0; its own offset does not wrap. */
	assert_ios(&lab.rec, "w(8,8) w(0,8)");
	assert_rise(&lab, lookups, 7 + 7);
	lab_close(&lab);
}

static void
pages_stored_to_after_cleaning_cluster_again(void **state)
{
	static const char *const settings[] = { "hash_penalty=inf",
		"hash_penalty=0" };
	struct lab lab;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(settings); i++) {
		start(&lab, settings[i], 16);
		lab_msync(&lab, 1, UVM_MS_SYNC);
		lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
		lab_mark(&lab);
		must(uvm_sys_msync(lab.uvm, 1, 2 * PG, 6 * PG, UVM_MS_SYNC));
		lab_end(&lab);
		/* By list the last page comes first and finds none ahead. */
		assert_ios(&lab.rec,
		    i == 0 ? "w(7,1) w(6,1) w(5,1) w(4,1) w(3,1) w(2,1)" :
			     "w(2,6)");
		lab_close(&lab);

		/* Listed in ascending order. */
		lab_open(&lab, settings[i]);
		lab_file(&lab, 1, 16 * PG);
		lab_map(&lab, 1, 1, MAP_RW);
		lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
		lab_msync(&lab, 1, UVM_MS_SYNC);
		lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
		lab_mark(&lab);
		lab_msync(&lab, 1, UVM_MS_SYNC);
		assert_ios(&lab.rec, "w(0,16)");
		lab_close(&lab);
	}
}

static void
a_short_write_passes_for_a_whole_one(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 4);
	lab.rec.rec_limited = true;
	lab.rec.rec_most = 1;
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, pageout_errors, 0);
	assert_rise(&lab, lost_pages, 0);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
a_write_of_nothing_is_an_error(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 1);
	lab.rec.rec_limited = true;
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, pageout_errors, 1);
	assert_rise(&lab, lost_pages, 1);
	lab_close(&lab);
}

struct heard {
	struct uvm_flushinfo h_flush;
	unsigned h_nflush, h_nio;
	uint64_t h_now;
};

static struct heard heard;

static uint64_t
ticking(void)
{

	return ++heard.h_now;
}

static void
hear_flush(void *arg, const struct uvm_flushinfo *fi)
{

	assert_ptr_equal(arg, &heard);
	heard.h_flush = *fi;
	heard.h_nflush++;
}

static void
hear_io(void *arg, const struct uvm_buf *b)
{

	assert_ptr_equal(arg, &heard);
	assert_int_equal(b->b_io, UVM_WRITE);
	heard.h_nio++;
}

static void
the_observer_hears_of_flushes_and_ios(void **state)
{
	const struct uvm_flushinfo *const fi = &heard.h_flush;
	struct lab lab;

	(void)state;
	start(&lab, "cluster=32K", 16);
	uvm_observe(lab.uvm,
	    &(struct uvm_observer){ .uo_arg = &heard,
		.uo_clock = ticking,
		.uo_flush = hear_flush,
		.uo_io = hear_io });
	must(uvm_sys_msync(lab.uvm, 1, 0, 3 * PG, UVM_MS_SYNC));
	assert_int_equal(heard.h_nflush, 1);
	assert_int_equal(heard.h_nio, 1);
	assert_int_equal(fi->fi_caller, FLUSH_MSYNC);
	assert_int_equal(fi->fi_file, 1);
	assert_int_equal(fi->fi_flags, PGO_CLEANIT | PGO_SYNCIO);
	assert_false(fi->fi_by_list);
	assert_int_equal(fi->fi_range_pages, 3);
	assert_int_equal(fi->fi_object_pages, 16);
	assert_int_equal(fi->fi_visits, 0);
	assert_int_equal(fi->fi_lookups, 3 + 3 + 2 + 1);
	assert_int_equal(fi->fi_cleaned, 3);
	assert_int_equal(fi->fi_writes, 1);
	assert_int_equal(fi->fi_end - fi->fi_begin, 3);
	assert_int_equal(fi->fi_io, 1);
	uvm_observe(lab.uvm, NULL);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_int_equal(heard.h_nflush, 1);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    by_list_if_pages_are_at_most_range_times_penalty),
		cmocka_unit_test(an_empty_range_to_clean_makes_one_lookup),
		cmocka_unit_test(
		    policies_place_clusters_around_the_first_page_found),
		cmocka_unit_test(around_takes_half_behind_and_the_rest_ahead),
		cmocka_unit_test(clusters_stay_within_the_flushed_range),
		cmocka_unit_test(backward_mates_are_looked_up_until_one_stops),
		cmocka_unit_test(pages_stored_to_after_cleaning_cluster_again),
		cmocka_unit_test(a_short_write_passes_for_a_whole_one),
		cmocka_unit_test(a_write_of_nothing_is_an_error),
		cmocka_unit_test(the_observer_hears_of_flushes_and_ios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
