#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "analysis/report_impl.h"

/* What is written to pg_fp, as a string. */
struct written {
	struct page wr_page;
	char *wr_text;
	size_t wr_len;
};

static int
setup(void **state)
{
	struct written *wr = calloc(1, sizeof(*wr));

	if (wr == NULL ||
	    sqlite3_open(":memory:", &wr->wr_page.pg_so.so_sq) != SQLITE_OK)
		return -1;
	wr->wr_page.pg_so.so_path = "memory";
	wr->wr_page.pg_fp = open_memstream(&wr->wr_text, &wr->wr_len);
	*state = wr;
	return wr->wr_page.pg_fp == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct written *wr = *state;

	(void)sqlite3_close(wr->wr_page.pg_so.so_sq);
	(void)fclose(wr->wr_page.pg_fp);
	free(wr->wr_text);
	free(wr);
	return 0;
}

/* What was written since the last call. */
static const char *
text(struct written *wr)
{
	static char copy[65536];

	must(fflush(wr->wr_page.pg_fp));
	assert_in_range(wr->wr_len, 0, sizeof(copy) - 1);
	memcpy(copy, wr->wr_text, wr->wr_len);
	copy[wr->wr_len] = '\0';
	must(fseeko(wr->wr_page.pg_fp, 0, SEEK_SET));
	return copy;
}

static void
assert_has(const char *all, const char *part)
{
	if (strstr(all, part) == NULL)
		fail_msg("'%s' is not in: %s", part, all);
}

static void
assert_lacks(const char *all, const char *part)
{
	if (strstr(all, part) != NULL)
		fail_msg("'%s' is in: %s", part, all);
}

