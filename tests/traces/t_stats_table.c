/*
 * Records found by a key, against a list of keys.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/traces/tracetest.h"
#include "traces/stats_i.h"

#define KEYS 3000

struct record {
	struct stats_key rc_key;
	uint64_t rc_value, rc_more;
};

static uint64_t seed;

static struct stats_key
key_of(size_t i)
{
	return (struct stats_key){ i * i % 977 << 40 | i, i / 50 };
}

static void
what_is_put_in_is_found_until_it_is_removed(void **state)
{
	struct stats_budget sb = { .sb_left = 1 << 24 };
	static uint64_t values[KEYS]; /* 0: not there */
	struct dice d = { seed };
	struct stats_table tb;
	struct record *rc;
	size_t n = 0;

	(void)state;
	memset(values, 0, sizeof(values));
	table_init(&tb, sizeof(*rc), &sb);
	assert_null(table_find(&tb, key_of(1)));
	table_remove(&tb, key_of(1));
	for (unsigned round = 1; round <= 200000; round++) {
		/* Now more come, now more go. */
		const bool add =
		    dice_below(&d, 10) < (round / 20000 % 2 ? 3 : 7);
		const size_t i = dice_below(&d, KEYS);

		rc = table_find(&tb, key_of(i));
		assert_int_equal(rc != NULL, values[i] != 0);
		if (rc != NULL)
			assert_int_equal(rc->rc_value, values[i]);
		if (add) {
			n += values[i] == 0;
			rc = table_get(&tb, key_of(i));
			assert_non_null(rc);
			assert_int_equal(rc->rc_value, values[i]);
			assert_int_equal(rc->rc_more, 0);
			rc->rc_value = values[i] = round;
		} else {
			n -= values[i] != 0;
			table_remove(&tb, key_of(i));
			values[i] = 0;
		}
		assert_int_equal(tb.tb_n, n);
	}
	for (size_t i = 0; i < KEYS; i++) {
		rc = table_find(&tb, key_of(i));
		assert_int_equal(rc != NULL ? rc->rc_value : 0, values[i]);
	}
	assert_false(sb.sb_spent);
	table_fini(&tb);
}

static void
a_guess_is_right_where_there_is_one(void **state)
{
	struct stats_budget sb = { .sb_left = 1 << 24 };
	struct stats_table tb;

	(void)state;
	table_init(&tb, sizeof(struct record), &sb);
	assert_null(table_guess(&tb, table_hash(key_of(1))));
	for (size_t i = 0; i < KEYS; i++)
		assert_non_null(table_get(&tb, key_of(i)));
	for (size_t i = 0; i < KEYS; i++) {
		const uint64_t h = table_hash(key_of(i));

		table_hint(&tb, h);
		assert_ptr_equal(table_guess(&tb, h),
		    table_find(&tb, key_of(i)));
	}
	table_fini(&tb);
}

static void
a_budget_is_kept_and_shared(void **state)
{
	/* Room for one chunk, and one index. */
	struct stats_budget sb = {
		.sb_left = TABLE_CHUNK * sizeof(struct record) + (1 << 16),
	};
	struct stats_table tb, other;
	size_t n = 0;

	(void)state;
	table_init(&tb, sizeof(struct record), &sb);
	table_init(&other, sizeof(struct record), &sb);
	while (table_get(&tb, key_of(n)) != NULL)
		n++;
	assert_int_equal(n, TABLE_CHUNK);
	assert_true(sb.sb_spent);
	assert_null(table_get(&other, key_of(0)));
	/* What is there is there. */
	for (size_t i = 0; i < n; i++)
		assert_non_null(table_find(&tb, key_of(i)));
	table_fini(&tb);
	table_fini(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_is_found_until_it_is_removed),
		cmocka_unit_test(a_guess_is_right_where_there_is_one),
		cmocka_unit_test(a_budget_is_kept_and_shared),
	};

	seed = dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
