/*
 * record_library: the preloaded library and its rings, in a folder of their own
 * while a program is recorded.
 *
 * Private to traces/.
 */
#ifndef TRACES_RECORD_LIBRARY_H
#define TRACES_RECORD_LIBRARY_H

#include "traces/ring.h"
#include "traces/spool.h"

struct library;

/*
 * Make the folder, and in it the library and the rings.
 *
 * => *lip is the caller's until library_remove()
 */
int library_make(enum ring_mode mode, uint64_t window, struct library **lip,
    struct errmsg *em) mustcheck;

/* What a program has to be started with, for child_start(). */
char *const *library_env(const struct library *li);
struct ring *library_ring(const struct library *li);

/*
 * Move what the rings have into the spool, as sources from first on; what was
 * lost goes there as LOST.
 *
 * => *np: records moved
 */
int library_drain(struct library *li, struct spool *sp, uint32_t first,
    uint64_t *np, struct errmsg *em) mustcheck;
void library_remove(struct library *li);

#endif
