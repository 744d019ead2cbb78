/*
 * call_io.c: mode preload: calls that read and write files, and memory that the
 * kernel uses in them.
 *
 * A buffer in a map that is watched is open while the call lasts, and what the
 * call has used of it is an access by the kernel.  Calls on other than regular
 * files are passed on, but for their buffers.
 */
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <stdio.h>

#include "traces/preload/preload.h"

NEXT(read);
NEXT(write);
NEXT(pread);
NEXT(pwrite);
NEXT(readv);
NEXT(writev);
NEXT(preadv);
NEXT(pwritev);
NEXT(preadv2);
NEXT(pwritev2);
NEXT(lseek);
NEXT(sendfile);
NEXT(copy_file_range);
NEXT(send);
NEXT(sendto);
NEXT(sendmsg);
NEXT(recv);
NEXT(recvfrom);
NEXT(fread);
NEXT(fwrite);
NEXT(fputs);
NEXT(getrandom);

#define VECTORS 16 /* buffers of one call that are looked after */

/* A call under way. */
struct io {
	bool io_told;
	enum raw_sysno io_sys;
	bool io_write; /* the kernel writes to the buffers */
	struct pin io_pins[VECTORS];
	size_t io_len[VECTORS];
	unsigned io_n;
};

static bool
regular(int fd)
{
	struct statx sx;

	return sys6(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_TYPE,
		   (long)&sx, 0) == 0 &&
	    S_ISREG(sx.stx_mode);
}

static void
begin(struct io *io, enum raw_sysno sys, int fd, uint64_t a, uint64_t b,
    uint64_t c, bool write)
{
	const uint64_t arg[6] = { (uint64_t)fd, a, b, c };
	struct mask ma;

	*io = (struct io){ .io_sys = sys, .io_write = write };
	io->io_told = regular(fd);
	if (!io->io_told)
		return;
	mask_block(&ma);
	log_call(sys, arg, NULL, NULL);
	mask_restore(&ma);
}

static void
use(struct io *io, const void *buf, size_t len)
{
	if (io->io_n == VECTORS)
		return;
	io->io_len[io->io_n] = len;
	window_pin(&io->io_pins[io->io_n++], (uintptr_t)buf, len, io->io_write);
}

static void
use_vector(struct io *io, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++)
		use(io, iov[i].iov_base, iov[i].iov_len);
	if (n > VECTORS) {
		struct mask ma;

		mask_block(&ma);
		log_note(RECORD_UNSEEN_BUFFERS, 1);
		mask_restore(&ma);
	}
}

/* The call returned; errno is what it left. */
static ssize_t
end(struct io *io, ssize_t ret)
{
	const int error = errno;
	size_t left = ret > 0 ? (size_t)ret : 0;
	struct mask ma;

	if (io->io_told) {
		mask_block(&ma);
		log_return(io->io_sys, ret == -1 ? -error : ret);
		mask_restore(&ma);
	}
	for (unsigned i = 0; i < io->io_n; i++) {
		const size_t n = left < io->io_len[i] ? left : io->io_len[i];

		window_unpin(&io->io_pins[i], n, io->io_write);
		left -= n;
	}
	errno = error;
	return ret;
}

/* One buffer, at the position; and at an offset. */
#define ONE(NAME, name, next, params, args, fd, buf, n, offset, fills)         \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		struct io io;                                                  \
                                                                               \
		if (!in_mode(RING_PRELOAD))                                    \
			return CALL_NEXT(next) args;                           \
		begin(&io, RAW_SYS_##NAME, fd, (uintptr_t)(buf), n,            \
		    (uint64_t)(offset), fills);                                \
		use(&io, buf, n);                                              \
		return end(&io, CALL_NEXT(next) args);                         \
	}
ONE(READ, read, read, (int fd, void *buf, size_t n), (fd, buf, n), fd, buf, n,
    0, true)
ONE(WRITE, write, write, (int fd, const void *buf, size_t n), (fd, buf, n), fd,
    buf, n, 0, false)
ONE(PREAD64, pread, pread, (int fd, void *buf, size_t n, off_t at),
    (fd, buf, n, at), fd, buf, n, at, true)
ONE(PREAD64, pread64, pread, (int fd, void *buf, size_t n, off64_t at),
    (fd, buf, n, at), fd, buf, n, at, true)
