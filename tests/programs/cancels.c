/*
 * cancels FOLDER: threads are cancelled in calls on memory in a map.
 */
#include <pthread.h>
#include <time.h>

#include "tests/programs/program.h"

static uint8_t *map;
static int ends[2];

static void *
work(void *arg)
{
	CHECK(read(ends[0], map + 3 * PAGE, PAGE) == 1);
	return arg;
}

int
main(int argc, char **argv)
{
	const struct timespec nap = { 0, 10000000 };

	CHECK(argc == 2);
	map = new_map(argv[1], "cancels", CHURN_PAGES);
	CHECK(pipe(ends) == 0);
	for (int i = 0; i < 5; i++) {
		pthread_t thread;
		void *result;

		churn(map);
		CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
		CHECK(nanosleep(&nap, NULL) == 0);
		CHECK(pthread_cancel(thread) == 0);
		CHECK(pthread_join(thread, &result) == 0);
		CHECK(result == PTHREAD_CANCELED);
		churn(map);
	}
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(work(map) == map && peek(map + 3 * PAGE) == 'x');
	return done();
}
