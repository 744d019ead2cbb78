/*
 * analysis: pictures of what the database of results holds.
 *
 *	analysis_views_sql()	a view a figure: each picture is one SELECT
 *	figure_table		the figures
 *	analysis_figures()	draw them: data, gnuplot script, pictures
 *	analysis_compare()	two groups of runs: tests and intervals
 *	analysis_report()	one page of HTML: tables, figures, commands
 *	analysis_access_map()	one picture of a trace, given its data
 *
 * Reads the database only; knows nothing of pager, traces or replays.  A figure
 * is a row in figures.c, a view in views.sql and a template, NAME.gp.
 */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include <stdio.h>

#include "base/base.h"

/* What tells a database of ours, and its schema: application_id ("uvn1", as
 * file(1) shows it) and user_version.  See docs/schema.md. */
#define ANALYSIS_APPLICATION_ID 0x75766e31
#define ANALYSIS_SCHEMA		5

/*
 * CREATE VIEW IF NOT EXISTS for every figure.  They name tables that must be
 * there when they are asked, not when they are made.
 */
const char *analysis_views_sql(void);

/*
 * Some calls of SQLite have no way to say that memory failed them: a text that
 * is bound or read is NULL then.  So its failures are counted, of all
 * connections, and whoever has done something looks whether there were new ones.
 *
 * => analysis_watch_memory() comes before the first connection
 */
void analysis_watch_memory(void);
uint64_t analysis_memory_failures(void);

/* What lies in the folder for each figure: NAME.dat, NAME.gp and so on. */
enum figure_file {
	FIGURE_DATA,
	FIGURE_SCRIPT,
	FIGURE_PNG,
	FIGURE_SVG,
	FIGURE_PDF,
	FIGURE_NFILES
};

#define FIGURE_BIT(file) (1U << (file))
#define FIGURE_PICTURES                                                        \
	(FIGURE_BIT(FIGURE_PNG) | FIGURE_BIT(FIGURE_SVG) |                     \
	    FIGURE_BIT(FIGURE_PDF))

/* Their extensions: dat, gp, png, svg, pdf. */
extern const char *const figure_ext[FIGURE_NFILES];

/* The most curves that black and white keep apart. */
#define FIGURE_CURVES 8

/* What a figure shows. */
enum figure_scope {
	FIGURE_RUN,	    /* one replay: run.id */
	FIGURE_SWEEP,	    /* the cells of a sweep: sweep.id */
	FIGURE_CALIBRATION, /* one calibration: calibration.session */
	FIGURE_NSCOPES
};

/* "run", "sweep", "calibration". */
extern const char *const figure_scope_name[FIGURE_NSCOPES];

/*
 * A figure.  Parameter ?1 of its statements is the number of the run, sweep or
 * calibration that is drawn.
 */
struct figure {
	const char *fg_name;  /* of its files */
	const char *fg_title; /* one line, lower case, no full stop */
	enum figure_scope fg_scope;
	/* The rows of ?1 from its view, in the order of the data file. */
	const char *fg_select;
	/*
	 * Gives a row if ?1 can be drawn, with a number: drawn is the newest
	 * with one other than 0, or else the newest with 0.  NULL: drawn is the
	 * newest, whatever it has.
	 */
	const char *fg_has;
	/* What the template wants to know beside: rows of a variable of
	 * gnuplot and its value, a number or a text.  NULL: nothing. */
	const char *fg_facts;
	/* What the user should know of the data: a text a row.  NULL: nothing. */
	const char *fg_notes;
	/*
	 * 0: the rows are one block of the data file.  Else the first column
	 * names the curve that a row belongs to, each curve is a block, and so
	 * many of them are drawn, at most FIGURE_CURVES.
	 */
	size_t fg_curves;
	const char *fg_order;	 /* which they are: "that took most time" */
	const char *fg_template; /* gnuplot; common.gp goes before it */
	const char *fg_absent;	 /* why there are no such rows */
};

extern const struct figure figure_table[];
extern const size_t figure_count;

#define FIGURES_MAX 16

