/*
 * sweep_pool.c: a process a cell.
 *
 * SQLite's connections must not be carried over fork(2), so this process has
 * none open here but for the moment in which it stores something, and each
 * child opens its own.  A child tells its end by one message on a pipe; the
 * pipe's end without a message tells that it died.
 *
 * Signals are let in while we wait and nowhere else where it matters: the first
 * asks the cells that run to end in good order, the second is the system's own.
 * Children end with their parent: PR_SET_PDEATHSIG.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/clock.h"
#include "replay/engine.h"
#include "replay/options.h"
#include "replay/replay.h"
#include "replay/sweep.h"

/* How often the line of progress changes, ms. */
#define PROGRESS_MS 500

/* What a child says at its end; a pipe passes it whole. */
struct message {
	struct db_cell_result mg_result;
	int64_t mg_run;
	uint64_t mg_events, mg_window_pages, mg_bad_blocks, mg_bad_events;
	enum db_cell_status mg_status;
	bool mg_stored; /* row of sweep_cell */
	char mg_reason[512];
};
_Static_assert(sizeof(struct message) <= PIPE_BUF, "written as one");

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
	bool pl_window;	  /* it has been said that a window is too large */
	struct errmsg *pl_em;
	bool pl_broken;
};

/* ---- signals ---- */

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

struct signals {
	struct sigaction sg_int, sg_term;
	sigset_t sg_mask; /* as it was */
};

static void
stop_set(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
}

static void
signals_catch(struct signals *sg)
{
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };

	stop = 0;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigprocmask(SIG_SETMASK, NULL, &sg->sg_mask);
	(void)sigaction(SIGINT, &sa, &sg->sg_int);
	(void)sigaction(SIGTERM, &sa, &sg->sg_term);
}

static void
signals_release(const struct signals *sg)
{
	(void)sigaction(SIGINT, &sg->sg_int, NULL);
	(void)sigaction(SIGTERM, &sg->sg_term, NULL);
}

/*
 * Wait for one of the files, ms < 0: for as long as it takes.  A signal that
 * came since we looked ends the wait, too, unless it is known already.
 */
static int
wait_for(struct pollfd *fds, size_t n, int ms, bool known)
{
	const struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };
	sigset_t block, old;
	int ready = -1;

	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	if (!stop || known)
		ready = ppoll(fds, n, ms < 0 ? NULL : &ts, &old);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return ready;
}

/* ---- the child ---- */

static void
say(struct message *mg, enum db_cell_status status, const char *reason)
{
	mg->mg_status = status;
	(void)snprintf(mg->mg_reason, sizeof(mg->mg_reason), "%s", reason);
}

/* Replay the cell; store its run unless db is NULL. */
static void
child_replay(const struct sweep *sw, const struct sweep_cell *sc,
    const char *dir, struct db *db, struct message *mg)
{
	struct config cf = sc->sc_point->pt_config;
	char *command = sweep_cell_command(sw, sc);
	const struct engine_job job = {
		.ej_config = &cf,
		.ej_trace = sc->sc_trace->st_path,
		.ej_image = sc->sc_trace->st_image,
		.ej_dir = dir,
		.ej_verify = sw->sw_verify,
		.ej_paranoid = sw->sw_paranoid,
		.ej_salvage = sw->sw_salvage,
		.ej_db = db,
		.ej_command = command,
		.ej_seed = sw->sw_seed,
		.ej_repeat = sc->sc_row.dc_repeat,
		.ej_sweep = sw->sw_id,
		.ej_cell = sc->sc_row.dc_key,
		.ej_flush_both = sw->sw_flush_both,
		.ej_events = sw->sw_events,
	};
	struct engine_report er;

	if (command == NULL) {
		say(mg, CELL_FAILED, "out of memory");
		return;
	}
	(void)engine_run(&job, &er);
	say(mg,
	    er.er_exit == UVN_OK			 ? CELL_COMPLETE :
		strcmp(er.er_status, "interrupted") == 0 ? CELL_INTERRUPTED :
							   CELL_FAILED,
	    er.er_em.em_text);
	if (er.er_exit != UVN_OK && mg->mg_reason[0] == '\0')
		say(mg, mg->mg_status, "the run failed");
	mg->mg_run = er.er_run;
	mg->mg_events = er.er_events;
	mg->mg_result.cr_wall_ns = er.er_wall_ns;
	mg->mg_window_pages = er.er_window_pages;
	mg->mg_bad_blocks = er.er_bad_blocks;
	mg->mg_bad_events = er.er_bad_events;
	engine_report_fini(&er);
	free(command);
}

/* What there is to tell in the end, into sweep_cell. */
static void
child_store(const struct sweep *sw, const struct sweep_cell *sc, struct db *db,
    struct message *mg)
{
	struct db_cell dc = sc->sc_row;
	struct errmsg em = { .em_text = "" };
	int error = 0;

