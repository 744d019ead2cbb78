#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

static bool
usable(const struct trace_format *fm, bool out)
{
	return out ? fm->fm_write != NULL : fm->fm_read != NULL;
}

static int
list(bool out)
{
	for (size_t i = 0; i < trace_nformats; i++)
		if (usable(&trace_formats[i], out))
			(void)printf("%-14s %s\n", trace_formats[i].fm_name,
			    trace_formats[i].fm_help);
	return UVN_OK;
}

static int
unknown(const char *name, bool out)
{
	const char *verb = out ? "export" : "import", *near;
	const char **names = calloc(trace_nformats + 1, sizeof(*names));
	size_t n = 0;

	if (names == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	if (trace_format_find(name) != NULL) {
		free(names);
		return complain(UVN_USAGE,
		    "--format %s is not for %s; --format list lists what is",
		    name, verb);
	}
	for (size_t i = 0; i < trace_nformats; i++)
		if (usable(&trace_formats[i], out))
			names[n++] = trace_formats[i].fm_name;
	near = nearest_word(name, names, n);
	free(names);
	if (near != NULL)
		return complain(UVN_USAGE,
		    "unknown format '%.40s'; did you mean '%s'?", name, near);
	return complain(UVN_USAGE,
	    "unknown format '%.40s'; uvn trace %s --format list lists them",
	    name, verb);
}

bool
format_find(const char *name, bool out, const struct trace_format **fmp,
    int *statusp)
{
	*fmp = NULL;
	*statusp = UVN_OK;
	if (name == NULL)
		return true;
	if (strcmp(name, "list") == 0) {
		*statusp = list(out);
		return false;
	}
	*fmp = trace_format_find(name);
	if (*fmp == NULL || !usable(*fmp, out)) {
		*statusp = unknown(name, out);
		return false;
	}
	return true;
}

int
format_settings(const struct options *op, const struct trace_format *fm,
    const char *rows)
{
	for (size_t i = 0; i < op->op_nsettings; i++) {
		const char *name = op->op_settings[i].st_name;

		if (fm == NULL)
			return complain(UVN_USAGE,
			    "--%s is for other formats; say which with "
			    "--format",
			    name);
		if (!trace_format_has(rows, name))
			return complain(UVN_USAGE,
			    "--%s means nothing to format %s", name,
			    fm->fm_name);
	}
	return UVN_OK;
}

int
operand_expected(const struct command_line *cl, const struct options *op)
{
	if (op->op_noperands > 0)
		return UVN_OK;
	return complain(UVN_USAGE, "%s expected; usage: uvn %s [options] %s",
	    cl->cl_operands, cl->cl_command, cl->cl_operands);
}
