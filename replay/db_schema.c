#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "replay/db_impl.h"

/*
 * The columns of table run but for the tunables', which db_create_run() adds
 * from their table.
 */
static const char run_columns[] = "id INTEGER PRIMARY KEY AUTOINCREMENT,"
				  "status TEXT NOT NULL,"
				  "reason TEXT,"
				  "started TEXT NOT NULL,"
				  "finished TEXT,"
				  "trace TEXT,"
				  "digest TEXT,"
				  "command TEXT,"
				  "repeat INTEGER NOT NULL,"
				  "seed INTEGER NOT NULL,"
				  "dir TEXT,"
				  "device TEXT,"
				  "file_system TEXT,"
				  "mount_options TEXT,"
				  "host TEXT,"
				  "kernel TEXT,"
				  "cpu TEXT,"
				  "clock TEXT NOT NULL,"
				  "version TEXT NOT NULL,"
				  "compiler TEXT NOT NULL,"
				  "pid INTEGER NOT NULL,"
				  "pid_start INTEGER NOT NULL,"
				  "boot TEXT,"
				  "events INTEGER,"
				  "accesses INTEGER,"
				  "wall_ns INTEGER,"
				  "cpu_ns INTEGER,"
				  "verify TEXT,"
				  "tunables TEXT NOT NULL,"
				  "sweep INTEGER REFERENCES sweep(id)"
				  " ON DELETE SET NULL,"
				  "cell TEXT,"
				  "revision TEXT";

#define RUN_REF "run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"

/* What is known of a distribution of times; NULL if it is empty. */
#define TIMES                                                                  \
	"min INTEGER,mean REAL,p50 INTEGER,p90 INTEGER,p99 INTEGER,"           \
	"p999 INTEGER,max INTEGER"

/* Columns that schema 3 added, to new tables and to old ones. */
#define OP_3_SCHEDULED	 "scheduled_ns INTEGER"
#define OP_3_ISSUED	 "issued_ns INTEGER"
#define OP_3_COMPLETED	 "completed_ns INTEGER AS (issued_ns + latency_ns)"
#define OP_3		 OP_3_SCHEDULED "," OP_3_ISSUED "," OP_3_COMPLETED
#define INTERVAL_3_REAL	 "real_ns INTEGER"
#define INTERVAL_3_DEPTH "depth REAL"
#define INTERVAL_3_MOST	 "depth_most INTEGER"

/*
 * The other tables.  Those with a row a run and name are keyed by them; op and
 * flush, which have millions, by run and the order of writing, so that their
 * rows go in at the end of a tree and a run's rows come out, or are deleted,
 * as one stretch.
 */
