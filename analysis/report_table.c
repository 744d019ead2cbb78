/*
 * report_table.c: a table of HTML from a SELECT.
 *
 * A column of the SELECT is named "heading|unit|form".  The form is a row of
 * the table below; a column with no such name is written as it is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report_impl.h"

#define COLUMNS_MAX 64

struct form {
	const char *fo_name;
	bool fo_number; /* to the right, and sorted by value */
	/* Write a value that is not NULL. */
	void (*fo_put)(struct page *pg, sqlite3_stmt *st, int at,
	    const struct form *fo);
	int fo_digits;	/* behind the point */
	double fo_unit; /* of the heading, in those of the column */
};

struct column {
	const char *co_head;
	int co_head_len;
	const char *co_unit; /* "" for none */
	int co_unit_len;
	const struct form *co_form;
	bool co_used; /* some row has a value */
};

struct table {
	int tb_ncolumns;
	struct column tb_column[COLUMNS_MAX];
};

static void
put_text(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	(void)fo;
	if (text != NULL)
		html_bytes(pg->pg_fp, text,
		    (size_t)sqlite3_column_bytes(st, at));
}

/* A word of a few, of which some want to be seen. */
static void
put_status(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	const char *text = (const char *)sqlite3_column_text(st, at);
	const char *class = "odd";

	if (text != NULL && strcmp(text, "complete") == 0)
		class = "good";
	else if (text != NULL && strcmp(text, "failed") == 0)
		class = "bad";
	(void)fprintf(pg->pg_fp, "<span class=\"%s\">", class);
	put_text(pg, st, at, fo);
	(void)fputs("</span>", pg->pg_fp);
}

/* Words that lines may be broken between, and nowhere else if they fit. */
static void
put_words(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	(void)fputs("<span class=\"words\">", pg->pg_fp);
	put_text(pg, st, at, fo);
	(void)fputs("</span>", pg->pg_fp);
}

static void
put_code(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	(void)fputs("<code>", pg->pg_fp);
	put_text(pg, st, at, fo);
	(void)fputs("</code>", pg->pg_fp);
}

/* 2026-11-23T07:36:15.350Z, to the second. */
static void
put_time(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	if (text == NULL || strlen(text) < 19 || text[10] != 'T') {
		put_text(pg, st, at, fo);
		return;
	}
	html_bytes(pg->pg_fp, text, 10);
	(void)fputc(' ', pg->pg_fp);
	html_bytes(pg->pg_fp, text + 11, 8);
}

static void
put_count(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	(void)fo;
	html_count(pg->pg_fp, sqlite3_column_int64(st, at));
}

static void
put_real(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	char *text;

	if (asprintf(&text, "%.*f", fo->fo_digits,
		sqlite3_column_double(st, at) / fo->fo_unit) < 0)
		return;
	html_number(pg->pg_fp, text);
	free(text);
}

static void
put_general(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	char *text;

	if (asprintf(&text, "%.*g", fo->fo_digits,
		sqlite3_column_double(st, at)) < 0)
		return;
	html_number(pg->pg_fp, text);
	free(text);
}

/* With all its digits: 0.850, 1.70. */
static void
put_digits(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	char *text;
	size_t len;

	if (asprintf(&text, "%#.*g", fo->fo_digits,
		sqlite3_column_double(st, at)) < 0)
		return;
	len = strlen(text);
	if (text[len - 1] == '.')
		text[len - 1] = '\0';
	html_number(pg->pg_fp, text);
	free(text);
}

/* The number of a run, which leads to its row where that is shown. */
static void
put_runref(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	const int64_t run = sqlite3_column_int64(st, at);
	sqlite3_stmt *listed = NULL;
	bool link = false;

	if (sqlite3_prepare_v2(pg->pg_so.so_sq,
		"SELECT 1 FROM report_run WHERE id = ?1", -1, &listed,
		NULL) == SQLITE_OK) {
		(void)sqlite3_bind_int64(listed, 1, run);
		link = sqlite3_step(listed) == SQLITE_ROW;
	}
	(void)sqlite3_finalize(listed);
	if (link)
		(void)fprintf(pg->pg_fp, "<a href=\"#run-%" PRId64 "\">", run);
	put_text(pg, st, at, fo);
	if (link)
		(void)fputs("</a>", pg->pg_fp);
}

