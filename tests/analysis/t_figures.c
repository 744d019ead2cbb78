#include "tests/test.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/analysis/made.h"

/* Is name a picture of the kind that its extension says? */
static void
assert_picture(const struct made *md, const char *name)
{
	const char *ext = strrchr(name, '.') + 1;
	const char *text;

	assert_in_range(made_size(md, name), 1000, 10000000);
	text = made_text(md, name);
	if (strcmp(ext, "png") == 0)
		assert_memory_equal(text, "\x89PNG\r\n", 6);
	else if (strcmp(ext, "pdf") == 0)
		assert_memory_equal(text, "%PDF-", 5);
	else
		assert_non_null(strstr(text, "<svg"));
}

static void
every_figure_comes_in_five_files(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	char name[64];

	made_need_gnuplot();
	made_run(md, 1);
	made_sweeps(md);
	made_calibration(md, 1);
	must_em(made_figures(md, 1, &fp, &em), &em);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 1);
	assert_string_equal(fp.fp_status, "complete");
	assert_int_equal(fp.fp_nfigures, figure_count);
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure_result *fr = &fp.fp_figure[i];

		assert_ptr_equal(fr->fr_figure, &figure_table[i]);
		assert_false(fr->fr_skipped);
		assert_int_equal(fr->fr_files, FIGURE_BIT(FIGURE_NFILES) - 1);
		assert_string_equal(fr->fr_note, "");
		for (enum figure_file f = FIGURE_PNG; f < FIGURE_NFILES; f++) {
			(void)snprintf(name, sizeof(name), "%s.%s",
			    fr->fr_figure->fg_name, figure_ext[f]);
			assert_picture(md, name);
		}
	}
}

static void
the_script_alone_draws_all_three_formats(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	const struct figures_job fj = { .fj_db = md->md_db,
		.fj_formats = FIGURE_BIT(FIGURE_SVG),
		.fj_dir = md->md_out };
	struct figures_report fp;
	char command[512], name[64];

	made_need_gnuplot();
	made_run(md, 1);
	made_sweeps(md);
	made_calibration(md, 1);
	must_em(analysis_figures(&fj, &fp, &em), &em);
	for (size_t i = 0; i < figure_count; i++) {
		const char *base = figure_table[i].fg_name;

		(void)snprintf(name, sizeof(name), "%s.svg", base);
		assert_picture(md, name);
		(void)snprintf(name, sizeof(name), "%s.png", base);
		assert_int_equal(made_size(md, name), -1);
		assert_int_equal(fp.fp_figure[i].fr_files,
		    FIGURE_BIT(FIGURE_SVG) | FIGURE_BIT(FIGURE_DATA) |
			FIGURE_BIT(FIGURE_SCRIPT));

		(void)snprintf(command, sizeof(command),
		    "cd '%s' && rm -f %s.svg && gnuplot %s.gp", md->md_out,
		    base, base);
		must(system(command));
		for (enum figure_file f = FIGURE_PNG; f < FIGURE_NFILES; f++) {
			(void)snprintf(name, sizeof(name), "%s.%s", base,
			    figure_ext[f]);
			assert_picture(md, name);
		}
	}
}

/* The place of a figure in the table. */
static size_t
bit_of(const char *name)
{
	size_t i = 0;

	while (i < figure_count && strcmp(figure_table[i].fg_name, name) != 0)
		i++;
	assert_in_range(i, 0, figure_count - 1);
	return i;
}

static void
only_the_figures_asked_for_are_drawn(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	const struct figures_job fj = { .fj_db = md->md_db,
		.fj_only = UINT32_C(1) << bit_of("rates"),
		.fj_dir = md->md_out };
	struct figures_report fp;

	made_run(md, 1);
	must_em(analysis_figures(&fj, &fp, &em), &em);
	assert_int_equal(fp.fp_nfigures, 1);
	assert_string_equal(fp.fp_figure[0].fr_figure->fg_name, "rates");
	assert_int_equal(made_size(md, "latency.dat"), -1);
	assert_in_range(made_size(md, "rates.dat"), 1, 10000);
}

/* The lines of text that begin with neither # nor nothing. */
static const char *
rows_of(const char *text)
{
	static char rows[8192];
	size_t n = 0;

	for (const char *end; *text != '\0'; text = end) {
		end = text + strcspn(text, "\n");
		if (*end == '\n')
			end++;
		if (*text != '#' && *text != '\n') {
			memcpy(rows + n, text, (size_t)(end - text));
			n += (size_t)(end - text);
		}
	}
	rows[n] = '\0';
	return rows;
}

