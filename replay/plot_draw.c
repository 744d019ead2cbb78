#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/plot_i.h"

/*
 * The column of an event or a time, which may lie before the first; and behind
 * the last, if the trace has changed since it was surveyed.
 */
static uint32_t
column(const struct plot *pl, uint64_t x)
{
	const struct plot_result *const pr = &pl->pl_result;

	if (x <= pr->pr_from)
		return 0;
	if (x - pr->pr_from >= pr->pr_span)
		return pr->pr_columns - 1;
	return (uint32_t)((uint128_t)(x - pr->pr_from) * pr->pr_columns /
	    pr->pr_span);
}

/* The row of a page of the stack, and its first page. */
static uint32_t
row(const struct plot_result *pr, uint64_t page)
{
	return (uint32_t)((uint128_t)page * pr->pr_rows / pr->pr_pages);
}

static uint64_t
row_from(const struct plot_result *pr, uint32_t r)
{
	return (uint64_t)(((uint128_t)r * pr->pr_pages + pr->pr_rows - 1) /
	    pr->pr_rows);
}

/*
 * Pages first..end - 1 of a file as pages of the stack, as far as they are
 * shown.
 */
static bool
shown(const struct plot_file *pf, uint64_t *firstp, uint64_t *endp)
{
	const uint64_t high = pf->pf_low + pf->pf_pages;

	if (*firstp < pf->pf_low)
		*firstp = pf->pf_low;
	if (*endp > high)
		*endp = high;
	if (*firstp >= *endp)
		return false;
	*firstp += pf->pf_base - pf->pf_low;
	*endp += pf->pf_base - pf->pf_low;
	return true;
}

/* The file of an event, if it is shown. */
static const struct plot_file *
file_of(const struct plot *pl, uint32_t id)
{
	const uint32_t place = trace_place(&pl->pl_places, id);

	if (place == NOT_SHOWN || pl->pl_extents[place].px_place == NOT_SHOWN)
		return NULL;
	return &pl->pl_result.pr_files[pl->pl_extents[place].px_place];
}

static void
draw_access(struct plot *pl, const struct trace_event *te, bool write)
{
	struct plot_result *const pr = &pl->pl_result;
	const struct plot_file *const pf = file_of(pl, te->te_file);
	const uint32_t c = column(pl, pl->pl_x);
	uint64_t first, end;

	plot_pages(pl, te, &first, &end);
	if (pf == NULL || !shown(pf, &first, &end))
		return;
	for (uint32_t r = row(pr, first); first < end; r++) {
		const uint64_t next = row_from(pr, r + 1);
		const uint64_t stop = next < end ? next : end;

		pr->pr_cells[(size_t)r * pr->pr_columns + c].pc_count[write] +=
		    stop - first;
		first = stop;
	}
}

/*
 * Maps come and go as rectangles.  At their corners stand +1 and -1, so that
 * the sum of all that is to the left of and below a cell is the number of maps
 * that cover it.
 */
void
plot_gone(void *arg, const struct trace_event *te, uint64_t from, uint64_t to)
{
	struct plot *const pl = arg;
	const struct plot_result *const pr = &pl->pl_result;
	const struct plot_file *const pf = file_of(pl, te->te_file);
	const size_t width = (size_t)pr->pr_columns + 1;
	uint32_t c0, c1, r0, r1;

	from >>= pl->pl_shift;
	to >>= pl->pl_shift;
	/* It went before the first column, or comes behind the last. */
	if (pf == NULL || pl->pl_x < pr->pr_from || !shown(pf, &from, &to))
		return;
	/* The time of its attach was put into te_time as pl_x. */
	c0 = column(pl, te->te_time);
	c1 = column(pl, pl->pl_x) + 1;
	r0 = row(pr, from);
	r1 = row(pr, to - 1) + 1;
	pl->pl_edges[r0 * width + c0]++;
	pl->pl_edges[r0 * width + c1]--;
	pl->pl_edges[r1 * width + c0]--;
	pl->pl_edges[r1 * width + c1]++;
}

