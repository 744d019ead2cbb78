#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/analysis/made.h"
#include "tests/dice.h"

/* Cells of a penalty whose CPU times are those in the text. */
static void
cells_of_times(struct made *md, int64_t sweep, const char *set,
    const char *times)
{
	char *end;

	for (long t = strtol(times, &end, 10); end != times;
	     times = end, t = strtol(times, &end, 10)) {
		const long long run = made_cell(md, sweep, set);

		made_exec(md,
		    "DELETE FROM flush_total WHERE run = %lld"
		    " AND method = 'hash'; UPDATE flush_total SET cpu_ns = %ld"
		    " WHERE run = %lld",
		    run, t, run);
	}
}

static const char *
interval_of(struct made *md, int64_t sweep)
{
	return made_rows(md,
	    "SELECT repeats || ': ' || cpu_ns_low || ' ' || cpu_ns || ' ' ||"
	    " cpu_ns_high FROM figure_2_penalty WHERE sweep = %lld"
	    " ORDER BY hash_penalty",
	    (long long)sweep);
}

static void
the_interval_of_few_repeats_is_their_range(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");

	cells_of_times(md, sweep, "hash_penalty = 1", "7");
	cells_of_times(md, sweep, "hash_penalty = 2", "9 4");
	cells_of_times(md, sweep, "hash_penalty = 3", "5 1 3");
	cells_of_times(md, sweep, "hash_penalty = 4", "4 8 2 1");
	cells_of_times(md, sweep, "hash_penalty = 8", "60 10 30 20 50 40");
	assert_string_equal(interval_of(md, sweep),
	    "1: 7 7.0 7\n2: 4 6.5 9\n3: 1 3.0 5\n4: 1 3.0 8\n6: 10 35.0 60\n");
}

