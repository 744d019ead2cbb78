/*
 * image.c: a trace decoded once, for many readers.
 *
 * The events and their runs are private anonymous memory: after fork(2) parent
 * and children share its pages for as long as nobody writes, and the load ends
 * with taking the right to write away.
 *
 * A batch is what the trace's reader handed out at once.  There is address
 * space for as many runs as events: only what they fill becomes memory.
 */
#include <sys/mman.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

struct image_batch {
	uint64_t ib_first, ib_run; /* event, run */
	uint32_t ib_n, ib_nruns;
	uint64_t ib_tid; /* as of struct trace_batch */
};

struct trace_image {
	struct trace_reader *ti_trace; /* read to its end: meta, digest */
	struct trace_event *ti_ev;
	uint64_t ti_n;		      /* events */
	uint64_t ti_room;	      /* for so many there is address space */
	uint64_t ti_max;	      /* bytes of memory */
	struct image_batch *ti_batch; /* [ti_nbatches] */
	size_t ti_nbatches, ti_cap;
	unsigned ti_shift;	  /* of the pages of runs; 0: there are none */
	uint32_t *ti_at;	  /* [ti_room] */
	struct trace_run *ti_run; /* [ti_room], ti_nruns in use */
	uint64_t ti_nruns;
	char ti_digest[33];
};

/* The image's own part of a reader. */
struct image_place {
	const struct trace_image *ip_image;
	size_t ip_next; /* batch */
};

static int
image_next(struct trace_reader *tr, size_t *np, struct errmsg *em)
{
	struct image_place *const ip = tr->tr_form;
	const struct trace_image *const ti = ip->ip_image;

	(void)em;
	*np = 0;
	if (ip->ip_next == ti->ti_nbatches)
		return 0;
	tr->tr_ev = ti->ti_ev + ti->ti_batch[ip->ip_next].ib_first;
	*np = ti->ti_batch[ip->ip_next++].ib_n;
	tr->tr_seq += *np;
	return 0;
}

/* The runs of the batch before ip_next. */
static void
image_runs(struct trace_reader *tr, size_t n)
{
	const struct image_place *const ip = tr->tr_form;
	const struct trace_image *const ti = ip->ip_image;
	const struct image_batch *const ib = &ti->ti_batch[ip->ip_next - 1];
	struct runs *const rs = tr->tr_runs;

	if (rs->rs_shift != ti->ti_shift) {
		runs_ro(tr, n);
		return;
	}
	rs->rs_at = ti->ti_at + ib->ib_first;
	rs->rs_run = ti->ti_run + ib->ib_run;
	rs->rs_n = ib->ib_nruns;
	rs->rs_tid = ib->ib_tid;
}

/* Leave to the image what is the image's. */
static void
image_close(struct trace_reader *tr)
{

	free(tr->tr_form);
	tr->tr_ev = NULL;
	(void)memset(&tr->tr_meta, 0, sizeof(tr->tr_meta));
	(void)memset(&tr->tr_files, 0, sizeof(tr->tr_files));
}

static int
image_open(struct trace_reader *tr, struct errmsg *em)
{

	(void)tr;
	(void)em;
	return 0;
}

static const struct reader_ops image_reader_ops = {
	.ro_open = image_open,
	.ro_next = image_next,
	.ro_runs = image_runs,
	.ro_batch = TRACE_BATCH,
	.ro_close = image_close,
};

/* Too large, said with what would help. */
static int
too_large(const struct trace_image *ti, struct errmsg *em)
{
	return ERRMSG(em, EFBIG,
	    "%s: its decoded events take more than %" PRIu64 " MiB of memory",
	    ti->ti_trace->tr_path, ti->ti_max >> 20);
}

static inline uint64_t
ev_bytes(uint64_t n)
{
	return n * sizeof(struct trace_event);
}

static inline size_t
ev_len(const struct trace_image *ti)
{
	return (size_t)ev_bytes(ti->ti_room);
}