static const char tables[] =
    "CREATE TABLE op_kind(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE outcome(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE op(" RUN_REF "n INTEGER NOT NULL,"
    "seq INTEGER NOT NULL,"
    "time INTEGER NOT NULL,"
    "tid INTEGER NOT NULL,"
    "kind INTEGER NOT NULL REFERENCES op_kind(id),"
    "file INTEGER NOT NULL,"
    "offset INTEGER NOT NULL,"
    "length INTEGER NOT NULL,"
    "outcome INTEGER NOT NULL REFERENCES outcome(id),"
    "reads INTEGER NOT NULL,"
    "writes INTEGER NOT NULL,"
    "bytes_in INTEGER NOT NULL,"
    "bytes_out INTEGER NOT NULL,"
    "latency_ns INTEGER NOT NULL," OP_3 ","
    "PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE flush(" RUN_REF "n INTEGER NOT NULL,"
    "seq INTEGER NOT NULL,"
    "caller TEXT NOT NULL,"
    "file INTEGER NOT NULL,"
    "range_pages INTEGER NOT NULL,"
    "object_pages INTEGER NOT NULL,"
    "method TEXT NOT NULL,"
    "visits INTEGER NOT NULL,"
    "lookups INTEGER NOT NULL,"
    "cleaned INTEGER NOT NULL,"
    "writes INTEGER NOT NULL,"
    "cpu_ns INTEGER NOT NULL,"
    "latency_ns INTEGER NOT NULL,"
    "choice INTEGER,"
    "other_visits INTEGER,"
    "other_lookups INTEGER,"
    "other_writes INTEGER,"
    "list_ns INTEGER,"
    "hash_ns INTEGER,"
    "PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE counter(" RUN_REF "name TEXT NOT NULL,"
    "value INTEGER NOT NULL,"
    "PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE latency(" RUN_REF "kind TEXT NOT NULL,"
    "outcome TEXT NOT NULL,"
    "count INTEGER NOT NULL,"
    "timed INTEGER NOT NULL," TIMES ","
    "histogram TEXT,"
    "PRIMARY KEY(run, kind, outcome)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE interval(" RUN_REF "n INTEGER NOT NULL,"
    "time INTEGER NOT NULL,"
    "accesses INTEGER NOT NULL,"
    "hits INTEGER NOT NULL,"
    "mapped INTEGER NOT NULL,"
    "resident INTEGER NOT NULL,"
    "misses INTEGER NOT NULL,"
    "dirty INTEGER NOT NULL,"
    "free INTEGER NOT NULL,"
    "active INTEGER NOT NULL,"
    "inactive INTEGER NOT NULL,"
    "bytes_in INTEGER NOT NULL,"
    "bytes_out INTEGER NOT NULL," INTERVAL_3_REAL "," INTERVAL_3_DEPTH
    "," INTERVAL_3_MOST ","
    "PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cluster(" RUN_REF "direction TEXT NOT NULL,"
    "pages INTEGER NOT NULL,"
    "count INTEGER NOT NULL,"
    "PRIMARY KEY(run, direction, pages)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE event(" RUN_REF "phase TEXT NOT NULL,"
    "name TEXT,"
    "value INTEGER,"
    "time_enabled INTEGER,"
    "time_running INTEGER,"
    "reason TEXT) STRICT;"
    "CREATE INDEX event_run ON event(run);";

/* The tables of schema 2. */
static const char tables_2[] =
    "CREATE TABLE sweep(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "status TEXT NOT NULL,"
    "reason TEXT,"
    "started TEXT NOT NULL,"
    "finished TEXT,"
    "command TEXT,"
    "axes TEXT NOT NULL,"
    "traces TEXT NOT NULL,"
    "repeats INTEGER NOT NULL,"
    "seed INTEGER NOT NULL,"
    "jobs INTEGER NOT NULL,"
    "cells INTEGER NOT NULL,"
    "resumed INTEGER NOT NULL DEFAULT 0,"
    "definition TEXT NOT NULL,"
    "host TEXT,"
    "version TEXT NOT NULL,"
    "revision TEXT,"
    "pid INTEGER NOT NULL,"
    "pid_start INTEGER NOT NULL,"
    "boot TEXT) STRICT;"
    "CREATE TABLE sweep_cell("
    "sweep INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,"
    "n INTEGER NOT NULL,"
    "trace TEXT NOT NULL,"
    "digest TEXT NOT NULL,"
    "repeat INTEGER NOT NULL,"
    "tunables TEXT NOT NULL,"
    "cell TEXT NOT NULL,"
    "status TEXT NOT NULL,"
    "run INTEGER REFERENCES run(id) ON DELETE SET NULL,"
    "reason TEXT,"
    "PRIMARY KEY(sweep, n)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX run_cell ON run(cell) WHERE cell IS NOT NULL;"
    "CREATE TABLE flush_total(" RUN_REF "caller TEXT NOT NULL,"
    "method TEXT NOT NULL,"
    "flushes INTEGER NOT NULL,"
    "range_pages INTEGER NOT NULL,"
    "object_pages INTEGER NOT NULL,"
    "visits INTEGER NOT NULL,"
    "lookups INTEGER NOT NULL,"
    "cleaned INTEGER NOT NULL,"
    "writes INTEGER NOT NULL,"
    "cpu_ns INTEGER NOT NULL,"
    "latency_ns INTEGER NOT NULL,"
    "PRIMARY KEY(run, caller, method)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE calibration(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "session INTEGER NOT NULL,"
    "started TEXT NOT NULL,"
    "host TEXT,"
    "kernel TEXT,"
    "cpu TEXT,"
    "core INTEGER,"
    "version TEXT NOT NULL,"
    "revision TEXT,"
    "compiler TEXT NOT NULL,"
    "seed INTEGER NOT NULL,"
    "command TEXT,"
    "pages INTEGER NOT NULL,"
    "frames TEXT NOT NULL,"
    "present TEXT NOT NULL,"
    "caches TEXT NOT NULL,"
    "repeats INTEGER NOT NULL,"
    "list_ns REAL NOT NULL,"
    "list_low REAL NOT NULL,"
    "list_high REAL NOT NULL,"
    "lookup_ns REAL NOT NULL,"
    "lookup_low REAL NOT NULL,"
    "lookup_high REAL NOT NULL,"
    "break_even REAL NOT NULL,"
    "break_even_low REAL NOT NULL,"
    "break_even_high REAL NOT NULL) STRICT;";

