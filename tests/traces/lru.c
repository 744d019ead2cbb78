#include "tests/traces/lru.h"

#include <string.h>

#define PAGE 4096

/* How far each file is ever used, in pages. */
static void
extents(struct lru_trace *lt)
{
	for (size_t i = 0; i < lt->lt_n; i++) {
		const struct trace_event *te = &lt->lt_ev[i];
		const uint64_t end = te->te_offset + te->te_length;

		if (te->te_op != TRACE_READ && te->te_op != TRACE_WRITE)
			continue;
		if (end / PAGE > lt->lt_npages[te->te_file - 1])
			lt->lt_npages[te->te_file - 1] = (uint32_t)(end / PAGE);
	}
	for (uint32_t f = 0; f < lt->lt_nfiles; f++) {
		lt->lt_base[f] = lt->lt_pages;
		lt->lt_pages += lt->lt_npages[f];
	}
}

void
lru_read(const char *path, struct lru_trace *lt)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev;
	const struct trace_meta *tm;
	struct trace_reader *tr;
	size_t n;

	*lt = (struct lru_trace){ .lt_n = 0 };
	must_em(trace_open(path, 0, &tr, &em), &em);
	tm = trace_meta(tr);
	lt->lt_nfiles = (uint32_t)tm->tm_nfiles;
	lt->lt_names = calloc(tm->tm_nfiles + 1, sizeof(*lt->lt_names));
	lt->lt_base = calloc(tm->tm_nfiles + 1, sizeof(*lt->lt_base));
	lt->lt_npages = calloc(tm->tm_nfiles + 1, sizeof(*lt->lt_npages));
	for (size_t i = 0; i < tm->tm_nfiles; i++) {
		const char *slash = strrchr(tm->tm_files[i].tf_path, '/');

		assert_int_equal(tm->tm_files[i].tf_id, i + 1);
		lt->lt_names[i] =
		    strdup(slash != NULL ? slash + 1 : tm->tm_files[i].tf_path);
	}
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		lt->lt_ev =
		    realloc(lt->lt_ev, (lt->lt_n + n + 1) * sizeof(*lt->lt_ev));
		assert_non_null(lt->lt_ev);
		memcpy(lt->lt_ev + lt->lt_n, ev, n * sizeof(*ev));
		lt->lt_n += n;
	} while (n > 0);
	trace_close(tr);
	extents(lt);
}

void
lru_free(struct lru_trace *lt)
{
	for (uint32_t i = 0; i < lt->lt_nfiles; i++)
		free(lt->lt_names[i]);
	free(lt->lt_names);
	free(lt->lt_base);
	free(lt->lt_npages);
	free(lt->lt_ev);
}

uint32_t
lru_page(const struct lru_trace *lt, const struct trace_event *te)
{
	return lt->lt_base[te->te_file - 1] + (uint32_t)(te->te_offset / PAGE);
}

uint32_t
lru_footprint(const struct lru_trace *lt)
{
	uint8_t *seen = calloc(lt->lt_pages + 1, 1);
	uint32_t n = 0;

	for (size_t i = 0; i < lt->lt_n; i++) {
		const struct trace_event *te = &lt->lt_ev[i];
		uint32_t page;

		if (te->te_op != TRACE_READ && te->te_op != TRACE_WRITE)
			continue;
		page = lru_page(lt, te);
		n += seen[page] == 0;
		seen[page] = 1;
	}
	free(seen);
	return n;
}

/* A cache: its pages in a ring, the latest first behind the head. */
struct cache {
	const struct lru_trace *ca_lt;
	uint32_t *ca_next, *ca_prev; /* by page; lt_pages is the head */
	bool *ca_in, *ca_dirty;
	uint32_t ca_frames, ca_used;
	struct lru_counts ca_counts;
};

static void
unlink_page(struct cache *ca, uint32_t page)
{
	ca->ca_next[ca->ca_prev[page]] = ca->ca_next[page];
	ca->ca_prev[ca->ca_next[page]] = ca->ca_prev[page];
}

static void
drop(struct cache *ca, uint32_t page, bool write)
{
	unlink_page(ca, page);
	ca->ca_counts.lc_writes += write && ca->ca_dirty[page];
	ca->ca_in[page] = ca->ca_dirty[page] = false;
	ca->ca_used--;
}

