#include "traces/preload/call.h"

/*
 * Functions that take paths of files.  Which file it is is said before the
 * call, for after it the path may mean nothing.
 */

static bool
named(int which, int dirfd, const char *path, int flags)
{
	return on() && file_say_path(which, dirfd, path, flags);
}

EXPORT int
unlink(const char *path)
{
	STRING(path, path);
	const bool said = named(-1, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
	int ret;

	if (said)
		CALL(UNLINK, 0);
	ret = real.unlink(path);
	if (said)
		RETURN(UNLINK, call_result(ret));
	return ret;
}

EXPORT int
remove(const char *path)
{
	STRING(path, path);
	const bool said = named(-1, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
	int ret;

	if (said)
		CALL(UNLINK, 0);
	ret = real.remove(path);
	if (said)
		RETURN(UNLINK, call_result(ret));
	return ret;
}

EXPORT int
unlinkat(int dirfd, const char *path, int flags)
{
	STRING(path, path);
	const bool said = (flags & AT_REMOVEDIR) == 0 &&
	    named(-1, dirfd, path, AT_SYMLINK_NOFOLLOW);
	int ret;

	(void)on();
	if (said)
		CALL(UNLINKAT, U(dirfd), 0, U(flags));
	ret = real.unlinkat(dirfd, path, flags);
	if (said)
		RETURN(UNLINKAT, call_result(ret));
	return ret;
}

EXPORT int
truncate(const char *path, off_t size)
{
	STRING(path, path);
	const bool said = named(-1, AT_FDCWD, path, 0);
	int ret;

	call_flush();
	if (said)
		CALL(TRUNCATE, 0, U(size));
	ret = real.truncate(path, size);
	if (said)
		RETURN(TRUNCATE, call_result(ret));
	return ret;
}
EXPORT_AS(truncate64, truncate);

/*
 * A path from the root, where the working folder is all it takes; in buf, of
 * RAW_TEXT_MAX bytes, since the program's own memory may be a map.
 */
static const char *
whole_path(int dirfd, const char *path, char *buf)
{
	const size_t len = strnlen(path, RAW_TEXT_MAX);
	long n = 0;

	if (path[0] != '/') {
		if (dirfd != AT_FDCWD)
			return NULL;
		n = sys_2(SYS_getcwd, SYS_P(buf), RAW_TEXT_MAX);
		if (n <= 0)
			return NULL;
		buf[n - 1] = '/';
	}
	if ((size_t)n + len >= RAW_TEXT_MAX)
		return NULL;
	memcpy(buf + n, path, len);
	buf[(size_t)n + len] = '\0';
	return buf;
}

static void
rename_begin(int dirfd, const char *new, const uint64_t *arg)
{
	char buf[RAW_TEXT_MAX];

	if (guards())
		call_begin(RAW_SYS_RENAMEAT2, 5, arg,
		    whole_path(dirfd, new, buf));
}

#define RENAMES(name, params, args, olddir, newdir, flags)                     \
	EXPORT int name params                                                 \
	{                                                                      \
		STRING(old, old);                                              \
		STRING(new, new);                                              \
		const bool said = named(-1, olddir, old, AT_SYMLINK_NOFOLLOW); \
		int ret;                                                       \
                                                                               \
		if (said) {                                                    \
			(void)named(-2, newdir, new, AT_SYMLINK_NOFOLLOW);     \
			rename_begin(newdir, new,                              \
			    (const uint64_t[5]){ U(olddir), 0, U(newdir), 0,   \
				U(flags) });                                   \
		}                                                              \
		ret = real.name args;                                          \
		if (said) {                                                    \
			RETURN(RENAMEAT2, call_result(ret));                   \
			file_renamed();                                        \
		}                                                              \
		return ret;                                                    \
	}

RENAMES(rename, (const char *old, const char *new), (old, new), AT_FDCWD,
    AT_FDCWD, 0)
RENAMES(renameat, (int olddir, const char *old, int newdir, const char *new),
    (olddir, old, newdir, new), olddir, newdir, 0)
RENAMES(renameat2,
    (int olddir, const char *old, int newdir, const char *new, unsigned flags),
    (olddir, old, newdir, new, flags), olddir, newdir, flags)
