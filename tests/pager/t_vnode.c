/* Files in core: how objects begin, persist, are synced, recycled and end. */
#include "tests/pager/core.h"

#include <errno.h>

#define S 1000000000ULL /* ns */

static unsigned
uvn_flags(const struct lab *lab, uint32_t file)
{

	return core_vnode(lab, file)->v_uvm.u_flags;
}

/* A file of 4 pages mapped with its own number, its page 0 accessed. */
static void
use(struct lab *lab, uint32_t file, unsigned flags)
{

	lab_file(lab, file, 4 * PG);
	lab_map(lab, file, file, flags);
	(void)lab_access(lab, file, 0,
	    flags & UVM_MAP_WRITE ? UVM_ACCESS_WRITE : UVM_ACCESS_READ);
}

static void
a_writable_mapping_ends_persistence(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 1, MAP_R);
	assert_int_equal(uvn_flags(&lab, 1),
	    UVM_VNODE_VALID | UVM_VNODE_CANPERSIST);
	lab_map(&lab, 2, 1, MAP_RW);
	assert_int_equal(uvn_flags(&lab, 1),
	    UVM_VNODE_VALID | UVM_VNODE_WRITEABLE);
	lab_unmap(&lab, 2);
	/* Never restored within this life of the object. */
	lab_map(&lab, 3, 1, MAP_R);
	lab_unmap(&lab, 1);
	assert_rise(&lab, persists, 0);
	lab_unmap(&lab, 3);
	assert_rise(&lab, persists, 0);
	assert_int_equal(uvn_flags(&lab, 1), 0);
	assert_null(lab.uvm->wlist);
	lab_close(&lab);
}

static void
write_ends_a_persisting_object(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 1, MAP_R);
	lab_unmap(&lab, 1);
	assert_int_equal(uvn_flags(&lab, 1),
	    UVM_VNODE_VALID | UVM_VNODE_CANPERSIST);
	lab_mark(&lab);
	must(uvm_sys_pwrite(lab.uvm, 1, 0, 1, NULL));
	lab_end(&lab);
	assert_int_equal(uvn_flags(&lab, 1), 0);
	assert_rise(&lab, free, 1);
	assert_rise(&lab, detaches, 1);
	lab_map(&lab, 2, 1, MAP_R);
	assert_int_equal(lab_read(&lab, 2, 0), UVM_MISS);
	lab_close(&lab);
}

static void
size_is_taken_at_attach_and_kept_by_setsize(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 1, MAP_R);
	lab_unmap(&lab, 1);
	lab_truncate(&lab, 1, PG);
	/* It ended by the uncache, so nothing was there to shrink. */
	assert_int_equal(uvn_flags(&lab, 1), 0);
	lab_map_at(&lab, 2, 1, MAP_R, 0, 4 * PG);
	assert_int_equal(core_vnode(&lab, 1)->v_uvm.u_size, PG);
	assert_int_equal(lab_read(&lab, 2, 1), UVM_FAULT_BAD);
	lab_truncate(&lab, 1, 2 * PG);
	assert_int_equal(lab_read(&lab, 2, 1), UVM_MISS);
	lab_close(&lab);
}

static void
the_last_use_of_an_unlinked_file_discards_it(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 1, MAP_RW);
	must(uvm_sys_open(lab.uvm, 1));
	must(uvm_sys_unlink(lab.uvm, 1));
	lab_end(&lab);
	assert_true(core_vnode(&lab, 1)->v_unlinked);
	lab_mark(&lab);
	/* The last mapping writes its pages, the last close drops the file. */
	lab_unmap(&lab, 1);
	assert_ios(&lab.rec, "w(0,1)");
	assert_int_equal(uvm_file_size(lab.uvm, 1), 4 * PG);
	must(uvm_sys_close(lab.uvm, 1));
	lab_end(&lab);
	assert_int_equal(uvm_file_size(lab.uvm, 1), 0);
	assert_false(core_vnode(&lab, 1)->v_unlinked);
	assert_false(core_vnode(&lab, 1)->v_incore);
	assert_int_equal(lab.uvm->numvnodes, 0);
	assert_gauge(&lab, free, lab.up.memory / PG);

	/* The number lives on as an ordinary empty file. */
	must(uvm_sys_pwrite(lab.uvm, 1, 0, 100, NULL));
	lab_map(&lab, 2, 1, MAP_R);
	assert_int_equal(lab_read(&lab, 2, 0), UVM_MISS);
	lab_close(&lab);
}

