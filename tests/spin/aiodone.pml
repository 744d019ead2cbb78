/*
 * aiodone.pml: aiodone, which finishes the I/Os that the backend is done with,
 * in any order; how it all begins, and what has to hold in the end.
 */

/* aio_page: a page of a finished request. */
inline aio_page(n, read)
{
	pg[n].io = 0;
	unbusy(n);
	if
	:: error && read -> pg[n].released = 1
	:: else
	fi;
	if
	:: pg[n].released -> releasepg(n)
	:: else -> pg[n].dirty = pg[n].dirty && (read || error)
	fi
}

/* uvn_aiodone; who drains is woken without the lock. */
inline uvn_aiodone(n)
{
	lock();
	if
	:: error = 0
	:: error = 1
	fi;
	d_step {
		assert(nio > 0);
		nio--;
		idle = nio == 0;
		if
		:: ad[n] == READ1 -> aio_page(n, true)
		:: ad[n] == WRITE1 -> aio_page(n, false)
		:: ad[n] == WRITE2 -> aio_page(0, false); aio_page(1, false)
		fi;
		ad[n] = IDLE;
		error = 0;
		unlock()
	};
	if
	:: idle -> idle = 0; goto tell
	:: else -> goto wait
	fi
}

/* A page in a state of rest. */
inline rest(n)
{
	if
	:: true
	:: pg[n].there = 1
	:: pg[n].there = 1; pg[n].dirty = 1
	fi
}

init
{
	bit error, idle;
	byte who;

	atomic {
#ifdef OPS
		/* From any state of rest: no object, a persisting one, a used one. */
		if
		:: true
		:: valid = 1; canpersist = 1
		:: valid = 1; canpersist = 1; maps = 1
		:: valid = 1; maps = 1
		:: valid = 1; canpersist = 1; maps = 2
		:: valid = 1; maps = 2
		fi;
		refs = maps;
		uses = maps > 0;
		if
		:: valid -> rest(0); rest(1)
		:: else
		fi;
#endif
		do
		:: who == NT -> break
		:: who < NT -> run thread(); who++
		od;
		who = 0
	};
wait:	do
	:: CRITICAL { ad[0] != IDLE -> uvn_aiodone(0) }
	:: CRITICAL { ad[1] != IDLE -> uvn_aiodone(1) }
	:: atomic { done == NT && ad[0] == IDLE && ad[1] == IDLE -> break }
	od;
	/* All is quiet. */
	assert(!lk && nio == 0 && draining == 0 && !iosync && !iosyncwanted);
	assert(!pg[0].busy && !pg[0].released && !pg[0].wanted);
	assert(!pg[1].busy && !pg[1].released && !pg[1].wanted);
	assert(!BLOCKED && !uwanted && !xlock && !daemon && !syncing);
	assert(valid || ABSENT && refs == 0);
	assert(uses == (refs != 0));
	goto end;
tell:	atomic {
#ifndef AIODONE_SILENT
		d_step { wakeup(ON_NIO) };
#endif
		goto wait
	};
end:	skip
}
