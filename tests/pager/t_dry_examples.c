/* Dry flushes by hand; t_dry.c has them at random. */
#include "tests/pager/dry.h"

/* Spec example E5: 64 pages filled from the end. */
static void
example_e5_is_foretold_from_either_side(void **state)
{
	static const struct {
		uint64_t range, other_writes, writes;
		bool by_list;
	} cases[] = {
		{ 15, 15, 1, false },
		{ 16, 1, 16, true },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct errmsg em = { .em_text = "" };
		struct uvm_param up;
		struct world wo;

		uvm_param_init(&up);
		assert_int_equal(uvm_param_resolve(&up, &em), 0);
		world_make(&wo, &up, true);
		world_map(&wo, 1, UVM_MAP_READ | UVM_MAP_WRITE);
		for (uint64_t pgno = 64; pgno-- > 0;)
			world_touch(&wo, 1, pgno, true);
		assert_int_equal(uvm_sys_msync(wo.wo_uvm, 1, 0,
				     cases[i].range * 4096, UVM_MS_SYNC),
		    0);
		assert_int_equal(wo.wo_flush[0].fi_by_list, cases[i].by_list);
		assert_int_equal(wo.wo_flush[0].fi_writes, cases[i].writes);
		assert_true(wo.wo_flush[0].fi_both);
		assert_int_equal(wo.wo_flush[0].fi_other_writes,
		    cases[i].other_writes);
		assert_int_equal(wo.wo_flush[0].fi_other_visits,
		    cases[i].by_list ? 0 : 128);
		world_end(&wo);
	}
}

static void
a_flush_without_a_choice_foretells_nothing(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;
	struct world wo;

	(void)state;
	uvm_param_init(&up);
	assert_int_equal(uvm_param_resolve(&up, &em), 0);
	world_make(&wo, &up, true);
	world_map(&wo, 1, UVM_MAP_READ | UVM_MAP_WRITE);
	world_touch(&wo, 1, 1, true);
	assert_int_equal(uvm_sys_sync(wo.wo_uvm), 0);
	assert_false(wo.wo_flush[0].fi_choice);
	assert_false(wo.wo_flush[0].fi_both);
	world_end(&wo);
}

static void
a_traversal_stops_while_the_backend_works(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;
	struct world wo;

	(void)state;
	uvm_param_init(&up);
	assert_int_equal(uvm_param_resolve(&up, &em), 0);
	world_make(&wo, &up, false);
	world_map(&wo, 1, UVM_MAP_READ | UVM_MAP_WRITE);
	for (uint64_t pgno = 0; pgno < 6; pgno += 2)
		world_touch(&wo, 1, pgno, true);
	/* Page-ins are no part of a flush. */
	assert_int_equal(wo.wo_turns, 0);
	assert_int_equal(uvm_sys_msync(wo.wo_uvm, 1, 0, 6 * 4096, UVM_MS_SYNC),
	    0);
	/* On, off and on for each of three writes, off. */
	assert_int_equal(wo.wo_turns, 8);
	assert_int_equal(wo.wo_on, false);
	world_end(&wo);
}

/*
 * A file of which dirty pages are resident though nothing maps it: a fork
 * brought a writer along without the pager being told, and is gone.
 */
static void
orphan(struct world *wo, uint64_t seed, uint64_t penalty)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;

	uvm_param_init(&up);
	up.profile = PROFILE_MODERN;
	up.cluster = PG << seed % 5;
	up.cluster_policy = seed % 3;
	up.hash_penalty = penalty;
	must_em(uvm_param_resolve(&up, &em), &em);
	world_make(wo, &up, true);
	world_map(wo, 1, UVM_MAP_READ);
	world_map(wo, 2, UVM_MAP_READ | UVM_MAP_WRITE | UVM_MAP_INHERITED);
	for (uint64_t n = 0; n < 90; n++)
		world_touch(wo, 2, n * (seed | 1) * 37 % PAGES, n % 3 != 0);
	must(uvm_sys_munmap(wo->wo_uvm, 1, 0, 0));
	must(uvm_sys_munmap(wo->wo_uvm, 2, 0, 0));
	assert_int_not_equal(uvm_resident(wo->wo_uvm, 1), 0);
	wo->wo_nflush = 0;
}

/* read(2) has them written (q21), and the first write ends the object. */
static const struct uvm_flushinfo *
read_ends(struct world *wo)
{
	struct errmsg em = { .em_text = "" };

	world_now(wo);
	must(uvm_sys_pread(wo->wo_uvm, 1, 20 * PG, 99 * PG, NULL, NULL));
	must_em(uvm_check(wo->wo_uvm, &em), &em);
	assert_int_equal(uvm_resident(wo->wo_uvm, 1), 0);
	assert_false(wo->wo_on);
	/* Its own flush comes first, within the other. */
	assert_int_equal(wo->wo_nflush, 2);
	assert_int_equal(wo->wo_flush[0].fi_caller, FLUSH_DETACH);
	assert_true(wo->wo_flush[1].fi_writes > wo->wo_flush[0].fi_writes);
	return &wo->wo_flush[1];
}

static void
the_end_of_an_object_in_its_flush_is_foretold(void **state)
{
	const struct uvm_flushinfo *hash, *list;
	struct world by_hash, by_list;

	(void)state;
	for (uint64_t seed = 1; seed <= 64; seed++) {
		orphan(&by_hash, seed, RATIO(0, 1));
		orphan(&by_list, seed, RATIO_INF);
		hash = read_ends(&by_hash);
		list = read_ends(&by_list);
		assert_false(hash->fi_by_list);
		assert_true(list->fi_by_list);
		foretold_is(hash, list, seed);
		foretold_is(list, hash, seed);
		world_end(&by_hash);
		world_end(&by_list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_e5_is_foretold_from_either_side),
		cmocka_unit_test(a_flush_without_a_choice_foretells_nothing),
		cmocka_unit_test(a_traversal_stops_while_the_backend_works),
		cmocka_unit_test(the_end_of_an_object_in_its_flush_is_foretold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
