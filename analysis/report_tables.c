/*
 * report_tables.c: what tables a page has, and the words around them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "analysis/report_impl.h"

/* About as many rows as a box shows. */
#define ROWS_SEEN 16

/* A table of the page: a view of report.sql. */
struct report_table {
	const char *rt_view;
	const char *rt_head;
	bool rt_first;	       /* of its section, whose heading is enough */
	const char *rt_text;   /* what the columns mean; HTML */
	const char *rt_none;   /* if there are no rows; HTML */
	const char *rt_count;  /* SELECT of how many there would be, or NULL */
	const char *rt_beyond; /* where the others are; HTML */
	const char *rt_row_id; /* as tf_row_id */
	bool rt_fold;	       /* to be unfolded */
};

static const struct report_table table_runs = {
	.rt_view = "report_runs",
	.rt_head = "Runs",
	.rt_first = true,
	.rt_text = "Tunables that are the same in all of them are below the "
		   "table. Wall is the time of the replay.",
	.rt_none = "The database holds no run.",
	.rt_count = "SELECT count(*) FROM run",
	.rt_beyond = "the newest are shown, those outside sweeps first; table "
		     "<code>run</code> of the database has all",
	.rt_row_id = "run",
};

static const struct report_table table_shared = {
	.rt_view = "report_shared",
	.rt_head = "Tunables that all these runs share",
	.rt_text = "",
	.rt_none = NULL,
	.rt_fold = true,
};

static const struct report_table table_counters = {
	.rt_view = "report_counters",
	.rt_head = "Key counters",
	.rt_text =
	    "Hit rate: accesses that made no I/O, of all. Reads and writes: "
	    "page-in and page-out I/Os. Write amplification: bytes offered to "
	    "page-outs, by the bytes of pages that stores made dirty. Flush "
	    "CPU: time of flushes apart from their I/O.",
	.rt_none = "No run has ended, so there are no counters.",
};

static const struct report_table table_sweeps = {
	.rt_view = "report_sweeps",
	.rt_head = "Sweeps",
	.rt_first = true,
	.rt_text = "",
	.rt_none = "The database holds no sweep; <code>uvn sweep</code> makes "
		   "one.",
	.rt_count = "SELECT count(*) FROM sweep",
	.rt_beyond = "the newest are shown; table <code>sweep</code> has all",
};

static const struct report_table table_sessions = {
	.rt_view = "report_sessions",
	.rt_head = "Calibrations",
	.rt_first = true,
	.rt_text = "",
	.rt_none = "The database holds no calibration; "
		   "<code>uvn calibrate</code> makes one.",
	.rt_count = "SELECT count(DISTINCT session) FROM calibration",
	.rt_beyond = "the newest are shown; table <code>calibration</code> has "
		     "all",
};

static const struct report_table table_recommended = {
	.rt_view = "report_recommended",
	.rt_head = "Recommended penalty by size of object",
	.rt_text =
	    "The penalty at which walking the list costs as much as looking "
	    "up, with its 95&nbsp;% interval; frames aged, caches warm. Above "
	    "1 all pages looked up are there, below a quarter of them.",
	.rt_none = NULL,
};

static const struct report_table table_calibration = {
	.rt_view = "report_calibration",
	.rt_head = "All measurements of the session",
	.rt_text = "Medians, and the 95&nbsp;% interval of each.",
	.rt_none = NULL,
	.rt_count = "SELECT count(*) FROM calibration WHERE session ="
		    " (SELECT calibration FROM report_job)",
	.rt_beyond = "table <code>calibration</code> has all",
	.rt_fold = true,
};

