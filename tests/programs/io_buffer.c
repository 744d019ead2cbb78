/*
 * System calls on memory that is a map: they work, whole, and read and write
 * what they should.
 */
#include <aio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/programs/prog.h"

#define PAGES 64

static unsigned char *map;
static int fd;

/* A second file, written from the map, and read into it. */
static void
plain(void)
{
	CHECK(write(fd, map, 8 * PAGE) == (ssize_t)(8 * PAGE));
	CHECK(pwrite(fd, map + 100, 5000, 8 * PAGE) == 5000);
	CHECK(pread(fd, map + 20 * PAGE, 8 * PAGE, 0) == (ssize_t)(8 * PAGE));
	for (size_t i = 0; i < 8; i++)
		CHECK(map[(20 + i) * PAGE] == i);
	CHECK(lseek(fd, 3 * (off_t)PAGE, SEEK_SET) == 3 * (off_t)PAGE);
	CHECK(read(fd, map + 28 * PAGE - 1, 2) == 2);
	CHECK(map[28 * PAGE - 1] == 3 && map[28 * PAGE] == 3);
	CHECK(syscall(SYS_pwrite64, fd, map + 9 * PAGE, PAGE, 0) == (long)PAGE);
	CHECK(pread(fd, map, 1, 0) == 1 && map[0] == 9);
	map[0] = 0;
}

static void
vectors(void)
{
	const struct iovec out[3] = { { map + 5 * PAGE, PAGE },
		{ map + 2 * PAGE, PAGE }, { map + 40 * PAGE + 10, 10 } };
	struct iovec *in = (void *)(map + 60 * PAGE);

	CHECK(pwritev(fd, out, 3, 0) == (ssize_t)(2 * PAGE + 10));
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(writev(fd, out, 2) == (ssize_t)(2 * PAGE));
	/* The vector itself is in the map. */
	in[0] = (struct iovec){ map + 30 * PAGE, PAGE };
	in[1] = (struct iovec){ map + 33 * PAGE, PAGE };
	CHECK(preadv(fd, in, 2, 0) == (ssize_t)(2 * PAGE));
	CHECK(map[30 * PAGE] == 5 && map[33 * PAGE + PAGE - 1] == 2);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(readv(fd, in, 2) == (ssize_t)(2 * PAGE));
}

static void
streams(const char *path)
{
	FILE *fp = fopen(path, "w+");

	CHECK(fp != NULL);
	CHECK(fwrite(map + 10 * PAGE, PAGE, 4, fp) == 4);
	CHECK(fflush(fp) == 0 && fseek(fp, 0, SEEK_SET) == 0);
	CHECK(fread(map + 50 * PAGE, PAGE, 4, fp) == 4);
	for (size_t i = 0; i < 4; i++)
		CHECK(map[(50 + i) * PAGE] == 10 + i);
	CHECK(fclose(fp) == 0);
}

static void
sockets(void)
{
	struct iovec iov = { map + 12 * PAGE, PAGE };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	CHECK(send(sv[0], map + 11 * PAGE, PAGE, 0) == (ssize_t)PAGE);
	CHECK(recv(sv[1], map + 54 * PAGE, PAGE, MSG_WAITALL) == (ssize_t)PAGE);
	CHECK(map[54 * PAGE] == 11);
	CHECK(sendmsg(sv[0], &msg, 0) == (ssize_t)PAGE);
	iov.iov_base = map + 55 * PAGE;
	CHECK(recvmsg(sv[1], &msg, MSG_WAITALL) == (ssize_t)PAGE);
	CHECK(map[55 * PAGE] == 12);
	CHECK(close(sv[0]) == 0 && close(sv[1]) == 0);
}

static void
asynchronous(void)
{
	struct aiocb cb = { .aio_fildes = fd,
		.aio_buf = map + 14 * PAGE,
		.aio_nbytes = 2 * PAGE };
	const struct aiocb *list[1] = { &cb };

	CHECK(aio_write(&cb) == 0);
	while (aio_error(&cb) == EINPROGRESS)
		CHECK(aio_suspend(list, 1, NULL) == 0 || errno == EINTR);
	CHECK(aio_return(&cb) == (ssize_t)(2 * PAGE));
	cb.aio_buf = map + 44 * PAGE;
	CHECK(aio_read(&cb) == 0);
	while (aio_error(&cb) == EINPROGRESS)
		CHECK(aio_suspend(list, 1, NULL) == 0 || errno == EINTR);
	CHECK(aio_return(&cb) == (ssize_t)(2 * PAGE));
	CHECK(map[44 * PAGE] == 14 && map[46 * PAGE - 1] == 15);
}

/* Names that lie in the map, and what is said of them. */
static void
names(const char *path)
{
	char *name = prog_text(map + 58 * PAGE - 3, path);
	struct stat *st = (void *)(map + 59 * PAGE);
	int copy;

	CHECK(stat(name, st) == 0 && S_ISREG(st->st_mode));
	CHECK(access(name, R_OK) == 0);
	copy = open(name, O_RDONLY);
	CHECK(copy != -1 && close(copy) == 0);
	CHECK(getrandom(map + 61 * PAGE, 16, 0) == 16);
}

int
main(int argc, char **argv)
{
	char path[4096];

	CHECK(argc == 2);
	(void)snprintf(path, sizeof(path), "%s.2", argv[1]);
	map = prog_shared(argv[1], PAGES);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd != -1);
	plain();
	vectors();
	streams(path);
	sockets();
	names(path);
	asynchronous();
	/* What cannot be read or written is refused, as ever. */
	CHECK(mprotect(map, PAGE, PROT_READ) == 0);
	CHECK(pread(fd, map, 1, 0) == -1 && errno == EFAULT);
	CHECK(mprotect(map, PAGE, PROT_NONE) == 0);
	CHECK(pwrite(fd, map, 1, 0) == -1 && errno == EFAULT);
	CHECK(write(-1, map + PAGE, 1) == -1 && errno == EBADF);
	CHECK(close(fd) == 0);
	CHECK(unlink(path) == 0);
	return prog_ok();
}