static void
text_is_escaped_and_mended(void **state)
{
	static const struct {
		const char *raw, *shown;
	} cases[] = {
		{ "", "" },
		{ "<a href=\"x\" b='y'>&amp;",
		    "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;" },
		{ "tab\tline\n", "tab\tline\n" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa1",
		    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa1" },
		/* Lone, cut short, overlong, a surrogate, beyond the last. */
		{ "\x80|\xc3|\xe2\x82|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80",
		    "&#xfffd;|&#xfffd;|&#xfffd;&#xfffd;|&#xfffd;&#xfffd;|"
		    "&#xfffd;&#xfffd;&#xfffd;|"
		    "&#xfffd;&#xfffd;&#xfffd;&#xfffd;" },
		{ "\xe0\x80\xbc|\xff", "&#xfffd;&#xfffd;&#xfffd;|&#xfffd;" },
		{ "\x01\x1b\r\x7f\xc2\x85",
		    "&#x2401;&#x241b;&#x240d;&#x2421;&#xfffd;" },
		{ "a\xe2\x80\xae"
		  "b\xe2\x81\xa6",
		    "a[U+202E]b[U+2066]" },
	};
	struct written *wr = *state;

	for (size_t i = 0; i < nitems(cases); i++) {
		html_text(wr->wr_page.pg_fp, cases[i].raw);
		assert_string_equal(text(wr), cases[i].shown);
	}
	html_bytes(wr->wr_page.pg_fp, "a\0<", 3);
	assert_string_equal(text(wr), "a&#x2400;&lt;");
	html_bytes(wr->wr_page.pg_fp, "\xe2\x82\xac", 2);
	assert_string_equal(text(wr), "&#xfffd;&#xfffd;");
}

static void
numbers_have_commas_between_thousands(void **state)
{
	static const struct {
		const char *raw, *shown;
	} cases[] = { { "0", "0" }, { "999", "999" }, { "1000", "1,000" },
		{ "-1234567.8901", "-1,234,567.8901" },
		{ "123456e+10", "123,456e+10" }, { "inf", "inf" },
		{ "-inf", "-inf" } };
	struct written *wr = *state;

	for (size_t i = 0; i < nitems(cases); i++) {
		html_number(wr->wr_page.pg_fp, cases[i].raw);
		assert_string_equal(text(wr), cases[i].shown);
	}
	html_count(wr->wr_page.pg_fp, INT64_MIN);
	assert_string_equal(text(wr), "-9,223,372,036,854,775,808");
}

static void
files_in_the_page_are_base64(void **state)
{
	/* The examples of RFC 4648. */
	static const char *const coded[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	struct written *wr = *state;
	char want[64];

	for (size_t i = 0; i < nitems(coded); i++) {
		html_data_uri(wr->wr_page.pg_fp, "text/csv", "foobar", i);
		(void)snprintf(want, sizeof(want), "data:text/csv;base64,%s",
		    coded[i]);
		assert_string_equal(text(wr), want);
	}
}

static void
words_are_quoted_where_a_shell_needs_it(void **state)
{
	struct written *wr = *state;

	html_shell_word(wr->wr_page.pg_fp, "a/b-1.db");
	assert_string_equal(text(wr), "a/b-1.db");
	html_shell_word(wr->wr_page.pg_fp, "");
	assert_string_equal(text(wr), "&#39;&#39;");
	html_shell_word(wr->wr_page.pg_fp, "''$x");
	assert_string_equal(text(wr),
	    "&#39;&#39;\\&#39;&#39;&#39;\\&#39;&#39;$x&#39;");
}

/* The table of a SELECT; "" if it has no rows. */
static const char *
table(struct written *wr, const char *sql, size_t *rowsp)
{
	const struct table_format tf = { .tf_label = "a <label>",
		.tf_limit = 2 };
	struct errmsg em = { .em_text = "" };
	sqlite3_stmt *st;

	must(sqlite3_prepare_v2(wr->wr_page.pg_so.so_sq, sql, -1, &st, NULL));
	must_em(table_write(&wr->wr_page, st, &tf, rowsp, &em), &em);
	must(sqlite3_finalize(st));
	return text(wr);
}

static void
columns_are_written_as_their_forms_say(void **state)
{
	static const struct {
		const char *value, *form, *cell;
	} cases[] = {
		{ "'<'", "text", "<td>&lt;</td>" },
		{ "'2026-11-23T01:02:03.456Z'", "time",
		    "<td>2026-11-23 01:02:03</td>" },
		{ "'soon'", "time", "<td>soon</td>" },
		{ "'failed'", "status",
		    "<td><span class=\"bad\">failed</span></td>" },
		{ "12345", "count",
		    "<td class=\"n\" data-v=\"12345\">12,345</td>" },
		{ "12345", "plain",
		    "<td class=\"n\" data-v=\"12345\">12345</td>" },
		{ "1.25", "f1", "<td class=\"n\" data-v=\"1.25\">1.2</td>" },
		{ "1234567", "ms",
		    "<td class=\"n\" data-v=\"1234567\">1.235</td>" },
		{ "1234567", "us",
		    "<td class=\"n\" data-v=\"1234567\">1,234.567</td>" },
		{ "0.0625", "g3",
		    "<td class=\"n\" data-v=\"0.0625\">0.0625</td>" },
		{ "1.7", "g3", ">1.70</td>" },
		{ "128.2", "g3", ">128</td>" },
		{ "9e999", "g3", ">inf</td>" },
		{ "'1/4'", "tunable",
		    "<td class=\"n\" data-v=\"0.25\">1/4</td>" },
		{ "'16K'", "tunable",
		    "<td class=\"n\" data-v=\"16384\">16K</td>" },
		{ "'30s'", "tunable",
		    "<td class=\"n\" data-v=\"30000000000\">30s</td>" },
		{ "'inf'", "tunable",
		    "<td class=\"n\" data-v=\"inf\">inf</td>" },
	};
	struct written *wr = *state;
	char sql[160];
	size_t rows;

	for (size_t i = 0; i < nitems(cases); i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT %s AS \"A & b|u|%s\"",
		    cases[i].value, cases[i].form);
		const char *all = table(wr, sql, &rows);

		assert_int_equal(rows, 1);
		assert_has(all, cases[i].cell);
		assert_has(all,
		    ">A &amp; b <span class=\"unit\">u</span></th>");
		assert_has(all, "aria-label=\"a &lt;label&gt;\"");
	}
}

static void
columns_that_name_no_form_are_written_by_type(void **state)
{
	struct written *wr = *state;
	size_t rows;
	const char *all =
	    table(wr, "SELECT 'x' AS a, 1.5 AS \"b|c\", 7 AS \"|||\"", &rows);

	assert_has(all, "<th scope=\"col\">a</th>");
	assert_has(all, "<th scope=\"col\" class=\"n\">b|c</th>");
	assert_has(all, "<td>x</td><td class=\"n\" data-v=\"1.5\">1.5</td>");
}

static void
a_column_without_a_value_is_left_out(void **state)
{
	struct written *wr = *state;
	size_t rows;
	const char *all = table(wr,
	    "SELECT 1 AS a, NULL AS b, 3 AS c UNION ALL SELECT NULL, NULL, 4",
	    &rows);

	assert_lacks(all, ">b</th>");
	assert_has(all,
	    "<tr><td class=\"n\"></td><td class=\"n\" data-v=\"4\">");
}

static void
a_table_ends_at_its_limit_but_counts_all(void **state)
{
	struct written *wr = *state;
	size_t rows;
	const char *all = table(wr, "VALUES (11), (22), (33), (44)", &rows);

	assert_int_equal(rows, 4);
	assert_has(all, ">22<");
	assert_lacks(all, ">33<");
}

static void
no_rows_are_no_table(void **state)
{
	struct written *wr = *state;
	size_t rows = 9;

	assert_string_equal(table(wr, "SELECT 1 WHERE 0", &rows), "");
	assert_int_equal(rows, 0);
}

/* What becomes of a picture. */
static const char *
picture(struct written *wr, const char *svg)
{
	must(svg_write(wr->wr_page.pg_fp, svg, strlen(svg), "p-", "a \"b\""));
	return text(wr);
}

static void
a_picture_loses_its_prolog_and_its_size(void **state)
{
	assert_string_equal(
	    picture(*state,
		"<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<!-- <svg> -->\n"
		"<svg width=\"1\" height='2' viewBox=\"0 0 1 2\" "
		"xmlns=\"http://www.w3.org/2000/svg\" "
		"xmlns:xlink='http://www.w3.org/1999/xlink'>"
		"<title>t</title><path d='M0,0'/></svg>\n<p>"),
	    "<svg role=\"img\" aria-label=\"a &quot;b&quot;\" "
	    "viewBox=\"0 0 1 2\"><path d=\"M0,0\"/></svg>");
}

static void
names_of_a_picture_become_its_own(void **state)
{
	assert_has(picture(*state,
		       "<svg><defs><clipPath id='a'><rect/></clipPath></defs>"
		       "<g clip-path=\"url(#a)\" style='fill:url(#a);"
		       "stroke:url(#b)'>"
		       "<use xlink:href='#a'/><use href=\"#b\"/></g></svg>"),
	    "<clipPath id=\"p-a\"><rect/></clipPath></defs>"
	    "<g clip-path=\"url(#p-a)\" "
	    "style=\"fill:url(#p-a);stroke:url(#p-b)\">"
	    "<use href=\"#p-a\"/><use href=\"#p-b\"/></g>");
}

static void
what_could_act_or_reach_out_is_left_out(void **state)
{
	const char *all = picture(*state,
	    "<svg onload=\"x()\"><script>alert(1)</script>"
	    "<script href=\"u\"/><style>@import 'u';</style>"
	    "<a href=\"javascript:x()\"><text>lost</text></a>"
	    "<foreignObject><b><i/></b></foreignObject>"
	    "<image href=\"http://u\"/><use href=\"http://u#a\"/>"
	    "<rect OnClick='x()' fill=\"url(http://u)\" "
	    "style=\"fill:\\75rl(u)\" x=\"1\"/>"
	    "<text><![CDATA[<script>]]>1 &lt; 2</text></svg>");

	assert_lacks(all, "script");
	assert_lacks(all, "http");
	assert_lacks(all, "()");
	assert_lacks(all, "import");
	assert_lacks(all, "lost");
	assert_lacks(all, "<b>");
	assert_lacks(all, "75rl");
	assert_has(all, "<use/><rect x=\"1\"/><text>1 &lt; 2</text></svg>");
}

static void
values_stay_within_their_quotes(void **state)
{
	assert_has(picture(*state, "<svg><rect x='a\"><script>b'/></svg>"),
	    "<rect x=\"a&quot;&gt;&lt;script&gt;b\"/>");
}

static void
groups_that_hold_nothing_are_left_out(void **state)
{
	assert_has(picture(*state,
		       "<svg><g a='1'> <g>\n</g>\n<g b='2'></g></g>"
		       "<g c=\"3\"><g/><path/></g><g></g><path/></svg>"),
	    "<g c=\"3\"><g/><path/></g><path/></svg>");
}

static void
what_is_no_picture_is_refused_and_not_written(void **state)
{
	static const char *const cases[] = { "", "text", "<svg>", "<svg",
		"<svg x", "<svg x='", "<p></p>", "<svg><g></svg>", "<svg></svg",
		"</svg>", "<svg><g></p></g></svg>", "<svg><!--", "<!DOCTYPE",
		"<svg><g a=1></g></svg>", "<svg><path></svg>" };
	struct written *wr = *state;
	char deep[1024] = "<svg>";

	for (size_t i = 0; i < nitems(cases); i++) {
		if (svg_write(wr->wr_page.pg_fp, cases[i], strlen(cases[i]),
			"p-", "x") == 0)
			fail_msg("taken for a picture: %s", cases[i]);
		assert_string_equal(text(wr), "");
	}
	for (int i = 0; i < 200; i++)
		memcpy(deep + strlen("<svg>") + 3 * (size_t)i, "<g>", 4);
	assert_int_not_equal(svg_write(wr->wr_page.pg_fp, deep, strlen(deep),
				 "p-", "x"),
	    0);
}

/* No cut of a picture, and no byte changed, is worse than refused. */
static void
damaged_pictures_do_no_harm(void **state)
{
	static const char whole[] =
	    "<?xml version='1.0'?><svg viewBox=\"0 0 1 1\"><!-- c --><defs>"
	    "<clipPath id='a'><rect/></clipPath></defs><g x='url(#a)'>"
	    "<text>\xc3\xa4 &lt;</text><use xlink:href='#a'/><g></g></g></svg>";
	struct written *wr = *state;
	unsigned seed = 1998;
	char svg[sizeof(whole)];

	print_message("seed %u\n", seed);
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		assert_int_not_equal(svg_write(wr->wr_page.pg_fp, whole, len,
					 "p-", "x"),
		    0);
		assert_string_equal(text(wr), "");
	}
	for (int i = 0; i < 20000; i++) {
		static const char bytes[] = "<>/\"'= !-[]ax#(\xff\xc3";

		memcpy(svg, whole, sizeof(whole));
		for (int j = 0; j < 2; j++)
			svg[(size_t)rand_r(&seed) % (sizeof(whole) - 1)] =
			    bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
		if (svg_write(wr->wr_page.pg_fp, svg, strlen(svg), "p-", "x") ==
		    0)
			assert_memory_equal(text(wr), "<svg role=", 10);
		else
			assert_string_equal(text(wr), "");
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(text_is_escaped_and_mended),
		T(numbers_have_commas_between_thousands),
		T(files_in_the_page_are_base64),
		T(words_are_quoted_where_a_shell_needs_it),
		T(columns_are_written_as_their_forms_say),
		T(columns_that_name_no_form_are_written_by_type),
		T(a_column_without_a_value_is_left_out),
		T(a_table_ends_at_its_limit_but_counts_all),
		T(no_rows_are_no_table),
		T(a_picture_loses_its_prolog_and_its_size),
		T(names_of_a_picture_become_its_own),
		T(what_could_act_or_reach_out_is_left_out),
		T(values_stay_within_their_quotes),
		T(groups_that_hold_nothing_are_left_out),
		T(what_is_no_picture_is_refused_and_not_written),
		T(damaged_pictures_do_no_harm),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
