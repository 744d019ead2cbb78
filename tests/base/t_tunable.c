#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/tunable.h"

static const struct tunable row_uint = { "count", TUN_UINT, 0, 3, 1, 1000, "",
	NULL, "" };
static const struct tunable row_size = { "memory", TUN_SIZE, 0, 4096, 4096,
	1ULL << 43, "bytes", NULL, "" };
static const struct tunable row_time = { "period", TUN_TIME, 0, 0, 0,
	UINT64_MAX, "ns", NULL, "" };
static const struct tunable row_ratio = { "penalty", TUN_RATIO, 0, RATIO(4, 1),
	0, UINT64_MAX, "", NULL, "" };
static const struct tunable row_share = { "share", TUN_RATIO, 0, RATIO(1, 3), 0,
	RATIO(1, 1), "", NULL, "" };
static const struct tunable row_enum = { "backend", TUN_ENUM, 0, 0, 0, 0, "",
	"null|buffered|direct", "" };
static const struct tunable row_quirk = { "q1_x", TUN_QUIRK, 0, 0, 0, 0, "",
	NULL, "" };
static const struct tunable row_pace = { "pace", TUN_PACE, 0, RATIO_INF,
	RATIO(1, 1000), RATIO_INF, "", NULL, "" };
static const struct tunable row_log = { "log", TUN_SAMPLE, 0, 0, 0, UINT64_MAX,
	"", "summary|ops", "" };
static const struct tunable row_timing = { "timing", TUN_SAMPLE, 0, 1, 0,
	UINT64_MAX, "", "none|all", "" };

struct good {
	const struct tunable *gd_row;
	const char *gd_text;
	uint64_t gd_value;
	const char *gd_written; /* as tunable_format() writes it */
};

static const struct good good[] = {
	{ &row_uint, "1", 1, "1" },
	{ &row_uint, "1000", 1000, "1000" },
	{ &row_uint, "0000000000000000000000000000000007", 7, "7" },
	{ &row_size, "4096", 4096, "4K" },
	{ &row_size, "4097", 4097, "4097" },
	{ &row_size, "64K", 65536, "64K" },
	{ &row_size, "64k", 65536, "64K" },
	{ &row_size, "64KiB", 65536, "64K" },
	{ &row_size, "1.5M", 3U << 19, "1536K" },
	{ &row_size, "8T", 1ULL << 43, "8T" },
	{ &row_size, "1GiB", 1ULL << 30, "1G" },
	{ &row_time, "0", 0, "0" },
	{ &row_time, "0s", 0, "0" },
	{ &row_time, "250us", 250000, "250us" },
	{ &row_time, "0.25ms", 250000, "250us" },
	{ &row_time, "30s", 30000000000, "30s" },
	{ &row_time, "1.5min", 90000000000, "90s" },
	{ &row_time, "18446744073709551615ns", UINT64_MAX,
	    "18446744073709551615ns" },
	{ &row_ratio, "4", RATIO(4, 1), "4" },
	{ &row_ratio, "1/8", RATIO(1, 8), "1/8" },
	{ &row_ratio, "0.125", RATIO(1, 8), "1/8" },
	{ &row_ratio, "2/16", RATIO(1, 8), "1/8" },
	{ &row_ratio, "0.5/4", RATIO(1, 8), "1/8" },
	{ &row_ratio, "1.5", RATIO(3, 2), "3/2" },
	{ &row_ratio, "0", RATIO(0, 1), "0" },
	{ &row_ratio, "0/7", RATIO(0, 1), "0" },
	{ &row_ratio, "0.000", RATIO(0, 1), "0" },
	{ &row_ratio, "inf", RATIO_INF, "inf" },
	{ &row_ratio, "4294967295", RATIO(UINT32_MAX, 1), "4294967295" },
	{ &row_ratio, "1/4294967295", RATIO(1, UINT32_MAX), "1/4294967295" },
	{ &row_share, "1", RATIO(1, 1), "1" },
	{ &row_share, "0", RATIO(0, 1), "0" },
	{ &row_enum, "null", 0, "null" },
	{ &row_enum, "direct", 2, "direct" },
	{ &row_quirk, "profile", QUIRK_BY_PROFILE, "profile" },
	{ &row_quirk, "faithful", QUIRK_FAITHFUL, "faithful" },
	{ &row_quirk, "fixed", QUIRK_FIXED, "fixed" },
	{ &row_log, "summary", 0, "summary" },
	{ &row_log, "ops", 1, "ops" },
	{ &row_log, "sample:1000", 1000, "sample:1000" },
	{ &row_log, "sample:1", 1, "ops" },
	{ &row_timing, "none", 0, "none" },
	{ &row_timing, "all", 1, "all" },
	{ &row_timing, "sample:64", 64, "sample:64" },
	{ &row_pace, "asap", RATIO_INF, "asap" },
	{ &row_pace, "inf", RATIO_INF, "asap" },
	{ &row_pace, "trace", RATIO(1, 1), "trace" },
	{ &row_pace, "1", RATIO(1, 1), "trace" },
	{ &row_pace, "2", RATIO(2, 1), "2" },
	{ &row_pace, "0.5", RATIO(1, 2), "1/2" },
};

