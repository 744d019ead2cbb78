#include "tests/test.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay/perf.h"

/* Perf events of this very host; what it does not count is skipped. */

static struct perf_set *
opened(const char *list)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps = NULL;

	must_em(perf_open(list, &ps, &em), &em);
	return ps;
}

#define PAGES 1024

static uint64_t
counted(struct perf_set *ps, size_t i)
{
	struct perf_reading pr;

	assert_true(perf_read(ps, i, &pr));
	return pr.pr_value;
}

/* Events that are counted; or the test is skipped. */
static struct perf_set *
counting(const char *list)
{
	struct perf_set *const ps = opened(list);

	for (size_t i = 0; i < perf_count(ps); i++)
		if (perf_reason(ps, i) != NULL) {
			print_message("%s: %s\n", perf_name(ps, i),
			    perf_reason(ps, i));
			perf_close(ps);
			skip();
		}
	perf_enable(ps);
	return ps;
}

/* Store to pages that were never touched. */
static void
touch_pages(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *const p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	must(madvise(p, PAGES * page, MADV_NOHUGEPAGE));
	for (size_t i = 0; i < PAGES; i++)
		*(volatile char *)&p[i * page] = 1;
	must(munmap(p, PAGES * page));
}

static void
fresh_pages_are_page_faults(void **state)
{
	struct perf_set *const ps =
	    counting("page-faults,minor-faults,major-faults");
	const uint64_t before[2] = { counted(ps, 0), counted(ps, 1) };

	(void)state;
	touch_pages();
	assert_true(counted(ps, 0) - before[0] >= PAGES);
	assert_true(counted(ps, 1) - before[1] >= PAGES);
	perf_close(ps);
}

static void
faults_that_the_kernel_meets_are_counted_in_its_mode_alone(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_set *const ps = counting("page-faults,page-faults:k");
	const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char *const p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t user, kernel;

	(void)state;
	assert_true(fd != -1);
	assert_ptr_not_equal(p, MAP_FAILED);
	must(madvise(p, PAGES * page, MADV_NOHUGEPAGE));
	user = counted(ps, 0);
	kernel = counted(ps, 1);
	/* Not by read(2): a thread sanitizer would see to its own pages then. */
	assert_int_equal(syscall(SYS_read, fd, p, PAGES * page), PAGES * page);
	assert_true(counted(ps, 0) - user < PAGES / 2);
	assert_true(counted(ps, 1) - kernel >= PAGES);
	must(munmap(p, PAGES * page));
	must(close(fd));
	perf_close(ps);
}

static void *
touching(void *arg)
{

	(void)arg;
	touch_pages();
	return NULL;
}

static void
other_threads_and_children_are_not_counted(void **state)
{
	struct perf_set *const ps = counting("page-faults");
	pthread_t thread;
	uint64_t before, own;
	int status;
	pid_t pid;

	(void)state;
	/* Making a thread faults a little: less than it does itself. */
	must(pthread_create(&thread, NULL, touching, NULL));
	must(pthread_join(thread, NULL));
	before = counted(ps, 0);
	must(pthread_create(&thread, NULL, touching, NULL));
	must(pthread_join(thread, NULL));
	own = counted(ps, 0) - before;
	assert_true(own < PAGES);
	before = counted(ps, 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 16; i++)
			touch_pages();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* fork() makes our own pages fault again; there are not so many. */
	assert_true(counted(ps, 0) - before < 16 * PAGES);
	perf_close(ps);
}

static void
the_task_clock_goes_on_while_something_is_done(void **state)
{
	struct perf_set *const ps = counting("task-clock,cpu-clock");
	uint64_t before[2];
	struct perf_reading pr;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		before[i] = counted(ps, i);
	for (volatile unsigned k = 0; k < 100000; k = k + 1)
		continue;
	for (size_t i = 0; i < 2; i++) {
		assert_true(perf_read(ps, i, &pr));
		assert_true(pr.pr_value > before[i]);
		/* No one has to share the kernel's clock. */
		assert_int_equal(pr.pr_enabled, pr.pr_running);
	}
	perf_close(ps);
}

static void
nothing_is_counted_before_it_is_enabled_or_after(void **state)
{
	struct perf_set *const ps = counting("page-faults");
	uint64_t value;

	(void)state;
	perf_disable(ps);
	value = counted(ps, 0);
	touch_pages();
	assert_int_equal(counted(ps, 0), value);
	perf_enable(ps);
	touch_pages();
	assert_true(counted(ps, 0) >= value + PAGES);
	perf_close(ps);
}

