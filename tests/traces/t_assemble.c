#include "tests/traces/assembletest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>

#define BASE 0x10000000UL
#define W    RAW_F_WRITE

/* What process 1 maps first: file 1, map 1, of 16 pages. */
#define OPENED "1 65536 /data/seven\n"
#define MAPPED OPENED "1 attach 1 1 0 65536 r w shared maxw\n"

static void
accesses_become_events_of_a_page(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 1, BASE + 5 * PG + 100, 0);
	at_access(&at, 1, 1, BASE + 5 * PG + 200, W);
	at_access(&at, 1, 1, BASE + 5 * PG + 300, W); /* said already */
	at_access(&at, 1, 1, BASE + 16 * PG, W);      /* not there */
	at_access(&at, 1, 1, BASE - 1, W);	      /* reaches in */
	assert_string_equal(at_end(&at),
	    MAPPED "1 read 1 1 20480 4096\n"
		   "1 write 1 1 20480 4096\n"
		   "1 write 1 1 0 4096\n");
	at_free(&at);
}

static void
what_syncs_lets_all_be_seen_again(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 1, BASE, W);
	AT_CALL(&at, 1, MSYNC, 0, BASE, 8 * PG, MS_SYNC);
	at_access(&at, 1, 1, BASE, W);
	AT_CALL(&at, 1, FDATASYNC, 0, 3);
	at_access(&at, 1, 1, BASE, W);
	AT_CALL(&at, 1, MSYNC, -EBUSY, BASE, 8 * PG, MS_INVALIDATE);
	AT_CALL(&at, 1, SYNC, 0, 0);
	AT_CALL(&at, 1, SYNC_FILE_RANGE, 0, 3, PG, 2 * PG, 7);
	assert_string_equal(at_end(&at),
	    MAPPED "1 write 1 1 0 4096\n"
		   "1 msync 1 1 0 32768 sync\n"
		   "1 write 1 1 0 4096\n"
		   "1 fsync 1 0 0 0 data\n"
		   "1 write 1 1 0 4096\n"
		   "1 sync 0 0 0 0\n"
		   "1 fsync 1 0 4096 8192 data range\n");
	at_free(&at);
}

static void
a_window_is_emptied_when_full(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_window = 2;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 1, BASE, 0);
	at_access(&at, 1, 1, BASE + PG, 0);
	at_access(&at, 1, 1, BASE, 0);
	at_access(&at, 1, 1, BASE + 2 * PG, 0);
	at_access(&at, 1, 1, BASE, 0);
	at_put(&at,
	    &(struct raw){ .rw_pid = 1, .rw_tid = 1, .rw_kind = RAW_FLUSH });
	at_access(&at, 1, 1, BASE, 0);
	assert_string_equal(at_end(&at),
	    MAPPED "1 read 1 1 0 4096\n"
		   "1 read 1 1 4096 4096\n"
		   "1 read 1 1 8192 4096\n"
		   "1 read 1 1 0 4096\n"
		   "1 read 1 1 0 4096\n");
	at_free(&at);
}

static void
a_call_stands_where_it_began(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t msync[6] = { BASE, 16 * PG, MS_SYNC };
	const uint64_t cut[6] = { 3, 8 * PG };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_call(&at, 1, 2, RAW_SYS_MSYNC, msync);
	at_access(&at, 1, 1, BASE, W);
	at_call(&at, 1, 1, RAW_SYS_FTRUNCATE, cut);
	at_access(&at, 1, 3, BASE + PG, W);
	at_return(&at, 1, 1, RAW_SYS_FTRUNCATE, -EINVAL); /* never happened */
	at_return(&at, 1, 2, RAW_SYS_MSYNC, 0);
	assert_string_equal(at_end(&at),
	    MAPPED "2 msync 1 1 0 65536 sync\n"
		   "1 write 1 1 0 4096\n"
		   "3 write 1 1 4096 4096\n");
	at_free(&at);
}

static void
a_call_that_was_never_seen_to_end_has_happened(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t cut[6] = { 3, 8 * PG };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_call(&at, 1, 1, RAW_SYS_FTRUNCATE, cut);
	assert_string_equal(at_end(&at), MAPPED "1 truncate 1 0 0 32768\n");
	at_free(&at);
}

