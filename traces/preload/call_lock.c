/*
 * call_lock.c: mode preload: locks that processes share through a map.
 *
 * The kernel looks at them in futex(2), and when a thread dies, and finds a
 * closed page a bad address.  So their pages are left open for good.
 */
#include <pthread.h>
#include <semaphore.h>

#include "traces/preload/preload.h"

/* The lock, and whatever lies behind it in the same object. */
static void
keep(const void *lock, size_t size)
{
	const int saved = errno;

	if (!in_mode(RING_PRELOAD) || !maps_near((uintptr_t)lock, size))
		return;
	window_keep(lock);
	window_keep((const char *)lock + size - 1);
	errno = saved;
}

#define LOCK(name, params, args, lock)                                         \
	NEXT(name);                                                            \
	EXPORT int name params                                                 \
	{                                                                      \
		keep(lock, sizeof(*(lock)));                                   \
		return CALL_NEXT(name) args;                                   \
	}

LOCK(pthread_mutex_lock, (pthread_mutex_t * m), (m), m)
LOCK(pthread_mutex_trylock, (pthread_mutex_t * m), (m), m)
LOCK(pthread_mutex_unlock, (pthread_mutex_t * m), (m), m)
LOCK(pthread_mutex_timedlock,
    (pthread_mutex_t *restrict m, const struct timespec *restrict t), (m, t), m)
LOCK(pthread_mutex_consistent, (pthread_mutex_t * m), (m), m)
LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l), l)
LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l), l)
LOCK(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l), l)
LOCK(pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l), l)
LOCK(pthread_rwlock_unlock, (pthread_rwlock_t * l), (l), l)
LOCK(pthread_barrier_wait, (pthread_barrier_t * b), (b), b)
LOCK(sem_wait, (sem_t * s), (s), s)
LOCK(sem_trywait, (sem_t * s), (s), s)
LOCK(sem_timedwait, (sem_t *restrict s, const struct timespec *restrict t),
    (s, t), s)
LOCK(sem_post, (sem_t * s), (s), s)

/* Conditions have an older version, of another layout, which is not meant. */
#define CONDITION(name, params, args, cond, mutex)                             \
	NEXT_VERSION(name, "GLIBC_2.3.2");                                     \
	EXPORT int name params                                                 \
	{                                                                      \
		keep(cond, sizeof(*(cond)));                                   \
		keep(mutex, sizeof(pthread_mutex_t));                          \
		return CALL_NEXT(name) args;                                   \
	}

CONDITION(pthread_cond_wait,
    (pthread_cond_t *restrict c, pthread_mutex_t *restrict m), (c, m), c, m)
CONDITION(pthread_cond_timedwait,
    (pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
	const struct timespec *restrict t),
    (c, m, t), c, m)
CONDITION(pthread_cond_signal, (pthread_cond_t * c), (c), c, c)
CONDITION(pthread_cond_broadcast, (pthread_cond_t * c), (c), c, c)
