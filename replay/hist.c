#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/hist.h"

/* Values below this have a bucket each. */
#define HIST_EXACT (2U << HIST_STEP_BITS)

void
hist_init(struct hist *h)
{

	memset(h, 0, sizeof(*h));
	h->h_min = UINT64_MAX;
}

void
hist_merge(struct hist *h, const struct hist *from)
{

	if (from->h_count == 0)
		return;
	h->h_count += from->h_count;
	h->h_sum += from->h_sum;
	if (from->h_min < h->h_min)
		h->h_min = from->h_min;
	if (from->h_max > h->h_max)
		h->h_max = from->h_max;
	for (size_t b = hist_bucket(from->h_min); b <= hist_bucket(from->h_max);
	     b++)
		h->h_bucket[b] += from->h_bucket[b];
}

/* The power of two that is the width of bucket b, b >= HIST_EXACT. */
static unsigned
hist_shift(size_t b)
{

	return (unsigned)(b >> HIST_STEP_BITS) - 1;
}

uint64_t
hist_low(size_t b)
{

	if (b < HIST_EXACT)
		return b;
	const unsigned shift = hist_shift(b);
	return (uint64_t)(b - ((size_t)shift << HIST_STEP_BITS)) << shift;
}

uint64_t
hist_high(size_t b)
{

	if (b < HIST_EXACT)
		return b;
	return hist_low(b) + ((UINT64_C(1) << hist_shift(b)) - 1);
}

/*
 * hist_rank: how many of n values lie at or below the quantile q; 1..n.
 *
 * The product is rounded to the nearest double, so a fraction such as 0.9 of
 * 10 may come out a hair above 9: what is that near to a whole number is one.
 */
static uint64_t
hist_rank(uint64_t n, double q)
{
	const double real = q * (double)n;
	uint64_t rank;

	if (!(real > 1.0))
		return 1;
	if (real >= (double)n)
		return n;
	rank = (uint64_t)real;
	if (real - (double)rank > real * 1e-15)
		rank++;
	return rank < n ? rank : n;
}

uint64_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t sum = 0, v = h->h_max;

	if (h->h_count == 0)
		return 0;
	const uint64_t rank = hist_rank(h->h_count, q);
	for (size_t b = hist_bucket(h->h_min); b < HIST_NBUCKET; b++) {
		sum += h->h_bucket[b];
		if (sum >= rank) {
			v = hist_high(b);
			break;
		}
	}
	/* The lowest bucket's high end is at or above the minimum. */
	return v < h->h_max ? v : h->h_max;
}

double
hist_mean(const struct hist *h)
{

	return h->h_count == 0 ? 0.0 : (double)h->h_sum / (double)h->h_count;
}

char *
hist_text(const struct hist *h)
{
	char *text = NULL;
	size_t len;
	FILE *fp = open_memstream(&text, &len);

	if (fp == NULL)
		return NULL;
	const char *sep = "";
	for (size_t b = 0; b < HIST_NBUCKET; b++) {
		if (h->h_bucket[b] == 0)
			continue;
		(void)fprintf(fp, "%s%" PRIu64 ":%" PRIu64, sep, hist_low(b),
		    h->h_bucket[b]);
		sep = " ";
	}
	/* Only memory can run out, and fclose() reports that. */
	if (fclose(fp) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
