/*
 * locks FOLDER: locks that processes share, in a map of a file.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "tests/programs/program.h"

#define ROUNDS	  200
#define PROCESSES 3

/* Each in a page of its own. */
struct shared {
	_Alignas(4096) pthread_mutex_t sh_mutex;
	_Alignas(4096) pthread_cond_t sh_cond;
	_Alignas(4096) pthread_rwlock_t sh_rwlock;
	_Alignas(4096) sem_t sh_sem;
	_Alignas(4096) pthread_barrier_t sh_barrier;
	_Alignas(4096) pthread_mutex_t sh_robust;
	_Alignas(4096) _Atomic uint32_t sh_word;
	_Alignas(4096) unsigned sh_n, sh_turn;
	_Alignas(4096) uint8_t sh_churn[CHURN_PAGES * 4096];
};

static void
init(struct shared *sh)
{
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;
	pthread_rwlockattr_t ra;
	pthread_barrierattr_t ba;

	CHECK(pthread_mutexattr_init(&ma) == 0);
	CHECK(pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutex_init(&sh->sh_mutex, &ma) == 0);
	CHECK(pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&sh->sh_robust, &ma) == 0);
	CHECK(pthread_condattr_init(&ca) == 0);
	CHECK(pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_cond_init(&sh->sh_cond, &ca) == 0);
	CHECK(pthread_rwlockattr_init(&ra) == 0);
	CHECK(pthread_rwlockattr_setpshared(&ra, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_rwlock_init(&sh->sh_rwlock, &ra) == 0);
	CHECK(pthread_barrierattr_init(&ba) == 0);
	CHECK(pthread_barrierattr_setpshared(&ba, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_barrier_init(&sh->sh_barrier, &ba, PROCESSES) == 0);
	CHECK(sem_init(&sh->sh_sem, 1, 1) == 0);
}

/* All add to one number, under one lock after the other. */
static void
count(struct shared *sh)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 10 == 0)
			churn(sh->sh_churn);
		CHECK(pthread_mutex_lock(&sh->sh_mutex) == 0);
		sh->sh_n++;
		CHECK(pthread_mutex_unlock(&sh->sh_mutex) == 0);
		CHECK(sem_wait(&sh->sh_sem) == 0);
		CHECK(pthread_rwlock_wrlock(&sh->sh_rwlock) == 0);
		CHECK(pthread_rwlock_unlock(&sh->sh_rwlock) == 0);
		CHECK(pthread_rwlock_rdlock(&sh->sh_rwlock) == 0);
		CHECK(pthread_rwlock_unlock(&sh->sh_rwlock) == 0);
		CHECK(sem_post(&sh->sh_sem) == 0);
	}
}

/* One after the other, by turns. */
static void
take_turns(struct shared *sh, unsigned me)
{
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		CHECK(pthread_mutex_lock(&sh->sh_mutex) == 0);
		while (sh->sh_turn % PROCESSES != me)
			CHECK(pthread_cond_wait(&sh->sh_cond, &sh->sh_mutex) ==
			    0);
		sh->sh_turn++;
		CHECK(pthread_cond_broadcast(&sh->sh_cond) == 0);
		CHECK(pthread_mutex_unlock(&sh->sh_mutex) == 0);
		churn(sh->sh_churn);
	}
}

static _Noreturn void
child(struct shared *sh, unsigned me)
{
	const int ret = pthread_barrier_wait(&sh->sh_barrier);

	CHECK(ret == 0 || ret == PTHREAD_BARRIER_SERIAL_THREAD);
	count(sh);
	take_turns(sh, me);
	_exit(0);
}

/* Whose owner dies, as the kernel says in the lock. */
static void
robust(struct shared *sh)
{
	const pid_t pid = fork();

	if (pid == 0) {
		CHECK(pthread_mutex_lock(&sh->sh_robust) == 0);
		churn(sh->sh_churn);
		_exit(0);
	}
	ENDED_WELL(pid);
	CHECK(pthread_mutex_lock(&sh->sh_robust) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&sh->sh_robust) == 0);
	CHECK(pthread_mutex_unlock(&sh->sh_robust) == 0);
}

/* Without libc's locks. */
static void
bare(struct shared *sh)
{
	const pid_t pid = fork();

	if (pid == 0) {
		while (atomic_load(&sh->sh_word) == 0)
			CHECK(syscall(SYS_futex, &sh->sh_word, FUTEX_WAIT, 0,
				  NULL, NULL, 0) == 0 ||
			    errno == EAGAIN || errno == EINTR);
		_exit(0);
	}
	churn(sh->sh_churn);
	atomic_store(&sh->sh_word, 1);
	CHECK(syscall(SYS_futex, &sh->sh_word, FUTEX_WAKE, 1, NULL, NULL, 0) >=
	    0);
	ENDED_WELL(pid);
}

int
main(int argc, char **argv)
{
	const size_t pages = sizeof(struct shared) / PAGE;
	pid_t pids[PROCESSES];
	struct shared *sh;

	CHECK(argc == 2);
	sh = (void *)new_map(argv[1], "locks", pages);
	init(sh);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			child(sh, i);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		ENDED_WELL(pids[i]);
	CHECK(sh->sh_n == PROCESSES * ROUNDS);
	CHECK(sh->sh_turn == PROCESSES * (ROUNDS / 4));
	robust(sh);
	bare(sh);
	return done();
}
