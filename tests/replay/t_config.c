#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "replay/config.h"

static size_t
row_named(const char *name)
{
	for (size_t i = 0; i < config_count(); i++)
		if (strcmp(config_tunable(i)->tn_name, name) == 0)
			return i;
	fail_msg("no tunable %s", name);
	return 0;
}

static void
every_tunable_is_at_its_default_after_init(void **state)
{
	struct config cf;

	(void)state;
	memset(&cf, 0xa5, sizeof(cf));
	config_init(&cf);
	for (size_t i = 0; i < config_count(); i++)
		assert_int_equal(config_get(&cf, i), config_tunable(i)->tn_def);
	assert_int_equal(cf.cf_replay.backend, BACKEND_DIRECT);
	assert_int_equal(cf.cf_uvm.memory, 64U << 20);
}

static void
both_tables_are_there_and_no_name_twice(void **state)
{
	(void)state;
	assert_int_equal(config_count(), uvm_param_count + replay_param_count);
	for (size_t i = 0; i < config_count(); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(config_tunable(i)->tn_name,
			    config_tunable(j)->tn_name);
}

static void
every_row_says_what_it_is_and_takes_its_default(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);
		struct errmsg em = { .em_text = "" };
		char text[TUNABLE_TEXT_MAX];
		uint64_t val = 0;

		assert_true(tn->tn_help != NULL && *tn->tn_help != '\0');
		assert_non_null(tn->tn_unit);
		assert_true(
		    (tn->tn_kind == TUN_ENUM || tn->tn_kind == TUN_SAMPLE) ==
		    (tn->tn_choices != NULL));
		tunable_format(tn, tn->tn_def, text, sizeof(text));
		must_em(tunable_parse(tn, text, &val, &em), &em);
		assert_int_equal(tunable_cmp(tn, val, tn->tn_def), 0);
	}
}

static void
a_value_set_is_the_value_got_and_no_other_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_count(); i++) {
		struct config cf;

		config_init(&cf);
		config_set(&cf, i, 0x123456789abcdef0);
		assert_true(config_get(&cf, i) == 0x123456789abcdef0);
		for (size_t j = 0; j < config_count(); j++)
			if (j != i)
				assert_int_equal(config_get(&cf, j),
				    config_tunable(j)->tn_def);
	}
}

static void
assignments_reach_pager_and_engine(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct config cf;

	(void)state;
	config_init(&cf);
	must_em(config_assign(&cf, "hash_penalty", "0.125", &em), &em);
	must_em(config_assign(&cf, "cluster-policy", "around", &em), &em);
	must_em(config_assign(&cf, "backend", "null", &em), &em);
	must_em(config_assign(&cf, "log", "sample:10", &em), &em);
	must_em(config_assign(&cf, "q4_single_read", "fixed", &em), &em);
	assert_true(cf.cf_uvm.hash_penalty == RATIO(1, 8));
	assert_int_equal(cf.cf_uvm.cluster_policy, CLUSTER_AROUND);
	assert_int_equal(cf.cf_replay.backend, BACKEND_NULL);
	assert_int_equal(cf.cf_replay.log, 10);
	assert_int_equal(cf.cf_uvm.q4_single_read, QUIRK_FIXED);
	assert_int_equal(config_get(&cf, row_named("log")), 10);
}

static void
an_unknown_tunable_names_the_nearest(void **state)
{
	static const struct {
		const char *name, *says;
	} tries[] = {
		{ "memroy", "did you mean 'memory'?" },
		{ "penalty", "did you mean 'hash_penalty'?" },
		{ "backends", "did you mean 'backend'?" },
		{ "xyzzy", "uvn params lists them" },
		{ "", "uvn params lists them" },
	};
	struct config cf, before;

	(void)state;
	config_init(&cf);
	before = cf;
	for (size_t i = 0; i < nitems(tries); i++) {
		struct errmsg em = { .em_text = "" };

		assert_int_equal(config_assign(&cf, tries[i].name, "1", &em),
		    EINVAL);
		assert_non_null(strstr(em.em_text, tries[i].says));
	}
	assert_memory_equal(&cf, &before, sizeof(cf));
}

static void
an_impossible_value_changes_nothing_and_says_what_is_possible(void **state)
{
	static const struct {
		const char *name, *value, *says;
		int error;
	} tries[] = {
		{ "memory", "banana", "a size such as", EINVAL },
		{ "memory", "9999T", "4K to 8T", ERANGE },
		{ "hash_penalty", "-1", "a ratio such as", EINVAL },
		{ "inactive", "3/2", "0 to 1", ERANGE },
		{ "backend", "drect", "did you mean 'direct'?", EINVAL },
		{ "profile", "1999", "did you mean '1998'?", EINVAL },
		{ "sync_interval", "30", "a time such as", EINVAL },
		{ "queue", "1", "64 to", ERANGE },
	};
	struct config cf, before;

	(void)state;
	config_init(&cf);
	before = cf;
	for (size_t i = 0; i < nitems(tries); i++) {
		struct errmsg em = { .em_text = "" };

		assert_int_equal(config_assign(&cf, tries[i].name,
				     tries[i].value, &em),
		    tries[i].error);
		if (strstr(em.em_text, tries[i].says) == NULL ||
		    strstr(em.em_text, tries[i].name) == NULL)
			fail_msg("%s", em.em_text);
	}
	assert_memory_equal(&cf, &before, sizeof(cf));
}

static void
resolving_settles_quirks_and_refuses_what_would_livelock(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct config cf;

	(void)state;
	config_init(&cf);
	must_em(config_resolve(&cf, &em), &em);
	assert_int_equal(cf.cf_uvm.q4_single_read, QUIRK_FAITHFUL);

	config_init(&cf);
	must_em(config_assign(&cf, "memory", "256K", &em), &em);
	assert_int_equal(config_resolve(&cf, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "100 pages"));
	assert_non_null(strstr(em.em_text, "400K"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tunable_is_at_its_default_after_init),
		cmocka_unit_test(both_tables_are_there_and_no_name_twice),
		cmocka_unit_test(
		    every_row_says_what_it_is_and_takes_its_default),
		cmocka_unit_test(
		    a_value_set_is_the_value_got_and_no_other_changes),
		cmocka_unit_test(assignments_reach_pager_and_engine),
		cmocka_unit_test(an_unknown_tunable_names_the_nearest),
		cmocka_unit_test(
		    an_impossible_value_changes_nothing_and_says_what_is_possible),
		cmocka_unit_test(
		    resolving_settles_quirks_and_refuses_what_would_livelock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
