#include "traces/preload/call.h"

/*
 * Functions that move bytes between descriptors and memory.  In mode preload
 * they are logged where the descriptor is a file, and their memory is held open
 * where it is a map.
 */

/* One such call. */
struct io {
	enum raw_sysno io_sys; /* RAW_NSYS: is not logged */
	bool io_said;	       /* was logged */
	bool io_fills;	       /* writes to the memory */
	uint64_t io_id;	       /* of what is held */
	const struct iovec *io_iov;
	size_t io_n;
	struct iovec io_one;
};

extern void __chk_fail(void) __attribute__((noreturn));

/* Declares io, which lets go of its memory if the call is cancelled. */
#define IO(SYS, fills)                                                         \
	__attribute__((cleanup(io_clean))) struct io io = { .io_sys = (SYS),   \
		.io_fills = (fills) }

static void
io_clean(const struct io *io)
{
	call_release(io->io_id);
}

static void
io_hold(struct io *io, const void *p, size_t len, bool write)
{
	if (call_near(p, len))
		io->io_id = call_hold(io->io_id, to_addr(p), len, write);
}

/* The call begins: its arguments, the first of which is the descriptor. */
static void
io_log(struct io *io, const uint64_t *arg, size_t n)
{
	io->io_said =
	    io->io_sys != RAW_NSYS && guards() && file_known((int)arg[0]);
	if (io->io_said)
		call_begin(io->io_sys, n, arg, NULL);
}

/* Its memory, in one piece or many. */
static void
io_memory(struct io *io, const void *buf, size_t len)
{
	io->io_one = (struct iovec){ to_ptr(to_addr(buf)), len };
	io->io_n = 1;
	io_hold(io, buf, len, io->io_fills);
}

static void
io_vector(struct io *io, const struct iovec *iov, size_t n)
{
	io->io_iov = iov;
	io->io_n = n;
	if (!guards() || atomic_load(&lib.lb_hi) == 0)
		return;
	io_hold(io, iov, n * sizeof(*iov), false);
	for (size_t i = 0; i < n; i++)
		io_hold(io, iov[i].iov_base, iov[i].iov_len, io->io_fills);
}

/* It has ended with a result, or -1, and has moved so many bytes. */
static void
io_end(struct io *io, long ret, size_t moved)
{
	for (size_t i = 0;
	     io->io_id != PIN_FOREVER && i < io->io_n && moved > 0; i++) {
		const struct iovec *iov =
		    io->io_iov != NULL ? &io->io_iov[i] : &io->io_one;
		const size_t n = iov->iov_len < moved ? iov->iov_len : moved;

		call_used(to_addr(iov->iov_base), n, io->io_fills);
		moved -= n;
	}
	call_release(io->io_id);
	io->io_id = PIN_FOREVER;
	if (io->io_said)
		call_end(io->io_sys, call_result(ret));
}

static size_t
bytes(ssize_t ret)
{
	return ret > 0 ? (size_t)ret : 0;
}

#define MOVES(name, SYS, fills, params, args, buf, len, ...)                   \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		static const enum raw_sysno sys = SYS;                         \
		IO(sys, fills);                                                \
		const uint64_t arg[] = { __VA_ARGS__ };                        \
		ssize_t ret;                                                   \
                                                                               \
		if (unlikely(guards())) {                                      \
			io_log(&io, arg, nitems(arg));                         \
			io_memory(&io, buf, len);                              \
		}                                                              \
		ret = real.name args;                                          \
		io_end(&io, ret, bytes(ret));                                  \
		return ret;                                                    \
	}

MOVES(read, RAW_SYS_READ, true, (int fd, void *buf, size_t n), (fd, buf, n),
    buf, n, U(fd), to_addr(buf), n)
MOVES(write, RAW_SYS_WRITE, false, (int fd, const void *buf, size_t n),
    (fd, buf, n), buf, n, U(fd), to_addr(buf), n)
