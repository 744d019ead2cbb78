/*
 * object.pml: the state of one vnode object with two pages, and what the
 * functions of pager/ do to it under the object lock.  pager.pml says what
 * threads do with it and how all of it is checked.
 */

/* What threads sleep on. */
#define AWAKE	  0
#define ON_PAGE	  1	/* and 2: a page */
#define ON_OBJECT 3	/* uvn: attachers of a BLOCKED object */
#define ON_NIO	  4	/* &u_nio: who drains I/O */
#define ON_FLAGS  5	/* &u_flags: I/O held off by IOSYNC */

/*
 * A page.  A frame that is freed and taken again is the same page here: that is
 * the case in which flush_pend(), which looks at the frame, takes the new page
 * for the one that it wrote.
 */
typedef page {
	bit there;		/* TABLED */
	bit busy, wanted, released;
	bit dirty;		/* not CLEAN, or modified */
	bit discard;		/* RELEASED to be thrown away */
	bit io			/* an I/O moves its bytes: for assertions */
};
page pg[2];

bit valid, canpersist, alock, dying, relkill, uwanted, iosync, iosyncwanted;
bit terminating;		/* VNISLOCKED */
byte refs;			/* uo_refs */
byte nio;			/* u_nio */
bit lk;				/* vmobjlock */

byte uses;			/* v_usecount */
bit xlock;			/* the vnode is being recycled: vget waits */

/*
 * Who takes a use of a vnode that nobody uses, as sync and uncache do, must see
 * that it is not being recycled.
 */
#ifdef HOLD_RECYCLED
#define HOLDABLE true
#else
#define HOLDABLE (!xlock)
#endif

/* What the backend has, by its first page: struct uvm_aiodesc. */
#define IDLE   0
#define WRITE1 1
#define READ1  2
#define WRITE2 3		/* a cluster of both pages */
byte ad[2];

byte channel[NT];		/* what each thread sleeps on */
byte draining;			/* threads that drain: for assertions */

#define BLOCKED (alock || dying || relkill)
#define ABSENT	(!pg[0].there && !pg[1].there)

/* OBJ_LOCK, OBJ_UNLOCK */
inline lock()
{
	atomic {
		!lk -> lk = 1
	}
}

inline unlock()
{
	assert(lk);
	lk = 0
}

/* uvm_wakeup: all who sleep on c. */
inline wakeup(c)
{
	do
	:: who == NT -> break
	:: who < NT ->
		if
		:: channel[who] == c -> channel[who] = AWAKE
		:: else
		fi;
		who++
	od;
	who = 0
}

/*
 * uvm_sleep: to unlock and to sleep is one step.
 *
 * => object locked on entry and exit
 */
inline sleep(c)
{
#ifdef SLEEP_GAP
	unlock();
	channel[ME] = c;
#else
	d_step {
		assert(lk);
		channel[ME] = c;
		lk = 0
	};
#endif
	channel[ME] == AWAKE;
	lock()
}

/* An idle page becomes BUSY. */
inline claim(n)
{
	assert(lk && pg[n].there && !pg[n].busy && !pg[n].released);
	pg[n].busy = 1
}

/* uvm_pagealloc: BUSY, and in the object. */
inline alloc(n)
{
	assert(lk && valid && refs > 0 && !dying && !pg[n].there);
	pg[n].there = 1;
	pg[n].busy = 1
}

inline unbusy(n)		/* uvm_page_unbusy */
{
	assert(lk && pg[n].there && pg[n].busy && !pg[n].io);
	if
#ifndef UNBUSY_SILENT
	:: pg[n].wanted -> wakeup(ON_PAGE + n)
#endif
	:: else
	fi;
	pg[n].busy = 0;
	pg[n].wanted = 0
}

/* uvm_pagefree: of an idle page nobody waits for. */
inline pagefree(n)
{
	assert(lk && pg[n].there && !pg[n].busy && !pg[n].io);
	do
	:: who == NT -> break
	:: who < NT -> assert(channel[who] != ON_PAGE + n); who++
	od;
	who = 0;
	pg[n].there = 0;
	pg[n].released = 0;
	pg[n].wanted = 0;
	pg[n].dirty = 0;
	pg[n].discard = 0
}

/* The object is no more: it was alive, unused and empty. */
inline die()
{
	assert(lk && valid && refs == 0 && nio == 0 && ABSENT);
	valid = 0;
	canpersist = 0;
	dying = 0;
	terminating = 0;
	relkill = 0;
	uwanted = 0;
	iosync = 0;
	iosyncwanted = 0
}

/*
 * uvn_releasepg: free a RELEASED page that was un-busied just now; the last one
 * of a RELKILL object ends it, and gives back its hold on the vnode (q8).
 * terminate waits for the pages and not for I/O, so the last page wakes it.
 *
 * => object locked on entry and, unlike in C, on exit even if it died
 */
