/*
 * The examples of docs/trace-stats.md, worked out by hand.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/traces/stats_naive.h"

#define EVENTS 32

/* A trace of two files, in the making. */
struct fixture {
	struct trace_meta fx_meta;
	struct trace_file fx_files[2];
	struct trace_event fx_ev[EVENTS];
	size_t fx_n;
	struct trace_stats *fx_stats;
};

static int
setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	meta_fill(&fx.fx_meta, fx.fx_files, 2);
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	const struct fixture *const fx = *state;

	trace_stats_destroy(fx->fx_stats);
	return 0;
}

static struct trace_event *
event(struct fixture *fx, enum trace_op op, uint64_t page, uint64_t pages)
{
	struct trace_event *const te = &fx->fx_ev[fx->fx_n];

	assert_true(fx->fx_n < EVENTS);
	*te = (struct trace_event){
		.te_time = fx->fx_n * 10,
		.te_pid = 1,
		.te_tid = 1,
		.te_op = (uint8_t)op,
		.te_file = 1,
		.te_map = 1,
		.te_offset = page * 4096,
		.te_length = pages * 4096,
	};
	fx->fx_n++;
	return te;
}

static const struct stats_result *
result(struct fixture *fx)
{
	const struct stats_param sp = { .sp_fast = false };
	const struct stats_result *sr;

	for (size_t i = 0; i < fx->fx_n; i++)
		assert_null(trace_event_check(&fx->fx_ev[i]));
	fx->fx_stats = stats_of(&fx->fx_meta, &sp, fx->fx_ev, fx->fx_n, &sr);
	return sr;
}

/* Buckets from the first on; the others are empty. */
#define assert_hist(sh, ...)                                                   \
	do {                                                                   \
		const uint64_t want_[STATS_BUCKETS] = { __VA_ARGS__ };         \
		assert_memory_equal((sh)->sh_bucket, want_, sizeof(want_));    \
	} while (0)

static void
a_distance_is_the_number_of_other_pages_in_between(void **state)
{
	static const uint64_t pages[] = { 1, 2, 3, 2, 1, 1, 4, 2 };
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	for (size_t i = 0; i < nitems(pages); i++)
		(void)event(fx, TRACE_READ, pages[i], 1);
	sr = result(fx);
	/* 2 after 3: 1. 1 after 3, 2: 2. 1 again: 0. 2 after 1, 4: 2. */
	assert_hist(&sr->sr_reuse, 1, 1, 2);
	assert_int_equal(sr->sr_touched, 4);
	assert_int_equal(sr->sr_reuse.sh_sum, 5);
}

static void
files_have_pages_of_their_own(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	(void)event(fx, TRACE_READ, 5, 1);
	event(fx, TRACE_WRITE, 5, 1)->te_file = 2;
	(void)event(fx, TRACE_WRITE, 5, 1);
	sr = result(fx);
	assert_int_equal(sr->sr_touched, 2);
	assert_hist(&sr->sr_reuse, 0, 1);
	assert_int_equal(sr->sr_files[0].sf_touched, 1);
	assert_int_equal(sr->sr_files[0].sf_pages[0], 1);
	assert_int_equal(sr->sr_files[0].sf_pages[1], 1);
	assert_int_equal(sr->sr_files[1].sf_pages[0], 0);
	assert_int_equal(sr->sr_files[1].sf_pages[1], 1);
}

static void
a_sync_finds_runs_of_what_was_written_in_its_range(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_sync *sy;
	const struct stats_result *sr;

	(void)event(fx, TRACE_WRITE, 9, 2);
	(void)event(fx, TRACE_WRITE, 4, 1);
	(void)event(fx, TRACE_READ, 7, 1);
	(void)event(fx, TRACE_WRITE, 3, 1);
	(void)event(fx, TRACE_WRITE, 3, 1);
	event(fx, TRACE_MSYNC, 0, 10)->te_flags = TRACE_F_SYNC;
	event(fx, TRACE_MSYNC, 0, 10)->te_flags = TRACE_F_ASYNC;
	(void)event(fx, TRACE_FSYNC, 0, 0);
	sr = result(fx);
	/* 3 and 4; 9, whose neighbour 10 lies behind the range. */
	sy = &sr->sr_sync[STATS_MSYNC];
	assert_hist(&sy->sy_runs, 0, 1, 1);
	assert_hist(&sy->sy_pages, 0, 0, 1);
	assert_int_equal(sy->sy_pages.sh_sum, 3);
	/* Nothing was written since. */
	sy = &sr->sr_sync[STATS_ASYNC];
	assert_int_equal(sy->sy_count, 1);
	assert_int_equal(sy->sy_clean, 1);
	assert_int_equal(sy->sy_runs.sh_count, 0);
	/* 10 is left. */
	sy = &sr->sr_sync[STATS_FSYNC];
	assert_hist(&sy->sy_runs, 0, 1);
	assert_int_equal(sr->sr_dirtied, 4);
	assert_int_equal(sr->sr_dirty, 0);
	assert_int_equal(sr->sr_sync[STATS_ANY].sy_runs.sh_count, 3);
	assert_int_equal(sr->sr_sync[STATS_ANY].sy_clean, 1);
}

