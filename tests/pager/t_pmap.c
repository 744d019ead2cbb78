/* The software pmap: docs/semantics.md, section 1.7. */
#include "tests/pager/core.h"

/* Three writable maps of file 1: all of it, pages 4..11, and pages 8..15. */
static void
start(struct lab *lab)
{

	lab_open(lab, NULL);
	lab_file(lab, 1, 16 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_map_at(lab, 2, 1, MAP_RW, 4 * PG, 8 * PG);
	lab_map_at(lab, 3, 1, MAP_RW, 8 * PG, 8 * PG);
	lab_mark(lab);
}

static uint8_t
pte(const struct lab *lab, uint32_t map, uint64_t pgno)
{
	const struct uvm_map *const um = uvm_map_find(lab->uvm, map);

	return um->um_pte[pgno - um->um_first];
}

static void
a_mapping_starts_without_reference_and_store(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_read(&lab, 1, 8);
	(void)lab_read(&lab, 2, 7);
	/* Page 8 is a neighbour there: mapped, not touched. */
	assert_int_equal(pte(&lab, 2, 8), PTE_R | PTE_W);
	assert_int_equal(pte(&lab, 2, 7), PTE_R | PTE_W | PTE_REF);
	assert_int_equal(pte(&lab, 3, 8), 0);
	assert_int_equal(core_page(&lab, 1, 8)->nmaps, 2);
	(void)lab_write(&lab, 2, 8);
	assert_int_equal(pte(&lab, 2, 8), PTE_R | PTE_W | PTE_REF | PTE_MOD);
	assert_int_equal(pte(&lab, 1, 8), PTE_R | PTE_W | PTE_REF);
	lab_close(&lab);
}

static void
bits_of_a_page_are_the_union_of_its_mappings(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_read(&lab, 1, 9);
	(void)lab_read(&lab, 2, 9);
	pg = core_page(&lab, 1, 9);
	assert_false(pmap_is_modified(lab.uvm, pg));
	(void)lab_write(&lab, 3, 9);
	assert_true(pmap_is_modified(lab.uvm, pg));
	assert_true(pmap_is_referenced(lab.uvm, pg));
	assert_int_equal(pg->nmaps, 3);
	lab_close(&lab);
}

static void
protect_none_folds_bits_of_every_mapping_into_the_page(void **state)
{
	struct vm_page *pg;
	struct lab lab;
	uint32_t map;

	(void)state;
	start(&lab);
	(void)lab_read(&lab, 1, 9);
	(void)lab_read(&lab, 2, 9);
	(void)lab_write(&lab, 3, 9);
	pg = core_page(&lab, 1, 9);
	pmap_page_protect(lab.uvm, pg, 0);
	for (map = 1; map <= 3; map++)
		assert_int_equal(pte(&lab, map, 9), 0);
	assert_int_equal(pg->nmaps, 0);
	assert_int_equal(pg->flags & PA_ALL, PA_REF | PA_MOD);
	lab_check(&lab);
	lab_close(&lab);
}

static void
protect_read_takes_write_and_leaves_bits(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 9);
	(void)lab_read(&lab, 2, 9);
	pg = core_page(&lab, 1, 9);
	pmap_page_protect(lab.uvm, pg, UVM_MAP_READ);
	assert_int_equal(pte(&lab, 1, 9), PTE_R | PTE_REF | PTE_MOD);
	assert_int_equal(pte(&lab, 2, 9), PTE_R | PTE_REF);
	assert_int_equal(pg->flags & PA_ALL, 0);
	assert_true(pmap_is_modified(lab.uvm, pg));
	assert_false(pmap_is_writable(lab.uvm, pg));
	lab_check(&lab);
	lab_close(&lab);
}

static void
clearing_a_bit_reaches_live_mappings_and_the_page(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 9);
	(void)lab_write(&lab, 2, 9);
	pg = core_page(&lab, 1, 9);
	pmap_remove(lab.uvm, (struct vm_map *)uvm_map_find(lab.uvm, 1), 9, 10);
	assert_int_equal(pg->flags & PA_ALL, PA_REF | PA_MOD);
	pmap_clear_reference(lab.uvm, pg);
	assert_false(pmap_is_referenced(lab.uvm, pg));
	assert_true(pmap_is_modified(lab.uvm, pg));
	pmap_clear_modify(lab.uvm, pg);
	assert_false(pmap_is_modified(lab.uvm, pg));
	assert_int_equal(pg->flags & PA_ALL, 0);
	assert_int_equal(pte(&lab, 2, 9), PTE_R | PTE_W);
	lab_close(&lab);
}

static void
a_store_after_clearing_is_noted_again_without_a_fault(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	(void)lab_write(&lab, 1, 9);
	pg = core_page(&lab, 1, 9);
	pmap_clear_modify(lab.uvm, pg);
	uvm_page_cleaned(lab.uvm, pg);
	lab_mark(&lab);
	assert_int_equal(lab_write(&lab, 1, 9), UVM_HIT_MAPPED);
	assert_true(pmap_is_modified(lab.uvm, pg));
	assert_rise(&lab, faults, 0);
	assert_gauge(&lab, dirty, 1);
	lab_close(&lab);
}