static void
touch(struct cache *ca, uint32_t page, bool write)
{
	const uint32_t head = ca->ca_lt->lt_pages;

	if (ca->ca_in[page]) {
		unlink_page(ca, page);
	} else {
		ca->ca_counts.lc_misses++;
		if (ca->ca_used == ca->ca_frames)
			drop(ca, ca->ca_prev[head], true);
		ca->ca_in[page] = true;
		ca->ca_used++;
	}
	ca->ca_dirty[page] |= write;
	ca->ca_next[page] = ca->ca_next[head];
	ca->ca_prev[page] = head;
	ca->ca_prev[ca->ca_next[head]] = page;
	ca->ca_next[head] = page;
}

/* Pages of a range of a file: written back, or thrown away. */
static void
range(struct cache *ca, uint32_t file, uint64_t offset, uint64_t end, bool gone)
{
	const struct lru_trace *lt = ca->ca_lt;
	const uint64_t last = (end + PAGE - 1) / PAGE;

	for (uint64_t i = offset / PAGE;
	     i < last && i < lt->lt_npages[file - 1]; i++) {
		const uint32_t page = lt->lt_base[file - 1] + (uint32_t)i;

		if (!ca->ca_in[page])
			continue;
		if (gone) {
			drop(ca, page, false);
			continue;
		}
		ca->ca_counts.lc_writes += ca->ca_dirty[page];
		ca->ca_dirty[page] = false;
	}
}

static void
event(struct cache *ca, const struct trace_event *te)
{
	switch ((enum trace_op)te->te_op) {
	case TRACE_READ:
	case TRACE_WRITE:
		touch(ca, lru_page(ca->ca_lt, te), te->te_op == TRACE_WRITE);
		break;
	case TRACE_MSYNC:
		range(ca, te->te_file, te->te_offset,
		    te->te_offset + te->te_length, false);
		break;
	case TRACE_FSYNC:
		range(ca, te->te_file, 0, INT64_MAX - PAGE, false);
		break;
	case TRACE_SYNC:
		for (uint32_t f = 1; f <= ca->ca_lt->lt_nfiles; f++)
			range(ca, f, 0, INT64_MAX - PAGE, false);
		break;
	case TRACE_TRUNCATE:
		range(ca, te->te_file, te->te_length + PAGE - 1,
		    INT64_MAX - PAGE, true);
		break;
	case TRACE_ATTACH:
	case TRACE_DETACH:
	case TRACE_PROTECT:
	case TRACE_MADVISE:
	case TRACE_FALLOCATE:
	case TRACE_PREAD:
	case TRACE_PWRITE:
	case TRACE_OPEN:
	case TRACE_CLOSE:
	case TRACE_UNLINK:
	case TRACE_RENAME:
	case TRACE_FORK:
	case TRACE_EXIT:
	case TRACE_MARK:
	case TRACE_NOPS:
		break;
	}
}

struct lru_counts
lru_simulate(const struct lru_trace *lt, uint32_t frames)
{
	struct cache ca = { .ca_lt = lt,
		.ca_next = calloc(lt->lt_pages + 1, sizeof(*ca.ca_next)),
		.ca_prev = calloc(lt->lt_pages + 1, sizeof(*ca.ca_prev)),
		.ca_in = calloc(lt->lt_pages + 1, sizeof(*ca.ca_in)),
		.ca_dirty = calloc(lt->lt_pages + 1, sizeof(*ca.ca_dirty)),
		.ca_frames = frames };

	assert_true(ca.ca_next != NULL && ca.ca_prev != NULL &&
	    ca.ca_in != NULL && ca.ca_dirty != NULL);
	ca.ca_next[lt->lt_pages] = ca.ca_prev[lt->lt_pages] = lt->lt_pages;
	for (size_t i = 0; i < lt->lt_n; i++)
		event(&ca, &lt->lt_ev[i]);
	free(ca.ca_next);
	free(ca.ca_prev);
	free(ca.ca_in);
	free(ca.ca_dirty);
	return ca.ca_counts;
}
