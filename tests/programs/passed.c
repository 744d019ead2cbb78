/* A descriptor comes from another process, and is mapped. */
#include <sys/socket.h>

#include "tests/programs/prog.h"

#define PAGES 30

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static void
give(int sock, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control co;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &co,
		.msg_controllen = sizeof(co) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	memset(&co, 0, sizeof(co));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int
take(int sock)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control co;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &co,
		.msg_controllen = sizeof(co) };
	int fd;

	CHECK(recvmsg(sock, &msg, 0) == 1);
	CHECK(CMSG_FIRSTHDR(&msg) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

int
main(int argc, char **argv)
{
	unsigned char *map;
	int sv[2], fd;
	pid_t pid;

	CHECK(argc == 2);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		give(sv[1], prog_file(argv[1], PAGES));
		_exit(0);
	}
	fd = take(sv[0]);
	prog_wait(pid);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE] == i);
	/* Memory without a name is a file, too. */
	fd = memfd_create("memory", MFD_CLOEXEC);
	CHECK(fd != -1 && ftruncate(fd, 4 * (off_t)PAGE) == 0);
	map = prog_map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
	map[3 * PAGE] = 1;
	return prog_ok();
}
