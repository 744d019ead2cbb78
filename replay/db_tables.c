/*
 * db_tables.c: the tables, as SQL.  docs/schema.md says what their columns mean.
 */
#include "replay/db_impl.h"

/*
 * The columns of table run but for the tunables', which create_tables() adds
 * from their table.
 */
const char db_run_columns[] = "id INTEGER PRIMARY KEY AUTOINCREMENT,"
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

/* What one flush has cost, or many. */
#define FLUSH_COST                                                             \
	"visits INTEGER NOT NULL,lookups INTEGER NOT NULL,"                    \
	"cleaned INTEGER NOT NULL,writes INTEGER NOT NULL,"                    \
	"cpu_ns INTEGER NOT NULL,latency_ns INTEGER NOT NULL,"

/* Columns that schema 3 added, to new tables and to old ones. */
#define INTERVAL_3_REAL	 "real_ns INTEGER"
#define INTERVAL_3_DEPTH "depth REAL"
#define INTERVAL_3_MOST	 "depth_most INTEGER"

/*
 * The other tables.  Those with a row a run and name are keyed by them; flush,
 * which may have millions, by run and the order of writing, so that its rows go
 * in at the end of a tree and a run's rows come out, or are deleted, as one
 * stretch.
 */
const char db_tables[] =
    "CREATE TABLE op_kind(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE outcome(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE flush(" RUN_REF "n INTEGER NOT NULL,"
    "seq INTEGER NOT NULL,"
    "caller TEXT NOT NULL,"
    "file INTEGER NOT NULL,"
    "range_pages INTEGER NOT NULL,"
    "object_pages INTEGER NOT NULL,"
    "method TEXT NOT NULL," FLUSH_COST "choice INTEGER,"
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
const char db_tables_2[] =
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
    "object_pages INTEGER NOT NULL," FLUSH_COST
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
const char db_alter_2[] =
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
const char db_tables_3[] =
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

const char db_alter_3[] =
    "ALTER TABLE op ADD COLUMN scheduled_ns INTEGER;"
    "ALTER TABLE op ADD COLUMN issued_ns INTEGER;"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_REAL ";"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_DEPTH ";"
    "ALTER TABLE interval ADD COLUMN " INTERVAL_3_MOST ";";

/* The tables of schema 4. */
const char db_tables_4[] = "CREATE TABLE inject(" RUN_REF "n INTEGER NOT NULL,"
			   "rule TEXT NOT NULL,"
			   "seen INTEGER NOT NULL,"
			   "injected INTEGER NOT NULL,"
			   "PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;";

/* op with words for its codes. */
const char db_view_ops[] =
    "CREATE VIEW IF NOT EXISTS ops AS SELECT op.run, op.n, op.seq, op.time, op.tid,"
    " op_kind.name AS kind, op.file, op.offset, op.length,"
    " outcome.name AS outcome, op.reads, op.writes, op.bytes_in,"
    " op.bytes_out, op.latency_ns, op.scheduled_ns, op.issued_ns,"
    " op.completed_ns"
    " FROM op JOIN op_kind ON op_kind.id = op.kind"
    " JOIN outcome ON outcome.id = op.outcome;";
