#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "replay/db_impl.h"

const char *const opkind_name[OP_NKINDS] = {
#define K(NAME, name) [OP_##NAME] = (name),
	OPKINDS(K)
#undef K
};

const char *const outcome_name[OUTCOME_NOUTCOMES] = {
#define O(NAME, name) [OUTCOME_##NAME] = (name),
	OUTCOMES(O)
#undef O
};

const char *const role_name[ROLE_NROLES] = {
#define R(NAME, name) [ROLE_##NAME] = (name),
	ROLES(R)
#undef R
};

/* What a failure of the system below SQLite means to the user. */
static int
system_error(const struct db *db, int error, const char *doing,
    struct errmsg *em)
{

	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return ERRMSG(em, ENOSPC,
		    "%s: %s: no space left on its file system; make room, or "
		    "name a file elsewhere with --db",
		    db->db_path, doing);
	case EFBIG:
		return ERRMSG(em, ENOSPC,
		    "%s: %s: the file would exceed the limit on file sizes; "
		    "raise it with ulimit -f, or log less",
		    db->db_path, doing);
	case EACCES:
	case EPERM:
		return ERRMSG(em, EACCES,
		    "%s: %s: no permission to write it and its directory; name "
		    "a file elsewhere with --db",
		    db->db_path, doing);
	case EROFS:
		return ERRMSG(em, EROFS,
		    "%s: %s: its file system is read-only; name a file "
		    "elsewhere with --db",
		    db->db_path, doing);
	case ENOENT:
		return ERRMSG(em, ENOENT,
		    "%s: %s: its directory does not exist; make it, or name "
		    "another file with --db",
		    db->db_path, doing);
	case ENOTDIR:
		return ERRMSG(em, ENOENT,
		    "%s: %s: a part of its path is no directory; name another "
		    "file with --db",
		    db->db_path, doing);
	case EISDIR:
		return ERRMSG(em, EINVAL,
		    "%s: %s: it is a directory; name a file with --db",
		    db->db_path, doing);
	default:
		return ERRMSG(em, error, "%s: %s: %s", db->db_path, doing,
		    errno_text(error));
	}
}

/*
 * path_error: why a database cannot be written at path, by asking the system;
 * 0 if it sees no reason.  SQLite says "unable to open" for all of them.
 */
static int
path_error(const char *path)
{
	struct stat st;
	char *dir;
	int error = 0;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return EISDIR;
		if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0)
			return errno;
	} else if (errno != ENOENT)
		return errno;
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (dir == NULL)
		return ENOMEM;
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) != 0)
		error = errno;
	free(dir);
	return error;
}

/*
 * below_errno: what the system said when SQLite failed; 0 if nothing.
 *
 * A failed COMMIT does not tell sqlite3_system_errno(): then the files know,
 * the write-ahead log before the database.
 */
static int
below_errno(const struct db *db)
{
	int error = sqlite3_system_errno(db->db_sq);
	sqlite3_file *log = NULL;

	if (error != 0)
		return error;
	if (sqlite3_file_control(db->db_sq, "main",
		SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
	    log != NULL && log->pMethods != NULL)
		(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO,
		    &error);
	if (error == 0)
		(void)sqlite3_file_control(db->db_sq, "main",
		    SQLITE_FCNTL_LAST_ERRNO, &error);
	return error;
}

int
db_error(struct db *db, struct errmsg *em, const char *doing)
{
	const int code = sqlite3_extended_errcode(db->db_sq);
	const int below = below_errno(db);
	int error;

	switch (code & 0xff) {
	case SQLITE_NOTADB:
		return ERRMSG(em, EINVAL,
		    "%s: %s: it is not a SQLite database; name another file "
		    "with --db",
		    db->db_path, doing);
	case SQLITE_CORRUPT:
		return ERRMSG(em, EINVAL,
		    "%s: %s: the database is damaged; save what it has with "
		    "sqlite3's .recover, and name another file with --db",
		    db->db_path, doing);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERRMSG(em, EBUSY,
		    "%s: %s: locked by another program; end it, or name "
		    "another file with --db",
		    db->db_path, doing);
	case SQLITE_FULL:
		return system_error(db, ENOSPC, doing, em);
	case SQLITE_NOMEM:
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    doing);
	case SQLITE_IOERR:
		return system_error(db, below != 0 ? below : EIO, doing, em);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		error = path_error(db->db_path);
		if (error == 0)
			error = below != 0 ? below : EACCES;
		return system_error(db, error, doing, em);
	default:
		return ERRMSG(em, EIO, "%s: %s: %s", db->db_path, doing,
		    sqlite3_errmsg(db->db_sq));
	}
}

int
db_memory(struct db *db, const char *doing, struct errmsg *em)
{
	const uint64_t failures = analysis_memory_failures();

	if (failures == db->db_failures)
		return 0;
	db->db_failures = failures;
	return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path, doing);
}