static void
an_unlinked_file_that_persists_is_discarded_too(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 4 * PG);
	must(uvm_sys_open(lab.uvm, 1));
	must(uvm_sys_unlink(lab.uvm, 1));
	lab_map(&lab, 1, 1, MAP_R);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_READ);
	must(uvm_sys_close(lab.uvm, 1));
	lab_mark(&lab);
	lab_unmap(&lab, 1);
	assert_int_equal(uvn_flags(&lab, 1), 0);
	assert_int_equal(uvm_file_size(lab.uvm, 1), 0);
	assert_gauge(&lab, free, lab.up.memory / PG);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
unlink_of_an_unused_file_empties_it_at_once(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 1, MAP_R);
	lab_unmap(&lab, 1);
	must(uvm_sys_unlink(lab.uvm, 1));
	lab_end(&lab);
	assert_int_equal(uvm_file_size(lab.uvm, 1), 0);
	assert_int_equal(lab.rec.rec_truncated, 0);
	assert_gauge(&lab, free, lab.up.memory / PG);
	lab_close(&lab);
}

static void
the_vnode_unused_longest_is_recycled(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "max_vnodes=3");
	use(&lab, 1, MAP_R);
	use(&lab, 2, MAP_R);
	use(&lab, 3, MAP_R);
	lab_unmap(&lab, 2);
	lab_unmap(&lab, 1);
	lab_mark(&lab);
	use(&lab, 4, MAP_R);
	assert_rise(&lab, vnodes_recycled, 1);
	assert_rise(&lab, terminates, 1);
	assert_int_equal(uvn_flags(&lab, 2), 0);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 1);

	/* A use moves a vnode to the tail of the free list. */
	lab_unmap(&lab, 3);
	must(uvm_sys_fsync(lab.uvm, 1));
	use(&lab, 5, MAP_R);
	assert_rise(&lab, vnodes_recycled, 2);
	assert_int_equal(uvn_flags(&lab, 3), 0);

	/* All in use: one more than desired. */
	lab_map(&lab, 10, 1, MAP_R);
	use(&lab, 6, MAP_R);
	assert_rise(&lab, vnodes_recycled, 2);
	assert_int_equal(lab.uvm->numvnodes, 4);
	lab_close(&lab);
}

static void
a_recycled_file_gets_a_vnode_again(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "max_vnodes=1");
	use(&lab, 1, MAP_R);
	lab_unmap(&lab, 1);
	lab_file(&lab, 2, PG);
	must(uvm_sys_fsync(lab.uvm, 2));
	lab_end(&lab);
	assert_gauge(&lab, vnodes_recycled, 1);
	assert_gauge(&lab, terminates, 1);
	lab_map(&lab, 3, 1, MAP_R);
	assert_gauge(&lab, vnodes_recycled, 2);
	/* File 2 had no object. */
	assert_gauge(&lab, terminates, 1);
	assert_int_equal(lab_read(&lab, 3, 0), UVM_MISS);
	lab_close(&lab);
}

static void
an_open_file_is_not_recycled(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "max_vnodes=1");
	use(&lab, 1, MAP_R);
	must(uvm_sys_open(lab.uvm, 1));
	lab_unmap(&lab, 1);
	lab_file(&lab, 2, PG);
	must(uvm_sys_fsync(lab.uvm, 2));
	assert_gauge(&lab, vnodes_recycled, 0);
	must(uvm_sys_close(lab.uvm, 1));
	lab_file(&lab, 3, PG);
	must(uvm_sys_fsync(lab.uvm, 3));
	assert_gauge(&lab, vnodes_recycled, 1);
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_close_without_an_open_uses_no_vnode(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "max_vnodes=1");
	use(&lab, 1, MAP_R);
	lab_unmap(&lab, 1);
	lab_file(&lab, 2, PG);
	must(uvm_sys_close(lab.uvm, 2));
	lab_end(&lab);
	assert_gauge(&lab, vnodes_recycled, 0);
	assert_false(core_vnode(&lab, 2)->v_incore);
	assert_int_equal(lab.uvm->numvnodes, 1);
	lab_close(&lab);
}