/* What one run measured. */
static const struct report_table tables_of_run[] = {
	{
	    .rt_view = "report_latency",
	    .rt_head = "Latencies",
	    .rt_text = "Real time of operations by kind and outcome. Mapped "
		       "hits may be counted only.",
	    .rt_none = "The run measured no latency.",
	},
	{
	    .rt_view = "report_flush",
	    .rt_head = "Flushes",
	    .rt_text = "Sums over all flushes by caller and method. CPU: apart "
		       "from I/O.",
	    .rt_none = "The run made no flush, or is of a database that did "
		       "not count them yet.",
	},
	{
	    .rt_view = "report_events",
	    .rt_head = "Performance events",
	    .rt_text = "Counts are scaled to the whole time where several "
		       "events shared a counter of the processor.",
	    .rt_none = "The run counted none; <code>uvn replay --events</code> "
		       "does.",
	},
	{
	    .rt_view = "report_all",
	    .rt_head = "All counters",
	    .rt_text = "<code>uvn params</code> says what they mean.",
	    .rt_none = NULL,
	    .rt_fold = true,
	},
};

/* How many rows there are, if that is not to be seen at once: "37 rows", or
 * "200 of 1,234" and where the others are. */
static int
write_number(struct page *pg, const struct report_table *rt, size_t rows,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int64_t all = (int64_t)rows;
	int error = 0;

	if (rt->rt_count != NULL) {
		if ((error = source_query(&pg->pg_so, rt->rt_count, 0, &st,
			 em)) != 0)
			return error;
		if (sqlite3_step(st) == SQLITE_ROW)
			all = sqlite3_column_int64(st, 0);
		else
			error = source_error(&pg->pg_so, em);
		(void)sqlite3_finalize(st);
	}
	if (error != 0 || (all == (int64_t)rows && rows < ROWS_SEEN))
		return error;
	(void)fputs("<p class=\"note\">", pg->pg_fp);
	html_count(pg->pg_fp, (int64_t)rows);
	if (all == (int64_t)rows)
		(void)fputs(" rows.</p>\n", pg->pg_fp);
	else {
		(void)fputs(" of ", pg->pg_fp);
		html_count(pg->pg_fp, all);
		(void)fprintf(pg->pg_fp, ": %s.</p>\n", rt->rt_beyond);
	}
	return 0;
}

static void
write_heading(struct page *pg, const struct report_table *rt)
{
	if (!rt->rt_first)
		(void)fprintf(pg->pg_fp, "<h3>%s</h3>\n", rt->rt_head);
}

/* The rows of st under the heading of rt. */
static int
write_rows(struct page *pg, const struct report_table *rt, sqlite3_stmt *st,
    struct errmsg *em)
{
	const struct table_format tf = { .tf_label = rt->rt_head,
		.tf_row_id = rt->rt_row_id };
	size_t rows;
	int error;

	if (sqlite3_step(st) != SQLITE_ROW) {
		/* The reset repeats what went wrong. */
		if (sqlite3_reset(st) != SQLITE_OK)
			return source_error(&pg->pg_so, em);
		if (rt->rt_none != NULL) {
			write_heading(pg, rt);
			(void)fprintf(pg->pg_fp, "<p class=\"note\">%s</p>\n",
			    rt->rt_none);
		}
		return 0;
	}
	(void)sqlite3_reset(st);
	if (rt->rt_fold)
		(void)fprintf(pg->pg_fp, "<details><summary>%s</summary>\n",
		    rt->rt_head);
	else
		write_heading(pg, rt);
	if (rt->rt_text[0] != '\0')
		(void)fprintf(pg->pg_fp, "<p>%s</p>\n", rt->rt_text);
	if ((error = table_write(pg, st, &tf, &rows, em)) == 0)
		error = write_number(pg, rt, rows, em);
	if (rt->rt_fold)
		(void)fputs("</details>\n", pg->pg_fp);
	return error;
}

static int
write_table(struct page *pg, const struct report_table *rt, struct errmsg *em)
{
	char sql[80];
	sqlite3_stmt *st;
	int error;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", rt->rt_view);
	if ((error = source_query(&pg->pg_so, sql, 0, &st, em)) != 0)
		return error;
	error = write_rows(pg, rt, st, em);
	(void)sqlite3_finalize(st);
	return error;
}

