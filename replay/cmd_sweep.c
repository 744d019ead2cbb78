#include <sys/pidfd.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/clock.h"
#include "replay/options.h"
#include "replay/replay.h"
#include "replay/sweep_child.h"
#include "traces/trace.h"

#define JOBS_MAX 1024

/* The command line of uvn sweep, read. */
struct sweep_args {
	struct options sa_op;
	struct sweep sa_sweep;
	const char *sa_share; /* as typed; NULL: not given */
	uint64_t sa_share_bytes;
	uint64_t sa_jobs; /* 0: not given */
	bool sa_dry_run, sa_progress, sa_no_progress;
};

static int
add_axis(void *dest, const char *value, struct errmsg *em)
{
	return sweep_axis_add(dest, value, em);
}

static int
take_share(void *dest, const char *value, struct errmsg *em)
{
	struct sweep_args *sa = dest;

	if (parse_size(value, &sa->sa_share_bytes) != 0)
		return ERRMSG(em, EINVAL,
		    "'%.40s' is not a size such as 0, 512M, 16G", value);
	sa->sa_share = value;
	return 0;
}

static bool
read_args(struct sweep_args *sa, int argc, char **argv, int *statusp)
{
	struct sweep *sw = &sa->sa_sweep;
	const struct option_row rows[] = {
		{ "axis", '\0', OPTION_CALL, "NAME=V1,V2,...",
		    "values that a tunable takes; an item may be a range, "
		    "A..B*FACTOR or A..B+STEP; may be repeated",
		    &sw->sw_axes, add_axis },
		{ "pairs", '\0', OPTION_FLAG, NULL,
		    "take the first values of all axes together, the second, "
		    "and so on, instead of each with each",
		    &sw->sw_pairs, NULL },
		{ "repeat", '\0', OPTION_COUNT, "N",
		    "replay each cell N times (1)", &sw->sw_repeats, NULL },
		{ "jobs", '\0', OPTION_COUNT, "N",
		    "cells at a time (as many as processors where no backend "
		    "has a device, else 1)",
		    &sa->sa_jobs, NULL },
		{ "dry-run", '\0', OPTION_FLAG, NULL,
		    "list the cells in their order and the time they will "
		    "take; change nothing",
		    &sa->sa_dry_run, NULL },
		{ "fresh", '\0', OPTION_FLAG, NULL,
		    "replay all cells, also those that the database has",
		    &sw->sw_fresh, NULL },
		{ "share", '\0', OPTION_CALL, "SIZE",
		    "memory for decoded traces, which all cells share; 0: "
		    "each cell reads the file (half of what is free)",
		    sa, take_share },
		{ "dir", '\0', OPTION_TEXT, "DIR",
		    "folder of the backing files (uvn-data); several jobs take "
		    "DIR/job-0, DIR/job-1, ...",
		    &sw->sw_dir, NULL },
		{ "verify", '\0', OPTION_FLAG, NULL,
		    "check every byte read and written, and all at the end",
		    &sw->sw_verify, NULL },
		{ "paranoid", '\0', OPTION_FLAG, NULL,
		    "check the pager's structures after every event",
		    &sw->sw_paranoid, NULL },
		{ "flush-both", '\0', OPTION_FLAG, NULL,
		    "at each flush that may choose, measure what the other "
		    "method would have cost, too",
		    &sw->sw_flush_both, NULL },
		{ "events", '\0', OPTION_TEXT, "NAME,...",
		    "count these events of processor and kernel, as libpfm4 "
		    "names them",
		    &sw->sw_events, NULL },
		{ "salvage", '\0', OPTION_FLAG, NULL,
		    "leave out damaged blocks of a .uvt instead of stopping",
		    &sw->sw_salvage, NULL },
		{ "progress", '\0', OPTION_FLAG, NULL,
		    "show progress on standard error (if it is a terminal)",
		    &sa->sa_progress, NULL },
		{ "no-progress", '\0', OPTION_FLAG, NULL, "show no progress",
		    &sa->sa_no_progress, NULL },
	};
	const struct command_line cl = {
		.cl_command = "sweep",
		.cl_operands = "TRACE...",
		.cl_help =
		    "Replay traces under many configurations: every "
		    "combination of the axes' values, N times, in random "
		    "order.  What the database has already is not "
		    "replayed again, so the same command goes on where "
		    "an interrupted sweep was.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = (size_t)argc,
		.cl_common = OPTIONS_DB | OPTIONS_SEED,
		.cl_tunable = config_tunable,
		.cl_ntunables = config_count(),
	};

	return options_parse(&cl, argc, argv, &sa->sa_op, statusp);
}