inline releasepg(n)
{
	assert(pg[n].released);
	pagefree(n);
	if
	:: ABSENT ->
#ifndef RELEASE_SILENT
		wakeup(ON_NIO);
#endif
		if
		:: relkill ->
			if
#ifndef RELKILL_SILENT
			:: uwanted -> wakeup(ON_OBJECT)
#endif
			:: else
			fi;
			die();
#ifndef RELKILL_LEAK
			uses--
#endif
		:: else
		fi
	:: else
	fi
}

/* Un-busy a page that somebody may want gone. */
inline give_up(n)
{
	d_step {
		unbusy(n);
		if
		:: pg[n].released -> releasepg(n)
		:: else
		fi
	}
}

/* uvn_get_undo, asyncget_undo: a page that got no contents. */
inline undo(n)
{
	d_step {
		unbusy(n);
		pagefree(n)
	}
}

/*
 * fault_enter, fault_release: what a fault had BUSY may be RELEASED by now, but
 * not by who wanted it written.
 */
inline enter(n)
{
	assert(!pg[n].released || !pg[n].dirty || pg[n].discard);
#ifdef FAULT_IGNORES
	d_step { unbusy(n) }
#else
	give_up(n)
#endif
}

/* uvn_iosync_end */
inline iosync_end()
{
	d_step {
		if
#ifndef IOSYNC_SILENT
		:: iosyncwanted -> wakeup(ON_FLAGS)
#endif
		:: else
		fi;
#ifndef IOSYNC_LEFT
		iosync = 0;
#endif
		iosyncwanted = 0
	}
}

/* uvn_io_wait, uvn_iosync_end: no I/O is under way. */
inline drain()
{
	draining++;
	do
	:: nio == 0 -> break
	:: nio > 0 -> iosync = 1; sleep(ON_NIO)
	od;
	draining--;
	assert(lk && !pg[0].io && !pg[1].io);
	iosync_end()
}

/*
 * uvn_held_off: IOSYNC keeps I/O from starting, but not that of pages for which
 * terminate waits.
 */
#ifdef TERMINATE_HOLDS
#define HELD_OFF iosync
#else
#define HELD_OFF (iosync && !terminating)
#endif

/* uvn_io_admit, of who may wait. */
inline admit()
{
	do
	:: !HELD_OFF -> break
	:: HELD_OFF ->
		assert(draining > 0);
		iosyncwanted = 1;
		sleep(ON_FLAGS)
	od
}

/*
 * uvn_io_admit, of who may not: AGAIN for IOSYNC, or any time for want of pager
 * address space or of a descriptor.
 */
inline admit_now()
{
	if
	:: !HELD_OFF
	:: refused = 1
	fi
}

/*
 * AGAIN: the page is as dirty as it was.  The object was locked all along, or
 * somebody who ends it may have left the page to be written by us.
 */
inline keep(n)
{
	assert(!pg[n].released);
	give_up(n)
}

/* uvn_io: from here to io_end or aiodone the I/O is under way. */
inline count(n, both)
{
	d_step {
		assert(lk && pg[n].busy && !pg[n].io);
		pg[n].io = 1;
		if
		:: both ->
			assert(pg[1 - n].busy && !pg[1 - n].io);
			pg[1 - n].io = 1
		:: else
		fi;
		nio++
	}
}

/* uvn_io: the end of a synchronous I/O, or of one that was not started. */
inline io_end(n, both)
{
	lock();
	d_step {
		pg[n].io = 0;
		if
		:: both -> pg[1 - n].io = 0
		:: else
		fi;
		assert(nio > 0);
		nio--;
		if
#ifndef SYNC_SILENT
		:: iosync && nio == 0 -> wakeup(ON_NIO)
#endif
		:: else
		fi;
		unlock()
	}
}

/* uvm_mk_pcluster: does the other page, if dirty and idle, go along? */
inline cluster(n, both)
{
	if
	:: pg[1 - n].there && pg[1 - n].dirty && !pg[1 - n].busy ->
		claim(1 - n);
		both = 1
	:: true
	fi
}

/* uvm_vnp_uncache, of an object with references or BLOCKED. */
inline uncached()
{
	if
	:: valid && !BLOCKED -> canpersist = 0
	:: else
	fi
}

/* The vnode lock around an I/O, as 1998 had it. */
#ifdef IO_LOCKS_VNODE
bit vlk, vnislocked;

inline vn_lock_io()
{
	if
	:: vnislocked
	:: else -> !vlk; vlk = 1; locked = 1
	fi
}

inline vn_unlock_io()
{
	if
	:: locked -> vlk = 0; locked = 0
	:: else
	fi
}

#define VN_LOCK	  !vlk; vlk = 1
#define VN_UNLOCK vlk = 0
#else
#define vn_lock_io()   skip
#define vn_unlock_io() skip
#define VN_LOCK	       skip
#define VN_UNLOCK      skip
#endif
