/*
 * u64map: numbers of 64 bits, each with a value.
 *
 * 16 bytes a number, times at most 2 and a half for room.  Private to traces/.
 */
#ifndef TRACES_U64MAP_H
#define TRACES_U64MAP_H

#include "base/base.h"

struct u64map {
	struct u64map_slot *um_slots;
	size_t um_cap, um_n; /* slots, a power of two; used */
	uint64_t um_zero;    /* the value of number 0 */
	bool um_has_zero;
};

/*
 * Where the value of a number is, until the next call; a new number has fresh.
 *
 * => NULL: no memory
 */
uint64_t *u64map_at(struct u64map *map, uint64_t id, uint64_t fresh);

/* How many numbers it has. */
uint64_t u64map_count(const struct u64map *map);
void u64map_fini(struct u64map *map);

#endif
