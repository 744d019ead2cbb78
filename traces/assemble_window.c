#include <errno.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

#define SLOTS_MIN 64

/*
 * Open addressing.  All slots of an epoch become empty at once, so a chain of
 * probes that ends at an empty slot has passed all that the epoch has put
 * there.
 */
struct window_slot {
	uint64_t ws_page;
	uint64_t ws_epoch; /* 0: never used */
	bool ws_write;
};

static size_t
place(const struct window *wi, uint64_t page)
{
	return (size_t)((page * 0x9e3779b97f4a7c15ULL) >> 20) &
	    (wi->wi_cap - 1);
}

static struct window_slot *
slot(const struct window *wi, uint64_t page)
{
	size_t i = place(wi, page);

	while (wi->wi_slots[i].ws_epoch == wi->wi_epoch &&
	    wi->wi_slots[i].ws_page != page)
		i = (i + 1) & (wi->wi_cap - 1);
	return &wi->wi_slots[i];
}

/* Room for one more page, at most half of the slots being used. */
static int
grow(struct window *wi)
{
	struct window old = *wi;

	if (wi->wi_cap != 0 && wi->wi_n < wi->wi_cap / 2)
		return 0;
	wi->wi_cap = old.wi_cap != 0 ? old.wi_cap * 2 : SLOTS_MIN;
	wi->wi_slots = calloc(wi->wi_cap, sizeof(*wi->wi_slots));
	if (wi->wi_slots == NULL) {
		*wi = old;
		return ENOMEM;
	}
	if (wi->wi_epoch == 0)
		wi->wi_epoch = 1;
	for (size_t i = 0; i < old.wi_cap; i++)
		if (old.wi_slots[i].ws_epoch == wi->wi_epoch)
			*slot(wi, old.wi_slots[i].ws_page) = old.wi_slots[i];
	free(old.wi_slots);
	return 0;
}

int
window_see(struct window *wi, uint64_t page, bool write, bool *newp)
{
	struct window_slot *ws;
	const int error = grow(wi);

	if (error != 0)
		return error;
	ws = slot(wi, page);
	if (ws->ws_epoch == wi->wi_epoch) {
		*newp = write && !ws->ws_write;
		ws->ws_write |= write;
		return 0;
	}
	if (wi->wi_n == wi->wi_max) {
		window_clear(wi);
		ws = slot(wi, page);
	}
	*ws = (struct window_slot){ page, wi->wi_epoch, write };
	wi->wi_n++;
	*newp = true;
	return 0;
}

void
window_clear(struct window *wi)
{
	wi->wi_epoch++;
	wi->wi_n = 0;
}

void
window_fini(struct window *wi)
{
	free(wi->wi_slots);
	wi->wi_slots = NULL;
}
