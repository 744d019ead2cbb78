#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "replay/clock.h"

struct clock clock_source = { .ck_tsc = false, .ck_mult = 1ULL << 32 };

#if defined(__x86_64__)

#define CALIBRATE_NS	20000000 /* time between the two readings */
#define CALIBRATE_TRIES 64	 /* of which the tightest counts */

/* The same moment on both clocks. */
struct reading {
	uint64_t rd_tsc, rd_ns;
};

/*
 * tsc_invariant: does the TSC run at one rate in every state of the CPU, and
 * is there RDTSCP, which waits for the instructions before it?
 */
static bool
tsc_invariant(void)
{
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) == 0 ||
	    (edx & 1U << 27) == 0)
		return false;
	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 &&
	    (edx & 1U << 8) != 0;
}

/*
 * tsc_trusted: the kernel takes the TSC off this list when it finds that the
 * CPUs disagree.  No list, no objection.
 */
static bool
tsc_trusted(void)
{
	static const char path[] =
	    "/sys/devices/system/clocksource/clocksource0/"
	    "available_clocksource";
	char line[256];
	bool listed = true;
	FILE *fp = fopen(path, "re");

	if (fp == NULL)
		return true;
	if (fgets(line, sizeof(line), fp) != NULL)
		listed = strstr(line, "tsc") != NULL;
	(void)fclose(fp);
	return listed;
}

/*
 * read_both: of some tries, that in which the least time passed between two
 * readings of the TSC around one of CLOCK_MONOTONIC.
 */
static struct reading
read_both(void)
{
	struct reading best = { 0, 0 };
	uint64_t gap = UINT64_MAX;
	unsigned aux;

	for (int i = 0; i < CALIBRATE_TRIES; i++) {
		const uint64_t before = __rdtscp(&aux);
		const uint64_t ns = clock_monotonic();
		const uint64_t after = __rdtscp(&aux);

		if (after > before && after - before < gap) {
			gap = after - before;
			best.rd_tsc = before + gap / 2;
			best.rd_ns = ns;
		}
	}
	return best;
}

/* tsc_mult: nanoseconds a tick in 32.32 fixed point; 0 if it makes no sense. */
static uint64_t
tsc_mult(void)
{
	const struct timespec nap = { .tv_nsec = CALIBRATE_NS };
	const struct reading a = read_both();

	(void)nanosleep(&nap, NULL);
	const struct reading b = read_both();
	if (b.rd_tsc <= a.rd_tsc || b.rd_ns <= a.rd_ns)
		return 0;
	return (uint64_t)(((clock_wide)(b.rd_ns - a.rd_ns) << 32) /
	    (b.rd_tsc - a.rd_tsc));
}

/* clock_init_tsc: true if clock_source now is the TSC. */
static bool
clock_init_tsc(void)
{

	if (!tsc_invariant() || !tsc_trusted())
		return false;
	const uint64_t mult = tsc_mult();
	if (mult == 0)
		return false;
	clock_source = (struct clock){ .ck_tsc = true, .ck_mult = mult };
	return true;
}

#else

static bool
clock_init_tsc(void)
{

	return false;
}

#endif

void
clock_init(bool force_monotonic)
{

	if (force_monotonic || !clock_init_tsc())
		clock_source =
		    (struct clock){ .ck_tsc = false, .ck_mult = 1ULL << 32 };
}

const char *
clock_name(void)
{

	return clock_source.ck_tsc ? "tsc" : "monotonic";
}
