/*
 * threads FOLDER: eight threads in one map, each in pages of its own and in
 * some of all; and many that are soon gone.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/programs/program.h"

#define THREADS 8
#define ROUNDS	3000
#define OWN	((size_t)100) /* pages of a thread */
#define SHORT	200

static uint8_t *map;
static const char *folder;

static _Atomic uint32_t *
counter(size_t i)
{
	return (void *)(map + (THREADS * OWN + i) * PAGE);
}

/* An owner sees what it has written, whoever empties the window. */
static void *
work(void *arg)
{
	const size_t me = *(const size_t *)arg;
	uint8_t *const own = map + me * OWN * PAGE;
	uint8_t last[OWN] = { 0 };
	uint64_t state = me;

	for (size_t i = 0; i < ROUNDS; i++) {
		size_t page;

		state = state * 6364136223846793005U + 1442695040888963407U;
		page = (size_t)(state >> 40) % OWN;
		CHECK(peek(own + page * PAGE) == last[page]);
		if ((state >> 33 & 1) != 0) {
			last[page] = (uint8_t)i;
			poke(own + page * PAGE, last[page]);
		}
		(void)atomic_fetch_add(counter(i % 4), 1);
	}
	return NULL;
}

/* One that maps, and is gone. */
static void *
passing(void *arg)
{
	const int fd = open(path_in(folder, "threads"), O_RDONLY);
	uint8_t *mine;

	CHECK(fd >= 0);
	mine = map_of(fd, 8, PROT_READ, MAP_PRIVATE);
	for (size_t i = 0; i < 8; i++)
		(void)peek(mine + i * PAGE);
	CHECK(munmap(mine, 8 * PAGE) == 0);
	CHECK(close(fd) == 0);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	size_t who[THREADS];
	uint32_t sum = 0;

	CHECK(argc == 2);
	folder = argv[1];
	map = new_map(folder, "threads", THREADS * OWN + 4);
	for (size_t i = 0; i < THREADS; i++) {
		who[i] = i;
		CHECK(pthread_create(&threads[i], NULL, work, &who[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < 4; i++)
		sum += atomic_load(counter(i));
	CHECK(sum == THREADS * ROUNDS);
	for (size_t i = 0; i < SHORT; i += 2) {
		for (size_t k = 0; k < 2; k++)
			CHECK(pthread_create(&threads[k], NULL, passing,
				  NULL) == 0);
		for (size_t k = 0; k < 2; k++)
			CHECK(pthread_join(threads[k], NULL) == 0);
	}
	return done();
}
