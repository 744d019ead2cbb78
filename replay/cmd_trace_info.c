#include <inttypes.h>

#include "replay/cmd_trace_info.h"

uint64_t
info_misses(const struct stats_result *sr, unsigned k)
{
	uint64_t sum = sr->sr_touched;

	for (; k < STATS_BUCKETS; k++)
		sum += sr->sr_reuse.sh_bucket[k];
	return sum;
}

bool
info_meaningful(const struct info *in, uint64_t pages)
{
	return pages / INFO_WINDOWS >= trace_meta(in->in_trace)->tm_window;
}

/* Read the trace to its end. */
static int
gather(struct trace_reader *tr, struct trace_stats *ts)
{
	const struct trace_event *ev;
	size_t n;
	int status;

	do {
		status = input_next(tr, &ev, &n);
		if (status == UVN_OK)
			trace_stats_take(ts, ev, n);
	} while (status == UVN_OK && n > 0);
	return status;
}

static int
info(struct info *in, const struct stats_param *sp, bool salvage, bool json)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct trace_stats *ts;
	int status;

	status = input_open(in->in_path, salvage ? TRACE_SALVAGE : 0, &tr);
	if (status != UVN_OK)
		return status;
	if (trace_stats_create(trace_meta(tr), sp, &ts, &em) != 0) {
		trace_close(tr);
		return complain(UVN_ENVIRONMENT, "%s: %s", in->in_path,
		    em.em_text);
	}
	status = gather(tr, ts);
	if (status == UVN_OK) {
		in->in_trace = tr;
		in->in_result = trace_stats_result(ts);
		if (json)
			status = info_json(in);
		else
			status = info_text(in);
	}
	if (status == UVN_OK)
		input_salvaged(tr, in->in_path);
	trace_stats_destroy(ts);
	trace_close(tr);
	return status;
}

int
trace_cmd_info(int argc, char **argv)
{
	struct info in = { .in_top = 10 };
	struct stats_param sp = { .sp_memory = STATS_MEMORY };
	bool salvage = false;
	const struct option_row rows[] = {
		{ "fast", '\0', OPTION_FLAG, NULL,
		    "leave out the distances of reuse, which take most time",
		    &sp.sp_fast, NULL },
		{ "top", '\0', OPTION_COUNT, "N",
		    "list the N files with the most accesses (10)", &in.in_top,
		    NULL },
		{ "limit", '\0', OPTION_SIZE, "SIZE",
		    "memory that the pages of the trace may take (1G)",
		    &sp.sp_memory, NULL },
		SALVAGE_ROW(&salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace info",
		.cl_operands = "TRACE",
		.cl_help = "Say what is in a trace: events, time, processes, "
			   "files, pages touched, how they are reused, what "
			   "syncs find dirty, and where it comes from.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	in.in_path = op.op_operands[0];
	if (sp.sp_memory == 0)
		status = complain(UVN_USAGE,
		    "--limit: pages want some memory, as the 1G that is the "
		    "default");
	else
		status = info(&in, &sp, salvage, op.op_json);
	options_fini(&op);
	return status;
}
