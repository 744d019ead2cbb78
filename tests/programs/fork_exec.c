/* Forks, whose children use the map that they have inherited, and execute. */
#include "tests/programs/prog.h"

#define PAGES 300

/* Part of the map is not for children. */
static void
withheld(unsigned char *map)
{
	pid_t pid;

	CHECK(madvise(map + 20 * PAGE, 10 * PAGE, MADV_DONTFORK) == 0);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		unsigned char *p = mmap(map + 20 * PAGE, 10 * PAGE,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		CHECK(p == map + 20 * PAGE);
		memset(p, 0x55, 10 * PAGE);
		for (size_t i = 0; i < PAGES; i++)
			CHECK(map[i * PAGE] ==
			    (i >= 20 && i < 30 ? 0x55 : (i & 0xff)));
		CHECK(p[5 * PAGE] == 0x55);
		_exit(0);
	}
	prog_wait(pid);
	CHECK(madvise(map + 20 * PAGE, 10 * PAGE, MADV_DOFORK) == 0);
}

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
	withheld(map);
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
