/* System calls: what they refuse, what they ask of the pager. */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

static void
start(struct lab *lab, const char *settings)
{

	lab_open(lab, settings);
	lab_file(lab, 1, 16 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_mark(lab);
}

static unsigned
uvn_flags(const struct lab *lab, uint32_t file)
{

	return core_vnode(lab, file)->v_uvm.u_flags;
}

static int
try_map(struct lab *lab, uint32_t map, uint32_t file, uint64_t offset,
    uint64_t length)
{

	return uvm_sys_mmap(lab->uvm,
	    &(struct uvm_mmap){ .mm_map = map,
		.mm_file = file,
		.mm_flags = MAP_R,
		.mm_offset = offset,
		.mm_length = length });
}

static void
unknown_files_and_maps_are_esrch(void **state)
{
	struct lab lab;
	struct uvm *uvm;

	(void)state;
	start(&lab, NULL);
	uvm = lab.uvm;
	assert_int_equal(try_map(&lab, 9, 2, 0, PG), ESRCH);
	assert_int_equal(try_map(&lab, 9, 0, 0, PG), ESRCH);
	assert_int_equal(try_map(&lab, 0, 1, 0, PG), ESRCH);
	assert_int_equal(uvm_sys_munmap(uvm, 9, 0, 0), ESRCH);
	assert_int_equal(uvm_sys_mprotect(uvm, 9, 0, PG, 0), ESRCH);
	assert_int_equal(uvm_sys_msync(uvm, 9, 0, 0, UVM_MS_SYNC), ESRCH);
	assert_int_equal(uvm_sys_madvise(uvm, 9, 0, PG, UVM_MADV_FREE), ESRCH);
	assert_int_equal(uvm_sys_truncate(uvm, 2, 0), ESRCH);
	assert_int_equal(uvm_sys_fallocate(uvm, 2, 0, PG, 0), ESRCH);
	assert_int_equal(uvm_sys_pread(uvm, 2, 0, PG, NULL, NULL), ESRCH);
	assert_int_equal(uvm_sys_pwrite(uvm, 2, 0, PG, NULL), ESRCH);
	assert_int_equal(uvm_sys_fsync(uvm, 2), ESRCH);
	assert_int_equal(uvm_sys_open(uvm, 2), ESRCH);
	assert_int_equal(uvm_sys_close(uvm, 2), ESRCH);
	assert_int_equal(uvm_sys_unlink(uvm, 2), ESRCH);
	assert_int_equal(uvm_sys_exit(uvm, 77), 0);
	assert_false(uvm_file_known(uvm, 2));
	assert_true(uvm_file_known(uvm, 1));
	assert_int_equal(uvm_file_size(uvm, 1), 16 * PG);
	assert_int_equal(uvm_file_size(uvm, 2), 0);
	assert_null(uvm_map_find(uvm, 9));
	lab_check(&lab);
	lab_unmap(&lab, 1);
	assert_int_equal(uvm_sys_munmap(uvm, 1, 0, 0), ESRCH);
	lab_close(&lab);
}

static void
ids_are_used_once(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	assert_int_equal(uvm_file_add(lab.uvm, 1, 0), EEXIST);
	assert_int_equal(try_map(&lab, 1, 1, 0, PG), EEXIST);
	lab_unmap(&lab, 1);
	assert_int_equal(try_map(&lab, 1, 1, 0, PG), EEXIST);
	lab_close(&lab);
}

static void
many_ids_are_all_found(void **state)
{
	struct lab lab;
	uint32_t i;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, UINT32_MAX, 4 * PG);
	for (i = 1; i <= 1000; i++) {
		lab_file(&lab, i * 77777, i);
		must(try_map(&lab, i * 54321, UINT32_MAX, 0, PG));
	}
	for (i = 1; i <= 1000; i++) {
		assert_int_equal(uvm_file_size(lab.uvm, i * 77777), i);
		assert_int_equal(uvm_map_find(lab.uvm, i * 54321)->um_id,
		    i * 54321);
	}
	assert_int_equal(core_object(&lab, UINT32_MAX)->uo_refs, 1000);
	lab_close(&lab);
}

