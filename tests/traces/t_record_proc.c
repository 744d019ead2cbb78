/* t_record_proc: what /proc says of a process's files and program. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/test.h"
#include "traces/record_i.h"

struct here {
	char he_path[64];
	int he_fd;
};

static int
setup(void **state)
{
	static struct here he;

	strcpy(he.he_path, "/tmp/uvn-test-proc-XXXXXX");
	he.he_fd = mkstemp(he.he_path);
	assert_true(he.he_fd >= 0);
	assert_int_equal(pwrite(he.he_fd, "12345", 5, 8187), 5);
	*state = &he;
	return 0;
}

static int
teardown(void **state)
{
	struct here *he = *state;

	(void)unlink(he->he_path);
	(void)close(he->he_fd);
	return 0;
}

static void
a_descriptor_is_a_file_with_a_place_in_it(void **state)
{
	const struct here *he = *state;
	char path[PATH_MAX];
	struct stat st;
	struct raw rw;

	assert_int_equal(fstat(he->he_fd, &st), 0);
	assert_int_equal(lseek(he->he_fd, 4097, SEEK_SET), 4097);
	assert_true(proc_file((uint32_t)getpid(), (uint64_t)he->he_fd, &rw,
	    path, sizeof(path)));
	assert_string_equal(path, he->he_path);
	assert_ptr_equal(rw.rw_text, path);
	assert_int_equal(rw.rw_pid, getpid());
	assert_int_equal(rw.rw_kind, RAW_FILE);
	assert_int_equal(rw.rw_nargs, 8);
	assert_int_equal(rw.rw_arg[0], he->he_fd);
	assert_int_equal(rw.rw_arg[2], st.st_ino);
	assert_int_equal(rw.rw_arg[4], 8192);
	assert_int_equal(rw.rw_arg[5], 4097);
	assert_int_equal(rw.rw_arg[6] & O_ACCMODE, O_RDWR);
	assert_int_equal(rw.rw_arg[7], 1);
}

static void
a_file_without_a_name_keeps_the_one_it_had(void **state)
{
	const struct here *he = *state;
	char path[PATH_MAX];
	struct raw rw;

	assert_int_equal(unlink(he->he_path), 0);
	assert_true(proc_file((uint32_t)getpid(), (uint64_t)he->he_fd, &rw,
	    path, sizeof(path)));
	assert_string_equal(path, he->he_path);
	assert_int_equal(rw.rw_arg[7], 0);
}

static void
what_is_no_file_or_not_there_is_none(void **state)
{
	char path[PATH_MAX];
	struct raw rw;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(proc_file((uint32_t)getpid(), (uint64_t)fds[0], &rw, path,
	    sizeof(path)));
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_false(
	    proc_file((uint32_t)getpid(), 1 << 20, &rw, path, sizeof(path)));
	assert_false(proc_file(UINT32_MAX, 0, &rw, path, sizeof(path)));
}

static void
a_program_with_an_interpreter_is_dynamic(void **state)
{
	(void)state;
	assert_true(proc_dynamic((uint32_t)getpid()));
}

static void
another_users_rights_keep_the_library_out(void **state)
{
	const struct here *he = *state;
	char command[160];
	struct errmsg em = { 0 };

	if (geteuid() != 0)
		skip();
	(void)snprintf(command, sizeof(command), "cp /bin/true %s",
	    he->he_path);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	assert_int_equal(chown(he->he_path, 1, 1), 0);
	assert_int_equal(chmod(he->he_path, 04755), 0);
	assert_int_equal(program_check(he->he_path, &em), EACCES);
	assert_non_null(strstr(em.em_text, "another user's rights"));
	assert_int_equal(chmod(he->he_path, 0755), 0);
	assert_int_equal(program_check(he->he_path, &em), 0);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_descriptor_is_a_file_with_a_place_in_it),
		T(a_file_without_a_name_keeps_the_one_it_had),
		T(what_is_no_file_or_not_there_is_none),
		T(a_program_with_an_interpreter_is_dynamic),
		T(another_users_rights_keep_the_library_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
