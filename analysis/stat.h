/*
 * stat: the statistics of repeated measurements; docs/statistics.md.
 *
 * Private to analysis/.
 */
#ifndef ANALYSIS_STAT_H
#define ANALYSIS_STAT_H

#include "base/base.h"

struct stat_interval {
	double si_low, si_high;
};

/* Sorted values; borrowed. */
struct stat_sample {
	const double *ss_value;
	size_t ss_n;
};

/* Sort ascending. */
void stat_sort(double *value, size_t n);

/* Of n > 0 sorted values. */
double stat_median(const double *value, size_t n);

/*
 * The interval of the median of what n > 0 sorted values are drawn from, by
 * order statistics: the narrowest between the r-th smallest and the r-th largest
 * of them that holds it with this confidence (0..1), whatever the distribution.
 *
 * => too few for that, at 95 % fewer than six: their range
 */
struct stat_interval stat_median_interval(const double *value, size_t n,
    double confidence);

/*
 * Two-sided p of Mann and Whitney's test that neither sample tends to be
 * larger.  Exact, ties included, for up to STAT_EXACT values together, by the
 * normal approximation with both corrections beyond.
 *
 * => 1 if either is empty; -1 without memory
 */
#define STAT_EXACT 60
double stat_mann_whitney(const double *a, size_t n, const double *b, size_t m);

/* The smallest p that the test can give for samples of these sizes. */
double stat_smallest_p(size_t n, size_t m);

/*
 * Do both put n things in the same order, or in exactly the reverse?  Then the
 * test gives both the same p, however the things are divided.
 *
 * => a thing without a value has NaN; both must lack the same
 */
bool stat_same_order(const double *x, const double *y, size_t n);

/*
 * The percentile bootstrap interval of median(b) / median(a).
 *
 * => the same for the same seed; confidence in 0..1
 * => the ratio to a median of 0 is infinite, that of 0 to 0 is 1
 * => ENOMEM
 */
int stat_ratio_interval(struct stat_sample a, struct stat_sample b,
    uint64_t seed, size_t resamples, double confidence,
    struct stat_interval *sip) mustcheck;

/* Holm's adjusted p of n tests, into the same array.  ENOMEM. */
int stat_holm(double *p, size_t n) mustcheck;

/* splitmix64. */
uint64_t stat_random(uint64_t *state);

#endif
