/*
 * call_file.c: calls that open, close, sync, cut and name files.
 *
 * In all modes what has been opened is said, and calls that write pages back
 * empty the window first.  Mode preload tells of the calls, too, where they are
 * about regular files.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "traces/preload/preload.h"

NEXT(open);
NEXT(openat);
NEXT(creat);
NEXT(fopen);
NEXT(freopen);
NEXT(fclose);
NEXT(tmpfile);
NEXT(mkstemp);
NEXT(mkostemp);
NEXT(mkstemps);
NEXT(mkostemps);
NEXT(memfd_create);
NEXT(shm_open);
NEXT(recvmsg);
NEXT(close);
NEXT(closefrom);
NEXT(fsync);
NEXT(fdatasync);
NEXT(sync);
NEXT(syncfs);
NEXT(sync_file_range);
NEXT(ftruncate);
NEXT(truncate);
NEXT(fallocate);
NEXT(posix_fallocate);

/* A path of the program's, where no page is closed. */
struct path {
	char pa_text[RAW_TEXT_MAX];
};

static const char *
path_copy(struct path *pa, const char *text)
{
	size_t n = 0;

	if (text == NULL || !in_mode(RING_PRELOAD))
		return NULL;
	for (; n < sizeof(pa->pa_text) - 1 && text[n] != '\0'; n++)
		pa->pa_text[n] = text[n];
	pa->pa_text[n] = '\0';
	return pa->pa_text;
}

static void
tell_call(enum raw_sysno sys, const uint64_t arg[6], const char *path,
    const char *path2)
{
	struct mask ma;

	if (!in_mode(RING_PRELOAD))
		return;
	mask_block(&ma);
	log_call(sys, arg, path, path2);
	mask_restore(&ma);
}

static void
tell_return(enum raw_sysno sys, long ret)
{
	struct mask ma;

	if (!in_mode(RING_PRELOAD))
		return;
	mask_block(&ma);
	log_return(sys, ret);
	mask_restore(&ma);
}

/* -1 and errno as the kernel has it. */
static long
kernel_ret(long ret)
{
	return ret == -1 ? -errno : ret;
}

/*
 * What has been opened, as a call of openat(2), whichever function it was.  The
 * path is not told: FILE says what it is.
 */
static int
opened(int fd, int flags)
{
	const uint64_t arg[6] = { (uint64_t)AT_FDCWD, 0, (uint64_t)flags };
	const int saved = errno;
	struct stat st;

	if (!recording() || fd < 0)
		return fd;
	if (in_mode(RING_PRELOAD) && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode)) {
		tell_call(RAW_SYS_OPENAT, arg, NULL, NULL);
		tell_return(RAW_SYS_OPENAT, fd);
	}
	(void)say_fd(fd);
	errno = saved;
	return fd;
}

static bool
wants_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

EXPORT int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	preload_start();
	va_start(ap, flags);
	if (wants_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return opened(CALL_NEXT(open)(path, flags, mode), flags);
}

EXPORT int
open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	preload_start();
	va_start(ap, flags);
	if (wants_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return opened(CALL_NEXT(open)(path, flags | O_LARGEFILE, mode), flags);
}

EXPORT int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	preload_start();
	va_start(ap, flags);
	if (wants_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return opened(CALL_NEXT(openat)(dir, path, flags, mode), flags);
}

EXPORT int
openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	preload_start();
	va_start(ap, flags);
	if (wants_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return opened(CALL_NEXT(openat)(dir, path, flags | O_LARGEFILE, mode),
	    flags);
}

