/*
 * A mutex, a condition and a semaphore that two processes share lie in a map,
 * and are waited for.
 */
#include <pthread.h>
#include <semaphore.h>

#include "tests/programs/prog.h"

#define ROUNDS 200

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	sem_t sem;
	int turn, n;
};

static void
play(struct shared *sh, unsigned char *map, int me)
{
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(pthread_mutex_lock(&sh->mutex) == 0);
		while (sh->turn != me)
			CHECK(pthread_cond_wait(&sh->cond, &sh->mutex) == 0);
		sh->n++;
		map[(size_t)(1 + i) * PAGE + 1]++;
		sh->turn = 1 - me;
		CHECK(pthread_cond_broadcast(&sh->cond) == 0);
		CHECK(pthread_mutex_unlock(&sh->mutex) == 0);
	}
}

static void
make(struct shared *sh)
{
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;

	memset(sh, 0, sizeof(*sh));
	CHECK(pthread_mutexattr_init(&ma) == 0);
	CHECK(pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutex_init(&sh->mutex, &ma) == 0);
	CHECK(pthread_condattr_init(&ca) == 0);
	CHECK(pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_cond_init(&sh->cond, &ca) == 0);
	CHECK(sem_init(&sh->sem, 1, 0) == 0);
}

int
main(int argc, char **argv)
{
	struct shared *sh;
	unsigned char *map;
	pid_t pid;

	CHECK(argc == 2);
	map = prog_shared(argv[1], ROUNDS + 1);
	sh = (void *)map;
	make(sh);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		play(sh, map, 1);
		CHECK(sem_post(&sh->sem) == 0);
		_exit(0);
	}
	play(sh, map, 0);
	CHECK(sem_wait(&sh->sem) == 0);
	prog_wait(pid);
	CHECK(sh->n == 2 * ROUNDS);
	for (size_t i = 1; i <= ROUNDS; i++)
		CHECK(map[i * PAGE + 1] == (unsigned char)(i + 2));
	return prog_ok();
}
