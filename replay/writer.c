/*
 * The writer: one producer, the replay, and one consumer, a thread, with a
 * ring of rows between them.
 *
 * The producer stores a row and then the ring's head; the consumer reads the
 * head, takes the rows and stores the tail.  Neither takes a lock for a row.
 * The mutex and its two conditions are for sleeping only: the consumer sleeps
 * when there is little to do, at most a second, so that a kill costs at most
 * the rows of a second; the producer sleeps while the ring is full.
 *
 * The write lock of the database is held only while there are rows to write,
 * so that several runs can share one database.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "replay/db_impl.h"

#define LINE	 64	    /* bytes that two CPUs fight for */
#define TXN_ROWS 100000	    /* most rows a transaction */
#define IDLE_NS	 1000000000 /* longest sleep with rows in the ring */
#define KICK_MAX (1U << 14) /* rows after which the thread is woken */

/* p: of the producer; c: of the consumer; m: under dw_mutex; s: stable. */
struct db_writer {
	struct db *dw_db;	 /* c: */
	struct db_rows *dw_rows; /* c: */
	struct db_row *dw_ring;	 /* s: */
	uint64_t dw_size;	 /* s: rows in the ring, a power of two */
	uint64_t dw_kick_rows;	 /* s: wake the thread after so many */
	pthread_t dw_thread;	 /* s: */

	_Alignas(LINE) _Atomic uint64_t dw_head; /* written by p */
	uint64_t dw_tail_seen;			 /* p: tail, at least */
	uint64_t dw_kick_at;			 /* p: head of the next kick */
	uint64_t dw_waits; /* p: times the ring was full */

	_Alignas(LINE) _Atomic uint64_t dw_tail; /* written by c */
	_Atomic bool dw_failed;			 /* written by c, once */
	uint64_t dw_written;			 /* c: rows committed */
	uint64_t dw_lost;    /* c: discarded after failure */
	int dw_error;	     /* c: */
	struct errmsg dw_em; /* c: */

	_Alignas(LINE) pthread_mutex_t dw_mutex;
	pthread_cond_t dw_more;	 /* rows to take, or the end */
	pthread_cond_t dw_space; /* room in the ring */
	bool dw_kicked;		 /* m: there is reason to look */
	bool dw_stop;		 /* m: no more rows will come */
};

static const char writing[] = "writing rows";

/*
 * ---- the thread ----
 */

/* ring_free: rows before tail are taken; wake a producer that waits. */
static void
ring_free(struct db_writer *dw, uint64_t tail)
{

	atomic_store_explicit(&dw->dw_tail, tail, memory_order_release);
	(void)pthread_mutex_lock(&dw->dw_mutex);
	(void)pthread_cond_signal(&dw->dw_space);
	(void)pthread_mutex_unlock(&dw->dw_mutex);
}

/*
 * take: rows from tail on into the open transaction, until it is large enough
 * or the ring is empty.  *tailp moves on past what was taken.
 */
static int
take(struct db_writer *dw, uint64_t *tailp)
{
	uint64_t tail = *tailp, freed = tail, rows = 0;
	int error = 0;

	while (error == 0 && rows < TXN_ROWS) {
		uint64_t end =
		    atomic_load_explicit(&dw->dw_head, memory_order_acquire);

		if (tail == end)
			break;
		if (end - tail > TXN_ROWS - rows)
			end = tail + (TXN_ROWS - rows);
		for (; error == 0 && tail != end; tail++) {
			error = db_rows_put(dw->dw_rows,
			    &dw->dw_ring[tail & (dw->dw_size - 1)], &dw->dw_em);
			rows++;
			if (tail + 1 - freed >= dw->dw_kick_rows) {
				freed = tail + 1;
				ring_free(dw, freed);
			}
		}
	}
	ring_free(dw, tail);
	*tailp = tail;
	if (error == 0)
		error = db_rows_rest(dw->dw_rows, &dw->dw_em);
	if (error == 0)
		error = db_exec(dw->dw_db, "COMMIT", writing, &dw->dw_em);
	if (error == 0)
		dw->dw_written += rows;
	else
		dw->dw_lost += rows;
	return error;
}

