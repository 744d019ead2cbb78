/*
 * buffers FOLDER: system calls that read and write memory in a map.
 */
#include <aio.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/programs/program.h"

#define PAGES 16
#define ODD   ((size_t)333) /* buffers that begin within a page */
#define N     (5 * PAGE + 77)

static uint8_t *map; /* PAGES for the buffers, and behind them some to churn */
static int fd;	     /* another file */

/* A buffer with something in it, and not seen for a while. */
static void
start(void)
{
	memset(map, 0, PAGES * PAGE);
	fill(map + ODD, 0, N);
	churn(map + PAGES * PAGE);
}

static void
plain(void)
{
	start();
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(write(fd, map + ODD, N) == (ssize_t)N);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	memset(map + ODD, 0, N);
	churn(map + PAGES * PAGE);
	CHECK(read(fd, map + ODD + 1, N) == (ssize_t)N);
	CHECK(filled(map + ODD + 1, 0, N));
	/* Less than was asked for: the rest of the buffer stays. */
	memset(map, 7, PAGES * PAGE);
	CHECK(lseek(fd, (off_t)(N - 10), SEEK_SET) == (off_t)(N - 10));
	CHECK(read(fd, map, PAGES * PAGE) == 10);
	CHECK(filled(map, N - 10, 10) && map[10] == 7);
	CHECK(read(fd, map, PAGES * PAGE) == 0);
}

static void
positioned(void)
{
	start();
	CHECK(pwrite(fd, map + ODD, N, 5000) == (ssize_t)N);
	memset(map, 0, PAGES * PAGE);
	churn(map + PAGES * PAGE);
	CHECK(pread(fd, map + 3, N, 5000) == (ssize_t)N);
	CHECK(filled(map + 3, 0, N));
}

static void
vectors(void)
{
	uint8_t own[100];
	struct iovec iov[3] = { { map + ODD, 2 * PAGE }, { own, sizeof(own) },
		{ map + 8 * PAGE + 1, PAGE } };
	const size_t n = 3 * PAGE + sizeof(own);

	start();
	fill(map + ODD, 0, 2 * PAGE);
	fill(own, 2 * PAGE, sizeof(own));
	fill(map + 8 * PAGE + 1, 2 * PAGE + sizeof(own), PAGE);
	churn(map + PAGES * PAGE);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(writev(fd, iov, 3) == (ssize_t)n);
	CHECK(pwritev(fd, iov, 3, (off_t)n) == (ssize_t)n);
	CHECK(pwritev2(fd, iov, 3, (off_t)(2 * n), 0) == (ssize_t)n);
	for (int i = 0; i < 3; i++) {
		ssize_t got;

		memset(map, 0, PAGES * PAGE);
		memset(own, 0, sizeof(own));
		churn(map + PAGES * PAGE);
		CHECK(lseek(fd, 0, SEEK_SET) == 0);
		got = i == 0 ? readv(fd, iov, 3) :
		    i == 1   ? preadv(fd, iov, 3, (off_t)n) :
			       preadv2(fd, iov, 3, (off_t)(2 * n), 0);
		CHECK(got == (ssize_t)n);
		CHECK(filled(map + ODD, 0, 2 * PAGE));
		CHECK(filled(own, 2 * PAGE, sizeof(own)));
		CHECK(filled(map + 8 * PAGE + 1, 2 * PAGE + sizeof(own), PAGE));
	}
}

static void
sockets(void)
{
	int ends[2];
	struct iovec out, in;
	struct msghdr send_it = { .msg_iov = &out, .msg_iovlen = 1 };
	struct msghdr get_it = { .msg_iov = &in, .msg_iovlen = 1 };
	uint8_t *const to = map + 9 * PAGE + 5;

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	for (int i = 0; i < 3; i++) {
		start();
		out = (struct iovec){ map + ODD, N };
		in = (struct iovec){ to, N };
		CHECK((i == 0 ? send(ends[0], map + ODD, N, 0) :
			      i == 1 ?
				sendto(ends[0], map + ODD, N, 0, NULL, 0) :
				sendmsg(ends[0], &send_it, 0)) == (ssize_t)N);
		churn(map + PAGES * PAGE);
		CHECK((i == 0 ? recv(ends[1], to, N, 0) :
			      i == 1 ?
				recvfrom(ends[1], to, N, 0, NULL, NULL) :
				recvmsg(ends[1], &get_it, 0)) == (ssize_t)N);
		fill(map + ODD, 0, N);
		CHECK(filled(to, 0, N));
	}
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
	churn(map + PAGES * PAGE);
	memset(to, 0, 100);
	CHECK(getrandom(to, 100, 0) == 100);
}

