/*
 * Reading ahead: what each policy asks for, who waits for it, and what becomes
 * of what nobody wanted.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

static void
start(struct lab *lab, const char *settings, uint64_t npages)
{

	lab_open_with(lab, settings, &recorder_async_backend);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, MAP_R);
	lab_mark(lab);
}

static void
madvise(struct lab *lab, uint64_t page, uint64_t npages, enum uvm_madv advice)
{

	must(uvm_sys_madvise(lab->uvm, 1, page * PG, npages * PG, advice));
	lab_end(lab);
}

static void
none_reads_what_faults_ask_for(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 64);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_READ);
	assert_rise(&lab, misses, 64);
	assert_rise(&lab, pagein_ios, 64);
	assert_rise(&lab, readahead_ios, 0);
	lab_close(&lab);
}

static void
fixed_keeps_a_window_ahead_of_every_fault(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=128K cluster=64K", 256);
	lab.rec.rec_lazy = true;
	assert_int_equal(lab_read(&lab, 1, 100), UVM_MISS);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	assert_ios(&lab.rec, "r(100,1) r(101,16) r(117,16)");
	lab_close(&lab);
}

static void
a_scan_misses_once_and_reads_whole_clusters(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=adaptive readahead_max=256K cluster=64K", 1024);
	lab_scan(&lab, 1, 0, 1023, UVM_ACCESS_READ);
	/* Window by window: 16, 32, 64 and so on, a cluster each read. */
	assert_rise(&lab, misses, 1);
	assert_rise(&lab, readahead_pages, 1023);
	assert_rise(&lab, readahead_ios, 64);
	assert_rise(&lab, readahead_used, 1023);
	assert_rise(&lab, readahead_unused, 0);
	assert_rise(&lab, readahead_late, 0);
	lab_close(&lab);
}

/* More pages than memory has: the second time all have to be read again. */
static void
a_scan_of_what_was_scanned_before_is_read_ahead_as_well(void **state)
{
	static const char *const policies[] = { "adaptive", "fixed" };
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < nitems(policies); i++) {
		char settings[96];

		(void)snprintf(settings, sizeof(settings),
		    "readahead=%s readahead_max=64K memory=1M", policies[i]);
		start(&lab, settings, 1024);
		lab_scan(&lab, 1, 0, 1023, UVM_ACCESS_READ);
		lab_mark(&lab);
		lab_scan(&lab, 1, 0, 1023, UVM_ACCESS_READ);
		assert_rise(&lab, pagein_pages, 1024);
		print_message("%s: %u of them ahead\n", policies[i],
		    (unsigned)rise(&lab, readahead_pages));
		assert_true(rise(&lab, readahead_used) > 1024 / 2);
		lab_close(&lab);
	}
}

static void
a_few_pages_back_do_not_close_the_window(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=adaptive readahead_max=256K cluster=16K", 1024);
	assert_int_equal(lab_read(&lab, 1, 500), UVM_MISS);
	assert_int_equal(lab_read(&lab, 1, 501), UVM_MISS);
	lab_end(&lab);
	assert_int_equal(lab_read(&lab, 1, 499), UVM_MISS);
	assert_rise(&lab, readahead_pages, 4);
	assert_true(lab_read(&lab, 1, 504) < UVM_MISS);
	assert_rise(&lab, readahead_pages, 8);
	/* Further back is elsewhere. */
	assert_int_equal(lab_read(&lab, 1, 490), UVM_MISS);
	assert_true(lab_read(&lab, 1, 507) < UVM_MISS);
	assert_rise(&lab, readahead_pages, 8);
	lab_close(&lab);
}

static void
adaptive_grows_by_use_and_closes_at_a_jump(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=adaptive readahead_max=256K cluster=16K", 1024);
	/* Somewhere: nothing.  Next to it: a cluster.  Then twice as much. */
	assert_int_equal(lab_read(&lab, 1, 500), UVM_MISS);
	assert_rise(&lab, readahead_pages, 0);
	assert_int_equal(lab_read(&lab, 1, 501), UVM_MISS);
	assert_rise(&lab, readahead_pages, 4);
	assert_true(lab_read(&lab, 1, 502) < UVM_MISS);
	assert_rise(&lab, readahead_pages, 8);
	/* Elsewhere: nothing again. */
	assert_int_equal(lab_read(&lab, 1, 900), UVM_MISS);
	assert_rise(&lab, readahead_pages, 8);
	assert_int_equal(lab_read(&lab, 1, 50), UVM_MISS);
	assert_rise(&lab, readahead_pages, 8);
	lab_close(&lab);
}

static void
advice_opens_and_closes_the_window(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=adaptive readahead_max=64K cluster=64K", 256);
	madvise(&lab, 0, 256, UVM_MADV_RANDOM);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_READ);
	assert_rise(&lab, readahead_pages, 0);
	madvise(&lab, 0, 256, UVM_MADV_SEQUENTIAL);
	assert_int_equal(lab_read(&lab, 1, 100), UVM_MISS);
	assert_rise(&lab, readahead_pages, 16);
	lab_close(&lab);
}

static void
it_ends_with_the_file_and_the_mapping(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=256K cluster=64K", 40);
	assert_int_equal(lab_read(&lab, 1, 20), UVM_MISS);
	lab_end(&lab);
	assert_rise(&lab, readahead_pages, 19);
	lab_close(&lab);

	lab_open_with(&lab, "readahead=fixed readahead_max=256K cluster=64K",
	    &recorder_async_backend);
	lab_file(&lab, 1, 100 * PG);
	lab_map_at(&lab, 1, 1, MAP_R, 0, 30 * PG);
	assert_int_equal(lab_read(&lab, 1, 20), UVM_MISS);
	assert_rise(&lab, readahead_pages, 9);
	lab_close(&lab);
}

