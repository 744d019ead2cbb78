/*
 * All statistics against the same ones computed naively, on traces made up at
 * random; and what happens at their limits.
 */
#include "tests/test.h"

#include <inttypes.h>
#include <string.h>

#include "tests/traces/stats_naive.h"

#define FILES 3

static uint64_t seed;

struct fixture {
	struct trace_meta fx_meta;
	struct trace_file fx_files[FILES];
};

static int
setup(void **state)
{
	static struct fixture fx;

	meta_fill(&fx.fx_meta, fx.fx_files, FILES);
	*state = &fx;
	return 0;
}

static void
hist_equal(const struct stats_hist *a, const struct stats_hist *b,
    const char *what)
{
	for (unsigned k = 0; k < STATS_BUCKETS; k++)
		if (a->sh_bucket[k] != b->sh_bucket[k])
			fail_msg("seed %" PRIu64 ": %s: bucket %u is %" PRIu64
				 ", not %" PRIu64,
			    seed, what, k, a->sh_bucket[k], b->sh_bucket[k]);
	assert_int_equal(a->sh_count, b->sh_count);
	assert_int_equal(a->sh_sum, b->sh_sum);
	assert_int_equal(a->sh_max, b->sh_max);
}

static void
seq_equal(const struct stats_seq *a, const struct stats_seq *b)
{
	assert_int_equal(a->sq_complete, b->sq_complete);
	assert_int_equal(a->sq_first, b->sq_first);
	assert_int_equal(a->sq_same, b->sq_same);
	assert_int_equal(a->sq_alone, b->sq_alone);
	hist_equal(&a->sq_step[0], &b->sq_step[0], "steps down");
	hist_equal(&a->sq_step[1], &b->sq_step[1], "steps up");
	hist_equal(&a->sq_run[0], &b->sq_run[0], "runs down");
	hist_equal(&a->sq_run[1], &b->sq_run[1], "runs up");
}

static void
results_equal(const struct stats_result *a, const struct stats_result *b)
{
	assert_memory_equal(a->sr_files, b->sr_files,
	    a->sr_nfiles * sizeof(*a->sr_files));
	assert_memory_equal(a->sr_ops, b->sr_ops, sizeof(a->sr_ops));
	assert_memory_equal(a->sr_flag, b->sr_flag, sizeof(a->sr_flag));
	for (unsigned w = 0; w < 2; w++) {
		assert_int_equal(a->sr_accesses[w], b->sr_accesses[w]);
		assert_int_equal(a->sr_bytes[w], b->sr_bytes[w]);
	}
	assert_int_equal(a->sr_pids, b->sr_pids);
	assert_int_equal(a->sr_tids, b->sr_tids);
	assert_int_equal(a->sr_touched, b->sr_touched);
	assert_true(a->sr_pages_complete && a->sr_pids_complete);
	hist_equal(&a->sr_reuse, &b->sr_reuse, "reuse");
	assert_int_equal(a->sr_dirtied, b->sr_dirtied);
	assert_int_equal(a->sr_dropped, b->sr_dropped);
	assert_int_equal(a->sr_dirty, b->sr_dirty);
	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++) {
		const struct stats_sync *const x = &a->sr_sync[kind];
		const struct stats_sync *const y = &b->sr_sync[kind];

		assert_int_equal(x->sy_count, y->sy_count);
		assert_int_equal(x->sy_clean, y->sy_clean);
		hist_equal(&x->sy_pages, &y->sy_pages, stats_sync_name[kind]);
		hist_equal(&x->sy_runs, &y->sy_runs, stats_sync_name[kind]);
		assert_memory_equal(&x->sy_time, &y->sy_time,
		    sizeof(x->sy_time));
		assert_memory_equal(&x->sy_accesses, &y->sy_accesses,
		    sizeof(x->sy_accesses));
	}
	seq_equal(&a->sr_seq, &b->sr_seq);
}

