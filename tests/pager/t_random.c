/*
 * Random events on small machines of random tunables: whatever is asked, all
 * invariants hold after every event.  The seed is printed; UVN_SEED repeats a
 * run.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/dice.h"

#define FILES	 6U
#define MACHINES 40U
#define EVENTS	 1500U

static uint64_t aiodones; /* of all machines of a test */

/* The tunables of a machine: sizes, policies, and each quirk by itself. */
static void
random_param(struct dice *d, struct uvm_param *up)
{
	static const uint64_t penalty[] = { RATIO(0, 1), RATIO(1, 8),
		RATIO(4, 1), RATIO_INF };
	size_t i;

	uvm_param_init(up);
	up->memory = (100 + roll(d, 60)) * PG;
	up->cluster = (1 + roll(d, 20)) * PG;
	up->pager_map = up->cluster * (1 + roll(d, 4));
	up->cluster_policy = roll(d, 3);
	up->advice = roll(d, 3);
	up->daemon_rule = roll(d, 3);
	up->hash_penalty = penalty[roll(d, nitems(penalty))];
	up->hash_buckets = 1U << roll(d, 8);
	up->max_vnodes = 1 + roll(d, FILES / 2);
	up->sync_interval = 100;
	for (i = 0; i < uvm_param_count; i++) {
		if (uvm_param_table[i].tn_kind == TUN_QUIRK)
			tunable_set(&uvm_param_table[i], up,
			    roll(d, 2) ? QUIRK_FAITHFUL : QUIRK_FIXED);
	}
}

/* Asynchronous I/O, too: how much, how far ahead, and how it ends. */
static void
random_async(struct dice *d, struct uvm_param *up, struct recorder *rec)
{

	up->async_put = SWITCH_OFF + roll(d, 2);
	up->readahead = READAHEAD_NONE + roll(d, 3);
	up->readahead_max = (1 + roll(d, 40)) * PG;
	up->io_depth = 1 + roll(d, 8);
	up->q11_wlist_unlocked = QUIRK_FIXED;
	rec->rec_order = (enum rec_order)roll(d, 3);
	rec->rec_lazy = roll(d, 3) == 0;
	rec->rec_dice.d_state = dice_next(d);
}

/* A machine under random events. */
struct run {
	struct lab r_lab;
	struct dice *r_dice;
	uint32_t r_maps; /* ids given out */
	uint64_t r_now;
};

static uint32_t
any_file(struct run *r)
{

	return 1 + roll(r->r_dice, FILES);
}

/* A map id that was given out, dead ones too; 1 if there is none. */
static uint32_t
any_map(struct run *r)
{
	const uint32_t back = roll(r->r_dice, 8);

	return r->r_maps > back ? r->r_maps - back : 1;
}

static int
random_mmap(struct run *r)
{
	static const unsigned flags[] = { MAP_R, MAP_RW, MAP_RW,
		MAP_RW | UVM_MAP_PRIVATE, MAP_R | UVM_MAP_MAXW,
		MAP_RW | UVM_MAP_INHERITED, MAP_R | UVM_MAP_INHERITED,
		UVM_MAP_EXEC | UVM_MAP_READ };

	return uvm_sys_mmap(r->r_lab.uvm,
	    &(struct uvm_mmap){ .mm_map = ++r->r_maps,
		.mm_pid = roll(r->r_dice, 3),
		.mm_file = any_file(r),
		.mm_flags = flags[roll(r->r_dice, nitems(flags))],
		.mm_offset = roll(r->r_dice, 20) * PG,
		.mm_length = 1 + roll(r->r_dice, 60 * PG) });
}

static int
random_accesses(struct run *r)
{
	struct uvm_map *const map = uvm_map_find(r->r_lab.uvm, any_map(r));
	const enum uvm_access how = roll(r->r_dice, 3);
	uint64_t pgno;
	uint32_t n;

	if (map == NULL)
		return ESRCH;
	pgno = map->um_first + roll(r->r_dice, (uint32_t)map->um_npages);
	for (n = roll(r->r_dice, 30); n != 0; n--)
		(void)uvm_access(r->r_lab.uvm, map, pgno++, how);
	return 0;
}

/* Calls on ranges of maps. */
static int
random_map_call(struct run *r)
{
	struct uvm *const uvm = r->r_lab.uvm;
	const uint32_t map = any_map(r);
	const uint64_t offset = roll(r->r_dice, 60 * PG);
	const uint64_t length = roll(r->r_dice, 40 * PG);

	switch (roll(r->r_dice, 5)) {
	case 0:
		return uvm_sys_munmap(uvm, map, offset,
		    roll(r->r_dice, 2) ? length : 0);
	case 1:
		return uvm_sys_mprotect(uvm, map, offset, length,
		    roll(r->r_dice, 8));
	case 2:
		return uvm_sys_madvise(uvm, map, offset, length,
		    (enum uvm_madv)roll(r->r_dice, 6));
	default:
		return uvm_sys_msync(uvm, map, offset, length,
		    roll(r->r_dice, 8));
	}
}

