/*
 * direct FOLDER: O_DIRECT from and into a map; without, where the file system
 * has none.
 */
#include "tests/programs/program.h"

#define PAGES 64

int
main(int argc, char **argv)
{
	uint8_t *map;
	const char *path;
	int fd;

	CHECK(argc == 2);
	map = new_map(argv[1], "direct", PAGES + CHURN_PAGES);
	path = path_in(argv[1], "other");
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
	if (fd == -1 && errno == EINVAL)
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	for (size_t i = 0; i < 4; i++) {
		fill(map, i, PAGES * PAGE);
		churn(map + PAGES * PAGE);
		CHECK(pwrite(fd, map, PAGES * PAGE, (off_t)(i * PAGE)) ==
		    (ssize_t)(PAGES * PAGE));
		memset(map, 0, PAGES * PAGE);
		churn(map + PAGES * PAGE);
		CHECK(pread(fd, map, PAGES * PAGE, (off_t)(i * PAGE)) ==
		    (ssize_t)(PAGES * PAGE));
		CHECK(filled(map, i, PAGES * PAGE));
	}
	return done();
}
