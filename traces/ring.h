/*
 * ring: the recorder's side of the rings that the preloaded library fills.
 *
 *	ring_create("/tmp/x/ring", RING_KERNEL, 256, 4096, &rg, em)
 *	... programs run with UVN_RECORD=/tmp/x/ring ...
 *	ring_wait(rg, 100)
 *	ring_drain(rg, put, arg)
 *	ring_destroy(rg)
 *
 * preload/ring.h says what is in the file.
 *
 * Private to traces/.
 */
#ifndef TRACES_RING_H
#define TRACES_RING_H

#include "traces/preload/ring.h"

/* The library, as it stands in this program. */
extern const uint8_t record_preload_so[];
extern const uint64_t record_preload_so_size; /* 0: not for this machine */

struct ring;

/*
 * Make the file, which others must not be able to read: it says what is
 * recorded, and where.
 *
 * => EEXIST: there is such a file
 * => *rgp is the caller's until ring_destroy(), which removes the file
 */
int ring_create(const char *path, enum ring_mode mode, uint64_t window,
    uint32_t page, struct ring **rgp, struct errmsg *em) mustcheck;

/*
 * Takes len bytes at bytes: whole encoded records of a slot, in the order of
 * time.  An error ends ring_drain() with it.
 */
typedef int ring_put(void *arg, unsigned slot, const uint8_t *bytes,
    size_t len);

/*
 * Hand out what there is in all slots, and let go of slots whose thread is
 * gone, behind an EXIT of it.
 *
 * => a slot that holds what is no record is emptied, and counted as lost
 */
int ring_drain(struct ring *rg, ring_put *put, void *arg) mustcheck;

/* Sleep until a ring fills, or for ms. */
void ring_wait(struct ring *rg, int ms);

/* Records lost so far. */
uint64_t ring_lost(const struct ring *rg);

/* No more records are wanted: programs go on without. */
void ring_stop(struct ring *rg);
void ring_destroy(struct ring *rg);

#endif
