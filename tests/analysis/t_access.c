/*
 * Access maps: names that are drawn as they are, files that are not replaced,
 * and gnuplots that fail.  tests/cli/trace-plot.sh has the pictures.
 */
#include "tests/test.h"

#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"

static char dir[] = "/tmp/uvn-access-XXXXXX";
static char top[4096], path_before[4096];

static int
setup(void **state)
{
	(void)state;
	memcpy(strrchr(dir, '-'), "-XXXXXX", sizeof("-XXXXXX"));
	if (getcwd(top, sizeof(top)) == NULL || mkdtemp(dir) == NULL ||
	    chdir(dir) != 0)
		return -1;
	(void)snprintf(path_before, sizeof(path_before), "%s", getenv("PATH"));
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	must(setenv("PATH", path_before, 1));
	return chdir(top) != 0 ||
	    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0;
}

static void
put_file(const char *path, const char *text)
{
	FILE *const fp = fopen(path, "w");

	assert_non_null(fp);
	(void)fputs(text, fp);
	must(fclose(fp));
	must(chmod(path, 0755));
}

/* The first so many bytes of a file, or all. */
static const char *
contents(const char *path)
{
	static char text[4096];
	FILE *const fp = fopen(path, "r");

	assert_non_null(fp);
	text[fread(text, 1, sizeof(text) - 1, fp)] = '\0';
	must(fclose(fp));
	return text;
}

static void
data(FILE *fp, const void *arg)
{
	(void)fprintf(fp, "%s\n", (const char *)arg);
}

static void
facts(FILE *fp, const void *arg)
{
	(void)fprintf(fp, "what = '%s'\n", (const char *)arg);
}

static int
draw(const char *path, struct errmsg *em)
{
	const struct access_map am = { path, "x.uvt", data, facts, "numbers" };

	*em = (struct errmsg){ .em_text = "" };
	return analysis_access_map(&am, em);
}

