#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

/* A cut in progress. */
struct cut {
	uint64_t cu_from, cu_to;	   /* events: from, and before to */
	uint64_t cu_from_time, cu_to_time; /* ns: the same */
	const char *cu_path, *cu_out;
	enum trace_form cu_form;
	struct trace_state *cu_state;
	struct trace_writer *cu_tw; /* NULL until the cut begins */
	uint64_t cu_seq, cu_time;   /* of the event at hand */
	uint64_t cu_put;	    /* events put before it, maps and so on */
	struct errmsg cu_em;
};

/*
 * The preamble of the cut: the original's, with the sizes that files have when
 * it begins, and a line that tells of the cut.
 */
static char *
cut_head(const struct cut *cu, const struct trace_meta *tm)
{
	char *head = NULL;
	size_t len, file = 0;
	FILE *fp = open_memstream(&head, &len);

	if (fp == NULL)
		return NULL;
	for (const char *p = tm->tm_head, *end; (end = strchr(p, '\n')) != NULL;
	     p = end + 1) {
		if (strncmp(p, "#file ", 6) != 0) {
			(void)fwrite(p, 1, (size_t)(end - p) + 1, fp);
			continue;
		}
		(void)fprintf(fp,
		    "#file %" PRIu32 " size=%" PRIu64 " path=%s\n",
		    tm->tm_files[file].tf_id,
		    state_size(cu->cu_state, tm->tm_files[file].tf_id),
		    tm->tm_files[file].tf_path);
		file++;
	}
	(void)fprintf(fp,
	    "#cut from event %" PRIu64 " at %" PRIu64
	    " ns; maps attached before are attached again\n",
	    cu->cu_seq, cu->cu_time);
	if (fclose(fp) != 0) {
		free(head);
		return NULL;
	}
	return head;
}

static int
emit(void *arg, const struct trace_event *te)
{
	struct cut *cu = arg;
	struct trace_event now = *te;

	now.te_time = cu->cu_time;
	cu->cu_put++;
	return trace_put(cu->cu_tw, &now, 1, &cu->cu_em);
}

/* The first event of the cut is at hand: write what stands before it. */
static int
cut_begin(struct cut *cu, const struct trace_meta *tm)
{
	struct trace_meta own = *tm;
	int error;

	own.tm_head = cut_head(cu, tm);
	if (own.tm_head == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	error =
	    trace_create(cu->cu_out, cu->cu_form, &own, &cu->cu_tw, &cu->cu_em);
	free(own.tm_head);
	if (error == 0)
		error = state_replay(cu->cu_state, emit, cu);
	if (error != 0)
		return complain(output_status(error), "%s", cu->cu_em.em_text);
	return UVN_OK;
}

static bool
begun(const struct cut *cu, uint64_t time)
{
	return cu->cu_seq >= cu->cu_from && time >= cu->cu_from_time;
}

static bool
ended(const struct cut *cu, uint64_t time)
{
	return cu->cu_seq >= cu->cu_to || time >= cu->cu_to_time;
}

/* => *donep: the cut has ended */
static int
cut_event(struct cut *cu, const struct trace_meta *tm,
    const struct trace_event *te, bool *donep)
{
	const char *what;
	int error, status;

	if (ended(cu, te->te_time)) {
		*donep = true;
		return UVN_OK;
	}
	cu->cu_time = te->te_time;
	if (cu->cu_tw == NULL && begun(cu, te->te_time)) {
		status = cut_begin(cu, tm);
		if (status != UVN_OK)
			return status;
	}
	if (cu->cu_tw != NULL) {
		error = trace_put(cu->cu_tw, te, 1, &cu->cu_em);
		if (error != 0)
			return complain(output_status(error), "%s",
			    cu->cu_em.em_text);
	} else {
		error = state_take(cu->cu_state, te, &what);
		if (error != 0)
			return complain(UVN_ENVIRONMENT, "out of memory");
		if (what != NULL)
			return complain(UVN_INPUT,
			    "%s: event %" PRIu64 ": %s %s; see uvn trace check",
			    cu->cu_path, cu->cu_seq, trace_op_name[te->te_op],
			    what);
	}
	cu->cu_seq++;
	return UVN_OK;
}

static int
cut_read(struct cut *cu, struct trace_reader *tr)
{
	const struct trace_meta *tm = trace_meta(tr);
	const struct trace_event *ev;
	bool done = false;
	size_t n;
	int status;

	do {
		status = input_next(tr, &ev, &n);
		for (size_t i = 0; status == UVN_OK && i < n && !done; i++)
			status = cut_event(cu, tm, &ev[i], &done);
	} while (status == UVN_OK && n > 0 && !done);
	if (status == UVN_OK && cu->cu_tw == NULL)
		status = cut_begin(cu, tm);
	return status;
}

static int
cut(struct cut *cu, bool quiet)
{
	struct trace_reader *tr;
	int error, status = input_open(cu->cu_path, 0, &tr);

	if (status != UVN_OK)
		return status;
	cu->cu_state = state_create(trace_meta(tr));
	if (cu->cu_state == NULL)
		status = complain(UVN_ENVIRONMENT, "out of memory");
	else
		status = cut_read(cu, tr);
	if (status == UVN_OK) {
		error = trace_finish(cu->cu_tw, &cu->cu_em);
		cu->cu_tw = NULL;
		if (error != 0)
			status = complain(output_status(error), "%s",
			    cu->cu_em.em_text);
	}
	if (cu->cu_tw != NULL)
		trace_abandon(cu->cu_tw);
	if (status == UVN_OK && cu->cu_put > 0 && !quiet)
		(void)complain(UVN_OK,
		    "%" PRIu64 " events attach again what was attached before "
		    "the cut",
		    cu->cu_put);
	state_destroy(cu->cu_state);
	trace_close(tr);
	return status;
}

int
trace_cmd_cut(int argc, char **argv)
{
	struct cut cu = {
		.cu_to = UINT64_MAX,
		.cu_to_time = UINT64_MAX,
		.cu_form = TRACE_UVT,
	};
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; .uvt, .csv or .csv.zst says the form",
		    &cu.cu_out, NULL },
		{ "from", '\0', OPTION_COUNT, "N", "the first event to take",
		    &cu.cu_from, NULL },
		{ "to", '\0', OPTION_COUNT, "N",
		    "the first event not to take any more", &cu.cu_to, NULL },
		{ "from-time", '\0', OPTION_TIME, "TIME",
		    "take events from this time of the trace on",
		    &cu.cu_from_time, NULL },
		{ "to-time", '\0', OPTION_TIME, "TIME",
		    "take events before this time of the trace", &cu.cu_to_time,
		    NULL },
	};
	const struct command_line cl = {
		.cl_command = "trace cut",
		.cl_operands = "TRACE",
		.cl_help =
		    "Take a range of events out of a trace.  What is attached "
		    "when it begins is attached again first, and files have "
		    "the sizes they have by then; times stay as they are.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	cu.cu_path = op.op_operands[0];
	if (cu.cu_out == NULL)
		status = complain(UVN_USAGE, "say -o FILE.uvt or FILE.csv");
	else if (cu.cu_from > cu.cu_to || cu.cu_from_time > cu.cu_to_time)
		status = complain(UVN_USAGE, "the cut ends before it begins");
	else
		status = output_form(cu.cu_out, &cu.cu_form);
	if (status == UVN_OK)
		status = cut(&cu, op.op_quiet);
	options_fini(&op);
	return status;
}