static bool
put(struct plot *pl, uint32_t file, uint32_t c, uint64_t pages)
{
	struct plot_result *const pr = &pl->pl_result;

	if (pr->pr_nsteps == pl->pl_room) {
		const size_t room = pl->pl_room * 2 + 64;
		struct plot_step *const ps =
		    reallocarray(pr->pr_steps, room, sizeof(*ps));

		if (ps == NULL)
			return false;
		pr->pr_steps = ps;
		pl->pl_room = room;
	}
	pr->pr_steps[pr->pr_nsteps] =
	    (struct plot_step){ file, c, pr->pr_nsteps, pages };
	pr->pr_nsteps++;
	return true;
}

/* What a column has seen of a file's sizes: four steps tell it all. */
static bool
flush_sizes(struct plot *pl, struct plot_extent *px)
{
	const uint64_t sizes[] = { px->px_first, px->px_least, px->px_most,
		px->px_last };

	for (size_t i = 0; i < nitems(sizes) && px->px_stepped; i++)
		if ((i == 0 || sizes[i] != sizes[i - 1]) &&
		    !put(pl, px->px_place, px->px_column, sizes[i]))
			return false;
	px->px_stepped = false;
	return true;
}

/* A file has a size from now on.  => false: no memory */
static bool
draw_size(struct plot *pl, uint32_t place, uint64_t bytes)
{
	const uint64_t pages =
	    (bytes + pl->pl_meta->tm_page - 1) >> pl->pl_shift;
	const uint32_t c = column(pl, pl->pl_x);
	struct plot_extent *px;

	if (place == NOT_SHOWN)
		return true;
	px = &pl->pl_extents[place];
	if (px->px_place == NOT_SHOWN || !px->px_resized)
		return true;
	if (px->px_stepped && px->px_column != c && !flush_sizes(pl, px))
		return false;
	if (!px->px_stepped) {
		px->px_column = c;
		px->px_first = px->px_least = px->px_most = pages;
		px->px_stepped = true;
	}
	if (pages < px->px_least)
		px->px_least = pages;
	if (pages > px->px_most)
		px->px_most = pages;
	px->px_last = pages;
	return true;
}

/* Sizes of all files when the range begins. */
static bool
draw_sizes(struct plot *pl)
{
	const struct trace_meta *const tm = pl->pl_meta;

	for (uint32_t i = 0; i < tm->tm_nfiles; i++)
		if (!draw_size(pl, i,
			state_size(pl->pl_state, tm->tm_files[i].tf_id)))
			return false;
	return true;
}

static void
draw_sync(struct plot *pl, const struct trace_event *te)
{
	struct plot_result *const pr = &pl->pl_result;

	for (size_t i = 0; i < PLOT_NLANES; i++)
		if (plot_lane_op[i] == te->te_op &&
		    (te->te_op == TRACE_SYNC ||
			file_of(pl, te->te_file) != NULL))
			pr->pr_syncs[i][column(pl, pl->pl_x)]++;
}

/* An event that is no access to a page.  => ENOMEM */
static int
draw_other(struct plot *pl, const struct trace_event *te, bool within)
{
	struct trace_event now = *te;
	const char *what;

	/* What cannot be is not drawn; uvn trace check tells. */
	now.te_time = pl->pl_x;
	if (state_take(pl->pl_state, &now, &what) != 0)
		return ENOMEM;
	if (!within)
		return 0;
	if (te->te_op == TRACE_MARK)
		pl->pl_result.pr_marks[column(pl, pl->pl_x)] = true;
	draw_sync(pl, te);
	if (plot_resizes(te) &&
	    !draw_size(pl, trace_place(&pl->pl_places, te->te_file),
		state_size(pl->pl_state, te->te_file)))
		return ENOMEM;
	return 0;
}

int
plot_draw(struct plot *pl, const struct trace_event *ev, size_t n, bool *morep,
    struct errmsg *em)
{
	bool end = false;

	for (size_t i = 0; i < n; i++) {
		const struct trace_event *const te = &ev[i];
		const bool within = plot_within(pl, te, &end);
		bool write, ok = true;

		if (end)
			break;
		if (within && pl->pl_any) {
			ok = draw_sizes(pl);
			pl->pl_any = false;
		}
		if (within && plot_is_access(pl, te, &write))
			draw_access(pl, te, write);
		if (te->te_op != TRACE_READ && te->te_op != TRACE_WRITE)
			ok &= draw_other(pl, te, within) == 0;
		if (!ok)
			return ERRMSG(em, ENOMEM, "out of memory");
	}
	*morep = !end;
	return 0;
}