static const struct form forms[] = {
	{ "text", false, put_text, 0, 1 },
	{ "path", false, put_words, 0, 1 },
	{ "words", false, put_words, 0, 1 },
	{ "reason", false, put_words, 0, 1 },
	{ "code", false, put_code, 0, 1 },
	{ "status", false, put_status, 0, 1 },
	{ "time", false, put_time, 0, 1 },
	{ "run", true, put_text, 0, 1 },
	{ "runref", true, put_runref, 0, 1 },
	{ "count", true, put_count, 0, 1 },
	/* Numbers that name something. */
	{ "plain", true, put_text, 0, 1 },
	/* A tunable as the command line takes it: 1/4, 16K, inf. */
	{ "tunable", true, put_text, 0, 1 },
	{ "f1", true, put_real, 1, 1 },
	{ "f2", true, put_real, 2, 1 },
	{ "g3", true, put_digits, 3, 1 },
	/* From nanoseconds. */
	{ "us", true, put_real, 3, 1e3 },
	{ "ms", true, put_real, 3, 1e6 },
	/* A column that says nothing of itself: see raw_form(). */
	{ "raw number", true, put_general, 9, 1 },
	{ "raw text", false, put_text, 0, 1 },
};

static const struct form *
find_form(const char *name)
{
	for (size_t i = 0; i < nitems(forms); i++)
		if (strcmp(name, forms[i].fo_name) == 0)
			return &forms[i];
	return NULL;
}

/* Take a column's name apart; it has to live as long as co. */
static void
read_column(struct column *co, const char *name)
{
	const char *form = strrchr(name, '|'), *unit = form;

	while (unit != NULL && unit > name && *--unit != '|')
		continue;
	memset(co, 0, sizeof(*co));
	co->co_head = name;
	if (form == NULL || *unit != '|') {
		co->co_head_len = (int)strlen(name);
		co->co_unit = "";
		return;
	}
	co->co_head_len = (int)(unit - name);
	co->co_unit = unit + 1;
	co->co_unit_len = (int)(form - unit - 1);
	co->co_form = find_form(form + 1);
}

/* Look at all rows: which columns have values, and which are numbers. */
static int
look(struct page *pg, sqlite3_stmt *st, struct table *tb, size_t *rowsp,
    struct errmsg *em)
{
	int rc;

	tb->tb_ncolumns = sqlite3_column_count(st);
	if (tb->tb_ncolumns > COLUMNS_MAX)
		tb->tb_ncolumns = COLUMNS_MAX;
	for (int i = 0; i < tb->tb_ncolumns; i++)
		read_column(&tb->tb_column[i], sqlite3_column_name(st, i));
	*rowsp = 0;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		++*rowsp;
		for (int i = 0; i < tb->tb_ncolumns; i++) {
			struct column *co = &tb->tb_column[i];
			const int type = sqlite3_column_type(st, i);

			if (type == SQLITE_NULL)
				continue;
			if (co->co_form == NULL)
				co->co_form = find_form(type == SQLITE_TEXT ?
					"raw text" :
					"raw number");
			co->co_used = true;
		}
	}
	if (rc != SQLITE_DONE)
		return source_error(&pg->pg_so, em);
	(void)sqlite3_reset(st);
	return 0;
}

static void
write_head(struct page *pg, const struct table *tb)
{
	(void)fputs("<thead><tr>", pg->pg_fp);
	for (int i = 0; i < tb->tb_ncolumns; i++) {
		const struct column *co = &tb->tb_column[i];

		if (!co->co_used)
			continue;
		(void)fprintf(pg->pg_fp, "<th scope=\"col\"%s>",
		    co->co_form->fo_number ? " class=\"n\"" : "");
		html_bytes(pg->pg_fp, co->co_head, (size_t)co->co_head_len);
		if (co->co_unit_len > 0) {
			(void)fputs(" <span class=\"unit\">", pg->pg_fp);
			html_bytes(pg->pg_fp, co->co_unit,
			    (size_t)co->co_unit_len);
			(void)fputs("</span>", pg->pg_fp);
		}
		(void)fputs("</th>", pg->pg_fp);
	}
	(void)fputs("</tr></thead>\n", pg->pg_fp);
}