static void
a_value_is_read_and_written_as_its_kind_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		const struct good *gd = &good[i];
		struct errmsg em = { .em_text = "" };
		char text[TUNABLE_TEXT_MAX];
		uint64_t val = 0, again = 1;

		must_em(tunable_parse(gd->gd_row, gd->gd_text, &val, &em), &em);
		if (val != gd->gd_value)
			fail_msg("%s", gd->gd_text);
		tunable_format(gd->gd_row, val, text, sizeof(text));
		assert_string_equal(text, gd->gd_written);
		must_em(tunable_parse(gd->gd_row, text, &again, &em), &em);
		assert_int_equal(again, val);
	}
}

struct bad {
	const struct tunable *bd_row;
	const char *bd_text;
	int bd_error;
	const char *bd_says; /* in the message, beside the row's name */
};

static const struct bad bad[] = {
	{ &row_uint, "", EINVAL, "count such as" },
	{ &row_uint, "-1", EINVAL, "count such as" },
	{ &row_uint, "+1", EINVAL, "count such as" },
	{ &row_uint, " 1", EINVAL, "count such as" },
	{ &row_uint, "1 ", EINVAL, "count such as" },
	{ &row_uint, "1.5", EINVAL, "count such as" },
	{ &row_uint, "0x10", EINVAL, "count such as" },
	{ &row_uint, "12s", EINVAL, "count such as" },
	{ &row_uint, "0", ERANGE, "1 to 1000" },
	{ &row_uint, "1001", ERANGE, "1 to 1000" },
	{ &row_uint, "18446744073709551616", ERANGE, "beyond" },
	{ &row_uint, "99999999999999999999999999999999", ERANGE, "beyond" },
	{ &row_uint, "99999999999999999999G", ERANGE, "beyond" },
	{ &row_size, "4095", ERANGE, "4K to 8T" },
	{ &row_size, "9T", ERANGE, "4K to 8T" },
	{ &row_size, "64KB", EINVAL, "size such as" },
	{ &row_size, "64KK", EINVAL, "size such as" },
	{ &row_size, "K", EINVAL, "size such as" },
	{ &row_size, "1.", EINVAL, "size such as" },
	{ &row_size, ".5G", EINVAL, "size such as" },
	{ &row_size, "0.3K", EINVAL, "size such as" },
	{ &row_size, "inf", EINVAL, "size such as" },
	{ &row_size, "16777216T", ERANGE, "beyond" },
	{ &row_time, "30", EINVAL, "time such as" },
	{ &row_time, "30S", EINVAL, "time such as" },
	{ &row_time, "0.1ns", EINVAL, "time such as" },
	{ &row_time, "18446744073709551616ns", ERANGE, "beyond" },
	{ &row_time, "307445735min", ERANGE, "beyond" },
	{ &row_ratio, "1/0", EINVAL, "ratio such as" },
	{ &row_ratio, "0/0", EINVAL, "ratio such as" },
	{ &row_ratio, "1/", EINVAL, "ratio such as" },
	{ &row_ratio, "/8", EINVAL, "ratio such as" },
	{ &row_ratio, "1/2/3", EINVAL, "ratio such as" },
	{ &row_ratio, "-1/8", EINVAL, "ratio such as" },
	{ &row_ratio, "1e3", EINVAL, "ratio such as" },
	{ &row_ratio, "nan", EINVAL, "ratio such as" },
	{ &row_ratio, "4294967296", ERANGE, "beyond" },
	{ &row_ratio, "0.0000000001", ERANGE, "beyond" },
	{ &row_share, "1.001", ERANGE, "0 to 1" },
	{ &row_share, "inf", ERANGE, "0 to 1" },
	{ &row_enum, "", EINVAL, "null|buffered|direct" },
	{ &row_enum, "driect", EINVAL, "did you mean 'direct'?" },
	{ &row_enum, "buffer", EINVAL, "did you mean 'buffered'?" },
	{ &row_enum, "null|buffered", EINVAL, "null|buffered|direct" },
	{ &row_enum, "0", EINVAL, "null|buffered|direct" },
	{ &row_quirk, "faithfull", EINVAL, "did you mean 'faithful'?" },
	{ &row_quirk, "1", EINVAL, "profile|faithful|fixed" },
	{ &row_log, "sample", EINVAL, "sample:N" },
	{ &row_log, "sample:", EINVAL, "sample:N" },
	{ &row_log, "sample:0", EINVAL, "sample:N" },
	{ &row_log, "all", EINVAL, "is not summary, ops or sample:N" },
	{ &row_timing, "ops", EINVAL, "is not none, all or sample:N" },
	{ &row_pace, "none", EINVAL, "asap, trace or a factor" },
	{ &row_pace, "2x", EINVAL, "asap, trace or a factor" },
	{ &row_pace, "-1", EINVAL, "asap, trace or a factor" },
	{ &row_pace, "0", ERANGE, "1/1000 to asap" },
};

