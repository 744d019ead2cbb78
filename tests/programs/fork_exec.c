/* Forks, whose children use the map that they have inherited, and execute. */
#include "tests/programs/prog.h"

#define PAGES 300

static void
child(unsigned char *map, int depth)
{
	for (size_t i = 0; i < PAGES; i++) {
		CHECK(map[i * PAGE] == (i & 0xff));
		map[i * PAGE + 1] = (unsigned char)(depth + 1);
	}
	if (depth < 2) {
		const pid_t pid = fork();

		CHECK(pid != -1);
		if (pid == 0) {
			child(map, depth + 1);
			_exit(0);
		}
		prog_wait(pid);
	}
}

int
main(int argc, char **argv)
{
	unsigned char *map;
	pid_t pid;

	CHECK(argc >= 2);
	if (argc == 3) {
		const int fd = open(argv[1], O_RDWR);

		CHECK(fd != -1);
		map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
		CHECK(map[5 * PAGE + 1] == 3);
		map[5 * PAGE + 1] = 77;
		return 0;
	}
	map = prog_shared(argv[1], PAGES);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		child(map, 0);
		_exit(0);
	}
	prog_wait(pid);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE + 1] == 3);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		char *again = prog_text(map + 9 * PAGE, "again");

		(void)execl("/proc/self/exe", argv[0], argv[1], again,
		    (char *)NULL);
		_exit(127);
	}
	prog_wait(pid);
	CHECK(map[5 * PAGE + 1] == 77);
	return prog_ok();
}
