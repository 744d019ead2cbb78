/*
 * Closes all descriptors, in every way there is, and puts its own on numbers of
 * its choice: maps go on, and new ones can be made.  Prints the faults that the
 * last one took.
 */
#include "tests/programs/prog.h"

#define PAGES 400

static void
walk(const unsigned char *map)
{
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE] == (i & 0xff));
}

static unsigned char *
again(const char *path)
{
	const int fd = open(path, O_RDWR);
	unsigned char *map;

	CHECK(fd != -1);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	walk(map);
	CHECK(close(fd) == 0);
	return map;
}

int
main(int argc, char **argv)
{
	struct rlimit rl = { 1024, 1024 };
	unsigned char *map;
	long before;
	int fd;

	CHECK(argc == 2);
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	map = prog_shared(argv[1], PAGES);
	for (fd = 3; fd < 1024; fd++)
		(void)close(fd);
	walk(map);
	walk(again(argv[1]));
	CHECK(close_range(3, ~0U, 0) == 0 || errno == ENOSYS);
	walk(map);
	closefrom(3);
	walk(again(argv[1]));
	/* All numbers are the program's, if it asks for them. */
	for (fd = 3; fd < 1000; fd++)
		CHECK(dup2(STDOUT_FILENO, fd) == fd);
	for (fd = 3; fd < 1000; fd++)
		CHECK(close(fd) == 0);
	walk(map);
	before = prog_faults();
	walk(again(argv[1]));
	printf("faults %ld\n", prog_faults() - before);
	return prog_ok();
}
