#include "traces/preload/call.h"

#include <dirent.h>

/*
 * Functions that are of no interest but for their strings, and what they write:
 * in mode preload these may be in a map, where the kernel finds it closed.
 */

/* p is held for writing while the block lasts; and was it written to? */
#define OUTPUT(p, len)                                                         \
	__attribute__((cleanup(call_clean))) const uint64_t out_held =         \
	    call_near(p, len) ?                                                \
	    call_hold(PIN_FOREVER, to_addr(p), len, true) :                    \
	    PIN_FOREVER
#define WRITTEN(p, len)                                                        \
	do {                                                                   \
		if (out_held != PIN_FOREVER)                                   \
			call_used(to_addr(p), len, true);                      \
	} while (0)

#define ONE(name, params, args)                                                \
	EXPORT int name params                                                 \
	{                                                                      \
		STRING(path, path);                                            \
                                                                               \
		(void)on();                                                    \
		return real.name args;                                         \
	}

ONE(access, (const char *path, int mode), (path, mode))
ONE(chdir, (const char *path), (path))
ONE(chmod, (const char *path, mode_t mode), (path, mode))
ONE(faccessat, (int dirfd, const char *path, int mode, int flags),
    (dirfd, path, mode, flags))
ONE(mkdir, (const char *path, mode_t mode), (path, mode))
ONE(mkdirat, (int dirfd, const char *path, mode_t mode), (dirfd, path, mode))
ONE(rmdir, (const char *path), (path))

EXPORT DIR *
opendir(const char *path)
{
	STRING(path, path);

	(void)on();
	return real.opendir(path);
}

#define TWO(name, params, args)                                                \
	EXPORT int name params                                                 \
	{                                                                      \
		STRING(old, old);                                              \
		STRING(new, new);                                              \
                                                                               \
		(void)on();                                                    \
		return real.name args;                                         \
	}

TWO(link, (const char *old, const char *new), (old, new))
TWO(linkat,
    (int olddir, const char *old, int newdir, const char *new, int flags),
    (olddir, old, newdir, new, flags))
TWO(symlink, (const char *old, const char *new), (old, new))
TWO(symlinkat, (const char *old, int newdir, const char *new),
    (old, newdir, new))

#define STATS(name, params, args)                                              \
	EXPORT int name params                                                 \
	{                                                                      \
		STRING(path, path);                                            \
		OUTPUT(st, sizeof(*st));                                       \
		int ret;                                                       \
                                                                               \
		(void)on();                                                    \
		ret = real.name args;                                          \
		if (ret == 0)                                                  \
			WRITTEN(st, sizeof(*st));                              \
		return ret;                                                    \
	}

STATS(stat, (const char *restrict path, struct stat *restrict st), (path, st))
STATS(lstat, (const char *restrict path, struct stat *restrict st), (path, st))
STATS(fstatat,
    (int dirfd, const char *restrict path, struct stat *restrict st, int flags),
    (dirfd, path, st, flags))
STATS(statx,
    (int dirfd, const char *restrict path, int flags, unsigned mask,
	struct statx *restrict st),
    (dirfd, path, flags, mask, st))
EXPORT_AS(stat64, stat);
EXPORT_AS(lstat64, lstat);
EXPORT_AS(fstatat64, fstatat);

EXPORT int
fstat(int fd, struct stat *st)
{
	OUTPUT(st, sizeof(*st));
	int ret;

	(void)on();
	ret = real.fstat(fd, st);
	if (ret == 0)
		WRITTEN(st, sizeof(*st));
	return ret;
}
EXPORT_AS(fstat64, fstat);

#define LINKS(name, params, args)                                              \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		STRING(path, path);                                            \
		OUTPUT(buf, n);                                                \
		ssize_t ret;                                                   \
                                                                               \
		(void)on();                                                    \
		ret = real.name args;                                          \
		if (ret > 0)                                                   \
			WRITTEN(buf, (size_t)ret);                             \
		return ret;                                                    \
	}

LINKS(readlink, (const char *restrict path, char *restrict buf, size_t n),
    (path, buf, n))
LINKS(readlinkat,
    (int dirfd, const char *restrict path, char *restrict buf, size_t n),
    (dirfd, path, buf, n))
