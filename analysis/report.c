#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "analysis/embed.h"
#include "analysis/report_impl.h"

/* What every page begins with; an older one is told by it. */
#define DOCTYPE "<!DOCTYPE html>"

struct section {
	const char *se_id;
	const char *se_head;
	int (*se_write)(struct page *pg, struct errmsg *em);
	/* It goes into one of these, and is left out without one; or -1. */
	int se_scope;
};

static const struct section sections[] = {
	{ "figures", "Figures", figures_write, -1 },
	{ "runs", "Runs", tables_runs, -1 },
	{ "sweeps", "Sweeps", tables_sweeps, -1 },
	{ "calibration", "Calibration", tables_calibration, -1 },
	{ "run", "Run", tables_detail, FIGURE_RUN },
	{ "environment", "Environment", tables_hosts, -1 },
	{ "commands", "Commands that repeat it", tables_commands, -1 },
};

/* The file of a path, without its folders. */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* ---- the database ---- */

/* A number that sql selects, 0 for NULL. */
static int
number(const struct source *so, const char *sql, int64_t *valp,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	if ((error = source_query(so, sql, 0, &st, em)) != 0)
		return error;
	if (sqlite3_step(st) == SQLITE_ROW)
		*valp = sqlite3_column_int64(st, 0);
	else
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/*
 * find: what the page goes into.
 *
 * A database without a run that could be drawn has a page, too, but not one
 * without what was asked for.
 */
static int
find(struct page *pg, struct errmsg *em)
{
	const struct report_job *rj = pg->pg_job;
	struct report_page *rp = pg->pg_done;
	struct errmsg nothing = { .em_text = "" };
	int error;

	error = source_open(&pg->pg_so, rj->rj_db, rj->rj_id, &nothing);
	if (error == ENOENT && rj->rj_id[FIGURE_RUN] == 0 &&
	    rj->rj_id[FIGURE_SWEEP] == 0 && rj->rj_id[FIGURE_CALIBRATION] == 0)
		error = source_connect(&pg->pg_so, rj->rj_db, em);
	else if (error != 0)
		return ERRMSG(em, error, "%s", nothing.em_text);
	if (error != 0)
		return error;
	memcpy(rp->rp_id, pg->pg_so.so_newest, sizeof(rp->rp_id));
	if ((error = number(&pg->pg_so, "SELECT count(*) FROM run",
		 &rp->rp_runs, em)) != 0 ||
	    (error = number(&pg->pg_so, "SELECT count(*) FROM sweep",
		 &rp->rp_sweeps, em)) != 0 ||
	    (rp->rp_id[FIGURE_RUN] == 0 &&
		(error = number(&pg->pg_so, "SELECT max(id) FROM run",
		     &rp->rp_id[FIGURE_RUN], em)) != 0) ||
	    (rp->rp_id[FIGURE_SWEEP] == 0 &&
		(error = number(&pg->pg_so, "SELECT max(id) FROM sweep",
		     &rp->rp_id[FIGURE_SWEEP], em)) != 0))
		source_close(&pg->pg_so);
	return error;
}

/* Open the database, with the views of report.sql. */
static int
open_source(struct page *pg, struct errmsg *em)
{
	int error;

	if ((error = find(pg, em)) != 0)
		return error;
	const int64_t *id = pg->pg_done->rp_id;
	char *sql = sqlite3_mprintf("CREATE TEMP TABLE report_job AS SELECT"
				    " nullif(%lld, 0) AS run,"
				    " nullif(%lld, 0) AS sweep,"
				    " nullif(%lld, 0) AS calibration;%s",
	    id[FIGURE_RUN], id[FIGURE_SWEEP], id[FIGURE_CALIBRATION],
	    embed_report_sql);
	if (sql == NULL)
		error = ERRMSG(em, ENOMEM, "out of memory");
	else if (sqlite3_exec(pg->pg_so.so_sq, sql, NULL, NULL, NULL) !=
	    SQLITE_OK)
		error = source_error(&pg->pg_so, em);
	sqlite3_free(sql);
	if (error != 0)
		source_close(&pg->pg_so);
	return error;
}

/* ---- the page ---- */

/* Of the run, sweep or calibration that a section goes into; 0 for none. */
static int64_t
section_id(const struct page *pg, const struct section *se)
{
	return se->se_scope >= 0 ? pg->pg_done->rp_id[se->se_scope] : 0;
}

static bool
left_out(const struct page *pg, const struct section *se)
{
	return se->se_scope >= 0 && section_id(pg, se) == 0;
}

static void
write_head(struct page *pg, const struct section *se)
{
	(void)fputs(se->se_head, pg->pg_fp);
	if (se->se_scope >= 0)
		(void)fprintf(pg->pg_fp, " %" PRId64 " in detail",
		    section_id(pg, se));
}

static void
write_nav(struct page *pg)
{
	(void)fputs("<nav aria-label=\"Sections\"><ul>\n", pg->pg_fp);
	for (size_t i = 0; i < nitems(sections); i++) {
		const struct section *se = &sections[i];

		if (left_out(pg, se))
			continue;
		(void)fprintf(pg->pg_fp, "<li><a href=\"#%s\">", se->se_id);
		write_head(pg, se);
		(void)fputs("</a></li>\n", pg->pg_fp);
	}
	(void)fputs("</ul></nav>\n", pg->pg_fp);
}

/* "3 complete, 1 failed". */
static int
write_states(struct page *pg, const char *sql, struct errmsg *em)
{
	sqlite3_stmt *st;
	size_t rows = 0;
	int rc, error;

	if ((error = source_query(&pg->pg_so, sql, 0, &st, em)) != 0)
		return error;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		(void)fputs(rows++ > 0 ? ", " : "", pg->pg_fp);
		html_count(pg->pg_fp, sqlite3_column_int64(st, 1));
		(void)fputc(' ', pg->pg_fp);
		html_text(pg->pg_fp, (const char *)sqlite3_column_text(st, 0));
	}
	if (rc != SQLITE_DONE)
		error = source_error(&pg->pg_so, em);
	(void)sqlite3_finalize(st);
	if (rows == 0)
		(void)fputs("none", pg->pg_fp);
	return error;
}

