/*
 * hist: a latency histogram with bounded relative error.
 *
 * Values 0..2^63 ns fall into buckets of at most 1/128 of their value
 * (log-linear, 128 linear steps a power of two), so that every quantile is
 * within 1 % of a true value; count, sum, min and max are exact.
 */
#ifndef REPLAY_HIST_H
#define REPLAY_HIST_H

#include "base/base.h"

#define HIST_STEP_BITS 7
#define HIST_NBUCKET   ((64 - HIST_STEP_BITS + 1) << HIST_STEP_BITS)

struct hist {
	uint64_t h_count, h_sum, h_min, h_max;
	uint64_t h_bucket[HIST_NBUCKET];
};

/* Empty h.  A zeroed struct hist is not empty: h_min must be UINT64_MAX. */
void hist_init(struct hist *h);

/* The bucket of v, and the smallest and largest value of bucket b. */
static inline size_t
hist_bucket(uint64_t v)
{
	unsigned shift;

	if (v < (2U << HIST_STEP_BITS))
		return (size_t)v;
	shift = 63U - (unsigned)__builtin_clzll(v) - HIST_STEP_BITS;
	return ((size_t)shift << HIST_STEP_BITS) + (size_t)(v >> shift);
}
uint64_t hist_low(size_t b);
uint64_t hist_high(size_t b);

static inline void
hist_add(struct hist *h, uint64_t v)
{
	h->h_count++;
	h->h_sum += v;
	if (v < h->h_min)
		h->h_min = v;
	if (v > h->h_max)
		h->h_max = v;
	h->h_bucket[hist_bucket(v)]++;
}

/* Add the values of from to h, as if each had been added there. */
void hist_merge(struct hist *h, const struct hist *from);

/* The value below or at which the fraction q (0..1) of values lies; 0 if
 * empty.  Clamped to [min, max]. */
uint64_t hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);

/*
 * The non-empty buckets as text "value:count value:count ..." with the lowest
 * value of each, as table latency keeps them; malloc'd, or NULL without memory.
 */
char *hist_text(const struct hist *h);

#endif
