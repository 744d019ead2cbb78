/*
 * pager.pml: the protocol of BUSY, WANTED, RELEASED, IOSYNC and u_nio: threads
 * that use one vnode object with two pages, and aiodone; for spin.
 *
 * The state and what is done to it under the object lock is in object.pml,
 * aiodone and what has to hold in the end in aiodone.pml.  A comment before a
 * piece names the C function that it models.  docs/concurrency.md says what is
 * modelled and what is not, and tests/cli/spin.sh runs it:
 *
 *	(nothing)	three threads, any number of operations: too many
 *			states for a test
 *	-DOPS=3		three threads, three operations in all, from any state
 *			of rest
 *	-DNT=2		two threads, any number of operations
 *	-DFINE		what is done under the lock is not one step, but each
 *			statement is
 *	-DNAME		the mutant NAME, which has to fail; spin.sh lists them
 *
 * What is found wrong: a state in which nobody can go on and not all are at
 * their end (a deadlock, or a sleeper that nobody will wake), or an assertion.
 * Since threads may end between operations, a lost wakeup leaves its sleeper
 * alone in the end and is such a state.
 */
#ifndef NT
#define NT 3
#endif

#if defined(FINE) || defined(SLEEP_GAP)
#define CRITICAL
#else
#define CRITICAL atomic
#endif

#define ME (_pid - 1)		/* init is aiodone */

#include "object.pml"

bit daemon;			/* a thread is the page daemon */
bit syncing;			/* synclock */
byte maps;			/* map entries that refer to the object */
byte mapping;			/* threads that make one */
byte borrowed;			/* threads that use one: the last one stays */
byte done;			/* threads that have ended */

/*
 * Threads that do nothing are all alike, so the first of them may be the one to
 * do something.
 */
bit working[NT];
#define FIRST ((ME < 1 || working[0]) && (ME < 2 || working[1]))

#ifdef OPS
byte ops;
#define MAY  (FIRST && ops < OPS)
#define BEGIN working[ME] = 1; ops++
#else
#define MAY  FIRST
#define BEGIN working[ME] = 1
#endif

#ifdef FAULT_UNHELD
#define BORROW skip
#else
#define BORROW borrowed++; then = THEN_RETURN
#endif

/* flush_awaits */
#define AWAITS (P.there && P.busy && P.dirty && cl && (sy || fr) && !dying)

#define P pg[p]
#define Q pg[1 - p]

/* Who flush works for. */
#define BY_CALL	     0
#define BY_DETACH    1
#define BY_TERMINATE 2
#define BY_SYNC	     3

/* What a thread goes on with after that. */
#define THEN_NOTHING 0
#define THEN_RETURN  1		/* others may unmap again what it used */
#define THEN_RELE    2		/* drop the vnode */
#define THEN_DAEMON  3		/* the daemon's own write */
#define THEN_SYNCED  4		/* the end of a sync */

/* The end of what a thread does. */
inline over()
{
	if
	:: then == THEN_NOTHING
	:: then == THEN_RETURN -> borrowed--
	:: then == THEN_RELE -> uses--
	:: then == THEN_SYNCED -> syncing = 0
	:: then == THEN_DAEMON -> goto detached
	fi;
	then = THEN_NOTHING;
	working[ME] = 0;
	goto next
}

/* uvn_io_start: the backend has it, and aiodone may be faster than we. */
inline start(n, both)
{
	unlock();
	vn_lock_io();
	if
	:: both -> ad[0] = WRITE2
	:: else -> ad[n] = WRITE1
	fi;
	vn_unlock_io()
}

/* fault_enter: what a fault holds is mapped, and written to perhaps. */
inline fault_enter()
{
	if
	:: !P.released -> P.dirty = 1
	:: true
	fi;
	enter(p);
	held = 0;
	p = 0
}

/* flush_finish: a page whose write is over. */
inline flush_finish(n)
{
	d_step {
		unbusy(n);
		if
		:: pg[n].released -> releasepg(n)
		:: else ->
			pg[n].dirty = error;
			if
			:: fr -> pagefree(n)
			:: else
			fi
		fi
	}
}

/* flush_pend: a page whose write was only started, and may be over. */
inline flush_pend(n)
{
	d_step {
		if
		:: fr && pg[n].there && pg[n].busy -> pg[n].released = 1
		:: fr && pg[n].there && !pg[n].busy &&
		    (!pg[n].dirty || dying) -> pagefree(n)
		:: else
		fi
	}
}

