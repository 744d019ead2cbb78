/*
 * record_check.c: what of recording works on this host.
 *
 * Arming is not asked for but tried: kernels differ in how many pages a fault
 * maps, and a recording that misses faults looks like any other.  A process
 * arms a map as the library does, and counts its own faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traces/record_i.h"

#define PAGES	   64
#define LOCKED	   24 /* MADV_DONTNEED_LOCKED */
#define BYSTANDERS 4  /* faults of the stack and the like */

/* Since Linux 5.19 and 6.7; Debian 12's headers are of 6.1. */
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* What the trying process says. */
enum stage {
	FINE,
	NO_FILE,
	NO_UFFD,
	NO_REGISTER,
	NO_COUNTER,
	NO_TRAP,
	WRONG_COUNT,
};

struct verdict {
	enum stage ve_stage;
	int ve_error;
	const char *ve_what; /* WRONG_COUNT: in our image, so in the parent's */
	uint64_t ve_faults;
};

static volatile sig_atomic_t trapped;

static void
on_trap(int sig)
{
	(void)sig;
	trapped = 1;
}

static int
counter_open(bool trap)
{
	struct perf_event_attr pa = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(pa),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.exclude_kernel = 1,
	};

	if (trap) {
		pa.sample_period = PAGES;
		pa.sigtrap = 1;
		pa.remove_on_exec = 1;
	}
	return (int)syscall(SYS_perf_event_open, &pa, 0, -1, -1,
	    PERF_FLAG_FD_CLOEXEC);
}

