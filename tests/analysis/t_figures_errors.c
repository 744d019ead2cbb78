#include "tests/test.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/analysis/made.h"

/* Draw what must fail with error, and a message with the words. */
static void
refuse(struct made *md, int error, const char *words)
{
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;

	assert_int_equal(made_figures(md, 0, &fp, &em), error);
	if (strstr(em.em_text, words) == NULL)
		fail_msg("'%s' does not say '%s'", em.em_text, words);
	assert_null(strchr(em.em_text, '\n'));
}

/* A file called name below the folder, with the text. */
static void
put_file(const struct made *md, const char *name, const char *text)
{
	char path[512];
	FILE *fp;

	(void)snprintf(path, sizeof(path), "%s/%s", md->md_dir, name);
	if ((fp = fopen(path, "w")) == NULL)
		fail_msg("%s: cannot be made", path);
	(void)fputs(text, fp);
	must(fclose(fp));
	must(chmod(path, 0755));
}

static void
a_database_that_is_not_there_is_said_so(void **state)
{
	struct made *md = *state;

	must(unlink(md->md_db));
	refuse(md, ENOENT, "t.db: no such database");
	assert_int_not_equal(access(md->md_db, F_OK), 0);
}

static void
a_folder_is_no_database(void **state)
{
	struct made *md = *state;

	must(unlink(md->md_db));
	must(mkdir(md->md_db, 0755));
	refuse(md, EINVAL, "t.db: not a file");
}

static void
a_file_that_is_no_database_is_said_so(void **state)
{
	struct made *md = *state;

	must(unlink(md->md_db));
	put_file(md, "t.db", "seq,time_ns,pid,tid,op,file,map,offset,length\n");
	refuse(md, EINVAL, "t.db: it is not a SQLite database");
}

static void
anothers_database_is_refused(void **state)
{
	struct made *md = *state;

	made_exec(md, "PRAGMA application_id = 0");
	refuse(md, EINVAL, "not one that uvn made");
	must(unlink(md->md_db));
	put_file(md, "t.db", "");
	refuse(md, EINVAL, "not one that uvn made");
}

static void
a_newer_database_is_refused(void **state)
{
	struct made *md = *state;

	made_exec(md, "PRAGMA user_version = 99");
	refuse(md, EINVAL, "has schema 99, made by a newer uvn");
}

static void
a_database_without_our_tables_is_refused(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	made_exec(md, "DROP TABLE cluster");
	refuse(md, EINVAL, "no such table");
}

static void
a_damaged_histogram_is_refused(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	made_exec(md, "UPDATE latency SET histogram = '80:1 90' || char(34)");
	refuse(md, EINVAL, "malformed JSON");
}

static void
a_database_in_use_by_a_writer_can_be_drawn(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	const struct figures_job fj = { .fj_db = md->md_db,
		.fj_dir = md->md_out };

	made_exec(md, "PRAGMA journal_mode = WAL");
	made_run(md, 1);
	made_exec(md, "BEGIN IMMEDIATE; DELETE FROM cluster");
	must_em(analysis_figures(&fj, &fp, &em), &em);
	assert_false(made_result(&fp, "clusters")->fr_skipped);
	made_exec(md, "ROLLBACK");
}

static void
a_database_in_a_folder_that_cannot_be_written_can_be_drawn(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	char archive[300], db[400];
	const struct figures_job fj = { .fj_db = db, .fj_dir = md->md_out };
	const bool root = geteuid() == 0;
	int error;

	made_run(md, 1);
	(void)snprintf(archive, sizeof(archive), "%s/100%%?a#b", md->md_dir);
	must(mkdir(archive, 0755));
	(void)snprintf(db, sizeof(db), "%s/t.db", archive);
	made_exec(md, "PRAGMA journal_mode = WAL");
	made_exec(md, "PRAGMA wal_checkpoint(TRUNCATE)");
	must(sqlite3_close(md->md_sq));
	md->md_sq = NULL;
	must(rename(md->md_db, db));
	must(chmod(md->md_dir, 0777));
	must(chmod(archive, 0555));
	/* Root may write anywhere. */
	if (root)
		must(seteuid(65534));
	error = analysis_figures(&fj, &fp, &em);
	if (root)
		must(seteuid(0));
	must(chmod(archive, 0755));
	must_em(error, &em);
	assert_false(made_result(&fp, "latency")->fr_skipped);
}

