/*
 * plot: a trace as an access map: time from left to right, pages from below to
 * above, files on top of each other, in a grid of cells.
 *
 *	struct plot		a map in the making
 *	struct plot_result	what came of it
 *
 * A trace is read twice: what it reaches has to be known before it can be put
 * into a grid of a given size.
 *
 *	error = plot_create(meta, &pp, &pl, em);
 *	for each batch: more = plot_survey(pl, ev, n);
 *	error = plot_layout(pl, em);
 *	for each batch again: error = plot_draw(pl, ev, n, &more, em);
 *	pr = plot_finish(pl);
 *	...
 *	plot_destroy(pl);
 *
 *	plot.c			the survey, and which file goes where
 *	plot_draw.c		events into cells
 *	plot_shade.c		what a cell looks like
 *	plot_write.c		all of it into what gnuplot reads
 *
 * Private to the command trace plot.
 */
#ifndef REPLAY_PLOT_H
#define REPLAY_PLOT_H

#include <stdio.h>

#include "traces/trace.h"

/*
 * The map in dots of 300 an inch, even numbers: its height, and its width beside
 * the names of several files and without.  A cell is a dot; of a dense trace it
 * is 2 x 2 dots.
 */
#define PLOT_ROWS	  560U
#define PLOT_COLUMNS	  810U
#define PLOT_COLUMNS_MANY 640U

struct plot_param {
	bool pp_by_event;	 /* numbers of events from left to right */
	bool pp_calls;		 /* pread and pwrite as if they were accesses */
	uint64_t pp_from, pp_to; /* events: from, and before to */
	uint64_t pp_from_time, pp_to_time; /* ns: the same */
	const uint32_t *pp_files;	   /* only these; none: all accessed */
	size_t pp_nfiles;
};

/* Kinds of sync, each a lane below the map: the op, and its bit. */
enum plot_lane { PLOT_MSYNC, PLOT_FSYNC, PLOT_SYNC, PLOT_NLANES };
extern const enum trace_op plot_lane_op[PLOT_NLANES];

/* A file of the map: its pages from pf_low on, pf_pages of them, from pf_base
 * of the height on. */
struct plot_file {
	const struct trace_file *pf_file; /* the meta's */
	uint64_t pf_low, pf_pages, pf_base;
	uint64_t pf_accesses;
};

struct plot_cell {
	uint64_t pc_count[2]; /* pages read, written */
	bool pc_mapped;	      /* for some of its time */
};

/* The size of a file, from a column on until the next step. */
struct plot_step {
	uint32_t ps_file; /* place in pr_files */
	uint32_t ps_column;
	uint64_t ps_seq; /* in the order they were taken */
	uint64_t ps_pages;
};

struct plot_result {
	bool pr_by_event;
	uint64_t pr_from, pr_span; /* of the columns: ns, or events */
	uint64_t pr_pages;	   /* of the rows */
	uint32_t pr_columns, pr_rows;
	struct plot_cell *pr_cells; /* by row, from below */
	struct plot_file *pr_files; /* from below */
	size_t pr_nfiles;
	uint64_t pr_accesses;
	uint64_t *pr_syncs[PLOT_NLANES]; /* of each column */
	bool *pr_marks;			 /* the same */
	struct plot_step *pr_steps;	 /* of files whose size changes */
	size_t pr_nsteps;
};

struct plot;

/*
 * => tm and pp are the caller's, and have to live as long as *plp
 * => EINVAL: a file that is not declared; ENOMEM
 * => *plp is the caller's until plot_destroy()
 */
int plot_create(const struct trace_meta *tm, const struct plot_param *pp,
    struct plot **plp, struct errmsg *em) mustcheck;
void plot_destroy(struct plot *pl);

/* Take the next events; false: those that follow lie behind the range. */
bool plot_survey(struct plot *pl, const struct trace_event *ev, size_t n);

/*
 * All is surveyed: lay out columns and rows.
 *
 * => EOVERFLOW: the files are too large to lie on top of each other; ENOMEM
 */
int plot_layout(struct plot *pl, struct errmsg *em) mustcheck;

/*
 * Take the same events again; *morep as plot_survey().
 *
 * => ENOMEM
 */
int plot_draw(struct plot *pl, const struct trace_event *ev, size_t n,
    bool *morep, struct errmsg *em) mustcheck;

/* All is drawn; what it returns is valid until plot_destroy(). */
const struct plot_result *plot_finish(struct plot *pl);

/*
 * What a cell looks like: nothing, where a map is, or a dot, PLOT_DOT + its step
 * from few to many accesses x PLOT_SHADES + its shade from reads to writes.
 * With more of either, pictures of dense traces take more bytes and show no
 * more.
 */
enum plot_look { PLOT_EMPTY, PLOT_MAPPED, PLOT_DOT };
#define PLOT_STEPS  5U
#define PLOT_SHADES 4U

struct plot_shades {
	uint8_t *sh_map; /* of each cell; the caller's to free() */
	size_t sh_used;	 /* cells with an access */
	/* Accesses in one of them: the fewest and the most; and so few, and so
	 * many, that a hundredth of them have fewer, or more. */
	uint64_t sh_least, sh_few, sh_many, sh_most;
	bool sh_mapped; /* is there a map anywhere? */
};

/* Few dots are made larger, over what is empty beside them.  false: no memory */
bool plot_shade(const struct plot_result *pr, struct plot_shades *sh) mustcheck;

/*
 * Write the result for access.gp of analysis/: rows of numbers, and variables.
 */
struct plot_drawing {
	const struct plot_result *pd_result;
	const struct plot_shades *pd_shades;
};
void plot_write_data(FILE *fp, const void *drawing);
void plot_write_facts(FILE *fp, const void *drawing);

#endif
