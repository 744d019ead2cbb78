#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replay/sweep.h"

/* The axis' values, as they are written, with commas. */
static void
values(const struct sweep_axis *ax, char *buf, size_t len)
{
	char text[TUNABLE_TEXT_MAX];
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ax->ax_n; i++) {
		tunable_format(config_tunable(ax->ax_tunable), ax->ax_value[i],
		    text, sizeof(text));
		n += (size_t)snprintf(buf + n, len - n, "%s%s",
		    i > 0 ? "," : "", text);
		assert_in_range(n, 1, len - 1);
	}
}

static const struct good {
	const char *gd_text, *gd_name, *gd_values;
} good[] = {
	{ "hash_penalty=4", "hash_penalty", "4" },
	{ "hash_penalty=0,1/64..64*2,inf", "hash_penalty",
	    "0,1/64,1/32,1/16,1/8,1/4,1/2,1,2,4,8,16,32,64,inf" },
	/* Neither a third nor a tenth is a double. */
	{ "hash_penalty=1/27..1*3", "hash_penalty", "1/27,1/9,1/3,1" },
	{ "hash_penalty=0.1..0.5+0.1", "hash_penalty",
	    "1/10,1/5,3/10,2/5,1/2" },
	{ "hash_penalty=0..1+1/3", "hash_penalty", "0,1/3,2/3,1" },
	{ "hash_penalty=1..5*3/2", "hash_penalty", "1,3/2,9/4,27/8" },
	{ "hash_penalty=1..5*1.5", "hash_penalty", "1,3/2,9/4,27/8" },
	{ "hash_penalty=1/3..1/3*2", "hash_penalty", "1/3" },
	{ "hash_penalty=inf", "hash_penalty", "inf" },
	{ "hash-penalty=1,2", "hash_penalty", "1,2" },
	{ "hash_penalty=1..4294967295*65536", "hash_penalty", "1,65536" },
	{ "hash_penalty=4294967294..4294967295+1", "hash_penalty",
	    "4294967294,4294967295" },
	{ "cluster=4K..1M*2", "cluster",
	    "4K,8K,16K,32K,64K,128K,256K,512K,1M" },
	{ "cluster=4K..16K+4K", "cluster", "4K,8K,12K,16K" },
	/* Its end need not be met. */
	{ "cluster=4K..18K+4K", "cluster", "4K,8K,12K,16K" },
	{ "cluster=4K..64K*3", "cluster", "4K,12K,36K" },
	{ "cluster=4K..14K*3/2", "cluster", "4K,6K,9K,13824" },
	{ "cluster=64K,4K", "cluster", "64K,4K" },
	{ "memory=8T..8T*2", "memory", "8T" },
	{ "fault_back=0..3+1", "fault_back", "0,1,2,3" },
	{ "fault_back=1..8*2,0", "fault_back", "1,2,4,8,0" },
	{ "sync_interval=250ms..1s*2", "sync_interval", "250ms,500ms,1s" },
	{ "sync_interval=0..1min+30s", "sync_interval", "0,30s,1min" },
	{ "interval=18446744073709551614ns..18446744073709551615ns+1ns",
	    "interval", "18446744073709551614ns,18446744073709551615ns" },
	{ "interval=18446744073709551615ns..18446744073709551615ns*2",
	    "interval", "18446744073709551615ns" },
	{ "cluster_policy=forward,aligned,around", "cluster_policy",
	    "forward,aligned,around" },
	{ "profile=1998,modern", "profile", "1998,modern" },
	{ "q1_error_clean=faithful,fixed", "q1_error_clean", "faithful,fixed" },
	{ "log=summary,sample:10,ops", "log", "summary,sample:10,ops" },
};

static void
lists_and_ranges_give_exactly_these_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		struct errmsg em = { .em_text = "" };
		struct sweep_axes xs = { .xs_n = 0 };
		char text[512];

		if (sweep_axis_add(&xs, good[i].gd_text, &em) != 0)
			fail_msg("%s: %s", good[i].gd_text, em.em_text);
		assert_int_equal(xs.xs_n, 1);
		assert_string_equal(config_tunable(xs.xs_axis[0].ax_tunable)
					->tn_name,
		    good[i].gd_name);
		assert_string_equal(xs.xs_axis[0].ax_text, good[i].gd_text);
		values(&xs.xs_axis[0], text, sizeof(text));
		assert_string_equal(text, good[i].gd_values);
		sweep_axes_fini(&xs);
	}
}

static void
what_a_range_writes_is_read_as_the_same_value(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct sweep_axes xs = { .xs_n = 0 };

	(void)state;
	must_em(sweep_axis_add(&xs, "hash_penalty=1/64..64*3/2", &em), &em);
	const struct sweep_axis *ax = &xs.xs_axis[0];
	assert_int_equal(ax->ax_n, 21);
	for (size_t i = 0; i < ax->ax_n; i++) {
		const struct tunable *tn = config_tunable(ax->ax_tunable);
		char text[TUNABLE_TEXT_MAX];
		uint64_t val = 0;

		tunable_format(tn, ax->ax_value[i], text, sizeof(text));
		must_em(tunable_parse(tn, text, &val, &em), &em);
		assert_int_equal(val, ax->ax_value[i]);
	}
	sweep_axes_fini(&xs);
}

