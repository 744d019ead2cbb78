/*
 * stats_work.c: different pages touched in each part of the time, when how long
 * the time will be is not known.
 *
 * Parts are of 2^k ns, and when there are too many, two become one.  Numbers of
 * different pages do not add up; what is kept is how many pages of each part
 * were touched last in which part before.  Of these, a part made of several
 * counts those that were touched last before it began.
 */
#include <string.h>

#include "traces/stats_i.h"

/* Two parts become one. */
static void
merge(struct work_parts *wp)
{
	uint64_t row[WORK_PARTS + 1];

	for (unsigned c = 0; c < WORK_PARTS; c++) {
		const unsigned half = c / 2;

		if (c % 2 == 0) {
			wp->wp_slot[half] = wp->wp_slot[c];
			wp->wp_accesses[half] = wp->wp_accesses[c];
			memset(row, 0, sizeof(row));
		} else {
			wp->wp_accesses[half] += wp->wp_accesses[c];
		}
		for (unsigned p = 0; p <= WORK_PARTS; p++)
			row[(p + 1) / 2] += wp->wp_pages[c][p];
		if (c % 2 == 0)
			continue;
		row[half + 1] = 0;
		memcpy(wp->wp_pages[half], row, sizeof(row));
	}
	memset(wp->wp_accesses + WORK_PARTS / 2, 0,
	    sizeof(wp->wp_accesses) / 2);
	memset(wp->wp_pages + WORK_PARTS / 2, 0, sizeof(wp->wp_pages) / 2);
	wp->wp_now /= 2;
	wp->wp_shift++;
}

void
work_time(struct work_parts *wp, uint64_t time, uint32_t next)
{
	const uint64_t since = time - wp->wp_begin;

	while (since >> wp->wp_shift >= WORK_PARTS)
		merge(wp);
	while (wp->wp_now < since >> wp->wp_shift)
		wp->wp_slot[++wp->wp_now] = next;
}

void
work_first(struct work_parts *wp, uint32_t slot)
{
	unsigned part = 0;

	if (slot == 0) {
		wp->wp_pages[wp->wp_now][0]++;
		return;
	}
	/* The last part that begins at or before the slot; without branches,
	 * which nobody could predict. */
	for (unsigned half = WORK_PARTS / 2; half > 0; half /= 2) {
		const unsigned next = part + half;
		const bool after =
		    (next < wp->wp_now) & (wp->wp_slot[next] <= slot);

		part += after * half;
	}
	wp->wp_pages[wp->wp_now][part + 1]++;
}

void
work_result(const struct work_parts *wp, struct stats_result *sr)
{
	const unsigned n = wp->wp_now + 1;
	const unsigned many = (n + STATS_PARTS - 1) / STATS_PARTS;

	sr->sr_nparts = (n + many - 1) / many;
	sr->sr_part_ns = (uint64_t)many << wp->wp_shift;
	memset(sr->sr_part, 0, sizeof(sr->sr_part));
	for (unsigned c = 0; c < n; c++) {
		struct stats_part *const st = &sr->sr_part[c / many];

		st->st_accesses += wp->wp_accesses[c];
		st->st_first += wp->wp_pages[c][0];
		for (unsigned p = 0; p <= c / many * many; p++)
			st->st_pages += wp->wp_pages[c][p];
	}
}
