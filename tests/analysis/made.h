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

/* A complete run with something for every figure of a run; a calibration. */
void made_run(struct made *md, int64_t run);
void made_calibration(struct made *md, int64_t session);

/*
 * A sweep of one trace, "a.uvt" with digest "d", along axes, a JSON array of
 * their names; its number is the next.
 *
 * A finished cell of it: a run with the next number, which is returned.  set
 * changes its tunables: "hash_penalty = 0.25, cluster = 4096", or "id = id" for
 * none.  Its flushes take 1000 ns of CPU time and 3000 ns in all and clean 6
 * pages; it has 20 writes, 50 faults, 5 misses, and p99 of msync is 700 ns.
 */
int64_t made_sweep(struct made *md, const char *axes);
int64_t made_cell(struct made *md, int64_t sweep, const char *set);

/* Sweeps for every figure of one, each with six repeats of each cell. */
void made_sweeps(struct made *md);

/* What came of the figure called name. */
const struct figure_result *made_result(const struct figures_report *fp,
    const char *name);

/* All figures into md_out, of the run if it is not 0. */
int made_figures(struct made *md, int64_t run, struct figures_report *fp,
    struct errmsg *em);

/* A file below the folder: its size, -1 if there is none; its first bytes, as
 * a string in a static buffer. */
long made_size(const struct made *md, const char *name);
const char *made_text(const struct made *md, const char *name);

/* Skip the test if there is no gnuplot. */
void made_need_gnuplot(void);

#endif
