/*
 * The quirks of docs/semantics.md, section 11, that show in the bytes of pages
 * and files: each as it was and fixed.
 */
#include "tests/pager/lab.h"

#include <string.h>

static void
start_data(struct lab *lab, const char *settings, uint64_t size)
{

	lab_open_data(lab, settings);
	lab_file(lab, 1, size);
	lab_map(lab, 1, 1, MAP_RW);
	lab_mark(lab);
}

/* Store a byte value over a page through map 1. */
static void
fill(struct lab *lab, uint64_t pgno, int value)
{
	void *bytes;

	assert_true(lab_write(lab, 1, pgno) < UVM_FAULT_PROT);
	bytes = uvm_page_bytes(lab->uvm, uvm_map_find(lab->uvm, 1), pgno);
	assert_non_null(bytes);
	(void)memset(bytes, value, PG);
}

static uint8_t
file_byte(const struct lab *lab, uint64_t offset)
{

	return lab->rec.rec_file[1].rf_bytes[offset];
}

static uint8_t
map_byte(struct lab *lab, uint64_t offset)
{
	const uint8_t *const bytes =
	    uvm_page_bytes(lab->uvm, uvm_map_find(lab->uvm, 1), offset / PG);

	assert_non_null(bytes);
	return bytes[offset % PG];
}

static void
q4_fixed_reads_a_cluster_up_to_resident_pages_and_the_end(void **state)
{
	uint8_t want[PG];
	struct lab lab;
	uint64_t pgno;

	(void)state;
	start_data(&lab, "q4_single_read=fixed", 40 * PG - 96);
	lab_scan(&lab, 1, 20, 20, UVM_ACCESS_READ);
	lab_scan(&lab, 1, 0, 39, UVM_ACCESS_READ);
	assert_ios(&lab.rec, "r(20,16) r(0,16) r(16,4) r(36,4)16288");
	assert_rise(&lab, misses, 4);
	assert_rise(&lab, pagein_pages, 40);
	for (pgno = 0; pgno < 40; pgno++) {
		(void)memset(want, 0, PG);
		uvm_pattern(1, pgno * PG, pgno == 39 ? PG - 96 : PG, 0, want);
		assert_memory_equal(uvm_page_bytes(lab.uvm,
					uvm_map_find(lab.uvm, 1), pgno),
		    want, PG);
	}
	lab_close(&lab);
}

static void
q6_faithful_dirty_bytes_before_the_new_end_are_lost(void **state)
{
	uint8_t old;
	struct lab lab;

	(void)state;
	start_data(&lab, "profile=modern q6_eof_page=faithful", 40000);
	old = file_byte(&lab, 4 * PG);
	fill(&lab, 4, old ^ 1);
	lab_mark(&lab);
	lab_truncate(&lab, 1, 20000);
	assert_gauge(&lab, dirty, 0);
	assert_rise(&lab, dirty_discarded, 1);
	assert_int_equal(lab_read(&lab, 1, 4), UVM_MISS);
	assert_int_equal(map_byte(&lab, 4 * PG), old);
	assert_int_equal(map_byte(&lab, 20000), 0);
	lab_close(&lab);
}

static void
q6_fixed_page_of_the_new_end_stays_with_a_zero_tail(void **state)
{
	struct lab lab;

	(void)state;
	start_data(&lab, "q6_eof_page=fixed", 40000);
	lab_scan(&lab, 1, 0, 9, UVM_ACCESS_READ);
	fill(&lab, 4, 7);
	lab_mark(&lab);
	lab_truncate(&lab, 1, 20000);
	assert_rise(&lab, free, 5);
	assert_gauge(&lab, dirty, 1);
	assert_int_equal(lab_read(&lab, 1, 4), UVM_HIT_MAPPED);
	assert_int_equal(map_byte(&lab, 4 * PG), 7);
	assert_int_equal(map_byte(&lab, 19999), 7);
	assert_int_equal(map_byte(&lab, 20000), 0);
	assert_int_equal(map_byte(&lab, 5 * PG - 1), 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(4,1)3616");
	assert_int_equal(file_byte(&lab, 19999), 7);

	/* Within one page nothing is freed. */
	lab_mark(&lab);
	lab_truncate(&lab, 1, 19000);
	assert_rise(&lab, free, 0);
	assert_int_equal(map_byte(&lab, 18999), 7);
	assert_int_equal(map_byte(&lab, 19000), 0);
	lab_close(&lab);
}

static void
q21_faithful_read_and_write_pass_by_mapped_pages(void **state)
{
	uint8_t buf[PG];
	struct lab lab;
	uint64_t done;
	uint8_t old;

	(void)state;
	start_data(&lab, "profile=modern q21_incoherent=faithful", 4 * PG);
	old = file_byte(&lab, 0);
	fill(&lab, 0, old ^ 1);
	must(uvm_sys_pread(lab.uvm, 1, 0, PG, buf, &done));
	assert_int_equal(done, PG);
	assert_int_equal(buf[0], old);

	(void)memset(buf, old ^ 2, PG);
	must(uvm_sys_pwrite(lab.uvm, 1, 0, PG, buf));
	lab_end(&lab);
	assert_int_equal(map_byte(&lab, 0), old ^ 1);
	assert_int_equal(file_byte(&lab, 0), old ^ 2);
	/* The stale page overwrites what is newer. */
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_int_equal(file_byte(&lab, 0), old ^ 1);
	lab_close(&lab);
}

static void
q21_fixed_read_and_write_see_and_change_mapped_pages(void **state)
{
	uint8_t buf[PG];
	struct lab lab;

	(void)state;
	start_data(&lab, "q21_incoherent=fixed", 4 * PG);
	fill(&lab, 0, 1);
	fill(&lab, 1, 2);
	must(uvm_sys_pread(lab.uvm, 1, 0, PG, buf, NULL));
	assert_int_equal(buf[0], 1);
	assert_gauge(&lab, dirty, 1);

	/* Half of page 1: the other half keeps the mapped store. */
	(void)memset(buf, 3, PG);
	must(uvm_sys_pwrite(lab.uvm, 1, PG, PG / 2, buf));
	lab_end(&lab);
	assert_int_equal(lab_read(&lab, 1, 1), UVM_MISS);
	assert_int_equal(map_byte(&lab, PG), 3);
	assert_int_equal(map_byte(&lab, PG + PG / 2), 2);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    q4_fixed_reads_a_cluster_up_to_resident_pages_and_the_end),
		cmocka_unit_test(
		    q6_faithful_dirty_bytes_before_the_new_end_are_lost),
		cmocka_unit_test(
		    q6_fixed_page_of_the_new_end_stays_with_a_zero_tail),
		cmocka_unit_test(
		    q21_faithful_read_and_write_pass_by_mapped_pages),
		cmocka_unit_test(
		    q21_fixed_read_and_write_see_and_change_mapped_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
