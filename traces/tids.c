#include <stdlib.h>

#include "traces/tids.h"

#define SLOTS_MIN 64

struct tids_slot {
	uint32_t ts_tid;
	void *ts_it; /* NULL: free */
};

static struct tids_slot *
slot(const struct tids *td, uint32_t tid)
{
	size_t i = tid * 0x9e3779b9U >> 7 & (td->td_cap - 1);

	while (td->td_slots[i].ts_it != NULL && td->td_slots[i].ts_tid != tid)
		i = (i + 1) & (td->td_cap - 1);
	return &td->td_slots[i];
}

void *
tids_find(const struct tids *td, uint32_t tid)
{
	return td->td_cap > 0 ? slot(td, tid)->ts_it : NULL;
}

/* Room for one more, at most half of the slots being used. */
static bool
grow(struct tids *td)
{
	struct tids old = *td;

	if (td->td_n < td->td_cap / 2)
		return true;
	td->td_cap = old.td_cap != 0 ? old.td_cap * 2 : SLOTS_MIN;
	td->td_slots = calloc(td->td_cap, sizeof(*td->td_slots));
	if (td->td_slots == NULL) {
		*td = old;
		return false;
	}
	for (size_t i = 0; i < old.td_cap; i++)
		if (old.td_slots[i].ts_it != NULL)
			*slot(td, old.td_slots[i].ts_tid) = old.td_slots[i];
	free(old.td_slots);
	return true;
}

void *
tids_get(struct tids *td, uint32_t tid)
{
	void *it = tids_find(td, tid);

	if (it != NULL || !grow(td))
		return it;
	it = calloc(1, td->td_size);
	if (it == NULL)
		return NULL;
	*slot(td, tid) = (struct tids_slot){ tid, it };
	td->td_n++;
	return it;
}

void
tids_fini(struct tids *td, void (*fini)(void *))
{
	for (size_t i = 0; i < td->td_cap; i++) {
		if (td->td_slots[i].ts_it != NULL && fini != NULL)
			fini(td->td_slots[i].ts_it);
		free(td->td_slots[i].ts_it);
	}
	free(td->td_slots);
	*td = (struct tids){ .td_size = td->td_size };
}
