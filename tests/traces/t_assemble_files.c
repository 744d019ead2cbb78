#include "tests/traces/assembletest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define BASE 0x10000000UL

/* A call with a path, of process 1. */
static void
path_call(struct at *at, enum raw_sysno sys, int64_t ret, const char *path,
    const char *path2, uint64_t a1, uint64_t a2)
{
	struct raw rw = { .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_CALL,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 6,
		.rw_arg = { 0, a1, a2 },
		.rw_text = path,
		.rw_text2 = path2 };

	at_put(at, &rw);
	at_return(at, 1, 1, sys, ret);
}

static void
map_fd(struct at *at, uint64_t fd, uint64_t addr, int prot)
{
	AT_CALL(at, 1, MMAP, addr, 0, PG, (uint64_t)prot, MAP_SHARED, fd, 0);
}

static void
opens_and_last_closes_are_events(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	AT_CALL(&at, 1, OPENAT, 3, 0, 0, O_RDWR);
	at_file(&at, 1, 3, 7, 8192, "/data/seven");
	AT_CALL(&at, 1, DUP, 4, 3);
	AT_CALL(&at, 1, CLOSE, 0, 3);
	map_fd(&at, 4, BASE, PROT_READ);
	AT_CALL(&at, 1, FCNTL, 9, 4, F_DUPFD_CLOEXEC, 5);
	AT_CALL(&at, 1, DUP2, 4, 4, 4);
	AT_CALL(&at, 1, CLOSE_RANGE, 0, 4, 8, 0);
	at_put(&at,
	    &(struct raw){ .rw_pid = 1, .rw_tid = 1, .rw_kind = RAW_EXEC });
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "1 open 1 0 0 0\n"
	    "1 attach 1 1 0 4096 r shared maxw\n"
	    "1 detach 1 1 0 4096\n"
	    "1 close 1 0 0 0\n");
	at_free(&at);
}

static void
an_open_that_truncates_is_a_truncate_of_what_was(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 2);
	AT_CALL(&at, 1, OPENAT, 4, 0, 0, O_RDWR | O_TRUNC);
	at_file(&at, 1, 4, 7, 0, NULL);
	/* One that is seen for the first time is what it is afterwards. */
	AT_CALL(&at, 1, CREAT, 5, 0, 0600);
	at_file(&at, 1, 5, 8, 0, "/data/eight");
	map_fd(&at, 5, BASE + 10 * PG, PROT_READ);
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "2 0 /data/eight\n"
	    "1 attach 1 1 0 8192 r w shared maxw\n"
	    "1 open 1 0 0 0\n"
	    "1 truncate 1 0 0 0\n"
	    "1 open 2 0 0 0\n"
	    "1 attach 2 2 0 4096 r shared maxw\n");
	at_free(&at);
}

static void
reads_and_writes_move_the_position_that_descriptors_share(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 2);
	AT_CALL(&at, 1, DUP, 4, 3);
	AT_CALL(&at, 1, READ, 100, 3, 0, 500);
	AT_CALL(&at, 1, WRITE, 50, 4, 0, 50);
	AT_CALL(&at, 1, PWRITE64, 10, 3, 0, 10, 9000);
	AT_CALL(&at, 1, READ, 0, 3, 0, 500); /* the end */
	AT_CALL(&at, 1, READ, -EINTR, 3, 0, 500);
	AT_CALL(&at, 1, LSEEK, 4000, 4, 4000, 0);
	AT_CALL(&at, 1, READV, 7, 3, 0, 2);
	AT_CALL(&at, 1, PREADV2, 8, 3, 0, 2, RAW_UNKNOWN);
	/* None that a file can have. */
	AT_CALL(&at, 1, PREAD64, 10, 3, 0, 10, INT64_MAX - 3);
	AT_CALL(&at, 1, FCNTL, 0, 3, F_SETFL, O_APPEND);
	AT_CALL(&at, 1, WRITE, 90, 4, 0, 90);
	AT_CALL(&at, 1, SENDFILE, 5, 8, 3, 0, 5);
	AT_CALL(&at, 1, COPY_FILE_RANGE, 5, 3, BASE, 8, 0, 5, 0);
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "1 attach 1 1 0 8192 r w shared maxw\n"
	    "1 pread 1 0 0 100\n"
	    "1 pwrite 1 0 100 50\n"
	    "1 pwrite 1 0 9000 10\n"
	    "1 pread 1 0 4000 7\n"
	    "1 pread 1 0 4007 8\n"
	    "1 pwrite 1 0 9010 90\n"
	    "1 pread 1 0 9100 5\n");
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_OFFSETS), 1);
	assert_int_equal(at_count(&at, RECORD_IMPOSSIBLE), 1);
	at_free(&at);
}