/* What schema 2 added to the tables of schema 1; columns of a new database
 * stand in their CREATE TABLE. */
static const char alter_2[] =
    "ALTER TABLE run ADD COLUMN sweep INTEGER REFERENCES sweep(id)"
    " ON DELETE SET NULL;"
    "ALTER TABLE run ADD COLUMN cell TEXT;"
    "ALTER TABLE run ADD COLUMN revision TEXT;"
    "ALTER TABLE flush ADD COLUMN choice INTEGER;"
    "ALTER TABLE flush ADD COLUMN other_visits INTEGER;"
    "ALTER TABLE flush ADD COLUMN other_lookups INTEGER;"
    "ALTER TABLE flush ADD COLUMN other_writes INTEGER;"
    "ALTER TABLE flush ADD COLUMN list_ns INTEGER;"
    "ALTER TABLE flush ADD COLUMN hash_ns INTEGER;";

/* The tables of schema 3, and what it added to earlier ones. */
static const char tables_3[] =
    "CREATE TABLE response(" RUN_REF "kind TEXT NOT NULL,"
    "outcome TEXT NOT NULL,"
    "count INTEGER NOT NULL," TIMES ","
    "histogram TEXT,"
    "PRIMARY KEY(run, kind, outcome)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE lateness(" RUN_REF "count INTEGER NOT NULL," TIMES ","
    "histogram TEXT,"
    "PRIMARY KEY(run)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE wait(" RUN_REF "thread INTEGER NOT NULL,"
    "role TEXT NOT NULL,"
    "tid INTEGER,"
    "kind TEXT NOT NULL,"
    "count INTEGER NOT NULL,"
    "ns INTEGER NOT NULL,"
    "PRIMARY KEY(run, thread, kind)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE thread_latency(" RUN_REF "thread INTEGER NOT NULL,"
    "role TEXT NOT NULL,"
    "tid INTEGER,"
    "kind TEXT NOT NULL,"
    "count INTEGER NOT NULL," TIMES ","
    "PRIMARY KEY(run, thread, kind)) STRICT, WITHOUT ROWID;";

static const char alter_3[] =
    "ALTER TABLE op ADD COLUMN " OP_3_SCHEDULED ";"
    "ALTER TABLE op ADD COLUMN " OP_3_ISSUED ";"
    "ALTER TABLE op ADD COLUMN " OP_3_COMPLETED ";"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_REAL ";"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_DEPTH ";"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_MOST ";";

