/*
 * Rounds of writes and every kind of sync; each page is written to anew.  Prints
 * the faults that all of it took.
 */
#include "tests/programs/prog.h"

#define PAGES 16

int
main(int argc, char **argv)
{
	unsigned char *map;
	long before;
	int fd;

	CHECK(argc == 2);
	fd = prog_file(argv[1], PAGES);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	before = prog_faults();
	for (unsigned k = 0; k < 5; k++) {
		for (size_t i = 0; i < PAGES; i++)
			map[i * PAGE] = (unsigned char)k;
		if (k == 0)
			CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
		else if (k == 1)
			CHECK(fsync(fd) == 0);
		else if (k == 2)
			CHECK(fdatasync(fd) == 0);
		else if (k == 3)
			CHECK(msync(map, PAGES * PAGE, MS_ASYNC) == 0);
		else
			CHECK(syncfs(fd) == 0);
	}
	printf("faults %ld\n", prog_faults() - before);
	return prog_ok();
}
