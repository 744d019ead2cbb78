/*
 * descriptors FOLDER: the ways a descriptor of a file comes to be, each mapped
 * and written through.
 */
#include <sys/socket.h>

#include "tests/programs/program.h"

#define N ((size_t)4)

static const char *folder;

/* The descriptor is of a file: give it a size, map it, and close it. */
static void
use(int fd)
{
	uint8_t *map;

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, (off_t)(N * PAGE)) == 0);
	map = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < N; i++)
		poke(map + i * PAGE, 1);
	CHECK(close(fd) == 0);
	CHECK(peek(map + PAGE) == 1);
	CHECK(munmap(map, N * PAGE) == 0);
}

static char *template(char *path, const char *tail)
{
	CHECK(snprintf(path, 4096, "%s/tmp-XXXXXX%s", folder, tail) > 0);
	return path;
}

/* Through a socket, from another process. */
static void
sent(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} space = { { 0 } };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.buf,
		.msg_controllen = sizeof(space.buf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	int ends[2], fd;
	pid_t pid;

	CHECK(cm != NULL);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	pid = fork();
	if (pid == 0) {
		fd = new_file(path_in(folder, "sent"), 1);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
		CHECK(sendmsg(ends[0], &msg, 0) == 1);
		_exit(0);
	}
	CHECK(recvmsg(ends[1], &msg, 0) == 1);
	cm = CMSG_FIRSTHDR(&msg);
	CHECK(cm != NULL);
	memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	use(fd);
	ENDED_WELL(pid);
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

int
main(int argc, char **argv)
{
	char path[4096];
	int fd, dir;

	CHECK(argc == 2);
	folder = argv[1];
	use(open(path_in(folder, "a"), O_RDWR | O_CREAT | O_TRUNC, 0600));
	use(open64(path_in(folder, "b"), O_RDWR | O_CREAT | O_TRUNC, 0600));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	use(openat(dir, "c", O_RDWR | O_CREAT | O_TRUNC, 0600));
	fd = creat(path_in(folder, "d"), 0600);
	CHECK(fd >= 0 && close(fd) == 0);
	use(open(path_in(folder, "d"), O_RDWR));
	use(mkstemp(template(path, "")));
	use(mkostemp(template(path, ""), O_CLOEXEC));
	use(mkstemps(template(path, ".x"), 2));
	use(mkostemps(template(path, ".x"), 2, O_CLOEXEC));
	use(memfd_create("e", 0));
	fd = new_file(path_in(folder, "f"), 1);
	use(dup(fd));
	use(dup2(fd, 77));
	use(dup3(fd, 78, O_CLOEXEC));
	use(fcntl(fd, F_DUPFD, 20));
	use(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	use(fd);
	CHECK(renameat(dir, "a", dir, "g") == 0);
	use(openat(dir, "g", O_RDWR));
	CHECK(unlinkat(dir, "g", 0) == 0);
	CHECK(openat(dir, "g", O_RDWR) == -1 && errno == ENOENT);
	CHECK(rename(path_in(folder, "b"), path_in(folder, "c")) == 0);
	CHECK(remove(path_in(folder, "c")) == 0);
	CHECK(open(folder, O_RDWR) == -1 && errno == EISDIR);
	sent();
	CHECK(close(dir) == 0);
	return done();
}
