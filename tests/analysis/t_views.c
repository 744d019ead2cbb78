#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/analysis/made.h"
#include "tests/dice.h"

static void
a_histogram_becomes_the_corners_of_its_steps(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	assert_string_equal(made_rows(md,
				"SELECT latency_ns || ' ' || fraction FROM"
				" figure_5_latency WHERE run = 1"
				" AND kind = 'read' AND outcome = 'miss'"),
	    "80 0.0\n80 0.25\n90 0.25\n90 0.75\n120 0.75\n120 1.0\n");
	assert_string_equal(made_rows(md,
				"SELECT latency_ns || ' ' || fraction FROM"
				" figure_5_latency WHERE run = 1"
				" AND kind = 'msync'"),
	    "4992 0.0\n4992 1.0\n");
	assert_string_equal(made_rows(md,
				"SELECT DISTINCT kind || ' ' || total_ns FROM"
				" figure_5_latency ORDER BY 1"),
	    "msync 5000.0\nread 380.0\n");
}

/* Any histogram gives a curve that never falls, from 0 to 1. */
static void
every_curve_rises_from_0_to_1(void **state)
{
	struct made *md = *state;
	struct dice d = { dice_seed() };

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES(1, 'complete', 't')");
	for (int curve = 0; curve < 20; curve++) {
		char text[8192];
		long long value = roll(&d, 3);
		size_t n = 0;

		for (int i = 0, all = 1 + (int)roll(&d, 300); i < all; i++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%lld:%u", i > 0 ? " " : "", value,
			    1 + roll(&d, 100));
			value += 1 + roll(&d, 1000000);
		}
		made_exec(md,
		    "INSERT INTO latency(run, kind, outcome, count, timed, mean,"
		    " histogram) VALUES(1, 'k%d', 'ok', 1, 1, 1.0, '%s')",
		    curve, text);
	}
	assert_string_equal(
	    made_rows(md,
		"SELECT count(*) FROM (SELECT kind, min(fraction) AS low,"
		" max(fraction) AS high FROM figure_5_latency WHERE run = 1"
		" GROUP BY kind) WHERE low = 0.0 AND high = 1.0"),
	    "20\n");
	assert_string_equal(
	    made_rows(md,
		"SELECT count(*) FROM (SELECT latency_ns, fraction,"
		" lag(latency_ns) OVER w AS x, lag(fraction) OVER w AS y"
		" FROM figure_5_latency WHERE run = 1"
		" WINDOW w AS (PARTITION BY kind ORDER BY latency_ns, fraction))"
		" WHERE fraction < y OR latency_ns < x"),
	    "0\n");
}

static void
what_was_not_timed_has_no_curve(void **state)
{
	struct made *md = *state;

	made_exec(md,
	    "INSERT INTO latency(run, kind, outcome, count, timed)"
	    " VALUES(1, 'read', 'mapped', 900, 0);"
	    "INSERT INTO latency(run, kind, outcome, count, timed, histogram)"
	    " VALUES(1, 'read', 'resident', 0, 0, '')");
	assert_string_equal(made_rows(md,
				"SELECT count(*) FROM figure_5_latency"),
	    "0\n");
}

static void
only_the_run_asked_for_is_unfolded(void **state)
{
	struct made *md = *state;
	sqlite3_stmt *st;
	bool found = false;

	must(sqlite3_prepare_v2(md->md_sq,
	    "EXPLAIN QUERY PLAN SELECT * FROM figure_5_latency WHERE run = ?1",
	    -1, &st, NULL));
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);

		if (strstr(line, "latency USING PRIMARY KEY (run=?)") != NULL)
			found = true;
	}
	(void)sqlite3_finalize(st);
	assert_true(found);
}