/* Write data and scripts, draw nothing. */
static void
write_only(struct made *md, int64_t run, struct figures_report *fp)
{
	struct errmsg em = { .em_text = "" };
	const struct figures_job fj = { .fj_db = md->md_db,
		.fj_id = { [FIGURE_RUN] = run },
		.fj_dir = md->md_out };

	must_em(analysis_figures(&fj, fp, &em), &em);
}

static void
the_data_are_the_rows_of_the_view(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_run(md, 1);
	made_exec(md,
	    "INSERT INTO interval VALUES"
	    "(1, 5, 9000, 0, 0, 0, 0, 0, 7, 50, 30, 20, 0, 0, 9, 1.5, 4)");
	write_only(md, 1, &fp);
	assert_string_equal(rows_of(made_text(md, "rates.dat")),
	    "1000 90 0 50 30 20 0.5 1\n2000 90 1 50 30 20 0.5 2\n"
	    "3000 90 2 50 30 20 0.5 3\n4000 90 3 50 30 20 0.5 4\n"
	    "5000 90 4 50 30 20 0.5 5\n9000 NaN 7 50 30 20 1.5 4\n");
	/* Waits before latencies, and the script knows the threads' names. */
	assert_string_equal(rows_of(made_text(md, "threads.dat")),
	    "0 0 1000 NaN 1000\n0 1000 1200 NaN 200\n2 0 4000 NaN 4000\n"
	    "1 5000 5000 5000 5000\n0 85 99 120 270\n1 90 90 90 90\n");
	assert_non_null(strstr(made_text(md, "threads.gp"),
	    "\nthreads = \"7 9 daemon\"\n"));
	/* What took most time comes first; two blank lines between blocks. */
	const char *text = made_text(md, "latency.dat");
	assert_non_null(strstr(text,
	    "# \"msync\"\n4992 0\n4992 1\n\n\n# \"read, miss\"\n80 0\n80 0.25\n"));
	assert_string_equal(rows_of(made_text(md, "clusters.dat")),
	    "1 4\n16 2\n");
}

static void
curves_that_cannot_be_told_apart_are_in_the_data_only(void **state)
{
	struct made *md = *state;
	struct figures_report fp;
	const char *text;
	size_t blocks = 0;

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES(1, 'complete', 't')");
	for (int i = 0; i < 10; i++)
		made_exec(md,
		    "INSERT INTO latency(run, kind, outcome, count, timed, mean,"
		    " histogram) VALUES(1, 'kind%d', 'ok', 1, 1, %d.0, '9:1')",
		    i, 100 - i);
	write_only(md, 1, &fp);
	assert_string_equal(made_result(&fp, "latency")->fr_note,
	    "the 8 curves that took most time are drawn; also in latency.dat: "
	    "kind8; kind9");
	text = made_text(md, "latency.gp");
	assert_non_null(strstr(text, "curves = 8\n"));
	assert_non_null(strstr(text, "label[8] = \"kind7\"\n"));
	text = made_text(md, "latency.dat");
	while ((text = strstr(text, "# \"kind")) != NULL) {
		blocks++;
		text++;
	}
	assert_int_equal(blocks, 10);
}

static void
a_figure_without_data_is_skipped_and_its_old_files_go(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_run(md, 1);
	made_run(md, 2);
	made_exec(md, "DELETE FROM cluster WHERE run = 2");
	write_only(md, 1, &fp);
	assert_in_range(made_size(md, "clusters.gp"), 1, 100000);
	write_only(md, 2, &fp);
	assert_false(made_result(&fp, "latency")->fr_skipped);
	assert_true(made_result(&fp, "clusters")->fr_skipped);
	assert_string_equal(made_result(&fp, "clusters")->fr_note,
	    "the run made no I/O");
	assert_int_equal(made_result(&fp, "clusters")->fr_files, 0);
	assert_int_equal(made_size(md, "clusters.gp"), -1);
	assert_int_equal(made_size(md, "clusters.dat"), -1);
}

static void
a_run_with_nothing_measured_is_no_failure(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES(1, 'complete', NULL)");
	must_em(made_figures(md, 0, &fp, &em), &em);
	for (size_t i = 0; i < fp.fp_nfigures; i++)
		assert_true(fp.fp_figure[i].fr_skipped);
}