static void
sync_covers_every_file_and_runs_end_with_theirs(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_sync *sy;
	const struct stats_result *sr;

	(void)event(fx, TRACE_WRITE, 6, 2);
	event(fx, TRACE_WRITE, 8, 2)->te_file = 2;
	(void)event(fx, TRACE_SYNC, 0, 0);
	sr = result(fx);
	sy = &sr->sr_sync[STATS_ALL];
	assert_hist(&sy->sy_runs, 0, 0, 2);
	assert_int_equal(sy->sy_pages.sh_max, 4);
}

static void
a_run_goes_on_from_leaf_to_leaf(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	(void)event(fx, TRACE_WRITE, 5, 1000);
	(void)event(fx, TRACE_FSYNC, 0, 0);
	sr = result(fx);
	assert_int_equal(sr->sr_sync[STATS_FSYNC].sy_runs.sh_count, 1);
	assert_int_equal(sr->sr_sync[STATS_FSYNC].sy_runs.sh_max, 1000);
}

static void
what_does_not_reach_the_file_is_not_dirty(void **state)
{
	struct fixture *const fx = *state;
	struct trace_event *te;
	const struct stats_result *sr;

	te = event(fx, TRACE_ATTACH, 0, 100);
	te->te_map = 2;
	te->te_flags = TRACE_F_PRIVATE | TRACE_F_W;
	event(fx, TRACE_WRITE, 1, 1)->te_map = 2;
	event(fx, TRACE_WRITE, 2, 1)->te_flags = TRACE_F_PRIVATE;
	(void)event(fx, TRACE_PWRITE, 3, 1);
	(void)event(fx, TRACE_FSYNC, 0, 0);
	sr = result(fx);
	assert_int_equal(sr->sr_dirtied, 0);
	assert_int_equal(sr->sr_sync[STATS_FSYNC].sy_clean, 1);
	assert_int_equal(sr->sr_accesses[1], 2);
	assert_int_equal(sr->sr_bytes[1], 4096);
}

static void
truncate_and_punch_drop_whole_pages(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	(void)event(fx, TRACE_WRITE, 0, 10);
	/* The end lies within page 7, which stays; 8 and 9 go. */
	event(fx, TRACE_TRUNCATE, 0, 0)->te_length = 7 * 4096 + 1;
	/* From within page 1, which stays; 2 and 3 go. */
	struct trace_event *const te = event(fx, TRACE_FALLOCATE, 1, 3);
	te->te_offset += 100;
	te->te_length -= 100;
	te->te_flags = TRACE_F_PUNCH | TRACE_F_KEEP;
	/* Growing drops nothing. */
	(void)event(fx, TRACE_FALLOCATE, 0, 100);
	(void)event(fx, TRACE_FSYNC, 0, 0);
	sr = result(fx);
	assert_int_equal(sr->sr_dropped, 4);
	/* 0 and 1; 4 to 7. */
	assert_hist(&sr->sr_sync[STATS_FSYNC].sy_runs, 0, 0, 1, 1);
}

static void
an_msync_without_length_is_of_its_map(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	(void)event(fx, TRACE_ATTACH, 2, 4);
	(void)event(fx, TRACE_WRITE, 0, 10);
	event(fx, TRACE_MSYNC, 2, 0)->te_flags = TRACE_F_SYNC;
	sr = result(fx);
	assert_int_equal(sr->sr_sync[STATS_MSYNC].sy_runs.sh_max, 4);
	assert_int_equal(sr->sr_dirty, 6);
}

