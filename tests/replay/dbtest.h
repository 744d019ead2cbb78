/*
 * dbtest: a folder with a database for a test, and SQL on it through a
 * connection of its own, as sqlite3 would have it.
 */
#ifndef TESTS_REPLAY_DBTEST_H
#define TESTS_REPLAY_DBTEST_H

#include "replay/db.h"

struct dbtest {
	char dt_dir[256];
	char dt_path[272];
};

/* cmocka fixtures: *state is a struct dbtest. */
int dbtest_setup(void **state);
int dbtest_teardown(void **state);

struct db *dbtest_open(const struct dbtest *dt);

/* Begin a run of trace t.uvt, repeat 3, seed 42, on files in ".". */
int64_t dbtest_begin(struct db *db, const struct config *cf);

/* Several statements; the first value of a query; malloc'd if text. */
void dbtest_exec(const struct dbtest *dt, const char *sql);
long long dbtest_int(const struct dbtest *dt, const char *fmt, ...)
    printflike(2, 3);
char *dbtest_text(const struct dbtest *dt, const char *sql);
void dbtest_drop_views(const struct dbtest *dt);

#endif
