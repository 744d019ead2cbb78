/*
 * dice: numbers at random for tests, and the seed they follow from.
 *
 * Typical use:
 *
 *	struct dice d = { dice_seed() };
 *
 *	if (roll(&d, 6) == 0)
 *		...
 */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dice {
	uint64_t d_state; /* any seed will do, 0 too */
};

/* splitmix64: Steele, Lea, Flood, 2014. */
static inline uint64_t
dice_next(struct dice *d)
{
	uint64_t z = d->d_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint64_t
dice_below(struct dice *d, uint64_t n)
{

	return dice_next(d) % n;
}

/* The same for a few sides. */
static inline uint32_t
roll(struct dice *d, uint32_t sides)
{

	return (uint32_t)dice_below(d, sides);
}

/*
 * The seed that UVN_SEED in the environment names, or the time, in nanoseconds:
 * runs side by side differ.  It is printed, so that a run can be repeated.
 */
static inline uint64_t
dice_seed(void)
{
	const char *const text = getenv("UVN_SEED");
	struct timespec ts = { .tv_sec = 0 };
	uint64_t seed;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	seed = text != NULL ?
	    strtoull(text, NULL, 0) :
	    (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	(void)printf("UVN_SEED=%" PRIu64 "\n", seed);
	(void)fflush(stdout);
	return seed;
}

#endif
