#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/figures_impl.h"

/* How long to wait for another program's lock, ms. */
#define WAIT 5000

int
source_error(const struct source *so, struct errmsg *em)
{
	const int code = sqlite3_errcode(so->so_sq);

	switch (code & 0xff) {
	case SQLITE_NOTADB:
		return ERRMSG(em, EINVAL,
		    "%s: it is not a SQLite database; name one that uvn replay "
		    "made",
		    so->so_path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERRMSG(em, EBUSY,
		    "%s: locked by another program; end it and try again",
		    so->so_path);
	case SQLITE_NOMEM:
		return ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return ERRMSG(em, EACCES, "%s: cannot be opened: %s",
		    so->so_path, sqlite3_errmsg(so->so_sq));
	default:
		return ERRMSG(em, EINVAL,
		    "%s: the database is damaged, or not what uvn made: %s",
		    so->so_path, sqlite3_errmsg(so->so_sq));
	}
}

int
source_memory(const struct source *so, struct errmsg *em)
{
	if (analysis_memory_failures() == so->so_failures)
		return 0;
	return ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
}

int
source_query(const struct source *so, const char *sql, int64_t id,
    sqlite3_stmt **stp, struct errmsg *em)
{
	const int error = source_memory(so, em);

	if (error != 0)
		return error;
	if (sqlite3_prepare_v2(so->so_sq, sql, -1, stp, NULL) != SQLITE_OK)
		return source_error(so, em);
	if (sqlite3_bind_parameter_count(*stp) > 0)
		(void)sqlite3_bind_int64(*stp, 1, id);
	return 0;
}

/* The integer in the first row that sql selects; 0 if there is none. */
static int
query_int(const struct source *so, const char *sql, int64_t id, int64_t *valp,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	if ((error = source_query(so, sql, id, &st, em)) != 0)
		return error;
	const int rc = sqlite3_step(st);
	*valp = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* What the scopes are in the database. */
static const struct scope {
	const char *sc_ids;	 /* of those that can be drawn, best first */
	const char *sc_all;	 /* of all, newest first */
	const char *sc_describe; /* status, and what it is about; of ?1 */
} scopes[FIGURE_NSCOPES] = {
	[FIGURE_RUN] = {
	    .sc_ids = "SELECT id FROM run WHERE status IN"
		" ('complete', 'interrupted')"
		" ORDER BY sweep IS NOT NULL, id DESC",
	    .sc_all = "SELECT max(id) FROM run",
	    .sc_describe = "SELECT status, trace FROM run WHERE id = ?1",
	},
	[FIGURE_SWEEP] = {
	    .sc_ids = "SELECT id FROM sweep AS s WHERE EXISTS"
		" (SELECT 1 FROM sweep_cell WHERE sweep = s.id"
		" AND status = 'complete' AND run IS NOT NULL)"
		" ORDER BY id DESC",
	    .sc_all = "SELECT max(id) FROM sweep",
	    .sc_describe = "SELECT status, (SELECT group_concat("
		"json_extract(value, '$.path'), ', ') FROM json_each(traces))"
		" FROM sweep WHERE id = ?1",
	},
	[FIGURE_CALIBRATION] = {
	    .sc_ids = "SELECT DISTINCT session FROM calibration"
		" ORDER BY session DESC",
	    .sc_all = "SELECT max(session) FROM calibration",
	    .sc_describe = "SELECT '', cpu FROM calibration"
		" WHERE session = ?1 LIMIT 1",
	},
};

/*
 * What schema 1 lacks, with nothing in it.  Temporary views hide the tables of
 * those names.
 */
static const char since_1[] =
    "CREATE TEMP VIEW run AS SELECT *, NULL AS sweep, NULL AS cell,"
    " NULL AS revision FROM main.run;"
    "CREATE TEMP VIEW flush AS SELECT *, NULL AS choice,"
    " NULL AS other_visits, NULL AS other_lookups, NULL AS other_writes,"
    " NULL AS list_ns, NULL AS hash_ns FROM main.flush;"
    "CREATE TEMP TABLE sweep(id, status, reason, started, finished, command,"
    " axes, traces, repeats, seed, jobs, cells, resumed, definition, host,"
    " version, revision);"
    "CREATE TEMP TABLE sweep_cell(sweep, n, trace, digest, repeat, tunables,"
    " cell, status, run, reason);"
    "CREATE TEMP TABLE flush_total(run, caller, method, flushes, range_pages,"
    " object_pages, visits, lookups, cleaned, writes, cpu_ns, latency_ns);"
    "CREATE TEMP TABLE calibration(id, session, started, host, kernel, cpu,"
    " core, version, revision, compiler, seed, command, pages, frames, present,"
    " caches, repeats, list_ns, list_low, list_high, lookup_ns, lookup_low,"
    " lookup_high, break_even, break_even_low, break_even_high);";

/* And what schema 2 lacks. */
static const char since_2[] =
    "CREATE TEMP VIEW interval AS SELECT *, NULL AS real_ns, NULL AS depth,"
    " NULL AS depth_most FROM main.interval;"
    "CREATE TEMP TABLE wait(run, thread, role, tid, kind, count, ns);"
    "CREATE TEMP TABLE thread_latency(run, thread, role, tid, kind, count,"
    " min, mean, p50, p90, p99, p999, max);";

/* Is it ours, and not from the future?  Make up for what is too old. */
static int
check_owner(const struct source *so, struct errmsg *em)
{
	int64_t id, version;
	int error;

	if ((error = query_int(so, "PRAGMA application_id", 0, &id, em)) != 0 ||
	    (error = query_int(so, "PRAGMA user_version", 0, &version, em)) !=
		0)
		return error;
	if (id != ANALYSIS_APPLICATION_ID)
		return ERRMSG(em, EINVAL,
		    "%s: the database is not one that uvn made; name one that "
		    "uvn replay made",
		    so->so_path);
	if (version > ANALYSIS_SCHEMA)
		return ERRMSG(em, EINVAL,
		    "%s: the database has schema %" PRId64 ", made by a newer "
		    "uvn (this one knows %d); use that uvn",
		    so->so_path, version, ANALYSIS_SCHEMA);
	if (version < 2 &&
	    sqlite3_exec(so->so_sq, since_1, NULL, NULL, NULL) != SQLITE_OK)
		return source_error(so, em);
	if (version < 3 &&
	    sqlite3_exec(so->so_sq, since_2, NULL, NULL, NULL) != SQLITE_OK)
		return source_error(so, em);
	return 0;
}

int
source_describe(const struct source *so, enum figure_scope scope, int64_t id,
    struct origin *og, struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	memset(og, 0, sizeof(*og));
	og->og_scope = scope;
	if (id == 0)
		return 0;
	if ((error = source_query(so, scopes[scope].sc_describe, id, &st,
		 em)) != 0)
		return error;
	const int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *status = (const char *)sqlite3_column_text(st, 0);
		const char *what = (const char *)sqlite3_column_text(st, 1);

		og->og_id = id;
		printable(og->og_status, sizeof(og->og_status),
		    status != NULL ? status : "");
		printable(og->og_what, sizeof(og->og_what),
		    what != NULL ? what : "");
	} else if (rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* Is there what was asked for? */
static int
check_given(const struct source *so, enum figure_scope scope, struct errmsg *em)
{
	const char *name = figure_scope_name[scope];
	struct origin og;
	int64_t last;
	int error;

	error = source_describe(so, scope, so->so_given[scope], &og, em);
	if (error != 0 || og.og_id != 0)
		return error;
	if ((error = query_int(so, scopes[scope].sc_all, 0, &last, em)) != 0)
		return error;
	if (last == 0)
		return ERRMSG(em, ENOENT,
		    "%s: holds no %s %" PRId64 ", and no other", so->so_path,
		    name, so->so_given[scope]);
	return ERRMSG(em, ENOENT,
	    "%s: holds no %s %" PRId64 "; its newest is %" PRId64, so->so_path,
	    name, so->so_given[scope], last);
}

/* Find what figures are to show; something, at least. */
static int
find_newest(struct source *so, struct errmsg *em)
{
	bool found = false;
	int64_t last;
	int error;

	for (enum figure_scope scope = 0; scope < FIGURE_NSCOPES; scope++) {
		int64_t *newest = &so->so_newest[scope];

		if (so->so_given[scope] != 0) {
			error = check_given(so, scope, em);
			*newest = so->so_given[scope];
		} else
			error =
			    query_int(so, scopes[scope].sc_ids, 0, newest, em);
		if (error != 0)
			return error;
		found = found || *newest != 0;
	}
	if (found)
		return 0;
	if ((error = query_int(so, scopes[FIGURE_RUN].sc_all, 0, &last, em)) !=
	    0)
		return error;
	if (last == 0)
		return ERRMSG(em, ENOENT,
		    "%s: holds no run yet; uvn replay adds one", so->so_path);
	return ERRMSG(em, ENOENT,
	    "%s: holds no run that is complete or interrupted; --run %" PRId64
	    " draws what there is of the newest",
	    so->so_path, last);
}

/* The one of the scope that fg_has prefers; 0 if it gives no row for any. */
static int
find_having(const struct source *so, const struct figure *fg, int64_t *idp,
    struct errmsg *em)
{
	sqlite3_stmt *ids, *has = NULL;
	bool done = false;
	int rc = SQLITE_DONE, error;

	*idp = 0;
	if ((error = source_query(so, scopes[fg->fg_scope].sc_ids, 0, &ids,
		 em)) != 0)
		return error;
	error = source_query(so, fg->fg_has, 0, &has, em);
	while (error == 0 && !done && (rc = sqlite3_step(ids)) == SQLITE_ROW) {
		const int64_t id = sqlite3_column_int64(ids, 0);

		(void)sqlite3_bind_int64(has, 1, id);
		if ((rc = sqlite3_step(has)) == SQLITE_ROW) {
			done = sqlite3_column_int(has, 0) != 0;
			if (done || *idp == 0)
				*idp = id;
		} else if (rc != SQLITE_DONE)
			break;
		(void)sqlite3_reset(has);
	}
	if (error == 0 && rc != SQLITE_DONE && rc != SQLITE_ROW)
		error = source_error(so, em);
	(void)sqlite3_finalize(has);
	(void)sqlite3_finalize(ids);
	return error;
}

int
source_pick(const struct source *so, const struct figure *fg, struct origin *og,
    struct errmsg *em)
{
	int64_t id = so->so_newest[fg->fg_scope];
	int error;

	if (fg->fg_has != NULL && so->so_given[fg->fg_scope] == 0 && id != 0) {
		int64_t having;

		if ((error = find_having(so, fg, &having, em)) != 0)
			return error;
		if (having != 0)
			id = having;
	}
	return source_describe(so, fg->fg_scope, id, og, em);
}

/*
 * make_views: the figures' views as temporary ones.
 *
 * They hide those of the database, which may be older than this program.
 */
static int
make_views(const struct source *so, struct errmsg *em)
{
	static const char from[] = "CREATE VIEW", to[] = "CREATE TEMP VIEW";
	const char *text = analysis_views_sql(), *at;
	sqlite3_str *sql = sqlite3_str_new(so->so_sq);
	int error = 0;

	while ((at = strstr(text, from)) != NULL) {
		sqlite3_str_append(sql, text, (int)(at - text));
		sqlite3_str_appendall(sql, to);
		text = at + strlen(from);
	}
	sqlite3_str_appendall(sql, text);
	char *all = sqlite3_str_finish(sql);
	if (all == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
	if (sqlite3_exec(so->so_sq, all, NULL, NULL, NULL) != SQLITE_OK)
		error = source_error(so, em);
	sqlite3_free(all);
	return error;
}

/* The path as a URI for a file that nobody changes; malloc'd, or NULL. */
static char *
immutable_uri(const char *path)
{
	char *uri = malloc(3 * strlen(path) + sizeof("file:?immutable=1"));
	char *p;

	if (uri == NULL)
		return NULL;
	p = stpcpy(uri, "file:");
	for (; *path != '\0'; path++)
		p += sprintf(p, "%%%02x", (unsigned char)*path);
	(void)sprintf(p, "?immutable=1");
	return uri;
}

/* Is there a write-ahead log beside path? */
static bool
has_log(const char *path)
{
	char *log;
	bool found;

	if (asprintf(&log, "%s-wal", path) < 0)
		return true;
	found = access(log, F_OK) == 0;
	free(log);
	return found;
}

/*
 * connect: open the file, and read from it.
 *
 * A database whose folder cannot be written, an archive, is opened as one that
 * nobody changes: the log's index, which SQLite wants there, cannot be made.
 */
static int
connect_to(struct source *so, struct errmsg *em)
{
	char *uri = NULL;
	int rc;

	rc = sqlite3_open_v2(so->so_path, &so->so_sq, SQLITE_OPEN_READONLY,
	    NULL);
	if (rc == SQLITE_OK) {
		(void)sqlite3_busy_timeout(so->so_sq, WAIT);
		rc = sqlite3_exec(so->so_sq,
		    "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL,
		    NULL);
	}
	if ((rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) &&
	    !has_log(so->so_path) &&
	    (uri = immutable_uri(so->so_path)) != NULL) {
		(void)sqlite3_close(so->so_sq);
		rc = sqlite3_open_v2(uri, &so->so_sq,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
		free(uri);
	}
	if (so->so_sq == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
	return rc == SQLITE_OK ? 0 : source_error(so, em);
}

/* Say what SQLite would call "unable to open". */
static int
check_path(const char *path, struct errmsg *em)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ?
		    ERRMSG(em, ENOENT,
			"%s: no such database; uvn replay makes one", path) :
		    ERRMSG(em, errno, "%s: %s", path, errno_text(errno));
	if (!S_ISREG(st.st_mode))
		return ERRMSG(em, EINVAL,
		    "%s: not a file; name a database that uvn replay made",
		    path);
	if (access(path, R_OK) != 0)
		return ERRMSG(em, errno, "%s: %s", path, errno_text(errno));
	return 0;
}

int
source_connect(struct source *so, const char *path, struct errmsg *em)
{
	int error;

	if ((error = check_path(path, em)) != 0)
		return error;
	memset(so, 0, sizeof(*so));
	so->so_path = path;
	analysis_watch_memory();
	so->so_failures = analysis_memory_failures();
	if ((error = connect_to(so, em)) != 0 ||
	    (error = check_owner(so, em)) != 0 ||
	    (error = make_views(so, em)) != 0)
		source_close(so);
	return error;
}

int
source_open(struct source *so, const char *path, const int64_t *given,
    struct errmsg *em)
{
	int error;

	if ((error = source_connect(so, path, em)) != 0)
		return error;
	memcpy(so->so_given, given, sizeof(so->so_given));
	if ((error = find_newest(so, em)) != 0)
		source_close(so);
	return error;
}

void
source_close(struct source *so)
{
	(void)sqlite3_close(so->so_sq);
	so->so_sq = NULL;
}