/* op with words for its codes. */
static const char view_ops[] =
    "CREATE VIEW IF NOT EXISTS ops AS SELECT op.run, op.n, op.seq, op.time, op.tid,"
    " op_kind.name AS kind, op.file, op.offset, op.length,"
    " outcome.name AS outcome, op.reads, op.writes, op.bytes_in,"
    " op.bytes_out, op.latency_ns, op.scheduled_ns, op.issued_ns,"
    " op.completed_ns"
    " FROM op JOIN op_kind ON op_kind.id = op.kind"
    " JOIN outcome ON outcome.id = op.outcome;";

/* tunable_type: the column's type in SQL, so that SQL computes with it. */
static const char *
tunable_type(const struct tunable *tn)
{

	switch (tn->tn_kind) {
	case TUN_UINT:
	case TUN_SIZE:
	case TUN_TIME:
		return "INTEGER";
	case TUN_RATIO:
	case TUN_PACE:
		return "REAL";
	case TUN_ENUM:
	case TUN_QUIRK:
	case TUN_LOG:
		break;
	}
	return "TEXT";
}

void
db_bind_tunable(sqlite3_stmt *st, int at, const struct tunable *tn,
    uint64_t val)
{
	char text[TUNABLE_TEXT_MAX];

	switch (tn->tn_kind) {
	case TUN_UINT:
	case TUN_SIZE:
	case TUN_TIME:
		db_bind_u64(st, at, val);
		return;
	case TUN_RATIO:
	case TUN_PACE:
		(void)sqlite3_bind_double(st, at, tunable_real(tn, val));
		return;
	case TUN_ENUM:
	case TUN_QUIRK:
	case TUN_LOG:
		break;
	}
	tunable_format(tn, val, text, sizeof(text));
	db_bind_text(st, at, text);
}

/* column_add: the tunable's definition as a column, to the end of sql. */
static void
column_add(sqlite3_str *sql, const struct tunable *tn)
{
	char text[TUNABLE_TEXT_MAX];
	const char *type = tunable_type(tn);

	sqlite3_str_appendf(sql, "\"%w\" %s NOT NULL DEFAULT ", tn->tn_name,
	    type);
	if (strcmp(type, "INTEGER") == 0)
		sqlite3_str_appendf(sql, "%lld",
		    tn->tn_def > INT64_MAX ? INT64_MAX : (int64_t)tn->tn_def);
	else if (strcmp(type, "REAL") == 0) {
		const double real = tunable_real(tn, tn->tn_def);

		if (isinf(real))
			sqlite3_str_appendall(sql, "9e999");
		else
			sqlite3_str_appendf(sql, "%!.17g", real);
	} else {
		tunable_format(tn, tn->tn_def, text, sizeof(text));
		sqlite3_str_appendf(sql, "%Q", text);
	}
}

/* exec_str: run what was built in sql, and free it. */
static int
exec_str(struct db *db, sqlite3_str *sql, const char *doing, struct errmsg *em)
{
	char *text = sqlite3_str_finish(sql);
	int error;

	if (text == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    doing);
	error = db_exec(db, text, doing, em);
	sqlite3_free(text);
	return error;
}

/* fill_names: the words for the codes in table op. */
static int
fill_names(struct db *db, struct errmsg *em)
{
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);

	for (int i = 0; i < OP_NKINDS; i++)
		sqlite3_str_appendf(sql,
		    "INSERT OR IGNORE INTO op_kind VALUES(%d,%Q);", i,
		    opkind_name[i]);
	for (int i = 0; i < OUTCOME_NOUTCOMES; i++)
		sqlite3_str_appendf(sql,
		    "INSERT OR IGNORE INTO outcome VALUES(%d,%Q);", i,
		    outcome_name[i]);
	return exec_str(db, sql, "naming its codes", em);
}

