#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "tests/traces/importtest.h"
#include "traces/import_i.h"
#include "traces/u64map.h"

#define HEAD "fio version 3 iolog\n"
#define TWO  "1 /a/x read 0 4096\n1 /b/y write 4096 4096\n"

static void
formats_are_found_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < trace_nformats; i++) {
		const struct trace_format *fm = &trace_formats[i];

		assert_ptr_equal(trace_format_find(fm->fm_name), fm);
		assert_true(fm->fm_read != NULL || fm->fm_write != NULL);
		assert_non_null(fm->fm_help);
	}
	assert_null(trace_format_find("fi"));
	assert_null(trace_format_find(""));
}

/* Every word of the list is a row of the table. */
static void
rows_are_there(const char *rows, const struct tunable *table, size_t n,
    const char *but)
{
	for (const char *p = rows; p != NULL && *p != '\0';) {
		const size_t len = strcspn(p, " ");
		char *name = strndup(p, len);

		assert_true(trace_format_has(rows, name));
		if (strcmp(name, but) != 0)
			assert_non_null(tunable_find(table, n, name));
		free(name);
		p += len;
		p += strspn(p, " ");
	}
}

static void
what_formats_take_is_in_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < trace_nformats; i++) {
		const struct trace_format *fm = &trace_formats[i];

		assert_int_equal(fm->fm_takes != NULL, fm->fm_read != NULL);
		assert_int_equal(fm->fm_gives != NULL, fm->fm_write != NULL);
		rows_are_there(fm->fm_takes, import_table, import_count, "");
		rows_are_there(fm->fm_gives, export_table, export_count, "dir");
	}
	assert_false(trace_format_has("page as", "a"));
	assert_false(trace_format_has("page as", "page as"));
	assert_false(trace_format_has(NULL, "page"));
	assert_false(trace_format_has("", ""));
}

static void
lines_end_with_newline_carriage_return_or_the_file(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_text(&it, "fio",
	    "fio version 3 iolog\r\n1 x read 0 1\r\n2 x read 1 2");
	events_are(&it,
	    "attach 1 1 0 4096 r|w|shared|maxw\nread 1 1 0 1\n"
	    "read 1 1 1 2\n");
	imported_fini(&it);
}

static void
a_nul_in_a_line_hides_nothing(void **state)
{
	static const char text[] = HEAD "1 x\0y read 0 1\n";
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	import_bytes(&it, "fio", text, sizeof(text) - 1);
	events_are(&it, "attach 1 1 0 4096 r|w|shared|maxw\nread 1 1 0 1\n");
	files_are("out.uvt", "1 x?y\n");
	imported_fini(&it);
}

/* A line of len bytes with its newline behind a good one, and one after it. */
static void
long_line(struct imported *it, size_t len)
{
	static const char head[] = HEAD "1 x read 0 1\n";
	static const char tail[] = "2 x read 5 1\n";
	char *text = malloc(sizeof(head) + len + sizeof(tail));
	size_t n = sizeof(head) - 1;

	assert_non_null(text);
	memcpy(text, head, n);
	memset(text + n, 'x', len - 1);
	n += len;
	text[n - 1] = '\n';
	memcpy(text + n, tail, sizeof(tail) - 1);
	import_bytes(it, "fio", text, n + sizeof(tail) - 1);
	free(text);
}

static void
a_line_too_long_is_one_malformed_line(void **state)
{
	static const size_t lengths[] = { IMPORT_LINE_MAX, IMPORT_LINE_MAX + 1,
		3 * IMPORT_LINE_MAX, 5U << 20 };

	(void)state;
	for (size_t i = 0; i < nitems(lengths); i++) {
		struct imported it;

		import_with(&it, NO_SETTINGS);
		long_line(&it, lengths[i]);
		assert_int_equal(it.it_error, EINVAL);
		assert_non_null(strstr(it.it_em.em_text, "line 3: has"));
		import_with(&it, NO_SETTINGS);
		it.it_param.ip_lenient = true;
		long_line(&it, lengths[i]);
		events_are(&it,
		    "attach 1 1 0 4096 r|w|shared|maxw\nread 1 1 0 1\n"
		    "read 1 1 5 1\n");
		assert_int_equal(it.it_report.rr_count[RECORD_MALFORMED], 1);
		imported_fini(&it);
	}
}

