/*
 * sweep_pool.c: cells, so many at a time.
 *
 * SQLite's connections must not be carried over fork(2), so this process has
 * none open here but for the moment in which it stores something, and each
 * child opens its own.
 *
 * The first signal lets the cells that run end in good order, the second is the
 * system's own; children end with their parent.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/clock.h"
#include "replay/replay.h"
#include "replay/report.h"
#include "replay/sweep_child.h"

/* How often the line of progress changes, ms. */
#define PROGRESS_MS 500

struct worker {
	pid_t wk_pid; /* 0: idle */
	int wk_fd;
	size_t wk_cell;
};

struct pool {
	struct sweep *pl_sweep;
	struct worker *pl_worker;
	struct pollfd *pl_poll;
	size_t pl_nworkers, pl_running;
	size_t pl_next; /* cell */
	uint64_t pl_began;
	bool pl_stopping; /* the workers have been told */
	bool pl_broken;
	struct errmsg *pl_em;
};

/* The folder of worker k for the cell; its parent is made if it is wanted. */
static char *
worker_dir(const struct sweep *sw, const struct sweep_cell *sc, size_t k)
{
	char *dir = NULL;

	if (sw->sw_jobs == 1)
		return strdup(sw->sw_dir);
	if (sc->sc_point->pt_config.cf_replay.backend != BACKEND_NULL)
		(void)mkdir(sw->sw_dir, 0777); /* else its use says why not */
	if (asprintf(&dir, "%s/job-%zu", sw->sw_dir, k) < 0)
		return NULL;
	return dir;
}

/* => false: there is no process to be had now; pl_broken, if never */
static bool
start(struct pool *pl, size_t k, size_t cell)
{
	const struct sweep *sw = pl->pl_sweep;
	const struct sweep_cell *sc = &sw->sw_cell[cell];
	char *dir = worker_dir(sw, sc, k);
	pid_t pid = -1;
	int fd = -1;

	if (dir != NULL)
		pid = sweep_child_start(sw, sc, dir, true, &fd);
	if (pid < 0 && pl->pl_running == 0) {
		errmsg_put(pl->pl_em, "cannot start a process for a cell: %s",
		    errno_text(errno));
		pl->pl_broken = true;
	}
	free(dir);
	/* With fewer at a time it may still work. */
	if (pid < 0)
		return false;
	pl->pl_worker[k] = (struct worker){ pid, fd, cell };
	pl->pl_running++;
	return true;
}

/* The next cell that is to run; those that cannot are told of on the way. */
static bool
next_cell(struct pool *pl, size_t *cellp)
{
	struct sweep *sw = pl->pl_sweep;

	for (; pl->pl_next < sw->sw_ncells; pl->pl_next++) {
		struct sweep_cell *sc = &sw->sw_cell[pl->pl_next];

		if (sc->sc_row.dc_status == CELL_PLANNED) {
			*cellp = pl->pl_next++;
			return true;
		}
		if (sc->sc_row.dc_status == CELL_FAILED) {
			sw->sw_ended++;
			sw->sw_failed++;
			sweep_report_cell(sw, sc);
		}
	}
	return false;
}

static void
start_some(struct pool *pl)
{
	size_t cell;

	for (size_t k = 0; k < pl->pl_nworkers; k++) {
		if (pl->pl_worker[k].wk_pid != 0)
			continue;
		if (sweep_stopped() || pl->pl_broken || !next_cell(pl, &cell))
			return;
		if (!start(pl, k, cell)) {
			pl->pl_next = cell;
			return;
		}
	}
}

/* Ask those that run to end. */
static void
stop_workers(struct pool *pl)
{
	if (pl->pl_stopping)
		return;
	pl->pl_stopping = true;
	for (size_t k = 0; k < pl->pl_nworkers; k++)
		if (pl->pl_worker[k].wk_pid != 0)
			(void)kill(pl->pl_worker[k].wk_pid, SIGTERM);
}

