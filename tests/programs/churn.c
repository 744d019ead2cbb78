/* Threads map, protect, sync, move and unmap at the same time, and fork. */
#include <pthread.h>

#include "tests/programs/prog.h"

#define THREADS 6
#define PAGES	24
#define ROUNDS	40

static const char *path;

static void
check(const unsigned char *map, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(map[i * PAGE] == i);
}

static void
in_child(unsigned char *map)
{
	const pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0) {
		check(map, PAGES);
		_exit(0);
	}
	prog_wait(pid);
}

static void
round_of(size_t me, unsigned k)
{
	const int fd = open(path, O_RDWR);
	unsigned char *map;

	CHECK(fd != -1);
	map = prog_map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(map, PAGES);
	map[me * PAGE + 1 + me] = (unsigned char)k;
	CHECK(mprotect(map + 4 * PAGE, 2 * PAGE, PROT_READ) == 0);
	check(map, PAGES);
	CHECK(msync(map, PAGES * PAGE, MS_ASYNC) == 0);
	CHECK(munmap(map + 20 * PAGE, 4 * PAGE) == 0);
	map = mremap(map, 4 * PAGE, PAGES * PAGE, MREMAP_MAYMOVE);
	CHECK(map != MAP_FAILED);
	check(map, PAGES);
	CHECK(map[me * PAGE + 1 + me] == (unsigned char)k);
	if (k % 16 == me)
		in_child(map);
	CHECK(pwrite(fd, map + me * PAGE, PAGE, (off_t)(me * PAGE)) ==
	    (ssize_t)PAGE);
	CHECK(munmap(map, PAGES * PAGE) == 0);
	CHECK(close(fd) == 0);
}

static void *
work(void *arg)
{
	for (unsigned k = 0; k < ROUNDS; k++)
		round_of(*(const size_t *)arg, k);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	size_t ids[THREADS];

	CHECK(argc == 2);
	path = argv[1];
	CHECK(close(prog_file(path, PAGES)) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		ids[i] = i;
		CHECK(pthread_create(&threads[i], NULL, work, &ids[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	return prog_ok();
}
