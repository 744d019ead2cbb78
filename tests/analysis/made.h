/*
 * made: a folder with a database made by hand, of the schema in docs/schema.md
 * as far as figures read it.
 */
#ifndef TESTS_ANALYSIS_MADE_H
#define TESTS_ANALYSIS_MADE_H

#include <sqlite3.h>

#include "analysis/figures_impl.h"

struct made {
	char md_dir[256]; /* the folder, removed at the end */
	char md_db[272];  /* the database in it */
	char md_out[272]; /* where figures go; not there yet */
	sqlite3 *md_sq;
};

/* cmocka fixtures: *state is a struct made, with tables and views, no rows. */
int made_setup(void **state);
int made_teardown(void **state);

/*
 * SQL on the database, its format that of sqlite3_mprintf(): of no rows; the
 * text of the first column of the rows, a line each, in a static buffer.
 */
void made_exec(struct made *md, const char *fmt, ...);
const char *made_rows(struct made *md, const char *fmt, ...);

/* A complete run with something for every figure. */
void made_run(struct made *md, int64_t run);

/* All figures of a run into md_out. */
int made_figures(struct made *md, int64_t run, struct figures_report *fp,
    struct errmsg *em);

/* A file below the folder: its size, -1 if there is none; its first bytes, as
 * a string in a static buffer. */
long made_size(const struct made *md, const char *name);
const char *made_text(const struct made *md, const char *name);

/* Skip the test if there is no gnuplot. */
void made_need_gnuplot(void);

#endif
