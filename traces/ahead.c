/*
 * ahead.c: a trace decoded by a thread of its own, some batches ahead of who
 * reads it.
 *
 * Batches are counted: made by the thread, used by the reader, who gives one
 * back when it asks for the next.  While the thread is at work all of the
 * reader but its ahead is the thread's; at the end, and after it, the reader's.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/thread.h"
#include "traces/trace_i.h"

#define BATCHES 16UL

/* Threads for one replay, at most: what is decoded takes 3 MiB for each. */
#define AHEAD_MAX 3U

struct trace_ahead {
	pthread_t ta_thread;
	pthread_mutex_t ta_mutex;
	pthread_cond_t ta_more, ta_room; /* the reader's, the thread's */
	struct trace_event *ta_ev;	 /* [BATCHES][TRACE_BATCH] */
	struct runs ta_run[BATCHES];	 /* if the reader wants them */
	struct trace_event *ta_own;	 /* the reader's buffers */
	struct runs *ta_own_runs;
	size_t ta_n[BATCHES];	   /* events; 0: the end */
	uint64_t ta_read[BATCHES]; /* bytes of the file by then */
	bool ta_taken;		   /* the reader has a batch in hand */
	uint64_t ta_shown;	   /* its ta_read */
	uint64_t ta_made, ta_used; /* m */
	bool ta_stop;		   /* m */
	bool ta_ended;		   /* the thread has */
};

static void *
ahead_main(void *arg)
{
	struct trace_reader *const tr = arg;
	struct trace_ahead *const ta = tr->tr_ahead;
	size_t n = 1, slot;
	bool stop = false;

	while (n != 0 && !stop) {
		slot = (size_t)(ta->ta_made % BATCHES);
		tr->tr_ev = ta->ta_ev + slot * TRACE_BATCH;
		if (ta->ta_own_runs != NULL)
			tr->tr_runs = &ta->ta_run[slot];
		n = trace_decode(tr);
		ta->ta_n[slot] = n;
		ta->ta_read[slot] = tr->tr_in.in_read;
		(void)pthread_mutex_lock(&ta->ta_mutex);
		if (ta->ta_made++ == ta->ta_used)
			(void)pthread_cond_signal(&ta->ta_more);
		while (ta->ta_made - ta->ta_used == BATCHES && !ta->ta_stop)
			(void)pthread_cond_wait(&ta->ta_room, &ta->ta_mutex);
		stop = ta->ta_stop;
		(void)pthread_mutex_unlock(&ta->ta_mutex);
	}
	return NULL;
}

static void
ahead_free(struct trace_ahead *ta)
{

	if (ta == NULL)
		return;
	(void)pthread_mutex_destroy(&ta->ta_mutex);
	(void)pthread_cond_destroy(&ta->ta_more);
	(void)pthread_cond_destroy(&ta->ta_room);
	for (size_t i = 0; i < BATCHES; i++)
		runs_fini(&ta->ta_run[i]);
	free(ta->ta_ev);
	free(ta);
}

/* Buffers for the batches. */
static int
ahead_room(struct trace_ahead *ta)
{
	const struct runs *const rs = ta->ta_own_runs;
	int error = 0;

	ta->ta_ev =
	    aligned_alloc(64, BATCHES * TRACE_BATCH * sizeof(*ta->ta_ev));
	for (size_t i = 0; i < BATCHES && rs != NULL && error == 0; i++)
		error = runs_init(&ta->ta_run[i], rs->rs_shift, TRACE_BATCH);
	return ta->ta_ev == NULL ? ENOMEM : error;
}

unsigned
trace_processors(bool busy)
{
	cpu_set_t set;
	unsigned n;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	n = (unsigned)CPU_COUNT(&set);
	return n > 1 && busy ? n - 1 : n > 1 ? n : 0;
}