/*
 * tunable_value: what 1/4, 16K, 30s, inf are, to sort by.
 *
 * => 0 for words
 */
static double
tunable_value(const char *text)
{
	static const struct {
		const char *suffix;
		double factor;
	} suffixes[] = { { "K", 1024 }, { "M", 1048576 }, { "G", 1073741824 },
		{ "T", 1099511627776 }, { "ns", 1 }, { "us", 1e3 },
		{ "ms", 1e6 }, { "s", 1e9 } };
	char *end;
	double value = strtod(text, &end);

	if (*end == '/')
		value /= strtod(end + 1, &end);
	for (size_t i = 0; i < nitems(suffixes); i++)
		if (strcmp(end, suffixes[i].suffix) == 0)
			return value * suffixes[i].factor;
	return value;
}

/* The value that a cell is sorted by, as an attribute. */
static void
write_key(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	const char *text;

	if (strcmp(fo->fo_name, "tunable") == 0) {
		text = (const char *)sqlite3_column_text(st, at);
		(void)fprintf(pg->pg_fp, " data-v=\"%.17g\"",
		    text != NULL ? tunable_value(text) : 0);
	} else if (sqlite3_column_type(st, at) == SQLITE_FLOAT)
		(void)fprintf(pg->pg_fp, " data-v=\"%.17g\"",
		    sqlite3_column_double(st, at));
	else
		(void)fprintf(pg->pg_fp, " data-v=\"%lld\"",
		    sqlite3_column_int64(st, at));
}

static void
write_cell(struct page *pg, sqlite3_stmt *st, int at, const struct form *fo)
{
	if (sqlite3_column_type(st, at) == SQLITE_NULL) {
		(void)fprintf(pg->pg_fp, "<td%s></td>",
		    fo->fo_number ? " class=\"n\"" : "");
		return;
	}
	if (fo->fo_number) {
		(void)fputs("<td class=\"n\"", pg->pg_fp);
		write_key(pg, st, at, fo);
		(void)fputc('>', pg->pg_fp);
	} else
		(void)fputs("<td>", pg->pg_fp);
	fo->fo_put(pg, st, at, fo);
	(void)fputs("</td>", pg->pg_fp);
}

static void
write_row(struct page *pg, sqlite3_stmt *st, const struct table *tb,
    const struct table_format *tf)
{
	(void)fputs("<tr", pg->pg_fp);
	if (tf->tf_row_id != NULL)
		(void)fprintf(pg->pg_fp, " id=\"%s-%lld\"", tf->tf_row_id,
		    sqlite3_column_int64(st, 0));
	(void)fputc('>', pg->pg_fp);
	for (int i = 0; i < tb->tb_ncolumns; i++)
		if (tb->tb_column[i].co_used)
			write_cell(pg, st, i, tb->tb_column[i].co_form);
	(void)fputs("</tr>\n", pg->pg_fp);
}

int
table_write(struct page *pg, sqlite3_stmt *st, const struct table_format *tf,
    size_t *rowsp, struct errmsg *em)
{
	struct table tb;
	int error;

	if ((error = look(pg, st, &tb, rowsp, em)) != 0 || *rowsp == 0)
		return error;
	/* The box scrolls, not the page; with keys, too. */
	(void)fputs("<div class=\"box\" role=\"region\" tabindex=\"0\""
		    " aria-label=\"",
	    pg->pg_fp);
	html_text(pg->pg_fp, tf->tf_label);
	(void)fputs("\"><table>\n", pg->pg_fp);
	write_head(pg, &tb);
	(void)fputs("<tbody>\n", pg->pg_fp);
	for (size_t i = 0; sqlite3_step(st) == SQLITE_ROW &&
	     (tf->tf_limit == 0 || i < tf->tf_limit);
	     i++)
		write_row(pg, st, &tb, tf);
	(void)fputs("</tbody></table></div>\n", pg->pg_fp);
	(void)sqlite3_reset(st);
	return 0;
}
