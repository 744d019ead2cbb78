#include <stdio.h>
#include <string.h>

#include "base/tunable.h"
#include "replay/cmd_trace.h"

static const struct command verbs[] = {
	{ "info", "TRACE", "say what is in a trace", trace_cmd_info },
	{ "plot", "TRACE [-o FILE.png]", "draw an access map", trace_cmd_plot },
	{ "cat", "TRACE", "print a trace as CSV", trace_cmd_cat },
	{ "import", "TRACE [-o FILE.uvt]",
	    "make a .uvt of a CSV or other formats", trace_cmd_import },
	{ "export", "TRACE -o FILE.csv[.zst]",
	    "make a CSV, or other formats, of a .uvt", trace_cmd_export },
	{ "gen", "PATTERN -o FILE", "generate a trace", trace_cmd_gen },
	{ "cut", "TRACE -o FILE", "take a range of events out of a trace",
	    trace_cmd_cut },
	{ "merge", "TRACE TRACE... -o FILE", "merge traces by time",
	    trace_cmd_merge },
	{ "check", "TRACE...", "read a trace whole, and find what is wrong",
	    trace_cmd_check },
};

static void
usage(FILE *out)
{
	(void)fprintf(out,
	    "usage: uvn trace VERB [options] ...\n\n"
	    "Look at traces, make and convert them.  A TRACE is a .uvt, or "
	    "CSV, plain or\nzstd-compressed; - is standard input.\n\n"
	    "verbs:\n");
	for (size_t i = 0; i < nitems(verbs); i++)
		(void)fprintf(out, "  %-7s %-24s %s\n", verbs[i].cm_name,
		    verbs[i].cm_args, verbs[i].cm_help);
	(void)fprintf(out, "\nuvn trace VERB --help tells the rest.\n");
}

static int
unknown_verb(const char *name)
{
	const char *names[nitems(verbs)], *near;

	for (size_t i = 0; i < nitems(verbs); i++)
		names[i] = verbs[i].cm_name;
	near = nearest_word(name, names, nitems(verbs));
	if (near == NULL)
		return complain(UVN_USAGE,
		    "unknown verb '%.60s'; uvn trace --help lists them", name);
	return complain(UVN_USAGE, "unknown verb '%.60s'; did you mean '%s'?",
	    name, near);
}

int
cmd_trace(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return UVN_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return UVN_OK;
	}
	for (size_t i = 0; i < nitems(verbs); i++)
		if (strcmp(argv[1], verbs[i].cm_name) == 0)
			return verbs[i].cm_run(argc - 1, argv + 1);
	return unknown_verb(argv[1]);
}