	dc.dc_status = mg->mg_status;
	dc.dc_run = mg->mg_run;
	dc.dc_reason = mg->mg_reason[0] != '\0' ? mg->mg_reason : NULL;
	if (mg->mg_run != 0)
		error = db_cell_result(db, mg->mg_run, &mg->mg_result, &em);
	if (error == 0)
		error = db_cell_end(db, sw->sw_id, (size_t)(sc - sw->sw_cell),
		    &dc, &em);
	mg->mg_stored = error == 0;
	if (error != 0)
		say(mg, CELL_FAILED, em.em_text);
}

static void
child_cell(const struct sweep *sw, const struct sweep_cell *sc, const char *dir,
    struct message *mg)
{
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	sigset_t block;

	/* Another process may have done it since the sweep was planned. */
	if (db_open(sw->sw_db, &db, &em) != 0 ||
	    db_cell_find(db, sw->sw_id, sc->sc_row.dc_key, sw->sw_fresh,
		&mg->mg_run, &em) != 0) {
		say(mg, CELL_FAILED, em.em_text);
		db_close(db);
		return;
	}
	if (mg->mg_run != 0)
		say(mg, CELL_COMPLETE, "");
	else
		child_replay(sw, sc, dir, db, mg);
	/* What is done is stored before anything else. */
	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	child_store(sw, sc, db, mg);
	db_close(db);
}

/*
 * From fork(2) on, with signals blocked: those of the parent's come to it no
 * more, and it ends with its parent.
 */
static void
child_begin(pid_t parent, const sigset_t *mask)
{
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(UVN_FAILED);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
}

/* A child with a pipe from it.  => 0 in the child, -1 and errno on failure */
static pid_t
fork_child(int *readp, int *writep)
{
	const pid_t parent = getpid();
	sigset_t block, old;
	int fds[2], error;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	/* What is buffered here shall not be written twice. */
	(void)fflush(NULL);
	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	pid = fork();
	error = errno;
	if (pid == 0)
		child_begin(parent, &old);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		errno = error;
		return -1;
	}
	(void)close(fds[pid == 0 ? 0 : 1]);
	*readp = fds[0];
	*writep = fds[1];
	return pid;
}

static void
child_end(int fd, const struct message *mg)
{
	/* The parent knows what to make of a message that does not come. */
	const bool told = write(fd, mg, sizeof(*mg)) == sizeof(*mg);

	_exit(told ? UVN_OK : UVN_ENVIRONMENT);
}

/* ---- the parent ---- */

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

