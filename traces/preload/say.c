#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "traces/preload/preload.h"

#define FD_HIGH	   900 /* where ours are, if the limit allows */
#define KNOWN_BITS 12

/* Files whose path has been said, by a hash of device and inode; a collision
 * says a path once more. */
static uint64_t known[1 << KNOWN_BITS];

bool
is_ours(int fd)
{
	return recording() && fd >= 0 &&
	    (fd == preload.pl_fds[0] || fd == preload.pl_fds[1]);
}

int
hide_fd(int fd)
{
	struct rlimit rl = { .rlim_cur = 1024 };
	long high = FD_HIGH, to;

	(void)SYS2(SYS_getrlimit, RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur <= FD_HIGH)
		high = rl.rlim_cur > 16 ? (long)rl.rlim_cur - 8 : 3;
	to = SYS3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, high);
	if (to < 0)
		return fd;
	(void)SYS1(SYS_close, fd);
	return (int)to;
}

/* "/proc/self/fd/N" */
static void
fd_path(char *path, int fd)
{
	static const char folder[] = "/proc/self/fd/";
	char digits[12];
	size_t n = 0, len = sizeof(folder) - 1;

	memcpy(path, folder, len);
	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd > 0);
	while (n > 0)
		path[len++] = digits[--n];
	path[len] = '\0';
}

/* Has the file's path been said by this process?  From now on it has. */
static bool
path_known(uint64_t dev, uint64_t ino)
{
	const uint64_t key = (ino ^ dev << 40) * 0x9e3779b97f4a7c15ULL | 1;
	uint64_t *slot = &known[key >> (64 - KNOWN_BITS)];

	if (*slot == key)
		return true;
	*slot = key;
	return false;
}

static void
file_args(uint64_t *arg, int64_t fd, const struct statx *sx)
{
	arg[0] = (uint64_t)fd;
	arg[1] = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
	arg[2] = sx->stx_ino;
	arg[3] = (sx->stx_mask & STATX_BTIME) != 0 ?
	    (uint64_t)sx->stx_btime.tv_sec * 1000000000U +
		sx->stx_btime.tv_nsec :
	    0;
	arg[4] = sx->stx_size;
	arg[5] = arg[6] = RAW_UNKNOWN;
	arg[7] = sx->stx_nlink;
}

static bool
file_stat(int dirfd, const char *path, int flags, struct statx *sx)
{
	return sys6(SYS_statx, dirfd, (long)path, flags,
		   STATX_BASIC_STATS | STATX_BTIME, (long)sx, 0) == 0 &&
	    S_ISREG(sx->stx_mode);
}

bool
is_regular(int fd, int *accessp)
{
	struct statx sx;
	long flags;

	if (!file_stat(fd, "", AT_EMPTY_PATH, &sx))
		return false;
	flags = SYS2(SYS_fcntl, fd, F_GETFL);
	*accessp = flags < 0 ? O_RDWR : (int)flags & O_ACCMODE;
	return true;
}

/* The path of a descriptor, without what the kernel adds of deleted files. */
static const char *
path_of(int fd, char *path, size_t size)
{
	static const char gone[] = " (deleted)";
	char link[32];
	long n;

	fd_path(link, fd);
	n = SYS4(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	if ((size_t)n > sizeof(gone) - 1 &&
	    strcmp(path + n - (sizeof(gone) - 1), gone) == 0)
		path[(size_t)n - (sizeof(gone) - 1)] = '\0';
	return path;
}

bool
say_fd(int fd)
{
	struct raw rw = { .rw_kind = RAW_FILE, .rw_nargs = 8 };
	char path[RAW_TEXT_MAX];
	struct statx sx;
	struct mask ma;
	long v;

	if (!file_stat(fd, "", AT_EMPTY_PATH, &sx))
		return false;
	file_args(rw.rw_arg, fd, &sx);
	v = SYS3(SYS_lseek, fd, 0, SEEK_CUR);
	if (v >= 0)
		rw.rw_arg[5] = (uint64_t)v;
	v = SYS2(SYS_fcntl, fd, F_GETFL);
	if (v >= 0)
		rw.rw_arg[6] = (uint64_t)v;
	mask_block(&ma);
	if (preload.pl_mode == RING_VALGRIND) {
		log_args(RAW_FILE, 8, rw.rw_arg);
	} else {
		if (!path_known(rw.rw_arg[1], rw.rw_arg[2]))
			rw.rw_text = path_of(fd, path, sizeof(path));
		log_raw(&rw);
	}
	mask_restore(&ma);
	return true;
}

void
say_path(int dirfd, const char *path, int which, bool follow)
{
	struct raw rw = { .rw_kind = RAW_FILE, .rw_nargs = 8 };
	struct statx sx;
	struct mask ma;

	if (!file_stat(dirfd, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, &sx))
		return;
	file_args(rw.rw_arg, which, &sx);
	mask_block(&ma);
	log_args(RAW_FILE, 8, rw.rw_arg);
	mask_restore(&ma);
}

struct entry {
	uint64_t en_ino, en_off;
	uint16_t en_len;
	uint8_t en_type;
	char en_name[];
};

void
say_all(void)
{
	_Alignas(8) char buf[2048];
	const long dir = SYS4(SYS_openat, AT_FDCWD, "/proc/self/fd",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (dir < 0)
		return;
	while ((n = SYS3(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *en = (const void *)(buf + at);
			int fd = 0;

			at += en->en_len;
			if (en->en_name[0] < '0' || en->en_name[0] > '9')
				continue;
			for (const char *p = en->en_name; *p != '\0'; p++)
				fd = fd * 10 + (*p - '0');
			if (!is_ours(fd) && fd != (int)dir)
				(void)say_fd(fd);
		}
	(void)SYS1(SYS_close, dir);
}
