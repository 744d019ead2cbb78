/* t_record_logs: valgrind's files, in the order in which they were begun. */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"
#include "traces/record_logs.h"

struct folder {
	char fo_path[64];
	int fo_dir;
	struct logs *fo_logs;
};

static int
setup(void **state)
{
	static struct folder fo;
	struct errmsg em;

	strcpy(fo.fo_path, "/tmp/uvn-test-logs-XXXXXX");
	assert_non_null(mkdtemp(fo.fo_path));
	fo.fo_dir = open(fo.fo_path, O_RDONLY | O_DIRECTORY);
	assert_true(fo.fo_dir >= 0);
	assert_int_equal(logs_create(fo.fo_path, fo.fo_dir, &fo.fo_logs, &em),
	    0);
	*state = &fo;
	return 0;
}

static int
teardown(void **state)
{
	struct folder *fo = *state;

	logs_destroy(fo->fo_logs);
	(void)close(fo->fo_dir);
	assert_int_equal(rmdir(fo->fo_path), 0);
	return 0;
}

/* As valgrind does: what was there is gone. */
static void
begin(const struct folder *fo, const char *name, const char *text)
{
	const int fd =
	    openat(fo->fo_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void
takes(const struct folder *fo, uint32_t pid, const char *text)
{
	char buf[64] = "";
	uint32_t got;
	int fd;

	assert_true(logs_take(fo->fo_logs, &got, &fd));
	assert_int_equal(got, pid);
	assert_true(pread(fd, buf, sizeof(buf) - 1, 0) >= 0);
	assert_string_equal(buf, text);
	(void)close(fd);
}

/* Wait for the thread to have taken all names away. */
static void
settle(const struct folder *fo)
{
	const struct timespec nap = { 0, 1000000 };
	struct stat st;

	for (int i = 0; i < 10000; i++) {
		if (fstatat(fo->fo_dir, "7.1", &st, 0) != 0)
			return;
		(void)nanosleep(&nap, NULL);
	}
	fail_msg("7.1 is still there");
}

static void
test_order(void **state)
{
	const struct folder *fo = *state;
	uint32_t pid;
	int fd;

	assert_false(logs_take(fo->fo_logs, &pid, &fd));
	/* A forked process counts on, its next image from 1. */
	for (int i = 0; i < 50; i++) {
		begin(fo, "5.2", "forked");
		begin(fo, "5.1", "image");
		takes(fo, 5, "forked");
		takes(fo, 5, "image");
		assert_false(logs_take(fo->fo_logs, &pid, &fd));
	}
}

static void
test_images_of_one_name(void **state)
{
	const struct folder *fo = *state;

	begin(fo, "7.1", "first");
	settle(fo);
	begin(fo, "7.1", "second");
	settle(fo);
	begin(fo, "7.1", "third");
	takes(fo, 7, "first");
	takes(fo, 7, "second");
	takes(fo, 7, "third");
}

/* What nobody took is closed, and no name is left. */
static void
test_left(void **state)
{
	begin(*state, "9.1", "left");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_images_of_one_name, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_left, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