static void
waiting_is_a_context_switch(void **state)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	struct perf_set *const ps = counting("context-switches");
	const uint64_t before = counted(ps, 0);

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)nanosleep(&nap, NULL);
	assert_true(counted(ps, 0) - before >= 3);
	perf_close(ps);
}

static void
a_move_to_another_processor_is_a_migration(void **state)
{
	struct perf_set *const ps = counting("cpu-migrations");
	const uint64_t before = counted(ps, 0);
	cpu_set_t all, one;
	uint64_t moves = 0;

	(void)state;
	must(sched_getaffinity(0, sizeof(all), &all));
	for (size_t cpu = 0; cpu < CPU_SETSIZE && moves < 8; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		must(sched_setaffinity(0, sizeof(one), &one));
		moves++;
	}
	must(sched_setaffinity(0, sizeof(all), &all));
	/* From the first onto each of the others. */
	assert_true(counted(ps, 0) - before >= moves - 1);
	perf_close(ps);
}

static void
descriptors_that_run_out_are_a_reason(void **state)
{
	struct rlimit old, few;
	struct perf_set *ps;

	(void)state;
	perf_close(counting("task-clock"));
	must(getrlimit(RLIMIT_NOFILE, &old));
	few = old;
	few.rlim_cur = 0;
	must(setrlimit(RLIMIT_NOFILE, &few));
	ps = opened("task-clock");
	must(setrlimit(RLIMIT_NOFILE, &old));
	assert_non_null(perf_reason(ps, 0));
	assert_non_null(strstr(perf_reason(ps, 0), "ulimit -n"));
	perf_close(ps);
}

static int seen_fd;

static int
open_and_tell(struct perf_event_attr *attr)
{

	return seen_fd = perf_os_host.po_open(attr);
}

static void
cycles_by_rdpmc_lie_between_two_by_read(void **state)
{
	struct perf_os os = perf_os_host;
	struct perf_reading pr;
	struct perf_set *ps;
	uint64_t before[3], after[3];

	(void)state;
	os.po_open = open_and_tell;
	perf_os = &os;
	ps = opened("cycles");
	perf_os = &perf_os_host;
	perf_enable(ps);
	if (perf_reason(ps, 0) != NULL || !perf_by_rdpmc(ps, 0)) {
		perf_close(ps);
		skip();
	}
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(read(seen_fd, before, sizeof(before)),
		    sizeof(before));
		assert_true(perf_read(ps, 0, &pr));
		assert_int_equal(read(seen_fd, after, sizeof(after)),
		    sizeof(after));
		assert_in_range(pr.pr_value, before[0], after[0]);
		/* Times by multiplication are some ns off. */
		assert_in_range(pr.pr_enabled, before[1] - 1000,
		    after[1] + 1000);
	}
	perf_close(ps);
}

struct known {
	size_t kn_events, kn_found;
};

static void
look_for(void *arg, const struct perf_known *pk)
{
	static const char *const names[] = { "cycles", "LLC-load-misses",
		"L1-dcache-load-misses", "dTLB-load-misses", "task-clock" };
	struct known *const kn = arg;

	kn->kn_events++;
	assert_non_null(pk->pk_text);
	for (size_t i = 0; i < nitems(names); i++)
		kn->kn_found += strcmp(pk->pk_name, names[i]) == 0;
}

static void
the_known_events_have_the_names_that_perf_gives_them(void **state)
{
	struct known kn = { 0, 0 };

	(void)state;
	assert_true(perf_each(look_for, &kn));
	assert_int_equal(kn.kn_found, 5);
	assert_true(kn.kn_events > 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_pages_are_page_faults),
		cmocka_unit_test(
		    faults_that_the_kernel_meets_are_counted_in_its_mode_alone),
		cmocka_unit_test(other_threads_and_children_are_not_counted),
		cmocka_unit_test(
		    the_task_clock_goes_on_while_something_is_done),
		cmocka_unit_test(
		    nothing_is_counted_before_it_is_enabled_or_after),
		cmocka_unit_test(waiting_is_a_context_switch),
		cmocka_unit_test(a_move_to_another_processor_is_a_migration),
		cmocka_unit_test(descriptors_that_run_out_are_a_reason),
		cmocka_unit_test(cycles_by_rdpmc_lie_between_two_by_read),
		cmocka_unit_test(
		    the_known_events_have_the_names_that_perf_gives_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