/* write_some: one transaction of what the ring holds. */
static void
write_some(struct db_writer *dw, uint64_t *tailp)
{
	int error = db_exec(dw->dw_db, "BEGIN IMMEDIATE", writing, &dw->dw_em);

	if (error == 0)
		error = take(dw, tailp);
	if (error != 0) {
		db_rollback(dw->dw_db);
		dw->dw_error = error;
		atomic_store(&dw->dw_failed, true);
	}
}

/* discard: after a failure the ring is emptied, so that nobody waits. */
static void
discard(struct db_writer *dw, uint64_t *tailp)
{
	const uint64_t head =
	    atomic_load_explicit(&dw->dw_head, memory_order_acquire);

	dw->dw_lost += head - *tailp;
	*tailp = head;
	ring_free(dw, head);
}

/* writer_sleep: until a kick or for a second; true if no more rows come. */
static bool
writer_sleep(struct db_writer *dw)
{
	struct timespec until;
	bool stop;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_NS / 1000000000;
	until.tv_nsec += IDLE_NS % 1000000000;
	(void)pthread_mutex_lock(&dw->dw_mutex);
	while (!dw->dw_kicked && !dw->dw_stop)
		if (pthread_cond_timedwait(&dw->dw_more, &dw->dw_mutex,
			&until) == ETIMEDOUT)
			break;
	dw->dw_kicked = false;
	stop = dw->dw_stop;
	(void)pthread_mutex_unlock(&dw->dw_mutex);
	return stop;
}

static void *
writer_main(void *arg)
{
	struct db_writer *dw = arg;
	uint64_t tail = 0;
	bool stop = false;

	while (!stop) {
		stop = writer_sleep(dw);
		while (atomic_load_explicit(&dw->dw_head,
			   memory_order_acquire) != tail) {
			if (dw->dw_error == 0)
				write_some(dw, &tail);
			else
				discard(dw, &tail);
		}
	}
	return NULL;
}

/*
 * ---- the producer ----
 */

/* kick: wake the thread; it may be awake. */
static void
kick(struct db_writer *dw, uint64_t head)
{

	dw->dw_kick_at = head + dw->dw_kick_rows;
	(void)pthread_mutex_lock(&dw->dw_mutex);
	dw->dw_kicked = true;
	(void)pthread_cond_signal(&dw->dw_more);
	(void)pthread_mutex_unlock(&dw->dw_mutex);
}

/* ring_wait: sleep until there is room for a row at head. */
static void
ring_wait(struct db_writer *dw, uint64_t head)
{

	dw->dw_waits++;
	kick(dw, head);
	(void)pthread_mutex_lock(&dw->dw_mutex);
	for (;;) {
		dw->dw_tail_seen =
		    atomic_load_explicit(&dw->dw_tail, memory_order_acquire);
		if (head - dw->dw_tail_seen < dw->dw_size)
			break;
		(void)pthread_cond_wait(&dw->dw_space, &dw->dw_mutex);
	}
	(void)pthread_mutex_unlock(&dw->dw_mutex);
}

/* ring_slot: where the next row goes. */
static inline struct db_row *
ring_slot(struct db_writer *dw, uint64_t head)
{

	if (unlikely(head - dw->dw_tail_seen >= dw->dw_size)) {
		dw->dw_tail_seen =
		    atomic_load_explicit(&dw->dw_tail, memory_order_acquire);
		if (head - dw->dw_tail_seen >= dw->dw_size)
			ring_wait(dw, head);
	}
	return &dw->dw_ring[head & (dw->dw_size - 1)];
}

/* ring_publish: the row before head is whole. */
static inline void
ring_publish(struct db_writer *dw, uint64_t head)
{

	atomic_store_explicit(&dw->dw_head, head, memory_order_release);
	if (unlikely(head >= dw->dw_kick_at))
		kick(dw, head);
}

