#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/analysis/made.h"

/* Data and scripts of all figures; ids as fj_id. */
static int
try_write(struct made *md, int64_t run, int64_t sweep, int64_t session,
    struct figures_report *fp, struct errmsg *em)
{
	const struct figures_job fj = {
		.fj_db = md->md_db,
		.fj_id = { run, sweep, session },
		.fj_dir = md->md_out,
	};

	return analysis_figures(&fj, fp, em);
}

static void
write_only(struct made *md, int64_t run, int64_t sweep, int64_t session,
    struct figures_report *fp)
{
	struct errmsg em = { .em_text = "" };

	must_em(try_write(md, run, sweep, session, fp, &em), &em);
}

static void
each_figure_says_what_it_shows(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_sweeps(md);
	made_run(md, 1000);
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 1000);
	assert_int_equal(fp.fp_id[FIGURE_SWEEP], 4);
	assert_int_equal(made_result(&fp, "latency")->fr_id, 1000);
	assert_int_equal(made_result(&fp, "heat")->fr_id, 2);
	for (int i = 0; i < 2; i++) {
		const char *ext = i == 0 ? "dat" : "gp";
		char name[32];

		(void)snprintf(name, sizeof(name), "latency.%s", ext);
		assert_non_null(strstr(made_text(md, name),
		    "# run 1000 (complete) of trace \"some.uvt\"\n"));
		(void)snprintf(name, sizeof(name), "heat.%s", ext);
		assert_non_null(strstr(made_text(md, name),
		    "# sweep 2 (complete) of trace \"a.uvt\"\n"));
	}
}

/* After a sweep, figures of a run show the one that was made to be looked at. */
static void
a_run_of_its_own_goes_before_cells_of_sweeps(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_run(md, 1);
	const int64_t sweep = made_sweep(md, "[]");
	const int64_t cell = made_cell(md, sweep, "id = id");
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 1);
	made_exec(md, "UPDATE run SET status = 'failed' WHERE id = 1");
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_RUN], cell);
	assert_string_equal(fp.fp_status, "complete");
}

static void
the_newest_sweep_along_just_the_axes_is_drawn(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	/* Numbers 1 to 4 are of one figure each. */
	made_sweeps(md);
	made_cell(md, made_sweep(md, "[\"hash_penalty\",\"memory\"]"),
	    "id = id");
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(made_result(&fp, "penalty")->fr_id, 1);
	assert_string_equal(made_result(&fp, "penalty")->fr_note, "");
	assert_int_equal(made_result(&fp, "heat")->fr_id, 2);
	assert_int_equal(made_result(&fp, "cluster")->fr_id, 3);
	assert_int_equal(made_result(&fp, "faultahead")->fr_id, 4);
	/* Without one, the newest with others beside. */
	made_exec(md,
	    "UPDATE sweep_cell SET status = 'failed' WHERE sweep = 1");
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(made_result(&fp, "penalty")->fr_id, 5);
	assert_string_equal(made_result(&fp, "penalty")->fr_note,
	    "drawn at memory 67108864; one repeat: there are no intervals");
}

static void
the_sweep_asked_for_is_drawn_or_skipped(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_sweeps(md);
	write_only(md, 0, 2, 0, &fp);
	assert_int_equal(made_result(&fp, "penalty")->fr_id, 2);
	assert_string_equal(made_result(&fp, "penalty")->fr_note,
	    "drawn at cluster 65536");
	assert_int_equal(made_result(&fp, "faultahead")->fr_id, 2);
	assert_true(made_result(&fp, "faultahead")->fr_skipped);
	assert_string_equal(made_result(&fp, "faultahead")->fr_note,
	    "no finished cell along an axis fault_forward");
	assert_int_equal(made_size(md, "faultahead.dat"), -1);
}

static void
a_sweep_or_calibration_that_is_not_there_is_named(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;

	made_run(md, 1);
	assert_int_equal(try_write(md, 0, 3, 0, &fp, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "holds no sweep 3, and no other"));
	made_sweeps(md);
	em.em_text[0] = '\0';
	assert_int_equal(try_write(md, 0, 9, 0, &fp, &em), ENOENT);
	assert_non_null(
	    strstr(em.em_text, "holds no sweep 9; its newest is 4"));
	made_calibration(md, 6);
	em.em_text[0] = '\0';
	assert_int_equal(try_write(md, 0, 0, 7, &fp, &em), ENOENT);
	assert_non_null(
	    strstr(em.em_text, "holds no calibration 7; its newest is 6"));
}

