/* Private mappings: copies are made on a write, and are no pages of a file. */
#include "tests/pager/core.h"

#define MAP_COW (MAP_RW | UVM_MAP_PRIVATE)

static void
start(struct lab *lab)
{

	lab_open(lab, NULL);
	lab_file(lab, 1, 16 * PG);
	lab_map(lab, 1, 1, MAP_COW);
	lab_mark(lab);
}

static void
protect(struct lab *lab, uint64_t page, uint64_t npages, unsigned prot)
{

	must(uvm_sys_mprotect(lab->uvm, 1, page * PG, npages * PG, prot));
	lab_end(lab);
}

static void
a_write_makes_a_copy_and_leaves_the_file_clean(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_MISS);
	assert_rise(&lab, flt_prcopy, 1);
	assert_rise(&lab, flt_obj, 0);
	assert_rise(&lab, pagein_ios, 1);
	assert_gauge(&lab, dirty, 0);
	assert_active(&lab, "3");
	assert_int_equal(core_page(&lab, 1, 3)->nmaps, 0);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_MAPPED);
	assert_int_equal(lab_read(&lab, 1, 3), UVM_HIT_MAPPED);
	assert_rise(&lab, faults, 1);

	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	lab_sync(&lab);
	assert_int_equal(lab.rec.rec_nio, 0);
	assert_null(lab.uvm->wlist);
	lab_unmap(&lab, 1);
	assert_rise(&lab, persists, 1);
	lab_close(&lab);
}

static void
a_read_maps_the_page_and_neighbours_without_write(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_map(&lab, 2, 1, MAP_R);
	lab_scan(&lab, 2, 0, 15, UVM_ACCESS_READ);
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, neighbours_mapped, 7);
	assert_rise(&lab, flt_obj, 1);
	/* Each write faults then, and finds no neighbour to map. */
	assert_int_equal(lab_write(&lab, 1, 4), UVM_HIT_RESIDENT);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, flt_prcopy, 2);
	assert_rise(&lab, neighbours_mapped, 7 + 1);
	assert_int_equal(core_page(&lab, 1, 4)->nmaps, 1);
	/* What the mapping knew of the page stays with the page. */
	assert_true(core_page(&lab, 1, 3)->flags & PA_REF);
	assert_int_equal(lab_write(&lab, 1, 4), UVM_HIT_MAPPED);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
a_copy_survives_what_happens_to_the_file(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_read(&lab, 1, 3);
	(void)lab_write(&lab, 1, 3);
	(void)lab_read(&lab, 1, 4);
	lab_truncate(&lab, 1, 0);
	assert_null(core_page(&lab, 1, 3));
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_MAPPED);
	assert_int_equal(lab_read(&lab, 1, 4), UVM_FAULT_BAD);
	assert_null(uvm_page_bytes(lab.uvm, uvm_map_find(lab.uvm, 1), 3));
	lab_close(&lab);
}

static void
a_copy_is_passed_over_by_windows(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 3);
	lab_mark(&lab);
	(void)lab_read(&lab, 1, 4);
	/* Pages 1..8 without 3, and the page itself twice. */
	assert_rise(&lab, lookups, 7 + 1);
	assert_rise(&lab, neighbours_mapped, 0);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_MAPPED);
	lab_close(&lab);
}

static void
a_copy_that_was_closed_is_found_again(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 3);
	protect(&lab, 0, 16, 0);
	assert_int_equal(lab_read(&lab, 1, 3), UVM_FAULT_PROT);
	protect(&lab, 0, 16, MAP_RW);
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, faults, 1);
	assert_rise(&lab, fltlget, 0);
	assert_rise(&lab, lookups, 0);
	assert_rise(&lab, flt_prcopy, 0);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_MAPPED);
	lab_close(&lab);
}

static void
a_copy_that_was_closed_is_no_neighbour_of_a_fault(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 3);
	protect(&lab, 0, 16, 0);
	protect(&lab, 0, 16, MAP_RW);
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 4), UVM_MISS);
	assert_rise(&lab, neighbours_mapped, 0);
	assert_rise(&lab, lookups, 7 + 1);
	/* Still the copy, not the page of the file. */
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, flt_prcopy, 0);
	lab_close(&lab);
}

static void
a_copy_loses_write_and_gets_it_back_by_a_fault(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 3);
	protect(&lab, 0, 16, UVM_MAP_READ);
	assert_int_equal(lab_read(&lab, 1, 3), UVM_HIT_MAPPED);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_FAULT_PROT);
	protect(&lab, 0, 16, MAP_RW);
	lab_mark(&lab);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, flt_prcopy, 0);
	assert_rise(&lab, lookups, 0);
	lab_close(&lab);
}

static void
a_read_only_private_mapping_may_be_given_write(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 16 * PG);
	lab_map(&lab, 1, 1, MAP_R | UVM_MAP_PRIVATE);
	(void)lab_read(&lab, 1, 3);
	protect(&lab, 0, 16, MAP_RW);
	lab_mark(&lab);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_HIT_RESIDENT);
	assert_rise(&lab, flt_prcopy, 1);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
a_shared_store_is_not_a_private_one(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_map(&lab, 2, 1, MAP_RW);
	(void)lab_write(&lab, 1, 3);
	(void)lab_write(&lab, 2, 3);
	(void)lab_write(&lab, 2, 4);
	assert_gauge(&lab, dirty, 2);
	lab_mark(&lab);
	lab_unmap(&lab, 2);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_unmap(&lab, 1);
	assert_ios(&lab.rec, "w(3,2)");
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_write_makes_a_copy_and_leaves_the_file_clean),
		cmocka_unit_test(
		    a_read_maps_the_page_and_neighbours_without_write),
		cmocka_unit_test(a_copy_survives_what_happens_to_the_file),
		cmocka_unit_test(a_copy_is_passed_over_by_windows),
		cmocka_unit_test(a_copy_that_was_closed_is_found_again),
		cmocka_unit_test(
		    a_copy_that_was_closed_is_no_neighbour_of_a_fault),
		cmocka_unit_test(
		    a_copy_loses_write_and_gets_it_back_by_a_fault),
		cmocka_unit_test(
		    a_read_only_private_mapping_may_be_given_write),
		cmocka_unit_test(a_shared_store_is_not_a_private_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