void
db_put_op(struct db_writer *dw, const struct db_op *op)
{
	const uint64_t head =
	    atomic_load_explicit(&dw->dw_head, memory_order_relaxed);
	struct db_row *row = ring_slot(dw, head);

	row->rw_op = *op;
	row->rw_kind = DB_ROW_OP;
	ring_publish(dw, head + 1);
}

void
db_put_flush(struct db_writer *dw, const struct db_flush *fl)
{
	const uint64_t head =
	    atomic_load_explicit(&dw->dw_head, memory_order_relaxed);
	struct db_row *row = ring_slot(dw, head);

	row->rw_flush = *fl;
	row->rw_kind = DB_ROW_FLUSH;
	ring_publish(dw, head + 1);
}

bool
db_writer_failed(const struct db_writer *dw)
{

	return atomic_load_explicit(&dw->dw_failed, memory_order_relaxed);
}

/*
 * ---- its life ----
 */

/* writer_free: all but the thread. */
static void
writer_free(struct db_writer *dw)
{

	db_rows_close(dw->dw_rows);
	(void)pthread_cond_destroy(&dw->dw_space);
	(void)pthread_cond_destroy(&dw->dw_more);
	(void)pthread_mutex_destroy(&dw->dw_mutex);
	free(dw->dw_ring);
	free(dw);
}

/* writer_alloc: a writer with a ring of nrows or somewhat more; or NULL. */
static struct db_writer *
writer_alloc(struct db *db, size_t nrows)
{
	struct db_writer *dw = aligned_alloc(LINE, sizeof(*dw));
	pthread_condattr_t attr;

	if (dw == NULL)
		return NULL;
	memset(dw, 0, sizeof(*dw));
	dw->dw_db = db;
	for (dw->dw_size = 1; dw->dw_size < nrows; dw->dw_size <<= 1)
		continue;
	dw->dw_kick_rows = dw->dw_size / 4;
	if (dw->dw_kick_rows > KICK_MAX)
		dw->dw_kick_rows = KICK_MAX;
	if (dw->dw_kick_rows == 0)
		dw->dw_kick_rows = 1;
	dw->dw_kick_at = dw->dw_kick_rows;
	(void)pthread_mutex_init(&dw->dw_mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&dw->dw_more, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_cond_init(&dw->dw_space, NULL);
	if ((dw->dw_ring = calloc(dw->dw_size, sizeof(*dw->dw_ring))) == NULL) {
		writer_free(dw);
		return NULL;
	}
	return dw;
}

int
db_writer_start(struct db *db, int64_t run, size_t nrows,
    struct db_writer **dwp, struct errmsg *em)
{
	struct db_writer *dw = writer_alloc(db, nrows);
	int error;

	if (dw == NULL)
		return ERRMSG(em, ENOMEM,
		    "%s: no memory for a queue of %zu rows; lower queue",
		    db->db_path, nrows);
	if ((error = db_rows_open(db, run, &dw->dw_rows, em)) != 0)
		goto fail;
	if ((error = thread_start(&dw->dw_thread, writer_main, dw)) != 0) {
		errmsg_put(em, "%s: its writer's thread cannot be made: %s",
		    db->db_path, errno_text(error));
		goto fail;
	}
	*dwp = dw;
	return 0;
fail:
	writer_free(dw);
	return error;
}

int
db_writer_stop(struct db_writer *dw, uint64_t *rowsp, uint64_t *waitsp,
    struct errmsg *em)
{
	int error;

	(void)pthread_mutex_lock(&dw->dw_mutex);
	dw->dw_stop = true;
	(void)pthread_cond_signal(&dw->dw_more);
	(void)pthread_mutex_unlock(&dw->dw_mutex);
	(void)pthread_join(dw->dw_thread, NULL);
	if ((error = dw->dw_error) != 0)
		errmsg_put(em, "%s (%llu rows lost)", dw->dw_em.em_text,
		    (unsigned long long)dw->dw_lost);
	*rowsp = dw->dw_written;
	*waitsp = dw->dw_waits;
	writer_free(dw);
	return error;
}