static void
sync_writes_the_file_longest_writable_first(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	use(&lab, 2, MAP_RW);
	use(&lab, 3, MAP_RW);
	use(&lab, 1, MAP_RW);
	use(&lab, 4, MAP_R);
	lab_mark(&lab);
	lab_sync(&lab);
	assert_ios(&lab.rec, "2:w(0,1) 3:w(0,1) w(0,1)");
	assert_rise(&lab, syncs, 1);
	assert_rise(&lab, flushes, 3);
	assert_rise(&lab, detaches, 3);
	assert_int_equal(core_object(&lab, 2)->uo_refs, 1);
	lab_close(&lab);
}

static void
update_syncs_at_every_interval(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	assert_int_equal(uvm_next_tick(lab.uvm), 30 * S);
	use(&lab, 1, MAP_RW);
	must(uvm_tick(lab.uvm, 30 * S - 1));
	assert_rise(&lab, syncs, 0);
	lab_mark(&lab);
	must(uvm_tick(lab.uvm, 30 * S));
	lab_end(&lab);
	assert_rise(&lab, syncs, 1);
	assert_ios(&lab.rec, "w(0,1)");
	must(uvm_tick(lab.uvm, 59 * S));
	assert_rise(&lab, syncs, 1);
	must(uvm_tick(lab.uvm, 150 * S));
	assert_rise(&lab, syncs, 5);
	assert_rise(&lab, flushes, 5);
	assert_rise(&lab, list_visits, 5 * 2);
	assert_int_equal(uvm_next_tick(lab.uvm), 180 * S);
	lab_close(&lab);
}

static void
update_can_be_off(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "sync_interval=0");
	assert_int_equal(uvm_next_tick(lab.uvm), UINT64_MAX);
	use(&lab, 1, MAP_RW);
	must(uvm_tick(lab.uvm, UINT64_MAX));
	assert_gauge(&lab, syncs, 0);
	lab_close(&lab);
}

static void
long_gaps_without_writable_files_are_counted_not_walked(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, "sync_interval=1ns");
	must(uvm_tick(lab.uvm, 1ULL << 62));
	assert_gauge(&lab, syncs, 1ULL << 62);
	assert_int_equal(uvm_next_tick(lab.uvm), (1ULL << 62) + 1);
	must(uvm_tick(lab.uvm, UINT64_MAX - 1));
	assert_gauge(&lab, syncs, UINT64_MAX - 1);
	lab_close(&lab);

	lab_open(&lab, NULL);
	must(uvm_tick(lab.uvm, UINT64_MAX - 1));
	assert_gauge(&lab, syncs, (UINT64_MAX - 1) / (30 * S));
	assert_int_equal(uvm_next_tick(lab.uvm), UINT64_MAX);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_writable_mapping_ends_persistence),
		cmocka_unit_test(write_ends_a_persisting_object),
		cmocka_unit_test(size_is_taken_at_attach_and_kept_by_setsize),
		cmocka_unit_test(the_last_use_of_an_unlinked_file_discards_it),
		cmocka_unit_test(
		    an_unlinked_file_that_persists_is_discarded_too),
		cmocka_unit_test(unlink_of_an_unused_file_empties_it_at_once),
		cmocka_unit_test(the_vnode_unused_longest_is_recycled),
		cmocka_unit_test(a_recycled_file_gets_a_vnode_again),
		cmocka_unit_test(an_open_file_is_not_recycled),
		cmocka_unit_test(a_close_without_an_open_uses_no_vnode),
		cmocka_unit_test(sync_writes_the_file_longest_writable_first),
		cmocka_unit_test(update_syncs_at_every_interval),
		cmocka_unit_test(update_can_be_off),
		cmocka_unit_test(
		    long_gaps_without_writable_files_are_counted_not_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
