#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "replay/plot.h"

/* Names beside a map of several files: so many rows of it each, and so many
 * characters; above a map of one there is room for more. */
#define NAME_ROWS      24U
#define NAME_CHARS     13U
#define NAME_CHARS_ONE 22U
#define NAMES	       (PLOT_ROWS / NAME_ROWS + 1)

/* A file's band is told from the next if it has so many rows; by a line from
 * side to side, and with its size, if it has so many. */
#define BOUND_ROWS 4U
#define LARGE_ROWS 28U

/* A block of the data file that has no rows: gnuplot does not see empty ones. */
#define NOTHING "NaN NaN NaN NaN\n"

static void
write_cells(FILE *fp, const struct plot_result *pr)
{
	(void)fprintf(fp, "# cells: column, row, pages read, pages written\n");
	for (uint32_t c = 0; c < pr->pr_columns; c++)
		for (uint32_t r = 0; r < pr->pr_rows; r++) {
			const struct plot_cell *const pc =
			    &pr->pr_cells[(size_t)r * pr->pr_columns + c];

			if (pc->pc_count[0] + pc->pc_count[1] > 0)
				(void)fprintf(fp,
				    "%" PRIu32 " %" PRIu32 " %" PRIu64
				    " %" PRIu64 "\n",
				    c, r, pc->pc_count[0], pc->pc_count[1]);
		}
}

/* What they look like, a line a row. */
static void
write_shades(FILE *fp, const struct plot_result *pr,
    const struct plot_shades *sh)
{
	(void)fprintf(fp, "# looks: a line a row, from below\n");
	for (uint32_t r = 0; r < pr->pr_rows; r++)
		for (uint32_t c = 0; c < pr->pr_columns; c++)
			(void)fprintf(fp, "%d%c",
			    sh->sh_map[(size_t)r * pr->pr_columns + c],
			    c + 1 < pr->pr_columns ? ' ' : '\n');
}

/* The lanes that have a sync, from above, and its rows if fp is not NULL. */
static unsigned
lanes(FILE *fp, const struct plot_result *pr, enum plot_lane used[PLOT_NLANES])
{
	unsigned n = 0;

	for (enum plot_lane i = 0; i < PLOT_NLANES; i++) {
		bool any = false;

		for (uint32_t c = 0; c < pr->pr_columns; c++) {
			if (pr->pr_syncs[i][c] == 0)
				continue;
			any = true;
			if (fp != NULL)
				(void)fprintf(fp,
				    "%" PRIu32 " %u %" PRIu64 "\n", c, n + 1,
				    pr->pr_syncs[i][c]);
		}
		if (any)
			used[n++] = i;
	}
	return n;
}

static uint64_t
rows_of(const struct plot_result *pr, uint64_t pages)
{
	return (uint64_t)((uint128_t)pages * PLOT_ROWS / pr->pr_pages);
}

/* Is a size within the band of its file, and the band not too thin for it? */
static bool
step_shown(const struct plot_result *pr, const struct plot_step *ps)
{
	const struct plot_file *const pf = &pr->pr_files[ps->ps_file];

	return rows_of(pr, pf->pf_pages) >= LARGE_ROWS &&
	    ps->ps_pages >= pf->pf_low &&
	    ps->ps_pages - pf->pf_low <= pf->pf_pages;
}

/* Is there one that lasts long enough to be seen? */
static bool
steps_shown(const struct plot_result *pr)
{
	for (size_t i = 0; i < pr->pr_nsteps; i++) {
		const struct plot_step *const ps = &pr->pr_steps[i];

		if (step_shown(pr, ps) &&
		    (i + 1 == pr->pr_nsteps || ps[1].ps_file != ps->ps_file ||
			ps[1].ps_column > ps->ps_column))
			return true;
	}
	return false;
}