int
db_exec(struct db *db, const char *sql, const char *doing, struct errmsg *em)
{
	const int error = db_memory(db, doing, em);

	if (error != 0)
		return error;
	if (sqlite3_exec(db->db_sq, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(db, em, doing);
	return 0;
}

void
db_rollback(struct db *db)
{

	/* After some failures SQLite has rolled back already. */
	if (db->db_sq != NULL && sqlite3_get_autocommit(db->db_sq) == 0)
		(void)sqlite3_exec(db->db_sq, "ROLLBACK", NULL, NULL, NULL);
}

int
db_prepare(struct db *db, const char *sql, sqlite3_stmt **stp,
    struct errmsg *em)
{

	if (sqlite3_prepare_v3(db->db_sq, sql, -1, SQLITE_PREPARE_PERSISTENT,
		stp, NULL) != SQLITE_OK)
		return db_error(db, em, "reading its tables");
	return 0;
}

int
db_exec_made(struct db *db, char *sql, const char *doing, struct errmsg *em)
{
	const int error = sql == NULL ?
	    ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path, doing) :
	    db_exec(db, sql, doing, em);

	sqlite3_free(sql);
	return error;
}

int
db_prepare_made(struct db *db, char *sql, sqlite3_stmt **stp, const char *doing,
    struct errmsg *em)
{
	const int error = sql == NULL ?
	    ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path, doing) :
	    db_prepare(db, sql, stp, em);

	sqlite3_free(sql);
	return error;
}

int
db_step(struct db *db, sqlite3_stmt *st, const char *doing, struct errmsg *em)
{
	int error = db_memory(db, doing, em);

	if (error == 0 && sqlite3_step(st) != SQLITE_DONE)
		error = db_error(db, em, doing);
	(void)sqlite3_reset(st);
	return error;
}

void
db_bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{

	(void)sqlite3_bind_int64(st, at,
	    v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void
db_bind_text(sqlite3_stmt *st, int at, const char *text)
{

	(void)sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
}

void
db_bind_known(sqlite3_stmt *st, int at, const char *text)
{

	db_bind_text(st, at, text[0] == '\0' ? NULL : text);
}

/* db_open_file: the connection, with nothing read yet. */
static int
db_open_file(struct db *db, struct errmsg *em)
{
	/* One thread at a time uses a connection: writer.c, db.h. */
	const int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	const int rc = sqlite3_open_v2(db->db_path, &db->db_sq, flags, NULL);

	if (db->db_sq == NULL)
		return ERRMSG(em, ENOMEM, "%s: opening: out of memory",
		    db->db_path);
	if (rc != SQLITE_OK)
		return db_error(db, em, "opening");
	(void)sqlite3_extended_result_codes(db->db_sq, 1);
	(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_OPEN);
	if (sqlite3_db_readonly(db->db_sq, "main") == 1) {
		const int error = path_error(db->db_path);

		return system_error(db, error != 0 ? error : EACCES, "opening",
		    em);
	}
	return 0;
}

/*
 * db_wal: write-ahead logging from now on, where the file system can.
 *
 * => SQLite does not wait for others here, so we do
 */
static int
db_wal(struct db *db, struct errmsg *em)
{
	const int step = 20; /* ms */

	for (int waited = 0;; waited += step) {
		const int rc = sqlite3_exec(db->db_sq,
		    "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

		if (rc == SQLITE_OK)
			return 0;
		if ((rc & 0xff) != SQLITE_BUSY || waited >= DB_WAIT_OPEN)
			return db_error(db, em, "opening");
		(void)sqlite3_sleep(step);
	}
}

/*
 * db_setup: tables, views, and how it is written.
 *
 * The tables are made before the switch to WAL, so that the file itself says
 * whose it is from its first byte on.
 */
static int
db_setup(struct db *db, struct errmsg *em)
{
	int error;

	if ((error = db_schema_setup(db, em)) != 0)
		return error;
	if ((error = db_wal(db, em)) != 0)
		return error;
	if ((error = db_exec(db,
		 "PRAGMA synchronous = NORMAL;"
		 "PRAGMA foreign_keys = ON;",
		 "opening", em)) != 0)
		return error;
	if ((error = db_exec(db, analysis_views_sql(), "making its views",
		 em)) != 0)
		return error;
	return db_run_sweep(db, em);
}

int
db_open(const char *path, struct db **dbp, struct errmsg *em)
{
	struct db *db;
	int error;

	struct stat st;

	analysis_watch_memory();
	/* SQLite would write to a device, too. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode))
		return ERRMSG(em, EINVAL,
		    "%s: opening: it is no regular file; name another file "
		    "with --db",
		    path);
	/* To SQLite that is a file which vanishes when it is closed. */
	if (path[0] == '\0')
		return ERRMSG(em, EINVAL,
		    "the database has no name; name a "
		    "file with --db");
	db = calloc(1, sizeof(*db));
	if (db == NULL || (db->db_path = strdup(path)) == NULL) {
		free(db);
		return ERRMSG(em, ENOMEM, "%s: opening: out of memory", path);
	}
	db->db_failures = analysis_memory_failures();
	if ((error = db_open_file(db, em)) != 0 ||
	    (error = db_setup(db, em)) != 0) {
		db_close(db);
		return error;
	}
	*dbp = db;
	return 0;
}

void
db_close(struct db *db)
{

	if (db == NULL)
		return;
	db_rollback(db);
	(void)sqlite3_close(db->db_sq);
	free(db->db_path);
	free(db);
}

void
db_stamp(char buf[DB_STAMP_MAX])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, DB_STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)sqlite3_snprintf((int)(DB_STAMP_MAX - n), buf + n, ".%03dZ",
	    (int)(ts.tv_nsec / 1000000));
}
