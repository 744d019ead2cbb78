/*
 * sweep_child: the process that replays a cell, and what its parent needs.
 *
 * For the sweep's own files alone.
 */
#ifndef REPLAY_SWEEP_CHILD_H
#define REPLAY_SWEEP_CHILD_H

#include <sys/types.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>

#include "replay/sweep.h"

/* What a child says at its end; a pipe passes it whole. */
struct sweep_message {
	struct db_cell_result sm_result;
	int64_t sm_run;
	uint64_t sm_events, sm_window_pages, sm_lost;
	uint64_t sm_bad_blocks, sm_bad_events;
	enum db_cell_status sm_status;
	bool sm_stored; /* the row of sweep_cell */
	char sm_reason[512];
};
_Static_assert(sizeof(struct sweep_message) <= PIPE_BUF, "written as one");

/*
 * Begin a process that replays the cell with its backing files in dir.  With
 * store it opens the database for itself and stores run and cell; else nothing.
 *
 * => *fdp becomes readable when it ends; both are for sweep_child_end()
 * => it ends, in good order, when this process ends
 * => -1 and errno: there is no process to be had
 */
pid_t sweep_child_start(const struct sweep *sw, const struct sweep_cell *sc,
    const char *dir, bool store, int *fdp);

/*
 * Wait for its end.
 *
 * => false: it died without a message; *statusp as waitpid(2) has it
 */
bool sweep_child_end(pid_t pid, int fd, struct sweep_message *sm, int *statusp);

/* SIGINT and SIGTERM from catch to release: the first is kept for
 * sweep_stopped(), the second does what the system does. */
struct sweep_signals {
	struct sigaction ss_int, ss_term;
};
void sweep_signals_catch(struct sweep_signals *ss);
void sweep_signals_release(const struct sweep_signals *ss);
bool sweep_stopped(void);

/*
 * poll(2) for ms milliseconds; ms < 0: for as long as it takes.
 *
 * => -1: a signal came, be it before the call; not of one that is known
 */
int sweep_wait(struct pollfd *fds, size_t n, int ms, bool known);

#endif
