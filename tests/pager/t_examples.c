/* The worked examples of docs/semantics.md, section 10, by their names. */
#include "tests/pager/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A fresh machine with a file of so many bytes, mapped as map 1. */
static void
start(struct lab *lab, const char *settings, uint64_t size, unsigned flags)
{

	lab_open(lab, settings);
	lab_file(lab, 1, size);
	lab_map(lab, 1, 1, flags);
	lab_mark(lab);
}

/* Every recorded I/O is of npages pages in direction io. */
static void
all_ios_are(const struct lab *lab, enum uvm_io io, uint64_t npages)
{
	size_t i;

	for (i = 0; i < lab->rec.rec_nio; i++) {
		assert_int_equal(lab->rec.rec_io[i].ri_io, io);
		assert_int_equal(lab->rec.rec_io[i].ri_npages, npages);
	}
}

static void
E1_cold_scan_reads_page_by_page(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 64 * PG, MAP_R);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_READ);
	assert_rise(&lab, accesses, 64);
	assert_rise(&lab, faults, 64);
	assert_rise(&lab, misses, 64);
	assert_rise(&lab, fltlget, 64);
	assert_rise(&lab, fltget, 64);
	assert_rise(&lab, fltrelck, 64);
	assert_rise(&lab, fltrelckok, 64);
	assert_rise(&lab, flt_obj, 64);
	assert_rise(&lab, pagein_ios, 64);
	assert_rise(&lab, pagein_pages, 64);
	assert_rise(&lab, pagein_bytes, 64 * PG);
	assert_rise(&lab, neighbours_mapped, 0);
	assert_rise(&lab, lookups, 374);
	assert_int_equal(lab.rec.rec_nio, 64);
	all_ios_are(&lab, UVM_READ, 1);
	lab_close(&lab);
}

/* Scan a resident file through a second mapping with this advice. */
static void
warm_scan(struct lab *lab, enum uvm_madv advice)
{

	start(lab, NULL, 64 * PG, MAP_R);
	lab_scan(lab, 1, 0, 63, UVM_ACCESS_READ);
	lab_map(lab, 2, 1, MAP_R);
	must(uvm_sys_madvise(lab->uvm, 2, 0, 64 * PG, advice));
	lab_mark(lab);
	lab_scan(lab, 2, 0, 63, UVM_ACCESS_READ);
}

static void
E1b_warm_scan_maps_neighbours(void **state)
{
	struct lab lab;

	(void)state;
	warm_scan(&lab, UVM_MADV_NORMAL);
	assert_rise(&lab, faults, 13);
	assert_rise(&lab, resident_hits, 13);
	assert_rise(&lab, mapped_hits, 51);
	assert_rise(&lab, neighbours_mapped, 51);
	assert_rise(&lab, lookups, 64);
	assert_rise(&lab, misses, 0);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
E2_random_advice_maps_no_neighbours(void **state)
{
	struct lab lab;

	(void)state;
	warm_scan(&lab, UVM_MADV_RANDOM);
	assert_rise(&lab, faults, 64);
	assert_rise(&lab, resident_hits, 64);
	assert_rise(&lab, neighbours_mapped, 0);
	assert_rise(&lab, lookups, 64);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
E3_ascending_fill_is_written_in_whole_clusters(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 64 * PG, MAP_RW);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	assert_gauge(&lab, dirty, 64);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, flush_by_list, 1);
	assert_rise(&lab, list_visits, 128);
	assert_rise(&lab, lookups, 61);
	assert_rise(&lab, flush_cleaned, 64);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,16) w(48,16)");
	assert_gauge(&lab, dirty, 0);

	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, list_visits, 128);
	assert_rise(&lab, lookups, 0);
	assert_int_equal(lab.rec.rec_nio, 0);

	lab_mark(&lab);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	assert_rise(&lab, faults, 64);
	assert_rise(&lab, resident_hits, 64);
	assert_rise(&lab, lookups, 64);
	assert_gauge(&lab, dirty, 64);
	lab_close(&lab);
}

/* 64 dirty pages that were faulted in from the last to the first. */
static void
descending_fill(struct lab *lab)
{

	start(lab, NULL, 64 * PG, MAP_RW);
	lab_scan(lab, 1, 63, 0, UVM_ACCESS_WRITE);
}

static void
E4_descending_fill_is_written_page_by_page(void **state)
{
	struct lab lab;
	size_t i;

	(void)state;
	descending_fill(&lab);
	assert_rise(&lab, lookups, 314);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, flush_by_list, 1);
	assert_rise(&lab, list_visits, 128);
	assert_int_equal(lab.rec.rec_nio, 64);
	all_ios_are(&lab, UVM_WRITE, 1);
	for (i = 0; i < 64; i++)
		assert_int_equal(lab.rec.rec_io[i].ri_page, 63 - i);
	lab_close(&lab);
}

