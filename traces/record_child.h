/*
 * record_child: a program that waits to be let go.
 *
 * Private to traces/.
 */
#ifndef TRACES_RECORD_CHILD_H
#define TRACES_RECORD_CHILD_H

#include <sys/types.h>

#include "base/base.h"

struct child {
	pid_t ch_pid;
	int ch_go;  /* a byte lets it run */
	int ch_why; /* an errno comes from here if it cannot be run */
};

/* How a program is started. */
struct child_param {
	char *const *cp_argv; /* NULL-ended, as cp_env */
	char *const *cp_env;  /* "NAME=value", over our environment */
	bool
	    cp_to_stderr; /* what it writes to its standard output goes there */
};

/*
 * Start a process that will run a program once child_go() is called.
 *
 * => ch_pid is a child of ours and waits
 */
int child_start(const struct child_param *cp, struct child *ch,
    struct errmsg *em) mustcheck;

/*
 * Let it go.
 *
 * => ENOENT, EACCES, ENOEXEC, ...: it could not be run, and is gone
 */
int child_go(struct child *ch, const char *name, struct errmsg *em) mustcheck;

/* Give it up before it ran. */
void child_cancel(struct child *ch);

#endif
