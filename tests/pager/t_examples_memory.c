/*
 * The worked examples of docs/semantics.md, section 10, that are short of
 * memory or drop pages behind a scan.
 */
#include "tests/pager/lab.h"

#define SMALL "memory=512K" /* 128 pages */

/* A fresh machine with a file of so many bytes, mapped as map 1. */
static void
start(struct lab *lab, const char *settings, uint64_t size, unsigned flags)
{

	lab_open(lab, settings);
	lab_file(lab, 1, size);
	lab_map(lab, 1, 1, flags);
	lab_mark(lab);
}

/*
 * E9: a file of 300 pages scanned in 128 pages of memory, as one event; every
 * nth page is written, none if 0.
 */
static void
scan_short_of_memory(struct lab *lab, uint64_t nth)
{
	struct uvm_map *map;
	uint64_t pgno;

	start(lab, SMALL, 300 * PG, nth == 0 ? MAP_R : MAP_RW);
	map = uvm_map_find(lab->uvm, 1);
	for (pgno = 0; pgno < 300; pgno++)
		assert_int_equal(uvm_access(lab->uvm, map, pgno,
				     nth != 0 && pgno % nth == 0 ?
					 UVM_ACCESS_WRITE :
					 UVM_ACCESS_READ),
		    UVM_MISS);
	lab_check(lab);
}

static void
E9_read_scan_short_of_memory(void **state)
{
	struct lab lab;

	(void)state;
	scan_short_of_memory(&lab, 0);
	assert_rise(&lab, pagein_ios, 300);
	assert_rise(&lab, pageout_ios, 0);
	assert_rise(&lab, alloc_failures, 60);
	assert_rise(&lab, memory_waits, 60);
	assert_rise(&lab, pdwoke, 60);
	assert_rise(&lab, pddeact, 218);
	assert_rise(&lab, pdscans, 177);
	assert_rise(&lab, pdfreed, 177);
	assert_gauge(&lab, free, 5);
	assert_gauge(&lab, active, 82);
	assert_gauge(&lab, inactive, 41);
	lab_close(&lab);
}

static void
E9w_write_scan_short_of_memory(void **state)
{
	struct lab lab;

	(void)state;
	scan_short_of_memory(&lab, 1);
	assert_rise(&lab, pagein_ios, 300);
	assert_rise(&lab, pageout_ios, 12);
	assert_rise(&lab, pageout_pages, 192);
	assert_rise(&lab, pdpageouts, 12);
	assert_rise(&lab, alloc_failures, 60);
	assert_rise(&lab, memory_waits, 60);
	assert_rise(&lab, pddeact, 218);
	assert_rise(&lab, pdfreed, 177);
	assert_rise(&lab, pdscans, 189);
	assert_gauge(&lab, free, 5);
	assert_gauge(&lab, active, 82);
	assert_gauge(&lab, inactive, 41);
	lab_close(&lab);
}

static void
P3_every_second_page_written_short_of_memory(void **state)
{
	struct lab lab;

	(void)state;
	scan_short_of_memory(&lab, 2);
	assert_rise(&lab, pageout_ios, 90);
	assert_rise(&lab, pageout_pages, 90);
	assert_rise(&lab, pdscans, 267);
	lab_close(&lab);
}

static void
E10_sequential_scan_drops_behind(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "advice=sequential", 64 * PG, MAP_R);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_READ);
	assert_rise(&lab, misses, 64);
	assert_rise(&lab, flush_by_list, 33);
	assert_rise(&lab, list_visits, 528);
	assert_rise(&lab, flush_by_hash, 31);
	assert_rise(&lab, lookups, 796);
	assert_gauge(&lab, active, 1);
	assert_gauge(&lab, inactive, 63);
	lab_close(&lab);
}

static void
E10b_sequential_warm_scan(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "advice=sequential", 64 * PG, MAP_R);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_READ);
	lab_map(&lab, 2, 1, MAP_R);
	lab_mark(&lab);
	lab_scan(&lab, 2, 0, 63, UVM_ACCESS_READ);
	assert_rise(&lab, faults, 8);
	assert_rise(&lab, resident_hits, 8);
	assert_rise(&lab, neighbours_mapped, 56);
	assert_rise(&lab, lookups, 121);
	assert_gauge(&lab, active, 8);
	assert_gauge(&lab, inactive, 56);
	lab_close(&lab);
}

static void
E11_cyclic_scan_beyond_memory_always_misses(void **state)
{
	struct lab lab;
	unsigned pass;

	(void)state;
	start(&lab, SMALL, 140 * PG, MAP_R);
	for (pass = 0; pass < 4; pass++) {
		lab_mark(&lab);
		lab_scan(&lab, 1, 0, 139, UVM_ACCESS_READ);
		assert_rise(&lab, misses, 140);
		assert_rise(&lab, pagein_ios, 140);
	}
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(E9_read_scan_short_of_memory),
		cmocka_unit_test(E9w_write_scan_short_of_memory),
		cmocka_unit_test(P3_every_second_page_written_short_of_memory),
		cmocka_unit_test(E10_sequential_scan_drops_behind),
		cmocka_unit_test(E10b_sequential_warm_scan),
		cmocka_unit_test(E11_cyclic_scan_beyond_memory_always_misses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