static void
parts_are_unmapped_and_protected(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MUNMAP, 0, BASE + 4 * PG, 2 * PG);
	AT_CALL(&at, 1, MPROTECT, 0, BASE + 8 * PG, 2 * PG, PROT_READ);
	at_access(&at, 1, 1, BASE + 4 * PG, W); /* a fault of the program's */
	at_access(&at, 1, 1, BASE + 8 * PG, W); /* and another */
	at_access(&at, 1, 1, BASE + 9 * PG, 0);
	/* One event for what lies together, whatever its protection. */
	AT_CALL(&at, 1, MSYNC, 0, BASE, 16 * PG, MS_ASYNC);
	AT_CALL(&at, 1, MADVISE, 0, BASE + 7 * PG, 2 * PG, MADV_RANDOM);
	AT_CALL(&at, 1, MUNMAP, 0, BASE, 16 * PG);
	assert_string_equal(at_end(&at),
	    MAPPED "1 detach 1 1 16384 8192\n"
		   "1 protect 1 1 32768 8192 r\n"
		   "1 read 1 1 36864 4096\n"
		   "1 msync 1 1 0 16384 async\n"
		   "1 msync 1 1 24576 40960 async\n"
		   "1 madvise 1 1 28672 8192 random\n"
		   "1 detach 1 1 0 16384\n"
		   "1 detach 1 1 24576 40960\n");
	at_free(&at);
}

static void
a_fixed_map_replaces_what_was_there(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MMAP, BASE + 2 * PG, BASE + 2 * PG, PG, PROT_READ,
	    MAP_PRIVATE | MAP_FIXED, 3, 5 * PG);
	AT_CALL(&at, 1, MMAP, BASE + 8 * PG, BASE + 8 * PG, PG, PROT_READ,
	    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1UL, 0);
	at_access(&at, 1, 1, BASE + 2 * PG, 0);
	at_access(&at, 1, 1, BASE + 3 * PG, W);
	at_access(&at, 1, 1, BASE + 8 * PG, W);
	AT_CALL(&at, 1, MMAP, -ENOMEM, BASE, PG, PROT_READ,
	    MAP_PRIVATE | MAP_FIXED, 3, 0);
	assert_string_equal(at_end(&at),
	    MAPPED "1 detach 1 1 8192 4096\n"
		   "1 attach 1 2 20480 4096 r private fixed\n"
		   "1 detach 1 1 32768 4096\n"
		   "1 read 1 2 20480 4096 private\n"
		   "1 write 1 1 12288 4096\n");
	at_free(&at);
}

static void
the_last_part_of_a_page_is_not_asked_for(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_file(&at, 1, 3, 7, 5000, "/data/seven");
	AT_CALL(&at, 1, MMAP, BASE, 0, 5000, PROT_READ, MAP_SHARED, 3, 0);
	at_access(&at, 1, 1, BASE + 6000, 0);
	AT_CALL(&at, 1, MSYNC, 0, BASE, 2 * PG, MS_SYNC);
	AT_CALL(&at, 1, MUNMAP, 0, BASE, 5000);
	at_access(&at, 1, 1, BASE + 6000, 0);
	assert_string_equal(at_end(&at),
	    "1 5000 /data/seven\n"
	    "1 attach 1 1 0 5000 r shared maxw\n"
	    "1 read 1 1 4096 4096\n"
	    "1 msync 1 1 0 5000 sync\n"
	    "1 detach 1 1 0 5000\n");
	at_free(&at);
}

static void
a_map_that_grows_and_moves_goes_on_in_another(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t to = BASE + 0x1000000;
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MREMAP, to, BASE, 16 * PG, 20 * PG, MREMAP_MAYMOVE);
	at_access(&at, 1, 1, BASE, W);
	at_access(&at, 1, 1, to, W);
	at_access(&at, 1, 1, to + 18 * PG, W);
	AT_CALL(&at, 1, MREMAP, -ENOMEM, to, 20 * PG, 40 * PG, 0);
	at_access(&at, 1, 1, to + PG, W);
	AT_CALL(&at, 1, MREMAP, to, to, 20 * PG, 10 * PG, 0);
	AT_CALL(&at, 1, MUNMAP, 0, to, 20 * PG);
	assert_string_equal(at_end(&at),
	    MAPPED "1 attach 1 2 65536 16384 r w shared maxw\n"
		   "1 write 1 1 0 4096\n"
		   "1 write 1 2 73728 4096\n"
		   "1 write 1 1 4096 4096\n"
		   "1 detach 1 1 40960 24576\n"
		   "1 detach 1 2 65536 16384\n"
		   "1 detach 1 1 0 40960\n");
	at_free(&at);
}

