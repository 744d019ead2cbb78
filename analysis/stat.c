#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stat.h"

static int
ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
stat_sort(double *value, size_t n)
{

	qsort(value, n, sizeof(*value), ascending);
}

double
stat_median(const double *value, size_t n)
{
	return n % 2 != 0 ? value[n / 2] :
			    (value[n / 2 - 1] + value[n / 2]) / 2;
}

/* How probable k heads are in n throws of a coin. */
static double
heads(size_t n, size_t k)
{
	const double all = (double)n, some = (double)k;

	return exp(lgamma(all + 1) - lgamma(some + 1) - lgamma(all - some + 1) -
	    all * log(2));
}

struct stat_interval
stat_median_interval(const double *value, size_t n, double confidence)
{
	/* Each value lies below the median or above it, as a coin falls. */
	const double tail = (1 - confidence) / 2 + 1e-12;
	double beyond = heads(n, 0);
	size_t rank = 0;

	while (
	    rank + 1 < n - rank - 1 && (beyond += heads(n, rank + 1)) <= tail)
		rank++;
	return (struct stat_interval){ value[rank], value[n - 1 - rank] };
}

uint64_t
stat_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A value of one of two samples. */
struct ranked {
	double rk_value;
	bool rk_a;
	unsigned rk_rank; /* twice its rank from 1; equal values share one */
};

static int
by_value(const void *a, const void *b)
{
	return ascending(&((const struct ranked *)a)->rk_value,
	    &((const struct ranked *)b)->rk_value);
}

/*
 * Rank both samples together.  *tiesp is the sum of t^3 - t over groups of t
 * equal values.
 */
static void
rank(struct ranked *rk, size_t n, double *tiesp)
{
	size_t i, j;

	qsort(rk, n, sizeof(*rk), by_value);
	*tiesp = 0;
	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n && !(rk[j].rk_value > rk[i].rk_value);
		     j++)
			continue;
		const double t = (double)(j - i);

		*tiesp += t * t * t - t;
		for (size_t k = i; k < j; k++)
			rk[k].rk_rank = (unsigned)(i + 1 + j);
	}
}

/*
 * Exact: of all ways to choose n of the ranks, the share whose sum is as far
 * from its mean as sum is.  ways[k][s] is in how many ways k of the ranks seen
 * so far sum up to s.
 */
static double
exact(const struct ranked *rk, size_t n, size_t all, unsigned sum)
{
	const size_t most = all * (all + 1); /* of all ranks, doubled */
	const double mean = (double)n * (double)(all + 1);
	const double off = fabs((double)sum - mean);
	double *ways = calloc((n + 1) * (most + 1), sizeof(*ways));
	double total = 0, far = 0;

	if (ways == NULL)
		return -1;
	ways[0] = 1;
	for (size_t i = 0; i < all; i++)
		for (size_t k = i + 1 < n ? i + 1 : n; k > 0; k--)
			for (size_t s = most; s >= rk[i].rk_rank; s--)
				ways[k * (most + 1) + s] +=
				    ways[(k - 1) * (most + 1) + s -
					rk[i].rk_rank];
	for (size_t s = 0; s <= most; s++) {
		const double w = ways[n * (most + 1) + s];

		total += w;
		if (fabs((double)s - mean) >= off - 0.5)
			far += w;
	}
	free(ways);
	return far / total;
}

/* By the normal distribution, corrected for ties and for continuity. */
static double
approximate(double n, double m, double ties, double sum)
{
	const double all = n + m, mean = n * (all + 1) / 2;
	const double variance =
	    n * m / 12 * (all + 1 - ties / (all * (all - 1)));
	double off = fabs(sum - mean) - 0.5;

	if (!(variance > 0))
		return 1;
	if (off < 0)
		off = 0;
	return erfc(off / sqrt(variance) / sqrt(2));
}

