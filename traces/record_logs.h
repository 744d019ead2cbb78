/*
 * record_logs: the files that valgrind's processes write, taken as they come.
 *
 * Source: valgrind(1), --log-file, and inotify(7), which says which of two files
 * of a process came first.  A program that is the third in one process writes
 * over the file of the second, if that still has its name; a thread that does
 * nothing else waits for files and takes their names away, so that what is left
 * is the time it takes to wake up.
 */
#ifndef TRACES_RECORD_LOGS_H
#define TRACES_RECORD_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct logs;

/*
 * Look for files named PID.N in folder.  Nothing else may write there.
 *
 * => dir: the same, open; stays the caller's, who closes it after logs_destroy
 * => an error of the system, and *logsp is NULL
 */
int logs_create(const char *folder, int dir, struct logs **logsp,
    struct errmsg *em);

/*
 * The next file, in the order found; all that are there now are found.
 *
 * => false: there is no other now.  *fdp is the caller's to close
 */
bool logs_take(struct logs *lg, uint32_t *pidp, int *fdp);

/* => lg may be NULL */
void logs_destroy(struct logs *lg);

#endif
