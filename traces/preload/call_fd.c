#include "traces/preload/call.h"

#include <stdarg.h>

/* Functions that change what descriptors mean, or move within files. */

EXPORT int
close(int fd)
{
	const bool said = guards() && file_known(fd);
	int ret;

	if (on() && own_p(fd)) {
		errno = EBADF;
		return -1;
	}
	if (said)
		CALL(CLOSE, U(fd));
	ret = real.close(fd);
	if (said)
		RETURN(CLOSE, call_result(ret));
	if (fd >= 0)
		file_forget((unsigned)fd, (unsigned)fd);
	return ret;
}
EXPORT_AS(__close, close);

EXPORT int
close_range(unsigned first, unsigned last, int flags)
{
	long ret;

	(void)on();
	CALL(CLOSE_RANGE, first, last, U(flags));
	ret = own_close_range(first, last, flags);
	RETURN(CLOSE_RANGE, ret);
	if (first <= last)
		file_forget(first, last);
	return (int)call_errno(ret);
}

EXPORT void
closefrom(int first)
{
	if (!on()) {
		real.closefrom(first);
		return;
	}
	/* Where the kernel lacks close_range(2), one by one. */
	first = first > 0 ? first : 0;
	if (close_range((unsigned)first, ~0U, 0) != 0)
		for (int fd = first; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			(void)close(fd);
}

static int
dupped(int fd, int old)
{
	if (fd >= 0)
		file_like(fd, old);
	return fd;
}

EXPORT int
dup(int old)
{
	const bool said = guards() && file_known(old);
	int fd;

	if (said)
		CALL(DUP, U(old));
	(void)on();
	fd = real.dup(old);
	if (said)
		RETURN(DUP, call_result(fd));
	return dupped(fd, old);
}

#define DUPS(name, SYS, params, args, ...)                                     \
	EXPORT int name params                                                 \
	{                                                                      \
		const bool said =                                              \
		    guards() && (file_known(old) || file_known(new));          \
		int fd;                                                        \
                                                                               \
		if (on())                                                      \
			own_yield(new);                                        \
		if (said)                                                      \
			CALL(SYS, __VA_ARGS__);                                \
		fd = real.name args;                                           \
		if (said)                                                      \
			RETURN(SYS, call_result(fd));                          \
		return dupped(fd, old);                                        \
	}

DUPS(dup2, DUP2, (int old, int new), (old, new), U(old), U(new))
DUPS(dup3, DUP3, (int old, int new, int flags), (old, new, flags), U(old),
    U(new), U(flags))

EXPORT int
fcntl(int fd, int cmd, ...)
{
	const bool makes = cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
	const bool said = (makes || cmd == F_SETFD || cmd == F_SETFL) &&
	    guards() && file_known(fd);
	va_list ap;
	long arg;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	(void)on();
	if (said)
		CALL(FCNTL, U(fd), U(cmd), U(arg));
	ret = real.fcntl(fd, cmd, arg);
	if (said)
		RETURN(FCNTL, call_result(ret));
	return makes ? dupped(ret, fd) : ret;
}
EXPORT_AS(fcntl64, fcntl);
EXPORT_AS(__fcntl, fcntl);

EXPORT off_t
lseek(int fd, off_t off, int whence)
{
	const bool said = guards() && file_known(fd);
	off_t ret;

	(void)on();
	if (said)
		CALL(LSEEK, U(fd), U(off), U(whence));
	ret = real.lseek(fd, off, whence);
	if (said)
		RETURN(LSEEK, call_result(ret));
	return ret;
}
EXPORT_AS(lseek64, lseek);
EXPORT_AS(__lseek, lseek);
EXPORT_AS(llseek, lseek);

#define COPIES(name, SYS, params, args, a, b, ...)                             \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		const bool said =                                              \
		    guards() && (file_known(a) || file_known(b));              \
		ssize_t ret;                                                   \
                                                                               \
		(void)on();                                                    \
		if (said)                                                      \
			CALL(SYS, __VA_ARGS__);                                \
		ret = real.name args;                                          \
		if (said)                                                      \
			RETURN(SYS, call_result(ret));                         \
		return ret;                                                    \
	}

COPIES(sendfile, SENDFILE, (int out, int in, off_t *off, size_t n),
    (out, in, off, n), out, in, U(out), U(in), to_addr(off), n)
COPIES(splice, SPLICE,
    (int in, off_t *inoff, int out, off_t *outoff, size_t n, unsigned flags),
    (in, inoff, out, outoff, n, flags), in, out, U(in), to_addr(inoff), U(out),
    to_addr(outoff), n, flags)
COPIES(copy_file_range, COPY_FILE_RANGE,
    (int in, off_t *inoff, int out, off_t *outoff, size_t n, unsigned flags),
    (in, inoff, out, outoff, n, flags), in, out, U(in), to_addr(inoff), U(out),
    to_addr(outoff), n, flags)
EXPORT_AS(sendfile64, sendfile);
