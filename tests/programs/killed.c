/*
 * killed FOLDER [PAGES]: writes so many pages, and is killed.
 */
#include <signal.h>

#include "tests/programs/program.h"

int
main(int argc, char **argv)
{
	size_t pages = 500;
	uint8_t *map;

	CHECK(argc == 2 || argc == 3);
	if (argc == 3)
		pages = strtoull(argv[2], NULL, 10);
	map = new_map(argv[1], "killed", pages);
	for (size_t i = 0; i < pages; i++)
		poke(map + i * PAGE, 1);
	CHECK(raise(SIGKILL) == 0);
	return 1;
}