static void
without_sweeps_the_run_is_drawn(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_run(md, 1);
	/* One that has no finished cell is none. */
	made_exec(md,
	    "UPDATE sweep_cell SET status = 'failed' WHERE sweep = %d",
	    (int)made_sweep(md, "[\"hash_penalty\"]"));
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_SWEEP], 0);
	assert_false(made_result(&fp, "latency")->fr_skipped);
	assert_true(made_result(&fp, "penalty")->fr_skipped);
	assert_int_equal(made_result(&fp, "penalty")->fr_id, 0);
	assert_string_equal(made_result(&fp, "penalty")->fr_note,
	    "the database has no sweep with a finished cell; uvn sweep adds "
	    "one");
}

static void
a_calibration_alone_is_something_to_draw(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_calibration(md, 3);
	write_only(md, 0, 0, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_CALIBRATION], 3);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 0);
	assert_true(made_result(&fp, "latency")->fr_skipped);
	assert_string_equal(made_result(&fp, "latency")->fr_note,
	    "the database has no run that is complete or interrupted; uvn "
	    "replay adds one");
}

static void
a_database_of_the_first_schema_can_be_drawn(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_run(md, 1);
	made_exec(md,
	    "DROP TABLE sweep; DROP TABLE sweep_cell; DROP TABLE flush_total;"
	    "DROP TABLE calibration; DROP TABLE flush;"
	    "CREATE TABLE flush(run INTEGER, n INTEGER, caller TEXT,"
	    " method TEXT, range_pages INTEGER, object_pages INTEGER);"
	    "PRAGMA user_version = 1;"
	    "DROP TABLE run;"
	    "CREATE TABLE run(id INTEGER PRIMARY KEY, status TEXT, trace TEXT);"
	    "INSERT INTO run VALUES(1, 'complete', 't')");
	write_only(md, 0, 0, 0, &fp);
	for (size_t i = 0; i < fp.fp_nfigures; i++)
		if (fp.fp_figure[i].fr_figure->fg_scope != FIGURE_RUN)
			assert_int_equal(fp.fp_figure[i].fr_id, 0);
	assert_false(made_result(&fp, "rates")->fr_skipped);
}

static void
facts_reach_the_script(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_sweeps(md);
	write_only(md, 0, 0, 0, &fp);
	assert_non_null(
	    strstr(made_text(md, "cluster.gp"), "\nsynced = \"msync\"\n"));
	made_exec(md, "UPDATE latency SET kind = 'fsync'");
	write_only(md, 0, 0, 0, &fp);
	assert_non_null(
	    strstr(made_text(md, "cluster.gp"), "\nsynced = \"fsync\"\n"));
	made_exec(md, "DELETE FROM latency");
	write_only(md, 0, 0, 0, &fp);
	assert_non_null(
	    strstr(made_text(md, "cluster.gp"), "\nsynced = \"\"\n"));
}

/* One point, ends of the axis only, holes, nothing measured: all are drawn. */
static void
what_is_missing_leaves_gaps(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	static const char *const names[] = { "penalty", "heat", "cluster",
		"faultahead" };
	int64_t sweep;

	made_need_gnuplot();
	for (int trial = 0; trial < 4; trial++) {
		const char *const axes =
		    "[\"hash_penalty\",\"cluster\",\"fault_forward\"]";

		sweep = made_sweep(md, axes);
		made_cell(md, sweep, "cluster = 512, hash_penalty = 0");
		if (trial == 1) {
			made_cell(md, sweep, "hash_penalty = 9e999");
			made_cell(md, sweep, "hash_penalty = 0");
		} else if (trial == 2)
			made_cell(md, sweep, "hash_penalty = 100");
		else if (trial == 3)
			made_exec(md,
			    "DELETE FROM latency; DELETE FROM flush_total;"
			    "UPDATE counter SET value = 0");
		must_em(made_figures(md, 0, &fp, &em), &em);
		for (size_t i = 0; i < nitems(names); i++) {
			assert_int_equal(made_result(&fp, names[i])->fr_id,
			    sweep);
			assert_int_equal(made_result(&fp, names[i])->fr_files,
			    FIGURE_BIT(FIGURE_NFILES) - 1);
		}
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		T(each_figure_says_what_it_shows),
		T(a_run_of_its_own_goes_before_cells_of_sweeps),
		T(the_newest_sweep_along_just_the_axes_is_drawn),
		T(the_sweep_asked_for_is_drawn_or_skipped),
		T(a_sweep_or_calibration_that_is_not_there_is_named),
		T(without_sweeps_the_run_is_drawn),
		T(a_calibration_alone_is_something_to_draw),
		T(a_database_of_the_first_schema_can_be_drawn),
		T(facts_reach_the_script),
		T(what_is_missing_leaves_gaps),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
