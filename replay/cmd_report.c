#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analysis/analysis.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"

/* One member of "figures". */
static json_t *
json_figure(const struct report_figure *rf)
{
	return json_pack("{s:s, s:s, s:b, s:o*}", "name",
	    rf->rf_figure->fg_name, "title", rf->rf_figure->fg_title, "drawn",
	    (int)rf->rf_drawn, "note",
	    rf->rf_note[0] != '\0' ? json_text(rf->rf_note) : NULL);
}

/* A number, or null for 0. */
static json_t *
json_id(int64_t id)
{
	return id != 0 ? json_integer(id) : json_null();
}

static int
print_json(const struct report_job *rj, const struct report_page *rp)
{
	json_t *figures = json_array(), *root;

	for (size_t i = 0; i < rp->rp_nfigures; i++)
		(void)json_array_append_new(figures,
		    json_figure(&rp->rp_figure[i]));
	root = json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:s*, s:o}",
	    "database", json_text(rj->rj_db), "file", json_text(rj->rj_file),
	    "bytes", (json_int_t)rp->rp_bytes, "runs", (json_int_t)rp->rp_runs,
	    "sweeps", (json_int_t)rp->rp_sweeps, "run",
	    json_id(rp->rp_id[FIGURE_RUN]), "sweep",
	    json_id(rp->rp_id[FIGURE_SWEEP]), "calibration",
	    json_id(rp->rp_id[FIGURE_CALIBRATION]), "warning",
	    rp->rp_warning[0] != '\0' ? rp->rp_warning : NULL, "figures",
	    figures);
	return json_emit(root);
}

/* A count from the command line as a number of SQLite's. */
static int64_t
to_id(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* Write the page, and say what was written. */
static int
report(const struct report_job *rj, const struct options *op)
{
	struct errmsg em = { .em_text = "" };
	struct report_page rp;
	const int error = analysis_report(rj, &rp, &em);
	int status = UVN_OK;

	/* What -o names is not to be replaced. */
	if (error == EEXIST)
		return complain(UVN_USAGE, "%s", em.em_text);
	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	if (op->op_json)
		status = print_json(rj, &rp);
	else
		(void)printf("%s\n", rj->rj_file);
	if (rp.rp_warning[0] != '\0' && !op->op_quiet)
		(void)complain(UVN_OK, "%s: %s", rj->rj_file, rp.rp_warning);
	return status;
}

int
cmd_report(int argc, char **argv)
{
	const char *file = "report.html";
	uint64_t run = 0, sweep = 0;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "the page (report.html); one that is there is replaced",
		    &file, NULL },
		{ "run", '\0', OPTION_COUNT, "N",
		    "run to go into (the newest complete or interrupted one)",
		    &run, NULL },
		{ "sweep", '\0', OPTION_COUNT, "N",
		    "sweep to go into (the newest with a finished cell)",
		    &sweep, NULL },
	};
	const struct command_line cl = {
		.cl_command = "report",
		.cl_operands = "DB",
		.cl_help = "Write one page of HTML about all that DB holds: "
			   "runs, sweeps, calibrations, figures, environment, "
			   "and the commands that repeat them.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status = UVN_OK;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (file[0] == '\0') {
		options_fini(&op);
		return complain(UVN_USAGE, "--output: the file has no name");
	}
	const struct report_job rj = {
		.rj_db = op.op_operands[0],
		.rj_id = { [FIGURE_RUN] = to_id(run),
		    [FIGURE_SWEEP] = to_id(sweep) },
		.rj_file = file,
		.rj_version = UVN_VERSION,
	};
	status = report(&rj, &op);
	options_fini(&op);
	return status;
}
