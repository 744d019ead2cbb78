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

/* The statement that selects rows with up to one parameter. */
static int
query(const struct source *so, const char *sql, int64_t arg, sqlite3_stmt **stp,
    struct errmsg *em)
{
	if (sqlite3_prepare_v2(so->so_sq, sql, -1, stp, NULL) != SQLITE_OK)
		return source_error(so, em);
	if (sqlite3_bind_parameter_count(*stp) > 0)
		(void)sqlite3_bind_int64(*stp, 1, arg);
	return 0;
}

/* The one integer that sql selects; *nullp if it is NULL. */
static int
query_int(const struct source *so, const char *sql, int64_t *valp, bool *nullp,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	if ((error = query(so, sql, 0, &st, em)) != 0)
		return error;
	if (sqlite3_step(st) == SQLITE_ROW) {
		*valp = sqlite3_column_int64(st, 0);
		*nullp = sqlite3_column_type(st, 0) == SQLITE_NULL;
	} else
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* Is it ours, and not from the future? */
static int
check_owner(const struct source *so, struct errmsg *em)
{
	int64_t id, version;
	bool null;
	int error;

	if ((error = query_int(so, "PRAGMA application_id", &id, &null, em)) !=
		0 ||
	    (error = query_int(so, "PRAGMA user_version", &version, &null,
		 em)) != 0)
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
	return 0;
}

/* The newest run that has an end. */
static int
newest_run(struct source *so, struct errmsg *em)
{
	int64_t last;
	bool null;
	int error;

	error = query_int(so,
	    "SELECT max(id) FROM run WHERE status IN"
	    " ('complete', 'interrupted')",
	    &so->so_run, &null, em);
	if (error != 0 || !null)
		return error;
	error = query_int(so, "SELECT max(id) FROM run", &last, &null, em);
	if (error != 0)
		return error;
	if (null)
		return ERRMSG(em, ENOENT,
		    "%s: holds no run yet; uvn replay adds one", so->so_path);
	return ERRMSG(em, ENOENT,
	    "%s: holds no run that is complete or interrupted; --run %" PRId64
	    " draws what there is of the newest",
	    so->so_path, last);
}

/* What figures say of the run. */
static int
describe_run(struct source *so, struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	if ((error = query(so, "SELECT status, trace FROM run WHERE id = ?1",
		 so->so_run, &st, em)) != 0)
		return error;
	const int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *status = (const char *)sqlite3_column_text(st, 0);
		const char *trace = (const char *)sqlite3_column_text(st, 1);

		printable(so->so_status, sizeof(so->so_status),
		    status != NULL ? status : "");
		printable(so->so_trace, sizeof(so->so_trace),
		    trace != NULL ? trace : "");
	} else if (rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	if (error == 0 && rc == SQLITE_DONE) {
		int64_t last = 0;
		bool null;

		error =
		    query_int(so, "SELECT max(id) FROM run", &last, &null, em);
		if (error == 0)
			error = ERRMSG(em, ENOENT,
			    "%s: holds no run %" PRId64
			    "; its newest is %" PRId64,
			    so->so_path, so->so_run, last);
	}
	return error;
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
	if ((error = connect_to(so, em)) != 0 ||
	    (error = check_owner(so, em)) != 0 ||
	    (error = make_views(so, em)) != 0)
		source_close(so);
	return error;
}

int
source_open(struct source *so, const char *path, int64_t run, struct errmsg *em)
{
	int error;

	if ((error = source_connect(so, path, em)) != 0)
		return error;
	so->so_run = run;
	if ((run == 0 && (error = newest_run(so, em)) != 0) ||
	    (error = describe_run(so, em)) != 0)
		source_close(so);
	return error;
}

void
source_close(struct source *so)
{
	(void)sqlite3_close(so->so_sq);
	so->so_sq = NULL;
}
