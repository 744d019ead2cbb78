/*
 * replay: the uvn program.
 *
 *	cmd_X.c		one subcommand each, its entry in the table of main.c
 *	options.c	command lines, from the tables of tunables
 *	engine.c	drives the pager with a trace and measures
 *	verify.c	what every byte must be
 *	sweep*.c	many configurations, a process a cell
 *	db*.c, writer.c	results into SQLite
 *	hist.c, clock.c	latencies
 *
 * Layer 2.  Includes base, pager, traces, analysis; nothing includes it.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "base/base.h"

#define UVN_VERSION "0.1"

/* Exit statuses, all of them; uvn(1). */
enum uvn_exit {
	UVN_OK = 0,
	UVN_FAILED = 1,	     /* the run found a data or I/O error */
	UVN_USAGE = 2,	     /* wrong usage */
	UVN_INPUT = 3,	     /* bad input: trace, database */
	UVN_ENVIRONMENT = 4, /* the host cannot do it */
};

/* A subcommand: argv[0] is its name; returns an exit status. */
struct command {
	const char *cm_name;
	const char *cm_args;
	const char *cm_help;
	int (*cm_run)(int argc, char **argv);
};

int cmd_replay(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_figures(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_params(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* Print "uvn NAME: message" to stderr and return status. */
int complain(int status, const char *fmt, ...) printflike(2, 3);

/* The exit status for an errno that came with a message. */
enum uvn_exit exit_status(int error);

#endif
