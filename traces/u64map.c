#include <stdlib.h>

#include "traces/u64map.h"

struct u64map_slot {
	uint64_t us_id, us_value; /* id 0: free */
};

#define FIRST_CAP 1024

static struct u64map_slot *
place(const struct u64map *map, uint64_t id)
{
	/* The high bits of a product have met all others. */
	size_t i = (size_t)((id ^ id >> 32) * 0x9e3779b97f4a7c15 >> 32);

	for (;; i++) {
		struct u64map_slot *us = &map->um_slots[i & (map->um_cap - 1)];

		if (us->us_id == id || us->us_id == 0)
			return us;
	}
}

/* Twice the room. */
static bool
grow(struct u64map *map)
{
	const struct u64map old = *map;

	map->um_cap = old.um_cap != 0 ? old.um_cap * 2 : FIRST_CAP;
	map->um_slots = calloc(map->um_cap, sizeof(*map->um_slots));
	if (map->um_slots == NULL) {
		*map = old;
		return false;
	}
	for (size_t i = 0; i < old.um_cap; i++)
		if (old.um_slots[i].us_id != 0)
			*place(map, old.um_slots[i].us_id) = old.um_slots[i];
	free(old.um_slots);
	return true;
}

uint64_t *
u64map_at(struct u64map *map, uint64_t id, uint64_t fresh)
{
	struct u64map_slot *us;

	if (id == 0) {
		if (!map->um_has_zero)
			map->um_zero = fresh;
		map->um_has_zero = true;
		return &map->um_zero;
	}
	/* At most four in five are used. */
	if (map->um_n >= map->um_cap / 5 * 4 && !grow(map))
		return NULL;
	us = place(map, id);
	if (us->us_id == 0) {
		*us = (struct u64map_slot){ id, fresh };
		map->um_n++;
	}
	return &us->us_value;
}

uint64_t
u64map_count(const struct u64map *map)
{
	return map->um_n + map->um_has_zero;
}

void
u64map_fini(struct u64map *map)
{
	free(map->um_slots);
	*map = (struct u64map){ 0 };
}