static void
what_a_file_was_before_it_was_mapped_is_kept(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_file(&at, 1, 3, 7, 100, "/data/seven");
	at_file(&at, 1, 4, 8, 100, "/data/never-mapped");
	AT_CALL(&at, 1, FTRUNCATE, 0, 3, 3 * PG);
	AT_CALL(&at, 1, FTRUNCATE, 0, 4, 3 * PG);
	AT_CALL(&at, 1, FALLOCATE, 0, 3, 0, PG, 4 * PG);
	AT_CALL(&at, 1, FALLOCATE, 0, 3,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PG);
	AT_CALL(&at, 1, FALLOCATE, 0, 3, FALLOC_FL_COLLAPSE_RANGE, 0, PG);
	map_fd(&at, 3, BASE, PROT_READ | PROT_WRITE);
	assert_string_equal(at_end(&at),
	    "1 100 /data/seven\n"
	    "1 truncate 1 0 0 12288\n"
	    "1 fallocate 1 0 4096 16384\n"
	    "1 fallocate 1 0 0 4096 keep punch\n"
	    "1 attach 1 1 0 4096 r w shared maxw\n");
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_CALLS), 1);
	at_free(&at);
}

static void
growth_that_no_call_explained_is_a_truncate(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 2);
	at_file(&at, 1, 3, 7, 3 * PG, NULL);
	at_file(&at, 1, 3, 7, PG, NULL); /* said late */
	assert_string_equal(at_end(&at),
	    "1 8192 /data/seven\n"
	    "1 attach 1 1 0 8192 r w shared maxw\n"
	    "1 truncate 1 0 0 12288\n");
	at_free(&at);
}

static void
files_are_told_apart_by_inode_and_birth(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct raw born = { .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_FILE,
		.rw_nargs = 8,
		.rw_arg = { 3, 1, 7, 1000, PG, 0, O_RDWR, 1 },
		.rw_text = "/data/a" };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_put(&at, &born);
	map_fd(&at, 3, BASE, PROT_READ);
	born.rw_arg[0] = 4; /* the inode is used again */
	born.rw_arg[3] = 2000;
	born.rw_text = "/data/b";
	at_put(&at, &born);
	map_fd(&at, 4, BASE + PG, PROT_READ);
	at_access(&at, 1, 1, BASE, 0);
	at_access(&at, 1, 1, BASE + PG, 0);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/a\n2 4096 /data/b\n"
	    "1 attach 1 1 0 4096 r shared maxw\n"
	    "1 attach 2 2 0 4096 r shared maxw\n"
	    "1 read 1 1 0 4096\n"
	    "1 read 2 2 0 4096\n");
	at_free(&at);
}

static void
a_map_that_names_its_file_needs_no_descriptor(void **state)
{
	const struct assemble_param ap = at_kernel();
	const uint64_t mmap[6] = { 0, PG, PROT_READ, MAP_SHARED, 3, 0 };
	struct raw map = { .rw_pid = 1,
		.rw_tid = 1,
		.rw_kind = RAW_MAP,
		.rw_nargs = 7,
		.rw_arg = { BASE, PG, 0, 1, 7, PROT_READ, MAP_SHARED },
		.rw_text = "/data/seven" };
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_call(&at, 1, 1, RAW_SYS_MMAP, mmap);
	at_put(&at, &map);
	at_return(&at, 1, 1, RAW_SYS_MMAP, BASE);
	at_access(&at, 1, 1, BASE, 0);
	/* Anonymous memory that is shared has a name, too. */
	map.rw_text = "/dev/zero";
	map.rw_arg[4] = 9;
	at_call(&at, 1, 1, RAW_SYS_MMAP, mmap);
	at_put(&at, &map);
	at_return(&at, 1, 1, RAW_SYS_MMAP, BASE + PG);
	/* Nobody says what this is. */
	AT_CALL(&at, 1, MMAP, BASE + 2 * PG, 0, PG, PROT_READ, MAP_SHARED, 77,
	    0);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/seven\n"
	    "1 attach 1 1 0 4096 r shared\n"
	    "1 read 1 1 0 4096\n");
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_MAPS), 1);
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_SIZES), 1);
	at_free(&at);
}

