/*
 * tids: something kept for each of some numbers: threads, processes, streams.
 *
 *	struct tids t = TIDS_OF(struct thing);
 *
 *	th = tids_get(&t, tid);		NULL: no memory; zeroed if new
 *	th = tids_find(&t, tid);	NULL: not there
 *	tids_fini(&t, thing_fini);
 *
 * Private to traces/.
 */
#ifndef TRACES_TIDS_H
#define TRACES_TIDS_H

#include "base/base.h"

struct tids {
	size_t td_size;
	struct tids_slot *td_slots; /* td_cap of them, a power of two */
	size_t td_cap, td_n;
};

#define TIDS_OF(type)                                                          \
	(struct tids)                                                          \
	{                                                                      \
		.td_size = sizeof(type)                                        \
	}

/* What is handed out stays where it is. */
void *tids_find(const struct tids *td, uint32_t tid);
void *tids_get(struct tids *td, uint32_t tid);

/* fini, if not NULL, is called for each. */
void tids_fini(struct tids *td, void (*fini)(void *));

#endif
