#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report_impl.h"

/* Rows of data that a page shows, and bytes of them that it carries. */
#define ROWS_MAX 200
#define DATA_MAX (1U << 20)

/* Of pictures, against what is no picture. */
#define SVG_MAX (16U << 20)

/* Titles and notes begin in lower case. */
static void
put_sentence(FILE *fp, const char *text)
{
	const char first = (char)toupper((unsigned char)text[0]);

	if (text[0] != '\0') {
		html_bytes(fp, &first, 1);
		html_text(fp, text + 1);
	}
}

/* A folder for what gnuplot reads and writes; *dirp is the caller's to free. */
static int
make_dir(char **dirp, struct errmsg *em)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;
	int error = 0;

	if (tmp == NULL || tmp[0] == '\0')
		tmp = P_tmpdir;
	if (asprintf(&dir, "%s/uvn-report-XXXXXX", tmp) < 0)
		return ERRMSG(em, ENOMEM, "out of memory");
	if (mkdtemp(dir) == NULL)
		error = errno;
	if (error != 0) {
		free(dir);
		/* ENOENT is for databases. */
		return ERRMSG(em, error == ENOENT ? ENOTDIR : error,
		    "%s: no folder for the figures can be made there: %s; name "
		    "another in TMPDIR",
		    tmp, errno_text(error));
	}
	*dirp = dir;
	return 0;
}

static void
remove_dir(char *dir)
{
	for (size_t i = 0; i < figure_count; i++)
		for (enum figure_file f = 0; f < FIGURE_NFILES; f++) {
			char *path = figure_path(dir, &figure_table[i], f);

			if (path != NULL)
				(void)unlink(path);
			free(path);
		}
	(void)rmdir(dir);
	free(dir);
}

/*
 * read_file: all of it; *textp is the caller's to free.
 */
static int
read_file(const char *path, char **textp, size_t *lenp)
{
	FILE *fp = fopen(path, "re");
	char *text = NULL;
	size_t len = 0, room = 0, got = 1;

	if (fp == NULL)
		return errno;
	while (got > 0 && len < SVG_MAX) {
		if (len == room) {
			char *more = realloc(text, room = room * 2 + 65536);

			if (more == NULL)
				break;
			text = more;
		}
		got = fread(text + len, 1, room - len, fp);
		len += got;
	}
	(void)fclose(fp);
	if (got > 0) {
		free(text);
		return ENOMEM;
	}
	*textp = text;
	*lenp = len;
	return 0;
}

/*
 * draw: one figure into dir.
 *
 * => rf tells what became of it; false: there is nothing to say of its data
 */
static bool
draw(struct page *pg, size_t which, const char *dir, struct report_figure *rf)
{
	struct figures_job fj = {
		.fj_db = pg->pg_job->rj_db,
		.fj_only = UINT32_C(1) << which,
		.fj_formats = FIGURE_BIT(FIGURE_SVG),
		.fj_dir = dir,
	};
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	int error;

	memcpy(fj.fj_id, pg->pg_job->rj_id, sizeof(fj.fj_id));
	rf->rf_figure = &figure_table[which];
	error = analysis_figures(&fj, &fp, &em);
	rf->rf_id = fp.fp_figure[0].fr_id;
	rf->rf_drawn = error == 0 && !fp.fp_figure[0].fr_skipped;
	(void)snprintf(rf->rf_note, sizeof(rf->rf_note), "%s",
	    fp.fp_figure[0].fr_note);
	if (error == 0)
		return rf->rf_drawn;
	if (error == ENOSYS) {
		(void)snprintf(rf->rf_note, sizeof(rf->rf_note),
		    "gnuplot is missing, or cannot draw it");
		if (pg->pg_done->rp_warning[0] == '\0')
			(void)snprintf(pg->pg_done->rp_warning,
			    sizeof(pg->pg_done->rp_warning),
			    "pictures are missing from the page: gnuplot is "
			    "not installed, or cannot draw; install the "
			    "package gnuplot-nox");
		return !fp.fp_figure[0].fr_skipped;
	}
	(void)snprintf(rf->rf_note, sizeof(rf->rf_note), "%.399s", em.em_text);
	return false;
}

