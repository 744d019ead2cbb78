/*
 * mp: replay by a thread for each of the trace's; compiled with UVM_MP alone.
 *
 * The thread that reads the trace hands each event to the thread of its tid,
 * in the order of the trace, with what it depends on (depend.c).  The syncer
 * has a thread, too; page daemon and aiodone are the pager's (pager/mp/).
 *
 * An interval ends when all events before its end are done, as far as they are
 * counted: each worker publishes its counters there.  Without pace nothing
 * after it begins before.  With pace a worker of its own ends it at its time.
 *
 * As long as there has been one tid only, that thread replays itself, and all
 * is as without threads.  The second one starts the others.
 *
 *	mp.c		the threads, and handing out
 *	depend.c	what has to be over before an event begins
 */
#ifndef REPLAY_MP_MP_H
#define REPLAY_MP_MP_H

#include <pthread.h>

#include "replay/engine_impl.h"

/* The trace's threads, one for those beyond, the syncer, and who ends
 * intervals when they are due. */
enum {
	WORKER_SYNCER = THREADS_MAX + 1,
	WORKER_INTERVAL,
	WORKERS,
};

/* That event number dp_pos of a worker is over. */
struct dependence {
	uint32_t dp_worker;
	uint64_t dp_pos; /* from 1 */
};

struct job {
	struct trace_event jb_ev;
	uint64_t jb_seq;
	struct dependence *jb_deps; /* owned; NULL: none */
	uint32_t jb_ndeps;
	uint64_t jb_detaches; /* given out before it */
	enum {
		JOB_EVENT,
		JOB_TICK,
		JOB_PUBLISH,  /* what has been counted so far */
		JOB_INTERVAL, /* is over, when the event is due */
		JOB_END,
	} jb_kind;
};

/* What depends on an object: a file or a map. */
struct track;

struct depend {
	struct track **de_bucket;
	struct dependence *de_deps; /* of the event in hand */
	uint32_t de_ndeps, de_room;
};

int depend_init(struct depend *de) mustcheck;
void depend_fini(struct depend *de);

/*
 * An event is the pos-th of worker: find what it has to wait for, and let
 * later ones wait for it.
 *
 * => in de_deps, each worker once; what is its own is not there
 * => ENOMEM
 */
int depend_event(struct depend *de, const struct trace_event *ev,
    uint32_t worker, uint64_t pos) mustcheck;

/* Does it change what bytes a file has, other than through a map? */
bool depend_alone(const struct trace_event *ev);

#endif