double
stat_mann_whitney(const double *a, size_t n, const double *b, size_t m)
{
	struct ranked *rk = calloc(n + m + 1, sizeof(*rk));
	unsigned sum = 0; /* of a's ranks, doubled */
	double ties, p;

	if (rk == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		rk[i] = (struct ranked){ .rk_value = a[i], .rk_a = true };
	for (size_t i = 0; i < m; i++)
		rk[n + i] = (struct ranked){ .rk_value = b[i] };
	rank(rk, n + m, &ties);
	for (size_t i = 0; i < n + m; i++)
		sum += rk[i].rk_a ? rk[i].rk_rank : 0;
	if (n == 0 || m == 0)
		p = 1;
	else if (n + m <= STAT_EXACT)
		p = exact(rk, n, n + m, sum);
	else
		p = approximate((double)n, (double)m, ties, (double)sum / 2);
	free(rk);
	return p;
}

double
stat_smallest_p(size_t n, size_t m)
{
	const size_t few = n < m ? n : m;
	double ways = 1;

	if (few == 0)
		return 1;
	for (size_t i = 1; i <= few; i++)
		ways *= (double)(n + m - few + i) / (double)i;
	return 2 / ways < 1 ? 2 / ways : 1;
}

/* -1, 0, 1: which is larger; 2 if one is no number. */
static int
order(double x, double y)
{
	if (isnan(x) || isnan(y))
		return 2;
	return (x > y) - (x < y);
}

bool
stat_same_order(const double *x, const double *y, size_t n)
{
	int turn = 0; /* 1: the same, -1: reverse, 0: not known yet */

	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]) != isnan(y[i]))
			return false;
		for (size_t j = 0; j < i; j++) {
			const int a = order(x[i], x[j]);
			const int b = order(y[i], y[j]);

			if (a == 2 || (a == 0 && b == 0))
				continue;
			if (a == 0 || b == 0)
				return false;
			if (turn == 0)
				turn = a * b;
			if (a * b != turn)
				return false;
		}
	}
	return true;
}

/* The k-th smallest, from 0, of values that occur times[] times each. */
static double
kth(struct stat_sample ss, const unsigned *times, size_t k)
{
	size_t i = 0;

	for (size_t below = times[0]; below <= k; below += times[i])
		i++;
	return ss.ss_value[i];
}

/* The median of as many values drawn from ss, with replacement. */
static double
resample(struct stat_sample ss, unsigned *times, uint64_t *state)
{
	const size_t n = ss.ss_n;

	memset(times, 0, n * sizeof(*times));
	for (size_t i = 0; i < n; i++)
		times[(uint128_t)stat_random(state) * n >> 64]++;
	const double upper = kth(ss, times, n / 2);

	return n % 2 != 0 ? upper : (kth(ss, times, n / 2 - 1) + upper) / 2;
}

int
stat_ratio_interval(struct stat_sample a, struct stat_sample b, uint64_t seed,
    size_t resamples, double confidence, struct stat_interval *sip)
{
	double *ratio = calloc(resamples + 1, sizeof(*ratio));
	unsigned *room = calloc(a.ss_n + b.ss_n + 1, sizeof(*room));
	const double tail = (1 - confidence) / 2;
	int error = ENOMEM;

	if (ratio != NULL && room != NULL && a.ss_n > 0 && b.ss_n > 0 &&
	    resamples > 0) {
		for (size_t i = 0; i < resamples; i++) {
			const double x = resample(a, room, &seed);
			const double y = resample(b, room, &seed);

			if (x > 0 || x < 0)
				ratio[i] = y / x;
			else
				ratio[i] = y > 0 || y < 0 ? HUGE_VAL : 1;
		}
		stat_sort(ratio, resamples);
		const size_t cut = (size_t)(tail * (double)resamples);

		*sip = (struct stat_interval){ ratio[cut],
			ratio[resamples - 1 - cut] };
		error = 0;
	}
	free(ratio);
	free(room);
	return error;
}

struct placed {
	double pl_p;
	size_t pl_at;
};

static int
by_p(const void *a, const void *b)
{
	return ascending(&((const struct placed *)a)->pl_p,
	    &((const struct placed *)b)->pl_p);
}

int
stat_holm(double *p, size_t n)
{
	struct placed *pl = calloc(n + 1, sizeof(*pl));
	double most = 0;

	if (pl == NULL)
		return ENOMEM;
	for (size_t i = 0; i < n; i++)
		pl[i] = (struct placed){ p[i], i };
	qsort(pl, n, sizeof(*pl), by_p);
	for (size_t i = 0; i < n; i++) {
		const double adjusted = pl[i].pl_p * (double)(n - i);

		most = adjusted > most ? adjusted : most;
		p[pl[i].pl_at] = most < 1 ? most : 1;
	}
	free(pl);
	return 0;
}