static int
write_overview(struct page *pg, struct errmsg *em)
{
	char when[64] = "";
	const time_t now = time(NULL);
	struct tm tm;
	int64_t sessions = 0;
	int error;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC",
		    &tm);
	(void)fputs("<header>\n<h1>", pg->pg_fp);
	html_text(pg->pg_fp, base_name(pg->pg_job->rj_db));
	(void)fputs("</h1>\n<p class=\"subtitle\">Replays of recorded traces "
		    "through the UVM vnode pager of 1998</p>\n"
		    "<dl class=\"record\">\n<div><dt>Database</dt><dd>",
	    pg->pg_fp);
	html_text(pg->pg_fp, pg->pg_job->rj_db);
	(void)fputs("</dd></div>\n<div><dt>Runs</dt><dd>", pg->pg_fp);
	if ((error = write_states(pg,
		 "SELECT status, count(*) FROM run GROUP BY 1 ORDER BY 2 DESC",
		 em)) != 0)
		return error;
	(void)fputs("</dd></div>\n<div><dt>Sweeps</dt><dd>", pg->pg_fp);
	if ((error = write_states(pg,
		 "SELECT status, count(*) FROM sweep"
		 " GROUP BY 1 ORDER BY 2 DESC",
		 em)) != 0 ||
	    (error = number(&pg->pg_so,
		 "SELECT count(DISTINCT session) FROM calibration", &sessions,
		 em)) != 0)
		return error;
	(void)fputs("</dd></div>\n<div><dt>Calibrations</dt><dd>", pg->pg_fp);
	html_count(pg->pg_fp, sessions);
	(void)fprintf(pg->pg_fp,
	    "</dd></div>\n<div><dt>Page made</dt><dd>%s by uvn ", when);
	html_text(pg->pg_fp, pg->pg_job->rj_version);
	(void)fputs("</dd></div>\n</dl>\n", pg->pg_fp);
	write_nav(pg);
	(void)fputs("</header>\n", pg->pg_fp);
	return 0;
}

/* Scripts of ours carry a number that nobody could know beforehand. */
static int
make_nonce(struct page *pg, struct errmsg *em)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return ERRMSG(em, errno, "no random numbers: %s",
		    errno_text(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)sprintf(pg->pg_nonce + 2 * i, "%02x", bytes[i]);
	return 0;
}

static int
write_page(struct page *pg, struct errmsg *em)
{
	int error;

	if ((error = make_nonce(pg, em)) != 0)
		return error;
	(void)fprintf(pg->pg_fp,
	    DOCTYPE "\n<html lang=\"en-GB\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\""
		    "default-src 'none'; style-src 'unsafe-inline'; "
		    "script-src 'nonce-%s'; base-uri 'none'; "
		    "form-action 'none'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<title>",
	    pg->pg_nonce);
	html_text(pg->pg_fp, base_name(pg->pg_job->rj_db));
	(void)fprintf(pg->pg_fp,
	    " - uvn report</title>\n<style>\n%s</style>\n</head>\n<body>\n",
	    embed_report_css);
	error = write_overview(pg, em);
	(void)fputs("<main>\n", pg->pg_fp);
	for (size_t i = 0; i < nitems(sections) && error == 0; i++) {
		const struct section *se = &sections[i];

		if (left_out(pg, se))
			continue;
		(void)fprintf(pg->pg_fp, "<section id=\"%s\">\n<h2>",
		    se->se_id);
		write_head(pg, se);
		(void)fputs("</h2>\n", pg->pg_fp);
		error = se->se_write(pg, em);
		(void)fputs("</section>\n", pg->pg_fp);
	}
	(void)fprintf(pg->pg_fp,
	    "</main>\n<script nonce=\"%s\">\n%s</script>\n</body>\n</html>\n",
	    pg->pg_nonce, embed_report_js);
	return error;
}

