/* What only importers ask of the assembler. */
#include "tests/traces/assembletest.h"

#include <fcntl.h>
#include <sys/mman.h>

#define BASE 0x10000000UL
#define RW   (PROT_READ | PROT_WRITE)

static void
put_map(struct at *at, uint64_t ino, const char *path)
{
	at_put(at,
	    &(struct raw){ .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_MAP,
		.rw_nargs = 7,
		.rw_arg = { BASE, 16 * PG, 0, 1, ino, RW, MAP_SHARED },
		.rw_text = path });
}

static void
a_map_tells_which_file_a_descriptor_is(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t mmap[6] = { 0, 16 * PG, RW, MAP_SHARED, 3, 0 };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	/* Nothing names the file before its map: not even that it is empty. */
	AT_CALL(&at, 1, OPENAT, 3, (uint64_t)AT_FDCWD, 0,
	    O_RDWR | O_CREAT | O_TRUNC);
	AT_CALL(&at, 1, FTRUNCATE, 0, 3, 16 * PG);
	at_call(&at, 1, 1, RAW_SYS_MMAP, mmap);
	put_map(&at, 7, "/data/seven");
	at_return(&at, 1, 1, RAW_SYS_MMAP, BASE);
	at_access(&at, 1, 1, BASE + 15 * PG, RAW_F_WRITE);
	AT_CALL(&at, 1, FTRUNCATE, 0, 3, 8 * PG);
	AT_CALL(&at, 1, DUP, 4, 3);
	AT_CALL(&at, 1, FSYNC, 0, 4);
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_CALLS), 1);
	assert_string_equal(at_end(&at),
	    "1 65536 /data/seven\n"
	    "1 attach 1 1 0 65536 r w shared maxw\n"
	    "1 write 1 1 61440 4096\n"
	    "1 truncate 1 0 0 32768\n"
	    "1 fsync 1 0 0 0\n");
	at_free(&at);
}

static void
descriptors_from_before_are_learnt_too(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t mmap[6] = { 0, 16 * PG, RW, MAP_SHARED, 9, 0 };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_call(&at, 1, 1, RAW_SYS_MMAP, mmap);
	put_map(&at, 7, "/data/seven");
	at_return(&at, 1, 1, RAW_SYS_MMAP, BASE);
	AT_CALL(&at, 1, FSYNC, 0, 9);
	/* Anonymous memory names nothing. */
	AT_CALL(&at, 1, MMAP, BASE * 2, 0, PG, RW, MAP_PRIVATE | MAP_ANONYMOUS,
	    8, 0);
	AT_CALL(&at, 1, FSYNC, 0, 8);
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_CALLS), 1);
	assert_string_equal(at_end(&at),
	    "1 65536 /data/seven\n"
	    "1 attach 1 1 0 65536 r w shared maxw\n"
	    "1 fsync 1 0 0 0\n");
	at_free(&at);
}

static void
anonymous_memory_is_no_file(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t mmap[6] = { 0, 16 * PG, RW, MAP_SHARED, 3, 0 };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_call(&at, 1, 1, RAW_SYS_MMAP, mmap);
	put_map(&at, 0, "//anon");
	at_return(&at, 1, 1, RAW_SYS_MMAP, BASE);
	at_access(&at, 1, 1, BASE, RAW_F_WRITE);
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_MAPS), 0);
	assert_string_equal(at_end(&at), "");
	at_free(&at);
}

static void
what_is_guessed_of_a_descriptor_counts_if_nothing_is_known(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct raw guess = { .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_FILE,
		.rw_flags = RAW_F_UNKNOWN,
		.rw_nargs = 7,
		.rw_arg = { 3, 0, 0, 0, RAW_UNKNOWN, RAW_UNKNOWN, RAW_UNKNOWN },
		.rw_text = "/data/other" };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_file(&at, 1, 3, 7, 16 * PG, "/data/seven");
	at_put(&at, &guess);
	guess.rw_arg[0] = 4;
	at_put(&at, &guess);
	AT_CALL(&at, 1, MMAP, BASE, 0, PG, RW, MAP_SHARED, 3, 0);
	AT_CALL(&at, 1, MMAP, BASE + PG, 0, PG, RW, MAP_SHARED, 4, 0);
	assert_string_equal(at_end(&at),
	    "1 65536 /data/seven\n"
	    "2 4096 /data/other\n"
	    "1 attach 1 1 0 4096 r w shared maxw\n"
	    "1 attach 2 2 0 4096 r w shared maxw\n");
	at_free(&at);
}

static void
at_named(struct at *at, const char *path, uint64_t offset, unsigned flags)
{
	at_put(at,
	    &(struct raw){ .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_ACCESS,
		.rw_flags = (uint8_t)flags,
		.rw_nargs = 2,
		.rw_arg = { offset, 1 },
		.rw_text = path });
}