static inline size_t
at_len(const struct trace_image *ti)
{
	return (size_t)ti->ti_room * sizeof(*ti->ti_at);
}

static inline size_t
run_len(const struct trace_image *ti)
{
	return (size_t)ti->ti_room * sizeof(*ti->ti_run);
}

/* Address space for the events: as many as are known to come, or as may. */
static int
reserve(struct trace_image *ti, struct errmsg *em)
{
	const uint64_t count = trace_count(ti->ti_trace);
	const uint64_t most = ti->ti_max / sizeof(*ti->ti_ev);

	if (count > most)
		return too_large(ti, em);
	ti->ti_room = count != 0 ? count : most != 0 ? most : 1;
	ti->ti_ev = room_take(ev_len(ti));
	if (ti->ti_ev == NULL)
		return ERRMSG(em, ENOMEM,
		    "%s: no memory for its decoded events, %zu MiB",
		    ti->ti_trace->tr_path, ev_len(ti) >> 20);
	return 0;
}

/* Without runs: each reader finds its own. */
static void
no_runs(struct trace_image *ti)
{

	room_give(ti->ti_at, at_len(ti));
	room_give(ti->ti_run, run_len(ti));
	ti->ti_at = NULL;
	ti->ti_run = NULL;
	ti->ti_shift = 0;
	ti->ti_nruns = 0;
}

/* Address space for runs, if there may be memory for them. */
static void
reserve_runs(struct trace_image *ti, unsigned page_shift)
{
	const uint64_t each = sizeof(*ti->ti_ev) + sizeof(*ti->ti_at);

	if (page_shift == 0 || trace_count(ti->ti_trace) > ti->ti_max / each ||
	    trace_runs(ti->ti_trace, page_shift) != 0)
		return;
	ti->ti_shift = page_shift;
	ti->ti_at = room_take(at_len(ti));
	ti->ti_run = room_take(run_len(ti));
	if (ti->ti_at == NULL || ti->ti_run == NULL) {
		no_runs(ti);
		return;
	}
}

/* Memory for so many events and runs. */
static uint64_t
bytes(const struct trace_image *ti, uint64_t n, uint64_t nruns)
{

	return ev_bytes(n) + (ti->ti_shift != 0 ? n * sizeof(*ti->ti_at) : 0) +
	    nruns * sizeof(*ti->ti_run);
}

/* The runs of a batch whose events are there. */
static void
add_runs(struct trace_image *ti, const struct trace_batch *tb)
{
	const uint64_t nruns = ti->ti_nruns + tb->tb_nruns;

	if (bytes(ti, ti->ti_n + tb->tb_n, nruns) > ti->ti_max) {
		no_runs(ti);
		return;
	}
	(void)memcpy(&ti->ti_at[ti->ti_n], tb->tb_at,
	    tb->tb_n * sizeof(*tb->tb_at));
	(void)memcpy(&ti->ti_run[ti->ti_nruns], tb->tb_run,
	    tb->tb_nruns * sizeof(*tb->tb_run));
	ti->ti_nruns = nruns;
}

static int
add(struct trace_image *ti, const struct trace_batch *tb, struct errmsg *em)
{
	const size_t cap = ti->ti_cap != 0 ? 2 * ti->ti_cap : 64;
	struct image_batch *batch;

	if (tb->tb_n > ti->ti_room - ti->ti_n)
		return too_large(ti, em);
	if (ti->ti_nbatches == ti->ti_cap) {
		batch = reallocarray(ti->ti_batch, cap, sizeof(*batch));
		if (batch == NULL)
			return ERRMSG(em, ENOMEM, "%s: no memory to read it",
			    ti->ti_trace->tr_path);
		ti->ti_batch = batch;
		ti->ti_cap = cap;
	}
	/* The crew's are where they belong. */
	if (tb->tb_ev != &ti->ti_ev[ti->ti_n])
		(void)memcpy(&ti->ti_ev[ti->ti_n], tb->tb_ev,
		    tb->tb_n * sizeof(*tb->tb_ev));
	ti->ti_batch[ti->ti_nbatches++] = (struct image_batch){
		.ib_first = ti->ti_n,
		.ib_run = ti->ti_nruns,
		.ib_n = (uint32_t)tb->tb_n,
		.ib_nruns = (uint32_t)tb->tb_nruns,
		.ib_tid = tb->tb_tid,
	};
	if (ti->ti_shift != 0)
		add_runs(ti, tb);
	ti->ti_n += tb->tb_n;
	return 0;
}

