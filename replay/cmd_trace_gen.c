#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/cmd_trace.h"

/* The first row is the pattern, which is an operand. */
static const struct tunable *
gen_tunable(size_t i)
{
	return &trace_gen_table[i + 1];
}

static int
generate(const struct trace_gen_param *gp, const char *to, enum trace_form form)
{
	struct errmsg em = { .em_text = "" };
	struct trace_gen *tg;
	struct trace_writer *tw;
	const struct trace_event *ev;
	size_t n;
	int error = trace_gen_create(gp, &tg, &em);

	if (error != 0)
		return complain(error == EINVAL ? UVN_USAGE : UVN_ENVIRONMENT,
		    "%s", em.em_text);
	error = trace_create(to, form, trace_gen_meta(tg), &tw, &em);
	if (error != 0)
		goto out;
	do {
		trace_gen_next(tg, &ev, &n);
		error = trace_put(tw, ev, n, &em);
	} while (error == 0 && n > 0);
	if (error != 0)
		trace_abandon(tw);
	else
		error = trace_finish(tw, &em);
out:
	trace_gen_destroy(tg);
	if (error != 0)
		return complain(output_status(error), "%s", em.em_text);
	return UVN_OK;
}

static int
param_read(const struct options *op, struct trace_gen_param *gp)
{
	struct errmsg em = { .em_text = "" };
	int error;

	tunable_defaults(trace_gen_table, trace_gen_count, gp);
	error = tunable_parse(&trace_gen_table[0], op->op_operands[0],
	    &gp->pattern, &em);
	if (error == 0)
		error = options_apply(op, trace_gen_table, trace_gen_count, gp,
		    &em);
	if (error != 0)
		return complain(UVN_USAGE, "%s", em.em_text);
	return UVN_OK;
}

int
trace_cmd_gen(int argc, char **argv)
{
	struct trace_gen_param gp;
	enum trace_form form = TRACE_UVT;
	const char *to = NULL;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; .uvt, .csv or .csv.zst says the form", &to,
		    NULL },
	};
	const struct command_line cl = {
		.cl_command = "trace gen",
		.cl_operands = "PATTERN",
		.cl_help = "Generate a trace.  PATTERN is sequential, "
			   "descending, strided, uniform, zipf, hotcold, "
			   "append or mix.  The same parameters make the same "
			   "trace, on every machine.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
		.cl_tunable = gen_tunable,
		.cl_ntunables = trace_gen_count - 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	status = param_read(&op, &gp);
	if (status == UVN_OK && to == NULL)
		status = complain(UVN_USAGE, "say -o FILE.uvt or FILE.csv");
	if (status == UVN_OK)
		status = output_form(to, &form);
	if (status == UVN_OK)
		status = generate(&gp, to, form);
	options_fini(&op);
	return status;
}
