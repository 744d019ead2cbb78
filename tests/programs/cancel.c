/* Threads are cancelled in calls on memory that is a map. */
#include <pthread.h>

#include "tests/programs/prog.h"

#define PAGES 40

static unsigned char *map;
static int pipes[2];

static void *
reader(void *arg)
{
	(void)read(pipes[0], map + 3 * PAGE, PAGE);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t th;
	void *ret;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	CHECK(pipe(pipes) == 0);
	for (int i = 0; i < 3; i++) {
		CHECK(pthread_create(&th, NULL, reader, NULL) == 0);
		(void)usleep(20000);
		CHECK(pthread_cancel(th) == 0);
		CHECK(pthread_join(th, &ret) == 0);
		CHECK(ret == PTHREAD_CANCELED);
		for (size_t k = 0; k < PAGES; k++)
			CHECK(map[k * PAGE] == k);
	}
	CHECK(write(pipes[1], "x", 1) == 1);
	CHECK(read(pipes[0], map + 3 * PAGE, PAGE) == 1);
	CHECK(map[3 * PAGE] == 'x');
	return prog_ok();
}