/* What a child's death says, for people. */
static void
death(const struct pool *pl, int status, struct sweep_message *sm)
{
	sm->sm_status = CELL_FAILED;
	if (!WIFSIGNALED(status)) {
		(void)snprintf(sm->sm_reason, sizeof(sm->sm_reason),
		    "its process ended without a word, with exit status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		return;
	}
	const int sig = WTERMSIG(status);
	const char *name = sigabbrev_np(sig);
	(void)snprintf(sm->sm_reason, sizeof(sm->sm_reason),
	    "its process was ended by SIG%s%s", name != NULL ? name : "?",
	    sig == SIGKILL ? "; the host may have run out of memory" : "");
	if (pl->pl_stopping && (sig == SIGTERM || sig == SIGINT))
		sm->sm_status = CELL_INTERRUPTED;
}

/* Take what a child said as the cell's end. */
static int
settle(struct sweep_cell *sc, const struct sweep_message *sm)
{
	struct db_cell *dc = &sc->sc_row;

	dc->dc_status = sm->sm_status;
	dc->dc_run = sm->sm_run;
	free(dc->dc_reason);
	dc->dc_reason = NULL;
	sc->sc_result = sm->sm_result;
	if (sm->sm_reason[0] != '\0' &&
	    (dc->dc_reason = strdup(sm->sm_reason)) == NULL)
		return ENOMEM;
	return 0;
}

/* Store what the child could not. */
static int
store_lost(const struct sweep *sw, struct sweep_cell *sc, struct errmsg *em)
{
	struct db *db = NULL;
	int error;

	if ((error = db_open(sw->sw_db, &db, em)) == 0 &&
	    (error = db_cell_lost(db, sw->sw_id, (size_t)(sc - sw->sw_cell),
		 &sc->sc_row, em)) == 0 &&
	    sc->sc_row.dc_run != 0)
		error =
		    db_cell_result(db, sc->sc_row.dc_run, &sc->sc_result, em);
	db_close(db);
	return error;
}

/* Say once what holds for all cells of a trace. */
static void
remark(struct sweep *sw, const struct sweep_cell *sc,
    const struct sweep_message *sm)
{
	struct sweep_trace *st = &sw->sw_trace[sc->sc_trace - sw->sw_trace];

	if (sm->sm_bad_blocks > 0 && !st->st_said_bad) {
		st->st_said_bad = true;
		sweep_report_progress_off(sw);
		(void)complain(UVN_OK,
		    "%s: left out %" PRIu64 " damaged blocks with %" PRIu64
		    " events",
		    st->st_path, sm->sm_bad_blocks, sm->sm_bad_events);
	}
	if (sm->sm_window_pages > 0 && !st->st_said_window && !sw->sw_quiet) {
		st->st_said_window = true;
		sweep_report_progress_off(sw);
		report_window(st->st_path, sm->sm_window_pages);
	}
	if (sm->sm_lost > 0 && !st->st_said_lost && !sw->sw_quiet) {
		st->st_said_lost = true;
		sweep_report_progress_off(sw);
		report_lost(st->st_path, sm->sm_lost);
	}
}

/* The child's pipe has something: its message, or its end without one. */
static void
collect(struct pool *pl, struct worker *wk)
{
	struct sweep *sw = pl->pl_sweep;
	struct sweep_cell *sc = &sw->sw_cell[wk->wk_cell];
	struct sweep_message sm;
	int status = 0, error;

	if (!sweep_child_end(wk->wk_pid, wk->wk_fd, &sm, &status))
		death(pl, status, &sm);
	wk->wk_pid = 0;
	pl->pl_running--;
	error = settle(sc, &sm);
	if (error == 0 && !sm.sm_stored)
		error = store_lost(sw, sc, pl->pl_em);
	if (error != 0) {
		errmsg_put(pl->pl_em, "out of memory");
		pl->pl_broken = true;
	}
	sw->sw_ended++;
	sw->sw_failed += sc->sc_row.dc_status == CELL_FAILED;
	remark(sw, sc, &sm);
	sweep_report_cell(sw, sc);
}

static void
wait_some(struct pool *pl)
{
	const bool shown = pl->pl_sweep->sw_progress && !pl->pl_stopping;
	int ready;

	for (size_t k = 0; k < pl->pl_nworkers; k++) {
		const struct worker *wk = &pl->pl_worker[k];

		pl->pl_poll[k] = (struct pollfd){
			.fd = wk->wk_pid != 0 ? wk->wk_fd : -1,
			.events = POLLIN,
		};
	}
	ready = sweep_wait(pl->pl_poll, pl->pl_nworkers,
	    shown ? PROGRESS_MS : -1, pl->pl_stopping);
	for (size_t k = 0; ready > 0 && k < pl->pl_nworkers; k++)
		if (pl->pl_poll[k].revents != 0)
			collect(pl, &pl->pl_worker[k]);
	sweep_report_progress(pl->pl_sweep, clock_monotonic() - pl->pl_began);
}

enum sweep_end
sweep_pool(struct sweep *sw, struct errmsg *em)
{
	struct pool pl = {
		.pl_sweep = sw,
		.pl_nworkers = sw->sw_jobs,
		.pl_began = clock_monotonic(),
		.pl_em = em,
	};
	enum sweep_end end = SWEEP_BROKEN;

	pl.pl_worker = calloc(sw->sw_jobs, sizeof(*pl.pl_worker));
	pl.pl_poll = calloc(sw->sw_jobs, sizeof(*pl.pl_poll));
	if (pl.pl_worker == NULL || pl.pl_poll == NULL) {
		errmsg_put(em, "out of memory");
		goto out;
	}
	for (;;) {
		start_some(&pl);
		if (pl.pl_running == 0)
			break;
		if (sweep_stopped() || pl.pl_broken)
			stop_workers(&pl);
		wait_some(&pl);
	}
	end = pl.pl_broken  ? SWEEP_BROKEN :
	    sweep_stopped() ? SWEEP_STOPPED :
			      SWEEP_DONE;
	sweep_report_progress_off(sw);
out:
	free(pl.pl_worker);
	free(pl.pl_poll);
	return end;
}