/* What _FORTIFY_SOURCE makes of open(2) without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
	preload_start();
	return opened(CALL_NEXT(open)(path, flags, 0), flags);
}

EXPORT int
__open64_2(const char *path, int flags)
{
	preload_start();
	return opened(CALL_NEXT(open)(path, flags | O_LARGEFILE, 0), flags);
}

EXPORT int
__openat_2(int dir, const char *path, int flags)
{
	preload_start();
	return opened(CALL_NEXT(openat)(dir, path, flags, 0), flags);
}

EXPORT int
__openat64_2(int dir, const char *path, int flags)
{
	preload_start();
	return opened(CALL_NEXT(openat)(dir, path, flags | O_LARGEFILE, 0),
	    flags);
}

#define CREAT (O_CREAT | O_WRONLY | O_TRUNC)

EXPORT int
creat(const char *path, mode_t mode)
{
	preload_start();
	return opened(CALL_NEXT(creat)(path, mode), CREAT);
}

EXPORT int
creat64(const char *path, mode_t mode)
{
	preload_start();
	return opened(CALL_NEXT(creat)(path, mode), CREAT);
}

/* What a stream's mode means to open(2). */
static int
stream_flags(const char *mode)
{
	const bool plus = strchr(mode, '+') != NULL;

	if (*mode == 'w')
		return (plus ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC;
	if (*mode == 'a')
		return (plus ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
	return plus ? O_RDWR : O_RDONLY;
}

static FILE *
stream_opened(FILE *fp, const char *mode)
{
	if (fp != NULL && recording())
		(void)opened(fileno(fp), stream_flags(mode));
	return fp;
}

EXPORT FILE *
fopen(const char *path, const char *mode)
{
	preload_start();
	return stream_opened(CALL_NEXT(fopen)(path, mode), mode);
}

EXPORT FILE *
fopen64(const char *path, const char *mode)
{
	preload_start();
	return stream_opened(CALL_NEXT(fopen)(path, mode), mode);
}

EXPORT FILE *
freopen(const char *path, const char *mode, FILE *fp)
{
	preload_start();
	return stream_opened(CALL_NEXT(freopen)(path, mode, fp), mode);
}

EXPORT FILE *
freopen64(const char *path, const char *mode, FILE *fp)
{
	preload_start();
	return stream_opened(CALL_NEXT(freopen)(path, mode, fp), mode);
}

EXPORT FILE *
tmpfile(void)
{
	preload_start();
	return stream_opened(CALL_NEXT(tmpfile)(), "w+");
}

EXPORT FILE *
tmpfile64(void)
{
	preload_start();
	return stream_opened(CALL_NEXT(tmpfile)(), "w+");
}

#define NEW_FILE (O_RDWR | O_CREAT | O_EXCL)

/* mkstemp(3) and its kin, each with its name for large files. */
#define MKTEMP(name, params, args)                                             \
	EXPORT int name params                                                 \
	{                                                                      \
		preload_start();                                               \
		return opened(CALL_NEXT(name) args, NEW_FILE);                 \
	}                                                                      \
	EXPORT int name##64 params                                             \
	{                                                                      \
		preload_start();                                               \
		return opened(CALL_NEXT(name) args, NEW_FILE);                 \
	}
MKTEMP(mkstemp, (char *path), (path))
MKTEMP(mkostemp, (char *path, int flags), (path, flags))
MKTEMP(mkstemps, (char *path, int n), (path, n))
MKTEMP(mkostemps, (char *path, int n, int flags), (path, n, flags))

EXPORT int
memfd_create(const char *name, unsigned flags)
{
	preload_start();
	return opened(CALL_NEXT(memfd_create)(name, flags), NEW_FILE);
}

EXPORT int
shm_open(const char *name, int flags, mode_t mode)
{
	preload_start();
	return opened(CALL_NEXT(shm_open)(name, flags, mode), flags);
}

/* Descriptors that have come by a socket. */
EXPORT ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	const ssize_t n = CALL_NEXT(recvmsg)(fd, msg, flags);

	for (struct cmsghdr *cm = n >= 0 && recording() ? CMSG_FIRSTHDR(msg) :
							  NULL;
	     cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		const size_t len = cm->cmsg_len - CMSG_LEN(0);
		int one;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(one) <= len; i += sizeof(one)) {
			memcpy(&one, CMSG_DATA(cm) + i, sizeof(one));
			(void)opened(one, O_RDWR);
		}
	}
	return n;
}

EXPORT int
close(int fd)
{
	const uint64_t arg[6] = { (uint64_t)fd };
	int ret;

	preload_start();
	if (is_ours(fd)) {
		errno = EBADF;
		return -1;
	}
	tell_call(RAW_SYS_CLOSE, arg, NULL, NULL);
	ret = CALL_NEXT(close)(fd);
	tell_return(RAW_SYS_CLOSE, kernel_ret(ret));
	return ret;
}

EXPORT int
fclose(FILE *fp)
{
	const int fd = fp != NULL ? fileno(fp) : -1;
	const uint64_t arg[6] = { (uint64_t)fd };
	int ret;

	preload_start();
	if (fd >= 0)
		tell_call(RAW_SYS_CLOSE, arg, NULL, NULL);
	ret = CALL_NEXT(fclose)(fp);
	if (fd >= 0)
		tell_return(RAW_SYS_CLOSE, 0);
	return ret;
}

/* The next descriptor of ours in [from, to], or to + 1. */
static unsigned
next_ours(unsigned from, unsigned to)
{
	unsigned next = to == UINT32_MAX ? to : to + 1;

	for (size_t i = 0; recording() && i < nitems(preload.pl_fds); i++) {
		const int fd = preload.pl_fds[i];

		if (fd >= 0 && (unsigned)fd >= from && (unsigned)fd < next)
			next = (unsigned)fd;
	}
	return next;
}