static void
the_interval_of_many_repeats_leaves_out_the_ends(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");

	cells_of_times(md, sweep, "hash_penalty = 1", "8 1 2 3 4 5 6 7");
	cells_of_times(md, sweep, "hash_penalty = 2", "9 8 1 2 3 4 5 6 7");
	cells_of_times(md, sweep, "hash_penalty = 3",
	    "12 11 10 9 8 1 2 3 4 5 6 7");
	cells_of_times(md, sweep, "hash_penalty = 4",
	    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
	/* All alike. */
	cells_of_times(md, sweep, "hash_penalty = 5", "3 3 3 3 3 3 3 3 3");
	assert_string_equal(interval_of(md, sweep),
	    "8: 1 4.5 8\n9: 2 5.0 8\n12: 3 6.5 10\n20: 6 10.5 15\n"
	    "9: 3 3.0 3\n");
}

/*
 * The median of a symmetric distribution lies in the interval in 95 % of all
 * trials, at least: with the chance that the repeats below r or above n + 1 - r
 * are all on one side, 2 * P(less than r of n coins fall one way).
 */
static void
the_interval_holds_the_median_in_95_of_100_cases(void **state)
{
	struct made *md = *state;
	char times[400];

	for (int n = 6; n <= 40; n++) {
		const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");
		double chance = 1, tail = 0;
		size_t len = 0;

		for (int i = 1; i <= n; i++)
			len += (size_t)snprintf(times + len,
			    sizeof(times) - len, "%d ", i);
		cells_of_times(md, sweep, "hash_penalty = 1", times);
		const long r = strtol(
		    made_rows(md,
			"SELECT cpu_ns_low FROM figure_2_penalty WHERE sweep = %d",
			(int)sweep),
		    NULL, 10);
		assert_string_equal(made_rows(md,
					"SELECT cpu_ns_low + cpu_ns_high = %d"
					" FROM figure_2_penalty"
					" WHERE sweep = %d",
					n + 1, (int)sweep),
		    "1\n");
		for (int i = 0; i < n; i++)
			chance /= 2;
		for (long i = 0; i < r; i++) {
			tail += chance;
			chance = chance * (double)(n - i) / (double)(i + 1);
		}
		if (2 * tail > 0.05)
			fail_msg("%d repeats: r is %ld, outside with %g", n, r,
			    2 * tail);
	}
}

/* In any order, with any ties: as counted here. */
static void
medians_are_those_of_the_sorted_repeats(void **state)
{
	struct made *md = *state;
	struct dice d = { dice_seed() };
	char times[400];

	for (int trial = 0; trial < 20; trial++) {
		const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");
		int count[10] = { 0 }, n = 1 + trial, low = 0, high = 0;
		size_t len = 0;

		for (int i = 0; i < n; i++) {
			const int value = (int)roll(&d, 10);

			count[value]++;
			len += (size_t)snprintf(times + len,
			    sizeof(times) - len, "%d ", value);
		}
		for (int v = 0, below = 0; v < 10; below += count[v], v++) {
			if (below < (n + 1) / 2)
				low = v;
			if (below < n / 2 + 1)
				high = v;
		}
		cells_of_times(md, sweep, "hash_penalty = 1", times);
		assert_int_equal(low + high,
		    strtol(made_rows(md,
			       "SELECT CAST(2 * cpu_ns AS INTEGER)"
			       " FROM figure_2_penalty WHERE sweep = %d",
			       (int)sweep),
			NULL, 10));
	}
}

static void
always_looking_up_and_always_walking_are_penalties(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");

	made_cell(md, sweep, "hash_penalty = 9e999");
	made_cell(md, sweep, "hash_penalty = 0.015625");
	made_cell(md, sweep, "hash_penalty = 0");
	assert_string_equal(
	    made_rows(md,
		"SELECT hash_penalty || ' ' || cpu_ns || ' ' || writes"
		" FROM figure_2_penalty WHERE sweep = %d ORDER BY hash_penalty",
		(int)sweep),
	    "0.0 1000.0 20.0\n0.015625 1000.0 20.0\nInf 1000.0 20.0\n");
}

static void
only_finished_cells_are_counted(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");

	made_cell(md, sweep, "hash_penalty = 1");
	const long long failed = made_cell(md, sweep, "hash_penalty = 2");
	made_exec(md,
	    "UPDATE sweep_cell SET status = 'failed' WHERE run = %lld;"
	    "INSERT INTO sweep_cell VALUES(%d, 900, 'a.uvt', 'd', 0, '{}', 'c',"
	    " 'planned', NULL, NULL)",
	    failed, (int)sweep);
	assert_string_equal(made_rows(md,
				"SELECT hash_penalty FROM figure_2_penalty"),
	    "1.0\n");
}

static void
throughput_is_what_was_cleaned_over_the_time_of_flushes(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\",\"cluster\"]");
	const long long idle =
	    made_cell(md, sweep, "cluster = 4096, page_size = 1024");

	/* 6 pages in 3000 ns. */
	made_cell(md, sweep, "cluster = 8192, page_size = 1024");
	made_exec(md, "DELETE FROM flush_total WHERE run = %lld", idle);
	assert_string_equal(
	    made_rows(md,
		"SELECT cluster || ' ' || coalesce(rate, 'none') || ' ' ||"
		" writes FROM figure_3_heat WHERE sweep = %d ORDER BY cluster",
		(int)sweep),
	    "4096 none 20.0\n8192 2048000000.0 20.0\n");
	assert_string_equal(
	    made_rows(md,
		"SELECT cpu_ns FROM figure_2_penalty WHERE sweep = %d",
		(int)sweep),
	    "0.0\n");
}

static void
latency_is_of_msync_else_of_fsync_else_of_sync(void **state)
{
	static const char insert[] =
	    "INSERT INTO latency(run, kind, outcome, count, timed, p99)"
	    " VALUES(%lld, %Q, 'ok', 1, %d, %d)";
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"cluster\"]");
	long long run[4];

	for (int i = 0; i < 4; i++) {
		char set[32];

		(void)snprintf(set, sizeof(set), "cluster = %d", 1 << i);
		run[i] = made_cell(md, sweep, set);
		made_exec(md, insert, run[i], "read", 1, 1);
		if (i > 0)
			made_exec(md,
			    "DELETE FROM latency WHERE run = %lld"
			    " AND kind = 'msync'",
			    run[i]);
		if (i < 2)
			made_exec(md, insert, run[i], "fsync", 1, 800);
		if (i < 3)
			made_exec(md, insert, run[i], "sync", 1, 900);
	}
	assert_string_equal(made_rows(md,
				"SELECT coalesce(p99_ns, 'none')"
				" FROM figure_4_cluster WHERE sweep = %d"
				" ORDER BY cluster",
				(int)sweep),
	    "700.0\n800.0\n900.0\nnone\n");
}

