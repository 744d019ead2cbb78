#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "traces/record_i.h"

#define TRACEFS "/sys/kernel/tracing"

/* Not in glibc 2.36's headers under this name everywhere. */
#define FSCONFIG_CREATE 6 /* FSCONFIG_CMD_CREATE */

static bool
has_events(int fd)
{
	return faccessat(fd, "events/raw_syscalls/sys_enter/format", R_OK, 0) ==
	    0;
}

/* A tracefs of our own that is mounted nowhere. */
static int
detached(void)
{
	const int fs = (int)syscall(SYS_fsopen, "tracefs", 1);
	int fd = -1;

	if (fs == -1)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, 1, 0);
	(void)close(fs);
	return fd;
}

int
tracefs_open(int *fdp, struct errmsg *em)
{
	int fd = open(TRACEFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (fd != -1 && has_events(fd)) {
		*fdp = fd;
		return 0;
	}
	if (fd != -1)
		(void)close(fd);
	fd = detached();
	error = errno;
	if (fd != -1 && has_events(fd)) {
		*fdp = fd;
		return 0;
	}
	if (fd != -1)
		(void)close(fd);
	else if (error == EPERM || error == EACCES)
		return ERRMSG(em, error,
		    "tracefs: %s: run as root, or mount it and let it be read "
		    "(mount -t tracefs -o mode=755 tracefs " TRACEFS ")",
		    errno_text(error));
	return ERRMSG(em, ENOENT,
	    "tracefs: the kernel has no tracepoints of system calls "
	    "(CONFIG_FTRACE_SYSCALLS)");
}

/* All of a small file below fd, NUL-ended; NULL: it cannot be read. */
static char *
slurp(int fd, const char *path)
{
	const int file = openat(fd, path, O_RDONLY | O_CLOEXEC);
	const size_t cap = 16384;
	char *text = malloc(cap);
	ssize_t n = 0;
	size_t len = 0;

	while (file != -1 && text != NULL && len < cap - 1 &&
	    (n = read(file, text + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	if (file != -1)
		(void)close(file);
	if (file == -1 || text == NULL || n < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* "field:long ret;	offset:16;	size:8;" */
static bool
field_find(const char *format, const char *field, uint32_t *offp)
{
	const size_t len = strlen(field);
	const char *p = format;

	while ((p = strstr(p, field)) != NULL) {
		const char *off = strstr(p, "offset:");

		if (p > format && p[-1] == ' ' &&
		    (p[len] == ';' || p[len] == '[') && off != NULL) {
			*offp = (uint32_t)strtoul(off + 7, NULL, 10);
			return true;
		}
		p += len;
	}
	return false;
}

int
tracefs_point(int fd, const char *name, const char *const *fields, size_t n,
    struct tracepoint *tp, struct errmsg *em)
{
	char path[128];
	char *format;
	const char *id;
	int error = 0;

	(void)snprintf(path, sizeof(path), "events/%s/format", name);
	format = slurp(fd, path);
	id = format != NULL ? strstr(format, "ID: ") : NULL;
	if (id == NULL)
		error = ERRMSG(em, ENOENT, "tracefs: no tracepoint %s", name);
	else
		tp->tp_id = (uint32_t)strtoul(id + 4, NULL, 10);
	for (size_t i = 0; error == 0 && i < n; i++)
		if (!field_find(format, fields[i], &tp->tp_off[i]))
			error = ERRMSG(em, ENOENT,
			    "tracefs: tracepoint %s has no field %s", name,
			    fields[i]);
	free(format);
	return error;
}
