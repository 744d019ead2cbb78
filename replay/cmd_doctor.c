#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "pager/uvm.h"
#include "replay/clock.h"
#include "replay/doctor.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"

#define BLOCK	     4096
#define NAME_COLUMNS 16
#define TEXT_INDENT  26

void
found(struct finding *fi, bool ok, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	fi->fi_ok = ok;
	(void)snprintf(fi->fi_remedy, sizeof(fi->fi_remedy), "%s", remedy);
	va_start(ap, fmt);
	(void)vsnprintf(fi->fi_text, sizeof(fi->fi_text), fmt, ap);
	va_end(ap);
}

/*
 * A file in dir that nobody else sees; -1 and errno if there can be none.
 * Where the file system has no nameless files, it has a name for a moment.
 */
static int
scratch_file(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if (snprintf(path, sizeof(path), "%s/uvn-doctor.XXXXXX", dir) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkostemp(path, O_CLOEXEC)) != -1)
		(void)unlink(path);
	return fd;
}

/* Write and read back one block of size at its own offset, by O_DIRECT. */
static int
direct_round_trip(int fd, char *buf, size_t size)
{
	memset(buf, 0x5a, BLOCK);
	if (pwrite(fd, buf, size, (off_t)size) != (ssize_t)size)
		return errno != 0 ? errno : EIO;
	memset(buf, 0, BLOCK);
	if (pread(fd, buf, size, (off_t)size) != (ssize_t)size)
		return errno != 0 ? errno : EIO;
	for (size_t i = 0; i < size; i++)
		if (buf[i] != 0x5a)
			return EILSEQ;
	return 0;
}

static void
check_direct(const char *dir, struct finding *fi)
{
	static const char remedy[] =
	    "name a folder on ext4, xfs or btrfs with --dir, or use "
	    "--backend buffered";
	void *buf = NULL;
	const int fd = scratch_file(dir);
	int error = fd == -1 ? errno : 0;
	size_t size;

	if (fd == -1) {
		found(fi, false,
		    "name a folder that can be written to with "
		    "--dir",
		    "no file can be made in %.100s: %s", dir,
		    errno_text(error));
		return;
	}
	if (posix_memalign(&buf, BLOCK, BLOCK) != 0)
		error = ENOMEM;
	else if (fcntl(fd, F_SETFL, O_DIRECT) != 0)
		error = errno;
	for (size = 512; error == 0 && size <= BLOCK; size *= 2) {
		const int failed = direct_round_trip(fd, buf, size);

		if (failed == 0)
			break;
		if (size == BLOCK)
			error = failed;
	}
	if (error != 0)
		found(fi, false, remedy, "not in %.100s: %s", dir,
		    errno_text(error));
	else
		found(fi, true, "",
		    "in %.100s; transfers are aligned to %zu bytes", dir, size);
	free(buf);
	(void)close(fd);
}

static void
check_disk(const char *dir, struct finding *fi)
{
	struct statvfs vfs;
	uint64_t bytes;

	if (statvfs(dir, &vfs) != 0) {
		found(fi, false, "name an existing folder with --dir",
		    "%.100s: %s", dir, errno_text(errno));
		return;
	}
	bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	found(fi, bytes >= 1U << 30,
	    bytes >= 1U << 30 ? "" : "free some space, or use another --dir",
	    "%.1f GiB free in %.100s", (double)bytes / (double)(1U << 30), dir);
}

static void
check_memory(const char *dir, struct finding *fi)
{
	const long pages = sysconf(_SC_AVPHYS_PAGES);
	const long all = sysconf(_SC_PHYS_PAGES);
	const long size = sysconf(_SC_PAGESIZE);
	const double gib = (double)(1U << 30);

	(void)dir;
	found(fi, pages > 0, "", "%.1f GiB free of %.1f GiB",
	    (double)pages * (double)size / gib,
	    (double)all * (double)size / gib);
}

static void
check_uring(const char *dir, struct finding *fi)
{
	const char *cause, *remedy;

	(void)dir;
	if (uvm_uring_try(&cause, &remedy) == 0)
		found(fi, true, "",
		    "works: a request went through; for --backend uring");
	else
		found(fi, false, remedy, "%s; --backend direct needs none",
		    cause);
}

static void
check_tracefs(const char *dir, struct finding *fi)
{
	static const char *const paths[] = { "/sys/kernel/tracing/events",
		"/sys/kernel/debug/tracing/events" };

	(void)dir;
	for (size_t i = 0; i < nitems(paths); i++)
		if (access(paths[i], R_OK | X_OK) == 0) {
			found(fi, true, "", "readable at %s", paths[i]);
			return;
		}
	found(fi, false,
	    errno == EACCES ? "run as root, or mount tracefs with mode=755" :
			      "mount -t tracefs tracefs /sys/kernel/tracing",
	    "%s: %s", paths[0], errno_text(errno));
}

