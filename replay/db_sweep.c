/*
 * db_sweep.c: sweeps and their cells.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "replay/db_impl.h"
#include "replay/db_sweep.h"
#include "replay/host.h"
#include "replay/replay.h"

const char *const db_cell_status_name[] = {
	[CELL_PLANNED] = "planned",
	[CELL_COMPLETE] = "complete",
	[CELL_FAILED] = "failed",
	[CELL_INTERRUPTED] = "interrupted",
};

static const char beginning[] = "beginning a sweep";
static const char storing[] = "storing a cell";
static const char asking[] = "reading earlier runs";

/*
 * Step a query of one row at most.
 *
 * => *rowp: there is one; st is the caller's to read and to finalize
 */
static int
query_row(struct db *db, sqlite3_stmt *st, const char *doing, bool *rowp,
    struct errmsg *em)
{
	int error = db_memory(db, doing, em), rc = SQLITE_DONE;

	if (error == 0) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			error = db_error(db, em, doing);
	}
	*rowp = rc == SQLITE_ROW;
	return error;
}

/*
 * The latest sweep of the definition; 0 if there is none.
 *
 * => EBUSY: its process is there, and not this one
 */
static int
find_sweep(struct db *db, const char *definition, int64_t *sweepp,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT id, status, pid, host FROM sweep WHERE definition = ?"
	    " ORDER BY status = 'running' DESC, id DESC LIMIT 1",
	    &st, em);

	if (error == 0) {
		db_bind_text(st, 1, definition);
		error = query_row(db, st, beginning, &row, em);
	}
	*sweepp = row ? sqlite3_column_int64(st, 0) : 0;
	/* db_open() has marked those whose process is gone. */
	if (row &&
	    strcmp((const char *)sqlite3_column_text(st, 1), "running") == 0)
		error = ERRMSG(em, EBUSY,
		    "%s: sweep %" PRId64 " is this one, and process %" PRId64
		    " of %s runs it now; wait for it, or end it",
		    db->db_path, *sweepp, (int64_t)sqlite3_column_int64(st, 2),
		    sqlite3_column_type(st, 3) == SQLITE_NULL ?
			"another host" :
			(const char *)sqlite3_column_text(st, 3));
	(void)sqlite3_finalize(st);
	return error;
}

/* Make the sweep's row, or take over *sweepp if that is not 0; left: there are
 * cells to run. */
static int
put_sweep(struct db *db, const struct db_sweep *ds, size_t ncells, bool left,
    int64_t *sweepp, struct errmsg *em)
{
	static const char make[] =
	    "INSERT INTO sweep(status, started, command, axes, traces, repeats,"
	    " seed, jobs, cells, definition, host, version, revision, pid,"
	    " pid_start, boot) VALUES('running',"
	    "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
	static const char take[] =
	    "UPDATE sweep SET status = 'running', reason = NULL,"
	    " finished = NULL, resumed = resumed + ?17, command = ?2, jobs = ?7,"
	    " host = ?10, version = ?11, revision = ?12, pid = ?13,"
	    " pid_start = ?14, boot = ?15 WHERE id = ?16";
	char started[DB_STAMP_MAX];
	struct host_facts hf;
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db, *sweepp == 0 ? make : take, &st, em);

	if (error != 0)
		return error;
	host_facts(&hf);
	db_stamp(started);
	db_bind_text(st, 1, started);
	db_bind_text(st, 2, ds->ds_command);
	db_bind_text(st, 3, ds->ds_axes);
	db_bind_text(st, 4, ds->ds_traces);
	db_bind_u64(st, 5, ds->ds_repeats);
	db_bind_u64(st, 6, ds->ds_seed);
	db_bind_u64(st, 7, ds->ds_jobs);
	db_bind_u64(st, 8, ncells);
	db_bind_text(st, 9, ds->ds_definition);
	db_bind_known(st, 10, hf.hf_host);
	db_bind_text(st, 11, UVN_VERSION);
	db_bind_known(st, 12, host_revision());
	db_bind_u64(st, 13, (uint64_t)getpid());
	db_bind_u64(st, 14, host_pid_start(getpid()));
	db_bind_known(st, 15, hf.hf_boot);
	if (*sweepp != 0) {
		(void)sqlite3_bind_int64(st, 16, *sweepp);
		(void)sqlite3_bind_int(st, 17, left);
	}
	error = db_step(db, st, beginning, em);
	if (error == 0 && *sweepp == 0)
		*sweepp = sqlite3_last_insert_rowid(db->db_sq);
	(void)sqlite3_finalize(st);
	return error;
}

