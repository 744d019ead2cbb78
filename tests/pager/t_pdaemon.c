/* The page daemon: docs/semantics.md, section 5. */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

#define SMALL "memory=512K " /* 128 pages */

/* A file of npages mapped as map 1. */
static void
start(struct lab *lab, const char *settings, uint64_t npages)
{

	lab_open(lab, settings);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_mark(lab);
}

static void
dontneed(struct lab *lab, uint64_t page, uint64_t npages)
{

	must(uvm_sys_madvise(lab->uvm, 1, page * PG, npages * PG,
	    UVM_MADV_DONTNEED));
	lab_end(lab);
}

/* One turn that wants so many pages free more than there are. */
static void
turn(struct lab *lab, uint64_t more)
{

	lab->uvm->up.freetarg = lab_stat(lab)->free + more;
	lab_mark(lab);
	uvm_pageout_turn(lab->uvm);
	lab_check(lab);
}

static void
targets_follow_from_memory(void **state)
{
	static const struct {
		const char *settings;
		uint64_t freemin, freetarg;
	} cases[] = {
		{ "memory=400K", 5, 6 },
		{ "memory=512K", 6, 8 },
		{ "memory=1M", 12, 16 },
		{ "memory=2M", 25, 33 },
		{ "memory=4M", 51, 68 },
		{ "memory=5M", 64, 85 },
		{ "memory=8M", 64, 85 },
		{ "memory=32M", 64, 85 },
		{ "memory=8M freemin=10", 10, 13 },
		{ "memory=8M freemin=10 freetarg=99", 10, 99 },
	};
	struct uvm_param up;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(cases); i++) {
		lab_param(&up, cases[i].settings);
		must(uvm_param_resolve(&up, NULL));
		assert_int_equal(up.freemin, cases[i].freemin);
		assert_int_equal(up.freetarg, cases[i].freetarg);
	}
}

/* Read until an allocation woke the daemon, as events that do not end. */
static void
wake(struct lab *lab, const char *settings)
{
	struct uvm_map *map;
	uint64_t pgno;

	start(lab, settings, 300);
	map = uvm_map_find(lab->uvm, 1);
	/* The last of these sees 19 free pages. */
	for (pgno = 0; pgno < 110; pgno++)
		(void)uvm_access(lab->uvm, map, pgno, UVM_ACCESS_READ);
	assert_rise(lab, memory_waits, 0);
}

static void
rule_event_runs_a_woken_daemon_once_at_the_end_of_the_event(void **state)
{
	struct lab lab;

	(void)state;
	wake(&lab, SMALL "freemin=20 freetarg=30");
	assert_rise(&lab, pdwoke, 0);
	lab_end(&lab);
	assert_rise(&lab, pdwoke, 1);
	assert_rise(&lab, pdrevs, 1);
	lab_end(&lab);
	assert_rise(&lab, pdwoke, 1);
	lab_close(&lab);
}

static void
rule_io_runs_a_woken_daemon_before_the_next_io(void **state)
{
	struct lab lab;

	(void)state;
	wake(&lab, SMALL "freemin=20 freetarg=30 daemon_rule=io");
	assert_rise(&lab, pdwoke, 1);
	lab_end(&lab);
	assert_rise(&lab, pdwoke, 1);
	uvm_pageout_wake(lab.uvm);
	lab_end(&lab);
	assert_rise(&lab, pdwoke, 2);
	lab_close(&lab);
}

static void
rule_wait_runs_the_daemon_only_for_who_waits(void **state)
{
	struct lab lab;

	(void)state;
	wake(&lab, SMALL "freemin=20 freetarg=30 daemon_rule=wait");
	lab_end(&lab);
	assert_rise(&lab, pdwoke, 0);
	lab_scan(&lab, 1, 110, 299, UVM_ACCESS_READ);
	assert_true(rise(&lab, memory_waits) > 0);
	assert_int_equal(rise(&lab, pdwoke), rise(&lab, memory_waits));
	lab_close(&lab);
}

