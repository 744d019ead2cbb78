/*
 * analysis: pictures of what the database of results holds.
 *
 *	analysis_views_sql()	a view a figure: each picture is one SELECT
 *	figures			the table of figures
 *	analysis_figures()	draw them: data, gnuplot script, pictures
 *
 * Reads the database only; knows nothing of pager, traces or replays.  A figure
 * is a row in figures.c, a view in views.sql and a template, NAME.gp.
 */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include "base/base.h"

/*
 * CREATE VIEW IF NOT EXISTS for every figure.  They name tables that must be
 * there when they are asked, not when they are made.
 */
const char *analysis_views_sql(void);

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

struct figure {
	const char *fg_name;  /* of its files, and for --only */
	const char *fg_title; /* as in a list of figures */
	/* The rows of run ?1 from its view, in the order of the data file. */
	const char *fg_select;
	/* So many leading columns name the curve a row belongs to; a change
	 * of them begins a block of the data file.  0: there is one block. */
	int fg_labels;
	/* Draw the first so many curves; the data file has all.  0: all. */
	size_t fg_curves;
	const char *fg_template; /* gnuplot */
	const char *fg_absent;	 /* why a run has no such rows */
};

extern const struct figure figures[];
extern const size_t figures_count;

#define FIGURES_MAX 16

struct figures_job {
	const char *fj_db;   /* path */
	int64_t fj_run;	     /* 0: the newest complete or interrupted */
	uint32_t fj_only;    /* bit i: figures[i]; 0: all */
	unsigned fj_formats; /* FIGURE_BIT()s within FIGURE_PICTURES */
	const char *fj_dir;  /* made if it is not there */
};

struct figure_result {
	const struct figure *fr_figure;
	unsigned fr_files; /* FIGURE_BIT()s: written by this call */
	bool fr_skipped;   /* the run has no data for it */
	char fr_note[256]; /* what the user should know; may be "" */
};

struct figures_report {
	int64_t fp_run;
	char fp_status[16]; /* of the run */
	size_t fp_nfigures;
	struct figure_result fp_figure[FIGURES_MAX];
};

/*
 * Draw figures of one run into a folder.
 *
 * => data and scripts of all come before the first picture
 * => a figure without data is skipped, which is no failure; files of its name
 *    are removed from the folder, as they would show another run
 * => fp tells on failure, too, what was written
 * => ENOENT, EINVAL: no such database, none of ours, made by a newer uvn, no
 *    such run
 * => ENOSYS: gnuplot is not there or cannot draw this
 * => EACCES, ENOSPC, ...: folder or database cannot be used
 */
int analysis_figures(const struct figures_job *fj, struct figures_report *fp,
    struct errmsg *em) mustcheck;

#endif