static void
a_hit_rate_is_hits_of_the_intervals_accesses(void **state)
{
	struct made *md = *state;

	made_exec(md,
	    "INSERT INTO interval VALUES"
	    "(1, 0, 10, 8, 6, 5, 1, 2, 3, 100, 20, 30, 0, 0, 9, 0.5, 2),"
	    "(1, 1, 20, 0, 0, 0, 0, 0, 4, 101, 21, 31, 0, 0, 9, 0.5, 2)");
	assert_string_equal(
	    made_rows(md,
		"SELECT time_ns || ' ' || coalesce(hit_rate, 'none') || ' ' ||"
		" dirty || ' ' || free || ' ' || active || ' ' || inactive"
		" FROM figure_8_rates WHERE run = 1 ORDER BY time_ns"),
	    "10 75.0 3 100 20 30\n20 none 4 101 21 31\n");
}

static void
waits_of_a_thread_are_stacked_and_others_are_by_their_role(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	made_run(md, 2);
	assert_string_equal(
	    made_rows(md,
		"SELECT name || ' ' || kind || ' ' || low_ns || ' ' || high_ns"
		" || ' ' || coalesce(most_ns, 'none') || ' ' || total_ns"
		" FROM figure_8_threads WHERE run = 1"
		" ORDER BY part, thread, low_ns"),
	    "7 read 85 99 120 270.0\n9 read 90 90 90 90.0\n"
	    "9 msync 5000 5000 5000 5000.0\n"
	    "7 memory 0 1000 none 1000\n7 device 1000 1200 none 200\n"
	    "daemon device 0 4000 none 4000\n");
}

static void
waits_of_other_runs_are_not_looked_at(void **state)
{
	struct made *md = *state;
	sqlite3_stmt *st;
	unsigned searches = 0;

	must(sqlite3_prepare_v2(md->md_sq,
	    "EXPLAIN QUERY PLAN SELECT * FROM figure_8_threads WHERE run = ?1",
	    -1, &st, NULL));
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);

		if (strstr(line, "USING PRIMARY KEY (run=?)") != NULL)
			searches++;
	}
	(void)sqlite3_finalize(st);
	assert_int_equal(searches, 2);
}

static void
cluster_sizes_that_did_not_occur_are_left_out(void **state)
{
	struct made *md = *state;

	made_exec(md,
	    "INSERT INTO cluster VALUES(1, 'in', 1, 7), (1, 'in', 2, 0),"
	    " (1, 'out', 16, 3), (2, 'out', 1, 1)");
	assert_string_equal(
	    made_rows(md,
		"SELECT direction || ' ' || pages || ' ' || count"
		" FROM figure_clusters WHERE run = 1"
		" ORDER BY direction, pages"),
	    "in 1 7\nout 16 3\n");
}

/* What a figure selects is there, and runs without the rest of the program. */
static void
every_figure_selects_from_a_view(void **state)
{
	struct made *md = *state;

	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *fg = &figure_table[i];
		sqlite3_stmt *st;

		if (sqlite3_prepare_v2(md->md_sq, fg->fg_select, -1, &st,
			NULL) != SQLITE_OK)
			fail_msg("%s: %s", fg->fg_name,
			    sqlite3_errmsg(md->md_sq));
		assert_int_equal(sqlite3_bind_parameter_count(st), 1);
		(void)sqlite3_finalize(st);
		assert_non_null(strstr(fg->fg_select, "FROM figure_"));
		assert_in_range(fg->fg_curves, 0, FIGURE_CURVES);
	}
}

static void
making_the_views_twice_is_no_error(void **state)
{
	made_exec(*state, "%s", analysis_views_sql());
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		T(a_histogram_becomes_the_corners_of_its_steps),
		T(every_curve_rises_from_0_to_1),
		T(what_was_not_timed_has_no_curve),
		T(only_the_run_asked_for_is_unfolded),
		T(a_hit_rate_is_hits_of_the_intervals_accesses),
		T(waits_of_a_thread_are_stacked_and_others_are_by_their_role),
		T(waits_of_other_runs_are_not_looked_at),
		T(cluster_sizes_that_did_not_occur_are_left_out),
		T(every_figure_selects_from_a_view),
		T(making_the_views_twice_is_no_error),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
