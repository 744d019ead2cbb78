/*
 * lru: what tests compare recordings by: events with pages numbered, and an
 * LRU cache of pages with write-back.
 */
#ifndef TESTS_TRACES_LRU_H
#define TESTS_TRACES_LRU_H

#include "tests/test.h"
#include "traces/trace.h"

struct lru_trace {
	struct trace_event *lt_ev;
	size_t lt_n;
	char **lt_names;     /* of files by id - 1: the last part of the path */
	uint32_t *lt_base;   /* number of each file's first page */
	uint32_t *lt_npages; /* pages each file ever has */
	uint32_t lt_nfiles, lt_pages;
};

void lru_read(const char *path, struct lru_trace *lt);
void lru_free(struct lru_trace *lt);

/* The number of an access's page. */
uint32_t lru_page(const struct lru_trace *lt, const struct trace_event *te);

/* Pages brought in; and written back, since they were evicted or synced. */
struct lru_counts {
	uint64_t lc_misses, lc_writes;
};

/* Pages of the trace that are ever accessed. */
uint32_t lru_footprint(const struct lru_trace *lt);
struct lru_counts lru_simulate(const struct lru_trace *lt, uint32_t frames);

#endif
