/* Is killed in the middle of its work. */
#include "tests/programs/prog.h"

#define PAGES 100

int
main(int argc, char **argv)
{
	unsigned char *map;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	for (size_t i = 0; i < PAGES; i++)
		map[i * PAGE] = 1;
	(void)prog_ok();
	(void)kill(getpid(), SIGKILL);
	return 0;
}