static void
each_policy_and_each_window_is_a_curve(void **state)
{
	struct made *md = *state;

	made_sweeps(md);
	assert_string_equal(
	    made_rows(md,
		"SELECT cluster_policy || ' ' || cluster || ' ' || repeats"
		" FROM figure_4_cluster WHERE sweep = 3 ORDER BY 1"),
	    "around 65536 6\nforward 4096 6\nforward 65536 6\n");
	assert_string_equal(
	    made_rows(md,
		"SELECT fault_back || ' ' || fault_forward || ' ' || faults ||"
		" ' ' || misses FROM figure_7_faultahead WHERE sweep = 4"
		" ORDER BY fault_back, fault_forward"),
	    "0 4 50.0 5.0\n3 4 50.0 5.0\n3 16 50.0 5.0\n");
}

static void
a_sweep_without_the_axes_has_no_such_figure(void **state)
{
	struct made *md = *state;
	static const char count[] =
	    "SELECT (SELECT count(*) FROM figure_2_penalty)"
	    " || ' ' || (SELECT count(*) FROM figure_3_heat)"
	    " || ' ' || (SELECT count(*) FROM figure_4_cluster)"
	    " || ' ' || (SELECT count(*) FROM figure_7_faultahead)";

	made_cell(md, made_sweep(md, "[]"), "id = id");
	made_cell(md, made_sweep(md, "[\"memory\",\"cluster_policy\"]"),
	    "id = id");
	made_cell(md, made_sweep(md, "[\"fault_back\"]"), "id = id");
	assert_string_equal(made_rows(md, count), "0 0 0 0\n");
	made_cell(md, made_sweep(md, "[\"cluster\"]"), "id = id");
	assert_string_equal(made_rows(md, count), "0 0 1 0\n");
	made_cell(md, made_sweep(md, "[\"hash_penalty\"]"), "id = id");
	assert_string_equal(made_rows(md, count), "1 0 1 0\n");
	made_cell(md, made_sweep(md, "[\"fault_forward\"]"), "id = id");
	assert_string_equal(made_rows(md, count), "1 0 1 1\n");
}

static void
other_axes_are_drawn_at_the_values_of_1998(void **state)
{
	struct made *md = *state;
	const int64_t sweep =
	    made_sweep(md, "[\"cluster\",\"hash_penalty\",\"memory\"]");

	made_cell(md, sweep, "cluster = 4096, hash_penalty = 1, memory = 7");
	made_cell(md, sweep, "cluster = 65536, hash_penalty = 1, memory = 9");
	made_cell(md, sweep, "cluster = 65536, hash_penalty = 2, memory = 8");
	made_cell(md, sweep, "cluster = 65536, hash_penalty = 3, memory = 9");
	made_cell(md, sweep, "cluster = 65536, hash_penalty = 4, memory = 8");
	/* Memory has no value of 1998: that of the first cell. */
	assert_string_equal(made_rows(md,
				"SELECT hash_penalty FROM figure_2_penalty"
				" WHERE sweep = %d",
				(int)sweep),
	    "1.0\n3.0\n");
	assert_string_equal(made_rows(md,
				"SELECT note FROM figure_sweep_note"
				" WHERE sweep = %d AND figure = 'penalty'",
				(int)sweep),
	    "drawn at cluster 65536, memory 9\n");
	/* And where 1998's value is not swept, too. */
	assert_string_equal(made_rows(md,
				"SELECT note FROM figure_sweep_note"
				" WHERE sweep = %d AND figure = 'cluster'",
				(int)sweep),
	    "drawn at hash_penalty 4.0, memory 8\n");
	made_exec(md, "UPDATE run SET hash_penalty = 5 WHERE hash_penalty = 4");
	assert_string_equal(made_rows(md,
				"SELECT cluster FROM figure_4_cluster"
				" WHERE sweep = %d",
				(int)sweep),
	    "4096\n");
}