/* All of [from, to] but ours. */
static long
close_around(unsigned from, unsigned to, int flags)
{
	const uint64_t arg[6] = { from, to, (uint64_t)flags };
	long ret = 0;

	tell_call(RAW_SYS_CLOSE_RANGE, arg, NULL, NULL);
	while (ret == 0) {
		const unsigned next = next_ours(from, to);

		if (next > from || next == UINT32_MAX)
			ret = SYS3(SYS_close_range, from,
			    next > to || next == UINT32_MAX ? to : next - 1,
			    flags);
		if (next >= to)
			break;
		from = next + 1;
	}
	tell_return(RAW_SYS_CLOSE_RANGE, ret);
	return ret;
}

EXPORT int
close_range(unsigned from, unsigned to, int flags)
{
	preload_start();
	return (int)result(close_around(from, to, flags));
}

EXPORT void
closefrom(int from)
{
	preload_start();
	if (close_around(from > 0 ? (unsigned)from : 0, UINT32_MAX, 0) < 0 &&
	    !recording())
		CALL_NEXT(closefrom)(from);
}

static int
dup_to(int fd, int to, int flags)
{
	const uint64_t arg[6] = { (uint64_t)fd, (uint64_t)to, (uint64_t)flags };
	long ret;

	preload_start();
	/* Ours make room. */
	for (size_t i = 0; i < nitems(preload.pl_fds); i++)
		if (recording() && to >= 0 && to == preload.pl_fds[i])
			preload.pl_fds[i] = hide_fd(to);
	tell_call(RAW_SYS_DUP3, arg, NULL, NULL);
	ret = SYS3(SYS_dup3, fd, to, flags);
	tell_return(RAW_SYS_DUP3, ret);
	return (int)result(ret);
}

EXPORT int
dup2(int fd, int to)
{
	if (fd == to)
		return fcntl(fd, F_GETFD) == -1 ? -1 : to;
	return dup_to(fd, to, 0);
}

EXPORT int
dup3(int fd, int to, int flags)
{
	return dup_to(fd, to, flags);
}

EXPORT int
dup(int fd)
{
	const uint64_t arg[6] = { (uint64_t)fd };
	long ret;

	preload_start();
	if (is_ours(fd)) {
		errno = EBADF;
		return -1;
	}
	tell_call(RAW_SYS_DUP, arg, NULL, NULL);
	ret = SYS1(SYS_dup, fd);
	tell_return(RAW_SYS_DUP, ret);
	return (int)result(ret);
}