/* Let each cell know whether a map covers it. */
static void
cover(struct plot *pl)
{
	struct plot_result *const pr = &pl->pl_result;
	const size_t width = (size_t)pr->pr_columns + 1;

	for (size_t r = 0; r < pr->pr_rows; r++) {
		int32_t sum = 0;

		for (size_t c = 0; c < width; c++) {
			int32_t *const edge = &pl->pl_edges[r * width + c];

			sum += *edge;
			*edge = sum + (r > 0 ? edge[-(ptrdiff_t)width] : 0);
			if (c < pr->pr_columns)
				pr->pr_cells[r * pr->pr_columns + c].pc_mapped =
				    *edge > 0;
		}
	}
}

/* Does a cell of the grid become larger, this way and that? */
static bool
dense(const struct plot_result *pr)
{
	const size_t n = (size_t)pr->pr_columns * pr->pr_rows;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used +=
		    pr->pr_cells[i].pc_count[0] + pr->pr_cells[i].pc_count[1] >
		    0;
	return used > n / 3;
}

/* Make cells of wide x high cells. */
static void
coarsen_cells(struct plot_result *pr, uint32_t wide, uint32_t high)
{
	const uint32_t columns = pr->pr_columns / wide;
	const uint32_t rows = pr->pr_rows / high;

	for (uint32_t i = 0; i < columns * rows; i++) {
		struct plot_cell sum = { .pc_mapped = false };

		for (uint32_t k = 0; k < wide * high; k++) {
			const size_t r =
			    (size_t)(i / columns) * high + k / wide;
			const size_t c =
			    (size_t)(i % columns) * wide + k % wide;
			const struct plot_cell *const pc =
			    &pr->pr_cells[r * pr->pr_columns + c];

			sum.pc_count[0] += pc->pc_count[0];
			sum.pc_count[1] += pc->pc_count[1];
			sum.pc_mapped |= pc->pc_mapped;
		}
		/* What was there has been read, this row and below. */
		pr->pr_cells[i] = sum;
	}
}

/* A dense grid is noise: let a cell be of two columns and rows. */
static void
coarsen(struct plot_result *pr)
{
	const uint32_t wide = pr->pr_columns == PLOT_COLUMNS ||
		pr->pr_columns == PLOT_COLUMNS_MANY ?
	    2 :
	    1;
	const uint32_t high = pr->pr_rows == PLOT_ROWS ? 2 : 1;

	coarsen_cells(pr, wide, high);
	for (uint32_t c = 0; c < pr->pr_columns && wide > 1; c++) {
		for (size_t i = 0; i < PLOT_NLANES; i++)
			pr->pr_syncs[i][c / 2] =
			    (c % 2 == 0 ? 0 : pr->pr_syncs[i][c / 2]) +
			    pr->pr_syncs[i][c];
		pr->pr_marks[c / 2] =
		    (c % 2 != 0 && pr->pr_marks[c / 2]) || pr->pr_marks[c];
	}
	for (size_t i = 0; i < pr->pr_nsteps; i++)
		pr->pr_steps[i].ps_column /= wide;
	pr->pr_columns /= wide;
	pr->pr_rows /= high;
}

static int
by_file(const void *a, const void *b)
{
	const struct plot_step *const x = a, *const y = b;

	if (x->ps_file != y->ps_file)
		return x->ps_file < y->ps_file ? -1 : 1;
	return (x->ps_seq > y->ps_seq) - (x->ps_seq < y->ps_seq);
}

const struct plot_result *
plot_finish(struct plot *pl)
{
	struct plot_result *const pr = &pl->pl_result;

	for (size_t i = 0; i < pl->pl_meta->tm_nfiles; i++)
		(void)flush_sizes(pl, &pl->pl_extents[i]);
	if (pr->pr_nsteps > 0)
		qsort(pr->pr_steps, pr->pr_nsteps, sizeof(*pr->pr_steps),
		    by_file);
	state_end(pl->pl_state);
	cover(pl);
	if (dense(pr))
		coarsen(pr);
	return pr;
}
