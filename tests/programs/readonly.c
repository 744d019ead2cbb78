/*
 * A shared map of a file that is open for reading only: it shows what others
 * write, and cannot be made writable.
 */
#include "tests/programs/prog.h"

#define PAGES 500

static void
refused(unsigned char *map, size_t at, size_t n)
{
	CHECK(
	    mprotect(map + at * PAGE, n * PAGE, PROT_READ | PROT_WRITE) == -1 &&
	    errno == EACCES);
}

int
main(int argc, char **argv)
{
	const int fd = prog_file(argv[1], PAGES);
	unsigned char *map;
	int ro;

	CHECK(argc == 2);
	ro = open(argv[1], O_RDONLY);
	CHECK(ro != -1);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) ==
		MAP_FAILED &&
	    errno == EACCES);
	map = prog_map(ro, PAGES, PROT_READ, MAP_SHARED | MAP_POPULATE);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < PAGES; i++)
			CHECK(map[i * PAGE] == (i & 0xff));
	CHECK(pwrite(fd, "x", 1, 300 * (off_t)PAGE) == 1);
	CHECK(map[300 * PAGE] == 'x');
	refused(map, 0, PAGES);
	refused(map, 10, 1);
	CHECK(mprotect(map + 3 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(map + 3 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(map[3 * PAGE] == 3);
	CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
	CHECK(munmap(map, PAGES * PAGE) == 0);
	CHECK(close(ro) == 0 && close(fd) == 0);
	return prog_ok();
}
