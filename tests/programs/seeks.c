/*
 * seeks FOLDER [THREADS N [kill]]: threads that each seek to 1..N in a file of
 * their own, a call that leaves nothing but its records; in the end it may kill
 * itself.
 */
#include <pthread.h>
#include <signal.h>

#include "tests/programs/program.h"

static const char *folder;
static long n = 1000;

static void *
work(void *arg)
{
	const int fd = open(path_in(folder, "seeks"), O_RDONLY);

	CHECK(fd >= 0);
	for (long i = 1; i <= n; i++)
		CHECK(lseek(fd, i, SEEK_SET) == i);
	CHECK(close(fd) == 0);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t threads[64];
	size_t nthreads = 1;

	CHECK(argc == 2 || argc == 4 || argc == 5);
	folder = argv[1];
	if (argc >= 4) {
		nthreads = strtoull(argv[2], NULL, 10);
		n = strtol(argv[3], NULL, 10);
	}
	CHECK(nthreads <= sizeof(threads) / sizeof(threads[0]));
	CHECK(close(new_file(path_in(folder, "seeks"), 1)) == 0);
	for (size_t i = 0; i < nthreads; i++)
		CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (size_t i = 0; i < nthreads; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	if (argc == 5)
		CHECK(raise(SIGKILL) == 0);
	return done();
}