struct figures_job {
	const char *fj_db; /* path */
	/* Number of the one to draw in each scope; 0: the newest run that is
	 * complete or interrupted (of those in no sweep, if there are any), the
	 * newest sweep with a finished cell, the newest calibration. */
	int64_t fj_id[FIGURE_NSCOPES];
	uint32_t fj_only;    /* bit i: figure_table[i]; 0: all */
	unsigned fj_formats; /* FIGURE_BIT()s within FIGURE_PICTURES */
	const char *fj_dir;  /* made if it is not there */
};

struct figure_result {
	const struct figure *fr_figure;
	int64_t fr_id;	   /* in its scope; 0: the database has none */
	unsigned fr_files; /* FIGURE_BIT()s: written by this call */
	bool fr_skipped;   /* there are no data for it */
	char fr_note[400]; /* what the user should know; may be "" */
};

struct figures_report {
	/* What figures without fg_has show; 0: there is none. */
	int64_t fp_id[FIGURE_NSCOPES];
	char fp_status[16]; /* of the run */
	size_t fp_nfigures;
	struct figure_result fp_figure[FIGURES_MAX];
};

/*
 * Draw figures of a run, a sweep and a calibration into a folder.
 *
 * => data and scripts of all come before the first picture
 * => files of the same names in the folder are replaced; those of a figure that
 *    there are no data for are removed, as they would show another run.  A
 *    figure without data is no failure
 * => fp tells on failure, too, what was written
 * => ENOENT, EINVAL: no such database, none of ours, made by a newer uvn,
 *    nothing in it to draw, no run, sweep or calibration of the number asked for
 * => ENOSYS: gnuplot is not there, or cannot draw this
 * => EACCES, ENOSPC, EBUSY, ...: folder or database cannot be used
 */
int analysis_figures(const struct figures_job *fj, struct figures_report *fp,
    struct errmsg *em) mustcheck;

struct report_job {
	const char *rj_db;	       /* path */
	int64_t rj_id[FIGURE_NSCOPES]; /* as fj_id */
	const char *rj_file;	       /* path of the page */
	const char *rj_version;	       /* of the program, for the page */
};

/* What became of a figure of the page. */
struct report_figure {
	const struct figure *rf_figure;
	int64_t rf_id; /* as fr_id */
	bool rf_drawn;
	char rf_note[400]; /* as fr_note, or why it is not drawn; may be "" */
};

struct report_page {
	int64_t rp_id[FIGURE_NSCOPES]; /* what it goes into; 0: nothing */
	int64_t rp_runs, rp_sweeps;    /* in the database */
	uint64_t rp_bytes;	       /* of the page */
	size_t rp_nfigures;
	struct report_figure rp_figure[FIGURES_MAX];
	char rp_warning[400]; /* why all or some pictures are missing, or "" */
};

/*
 * Write a page of HTML about a database: runs, sweeps, calibrations, figures,
 * environment, commands that repeat them.  It refers to nothing outside itself,
 * and what comes from the database is text in it.
 *
 * => rj_file is replaced as a whole when the page is complete, if it is an
 *    HTML page, or empty
 * => without gnuplot the page has no pictures, and rp_warning says so
 * => ENOENT, EINVAL: as analysis_figures(), but that a database without a run
 *    that could be drawn has a page, too
 * => EEXIST: rj_file is the database, a folder, or anything but a page
 * => EACCES, ENOSPC, ...: it cannot be written
 */
int analysis_report(const struct report_job *rj, struct report_page *rp,
    struct errmsg *em) mustcheck;

/*
 * ---- two groups of runs ----
 *
 * A selector names a group: N, every complete run of the configuration that run
 * N has; N,M,... and N..M, these runs; NAME=VALUE,NAME=VALUE..., complete runs
 * whose columns have these values, tunables as the command line takes them.
 */
struct compare_job {
	const char *cj_db;	 /* path */
	const char *cj_other;	 /* where b is looked up; NULL: in cj_db, too */
	const char *cj_a, *cj_b; /* selectors */
	uint64_t cj_seed, cj_resamples;
	double
	    cj_confidence; /* of the intervals; 1 - it is alpha of the tests */
	bool cj_traces;	   /* a and b may be of different traces */
};