static void
a_length_of_0_copies_a_map(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t to = BASE + 0x1000000;
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MREMAP, to, BASE + 4 * PG, 0, 4 * PG, MREMAP_MAYMOVE);
	at_access(&at, 1, 1, to, W);
	at_access(&at, 1, 1, BASE, W);
	assert_string_equal(at_end(&at),
	    MAPPED "1 attach 1 2 16384 16384 r w shared maxw\n"
		   "1 write 1 2 16384 4096\n"
		   "1 write 1 1 0 4096\n");
	at_free(&at);
}

static void
a_forked_child_has_maps_of_its_own(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MADVISE, 0, BASE, PG, MADV_DONTFORK);
	at_fork(&at, 1, 2, 0);
	at_access(&at, 2, 2, BASE, W); /* not inherited */
	at_access(&at, 2, 2, BASE + PG, W);
	at_access(&at, 1, 1, BASE + PG, W);
	at_put(&at,
	    &(struct raw){ .rw_pid = 2, .rw_tid = 2, .rw_kind = RAW_EXIT });
	assert_string_equal(at_end(&at),
	    MAPPED "2 fork 0 0 0 0\n"
		   "2 attach 1 2 4096 61440 r w shared maxw inherited\n"
		   "2 write 1 2 4096 4096\n"
		   "1 write 1 1 4096 4096\n"
		   "2 exit 0 0 0 0\n");
	at_free(&at);
}

static void
a_child_that_only_calls_exec_maps_nothing(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_fork(&at, 1, 2, RAW_UNKNOWN);
	at_put(&at,
	    &(struct raw){ .rw_pid = 2, .rw_tid = 2, .rw_kind = RAW_EXEC });
	at_put(&at,
	    &(struct raw){ .rw_pid = 2, .rw_tid = 2, .rw_kind = RAW_EXIT });
	/* It may use the parent's as long as vfork(2) lets it. */
	at_fork(&at, 1, 3, CLONE_VM | CLONE_VFORK);
	at_access(&at, 3, 3, BASE, W);
	at_put(&at,
	    &(struct raw){ .rw_pid = 3, .rw_tid = 3, .rw_kind = RAW_EXEC });
	at_access(&at, 3, 3, BASE, W);
	at_access(&at, 1, 1, BASE + PG, W);
	assert_string_equal(at_end(&at),
	    MAPPED "3 write 1 1 0 4096\n"
		   "1 write 1 1 4096 4096\n");
	at_free(&at);
}

static void
exec_unmaps_and_exit_comes_with_the_last_thread(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct raw end = { .rw_pid = 1, .rw_tid = 2, .rw_kind = RAW_EXIT };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 2, BASE, 0);
	at_put(&at, &end);
	at_access(&at, 1, 1, BASE + PG, 0);
	at_put(&at,
	    &(struct raw){ .rw_pid = 1, .rw_tid = 1, .rw_kind = RAW_EXEC });
	end.rw_tid = 1;
	at_put(&at, &end);
	assert_string_equal(at_end(&at),
	    MAPPED "2 read 1 1 0 4096\n"
		   "1 read 1 1 4096 4096\n"
		   "1 detach 1 1 0 65536\n"
		   "1 close 1 0 0 0\n"
		   "1 exit 0 0 0 0\n");
	at_free(&at);
}

static void
a_map_made_private_is_told_as_asked_for(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_file(&at, 1, 3, 7, PG, "/data/seven");
	at_put(&at,
	    &(struct raw){ .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_SHARED,
		.rw_nargs = 1,
		.rw_arg = { MAP_SHARED | MAP_POPULATE } });
	AT_CALL(&at, 1, MMAP, BASE, 0, PG, PROT_READ, MAP_PRIVATE, 3, 0);
	/* The next is as it is called. */
	AT_CALL(&at, 1, MMAP, BASE + PG, 0, PG, PROT_READ, MAP_PRIVATE, 3, 0);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/seven\n"
	    "1 attach 1 1 0 4096 r shared maxw populate\n"
	    "1 attach 1 2 0 4096 r private\n");
	at_free(&at);
}

static void
memory_used_by_the_kernel_unseen_is_told_by_calls(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_buffers = true;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, WRITE, PG + 8, 1, BASE + PG - 8, 5 * PG);
	AT_CALL(&at, 1, READ, 10, 0, BASE + 4 * PG, PG);
	AT_CALL(&at, 1, WRITEV, 10, 1, BASE, 3);
	AT_CALL(&at, 1, MLOCK, 0, BASE + 6 * PG, PG);
	AT_CALL(&at, 1, MADVISE, 0, BASE + 7 * PG, PG, 23);
	assert_string_equal(at_end(&at),
	    MAPPED "1 read 1 1 0 4096 kernel\n"
		   "1 read 1 1 4096 4096 kernel\n"
		   "1 write 1 1 16384 4096 kernel\n"
		   "1 read 1 1 24576 4096 kernel\n"
		   "1 write 1 1 28672 4096 kernel\n");
	assert_int_equal(at_count(&at, RECORD_UNSEEN_BUFFERS), 1);
	at_free(&at);
}