/* A thread, some batches ahead. */
static void
ahead_start(struct trace_reader *tr)
{
	struct trace_ahead *const ta = calloc(1, sizeof(*ta));

	if (ta == NULL)
		return;
	(void)pthread_mutex_init(&ta->ta_mutex, NULL);
	(void)pthread_cond_init(&ta->ta_more, NULL);
	(void)pthread_cond_init(&ta->ta_room, NULL);
	ta->ta_own = tr->tr_ev;
	ta->ta_own_runs = tr->tr_runs;
	ta->ta_shown = tr->tr_in.in_read;
	tr->tr_ahead = ta;
	if (ahead_room(ta) != 0 ||
	    thread_start(&ta->ta_thread, ahead_main, tr) != 0) {
		ahead_free(ta);
		tr->tr_ahead = NULL;
	}
}

void
trace_ahead_by(struct trace_reader *tr, unsigned threads)
{

	/* A pipe may keep the thread waiting when nobody wants more. */
	if (tr->tr_ahead != NULL || tr->tr_crew || tr->tr_in.in_size == 0 ||
	    threads == 0)
		return;
	/* A digest takes longer than who reads has. */
	if (threads > 1 && tr->tr_hash == NULL &&
	    trace_crew(tr, threads, NULL, 0) == 0)
		return;
	ahead_start(tr);
}

void
trace_ahead(struct trace_reader *tr)
{
	const unsigned threads = trace_processors(true);

	trace_ahead_by(tr, threads < AHEAD_MAX ? threads : AHEAD_MAX);
}

int
trace_crew(struct trace_reader *tr, unsigned threads, struct trace_event *into,
    uint64_t room)
{
	int error;

	if (tr->tr_ops->ro_threads == NULL || tr->tr_in.in_size == 0)
		return ENOTSUP;
	error = tr->tr_ops->ro_threads(tr, threads, into, room);
	tr->tr_crew = error == 0;
	return error;
}

struct trace_batch
trace_ahead_next(struct trace_reader *tr)
{
	struct trace_ahead *const ta = tr->tr_ahead;
	size_t slot;

	(void)pthread_mutex_lock(&ta->ta_mutex);
	if (ta->ta_taken) {
		/* It wakes up for several at once. */
		if (ta->ta_made - ++ta->ta_used == BATCHES / 2)
			(void)pthread_cond_signal(&ta->ta_room);
		ta->ta_taken = false;
	}
	while (ta->ta_made == ta->ta_used)
		(void)pthread_cond_wait(&ta->ta_more, &ta->ta_mutex);
	(void)pthread_mutex_unlock(&ta->ta_mutex);
	slot = (size_t)(ta->ta_used % BATCHES);
	ta->ta_shown = ta->ta_read[slot];
	/* The end is there again, if asked. */
	ta->ta_taken = ta->ta_n[slot] != 0;
	return trace_batch(ta->ta_ev + slot * TRACE_BATCH, ta->ta_n[slot],
	    ta->ta_own_runs != NULL ? &ta->ta_run[slot] : NULL);
}

uint64_t
trace_ahead_read(const struct trace_ahead *ta)
{

	return ta->ta_shown;
}

void
trace_ahead_end(struct trace_reader *tr)
{
	struct trace_ahead *const ta = tr->tr_ahead;

	if (tr->tr_crew)
		tr->tr_ops->ro_alone(tr);
	if (ta == NULL || ta->ta_ended)
		return;
	(void)pthread_mutex_lock(&ta->ta_mutex);
	ta->ta_stop = true;
	(void)pthread_cond_signal(&ta->ta_room);
	(void)pthread_mutex_unlock(&ta->ta_mutex);
	(void)pthread_join(ta->ta_thread, NULL);
	ta->ta_ended = true;
	tr->tr_ev = ta->ta_own;
	tr->tr_runs = ta->ta_own_runs;
}

void
trace_ahead_close(struct trace_reader *tr)
{

	trace_ahead_end(tr);
	ahead_free(tr->tr_ahead);
	tr->tr_ahead = NULL;
}
