#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"
#include "replay/json_out.h"

/* What was asked for. */
struct export_args {
	const char *ea_format, *ea_to, *ea_dir;
	bool ea_salvage;
};

static int
print_json(const char *format, const char *to, const struct record_report *rr)
{
	json_t *left = json_object(), *top;

	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (rr->rr_left[op] != 0)
			(void)json_object_set_new(left, trace_op_name[op],
			    json_integer((json_int_t)rr->rr_left[op]));
	top = json_pack("{s:s, s:o, s:I, s:I, s:o}", "format", format, "output",
	    json_text(to), "entries", (json_int_t)rr->rr_events, "files",
	    (json_int_t)rr->rr_files, "left_out", left);
	return json_emit(top);
}

/* Say what the format has no word for. */
static void
print_left(const struct trace_format *fm, const char *from,
    const struct record_report *rr)
{
	char text[TRACE_NOPS * 40] = ""; /* a number, an op and a comma */
	size_t n = 0;

	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (rr->rr_left[op] != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%" PRIu64 " %s", n > 0 ? ", " : "",
			    rr->rr_left[op], trace_op_name[op]);
	if (n > 0)
		(void)complain(UVN_OK,
		    "%s: left out what %s has no word for: %s", from,
		    fm->fm_name, text);
}

static int
export_format(const struct trace_format *fm, const struct options *op,
    const struct export_args *ea)
{
	const char *to = ea->ea_to;
	const char *from = op->op_operands[0];
	struct errmsg em = { .em_text = "" };
	struct trace_export_param xp = { .xp_dir = ea->ea_dir };
	struct record_report rr;
	struct trace_reader *tr;
	int error, status;

	tunable_defaults(export_table, export_count, &xp.xp_param);
	error =
	    options_apply(op, export_table, export_count, &xp.xp_param, &em);
	if (error == 0)
		error = export_param_check(&xp, &em);
	if (error != 0)
		return complain(UVN_USAGE, "%s", em.em_text);
	if (op->op_json && strcmp(to, "-") == 0)
		return complain(UVN_USAGE,
		    "--json: the output goes to standard output; say -o FILE");
	status = input_open(from, ea->ea_salvage ? TRACE_SALVAGE : TRACE_VERIFY,
	    &tr);
	if (status != UVN_OK)
		return status;
	error = trace_export(fm, tr, &xp, to, &rr, &em);
	if (error != 0)
		status = complain(rr.rr_output ? output_status(error) :
						 (int)exit_status(error),
		    "%s", em.em_text);
	else
		input_salvaged(tr, from);
	trace_close(tr);
	if (error == 0 && op->op_json)
		return print_json(fm->fm_name, to, &rr);
	if (error == 0 && !op->op_quiet)
		print_left(fm, from, &rr);
	return status;
}

static int
export_to(const struct options *op, const struct export_args *ea)
{
	const struct trace_format *fm;
	enum trace_form form = TRACE_CSV;
	int status;

	if (!format_find(ea->ea_format, true, &fm, &status))
		return status;
	status = format_settings(op, fm, fm != NULL ? fm->fm_gives : NULL);
	if (status != UVN_OK)
		return status;
	if (ea->ea_dir != NULL &&
	    (fm == NULL || !trace_format_has(fm->fm_gives, "dir")))
		return complain(UVN_USAGE,
		    "--dir is for formats that name files, such as fio");
	if (ea->ea_to == NULL)
		return complain(UVN_USAGE, "say -o FILE%s",
		    fm == NULL ? ".csv or FILE.csv.zst" : "");
	if (fm != NULL)
		return export_format(fm, op, ea);
	status = output_form(ea->ea_to, &form);
	if (status != UVN_OK)
		return status;
	return convert(op->op_operands[0], ea->ea_salvage, ea->ea_to, form);
}

static const struct tunable *
export_tunable(size_t i)
{
	return &export_table[i];
}

int
trace_cmd_export(int argc, char **argv)
{
	struct export_args ea = { 0 };
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; .csv, .csv.zst or .uvt says the form",
		    &ea.ea_to, NULL },
		{ "format", 'f', OPTION_TEXT, "NAME",
		    "write what another tool reads; list lists the formats",
		    &ea.ea_format, NULL },
		{ "dir", '\0', OPTION_TEXT, "DIR",
		    "fio: folder of the files f1, f2, ... that it names",
		    &ea.ea_dir, NULL },
		SALVAGE_ROW(&ea.ea_salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace export",
		.cl_operands = "TRACE",
		.cl_help = "Write a trace in the form that the name of the "
			   "output asks for, or with --format as another tool "
			   "reads it.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_max = 1,
		.cl_tunable = export_tunable,
		.cl_ntunables = export_count,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (ea.ea_format == NULL || strcmp(ea.ea_format, "list") != 0)
		status = operand_expected(&cl, &op);
	if (status == UVN_OK)
		status = export_to(&op, &ea);
	options_fini(&op);
	return status;
}
