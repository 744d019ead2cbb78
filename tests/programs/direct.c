/*
 * O_DIRECT out of a map and into it, and maps that are locked or filled ahead:
 * the kernel takes the pages by itself.
 */
#include "tests/programs/prog.h"

#define PAGES 64

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static void
locked(unsigned char *map)
{
	CHECK(madvise(map, 16 * PAGE, MADV_POPULATE_READ) == 0 ||
	    errno == EINVAL);
	CHECK(madvise(map + 16 * PAGE, 8 * PAGE, MADV_POPULATE_WRITE) == 0 ||
	    errno == EINVAL);
	CHECK(mlock(map + 30 * PAGE, 4 * PAGE) == 0);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE] == i);
	CHECK(munlock(map + 30 * PAGE, 4 * PAGE) == 0);
}

int
main(int argc, char **argv)
{
	char path[4096];
	unsigned char *map;
	int fd;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	locked(map);
	(void)snprintf(path, sizeof(path), "%s.2", argv[1]);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
	if (fd == -1 && errno == EINVAL)
		return prog_ok(); /* the file system has none */
	CHECK(fd != -1);
	CHECK(pwrite(fd, map + 8 * PAGE, 8 * PAGE, 0) == (ssize_t)(8 * PAGE));
	CHECK(pread(fd, map + 40 * PAGE, 8 * PAGE, 0) == (ssize_t)(8 * PAGE));
	for (size_t i = 0; i < 8; i++)
		CHECK(map[(40 + i) * PAGE] == 8 + i &&
		    map[(41 + i) * PAGE - 1] == 8 + i);
	CHECK(close(fd) == 0 && unlink(path) == 0);
	return prog_ok();
}