static void
what_is_beyond_what_is_simulated_is_refused(void **state)
{
	struct lab lab;
	uint32_t files;

	(void)state;
	start(&lab, NULL);
	assert_int_equal(uvm_file_add(lab.uvm, 2, UVM_FILE_MAX + 1), EFBIG);
	must(uvm_file_add(lab.uvm, 2, UVM_FILE_MAX));
	/* A page's descriptor has 28 bits for its file. */
	files = lab.uvm->nobject;
	lab.uvm->nobject = UVM_FILES_MAX;
	assert_int_equal(uvm_file_add(lab.uvm, 3, PG), E2BIG);
	lab.uvm->nobject = files;
	assert_int_equal(uvm_sys_truncate(lab.uvm, 1, UVM_FILE_MAX + 1), EFBIG);
	assert_int_equal(uvm_sys_fallocate(lab.uvm, 1, UVM_FILE_MAX, 1, 0),
	    EFBIG);
	assert_int_equal(uvm_sys_fallocate(lab.uvm, 1, UINT64_MAX, 2, 0),
	    EFBIG);
	assert_int_equal(uvm_sys_pwrite(lab.uvm, 1, UVM_FILE_MAX, 1, NULL),
	    EFBIG);
	assert_int_equal(uvm_sys_pwrite(lab.uvm, 1, UINT64_MAX, 2, NULL),
	    EFBIG);
	assert_int_equal(try_map(&lab, 2, 1, UVM_FILE_MAX, PG), EFBIG);
	assert_int_equal(try_map(&lab, 2, 1, 0, UVM_FILE_MAX + 1), EFBIG);
	assert_int_equal(try_map(&lab, 2, 1, UINT64_MAX - PG + 1, PG), EFBIG);
	assert_int_equal(uvm_file_size(lab.uvm, 1), 16 * PG);
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_mapping_needs_an_aligned_offset_and_a_length(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	assert_int_equal(try_map(&lab, 2, 1, 1, PG), EINVAL);
	assert_int_equal(try_map(&lab, 2, 1, PG, 0), EINVAL);
	must(try_map(&lab, 2, 1, PG, 1));
	lab_close(&lab);
}

static void
msync_checks_its_flags(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	(void)lab_write(&lab, 1, 0);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, 0), EINVAL);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0,
			     UVM_MS_SYNC | UVM_MS_ASYNC),
	    EINVAL);
	assert_rise(&lab, flushes, 0);
	must(uvm_sys_msync(lab.uvm, 1, 0, PG, UVM_MS_ASYNC));
	assert_ios(&lab.rec, "r(0,1) w(0,1)");
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 16 * PG, PG, UVM_MS_SYNC),
	    ENOMEM);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, UINT64_MAX, 5, UVM_MS_SYNC),
	    ENOMEM);
	lab_close(&lab);
}

static void
msync_invalidate_frees_what_it_wrote(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	must(uvm_sys_msync(lab.uvm, 1, 0, 4 * PG, UVM_MS_INVALIDATE));
	lab_end(&lab);
	assert_ios(&lab.rec, "w(0,4)");
	assert_rise(&lab, free, 4);
	assert_rise(&lab, dirty_discarded, 0);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	lab_close(&lab);
}

static void
madvise_dontneed_deactivates_and_free_discards(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	must(uvm_sys_madvise(lab.uvm, 1, 0, 4 * PG, UVM_MADV_DONTNEED));
	lab_end(&lab);
	assert_inactive(&lab, "0 1 2 3");
	assert_gauge(&lab, dirty, 16);
	must(uvm_sys_madvise(lab.uvm, 1, 2 * PG, 4 * PG, UVM_MADV_FREE));
	lab_end(&lab);
	assert_rise(&lab, free, 4);
	assert_rise(&lab, dirty_discarded, 4);
	assert_gauge(&lab, dirty, 12);
	assert_int_equal(lab.rec.rec_nio, 0);
	assert_int_equal(lab_read(&lab, 1, 1), UVM_HIT_RESIDENT);
	assert_int_equal(lab_read(&lab, 1, 2), UVM_MISS);
	lab_close(&lab);
}

