#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/plot_i.h"

/* So few pages, ns or events are shown with room around them. */
#define PAGES_LEAST 8
#define SPAN_LEAST  16
/* The files together, at most. */
#define PAGES_MOST ((uint64_t)1 << 62)

const enum trace_op plot_lane_op[PLOT_NLANES] = {
	[PLOT_MSYNC] = TRACE_MSYNC,
	[PLOT_FSYNC] = TRACE_FSYNC,
	[PLOT_SYNC] = TRACE_SYNC,
};

/* Mark the files that are asked for, or all. */
static int
files_want(struct plot *pl, struct errmsg *em)
{
	const struct plot_param *const pp = pl->pl_param;

	for (size_t i = 0; i < pl->pl_meta->tm_nfiles; i++) {
		pl->pl_extents[i].px_wanted = pp->pp_nfiles == 0;
		pl->pl_extents[i].px_low = UINT64_MAX;
		pl->pl_extents[i].px_place = NOT_SHOWN;
	}
	for (size_t i = 0; i < pp->pp_nfiles; i++) {
		const uint32_t place =
		    trace_place(&pl->pl_places, pp->pp_files[i]);

		if (place == NOT_SHOWN)
			return ERRMSG(em, EINVAL,
			    "the trace has no file %" PRIu32
			    "; uvn trace info --json lists them",
			    pp->pp_files[i]);
		pl->pl_extents[place].px_wanted = true;
	}
	return 0;
}

int
plot_create(const struct trace_meta *tm, const struct plot_param *pp,
    struct plot **plp, struct errmsg *em)
{
	struct plot *const pl = calloc(1, sizeof(*pl));
	int error;

	if (pl == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	pl->pl_meta = tm;
	pl->pl_param = pp;
	pl->pl_shift = (unsigned)__builtin_ctz(tm->tm_page);
	pl->pl_extents = calloc(tm->tm_nfiles + 1, sizeof(*pl->pl_extents));
	pl->pl_state = state_create(tm);
	error = trace_places_init(&pl->pl_places, tm) != 0 ||
		pl->pl_extents == NULL || pl->pl_state == NULL ?
	    ERRMSG(em, ENOMEM, "out of memory") :
	    files_want(pl, em);
	if (error != 0) {
		plot_destroy(pl);
		return error;
	}
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		pl->pl_extents[i].px_size = tm->tm_files[i].tf_size;
	*plp = pl;
	return 0;
}

void
plot_destroy(struct plot *pl)
{
	if (pl == NULL)
		return;
	trace_places_fini(&pl->pl_places);
	state_destroy(pl->pl_state);
	for (size_t i = 0; i < PLOT_NLANES; i++)
		free(pl->pl_result.pr_syncs[i]);
	free(pl->pl_result.pr_cells);
	free(pl->pl_result.pr_files);
	free(pl->pl_result.pr_marks);
	free(pl->pl_result.pr_steps);
	free(pl->pl_extents);
	free(pl->pl_edges);
	free(pl);
}

bool
plot_within(struct plot *pl, const struct trace_event *te, bool *endp)
{
	const struct plot_param *const pp = pl->pl_param;
	const uint64_t seq = pl->pl_seq;

	*endp = seq >= pp->pp_to || te->te_time >= pp->pp_to_time;
	if (*endp)
		return false;
	pl->pl_seq++;
	pl->pl_x = pp->pp_by_event ? seq : te->te_time;
	return seq >= pp->pp_from && te->te_time >= pp->pp_from_time;
}

bool
plot_is_access(const struct plot *pl, const struct trace_event *te,
    bool *writep)
{
	*writep = te->te_op == TRACE_WRITE || te->te_op == TRACE_PWRITE;
	if (te->te_op == TRACE_READ || te->te_op == TRACE_WRITE)
		return true;
	return pl->pl_param->pp_calls && te->te_length > 0 &&
	    (te->te_op == TRACE_PREAD || te->te_op == TRACE_PWRITE);
}

void
plot_pages(const struct plot *pl, const struct trace_event *te,
    uint64_t *firstp, uint64_t *endp)
{
	const uint64_t end = te->te_offset + te->te_length;

	*firstp = te->te_offset >> pl->pl_shift;
	*endp = (end + pl->pl_meta->tm_page - 1) >> pl->pl_shift;
	if (*endp == *firstp)
		(*endp)++;
}

bool
plot_resizes(const struct trace_event *te)
{
	return te->te_op == TRACE_TRUNCATE || te->te_op == TRACE_FALLOCATE ||
	    te->te_op == TRACE_PWRITE;
}

static void
survey_access(struct plot *pl, const struct trace_event *te)
{
	struct plot_extent *const px =
	    &pl->pl_extents[trace_place(&pl->pl_places, te->te_file)];
	uint64_t first, end;

	plot_pages(pl, te, &first, &end);
	if (first < px->px_low)
		px->px_low = first;
	if (end > px->px_end)
		px->px_end = end;
	px->px_accesses += end - first;
}

/* The size of a file changes, or may. */
static void
survey_size(struct plot *pl, const struct trace_event *te, bool within)
{
	struct plot_extent *const px =
	    &pl->pl_extents[trace_place(&pl->pl_places, te->te_file)];
	const uint64_t before = state_size(pl->pl_state, te->te_file);
	const char *what;
	uint64_t size;

	/* An event of a file leaves nothing to allocate. */
	if (state_take(pl->pl_state, te, &what) != 0)
		return;
	size = state_size(pl->pl_state, te->te_file);
	if (within && size != before)
		px->px_resized = true;
	if (!within || size > px->px_size)
		px->px_size = size;
}

bool
plot_survey(struct plot *pl, const struct trace_event *ev, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool end, write;
		const bool within = plot_within(pl, &ev[i], &end);

		if (end)
			return false;
		if (within && !pl->pl_any)
			pl->pl_first = pl->pl_x;
		pl->pl_any |= within;
		if (within)
			pl->pl_last = pl->pl_x;
		if (within && plot_is_access(pl, &ev[i], &write))
			survey_access(pl, &ev[i]);
		if (plot_resizes(&ev[i]))
			survey_size(pl, &ev[i], within);
	}
	return true;
}

