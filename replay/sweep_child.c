/*
 * sweep_child.c: a process a cell.
 *
 * A child tells its end by one message on a pipe; the pipe's end without a
 * message tells that it died.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/engine.h"
#include "replay/replay.h"
#include "replay/sweep_child.h"

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

/* Those that end a sweep. */
static void
stop_set(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
}

void
sweep_signals_catch(struct sweep_signals *ss)
{
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };

	stop = 0;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, &ss->ss_int);
	(void)sigaction(SIGTERM, &sa, &ss->ss_term);
}

void
sweep_signals_release(const struct sweep_signals *ss)
{
	(void)sigaction(SIGINT, &ss->ss_int, NULL);
	(void)sigaction(SIGTERM, &ss->ss_term, NULL);
}

bool
sweep_stopped(void)
{
	return stop != 0;
}

int
sweep_wait(struct pollfd *fds, size_t n, int ms, bool known)
{
	const struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };
	sigset_t block, old;
	int ready = -1;

	/* From the look at stop to the wait, no signal gets lost. */
	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	if (!stop || known)
		ready = ppoll(fds, n, ms < 0 ? NULL : &ts, &old);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return ready;
}

/* ---- the child ---- */

static void
say(struct sweep_message *sm, enum db_cell_status status, const char *reason)
{
	sm->sm_status = status;
	(void)snprintf(sm->sm_reason, sizeof(sm->sm_reason), "%s", reason);
}

/* Replay the cell; store its run unless db is NULL. */
static void
replay(const struct sweep *sw, const struct sweep_cell *sc, const char *dir,
    struct db *db, struct sweep_message *sm)
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
		say(sm, CELL_FAILED, "out of memory");
		return;
	}
	(void)engine_run(&job, &er);
	say(sm,
	    er.er_exit == UVN_OK			 ? CELL_COMPLETE :
		strcmp(er.er_status, "interrupted") == 0 ? CELL_INTERRUPTED :
							   CELL_FAILED,
	    er.er_em.em_text);
	if (er.er_exit != UVN_OK && sm->sm_reason[0] == '\0')
		say(sm, sm->sm_status, "the run failed");
	sm->sm_run = er.er_run;
	sm->sm_events = er.er_events;
	sm->sm_result.cr_wall_ns = er.er_wall_ns;
	sm->sm_window_pages = er.er_window_pages;
	sm->sm_lost = er.er_lost;
	sm->sm_bad_blocks = er.er_bad_blocks;
	sm->sm_bad_events = er.er_bad_events;
	engine_report_fini(&er);
	free(command);
}

/* What there is to tell in the end, into sweep_cell. */
static void
store_cell(const struct sweep *sw, const struct sweep_cell *sc, struct db *db,
    struct sweep_message *sm)
{
	struct db_cell dc = sc->sc_row;
	struct errmsg em = { .em_text = "" };
	int error = 0;

	dc.dc_status = sm->sm_status;
	dc.dc_run = sm->sm_run;
	dc.dc_reason = sm->sm_reason[0] != '\0' ? sm->sm_reason : NULL;
	if (sm->sm_run != 0)
		error = db_cell_result(db, sm->sm_run, &sm->sm_result, &em);
	if (error == 0)
		error = db_cell_end(db, sw->sw_id, (size_t)(sc - sw->sw_cell),
		    &dc, &em);
	sm->sm_stored = error == 0;
	if (error != 0)
		say(sm, CELL_FAILED, em.em_text);
}

static void
replay_and_store(const struct sweep *sw, const struct sweep_cell *sc,
    const char *dir, struct sweep_message *sm)
{
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	sigset_t block;

	/* It may have been done since the sweep was planned, by a process that
	 * a sweep before this one had left. */
	if (db_open(sw->sw_db, &db, &em) != 0 ||
	    db_cell_find(db, sw->sw_id, sc->sc_row.dc_key, sw->sw_fresh,
		&sm->sm_run, &em) != 0) {
		say(sm, CELL_FAILED, em.em_text);
		db_close(db);
		return;
	}
	if (sm->sm_run != 0)
		say(sm, CELL_COMPLETE, "");
	else
		replay(sw, sc, dir, db, sm);
	/* What is done is stored before anything else. */
	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	store_cell(sw, sc, db, sm);
	db_close(db);
}

/*
 * The first steps of a child, with signals blocked: those meant for the parent
 * come to it no more, and it ends when its parent does.
 */
static void
detach(pid_t parent, const sigset_t *mask)
{
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It may have ended before. */
	if (getppid() != parent)
		_exit(UVN_FAILED);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
}

pid_t
sweep_child_start(const struct sweep *sw, const struct sweep_cell *sc,
    const char *dir, bool store, int *fdp)
{
	const pid_t parent = getpid();
	struct sweep_message sm;
	sigset_t block, old;
	int fds[2], error;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	/* What is buffered here shall not be written twice. */
	(void)fflush(NULL);
	stop_set(&block);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	if ((pid = fork()) == 0) {
		detach(parent, &old);
		(void)close(fds[0]);
		(void)memset(&sm, 0, sizeof(sm));
		if (store)
			replay_and_store(sw, sc, dir, &sm);
		else
			replay(sw, sc, dir, NULL, &sm);
		/* The parent knows what to make of no message. */
		_exit(write(fds[1], &sm, sizeof(sm)) == sizeof(sm) ?
			UVN_OK :
			UVN_FAILED);
	}
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(fds[1]);
	*fdp = fds[0];
	if (pid < 0) {
		(void)close(fds[0]);
		errno = error;
	}
	return pid;
}

bool
sweep_child_end(pid_t pid, int fd, struct sweep_message *sm, int *statusp)
{
	ssize_t got;

	do
		got = read(fd, sm, sizeof(*sm));
	while (got < 0 && errno == EINTR);
	(void)close(fd);
	while (waitpid(pid, statusp, 0) < 0 && errno == EINTR)
		continue;
	if (got == (ssize_t)sizeof(*sm))
		return true;
	(void)memset(sm, 0, sizeof(*sm));
	return false;
}
