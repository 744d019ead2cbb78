/*
 * report_impl: what the files of the report share among themselves.
 *
 *	report.c		the file, and the order of the page
 *	report_tables.c		its tables, row by row of a list
 *	report_table.c		one table, from a SELECT
 *	report_figures.c	drawing figures into the page
 *	report_svg.c		a picture of gnuplot's as part of a page
 *	report_html.c		text and numbers
 */
#ifndef ANALYSIS_REPORT_IMPL_H
#define ANALYSIS_REPORT_IMPL_H

#include "analysis/figures_impl.h"

/* A page being written. */
struct page {
	FILE *pg_fp;
	struct source pg_so;
	const struct report_job *pg_job; /* ref */
	struct report_page *pg_done;	 /* ref */
	char pg_nonce[33];		 /* what scripts of ours carry */
};

/* ---- report_html.c: all of it goes through escapes ---- */

/*
 * Write text of len bytes as text of HTML, or as the value of an attribute in
 * double quotes.
 *
 * => bytes that are no UTF-8 become U+FFFD, control characters their pictures,
 *    and marks that turn the direction of writing their numbers
 */
void html_bytes(FILE *fp, const char *text, size_t len);
void html_text(FILE *fp, const char *text);

/* The same, but markup is taken to be in order: only the bytes are mended. */
void html_mend(FILE *fp, const char *text, size_t len);

/* A decimal number, "-1234.5", with commas between its thousands. */
void html_number(FILE *fp, const char *number);
void html_count(FILE *fp, int64_t value);

/* A file of which only the bytes are at hand, as a URI. */
void html_data_uri(FILE *fp, const char *type, const char *bytes, size_t len);

/* A word of a shell's: quoted if it must be. */
void html_shell_word(FILE *fp, const char *word);

/* ---- report_table.c ---- */

struct table_format {
	const char *tf_label;  /* what it is, for those who do not see */
	const char *tf_row_id; /* the form "run" makes ids of rows, or NULL */
	size_t tf_limit;       /* rows to write; 0: all */
};

/*
 * Write the rows of st, from its first, as a table; columns without a value are
 * left out, and *rowsp is how many rows there were.
 *
 * => writes nothing if there were none
 */
int table_write(struct page *pg, sqlite3_stmt *st,
    const struct table_format *tf, size_t *rowsp, struct errmsg *em) mustcheck;

/* ---- report_tables.c: sections, with their headings ---- */

int tables_runs(struct page *pg, struct errmsg *em) mustcheck;
int tables_sweeps(struct page *pg, struct errmsg *em) mustcheck;
int tables_calibration(struct page *pg, struct errmsg *em) mustcheck;
int tables_detail(struct page *pg, struct errmsg *em) mustcheck;
int tables_hosts(struct page *pg, struct errmsg *em) mustcheck;
int tables_commands(struct page *pg, struct errmsg *em) mustcheck;

/* ---- report_figures.c ---- */

/*
 * Draw all figures, and write them with data and statements.
 *
 * => a figure that cannot be drawn is no failure: pg_done tells
 */
int figures_write(struct page *pg, struct errmsg *em) mustcheck;

/* ---- report_svg.c ---- */

/*
 * Write a picture as an element of HTML.
 *
 * => ids get prefix, so that those of several pictures differ
 * => what could act, or refer to something outside, is left out, and so are
 *    elements and attributes that pictures do not need
 * => EINVAL: it is no picture; nothing is written
 */
int svg_write(FILE *fp, const char *svg, size_t len, const char *prefix,
    const char *label) mustcheck;

#endif
