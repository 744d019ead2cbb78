#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/embed.h"
#include "analysis/figures_impl.h"

/* What fits in half a column. */
#define LABEL_MAX 21

/* The curves of a figure, as their rows come. */
struct curves {
	char cu_label[FIGURE_CURVES][LABEL_MAX]; /* of those drawn */
	char cu_last[LABEL_MAX];		 /* of the row before */
	size_t cu_n;				 /* seen so far */
	char cu_more[160];			 /* those not drawn */
};

/* Begin of both files: what this is, and of which run, sweep or calibration. */
static void
write_origin(FILE *fp, const struct origin *og, const struct figure *fg)
{
	(void)fprintf(fp, "# %s\n# %s %" PRId64, fg->fg_title,
	    figure_scope_name[og->og_scope], og->og_id);
	if (og->og_status[0] != '\0')
		(void)fprintf(fp, " (%s)", og->og_status);
	if (og->og_what[0] != '\0') {
		(void)fprintf(fp, "%s ",
		    og->og_scope == FIGURE_CALIBRATION ? " on" : " of trace");
		gnuplot_string(fp, og->og_what);
	}
	(void)fputc('\n', fp);
}

/* A number, or NaN for everything else, such as NULL. */
static void
write_value(FILE *fp, sqlite3_stmt *st, int column)
{
	switch (sqlite3_column_type(st, column)) {
	case SQLITE_INTEGER:
		(void)fprintf(fp, "%lld", sqlite3_column_int64(st, column));
		break;
	case SQLITE_FLOAT:
		(void)fprintf(fp, "%.9g", sqlite3_column_double(st, column));
		break;
	default:
		(void)fprintf(fp, "NaN");
		break;
	}
}

/* A curve that is not drawn, for the note; the last may be "...". */
static void
add_more(struct curves *cu, const char *label)
{
	const size_t n = strlen(cu->cu_more), room = sizeof(cu->cu_more) - n;

	if (room > LABEL_MAX + sizeof("; ..."))
		(void)sprintf(cu->cu_more + n, "%s%s", n > 0 ? "; " : "",
		    label);
	else if (n > 0 && cu->cu_more[n - 1] != '.')
		(void)sprintf(cu->cu_more + n, "; ...");
}

/* Begin another curve if this row's label says so. */
static void
follow_label(FILE *fp, sqlite3_stmt *st, const struct figure *fg,
    struct curves *cu)
{
	const char *text = (const char *)sqlite3_column_text(st, 0);
	char label[LABEL_MAX];

	printable(label, sizeof(label), text != NULL ? text : "?");
	if (cu->cu_n > 0 && strcmp(label, cu->cu_last) == 0)
		return;
	memcpy(cu->cu_last, label, sizeof(label));
	(void)fprintf(fp, "%s# ", cu->cu_n > 0 ? "\n\n" : "");
	gnuplot_string(fp, label);
	(void)fputc('\n', fp);
	if (cu->cu_n < fg->fg_curves)
		memcpy(cu->cu_label[cu->cu_n], label, sizeof(label));
	else
		add_more(cu, label);
	cu->cu_n++;
}

/*
 * write_data: the rows as blocks of curves; st stands on the first of them.
 *
 * => what sqlite3_step() said last
 */
static int
write_data(FILE *fp, const struct origin *og, sqlite3_stmt *st,
    const struct figure *fg, struct curves *cu)
{
	const int columns = sqlite3_column_count(st);
	const int first = fg->fg_curves > 0 ? 1 : 0;
	int rc;

	write_origin(fp, og, fg);
	(void)fprintf(fp, "# %s\n#", fg->fg_select);
	for (int i = first; i < columns; i++)
		(void)fprintf(fp, " %s", sqlite3_column_name(st, i));
	(void)fputc('\n', fp);
	do {
		if (first > 0)
			follow_label(fp, st, fg, cu);
		for (int i = first; i < columns; i++) {
			if (i > first)
				(void)fputc(' ', fp);
			write_value(fp, st, i);
		}
		(void)fputc('\n', fp);
	} while ((rc = sqlite3_step(st)) == SQLITE_ROW);
	return rc;
}

