/*
 * uvm_lock: UVM's locks, sleeping and waking; spec sections 1.5 and 2.6.
 *
 * The pager is compiled twice.
 *
 * Without UVM_MP one thread drives a machine, and a lock never waits: taking
 * one that is held, or dropping one that is not, is a bug of the pager and
 * asserts.  Such a machine is deterministic and pays for no mutex.
 *
 * With UVM_MP locks are mutexes, and any number of threads that have joined the
 * machine (uvm.h) may drive it.  Owner and order are checked.
 *
 * Order, by rank: object, writable list, vnodes, page queues, free list, page
 * hash, pager address space, descriptors, maps.  A thread takes locks
 * of rising rank; simple_lock_try() may go back: the page daemon goes from
 * queues to object, sync from the writable list to objects.
 *
 * None of them may be held over something that can sleep: uvm_may_sleep() is
 * called by whatever could.  uvm_sleep() gives up the one lock it is told of
 * and gets it back, and nobody can wake its channel unnoticed in between.
 */
#ifndef PAGER_UVM_LOCK_H
#define PAGER_UVM_LOCK_H

#include <assert.h>

#include "base/base.h"

/* A contract of the pager, checked. */
#define KASSERT(e) assert(e)

enum lockrank {
	RANK_NONE,
	RANK_OBJECT,
	RANK_WLIST,
	RANK_VNODES,
	RANK_PAGEQ,
	RANK_FPAGEQ,
	RANK_HASH,
	RANK_PAGERMAP,
	RANK_AIO,
	RANK_MAPS,
};

#define LOCKS_MOST 8 /* that one thread holds at once */

struct uvm;

/* What the running thread holds. */
struct lockstat {
	unsigned ls_spins;
#ifdef UVM_MP
	uint8_t ls_rank[LOCKS_MOST];
	struct uvm *ls_uvm;
	uint64_t ls_chaos;  /* tunable chaos */
	uint64_t ls_random; /* its state */
#endif
};

#ifdef UVM_MP

#include <pthread.h>

struct simplelock {
	pthread_mutex_t sl_mutex;
	const void *sl_owner; /* of the thread that holds it */
	enum lockrank sl_rank;
};

/* Not a lock's business: single words that several threads read and write. */
#define shared_get(p)	 __atomic_load_n((p), __ATOMIC_RELAXED)
#define shared_set(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define shared_add(p, n) ((void)__atomic_fetch_add((p), (n), __ATOMIC_RELAXED))
#define shared_sub(p, n) ((void)__atomic_fetch_sub((p), (n), __ATOMIC_RELAXED))
#define shared_or(p, v)	 ((void)__atomic_fetch_or((p), (v), __ATOMIC_RELAXED))
#define shared_and(p, v) ((void)__atomic_fetch_and((p), (v), __ATOMIC_RELAXED))

void simple_lock_init(struct simplelock *l, enum lockrank rank);
void simple_lock(struct lockstat *ls, struct simplelock *l);
void simple_unlock(struct lockstat *ls, struct simplelock *l);
bool simple_lock_try(struct lockstat *ls, struct simplelock *l) mustcheck;

/* Is it the running thread that holds l? */
bool simple_lock_held(const struct simplelock *l);

#else

struct simplelock {
	bool sl_held;
};

#define shared_get(p)	 (*(p))
#define shared_set(p, v) ((void)(*(p) = (v)))
#define shared_add(p, n) ((void)(*(p) += (n)))
#define shared_sub(p, n) ((void)(*(p) -= (n)))
#define shared_or(p, v)	 ((void)(*(p) = (__typeof__(*(p)))(*(p) | (v))))
#define shared_and(p, v) ((void)(*(p) = (__typeof__(*(p)))(*(p) & (v))))

static inline void
simple_lock_init(struct simplelock *l, enum lockrank rank)
{

	(void)rank;
	l->sl_held = false;
}

static inline void
simple_lock(struct lockstat *ls, struct simplelock *l)
{

	KASSERT(!l->sl_held);
	l->sl_held = true;
	ls->ls_spins++;
}

static inline void
simple_unlock(struct lockstat *ls, struct simplelock *l)
{

	KASSERT(l->sl_held);
	l->sl_held = false;
	ls->ls_spins--;
}

static inline bool
simple_lock_try(struct lockstat *ls, struct simplelock *l)
{

	simple_lock(ls, l);
	return true;
}

static inline bool
simple_lock_held(const struct simplelock *l)
{

	return l->sl_held;
}

#endif

/*
 * Locks that 1998 did without, for what interrupts or one processor kept apart:
 * nothing without UVM_MP, not even an assertion.
 */
#ifdef UVM_MP
#define mp_lock(ls, l)	   simple_lock((ls), (l))
#define mp_unlock(ls, l)   simple_unlock((ls), (l))
#define mp_lock_try(ls, l) simple_lock_try((ls), (l))
#else
#define mp_lock(ls, l)	   ((void)(ls), (void)(l))
#define mp_unlock(ls, l)   ((void)(ls), (void)(l))
#define mp_lock_try(ls, l) ((void)(ls), (void)(l), true)
#endif

#define LOCK_HELD(l) KASSERT(simple_lock_held(l))
#define LOCK_FREE(l) KASSERT(!simple_lock_held(l))

#endif