static void
intervals_are_between_syncs_of_a_kind(void **state)
{
	/* Times 10, 30, 60, 100; one to three accesses before each. */
	static const unsigned accesses[] = { 1, 1, 2, 3 };
	struct fixture *const fx = *state;
	const struct stats_sync *sy;
	const struct stats_result *sr;

	for (size_t i = 0; i < nitems(accesses); i++) {
		for (unsigned k = 0; k < accesses[i]; k++)
			(void)event(fx, TRACE_WRITE, k, 1);
		(void)event(fx, i == 1 ? TRACE_FSYNC : TRACE_MSYNC, 0, 1);
	}
	sr = result(fx);
	/* 10 to 60, 60 to 100. */
	sy = &sr->sr_sync[STATS_MSYNC];
	assert_int_equal(sy->sy_time.ss_count, 2);
	assert_int_equal(sy->sy_time.ss_median, 40);
	assert_int_equal(sy->sy_time.ss_p90, 50);
	assert_int_equal(sy->sy_accesses.ss_median, 3);
	assert_int_equal(sr->sr_sync[STATS_FSYNC].sy_time.ss_count, 0);
	/* 20, 30, 40. */
	sy = &sr->sr_sync[STATS_ANY];
	assert_int_equal(sy->sy_time.ss_median, 30);
	assert_int_equal(sy->sy_time.ss_max, 40);
	assert_int_equal(sy->sy_accesses.ss_median, 2);
}

static void
runs_go_one_by_one_and_in_one_direction(void **state)
{
	static const uint64_t pages[] = { 5, 6, 6, 7, 6, 5, 9, 20, 21 };
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	for (size_t i = 0; i < nitems(pages); i++)
		(void)event(fx, TRACE_READ, pages[i], 1);
	sr = result(fx);
	assert_int_equal(sr->sr_seq.sq_first, 1);
	assert_int_equal(sr->sr_seq.sq_same, 1);
	/* Up: three of 1, 5 to 9, 9 to 20. Down: two of 1. */
	assert_hist(&sr->sr_seq.sq_step[1], 0, 3, 0, 1, 1);
	assert_hist(&sr->sr_seq.sq_step[0], 0, 2);
	/* 5, 6, 7 and 20, 21; then 6, 5; 9 alone. */
	assert_hist(&sr->sr_seq.sq_run[1], 0, 0, 2);
	assert_int_equal(sr->sr_seq.sq_run[1].sh_max, 3);
	assert_hist(&sr->sr_seq.sq_run[0], 0, 0, 1);
	assert_int_equal(sr->sr_seq.sq_alone, 1);
}

static void
threads_do_not_break_each_others_runs(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	for (uint64_t i = 0; i < 4; i++) {
		(void)event(fx, TRACE_READ, i, 1);
		event(fx, TRACE_READ, 100 - i, 1)->te_tid = 2;
		event(fx, TRACE_READ, 50 + i, 1)->te_file = 2;
	}
	sr = result(fx);
	assert_int_equal(sr->sr_seq.sq_run[1].sh_count, 2);
	assert_int_equal(sr->sr_seq.sq_run[1].sh_max, 4);
	assert_int_equal(sr->sr_seq.sq_run[0].sh_count, 1);
	assert_int_equal(sr->sr_seq.sq_run[0].sh_max, 4);
}

static void
parts_of_the_time_have_their_pages(void **state)
{
	struct fixture *const fx = *state;
	const struct stats_result *sr;

	/* Times 0 to 90 by 10: 91 ns, as 19 parts of 5 ns. */
	for (uint64_t i = 0; i < 10; i++)
		(void)event(fx, TRACE_READ, i % 3, 2);
	sr = result(fx);
	assert_int_equal(sr->sr_part_ns, 5);
	assert_int_equal(sr->sr_nparts, 19);
	assert_int_equal(sr->sr_part[0].st_pages, 2);
	assert_int_equal(sr->sr_part[0].st_first, 2);
	assert_int_equal(sr->sr_part[2].st_first, 1);
	assert_int_equal(sr->sr_part[4].st_first, 1);
	assert_int_equal(sr->sr_part[18].st_pages, 2);
	assert_int_equal(sr->sr_part[18].st_first, 0);
	assert_int_equal(sr->sr_part[17].st_accesses, 0);
}

int
main(void)
{
#define EXAMPLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		EXAMPLE(a_distance_is_the_number_of_other_pages_in_between),
		EXAMPLE(files_have_pages_of_their_own),
		EXAMPLE(a_sync_finds_runs_of_what_was_written_in_its_range),
		EXAMPLE(sync_covers_every_file_and_runs_end_with_theirs),
		EXAMPLE(a_run_goes_on_from_leaf_to_leaf),
		EXAMPLE(what_does_not_reach_the_file_is_not_dirty),
		EXAMPLE(truncate_and_punch_drop_whole_pages),
		EXAMPLE(an_msync_without_length_is_of_its_map),
		EXAMPLE(intervals_are_between_syncs_of_a_kind),
		EXAMPLE(runs_go_one_by_one_and_in_one_direction),
		EXAMPLE(threads_do_not_break_each_others_runs),
		EXAMPLE(parts_of_the_time_have_their_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