/* The variables of fg_facts. */
static int
write_facts(FILE *fp, const struct source *so, const struct origin *og,
    const struct figure *fg, struct errmsg *em)
{
	sqlite3_stmt *st;
	int rc, error;

	if (fg->fg_facts == NULL)
		return 0;
	if ((error = source_query(so, fg->fg_facts, og->og_id, &st, em)) != 0)
		return error;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		(void)fprintf(fp,
		    "%s = ", (const char *)sqlite3_column_text(st, 0));
		if (sqlite3_column_type(st, 1) == SQLITE_TEXT)
			gnuplot_string(fp,
			    (const char *)sqlite3_column_text(st, 1));
		else
			write_value(fp, st, 1);
		(void)fputc('\n', fp);
	}
	if (rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* What the templates want to know, then the templates. */
static int
write_script(FILE *fp, const struct source *so, const struct origin *og,
    const struct figure *fg, const struct curves *cu, struct errmsg *em)
{
	int error;

	const size_t n = cu->cu_n < fg->fg_curves ? cu->cu_n : fg->fg_curves;

	write_origin(fp, og, fg);
	(void)fprintf(fp,
	    "# gnuplot %s.gp, in this folder, draws it from %s.dat.\n",
	    fg->fg_name, fg->fg_name);
	if (cu->cu_more[0] != '\0') {
		(void)fprintf(fp, "# Not drawn: ");
		gnuplot_string(fp, cu->cu_more);
		(void)fputc('\n', fp);
	}
	(void)fprintf(fp, "\nname = '%s'\n", fg->fg_name);
	if (n > 0) {
		(void)fprintf(fp, "curves = %zu\narray label[%zu]\n", n, n);
		for (size_t i = 0; i < n; i++) {
			(void)fprintf(fp, "label[%zu] = ", i + 1);
			gnuplot_string(fp, cu->cu_label[i]);
			(void)fputc('\n', fp);
		}
	}
	error = write_facts(fp, so, og, fg, em);
	(void)fprintf(fp, "\n%s\n%s", embed_common_gp, fg->fg_template);
	return error;
}

/* Open one of fg's files for writing; *pathp is the caller's to free. */
static int
create(const char *dir, const struct figure *fg, enum figure_file file,
    FILE **fpp, char **pathp, struct errmsg *em)
{
	if ((*pathp = figure_path(dir, fg, file)) == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", dir);
	if ((*fpp = fopen(*pathp, "we")) == NULL)
		return ERRMSG(em, errno,
		    "%s: cannot be written: %s; name another folder with -o",
		    *pathp, errno_text(errno));
	return 0;
}

/* Close what create() opened. */
static int
finish(FILE *fp, char *path, struct errmsg *em)
{
	const bool bad = ferror(fp) != 0;

	if (fclose(fp) != 0 || bad)
		return ERRMSG(em, errno != 0 ? errno : EIO,
		    "%s: cannot be written: %s; name another folder with -o",
		    path, errno_text(errno != 0 ? errno : EIO));
	return 0;
}

/* The data file; st stands on the first row. */
static int
data_file(const struct source *so, const struct origin *og, const char *dir,
    sqlite3_stmt *st, const struct figure *fg, struct curves *cu,
    struct errmsg *em)
{
	char *path = NULL;
	FILE *fp;
	int error;

	if ((error = create(dir, fg, FIGURE_DATA, &fp, &path, em)) == 0) {
		if (write_data(fp, og, st, fg, cu) != SQLITE_DONE)
			error = source_error(so, em);
		const int late = finish(fp, path, em);
		if (error == 0)
			error = late;
	}
	free(path);
	return error;
}

static int
script_file(const struct source *so, const struct origin *og, const char *dir,
    const struct figure *fg, const struct curves *cu, struct errmsg *em)
{
	char *path = NULL;
	FILE *fp;
	int error;

	if ((error = create(dir, fg, FIGURE_SCRIPT, &fp, &path, em)) == 0) {
		error = write_script(fp, so, og, fg, cu, em);
		const int late = finish(fp, path, em);
		if (error == 0)
			error = late;
	}
	free(path);
	return error;
}

/* Add a sentence to what the user should know. */
static void
add_note(struct figure_result *fr, const char *text)
{
	const size_t n = strlen(fr->fr_note);

	(void)snprintf(fr->fr_note + n, sizeof(fr->fr_note) - n, "%s%s",
	    n > 0 ? "; " : "", text);
}

/* What fg_notes says. */
static int
add_notes(const struct source *so, const struct origin *og,
    struct figure_result *fr, struct errmsg *em)
{
	const char *sql = fr->fr_figure->fg_notes;
	char text[sizeof(fr->fr_note)];
	sqlite3_stmt *st;
	int rc, error;

	if (sql == NULL)
		return 0;
	if ((error = source_query(so, sql, og->og_id, &st, em)) != 0)
		return error;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_type(st, 0) == SQLITE_NULL)
			continue;
		printable(text, sizeof(text),
		    (const char *)sqlite3_column_text(st, 0));
		add_note(fr, text);
	}
	if (rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* Data file and script; st stands on the first row. */
static int
write_files(const struct source *so, const struct origin *og, const char *dir,
    sqlite3_stmt *st, struct figure_result *fr, struct errmsg *em)
{
	const struct figure *fg = fr->fr_figure;
	struct curves cu = { .cu_n = 0 };
	char more[sizeof(cu.cu_more) + 100];
	int error;

	if ((error = data_file(so, og, dir, st, fg, &cu, em)) != 0)
		return error;
	fr->fr_files |= FIGURE_BIT(FIGURE_DATA);
	if ((error = script_file(so, og, dir, fg, &cu, em)) != 0)
		return error;
	fr->fr_files |= FIGURE_BIT(FIGURE_SCRIPT);
	if (cu.cu_more[0] != '\0') {
		(void)snprintf(more, sizeof(more),
		    "the %zu curves %s are drawn; also in %s.dat: %s",
		    fg->fg_curves,
		    fg->fg_order != NULL ? fg->fg_order : "that come first",
		    fg->fg_name, cu.cu_more);
		add_note(fr, more);
	}
	return add_notes(so, og, fr, em);
}

int
series_write(const struct source *so, const struct origin *og, const char *dir,
    struct figure_result *fr, struct errmsg *em)
{
	static const char *const none[FIGURE_NSCOPES] = {
		[FIGURE_RUN] = "the database has no run that is complete or "
			       "interrupted; uvn replay adds one",
		[FIGURE_SWEEP] = "the database has no sweep with a finished "
				 "cell; uvn sweep adds one",
		[FIGURE_CALIBRATION] = "the database has no calibration; "
				       "uvn calibrate adds one",
	};
	const struct figure *fg = fr->fr_figure;
	sqlite3_stmt *st;
	int error = 0;

	if (og->og_id == 0) {
		fr->fr_skipped = true;
		add_note(fr, none[fg->fg_scope]);
		return 0;
	}
	if ((error = source_query(so, fg->fg_select, og->og_id, &st, em)) != 0)
		return error;
	const int rc = sqlite3_step(st);
	if (rc == SQLITE_DONE) {
		fr->fr_skipped = true;
		add_note(fr, fg->fg_absent);
	} else if (rc != SQLITE_ROW)
		error = source_error(so, em);
	else
		error = write_files(so, og, dir, st, fr, em);
	(void)sqlite3_finalize(st);
	return error;
}