/* Sizes of files as lines of steps; one that is out of the band is not drawn. */
static void
write_steps(FILE *fp, const struct plot_result *pr)
{
	if (pr->pr_nsteps == 0)
		(void)fputs(NOTHING, fp);
	for (size_t i = 0; i < pr->pr_nsteps; i++) {
		const struct plot_step *const ps = &pr->pr_steps[i];
		const struct plot_file *const pf = &pr->pr_files[ps->ps_file];
		const bool last =
		    i + 1 == pr->pr_nsteps || ps[1].ps_file != ps->ps_file;

		if (i > 0 && ps[-1].ps_file != ps->ps_file)
			(void)fputc('\n', fp);
		for (unsigned end = 0; end < (last ? 2 : 1); end++) {
			(void)fprintf(fp, "%" PRIu32 " ",
			    end ? pr->pr_columns : ps->ps_column);
			if (step_shown(pr, ps))
				(void)fprintf(fp, "%" PRIu64 "\n",
				    ps->ps_pages - pf->pf_low + pf->pf_base);
			else
				(void)fputs("NaN\n", fp);
		}
	}
}

/* Where files meet, unless they are too thin for a line between them. */
static bool
bounds(FILE *fp, const struct plot_result *pr)
{
	bool any = false;

	for (size_t i = 1; i < pr->pr_nfiles; i++) {
		const struct plot_file *const pf = &pr->pr_files[i];
		const uint64_t pages = pf->pf_pages > pf[-1].pf_pages ?
		    pf->pf_pages :
		    pf[-1].pf_pages;

		if (rows_of(pr, pages) < BOUND_ROWS)
			continue;
		if (fp != NULL)
			(void)fprintf(fp, "%" PRIu64 " %d\n", pf->pf_base,
			    rows_of(pr, pages) >= LARGE_ROWS);
		any = true;
	}
	return any;
}

static bool
marks(FILE *fp, const struct plot_result *pr)
{
	bool any = false;

	for (uint32_t c = 0; c < pr->pr_columns; c++) {
		if (!pr->pr_marks[c])
			continue;
		if (fp != NULL)
			(void)fprintf(fp, "%" PRIu32 "\n", c);
		any = true;
	}
	return any;
}

/* The files, for whoever reads the data. */
static void
write_files(FILE *fp, const struct plot_result *pr)
{
	(void)fprintf(fp,
	    "# files, from below: id, its first page shown, pages, the row of "
	    "pages it begins with, pages accessed, name\n");
	for (size_t i = 0; i < pr->pr_nfiles; i++) {
		const struct plot_file *const pf = &pr->pr_files[i];

		(void)fprintf(fp,
		    "# %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		    " ",
		    pf->pf_file->tf_id, pf->pf_low, pf->pf_pages, pf->pf_base,
		    pf->pf_accesses);
		for (const char *p = pf->pf_file->tf_path; *p != '\0'; p++)
			(void)fputc((unsigned char)*p < ' ' ? '?' : *p, fp);
		(void)fputc('\n', fp);
	}
}

void
plot_write_data(FILE *fp, const void *drawing)
{
	const struct plot_drawing *const pd = drawing;
	const struct plot_result *const pr = pd->pd_result;
	enum plot_lane used[PLOT_NLANES];

	write_files(fp, pr);
	write_shades(fp, pr, pd->pd_shades);
	(void)fprintf(fp, "\n\n# syncs: column, lane, how many\n");
	if (lanes(fp, pr, used) == 0)
		(void)fputs(NOTHING, fp);
	(void)fprintf(fp, "\n\n# sizes of files: column, row of pages\n");
	write_steps(fp, pr);
	(void)fprintf(fp,
	    "\n\n# where files meet: row of pages, one is large\n");
	if (!bounds(fp, pr))
		(void)fputs(NOTHING, fp);
	(void)fprintf(fp, "\n\n# marks: column\n");
	if (!marks(fp, pr))
		(void)fputs(NOTHING, fp);
	(void)fprintf(fp, "\n\n");
	write_cells(fp, pr);
}

