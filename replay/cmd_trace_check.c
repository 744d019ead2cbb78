#include <inttypes.h>
#include <stdio.h>

#include "replay/cmd_trace.h"

/* Faults said in full; the rest are counted. */
#define FAULTS_SHOWN 10

struct checking {
	const char *ck_path;
	struct trace_state *ck_state;
	uint64_t ck_seq, ck_faults;
	uint64_t ck_beyond; /* accesses past the end of their file */
	uint64_t ck_page;
};

static void
beyond_count(struct checking *ck, const struct trace_event *te)
{
	const uint64_t size = state_size(ck->ck_state, te->te_file);
	const uint64_t mask = ck->ck_page - 1;

	if ((te->te_op == TRACE_READ || te->te_op == TRACE_WRITE) &&
	    (te->te_offset & ~mask) >= ((size + mask) & ~mask))
		ck->ck_beyond++;
}

/* => false: no memory */
static bool
check_event(struct checking *ck, const struct trace_event *te)
{
	const char *what;

	if (state_take(ck->ck_state, te, &what) != 0)
		return false;
	if (what == NULL) {
		beyond_count(ck, te);
	} else if (ck->ck_faults++ < FAULTS_SHOWN) {
		(void)complain(UVN_INPUT, "%s: event %" PRIu64 ": %s %s",
		    ck->ck_path, ck->ck_seq, trace_op_name[te->te_op], what);
	}
	ck->ck_seq++;
	return true;
}

static int
check_read(struct checking *ck, struct trace_reader *tr)
{
	const struct trace_event *ev;
	size_t n;
	int status;

	do {
		status = input_next(tr, &ev, &n);
		for (size_t i = 0; status == UVN_OK && i < n; i++)
			if (!check_event(ck, &ev[i]))
				status = complain(UVN_ENVIRONMENT,
				    "%s: no memory for its maps", ck->ck_path);
	} while (status == UVN_OK && n > 0);
	return status;
}

static int
check(const char *path, bool salvage, bool quiet)
{
	struct checking ck = { .ck_path = path };
	struct trace_reader *tr;
	uint64_t blocks, events;
	char digest[33] = "";
	int status;

	status =
	    input_open(path, TRACE_VERIFY | (salvage ? TRACE_SALVAGE : 0), &tr);
	if (status != UVN_OK)
		return status;
	ck.ck_page = trace_meta(tr)->tm_page;
	ck.ck_state = state_create(trace_meta(tr));
	if (ck.ck_state == NULL)
		status = complain(UVN_ENVIRONMENT, "%s: no memory for its maps",
		    path);
	if (status == UVN_OK)
		status = check_read(&ck, tr);
	trace_salvaged(tr, &blocks, &events);
	if (status == UVN_OK && ck.ck_faults > FAULTS_SHOWN)
		(void)complain(UVN_INPUT,
		    "%s: and %" PRIu64 " more such events", path,
		    ck.ck_faults - FAULTS_SHOWN);
	if (status == UVN_OK && (ck.ck_faults > 0 || blocks > 0))
		status = UVN_INPUT;
	input_salvaged(tr, path);
	if (status == UVN_OK && !quiet && trace_digest(tr, digest) == 0)
		(void)printf("%s: good: %" PRIu64 " events, %" PRIu64
			     " maps left attached, %" PRIu64
			     " accesses past the end of a file, digest %s\n",
		    path, ck.ck_seq, state_live(ck.ck_state), ck.ck_beyond,
		    digest);
	state_destroy(ck.ck_state);
	trace_close(tr);
	return status;
}

int
trace_cmd_check(int argc, char **argv)
{
	bool salvage = false;
	const struct option_row rows[] = { SALVAGE_ROW(&salvage) };
	const struct command_line cl = {
		.cl_command = "trace check",
		.cl_operands = "TRACE...",
		.cl_help =
		    "Read traces whole: checksums, digest, and whether every "
		    "access lies within a mapping that is attached.  Exit "
		    "status 3 if anything is wrong.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = SIZE_MAX,
	};
	struct options op;
	int status, worst = UVN_OK;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	for (size_t i = 0; i < op.op_noperands; i++) {
		status = check(op.op_operands[i], salvage, op.op_quiet);
		if (status > worst)
			worst = status;
	}
	options_fini(&op);
	return worst;
}