int
tables_runs(struct page *pg, struct errmsg *em)
{
	int error;

	if ((error = write_table(pg, &table_runs, em)) != 0 ||
	    (error = write_table(pg, &table_shared, em)) != 0)
		return error;
	return write_table(pg, &table_counters, em);
}

/* A column for each axis of the sweep, to the end of sql. */
static int
add_axes(struct page *pg, sqlite3_str *sql, struct errmsg *em)
{
	sqlite3_stmt *st;
	int rc, error;

	if ((error = source_query(&pg->pg_so,
		 "SELECT json_extract(a.value, '$.name') FROM sweep AS s,"
		 " json_each(iif(json_valid(s.axes), s.axes, '[]')) AS a"
		 " WHERE s.id = ?1 LIMIT 32",
		 pg->pg_done->rp_id[FIGURE_SWEEP], &st, em)) != 0)
		return error;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);

		if (name == NULL)
			continue;
		sqlite3_str_appendf(sql,
		    " (SELECT value FROM json_each(iif(json_valid(c.tunables),"
		    " c.tunables, '{}')) WHERE key = %Q) AS \"%w||tunable\",",
		    name, name);
	}
	if (rc != SQLITE_DONE)
		error = source_error(&pg->pg_so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* The SELECT of the sweep's cells; sqlite3_free() it. */
static int
cells_sql(struct page *pg, char **textp, struct errmsg *em)
{
	sqlite3_str *sql = sqlite3_str_new(pg->pg_so.so_sq);
	int error;

	sqlite3_str_appendall(sql, "SELECT c.n AS \"Cell||plain\",");
	error = add_axes(pg, sql, em);
	sqlite3_str_appendall(sql,
	    " c.trace AS \"Trace||path\", c.repeat AS \"Repeat||count\","
	    " c.status AS \"Status||status\", c.reason AS \"Reason||reason\","
	    " c.run AS \"Run||runref\","
	    " hit_rate AS \"Hit rate|%|f2\", misses AS \"Misses||count\","
	    " writes AS \"Writes|I/Os|count\","
	    " pages_a_write AS \"Pages/write||f2\","
	    " amplification AS \"Write amplification||f2\","
	    " flush_ns AS \"Flush CPU|ms|ms\", wall_ns AS \"Wall|ms|ms\""
	    " FROM sweep_cell AS c LEFT JOIN report_measure AS m"
	    " ON m.run = c.run WHERE c.sweep = (SELECT sweep FROM report_job)"
	    " AND c.n IN (SELECT n FROM report_cell)"
	    " ORDER BY c.status <> 'failed', c.status = 'complete', c.n");
	*textp = sqlite3_str_finish(sql);
	if (error == 0 && *textp == NULL)
		error = ERRMSG(em, ENOMEM, "out of memory");
	return error;
}

int
tables_sweeps(struct page *pg, struct errmsg *em)
{
	char head[64];
	const struct report_table rt = {
		.rt_head = head,
		.rt_text = "Cells that failed come first. Columns are those of "
			   "the key counters.",
		.rt_none = "It has no cell.",
		.rt_count = "SELECT count(*) FROM sweep_cell WHERE sweep ="
			    " (SELECT sweep FROM report_job)",
		.rt_beyond = "table <code>sweep_cell</code> has all",
	};
	const int64_t sweep = pg->pg_done->rp_id[FIGURE_SWEEP];
	char *sql = NULL;
	sqlite3_stmt *st;
	int error;

	if ((error = write_table(pg, &table_sweeps, em)) != 0 || sweep == 0)
		return error;
	(void)snprintf(head, sizeof(head), "Cells of sweep %" PRId64, sweep);
	if ((error = cells_sql(pg, &sql, em)) == 0 &&
	    (error = source_query(&pg->pg_so, sql, 0, &st, em)) == 0) {
		error = write_rows(pg, &rt, st, em);
		(void)sqlite3_finalize(st);
	}
	sqlite3_free(sql);
	return error;
}

int
tables_calibration(struct page *pg, struct errmsg *em)
{
	int error;

	if ((error = write_table(pg, &table_sessions, em)) != 0 ||
	    (error = write_table(pg, &table_recommended, em)) != 0)
		return error;
	return write_table(pg, &table_calibration, em);
}

int
tables_detail(struct page *pg, struct errmsg *em)
{
	int error = 0;

	for (size_t i = 0; i < nitems(tables_of_run) && error == 0; i++)
		error = write_table(pg, &tables_of_run[i], em);
	return error;
}

/* A list of names and values for each row of st. */
static int
write_records(struct page *pg, sqlite3_stmt *st, struct errmsg *em)
{
	const int columns = sqlite3_column_count(st);
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		(void)fputs("<dl class=\"record\">\n", pg->pg_fp);
		for (int i = 0; i < columns; i++) {
			const char *text =
			    (const char *)sqlite3_column_text(st, i);

			if (text == NULL)
				continue;
			(void)fputs("<div><dt>", pg->pg_fp);
			html_text(pg->pg_fp, sqlite3_column_name(st, i));
			(void)fputs("</dt><dd>", pg->pg_fp);
			html_bytes(pg->pg_fp, text,
			    (size_t)sqlite3_column_bytes(st, i));
			(void)fputs("</dd></div>\n", pg->pg_fp);
		}
		(void)fputs("</dl>\n", pg->pg_fp);
	}
	return rc == SQLITE_DONE ? 0 : source_error(&pg->pg_so, em);
}