/* ---- what is asked for ---- */

/* The tunables that stay as they are. */
static int
configure(struct sweep_args *sa)
{
	struct sweep *sw = &sa->sa_sweep;
	struct errmsg em = { .em_text = "" };

	config_init(&sw->sw_fixed);
	for (size_t i = 0; i < sa->sa_op.op_nsettings; i++) {
		const struct setting *st = &sa->sa_op.op_settings[i];

		if (config_assign(&sw->sw_fixed, st->st_name, st->st_value,
			&em) != 0)
			return complain(UVN_USAGE, "%s", em.em_text);
		for (size_t k = 0; k < sw->sw_axes.xs_n; k++) {
			const struct tunable *tn =
			    config_tunable(sw->sw_axes.xs_axis[k].ax_tunable);

			if (tunable_find(tn, 1, st->st_name) != NULL)
				return complain(UVN_USAGE,
				    "%s is an axis and is set to %.40s, too; "
				    "leave out one of them",
				    tn->tn_name, st->st_value);
		}
	}
	return UVN_OK;
}

static int
check_counts(const struct sweep_args *sa)
{
	if (sa->sa_sweep.sw_repeats == 0)
		return complain(UVN_USAGE, "--repeat: at least 1");
	if (sa->sa_jobs > JOBS_MAX)
		return complain(UVN_USAGE, "--jobs: at most %d", JOBS_MAX);
	return UVN_OK;
}

/* ---- the sweep ---- */

static void
choose_jobs(struct sweep_args *sa)
{
	struct sweep *sw = &sa->sa_sweep;
	bool device = false;
	cpu_set_t set;

	for (size_t i = 0; i < sw->sw_npoints; i++)
		device |=
		    sw->sw_point[i].pt_config.cf_replay.backend != BACKEND_NULL;
	sw->sw_jobs = (size_t)sa->sa_jobs;
	if (sw->sw_jobs == 0) {
		sw->sw_jobs = 1;
		if (!device && sched_getaffinity(0, sizeof(set), &set) == 0)
			sw->sw_jobs = (size_t)CPU_COUNT(&set);
	}
	if (sw->sw_jobs > sw->sw_ncells)
		sw->sw_jobs = sw->sw_ncells;
}

/* A database that is open only here: nothing is while we fork. */
static int
begin(struct sweep_args *sa, struct db **dbp, bool *resumedp, struct errmsg *em)
{
	struct sweep *sw = &sa->sa_sweep;
	struct db_cell **rows = calloc(sw->sw_ncells, sizeof(struct db_cell *));
	char *command = sweep_command(sw, sa->sa_share);
	char *axes = sweep_axes_text(&sw->sw_axes);
	char *traces = sweep_traces_text(sw);
	const struct db_sweep ds = {
		.ds_definition = sw->sw_definition,
		.ds_command = command,
		.ds_axes = axes,
		.ds_traces = traces,
		.ds_repeats = sw->sw_repeats,
		.ds_seed = sw->sw_seed,
		.ds_jobs = sw->sw_jobs,
		.ds_fresh = sw->sw_fresh,
	};
	int error = ENOMEM;

	if (rows == NULL || command == NULL || axes == NULL || traces == NULL)
		errmsg_put(em, "out of memory");
	else {
		for (size_t i = 0; i < sw->sw_ncells; i++)
			rows[i] = &sw->sw_cell[i].sc_row;
		error = db_open(sw->sw_db, dbp, em);
		if (error == 0)
			error = db_sweep_begin(*dbp, &ds, rows, sw->sw_ncells,
			    &sw->sw_id, resumedp, em);
	}
	free(rows);
	free(command);
	free(axes);
	free(traces);
	return error;
}

/*
 * Cells of this sweep may still run, though the process that started them was
 * killed: they were told to end, and what they do till then is not done twice.
 *
 * => cells look again before they begin
 */
