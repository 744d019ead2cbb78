/* Pieces of mappings, protection, and which accesses they allow. */
#include "tests/pager/core.h"

#include <errno.h>

/* 64 pages of file 1 through map 1. */
static void
start(struct lab *lab, unsigned flags)
{

	lab_open(lab, NULL);
	lab_file(lab, 1, 64 * PG);
	lab_map(lab, 1, 1, flags);
	lab_mark(lab);
}

static int
refs(const struct lab *lab)
{

	return core_object(lab, 1)->uo_refs;
}

static uint32_t
pieces(const struct lab *lab, uint32_t map)
{

	return ((const struct vm_map *)uvm_map_find(lab->uvm, map))
	    ->vm_nentries;
}

static int
protect(struct lab *lab, uint64_t page, uint64_t npages, unsigned prot)
{
	const int error =
	    uvm_sys_mprotect(lab->uvm, 1, page * PG, npages * PG, prot);

	lab_end(lab);
	return error;
}

static int
advise(struct lab *lab, uint64_t page, uint64_t npages, enum uvm_madv advice)
{
	const int error =
	    uvm_sys_madvise(lab->uvm, 1, page * PG, npages * PG, advice);

	lab_end(lab);
	return error;
}

static int
unmap(struct lab *lab, uint64_t page, uint64_t npages)
{
	const int error = uvm_sys_munmap(lab->uvm, 1, page * PG, npages * PG);

	lab_end(lab);
	return error;
}

static void
each_cut_of_a_mapping_takes_a_reference(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_R);
	must(advise(&lab, 16, 16, UVM_MADV_RANDOM));
	assert_int_equal(pieces(&lab, 1), 3);
	assert_int_equal(refs(&lab), 3);
	must(advise(&lab, 16, 16, UVM_MADV_NORMAL));
	assert_int_equal(refs(&lab), 3);
	must(protect(&lab, 0, 8, 0));
	must(protect(&lab, 60, 4, 0));
	assert_int_equal(pieces(&lab, 1), 5);
	assert_int_equal(refs(&lab), 5);
	assert_rise(&lab, attaches, 0);
	assert_rise(&lab, detaches, 0);
	lab_unmap(&lab, 1);
	assert_rise(&lab, detaches, 5);
	assert_rise(&lab, persists, 1);
	assert_int_equal(refs(&lab), 0);
	lab_close(&lab);
}

static void
advice_of_the_whole_range_without_effect_on_pieces(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_R);
	must(advise(&lab, 16, 16, UVM_MADV_WILLNEED));
	must(advise(&lab, 16, 16, UVM_MADV_DONTNEED));
	must(advise(&lab, 16, 16, UVM_MADV_FREE));
	must(advise(&lab, 16, 0, UVM_MADV_RANDOM));
	must(protect(&lab, 16, 0, 0));
	must(advise(&lab, 0, 64, UVM_MADV_RANDOM));
	assert_int_equal(pieces(&lab, 1), 1);
	assert_int_equal(refs(&lab), 1);
	lab_close(&lab);
}

static void
unmapping_the_middle_leaves_two_pieces(void **state)
{
	struct uvm_map *map;
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	must(unmap(&lab, 10, 20));
	assert_int_equal(pieces(&lab, 1), 2);
	assert_int_equal(refs(&lab), 2);
	assert_rise(&lab, detaches, 1);
	/* What was stored there is remembered, not written. */
	assert_int_equal(lab.rec.rec_nio, 0);
	assert_gauge(&lab, dirty, 64);
	assert_true(pmap_is_modified(lab.uvm, core_page(&lab, 1, 10)));

	lab_mark(&lab);
	map = uvm_map_find(lab.uvm, 1);
	assert_int_equal(uvm_access(lab.uvm, map, 10, UVM_ACCESS_READ),
	    UVM_FAULT_NOMAP);
	assert_int_equal(uvm_access(lab.uvm, map, 29, UVM_ACCESS_READ),
	    UVM_FAULT_NOMAP);
	assert_int_equal(uvm_access(lab.uvm, map, 64, UVM_ACCESS_READ),
	    UVM_FAULT_NOMAP);
	assert_rise(&lab, accesses, 0);
	assert_int_equal(lab_read(&lab, 1, 9), UVM_HIT_MAPPED);
	assert_int_equal(lab_read(&lab, 1, 30), UVM_HIT_MAPPED);

	/* A hole again, and one with edges of both pieces. */
	must(unmap(&lab, 12, 4));
	assert_rise(&lab, detaches, 0);
	must(unmap(&lab, 8, 24));
	assert_rise(&lab, detaches, 2);
	assert_int_equal(pieces(&lab, 1), 2);
	must(unmap(&lab, 0, 64));
	assert_rise(&lab, detaches, 4);
	assert_null(uvm_map_find(lab.uvm, 1));
	assert_int_equal(unmap(&lab, 0, 1), ESRCH);
	assert_gauge(&lab, dirty, 0);
	assert_rise(&lab, pageout_pages, 64);
	lab_close(&lab);
}