/* Calls on files. */
static int
random_file_call(struct run *r)
{
	struct uvm *const uvm = r->r_lab.uvm;
	const uint32_t file = any_file(r);
	const uint64_t offset = roll(r->r_dice, 60 * PG);
	const uint64_t length = roll(r->r_dice, 3 * PG);

	switch (roll(r->r_dice, 8)) {
	case 0:
		return uvm_sys_truncate(uvm, file, offset);
	case 1:
		return uvm_sys_fallocate(uvm, file, offset, length,
		    roll(r->r_dice, 8));
	case 2:
		return uvm_sys_pread(uvm, file, offset, length, NULL, NULL);
	case 3:
		return uvm_sys_pwrite(uvm, file, offset, length, NULL);
	case 4:
		return uvm_sys_fsync(uvm, file);
	case 5:
		return uvm_sys_open(uvm, file);
	case 6:
		return uvm_sys_close(uvm, file);
	default:
		return roll(r->r_dice, 4) ? 0 : uvm_sys_unlink(uvm, file);
	}
}

static int
random_event(struct run *r)
{

	r->r_now += roll(r->r_dice, 8);
	if (r->r_now >= uvm_next_tick(r->r_lab.uvm))
		must(uvm_tick(r->r_lab.uvm, r->r_now));
	switch (roll(r->r_dice, 16)) {
	case 0:
		return random_mmap(r);
	case 1:
	case 2:
		return random_map_call(r);
	case 3:
		return random_file_call(r);
	case 4:
		if (roll(r->r_dice, 10) == 0)
			return uvm_sys_exit(r->r_lab.uvm, roll(r->r_dice, 3));
		return roll(r->r_dice, 4) ? 0 : uvm_sys_sync(r->r_lab.uvm);
	case 5:
		/* Some pages of a file go bad, or good. */
		rec_fail(&r->r_lab.rec, (enum uvm_io)roll(r->r_dice, 2),
		    roll(r->r_dice, 3) ? 0 : any_file(r), roll(r->r_dice, 30),
		    30);
		return 0;
	default:
		return random_accesses(r);
	}
}

/* All I/O ends, whatever it was. */
static void
land(struct run *r)
{
	struct errmsg em = { .em_text = "" };

	r->r_lab.rec.rec_lazy = false;
	while (r->r_lab.rec.rec_nflying != 0)
		uvm_event_end(r->r_lab.uvm);
	must_em(uvm_check(r->r_lab.uvm, &em), &em);
	assert_int_equal(r->r_lab.uvm->aio.ai_flying, 0);
	assert_int_equal(r->r_lab.uvm->paging, 0);
	assert_int_equal(r->r_lab.uvm->pagermap_free,
	    r->r_lab.up.pager_map / PG);
}

static void
one_machine(struct dice *d, bool async)
{
	struct errmsg em = { .em_text = "" };
	struct run r = { .r_dice = d };
	uint32_t i;

	random_param(d, &r.r_lab.up);
	rec_init(&r.r_lab.rec);
	if (async)
		random_async(d, &r.r_lab.up, &r.r_lab.rec);
	must_em(uvm_param_resolve(&r.r_lab.up, &em), &em);
	must_em(uvm_create(&r.r_lab.up,
		    async ? &recorder_async_backend : &recorder_backend,
		    &r.r_lab.rec, &r.r_lab.uvm, &em),
	    &em);
	must(uvm_hist_keep(r.r_lab.uvm, 40));
	for (i = 1; i <= FILES; i++)
		lab_file(&r.r_lab, i, roll(d, 60 * PG));
	for (i = 0; i < EVENTS && uvm_failed(r.r_lab.uvm, NULL) == 0; i++) {
		(void)random_event(&r);
		uvm_event_end(r.r_lab.uvm);
		rec_clear(&r.r_lab.rec);
		if (uvm_check(r.r_lab.uvm, &em) != 0) {
			uvm_hist_dump(r.r_lab.uvm, stderr);
			fail_msg("event %" PRIu32 ": %s", i, em.em_text);
		}
	}
	if (uvm_failed(r.r_lab.uvm, NULL) == 0) {
		land(&r);
		lab_counters_agree(&r.r_lab);
	}
	aiodones += lab_stat(&r.r_lab)->aiodones;
	lab_close(&r.r_lab);
}

static void
many_machines(bool async)
{
	uint64_t seed = dice_seed();
	struct dice d;
	unsigned i;

	aiodones = 0;
	for (i = 0; i < MACHINES; i++, seed++) {
		d.d_state = seed;
		one_machine(&d, async);
	}
	assert_int_equal(aiodones > 0, async);
}

static void
invariants_hold_after_every_event(void **state)
{

	(void)state;
	many_machines(false);
}

static void
they_hold_with_io_under_way(void **state)
{

	(void)state;
	many_machines(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invariants_hold_after_every_event),
		cmocka_unit_test(they_hold_with_io_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
