#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/record_i.h"

/* Does the program want an interpreter?  What is no ELF file has one. */
static bool
dynamic(int fd)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	bool found = false;

	if (pread(fd, &eh, sizeof(eh), 0) != (ssize_t)sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return true;
	for (unsigned i = 0; i < eh.e_phnum && !found; i++)
		found =
		    pread(fd, &ph, sizeof(ph),
			(off_t)(eh.e_phoff + (uint64_t)i * eh.e_phentsize)) ==
			(ssize_t)sizeof(ph) &&
		    ph.p_type == PT_INTERP;
	return found;
}

bool
proc_dynamic(uint32_t pid)
{
	char path[64];
	bool found;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return true; /* gone already, or not ours to see */
	found = dynamic(fd);
	(void)close(fd);
	return found;
}

/* The file that execvp(3) would run; -1: none. */
static int
program_open(const char *name)
{
	const char *path = secure_getenv("PATH");
	int fd = -1;

	if (strchr(name, '/') != NULL)
		return open(name, O_RDONLY | O_CLOEXEC);
	for (path = path != NULL ? path : "/usr/bin:/bin"; fd == -1;) {
		const size_t len = strcspn(path, ":");
		char *file;

		if (asprintf(&file, "%.*s/%s", (int)len, path, name) == -1)
			return -1;
		if (access(file, X_OK) == 0)
			fd = open(file, O_RDONLY | O_CLOEXEC);
		free(file);
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	return fd;
}

int
program_runs(const char *name, struct errmsg *em)
{
	const bool path = strchr(name, '/') != NULL;
	const int fd = program_open(name);
	struct stat st;
	int error = fd == -1 ? errno : 0;

	/* A program may be run and not read. */
	if (path && (error == 0 || error == EACCES))
		error = access(name, X_OK) != 0 ? errno : 0;
	if (error == 0 && fd != -1 && fstat(fd, &st) == 0 &&
	    !S_ISREG(st.st_mode))
		error = EACCES;
	if (fd != -1)
		(void)close(fd);
	return error == 0 ?
	    0 :
	    ERRMSG(em, error, "%s: cannot be run: %s", name, errno_text(error));
}

int
program_check(const char *name, struct errmsg *em)
{
	const int fd = program_open(name);
	struct stat st;
	int error = 0;

	/* That it cannot be run, or read, shows when it is. */
	if (fd == -1)
		return 0;
	if (!dynamic(fd))
		error = ERRMSG(em, ENOEXEC,
		    "%s: is linked statically, so that no library can be "
		    "loaded into it: record it as root, in mode kernel, or in "
		    "mode valgrind",
		    name);
	else if (fstat(fd, &st) == 0 && (st.st_mode & S_ISUID) != 0 &&
	    st.st_uid != getuid())
		error = ERRMSG(em, EACCES,
		    "%s: runs with another user's rights, so that no library "
		    "can be loaded into it: record it as that user",
		    name);
	(void)close(fd);
	return error;
}

/* "flags:" and "pos:" of /proc/PID/fdinfo/FD. */
static void
fdinfo(uint32_t pid, uint64_t fd, struct raw *rw)
{
	char path[64], line[128];
	FILE *fp;

	rw->rw_arg[5] = rw->rw_arg[6] = RAW_UNKNOWN;
	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fdinfo/%" PRIu64,
	    pid, fd);
	fp = fopen(path, "re");
	if (fp == NULL)
		return;
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, "pos:", 4) == 0)
			rw->rw_arg[5] = strtoull(line + 4, NULL, 10);
		else if (strncmp(line, "flags:", 6) == 0)
			rw->rw_arg[6] = strtoull(line + 6, NULL, 8);
	}
	(void)fclose(fp);
}

bool
proc_file(uint32_t pid, uint64_t fd, struct raw *rw, char *path, size_t size)
{
	static const char gone[] = " (deleted)";
	struct statx sx;
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%" PRIu32 "/fd/%" PRIu64, pid,
	    fd);
	if (statx(AT_FDCWD, link, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) !=
		0 ||
	    !S_ISREG(sx.stx_mode))
		return false;
	n = readlink(link, path, size - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	if ((size_t)n > sizeof(gone) - 1 &&
	    strcmp(path + n - (sizeof(gone) - 1), gone) == 0)
		path[(size_t)n - (sizeof(gone) - 1)] = '\0';
	*rw = (struct raw){ .rw_pid = pid,
		.rw_tid = pid,
		.rw_kind = RAW_FILE,
		.rw_nargs = 8,
		.rw_arg = { fd,
		    (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor,
		    sx.stx_ino,
		    (sx.stx_mask & STATX_BTIME) != 0 ?
			(uint64_t)sx.stx_btime.tv_sec * 1000000000U +
			    sx.stx_btime.tv_nsec :
			0,
		    sx.stx_size },
		.rw_text = path };
	rw->rw_arg[7] = sx.stx_nlink;
	fdinfo(pid, fd, rw);
	return true;
}