static void
calls_over_a_hole_do_nothing_and_say_enomem(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	must(unmap(&lab, 10, 20));
	lab_mark(&lab);
	assert_int_equal(protect(&lab, 5, 30, UVM_MAP_READ), ENOMEM);
	assert_int_equal(protect(&lab, 12, 2, UVM_MAP_READ), ENOMEM);
	assert_int_equal(protect(&lab, 60, 5, UVM_MAP_READ), ENOMEM);
	assert_int_equal(advise(&lab, 5, 30, UVM_MADV_RANDOM), ENOMEM);
	assert_int_equal(advise(&lab, 5, 30, UVM_MADV_FREE), ENOMEM);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 5 * PG, 30 * PG,
			     UVM_MS_SYNC),
	    ENOMEM);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 15 * PG, 0, UVM_MS_SYNC),
	    ENOMEM);
	assert_int_equal(pieces(&lab, 1), 2);
	assert_rise(&lab, flushes, 0);
	assert_gauge(&lab, dirty, 64);
	lab_close(&lab);
}

static void
msync_flushes_each_piece_ascending(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	must(advise(&lab, 20, 10, UVM_MADV_RANDOM));
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 10 * PG, 30 * PG, UVM_MS_SYNC));
	lab_end(&lab);
	assert_rise(&lab, flushes, 3);
	assert_ios(&lab.rec, "w(10,10) w(20,10) w(30,10)");

	/* Without a length, the piece at the offset. */
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 45 * PG, 0, UVM_MS_SYNC));
	lab_end(&lab);
	assert_rise(&lab, flushes, 1);
	assert_ios(&lab.rec, "w(40,16) w(56,8)");
	lab_close(&lab);
}

static void
a_range_in_bytes_is_widened_to_pages(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	lab_scan(&lab, 1, 0, 7, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 2 * PG + 100, PG, UVM_MS_SYNC));
	assert_ios(&lab.rec, "w(2,2)");
	must(uvm_sys_munmap(lab.uvm, 1, 4 * PG + 1, PG));
	lab_end(&lab);
	assert_int_equal(pieces(&lab, 1), 2);
	assert_int_equal(uvm_access(lab.uvm, uvm_map_find(lab.uvm, 1), 5,
			     UVM_ACCESS_READ),
	    UVM_FAULT_NOMAP);
	assert_int_equal(lab_read(&lab, 1, 6), UVM_HIT_MAPPED);
	lab_close(&lab);
}

static void
a_window_is_cut_to_the_piece(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_R);
	lab_map(&lab, 2, 1, MAP_R);
	lab_scan(&lab, 2, 0, 63, UVM_ACCESS_READ);
	must(advise(&lab, 16, 16, UVM_MADV_RANDOM));
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 15), UVM_HIT_RESIDENT);
	assert_rise(&lab, neighbours_mapped, 3);
	assert_int_equal(lab_read(&lab, 1, 32), UVM_HIT_RESIDENT);
	assert_rise(&lab, neighbours_mapped, 3 + 4);
	assert_int_equal(lab_read(&lab, 1, 20), UVM_HIT_RESIDENT);
	assert_rise(&lab, neighbours_mapped, 3 + 4);
	assert_int_equal(lab_read(&lab, 1, 62), UVM_HIT_RESIDENT);
	assert_rise(&lab, neighbours_mapped, 3 + 4 + 4);
	lab_close(&lab);
}

