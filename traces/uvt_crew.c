/*
 * uvt_crew.c: threads that decode the blocks of a .uvt side by side.
 *
 * A thread takes the next block of the file: reads its head, which says where
 * the one after it is, all under the mutex; then, by itself, reads and decodes
 * its frame.  Blocks are numbered as they are taken, and given out in that
 * order.  Each has a place of a ring until the one after it is asked for.
 *
 * The crew knows whole blocks only.  At whatever else it stops: damage, the
 * index, the end of the file, want of memory.  What it was is told by who reads
 * on from there.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "traces/uvt_i.h"

/* So many more blocks than threads. */
#define SPARE 2UL

#define PLACES (CREW_MAX + SPARE)

enum state { TAKEN, WHOLE, BAD };

struct place {
	struct crew_block pl_block;
	struct trace_event *pl_ev; /* room for a block, unless all have one */
	struct runs pl_runs;	   /* room for its runs, if they are wanted */
	enum state pl_state;	   /* m */
};

/* m: guarded by the mutex; the rest is stable, or its thread's. */
struct crew {
	struct crew_job cw_job;
	pthread_mutex_t cw_mutex;
	pthread_cond_t cw_whole, cw_room; /* the reader's; the threads' */
	pthread_t cw_thread[CREW_MAX];
	size_t cw_nthreads, cw_nplaces;
	struct place cw_place[PLACES];
	uint64_t cw_pos;   /* m: of the next block to take, in the file */
	uint64_t cw_first; /* m: its first event */
	uint64_t cw_taken; /* m: blocks */
	uint64_t cw_given; /* m: blocks that the reader is done with */
	bool cw_held;	   /* the reader has one */
	bool cw_stop;	   /* m: no more is taken */
};

/* What a thread has for itself. */
struct hand {
	struct decoder hd_decoder;
	uint8_t *hd_frame;
	size_t hd_cap;
};

