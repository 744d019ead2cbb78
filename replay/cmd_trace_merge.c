#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

/* One of the traces that are merged. */
struct source {
	const char *so_path;
	struct trace_reader *so_tr;
	const struct trace_event *so_ev; /* the next event, if any */
	size_t so_n;
	uint32_t *so_files; /* what becomes of files, by position */
};

struct merge {
	struct source *me_sources;
	size_t me_n;
	bool me_same_files, me_renumber_pids;
	struct trace_meta me_meta;
	struct errmsg me_em;
};

static int
no_memory(void)
{
	return complain(UVN_ENVIRONMENT, "out of memory");
}

/* The file of that path, if files of the same path are one. */
static struct trace_file *
same_file(const struct merge *me, const char *path)
{
	for (size_t i = 0; me->me_same_files && i < me->me_meta.tm_nfiles;
	     i++) {
		struct trace_file *tf = &me->me_meta.tm_files[i];

		assert(tf->tf_path != NULL);
		if (strcmp(tf->tf_path, path) == 0)
			return tf;
	}
	return NULL;
}

/* Number the files of a source; me_meta borrows their paths. */
static int
files_number(struct merge *me, struct source *so)
{
	const struct trace_meta *tm = trace_meta(so->so_tr);

	so->so_files = calloc(tm->tm_nfiles + 1, sizeof(*so->so_files));
	if (so->so_files == NULL)
		return no_memory();
	for (size_t i = 0; i < tm->tm_nfiles; i++) {
		struct trace_file *tf = same_file(me, tm->tm_files[i].tf_path);

		if (tf != NULL && tf->tf_size != tm->tm_files[i].tf_size)
			return complain(UVN_INPUT,
			    "%s: %s has %" PRIu64 " bytes here, and %" PRIu64
			    " in a trace before; merge without --same-files",
			    so->so_path, tf->tf_path, tm->tm_files[i].tf_size,
			    tf->tf_size);
		if (tf == NULL) {
			tf = &me->me_meta.tm_files[me->me_meta.tm_nfiles++];
			*tf = tm->tm_files[i];
			tf->tf_id = (uint32_t)me->me_meta.tm_nfiles;
		}
		so->so_files[i] = tf->tf_id;
	}
	return UVN_OK;
}

/* One preamble of all: declarations of ours, provenance of each. */
static char *
merge_head(const struct merge *me)
{
	char *declared = trace_meta_text(&me->me_meta), *head = NULL;
	size_t len;
	FILE *fp = open_memstream(&head, &len);

	if (fp == NULL || declared == NULL) {
		if (fp != NULL)
			(void)fclose(fp);
		free(head);
		free(declared);
		return NULL;
	}
	(void)fputs(declared, fp);
	free(declared);
	for (size_t i = 0; i < me->me_n; i++) {
		const struct source *so = &me->me_sources[i];
		const char *base = strrchr(so->so_path, '/');

		(void)fprintf(fp, "#merged %zu of %zu: %s\n", i + 1, me->me_n,
		    base != NULL ? base + 1 : so->so_path);
		for (const char *p = trace_meta(so->so_tr)->tm_head, *end;
		     (end = strchr(p, '\n')) != NULL; p = end + 1)
			if (!trace_meta_line(p))
				(void)fwrite(p, 1, (size_t)(end - p) + 1, fp);
	}
	if (fclose(fp) != 0) {
		free(head);
		return NULL;
	}
	return head;
}

/* What the trace says of itself, of what one of them does. */
static void
meta_add(struct merge *me, const struct trace_meta *tm)
{
	struct trace_meta *all = &me->me_meta;
	const bool first = me->me_n == 0;

	/* Paths and modes are borrowed. */
	if (first)
		all->tm_mode = tm->tm_mode;
	else if (all->tm_mode != NULL &&
	    (tm->tm_mode == NULL || strcmp(all->tm_mode, tm->tm_mode) != 0))
		all->tm_mode = NULL;
	if (first)
		all->tm_clock = tm->tm_clock;
	else if (all->tm_clock != tm->tm_clock)
		all->tm_clock = TRACE_CLOCK_UNKNOWN;
	if (tm->tm_window > all->tm_window)
		all->tm_window = tm->tm_window;
	all->tm_lost += tm->tm_lost;
}

static int
sources_open(struct merge *me, const struct options *op)
{
	size_t nfiles = 0;

	me->me_sources = calloc(op->op_noperands, sizeof(*me->me_sources));
	if (me->me_sources == NULL)
		return no_memory();
	for (; me->me_n < op->op_noperands; me->me_n++) {
		struct source *so = &me->me_sources[me->me_n];
		const struct trace_meta *tm;
		int status;

		so->so_path = op->op_operands[me->me_n];
		status = input_open(so->so_path, 0, &so->so_tr);
		if (status != UVN_OK)
			return status;
		tm = trace_meta(so->so_tr);
		nfiles += tm->tm_nfiles;
		if (me->me_n == 0)
			me->me_meta.tm_page = tm->tm_page;
		if (tm->tm_page != me->me_meta.tm_page) {
			me->me_n++;
			return complain(UVN_INPUT,
			    "%s: its pages have %" PRIu32
			    " bytes, and those of %s %" PRIu32,
			    so->so_path, tm->tm_page, me->me_sources[0].so_path,
			    me->me_meta.tm_page);
		}
		meta_add(me, tm);
	}
	me->me_meta.tm_files =
	    calloc(nfiles + 1, sizeof(*me->me_meta.tm_files));
	if (me->me_meta.tm_files == NULL)
		return no_memory();
	for (size_t i = 0; i < me->me_n; i++) {
		const int status = files_number(me, &me->me_sources[i]);

		if (status != UVN_OK)
			return status;
	}
	me->me_meta.tm_head = merge_head(me);
	return me->me_meta.tm_head != NULL ? UVN_OK : no_memory();
}