/* The picture itself. */
static void
write_picture(struct page *pg, const char *dir, struct report_figure *rf)
{
	char *path = figure_path(dir, rf->rf_figure, FIGURE_SVG), *svg = NULL;
	char prefix[64];
	size_t len = 0;
	int error;

	if (path == NULL)
		return;
	(void)snprintf(prefix, sizeof(prefix), "%s-", rf->rf_figure->fg_name);
	(void)fputs("<div class=\"picture\">", pg->pg_fp);
	if ((error = read_file(path, &svg, &len)) == 0)
		error = svg_write(pg->pg_fp, svg, len, prefix,
		    rf->rf_figure->fg_title);
	(void)fputs("</div>\n", pg->pg_fp);
	if (error != 0) {
		rf->rf_drawn = false;
		(void)snprintf(rf->rf_note, sizeof(rf->rf_note),
		    "what gnuplot drew cannot be read");
	}
	free(svg);
	free(path);
}

/* A value for a file of comma-separated ones. */
static void
put_field(FILE *fp, sqlite3_stmt *st, int at)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	if (sqlite3_column_type(st, at) == SQLITE_FLOAT) {
		(void)fprintf(fp, "%.9g", sqlite3_column_double(st, at));
		return;
	}
	if (text == NULL)
		return;
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		(void)fputs(text, fp);
		return;
	}
	(void)fputc('"', fp);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)fputc('"', fp);
		(void)fputc(*text, fp);
	}
	(void)fputc('"', fp);
}

/*
 * write_download: all rows of st as a file in the page; it stands before the
 * first.
 */
static int
write_download(struct page *pg, sqlite3_stmt *st, const struct figure *fg,
    struct errmsg *em)
{
	const int columns = sqlite3_column_count(st);
	char *text = NULL;
	size_t len = 0;
	FILE *fp = open_memstream(&text, &len);
	int rc = SQLITE_ROW, error = 0;

	if (fp == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	for (int i = 0; i < columns; i++)
		(void)fprintf(fp, "%s%s", i > 0 ? "," : "",
		    sqlite3_column_name(st, i));
	(void)fputc('\n', fp);
	while (ftello(fp) < (off_t)DATA_MAX &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			if (i > 0)
				(void)fputc(',', fp);
			put_field(fp, st, i);
		}
		(void)fputc('\n', fp);
	}
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		error = source_error(&pg->pg_so, em);
	(void)sqlite3_reset(st);
	if (fclose(fp) != 0 && error == 0)
		error = ERRMSG(em, ENOMEM, "out of memory");
	if (error == 0 && rc == SQLITE_ROW)
		(void)fputs("<p class=\"note\">More than 1 MiB: the SELECT "
			    "below gives all of it.</p>\n",
		    pg->pg_fp);
	else if (error == 0) {
		(void)fprintf(pg->pg_fp,
		    "<p class=\"note\"><a download=\"%s.csv\" href=\"",
		    fg->fg_name);
		html_data_uri(pg->pg_fp, "text/csv", text, len);
		(void)fprintf(pg->pg_fp, "\">Save as %s.csv</a></p>\n",
		    fg->fg_name);
	}
	free(text);
	return error;
}

/* The rows that are drawn, to unfold. */
static int
write_data(struct page *pg, const struct report_figure *rf, struct errmsg *em)
{
	const struct figure *fg = rf->rf_figure;
	char label[64];
	const struct table_format tf = { .tf_label = label,
		.tf_limit = ROWS_MAX };
	sqlite3_stmt *st;
	size_t rows;
	int error;

	if ((error = source_query(&pg->pg_so, fg->fg_select, rf->rf_id, &st,
		 em)) != 0)
		return error;
	(void)snprintf(label, sizeof(label), "data of figure %s", fg->fg_name);
	(void)fputs("<details class=\"data\"><summary>Data</summary>\n",
	    pg->pg_fp);
	error = table_write(pg, st, &tf, &rows, em);
	if (error == 0 && rows > ROWS_MAX) {
		(void)fprintf(pg->pg_fp, "<p class=\"note\">The first %d of ",
		    ROWS_MAX);
		html_count(pg->pg_fp, (int64_t)rows);
		(void)fputs(" rows.</p>\n", pg->pg_fp);
	}
	if (error == 0)
		error = write_download(pg, st, fg, em);
	(void)fputs("</details>\n", pg->pg_fp);
	(void)sqlite3_finalize(st);
	return error;
}

