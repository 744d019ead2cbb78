#include "traces/preload/call.h"

/*
 * Locks that lie in maps: the kernel looks at their words when a thread sleeps,
 * and when it dies.  In mode preload their pages stay open for good.
 */

static void
keep_open(uint64_t addr, uint64_t end)
{
	const uint64_t pages = (end - 1) / PAGE - addr / PAGE + 1;
	struct section sc;
	bool news = false;

	if (pages <= 2 && pin_kept(addr) && pin_kept(end - 1))
		return;
	section_begin(&sc);
	if (maps_any(addr, end))
		news = pin_keep(addr, end);
	if (news)
		log_note(RECORD_PINNED_PAGES, pages);
	section_end(&sc);
	if (news)
		call_seen(addr, end - addr, RAW_F_WRITE);
}

void
call_keep(const volatile void *p, size_t size)
{
	if (unlikely(call_near(p, size)))
		keep_open(to_addr(p), to_addr(p) + size);
}

/* A function of one lock, or of two. */
#define LOCK(name, params, args, lock)                                         \
	EXPORT int name params                                                 \
	{                                                                      \
		call_keep(lock, sizeof(*(lock)));                              \
		(void)on();                                                    \
		return real.name args;                                         \
	}

#define MUTEX(name) LOCK(name, (pthread_mutex_t * lock), (lock), lock)
#define MUTEX_UNTIL(name)                                                      \
	LOCK(name,                                                             \
	    (pthread_mutex_t *restrict lock,                                   \
		const struct timespec *restrict until),                        \
	    (lock, until), lock)

MUTEX(pthread_mutex_lock)
MUTEX(pthread_mutex_trylock)
MUTEX(pthread_mutex_unlock)
MUTEX_UNTIL(pthread_mutex_timedlock)
LOCK(pthread_mutex_clocklock,
    (pthread_mutex_t *restrict lock, clockid_t clock,
	const struct timespec *restrict until),
    (lock, clock, until), lock)

#define RWLOCK(name) LOCK(name, (pthread_rwlock_t * lock), (lock), lock)
#define RWLOCK_UNTIL(name)                                                     \
	LOCK(name,                                                             \
	    (pthread_rwlock_t *restrict lock,                                  \
		const struct timespec *restrict until),                        \
	    (lock, until), lock)
#define RWLOCK_CLOCK(name)                                                     \
	LOCK(name,                                                             \
	    (pthread_rwlock_t *restrict lock, clockid_t clock,                 \
		const struct timespec *restrict until),                        \
	    (lock, clock, until), lock)

RWLOCK(pthread_rwlock_rdlock)
RWLOCK(pthread_rwlock_tryrdlock)
RWLOCK(pthread_rwlock_wrlock)
RWLOCK(pthread_rwlock_trywrlock)
RWLOCK(pthread_rwlock_unlock)
RWLOCK_UNTIL(pthread_rwlock_timedrdlock)
RWLOCK_UNTIL(pthread_rwlock_timedwrlock)
RWLOCK_CLOCK(pthread_rwlock_clockrdlock)
RWLOCK_CLOCK(pthread_rwlock_clockwrlock)

LOCK(pthread_barrier_wait, (pthread_barrier_t * lock), (lock), lock)

#define SEM(name) LOCK(name, (sem_t * lock), (lock), lock)

SEM(sem_post)
SEM(sem_trywait)
SEM(sem_wait)
LOCK(sem_timedwait,
    (sem_t *restrict lock, const struct timespec *restrict until),
    (lock, until), lock)
LOCK(sem_clockwait,
    (sem_t *restrict lock, clockid_t clock,
	const struct timespec *restrict until),
    (lock, clock, until), lock)

LOCK(pthread_cond_signal, (pthread_cond_t * cond), (cond), cond)
LOCK(pthread_cond_broadcast, (pthread_cond_t * cond), (cond), cond)

#define COND(name, params, args)                                               \
	EXPORT int name params                                                 \
	{                                                                      \
		call_keep(cond, sizeof(*cond));                                \
		call_keep(lock, sizeof(*lock));                                \
		(void)on();                                                    \
		return real.name args;                                         \
	}

COND(pthread_cond_wait,
    (pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock),
    (cond, lock))
COND(pthread_cond_timedwait,
    (pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
	const struct timespec *restrict until),
    (cond, lock, until))
COND(pthread_cond_clockwait,
    (pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
	clockid_t clock, const struct timespec *restrict until),
    (cond, lock, clock, until))