static void
taking_write_away_faults_and_giving_it_back_changes_no_mapping(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_WRITE);
	must(protect(&lab, 0, 2, UVM_MAP_READ));
	lab_mark(&lab);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_HIT_MAPPED);
	assert_int_equal(lab_write(&lab, 1, 0), UVM_FAULT_PROT);
	assert_rise(&lab, fault_errors, 1);
	assert_rise(&lab, sigsegv, 1);
	assert_rise(&lab, fltlget, 0);
	assert_int_equal(lab_write(&lab, 1, 2), UVM_HIT_MAPPED);

	must(protect(&lab, 0, 2, MAP_RW));
	lab_mark(&lab);
	assert_int_equal(lab_write(&lab, 1, 0), UVM_HIT_RESIDENT);
	assert_int_equal(lab_write(&lab, 1, 0), UVM_HIT_MAPPED);
	/* Page 1 was mapped: not upgraded as a neighbour. */
	assert_int_equal(lab_write(&lab, 1, 1), UVM_HIT_RESIDENT);
	assert_gauge(&lab, dirty, 4);
	lab_close(&lab);
}

static void
taking_everything_away_removes_the_mappings(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_RW);
	(void)lab_write(&lab, 1, 0);
	must(protect(&lab, 0, 64, 0));
	assert_int_equal(core_page(&lab, 1, 0)->nmaps, 0);
	assert_gauge(&lab, dirty, 1);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_FAULT_PROT);
	must(protect(&lab, 0, 64, UVM_MAP_WRITE));
	assert_int_equal(lab_write(&lab, 1, 0), UVM_FAULT_PROT);
	must(protect(&lab, 0, 64, MAP_RW));
	assert_int_equal(lab_write(&lab, 1, 0), UVM_HIT_RESIDENT);
	lab_close(&lab);
}

static void
execution_needs_read_or_execute(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, UVM_MAP_EXEC);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_FAULT_PROT);
	assert_int_equal(lab_access(&lab, 1, 0, UVM_ACCESS_IFETCH), UVM_MISS);
	/* The i386 cannot keep reads out of what can be executed. */
	assert_int_equal(lab_read(&lab, 1, 0), UVM_HIT_MAPPED);
	must(protect(&lab, 0, 64, UVM_MAP_READ));
	assert_int_equal(lab_access(&lab, 1, 9, UVM_ACCESS_IFETCH), UVM_MISS);
	lab_close(&lab);
}

static void
a_read_only_descriptor_cannot_be_given_write(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, MAP_R);
	assert_int_equal(protect(&lab, 8, 8, MAP_RW), EACCES);
	assert_int_equal(pieces(&lab, 1), 1);
	assert_null(lab.uvm->wlist);

	/* With a writable one the mapping counts as writable at once. */
	lab_map(&lab, 2, 1, MAP_R | UVM_MAP_MAXW);
	assert_non_null(lab.uvm->wlist);
	assert_int_equal(lab_write(&lab, 2, 0), UVM_FAULT_PROT);
	must(uvm_sys_mprotect(lab.uvm, 2, 0, PG, MAP_RW));
	assert_int_equal(lab_write(&lab, 2, 0), UVM_MISS);
	lab_close(&lab);
}

static void
a_map_starts_at_its_offset(void **state)
{
	struct uvm_map *map;
	struct lab lab;

	(void)state;
	start(&lab, MAP_R);
	lab_map_at(&lab, 2, 1, MAP_R, 8 * PG, 3 * PG + 1);
	map = uvm_map_find(lab.uvm, 2);
	assert_int_equal(map->um_first, 8);
	assert_int_equal(map->um_npages, 4);
	assert_int_equal(uvm_access(lab.uvm, map, 7, UVM_ACCESS_READ),
	    UVM_FAULT_NOMAP);
	assert_int_equal(lab_read(&lab, 2, 8), UVM_MISS);
	assert_int_equal(lab_read(&lab, 2, 11), UVM_MISS);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cut_of_a_mapping_takes_a_reference),
		cmocka_unit_test(
		    advice_of_the_whole_range_without_effect_on_pieces),
		cmocka_unit_test(unmapping_the_middle_leaves_two_pieces),
		cmocka_unit_test(calls_over_a_hole_do_nothing_and_say_enomem),
		cmocka_unit_test(msync_flushes_each_piece_ascending),
		cmocka_unit_test(a_range_in_bytes_is_widened_to_pages),
		cmocka_unit_test(a_window_is_cut_to_the_piece),
		cmocka_unit_test(
		    taking_write_away_faults_and_giving_it_back_changes_no_mapping),
		cmocka_unit_test(taking_everything_away_removes_the_mappings),
		cmocka_unit_test(execution_needs_read_or_execute),
		cmocka_unit_test(a_read_only_descriptor_cannot_be_given_write),
		cmocka_unit_test(a_map_starts_at_its_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
