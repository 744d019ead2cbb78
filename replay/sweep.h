/*
 * sweep: one trace or several under many configurations.
 *
 *	cmd_sweep.c		the command line, and the order of things
 *	sweep_axis.c		--axis: lists and ranges of values
 *	sweep_plan.c		points, cells, their keys and their order
 *	sweep_trace.c		traces, decoded once
 *	sweep_pool.c		cells, so many at a time
 *	sweep_child.c		the process that replays one
 *	sweep_estimate.c	how long it will take
 *	sweep_report.c		what it prints
 *	sweep_command.c		the command lines that repeat it
 *	db_sweep.c		tables sweep and sweep_cell
 *
 * A point is a configuration; a cell is a point, a trace and a repeat.  Each
 * cell is replayed by a process of its own, which shares the decoded trace with
 * its parent and stores its run itself.
 */
#ifndef REPLAY_SWEEP_H
#define REPLAY_SWEEP_H

#include <stdio.h>

#include "replay/config.h"
#include "replay/db_sweep.h"

struct trace_image;

/* A tunable and the values it is to have. */
struct sweep_axis {
	size_t ax_tunable; /* config_tunable(ax_tunable) */
	char *ax_text;	   /* as typed */
	uint64_t *ax_value;
	size_t ax_n;
};

struct sweep_axes {
	struct sweep_axis *xs_axis;
	size_t xs_n;
};

/* Values of an axis, and cells of a sweep, at most. */
#define SWEEP_AXIS_MAX 4096
#define SWEEP_CELL_MAX (1 << 20)

/*
 * Read NAME=ITEM,ITEM,... and add the axis.  An item is a value, or a range
 * A..B*F or A..B+S: A, and each of its successors that does not exceed B.
 *
 * => arithmetic is exact
 * => EINVAL, ERANGE: no such tunable, no such value, a value or a tunable twice,
 *    a range that does not end; em says which
 * => ENOMEM
 */
int sweep_axis_add(struct sweep_axes *xs, const char *text, struct errmsg *em)
    mustcheck;
void sweep_axes_fini(struct sweep_axes *xs);

struct sweep_trace {
	const char *st_path;
	char st_digest[33];
	uint64_t st_events;
	struct trace_image *st_image; /* NULL: each cell reads the file */
	/* Has been remarked on? */
	bool st_said_bad, st_said_window, st_said_lost;
};

struct sweep_point {
	struct config pt_asked;	 /* as axes and settings say */
	struct config pt_config; /* resolved; as pt_asked if that fails */
	char *pt_tunables;	 /* JSON of pt_config */
	char *pt_why;		 /* why it cannot work; NULL: it can */
};

struct sweep_cell {
	const struct sweep_point *sc_point;
	const struct sweep_trace *sc_trace;
	struct db_cell sc_row;
	struct db_cell_result sc_result; /* of a run that ended, else zero */
	bool sc_before;			 /* complete before this sweep began */
};

struct sweep {
	/* What is asked for. */
	struct sweep_axes sw_axes;
	bool sw_pairs;
	struct config sw_fixed; /* what the axes do not say */
	uint64_t sw_repeats, sw_seed;
	bool sw_verify, sw_paranoid, sw_salvage, sw_flush_both, sw_fresh;
	const char *sw_events; /* NULL: none */
	const char *sw_dir, *sw_db;
	bool sw_quiet, sw_json, sw_progress;
	struct sweep_trace *sw_trace;
	size_t sw_ntraces;

	/* What sweep_plan() makes of it. */
	struct sweep_point *sw_point;
	size_t sw_npoints;
	size_t sw_same; /* points left out: the same, once settled */
	struct sweep_cell *sw_cell; /* in the order they are to run */
	size_t sw_ncells;
	char sw_definition[33];

	/* And of that, what is under way. */
	size_t sw_jobs;
	int64_t sw_id;		    /* row in table sweep */
	size_t sw_failed, sw_ended; /* cells of this call */
};

/*
 * Decode the traces at sw_trace[].st_path, in at most share bytes of memory;
 * UINT64_MAX: half of what is free.  Those that do not fit are read for their
 * digest alone.
 *
 * => an exit status, having complained
 */
int sweep_load(struct sweep *sw, uint64_t share) mustcheck;

/*
 * Points, cells, keys, order.
 *
 * => axes, settings and traces with their digests are there
 * => the same sweep gives the same plan
 * => EINVAL, EFBIG: axes that do not fit each other, too many cells; ENOMEM
 */
int sweep_plan(struct sweep *sw, struct errmsg *em) mustcheck;
void sweep_plan_fini(struct sweep *sw);

/* JSON of the axes and of the traces, as table sweep has them; the caller's to
 * free(), NULL without memory. */
char *sweep_axes_text(const struct sweep_axes *xs);
char *sweep_traces_text(const struct sweep *sw);

/* What ended the pool. */
enum sweep_end { SWEEP_DONE, SWEEP_STOPPED, SWEEP_BROKEN };

/*
 * Run every cell that is planned, sw_jobs at a time.
 *
 * => no connection to the database is open; sweep_signals_catch() was called
 * => each cell that ends is reported by sweep_report_cell()
 * => SWEEP_STOPPED: a signal asked for it.  SWEEP_BROKEN: the host cannot go on,
 *    em says why
 */
enum sweep_end sweep_pool(struct sweep *sw, struct errmsg *em);

/* How long the cells left will take. */
struct sweep_estimate {
	double es_seconds; /* < 0: not known */
	uint64_t es_runs;  /* earlier runs it is from */
	size_t es_probes;  /* cells tried for it */
};

/* => false: a signal asked to stop */
bool sweep_estimate(const struct sweep *sw, struct sweep_estimate *es);

/* The command line that repeats the sweep, or one cell of it alone; the caller's
 * to free(), NULL without memory. */
char *sweep_command(const struct sweep *sw, const char *share);
char *sweep_cell_command(const struct sweep *sw, const struct sweep_cell *sc);

/*
 * What is printed: the head of the table, a line as each cell ends, the line of
 * progress, the end.  Nothing but progress with sw_quiet or sw_json.
 */
void sweep_report_begin(const struct sweep *sw, bool resumed);
void sweep_report_cell(const struct sweep *sw, const struct sweep_cell *sc);
void sweep_report_progress(const struct sweep *sw, uint64_t elapsed_ns);
void sweep_report_progress_off(const struct sweep *sw);
void sweep_report_end(const struct sweep *sw, uint64_t elapsed_ns);
void sweep_report_plan(const struct sweep *sw, const struct sweep_estimate *es);

/* One object; status NULL: a dry run.  => as json_emit() */
int sweep_report_json(const struct sweep *sw, const char *status,
    const struct sweep_estimate *es) mustcheck;

/* How many cells are so. */
size_t sweep_count(const struct sweep *sw, enum db_cell_status status);

#endif