/* What says where the buffers are stands in a map, too. */
static void
headers(void)
{
	struct iovec *const iov = (void *)(map + 12 * PAGE - 16);
	struct msghdr *const msg = (void *)(map + 13 * PAGE - 16);
	int ends[2];

	start();
	iov[0] = (struct iovec){ map + ODD, PAGE };
	iov[1] = (struct iovec){ map + ODD + PAGE, PAGE };
	*msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 };
	churn(map + PAGES * PAGE);
	CHECK(pwritev(fd, iov, 2, 0) == (ssize_t)(2 * PAGE));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	churn(map + PAGES * PAGE);
	CHECK(sendmsg(ends[0], msg, 0) == (ssize_t)(2 * PAGE));
	memset(map, 0, 3 * PAGE);
	churn(map + PAGES * PAGE);
	CHECK(recvmsg(ends[1], msg, MSG_WAITALL) == (ssize_t)(2 * PAGE));
	CHECK(filled(map + ODD, 0, 2 * PAGE));
	memset(map, 0, 3 * PAGE);
	churn(map + PAGES * PAGE);
	CHECK(preadv(fd, iov, 2, 0) == (ssize_t)(2 * PAGE));
	CHECK(filled(map + ODD, 0, 2 * PAGE));
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

/* By number, past the functions that have a name. */
static void
numbers(void)
{
	start();
	CHECK(syscall(SYS_pwrite64, fd, map + ODD, N, 0) == (long)N);
	memset(map, 0, PAGES * PAGE);
	churn(map + PAGES * PAGE);
	CHECK(syscall(SYS_pread64, fd, map + ODD, N, 0) == (long)N);
	CHECK(filled(map + ODD, 0, N));
}

static void
await(struct aiocb *cb)
{
	const struct aiocb *const list[] = { cb };

	while (aio_error(cb) == EINPROGRESS)
		CHECK(aio_suspend(list, 1, NULL) == 0 || errno == EINTR);
	CHECK(aio_return(cb) == (ssize_t)N);
}

/* In other threads, and later. */
static void
asynchronous(void)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_nbytes = N };

	start();
	cb.aio_buf = map + ODD;
	CHECK(aio_write(&cb) == 0);
	await(&cb);
	memset(map, 0, PAGES * PAGE);
	churn(map + PAGES * PAGE);
	CHECK(aio_read(&cb) == 0);
	await(&cb);
	CHECK(filled(map + ODD, 0, N));
}

/* Names that stand in a map, and answers that go there. */
static void
names(const char *folder)
{
	char *const name = (char *)(map + 2 * PAGE - 10);
	struct stat *const st = (void *)(map + 4 * PAGE - 16);
	struct stat own;
	int new;

	CHECK(sizeof(own) > 16);
	churn(map + PAGES * PAGE);
	CHECK(snprintf(name, PATH_MAX, "%s/named", folder) > 0);
	churn(map + PAGES * PAGE);
	new = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(new >= 0 && close(new) == 0);
	churn(map + PAGES * PAGE);
	CHECK(access(name, R_OK) == 0);
	churn(map + PAGES * PAGE);
	CHECK(stat(name, &own) == 0 && own.st_size == 0);
	churn(map + PAGES * PAGE);
	CHECK(fstat(fd, st) == 0);
	CHECK(fstat(fd, &own) == 0 && st->st_ino == own.st_ino);
	churn(map + PAGES * PAGE);
	CHECK(truncate(name, 77) == 0);
	churn(map + PAGES * PAGE);
	CHECK(lstat(name, &own) == 0 && own.st_size == 77);
	churn(map + PAGES * PAGE);
	CHECK(rename(name, path_in(folder, "renamed")) == 0);
	churn(map + PAGES * PAGE);
	errno = 0;
	CHECK(unlink(name) == -1 && errno == ENOENT);
	CHECK(unlink(path_in(folder, "renamed")) == 0);
}

/* What fails without a recorder fails with one, and alike. */
static void
errors(const char *folder)
{
	const int ro = open(path_in(folder, "buffers"), O_RDONLY);
	uint8_t *const fixed = map_of(ro, 2, PROT_READ, MAP_SHARED);
	uint8_t *volatile nowhere = NULL;

	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	errno = 0;
	CHECK(read(fd, fixed, 10) == -1 && errno == EFAULT);
	errno = 0;
	CHECK(pread(fd, nowhere, 10, 0) == -1 && errno == EFAULT);
	errno = 0;
	CHECK(write(ro, map, 10) == -1 && errno == EBADF);
	errno = 0;
	CHECK(read(-1, map, 10) == -1 && errno == EBADF);
	CHECK(mprotect(map + PAGE, PAGE, PROT_NONE) == 0);
	/* As far as the memory goes. */
	CHECK(pread(fd, map + PAGE - 10, 100, 0) == 10);
	CHECK(mprotect(map + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	errno = EDOM;
	CHECK(pread(fd, map, 10, 0) == 10 && errno == EDOM);
	CHECK(munmap(fixed, 2 * PAGE) == 0);
	CHECK(close(ro) == 0);
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	map = new_map(argv[1], "buffers", PAGES + CHURN_PAGES);
	fd = new_file(path_in(argv[1], "other"), 0);
	plain();
	positioned();
	vectors();
	sockets();
	headers();
	numbers();
	asynchronous();
	names(argv[1]);
	errors(argv[1]);
	return done();
}
