#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "traces/gen_i.h"

/* Ranks with a weight of their own, and buckets a doubling after them. */
#define EXACT	   8192
#define PER_OCTAVE 1024
#define GUIDES	   (1U << 14)

/* A bijection of 64 bits that leaves no trace of its argument (splitmix64). */
static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t
rng_next(struct rng *r)
{
	r->r_state += 0x9e3779b97f4a7c15;
	return mix(r->r_state);
}

/* The high half of a product. */
static uint64_t
scale(uint64_t x, uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)x * n >> 64);
}

uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return scale(rng_next(r), n);
}

bool
rng_chance(struct rng *r, uint64_t ratio)
{
	return rng_below(r, RATIO_DEN(ratio)) < RATIO_NUM(ratio);
}

/* Buckets that n ranks need; fills start if it is not NULL. */
static size_t
buckets(uint64_t n, uint64_t *start)
{
	uint64_t rank = 0, width = 1, octave = EXACT;
	size_t k = 0;

	while (rank < n) {
		if (rank >= 2 * octave)
			octave *= 2;
		if (rank >= EXACT)
			width = octave / PER_OCTAVE;
		if (start != NULL)
			start[k] = rank;
		k++;
		rank = n - rank < width ? n : rank + width;
	}
	if (start != NULL)
		start[k] = n;
	return k;
}

/*
 * The weight of a bucket, in 2^-40 of rank 0's.  Rounded to so few bits that
 * what pow() returns in the last place does not show.
 */
static uint64_t
weight(uint64_t from, uint64_t to, double theta)
{
	const double middle = ((double)from + (double)to + 1) / 2;
	const double w = pow(middle, -theta) * 0x1p40;
	const uint64_t one = w < 1 ? 1 : (uint64_t)(w + 0.5);

	return one * (to - from);
}

int
zipf_init(struct zipf *z, uint64_t n, double theta)
{
	size_t k = 0;

	z->z_n = buckets(n, NULL);
	z->z_sum = calloc(z->z_n + 1, sizeof(*z->z_sum));
	z->z_start = calloc(z->z_n + 1, sizeof(*z->z_start));
	z->z_guide = calloc(GUIDES, sizeof(*z->z_guide));
	if (z->z_sum == NULL || z->z_start == NULL || z->z_guide == NULL) {
		zipf_fini(z);
		return ENOMEM;
	}
	(void)buckets(n, z->z_start);
	/* Beyond 2^22 ranks, weights are scaled so that the sum fits. */
	for (size_t i = 0; i < z->z_n; i++) {
		const uint64_t w =
		    weight(z->z_start[i], z->z_start[i + 1], theta);

		z->z_total += n > 1ULL << 22 ? (w >> 19) + 1 : w;
		z->z_sum[i] = z->z_total;
	}
	for (uint32_t g = 0; g < GUIDES; g++) {
		while (z->z_sum[k] <= scale((uint64_t)g << 50, z->z_total))
			k++;
		z->z_guide[g] = (uint32_t)k;
	}
	return 0;
}

uint64_t
zipf_next(const struct zipf *z, struct rng *r)
{
	const uint64_t x = rng_next(r);
	const uint64_t at = scale(x, z->z_total);
	const uint32_t g = (uint32_t)(x >> 50);
	size_t lo = z->z_guide[g];
	size_t hi = g + 1 < GUIDES ? z->z_guide[g + 1] : z->z_n - 1;
	uint64_t width;

	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;

		if (z->z_sum[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	width = z->z_start[lo + 1] - z->z_start[lo];
	return z->z_start[lo] + (width > 1 ? rng_below(r, width) : 0);
}

void
zipf_fini(struct zipf *z)
{
	free(z->z_sum);
	free(z->z_start);
	free(z->z_guide);
	*z = (struct zipf){ 0 };
}

/*
 * A Feistel network over the least even number of bits that holds n, walked
 * until it lands below n again: at most four steps, as a rule.
 */
uint64_t
permute(uint64_t i, uint64_t n, uint64_t key)
{
	unsigned half = 1;
	uint64_t mask;

	while (half < 32 && (uint64_t)1 << 2 * half < n)
		half++;
	mask = ((uint64_t)1 << half) - 1;
	do {
		uint64_t left = i >> half, right = i & mask;

		for (uint64_t round = 0; round < 4; round++) {
			const uint64_t f = mix(right ^ key ^ round << 40);
			const uint64_t next = left ^ (f & mask);

			left = right;
			right = next;
		}
		i = left << half | right;
	} while (i >= n);
	return i;
}
