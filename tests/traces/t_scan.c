#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "traces/scan_call.h"
#include "traces/tids.h"

static struct scan
of(const char *text)
{
	return (struct scan){ text, text + strlen(text) };
}

static void
numbers_are_read_or_left(void **state)
{
	static const struct {
		bool (*read)(struct scan *sc, uint64_t *vp);
		const char *text;
		bool good;
		uint64_t value;
		const char *rest;
	} cases[] = {
		{ scan_dec, "18446744073709551615,", true, UINT64_MAX, "," },
		{ scan_dec, "18446744073709551616", false, 0, NULL },
		{ scan_dec, "", false, 0, NULL },
		{ scan_dec, "-1", false, 0, NULL },
		{ scan_hex, "ffffFFFF0000aBcD g", true, 0xffffffff0000abcd,
		    " g" },
		{ scan_hex, "10000000000000000", false, 0, NULL },
		{ scan_hex, "0x10", true, 0, "x10" },
		{ scan_number, "0", true, 0, "" },
		{ scan_number, "-22)", true, (uint64_t)-22, ")" },
		{ scan_number, "0644", true, 0644, "" },
		{ scan_number, "08", true, 0, "8" },
		{ scan_number, "0x7f", true, 0x7f, "" },
		{ scan_number, "0x", false, 0, NULL },
		{ scan_number, "-", false, 0, NULL },
		{ scan_number, "x", false, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct scan sc = of(cases[i].text);
		uint64_t v = 99;

		assert_int_equal(cases[i].read(&sc, &v), cases[i].good);
		if (!cases[i].good) {
			assert_ptr_equal(sc.sc_p, cases[i].text);
			assert_int_equal(v, 99);
			continue;
		}
		assert_int_equal(v, cases[i].value);
		assert_true(scan_is(&sc, cases[i].rest));
	}
}

static void
decimal_fractions_are_rounded_down(void **state)
{
	static const struct {
		const char *text;
		uint64_t unit, value;
	} cases[] = {
		{ "12.5", 1000, 12500 },
		{ "0.000342", 1000000000, 342000 },
		{ "1795743511.837217", 1000000000, 1795743511837217000 },
		{ "7", 1000, 7000 },
		{ "0.9999", 1000, 999 },
		{ "1.", 1000, 1000 },
	};
	struct scan sc = of("18446744073709551615.0");
	uint64_t v;

	(void)state;
	assert_false(scan_fixed(&sc, 1000, &v));
	for (size_t i = 0; i < nitems(cases); i++) {
		sc = of(cases[i].text);
		assert_true(scan_fixed(&sc, cases[i].unit, &v));
		assert_int_equal(v, cases[i].value);
		assert_true(scan_done(&sc));
	}
}

static void
strings_have_escapes_of_c(void **state)
{
	static const struct {
		const char *text, *value; /* NULL: it has no end */
	} cases[] = {
		{ "\"\"", "" },
		{ "\"a\\tb\\n\\\\\\\"\"...", "a\tb\n\\\"" },
		{ "\"\\303\\2444\\x41\\x4g\\0z\"", "\303\2444A\004g" },
		{ "\"\\q\"", "q" },
		{ "\"a", NULL },
		{ "\"a\\", NULL },
		{ "\"a\\\"", NULL },
		{ "a\"", NULL },
	};
	struct scan sc;
	char buf[16];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		sc = of(cases[i].text);
		assert_int_equal(scan_quoted(&sc, buf, sizeof(buf)),
		    cases[i].value != NULL);
		if (cases[i].value == NULL)
			continue;
		assert_string_equal(buf, cases[i].value);
		assert_true(scan_done(&sc));
	}
	sc = of("\"abcdef\"x");
	assert_true(scan_quoted(&sc, buf, 4));
	assert_string_equal(buf, "abc");
	assert_true(scan_is(&sc, "x"));
}

static void
paths_are_joined(void **state)
{
	static const struct {
		const char *base, *path, *want;
	} cases[] = {
		{ NULL, "a/../b", "a/../b" },
		{ "/t", "a", "/t/a" },
		{ "/t/", "./a//b/.", "/t/a/b" },
		{ "/t/u", "../../../a", "/a" },
		{ "/t", "/x/../y", "/y" },
		{ "/t", "..", "/" },
		{ "/", "a", "/a" },
		{ "/t", "", "" },
		{ NULL, "//a", "/a" },
		{ "d", "x", "d/x" },
		{ "d/e", "../../x", "x" },
		{ "d", "../../x/..", ".." },
		{ "..", "../x", "../../x" },
		{ "..d", "../x", "x" },
		{ "d", "..", "." },
		{ "d", "/x", "/x" },
	};
	char buf[64], little[8];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		path_join(buf, sizeof(buf), cases[i].base, cases[i].path);
		assert_string_equal(buf, cases[i].want);
	}
	path_join(little, sizeof(little), "/0123", "456");
	assert_string_equal(little, "/0123");
}

