/*
 * spool: raw records on disk while a program runs, in the order of time after.
 *
 * Records come from several sources, the rings of processors and threads, each
 * in order by itself.  They are kept in chunks of one source, each a zstd frame
 * with a sum, so that what a killed recorder leaves is good up to its last
 * chunks.  Reading merges the sources by time.
 *
 * Private to traces/.
 */
#ifndef TRACES_SPOOL_H
#define TRACES_SPOOL_H

#include "traces/raw.h"

struct spool;

/*
 * Make a spool at path; head, a text, is kept with it.
 *
 * => EEXIST: there is such a file; it may be the only copy of a recording
 * => *spp is the caller's until spool_close()
 */
int spool_create(const char *path, const char *head, struct spool **spp,
    struct errmsg *em) mustcheck;

/*
 * Append len bytes of whole encoded records of a source.  Times that go back
 * within what is still in memory are sorted.
 */
int spool_put(struct spool *sp, uint32_t source, const uint8_t *bytes,
    size_t len, struct errmsg *em) mustcheck;

/* Write what is in memory, so that a kill loses no more. */
int spool_flush(struct spool *sp, struct errmsg *em) mustcheck;

/*
 * Open a spool to read.  What stands behind the first damaged or unfinished
 * chunk is left out.
 *
 * => EINVAL: it is no spool
 */
int spool_open(const char *path, struct spool **spp, struct errmsg *em)
    mustcheck;

/* The text it was made with. */
const char *spool_head(const struct spool *sp);

/* Bytes of chunks that spool_open() left out. */
uint64_t spool_lost(const struct spool *sp);

/*
 * The next record of all in time; texts are valid until the next call.
 *
 * => *morep: there was one
 */
int spool_next(struct spool *sp, struct raw *rw, bool *morep, struct errmsg *em)
    mustcheck;

void spool_close(struct spool *sp);

#endif
