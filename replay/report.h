/*
 * report: what a replay did, for people and for programs.
 */
#ifndef REPLAY_REPORT_H
#define REPLAY_REPORT_H

#include <stdio.h>

#include "replay/engine.h"

/* The summary, 80 columns.  db is the database's path, NULL for none. */
void report_text(FILE *out, const struct engine_job *ej,
    const struct engine_report *er, const char *db);

/*
 * The same and more as one JSON object; its members are in uvn-replay(1).
 *
 * => as json_emit()
 */
int report_json(const struct engine_job *ej, const struct engine_report *er,
    const char *db) mustcheck;

/*
 * Say on stderr what the recording of the trace at path bounds: its window is
 * too large for memory, or records were lost.  0: nothing to say.
 */
void report_window(const char *path, uint64_t window);
void report_lost(const char *path, uint64_t lost);

/* Say on stderr that the trace has more threads than are kept apart. */
void report_folded(const char *path, bool folded);

#endif