static void
check_userfaultfd(const char *dir, struct finding *fi)
{
	const long fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)dir;
	if (fd >= 0) {
		found(fi, true, "", "usable");
		(void)close((int)fd);
		return;
	}
	found(fi, false, "sysctl vm.unprivileged_userfaultfd=1, or run as root",
	    "%s", errno_text(errno));
}

static void
check_gnuplot(const char *dir, struct finding *fi)
{
	const char *path = getenv("PATH");

	(void)dir;
	while (path != NULL && *path != '\0') {
		const size_t len = strcspn(path, ":");
		char *file = NULL;
		bool have = false;

		if (asprintf(&file, "%.*s/gnuplot", (int)len, path) < 0)
			break;
		have = len > 0 && access(file, X_OK) == 0;
		if (have)
			found(fi, true, "", "%.200s", file);
		free(file);
		if (have)
			return;
		path += len;
		path += *path == ':';
	}
	found(fi, false, "apt-get install gnuplot-nox",
	    "not in PATH: figures cannot be drawn");
}

static void
check_clock(const char *dir, struct finding *fi)
{
	(void)dir;
	clock_init(false);
	if (strcmp(clock_name(), "tsc") == 0)
		found(fi, true, "",
		    "constant and non-stop: latencies are read "
		    "from the time stamp counter");
	else
		found(fi, false, "",
		    "not constant: latencies are read from CLOCK_MONOTONIC, "
		    "at some 20 ns each");
}

static const struct check {
	const char *ch_name;
	void (*ch_run)(const char *dir, struct finding *fi);
} checks[] = {
	{ "O_DIRECT", check_direct },
	{ "disk", check_disk },
	{ "memory", check_memory },
	{ "io_uring", check_uring },
	{ "PMU", check_pmu },
	{ "perf events", check_perf },
	{ "rdpmc", check_rdpmc },
	{ "libpfm4", check_libpfm },
	{ "tracefs", check_tracefs },
	{ "userfaultfd", check_userfaultfd },
	{ "record kernel", check_record_kernel },
	{ "record preload", check_record_preload },
	{ "record valgrind", check_record_valgrind },
	{ "gnuplot", check_gnuplot },
	{ "TSC", check_clock },
};

static void
text_findings(const char *dir)
{
	for (size_t i = 0; i < nitems(checks); i++) {
		struct finding fi = { .fi_ok = false };

		checks[i].ch_run(dir, &fi);
		(void)printf("%-9s %-*s", fi.fi_ok ? "ok" : "missing",
		    NAME_COLUMNS, checks[i].ch_name);
		print_wrapped(stdout, fi.fi_text, TEXT_INDENT);
		if (*fi.fi_remedy != '\0') {
			(void)printf("%*s", TEXT_INDENT, "");
			print_wrapped(stdout, fi.fi_remedy, TEXT_INDENT);
		}
	}
}

static int
json_findings(const char *dir)
{
	json_t *array = json_array(), *root;

	for (size_t i = 0; i < nitems(checks); i++) {
		struct finding fi = { .fi_ok = false };

		checks[i].ch_run(dir, &fi);
		(void)json_array_append_new(array,
		    json_pack("{s:s, s:b, s:o, s:o}", "name", checks[i].ch_name,
			"ok", (int)fi.fi_ok, "text", json_text(fi.fi_text),
			"remedy", json_text(fi.fi_remedy)));
	}
	root = json_pack("{s:s, s:o, s:o}", "version", UVN_VERSION, "dir",
	    json_text(dir), "checks", array);
	return json_emit(root);
}

int
cmd_doctor(int argc, char **argv)
{
	const char *dir = NULL;
	bool events = false;
	const struct option_row rows[] = {
		{ "dir", '\0', OPTION_TEXT, "DIR",
		    "folder to look at (uvn-data, or . if there is none)", &dir,
		    NULL },
		{ "events", '\0', OPTION_FLAG, NULL,
		    "list instead the events that uvn replay --events takes",
		    &events, NULL },
	};
	const struct command_line cl = {
		.cl_command = "doctor",
		.cl_operands = "",
		.cl_help = "Try what uvn uses of this host, and say what is "
			   "missing and how to get it.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
	};
	struct options op;
	int status = UVN_OK;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (dir == NULL)
		dir = access("uvn-data", W_OK) == 0 ? "uvn-data" : ".";
	if (events)
		status = doctor_events(op.op_json);
	else if (op.op_json)
		status = json_findings(dir);
	else
		text_findings(dir);
	options_fini(&op);
	return status;
}
