/*
 * syncs FOLDER: writes to the same pages again and again, with another call
 * that writes them back behind each round.
 */
#include "tests/programs/program.h"

#define PAGES ((size_t)10)

int
main(int argc, char **argv)
{
	const char *path;
	uint8_t *map;
	int fd;

	CHECK(argc == 2);
	path = path_in(argv[1], "syncs");
	fd = new_file(path, PAGES);
	map = map_of(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (int round = 0; round < 7; round++) {
		for (size_t i = 0; i < PAGES; i++)
			poke(map + i * PAGE, (uint8_t)round);
		switch (round) {
		case 0:
			CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
			break;
		case 1:
			CHECK(msync(map, PAGE, MS_ASYNC) == 0);
			break;
		case 2:
			CHECK(fsync(fd) == 0);
			break;
		case 3:
			CHECK(fdatasync(fd) == 0);
			break;
		case 4:
			CHECK(sync_file_range(fd, 0, 0,
				  SYNC_FILE_RANGE_WRITE) == 0);
			break;
		case 5:
			CHECK(syncfs(fd) == 0);
			break;
		default:
			break;
		}
	}
	CHECK(peek(map) == 6);
	CHECK(munmap(map, PAGES * PAGE) == 0);
	return done();
}