ONE(PWRITE64, pwrite, pwrite, (int fd, const void *buf, size_t n, off_t at),
    (fd, buf, n, at), fd, buf, n, at, false)
ONE(PWRITE64, pwrite64, pwrite, (int fd, const void *buf, size_t n, off64_t at),
    (fd, buf, n, at), fd, buf, n, at, false)

/* What _FORTIFY_SOURCE makes of them: the size of the buffer comes last. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t at, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
_Noreturn void __chk_fail(void);

EXPORT ssize_t
__read_chk(int fd, void *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return read(fd, buf, n);
}

EXPORT ssize_t
__pread_chk(int fd, void *buf, size_t n, off_t at, size_t size)
{
	if (n > size)
		__chk_fail();
	return pread(fd, buf, n, at);
}

EXPORT ssize_t
__pread64_chk(int fd, void *buf, size_t n, off64_t at, size_t size)
{
	if (n > size)
		__chk_fail();
	return pread(fd, buf, n, at);
}

/* Several buffers. */
#define MANY(NAME, name, next, params, args, fd, iov, n, offset, fills)        \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		struct io io;                                                  \
                                                                               \
		if (!in_mode(RING_PRELOAD))                                    \
			return CALL_NEXT(next) args;                           \
		begin(&io, RAW_SYS_##NAME, fd, (uintptr_t)(iov), (uint64_t)n,  \
		    (uint64_t)(offset), fills);                                \
		use_vector(&io, iov, n);                                       \
		return end(&io, CALL_NEXT(next) args);                         \
	}
MANY(READV, readv, readv, (int fd, const struct iovec *iov, int n),
    (fd, iov, n), fd, iov, n, 0, true)
MANY(WRITEV, writev, writev, (int fd, const struct iovec *iov, int n),
    (fd, iov, n), fd, iov, n, 0, false)
MANY(PREADV, preadv, preadv, (int fd, const struct iovec *iov, int n, off_t at),
    (fd, iov, n, at), fd, iov, n, at, true)
MANY(PREADV, preadv64, preadv,
    (int fd, const struct iovec *iov, int n, off64_t at), (fd, iov, n, at), fd,
    iov, n, at, true)
MANY(PWRITEV, pwritev, pwritev,
    (int fd, const struct iovec *iov, int n, off_t at), (fd, iov, n, at), fd,
    iov, n, at, false)
MANY(PWRITEV, pwritev64, pwritev,
    (int fd, const struct iovec *iov, int n, off64_t at), (fd, iov, n, at), fd,
    iov, n, at, false)
MANY(PREADV2, preadv2, preadv2,
    (int fd, const struct iovec *iov, int n, off_t at, int flags),
    (fd, iov, n, at, flags), fd, iov, n, at, true)
MANY(PREADV2, preadv64v2, preadv2,
    (int fd, const struct iovec *iov, int n, off64_t at, int flags),
    (fd, iov, n, at, flags), fd, iov, n, at, true)
MANY(PWRITEV2, pwritev2, pwritev2,
    (int fd, const struct iovec *iov, int n, off_t at, int flags),
    (fd, iov, n, at, flags), fd, iov, n, at, false)
MANY(PWRITEV2, pwritev64v2, pwritev2,
    (int fd, const struct iovec *iov, int n, off64_t at, int flags),
    (fd, iov, n, at, flags), fd, iov, n, at, false)

static off_t
seek(int fd, off_t offset, int whence)
{
	struct io io;

	if (!in_mode(RING_PRELOAD))
		return CALL_NEXT(lseek)(fd, offset, whence);
	begin(&io, RAW_SYS_LSEEK, fd, (uint64_t)offset, (uint64_t)whence, 0,
	    false);
	return end(&io, CALL_NEXT(lseek)(fd, offset, whence));
}

EXPORT off_t
lseek(int fd, off_t offset, int whence)
{
	return seek(fd, offset, whence);
}

EXPORT off64_t
lseek64(int fd, off64_t offset, int whence)
{
	return seek(fd, offset, whence);
}

