/*
 * Forks while a thread waits in a read(2) into the map; the child uses the page
 * that is to be read into.
 */
#include <pthread.h>

#include "tests/programs/prog.h"

#define PAGES 20

static unsigned char *map;
static int pipes[2];

static void *
reader(void *arg)
{
	CHECK(read(pipes[0], map + 3 * PAGE, PAGE) == 1);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t th;
	pid_t pid;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	CHECK(pipe(pipes) == 0);
	CHECK(pthread_create(&th, NULL, reader, NULL) == 0);
	(void)usleep(50000);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		CHECK(map[3 * PAGE] == 3);
		map[3 * PAGE + 1] = 1;
		_exit(0);
	}
	prog_wait(pid);
	CHECK(write(pipes[1], "x", 1) == 1);
	CHECK(pthread_join(th, NULL) == 0);
	CHECK(map[3 * PAGE] == 'x' && map[3 * PAGE + 1] == 1);
	return prog_ok();
}