/* The run that each cell has already.  => *leftp: some have none */
static int
find_cells(struct db *db, int64_t sweep, bool fresh,
    struct db_cell *const *cells, size_t n, bool *leftp, struct errmsg *em)
{
	int error = 0;

	*leftp = false;
	for (size_t i = 0; error == 0 && i < n; i++) {
		struct db_cell *dc = cells[i];

		error =
		    db_cell_find(db, sweep, dc->dc_key, fresh, &dc->dc_run, em);
		if (dc->dc_run != 0)
			dc->dc_status = CELL_COMPLETE;
		*leftp |= dc->dc_status == CELL_PLANNED;
	}
	return error;
}

static int
put_cells(struct db *db, int64_t sweep, struct db_cell *const *cells, size_t n,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT OR REPLACE INTO sweep_cell(sweep, n, trace, digest, repeat,"
	    " tunables, cell, status, run, reason)"
	    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	    &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, sweep);
	for (size_t i = 0; error == 0 && i < n; i++) {
		const struct db_cell *dc = cells[i];

		db_bind_u64(st, 2, i);
		db_bind_text(st, 3, dc->dc_trace);
		db_bind_text(st, 4, dc->dc_digest);
		db_bind_u64(st, 5, dc->dc_repeat);
		db_bind_text(st, 6, dc->dc_tunables);
		db_bind_text(st, 7, dc->dc_key);
		db_bind_text(st, 8, db_cell_status_name[dc->dc_status]);
		if (dc->dc_run != 0)
			(void)sqlite3_bind_int64(st, 9, dc->dc_run);
		else
			(void)sqlite3_bind_null(st, 9);
		db_bind_text(st, 10, dc->dc_reason);
		error = db_step(db, st, beginning, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
db_sweep_begin(struct db *db, const struct db_sweep *ds,
    struct db_cell *const *cells, size_t n, int64_t *sweepp, bool *resumedp,
    struct errmsg *em)
{
	int64_t sweep = 0;
	bool left = false;
	int error;

	if ((error = db_exec(db, "BEGIN IMMEDIATE", beginning, em)) != 0)
		return error;
	if ((error = find_sweep(db, ds->ds_definition, &sweep, em)) != 0)
		goto fail;
	if (ds->ds_fresh)
		sweep = 0;
	*resumedp = sweep != 0;
	if ((error = find_cells(db, sweep, ds->ds_fresh, cells, n, &left,
		 em)) != 0 ||
	    (error = put_sweep(db, ds, n, left, &sweep, em)) != 0 ||
	    (error = put_cells(db, sweep, cells, n, em)) != 0 ||
	    (error = db_exec(db, "COMMIT", beginning, em)) != 0)
		goto fail;
	*sweepp = sweep;
	return 0;
fail:
	db_rollback(db);
	return error;
}

int
db_sweep_end(struct db *db, int64_t sweep, const char *status,
    const char *reason, struct errmsg *em)
{
	static const char ending[] = "ending a sweep";
	char finished[DB_STAMP_MAX];
	sqlite3_stmt *st = NULL;
	int error;

	(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_RUN);
	error = db_prepare(db,
	    "UPDATE sweep SET status = ?, reason = ?, finished = ?"
	    " WHERE id = ?",
	    &st, em);
	if (error == 0) {
		db_stamp(finished);
		db_bind_text(st, 1, status);
		db_bind_text(st, 2, reason);
		db_bind_text(st, 3, finished);
		(void)sqlite3_bind_int64(st, 4, sweep);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
db_sweep_orphans(struct db *db, int64_t sweep, int64_t *pids, size_t *np,
    struct errmsg *em)
{
	const size_t room = *np;
	sqlite3_stmt *st = NULL;
	bool row = true;
	int error = db_prepare(db,
	    "SELECT pid FROM run WHERE sweep = ? AND host = ?"
	    " AND status = 'running'",
	    &st, em);
	struct host_facts hf;

	*np = 0;
	if (error == 0) {
		host_facts(&hf);
		(void)sqlite3_bind_int64(st, 1, sweep);
		db_bind_text(st, 2, hf.hf_host);
	}
	while (error == 0 && *np < room) {
		error = query_row(db, st, asking, &row, em);
		if (error != 0 || !row)
			break;
		pids[(*np)++] = sqlite3_column_int64(st, 0);
	}
	(void)sqlite3_finalize(st);
	return error;
}

/* Of runs of one key, that of the sweep itself counts first. */
int
db_cell_find(struct db *db, int64_t sweep, const char *key, bool fresh,
    int64_t *runp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT id FROM run WHERE cell = ?1 AND status = 'complete'"
	    " AND reason IS NULL AND (sweep IS ?2 OR NOT ?3)"
	    " ORDER BY sweep IS ?2 DESC, id LIMIT 1",
	    &st, em);

	if (error == 0) {
		db_bind_text(st, 1, key);
		(void)sqlite3_bind_int64(st, 2, sweep);
		(void)sqlite3_bind_int(st, 3, fresh);
		error = query_row(db, st, asking, &row, em);
	}
	*runp = row ? sqlite3_column_int64(st, 0) : 0;
	(void)sqlite3_finalize(st);
	return error;
}

int
db_cell_end(struct db *db, int64_t sweep, size_t n, const struct db_cell *dc,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error;

	(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_RUN);
	error = db_prepare(db,
	    "UPDATE sweep_cell SET status = ?1, run = ?2, reason = ?3"
	    " WHERE sweep = ?4 AND n = ?5 AND status <> 'complete'",
	    &st, em);
	if (error == 0) {
		db_bind_text(st, 1, db_cell_status_name[dc->dc_status]);
		if (dc->dc_run != 0)
			(void)sqlite3_bind_int64(st, 2, dc->dc_run);
		db_bind_text(st, 3, dc->dc_reason);
		(void)sqlite3_bind_int64(st, 4, sweep);
		db_bind_u64(st, 5, n);
		error = db_step(db, st, storing, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
db_cell_lost(struct db *db, int64_t sweep, size_t n, struct db_cell *dc,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT id, status = 'complete' AND reason IS NULL FROM run"
	    " WHERE cell = ?1 AND sweep = ?2 ORDER BY id DESC LIMIT 1",
	    &st, em);

	if (error == 0) {
		db_bind_text(st, 1, dc->dc_key);
		(void)sqlite3_bind_int64(st, 2, sweep);
		error = query_row(db, st, asking, &row, em);
	}
	if (row) {
		dc->dc_run = sqlite3_column_int64(st, 0);
		if (sqlite3_column_int(st, 1) != 0) {
			dc->dc_status = CELL_COMPLETE;
			free(dc->dc_reason);
			dc->dc_reason = NULL;
		}
	}
	(void)sqlite3_finalize(st);
	return error != 0 ? error : db_cell_end(db, sweep, n, dc, em);
}

int
db_cell_result(struct db *db, int64_t run, struct db_cell_result *cr,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT wall_ns, cpu_ns, accesses,"
	    " (SELECT sum(value) FROM counter WHERE run = ?1"
	    "  AND name IN ('mapped_hits', 'resident_hits')),"
	    " (SELECT value FROM counter WHERE run = ?1 AND name = 'misses'),"
	    " (SELECT value FROM counter WHERE run = ?1"
	    "  AND name = 'pageout_ios'),"
	    " (SELECT sum(cpu_ns) FROM flush_total WHERE run = ?1)"
	    " FROM run WHERE id = ?1",
	    &st, em);

	*cr = (struct db_cell_result){ .cr_wall_ns = 0 };
	if (error == 0) {
		(void)sqlite3_bind_int64(st, 1, run);
		error = query_row(db, st, asking, &row, em);
	}
	if (row)
		*cr = (struct db_cell_result){
			.cr_wall_ns = (uint64_t)sqlite3_column_int64(st, 0),
			.cr_cpu_ns = (uint64_t)sqlite3_column_int64(st, 1),
			.cr_accesses = (uint64_t)sqlite3_column_int64(st, 2),
			.cr_hits = (uint64_t)sqlite3_column_int64(st, 3),
			.cr_misses = (uint64_t)sqlite3_column_int64(st, 4),
			.cr_writes = (uint64_t)sqlite3_column_int64(st, 5),
			.cr_flush_cpu_ns =
			    (uint64_t)sqlite3_column_int64(st, 6),
		};
	(void)sqlite3_finalize(st);
	return error;
}

#define PEEK_SCHEMA 4 /* the first that has what is read here as we do */

/* Is it ours, and to be read as it is?  => EINVAL: another program's */
static int
peek_schema(struct db *db, bool *oursp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0, version = 0, objects = 0;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT (SELECT application_id FROM pragma_application_id),"
	    " (SELECT user_version FROM pragma_user_version),"
	    " (SELECT count(*) FROM sqlite_schema)",
	    &st, em);

	if (error == 0)
		error = query_row(db, st, "opening", &row, em);
	if (row) {
		id = sqlite3_column_int64(st, 0);
		version = sqlite3_column_int64(st, 1);
		objects = sqlite3_column_int64(st, 2);
	}
	(void)sqlite3_finalize(st);
	*oursp = id == ANALYSIS_APPLICATION_ID && version >= PEEK_SCHEMA &&
	    version <= ANALYSIS_SCHEMA;
	if (error == 0 && objects > 0 &&
	    (id != ANALYSIS_APPLICATION_ID || version > ANALYSIS_SCHEMA))
		return ERRMSG(em, EINVAL,
		    "%s: the database is another program's, or a newer uvn's; "
		    "name another file with --db",
		    db->db_path);
	return error;
}

int
db_peek(const char *path, struct db **dbp, struct errmsg *em)
{
	struct stat st;
	struct db *db;
	bool ours = false;
	int error = 0;

	*dbp = NULL;
	if (stat(path, &st) != 0 || st.st_size == 0)
		return 0;
	analysis_watch_memory();
	db = calloc(1, sizeof(*db));
	if (db == NULL || (db->db_path = strdup(path)) == NULL) {
		free(db);
		return ERRMSG(em, ENOMEM, "%s: opening: out of memory", path);
	}
	db->db_failures = analysis_memory_failures();
	/* With leave to write, which is not used: without it SQLite leaves the
	 * files of its log behind. */
	if (sqlite3_open_v2(path, &db->db_sq,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		error = db->db_sq == NULL ?
		    ERRMSG(em, ENOMEM, "%s: opening: out of memory", path) :
		    db_error(db, em, "opening");
	if (error == 0) {
		(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_OPEN);
		error = db_exec(db, "PRAGMA query_only = ON", "opening", em);
	}
	if (error == 0)
		error = peek_schema(db, &ours, em);
	if (error != 0 || !ours) {
		db_close(db);
		return error;
	}
	*dbp = db;
	return 0;
}

int
db_median_wall(struct db *db, const char *digest, const char *backend,
    uint64_t *wallp, uint64_t *np, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	int error = db_prepare(db,
	    "SELECT wall_ns, count(*) OVER () AS n FROM run WHERE digest = ?1"
	    " AND backend = ?2 AND status = 'complete' ORDER BY wall_ns"
	    " LIMIT 1 OFFSET (SELECT count(*) / 2 FROM run WHERE digest = ?1"
	    " AND backend = ?2 AND status = 'complete')",
	    &st, em);

	if (error == 0) {
		db_bind_text(st, 1, digest);
		db_bind_text(st, 2, backend);
		error = query_row(db, st, asking, &row, em);
	}
	*wallp = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	*np = row ? (uint64_t)sqlite3_column_int64(st, 1) : 0;
	(void)sqlite3_finalize(st);
	return error;
}
