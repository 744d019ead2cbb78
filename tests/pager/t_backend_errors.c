#include "tests/pager/backend_fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
a_file_cut_short_by_another_moves_what_is_there(void **state)
{
	struct fixture *fx = *state;
	uint8_t byte;
	char path[512];
	uint64_t done;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 4 * PGSIZE));
	backend_path(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(truncate(path, PGSIZE + 100), 0);
	must(backend_page_io(fx, UVM_READ, 0, 4, 4 * PGSIZE, &done));
	assert_int_equal(done, PGSIZE + 100);
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 3 * PGSIZE, 1,
			     &byte),
	    EIO);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "file-1.dat"));
}

static void
a_failed_write_is_reported_with_its_path(void **state)
{
	struct rlimit old, low;
	struct fixture *fx = *state;
	uint64_t done;
	int error;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 0));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = PGSIZE;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	error = backend_page_io(fx, UVM_WRITE, 0, 4, 4 * PGSIZE, &done);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(error, EFBIG);
	assert_int_equal(done, PGSIZE);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "file-1.dat"));
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "write"));
}

static void
a_file_that_does_not_fit_is_removed_again(void **state)
{
	struct rlimit old, low;
	struct fixture *fx = *state;
	char path[512];
	int error;

	backend_create(fx);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = PGSIZE;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	error = fx->fx_be->be_open(fx->fx_fb, 1, 1 << 20);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(error, EFBIG);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "--dir"));
	backend_path(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(backend_page_io(fx, UVM_READ, 0, 1, PGSIZE,
			     &(uint64_t){ 0 }),
	    EBADF);
}

static void
a_file_is_opened_before_and_once(void **state)
{
	struct fixture *fx = *state;
	uint64_t done;

	backend_create(fx);
	assert_int_equal(backend_page_io(fx, UVM_READ, 0, 1, PGSIZE, &done),
	    EBADF);
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 0, 1, NULL), EBADF);
	assert_int_equal(fx->fx_be->be_close(fx->fx_fb, 1), EBADF);
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
	assert_int_equal(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE), EEXIST);
	must(fx->fx_be->be_close(fx->fx_fb, 1));
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
}

static void
a_read_past_the_end_is_refused(void **state)
{
	struct fixture *fx = *state;
	uint8_t buf[16];

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 100));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, 84, 16, buf));
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 85, 16, buf),
	    EINVAL);
}

static void
a_folder_takes_one_run_at_a_time(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *second = NULL;

	backend_create(fx);
	assert_int_equal(uvm_filebe_create(fx->fx_be, fx->fx_dir, PGSIZE,
			     &second, &em),
	    EBUSY);
	assert_non_null(strstr(em.em_text, fx->fx_dir));
	assert_non_null(strstr(em.em_text, "--dir"));
	backend_destroy(fx);
	backend_create(fx);
}

static void
a_folder_is_made_if_its_parent_is_there(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *fb = NULL;
	char path[512], lock[600];

	backend_create(fx);
	backend_path(fx, "new", path, sizeof(path));
	must_em(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em), &em);
	uvm_filebe_destroy(fb);
	(void)snprintf(lock, sizeof(lock), "%s/.lock", path);
	assert_int_equal(unlink(lock), 0);
	backend_path(fx, "new/er/est", path, sizeof(path));
	assert_int_equal(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em),
	    ENOENT);
	assert_non_null(strstr(em.em_text, path));
	em.em_text[0] = '\0';
	backend_path(fx, ".lock", path, sizeof(path));
	assert_int_equal(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em),
	    ENOTDIR);
	assert_non_null(strstr(em.em_text, path));
}

static void
a_backing_file_is_no_link_to_elsewhere(void **state)
{
	struct fixture *fx = *state;
	char path[512];

	backend_create(fx);
	backend_path(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE), ELOOP);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "link"));
}

static void
a_file_of_the_users_is_resized_and_filled(void **state)
{
	static uint8_t got[65536], want[65536];
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512], mine[512];
	int fd;

	backend_create(fx);
	backend_path(fx, "mine", mine, sizeof(mine));
	fd = open(mine, O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, "precious", 8), 8);
	(void)close(fd);
	must_em(uvm_filebe_use(fx->fx_fb, 3, mine, &em), &em);
	must(fx->fx_be->be_open(fx->fx_fb, 3, 10001));
	backend_path(fx, "file-3.dat", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	backend_destroy(fx);
	uvm_filebe_fill(3, 0, 10001, want);
	assert_int_equal(backend_slurp(fx, "mine", got, sizeof(got)), 10001);
	assert_memory_equal(got, want, 10001);
}

static void
only_a_regular_file_may_be_the_users(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512];

	backend_create(fx);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, fx->fx_dir, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "regular file"));
	backend_path(fx, "fifo", path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, path, NULL), EINVAL);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, "/dev/null", NULL),
	    EINVAL);
}

static void
one_file_serves_one_number(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512];

	backend_create(fx);
	backend_path(fx, "mine", path, sizeof(path));
	must_em(uvm_filebe_use(fx->fx_fb, 1, path, &em), &em);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 2, path, &em), EEXIST);
	assert_non_null(strstr(em.em_text, "mine"));
}

static void
a_page_below_the_devices_block_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *fb;

	backend_create(fx);
	backend_destroy(fx);
	assert_int_equal(uvm_filebe_create(fx->fx_be, fx->fx_dir, 256, &fb,
			     &em),
	    EINVAL);
	assert_non_null(strstr(em.em_text, "256"));
	assert_non_null(strstr(em.em_text, "--backend buffered"));
}

/* Reads of a file that is not open. => NULL if they all failed */
static void *
fail_often(void *arg)
{
	struct fixture *const fx = arg;
	uint8_t byte;

	for (int i = 0; i < 1000; i++)
		if (fx->fx_be->be_pread(fx->fx_fb, 9, 0, 1, &byte) == 0)
			return fx;
	return NULL;
}

static void
words_of_one_thread_stay_while_another_fails(void **state)
{
	struct fixture *fx = *state;
	const char *why;
	pthread_t thread;
	void *wrong;
	uint8_t byte;

	backend_create(fx);
	assert_int_not_equal(fx->fx_be->be_pread(fx->fx_fb, 8, 0, 1, &byte), 0);
	why = uvm_filebe_why(fx->fx_fb);
	assert_string_equal(why, "file 8 is not open");
	must(pthread_create(&thread, NULL, fail_often, fx));
	for (int i = 0; i < 1000; i++)
		assert_string_equal(why, "file 8 is not open");
	must(pthread_join(thread, &wrong));
	assert_null(wrong);
	assert_string_equal(why, "file 8 is not open");
	assert_string_equal(uvm_filebe_why(fx->fx_fb), "file 9 is not open");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(a_file_cut_short_by_another_moves_what_is_there),
		ALL(a_failed_write_is_reported_with_its_path),
		ALL(a_file_that_does_not_fit_is_removed_again),
		ALL(a_file_is_opened_before_and_once),
		ALL(a_read_past_the_end_is_refused),
		ALL(a_folder_takes_one_run_at_a_time),
		ALL(a_folder_is_made_if_its_parent_is_there),
		ALL(a_backing_file_is_no_link_to_elsewhere),
		ALL(a_file_of_the_users_is_resized_and_filled),
		ALL(only_a_regular_file_may_be_the_users),
		ALL(one_file_serves_one_number),
		ALL(words_of_one_thread_stay_while_another_fails),
		DIRECT(a_page_below_the_devices_block_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