MOVES(pread, RAW_SYS_PREAD64, true, (int fd, void *buf, size_t n, off_t off),
    (fd, buf, n, off), buf, n, U(fd), to_addr(buf), n, U(off))
MOVES(pwrite, RAW_SYS_PWRITE64, false,
    (int fd, const void *buf, size_t n, off_t off), (fd, buf, n, off), buf, n,
    U(fd), to_addr(buf), n, U(off))
MOVES(send, RAW_NSYS, false, (int fd, const void *buf, size_t n, int flags),
    (fd, buf, n, flags), buf, n, U(fd))
MOVES(recv, RAW_NSYS, true, (int fd, void *buf, size_t n, int flags),
    (fd, buf, n, flags), buf, n, U(fd))
MOVES(sendto, RAW_NSYS, false,
    (int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
	socklen_t len),
    (fd, buf, n, flags, addr, len), buf, n, U(fd))
MOVES(recvfrom, RAW_NSYS, true,
    (int fd, void *restrict buf, size_t n, int flags, __SOCKADDR_ARG addr,
	socklen_t *restrict len),
    (fd, buf, n, flags, addr, len), buf, n, U(fd))
MOVES(getrandom, RAW_NSYS, true, (void *buf, size_t n, unsigned flags),
    (buf, n, flags), buf, n, 0)
EXPORT_AS(__read, read);
EXPORT_AS(__write, write);
EXPORT_AS(pread64, pread);
EXPORT_AS(__pread64, pread);
EXPORT_AS(pwrite64, pwrite);
EXPORT_AS(__pwrite64, pwrite);
EXPORT_AS(__send, send);

EXPORT int
getentropy(void *buf, size_t n)
{
	IO(RAW_NSYS, true);
	int ret;

	if (unlikely(guards()))
		io_memory(&io, buf, n);
	ret = real.getentropy(buf, n);
	io_end(&io, ret, ret == 0 ? n : 0);
	return ret;
}

