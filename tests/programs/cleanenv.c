/* Executes itself without an environment. */
#include "tests/programs/prog.h"

#define PAGES 20

int
main(int argc, char **argv)
{
	char *none[] = { NULL };
	char two[] = "2", three[] = "3";
	char *args[] = { argv[0], argv[1], two, NULL };
	unsigned char *map;
	int fd;

	CHECK(argc >= 2);
	if (argc == 2) {
		(void)prog_shared(argv[1], PAGES);
		(void)execve("/proc/self/exe", args, none);
		CHECK(false);
	}
	fd = open(argv[1], O_RDWR);
	CHECK(fd != -1);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE] == i);
	if (argv[2][0] == '3')
		return prog_ok();
	args[2] = three;
	CHECK(clearenv() == 0);
	(void)execv("/proc/self/exe", args);
	CHECK(false);
	return 1;
}
