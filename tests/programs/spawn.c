/* Children by vfork(2), posix_spawn(3), system(3) and popen(3). */
#include <spawn.h>

#include "tests/programs/prog.h"

#define PAGES 32

/* What the children do: add 1 to a byte of the map. */
static int
add(const char *path)
{
	const int fd = open(path, O_RDWR);
	unsigned char *map;

	CHECK(fd != -1);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	map[9 * PAGE]++;
	return 0;
}

int
main(int argc, char **argv)
{
	char self[4096], command[8300];
	unsigned char *map;
	char *args[4] = { argv[0], argv[1], NULL, NULL };
	char *word, *program;
	ssize_t n;
	pid_t pid;
	FILE *fp;

	CHECK(argc >= 2);
	if (argc == 3)
		return add(argv[1]);
	map = prog_shared(argv[1], PAGES);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	CHECK(n > 0);
	self[n] = '\0';
	/* What is to run lies in the map. */
	program = prog_text(map + 20 * PAGE, self);
	word = prog_text(map + 24 * PAGE - 2, "add");
	args[2] = word;
	(void)snprintf(command, sizeof(command), "'%s' '%s' add", self,
	    argv[1]);
	for (int i = 0; i < 3; i++) {
		pid = vfork();
		CHECK(pid != -1);
		if (pid == 0) {
			(void)execv(program, args);
			_exit(127);
		}
		map[PAGE] = 1;
		prog_wait(pid);
	}
	CHECK(map[9 * PAGE] == 9 + 3);
	CHECK(posix_spawn(&pid, program, NULL, NULL, args, environ) == 0);
	prog_wait(pid);
	CHECK(map[9 * PAGE] == 9 + 4);
	CHECK(system(command) == 0);
	fp = popen(command, "r");
	CHECK(fp != NULL && pclose(fp) == 0);
	CHECK(map[9 * PAGE] == 9 + 6);
	/* One that cannot be executed leaves no trace in its parent. */
	pid = vfork();
	CHECK(pid != -1);
	if (pid == 0) {
		(void)execv("/nowhere", args);
		_exit(0);
	}
	prog_wait(pid);
	CHECK(map[PAGE] == 1);
	return prog_ok();
}