static void
accesses_by_name_find_a_map_or_make_one(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_window = 0;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 16);
	AT_CALL(&at, 1, MMAP, BASE * 2, 0, PG, PROT_READ, MAP_SHARED, 3,
	    4 * PG);
	at_named(&at, "/data/seven", 5 * PG + 8, 0);
	at_named(&at, "/data/seven", 4 * PG + 8, 0); /* the last one mapped */
	at_named(&at, "/data/new", 3 * PG + 8, 0);
	at_named(&at, "/data/new", 3 * PG + 9, 0);
	at_named(&at, "/data/new", 1UL << 31, 0);
	AT_CALL(&at, 1, MUNMAP, 0, BASE, 32 * PG);
	at_named(&at, "/data/seven", 5 * PG + 8, 0);
	at_named(&at, "/lib/x.so", 0, RAW_F_IFETCH);
	at_named(&at, "/data/new", UINT64_MAX - 1, 0); /* cannot be */
	assert_string_equal(at_end(&at),
	    "1 65536 /data/seven\n"
	    "2 2147487744 /data/new\n"
	    "1 attach 1 1 0 65536 r w shared maxw\n"
	    "1 attach 1 2 16384 4096 r shared maxw\n"
	    "1 read 1 1 20480 4096\n"
	    "1 read 1 2 16384 4096\n"
	    "1 attach 2 3 0 1073741824 r shared\n"
	    "1 read 2 3 12288 4096\n"
	    "1 read 2 3 12288 4096\n"
	    "1 attach 2 4 2147483648 1073741824 r shared\n"
	    "1 read 2 4 2147483648 4096\n"
	    "1 detach 1 1 0 65536\n"
	    "1 attach 1 5 0 1073741824 r shared\n"
	    "1 read 1 5 20480 4096\n");
	at_free(&at);
}

/* What a log says that is damaged, or that lacks some calls. */
static void
maps_lie_where_a_kernel_may_put_them(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 4);
	AT_CALL(&at, 1, MMAP, BASE + 100, 0, PG, RW, MAP_SHARED, 3, 0);
	AT_CALL(&at, 1, MMAP, BASE + PG, 0, PG, RW, MAP_SHARED, 3, 100);
	AT_CALL(&at, 1, MUNMAP, 0, BASE + 100, PG);
	AT_CALL(&at, 1, MPROTECT, 0, BASE + 100, PG, PROT_READ);
	AT_CALL(&at, 1, MSYNC, 0, BASE + 100, PG, MS_SYNC);
	AT_CALL(&at, 1, MADVISE, 0, BASE + 100, PG, MADV_DONTNEED);
	AT_CALL(&at, 1, MADVISE, 0, BASE + 100, PG, MADV_DONTFORK);
	AT_CALL(&at, 1, MREMAP, BASE * 2, BASE + 100, PG, PG, MREMAP_MAYMOVE);
	AT_CALL(&at, 1, MREMAP, BASE * 2 + 100, BASE, PG, PG, MREMAP_MAYMOVE);
	/* The end of a range is rounded up. */
	AT_CALL(&at, 1, MADVISE, 0, BASE, 100, MADV_DONTFORK);
	AT_CALL(&at, 1, MUNMAP, 0, BASE, 100);
	AT_CALL(&at, 1, MUNMAP, 0, BASE, 4 * PG);
	assert_string_equal(at_end(&at),
	    "1 16384 /data/seven\n"
	    "1 attach 1 1 0 16384 r w shared maxw\n"
	    "1 detach 1 1 0 4096\n"
	    "1 detach 1 1 4096 12288\n");
	at_free(&at);
}

static void
what_a_map_moves_onto_has_gone_unseen(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 2);
	at_map(&at, 1, BASE * 2, 2);
	AT_CALL(&at, 1, MREMAP, BASE * 2, BASE, 2 * PG, 2 * PG, MREMAP_MAYMOVE);
	at_access(&at, 1, 1, BASE * 2, RAW_F_WRITE);
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "1 attach 1 1 0 8192 r w shared maxw\n"
	    "1 attach 1 2 0 8192 r w shared maxw\n"
	    "1 detach 1 2 0 8192\n"
	    "1 write 1 1 0 4096\n");
	at_free(&at);
}

static void
ranges_may_span_all_of_memory(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_gup = true;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 2);
	at_map(&at, 1, 1UL << 46, 2);
	AT_CALL(&at, 1, MLOCK, 0, 0, 1UL << 47);
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "1 attach 1 1 0 8192 r w shared maxw\n"
	    "1 attach 1 2 0 8192 r w shared maxw\n"
	    "1 read 1 1 0 4096 kernel\n"
	    "1 read 1 1 4096 4096 kernel\n"
	    "1 read 1 2 0 4096 kernel\n"
	    "1 read 1 2 4096 4096 kernel\n");
	at_free(&at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_tells_which_file_a_descriptor_is),
		cmocka_unit_test(descriptors_from_before_are_learnt_too),
		cmocka_unit_test(anonymous_memory_is_no_file),
		cmocka_unit_test(
		    what_is_guessed_of_a_descriptor_counts_if_nothing_is_known),
		cmocka_unit_test(accesses_by_name_find_a_map_or_make_one),
		cmocka_unit_test(maps_lie_where_a_kernel_may_put_them),
		cmocka_unit_test(what_a_map_moves_onto_has_gone_unseen),
		cmocka_unit_test(ranges_may_span_all_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