static int
load(struct trace_image *ti, struct errmsg *em)
{
	const unsigned threads = trace_processors(false);
	struct trace_batch tb;
	int error;

	if (threads > 1)
		(void)!trace_crew(ti->ti_trace, threads, ti->ti_ev,
		    ti->ti_room);
	while ((error = trace_next_batch(ti->ti_trace, &tb, em)) == 0 &&
	    tb.tb_n > 0)
		if ((error = add(ti, &tb, em)) != 0)
			break;
	/* Nobody writes to ti_ev after that. */
	trace_ahead_end(ti->ti_trace);
	if (error != 0)
		return error;
	(void)mprotect(ti->ti_ev, ev_len(ti), PROT_READ);
	if (ti->ti_shift != 0) {
		(void)mprotect(ti->ti_at, at_len(ti), PROT_READ);
		(void)mprotect(ti->ti_run, run_len(ti), PROT_READ);
	}
	return trace_digest(ti->ti_trace, ti->ti_digest);
}

int
trace_image_load(const char *path, unsigned flags, unsigned page_shift,
    uint64_t max, struct trace_image **tip, struct errmsg *em)
{
	struct trace_image *ti = calloc(1, sizeof(*ti));
	int error;

	if (ti == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it", path);
	ti->ti_max = max;
	error = trace_open(path, flags, &ti->ti_trace, em);
	if (error == 0)
		error = reserve(ti, em);
	if (error == 0) {
		reserve_runs(ti, page_shift);
		error = load(ti, em);
	}
	if (error != 0) {
		trace_image_free(ti);
		return error;
	}
	*tip = ti;
	return 0;
}

void
trace_image_free(struct trace_image *ti)
{

	if (ti == NULL)
		return;
	no_runs(ti);
	room_give(ti->ti_ev, ev_len(ti));
	trace_close(ti->ti_trace);
	free(ti->ti_batch);
	free(ti);
}

int
trace_image_open(const struct trace_image *ti, struct trace_reader **trp)
{
	struct trace_reader *tr = calloc(1, sizeof(*tr));
	struct image_place *ip = calloc(1, sizeof(*ip));

	if (tr == NULL || ip == NULL ||
	    (tr->tr_path = strdup(ti->ti_trace->tr_path)) == NULL) {
		free(tr);
		free(ip);
		return ENOMEM;
	}
	ip->ip_image = ti;
	tr->tr_ops = &image_reader_ops;
	tr->tr_form = ip;
	tr->tr_in.in_fd = -1;
	tr->tr_meta = ti->ti_trace->tr_meta;
	tr->tr_files = ti->ti_trace->tr_files;
	tr->tr_count = ti->ti_n;
	tr->tr_digest = ti->ti_trace->tr_digest;
	tr->tr_digest_known = ti->ti_trace->tr_digest_known;
	tr->tr_bad_blocks = ti->ti_trace->tr_bad_blocks;
	tr->tr_bad_events = ti->ti_trace->tr_bad_events;
	*trp = tr;
	return 0;
}

uint64_t
trace_image_count(const struct trace_image *ti)
{
	return ti->ti_n;
}

uint64_t
trace_image_bytes(const struct trace_image *ti)
{
	return bytes(ti, ti->ti_n, ti->ti_nruns);
}

const char *
trace_image_digest(const struct trace_image *ti)
{
	return ti->ti_digest;
}