static void
a_size_that_nobody_said_covers_what_was_used(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	path_call(&at, RAW_SYS_OPENAT, 3, "a", NULL, 0, O_RDWR);
	AT_CALL(&at, 1, MMAP, BASE, 0, 16 * PG, PROT_READ | PROT_WRITE,
	    MAP_SHARED, 3, 0);
	at_access(&at, 1, 1, BASE + 2 * PG, 0);
	AT_CALL(&at, 1, FTRUNCATE, 0, 3, 10 * PG);
	at_access(&at, 1, 1, BASE + 9 * PG, 0);
	/* Mapped and not used: as far as it was mapped. */
	path_call(&at, RAW_SYS_OPENAT, 4, "b", NULL, 0, O_RDWR);
	AT_CALL(&at, 1, MMAP, BASE + 16 * PG, 0, 100, PROT_READ, MAP_SHARED, 4,
	    0);
	/* New, so that it is known to be empty. */
	path_call(&at, RAW_SYS_OPENAT, 5, "c", NULL, 0,
	    O_RDWR | O_CREAT | O_EXCL);
	AT_CALL(&at, 1, MMAP, BASE + 17 * PG, 0, 100, PROT_READ, MAP_SHARED, 5,
	    0);
	assert_string_equal(at_end(&at),
	    "1 12288 a\n2 100 b\n3 0 c\n"
	    "1 open 1 0 0 0\n"
	    "1 attach 1 1 0 65536 r w shared maxw\n"
	    "1 read 1 1 8192 4096\n"
	    "1 truncate 1 0 0 40960\n"
	    "1 read 1 1 36864 4096\n"
	    "1 open 2 0 0 0\n"
	    "1 attach 2 2 0 100 r shared maxw\n"
	    "1 open 3 0 0 0\n"
	    "1 attach 3 3 0 100 r shared maxw\n");
	assert_int_equal(at_count(&at, RECORD_UNKNOWN_SIZES), 2);
	at_free(&at);
}

static void
names_mean_other_files_after_unlink_and_rename(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	path_call(&at, RAW_SYS_OPENAT, 3, "a", NULL, 0, O_RDWR);
	map_fd(&at, 3, BASE, PROT_READ);
	path_call(&at, RAW_SYS_UNLINK, 0, "a", NULL, 0, 0);
	path_call(&at, RAW_SYS_OPENAT, 4, "a", NULL, 0, O_RDWR);
	map_fd(&at, 4, BASE + PG, PROT_READ);
	path_call(&at, RAW_SYS_OPENAT, 5, "b", NULL, 0, O_RDWR);
	map_fd(&at, 5, BASE + 2 * PG, PROT_READ);
	path_call(&at, RAW_SYS_RENAME, 0, "b", "a", 0, 0);
	path_call(&at, RAW_SYS_RENAME, -ENOENT, "a", "x", 0, 0);
	path_call(&at, RAW_SYS_TRUNCATE, 0, "a", NULL, 300, 0);
	path_call(&at, RAW_SYS_UNLINKAT, 0, "a", NULL, 0, AT_REMOVEDIR);
	assert_string_equal(at_end(&at),
	    "1 4096 a\n2 4096 a\n3 4096 a\n"
	    "1 open 1 0 0 0\n"
	    "1 attach 1 1 0 4096 r shared maxw\n"
	    "1 unlink 1 0 0 0\n"
	    "1 open 2 0 0 0\n"
	    "1 attach 2 2 0 4096 r shared maxw\n"
	    "1 open 3 0 0 0\n"
	    "1 attach 3 3 0 4096 r shared maxw\n"
	    "1 unlink 2 0 0 0\n"
	    "1 rename 3 0 0 0\n"
	    "1 truncate 3 0 0 300\n");
	at_free(&at);
}

