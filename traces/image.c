/*
 * image.c: a trace decoded once, for many readers.
 *
 * The events and their runs are private anonymous memory: after fork(2) parent
 * and children share its pages for as long as nobody writes, and the load ends
 * with taking the right to write away.
 *
 * Runs have address space for the most there can be, batch by batch; of that
 * only what they fill becomes memory.
 */
#include <sys/mman.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

/* Events handed out at once. */
#define IMAGE_BATCH 8192

/* The runs of a batch end within a page of memory. */
#define HOST_PAGE 4096

struct trace_image {
	struct trace_reader *ti_trace; /* read to its end: meta, digest */
	struct trace_event *ti_ev;
	uint64_t ti_n;		  /* events */
	size_t ti_room;		  /* bytes of address space at ti_ev */
	uint64_t ti_bytes;	  /* of memory */
	unsigned ti_shift;	  /* of the pages of runs; 0: there are none */
	uint32_t *ti_at;	  /* [ti_n + TRACE_AT_SLACK] */
	struct trace_run *ti_run; /* [batches][IMAGE_BATCH] */
	uint32_t *ti_nruns;	  /* [batches] */
	char ti_digest[33];
};

/* The image's own part of a reader. */
struct image_place {
	const struct trace_image *ip_image;
	uint64_t ip_next; /* event */
};

static int
image_next(struct trace_reader *tr, size_t *np, struct errmsg *em)
{
	struct image_place *const ip = tr->tr_form;
	const uint64_t left = ip->ip_image->ti_n - ip->ip_next;
	const uint64_t n = left < IMAGE_BATCH ? left : IMAGE_BATCH;

	(void)em;
	tr->tr_ev = ip->ip_image->ti_ev + ip->ip_next;
	ip->ip_next += n;
	tr->tr_seq += n;
	*np = (size_t)n;
	return 0;
}

/* The runs of the batch that ends at ip_next. */
static void
image_runs(struct trace_reader *tr, size_t n)
{
	const struct image_place *const ip = tr->tr_form;
	const struct trace_image *const ti = ip->ip_image;
	struct runs *const rs = tr->tr_runs;
	const uint64_t first = ip->ip_next - n;

	if (rs->rs_shift != ti->ti_shift) {
		runs_ro(tr, n);
		return;
	}
	rs->rs_at = ti->ti_at + first;
	rs->rs_run = ti->ti_run + first;
	rs->rs_n = ti->ti_nruns[first / IMAGE_BATCH];
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
	.ro_batch = IMAGE_BATCH,
	.ro_close = image_close,
};

/* Too large, said with what would help. */
static int
too_large(const struct trace_image *ti, uint64_t max, struct errmsg *em)
{
	return ERRMSG(em, EFBIG,
	    "%s: its decoded events take more than %" PRIu64 " MiB of memory",
	    ti->ti_trace->tr_path, max >> 20);
}