int
tables_hosts(struct page *pg, struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	if ((error = source_query(&pg->pg_so, "SELECT * FROM report_hosts", 0,
		 &st, em)) != 0)
		return error;
	error = write_records(pg, st, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* What it is for, and the command, for each row of the view. */
static int
write_commands(struct page *pg, const char *sql, size_t *rowsp,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int rc, error;

	*rowsp = 0;
	if ((error = source_query(&pg->pg_so, sql, 0, &st, em)) != 0)
		return error;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		++*rowsp;
		(void)fputs("<p class=\"label\">", pg->pg_fp);
		html_text(pg->pg_fp, (const char *)sqlite3_column_text(st, 0));
		(void)fputs("</p><pre class=\"command\">", pg->pg_fp);
		html_bytes(pg->pg_fp, (const char *)sqlite3_column_text(st, 1),
		    (size_t)sqlite3_column_bytes(st, 1));
		(void)fputs("</pre>\n", pg->pg_fp);
	}
	if (rc != SQLITE_DONE)
		error = source_error(&pg->pg_so, em);
	(void)sqlite3_finalize(st);
	return error;
}

int
tables_commands(struct page *pg, struct errmsg *em)
{
	size_t rows;
	int error;

	error = write_commands(pg, "SELECT * FROM report_commands", &rows, em);
	if (error != 0)
		return error;
	if (rows == 0)
		(void)fputs("<p class=\"note\">No run recorded its command."
			    "</p>\n",
		    pg->pg_fp);
	if (pg->pg_done->rp_id[FIGURE_SWEEP] == 0)
		return 0;
	(void)fprintf(pg->pg_fp,
	    "<details><summary>Cells of sweep %" PRId64
	    ", one by one</summary>\n",
	    pg->pg_done->rp_id[FIGURE_SWEEP]);
	error =
	    write_commands(pg, "SELECT * FROM report_cell_commands", &rows, em);
	if (rows == 0)
		(void)fputs("<p class=\"note\">None has a run.</p>\n",
		    pg->pg_fp);
	(void)fputs("</details>\n", pg->pg_fp);
	return error;
}
