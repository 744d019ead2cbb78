#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

/* Pages of a footprint, at most: 1 GiB of memory counts them. */
#define PAGES_COUNTED (1U << 26)

/* What a trace amounts to. */
struct tally {
	uint64_t ty_events, ty_first, ty_last;
	uint64_t ty_ops[TRACE_NOPS];
	uint64_t ty_accesses[2]; /* pages read, written through maps */
	uint64_t ty_bytes[2];	 /* read and written by pread and pwrite */
	struct set ty_pages, ty_pids, ty_tids;
	bool ty_more;	   /* pages than are counted */
	unsigned ty_shift; /* of a page */
};

static int
access_add(struct tally *ty, const struct trace_event *te)
{
	const uint64_t first = te->te_offset >> ty->ty_shift;
	const uint64_t end = (te->te_offset + te->te_length +
				 ((uint64_t)1 << ty->ty_shift) - 1) >>
	    ty->ty_shift;

	ty->ty_accesses[te->te_op == TRACE_WRITE] += end - first;
	for (uint64_t page = first; page < end; page++) {
		int error;

		ty->ty_more = set_count(&ty->ty_pages) >= PAGES_COUNTED;
		if (ty->ty_more)
			return 0;
		error =
		    set_add(&ty->ty_pages, (uint64_t)te->te_file << 40 ^ page);

		if (error != 0)
			return error;
	}
	return 0;
}

static int
tally_add(struct tally *ty, const struct trace_event *te)
{
	int error = set_add(&ty->ty_pids, te->te_pid);

	if (error == 0)
		error = set_add(&ty->ty_tids, te->te_tid);
	if (ty->ty_events++ == 0)
		ty->ty_first = te->te_time;
	ty->ty_last = te->te_time;
	ty->ty_ops[te->te_op]++;
	if (te->te_op == TRACE_PREAD || te->te_op == TRACE_PWRITE)
		ty->ty_bytes[te->te_op == TRACE_PWRITE] += te->te_length;
	if (error == 0 && (te->te_op == TRACE_READ || te->te_op == TRACE_WRITE))
		error = access_add(ty, te);
	return error;
}

static void
tally_fini(struct tally *ty)
{
	set_fini(&ty->ty_pages);
	set_fini(&ty->ty_pids);
	set_fini(&ty->ty_tids);
}

static uint64_t
files_bytes(const struct trace_meta *tm)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < tm->tm_nfiles; i++)
		sum += tm->tm_files[i].tf_size;
	return sum;
}

static double
share(uint64_t part, uint64_t whole)
{
	return whole != 0 ? 100 * (double)part / (double)whole : 0;
}

static void
bytes_text(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
		"TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i < nitems(units) - 1; i++)
		v /= 1024;
	if (i == 0)
		(void)snprintf(buf, len, "%" PRIu64 " bytes", bytes);
	else
		(void)snprintf(buf, len, "%" PRIu64 ".%u %s", (uint64_t)v,
		    (unsigned)((v - (double)(uint64_t)v) * 10), units[i]);
}

/* The lines of the preamble that are free form. */
static void
print_provenance(const char *head)
{
	unsigned shown = 0;

	for (const char *end; (end = strchr(head, '\n')) != NULL;
	     head = end + 1) {
		const bool known = trace_meta_line(head);

		if (!known && shown++ == 0)
			(void)printf("provenance\n");
		if (!known)
			(void)printf("  %.*s\n", (int)(end - head), head);
	}
}

static void
print_ops(const struct tally *ty)
{
	(void)printf("ops\n");
	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (ty->ty_ops[op] != 0)
			(void)printf("  %-10s %12" PRIu64 "  %5.1f %%\n",
			    trace_op_name[op], ty->ty_ops[op],
			    share(ty->ty_ops[op], ty->ty_events));
}

/* How it was recorded, as far as that is known. */
static void
print_recorded(const struct trace_meta *tm)
{
	if (tm->tm_mode != NULL)
		(void)printf("mode         %s\n", tm->tm_mode);
	if (tm->tm_clock != TRACE_CLOCK_UNKNOWN)
		(void)printf("clock        %s\n",
		    trace_clock_name[tm->tm_clock]);
	if (tm->tm_lost != 0)
		(void)printf("lost         %" PRIu64 " records\n", tm->tm_lost);
	if (tm->tm_window == TRACE_INF)
		(void)printf(
		    "window       inf; first accesses, syncs and their "
		    "order are all it has\n");
	else if (tm->tm_window != 0)
		(void)printf("window       %" PRIu64
			     " pages; memory below four times that says "
			     "nothing\n",
		    tm->tm_window);
}

static void
print_text(const char *path, const struct trace_reader *tr,
    const struct tally *ty)
{
	const struct trace_meta *tm = trace_meta(tr);
	const uint64_t accesses = ty->ty_accesses[0] + ty->ty_accesses[1];
	char size[64], digest[33];

	(void)printf("trace        %s\n", path);
	if (trace_digest(tr, digest) == 0)
		(void)printf("digest       %s\n", digest);
	(void)printf("events       %" PRIu64 "\n", ty->ty_events);
	(void)printf("time         %.6f s, from %" PRIu64 " to %" PRIu64
		     " ns\n",
	    (double)(ty->ty_last - ty->ty_first) * 1e-9, ty->ty_first,
	    ty->ty_last);
	(void)printf("processes    %zu, threads %zu\n", set_count(&ty->ty_pids),
	    set_count(&ty->ty_tids));
	bytes_text(files_bytes(tm), size, sizeof(size));
	(void)printf("files        %zu, of %s at first\n", tm->tm_nfiles, size);
	(void)printf("page         %" PRIu32 " bytes\n", tm->tm_page);
	print_recorded(tm);
	bytes_text((uint64_t)set_count(&ty->ty_pages) << ty->ty_shift, size,
	    sizeof(size));
	(void)printf("footprint    %s%zu pages, %s\n",
	    ty->ty_more ? "more than " : "", set_count(&ty->ty_pages), size);
	(void)printf("accesses     %" PRIu64
		     " pages, %.1f %% of them written\n",
	    accesses, share(ty->ty_accesses[1], accesses));
	bytes_text(ty->ty_bytes[0], size, sizeof(size));
	(void)printf("pread        %s\n", size);
	bytes_text(ty->ty_bytes[1], size, sizeof(size));
	(void)printf("pwrite       %s\n", size);
	print_ops(ty);
	print_provenance(tm->tm_head);
}

