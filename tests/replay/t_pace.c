/* t_pace: how long before an event is due the replay stops sleeping. */
#include "replay/engine_impl.h"
#include "tests/test.h"

#define LEAST 55000U
#define MOST  1000000U

/* n sleeps, one of every so many of which is too long by late, others by over. */
static uint64_t
after(uint64_t spin, unsigned n, unsigned every, uint64_t late, uint64_t over)
{

	for (unsigned i = 1; i <= n; i++)
		spin = engine_pace_margin(spin, i % every == 0 ? late : over);
	return spin;
}

static void
where_sleeps_end_in_time_it_is_the_least(void **state)
{

	(void)state;
	assert_int_equal(after(LEAST, 1000, 1, LEAST, 0), LEAST);
	assert_int_equal(after(LEAST, 1000, 1, 1000, 0), LEAST);
	/* It comes back down. */
	assert_int_equal(after(MOST, 10000, 1, 1000, 0), LEAST);
}

static void
it_comes_to_cover_sleeps_that_are_too_long(void **state)
{
	uint64_t spin = after(LEAST, 100, 1, 200000, 0);

	(void)state;
	assert_in_range(spin, 195000, 210000);
	/* One in ten is still covered, one in a hundred is not waited for. */
	spin = after(LEAST, 2000, 10, 200000, 10000);
	assert_in_range(spin, 185000, 210000);
	assert_int_equal(after(LEAST, 2000, 100, 5000000, 10000),
	    after(LEAST, 2000, 100, 400000, 10000));
	assert_true(after(LEAST, 2000, 100, 5000000, 10000) < 80000);
}

static void
it_ends(void **state)
{

	(void)state;
	assert_int_equal(after(LEAST, 1000, 1, UINT64_MAX, 0), MOST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_sleeps_end_in_time_it_is_the_least),
		cmocka_unit_test(it_comes_to_cover_sleeps_that_are_too_long),
		cmocka_unit_test(it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