static int
create_tables(struct db *db, struct errmsg *em)
{
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);
	int error;

	sqlite3_str_appendf(sql, "CREATE TABLE run(%s", run_columns);
	for (size_t i = 0; i < config_count(); i++) {
		sqlite3_str_appendall(sql, ",");
		column_add(sql, config_tunable(i));
	}
	sqlite3_str_appendf(sql, ") STRICT;%s%s%s", tables, tables_2, tables_3);
	sqlite3_str_appendf(sql,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    ANALYSIS_APPLICATION_ID, ANALYSIS_SCHEMA);
	if ((error = exec_str(db, sql, "making its tables", em)) != 0)
		return error;
	return fill_names(db, em);
}

/* query_int: the one integer that sql selects. */
static int
query_int(struct db *db, const char *sql, int64_t *valp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db, sql, &st, em);

	if (error == 0) {
		if (sqlite3_step(st) == SQLITE_ROW)
			*valp = sqlite3_column_int64(st, 0);
		else
			error = db_error(db, em, "opening");
	}
	(void)sqlite3_finalize(st);
	return error;
}

/*
 * column_has: does table run have a column for tn?
 *
 * => st selects it by name
 */
static bool
column_has(sqlite3_stmt *st, const struct tunable *tn)
{

	db_bind_text(st, 1, tn->tn_name);
	const bool has = sqlite3_step(st) == SQLITE_ROW;
	(void)sqlite3_reset(st);
	return has;
}

/*
 * columns_missing: how many tunables have no column; they get it if add is
 * set, with the default as the value of the runs before.
 */
static int
columns_missing(struct db *db, bool add, size_t *missingp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);
	size_t missing = 0;
	int error;

	error = db_prepare(db,
	    "SELECT 1 FROM pragma_table_info('run') WHERE name = ?", &st, em);
	for (size_t i = 0; error == 0 && i < config_count(); i++) {
		if (column_has(st, config_tunable(i)))
			continue;
		missing++;
		sqlite3_str_appendall(sql, "ALTER TABLE run ADD COLUMN ");
		column_add(sql, config_tunable(i));
		sqlite3_str_appendall(sql, ";");
	}
	(void)sqlite3_finalize(st);
	if (error == 0 && add && missing > 0)
		return exec_str(db, sql, "adding columns", em);
	sqlite3_free(sqlite3_str_finish(sql));
	*missingp = missing;
	return error;
}

/* What an existing file is. */
enum owner { OWNER_NOBODY, OWNER_US, OWNER_OLDER };

/*
 * outdated: ours, but made before some tunable, kind or outcome was.
 */
static int
outdated(struct db *db, enum owner *ownerp, struct errmsg *em)
{
	size_t missing = 0;
	int64_t version = 0, nkinds = 0, noutcomes = 0;
	int error;

	if ((error = query_int(db, "PRAGMA user_version", &version, em)) != 0 ||
	    (error = columns_missing(db, false, &missing, em)) != 0 ||
	    (error = query_int(db, "SELECT count(*) FROM op_kind", &nkinds,
		 em)) != 0 ||
	    (error = query_int(db, "SELECT count(*) FROM outcome", &noutcomes,
		 em)) != 0)
		return error;
	*ownerp = version == ANALYSIS_SCHEMA && missing == 0 &&
		nkinds >= OP_NKINDS && noutcomes >= OUTCOME_NOUTCOMES ?
	    OWNER_US :
	    OWNER_OLDER;
	return 0;
}

/*
 * whose: an empty database is nobody's; one with tables says itself.
 */