static bool
read_all(int fd, void *buf, size_t len, uint64_t pos)
{
	uint8_t *p = buf;

	while (len > 0) {
		const ssize_t n = pread(fd, p, len, (off_t)pos);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		pos += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * Take the next block, if there is a whole head of it and room for it.
 *
 * => the mutex is held
 */
static struct place *
block_take(struct crew *cw, struct uvt_block *ub)
{
	const struct crew_job *const cj = &cw->cw_job;
	struct place *const pl = &cw->cw_place[cw->cw_taken % cw->cw_nplaces];
	struct crew_block *const cb = &pl->pl_block;
	uint8_t head[sizeof(*ub)];

	if (cw->cw_pos > cj->cj_size ||
	    cj->cj_size - cw->cw_pos < sizeof(head) ||
	    !read_all(cj->cj_fd, head, sizeof(head), cw->cw_pos) ||
	    !block_good(head, ub) || ub->ub_first != cw->cw_first ||
	    ub->ub_packed > cj->cj_size - cw->cw_pos - sizeof(head))
		return NULL;
	if (cj->cj_into != NULL &&
	    (ub->ub_first > cj->cj_room ||
		ub->ub_events > cj->cj_room - ub->ub_first))
		return NULL;
	cb->cb_ev =
	    cj->cj_into != NULL ? cj->cj_into + ub->ub_first : pl->pl_ev;
	cb->cb_n = ub->ub_events;
	cb->cb_at = pl->pl_runs.rs_at_room;
	cb->cb_run = pl->pl_runs.rs_run_room;
	cb->cb_end = cw->cw_pos + sizeof(head) + ub->ub_packed;
	cw->cw_pos = cb->cb_end;
	cw->cw_first += ub->ub_events;
	cw->cw_taken++;
	pl->pl_state = TAKEN;
	return pl;
}

/* A batch of the block, and its runs. */
static bool
batch_decode(struct unpacker *up, struct place *pl, uint32_t at, uint32_t n,
    uint64_t *timep)
{
	const struct runs *const rs = &pl->pl_runs;
	struct runs_cut rc = { .rc_n = 0 };
	const char *what;

	if (rs->rs_shift != 0) {
		rc.rc_at = rs->rs_at_room + at;
		rc.rc_run = rs->rs_run_room + at;
	}
	what = unpacker_next(up, pl->pl_block.cb_ev + at, n, timep,
	    rs->rs_shift != 0 ? &rc : NULL);
	pl->pl_block.cb_nruns[at / TRACE_BATCH] = (uint32_t)rc.rc_n;
	pl->pl_block.cb_tid = up->up_tid;
	return what == NULL;
}

static bool
frame_room(struct hand *hd, size_t len)
{
	uint8_t *frame;

	if (len <= hd->hd_cap)
		return true;
	frame = realloc(hd->hd_frame, len);
	if (frame == NULL)
		return false;
	hd->hd_frame = frame;
	hd->hd_cap = len;
	return true;
}

/* Read and decode a block; false: it is not to be had. */
static bool
block_decode(struct crew *cw, struct hand *hd, struct place *pl,
    const struct uvt_block *ub)
{
	const struct crew_job *const cj = &cw->cw_job;
	struct crew_block *const cb = &pl->pl_block;
	const char *what;
	uint64_t time = 0;
	uint32_t n;

	if (!frame_room(hd, ub->ub_packed) ||
	    !read_all(cj->cj_fd, hd->hd_frame, ub->ub_packed,
		cb->cb_end - ub->ub_packed) ||
	    decoder_open(&hd->hd_decoder, ub, hd->hd_frame, cj->cj_files,
		&what) != 0)
		return false;
	for (uint32_t at = 0; at < cb->cb_n; at += n) {
		n = cb->cb_n - at < TRACE_BATCH ? cb->cb_n - at : TRACE_BATCH;
		if (!batch_decode(&hd->hd_decoder.dc_up, pl, at, n, &time))
			return false;
	}
	return true;
}

/*
 * Nobody takes a block after this.
 *
 * => the mutex is held
 */
static void
stop(struct crew *cw)
{

	cw->cw_stop = true;
	(void)pthread_cond_broadcast(&cw->cw_room);
	(void)pthread_cond_signal(&cw->cw_whole);
}

/*
 * Take blocks and decode them, until there are no more.
 *
 * => the mutex is held
 */
static void
work(struct crew *cw, struct hand *hd)
{
	struct uvt_block ub;
	struct place *pl;
	bool whole = true;

	while (whole) {
		while (!cw->cw_stop &&
		    cw->cw_taken - cw->cw_given == cw->cw_nplaces)
			(void)pthread_cond_wait(&cw->cw_room, &cw->cw_mutex);
		if (cw->cw_stop || (pl = block_take(cw, &ub)) == NULL)
			break;
		(void)pthread_mutex_unlock(&cw->cw_mutex);
		whole = block_decode(cw, hd, pl, &ub);
		(void)pthread_mutex_lock(&cw->cw_mutex);
		pl->pl_state = whole ? WHOLE : BAD;
		(void)pthread_cond_signal(&cw->cw_whole);
	}
}

static void *
crew_main(void *arg)
{
	struct crew *const cw = arg;
	struct hand hd = { .hd_cap = 0 };
	const int error = decoder_init(&hd.hd_decoder);

	hd.hd_decoder.dc_up.up_shift = cw->cw_job.cj_shift;
	(void)pthread_mutex_lock(&cw->cw_mutex);
	if (error == 0)
		work(cw, &hd);
	stop(cw);
	(void)pthread_mutex_unlock(&cw->cw_mutex);
	decoder_fini(&hd.hd_decoder);
	free(hd.hd_frame);
	return NULL;
}

/* Room for the blocks that are under way. */
static int
places_init(struct crew *cw)
{
	const struct crew_job *const cj = &cw->cw_job;
	int error = 0;

	cw->cw_nplaces = cj->cj_threads + SPARE;
	for (size_t i = 0; i < cw->cw_nplaces && error == 0; i++) {
		struct place *const pl = &cw->cw_place[i];

		if (cj->cj_shift != 0)
			error = runs_init(&pl->pl_runs, cj->cj_shift,
			    UVT_BLOCK_EVENTS);
		if (cj->cj_into != NULL)
			continue;
		pl->pl_ev =
		    aligned_alloc(64, UVT_BLOCK_EVENTS * sizeof(*pl->pl_ev));
		if (pl->pl_ev == NULL)
			error = ENOMEM;
	}
	return error;
}

int
crew_start(const struct crew_job *cj, struct crew **cwp)
{
	struct crew *const cw = calloc(1, sizeof(*cw));

	assert(cj->cj_threads > 0 && cj->cj_threads <= CREW_MAX);
	if (cw == NULL)
		return ENOMEM;
	cw->cw_job = *cj;
	cw->cw_pos = cj->cj_pos;
	cw->cw_first = cj->cj_first;
	(void)pthread_mutex_init(&cw->cw_mutex, NULL);
	(void)pthread_cond_init(&cw->cw_whole, NULL);
	(void)pthread_cond_init(&cw->cw_room, NULL);
	if (places_init(cw) == 0)
		while (cw->cw_nthreads < cj->cj_threads &&
		    thread_start(&cw->cw_thread[cw->cw_nthreads], crew_main,
			cw) == 0)
			cw->cw_nthreads++;
	if (cw->cw_nthreads == 0) {
		crew_free(cw);
		return ENOMEM;
	}
	*cwp = cw;
	return 0;
}

const struct crew_block *
crew_next(struct crew *cw)
{
	struct place *pl;

	(void)pthread_mutex_lock(&cw->cw_mutex);
	if (cw->cw_held) {
		cw->cw_given++;
		(void)pthread_cond_signal(&cw->cw_room);
	}
	pl = &cw->cw_place[cw->cw_given % cw->cw_nplaces];
	while (
	    cw->cw_given == cw->cw_taken ? !cw->cw_stop : pl->pl_state == TAKEN)
		(void)pthread_cond_wait(&cw->cw_whole, &cw->cw_mutex);
	cw->cw_held = cw->cw_given != cw->cw_taken && pl->pl_state == WHOLE;
	(void)pthread_mutex_unlock(&cw->cw_mutex);
	return cw->cw_held ? &pl->pl_block : NULL;
}

void
crew_stop(struct crew *cw)
{

	(void)pthread_mutex_lock(&cw->cw_mutex);
	stop(cw);
	(void)pthread_mutex_unlock(&cw->cw_mutex);
	while (cw->cw_nthreads > 0)
		(void)pthread_join(cw->cw_thread[--cw->cw_nthreads], NULL);
}

void
crew_free(struct crew *cw)
{

	if (cw == NULL)
		return;
	crew_stop(cw);
	for (size_t i = 0; i < PLACES; i++) {
		runs_fini(&cw->cw_place[i].pl_runs);
		free(cw->cw_place[i].pl_ev);
	}
	(void)pthread_mutex_destroy(&cw->cw_mutex);
	(void)pthread_cond_destroy(&cw->cw_whole);
	(void)pthread_cond_destroy(&cw->cw_room);
	free(cw);
}