/* The parts cover the span, and each has the pages it has. */
static void
parts_right(const struct stats_result *sr, const struct trace_event *ev,
    size_t n)
{
	const uint64_t span = sr->sr_last - sr->sr_first;
	uint64_t accesses, first = 0;

	assert_in_range(sr->sr_nparts, 1, STATS_PARTS);
	assert_int_equal(sr->sr_nparts, span / sr->sr_part_ns + 1);
	for (size_t i = 0; i < sr->sr_nparts; i++) {
		const uint64_t from = sr->sr_first + i * sr->sr_part_ns;
		const uint64_t to = from + sr->sr_part_ns;

		assert_int_equal(sr->sr_part[i].st_pages,
		    stats_naive_pages(ev, n, from, to, &accesses));
		assert_int_equal(sr->sr_part[i].st_accesses, accesses);
		first += sr->sr_part[i].st_first;
		assert_int_equal(first,
		    stats_naive_pages(ev, n, 0, to, &accesses));
	}
}

static void
they_are_what_a_naive_count_gives(void **state)
{
	const struct fixture *const fx = *state;
	const struct stats_param sp = { .sp_fast = false };
	struct dice d;

	for (unsigned round = 0; round < 12; round++, seed++) {
		const size_t n = round < 2 ? round : 300U << round % 4;
		const struct stats_result *sr;
		struct stats_result naive;
		struct trace_stats *ts;
		struct trace_event *ev;

		d.d_state = seed;
		ev = stats_events(&d, n, FILES, 8U << round % 5);
		ts = stats_of(&fx->fx_meta, &sp, ev, n, &sr);
		stats_naive(&fx->fx_meta, ev, n, &naive);
		results_equal(sr, &naive);
		if (n > 0)
			parts_right(sr, ev, n);
		trace_stats_destroy(ts);
		free(naive.sr_files);
		free(ev);
	}
}

static void
they_can_be_asked_for_in_between(void **state)
{
	const struct fixture *const fx = *state;
	const struct stats_param sp = { .sp_fast = false };
	const size_t n = 1200, piece = 100;
	struct dice d = { seed };
	struct trace_event *const ev = stats_events(&d, n, FILES, 30);
	const struct stats_result *sr;
	struct trace_stats *const ts =
	    stats_of(&fx->fx_meta, &sp, ev, piece, &sr);
	struct stats_result naive;

	for (size_t i = piece; i < n; i += piece) {
		trace_stats_take(ts, ev + i, piece);
		sr = trace_stats_result(ts);
	}
	stats_naive(&fx->fx_meta, ev, n, &naive);
	results_equal(sr, &naive);
	parts_right(sr, ev, n);
	trace_stats_destroy(ts);
	free(naive.sr_files);
	free(ev);
}

static void
fast_leaves_out_the_distances_alone(void **state)
{
	const struct fixture *const fx = *state;
	const struct stats_param sp = { .sp_fast = true };
	const size_t n = 2000;
	struct dice d = { seed };
	struct trace_event *const ev = stats_events(&d, n, FILES, 30);
	const struct stats_result *sr;
	struct trace_stats *const ts = stats_of(&fx->fx_meta, &sp, ev, n, &sr);
	struct stats_result naive;

	stats_naive(&fx->fx_meta, ev, n, &naive);
	assert_false(sr->sr_reuse_known);
	memset(&naive.sr_reuse, 0, sizeof(naive.sr_reuse));
	results_equal(sr, &naive);
	parts_right(sr, ev, n);
	trace_stats_destroy(ts);
	free(naive.sr_files);
	free(ev);
}

