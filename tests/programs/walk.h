/*
 * walk: the accesses of tests/programs/walk.c, for those who know what to
 * expect of its recording.
 */
#ifndef TESTS_PROGRAMS_WALK_H
#define TESTS_PROGRAMS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walk {
	uint64_t wa_state; /* the seed, at first */
	size_t wa_pages;
};

struct step {
	size_t st_page;
	bool st_write;
};

/* Half of them go to an eighth of the pages. */
static inline struct step
walk_next(struct walk *wa)
{
	struct step st;
	uint64_t v;

	wa->wa_state =
	    wa->wa_state * 6364136223846793005U + 1442695040888963407U;
	v = wa->wa_state >> 33;
	st.st_page =
	    (size_t)(v >> 4) % ((v & 1) != 0 ? wa->wa_pages : wa->wa_pages / 8);
	st.st_write = (v & 6) == 0;
	return st;
}

#endif
