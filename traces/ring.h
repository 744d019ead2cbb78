/*
 * ring: the recorder's side of preload/ring.h.
 *
 * Private to traces/.
 */
#ifndef TRACES_RING_H
#define TRACES_RING_H

#include "traces/preload/ring.h"

struct ring;

/*
 * Make the file at path, which nobody else can open, and map it.
 *
 * => *rgp is the caller's until ring_destroy(); the file stays
 */
int ring_create(const char *path, enum ring_mode mode, uint64_t window,
    uint64_t page, struct ring **rgp, struct errmsg *em) mustcheck;

/* Wait until a writer says that there is something, or for ms. */
void ring_wait(const struct ring *rg, int ms);

/*
 * Hand out what there is, slot by slot: len bytes of whole records.  Slots
 * whose thread is gone become free, behind an EXIT of that thread.
 *
 * => stops at the first error of fn, and returns it
 */
int ring_drain(struct ring *rg,
    int (*fn)(void *arg, uint32_t slot, const uint8_t *bytes, size_t len),
    void *arg) mustcheck;

/* Records that writers have had to drop so far. */
uint64_t ring_lost(const struct ring *rg);

/* Let writers wait no more, and drop what does not fit. */
void ring_stop(struct ring *rg);
void ring_destroy(struct ring *rg);

#endif