static int
await_orphans(const struct sweep *sw, struct db *db, struct errmsg *em)
{
	int64_t pids[JOBS_MAX];
	size_t n = nitems(pids);
	int error = db_sweep_orphans(db, sw->sw_id, pids, &n, em);

	if (error == 0 && n > 0 && !sw->sw_quiet)
		(void)complain(UVN_OK,
		    "waiting for %zu cells that the sweep left running", n);
	for (size_t i = 0; error == 0 && i < n; i++) {
		struct pollfd pf = { .events = POLLIN };

		if ((pf.fd = pidfd_open((pid_t)pids[i], 0)) < 0)
			continue;
		while (!sweep_stopped() && sweep_wait(&pf, 1, -1, false) < 0)
			continue;
		(void)close(pf.fd);
	}
	return error;
}

/* What the cells that are complete gave. */
static int
read_results(struct sweep *sw, struct db *db, struct errmsg *em)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < sw->sw_ncells; i++) {
		struct sweep_cell *sc = &sw->sw_cell[i];

		if ((sc->sc_before = sc->sc_row.dc_status == CELL_COMPLETE))
			error = db_cell_result(db, sc->sc_row.dc_run,
			    &sc->sc_result, em);
	}
	return error;
}

/* => an errno with em, or 0 */
static int
open_sweep(struct sweep_args *sa, bool *resumedp, struct errmsg *em)
{
	struct sweep *sw = &sa->sa_sweep;
	struct db *db = NULL;
	int error;

	if ((error = begin(sa, &db, resumedp, em)) == 0 &&
	    (error = await_orphans(sw, db, em)) == 0)
		error = read_results(sw, db, em);
	db_close(db);
	return error;
}

/* Why the sweep as a whole is not complete; NULL: it is. */
static const char *
reason_of(const struct sweep *sw, enum sweep_end end, const struct errmsg *em,
    char *buf, size_t len)
{
	const size_t failed = sweep_count(sw, CELL_FAILED);
	const size_t done = sweep_count(sw, CELL_COMPLETE);

	if (end == SWEEP_BROKEN)
		(void)snprintf(buf, len, "%s", em->em_text);
	else if (end == SWEEP_STOPPED || failed + done < sw->sw_ncells)
		(void)snprintf(buf, len,
		    "interrupted with %zu of %zu cells complete", done,
		    sw->sw_ncells);
	else if (failed > 0)
		(void)snprintf(buf, len, "%zu of %zu cells failed", failed,
		    sw->sw_ncells);
	else
		return NULL;
	return buf;
}

/* The first reason that a cell gives. */
static const char *
first_failure(const struct sweep *sw)
{
	for (size_t i = 0; i < sw->sw_ncells; i++)
		if (sw->sw_cell[i].sc_row.dc_status == CELL_FAILED)
			return sw->sw_cell[i].sc_row.dc_reason;
	return "";
}

static int
close_sweep(struct sweep *sw, enum sweep_end end, struct errmsg *em,
    const char **statusp)
{
	char text[sizeof(em->em_text)];
	const char *reason = reason_of(sw, end, em, text, sizeof(text));
	const char *status = reason == NULL	     ? "complete" :
	    end == SWEEP_BROKEN || end == SWEEP_DONE ? "failed" :
						       "interrupted";
	struct errmsg why = { .em_text = "" };
	struct db *db = NULL;
	int error;

	if (end == SWEEP_DONE && sweep_count(sw, CELL_INTERRUPTED) > 0)
		status = "interrupted";
	*statusp = status;
	error = db_open(sw->sw_db, &db, &why);
	if (error == 0)
		error = db_sweep_end(db, sw->sw_id, status, reason, &why);
	db_close(db);
	if (end == SWEEP_BROKEN)
		return complain(UVN_ENVIRONMENT, "%s", em->em_text);
	if (error != 0)
		return complain((int)exit_status(error), "%s", why.em_text);
	if (reason == NULL)
		return UVN_OK;
	if (strcmp(status, "interrupted") == 0)
		return complain(UVN_FAILED, "%s; the same command goes on",
		    reason);
	return complain(UVN_FAILED, "%s; the first: %s", reason,
	    first_failure(sw));
}