#define VECTORS(name, SYS, fills, params, args, ...)                           \
	EXPORT ssize_t name params                                             \
	{                                                                      \
		IO(RAW_SYS_##SYS, fills);                                      \
		const uint64_t arg[] = { __VA_ARGS__ };                        \
		ssize_t ret;                                                   \
                                                                               \
		if (unlikely(guards())) {                                      \
			io_log(&io, arg, nitems(arg));                         \
			if (n > 0 && n <= IOV_MAX)                             \
				io_vector(&io, iov, (size_t)n);                \
		}                                                              \
		ret = real.name args;                                          \
		io_end(&io, ret, bytes(ret));                                  \
		return ret;                                                    \
	}

VECTORS(readv, READV, true, (int fd, const struct iovec *iov, int n),
    (fd, iov, n), U(fd), to_addr(iov), U(n))
VECTORS(writev, WRITEV, false, (int fd, const struct iovec *iov, int n),
    (fd, iov, n), U(fd), to_addr(iov), U(n))
VECTORS(preadv, PREADV, true,
    (int fd, const struct iovec *iov, int n, off_t off), (fd, iov, n, off),
    U(fd), to_addr(iov), U(n), U(off))
VECTORS(pwritev, PWRITEV, false,
    (int fd, const struct iovec *iov, int n, off_t off), (fd, iov, n, off),
    U(fd), to_addr(iov), U(n), U(off))
VECTORS(preadv2, PREADV2, true,
    (int fd, const struct iovec *iov, int n, off_t off, int flags),
    (fd, iov, n, off, flags), U(fd), to_addr(iov), U(n), U(off), 0, U(flags))
VECTORS(pwritev2, PWRITEV2, false,
    (int fd, const struct iovec *iov, int n, off_t off, int flags),
    (fd, iov, n, off, flags), U(fd), to_addr(iov), U(n), U(off), 0, U(flags))
EXPORT_AS(preadv64, preadv);
EXPORT_AS(pwritev64, pwritev);
EXPORT_AS(preadv64v2, preadv2);
EXPORT_AS(pwritev64v2, pwritev2);

/* Of a pipe, and of another process: what they do there is not seen. */
EXPORT ssize_t
vmsplice(int fd, const struct iovec *iov, size_t n, unsigned flags)
{
	IO(RAW_NSYS, false);
	ssize_t ret;

	if (unlikely(guards()) && n <= IOV_MAX)
		io_vector(&io, iov, n);
	ret = real.vmsplice(fd, iov, n, flags);
	io_end(&io, ret, bytes(ret));
	return ret;
}

#define REMOTES(name, SYS, fills)                                              \
	EXPORT ssize_t name(pid_t pid, const struct iovec *iov,                \
	    unsigned long n, const struct iovec *remote, unsigned long m,      \
	    unsigned long flags)                                               \
	{                                                                      \
		IO(RAW_NSYS, fills);                                           \
		ssize_t ret;                                                   \
                                                                               \
		if (unlikely(guards()) && n <= IOV_MAX)                        \
			io_vector(&io, iov, n);                                \
		CALL(SYS, U(pid), to_addr(iov), n, to_addr(remote), m, flags); \
		ret = real.name(pid, iov, n, remote, m, flags);                \
		io_end(&io, ret, bytes(ret));                                  \
		RETURN(SYS, call_result(ret));                                 \
		return ret;                                                    \
	}

REMOTES(process_vm_readv, PROCESS_VM_READV, true)
REMOTES(process_vm_writev, PROCESS_VM_WRITEV, false)

/*
 * Asynchronous requests: when they end is not known, so that their memory stays
 * open for good.
 */
static void
aio_keep(const struct aiocb *cb)
{
	call_keep(cb->aio_buf, cb->aio_nbytes);
}

#define REQUESTS(name)                                                         \
	EXPORT int name(struct aiocb *cb)                                      \
	{                                                                      \
		if (guards())                                                  \
			aio_keep(cb);                                          \
		return real.name(cb);                                          \
	}

REQUESTS(aio_read)
REQUESTS(aio_write)
EXPORT_AS(aio_read64, aio_read);
EXPORT_AS(aio_write64, aio_write);

EXPORT int
lio_listio(int mode, struct aiocb *const *list, int n, struct sigevent *event)
{
	for (int i = 0; guards() && i < n; i++)
		if (list[i] != NULL)
			aio_keep(list[i]);
	(void)on();
	return real.lio_listio(mode, list, n, event);
}
EXPORT_AS(lio_listio64, lio_listio);

/* What belongs to a message, besides its bytes. */
static void
hold_message(struct io *io, const struct msghdr *msg)
{
	if (!guards() || atomic_load(&lib.lb_hi) == 0)
		return;
	io_hold(io, msg, sizeof(*msg), true);
	io_hold(io, msg->msg_name, msg->msg_namelen, io->io_fills);
	io_hold(io, msg->msg_control, msg->msg_controllen, io->io_fills);
	io_vector(io, msg->msg_iov, msg->msg_iovlen);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	IO(RAW_NSYS, false);
	ssize_t ret;

	hold_message(&io, msg);
	ret = real.sendmsg(fd, msg, flags);
	io_end(&io, ret, bytes(ret));
	return ret;
}

/* Descriptors that come in a message. */
static void
received(struct msghdr *msg)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL;
	     cm = CMSG_NXTHDR(msg, cm)) {
		const unsigned char *data = CMSG_DATA(cm);
		int fd;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(fd)) <= cm->cmsg_len;
		     at += sizeof(fd)) {
			memcpy(&fd, data + at, sizeof(fd));
			(void)call_opened(fd, POS_ASK);
		}
	}
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	IO(RAW_NSYS, true);
	ssize_t ret;

	hold_message(&io, msg);
	ret = real.recvmsg(fd, msg, flags);
	io_end(&io, ret, bytes(ret));
	if (ret >= 0 && on() && msg->msg_controllen > 0)
		received(msg);
	return ret;
}