static void
of_several_traces_the_first_is_drawn(void **state)
{
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");
	const long long other = made_cell(md, sweep, "hash_penalty = 1");

	made_exec(md,
	    "UPDATE sweep_cell SET trace = 'b.uvt', digest = 'e'"
	    " WHERE run = %lld;"
	    "UPDATE sweep SET traces = '[{\"path\":\"a.uvt\",\"digest\":\"d\"},"
	    "{\"path\":\"b.uvt\",\"digest\":\"e\"}]'",
	    other);
	made_cell(md, sweep, "hash_penalty = 2");
	assert_string_equal(made_rows(md,
				"SELECT hash_penalty FROM figure_2_penalty"),
	    "2.0\n");
	assert_string_equal(made_rows(md, "SELECT note FROM figure_sweep_note"),
	    "drawn at trace a.uvt\n");
}

static void
too_few_repeats_are_said_so(void **state)
{
	static const char note[] = "SELECT note FROM figure_sweep_spread"
				   " WHERE sweep = %d AND figure = 'penalty'";
	struct made *md = *state;
	const int64_t sweep = made_sweep(md, "[\"hash_penalty\"]");

	made_cell(md, sweep, "hash_penalty = 1");
	made_cell(md, sweep, "hash_penalty = 2");
	assert_string_equal(made_rows(md, note, (int)sweep),
	    "one repeat: there are no intervals\n");
	for (int i = 0; i < 5; i++)
		made_cell(md, sweep, "hash_penalty = 1");
	assert_string_equal(made_rows(md, note, (int)sweep),
	    "intervals are ranges: fewer than 6 repeats\n");
	for (int i = 0; i < 5; i++)
		made_cell(md, sweep, "hash_penalty = 2");
	assert_string_equal(made_rows(md, note, (int)sweep), "");
}

/* A database of a thousand sweeps is not read to draw one. */
static void
only_the_sweep_asked_for_is_read(void **state)
{
	static const char *const views[] = {
		"figure_2_penalty",
		"figure_3_heat",
		"figure_4_cluster",
		"figure_7_faultahead",
		"figure_sweep_cell",
		"figure_sweep_note",
		"figure_sweep_spread",
	};
	struct made *md = *state;

	for (size_t i = 0; i < nitems(views); i++) {
		sqlite3_stmt *st;
		bool found = false;
		char *sql = sqlite3_mprintf(
		    "EXPLAIN QUERY PLAN SELECT * FROM %s WHERE sweep = ?1",
		    views[i]);

		must(sqlite3_prepare_v2(md->md_sq, sql, -1, &st, NULL));
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *line =
			    (const char *)sqlite3_column_text(st, 3);

			if (strstr(line,
				"SEARCH cell USING PRIMARY KEY"
				" (sweep=?)") != NULL)
				found = true;
			if (strstr(line, "SCAN cell") != NULL)
				fail_msg("%s: %s", views[i], line);
		}
		(void)sqlite3_finalize(st);
		sqlite3_free(sql);
		assert_true(found);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		T(the_interval_of_few_repeats_is_their_range),
		T(the_interval_of_many_repeats_leaves_out_the_ends),
		T(the_interval_holds_the_median_in_95_of_100_cases),
		T(medians_are_those_of_the_sorted_repeats),
		T(always_looking_up_and_always_walking_are_penalties),
		T(only_finished_cells_are_counted),
		T(throughput_is_what_was_cleaned_over_the_time_of_flushes),
		T(latency_is_of_msync_else_of_fsync_else_of_sync),
		T(each_policy_and_each_window_is_a_curve),
		T(a_sweep_without_the_axes_has_no_such_figure),
		T(other_axes_are_drawn_at_the_values_of_1998),
		T(of_several_traces_the_first_is_drawn),
		T(too_few_repeats_are_said_so),
		T(only_the_sweep_asked_for_is_read),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