static void
flushes_by_madvise_are_no_events_of_the_program(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_flush = true;
	at_begin(&at, &ap);
	at_put(&at,
	    &(struct raw){ .rw_pid = 1, .rw_tid = 1, .rw_kind = RAW_START });
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 1, BASE, W);
	AT_CALL(&at, 1, MADVISE, 0, BASE, 16 * PG, 24);
	at_access(&at, 1, 1, BASE, W);
	at_access(&at, 1, 1, BASE, W);
	AT_CALL(&at, 1, MADVISE, 0, BASE, 16 * PG, MADV_DONTNEED);
	at_access(&at, 1, 1, BASE, W);
	assert_string_equal(at_end(&at),
	    MAPPED "1 write 1 1 0 4096\n"
		   "1 write 1 1 0 4096\n"
		   "1 madvise 1 1 0 65536 dontneed\n"
		   "1 write 1 1 0 4096\n");
	assert_int_equal(at_count(&at, RECORD_UNARMED), 0);
	at_free(&at);
}

static void
without_the_library_every_fault_counts_and_so_does_the_process(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_flush = true;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	at_access(&at, 1, 1, BASE, W);
	at_access(&at, 1, 1, BASE, W);
	assert_string_equal(at_end(&at),
	    MAPPED "1 write 1 1 0 4096\n"
		   "1 write 1 1 0 4096\n");
	assert_int_equal(at_count(&at, RECORD_UNARMED), 1);
	at_free(&at);
}

static void
a_hole_punched_by_madvise_is_one_in_the_file(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MADVISE, 0, BASE + PG, 2 * PG, MADV_REMOVE);
	AT_CALL(&at, 1, MADVISE, 0, BASE, 16 * PG, MADV_HUGEPAGE);
	assert_string_equal(at_end(&at),
	    MAPPED "1 fallocate 1 0 4096 8192 keep punch\n");
	at_free(&at);
}

static void
what_no_event_can_tell_is_counted(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	/* With nothing mapped there is nothing that could be missed. */
	AT_CALL(&at, 1, PROCESS_VM_READV, 4096, 2);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, PROCESS_VM_WRITEV, 4096, 2);
	AT_CALL(&at, 1, REMAP_FILE_PAGES, 0, BASE, PG, 0, 3);
	AT_CALL(&at, 1, IO_URING_SETUP, 9, 64);
	assert_string_equal(at_end(&at), MAPPED);
	assert_int_equal(at_count(&at, RECORD_UNSEEN_BUFFERS), 2);
	assert_int_equal(at_count(&at, RECORD_IO_URINGS), 1);
	at_free(&at);
}

static void
a_file_made_executable_is_a_program(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MPROTECT, 0, BASE, PG, PROT_READ | PROT_EXEC);
	at_access(&at, 1, 1, BASE + PG, 0);
	assert_string_equal(at_end(&at), "");
	at_free(&at);
}

int
main(void)
{
#define T(test) cmocka_unit_test(test)
	const struct CMUnitTest tests[] = {
		T(accesses_become_events_of_a_page),
		T(what_syncs_lets_all_be_seen_again),
		T(a_window_is_emptied_when_full),
		T(a_call_stands_where_it_began),
		T(a_call_that_was_never_seen_to_end_has_happened),
		T(parts_are_unmapped_and_protected),
		T(a_fixed_map_replaces_what_was_there),
		T(the_last_part_of_a_page_is_not_asked_for),
		T(a_hole_punched_by_madvise_is_one_in_the_file),
		T(what_no_event_can_tell_is_counted),
		T(a_file_made_executable_is_a_program),
		T(a_map_that_grows_and_moves_goes_on_in_another),
		T(a_length_of_0_copies_a_map),
		T(a_forked_child_has_maps_of_its_own),
		T(a_child_that_only_calls_exec_maps_nothing),
		T(exec_unmaps_and_exit_comes_with_the_last_thread),
		T(a_map_made_private_is_told_as_asked_for),
		T(memory_used_by_the_kernel_unseen_is_told_by_calls),
		T(flushes_by_madvise_are_no_events_of_the_program),
		T(without_the_library_every_fault_counts_and_so_does_the_process),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