static void
garbage_and_what_is_out_of_bounds_is_refused_with_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		const struct bad *bd = &bad[i];
		struct errmsg em = { .em_text = "" };
		uint64_t val = 12345;
		const int error =
		    tunable_parse(bd->bd_row, bd->bd_text, &val, &em);

		if (error != bd->bd_error || val != 12345)
			fail_msg("'%s': error %d", bd->bd_text, error);
		if (strstr(em.em_text, bd->bd_row->tn_name) == NULL ||
		    strstr(em.em_text, bd->bd_says) == NULL)
			fail_msg("'%s': %s", bd->bd_text, em.em_text);
	}
}

static void
numbers_without_a_row_have_the_same_syntax(void **state)
{
	uint64_t val;

	(void)state;
	must(parse_size("1.5K", &val));
	assert_int_equal(val, 1536);
	must(parse_time("2min", &val));
	assert_int_equal(val, 120000000000);
	must(parse_uint("3M", &val));
	assert_int_equal(val, 3U << 20);
	must(parse_uint("18446744073709551615", &val));
	assert_true(val == UINT64_MAX);
	assert_int_equal(parse_size("1X", &val), EINVAL);
	assert_int_equal(parse_time("1", &val), EINVAL);
	assert_int_equal(parse_time("0x", &val), EINVAL);
	assert_int_equal(parse_uint("17179869184G", &val), ERANGE);
}