static void
the_newest_run_with_an_end_is_the_default(void **state)
{
	struct made *md = *state;
	struct figures_report fp;

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES(1, 'complete', 't'),"
	    " (2, 'interrupted', 't'), (3, 'failed', 't'),"
	    " (4, 'running', 't')");
	write_only(md, 0, &fp);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 2);
	assert_string_equal(fp.fp_status, "interrupted");
	write_only(md, 3, &fp);
	assert_int_equal(fp.fp_id[FIGURE_RUN], 3);
	assert_string_equal(fp.fp_status, "failed");
}

static void
a_run_that_is_not_there_is_named(void **state)
{
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;

	assert_int_equal(made_figures(md, 0, &fp, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "t.db: holds no run yet"));

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES(4, 'failed', 't')");
	em.em_text[0] = '\0';
	assert_int_equal(made_figures(md, 0, &fp, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "--run 4"));

	em.em_text[0] = '\0';
	assert_int_equal(made_figures(md, 9, &fp, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "no run 9; its newest is 4"));
	assert_int_equal(fp.fp_nfigures, 0);
}

/* Hostile text reaches gnuplot as text, in labels and in comments. */
static void
text_from_the_database_is_never_a_command(void **state)
{
	static const char *const text[] = {
		"\"; system(\"touch P1\"); \"",
		"'; system('touch P2') #",
		"`touch P3`",
		"\nsystem('touch P4')\n",
		"$(touch P5)\\",
		"@m|touch P6",
		"\\\"; !touch P7\n",
		"\x1b]0;P8\x07\xff\xc3",
	};
	struct made *md = *state;
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	char name[16];

	made_need_gnuplot();
	for (int i = 0; i < (int)nitems(text); i++) {
		made_exec(md,
		    "INSERT INTO run(id, status, trace) VALUES(%d, 'complete', %Q);"
		    "INSERT INTO latency(run, kind, outcome, count, timed, mean,"
		    " histogram) VALUES(%d, %Q, 'ok', 1, 1, 1.0, '9:1');"
		    "INSERT INTO latency(run, kind, outcome, count, timed, mean,"
		    " histogram) VALUES(%d, 'read', %Q, 1, 1, 1.0, '9:1');"
		    "INSERT INTO cluster VALUES(%d, %Q, 1, 1)",
		    i + 1, text[i], i + 1, text[i], i + 1, text[i], i + 1,
		    text[i]);
		must_em(made_figures(md, i + 1, &fp, &em), &em);
		assert_picture(md, "latency.png");
		assert_picture(md, "clusters.pdf");
		for (int file = 1; file <= (int)nitems(text); file++) {
			(void)snprintf(name, sizeof(name), "P%d", file);
			assert_int_equal(made_size(md, name), -1);
			assert_int_not_equal(access(name, F_OK), 0);
		}
	}
}

static void
gnuplot_strings_hold_nothing_but_plain_characters(void **state)
{
	static const struct {
		const char *st_text, *st_string;
	} strings[] = {
		{ "read, past-eof", "\"read, past-eof\"" },
		{ "", "\"\"" },
		{ "a\"b", "\"a\\042b\"" },
		{ "a'b", "\"a\\047b\"" },
		{ "a`b", "\"a\\140b\"" },
		{ "a\\", "\"a\\134\"" },
		{ "@x $y %z {w}", "\"\\100x \\044y \\045z \\173w\\175\"" },
		{ "a\nb\tc\x7f\xc3\xa9", "\"a?b?c???\"" },
	};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < nitems(strings); i++) {
		FILE *fp = fmemopen(buf, sizeof(buf), "w");

		assert_non_null(fp);
		gnuplot_string(fp, strings[i].st_text);
		must(fclose(fp));
		assert_string_equal(buf, strings[i].st_string);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		T(every_figure_comes_in_five_files),
		T(the_script_alone_draws_all_three_formats),
		T(only_the_figures_asked_for_are_drawn),
		T(the_data_are_the_rows_of_the_view),
		T(curves_that_cannot_be_told_apart_are_in_the_data_only),
		T(a_figure_without_data_is_skipped_and_its_old_files_go),
		T(a_run_with_nothing_measured_is_no_failure),
		T(the_newest_run_with_an_end_is_the_default),
		T(a_run_that_is_not_there_is_named),
		T(text_from_the_database_is_never_a_command),
		cmocka_unit_test(
		    gnuplot_strings_hold_nothing_but_plain_characters),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
