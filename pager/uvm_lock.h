/*
 * uvm_lock: UVM's locks, as checked assertions.
 *
 * A machine is driven by one thread, so a lock never waits: taking one that is
 * held, or dropping one that is not, is a bug of the pager and asserts.  The
 * calls stand where 1998 had them, so that they can become real ones.
 *
 * Order: maps, object, page queues (spec section 1.5).  The page daemon goes
 * from queues to object and only tries; here a try succeeds.
 *
 * Spin locks may not be held over something that can sleep.  uvm_may_sleep()
 * is called by whatever could; what a quirk does wrong is counted.
 */
#ifndef PAGER_UVM_LOCK_H
#define PAGER_UVM_LOCK_H

#include <assert.h>

#include "base/base.h"

/* A contract of the pager, checked. */
#define KASSERT(e) assert(e)

struct simplelock {
	bool sl_held;
};

/* How many spin locks the running thread holds. */
struct lockstat {
	unsigned ls_spins;
};

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

#define LOCK_HELD(l) KASSERT((l)->sl_held)
#define LOCK_FREE(l) KASSERT(!(l)->sl_held)

#endif