static void
remove_drops_its_range_only(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	start(&lab);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_READ);
	lab_scan(&lab, 2, 4, 11, UVM_ACCESS_READ);
	pmap_remove(lab.uvm, (struct vm_map *)uvm_map_find(lab.uvm, 1), 3, 13);
	for (pgno = 0; pgno < 16; pgno++)
		assert_int_equal(pte(&lab, 1, pgno) != 0,
		    pgno < 3 || pgno >= 13);
	for (pgno = 4; pgno < 12; pgno++)
		assert_int_equal(pte(&lab, 2, pgno) & PTE_R, PTE_R);
	assert_int_equal(core_page(&lab, 1, 3)->nmaps, 0);
	assert_int_equal(core_page(&lab, 1, 3)->flags & PA_ALL, PA_REF);
	assert_int_equal(core_page(&lab, 1, 4)->nmaps, 1);
	lab_check(&lab);
	lab_close(&lab);
}

static void
protect_of_a_range_takes_write_or_everything(void **state)
{
	struct vm_map *map;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	map = (struct vm_map *)uvm_map_find(lab.uvm, 1);
	pmap_protect(lab.uvm, map, 1, 4, UVM_MAP_READ);
	assert_int_equal(pte(&lab, 1, 0) & PTE_W, PTE_W);
	assert_int_equal(pte(&lab, 1, 1), PTE_R | PTE_REF | PTE_MOD);
	assert_int_equal(pte(&lab, 1, 4) & PTE_W, PTE_W);
	pmap_protect(lab.uvm, map, 2, 3, UVM_MAP_WRITE);
	assert_int_equal(pte(&lab, 1, 2), 0);
	assert_int_equal(core_page(&lab, 1, 2)->flags & PA_ALL,
	    PA_REF | PA_MOD);
	pmap_protect(lab.uvm, map, 3, 4, UVM_MAP_EXEC);
	assert_int_equal(pte(&lab, 1, 3), PTE_R | PTE_REF | PTE_MOD);
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_table_of_a_large_map_is_searched_to_its_end(void **state)
{
	/* Around words of the table, and its last entry. */
	static const uint64_t pgno[] = { 0, 7, 8, 9, 63, 1048568, 1048575 };
	struct lab lab;
	size_t i;

	(void)state;
	lab_open(&lab, "advice=random");
	lab_file(&lab, 1, 1048576 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	for (i = 0; i < nitems(pgno); i++)
		(void)lab_write(&lab, 1, pgno[i]);
	must(uvm_sys_munmap(lab.uvm, 1, 8 * PG, 1048567 * PG));
	lab_end(&lab);
	for (i = 0; i < nitems(pgno); i++)
		assert_int_equal(core_page(&lab, 1, pgno[i])->nmaps,
		    pgno[i] < 8 || pgno[i] == 1048575);
	lab_mark(&lab);
	lab_unmap(&lab, 1);
	assert_rise(&lab, free, 7);
	lab_close(&lab);
}

/* vm_page.nmaps is one byte: what is beyond is counted elsewhere. */
static void
a_page_may_have_more_mappings_than_its_descriptor_counts(void **state)
{
	const uint32_t most = 2 * NMAPS_MANY + 90;
	const struct vm_page *pg;
	struct lab lab;
	uint32_t n;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 16 * PG);
	for (n = 1; n <= most; n++)
		lab_map(&lab, n, 1, MAP_RW);
	/* Page 3 is a neighbour there, by the common way. */
	for (n = 1; n <= most; n++) {
		(void)lab_read(&lab, n, 4 - n % 2);
		assert_int_equal(page_nmaps(lab.uvm, core_page(&lab, 1, 3)), n);
		if (n % 64 >= 62 || n % 64 <= 1)
			lab_check(&lab);
	}
	pg = core_page(&lab, 1, 3);
	for (n = 1; n <= most - NMAPS_MANY + 3; n++) {
		lab_unmap(&lab, n);
		assert_int_equal(page_nmaps(lab.uvm, pg), most - n);
		assert_int_equal(pg->nmaps,
		    most - n < NMAPS_MANY ? most - n : NMAPS_MANY);
	}
	lab_check(&lab);
	for (n = most + 1; n <= most + 100; n++) {
		lab_map(&lab, n, 1, MAP_RW);
		(void)lab_write(&lab, n, 3);
	}
	assert_int_equal(page_nmaps(lab.uvm, pg), NMAPS_MANY - 3 + 100);
	lab_check(&lab);
	/* The daemon takes all of them. */
	lab.uvm->up.freetarg = lab_stat(&lab)->free + 1;
	lab.uvm->up.inactive = RATIO(1, 1);
	uvm_pageout_turn(lab.uvm);
	assert_int_equal(page_nmaps(lab.uvm, pg), 0);
	lab_check(&lab);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_starts_without_reference_and_store),
		cmocka_unit_test(bits_of_a_page_are_the_union_of_its_mappings),
		cmocka_unit_test(
		    protect_none_folds_bits_of_every_mapping_into_the_page),
		cmocka_unit_test(protect_read_takes_write_and_leaves_bits),
		cmocka_unit_test(
		    clearing_a_bit_reaches_live_mappings_and_the_page),
		cmocka_unit_test(
		    a_store_after_clearing_is_noted_again_without_a_fault),
		cmocka_unit_test(remove_drops_its_range_only),
		cmocka_unit_test(protect_of_a_range_takes_write_or_everything),
		cmocka_unit_test(a_table_of_a_large_map_is_searched_to_its_end),
		cmocka_unit_test(
		    a_page_may_have_more_mappings_than_its_descriptor_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