static void
drawing_leaves_the_database_as_it_was(void **state)
{
	struct made *md = *state;
	struct figures_report fp;
	struct errmsg em = { .em_text = "" };
	const struct figures_job fj = { .fj_db = md->md_db,
		.fj_dir = md->md_out };
	struct stat before, after;

	/* One that was made before there were views. */
	made_run(md, 1);
	made_exec(md,
	    "DROP VIEW figure_5_latency; DROP VIEW figure_8_rates;"
	    "DROP VIEW figure_clusters");
	must(stat(md->md_db, &before));
	must_em(analysis_figures(&fj, &fp, &em), &em);
	assert_false(made_result(&fp, "latency")->fr_skipped);
	must(stat(md->md_db, &after));
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void
a_folder_that_cannot_be_made_is_named(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	put_file(md, "a", "");
	refuse(md, ENOTDIR, "/a/b: the folder for the figures cannot be made");
}

static void
a_file_that_cannot_be_replaced_is_named(void **state)
{
	struct made *md = *state;
	char path[512];

	made_run(md, 1);
	(void)snprintf(path, sizeof(path), "%s/a", md->md_dir);
	must(mkdir(path, 0755));
	must(mkdir(md->md_out, 0755));
	(void)snprintf(path, sizeof(path), "%s/latency.dat", md->md_out);
	must(mkdir(path, 0755));
	refuse(md, EEXIST, "latency.dat: is there and was not made");
}

/* With programs from the test's folder only. */
static void
draw_with_own_path(struct made *md, const char *words)
{
	char *path = strdup(getenv("PATH"));
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	int error;

	must(setenv("PATH", md->md_dir, 1));
	error = made_figures(md, 0, &fp, &em);
	must(setenv("PATH", path, 1));
	free(path);
	assert_int_equal(error, ENOSYS);
	if (strstr(em.em_text, words) == NULL)
		fail_msg("'%s' does not say '%s'", em.em_text, words);
	assert_null(strchr(em.em_text, '\n'));
	assert_int_equal(fp.fp_nfigures, figure_count);
	for (size_t i = 0; i < figure_count; i++)
		assert_int_equal(fp.fp_figure[i].fr_files,
		    fp.fp_figure[i].fr_skipped ?
			0 :
			FIGURE_BIT(FIGURE_DATA) | FIGURE_BIT(FIGURE_SCRIPT));
	assert_in_range(made_size(md, "clusters.gp"), 1, 100000);
	assert_int_equal(made_size(md, "clusters.png"), -1);
}

static void
without_gnuplot_data_and_scripts_are_written(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	draw_with_own_path(md, "install the package gnuplot-nox");
}

static void
what_gnuplot_complains_of_is_passed_on_in_one_line(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	put_file(md, "gnuplot",
	    "#!/bin/sh\necho 'unknown\n\n  terminal' >&2\nexit 1\n");
	draw_with_own_path(md, "gnuplot cannot draw it: unknown terminal;");
}

static void
a_gnuplot_that_draws_nothing_has_failed(void **state)
{
	struct made *md = *state;

	made_run(md, 1);
	put_file(md, "gnuplot", "#!/bin/sh\nexit 0\n");
	draw_with_own_path(md, "gnuplot cannot draw it");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		T(a_database_that_is_not_there_is_said_so),
		T(a_folder_is_no_database),
		T(a_file_that_is_no_database_is_said_so),
		T(anothers_database_is_refused),
		T(a_newer_database_is_refused),
		T(a_database_without_our_tables_is_refused),
		T(a_damaged_histogram_is_refused),
		T(a_database_in_use_by_a_writer_can_be_drawn),
		T(a_database_in_a_folder_that_cannot_be_written_can_be_drawn),
		T(drawing_leaves_the_database_as_it_was),
		T(a_folder_that_cannot_be_made_is_named),
		T(a_file_that_cannot_be_replaced_is_named),
		T(without_gnuplot_data_and_scripts_are_written),
		T(what_gnuplot_complains_of_is_passed_on_in_one_line),
		T(a_gnuplot_that_draws_nothing_has_failed),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