static void
ratios_compare_as_rationals_and_inf_is_the_largest(void **state)
{
	(void)state;
	assert_true(tunable_cmp(&row_ratio, RATIO(1, 3), RATIO(333, 1000)) > 0);
	assert_true(tunable_cmp(&row_ratio, RATIO(1, 3), RATIO(2, 6)) == 0);
	assert_true(
	    tunable_cmp(&row_ratio, RATIO_INF, RATIO(UINT32_MAX, 1)) > 0);
	assert_true(tunable_cmp(&row_ratio, RATIO_INF, RATIO_INF) == 0);
	assert_true(tunable_cmp(&row_ratio, 0, RATIO(1, UINT32_MAX)) < 0);
	assert_true(tunable_cmp(&row_ratio, 0, RATIO(0, 1)) == 0);
	assert_true(tunable_cmp(&row_ratio, RATIO(UINT32_MAX, 2),
			RATIO(UINT32_MAX, 3)) > 0);
	assert_true(tunable_cmp(&row_size, 1ULL << 40, 1) > 0);
	assert_true(tunable_real(&row_ratio, RATIO(1, 8)) < 0.1251);
	assert_true(tunable_real(&row_ratio, RATIO(1, 8)) > 0.1249);
	assert_true(isinf(tunable_real(&row_ratio, RATIO_INF)));
}

struct pair {
	uint64_t pr_first, pr_second;
};

static void
rows_get_set_and_default_the_fields_they_name(void **state)
{
	const struct tunable table[] = {
		{ "first_one", TUN_UINT, offsetof(struct pair, pr_first), 7, 0,
		    9, "", NULL, "" },
		{ "second", TUN_UINT, offsetof(struct pair, pr_second), 8, 0, 9,
		    "", NULL, "" },
	};
	struct pair pr = { 0, 0 };

	(void)state;
	tunable_defaults(table, nitems(table), &pr);
	assert_int_equal(pr.pr_first, 7);
	assert_int_equal(pr.pr_second, 8);
	tunable_set(&table[1], &pr, 9);
	assert_int_equal(pr.pr_second, 9);
	assert_int_equal(tunable_get(&table[0], &pr), 7);
	assert_ptr_equal(tunable_find(table, 2, "first_one"), &table[0]);
	assert_ptr_equal(tunable_find(table, 2, "first-one"), &table[0]);
	assert_null(tunable_find(table, 2, "first"));
	assert_null(tunable_find(table, 2, "second2"));
	assert_null(tunable_find(table, 2, ""));
}

static void
the_nearest_word_is_what_was_meant_or_none(void **state)
{
	static const char *const words[] = { "memory", "hash_penalty",
		"hash_buckets", "cluster", "cluster_policy", "inactive" };
	static const struct {
		const char *tw_typed, *tw_meant;
	} tries[] = {
		{ "memory", "memory" },
		{ "memroy", "memory" },
		{ "Memory", "memory" },
		{ "mem", "memory" },
		{ "hash-penalty", "hash_penalty" },
		{ "hash_penlaty", "hash_penalty" },
		{ "penalty", "hash_penalty" },
		{ "bucket", "hash_buckets" },
		{ "clusters", "cluster" },
		{ "policy", "cluster_policy" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "e", NULL },
	};
	char lengthy[200];

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		const char *near =
		    nearest_word(tries[i].tw_typed, words, nitems(words));

		if (tries[i].tw_meant == NULL)
			assert_null(near);
		else {
			assert_non_null(near);
			assert_string_equal(near, tries[i].tw_meant);
		}
	}
	memset(lengthy, 'm', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	assert_null(nearest_word(lengthy, words, nitems(words)));
	assert_null(nearest_word("memory", NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_read_and_written_as_its_kind_says),
		cmocka_unit_test(
		    garbage_and_what_is_out_of_bounds_is_refused_with_a_remedy),
		cmocka_unit_test(numbers_without_a_row_have_the_same_syntax),
		cmocka_unit_test(
		    ratios_compare_as_rationals_and_inf_is_the_largest),
		cmocka_unit_test(rows_get_set_and_default_the_fields_they_name),
		cmocka_unit_test(the_nearest_word_is_what_was_meant_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