static json_t *
integer(uint64_t v)
{
	return json_integer((json_int_t)v);
}

/* null for what is no UTF-8. */
static json_t *
text(const char *s)
{
	json_t *js = json_string(s);

	return js != NULL ? js : json_null();
}

static json_t *
window_json(uint64_t window)
{
	return window == TRACE_INF ? json_string("inf") : integer(window);
}

static json_t *
ops_json(const struct tally *ty)
{
	json_t *ops = json_object();

	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (ty->ty_ops[op] != 0)
			(void)json_object_set_new(ops, trace_op_name[op],
			    integer(ty->ty_ops[op]));
	return ops;
}

static json_t *
files_json(const struct trace_meta *tm)
{
	json_t *files = json_array();

	for (size_t i = 0; i < tm->tm_nfiles; i++) {
		const struct trace_file *tf = &tm->tm_files[i];
		json_t *file = json_object();

		(void)json_object_set_new(file, "id", integer(tf->tf_id));
		(void)json_object_set_new(file, "size", integer(tf->tf_size));
		(void)json_object_set_new(file, "path", text(tf->tf_path));
		(void)json_array_append_new(files, file);
	}
	return files;
}

static int
print_json(const char *path, const struct trace_reader *tr,
    const struct tally *ty)
{
	const struct trace_meta *tm = trace_meta(tr);
	char digest[33] = "";
	json_t *top = json_object();
	uint64_t blocks, events;
	int bad;

	if (trace_digest(tr, digest) != 0)
		digest[0] = '\0';
	trace_salvaged(tr, &blocks, &events);
	const struct {
		const char *name;
		json_t *value;
	} members[] = {
		{ "trace", text(path) },
		{ "digest", text(digest) },
		{ "events", integer(ty->ty_events) },
		{ "first_ns", integer(ty->ty_first) },
		{ "last_ns", integer(ty->ty_last) },
		{ "duration_ns", integer(ty->ty_last - ty->ty_first) },
		{ "processes", integer(set_count(&ty->ty_pids)) },
		{ "threads", integer(set_count(&ty->ty_tids)) },
		{ "page", integer(tm->tm_page) },
		{ "window", window_json(tm->tm_window) },
		{ "mode",
		    tm->tm_mode != NULL ? text(tm->tm_mode) : json_null() },
		{ "clock", text(trace_clock_name[tm->tm_clock]) },
		{ "lost", integer(tm->tm_lost) },
		{ "footprint_pages", integer(set_count(&ty->ty_pages)) },
		{ "footprint_complete", json_boolean(!ty->ty_more) },
		{ "accesses",
		    integer(ty->ty_accesses[0] + ty->ty_accesses[1]) },
		{ "pages_read", integer(ty->ty_accesses[0]) },
		{ "pages_written", integer(ty->ty_accesses[1]) },
		{ "pread_bytes", integer(ty->ty_bytes[0]) },
		{ "pwrite_bytes", integer(ty->ty_bytes[1]) },
		{ "damaged_blocks", integer(blocks) },
		{ "damaged_events", integer(events) },
		{ "ops", ops_json(ty) },
		{ "files", files_json(tm) },
	};

	for (size_t i = 0; i < nitems(members); i++)
		(void)json_object_set_new(top, members[i].name,
		    members[i].value);
	bad = json_dumpf(top, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(top);
	if (bad != 0)
		return complain(UVN_ENVIRONMENT,
		    "standard output cannot be written");
	return UVN_OK;
}

static int
info(const char *path, bool salvage, bool json)
{
	struct tally ty = { 0 };
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;
	int error = 0, status;

	status = input_open(path, salvage ? TRACE_SALVAGE : 0, &tr);
	if (status != UVN_OK)
		return status;
	ty.ty_shift = (unsigned)__builtin_ctz(trace_meta(tr)->tm_page);
	do {
		status = input_next(tr, &ev, &n);
		for (size_t i = 0; status == UVN_OK && i < n && error == 0; i++)
			error = tally_add(&ty, &ev[i]);
	} while (status == UVN_OK && error == 0 && n > 0);
	if (error != 0)
		status = complain(UVN_ENVIRONMENT,
		    "%s: no memory to count its pages", path);
	if (status == UVN_OK && json)
		status = print_json(path, tr, &ty);
	else if (status == UVN_OK)
		print_text(path, tr, &ty);
	if (status == UVN_OK)
		input_salvaged(tr, path);
	tally_fini(&ty);
	trace_close(tr);
	return status;
}

int
trace_cmd_info(int argc, char **argv)
{
	bool salvage = false;
	const struct option_row rows[] = { SALVAGE_ROW(&salvage) };
	const struct command_line cl = {
		.cl_command = "trace info",
		.cl_operands = "TRACE",
		.cl_help = "Say what is in a trace: events, time, processes, "
			   "files, pages touched, and where it comes from.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	status = info(op.op_operands[0], salvage, op.op_json);
	options_fini(&op);
	return status;
}
