/*
 * figures_impl: what the files of the figures share among themselves.
 *
 *	figures.c	the table, and the order of the work
 *	source.c	the database: opening it, finding what to draw
 *	series.c	rows of a view into a data file and a script
 *	access.c	an access map, whose data come from elsewhere
 *	gnuplot.c	the program gnuplot, and text that goes to it
 */
#ifndef ANALYSIS_FIGURES_IMPL_H
#define ANALYSIS_FIGURES_IMPL_H

#include <stdio.h>

#include <sqlite3.h>

#include "analysis/analysis.h"

/* An open database. */
struct source {
	sqlite3 *so_sq;
	const char *so_path; /* ref */
	/* The number that was asked for, 0 if none was; the newest. */
	int64_t so_given[FIGURE_NSCOPES];
	int64_t so_newest[FIGURE_NSCOPES];
	uint64_t so_failures; /* of SQLite's memory, before it was opened */
};

/* What a figure shows. */
struct origin {
	enum figure_scope og_scope;
	int64_t og_id;	    /* 0: the database has none */
	char og_status[16]; /* printable; of a calibration "" */
	char og_what[256];  /* printable: traces, or the processor */
};

/*
 * Open the database at path, read-only.  The views are there as temporary ones,
 * and so is what an older schema lacks, empty; so a database made before a view
 * was has it, too.
 *
 * => what is read comes from one moment, also while a replay writes
 * => source_close() on success only; path must live until then
 */
int source_connect(struct source *so, const char *path, struct errmsg *em)
    mustcheck;

/*
 * source_connect(), and find what can be drawn; given is fj_id.
 *
 * => ENOENT if there is nothing to draw, or not what given names
 */
int source_open(struct source *so, const char *path, const int64_t *given,
    struct errmsg *em) mustcheck;
void source_close(struct source *so);

/* Describe one of a scope. */
int source_describe(const struct source *so, enum figure_scope scope,
    int64_t id, struct origin *og, struct errmsg *em) mustcheck;

/* What fg is to show: as fj_id and fg_has say. */
int source_pick(const struct source *so, const struct figure *fg,
    struct origin *og, struct errmsg *em) mustcheck;

/* A statement with ?1 bound, if it has one; the caller finalizes it. */
int source_query(const struct source *so, const char *sql, int64_t id,
    sqlite3_stmt **stp, struct errmsg *em) mustcheck;

/* The errno for SQLite's last failure, with a message. */
int source_error(const struct source *so, struct errmsg *em) mustcheck;

/* Has memory failed SQLite since so was opened?  Then what was read may be less
 * than there is. => ENOMEM */
int source_memory(const struct source *so, struct errmsg *em) mustcheck;

/* DIR/NAME.EXT; malloc'd, NULL without memory. */
char *figure_path(const char *dir, const struct figure *fg,
    enum figure_file file);

/*
 * Write the data file and the script of fr's figure, which shows og.
 *
 * => fr_skipped and fr_note are set if it has no rows, and nothing is written;
 *    else fr_files has both
 */
int series_write(const struct source *so, const struct origin *og,
    const char *dir, struct figure_result *fr, struct errmsg *em) mustcheck;

/* How much of what gnuplot complains of is passed on. */
#define COMPLAINT_MAX 200

/* What gnuplot had to say. */
struct gnuplot_said {
	bool gs_ok;
	char gs_complaint[COMPLAINT_MAX]; /* one line; may be "" */
};

/*
 * Run a script that lies in dir, there, for pictures in these formats.
 *
 * => ENOSYS: there is no gnuplot; 0: it ran, whatever came of it
 */
int gnuplot_run(const char *dir, const char *script, unsigned formats,
    struct gnuplot_said *gs, struct errmsg *em) mustcheck;

/* ENOSYS, with what it said. */
int gnuplot_failed(const char *dir, const char *script,
    const struct gnuplot_said *gs, struct errmsg *em) mustcheck;

/* Is there a picture at path? */
bool drawn(const char *path);

/*
 * Draw a figure whose script lies in dir, in the formats asked for; messages
 * call the folder shown.
 *
 * => adds them to fr_files
 */
int gnuplot_draw(const char *dir, const char *shown, unsigned formats,
    struct figure_result *fr, struct errmsg *em) mustcheck;

/*
 * Write text as a string of gnuplot that means just that text.
 *
 * => everything but printable ASCII becomes '?', so the string ends where it
 *    should, also in a comment
 */
void gnuplot_string(FILE *fp, const char *text);

/* Write a path within the folder of the script, as a string that means it. */
void gnuplot_path(FILE *fp, const char *path);

/* Copy text, cut to fit, with '?' for everything but printable ASCII. */
void printable(char *buf, size_t len, const char *text);

#endif