static void
lenient_counts_what_is_not_understood_and_says_so(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	it.it_param.ip_lenient = true;
	import_text(&it, "fio",
	    HEAD "what\n1 x read 0 1\n1 x reed 0 1\n\n2 x read 0 1\n");
	events_are(&it,
	    "attach 1 1 0 4096 r|w|shared|maxw\nread 1 1 0 1\n"
	    "read 1 1 0 1\n");
	assert_int_equal(it.it_report.rr_count[RECORD_MALFORMED], 3);
	assert_int_equal(it.it_report.rr_events, 3);
	assert_int_equal(it.it_report.rr_files, 1);
	head_has("#unseen malformed 3");
	imported_fini(&it);
}

static void
zstd_is_read_as_what_it_holds(void **state)
{
	struct imported plain, zst;
	char command[8192];
	struct blob bl;

	(void)state;
	import_with(&zst, NO_SETTINGS);
	import_path(&zst, "oracleGeneral",
	    "tests/traces/data/oracleGeneral.bin.zst");
	(void)snprintf(command, sizeof(command),
	    "zstd -q -d -o plain.bin "
	    "'%s/tests/traces/data/oracleGeneral.bin.zst'",
	    tracetest_top());
	must(system(command));
	bl = file_read("plain.bin");
	assert_int_equal(bl.bl_len, 7200);
	free(bl.bl_data);
	import_with(&plain, NO_SETTINGS);
	import_path(&plain, "oracleGeneral", "./plain.bin");
	assert_int_equal(plain.it_n, 301);
	assert_int_equal(zst.it_n, plain.it_n);
	assert_memory_equal(zst.it_ev, plain.it_ev,
	    zst.it_n * sizeof(*zst.it_ev));
	imported_fini(&plain);
	imported_fini(&zst);
}

static void
inputs_that_cannot_be_are_refused(void **state)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0 };
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 4, 0 };
	struct imported it;

	(void)state;
	for (size_t i = 0; i < trace_nformats; i++) {
		const char *format = trace_formats[i].fm_name;

		import_refused(format, "", "in: the file is empty", "");
		import_with(&it, NO_SETTINGS);
		import_bytes(&it, format, gzip, sizeof(gzip));
		assert_int_equal(it.it_error, EINVAL);
		assert_non_null(strstr(it.it_em.em_text, "zcat in | uvn"));
		import_with(&it, NO_SETTINGS);
		import_bytes(&it, format, zstd, sizeof(zstd));
		assert_int_equal(it.it_error, EILSEQ);
		assert_false(file_exists("out.uvt"));
	}
}

static void
files_can_be_chosen_by_pattern(void **state)
{
	static const char *const last[] = { "x" }, *const whole[] = { "/b/*" };
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("as=io"));
	it.it_param.ip_select.rs_only = last;
	it.it_param.ip_select.rs_nonly = 1;
	import_text(&it, "fio", HEAD TWO);
	events_are(&it, "pread 1 0 0 4096\n");
	files_are("out.uvt", "4096 /a/x\n");
	imported_fini(&it);

	import_with(&it, SETTINGS("as=io"));
	it.it_param.ip_select.rs_except = whole;
	it.it_param.ip_select.rs_nexcept = 1;
	it.it_param.ip_base_names = true;
	import_text(&it, "fio", HEAD TWO);
	events_are(&it, "pread 1 0 0 4096\n");
	files_are("out.uvt", "4096 x\n");
	imported_fini(&it);

	it.it_param.ip_select.rs_only = whole;
	it.it_param.ip_select.rs_nonly = 1;
	it.it_em = (struct errmsg){ .em_text = "" };
	import_text(&it, "fio", HEAD TWO);
	assert_int_equal(it.it_error, ENODATA);
	assert_non_null(strstr(it.it_em.em_text, "that is wanted"));
}

static void
the_preamble_says_what_was_read_and_how(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, SETTINGS("page=8K", "as=io"));
	it.it_param.ip_window = TRACE_INF;
	import_text(&it, "fio", HEAD TWO);
	head_has("#page 8192");
	head_has("#window inf");
	head_has("#clock real");
	head_has("#import fio page=8K as=io flush=fsync size=0 from=in");
	head_has("#unseen unknown_sizes 2");
	imported_fini(&it);
}