EXPORT int
sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	IO(RAW_NSYS, false);
	int ret;

	(void)on();
	for (unsigned i = 0; guards() && i < n; i++)
		hold_message(&io, &msgs[i].msg_hdr);
	ret = real.sendmmsg(fd, msgs, n, flags);
	io_end(&io, ret, 0);
	return ret;
}

EXPORT int
recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags,
    struct timespec *timeout)
{
	IO(RAW_NSYS, true);
	int ret;

	(void)on();
	for (unsigned i = 0; guards() && i < n; i++)
		hold_message(&io, &msgs[i].msg_hdr);
	ret = real.recvmmsg(fd, msgs, n, flags, timeout);
	io_end(&io, ret, 0);
	for (int i = 0; i < ret && on(); i++)
		if (msgs[i].msg_hdr.msg_controllen > 0)
			received(&msgs[i].msg_hdr);
	return ret;
}

/*
 * stdio(3): much of it goes from the caller's memory to the kernel, without a
 * buffer between.
 */
#define STREAMS(name, fills, params)                                           \
	EXPORT size_t name params                                              \
	{                                                                      \
		IO(RAW_NSYS, fills);                                           \
		size_t all, ret;                                               \
                                                                               \
		if (unlikely(guards()) &&                                      \
		    !__builtin_mul_overflow(size, n, &all))                    \
			io_memory(&io, p, all);                                \
		ret = real.name(p, size, n, fp);                               \
		io_end(&io, 0, ret *size);                                     \
		return ret;                                                    \
	}

STREAMS(fread, true,
    (void *restrict p, size_t size, size_t n, FILE *restrict fp))
STREAMS(fread_unlocked, true,
    (void *restrict p, size_t size, size_t n, FILE *restrict fp))
STREAMS(fwrite, false,
    (const void *restrict p, size_t size, size_t n, FILE *restrict fp))
STREAMS(fwrite_unlocked, false,
    (const void *restrict p, size_t size, size_t n, FILE *restrict fp))

#define STRINGS(name, params, args)                                            \
	EXPORT int name params                                                 \
	{                                                                      \
		STRING(s, s);                                                  \
                                                                               \
		(void)on();                                                    \
		return real.name args;                                         \
	}

STRINGS(puts, (const char *s), (s))
STRINGS(fputs, (const char *restrict s, FILE *restrict fp), (s, fp))
STRINGS(fputs_unlocked, (const char *restrict s, FILE *restrict fp), (s, fp))

/* What _FORTIFY_SOURCE makes of these. */
#define CHECKED(type, name, like, params, args, fits)                          \
	type name params;                                                      \
	EXPORT type name params                                                \
	{                                                                      \
		if (!(fits))                                                   \
			__chk_fail();                                          \
		return like args;                                              \
	}

CHECKED(ssize_t, __read_chk, read, (int fd, void *buf, size_t n, size_t size),
    (fd, buf, n), n <= size)
CHECKED(ssize_t, __pread_chk, pread,
    (int fd, void *buf, size_t n, off_t off, size_t size), (fd, buf, n, off),
    n <= size)
EXPORT_AS(__pread64_chk, __pread_chk);
CHECKED(ssize_t, __recv_chk, recv,
    (int fd, void *buf, size_t n, size_t size, int flags), (fd, buf, n, flags),
    n <= size)
CHECKED(ssize_t, __recvfrom_chk, recvfrom,
    (int fd, void *restrict buf, size_t n, size_t size, int flags,
	__SOCKADDR_ARG addr, socklen_t *restrict len),
    (fd, buf, n, flags, addr, len), n <= size)
CHECKED(size_t, __fread_chk, fread,
    (void *restrict p, size_t room, size_t size, size_t n, FILE *restrict fp),
    (p, size, n, fp), size == 0 || n <= room / size)
CHECKED(size_t, __fread_unlocked_chk, fread_unlocked,
    (void *restrict p, size_t room, size_t size, size_t n, FILE *restrict fp),
    (p, size, n, fp), size == 0 || n <= room / size)