/* The band of a file: what was touched, from page 0 if that is not far, and
 * its end if that is near. */
static void
band(const struct plot *pl, const struct plot_extent *px, struct plot_file *pf)
{
	const uint64_t size =
	    (px->px_size + pl->pl_meta->tm_page - 1) >> pl->pl_shift;
	uint64_t end = px->px_end;

	pf->pf_low = px->px_low > end / 2 ? px->px_low : 0;
	if (size > end && size - end <= end / 4)
		end = size;
	pf->pf_pages = end - pf->pf_low;
	pf->pf_accesses = px->px_accesses;
}

/* Stack the files that were accessed. */
static int
files_layout(struct plot *pl, struct errmsg *em)
{
	struct plot_result *const pr = &pl->pl_result;

	pr->pr_files =
	    calloc(pl->pl_meta->tm_nfiles + 1, sizeof(*pr->pr_files));
	if (pr->pr_files == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	for (size_t i = 0; i < pl->pl_meta->tm_nfiles; i++) {
		struct plot_extent *const px = &pl->pl_extents[i];
		struct plot_file *const pf = &pr->pr_files[pr->pr_nfiles];

		if (!px->px_wanted || px->px_accesses == 0)
			continue;
		px->px_place = (uint32_t)pr->pr_nfiles++;
		pf->pf_file = &pl->pl_meta->tm_files[i];
		pf->pf_base = pr->pr_pages;
		band(pl, px, pf);
		pr->pr_pages += pf->pf_pages;
		pr->pr_accesses += pf->pf_accesses;
		if (pr->pr_pages > PAGES_MOST)
			return ERRMSG(em, EOVERFLOW,
			    "its files are too large to be drawn on top of each "
			    "other; choose some with --file");
	}
	if (pr->pr_pages < PAGES_LEAST) {
		if (pr->pr_nfiles > 0)
			pr->pr_files[pr->pr_nfiles - 1].pf_pages +=
			    PAGES_LEAST - pr->pr_pages;
		pr->pr_pages = PAGES_LEAST;
	}
	return 0;
}

/* Room for what the second reading finds. */
static int
room_layout(struct plot *pl, struct errmsg *em)
{
	struct plot_result *const pr = &pl->pl_result;
	const size_t columns = pr->pr_columns;

	pr->pr_cells = calloc(columns * pr->pr_rows, sizeof(*pr->pr_cells));
	pl->pl_edges =
	    calloc((columns + 1) * (pr->pr_rows + 1), sizeof(*pl->pl_edges));
	pr->pr_marks = calloc(columns, sizeof(*pr->pr_marks));
	for (size_t i = 0; i < PLOT_NLANES; i++)
		if ((pr->pr_syncs[i] =
			    calloc(columns, sizeof(*pr->pr_syncs[i]))) == NULL)
			return ERRMSG(em, ENOMEM, "out of memory");
	if (pr->pr_cells == NULL || pl->pl_edges == NULL ||
	    pr->pr_marks == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	return 0;
}

int
plot_layout(struct plot *pl, struct errmsg *em)
{
	struct plot_result *const pr = &pl->pl_result;
	uint64_t columns;
	int error;

	if ((error = files_layout(pl, em)) != 0)
		return error;
	columns = pr->pr_nfiles > 1 ? PLOT_COLUMNS_MANY : PLOT_COLUMNS;
	pr->pr_by_event = pl->pl_param->pp_by_event;
	pr->pr_from = pl->pl_first;
	pr->pr_span = pl->pl_last - pl->pl_first;
	if (pr->pr_span < UINT64_MAX)
		pr->pr_span++;
	if (pr->pr_span < SPAN_LEAST)
		pr->pr_span = SPAN_LEAST;
	pr->pr_columns =
	    (uint32_t)(pr->pr_span < columns ? pr->pr_span : columns);
	pr->pr_rows =
	    (uint32_t)(pr->pr_pages < PLOT_ROWS ? pr->pr_pages : PLOT_ROWS);
	if ((error = room_layout(pl, em)) != 0)
		return error;
	/* From the beginning again. */
	state_destroy(pl->pl_state);
	pl->pl_state = state_create(pl->pl_meta);
	if (pl->pl_state == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	state_watch(pl->pl_state, plot_gone, pl);
	pl->pl_seq = 0;
	return 0;
}