static void
an_output_that_cannot_be_written_is_told_from_a_bad_input(void **state)
{
	const struct trace_format *fm = trace_format_find("fio");
	struct errmsg em = { .em_text = "" };
	struct record_report rr;
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	text_write("in", HEAD TWO);
	assert_int_equal(trace_import(fm, "in", &it.it_param, "no/out.uvt",
			     TRACE_UVT, &rr, &em),
	    ENOENT);
	assert_true(rr.rr_output);
	em = (struct errmsg){ .em_text = "" };
	assert_int_equal(trace_import(fm, "no/in", &it.it_param, "out.uvt",
			     TRACE_UVT, &rr, &em),
	    ENOENT);
	assert_false(rr.rr_output);
	assert_non_null(strstr(em.em_text, "no/in"));
}

static void
a_page_is_a_power_of_two(void **state)
{
	struct imported it;

	(void)state;
	import_with(&it, NO_SETTINGS);
	it.it_param.ip_param.page = 4097;
	assert_int_equal(import_param_check(&it.it_param.ip_param, &it.it_em),
	    EINVAL);
	assert_non_null(strstr(it.it_em.em_text, "4097 is no power of two"));
}

static void
words_and_numbers_of_text(void **state)
{
	char text[] = "  one\ttwo  three ", *p = text;
	uint64_t v = 7;

	(void)state;
	assert_string_equal(text_word(&p), "one");
	assert_string_equal(text_word(&p), "two");
	assert_string_equal(text_word(&p), "three");
	assert_null(text_word(&p));
	assert_null(text_word(&p));
	assert_true(text_uint("18446744073709551615", &v));
	assert_true(v == UINT64_MAX);
	assert_false(text_uint("18446744073709551616", &v));
	assert_false(text_uint("", &v) || text_uint("-1", &v) ||
	    text_uint("1 ", &v) || text_uint("+1", &v));
	assert_true(text_hex("0xfFffffffffffffff", &v) && v == UINT64_MAX);
	assert_true(text_hex("a0", &v) && v == 160);
	assert_false(text_hex("0x", &v) || text_hex("", &v) ||
	    text_hex("10000000000000000", &v) || text_hex("g", &v));
	assert_true(text_seconds("1.5", &v) && v == 1500000000);
	assert_true(text_seconds("0.123456789", &v) && v == 123456789);
	assert_true(text_seconds("0.1234567899", &v) && v == 123456789);
	assert_true(text_seconds("18446744073", &v));
	assert_true(
	    text_seconds("18446744073.709551615", &v) && v == UINT64_MAX);
	assert_false(text_seconds("18446744073.709551616", &v));
	assert_false(text_seconds("18446744074", &v) || text_seconds("", &v) ||
	    text_seconds(".5", &v) || text_seconds("1.", &v) ||
	    text_seconds("1.5s", &v));
}

static void
a_map_of_numbers_keeps_each(void **state)
{
	struct u64map map = { 0 };
	const uint64_t n = 5000;

	(void)state;
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t i = 0; i < n; i++) {
			/* Low bits, high bits, both. */
			assert_int_equal(*u64map_at(&map, i, i + 1), i + 1);
			assert_int_equal(*u64map_at(&map, i << 40, i + 1),
			    i + 1);
		}
	assert_int_equal(u64map_count(&map), 2 * n - 1);
	*u64map_at(&map, 0, 9) = 77;
	assert_int_equal(*u64map_at(&map, 0, 9), 77);
	*u64map_at(&map, UINT64_MAX, 1) = 78;
	assert_int_equal(*u64map_at(&map, UINT64_MAX, 1), 78);
	u64map_fini(&map);
	assert_int_equal(u64map_count(&map), 0);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(formats_are_found_by_name),
		T(what_formats_take_is_in_the_tables),
		T(lines_end_with_newline_carriage_return_or_the_file),
		T(a_nul_in_a_line_hides_nothing),
		T(a_line_too_long_is_one_malformed_line),
		T(lenient_counts_what_is_not_understood_and_says_so),
		T(zstd_is_read_as_what_it_holds),
		T(inputs_that_cannot_be_are_refused),
		T(files_can_be_chosen_by_pattern),
		T(the_preamble_says_what_was_read_and_how),
		T(an_output_that_cannot_be_written_is_told_from_a_bad_input),
		T(a_page_is_a_power_of_two),
		T(words_and_numbers_of_text),
		T(a_map_of_numbers_keeps_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
