#include "tests/test.h"

#include <sys/utsname.h>
#include <sys/wait.h>

#include <string.h>
#include <unistd.h>

#include "replay/host.h"

static void
the_host_names_itself_as_uname_does(void **state)
{
	struct host_facts hf;
	struct utsname un;

	(void)state;
	host_facts(&hf);
	must(uname(&un));
	assert_string_equal(hf.hf_host, un.nodename);
	assert_non_null(strstr(hf.hf_kernel, un.release));
	if (access("/proc/sys/kernel/random/boot_id", R_OK) == 0)
		assert_int_equal(strlen(hf.hf_boot), 36);
}

static void
a_directory_is_on_the_mount_nearest_above_it(void **state)
{
	struct host_dir hd;

	(void)state;
	if (access("/proc/self/mountinfo", R_OK) != 0)
		skip();
	host_dir("/proc/self", &hd);
	assert_string_equal(hd.hd_fstype, "proc");
	host_dir("/", &hd);
	assert_string_not_equal(hd.hd_fstype, "");
	assert_string_not_equal(hd.hd_fstype, "proc");
	assert_string_not_equal(hd.hd_device, "");
	assert_string_not_equal(hd.hd_options, "");
}

static void
a_directory_to_come_is_where_its_parent_is(void **state)
{
	struct host_dir hd, parent;

	(void)state;
	host_dir("/proc/no-such-thing/nor-this", &hd);
	host_dir("/proc", &parent);
	assert_string_equal(hd.hd_fstype, parent.hd_fstype);
	host_dir("no-such-thing", &hd);
	host_dir(".", &parent);
	assert_string_equal(hd.hd_fstype, parent.hd_fstype);
	assert_string_equal(hd.hd_device, parent.hd_device);
}

static void
memory_that_is_free_is_no_more_than_there_is(void **state)
{
	const uint64_t bytes = host_free_memory();

	(void)state;
	assert_true(bytes > 0);
	assert_true(bytes <= (uint64_t)sysconf(_SC_PHYS_PAGES) *
		(uint64_t)sysconf(_SC_PAGESIZE));
}

static void
the_largest_cache_is_at_least_the_first(void **state)
{
	const char first[] = "/sys/devices/system/cpu/cpu0/cache/index0/size";

	(void)state;
	assert_int_equal(host_cache(1000000), 0);
	if (access(first, R_OK) != 0)
		skip();
	assert_in_range(host_cache(0), 1024, UINT64_MAX);
}

static void
a_process_has_a_start_while_it_lives(void **state)
{
	int hold[2];
	char byte;

	(void)state;
	assert_int_equal(host_pid_start(0), 0);
	assert_int_equal(host_pid_start(-1), 0);
	const uint64_t start = host_pid_start(getpid());
	assert_true(start > 0);
	assert_int_equal(host_pid_start(getpid()), start);
	must(pipe(hold));
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(hold[1]);
		_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_true(host_pid_start(pid) >= start);
	must(close(hold[1]));
	siginfo_t si;
	must(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	assert_int_equal(host_pid_start(pid), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(host_pid_start(pid), 0);
	must(close(hold[0]));
}

static void
the_compiler_has_a_name_and_a_version(void **state)
{
	const char *space = strchr(host_compiler(), ' ');

	(void)state;
	assert_non_null(space);
	assert_true(space[1] >= '0' && space[1] <= '9');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_names_itself_as_uname_does),
		cmocka_unit_test(a_directory_is_on_the_mount_nearest_above_it),
		cmocka_unit_test(a_directory_to_come_is_where_its_parent_is),
		cmocka_unit_test(memory_that_is_free_is_no_more_than_there_is),
		cmocka_unit_test(the_largest_cache_is_at_least_the_first),
		cmocka_unit_test(a_process_has_a_start_while_it_lives),
		cmocka_unit_test(the_compiler_has_a_name_and_a_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