static void
it_does_not_take_the_last_of_memory(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=1M memory=512K", 400);
	lab.rec.rec_lazy = true;
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	assert_true(lab_stat(&lab)->free >= lab.up.freemin - 1);
	assert_true(rise(&lab, readahead_pages) > 100);
	lab.rec.rec_lazy = false;
	lab_scan(&lab, 1, 0, 399, UVM_ACCESS_READ);
	lab_close(&lab);
}

static void
willneed_reads_what_is_absent(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=4K cluster=64K", 64);
	madvise(&lab, 0, 64, UVM_MADV_RANDOM);
	assert_int_equal(lab_read(&lab, 1, 10), UVM_MISS);
	madvise(&lab, 0, 40, UVM_MADV_WILLNEED);
	lab_end(&lab);
	assert_ios(&lab.rec, "r(10,1) r(0,10) r(11,16) r(27,13)");
	lab_mark(&lab);
	lab_scan(&lab, 1, 0, 39, UVM_ACCESS_READ);
	assert_rise(&lab, misses, 0);
	assert_rise(&lab, readahead_used, 39);
	/* Without asynchronous I/O it is what it was. */
	lab_close(&lab);
	start(&lab, NULL, 64);
	madvise(&lab, 0, 40, UVM_MADV_WILLNEED);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
a_fault_waits_for_its_page_to_come(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=64K cluster=64K", 64);
	lab.rec.rec_lazy = true;
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	assert_int_equal(lab.rec.rec_nflying, 1);
	assert_int_equal(lab_read(&lab, 1, 9), UVM_MISS);
	assert_rise(&lab, readahead_late, 1);
	assert_rise(&lab, readahead_used, 1);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	lab_close(&lab);
}

/* Others may end first: one fault, one count. */
static void
a_fault_that_waits_for_several_is_late_once(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=64K cluster=16K", 64);
	lab.rec.rec_lazy = true;
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	assert_true(lab.rec.rec_nflying >= 3);
	assert_int_equal(lab_read(&lab, 1, 14), UVM_MISS);
	assert_true(rise(&lab, aiodones) >= 3);
	assert_rise(&lab, readahead_late, 1);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	lab_close(&lab);
}

static void
a_failed_read_ahead_leaves_no_page(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=64K cluster=64K", 64);
	rec_fail(&lab.rec, UVM_READ, 1, 5, 5);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	lab_end(&lab);
	assert_rise(&lab, pagein_errors, 1);
	assert_null(core_page(&lab, 1, 5));
	assert_rise(&lab, readahead_unused, 16);
	/* Who wants the page reads it, and hears of the error. */
	assert_int_equal(lab_read(&lab, 1, 5), UVM_FAULT_ERROR);
	rec_fail(&lab.rec, UVM_READ, 0, 0, 0);
	assert_int_equal(lab_read(&lab, 1, 5), UVM_MISS);
	lab_close(&lab);
}

static void
what_comes_for_a_file_nobody_maps_is_inactive(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "readahead=fixed readahead_max=16K cluster=16K", 64);
	lab.rec.rec_lazy = true;
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	lab_unmap(&lab, 1);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	assert_gauge(&lab, active, 0);
	assert_gauge(&lab, inactive, 5);
	lab_close(&lab);
}

static void
the_bytes_are_the_files(void **state)
{
	struct lab lab;
	struct uvm_map *map;
	uint8_t want[PG];
	uint64_t pgno;

	(void)state;
	lab_open_with(&lab, "readahead=adaptive readahead_max=64K memory=800K",
	    &recorder_async_data_backend);
	lab.rec.rec_order = REC_LIFO;
	lab_file(&lab, 1, 300 * PG - 100);
	lab_map(&lab, 1, 1, MAP_R);
	map = uvm_map_find(lab.uvm, 1);
	for (pgno = 0; pgno < 300; pgno++) {
		const uint8_t *bytes;
		const size_t n = pgno == 299 ? PG - 100 : PG;

		assert_true(lab_read(&lab, 1, pgno) < UVM_FAULT_PROT);
		bytes = uvm_page_bytes(lab.uvm, map, pgno);
		assert_non_null(bytes);
		uvm_pattern(1, pgno * PG, n, 0, want);
		memset(want + n, 0, PG - n);
		assert_memory_equal(bytes, want, PG);
	}
	assert_true(rise(&lab, readahead_pages) > 200);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_reads_what_faults_ask_for),
		cmocka_unit_test(fixed_keeps_a_window_ahead_of_every_fault),
		cmocka_unit_test(a_scan_misses_once_and_reads_whole_clusters),
		cmocka_unit_test(
		    a_scan_of_what_was_scanned_before_is_read_ahead_as_well),
		cmocka_unit_test(a_few_pages_back_do_not_close_the_window),
		cmocka_unit_test(adaptive_grows_by_use_and_closes_at_a_jump),
		cmocka_unit_test(advice_opens_and_closes_the_window),
		cmocka_unit_test(it_ends_with_the_file_and_the_mapping),
		cmocka_unit_test(it_does_not_take_the_last_of_memory),
		cmocka_unit_test(willneed_reads_what_is_absent),
		cmocka_unit_test(a_fault_waits_for_its_page_to_come),
		cmocka_unit_test(a_fault_that_waits_for_several_is_late_once),
		cmocka_unit_test(a_failed_read_ahead_leaves_no_page),
		cmocka_unit_test(what_comes_for_a_file_nobody_maps_is_inactive),
		cmocka_unit_test(the_bytes_are_the_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
