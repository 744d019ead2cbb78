/*
 * mp: replay by a thread for each of the trace's; compiled with UVM_MP alone.
 *
 * The thread that reads the trace hands each event to the thread of its tid,
 * in the order of the trace, with what it depends on (depend.c).  The syncer
 * has a thread, too; page daemon and aiodone are the pager's (pager/mp/).
 *
 * An interval ends when all events before its end are done, as far as they are
 * counted: each worker publishes its counters there, not before the last one
 * has been counted, and goes on; a worker of its own ends it then, with pace not
 * before its time.
 *
 * As long as there has been one tid only, that thread replays itself, and all
 * is as without threads.  The second one starts the others.
 *
 *	mp.c		handing out
 *	worker.c	the threads, and how they wait for each other
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

#define RING 1024 /* jobs that wait for a worker */

/* It only grows.  One thread writes it, others wait for it. */
struct count {
	_Atomic uint64_t ct_n;
	_Atomic uint64_t ct_want; /* the least that a sleeper waits for */
};

/* d: the dispatcher's; w: the worker's. */
struct worker {
	struct engine wk_en;		/* w: a view of the run's */
	struct engine_report wk_report; /* w: what it has to say */
	struct engine_job wk_job;	/* the run's, but that it is silent */
	struct mp *wk_mp;
	pthread_t wk_thread;
	bool wk_started;		   /* d */
	uint64_t wk_given;		   /* d: jobs in all */
	uint64_t wk_free;		   /* d: those known to be over */
	uint64_t wk_detaches;		   /* w: that it knows of */
	uint64_t wk_told;		   /* d: when it last published */
	struct job *wk_ring;		   /* [RING] */
	_Alignas(64) struct count wk_head; /* jobs given; written by d */
	_Alignas(64) struct count wk_done; /* and over; written by w */
	_Atomic uint64_t wk_events;	   /* of the trace; written by w */
	int wk_status;			   /* w */
};

struct mp {
	struct engine *mp_en;
	struct depend mp_depend;
	struct worker *mp_worker[WORKERS]; /* NULL: not needed yet */
	uint32_t mp_first;		   /* the only tid so far */
	uint32_t mp_tids[THREADS_MAX];	   /* of workers */
	uint32_t mp_ntids;
	bool mp_any, mp_started;
	uint64_t mp_before;	  /* events before there were threads */
	uint64_t mp_detaches;	  /* and exits, given out */
	uint64_t mp_tick;	  /* when the syncer's next turn is due */
	uint64_t mp_end;	  /* and the interval's end, by what is known */
	_Atomic uint64_t mp_len;  /* of intervals, by WORKER_INTERVAL */
	_Atomic bool mp_stop;	  /* changed with mp_mutex held */
	struct worker *mp_failed; /* who stopped it; NULL: the dispatcher */
	/* For sleepers on counts. */
	pthread_mutex_t mp_mutex;
	pthread_cond_t mp_cond;
};

/* What a count is by now. */
static inline uint64_t
count_get(const struct count *ct)
{

	return atomic_load_explicit(&ct->ct_n, memory_order_acquire);
}

/* It is n now; who waits for that is woken. */
void mp_count(struct mp *mp, struct count *ct, uint64_t n);

/*
 * Wait until the count is at least n, or the run is to stop.  The dispatcher
 * looks after signals and progress meanwhile.
 */
void mp_await(struct mp *mp, struct count *ct, uint64_t n);

/* The run is to end: a worker failed, or, with NULL, the dispatcher. */
void mp_halt(struct mp *mp, struct worker *wk);

/*
 * The n-th worker, who is th to the engine: its view of the run, and its
 * thread.  Wait for its end, as mp_await() does; put what it has to say into
 * the run's; let it go.
 *
 * => start: 0, or an exit status with the report's message
 */
int worker_start(struct mp *mp, uint32_t n, struct engine_thread *th) mustcheck;
void worker_join(struct worker *wk);
void worker_result(struct engine *en, const struct worker *wk);
void worker_free(struct worker *wk);

#endif
