/*
 * mappers FOLDER: threads that map, protect, sync, move and unmap at the same
 * time, and fork meanwhile; and a child that uses memory a thread waits to read
 * into.
 */
#include <pthread.h>
#include <time.h>

#include "tests/programs/program.h"

#define THREADS 6
#define PAGES	((size_t)24)
#define ROUNDS	40

static const char *path;
static uint8_t *waited;
static int ends[2];

static bool
stamped(const uint8_t *map)
{
	for (size_t i = 0; i < PAGES; i++)
		if (peek(map + i * PAGE) != byte_at(i))
			return false;
	return true;
}

static void
in_child(const uint8_t *map)
{
	const pid_t pid = fork();

	if (pid == 0) {
		CHECK(stamped(map));
		_exit(0);
	}
	ENDED_WELL(pid);
}

static void
round_of(size_t me, size_t k)
{
	const int fd = open(path, O_RDWR);
	uint8_t *map, *own;

	CHECK(fd >= 0);
	map = map_of(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(stamped(map));
	poke(map + me * PAGE + 1 + me, (uint8_t)k);
	CHECK(mprotect(map + 4 * PAGE, 2 * PAGE, PROT_READ) == 0);
	CHECK(stamped(map));
	CHECK(msync(map, PAGES * PAGE, MS_ASYNC) == 0);
	CHECK(munmap(map + 20 * PAGE, 4 * PAGE) == 0);
	/* Others may have been given what is free: this part has to move. */
	map = mremap(map, 4 * PAGE, PAGES * PAGE, MREMAP_MAYMOVE);
	CHECK(map != MAP_FAILED);
	own = map + me * PAGE;
	CHECK(stamped(map) && peek(own + 1 + me) == (uint8_t)k);
	if (k % 16 == me)
		in_child(map);
	CHECK(pwrite(fd, own, PAGE, (off_t)(me * PAGE)) == (ssize_t)PAGE);
	CHECK(munmap(map, PAGES * PAGE) == 0);
	CHECK(close(fd) == 0);
}

static void *
work(void *arg)
{
	for (size_t k = 0; k < ROUNDS; k++)
		round_of(*(const size_t *)arg, k);
	return arg;
}

static void *
reader(void *arg)
{
	CHECK(read(ends[0], waited + 3 * PAGE, PAGE) == 1);
	return arg;
}

/* What is held for a call of the parent's is not held in a child. */
static void
while_another_waits(void)
{
	const struct timespec nap = { 0, 20000000 };
	pthread_t thread;
	pid_t pid;

	poke(waited + 3 * PAGE, 9);
	churn(waited);
	CHECK(pipe(ends) == 0);
	CHECK(pthread_create(&thread, NULL, reader, NULL) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(peek(waited + 3 * PAGE) == 9);
		poke(waited + 3 * PAGE + 1, 1);
		churn(waited);
		_exit(0);
	}
	ENDED_WELL(pid);
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(peek(waited + 3 * PAGE) == 'x');
	CHECK(peek(waited + 3 * PAGE + 1) == 1);
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	size_t who[THREADS];
	uint8_t *map;

	CHECK(argc == 2);
	path = path_in(argv[1], "mappers");
	map = new_map(argv[1], "mappers", PAGES);
	for (size_t i = 0; i < PAGES; i++)
		poke(map + i * PAGE, byte_at(i));
	for (size_t i = 0; i < THREADS; i++) {
		who[i] = i;
		CHECK(pthread_create(&threads[i], NULL, work, &who[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(stamped(map));
	waited = new_map(argv[1], "waited", CHURN_PAGES);
	while_another_waits();
	return done();
}
