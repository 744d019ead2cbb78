/*
 * clock: the time of an operation, cheaply.
 *
 * clock_ticks() reads the TSC where it is constant and non-stop, and
 * CLOCK_MONOTONIC otherwise; clock_ns() turns a difference of ticks into
 * nanoseconds.  clock_name() tells which, for the run's row.
 */
#ifndef REPLAY_CLOCK_H
#define REPLAY_CLOCK_H

#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/base.h"

__extension__ typedef unsigned __int128 clock_wide;

struct clock {
	bool ck_tsc;
	uint64_t ck_mult; /* ns = ticks * ck_mult >> 32 */
};

/* Set up by clock_init(), read by everybody; one for the process. */
extern struct clock clock_source;

/*
 * Choose the source and calibrate it against CLOCK_MONOTONIC over about 20 ms.
 *
 * => may be called again; UVN_CLOCK=monotonic in the environment of main() is
 *    passed as force_monotonic
 */
void clock_init(bool force_monotonic);

/* "tsc" or "monotonic". */
const char *clock_name(void);

static inline uint64_t
clock_monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static inline uint64_t
clock_ticks(void)
{
#if defined(__x86_64__)
	if (likely(clock_source.ck_tsc))
		return __rdtsc();
#endif
	return clock_monotonic();
}

/* Within a loop that reads a clock again and again: let others go first. */
static inline void
clock_relax(void)
{
#if defined(__x86_64__)
	_mm_pause();
#endif
}

static inline uint64_t
clock_ns(uint64_t ticks)
{
	return (uint64_t)((clock_wide)ticks * clock_source.ck_mult >> 32);
}

#endif
