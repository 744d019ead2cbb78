/*
 * closes FOLDER: closes all descriptors it can think of, and uses the numbers
 * for its own.
 */
#include <sys/resource.h>

#include "tests/programs/program.h"

static void
by_one(const char *path)
{
	struct rlimit rl;
	uint8_t *map;
	int fd;

	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_cur > 4096)
		rl.rlim_cur = 4096;
	for (int i = 3; i < (int)rl.rlim_cur; i++)
		if (close(i) != 0)
			CHECK(errno == EBADF);
	fd = open(path, O_RDWR);
	CHECK(fd == 3);
	map = map_of(fd, CHURN_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	churn(map);
	CHECK(munmap(map, CHURN_PAGES * PAGE) == 0);
	CHECK(close(fd) == 0);
	CHECK(close(fd) == -1 && errno == EBADF);
}

/* Each number is the program's to have. */
static void
all_numbers(uint8_t *map)
{
	struct rlimit rl;

	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_cur > 1100)
		rl.rlim_cur = 1100;
	for (int i = 3; i < (int)rl.rlim_cur; i++) {
		CHECK(dup2(0, i) == i);
		CHECK(fcntl(i, F_GETFD) == 0);
		if (i % 100 == 0)
			churn(map);
	}
	for (int i = 3; i < (int)rl.rlim_cur; i++)
		CHECK(close(i) == 0);
	churn(map);
}

static void
by_range(uint8_t *map)
{
	CHECK(dup2(0, 50) == 50 && dup2(0, 1020) == 1020);
	CHECK(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
	CHECK(fcntl(50, F_GETFD) == FD_CLOEXEC);
	CHECK(close_range(3, ~0U, 0) == 0);
	CHECK(fcntl(50, F_GETFD) == -1 && errno == EBADF);
	CHECK(fcntl(1020, F_GETFD) == -1 && errno == EBADF);
	CHECK(close_range(5, 3, 0) == -1 && errno == EINVAL);
	churn(map);
	CHECK(dup2(0, 50) == 50);
	closefrom(3);
	CHECK(fcntl(50, F_GETFD) == -1 && errno == EBADF);
	churn(map);
}

int
main(int argc, char **argv)
{
	const char *path;
	uint8_t *map;
	pid_t pid;

	CHECK(argc == 2);
	path = path_in(argv[1], "closes");
	map = new_map(argv[1], "closes", CHURN_PAGES);
	by_one(path);
	churn(map);
	by_range(map);
	all_numbers(map);
	by_one(path);
	/* As daemons do. */
	pid = fork();
	if (pid == 0) {
		closefrom(3);
		churn(map);
		by_one(path);
		_exit(0);
	}
	ENDED_WELL(pid);
	churn(map);
	return done();
}