/* ---- the file ---- */

/* Does the file begin as a page does? */
static bool
is_page(const char *path)
{
	char head[sizeof(DOCTYPE)] = "";
	FILE *fp = fopen(path, "re");
	bool page = false;

	if (fp != NULL) {
		page =
		    fread(head, 1, sizeof(head) - 1, fp) == sizeof(head) - 1 &&
		    strcasecmp(head, DOCTYPE) == 0;
		(void)fclose(fp);
	}
	return page;
}

/* May the page take the place of what is there? */
static int
check_file(const struct report_job *rj, struct errmsg *em)
{
	const char *path = rj->rj_file;
	struct stat st, db;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return ERRMSG(em, errno,
		    "%s: cannot be written: %s; name another file with -o",
		    path, errno_text(errno));
	}
	if (stat(rj->rj_db, &db) == 0 && st.st_dev == db.st_dev &&
	    st.st_ino == db.st_ino)
		return ERRMSG(em, EEXIST,
		    "%s: this is the database; name another file with -o",
		    path);
	if (S_ISDIR(st.st_mode))
		return ERRMSG(em, EEXIST,
		    "%s: this is a folder; name a file with -o", path);
	if (!S_ISREG(st.st_mode))
		return ERRMSG(em, EEXIST,
		    "%s: this is not a file; name one with -o", path);
	if (st.st_size > 0 && !is_page(path))
		return ERRMSG(em, EEXIST,
		    "%s: is there, and is no page of HTML; remove it, or name "
		    "another file with -o",
		    path);
	return 0;
}

/* A new file beside path, with the rights that files have; *tempp is the
 * caller's to unlink and free. */
static int
create_beside(const char *path, char **tempp, FILE **fpp, struct errmsg *em)
{
	char *temp = NULL;
	int fd = -1, error = 0;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return ERRMSG(em, ENOMEM, "%s: out of memory", path);
	if ((fd = mkostemp(temp, O_CLOEXEC)) < 0)
		error = errno;
	else {
		const mode_t mask = umask(0);

		(void)umask(mask);
		if (fchmod(fd, 0666 & ~mask) != 0 ||
		    (*fpp = fdopen(fd, "w")) == NULL) {
			error = errno;
			(void)close(fd);
			(void)unlink(temp);
		}
	}
	if (error != 0) {
		free(temp);
		/* ENOENT is for databases. */
		return ERRMSG(em, error == ENOENT ? ENOTDIR : error,
		    "%s: cannot be written: %s; name another file with -o",
		    path, errno_text(error));
	}
	*tempp = temp;
	return 0;
}

/*
 * Why fp has failed: stdio has forgotten it, but what is in the way of some
 * bytes is in the way of more.
 */
static int
why_failed(FILE *fp)
{
	static const char more[4096];

	errno = 0;
	return write(fileno(fp), more, sizeof(more)) < 0 && errno != 0 ? errno :
									 EIO;
}

/* The page is complete: put it in its place. */
static int
finish(struct page *pg, const char *temp, struct errmsg *em)
{
	const char *path = pg->pg_job->rj_file;
	int error = 0;

	if (fflush(pg->pg_fp) != 0 || ferror(pg->pg_fp) != 0)
		error = why_failed(pg->pg_fp);
	pg->pg_done->rp_bytes = (uint64_t)ftello(pg->pg_fp);
	if (fclose(pg->pg_fp) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(temp, path) != 0)
		error = errno;
	if (error != 0)
		return ERRMSG(em, error,
		    "%s: cannot be written: %s; name another file with -o",
		    path, errno_text(error));
	return 0;
}

int
analysis_report(const struct report_job *rj, struct report_page *rp,
    struct errmsg *em)
{
	struct page pg = { .pg_job = rj, .pg_done = rp };
	char *temp = NULL;
	int error;

	memset(rp, 0, sizeof(*rp));
	if ((error = open_source(&pg, em)) != 0)
		return error;
	if ((error = check_file(rj, em)) == 0 &&
	    (error = create_beside(rj->rj_file, &temp, &pg.pg_fp, em)) == 0) {
		if ((error = write_page(&pg, em)) == 0 &&
		    (error = source_memory(&pg.pg_so, em)) == 0)
			error = finish(&pg, temp, em);
		else
			(void)fclose(pg.pg_fp);
		if (error != 0)
			(void)unlink(temp);
		free(temp);
	}
	source_close(&pg.pg_so);
	return error;
}
