/* mremap(2): grow, move, to a given place, shrink; the pages are the same. */
#include "tests/programs/prog.h"

static void
check(const unsigned char *map, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		CHECK(map[i * PAGE] == (i & 0xff) &&
		    map[i * PAGE + PAGE - 1] == (i & 0xff));
}

int
main(int argc, char **argv)
{
	const int both = PROT_READ | PROT_WRITE;
	unsigned char *map, *place, *wall;
	int fd;

	CHECK(argc == 2);
	fd = prog_file(argv[1], 400);
	map = prog_map(fd, 100, both, MAP_SHARED);
	check(map, 100);
	map[50 * PAGE + 1] = 1;
	/* What stands behind it forces a move. */
	wall = mmap(map + 100 * PAGE, PAGE, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	map = mremap(map, 100 * PAGE, 300 * PAGE, MREMAP_MAYMOVE);
	CHECK(map != MAP_FAILED);
	check(map, 300);
	CHECK(map[50 * PAGE + 1] == 1);
	place = mmap(NULL, 400 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	CHECK(place != MAP_FAILED);
	map = mremap(map, 300 * PAGE, 400 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    place);
	CHECK(map == place);
	check(map, 400);
	map = mremap(map, 400 * PAGE, 20 * PAGE, 0);
	CHECK(map == place);
	check(map, 20);
	/* In place, over what was cut off. */
	map = mremap(map, 20 * PAGE, 60 * PAGE, 0);
	CHECK(map == place);
	check(map, 60);
	/* What cannot be leaves all as it was. */
	CHECK(mremap(map, 60 * PAGE, 61 * PAGE, MREMAP_FIXED) == MAP_FAILED);
	check(map, 60);
	map[59 * PAGE + 1] = 2;
	CHECK(prog_byte(argv[1], 59 * PAGE + 1) == 2);
	if (wall != MAP_FAILED)
		CHECK(munmap(wall, PAGE) == 0);
	CHECK(munmap(map, 60 * PAGE) == 0);
	CHECK(close(fd) == 0);
	return prog_ok();
}
