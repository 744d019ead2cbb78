/*
 * t_depend: what an event of one thread waits for of others.
 */
#include "replay/mp/mp.h"
#include "tests/test.h"

static struct depend de;
static uint64_t given[4];

static int
begin(void **state)
{

	(void)state;
	for (size_t i = 0; i < nitems(given); i++)
		given[i] = 0;
	return depend_init(&de);
}

static int
end(void **state)
{

	(void)state;
	depend_fini(&de);
	return 0;
}

/* The next event of worker; what it waits for is in de. */
static void
event(uint32_t worker, enum trace_op op, uint32_t file, uint32_t map)
{
	const struct trace_event ev = { .te_op = (uint8_t)op,
		.te_file = file,
		.te_map = map };

	must(depend_event(&de, &ev, worker, ++given[worker]));
}

static void
waits_for(uint32_t worker, uint64_t pos)
{

	for (uint32_t i = 0; i < de.de_ndeps; i++)
		if (de.de_deps[i].dp_worker == worker) {
			assert_int_equal(de.de_deps[i].dp_pos, pos);
			return;
		}
	fail_msg("waits for nothing of worker %u", worker);
}

static void
a_map_is_attached_before_others_use_it(void **state)
{

	(void)state;
	event(0, TRACE_ATTACH, 1, 1);
	assert_int_equal(de.de_ndeps, 0);
	event(0, TRACE_READ, 1, 1);
	assert_int_equal(de.de_ndeps, 0);
	event(1, TRACE_READ, 1, 1);
	assert_int_equal(de.de_ndeps, 1);
	waits_for(0, 1);
	/* It knows by now. */
	event(1, TRACE_WRITE, 1, 1);
	assert_int_equal(de.de_ndeps, 0);
}

static void
a_map_is_detached_after_all_have_used_it(void **state)
{

	(void)state;
	event(0, TRACE_ATTACH, 1, 1);
	event(1, TRACE_READ, 1, 1);
	event(2, TRACE_READ, 1, 1);
	event(1, TRACE_WRITE, 1, 1);
	event(0, TRACE_DETACH, 1, 1);
	assert_int_equal(de.de_ndeps, 2);
	waits_for(1, 2);
	waits_for(2, 1);
}

/* Those that change what others use; each is followed by another's access. */
static void
a_change_of_a_file_or_map_waits_for_its_users(void **state)
{
	static const struct trace_event changes[] = {
		{ .te_op = TRACE_FALLOCATE, .te_file = 1 },
		{ .te_op = TRACE_PWRITE, .te_file = 1 },
		{ .te_op = TRACE_UNLINK, .te_file = 1 },
		{ .te_op = TRACE_MADVISE,
		    .te_file = 1,
		    .te_map = 2,
		    .te_flags = TRACE_F_FREE },
		{ .te_op = TRACE_PROTECT, .te_file = 1, .te_map = 1 },
		{ .te_op = TRACE_MADVISE, .te_file = 1, .te_map = 1 },
	};

	for (size_t i = 0; i < nitems(changes); i++) {
		(void)end(state);
		must(begin(state));
		event(0, TRACE_READ, 1, 1);
		must(depend_event(&de, &changes[i], 1, ++given[1]));
		assert_int_equal(de.de_ndeps, 1);
		waits_for(0, 1);
		event(0, TRACE_READ, 1, 1);
		assert_int_equal(de.de_ndeps, 1);
		waits_for(1, 1);
	}
}

static void
a_truncate_stands_between_what_was_before_and_after(void **state)
{

	(void)state;
	event(0, TRACE_MSYNC, 1, 1);
	event(1, TRACE_READ, 1, 2);
	event(1, TRACE_READ, 2, 3);
	event(2, TRACE_TRUNCATE, 1, 0);
	assert_int_equal(de.de_ndeps, 2);
	waits_for(0, 1);
	waits_for(1, 1);
	event(1, TRACE_READ, 1, 2);
	assert_int_equal(de.de_ndeps, 1);
	waits_for(2, 1);
	/* Another file is another matter. */
	event(0, TRACE_READ, 2, 4);
	assert_int_equal(de.de_ndeps, 0);
	/* And the next one waits for the first, too. */
	event(0, TRACE_TRUNCATE, 1, 0);
	assert_int_equal(de.de_ndeps, 2);
	waits_for(1, 3);
	waits_for(2, 1);
}

static void
accesses_of_one_file_wait_for_nobody(void **state)
{

	(void)state;
	event(0, TRACE_ATTACH, 1, 1);
	event(1, TRACE_ATTACH, 1, 2);
	for (int i = 0; i < 100; i++) {
		event(0, i % 2 != 0 ? TRACE_READ : TRACE_WRITE, 1, 1);
		assert_int_equal(de.de_ndeps, 0);
		event(1, i % 3 != 0 ? TRACE_READ : TRACE_MSYNC, 1, 2);
		assert_int_equal(de.de_ndeps, 0);
	}
}

static void
opens_and_closes_of_a_file_are_in_order(void **state)
{

	(void)state;
	event(0, TRACE_OPEN, 1, 0);
	event(1, TRACE_CLOSE, 1, 0);
	assert_int_equal(de.de_ndeps, 1);
	waits_for(0, 1);
	event(2, TRACE_OPEN, 1, 0);
	assert_int_equal(de.de_ndeps, 1);
	waits_for(1, 1);
	/* Neither waits for accesses, nor these for them. */
	event(0, TRACE_READ, 1, 1);
	assert_int_equal(de.de_ndeps, 0);
	event(2, TRACE_CLOSE, 1, 0);
	assert_int_equal(de.de_ndeps, 0);
	/* Other files, and maps of that number, are other matters. */
	event(0, TRACE_OPEN, 2, 0);
	assert_int_equal(de.de_ndeps, 0);
	event(1, TRACE_ATTACH, 3, 2);
	assert_int_equal(de.de_ndeps, 0);
}

static void
thousands_of_maps_are_kept_apart(void **state)
{

	(void)state;
	for (uint32_t map = 1; map <= 20000; map++)
		event(0, TRACE_ATTACH, 1, map);
	for (uint32_t map = 1; map <= 20000; map += 997) {
		event(1, TRACE_READ, 1, map);
		waits_for(0, map);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_map_is_attached_before_others_use_it),
		T(a_change_of_a_file_or_map_waits_for_its_users),
		T(a_map_is_detached_after_all_have_used_it),
		T(a_truncate_stands_between_what_was_before_and_after),
		T(accesses_of_one_file_wait_for_nobody),
		T(opens_and_closes_of_a_file_are_in_order),
		T(thousands_of_maps_are_kept_apart),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
