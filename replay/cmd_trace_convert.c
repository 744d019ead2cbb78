#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

/* Read from one file and write all of it to another. */
static int
convert(const char *from, bool salvage, const char *to, enum trace_form form)
{
	struct trace_reader *tr;
	int status =
	    input_open(from, salvage ? TRACE_SALVAGE : TRACE_VERIFY, &tr);

	if (status != UVN_OK)
		return status;
	status = copy_all(tr, to, form);
	if (status == UVN_OK)
		input_salvaged(tr, from);
	trace_close(tr);
	return status;
}

int
trace_cmd_cat(int argc, char **argv)
{
	bool salvage = false;
	const struct option_row rows[] = { SALVAGE_ROW(&salvage) };
	const struct command_line cl = {
		.cl_command = "trace cat",
		.cl_operands = "TRACE",
		.cl_help = "Print a trace as CSV on standard output.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	status = convert(op.op_operands[0], salvage, "-", TRACE_CSV);
	options_fini(&op);
	return status;
}

/* X.uvt for X.csv and X.csv.zst, in the same folder; the caller's to free. */
static char *
import_name(const char *path)
{
	static const char *const ends[] = { ".uvt", ".zst", ".csv" };
	size_t len = strlen(path);
	char *name;

	for (size_t i = 0; i < nitems(ends); i++) {
		const size_t n = strlen(ends[i]);

		if (len > n && strncmp(path + len - n, ends[i], n) == 0)
			len -= n;
	}
	if (asprintf(&name, "%.*s.uvt", (int)len, path) == -1)
		return NULL;
	return name;
}

static int
import(const char *from, bool salvage, const char *to)
{
	enum trace_form form = TRACE_UVT;
	char *name = NULL;
	int status;

	if (to == NULL && strcmp(from, "-") == 0)
		return complain(UVN_USAGE,
		    "standard input has no name; say -o FILE.uvt");
	if (to == NULL) {
		to = name = import_name(from);
		if (name == NULL)
			return complain(UVN_ENVIRONMENT, "out of memory");
	}
	status = output_form(to, &form);
	if (status == UVN_OK && form != TRACE_UVT)
		status = complain(UVN_USAGE,
		    "%s: import writes .uvt; uvn trace export writes CSV", to);
	if (status == UVN_OK && strcmp(from, to) == 0 && strcmp(to, "-") != 0)
		status = complain(UVN_USAGE,
		    "%s: input and output are the same file", to);
	if (status == UVN_OK)
		status = convert(from, salvage, to, form);
	free(name);
	return status;
}

int
trace_cmd_import(int argc, char **argv)
{
	const char *to = NULL;
	bool salvage = false;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; otherwise beside the input, as .uvt", &to,
		    NULL },
		SALVAGE_ROW(&salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace import",
		.cl_operands = "TRACE",
		.cl_help = "Make a .uvt of a trace.  Exporting it again gives "
			   "the CSV back, byte for byte.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	status = import(op.op_operands[0], salvage, to);
	options_fini(&op);
	return status;
}

int
trace_cmd_export(int argc, char **argv)
{
	enum trace_form form = TRACE_CSV;
	const char *to = NULL;
	bool salvage = false;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; .csv, .csv.zst or .uvt says the form", &to,
		    NULL },
		SALVAGE_ROW(&salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace export",
		.cl_operands = "TRACE",
		.cl_help = "Write a trace in the form that the name of the "
			   "output asks for.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (to == NULL)
		status = complain(UVN_USAGE, "say -o FILE.csv or FILE.csv.zst");
	else
		status = output_form(to, &form);
	if (status == UVN_OK)
		status = convert(op.op_operands[0], salvage, to, form);
	options_fini(&op);
	return status;
}