static void
a_turn_deactivates_the_shortage_from_the_head_of_active(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "inactive=1/2", 10);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_READ);
	lab.uvm->up.freetarg = 1;
	lab_mark(&lab);
	uvm_pageout_turn(lab.uvm);
	lab_check(&lab);
	assert_rise(&lab, pddeact, 5);
	assert_inactive(&lab, "0 1 2 3 4");
	/* Nothing is short: a turn without a scan. */
	uvm_pageout_turn(lab.uvm);
	assert_rise(&lab, pdwoke, 2);
	assert_rise(&lab, pdrevs, 1);

	/* A fault is what brings an inactive page back. */
	assert_int_equal(lab_read(&lab, 1, 2), UVM_HIT_RESIDENT);
	/* With its neighbours, ascending, and itself last. */
	assert_active(&lab, "5 6 7 8 9 0 1 3 4 2");
	lab_close(&lab);
}

static void
clean_inactive_pages_are_freed_up_to_the_target(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 10);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_READ);
	dontneed(&lab, 0, 10);
	turn(&lab, 3);
	assert_rise(&lab, pdfreed, 3);
	assert_rise(&lab, pdscans, 3);
	assert_rise(&lab, pdobscan, 3);
	assert_inactive(&lab, "3 4 5 6 7 8 9");
	lab_close(&lab);
}

static void
dirty_inactive_pages_are_written_with_inactive_mates_ahead(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 10);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_WRITE);
	dontneed(&lab, 4, 1);
	dontneed(&lab, 2, 2);
	dontneed(&lab, 5, 1);
	assert_inactive(&lab, "4 2 3 5");
	turn(&lab, 20);
	/* 4 takes 5, 2 takes 3; pages 1 and 6 are active. */
	assert_ios(&lab.rec, "w(4,2) w(2,2)");
	assert_rise(&lab, pdpageouts, 2);
	assert_rise(&lab, pgswapout, 2);
	/* Mates behind their centre are freed when the scan comes by. */
	assert_rise(&lab, pdfreed, 2);
	assert_rise(&lab, pdscans, 4);
	/* The centres stay where they are, clean. */
	assert_inactive(&lab, "4 2 0 1 6 7 8 9");
	assert_gauge(&lab, dirty, 6);
	turn(&lab, 2);
	assert_ios(&lab.rec, "");
	assert_rise(&lab, pdfreed, 2);
	lab_close(&lab);
}

static void
a_failed_page_out_makes_the_page_active_and_leaves_it_dirty(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 4);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_WRITE);
	dontneed(&lab, 0, 4);
	rec_fail(&lab.rec, UVM_WRITE, 1, 1, 1);
	lab.uvm->up.inactive = RATIO(0, 1);
	turn(&lab, 4);
	/* Page 0 is written alone, then 1 with 2 and 3, then 1 alone. */
	assert_ios(&lab.rec, "w(0,4)! w(0,1) w(1,3)! w(1,1)! w(2,2)");
	assert_rise(&lab, pdpageouts, 3);
	assert_rise(&lab, lost_pages, 0);
	assert_true((core_page(&lab, 1, 1)->flags & PG_CLEAN) == 0);
	assert_gauge(&lab, dirty, 1);
	/* The shortage of inactive pages took it back, to the tail. */
	assert_inactive(&lab, "0 2 1");
	rec_fail(&lab.rec, UVM_WRITE, 0, 0, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
a_scan_that_freed_nothing_deactivates_one_page_at_least(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	start(&lab, SMALL "daemon_rule=wait", 118);
	lab_scan(&lab, 1, 0, 60, UVM_ACCESS_READ);
	lab_scan(&lab, 1, 61, 117, UVM_ACCESS_WRITE);
	dontneed(&lab, 0, 61);
	/* 61 are inactive, 39 wanted. */
	turn(&lab, 2);
	assert_rise(&lab, pdfreed, 2);
	assert_rise(&lab, pddeact, 0);
	turn(&lab, 0);
	assert_rise(&lab, pdrevs, 0);

	lab_close(&lab);

	/* Every second page inactive and dirty: written, none freed. */
	start(&lab, SMALL "daemon_rule=wait", 118);
	lab_scan(&lab, 1, 0, 117, UVM_ACCESS_WRITE);
	for (pgno = 0; pgno < 118; pgno += 2)
		dontneed(&lab, pgno, 1);
	core_page(&lab, 1, 1)->flags |= PG_BUSY;
	lab.uvm->up.freetarg = lab_stat(&lab)->free + 1;
	lab_mark(&lab);
	uvm_pageout_turn(lab.uvm);
	core_page(&lab, 1, 1)->flags &= (uint16_t)~PG_BUSY;
	lab_check(&lab);
	assert_rise(&lab, pageout_ios, 59);
	assert_rise(&lab, pdfreed, 0);
	assert_rise(&lab, pddeact, 1);
	/* The first active page that is not busy. */
	assert_true(core_page(&lab, 1, 1)->pqflags & PQ_ACTIVE);
	assert_true(core_page(&lab, 1, 3)->pqflags & PQ_INACTIVE);
	lab_close(&lab);
}

static void
busy_and_referenced_pages_are_passed_over(void **state)
{
	struct vm_page *busy;
	struct lab lab;

	(void)state;
	start(&lab, NULL, 4);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_READ);
	dontneed(&lab, 0, 4);
	busy = core_page(&lab, 1, 0);
	busy->flags |= PG_BUSY;
	core_page(&lab, 1, 1)->flags |= PA_REF;
	lab.uvm->up.freetarg = lab_stat(&lab)->free + 1;
	lab_mark(&lab);
	uvm_pageout_turn(lab.uvm);
	busy->flags &= (uint16_t)~PG_BUSY;
	lab_check(&lab);
	assert_rise(&lab, pdbusy, 1);
	assert_rise(&lab, pdreact, 1);
	assert_rise(&lab, pdfreed, 1);
	assert_rise(&lab, pdscans, 3);
	assert_rise(&lab, pdobscan, 1);
	assert_null(core_page(&lab, 1, 2));
	lab_close(&lab);
}