/* How many bytes of text are a character: one, if it is no UTF-8. */
static size_t
char_bytes(const char *text)
{
	size_t n = 1;

	while (n < 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* The end of a path, as long as there is room for it beside the map. */
static void
write_name(FILE *fp, const char *path, size_t room)
{
	const char *const slash = strrchr(path, '/');
	const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
	char text[4096];
	size_t chars = 0;

	for (const char *p = name; *p != '\0'; p += char_bytes(p))
		chars++;
	if (chars <= room) {
		analysis_gnuplot_text(fp, name);
		return;
	}
	for (; chars >= room; chars--)
		name += char_bytes(name);
	(void)snprintf(text, sizeof(text), "\xe2\x80\xa6%s", name);
	analysis_gnuplot_text(fp, text);
}

/* Larger bands first; then from below. */
static int
by_pages(const void *a, const void *b)
{
	const struct plot_file *const x = *(const struct plot_file *const *)a;
	const struct plot_file *const y = *(const struct plot_file *const *)b;

	if (x->pf_pages != y->pf_pages)
		return x->pf_pages > y->pf_pages ? -1 : 1;
	return (x > y) - (x < y);
}

/* Is there room for a name at a row, beside n others?  Puts it there. */
static bool
name_fits(uint64_t rows[NAMES], size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		if (at < rows[i] + NAME_ROWS && rows[i] < at + NAME_ROWS)
			return false;
	rows[n] = at;
	return true;
}

/* Names of as many files as there is room for, the largest first. */
static void
write_names(FILE *fp, const struct plot_result *pr)
{
	const struct plot_file **const sorted =
	    calloc(pr->pr_nfiles + 1, sizeof(struct plot_file *));
	uint64_t rows[NAMES];
	size_t n = 0;

	(void)fprintf(fp, "array file_name[%u]\narray file_at[%u]\n", NAMES,
	    NAMES);
	for (size_t i = 0; sorted != NULL && i < pr->pr_nfiles; i++)
		sorted[i] = &pr->pr_files[i];
	if (sorted != NULL && pr->pr_nfiles > 0)
		qsort(sorted, pr->pr_nfiles, sizeof(struct plot_file *),
		    by_pages);
	for (size_t i = 0; sorted != NULL && i < pr->pr_nfiles && n < NAMES;
	     i++) {
		const struct plot_file *const pf = sorted[i];

		if (!name_fits(rows, n,
			rows_of(pr, pf->pf_base + pf->pf_pages / 2)))
			continue;
		n++;
		(void)fprintf(fp, "file_name[%zu] = ", n);
		write_name(fp, pf->pf_file->tf_path,
		    pr->pr_nfiles > 1 ? NAME_CHARS : NAME_CHARS_ONE);
		(void)fprintf(fp, "\nfile_at[%zu] = %" PRIu64 ".\n", n,
		    pf->pf_base + pf->pf_pages / 2);
	}
	(void)fprintf(fp, "names = %zu\n", n);
	free(sorted);
}

void
plot_write_facts(FILE *fp, const void *drawing)
{
	const struct plot_drawing *const pd = drawing;
	const struct plot_result *const pr = pd->pd_result;
	const struct plot_shades *const sh = pd->pd_shades;
	enum plot_lane used[PLOT_NLANES];
	const unsigned n = lanes(NULL, pr, used);

	(void)fprintf(fp,
	    "by_event = %d\nx_from = %" PRIu64 ".\nx_span = %" PRIu64 ".\n",
	    pr->pr_by_event, pr->pr_from, pr->pr_span);
	(void)fprintf(fp, "pages = %" PRIu64 ".\npage_low = %" PRIu64 ".\n",
	    pr->pr_pages, pr->pr_nfiles == 1 ? pr->pr_files[0].pf_low : 0);
	(void)fprintf(fp, "columns = %" PRIu32 "\nrows = %" PRIu32 "\n",
	    pr->pr_columns, pr->pr_rows);
	(void)fprintf(fp, "dots = %u\ndot_rows = %u\n",
	    pr->pr_nfiles > 1 ? PLOT_COLUMNS_MANY : PLOT_COLUMNS, PLOT_ROWS);
	(void)fprintf(fp, "steps = %u\nshades = %u\n", PLOT_STEPS, PLOT_SHADES);
	(void)fprintf(fp,
	    "cells = %zu\nleast = %" PRIu64 ".\nmost = %" PRIu64 ".\n",
	    sh->sh_used, sh->sh_least, sh->sh_most);
	(void)fprintf(fp, "files = %zu\nmapped = %d\nsized = %d\nmarked = %d\n",
	    pr->pr_nfiles, sh->sh_mapped, steps_shown(pr), marks(NULL, pr));
	(void)fprintf(fp, "bounds = %d\n", bounds(NULL, pr));
	(void)fprintf(fp, "lanes = %u\narray lane_name[%d]\n", n, PLOT_NLANES);
	for (unsigned i = 0; i < n; i++)
		(void)fprintf(fp, "lane_name[%u] = '%s'\n", i + 1,
		    trace_op_name[plot_lane_op[used[i]]]);
	write_names(fp, pr);
}