static int
run(struct sweep_args *sa)
{
	struct sweep *sw = &sa->sa_sweep;
	struct errmsg em = { .em_text = "" };
	const uint64_t began = clock_monotonic();
	const char *word = NULL;
	struct sweep_signals ss;
	bool resumed = false;
	enum sweep_end end;
	int error, status;

	/* From before the database says that it runs until it says no more. */
	sweep_signals_catch(&ss);
	if ((error = open_sweep(sa, &resumed, &em)) != 0) {
		sweep_signals_release(&ss);
		return complain((int)exit_status(error), "%s", em.em_text);
	}
	sweep_report_begin(sw, resumed);
	end = sweep_pool(sw, &em);
	sweep_report_end(sw, clock_monotonic() - began);
	status = close_sweep(sw, end, &em, &word);
	sweep_signals_release(&ss);
	if (sw->sw_json &&
	    (error = sweep_report_json(sw, word, NULL)) != UVN_OK)
		return error;
	return status;
}

/* What would be done; neither database nor files are touched. */
static int
dry_run(struct sweep *sw)
{
	struct errmsg em = { .em_text = "" };
	struct sweep_estimate es;
	struct db *db = NULL;
	int error;

	error = db_peek(sw->sw_db, &db, &em);
	for (size_t i = 0; error == 0 && db != NULL && i < sw->sw_ncells; i++) {
		struct sweep_cell *sc = &sw->sw_cell[i];

		error = db_cell_find(db, 0, sc->sc_row.dc_key, sw->sw_fresh,
		    &sc->sc_row.dc_run, &em);
		if (sc->sc_row.dc_run != 0)
			sc->sc_row.dc_status = CELL_COMPLETE;
	}
	if (error == 0 && db != NULL)
		error = read_results(sw, db, &em);
	db_close(db);
	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	if (!sweep_estimate(sw, &es))
		return complain(UVN_FAILED, "interrupted");
	if (sw->sw_json && (error = sweep_report_json(sw, NULL, &es)) != UVN_OK)
		return error;
	sweep_report_plan(sw, &es);
	return UVN_OK;
}

static int
sweep(struct sweep_args *sa)
{
	struct sweep *sw = &sa->sa_sweep;
	struct errmsg em = { .em_text = "" };
	int error, status;

	if ((status = check_counts(sa)) != UVN_OK ||
	    (status = configure(sa)) != UVN_OK)
		return status;
	sw->sw_ntraces = sa->sa_op.op_noperands;
	sw->sw_trace = calloc(sw->sw_ntraces, sizeof(*sw->sw_trace));
	if (sw->sw_trace == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	for (size_t i = 0; i < sw->sw_ntraces; i++)
		sw->sw_trace[i].st_path = sa->sa_op.op_operands[i];
	status = sweep_load(sw,
	    sa->sa_share != NULL ? sa->sa_share_bytes : UINT64_MAX);
	if (status != UVN_OK)
		return status;
	if ((error = sweep_plan(sw, &em)) != 0)
		return complain(error == ENOMEM ? UVN_ENVIRONMENT : UVN_USAGE,
		    "%s", em.em_text);
	if (sw->sw_same > 0 && !sw->sw_quiet)
		(void)complain(UVN_OK,
		    "left out %zu combinations that are the same as another "
		    "once all tunables are settled",
		    sw->sw_same);
	choose_jobs(sa);
	return sa->sa_dry_run ? dry_run(sw) : run(sa);
}

int
cmd_sweep(int argc, char **argv)
{
	struct sweep_args sa = {
		.sa_sweep = { .sw_repeats = 1, .sw_dir = "uvn-data" },
	};
	struct sweep *sw = &sa.sa_sweep;
	const char *clock = getenv("UVN_CLOCK");
	int status = UVN_OK;

	if (read_args(&sa, argc, argv, &status)) {
		sw->sw_db = sa.sa_op.op_db;
		sw->sw_seed = sa.sa_op.op_seed;
		sw->sw_quiet = sa.sa_op.op_quiet;
		sw->sw_json = sa.sa_op.op_json;
		sw->sw_progress = sa.sa_progress ||
		    (!sa.sa_no_progress && !sw->sw_quiet &&
			isatty(STDERR_FILENO) == 1);
		clock_init(clock != NULL && strcmp(clock, "monotonic") == 0);
		status = sweep(&sa);
		options_fini(&sa.sa_op);
	}
	for (size_t i = 0; i < sw->sw_ntraces && sw->sw_trace != NULL; i++)
		trace_image_free(sw->sw_trace[i].st_image);
	free(sw->sw_trace);
	sweep_plan_fini(sw);
	sweep_axes_fini(&sw->sw_axes);
	return status;
}