static int
whose(struct db *db, enum owner *ownerp, struct errmsg *em)
{
	int64_t id = 0, version = 0, objects = 0;
	int error;

	if ((error = query_int(db, "PRAGMA application_id", &id, em)) != 0 ||
	    (error = query_int(db, "PRAGMA user_version", &version, em)) != 0 ||
	    (error = query_int(db, "SELECT count(*) FROM sqlite_schema",
		 &objects, em)) != 0)
		return error;
	if (id == 0 && version == 0 && objects == 0) {
		*ownerp = OWNER_NOBODY;
		return 0;
	}
	if (id != ANALYSIS_APPLICATION_ID)
		return ERRMSG(em, EINVAL,
		    "%s: the database belongs to another program; name another "
		    "file with --db",
		    db->db_path);
	if (version > ANALYSIS_SCHEMA)
		return ERRMSG(em, EINVAL,
		    "%s: the database has schema %" PRId64 ", made by a newer "
		    "uvn (this one knows %d); use that uvn, or name another "
		    "file with --db",
		    db->db_path, version, ANALYSIS_SCHEMA);
	return outdated(db, ownerp, em);
}

/*
 * drop_views: all of ours; they are made anew, as this program has them.
 */
static int
drop_views(struct db *db, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);
	int rc, error;

	error = db_prepare(db,
	    "SELECT name FROM sqlite_schema WHERE type = 'view' AND"
	    " (name = 'ops' OR name GLOB 'figure_*')",
	    &st, em);
	if (error == 0) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			sqlite3_str_appendf(sql, "DROP VIEW \"%w\";",
			    (const char *)sqlite3_column_text(st, 0));
		if (rc != SQLITE_DONE)
			error = db_error(db, em, "reading its views");
	}
	(void)sqlite3_finalize(st);
	if (error == 0 && sqlite3_str_length(sql) > 0)
		return exec_str(db, sql, "replacing its views", em);
	sqlite3_free(sqlite3_str_finish(sql));
	return error;
}

/* From the schema that the database has to ours. */
static int
upgrade(struct db *db, struct errmsg *em)
{
	static const char doing[] = "bringing its tables up to date";
	int64_t version = 0;
	char text[48];
	int error;

	if ((error = query_int(db, "PRAGMA user_version", &version, em)) != 0)
		return error;
	if (version < 2 &&
	    ((error = db_exec(db, alter_2, doing, em)) != 0 ||
		(error = db_exec(db, tables_2, doing, em)) != 0))
		return error;
	if (version < 3 &&
	    ((error = db_exec(db, alter_3, doing, em)) != 0 ||
		(error = db_exec(db, tables_3, doing, em)) != 0))
		return error;
	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d",
	    ANALYSIS_SCHEMA);
	if ((error = db_exec(db, text, doing, em)) != 0)
		return error;
	return drop_views(db, em);
}

/* make_or_mend: within a transaction that holds the write lock. */
static int
make_or_mend(struct db *db, struct errmsg *em)
{
	enum owner owner;
	size_t missing;
	int error;

	/* Another process may have been quicker. */
	if ((error = whose(db, &owner, em)) != 0 || owner == OWNER_US)
		return error;
	if (owner == OWNER_NOBODY)
		return create_tables(db, em);
	if ((error = upgrade(db, em)) != 0 ||
	    (error = columns_missing(db, true, &missing, em)) != 0)
		return error;
	return fill_names(db, em);
}

int
db_schema_setup(struct db *db, struct errmsg *em)
{
	static const char doing[] = "making its tables";
	enum owner owner = OWNER_NOBODY;
	int error;

	/* As one reading, or another's making it could be seen half done. */
	if ((error = db_exec(db, "BEGIN", "opening", em)) != 0)
		return error;
	if ((error = whose(db, &owner, em)) != 0) {
		db_rollback(db);
		return error;
	}
	if ((error = db_exec(db, "COMMIT", "opening", em)) != 0)
		return error;
	if (owner == OWNER_US)
		return db_exec(db, view_ops, doing, em);
	if ((error = db_exec(db, "BEGIN IMMEDIATE", doing, em)) != 0)
		return error;
	if ((error = make_or_mend(db, em)) != 0 ||
	    (error = db_exec(db, view_ops, doing, em)) != 0 ||
	    (error = db_exec(db, "COMMIT", doing, em)) != 0)
		db_rollback(db);
	return error;
}
