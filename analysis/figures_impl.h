/*
 * figures_impl: what the files of the figures share among themselves.
 *
 *	figures.c	the table, and the order of the work
 *	source.c	the database: opening it, finding the run
 *	series.c	rows of a view into a data file and a script
 *	gnuplot.c	the program gnuplot, and text that goes to it
 */
#ifndef ANALYSIS_FIGURES_IMPL_H
#define ANALYSIS_FIGURES_IMPL_H

#include <stdio.h>

#include <sqlite3.h>

#include "analysis/analysis.h"

/* One run of an open database. */
struct source {
	sqlite3 *so_sq;
	const char *so_path; /* ref */
	int64_t so_run;
	char so_status[16];
	char so_trace[256]; /* printable; "" if unknown */
};

/*
 * Open the database at path, read-only.  The views are there as temporary ones,
 * so a database made before a view was has it, too.
 *
 * => what is read comes from one moment, also while a replay writes
 * => source_close() on success only; path must live until then
 */
int source_connect(struct source *so, const char *path, struct errmsg *em)
    mustcheck;

/*
 * source_connect(), and find the run; 0 is the newest complete or interrupted
 * one.
 */
int source_open(struct source *so, const char *path, int64_t run,
    struct errmsg *em) mustcheck;
void source_close(struct source *so);

/* The errno for SQLite's last failure, with a message. */
int source_error(const struct source *so, struct errmsg *em) mustcheck;

/* DIR/NAME.EXT; malloc'd, NULL without memory. */
char *figure_path(const char *dir, const struct figure *fg,
    enum figure_file file);

/*
 * Write the data file and the script of fr's figure.
 *
 * => fr_skipped and fr_note are set if the run has no rows, and nothing is
 *    written; else fr_files has both
 */
int series_write(const struct source *so, const char *dir,
    struct figure_result *fr, struct errmsg *em) mustcheck;

/*
 * Draw a figure whose script lies in dir, in the formats asked for.
 *
 * => adds them to fr_files
 */
int gnuplot_draw(const char *dir, unsigned formats, struct figure_result *fr,
    struct errmsg *em) mustcheck;

/*
 * Write text as a string of gnuplot that means just that text.
 *
 * => everything but printable ASCII becomes '?', so the string ends where it
 *    should, also in a comment
 */
void gnuplot_string(FILE *fp, const char *text);

/* Copy text, cut to fit, with '?' for everything but printable ASCII. */
void printable(char *buf, size_t len, const char *text);

#endif
