#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/tunable.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"

static const struct command commands[] = {
	{ "replay", "TRACE", "run a trace through the pager, store, summarise",
	    cmd_replay },
	{ "sweep", "TRACE...", "run traces under many configurations",
	    cmd_sweep },
	{ "calibrate", "", "measure list steps and lookups on this host",
	    cmd_calibrate },
	{ "trace", "info|cat|import|export|gen|cut|merge|check ...",
	    "look at traces, make and convert them", cmd_trace },
	{ "record", "-- COMMAND", "run a program and record a trace of it",
	    cmd_record },
	{ "figures", "DB", "draw the figures of a run", cmd_figures },
	{ "report", "DB", "write a page of HTML about all of a database",
	    cmd_report },
	{ "compare", "DB A B", "two groups of runs: what differs, how surely",
	    cmd_compare },
	{ "params", "", "list every tunable and every counter", cmd_params },
	{ "doctor", "", "say what this host offers, and what is missing",
	    cmd_doctor },
};

static void
usage(FILE *out)
{
	(void)fprintf(out,
	    "usage: uvn COMMAND [options] ...\n\n"
	    "A trace-driven laboratory for NetBSD's UVM vnode pager of 1998.\n\n"
	    "commands:\n");
	for (size_t i = 0; i < nitems(commands); i++)
		(void)fprintf(out, "  %-10s %s\n", commands[i].cm_name,
		    commands[i].cm_help);
	(void)fprintf(out,
	    "\nuvn COMMAND --help tells the rest; "
	    "uvn --version the version.\n");
}

static int
unknown_command(const char *name)
{
	const char *names[nitems(commands)], *near;

	for (size_t i = 0; i < nitems(commands); i++)
		names[i] = commands[i].cm_name;
	near = nearest_word(name, names, nitems(commands));
	if (near == NULL)
		return complain(UVN_USAGE,
		    "unknown command '%.60s'; uvn --help lists them", name);
	return complain(UVN_USAGE,
	    "unknown command '%.60s'; did you mean '%s'?", name, near);
}

/* Results that did not reach standard output are no results. */
static int
finish(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == UVN_OK)
		return complain(UVN_ENVIRONMENT,
		    "standard output cannot be written: %s", errno_text(errno));
	return status;
}

int
main(int argc, char **argv)
{
	json_watch_memory();
	if (argc < 2) {
		usage(stderr);
		return UVN_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return finish(UVN_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("uvn %s\n", UVN_VERSION);
		return finish(UVN_OK);
	}
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(argv[1], commands[i].cm_name) != 0)
			continue;
		complain_as(commands[i].cm_name);
		return finish(commands[i].cm_run(argc - 1, argv + 1));
	}
	return unknown_command(argv[1]);
}
