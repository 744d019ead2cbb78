#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/record_i.h"

bool
proc_dynamic(uint32_t pid)
{
	char path[64];
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	bool found = false;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return true; /* gone already, or not ours to see */
	if (pread(fd, &eh, sizeof(eh), 0) == (ssize_t)sizeof(eh) &&
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) == 0)
		for (unsigned i = 0; i < eh.e_phnum && !found; i++)
			found = pread(fd, &ph, sizeof(ph),
				    (off_t)(eh.e_phoff +
					(uint64_t)i * eh.e_phentsize)) ==
				(ssize_t)sizeof(ph) &&
			    ph.p_type == PT_INTERP;
	(void)close(fd);
	return found;
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