/* => false: no process is to be had; em says why, if nothing else runs */
static bool
start(struct pool *pl, size_t k, size_t cell)
{
	const struct sweep *sw = pl->pl_sweep;
	const struct sweep_cell *sc = &sw->sw_cell[cell];
	struct worker *wk = &pl->pl_worker[k];
	char *dir = worker_dir(sw, sc, k);
	int from, to;
	pid_t pid = -1;

	if (dir != NULL)
		pid = fork_child(&from, &to);
	if (pid == 0) {
		struct message mg;

		(void)memset(&mg, 0, sizeof(mg));
		child_cell(sw, sc, dir, &mg);
		child_end(to, &mg);
	}
	free(dir);
	if (pid < 0) {
		/* With fewer at a time it may still work. */
		if (pl->pl_running > 0)
			return false;
		errmsg_put(pl->pl_em, "cannot start a process for a cell: %s",
		    errno_text(errno));
		pl->pl_broken = true;
		return false;
	}
	*wk = (struct worker){ .wk_pid = pid, .wk_fd = from, .wk_cell = cell };
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
		if (stop || pl->pl_broken || !next_cell(pl, &cell))
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
death(const struct pool *pl, int status, struct message *mg)
{
	char text[160];

	mg->mg_status = CELL_FAILED;
	if (!WIFSIGNALED(status)) {
		(void)snprintf(text, sizeof(text),
		    "its process ended without a word, with exit status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		say(mg, CELL_FAILED, text);
		return;
	}
	const int sig = WTERMSIG(status);
	const char *name = sigabbrev_np(sig);
	(void)snprintf(text, sizeof(text), "its process was ended by SIG%s%s",
	    name != NULL ? name : "?",
	    sig == SIGKILL ? "; the host may have run out of memory" : "");
	say(mg,
	    pl->pl_stopping && (sig == SIGTERM || sig == SIGINT) ?
		CELL_INTERRUPTED :
		CELL_FAILED,
	    text);
}

/* Take what a child said as the cell's end. */
static int
settle(struct sweep_cell *sc, const struct message *mg)
{
	struct db_cell *dc = &sc->sc_row;

	dc->dc_status = mg->mg_status;
	dc->dc_run = mg->mg_run;
	free(dc->dc_reason);
	dc->dc_reason = NULL;
	sc->sc_result = mg->mg_result;
	if (mg->mg_reason[0] != '\0' &&
	    (dc->dc_reason = strdup(mg->mg_reason)) == NULL)
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

/* Say once what holds for every cell of the trace. */
static void
remark(struct pool *pl, const struct sweep_cell *sc, const struct message *mg)
{
	if (mg->mg_window_pages == 0 || pl->pl_window || pl->pl_sweep->sw_quiet)
		return;
	pl->pl_window = true;
	sweep_report_progress_off(pl->pl_sweep);
	(void)complain(UVN_OK,
	    "%s was recorded with a window of %" PRIu64 " pages; with less "
	    "than four times as many in memory its misses are not those of the "
	    "program",
	    sc->sc_trace->st_path, mg->mg_window_pages);
}

/* The child's pipe has something: its message, or its end without one. */
static void
collect(struct pool *pl, struct worker *wk)
{
	struct sweep *sw = pl->pl_sweep;
	struct sweep_cell *sc = &sw->sw_cell[wk->wk_cell];
	struct message mg;
	ssize_t got;
	int status = 0, error;

	do
		got = read(wk->wk_fd, &mg, sizeof(mg));
	while (got < 0 && errno == EINTR);
	(void)close(wk->wk_fd);
	while (waitpid(wk->wk_pid, &status, 0) < 0 && errno == EINTR)
		continue;
	wk->wk_pid = 0;
	pl->pl_running--;
	if (got != (ssize_t)sizeof(mg)) {
		(void)memset(&mg, 0, sizeof(mg));
		death(pl, status, &mg);
	}
	error = settle(sc, &mg);
	if (error == 0 && !mg.mg_stored)
		error = store_lost(sw, sc, pl->pl_em);
	if (error != 0) {
		errmsg_put(pl->pl_em, "out of memory");
		pl->pl_broken = true;
	}
	sw->sw_ended++;
	sw->sw_failed += sc->sc_row.dc_status == CELL_FAILED;
	remark(pl, sc, &mg);
	sweep_report_cell(sw, sc);
}

static void
wait_some(struct pool *pl)
{
	const bool shown = pl->pl_sweep->sw_progress;
	int ready;

	for (size_t k = 0; k < pl->pl_nworkers; k++) {
		const struct worker *wk = &pl->pl_worker[k];

		pl->pl_poll[k] = (struct pollfd){
			.fd = wk->wk_pid != 0 ? wk->wk_fd : -1,
			.events = POLLIN,
		};
	}
	ready = wait_for(pl->pl_poll, pl->pl_nworkers,
	    shown && !pl->pl_stopping ? PROGRESS_MS : -1, pl->pl_stopping);
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
	struct signals sg;

	pl.pl_worker = calloc(sw->sw_jobs, sizeof(*pl.pl_worker));
	pl.pl_poll = calloc(sw->sw_jobs, sizeof(*pl.pl_poll));
	if (pl.pl_worker == NULL || pl.pl_poll == NULL) {
		free(pl.pl_worker);
		free(pl.pl_poll);
		errmsg_put(em, "out of memory");
		return SWEEP_BROKEN;
	}
	signals_catch(&sg);
	for (;;) {
		start_some(&pl);
		if (pl.pl_running == 0)
			break;
		if (stop || pl.pl_broken)
			stop_workers(&pl);
		wait_some(&pl);
	}
	signals_release(&sg);
	sweep_report_progress_off(sw);
	free(pl.pl_worker);
	free(pl.pl_poll);
	return pl.pl_broken ? SWEEP_BROKEN : stop ? SWEEP_STOPPED : SWEEP_DONE;
}

bool
sweep_probe(const struct sweep *sw, const struct sweep_cell *sc, int ms,
    uint64_t *eventsp, uint64_t *wallp)
{
	struct message mg;
	struct signals sg;
	struct pollfd pf = { .events = POLLIN };
	int from, to, status;
	pid_t pid;

	*eventsp = *wallp = 0;
	signals_catch(&sg);
	if ((pid = fork_child(&from, &to)) == 0) {
		(void)memset(&mg, 0, sizeof(mg));
		child_replay(sw, sc, sw->sw_dir, NULL, &mg);
		child_end(to, &mg);
	}
	if (pid > 0) {
		pf.fd = from;
		if (wait_for(&pf, 1, ms, false) <= 0)
			(void)kill(pid, SIGTERM);
		/* What it says then; one that still sets up says nothing. */
		if (read(from, &mg, sizeof(mg)) == (ssize_t)sizeof(mg)) {
			*eventsp = mg.mg_events;
			*wallp = mg.mg_result.cr_wall_ns;
		}
		(void)close(from);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	signals_release(&sg);
	return !stop;
}