static const struct bad {
	const char *bd_text, *bd_says;
} bad[] = {
	{ "", "is not NAME=VALUE" },
	{ "hash_penalty", "is not NAME=VALUE" },
	{ "=1", "is not NAME=VALUE" },
	{ "hash_penlaty=1", "did you mean 'hash_penalty'?" },
	{ "xyzzy=1", "unknown tunable 'xyzzy'; uvn params lists them" },
	{ "hash_penalty=", "is not a ratio" },
	{ "hash_penalty=1,,2", "hash_penalty: '' is not a ratio" },
	{ "hash_penalty=1,", "hash_penalty: '' is not a ratio" },
	{ "hash_penalty=x", "'x' is not a ratio" },
	{ "hash_penalty=-1", "'-1' is not a ratio" },
	{ "hash_penalty=1, 2", "' 2' is not a ratio" },
	{ "hash_penalty=1/4,0.25", "1/4 is there twice" },
	{ "cluster=64K,4K..1M*2", "64K is there twice" },
	{ "cluster=4K,4096", "4K is there twice" },
	{ "cluster=4K..1M", "lacks its step" },
	{ "cluster=4K..*2", "'' is not a size" },
	{ "cluster=..1M*2", "'' is not a size" },
	{ "cluster=4K..1M*", "'' is not a ratio" },
	{ "cluster=4K..1M+", "'' is not a size" },
	{ "cluster=4K..1M*2*2", "is not a ratio" },
	{ "cluster=4K..1M*1", "does not ascend" },
	{ "cluster=4K..1M*1/2", "does not ascend" },
	{ "cluster=4K..1M*0", "does not ascend" },
	{ "cluster=4K..1M*inf", "does not ascend" },
	{ "cluster=4K..1M+0", "does not ascend" },
	{ "cluster=1M..4K*2", "begins above its end" },
	{ "cluster=4K..1G*2", "is out of bounds" },
	{ "cluster=1..1M*2", "is out of bounds" },
	{ "cluster=513..4K*3/2", "is no whole number" },
	{ "fault_back=0..8*2", "stays at 0" },
	{ "hash_penalty=0..8*2", "stays at 0" },
	{ "hash_penalty=1..inf*2", "no range ends at inf" },
	{ "hash_penalty=inf..inf*2", "no range ends at inf" },
	{ "hash_penalty=1..2+inf", "does not ascend" },
	{ "hash_penalty=1/4294967295..1*3/2", "no fraction that fits" },
	{ "memory=4K..8T+4K", "more than 4096 values" },
	{ "cluster_policy=forward..around*2", "it has no ranges" },
	{ "q1_error_clean=faithful..fixed+1", "it has no ranges" },
	{ "log=summary..ops+1", "it has no ranges" },
	{ "cluster_policy=forwrad", "did you mean 'forward'?" },
};

static void
what_is_no_axis_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		struct errmsg em = { .em_text = "" };
		struct sweep_axes xs = { .xs_n = 0 };
		const int error = sweep_axis_add(&xs, bad[i].bd_text, &em);

		if (error != EINVAL && error != ERANGE)
			fail_msg("%s: error %d", bad[i].bd_text, error);
		if (strstr(em.em_text, bad[i].bd_says) == NULL)
			fail_msg("%s: says: %s", bad[i].bd_text, em.em_text);
		assert_int_equal(xs.xs_n, 0);
		sweep_axes_fini(&xs);
	}
}

static void
a_tunable_has_one_axis(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct sweep_axes xs = { .xs_n = 0 };

	(void)state;
	must_em(sweep_axis_add(&xs, "hash_penalty=1", &em), &em);
	must_em(sweep_axis_add(&xs, "cluster=4K", &em), &em);
	assert_int_equal(sweep_axis_add(&xs, "hash-penalty=2", &em), EINVAL);
	assert_non_null(strstr(em.em_text, "hash_penalty has an axis already"));
	assert_int_equal(xs.xs_n, 2);
	char *text = sweep_axes_text(&xs);
	assert_string_equal(text,
	    "[{\"name\":\"hash_penalty\",\"values\":[\"1\"]},"
	    "{\"name\":\"cluster\",\"values\":[\"4K\"]}]");
	free(text);
	sweep_axes_fini(&xs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_ranges_give_exactly_these_values),
		cmocka_unit_test(what_a_range_writes_is_read_as_the_same_value),
		cmocka_unit_test(what_is_no_axis_is_refused_with_the_reason),
		cmocka_unit_test(a_tunable_has_one_axis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
