/*
 * Slots of last accesses: numbered anew time and again, and with more pages
 * than they were made for.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/traces/stats_naive.h"
#include "traces/stats_i.h"

#define SLOTS 65536 /* there are to begin with */
#define PAGES 300
#define MANY  60000 /* pages for which these are too few */

static uint64_t seed;

struct fixture {
	struct page_order fx_order;
	uint32_t fx_slot[MANY];
	unsigned fx_anew; /* how often they were numbered anew */
};

static int
setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	return order_init(&fx.fx_order, false);
}

static int
teardown(void **state)
{
	struct fixture *const fx = *state;

	order_fini(&fx->fx_order);
	return 0;
}

/* => how many pages were accessed since this one was, or -1 */
static int64_t
touch(struct fixture *fx, uint32_t page)
{
	struct page_order *const po = &fx->fx_order;
	int64_t after = -1;

	if (order_full(po)) {
		order_squeeze(po);
		for (size_t i = 0; i < MANY; i++)
			if (fx->fx_slot[i] != 0)
				fx->fx_slot[i] = order_anew(po, fx->fx_slot[i]);
		must(order_settle(po));
		fx->fx_anew++;
	}
	if (fx->fx_slot[page] != 0)
		after = order_after(po, fx->fx_slot[page]);
	fx->fx_slot[page] = order_touch(po, fx->fx_slot[page]);
	return after;
}

static void
distances_are_those_of_a_list_moved_to_the_front(void **state)
{
	struct fixture *const fx = *state;
	struct dice d = { seed };
	uint32_t list[PAGES];
	size_t n = 0;

	for (unsigned i = 0; i < 5 * SLOTS; i++) {
		const uint32_t page =
		    (uint32_t)(dice_below(&d, 3) == 0 ? dice_below(&d, PAGES) :
							dice_below(&d, 20));
		size_t k = 0;

		while (k < n && list[k] != page)
			k++;
		assert_int_equal(touch(fx, page),
		    k < n ? (int64_t)k : (int64_t)-1);
		n += k == n;
		memmove(list + 1, list, k * sizeof(*list));
		list[0] = page;
	}
	assert_in_range(fx->fx_anew, 4, 10);
	assert_int_equal(fx->fx_order.po_live, n);
}

static void
there_is_room_for_more_pages(void **state)
{
	struct fixture *const fx = *state;

	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(touch(fx, i), -1);
	for (unsigned round = 0; round < 5; round++) {
		/* Round and round: all the others come in between. */
		for (uint32_t i = 0; i < MANY; i++)
			assert_int_equal(touch(fx, i), MANY - 1);
		/* Back: those that came after it. */
		for (uint32_t i = MANY; i-- > 0;)
			assert_int_equal(touch(fx, i), MANY - 1 - i);
		/* And forward again, so that the rounds are alike. */
		for (uint32_t i = 0; i < MANY; i++)
			assert_int_equal(touch(fx, i), i);
	}
	assert_in_range(fx->fx_anew, 3, 20);
	assert_true(fx->fx_order.po_blocks * 512 >= 2 * MANY);
}

/* Boundaries of parts of the time are slots too, and not in use. */
static void
a_free_slot_becomes_the_next_one_in_use(void **state)
{
	struct fixture *const fx = *state;
	struct page_order *const po = &fx->fx_order;

	for (uint32_t i = 0; i < 10; i++)
		(void)touch(fx, i % 3);
	/* Slots 8, 9, 10 are in use, and 11 is the next one. */
	order_squeeze(po);
	assert_int_equal(order_anew(po, 1), 1);
	assert_int_equal(order_anew(po, 8), 1);
	assert_int_equal(order_anew(po, 9), 2);
	assert_int_equal(order_anew(po, 10), 3);
	assert_int_equal(order_anew(po, 11), 4);
	must(order_settle(po));
	assert_int_equal(po->po_next, 4);
	assert_int_equal(po->po_live, 3);
}

static void
all_of_it_is_right_when_slots_are_numbered_anew(void **state)
{
	const struct stats_param sp = { .sp_fast = false };
	struct trace_file file;
	struct trace_meta tm;
	const size_t n = 3 * SLOTS;
	struct trace_event *const ev = calloc(n, sizeof(*ev));
	struct dice d = { seed };
	const struct stats_result *sr;
	struct trace_stats *ts;
	uint64_t pages, accesses, time = 5;

	(void)state;
	meta_fill(&tm, &file, 1);
	assert_non_null(ev);
	for (size_t i = 0; i < n; i++) {
		time += dice_below(&d, 1000);
		ev[i] = (struct trace_event){
			.te_time = time,
			.te_op = TRACE_READ,
			.te_file = 1,
			.te_map = 1,
			.te_offset = (dice_below(&d, 50) + i / 5000) * 4096,
			.te_length = 4096,
		};
	}
	ts = stats_of(&tm, &sp, ev, n, &sr);
	assert_in_range(sr->sr_nparts, 10, STATS_PARTS);
	for (size_t i = 0; i < sr->sr_nparts; i++) {
		pages =
		    stats_naive_pages(ev, n, sr->sr_first + i * sr->sr_part_ns,
			sr->sr_first + (i + 1) * sr->sr_part_ns, &accesses);
		assert_int_equal(sr->sr_part[i].st_pages, pages);
		assert_int_equal(sr->sr_part[i].st_accesses, accesses);
	}
	trace_stats_destroy(ts);
	free(ev);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    distances_are_those_of_a_list_moved_to_the_front, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(there_is_room_for_more_pages,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_free_slot_becomes_the_next_one_in_use, setup, teardown),
		cmocka_unit_test(
		    all_of_it_is_right_when_slots_are_numbered_anew),
	};

	seed = dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
