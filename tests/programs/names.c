/* Opens, renames, truncates and removes; maps what it has opened. */
#include "tests/programs/prog.h"

static void
use(int fd)
{
	unsigned char *map;

	CHECK(fd != -1);
	map = prog_map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
	map[0] = 1;
	CHECK(munmap(map, PAGE) == 0);
}

int
main(int argc, char **argv)
{
	char old[4096], new[4096], temp[4096];
	FILE *fp;
	int fd, copy;

	CHECK(argc == 2);
	(void)snprintf(old, sizeof(old), "%s.old", argv[1]);
	(void)snprintf(new, sizeof(new), "%s.new", argv[1]);
	(void)snprintf(temp, sizeof(temp), "%s.XXXXXX", argv[1]);
	fd = prog_file(old, 2);
	use(fd);
	copy = dup(fd);
	CHECK(close(fd) == 0);
	use(copy);
	CHECK(rename(old, new) == 0);
	CHECK(truncate(new, 3 * (off_t)PAGE) == 0);
	CHECK(ftruncate(copy, 4 * (off_t)PAGE) == 0);
	CHECK(lseek(copy, 0, SEEK_END) == 4 * (off_t)PAGE);
	CHECK(write(copy, "x", 1) == 1);
	CHECK(close(copy) == 0);
	CHECK(unlink(new) == 0);
	fd = mkstemp(temp);
	CHECK(fd != -1 && ftruncate(fd, (off_t)PAGE) == 0);
	use(fd);
	CHECK(close(fd) == 0 && remove(temp) == 0);
	fp = fopen(argv[1], "w+");
	CHECK(fp != NULL && ftruncate(fileno(fp), (off_t)PAGE) == 0);
	use(fileno(fp));
	CHECK(fclose(fp) == 0);
	CHECK(unlink(argv[1]) == 0);
	return prog_ok();
}
