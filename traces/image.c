/*
 * image.c: a trace decoded once, for many readers.
 *
 * The events are private anonymous memory: after fork(2) parent and children
 * share its pages for as long as nobody writes, and the load ends with taking
 * the right to write away.
 */
#include <sys/mman.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

/* Events handed out at once. */
#define IMAGE_BATCH 8192

struct trace_image {
	struct trace_reader *ti_trace; /* read to its end: meta, digest */
	struct trace_event *ti_ev;
	uint64_t ti_n;	/* events */
	size_t ti_room; /* bytes of address space at ti_ev */
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

/* Address space for the events: as many as are known to come, or max. */
static int
reserve(struct trace_image *ti, uint64_t max, struct errmsg *em)
{
	const uint64_t count = trace_count(ti->ti_trace);
	const uint64_t ask = count != 0 ? count * sizeof(*ti->ti_ev) : max;
	void *map;

	if (count > max / sizeof(*ti->ti_ev))
		return too_large(ti, max, em);
	ti->ti_room = (size_t)(ask != 0 ? ask : 1);
	map = mmap(NULL, ti->ti_room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return ERRMSG(em, ENOMEM,
		    "%s: no memory for its decoded events, %zu MiB",
		    ti->ti_trace->tr_path, ti->ti_room >> 20);
	(void)madvise(map, ti->ti_room, MADV_HUGEPAGE);
	ti->ti_ev = map;
	return 0;
}

static int
load(struct trace_image *ti, uint64_t max, struct errmsg *em)
{
	const struct trace_event *ev;
	size_t n;
	int error;

	while ((error = trace_next(ti->ti_trace, &ev, &n, em)) == 0 && n > 0) {
		if (n > ti->ti_room / sizeof(*ev) - ti->ti_n)
			return too_large(ti, max, em);
		(void)memcpy(&ti->ti_ev[ti->ti_n], ev, n * sizeof(*ev));
		ti->ti_n += n;
	}
	if (error == 0)
		(void)mprotect(ti->ti_ev, ti->ti_room, PROT_READ);
	if (error == 0)
		error = trace_digest(ti->ti_trace, ti->ti_digest);
	return error;
}

int
trace_image_load(const char *path, unsigned flags, uint64_t max,
    struct trace_image **tip, struct errmsg *em)
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
	*tip = ti;
	return 0;
}

void
trace_image_free(struct trace_image *ti)
{

	if (ti == NULL)
		return;
	if (ti->ti_ev != NULL)
		(void)munmap(ti->ti_ev, ti->ti_room);
	trace_close(ti->ti_trace);
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

const char *
trace_image_digest(const struct trace_image *ti)
{
	return ti->ti_digest;
}
