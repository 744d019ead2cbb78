/* Eight threads in one map: pages of their own, and pages of all. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/programs/prog.h"

#define THREADS 8
#define OWN	64
#define COMMON	64
#define ROUNDS	20

static unsigned char *map;

/* Pages of its own, each as the round before has left it. */
static void
own_pages(unsigned char *own, unsigned k)
{
	for (size_t i = 0; i < OWN; i++) {
		CHECK(own[i * PAGE + 1] ==
		    (unsigned char)(k == 0 ? own[i * PAGE] : k));
		own[i * PAGE + 1] = (unsigned char)(k + 1);
	}
}

static void *
work(void *arg)
{
	const size_t me = *(const size_t *)arg;
	unsigned char *own = map + (COMMON + me * OWN) * PAGE;

	for (unsigned k = 0; k < ROUNDS; k++) {
		own_pages(own, k);
		for (size_t i = 0; i < COMMON; i++)
			atomic_fetch_add((_Atomic uint32_t *)(void *)(map +
					     i * PAGE + 64),
			    1);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	const size_t pages = COMMON + THREADS * OWN;
	pthread_t threads[THREADS];
	size_t ids[THREADS];

	CHECK(argc == 2);
	map = prog_shared(argv[1], pages);
	for (size_t i = 0; i < COMMON; i++)
		memset(map + i * PAGE + 64, 0, 4);
	for (size_t i = 0; i < THREADS; i++) {
		ids[i] = i;
		CHECK(pthread_create(&threads[i], NULL, work, &ids[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < COMMON; i++) {
		uint32_t v;

		memcpy(&v, map + i * PAGE + 64, sizeof(v));
		CHECK(v == THREADS * ROUNDS);
	}
	return prog_ok();
}
