#include "tests/test.h"

#include <stdint.h>
#include <string.h>

#include "base/base.h"

#define MIB ((size_t)1 << 20)

/* Lengths around those from which on there are large pages. */
static const size_t lens[] = { 1, 4095, 4096, 300000, MIB - 1, MIB, MIB + 1,
	2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 5 * MIB };

static void
room_is_zero_and_large_room_begins_with_a_large_page(void **state)
{

	(void)state;
	for (size_t i = 0; i < nitems(lens); i++) {
		char *const p = room_take(lens[i]);

		assert_non_null(p);
		if (lens[i] >= MIB)
			assert_int_equal((uintptr_t)p % (2 * MIB), 0);
		for (size_t k = 0; k < lens[i]; k++)
			assert_int_equal(p[k], 0);
		/* It is there to its end. */
		(void)memset(p, 1, lens[i]);
		room_give(p, lens[i]);
	}
}

/* More than there are addresses for, but never at once. */
static void
room_that_is_given_back_can_be_taken_again(void **state)
{

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		const size_t len = (size_t)1 << 36;
		char *const p = room_take(len);

		assert_non_null(p);
		room_give(p, len);
	}
}

static void
want_of_room_is_null(void **state)
{

	(void)state;
	assert_null(room_take(SIZE_MAX));
	assert_null(room_take(SIZE_MAX - MIB));
	assert_null(room_take(SIZE_MAX / 2));
	room_give(NULL, 5 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    room_is_zero_and_large_room_begins_with_a_large_page),
		cmocka_unit_test(room_that_is_given_back_can_be_taken_again),
		cmocka_unit_test(want_of_room_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