static void
exit_unmaps_a_process_by_ascending_map(void **state)
{
	static const uint32_t map[] = { 7, 3, 9, 5 };
	struct lab lab;
	uint32_t i;

	(void)state;
	lab_open(&lab, NULL);
	for (i = 0; i < 4; i++) {
		lab_file(&lab, i + 1, 4 * PG);
		must(uvm_sys_mmap(lab.uvm,
		    &(struct uvm_mmap){ .mm_map = map[i],
			.mm_pid = map[i] == 9 ? 2 : 4,
			.mm_file = i + 1,
			.mm_flags = MAP_RW,
			.mm_length = 4 * PG }));
		(void)lab_write(&lab, map[i], 0);
	}
	lab_mark(&lab);
	must(uvm_sys_exit(lab.uvm, 4));
	lab_end(&lab);
	assert_ios(&lab.rec, "2:w(0,1) 4:w(0,1) w(0,1)");
	assert_rise(&lab, detaches, 3);
	assert_non_null(uvm_map_find(lab.uvm, 9));
	must(uvm_sys_exit(lab.uvm, 4));
	assert_rise(&lab, detaches, 3);
	lab_close(&lab);
}

static void
an_inherited_mapping_takes_a_reference_only(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 4 * PG);
	lab_map(&lab, 1, 1, MAP_R);
	lab_mark(&lab);
	lab_map(&lab, 2, 1, MAP_R | UVM_MAP_INHERITED);
	assert_rise(&lab, attaches, 0);
	assert_int_equal(core_object(&lab, 1)->uo_refs, 2);
	lab_unmap(&lab, 1);
	lab_unmap(&lab, 2);
	assert_rise(&lab, persists, 1);

	/* Nobody to inherit from: as any other. */
	lab_map(&lab, 3, 1, MAP_RW | UVM_MAP_INHERITED);
	assert_rise(&lab, attaches, 1);
	assert_int_equal(uvn_flags(&lab, 1),
	    UVM_VNODE_VALID | UVM_VNODE_WRITEABLE);
	lab_close(&lab);
}

static void
truncate_to_the_same_size_is_not_heard_of(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 5000);
	lab_map(&lab, 1, 1, MAP_R);
	lab_mark(&lab);
	lab_truncate(&lab, 1, 5000);
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) != 0);
	assert_rise(&lab, flushes, 0);
	lab_truncate(&lab, 1, 9000);
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) == 0);
	assert_rise(&lab, flushes, 0);
	assert_int_equal(core_vnode(&lab, 1)->v_uvm.u_size, 9000);
	assert_int_equal(lab.rec.rec_truncated, 9000);
	lab_close(&lab);
}

static void
write_uncaches_and_may_extend(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 5000);
	lab_map_at(&lab, 1, 1, MAP_R, 0, 8 * PG);
	(void)lab_read(&lab, 1, 0);
	lab_mark(&lab);
	must(uvm_sys_pwrite(lab.uvm, 1, 0, 0, NULL));
	must(uvm_sys_pread(lab.uvm, 1, 0, 5, NULL, NULL));
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) != 0);
	assert_int_equal(lab_read(&lab, 1, 2), UVM_FAULT_BAD);
	must(uvm_sys_pwrite(lab.uvm, 1, 2 * PG, 10, NULL));
	lab_end(&lab);
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) == 0);
	assert_int_equal(uvm_file_size(lab.uvm, 1), 2 * PG + 10);
	assert_int_equal(lab_read(&lab, 1, 2), UVM_MISS);
	assert_rise(&lab, file_writes, 2);
	assert_rise(&lab, file_write_bytes, 10);
	lab_unmap(&lab, 1);
	assert_rise(&lab, persists, 0);
	assert_gauge(&lab, free, lab.up.memory / PG);
	lab_close(&lab);
}

