#include "tests/traces/ringrun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/traces/tracetest.h"

#define WP_UNPOPULATED (1U << 13)
#define WP_ASYNC       (1U << 15)

const char *
ringrun_why_not(enum ring_mode mode)
{
	struct uffdio_api api = { .api = UFFD_API,
		.features = WP_UNPOPULATED | WP_ASYNC };
	struct perf_event_attr pa = { .type = PERF_TYPE_SOFTWARE,
		.size = sizeof(pa),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 64,
		.exclude_kernel = 1,
		.remove_on_exec = 1,
		.sigtrap = 1,
		.disabled = 1 };
	bool good;
	int fd;

	if (record_preload_so_size == 0)
		return "the library is not for this machine";
	if (mode != RING_KERNEL)
		return NULL;
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return "no userfaultfd(2)";
	good = ioctl(fd, UFFDIO_API, &api) == 0;
	(void)close(fd);
	if (!good)
		return "the kernel is older than 6.7";
	fd = (int)syscall(SYS_perf_event_open, &pa, 0, -1, -1, 0UL);
	if (fd == -1)
		return "no perf_event_open(2)";
	(void)close(fd);
	return NULL;
}

/* $B/tests/traces/NAME is we, $B/tests/programs/NAME they. */
static void
program_path(const char *name, char *buf, size_t size)
{
	char self[4096];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(self, '/');

		if (slash != NULL)
			*slash = '\0';
	}
	assert_true(strlen(self) + strlen(name) + sizeof("/programs/") <= size);
	(void)stpcpy(stpcpy(stpcpy(buf, self), "/programs/"), name);
	if (access(buf, X_OK) != 0)
		fail_msg("%s: not there; make builds it", buf);
}

static void
library_write(char *path, size_t size)
{
	char *dir = getcwd(NULL, 0);

	assert_non_null(dir);
	(void)snprintf(path, size, "%s/preload.so", dir);
	free(dir);
	if (!file_exists(path))
		file_write(path, record_preload_so,
		    (size_t)record_preload_so_size);
}

static bool
divert(const char *path, int to)
{
	const int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd != -1 && dup2(fd, to) == to && close(fd) == 0;
}

static _Noreturn void
become(const char *const *argv, const char *ring)
{
	char program[4096], library[4096];
	char **args;
	size_t n = 1;

	while (argv[n] != NULL)
		n++;
	args = calloc(n + 1, sizeof(*args));
	program_path(argv[0], program, sizeof(program));
	library_write(library, sizeof(library));
	if (args == NULL || !divert("out", STDOUT_FILENO) ||
	    !divert("err", STDERR_FILENO))
		_exit(126);
	args[0] = program;
	for (size_t i = 1; i < n; i++)
		args[i] = strdup(argv[i]);
	(void)setenv("LD_PRELOAD", library, 1);
	if (ring != NULL)
		(void)setenv(RING_ENV, ring, 1);
	(void)execv(program, args);
	_exit(127);
}

static pid_t
child(const char *const *argv, const char *ring)
{
	const pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		become(argv, ring);
	return pid;
}

struct bytes {
	uint8_t *by_data;
	size_t by_n, by_cap;
};

static int
take(void *arg, unsigned slot, const uint8_t *bytes, size_t len)
{
	struct bytes *by = arg;

	(void)slot;
	if (by->by_n + len > by->by_cap) {
		by->by_cap = (by->by_n + len) * 2;
		by->by_data = realloc(by->by_data, by->by_cap);
		assert_non_null(by->by_data);
	}
	memcpy(by->by_data + by->by_n, bytes, len);
	by->by_n += len;
	return 0;
}

/* A record, and the place where it was taken from. */
struct placed {
	struct raw pl_raw;
	size_t pl_at;
};

static int
by_time(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->pl_raw.rw_time != y->pl_raw.rw_time)
		return x->pl_raw.rw_time < y->pl_raw.rw_time ? -1 : 1;
	return x->pl_at < y->pl_at ? -1 : x->pl_at > y->pl_at;
}