static void
flags_are_constants_with_or_without_their_beginning(void **state)
{
	static const struct {
		const char *text, *prefix;
		bool good;
		uint64_t value;
	} cases[] = {
		{ "PROT_READ|PROT_WRITE", "", true, 3 },
		{ "READ|PROT_WRITE|0x10", "PROT_", true, 0x13 },
		{ "NULL", "", true, 0 },
		{ "SIGCHLD", "", true, 0 },
		{ "O_RDWR|O_SOMETHING", "", false, 0 },
		{ "MAP_PRIVATE|21<<MAP_HUGE_SHIFT", "", true,
		    2 | (uint64_t)21 << 26 },
		{ "1<<PROT_EXEC", "", true, 16 },
		{ "SEEK_SET", "", true, SCAN_OTHER },
		{ "F_GETLK", "", true, SCAN_OTHER },
		{ "MSG_A|MSG_B", "", true, 0 },
		{ "-1", "", true, UINT64_MAX },
		{ "", "", false, 0 },
		{ "|", "", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct scan sc = of(cases[i].text);
		uint64_t v = 0;
		const char *wrong = scan_flags(&sc, cases[i].prefix, &v);

		if ((wrong == NULL) != cases[i].good ||
		    (wrong == NULL && v != cases[i].value))
			fail_msg("%s", cases[i].text);
	}
}

static void
arguments_end_where_nothing_is_open(void **state)
{
	static const struct {
		const char *text, *arg;
	} cases[] = {
		{ "a, b)", "a" },
		{ "3</t/(,)>(deleted), b)", "3</t/(,)>(deleted)" },
		{ "9<TCP:[1->2,3]>, b)", "9<TCP:[1->2,3]>" },
		{ "1<<MAP_HUGE_SHIFT)", "1<<MAP_HUGE_SHIFT" },
		{ "\"a\\\",)\"..., b)", "\"a\\\",)\"..." },
		{ "{a=[1, 2], b=(c)}, d)", "{a=[1, 2], b=(c)}" },
		{ "0x7f /* 2, vars) */)", "0x7f /* 2, vars) */" },
	};
	static const char *const cut[] = { "a", "3</t", "\"a", "{a, b",
		"1 /* 2" };
	struct scan sc, arg;

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		sc = of(cases[i].text);
		assert_true(scan_arg(&sc, &arg));
		assert_true(scan_is(&arg, cases[i].arg));
	}
	for (size_t i = 0; i < nitems(cut); i++) {
		sc = of(cut[i]);
		assert_false(scan_arg(&sc, &arg));
	}
}

struct thing {
	uint32_t th_value;
	char *th_text;
};

static void
thing_fini(void *it)
{
	const struct thing *th = it;

	free(th->th_text);
}

static void
tids_stay_where_they_are(void **state)
{
	struct tids td = TIDS_OF(struct thing);
	struct thing *first, *th;

	(void)state;
	assert_null(tids_find(&td, 1));
	first = tids_get(&td, 0);
	assert_int_equal(first->th_value, 0);
	for (uint32_t i = 0; i < 10000; i++) {
		th = tids_get(&td, i * 4096);
		assert_non_null(th);
		th->th_value += i;
		if (i % 1000 == 0)
			th->th_text = strdup("text");
	}
	assert_ptr_equal(tids_get(&td, 0), first);
	for (uint32_t i = 0; i < 10000; i++) {
		th = tids_find(&td, i * 4096);
		assert_int_equal(th->th_value, i);
	}
	assert_null(tids_find(&td, 1));
	tids_fini(&td, thing_fini);
	assert_null(tids_find(&td, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_or_left),
		cmocka_unit_test(decimal_fractions_are_rounded_down),
		cmocka_unit_test(strings_have_escapes_of_c),
		cmocka_unit_test(paths_are_joined),
		cmocka_unit_test(
		    flags_are_constants_with_or_without_their_beginning),
		cmocka_unit_test(arguments_end_where_nothing_is_open),
		cmocka_unit_test(tids_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