enum compare_verdict {
	COMPARE_EQUAL,	   /* a counter, the same in every run of both */
	COMPARE_EXACT,	   /* a counter, the same within each group */
	COMPARE_ONLY_A,	   /* runs of B have no such metric */
	COMPARE_ONLY_B,	   /* runs of A */
	COMPARE_FEW,	   /* too few repeats to tell */
	COMPARE_NONE,	   /* no difference was found */
	COMPARE_DIFFERENT, /* adjusted p below alpha, and 1 outside the interval */
	COMPARE_NVERDICTS
};
extern const char *const compare_verdict_name[COMPARE_NVERDICTS];

enum compare_unit { COMPARE_COUNT, COMPARE_NS, COMPARE_PER_S, COMPARE_NUNITS };
extern const char
    *const compare_unit_name[COMPARE_NUNITS]; /* "", "ns", "1/s" */

#define COMPARE_NAME 128

struct compare_row {
	/* "wall_ns", "counter misses", "latency msync p99", ... */
	char cw_name[COMPARE_NAME];
	enum compare_unit cw_unit;
	size_t cw_n[2]; /* values in A, in B */
	double cw_median[2], cw_low[2], cw_high[2];
	/* Of B to A; NaN where there is none, or the median of A is 0. */
	double cw_ratio, cw_ratio_low, cw_ratio_high;
	bool cw_tested;
	size_t cw_test; /* the first row whose test is the same; or this */
	double cw_p, cw_adjusted; /* 1 where nothing was tested */
	enum compare_verdict cw_verdict;
};

/* What the groups differ in as they were made: a tunable, the host, ... */
struct compare_apart {
	char ca_name[32];
	char ca_value[2][64]; /* "4"; "3 values" within a group; "-": none */
};

#define COMPARE_APART 64

struct compare_report {
	struct compare_row *cp_row; /* the caller's to free() */
	size_t cp_nrows;
	size_t cp_tests;       /* different ones, corrected for together */
	size_t cp_needed;      /* repeats of each that could tell, if too few */
	size_t cp_runs[2];     /* complete runs */
	size_t cp_left[2];     /* runs left out, as not complete */
	size_t cp_shared;      /* runs in both groups */
	char cp_about[2][160]; /* the trace */
	struct compare_apart cp_apart[COMPARE_APART];
	size_t cp_naparts;
};

/*
 * Compare two groups: Mann and Whitney's test with Holm's correction over all
 * that is tested, bootstrap intervals of the ratio of medians.
 *
 * => EINVAL: no selector, or different traces; ENOENT: no such run, no complete
 *    run in a group; else as analysis_figures()
 * => cp_row is NULL on failure
 */
int analysis_compare(const struct compare_job *cj, struct compare_report *cp,
    struct errmsg *em) mustcheck;

/*
 * ---- access maps ----
 *
 * A picture of a trace.  What is in it comes from who asks for it; access.gp
 * says which variables and blocks of data it wants.
 */
struct access_map {
	const char *am_path;  /* of the picture; its end says the format */
	const char *am_title; /* what it shows: the trace's name */
	void (*am_data)(FILE *fp, const void *arg);
	void (*am_facts)(FILE *fp, const void *arg); /* name = value lines */
	const void *am_arg;
};

/* Does the name of a picture end as one of the formats? */
bool analysis_picture_name(const char *path);

/*
 * Draw it; data and script lie beside it, under its name with .dat and .gp.
 *
 * => files that an earlier call left there are replaced
 * => EINVAL: am_path does not say the format
 * => EEXIST: what lies there is not ours to replace; nothing is written
 * => ENOSYS: gnuplot is not there, or cannot draw this
 * => EACCES, ENOSPC, ...: the folder cannot be used
 */
int analysis_access_map(const struct access_map *am, struct errmsg *em)
    mustcheck;

/*
 * Write text as a string of gnuplot that means just that text, in UTF-8.
 *
 * => what is not Latin, Greek or Cyrillic becomes '?': fonts may lack it
 */
void analysis_gnuplot_text(FILE *fp, const char *text);

#endif