/* Address space; NULL: there is none. */
static void *
space(size_t len)
{
	void *const map = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

/* Address space for the events: as many as are known to come, or max. */
static int
reserve(struct trace_image *ti, uint64_t max, struct errmsg *em)
{
	const uint64_t count = trace_count(ti->ti_trace);
	const uint64_t ask = count != 0 ? count * sizeof(*ti->ti_ev) : max;

	if (count > max / sizeof(*ti->ti_ev))
		return too_large(ti, max, em);
	ti->ti_room = (size_t)(ask != 0 ? ask : 1);
	ti->ti_ev = space(ti->ti_room);
	if (ti->ti_ev == NULL)
		return ERRMSG(em, ENOMEM,
		    "%s: no memory for its decoded events, %zu MiB",
		    ti->ti_trace->tr_path, ti->ti_room >> 20);
	(void)madvise(ti->ti_ev, ti->ti_room, MADV_HUGEPAGE);
	return 0;
}

static inline size_t
batches(const struct trace_image *ti)
{
	return (size_t)((ti->ti_n + IMAGE_BATCH - 1) / IMAGE_BATCH);
}

static inline size_t
at_len(const struct trace_image *ti)
{
	return (size_t)(ti->ti_n + TRACE_AT_SLACK) * sizeof(*ti->ti_at);
}

static inline size_t
run_len(const struct trace_image *ti)
{
	return batches(ti) * IMAGE_BATCH * sizeof(*ti->ti_run);
}

static void
no_runs(struct trace_image *ti)
{

	if (ti->ti_at != NULL)
		(void)munmap(ti->ti_at, at_len(ti));
	if (ti->ti_run != NULL)
		(void)munmap(ti->ti_run, run_len(ti));
	free(ti->ti_nruns);
	ti->ti_at = NULL;
	ti->ti_run = NULL;
	ti->ti_nruns = NULL;
	ti->ti_shift = 0;
}

/* Find the runs of a batch; returns the memory they take. */
static uint64_t
batch_runs(struct trace_image *ti, size_t b)
{
	const uint64_t first = (uint64_t)b * IMAGE_BATCH;
	const uint64_t left = ti->ti_n - first;
	const size_t n = left < IMAGE_BATCH ? (size_t)left : IMAGE_BATCH;

	ti->ti_nruns[b] = (uint32_t)runs_find(ti->ti_ev + first, n,
	    ti->ti_shift, ti->ti_at + first, ti->ti_run + first);
	return n * sizeof(*ti->ti_at) + ti->ti_nruns[b] * sizeof(*ti->ti_run) +
	    HOST_PAGE;
}

/* The runs of all events, if they fit, too. */
static void
load_runs(struct trace_image *ti, unsigned page_shift, uint64_t max)
{
	uint64_t bytes = ti->ti_bytes + ti->ti_n * sizeof(*ti->ti_at);

	if (ti->ti_n == 0 || bytes > max)
		return;
	ti->ti_shift = page_shift;
	ti->ti_at = space(at_len(ti));
	ti->ti_run = space(run_len(ti));
	ti->ti_nruns = calloc(batches(ti), sizeof(*ti->ti_nruns));
	if (ti->ti_at == NULL || ti->ti_run == NULL || ti->ti_nruns == NULL) {
		no_runs(ti);
		return;
	}
	(void)madvise(ti->ti_at, at_len(ti), MADV_HUGEPAGE);
	(void)madvise(ti->ti_run, run_len(ti), MADV_NOHUGEPAGE);
	bytes = ti->ti_bytes;
	for (size_t b = 0; b < batches(ti) && bytes <= max; b++)
		bytes += batch_runs(ti, b);
	if (bytes > max) {
		no_runs(ti);
		return;
	}
	ti->ti_bytes = bytes;
	(void)mprotect(ti->ti_at, at_len(ti), PROT_READ);
	(void)mprotect(ti->ti_run, run_len(ti), PROT_READ);
}

static int
load(struct trace_image *ti, uint64_t max, struct errmsg *em)
{
	const struct trace_event *ev;
	size_t n;
	int error;

	if (trace_processors(false) > 1)
		(void)!trace_crew(ti->ti_trace, trace_processors(false),
		    ti->ti_ev, ti->ti_room / sizeof(*ev));
	while ((error = trace_next(ti->ti_trace, &ev, &n, em)) == 0 && n > 0) {
		if (n > ti->ti_room / sizeof(*ev) - ti->ti_n)
			return too_large(ti, max, em);
		/* The crew's are where they belong. */
		if (ev != &ti->ti_ev[ti->ti_n])
			(void)memcpy(&ti->ti_ev[ti->ti_n], ev, n * sizeof(*ev));
		ti->ti_n += n;
	}
	ti->ti_bytes = ti->ti_n * sizeof(*ev);
	if (error == 0)
		(void)mprotect(ti->ti_ev, ti->ti_room, PROT_READ);
	if (error == 0)
		error = trace_digest(ti->ti_trace, ti->ti_digest);
	return error;
}

int
trace_image_load(const char *path, unsigned flags, unsigned page_shift,
    uint64_t max, struct trace_image **tip, struct errmsg *em)
{
	struct trace_image *ti = calloc(1, sizeof(*ti));
	int error;

	if (ti == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it", path);
	if ((error = trace_open(path, flags, &ti->ti_trace, em)) != 0 ||
	    (error = reserve(ti, max, em)) != 0 ||
	    (error = load(ti, max, em)) != 0) {
		trace_image_free(ti);
		return error;
	}
	if (page_shift != 0)
		load_runs(ti, page_shift, max);
	*tip = ti;
	return 0;
}

void
trace_image_free(struct trace_image *ti)
{

	if (ti == NULL)
		return;
	/* Its threads write to ti_ev. */
	trace_close(ti->ti_trace);
	no_runs(ti);
	if (ti->ti_ev != NULL)
		(void)munmap(ti->ti_ev, ti->ti_room);
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
	return ti->ti_bytes;
}

const char *
trace_image_digest(const struct trace_image *ti)
{
	return ti->ti_digest;
}