/* Between files: told if either side is a regular one. */
static ssize_t
copied(enum raw_sysno sys, const uint64_t arg[6], int a, int b, ssize_t ret)
{
	const int error = errno;
	struct mask ma;

	if (regular(a) || regular(b)) {
		mask_block(&ma);
		log_call(sys, arg, NULL, NULL);
		log_return(sys, ret == -1 ? -error : ret);
		mask_restore(&ma);
	}
	errno = error;
	return ret;
}

static ssize_t
send_file(int out, int in, off_t *offset, size_t n)
{
	const uint64_t arg[6] = { (uint64_t)out, (uint64_t)in,
		(uintptr_t)offset, n };
	const ssize_t ret = CALL_NEXT(sendfile)(out, in, offset, n);

	return in_mode(RING_PRELOAD) ?
	    copied(RAW_SYS_SENDFILE, arg, out, in, ret) :
	    ret;
}

EXPORT ssize_t
sendfile(int out, int in, off_t *offset, size_t n)
{
	return send_file(out, in, offset, n);
}

EXPORT ssize_t
sendfile64(int out, int in, off64_t *offset, size_t n)
{
	return send_file(out, in, offset, n);
}

EXPORT ssize_t
copy_file_range(int in, off64_t *inoff, int out, off64_t *outoff, size_t n,
    unsigned flags)
{
	const uint64_t arg[6] = { (uint64_t)in, (uintptr_t)inoff, (uint64_t)out,
		(uintptr_t)outoff, n, flags };
	const ssize_t ret =
	    CALL_NEXT(copy_file_range)(in, inoff, out, outoff, n, flags);

	return in_mode(RING_PRELOAD) ?
	    copied(RAW_SYS_COPY_FILE_RANGE, arg, in, out, ret) :
	    ret;
}

/* Sockets and the like: only the buffer matters. */
#define BUFFER(name, type, params, args, buf, n, fills, used)                  \
	EXPORT type name params                                                \
	{                                                                      \
		const size_t len = n;                                          \
		struct pin pi;                                                 \
		type ret;                                                      \
		int error;                                                     \
                                                                               \
		if (!in_mode(RING_PRELOAD) || !maps_near((uintptr_t)buf, len)) \
			return CALL_NEXT(name) args;                           \
		window_pin(&pi, (uintptr_t)(buf), len, fills);                 \
		ret = CALL_NEXT(name) args;                                    \
		error = errno;                                                 \
		window_unpin(&pi, used, fills);                                \
		errno = error;                                                 \
		return ret;                                                    \
	}
#define RETURNED (ret > 0 ? (size_t)ret : 0)
BUFFER(send, ssize_t, (int fd, const void *buf, size_t n, int flags),
    (fd, buf, n, flags), buf, n, false, RETURNED)
BUFFER(sendto, ssize_t,
    (int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to,
	socklen_t tolen),
    (fd, buf, n, flags, to, tolen), buf, n, false, RETURNED)
BUFFER(recv, ssize_t, (int fd, void *buf, size_t n, int flags),
    (fd, buf, n, flags), buf, n, true, RETURNED)
BUFFER(recvfrom, ssize_t,
    (int fd, void *restrict buf, size_t n, int flags, __SOCKADDR_ARG from,
	socklen_t *restrict fromlen),
    (fd, buf, n, flags, from, fromlen), buf, n, true, RETURNED)
BUFFER(getrandom, ssize_t, (void *buf, size_t n, unsigned flags),
    (buf, n, flags), buf, n, true, RETURNED)
BUFFER(fread, size_t,
    (void *restrict buf, size_t size, size_t n, FILE *restrict fp),
    (buf, size, n, fp), buf, size *n, true, ret *size)
BUFFER(fwrite, size_t,
    (const void *restrict buf, size_t size, size_t n, FILE *restrict fp),
    (buf, size, n, fp), buf, size *n, false, ret *size)
BUFFER(fputs, int, (const char *restrict s, FILE *restrict fp), (s, fp), s,
    strlen(s) + 1, false, len)

EXPORT ssize_t
__recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	if (n > size)
		__chk_fail();
	return recv(fd, buf, n, flags);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct io io = { .io_write = false };

	if (in_mode(RING_PRELOAD))
		use_vector(&io, msg->msg_iov, (int)msg->msg_iovlen);
	return end(&io, CALL_NEXT(sendmsg)(fd, msg, flags));
}
