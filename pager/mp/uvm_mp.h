/*
 * uvm_mp: a machine that several threads drive; compiled with UVM_MP alone.
 *
 * Part of struct uvm.  Threads join and leave (uvm.h); uvm_threads_start() adds
 * the page daemon and aiodone, and from then on nothing is done in passing any
 * more: turns of the daemon are its thread's, finished I/O is aiodone's.
 * Before, and with one thread alone, the machine does as one without UVM_MP,
 * and counts the same.
 */
#ifndef PAGER_MP_UVM_MP_H
#define PAGER_MP_UVM_MP_H

#include <pthread.h>

#include "pager/uvm.h"
#include "pager/uvm_lock.h"

#define SLEEPQS 64

/* Sleepers, by a hash of what they sleep on; a waker wakes a whole queue. */
struct sleepq {
	pthread_mutex_t sq_mutex;
	pthread_cond_t sq_cond;
	unsigned sq_sleepers;
	uint64_t sq_wakeups;
};

struct uvm_self;

struct uvm_mp {
	struct sleepq mp_sleepq[SLEEPQS];
	pthread_mutex_t mp_lock;    /* threads, what they count, failing */
	struct uvm_self *mp_selves; /* threads that have joined */
	struct uvmexp mp_left;	    /* counted by threads that left */
	struct uvmexp mp_total;	    /* what uvm_stat() gave out */
	pthread_t mp_daemon, mp_aiodone;
	bool mp_running;	/* both are */
	bool mp_stop;		/* shared; for the daemon */
	bool mp_stopaio;	/* shared; for aiodone, when it has stopped */
	bool mp_passed;		/* the daemon's: its turn passed over locks */
	uint64_t mp_calls;	/* shared: calls of the backend */
	uint64_t mp_waiters;	/* f: threads that wait for memory */
	uint64_t mp_chaos_seed; /* of the next thread */
};

int uvm_mp_init(struct uvm *uvm) mustcheck;
void uvm_mp_fini(struct uvm *uvm);

/* Perhaps lose some time here: tunable chaos. */
void uvm_chaos(struct uvm *uvm);

#endif
