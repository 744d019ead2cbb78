/*
 * private FOLDER: what is written in a private map stays there, and only there.
 */
#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

static void
write_all(uint8_t *map, size_t at)
{
	for (size_t i = 0; i < N; i++)
		poke(map + i * PAGE + at, byte_at(i + at));
}

static bool
all_there(const uint8_t *map, size_t at)
{
	for (size_t i = 0; i < N; i++)
		if (peek(map + i * PAGE + at) != byte_at(i + at))
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	uint8_t *shared, *own, *later;
	const char *path;
	pid_t pid;
	int fd;

	CHECK(argc == 2);
	path = path_in(argv[1], "private");
	shared = new_map(argv[1], "private", N);
	write_all(shared, 1);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	own = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	later = map_of(fd, N, PROT_READ, MAP_PRIVATE);
	for (int round = 0; round < 3; round++) {
		write_all(own, 2);
		churn(shared);
		CHECK(all_there(own, 1) && all_there(own, 2));
		CHECK(all_there(later, 1) && !all_there(later, 2));
		CHECK(!all_there(shared, 2));
		CHECK(msync(shared, N * PAGE, MS_SYNC) == 0);
	}
	/* One that could not be written, and then can. */
	CHECK(mprotect(later, N * PAGE, PROT_READ | PROT_WRITE) == 0);
	write_all(later, 3);
	CHECK(mprotect(later, N * PAGE, PROT_READ) == 0);
	churn(shared);
	CHECK(msync(shared, N * PAGE, MS_SYNC) == 0);
	CHECK(all_there(later, 3) && !all_there(own, 3));
	pid = fork();
	if (pid == 0) {
		CHECK(all_there(own, 2) && all_there(later, 3));
		CHECK(mprotect(later, N * PAGE, PROT_READ | PROT_WRITE) == 0);
		write_all(later, 4);
		write_all(own, 5);
		churn(shared);
		CHECK(all_there(own, 5) && all_there(later, 4));
		_exit(0);
	}
	ENDED_WELL(pid);
	churn(shared);
	CHECK(!all_there(later, 4) && !all_there(own, 5));
	CHECK(all_there(later, 3) && all_there(own, 2));
	return done();
}