/* The SELECT, as it would be typed. */
static void
write_select(struct page *pg, const struct report_figure *rf)
{
	const char *sql = rf->rf_figure->fg_select;

	(void)fputs("<details><summary>SELECT that gives them</summary>"
		    "<pre class=\"command\">sqlite3 -header ",
	    pg->pg_fp);
	html_shell_word(pg->pg_fp, pg->pg_job->rj_db);
	(void)fputs(" &quot;", pg->pg_fp);
	for (; *sql != '\0'; sql++) {
		if (sql[0] == '?' && sql[1] == '1') {
			(void)fprintf(pg->pg_fp, "%" PRId64, rf->rf_id);
			sql++;
			continue;
		}
		if (strchr("\\\"$`", *sql) != NULL)
			(void)fputc('\\', pg->pg_fp);
		html_bytes(pg->pg_fp, sql, 1);
	}
	(void)fputs("&quot;</pre></details>\n", pg->pg_fp);
}

static int
write_figure(struct page *pg, const char *dir, struct report_figure *rf,
    struct errmsg *em)
{
	const struct figure *fg = rf->rf_figure;
	int error;

	(void)fprintf(pg->pg_fp, "<figure id=\"figure-%s\">\n", fg->fg_name);
	if (rf->rf_drawn)
		write_picture(pg, dir, rf);
	(void)fputs("<figcaption>", pg->pg_fp);
	put_sentence(pg->pg_fp, fg->fg_title);
	(void)fputs(". <span class=\"note\">", pg->pg_fp);
	put_sentence(pg->pg_fp, figure_scope_name[fg->fg_scope]);
	(void)fprintf(pg->pg_fp, " %" PRId64 ".", rf->rf_id);
	if (!rf->rf_drawn)
		(void)fputs(" No picture.", pg->pg_fp);
	if (rf->rf_note[0] != '\0') {
		(void)fputc(' ', pg->pg_fp);
		put_sentence(pg->pg_fp, rf->rf_note);
		(void)fputc('.', pg->pg_fp);
	}
	(void)fputs("</span></figcaption>\n", pg->pg_fp);
	error = write_data(pg, rf, em);
	write_select(pg, rf);
	(void)fputs("</figure>\n", pg->pg_fp);
	return error;
}

/* The figures that there is nothing of, with the reason. */
static void
write_missing(struct page *pg, uint32_t missing)
{
	const struct report_page *rp = pg->pg_done;

	if (missing == 0)
		return;
	(void)fputs("<h3>Not drawn</h3>\n<dl class=\"missing\">\n", pg->pg_fp);
	for (size_t i = 0; i < rp->rp_nfigures; i++) {
		if ((missing >> i & 1) == 0)
			continue;
		(void)fprintf(pg->pg_fp, "<dt id=\"figure-%s\">",
		    rp->rp_figure[i].rf_figure->fg_name);
		put_sentence(pg->pg_fp, rp->rp_figure[i].rf_figure->fg_title);
		(void)fputs("</dt><dd>", pg->pg_fp);
		put_sentence(pg->pg_fp, rp->rp_figure[i].rf_note);
		(void)fputs(".</dd>\n", pg->pg_fp);
	}
	(void)fputs("</dl>\n", pg->pg_fp);
}

int
figures_write(struct page *pg, struct errmsg *em)
{
	struct report_page *rp = pg->pg_done;
	uint32_t missing = 0;
	char *dir = NULL;
	int error;

	if ((error = make_dir(&dir, em)) != 0)
		return error;
	(void)fputs("<div class=\"figures\">\n", pg->pg_fp);
	for (size_t i = 0; i < figure_count && error == 0; i++) {
		if (draw(pg, i, dir, &rp->rp_figure[i]))
			error = write_figure(pg, dir, &rp->rp_figure[i], em);
		else
			missing |= UINT32_C(1) << i;
		rp->rp_nfigures++;
	}
	(void)fputs("</div>\n", pg->pg_fp);
	write_missing(pg, missing);
	remove_dir(dir);
	return error;
}