/* A flush remembers a page by its version while a turn may free it. */
static void
pages_freed_within_a_flush_have_another_version(void **state)
{
	struct vm_page *pg[4];
	uint16_t version[4];
	struct lab lab;
	unsigned i;

	(void)state;
	start(&lab, NULL, 4);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_READ);
	dontneed(&lab, 0, 4);
	for (i = 0; i < 4; i++) {
		pg[i] = core_page(&lab, 1, i);
		version[i] = page_rare(lab.uvm, pg[i])->version;
	}
	SELF(lab.uvm)->traversals++;
	turn(&lab, 3);
	SELF(lab.uvm)->traversals--;
	assert_rise(&lab, pdfreed, 3);
	for (i = 0; i < 4; i++)
		assert_int_equal(page_rare(lab.uvm, pg[i])->version,
		    version[i] + (i < 3));
	lab_close(&lab);
}

static void
turns_without_progress_fail_the_machine(void **state)
{
	struct uvm_map *map;
	const char *why;
	struct lab lab;
	uint64_t pgno;

	(void)state;
	start(&lab, SMALL "daemon_limit=10", 300);
	map = uvm_map_find(lab.uvm, 1);
	for (pgno = 0; pgno < 123; pgno++) {
		(void)lab_read(&lab, 1, pgno);
		core_wire(&lab, core_page(&lab, 1, pgno));
	}
	lab_mark(&lab);
	assert_int_equal(uvm_access(lab.uvm, map, 200, UVM_ACCESS_READ),
	    UVM_FAULT_ERROR);
	assert_rise(&lab, memory_waits, 10);
	assert_rise(&lab, pdwoke, 10);
	assert_int_equal(uvm_failed(lab.uvm, &why), EDEADLK);
	assert_non_null(strstr(why, "10 turns of the page daemon"));
	assert_non_null(strstr(why, "more memory"));
	/* From here on nothing is done. */
	assert_int_equal(uvm_sys_sync(lab.uvm), EDEADLK);
	assert_int_equal(uvm_access(lab.uvm, map, 200, UVM_ACCESS_READ),
	    UVM_FAULT_ERROR);
	assert_rise(&lab, memory_waits, 10);
	lab_close(&lab);
}

static void
moving_unwritable_pages_about_is_no_progress_for_ever(void **state)
{
	struct uvm_map *map;
	struct lab lab;
	uint64_t pgno;

	(void)state;
	start(&lab, SMALL, 300);
	map = uvm_map_find(lab.uvm, 1);
	rec_fail(&lab.rec, UVM_WRITE, 1, 0, 299);
	for (pgno = 0; pgno < 300; pgno++) {
		if (uvm_access(lab.uvm, map, pgno, UVM_ACCESS_WRITE) ==
		    UVM_FAULT_ERROR)
			break;
	}
	assert_int_equal(pgno, 123);
	assert_int_equal(uvm_failed(lab.uvm, NULL), EDEADLK);
	lab_close(&lab);
}

/* 120 of 128 pages, half of them inactive: the first clean, the others dirty,
 * and written one by one. */
