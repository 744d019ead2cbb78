#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Importers have a target each: t_seeds.c sees that none is missing. */
const struct fuzz_target fuzz_targets[] = {
	{ "uvt", fuzz_uvt, fuzz_uvt_mutate },
	{ "csv", fuzz_csv, NULL },
	{ "blkparse", fuzz_import, NULL },
	{ "bpftrace", fuzz_import, NULL },
	{ "fio", fuzz_import, NULL },
	{ "lackey", fuzz_import, NULL },
	{ "msr", fuzz_import, NULL },
	{ "oracleGeneral", fuzz_import, NULL },
	{ "perf-script", fuzz_import, NULL },
	{ "perf-trace", fuzz_import, NULL },
	{ "strace", fuzz_import, NULL },
	{ "options", fuzz_options, NULL },
	{ "pager", fuzz_pager, NULL },
};
const size_t fuzz_ntargets = nitems(fuzz_targets);

const struct fuzz_target *
fuzz_target(const char *name)
{
	for (size_t i = 0; i < fuzz_ntargets; i++)
		if (strcmp(fuzz_targets[i].ft_name, name) == 0)
			return &fuzz_targets[i];
	return NULL;
}

void
fuzz_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	abort();
}

const char *
fuzz_file(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd == -1) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		FUZZ_CHECK(fd != -1, "memfd_create: %s", strerror(errno));
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		fuzz_fail(__FILE__, __LINE__, "%s", strerror(errno));
	return path;
}

static char folder[256];

static void
folder_remove(void)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/out", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

const char *
fuzz_output(void)
{
	static char path[300];

	if (path[0] == '\0') {
		const char *tmp = getenv("TMPDIR");

		(void)snprintf(folder, sizeof(folder), "%s/uvn-fuzz-XXXXXX",
		    tmp != NULL ? tmp : "/tmp");
		FUZZ_CHECK(mkdtemp(folder) != NULL, "%s: %s", folder,
		    strerror(errno));
		(void)atexit(folder_remove);
		(void)snprintf(path, sizeof(path), "%s/out", folder);
	}
	return path;
}

uint8_t
feed_byte(struct feed *fd)
{
	if (fd->fd_left == 0)
		return 0;
	fd->fd_left--;
	return *fd->fd_p++;
}

uint32_t
feed_below(struct feed *fd, uint32_t n)
{
	uint32_t v = 0;

	for (uint32_t reach = n - 1; reach != 0; reach >>= 8)
		v = v << 8 | feed_byte(fd);
	return v % n;
}