static void
too_many_pages_are_said_to_be(void **state)
{
	const struct fixture *const fx = *state;
	const struct stats_param sp = { .sp_memory = 1 << 20 };
	const size_t n = 100000;
	struct trace_event *const ev = calloc(n, sizeof(*ev));
	const struct stats_result *sr;
	struct trace_stats *ts;

	assert_non_null(ev);
	for (size_t i = 0; i < n; i++)
		ev[i] = (struct trace_event){
			.te_time = i,
			.te_op = i % 1000 == 999 ? TRACE_MSYNC : TRACE_WRITE,
			.te_file = 1,
			.te_map = 1,
			.te_offset = i << 16,
			.te_length = 4096,
		};
	ts = stats_of(&fx->fx_meta, &sp, ev, n, &sr);
	assert_false(sr->sr_pages_complete);
	assert_false(sr->sr_reuse_known);
	assert_int_equal(sr->sr_nparts, 0);
	assert_in_range(sr->sr_touched, 1000, 1 << 14);
	/* What does not go by pages is as it was. */
	assert_int_equal(sr->sr_accesses[1], 99900);
	assert_int_equal(sr->sr_sync[STATS_MSYNC].sy_count, 100);
	assert_int_equal(sr->sr_sync[STATS_MSYNC].sy_accesses.ss_median, 999);
	assert_int_equal(sr->sr_seq.sq_step[1].sh_bucket[5], 99899 - 99);
	trace_stats_destroy(ts);
	free(ev);
}

/* As many pages as a file can have: they are counted, not walked for ever. */
static void
a_range_without_end_is_no_hang(void **state)
{
	const struct fixture *const fx = *state;
	const struct stats_param sp = { .sp_memory = 1 << 22 };
	const uint64_t all = INT64_MAX / 4096 + 1;
	struct trace_event ev[3] = {
		{ .te_op = TRACE_READ, .te_file = 1, .te_map = 1 },
		{ .te_op = TRACE_WRITE, .te_file = 2, .te_map = 1 },
		{ .te_op = TRACE_MSYNC, .te_file = 2, .te_map = 1 },
	};
	const struct stats_result *sr;
	struct trace_stats *ts;

	for (size_t i = 0; i < nitems(ev); i++) {
		ev[i].te_length = INT64_MAX;
		assert_null(trace_event_check(&ev[i]));
	}
	ts = stats_of(&fx->fx_meta, &sp, ev, nitems(ev), &sr);
	assert_int_equal(sr->sr_accesses[0], all);
	assert_int_equal(sr->sr_accesses[1], all);
	assert_false(sr->sr_pages_complete);
	assert_int_equal(sr->sr_seq.sq_run[1].sh_max, all);
	assert_int_equal(sr->sr_seq.sq_step[1].sh_count, 2 * (all - 1));
	trace_stats_destroy(ts);
}

static void
files_may_have_any_number(void **state)
{
	char name[] = "f";
	struct trace_file files[3] = { { 70, 0, name }, { 4000000000, 0, name },
		{ 2, 0, name } };
	const struct trace_meta tm = {
		.tm_version = 1,
		.tm_page = 4096,
		.tm_files = files,
		.tm_nfiles = nitems(files),
	};
	struct trace_event ev[6] = { { .te_op = TRACE_READ } };
	const struct stats_param sp = { .sp_fast = false };
	const struct stats_result *sr;
	struct trace_stats *ts;

	(void)state;
	for (size_t i = 0; i < nitems(ev); i++) {
		ev[i] = ev[0];
		ev[i].te_file = files[i % 3].tf_id;
		ev[i].te_map = 1;
		ev[i].te_length = 4096 * (i % 3 + 1);
	}
	ts = stats_of(&tm, &sp, ev, nitems(ev), &sr);
	for (size_t i = 0; i < nitems(files); i++) {
		assert_int_equal(sr->sr_files[i].sf_accesses[0], 2 * (i + 1));
		assert_int_equal(sr->sr_files[i].sf_touched, i + 1);
	}
	trace_stats_destroy(ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(they_are_what_a_naive_count_gives,
		    setup),
		cmocka_unit_test_setup(they_can_be_asked_for_in_between, setup),
		cmocka_unit_test_setup(fast_leaves_out_the_distances_alone,
		    setup),
		cmocka_unit_test_setup(too_many_pages_are_said_to_be, setup),
		cmocka_unit_test_setup(a_range_without_end_is_no_hang, setup),
		cmocka_unit_test(files_may_have_any_number),
	};

	seed = dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
