/*
 * uvm_mp.c: locks, sleeping, threads; see uvm_mp.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "pager/uvm_i.h"

/* Whoever sleeps so long while the backend does nothing sleeps for ever. */
#define SLEEP_MOST 120 /* s */

_Thread_local struct uvm_self *uvm_self;

struct uvmexp *
uvm_counters(void)
{

	return &uvm_self->exp;
}

/* Lose some time, once in a while: up to 64 us, or the processor. */
static void
delay(struct lockstat *ls)
{
	struct timespec ts = { .tv_sec = 0 };

	ls->ls_random ^= ls->ls_random << 13;
	ls->ls_random ^= ls->ls_random >> 7;
	ls->ls_random ^= ls->ls_random << 17;
	if (ls->ls_random % 1000 >= ls->ls_chaos)
		return;
	ts.tv_nsec = (long)(ls->ls_random >> 20 & 0xffff);
	if (ts.tv_nsec < 0x4000)
		(void)sched_yield();
	else
		(void)nanosleep(&ts, NULL);
}

/* ---- locks ---- */

void
simple_lock_init(struct simplelock *l, enum lockrank rank)
{

	pthread_mutexattr_t ma;

	/* Held for less than a sleep takes: who waits spins for a while. */
	(void)pthread_mutexattr_init(&ma);
	(void)pthread_mutexattr_settype(&ma, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(&l->sl_mutex, &ma);
	(void)pthread_mutexattr_destroy(&ma);
	l->sl_owner = NULL;
	l->sl_rank = rank;
}

bool
simple_lock_held(const struct simplelock *l)
{

	return __atomic_load_n(&l->sl_owner, __ATOMIC_RELAXED) == uvm_self;
}

static void
lock_taken(struct lockstat *ls, struct simplelock *l)
{

	KASSERT(ls->ls_spins < LOCKS_MOST);
	ls->ls_rank[ls->ls_spins++] = (uint8_t)l->sl_rank;
	__atomic_store_n(&l->sl_owner, uvm_self, __ATOMIC_RELAXED);
}

void
simple_lock(struct lockstat *ls, struct simplelock *l)
{

	KASSERT(l->sl_rank != RANK_NONE && !simple_lock_held(l));
	for (unsigned i = 0; i < ls->ls_spins; i++)
		KASSERT(ls->ls_rank[i] < l->sl_rank);
	if (unlikely(pthread_mutex_trylock(&l->sl_mutex) != 0)) {
		struct uvm *const uvm = ls->ls_uvm;

		uvm_waiting(uvm, UVM_WAIT_LOCK, uvm_clock(uvm));
		(void)pthread_mutex_lock(&l->sl_mutex);
		uvm_waited(uvm, uvm_clock(uvm));
	}
	lock_taken(ls, l);
}

bool
simple_lock_try(struct lockstat *ls, struct simplelock *l)
{

	KASSERT(!simple_lock_held(l));
	if (pthread_mutex_trylock(&l->sl_mutex) != 0)
		return false;
	lock_taken(ls, l);
	return true;
}

/* Locks are dropped in any order. */
static void
lock_dropped(struct lockstat *ls, struct simplelock *l)
{
	unsigned i = ls->ls_spins;

	KASSERT(simple_lock_held(l));
	while (i > 0 && ls->ls_rank[i - 1] != l->sl_rank)
		i--;
	KASSERT(i > 0);
	for (ls->ls_spins--; i <= ls->ls_spins; i++)
		ls->ls_rank[i - 1] = ls->ls_rank[i];
	__atomic_store_n(&l->sl_owner, NULL, __ATOMIC_RELAXED);
}

void
simple_unlock(struct lockstat *ls, struct simplelock *l)
{

	lock_dropped(ls, l);
	(void)pthread_mutex_unlock(&l->sl_mutex);
	if (unlikely(ls->ls_chaos != 0))
		delay(ls);
}

/* ---- sleeping ---- */

static struct sleepq *
sleepq_of(struct uvm *uvm, const void *chan)
{
	const uint64_t h = (uint64_t)(uintptr_t)chan * 0x9e3779b97f4a7c15ULL;

	return &uvm->mp.mp_sleepq[(h >> 32) % SLEEPQS];
}

/* A second from now, for pthread_cond_timedwait(). */
static struct timespec
soon(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec++;
	return ts;
}

bool
uvm_mp_sleep(struct uvm *uvm, const void *chan, enum uvm_waitkind kind,
    const char *what, struct simplelock *l)
{
	struct sleepq *const sq = sleepq_of(uvm, chan);
	unsigned seconds = 0;
	uint64_t before;

	KASSERT(SELF(uvm)->ls.ls_spins == 1);
	/* A daemon that has nothing to do waits for nothing. */
	if (what != NULL)
		uvm_waiting(uvm, kind, uvm_clock(uvm));
	(void)pthread_mutex_lock(&sq->sq_mutex);
	before = sq->sq_wakeups;
	sq->sq_sleepers++;
	simple_unlock(&SELF(uvm)->ls, l);
	while (sq->sq_wakeups == before && FAILED(uvm) == 0 &&
	    seconds < SLEEP_MOST) {
		const struct timespec until = soon();

		if (pthread_cond_timedwait(&sq->sq_cond, &sq->sq_mutex,
			&until) == ETIMEDOUT &&
		    what != NULL && shared_get(&uvm->mp.mp_calls) == 0)
			seconds++;
	}
	sq->sq_sleepers--;
	(void)pthread_mutex_unlock(&sq->sq_mutex);
	if (what != NULL)
		uvm_waited(uvm, uvm_clock(uvm));
	if (seconds == SLEEP_MOST)
		(void)uvm_fail(uvm, EDEADLK,
		    "deadlock: a thread waited %d s for %s", SLEEP_MOST, what);
	uvm_chaos(uvm);
	simple_lock(&SELF(uvm)->ls, l);
	return FAILED(uvm) == 0;
}

void
uvm_wakeup(struct uvm *uvm, const void *chan)
{
	struct sleepq *const sq = sleepq_of(uvm, chan);

	(void)pthread_mutex_lock(&sq->sq_mutex);
	sq->sq_wakeups++;
	if (sq->sq_sleepers != 0)
		(void)pthread_cond_broadcast(&sq->sq_cond);
	(void)pthread_mutex_unlock(&sq->sq_mutex);
}

void
uvm_mp_wake_all(struct uvm *uvm)
{

	for (size_t i = 0; i < SLEEPQS; i++) {
		struct sleepq *const sq = &uvm->mp.mp_sleepq[i];

		(void)pthread_mutex_lock(&sq->sq_mutex);
		sq->sq_wakeups++;
		(void)pthread_cond_broadcast(&sq->sq_cond);
		(void)pthread_mutex_unlock(&sq->sq_mutex);
	}
}

void
uvm_chaos(struct uvm *uvm)
{

	if (unlikely(uvm->up.chaos != 0))
		delay(&SELF(uvm)->ls);
}

/* ---- machine and threads ---- */

int
uvm_mp_init(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;
	pthread_condattr_t ca;

	(void)pthread_condattr_init(&ca);
	(void)pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	for (size_t i = 0; i < SLEEPQS; i++) {
		(void)pthread_mutex_init(&mp->mp_sleepq[i].sq_mutex, NULL);
		(void)pthread_cond_init(&mp->mp_sleepq[i].sq_cond, &ca);
	}
	(void)pthread_condattr_destroy(&ca);
	(void)pthread_mutex_init(&mp->mp_lock, NULL);
	mp->mp_chaos_seed = uvm->up.chaos_seed;
	return uvm_thread_join(uvm);
}

void
uvm_mp_fini(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;

	if (uvm_self != NULL)
		uvm_thread_leave(uvm);
	for (size_t i = 0; i < SLEEPQS; i++) {
		(void)pthread_mutex_destroy(&mp->mp_sleepq[i].sq_mutex);
		(void)pthread_cond_destroy(&mp->mp_sleepq[i].sq_cond);
	}
	(void)pthread_mutex_destroy(&mp->mp_lock);
}

static void
self_free(struct uvm_self *self)
{

	if (self == NULL)
		return;
	free(self->slotbuf);
	free(self->iobuf);
	free(self->readbuf);
	free(self);
}

int
uvm_thread_join(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;
	struct uvm_self *const self = calloc(1, sizeof(*self));

	KASSERT(uvm_self == NULL);
	if (self == NULL)
		return ENOMEM;
	self->slotbuf =
	    calloc((size_t)UVM_SLOTDEPTH * uvm->slots, sizeof(void *));
	self->iobuf = calloc(uvm->slots, sizeof(self->iobuf[0]));
	self->readbuf = calloc(uvm->slots, sizeof(void *));
	if (self->slotbuf == NULL || self->iobuf == NULL ||
	    self->readbuf == NULL) {
		self_free(self);
		return ENOMEM;
	}
	(void)pthread_mutex_lock(&mp->mp_lock);
	self->ls.ls_uvm = uvm;
	self->ls.ls_chaos = uvm->up.chaos;
	self->ls.ls_random = ++mp->mp_chaos_seed * 0x9e3779b97f4a7c15ULL | 1;
	self->next = mp->mp_selves;
	mp->mp_selves = self;
	(void)pthread_mutex_unlock(&mp->mp_lock);
	uvm_self = self;
	return 0;
}

/* Add counters; gauges are the machine's. */
static void
exp_add(struct uvmexp *sum, const struct uvmexp *exp)
{
	uint64_t *const to = (uint64_t *)sum;
	const uint64_t *const from = (const uint64_t *)exp;

	for (size_t i = 0; i < uvm_stat_count; i++)
		if (!uvm_stat_table[i].uc_gauge)
			to[i] += from[i];
}

void
uvm_thread_publish(struct uvm *uvm)
{

	(void)pthread_mutex_lock(&uvm->mp.mp_lock);
	SELF(uvm)->published = SELF(uvm)->exp;
	(void)pthread_mutex_unlock(&uvm->mp.mp_lock);
}

void
uvm_thread_leave(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;
	struct uvm_self *const self = uvm_self, **link;

	KASSERT(self->ls.ls_spins == 0);
	(void)pthread_mutex_lock(&mp->mp_lock);
	exp_add(&mp->mp_left, &self->exp);
	for (link = &mp->mp_selves; *link != self; link = &(*link)->next)
		continue;
	*link = self->next;
	(void)pthread_mutex_unlock(&mp->mp_lock);
	uvm_self = NULL;
	self_free(self);
}

const struct uvmexp *
uvm_stat(const struct uvm *cuvm)
{
	struct uvm *const uvm = unconst(cuvm);
	struct uvm_mp *const mp = &uvm->mp;
	const uint64_t *const levels = (const uint64_t *)LEVELS(uvm);
	struct uvmexp sum;

	if (uvm_self != NULL)
		uvm_thread_publish(uvm);
	(void)pthread_mutex_lock(&mp->mp_lock);
	sum = mp->mp_left;
	for (const struct uvm_self *s = mp->mp_selves; s != NULL; s = s->next)
		exp_add(&sum, &s->published);
	for (size_t i = 0; i < uvm_stat_count; i++)
		if (uvm_stat_table[i].uc_gauge)
			((uint64_t *)&sum)[i] = shared_get(&levels[i]);
	mp->mp_total = sum;
	(void)pthread_mutex_unlock(&mp->mp_lock);
	return &mp->mp_total;
}

/* ---- daemons ---- */

#define NAP_NS 100000 /* after a turn that freed nothing */

/*
 * Did the last turn free nothing for a reason that passes?  The backend is at
 * work, a page's object was locked, or there is memory, and who waits for it
 * has not run yet.
 */
static bool
turn_in_vain(struct uvm *uvm)
{

	return shared_get(&uvm->mp.mp_calls) != 0 || uvm->mp.mp_passed ||
	    shared_get(&LEVELS(uvm)->free) > uvm->up.reserve_kernel;
}

/* The page daemon: a turn whenever it is woken, and while anyone waits. */
static void *
daemon_main(void *arg)
{
	struct uvm *const uvm = arg;
	const struct timespec nap = { .tv_nsec = NAP_NS };

	if (uvm_thread_join(uvm) != 0) {
		(void)uvm_fail(uvm, ENOMEM, "no memory for the page daemon");
		return NULL;
	}
	while (!shared_get(&uvm->mp.mp_stop) && FAILED(uvm) == 0) {
		bool waiters;

		simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
		waiters = uvm->mp.mp_waiters != 0;
		if (!waiters &&
		    (shared_get(&uvm->hot.uh_due) & UVM_DUE_DAEMON) == 0 &&
		    !shared_get(&uvm->mp.mp_stop))
			(void)uvm_sleep(uvm, &uvm->inactarg, UVM_WAIT_LOCK,
			    NULL, &uvm->fpageqlock);
		simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
		if (!waiters &&
		    (shared_get(&uvm->hot.uh_due) & UVM_DUE_DAEMON) == 0)
			continue;
		uvm->mp.mp_passed = false;
		uvm_pageout_turn(uvm);
		uvm_thread_publish(uvm);
		if (shared_get(&uvm->idleturns) == 0)
			continue;
		if (turn_in_vain(uvm))
			shared_set(&uvm->idleturns, 0);
		else if (waiters &&
		    shared_get(&uvm->idleturns) >= uvm->up.daemon_limit)
			uvm_out_of_memory(uvm);
		/* Locks are held for less than a nap. */
		if (uvm->mp.mp_passed)
			(void)sched_yield();
		else
			(void)nanosleep(&nap, NULL);
	}
	uvm_thread_leave(uvm);
	return NULL;
}

/* aiodone: finish what the backend is done with, as it comes. */
static void *
aiodone_main(void *arg)
{
	struct uvm *const uvm = arg;
	struct uvm_aio *const ai = &uvm->aio;

	if (uvm_thread_join(uvm) != 0) {
		(void)uvm_fail(uvm, ENOMEM, "no memory for aiodone");
		return NULL;
	}
	while (FAILED(uvm) == 0) {
		simple_lock(&SELF(uvm)->ls, &ai->ai_lock);
		while (ai->ai_flying == 0 && !shared_get(&uvm->mp.mp_stopaio) &&
		    FAILED(uvm) == 0)
			(void)uvm_sleep(uvm, &ai->ai_flying, UVM_WAIT_LOCK,
			    NULL, &ai->ai_lock);
		if (ai->ai_flying == 0) {
			simple_unlock(&SELF(uvm)->ls, &ai->ai_lock);
			break;
		}
		simple_unlock(&SELF(uvm)->ls, &ai->ai_lock);
		if (uvm_aio_collect(uvm, true) == 0)
			(void)sched_yield();
		uvm_thread_publish(uvm);
		uvm_chaos(uvm);
	}
	uvm_thread_leave(uvm);
	return NULL;
}

/* Under the lock that it holds from its last look until it sleeps. */
static void
stop_daemon(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;

	simple_lock(&SELF(uvm)->ls, &uvm->fpageqlock);
	shared_set(&mp->mp_stop, true);
	simple_unlock(&SELF(uvm)->ls, &uvm->fpageqlock);
	uvm_mp_wake_all(uvm);
	(void)pthread_join(mp->mp_daemon, NULL);
}

int
uvm_threads_start(struct uvm *uvm, struct errmsg *em)
{
	struct uvm_mp *const mp = &uvm->mp;
	int error;

	KASSERT(!mp->mp_running);
	mp->mp_running = true;
	error = pthread_create(&mp->mp_daemon, NULL, daemon_main, uvm);
	if (error == 0 &&
	    (error = pthread_create(&mp->mp_aiodone, NULL, aiodone_main,
		 uvm)) != 0) {
		stop_daemon(uvm);
		mp->mp_stop = false;
	}
	if (error == 0)
		return 0;
	mp->mp_running = false;
	return ERRMSG(em, error, "the daemons' threads cannot be made: %s",
	    errno_text(error));
}

void
uvm_threads_stop(struct uvm *uvm)
{
	struct uvm_mp *const mp = &uvm->mp;

	if (!mp->mp_running)
		return;
	/* The daemon starts I/O, which aiodone has to end. */
	stop_daemon(uvm);
	simple_lock(&SELF(uvm)->ls, &uvm->aio.ai_lock);
	shared_set(&mp->mp_stopaio, true);
	simple_unlock(&SELF(uvm)->ls, &uvm->aio.ai_lock);
	uvm_mp_wake_all(uvm);
	(void)pthread_join(mp->mp_aiodone, NULL);
	mp->mp_running = false;
	mp->mp_stop = mp->mp_stopaio = false;
	uvm_aio_rele(uvm);
}