static void
E5_short_range_by_hash_one_write(void **state)
{
	struct lab lab;

	(void)state;
	descending_fill(&lab);
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 0, 15 * PG, UVM_MS_SYNC));
	lab_end(&lab);
	assert_rise(&lab, flush_by_hash, 1);
	assert_rise(&lab, flush_by_list, 0);
	assert_rise(&lab, lookups, 45);
	assert_rise(&lab, list_visits, 0);
	assert_ios(&lab.rec, "w(0,15)");
	lab_close(&lab);
}

static void
E5_range_one_page_longer_by_list_sixteen_writes(void **state)
{
	struct lab lab;
	size_t i;

	(void)state;
	descending_fill(&lab);
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 0, 16 * PG, UVM_MS_SYNC));
	lab_end(&lab);
	assert_rise(&lab, flush_by_list, 1);
	assert_rise(&lab, flush_by_hash, 0);
	assert_rise(&lab, list_visits, 128);
	assert_int_equal(lab.rec.rec_nio, 16);
	all_ios_are(&lab, UVM_WRITE, 1);
	for (i = 0; i < 16; i++)
		assert_int_equal(lab.rec.rec_io[i].ri_page, 15 - i);
	lab_close(&lab);
}

static void
E6_clean_pages_cut_clusters(void **state)
{
	struct lab lab;
	uint64_t pgno;
	size_t i;

	(void)state;
	start(&lab, NULL, 64 * PG, MAP_RW);
	for (pgno = 0; pgno < 64; pgno++)
		(void)lab_access(&lab, 1, pgno,
		    pgno % 4 == 3 ? UVM_ACCESS_READ : UVM_ACCESS_WRITE);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_rise(&lab, lookups, 49);
	assert_int_equal(lab.rec.rec_nio, 16);
	all_ios_are(&lab, UVM_WRITE, 3);
	for (i = 0; i < 16; i++)
		assert_int_equal(lab.rec.rec_io[i].ri_page, 4 * i);
	lab_close(&lab);
}

static void
E7_truncate_frees_the_page_of_the_new_end(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 40000, MAP_RW);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	lab_truncate(&lab, 1, 20000);
	assert_rise(&lab, flush_by_list, 1);
	assert_rise(&lab, list_visits, 10);
	assert_rise(&lab, free, 6);
	assert_rise(&lab, dirty_discarded, 6);
	assert_int_equal(lab.rec.rec_nio, 0);

	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 4), UVM_MISS);
	assert_ios(&lab.rec, "r(4,1)3616");
	assert_int_equal(lab_read(&lab, 1, 5), UVM_FAULT_BAD);
	assert_rise(&lab, misses, 2);
	assert_rise(&lab, fault_errors, 1);
	assert_rise(&lab, pagein_ios, 1);
	assert_rise(&lab, free, -1);
	lab_close(&lab);
}

#define E8_WRITES                                                              \
	"w(0,16)! w(0,1) w(1,15)! w(1,1) w(2,14)! w(2,1) w(3,13)! w(3,1)! "    \
	"w(4,12)"

static void
E8_failed_write_loses_the_page_silently(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 16 * PG, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	rec_fail(&lab.rec, UVM_WRITE, 1, 3, 3);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, E8_WRITES);
	assert_rise(&lab, pageout_ios, 9);
	assert_rise(&lab, pageout_pages, 74);
	assert_rise(&lab, pageout_errors, 5);
	assert_rise(&lab, lost_pages, 1);
	assert_gauge(&lab, dirty, 0);

	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
E8b_failed_write_with_invalidate_is_told(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 16 * PG, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	rec_fail(&lab.rec, UVM_WRITE, 1, 3, 3);
	lab_mark(&lab);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0,
			     UVM_MS_SYNC | UVM_MS_INVALIDATE),
	    EIO);
	lab_end(&lab);
	assert_ios(&lab.rec, E8_WRITES);
	assert_rise(&lab, free, 16);
	assert_rise(&lab, lost_pages, 1);
	lab_close(&lab);
}

static void
P1_pages_persist_and_are_found_again(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 32 * PG, MAP_R);
	lab_scan(&lab, 1, 0, 31, UVM_ACCESS_READ);
	lab_mark(&lab);
	lab_unmap(&lab, 1);
	assert_rise(&lab, list_visits, 32);
	assert_rise(&lab, persists, 1);
	assert_int_equal(lab.rec.rec_nio, 0);
	assert_gauge(&lab, inactive, 32);

	lab_mark(&lab);
	lab_map(&lab, 2, 1, MAP_R);
	lab_scan(&lab, 2, 0, 31, UVM_ACCESS_READ);
	assert_rise(&lab, faults, 7);
	assert_rise(&lab, neighbours_mapped, 25);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
