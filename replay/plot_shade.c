/*
 * plot_shade.c: what each cell of the map looks like.
 */
#include <math.h>
#include <stdlib.h>

#include "replay/plot.h"

static uint64_t
count(const struct plot_cell *pc)
{
	return pc->pc_count[0] + pc->pc_count[1];
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Count the cells, and find what are few accesses of one, and many. */
static bool
survey(const struct plot_result *pr, struct plot_shades *sh)
{
	const size_t n = (size_t)pr->pr_columns * pr->pr_rows;
	uint64_t *const counts = calloc(n, sizeof(*counts));
	size_t used = 0;

	if (counts == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		counts[used] = count(&pr->pr_cells[i]);
		used += counts[used] > 0;
		sh->sh_mapped |= pr->pr_cells[i].pc_mapped;
	}
	sh->sh_used = used;
	if (used > 0) {
		qsort(counts, used, sizeof(*counts), by_value);
		sh->sh_least = counts[0];
		sh->sh_few = counts[used / 100];
		sh->sh_many = counts[used - 1 - used / 100];
		sh->sh_most = counts[used - 1];
	}
	free(counts);
	return true;
}

/* The step of a number of accesses: by its logarithm, from few to many. */
static unsigned
step(const struct plot_shades *sh, uint64_t n)
{
	double part;

	if (sh->sh_few == sh->sh_many)
		return n > sh->sh_many ? PLOT_STEPS - 1 :
		    n < sh->sh_few     ? 0 :
					 PLOT_STEPS / 2;
	part = log((double)n / (double)sh->sh_few) /
	    log((double)sh->sh_many / (double)sh->sh_few);
	return part <= 0 ? 0 :
	    part >= 1	 ? PLOT_STEPS - 1 :
			   (unsigned)(part * PLOT_STEPS);
}

/* A cell with both reads and writes looks like neither alone. */
static unsigned
shade(const struct plot_cell *pc)
{
	if (pc->pc_count[1] == 0)
		return 0;
	if (pc->pc_count[0] == 0)
		return PLOT_SHADES - 1;
	return 1 +
	    (unsigned)((uint128_t)(PLOT_SHADES - 2) * pc->pc_count[1] /
		count(pc));
}

/* Put v where nothing is. */
static void
spread(const struct plot_result *pr, uint8_t *map, size_t i, unsigned wide,
    unsigned high)
{
	const size_t c = i % pr->pr_columns, r = i / pr->pr_columns;
	const size_t c0 = c > (wide - 1) / 2 ? c - (wide - 1) / 2 : 0;
	const size_t r0 = r > (high - 1) / 2 ? r - (high - 1) / 2 : 0;

	for (size_t y = r0; y <= r + high / 2 && y < pr->pr_rows; y++)
		for (size_t x = c0; x <= c + wide / 2 && x < pr->pr_columns;
		     x++) {
			const size_t k = y * pr->pr_columns + x;

			if (count(&pr->pr_cells[k]) == 0)
				map[k] = map[i];
		}
}

/* How many dots wide and high a cell with an access is drawn, at least. */
static unsigned
least(size_t used)
{
	return used < 1500 ? 5 : used < 8000 ? 3 : used < 40000 ? 2 : 1;
}

bool
plot_shade(const struct plot_result *pr, struct plot_shades *sh)
{
	const size_t n = (size_t)pr->pr_columns * pr->pr_rows;
	const unsigned dots =
	    pr->pr_nfiles > 1 ? PLOT_COLUMNS_MANY : PLOT_COLUMNS;
	unsigned size, wide, high;

	*sh = (struct plot_shades){ .sh_map = NULL };
	sh->sh_map = calloc(n, sizeof(*sh->sh_map));
	if (sh->sh_map == NULL || !survey(pr, sh)) {
		free(sh->sh_map);
		sh->sh_map = NULL;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct plot_cell *const pc = &pr->pr_cells[i];

		sh->sh_map[i] = count(pc) > 0 ?
		    (uint8_t)(PLOT_DOT + PLOT_SHADES * step(sh, count(pc)) +
			shade(pc)) :
		    pc->pc_mapped ? PLOT_MAPPED :
				    PLOT_EMPTY;
	}
	/* In cells. */
	size = least(sh->sh_used);
	wide = (size * pr->pr_columns + dots - 1) / dots;
	high = (size * pr->pr_rows + PLOT_ROWS - 1) / PLOT_ROWS;
	for (size_t i = 0; i < n && wide + high > 2; i++)
		if (count(&pr->pr_cells[i]) > 0)
			spread(pr, sh->sh_map, i, wide, high);
	return true;
}