static int
uffd_open(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API,
		.features = (uint64_t)UFFD_FEATURE_WP_ASYNC |
		    UFFD_FEATURE_WP_UNPOPULATED };

	if (fd == -1)
		fd = (int)syscall(SYS_userfaultfd,
		    O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (fd != -1 && ioctl(fd, UFFDIO_API, &api) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* A file of PAGES pages that are in memory, without a name. */
static int
file_make(const char *folder)
{
	static char page[4096];
	int fd;

	if (folder == NULL)
		fd = memfd_create("uvn-check", MFD_CLOEXEC);
	else
		fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (int i = 0; fd != -1 && i < PAGES; i++)
		if (pwrite(fd, page, sizeof(page),
			(off_t)i * (off_t)sizeof(page)) !=
		    (ssize_t)sizeof(page)) {
			(void)close(fd);
			fd = -1;
		}
	return fd;
}

static uint64_t
faults(int counter)
{
	uint64_t n = 0;

	(void)!read(counter, &n, sizeof(n));
	return n;
}

/* How many faults it takes to read, or to write, each page. */
static uint64_t
touch(volatile char *map, int counter, bool write)
{
	const uint64_t before = faults(counter);

	for (size_t i = 0; i < PAGES; i++) {
		if (write)
			map[i * 4096] = 1;
		else
			(void)map[i * 4096];
	}
	return faults(counter) - before;
}

static struct verdict
try_map(char *map, int counter)
{
	static const struct {
		const char *what;
		bool write, drop;
	} rounds[] = {
		{ "reading pages", false, false },
		{ "writing pages that were read", true, false },
		{ "reading dropped pages", false, true },
		{ "writing pages that were read again", true, false },
		{ "writing dropped pages", true, true },
	};

	(void)touch(map, counter, false); /* the loop's own pages */
	(void)madvise(map, (size_t)PAGES * 4096, LOCKED);
	for (size_t i = 0; i < nitems(rounds); i++) {
		uint64_t n;

		if (rounds[i].drop &&
		    madvise(map, (size_t)PAGES * 4096, LOCKED) != 0)
			return (struct verdict){ WRONG_COUNT, errno,
				"dropping pages", 0 };
		n = touch(map, counter, rounds[i].write);
		if (n < PAGES || n > PAGES + BYSTANDERS)
			return (struct verdict){ WRONG_COUNT, 0, rounds[i].what,
				n };
	}
	return (struct verdict){ .ve_stage = FINE };
}

static struct verdict
try_file(int fd, int uffd, int counter)
{
	const size_t len = (size_t)PAGES * 4096;
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct verdict ve;
	char *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return (
		    struct verdict){ .ve_stage = NO_FILE, .ve_error = errno };
	reg.range.start = (uintptr_t)map;
	reg.range.len = len;
	if (ioctl(uffd, UFFDIO_REGISTER, &reg) != 0)
		ve = (struct verdict){ .ve_stage = NO_REGISTER,
			.ve_error = errno };
	else
		ve = try_map(map, counter);
	(void)munmap(map, len);
	return ve;
}

/* Does the trap come after so many faults? */
static struct verdict
try_trap(void)
{
	struct sigaction sa = { .sa_handler = on_trap };
	int fd;

	(void)sigaction(SIGTRAP, &sa, NULL);
	fd = counter_open(true);
	if (fd == -1)
		return (
		    struct verdict){ .ve_stage = NO_TRAP, .ve_error = errno };
	for (size_t round = 0; trapped == 0 && round < 4; round++) {
		char *map = mmap(NULL, (size_t)PAGES * 4096,
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED)
			break;
		(void)madvise(map, (size_t)PAGES * 4096, MADV_NOHUGEPAGE);
		for (size_t i = 0; i < PAGES; i++)
			((volatile char *)map)[i * 4096] = 1;
		(void)munmap(map, (size_t)PAGES * 4096);
	}
	(void)close(fd);
	return (struct verdict){ .ve_stage = trapped != 0 ? FINE : NO_TRAP };
}

static struct verdict
try_arming(const char *folder)
{
	const char *const folders[] = { NULL, folder };
	const int uffd = uffd_open();
	struct verdict ve = { .ve_stage = NO_UFFD, .ve_error = errno };
	const int counter = counter_open(false);

	if (uffd == -1)
		return ve;
	if (counter == -1)
		return (struct verdict){ .ve_stage = NO_COUNTER,
			.ve_error = errno };
	for (size_t i = 0; i < nitems(folders); i++) {
		const int fd = file_make(folders[i]);

		/* A folder without O_TMPFILE is no reason to refuse. */
		if (fd == -1)
			continue;
		ve = try_file(fd, uffd, counter);
		(void)close(fd);
		if (ve.ve_stage != FINE)
			return ve;
	}
	return try_trap();
}

static int
verdict_error(const struct verdict *ve, struct errmsg *em)
{
	const int error = ve->ve_error != 0 ? ve->ve_error : ENOTSUP;
	const char *text = errno_text(error);

	switch (ve->ve_stage) {
	case FINE:
		return 0;
	case NO_UFFD:
		return ERRMSG(em, error,
		    "userfaultfd: %s: arming wants Linux 6.7 or newer, with "
		    "CONFIG_USERFAULTFD",
		    text);
	case NO_REGISTER:
		return ERRMSG(em, error,
		    "userfaultfd: %s: it takes no maps of files here", text);
	case NO_COUNTER:
		return ERRMSG(em, error,
		    "perf_event_open: %s: page faults cannot be counted: lower "
		    "/proc/sys/kernel/perf_event_paranoid to 2, or be root",
		    text);
	case NO_TRAP:
		return ERRMSG(em, error,
		    "perf_event_open: %s: page faults send no SIGTRAP (Linux "
		    "5.13 or newer)",
		    text);
	case NO_FILE:
		return ERRMSG(em, error, "no file can be mapped to try: %s",
		    text);
	case WRONG_COUNT:
		break;
	}
	return ERRMSG(em, ENOTSUP,
	    "arming does not give one fault a page here: %s gave %llu faults "
	    "for %d pages",
	    ve->ve_what, (unsigned long long)ve->ve_faults, PAGES);
}

static int
check_arming(const char *folder, struct errmsg *em)
{
	struct verdict ve = { .ve_stage = NO_FILE };
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return ERRMSG(em, errno, "pipe: %s", errno_text(errno));
	pid = fork();
	if (pid == 0) {
		ve = try_arming(folder != NULL ? folder : P_tmpdir);
		(void)!write(fds[1], &ve, sizeof(ve));
		_exit(0);
	}
	(void)close(fds[1]);
	if (pid == -1 || read(fds[0], &ve, sizeof(ve)) != (ssize_t)sizeof(ve))
		ve =
		    (struct verdict){ .ve_stage = NO_FILE, .ve_error = ECHILD };
	(void)close(fds[0]);
	if (pid != -1)
		(void)waitpid(pid, NULL, 0);
	return verdict_error(&ve, em);
}

/* Open all that mode kernel opens, for a program that is never run. */
static int
check_tracepoints(struct errmsg *em)
{
	char name[] = "true";
	char *const argv[] = { name, NULL }, *const env[] = { NULL };
	const struct child_param cp = { argv, env, false };
	struct perfrec *pr;
	struct child ch;
	int error = child_start(&cp, &ch, em);

	if (error != 0)
		return error;
	error = perfrec_open(ch.ch_pid, &pr, em);
	if (error == 0)
		perfrec_close(pr);
	child_cancel(&ch);
	return error;
}

static int
check_preload(struct errmsg *em)
{
#ifdef __x86_64__
	(void)em;
	return 0;
#else
	return ERRMSG(em, ENOTSUP,
	    "the library tells reads from writes on x86-64 only");
#endif
}

static int
check_valgrind(struct errmsg *em)
{
	static const char *const folders[] = { "/usr/bin", "/usr/local/bin",
		"/bin" };
	char path[64];

	for (size_t i = 0; i < nitems(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/valgrind", folders[i]);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return ERRMSG(em, ENOENT,
	    "valgrind is not installed: apt-get install valgrind");
}

int
record_check(enum record_mode mode, const char *folder, struct errmsg *em)
{
	int error;

	switch (mode) {
	case RECORD_KERNEL:
		error = check_tracepoints(em);
		return error != 0 ? error : check_arming(folder, em);
	case RECORD_PRELOAD:
		return check_preload(em);
	case RECORD_VALGRIND:
		return check_valgrind(em);
	case RECORD_NMODES:
		break;
	}
	return EINVAL;
}