/* Records of a slot are in order: let those of all be. */
static void
sort(struct raw *raws, size_t n)
{
	struct placed *all = calloc(n + 1, sizeof(*all));

	assert_non_null(all);
	for (size_t i = 0; i < n; i++)
		all[i] = (struct placed){ raws[i], i };
	qsort(all, n, sizeof(*all), by_time);
	for (size_t i = 0; i < n; i++)
		raws[i] = all[i].pl_raw;
	free(all);
}

static void
decode(struct ringrun *rr, struct bytes *by)
{
	size_t cap = 0;

	rr->rr_arena = (char *)by->by_data;
	for (size_t at = 0, n; at < by->by_n; at += n) {
		if (rr->rr_n == cap) {
			cap = cap != 0 ? cap * 2 : 1024;
			rr->rr_raws = reallocarray(rr->rr_raws, cap,
			    sizeof(*rr->rr_raws));
			assert_non_null(rr->rr_raws);
		}
		n = raw_decode(by->by_data + at, by->by_n - at,
		    &rr->rr_raws[rr->rr_n++]);
		assert_int_not_equal(n, 0);
	}
	sort(rr->rr_raws, rr->rr_n);
}

static void
said(struct ringrun *rr)
{
	rr->rr_out = (char *)file_read("out").bl_data;
	rr->rr_err = (char *)file_read("err").bl_data;
}

void
ringrun(enum ring_mode mode, uint64_t window, const char *const *argv,
    struct ringrun *rr)
{
	struct errmsg em = { .em_text = "" };
	struct bytes by = { NULL, 0, 0 };
	struct ring *rg;
	char *path;
	pid_t pid;

	*rr = (struct ringrun){ .rr_n = 0 };
	must_em(ring_create("ring", mode, window, 4096, &rg, &em), &em);
	path = realpath("ring", NULL);
	assert_non_null(path);
	pid = child(argv, path);
	while (waitpid(pid, &rr->rr_status, WNOHANG) == 0) {
		ring_wait(rg, 10);
		must(ring_drain(rg, take, &by));
	}
	must(ring_drain(rg, take, &by));
	rr->rr_lost = ring_lost(rg);
	ring_destroy(rg);
	free(path);
	decode(rr, &by);
	said(rr);
}

void
ringrun_plain(const char *env, const char *const *argv, struct ringrun *rr)
{
	*rr = (struct ringrun){ .rr_n = 0 };
	assert_true(waitpid(child(argv, env), &rr->rr_status, 0) > 0);
	said(rr);
}

void
ringrun_fini(struct ringrun *rr)
{
	free(rr->rr_raws);
	free(rr->rr_out);
	free(rr->rr_err);
	free(rr->rr_arena);
}

void
ringrun_good(const struct ringrun *rr)
{
	if (rr->rr_status != 0 || strstr(rr->rr_out, "ok\n") == NULL ||
	    rr->rr_err[0] != '\0')
		fail_msg("status %#x, said '%s', '%s'", (unsigned)rr->rr_status,
		    rr->rr_out, rr->rr_err);
	assert_int_equal(rr->rr_lost, 0);
}

size_t
ringrun_count(const struct ringrun *rr, enum raw_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < rr->rr_n; i++)
		n += rr->rr_raws[i].rw_kind == kind;
	return n;
}

const struct raw *
ringrun_nth(const struct ringrun *rr, enum raw_kind kind, size_t i)
{
	for (size_t k = 0; k < rr->rr_n; k++)
		if (rr->rr_raws[k].rw_kind == kind && i-- == 0)
			return &rr->rr_raws[k];
	fail_msg("there are not so many records of kind %d", (int)kind);
	return NULL;
}

long
ringrun_number(const struct ringrun *rr, const char *word)
{
	const char *p = strstr(rr->rr_out, word);

	assert_non_null(p);
	return strtol(p + strlen(word), NULL, 10);
}