static void
reads_are_cut_to_the_end_of_the_file(void **state)
{
	struct lab lab;
	uint64_t done;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 5000);
	must(uvm_sys_pread(lab.uvm, 1, 4990, 100, NULL, &done));
	assert_int_equal(done, 10);
	must(uvm_sys_pread(lab.uvm, 1, 5000, 100, NULL, &done));
	assert_int_equal(done, 0);
	must(uvm_sys_pread(lab.uvm, 1, UINT64_MAX, UINT64_MAX, NULL, &done));
	assert_int_equal(done, 0);
	assert_gauge(&lab, file_reads, 3);
	assert_gauge(&lab, file_read_bytes, 10);
	lab_close(&lab);
}

static void
fallocate_extends_punches_and_zeroes(void **state)
{
	struct lab lab;

	(void)state;
	lab_open_data(&lab, NULL);
	lab_file(&lab, 1, 5000);
	lab_map(&lab, 1, 1, MAP_R);
	must(uvm_sys_fallocate(lab.uvm, 1, 0, 9000, UVM_FALLOC_KEEP));
	assert_int_equal(uvm_file_size(lab.uvm, 1), 5000);
	must(uvm_sys_fallocate(lab.uvm, 1, 0, 100, 0));
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) != 0);
	must(uvm_sys_fallocate(lab.uvm, 1, 0, 9000, 0));
	assert_int_equal(uvm_file_size(lab.uvm, 1), 9000);
	assert_true((uvn_flags(&lab, 1) & UVM_VNODE_CANPERSIST) == 0);

	(void)memset(lab.rec.rec_file[1].rf_bytes, 1, 9000);
	must(uvm_sys_fallocate(lab.uvm, 1, 100, 8, UVM_FALLOC_PUNCH));
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[99], 1);
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[100], 0);
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[107], 0);
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[108], 1);
	must(uvm_sys_fallocate(lab.uvm, 1, 8999, 2,
	    UVM_FALLOC_ZERO | UVM_FALLOC_KEEP));
	assert_int_equal(uvm_file_size(lab.uvm, 1), 9000);
	must(uvm_sys_fallocate(lab.uvm, 1, 8990, 20, UVM_FALLOC_ZERO));
	assert_int_equal(uvm_file_size(lab.uvm, 1), 9010);
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[8989], 1);
	assert_int_equal(lab.rec.rec_file[1].rf_bytes[8990], 0);
	lab_close(&lab);
}

static void
fsync_writes_no_page(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	(void)lab_write(&lab, 1, 0);
	lab_mark(&lab);
	must(uvm_sys_fsync(lab.uvm, 1));
	assert_rise(&lab, fsyncs, 1);
	assert_int_equal(lab.rec.rec_nsync, 1);
	assert_int_equal(lab.rec.rec_nio, 0);
	assert_gauge(&lab, dirty, 1);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_files_and_maps_are_esrch),
		cmocka_unit_test(ids_are_used_once),
		cmocka_unit_test(many_ids_are_all_found),
		cmocka_unit_test(what_is_beyond_what_is_simulated_is_refused),
		cmocka_unit_test(
		    a_mapping_needs_an_aligned_offset_and_a_length),
		cmocka_unit_test(msync_checks_its_flags),
		cmocka_unit_test(msync_invalidate_frees_what_it_wrote),
		cmocka_unit_test(
		    madvise_dontneed_deactivates_and_free_discards),
		cmocka_unit_test(exit_unmaps_a_process_by_ascending_map),
		cmocka_unit_test(an_inherited_mapping_takes_a_reference_only),
		cmocka_unit_test(truncate_to_the_same_size_is_not_heard_of),
		cmocka_unit_test(write_uncaches_and_may_extend),
		cmocka_unit_test(reads_are_cut_to_the_end_of_the_file),
		cmocka_unit_test(fallocate_extends_punches_and_zeroes),
		cmocka_unit_test(fsync_writes_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