static void
merge_fini(struct merge *me)
{
	for (size_t i = 0; i < me->me_n; i++) {
		trace_close(me->me_sources[i].so_tr);
		free(me->me_sources[i].so_files);
	}
	free(me->me_sources);
	free(me->me_meta.tm_files);
	free(me->me_meta.tm_head);
}

/*
 * Spread the ids of n traces so that no two meet: the ids of trace i become
 * those that leave i when divided by n.  0 stays none.
 */
static bool
spread(uint32_t *id, size_t i, size_t n)
{
	uint64_t v;

	if (*id == 0)
		return true;
	v = (uint64_t)(*id - 1) * n + i + 1;
	*id = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool
renumber(const struct merge *me, size_t i, struct trace_event *te)
{
	const struct source *so = &me->me_sources[i];
	const struct trace_meta *tm = trace_meta(so->so_tr);
	bool fits = spread(&te->te_map, i, me->me_n);

	for (size_t f = 0; te->te_file != 0 && f < tm->tm_nfiles; f++) {
		/* Ids are as good as always positions. */
		const size_t at = (f + te->te_file - 1) % tm->tm_nfiles;

		if (tm->tm_files[at].tf_id == te->te_file) {
			te->te_file = so->so_files[at];
			break;
		}
	}
	if (me->me_renumber_pids)
		fits = spread(&te->te_pid, i, me->me_n) &&
		    spread(&te->te_tid, i, me->me_n) && fits;
	return fits;
}

/* Have the next event of a source at hand, unless it has none. */
static int
source_fill(struct source *so)
{
	if (so->so_n > 0)
		return UVN_OK;
	return input_next(so->so_tr, &so->so_ev, &so->so_n);
}

/* The source whose next event is the earliest; the first of equals. */
static struct source *
earliest(struct merge *me)
{
	struct source *best = NULL;

	for (size_t i = 0; i < me->me_n; i++) {
		struct source *so = &me->me_sources[i];

		if (so->so_n > 0 &&
		    (best == NULL || so->so_ev->te_time < best->so_ev->te_time))
			best = so;
	}
	return best;
}

static int
merge_events(struct merge *me, struct trace_writer *tw)
{
	struct source *so;
	int error, status;

	for (size_t i = 0; i < me->me_n; i++) {
		status = source_fill(&me->me_sources[i]);
		if (status != UVN_OK)
			return status;
	}
	while ((so = earliest(me)) != NULL) {
		struct trace_event te = *so->so_ev++;

		so->so_n--;
		if (!renumber(me, (size_t)(so - me->me_sources), &te))
			return complain(UVN_INPUT,
			    "%s: its map or process ids are too large to be "
			    "told apart from those of %zu other traces",
			    so->so_path, me->me_n - 1);
		error = trace_put(tw, &te, 1, &me->me_em);
		if (error != 0)
			return complain(output_status(error), "%s",
			    me->me_em.em_text);
		status = source_fill(so);
		if (status != UVN_OK)
			return status;
	}
	return UVN_OK;
}

static int
merge(struct merge *me, const struct options *op, const char *to,
    enum trace_form form)
{
	struct trace_writer *tw;
	int error, status = sources_open(me, op);

	if (status != UVN_OK)
		return status;
	error = trace_create(to, form, &me->me_meta, &tw, &me->me_em);
	if (error == 0) {
		status = merge_events(me, tw);
		if (status == UVN_OK)
			error = trace_finish(tw, &me->me_em);
		else
			trace_abandon(tw);
	}
	if (error != 0)
		return complain(output_status(error), "%s", me->me_em.em_text);
	return status;
}

int
trace_cmd_merge(int argc, char **argv)
{
	struct merge me = { 0 };
	enum trace_form form = TRACE_UVT;
	const char *to = NULL;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; .uvt, .csv or .csv.zst says the form", &to,
		    NULL },
		{ "same-files", '\0', OPTION_FLAG, NULL,
		    "files of the same path are one file", &me.me_same_files,
		    NULL },
		{ "renumber-pids", '\0', OPTION_FLAG, NULL,
		    "processes and threads of different traces are different, "
		    "whatever their numbers",
		    &me.me_renumber_pids, NULL },
	};
	const struct command_line cl = {
		.cl_command = "trace merge",
		.cl_operands = "TRACE TRACE...",
		.cl_help =
		    "Merge traces by time.  Files and maps are numbered anew, "
		    "so that those of different traces are different.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 2,
		.cl_max = SIZE_MAX,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (to == NULL)
		status = complain(UVN_USAGE, "say -o FILE.uvt or FILE.csv");
	else
		status = output_form(to, &form);
	if (status == UVN_OK)
		status = merge(&me, &op, to, form);
	merge_fini(&me);
	options_fini(&op);
	return status;
}