P2_last_unmap_of_a_writable_file_writes_and_frees(void **state)
{
	static const uint64_t dirty[] = { 1, 2, 3, 20, 31 };
	struct lab lab;
	size_t i;

	(void)state;
	start(&lab, NULL, 32 * PG - 100, MAP_RW);
	lab_scan(&lab, 1, 0, 31, UVM_ACCESS_READ);
	for (i = 0; i < nitems(dirty); i++)
		(void)lab_write(&lab, 1, dirty[i]);
	lab_mark(&lab);
	lab_unmap(&lab, 1);
	assert_ios(&lab.rec, "w(1,3) w(20,1) w(31,1)3996");
	assert_rise(&lab, free, 32);
	assert_rise(&lab, persists, 0);
	assert_rise(&lab, dirty_discarded, 0);
	lab_close(&lab);
}

static void
P4_cleaning_protects_every_mapping(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 16 * PG, MAP_RW);
	lab_map(&lab, 2, 1, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	lab_scan(&lab, 2, 0, 15, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(0,16)");
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	assert_rise(&lab, resident_hits, 16);
	lab_scan(&lab, 2, 0, 15, UVM_ACCESS_WRITE);
	assert_rise(&lab, resident_hits, 32);
	assert_rise(&lab, faults, 32);
	lab_close(&lab);
}

static void
P5_read_fault_grants_write(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 16 * PG, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_READ);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	assert_rise(&lab, faults, 16);
	assert_rise(&lab, mapped_hits, 16);
	assert_gauge(&lab, dirty, 16);
	lab_close(&lab);
}

static void
count_freed(void *arg, uint32_t file, uint64_t pgno, bool dirty)
{

	assert_int_equal(file, 1);
	assert_true(pgno >= 4);
	assert_false(dirty);
	++*(unsigned *)arg;
}

static void
P6_mapping_longer_than_the_file(void **state)
{
	static const uint8_t zero[PG - 10];
	uint8_t start_of_file[10];
	const uint8_t *bytes;
	unsigned freed = 0;
	struct lab lab;
	uint64_t pgno;

	(void)state;
	lab_open_data(&lab, NULL);
	lab_file(&lab, 1, 3 * PG + 10);
	lab_map_at(&lab, 1, 1, MAP_R, 0, 8 * PG);
	uvm_observe(lab.uvm,
	    &(struct uvm_observer){ .uo_arg = &freed,
		.uo_freed = count_freed });
	lab_mark(&lab);
	for (pgno = 0; pgno < 8; pgno++)
		assert_int_equal(lab_read(&lab, 1, pgno),
		    pgno < 4 ? UVM_MISS : UVM_FAULT_BAD);
	assert_ios(&lab.rec, "r(0,1) r(1,1) r(2,1) r(3,1)10");
	assert_rise(&lab, fault_errors, 4);
	assert_rise(&lab, free, -4);
	assert_int_equal(freed, 4);

	bytes = uvm_page_bytes(lab.uvm, uvm_map_find(lab.uvm, 1), 3);
	assert_non_null(bytes);
	uvm_pattern(1, 3 * PG, 10, 0, start_of_file);
	assert_memory_equal(bytes, start_of_file, 10);
	assert_memory_equal(bytes + 10, zero, sizeof(zero));
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(E1_cold_scan_reads_page_by_page),
		cmocka_unit_test(E1b_warm_scan_maps_neighbours),
		cmocka_unit_test(E2_random_advice_maps_no_neighbours),
		cmocka_unit_test(
		    E3_ascending_fill_is_written_in_whole_clusters),
		cmocka_unit_test(E4_descending_fill_is_written_page_by_page),
		cmocka_unit_test(E5_short_range_by_hash_one_write),
		cmocka_unit_test(
		    E5_range_one_page_longer_by_list_sixteen_writes),
		cmocka_unit_test(E6_clean_pages_cut_clusters),
		cmocka_unit_test(E7_truncate_frees_the_page_of_the_new_end),
		cmocka_unit_test(E8_failed_write_loses_the_page_silently),
		cmocka_unit_test(E8b_failed_write_with_invalidate_is_told),
		cmocka_unit_test(P1_pages_persist_and_are_found_again),
		cmocka_unit_test(
		    P2_last_unmap_of_a_writable_file_writes_and_frees),
		cmocka_unit_test(P4_cleaning_protects_every_mapping),
		cmocka_unit_test(P5_read_fault_grants_write),
		cmocka_unit_test(P6_mapping_longer_than_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
