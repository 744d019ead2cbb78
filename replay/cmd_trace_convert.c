#include "replay/cmd_trace.h"

int
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