static void
a_path_said_ahead_of_the_call_names_its_file(void **state)
{
	const struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	at_map(&at, 1, BASE, 1);
	at_file(&at, 1, -1, 7, PG, NULL);
	AT_CALL(&at, 1, TRUNCATE, 0, 0x5000, 2 * PG);
	at_file(&at, 1, -1, 7, PG, NULL);
	AT_CALL(&at, 1, UNLINK, 0, 0x5000);
	AT_CALL(&at, 1, UNLINK, 0, 0x5000); /* of something else */
	assert_string_equal(at_end(&at),
	    "1 4096 /data/seven\n"
	    "1 attach 1 1 0 4096 r w shared maxw\n"
	    "1 truncate 1 0 0 8192\n"
	    "1 unlink 1 0 0 0\n");
	at_free(&at);
}

/* Maps four files: which are wanted? */
static void
map_four(struct at *at)
{
	static const char *const names[] = { "/usr/lib/libx.so", "/data/one.db",
		"/data/two.db", "/etc/ld.so.cache" };

	for (uint64_t i = 0; i < 4; i++) {
		at_file(at, 1, (int64_t)(3 + i), 7 + i, PG, names[i]);
		map_fd(at, 3 + i, BASE + i * PG,
		    i == 0 ? PROT_READ | PROT_EXEC : PROT_READ);
	}
	AT_CALL(at, 1, PWRITE64, 10, 9, 0, 10, 0);
}

static void
programs_are_left_out_unless_asked_for(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	at_begin(&at, &ap);
	map_four(&at);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/one.db\n2 4096 /data/two.db\n"
	    "1 attach 1 1 0 4096 r shared maxw\n"
	    "1 attach 2 2 0 4096 r shared maxw\n");
	at_free(&at);
	ap.ap_select.rs_code = true;
	at_begin(&at, &ap);
	map_four(&at);
	assert_string_equal(at_end(&at),
	    "1 4096 /usr/lib/libx.so\n2 4096 /data/one.db\n"
	    "3 4096 /data/two.db\n4 4096 /etc/ld.so.cache\n"
	    "1 attach 1 1 0 4096 r x shared maxw\n"
	    "1 attach 2 2 0 4096 r shared maxw\n"
	    "1 attach 3 3 0 4096 r shared maxw\n"
	    "1 attach 4 4 0 4096 r shared maxw\n");
	at_free(&at);
}

static void
patterns_choose_by_path_and_name(void **state)
{
	const char *const only[] = { "*.db", "nothing" };
	const char *const except[] = { "/data/t*" };
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_select = (struct record_select){ .rs_only = only,
		.rs_nonly = 2,
		.rs_except = except,
		.rs_nexcept = 1 };
	at_begin(&at, &ap);
	map_four(&at);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/one.db\n"
	    "1 attach 1 1 0 4096 r shared maxw\n");
	at_free(&at);
}

static void
files_of_the_recorder_are_nobodys(void **state)
{
	struct assemble_param ap = at_kernel();
	struct at at;

	(void)state;
	ap.ap_ignore = "/data/two";
	ap.ap_select.rs_unmapped = true;
	at_begin(&at, &ap);
	map_four(&at);
	at_file(&at, 1, 9, 99, 50, "/data/log");
	AT_CALL(&at, 1, WRITE, 10, 9, 0, 10);
	assert_string_equal(at_end(&at),
	    "1 4096 /data/one.db\n2 50 /data/log\n"
	    "1 attach 1 1 0 4096 r shared maxw\n"
	    "1 pwrite 2 0 0 10\n");
	at_free(&at);
}

int
main(void)
{
#define T(test) cmocka_unit_test(test)
	const struct CMUnitTest tests[] = {
		T(opens_and_last_closes_are_events),
		T(an_open_that_truncates_is_a_truncate_of_what_was),
		T(reads_and_writes_move_the_position_that_descriptors_share),
		T(what_a_file_was_before_it_was_mapped_is_kept),
		T(growth_that_no_call_explained_is_a_truncate),
		T(files_are_told_apart_by_inode_and_birth),
		T(a_map_that_names_its_file_needs_no_descriptor),
		T(a_size_that_nobody_said_covers_what_was_used),
		T(names_mean_other_files_after_unlink_and_rename),
		T(a_path_said_ahead_of_the_call_names_its_file),
		T(programs_are_left_out_unless_asked_for),
		T(patterns_choose_by_path_and_name),
		T(files_of_the_recorder_are_nobodys),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