static void
names_are_strings_of_gnuplot(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "\"\"" },
		{ "data.mdb", "\"data.mdb\"" },
		{ "\"; system(\"x\")", "\"\\042; system(\\042x\\042)\"" },
		{ "`x` 100% {a}_b\\",
		    "\"\\140x\\140 100\\045 \\173a\\175_b"
		    "\\134\"" },
		{ "a\nb\tc\177", "\"a?b?c?\"" },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e",
		    "\"gr\\303\\266\\303\\237e\"" },
		{ "\xce\xb1\xd0\x96\xe2\x80\xa6",
		    "\"\\316\\261\\320\\226\\342\\200\\246\"" },
		/* No UTF-8: cut short, too long for what it says, Latin 1. */
		{ "\xc3", "\"?\"" },
		{ "\xc0\xafz", "\"??z\"" },
		{ "\xe2\x80", "\"??\"" },
		{ "\xfc"
		  "ber",
		    "\"?ber\"" },
		/* No glyph: Japanese, an emoji, a soft hyphen, a direction. */
		{ "\xe6\x97\xa5\xf0\x9f\x98\x80", "\"??\"" },
		{ "\xc2\xad\xe2\x80\xae", "\"??\"" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		char *text = NULL;
		size_t len;
		FILE *const fp = open_memstream(&text, &len);

		assert_non_null(fp);
		analysis_gnuplot_text(fp, cases[i].text);
		must(fclose(fp));
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

static void
the_end_of_the_name_says_the_format(void **state)
{
	struct errmsg em;

	(void)state;
	assert_true(analysis_picture_name("a.png"));
	assert_true(analysis_picture_name("a.b/c.d.svg"));
	assert_true(analysis_picture_name("/a.pdf"));
	assert_false(analysis_picture_name("a.dat"));
	assert_false(analysis_picture_name("a.gp"));
	assert_false(analysis_picture_name("png"));
	assert_false(analysis_picture_name("a.png/b"));
	assert_false(analysis_picture_name(".png"));
	assert_int_equal(draw("a.gif", &em), EINVAL);
	assert_non_null(strstr(em.em_text, ".png, .svg or .pdf"));
}

static void
files_that_are_not_ours_are_not_replaced(void **state)
{
	struct errmsg em;

	(void)state;
	put_file("a.dat", "#uvn-trace 1\n");
	assert_int_equal(draw("a.png", &em), EEXIST);
	assert_non_null(strstr(em.em_text, "a.dat"));
	assert_string_equal(contents("a.dat"), "#uvn-trace 1\n");
	assert_int_not_equal(access("a.gp", F_OK), 0);

	put_file("b.gp", "plot x\n");
	put_file("b.png", "old");
	assert_int_equal(draw("./b.png", &em), EEXIST);
	assert_string_equal(contents("b.gp"), "plot x\n");
	assert_string_equal(contents("b.png"), "old");

	must(mkdir("c.png", 0755));
	assert_int_equal(draw("c.png", &em), EEXIST);
	must(symlink("elsewhere", "d.dat"));
	assert_int_equal(draw("d.png", &em), EEXIST);
	assert_int_not_equal(access("elsewhere", F_OK), 0);
}

static void
a_folder_that_is_not_there_is_said_so(void **state)
{
	struct errmsg em;

	(void)state;
	assert_int_equal(draw("no/such/a.png", &em), ENOENT);
	assert_non_null(strstr(em.em_text, "no/such/a.dat"));
	assert_non_null(strstr(em.em_text, "-o"));
}

static void
without_gnuplot_data_and_script_are_there(void **state)
{
	struct errmsg em;

	(void)state;
	must(setenv("PATH", dir, 1));
	assert_int_equal(draw("a.png", &em), ENOSYS);
	assert_non_null(strstr(em.em_text, "gnuplot-nox"));
	assert_non_null(strstr(contents("a.dat"), "\nnumbers\n"));
	assert_non_null(strstr(contents("a.gp"), "name = \"./a\"\n"));
	assert_non_null(strstr(contents("a.gp"), "what = 'numbers'\n"));
	/* Ours: they may be replaced. */
	assert_int_equal(draw("a.svg", &em), ENOSYS);
}

static void
what_gnuplot_complains_of_is_passed_on(void **state)
{
	struct errmsg em;

	(void)state;
	must(setenv("PATH", dir, 1));
	put_file("gnuplot", "#!/bin/sh\necho no such terminal >&2\nexit 1\n");
	assert_int_equal(draw("a.png", &em), ENOSYS);
	assert_non_null(strstr(em.em_text,
	    "./a.gp: gnuplot cannot draw it: "
	    "no such terminal"));
	put_file("gnuplot", "#!/bin/sh\nexit 0\n");
	assert_int_equal(draw("a.png", &em), ENOSYS);
	assert_non_null(strstr(em.em_text, "no reason"));
}

static void
the_script_runs_in_its_folder_and_for_one_format(void **state)
{
	struct errmsg em;

	(void)state;
	must(mkdir("sub", 0755));
	must(setenv("PATH", dir, 1));
	put_file("gnuplot",
	    "#!/bin/sh\necho \"$@\" >args\necho picture >'|a b.svg'\n");
	must_em(draw("sub/|a b.svg", &em), &em);
	assert_string_equal(contents("sub/args"),
	    "-d -e formats=' svg ' ./|a b.gp\n");
	assert_string_equal(contents("sub/|a b.svg"), "picture\n");
	assert_non_null(
	    strstr(contents("sub/|a b.gp"), "name = \"./\\174a b\"\n"));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_strings_of_gnuplot),
		TEST(the_end_of_the_name_says_the_format),
		TEST(files_that_are_not_ours_are_not_replaced),
		TEST(a_folder_that_is_not_there_is_said_so),
		TEST(without_gnuplot_data_and_script_are_there),
		TEST(what_gnuplot_complains_of_is_passed_on),
		TEST(the_script_runs_in_its_folder_and_for_one_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