/* What writes back, of a file or of all. */
#define SYNC(NAME, name, params, args, ...)                                    \
	EXPORT int name params                                                 \
	{                                                                      \
		const uint64_t arg[6] = { __VA_ARGS__ };                       \
		int ret;                                                       \
                                                                               \
		preload_start();                                               \
		if (recording())                                               \
			see_anew();                                            \
		tell_call(RAW_SYS_##NAME, arg, NULL, NULL);                    \
		ret = CALL_NEXT(name) args;                                    \
		tell_return(RAW_SYS_##NAME, kernel_ret(ret));                  \
		return ret;                                                    \
	}
SYNC(FSYNC, fsync, (int fd), (fd), (uint64_t)fd)
SYNC(FDATASYNC, fdatasync, (int fd), (fd), (uint64_t)fd)
SYNC(SYNCFS, syncfs, (int fd), (fd), (uint64_t)fd)
SYNC(SYNC_FILE_RANGE, sync_file_range,
    (int fd, off64_t from, off64_t n, unsigned flags), (fd, from, n, flags),
    (uint64_t)fd, (uint64_t)from, (uint64_t)n, flags)

EXPORT void
sync(void)
{
	const uint64_t arg[6] = { 0 };

	preload_start();
	if (recording())
		see_anew();
	tell_call(RAW_SYS_SYNC, arg, NULL, NULL);
	CALL_NEXT(sync)();
	tell_return(RAW_SYS_SYNC, 0);
}

/* What changes a size: told in mode preload only, and nothing else to do. */
#define SIZE(NAME, name, next, params, args, ...)                              \
	EXPORT int name params                                                 \
	{                                                                      \
		const uint64_t arg[6] = { __VA_ARGS__ };                       \
		int ret;                                                       \
                                                                               \
		preload_start();                                               \
		tell_call(RAW_SYS_##NAME, arg, NULL, NULL);                    \
		ret = CALL_NEXT(next) args;                                    \
		tell_return(RAW_SYS_##NAME, kernel_ret(ret));                  \
		return ret;                                                    \
	}
SIZE(FTRUNCATE, ftruncate, ftruncate, (int fd, off_t size), (fd, size),
    (uint64_t)fd, (uint64_t)size)
SIZE(FTRUNCATE, ftruncate64, ftruncate, (int fd, off64_t size), (fd, size),
    (uint64_t)fd, (uint64_t)size)
SIZE(FALLOCATE, fallocate, fallocate,
    (int fd, int mode, off_t offset, off_t len), (fd, mode, offset, len),
    (uint64_t)fd, (uint64_t)mode, (uint64_t)offset, (uint64_t)len)
SIZE(FALLOCATE, fallocate64, fallocate,
    (int fd, int mode, off64_t offset, off64_t len), (fd, mode, offset, len),
    (uint64_t)fd, (uint64_t)mode, (uint64_t)offset, (uint64_t)len)

/* An error is returned, not in errno. */
static int
allocate(int fd, off_t offset, off_t len)
{
	const uint64_t arg[6] = { (uint64_t)fd, 0, (uint64_t)offset,
		(uint64_t)len };
	int error;

	preload_start();
	tell_call(RAW_SYS_FALLOCATE, arg, NULL, NULL);
	error = CALL_NEXT(posix_fallocate)(fd, offset, len);
	tell_return(RAW_SYS_FALLOCATE, -error);
	return error;
}

EXPORT int
posix_fallocate(int fd, off_t offset, off_t len)
{
	return allocate(fd, offset, len);
}

EXPORT int
posix_fallocate64(int fd, off64_t offset, off64_t len)
{
	return allocate(fd, offset, len);
}

static int
cut_path(const char *path, off_t size)
{
	const uint64_t arg[6] = { 0, (uint64_t)size };
	struct path pa;
	int ret;

	preload_start();
	if (recording())
		say_path(AT_FDCWD, path, -1, true);
	tell_call(RAW_SYS_TRUNCATE, arg, path_copy(&pa, path), NULL);
	ret = CALL_NEXT(truncate)(path, size);
	tell_return(RAW_SYS_TRUNCATE, kernel_ret(ret));
	return ret;
}

EXPORT int
truncate(const char *path, off_t size)
{
	return cut_path(path, size);
}

EXPORT int
truncate64(const char *path, off64_t size)
{
	return cut_path(path, size);
}

static int
remove_at(int dir, const char *path, int flags)
{
	const uint64_t arg[6] = { (uint64_t)dir, 0, (uint64_t)flags };
	struct path pa;
	long ret;

	preload_start();
	if (recording())
		say_path(dir, path, -1, false);
	tell_call(RAW_SYS_UNLINKAT, arg, path_copy(&pa, path), NULL);
	ret = SYS3(SYS_unlinkat, dir, path, flags);
	tell_return(RAW_SYS_UNLINKAT, ret);
	return (int)result(ret);
}

EXPORT int
unlink(const char *path)
{
	return remove_at(AT_FDCWD, path, 0);
}

EXPORT int
unlinkat(int dir, const char *path, int flags)
{
	return remove_at(dir, path, flags);
}

EXPORT int
remove(const char *path)
{
	const int saved = errno;

	if (remove_at(AT_FDCWD, path, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	errno = saved;
	return remove_at(AT_FDCWD, path, AT_REMOVEDIR);
}

static int
rename_at(int from, const char *path, int to, const char *path2, unsigned flags)
{
	const uint64_t arg[6] = { (uint64_t)from, 0, (uint64_t)to, 0, flags };
	struct path pa, pa2;
	long ret;

	preload_start();
	if (recording()) {
		say_path(from, path, -1, false);
		say_path(to, path2, -2, false);
	}
	tell_call(RAW_SYS_RENAMEAT2, arg, path_copy(&pa, path),
	    path_copy(&pa2, path2));
	ret = sys6(SYS_renameat2, from, (long)path, to, (long)path2,
	    (long)flags, 0);
	tell_return(RAW_SYS_RENAMEAT2, ret);
	return (int)result(ret);
}

EXPORT int
rename(const char *path, const char *path2)
{
	return rename_at(AT_FDCWD, path, AT_FDCWD, path2, 0);
}

EXPORT int
renameat(int from, const char *path, int to, const char *path2)
{
	return rename_at(from, path, to, path2, 0);
}

EXPORT int
renameat2(int from, const char *path, int to, const char *path2, unsigned flags)
{
	return rename_at(from, path, to, path2, flags);
}