/* The locals are as they are here whenever a thread is at its "next". */
proctype thread()
{
	bit p;			/* the page in hand */
	bit two;		/* the I/O is of both pages */
	bit held, ahead;	/* a fault's */
	bit cl, sy, fr;		/* CLEANIT, SYNCIO, FREE */
	bit was;		/* SYNCIO by AGAIN only */
	bit need;		/* f_need_iosync */
	byte left;		/* pages a flush has before it, bit by bit */
	byte by, then;
	bit dp, dtwo;		/* p and two of the page daemon's write */
	bit must;		/* it may not be refused */
	bit refused, error, wanted;
	byte who;
#ifdef IO_LOCKS_VNODE
	bit locked;
#endif

next:	if
	/* uvm_fault, of a mapping that stays as long as it takes */
	:: atomic {
		maps > 0 && MAY ->
		BEGIN;
		BORROW;
		lock();
		goto fault
	   }
	/* msync: async, sync, sync with invalidate */
	:: atomic {
		maps > 0 && MAY ->
		BEGIN;
		BORROW;
		lock();
		cl = 1;
		if
		:: true
		:: sy = 1
		:: sy = 1; fr = 1
		fi;
		left = 3;
		goto flush
	   }
	/* munmap */
	:: atomic {
		maps > (borrowed != 0) && MAY ->
		BEGIN;
		maps--;
		lock();
		goto detach
	   }
	/* mmap */
	:: atomic {
		maps + mapping < 2 && !xlock && MAY ->
		BEGIN;
		mapping++;
		uses++;
		lock();
		goto attach
	   }
	/* uvm_vnp_setsize, shorter; madvise(MADV_FREE) */
	:: atomic {
		!xlock && !ABSENT && MAY ->
		BEGIN; uses++; then = THEN_RELE;
		lock();
		fr = 1;
		if
		:: left = 2
		:: left = 3
		fi;
		goto flush
	   }
	/* vnode_quiesce */
	:: atomic {
		!xlock && nio != 0 && MAY ->
		BEGIN; uses++; then = THEN_RELE;
		VN_LOCK;
		lock();
		drain();
		unlock();
		VN_UNLOCK;
		over()
	   }
	/* uvm_vnp_uncache, which may end an object that persists */
	:: atomic {
		!xlock && valid && MAY ->
		BEGIN; uses++; then = THEN_RELE;
		lock();
		uncached();
		if
		:: valid && !BLOCKED && refs == 0 ->
			uses++;
			refs = 1;
			unlock();
			goto detaching
		:: else -> unlock(); over()
		fi
	   }
	/* uvm_vnp_sync */
	:: atomic {
		!syncing && valid && MAY ->
		BEGIN;
		syncing = 1;
		then = THEN_SYNCED;
		lock();
		if
		:: atomic {
			valid && !BLOCKED && HOLDABLE ->
			uses = uses + (refs == 0)
		   }
		:: else -> unlock(); over()
		fi;
		refs++;
		unlock();
		goto sync
	   }
	/* pd_inactive_page */
	:: atomic {
		!daemon && !ABSENT && MAY ->
		BEGIN;
		lock();
		if
		:: dp = 0
		:: dp = 1
		fi;
		if
		:: !pg[dp].there || pg[dp].busy ->
			dp = 0; unlock(); over()
		:: pg[dp].there && !pg[dp].busy && !pg[dp].dirty ->
			d_step { pagefree(dp) }; dp = 0; unlock(); over()
		:: pg[dp].there && !pg[dp].busy && pg[dp].dirty ->
			daemon = 1; claim(dp); goto clean
		fi
	   }
	/* vnode_new takes the vnode for another file. */
	:: atomic {
		uses == 0 && !xlock && valid && MAY ->
		BEGIN; xlock = 1;
		goto terminate
	   }
	:: atomic {
		FIRST ->
		working[ME] = 1;
		done++;
		goto end
	   }
	fi;

	/* uvm_fault; spec section 6 */
	CRITICAL {
		skip;
fault:		if
		:: p = 0
		:: p = 1
		fi;
		/* fault_neighbours */
		if
		:: P.there && !P.busy && !P.released -> claim(p); held = 1
		:: else
		fi;
		/* uvn_asyncget, of the other page */
		if
		:: !Q.there ->
			alloc(1 - p);
			admit_now();
			if
			:: refused -> refused = 0; ahead = 1; unlock()
			:: else ->
				count(1 - p, false);
				unlock();
				vn_lock_io();
				ad[1 - p] = READ1;
				vn_unlock_io()
			fi;
			goto looked
		:: true -> goto look
		fi
	};
looked:	CRITICAL {
		lock();
look:		if
		:: ahead -> ahead = 0; undo(1 - p)
		:: else
		fi;
		/* uvn_getpage, uvn_pagein */
		do
		:: held -> goto got
		:: !held && !P.there ->
			alloc(p);
			if
			:: !Q.there -> alloc(1 - p); two = 1
			:: true
			fi;
			admit();
			count(p, two);
			unlock();
			vn_lock_io();
			goto pagein
		:: !held && P.there && (P.busy || P.released) ->
#ifndef GETPAGE_SILENT
			P.wanted = 1;
#endif
			sleep(ON_PAGE + p)
		:: !held && P.there && !P.busy && !P.released ->
			claim(p);
			unlock();
			goto lent
		od
	};
pagein:	atomic {
		io_end(p, two);
		vn_unlock_io();
		goto read
	};
read:	CRITICAL {
		lock();
		if
		:: two -> undo(1 - p); two = 0; undo(p); p = 0
		:: !two -> undo(p); p = 0
		:: two -> enter(1 - p); two = 0; fault_enter()
		:: !two -> fault_enter()
		fi;
		unlock();
		over()
	};
lent:	CRITICAL {
		lock();
got:		fault_enter();
		unlock();
		over()
	};

	/* uvn_attach; the caller holds the vnode */
	CRITICAL {
		skip;
attach:		do
		:: !BLOCKED -> break
		:: BLOCKED -> uwanted = 1; sleep(ON_OBJECT)
		od;
		if
		:: valid ->
			maps++;
			mapping--;
			uses = uses + (refs == 0) - 1;
			refs++;
			unlock();
			over()
		:: else ->
			assert(!iosync && !iosyncwanted && !uwanted);
			alock = 1;
			unlock();
			goto attributes
		fi
	};
attributes: CRITICAL {
		lock();
		assert(!valid && ABSENT && nio == 0);
		alock = 0;
		valid = 1;
		canpersist = 1;
		maps++;
		mapping--;
		refs = 1;	/* and the caller's use becomes the object's */
		wanted = uwanted;
		uwanted = 0;
		unlock();
		goto wake
	};
wake:	atomic {
		if
		:: wanted -> d_step { wakeup(ON_OBJECT) }
		:: else
		fi;
		wanted = 0;
		over()
	};

	/* uvn_detach */
detaching: CRITICAL {
		lock();
detach:		assert(valid && refs > 0);
		refs--;
		if
		:: refs != 0 -> unlock(); over()
		:: refs == 0 && canpersist -> unlock(); uses--; over()
		:: refs == 0 && !canpersist ->
			dying = 1;
			cl = 1;
			fr = 1;
			left = 3;
			by = BY_DETACH;
			goto flush
		fi
	};

	/* uvn_sync_one */
sync:	CRITICAL {
		lock();
		cl = 1;
		left = 3;
		by = BY_SYNC;
		goto flush
	};

	/* uvm_vnp_terminate */
terminate: CRITICAL {
		VN_LOCK;
		lock();
		assert(valid && !BLOCKED && refs == 0);
		dying = 1;
		terminating = 1;
#ifdef IO_LOCKS_VNODE
		vnislocked = 1;
#endif
		cl = 1;
		fr = 1;
		left = 3;
		by = BY_TERMINATE;
		goto flush
	};

	/* uvn_flush; the object is locked on entry */
	CRITICAL {
		skip;
flush:		if
		:: left == 0 -> goto flushed
		:: left & 1 -> p = 0; left = left & 2
		:: left & 2 -> p = 1; left = left & 1
		fi;
		if
		:: !P.there -> goto flush
		:: P.there && cl && !P.busy && P.dirty -> claim(p)
#ifndef BUSY_IS_WRITTEN
		:: AWAITS ->
			/* flush_await */
			left = left | (1 << p);
			need = need || sy;
			P.wanted = 1;
			sleep(ON_PAGE + p);
			goto flush
#endif
		:: else ->
			/* flush_needs_clean, flush_dispose */
			need = need || (cl && sy && P.busy);
			if
			:: fr && P.busy ->
#ifdef FLUSH_FREES
				undo(p)
#else
				P.released = 1;
				P.discard = !cl
#endif
			:: fr && !P.busy -> d_step { pagefree(p) }
			:: else
			fi;
			goto flush
		fi;
		/* flush_clean */
mates:		cluster(p, two);
put:		if
		:: sy -> admit()
		:: else -> admit_now()
		fi;
		if
		:: refused ->
			/* uvm_pager_put tries P alone, then with SYNCIO */
			refused = 0;
			if
			:: two -> keep(1 - p); two = 0; goto put
			:: else -> sy = 1; was = 1; goto mates
			fi
		:: else -> count(p, two); uncached()
		fi;
		if
		:: !sy -> start(p, two); goto pended
		:: true -> unlock(); vn_lock_io(); goto transfer
		fi
	};
	/* flush_pended: the mate first */
pended:	CRITICAL {
		lock();
		if
		:: two -> flush_pend(1 - p)
		:: else
		fi;
		flush_pend(p);
		two = 0;
		goto flush
	};
	/* uvn_io_transfer; without async_put not only for SYNCIO */
transfer: atomic {
		io_end(p, two);
		vn_unlock_io();
		goto written
	};
written: CRITICAL {
		lock();
		if
		:: two -> give_up(1 - p); two = 0; goto put
		:: two -> flush_finish(1 - p); two = 0
		:: !two -> error = !fr
		:: !two
		fi;
		flush_finish(p);
		error = 0;
		assert(valid);			/* f_dead */
		/* q19: SYNCIO for the rest of the flush, or not */
		if
		:: was -> sy = 0
		:: true
		fi;
		was = 0;
		goto flush
	};

	CRITICAL {
		skip;
flushed:	if
		:: need -> drain()
		:: else
		fi;
		need = 0;
		cl = 0;
		sy = 0;
		fr = 0;
		p = 0;
		if
		:: by == BY_CALL -> unlock(); over()
		:: by == BY_SYNC -> by = BY_CALL; unlock(); goto detaching
		:: by == BY_DETACH && !ABSENT ->
			by = BY_CALL;
			assert(!pg[0].there || pg[0].busy && pg[0].released);
			assert(!pg[1].there || pg[1].busy && pg[1].released);
#ifndef DETACH_LEAVES
			relkill = 1;
#endif
			unlock();
			over()
		:: by == BY_DETACH && ABSENT ->
			wanted = uwanted;
			d_step { die() };
			uses--;
			unlock()
		:: by == BY_TERMINATE ->
			/* uvn_drain */
			draining++;
			do
			:: ABSENT -> break
			:: !ABSENT -> iosync = 1; sleep(ON_NIO)
			od;
			draining--;
			iosync_end();
			wanted = uwanted;
			d_step { die() };
#ifdef IO_LOCKS_VNODE
			vnislocked = 0;
#endif
			unlock();
			VN_UNLOCK;
			xlock = 0
		fi;
		by = BY_CALL;
		goto wake
	};

	/* pd_clean: uncache comes first, and may end the object */
	CRITICAL {
		skip;
clean:		cluster(dp, dtwo);
#ifndef UNCACHE_COUNTED
		uncached();
		if
		:: atomic {
			valid && !BLOCKED && refs == 0 && HOLDABLE -> uses++
		   };
			refs = 1;
			then = THEN_DAEMON;
#ifndef UNCACHE_REFUSES
			must = 1;
#endif
			unlock();
			goto detaching
		:: valid && !BLOCKED && refs == 0 && !HOLDABLE ->
			/* It is being recycled. */
#ifndef UNCACHE_REFUSES
			must = 1;
#endif
			unlock();
			lock()
		:: else
		fi;
#endif
write:		if
		:: must -> admit()
		:: else -> admit_now()
		fi;
		if
		:: refused && dtwo -> refused = 0; keep(1 - dp); dtwo = 0; goto write
		:: refused && !dtwo ->
			refused = 0;
#ifdef AGAIN_UNLOCKS
			unlock(); goto kept;
kept1:
#endif
			keep(dp);
			dp = 0; must = 0; daemon = 0; unlock(); over()
		:: else -> must = 0; count(dp, dtwo)
		fi;
#ifdef UNCACHE_COUNTED
		uncached();
		if
		:: atomic {
			valid && !BLOCKED && refs == 0 && HOLDABLE -> uses++
		   };
			refs = 1;
			then = THEN_DAEMON;
			unlock();
			goto detaching
		:: else
		fi;
counted:
#endif
		if
		:: start(dp, dtwo);
			dp = 0; dtwo = 0; daemon = 0; over()
		:: unlock(); vn_lock_io(); goto paged
		fi
	};
#ifdef AGAIN_UNLOCKS
kept:	atomic { lock(); goto kept1 };
#endif
detached: CRITICAL {
		lock();
		then = THEN_NOTHING;
#ifdef UNCACHE_COUNTED
		goto counted
#else
		goto write
#endif
	};
paged:	atomic {
		io_end(dp, dtwo);
		vn_unlock_io();
		goto cleaned
	};
cleaned: CRITICAL {
		lock();
		if
		:: dtwo ->
			give_up(1 - dp);
			dtwo = 0;
#ifndef RETRY_REFUSES
			must = pg[dp].released;
#endif
			goto write
		:: dtwo -> pg[1 - dp].dirty = 0; give_up(1 - dp); pg[dp].dirty = 0
		:: !dtwo -> pg[dp].dirty = 0
		:: !dtwo
		fi;
		give_up(dp);
		dp = 0;
		dtwo = 0;
		daemon = 0;
		unlock();
		over()
	};
end:	skip
}

#include "aiodone.pml"
