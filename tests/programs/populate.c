/*
 * populate FOLDER: maps whose pages are brought in ahead, locked and thrown
 * away.
 */
#include <sys/resource.h>

#include "tests/programs/program.h"

#define N	       ((size_t)CHURN_PAGES)
#define POPULATE_READ  22 /* MADV_POPULATE_READ, where headers lack it */
#define POPULATE_WRITE 23

static bool
all_there(const uint8_t *map)
{
	for (size_t i = 0; i < N; i++)
		if (peek(map + i * PAGE + 2) != byte_at(i))
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	static const int advices[] = { MADV_NORMAL, MADV_RANDOM,
		MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED };
	uint8_t *map, *own;
	int fd;

	CHECK(argc == 2);
	fd = new_file(path_in(argv[1], "populate"), N);
	map = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
	for (size_t i = 0; i < N; i++)
		poke(map + i * PAGE + 2, byte_at(i));
	own = map_of(fd, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	CHECK(all_there(map) && all_there(own));
	/* Without the right to lock so much it fails, but not otherwise. */
	errno = 0;
	if (mlock(map, 10 * PAGE) == 0)
		CHECK(munlock(map, 10 * PAGE) == 0);
	else
		CHECK(errno == ENOMEM || errno == EPERM);
	/* It takes any address. */
	if (mlock(map + 12 * PAGE + 7, 3 * PAGE) == 0)
		CHECK(munlock(map + 12 * PAGE + 7, 3 * PAGE) == 0);
	CHECK(all_there(map));
	for (int advice = POPULATE_READ; advice <= POPULATE_WRITE; advice++)
		CHECK(madvise(map, N * PAGE, advice) == 0 || errno == EINVAL);
	CHECK(all_there(map));
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		CHECK(madvise(map, N * PAGE, advices[i]) == 0);
		CHECK(all_there(map));
	}
	/* What was written in a private map goes with its pages. */
	poke(own + 2, (uint8_t)~byte_at(0));
	CHECK(madvise(own, N * PAGE, MADV_DONTNEED) == 0);
	CHECK(all_there(own));
	CHECK(posix_madvise(map, N * PAGE, POSIX_MADV_WILLNEED) == 0);
	CHECK(posix_madvise(own, N * PAGE, POSIX_MADV_DONTNEED) == 0);
	CHECK(madvise(map + 1, PAGE, MADV_NORMAL) == -1 && errno == EINVAL);
	CHECK(madvise(map, PAGE, 9999) == -1 && errno == EINVAL);
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
	CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
	CHECK(msync(map, N * PAGE, MS_SYNC) == 0);
	CHECK(
	    msync(map, N * PAGE, MS_ASYNC | MS_SYNC) == -1 && errno == EINVAL);
	CHECK(fsync(-1) == -1 && errno == EBADF);
	CHECK(all_there(map));
	return done();
}
