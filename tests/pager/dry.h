/*
 * dry: machines that keep what each flush has reported, for tests of what dry
 * flushes foretell.
 */
#ifndef TESTS_PAGER_DRY_H
#define TESTS_PAGER_DRY_H

#include "tests/test.h"

#include "tests/pager/recorder.h"

#include "pager/uvm_i.h"

#define PG	4096ULL
#define PAGES	256 /* of the file, at first */
#define FLUSHES 8   /* kept, the first ones */

struct world {
	struct uvm *wo_uvm;
	struct recorder wo_rec;
	struct uvm_flushinfo wo_flush[FLUSHES];
	size_t wo_nflush;
	uint64_t wo_ticks;
	unsigned wo_turns; /* of uo_traverse */
	bool wo_on;
};

/*
 * A machine with file 1, not mapped.  Its clock goes by one at each look.
 *
 * => the newest world is the one whose clock goes, or the one set by
 *    world_now()
 * => uo_traverse is checked to come on and off by turns
 */
void world_make(struct world *wo, const struct uvm_param *up, bool both);
void world_now(struct world *wo);
void world_end(struct world *wo);

/* Map all of the file; flags are UVM_MAP_. */
void world_map(struct world *wo, uint32_t map, unsigned flags);

/* Access a page, whatever comes of it; a map that is gone does nothing. */
void world_touch(struct world *wo, uint32_t map, uint64_t pgno, bool write);

/* The first flush kept that could choose, or NULL. */
const struct uvm_flushinfo *world_choice(const struct world *wo);

/* Has done counted what foretold says of the other method? */
void foretold_is(const struct uvm_flushinfo *foretold,
    const struct uvm_flushinfo *done, uint64_t seed);

#endif