static void
half_inactive(struct lab *lab)
{

	start(lab, SMALL "cluster=4K", 300);
	lab_scan(lab, 1, 0, 0, UVM_ACCESS_READ);
	lab_scan(lab, 1, 1, 119, UVM_ACCESS_WRITE);
	dontneed(lab, 0, 60);
	lab->uvm->up.freetarg = lab_stat(lab)->free + 3;
	uvm_pageout_wake(lab->uvm);
	lab_mark(lab);
}

static void
a_turn_that_comes_to_a_dirty_page_goes_on_at_the_end_of_the_event(void **state)
{
	struct lab lab;

	(void)state;
	half_inactive(&lab);
	assert_false(uvm_pageout_clean(lab.uvm));
	assert_rise(&lab, pdwoke, 1);
	assert_rise(&lab, pdfreed, 1);
	assert_rise(&lab, pdpageouts, 0);
	assert_true(uvm_event_due(lab.uvm));
	lab_end(&lab);
	/* One turn, which freed a page: it need not deactivate any. */
	assert_rise(&lab, pdwoke, 1);
	assert_rise(&lab, pdrevs, 1);
	assert_rise(&lab, pdfreed, 1);
	assert_rise(&lab, pddeact, 0);
	assert_rise(&lab, pdscans, 60);
	assert_false(uvm_event_due(lab.uvm));
	lab_check(&lab);
	/* The next one finds clean pages only. */
	uvm_pageout_wake(lab.uvm);
	assert_true(uvm_pageout_clean(lab.uvm));
	assert_rise(&lab, pdwoke, 2);
	assert_rise(&lab, pdfreed, 3);
	assert_false(uvm_event_due(lab.uvm));
	lab_check(&lab);
	lab_close(&lab);
}

/*
 * A mapping that was inherited with more rights than any attach had leaves an
 * object that persists with dirty pages; the first write of one ends it.
 */
static void
an_object_may_end_under_a_page_out(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 16 * PG);
	lab_map(&lab, 1, 1, MAP_R);
	lab_map(&lab, 2, 1, MAP_RW | UVM_MAP_INHERITED);
	lab_scan(&lab, 2, 0, 3, UVM_ACCESS_WRITE);
	(void)lab_write(&lab, 2, 8);
	lab_unmap(&lab, 1);
	lab_unmap(&lab, 2);
	assert_gauge(&lab, persists, 1);
	assert_inactive(&lab, "0 1 2 3 8");
	assert_gauge(&lab, dirty, 5);
	turn(&lab, 20);
	assert_ios(&lab.rec, "w(8,1) w(0,4)");
	assert_int_equal(core_vnode(&lab, 1)->v_uvm.u_flags, 0);
	assert_gauge(&lab, free, lab.up.memory / PG);
	assert_gauge(&lab, dirty, 0);
	assert_rise(&lab, dirty_discarded, 0);
	lab_map(&lab, 3, 1, MAP_R);
	assert_int_equal(lab_read(&lab, 3, 0), UVM_MISS);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_follow_from_memory),
		cmocka_unit_test(
		    rule_event_runs_a_woken_daemon_once_at_the_end_of_the_event),
		cmocka_unit_test(
		    rule_io_runs_a_woken_daemon_before_the_next_io),
		cmocka_unit_test(rule_wait_runs_the_daemon_only_for_who_waits),
		cmocka_unit_test(
		    a_turn_deactivates_the_shortage_from_the_head_of_active),
		cmocka_unit_test(
		    clean_inactive_pages_are_freed_up_to_the_target),
		cmocka_unit_test(
		    dirty_inactive_pages_are_written_with_inactive_mates_ahead),
		cmocka_unit_test(
		    a_failed_page_out_makes_the_page_active_and_leaves_it_dirty),
		cmocka_unit_test(
		    a_scan_that_freed_nothing_deactivates_one_page_at_least),
		cmocka_unit_test(busy_and_referenced_pages_are_passed_over),
		cmocka_unit_test(
		    pages_freed_within_a_flush_have_another_version),
		cmocka_unit_test(turns_without_progress_fail_the_machine),
		cmocka_unit_test(
		    moving_unwritable_pages_about_is_no_progress_for_ever),
		cmocka_unit_test(
		    a_turn_that_comes_to_a_dirty_page_goes_on_at_the_end_of_the_event),
		cmocka_unit_test(an_object_may_end_under_a_page_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
