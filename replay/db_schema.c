#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "replay/db_impl.h"

static const char making[] = "making its tables";

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
	case TUN_SAMPLE:
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
	case TUN_SAMPLE:
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

	return db_exec_made(db, sqlite3_str_finish(sql), doing, em);
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

	sqlite3_str_appendf(sql, "CREATE TABLE run(%s", db_run_columns);
	for (size_t i = 0; i < config_count(); i++) {
		sqlite3_str_appendall(sql, ",");
		column_add(sql, config_tunable(i));
	}
	sqlite3_str_appendf(sql, ") STRICT;%s%s%s%s", db_tables, db_tables_2,
	    db_tables_3, db_tables_4);
	sqlite3_str_appendf(sql,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    ANALYSIS_APPLICATION_ID, ANALYSIS_SCHEMA);
	if ((error = exec_str(db, sql, making, em)) != 0 ||
	    (error = db_exec_made(db, db_op_sql(DB_OP_TABLE), making, em)) != 0)
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
static int
column_has(struct db *db, sqlite3_stmt *st, const struct tunable *tn,
    bool *hasp, struct errmsg *em)
{
	int rc, error;

	db_bind_text(st, 1, tn->tn_name);
	rc = sqlite3_step(st);
	*hasp = rc == SQLITE_ROW;
	error = rc == SQLITE_ROW || rc == SQLITE_DONE ?
	    db_memory(db, "opening", em) :
	    db_error(db, em, "opening");
	(void)sqlite3_reset(st);
	return error;
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
		bool has;

		error = column_has(db, st, config_tunable(i), &has, em);
		if (error != 0 || has)
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
	    " (name IN ('op', 'ops') OR name GLOB 'figure_*')",
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

/* Table op becomes a view. */
static int
upgrade_op(struct db *db, const char *doing, struct errmsg *em)
{
	int error;

	if ((error = db_exec_made(db, db_op_sql(DB_OP_TABLE), doing, em)) !=
		0 ||
	    (error = db_ops_move(db, em)) != 0)
		return error;
	return db_exec(db, "DROP TABLE op", doing, em);
}

/* From the schema that the database has to ours; without its views. */
static int
upgrade(struct db *db, struct errmsg *em)
{
	static const char doing[] = "bringing its tables up to date";
	int64_t version = 0;
	char text[48];
	int error;

	if ((error = query_int(db, "PRAGMA user_version", &version, em)) != 0 ||
	    (error = drop_views(db, em)) != 0)
		return error;
	if (version < 2 &&
	    ((error = db_exec(db, db_alter_2, doing, em)) != 0 ||
		(error = db_exec(db, db_tables_2, doing, em)) != 0))
		return error;
	if (version < 3 &&
	    ((error = db_exec(db, db_alter_3, doing, em)) != 0 ||
		(error = db_exec(db, db_tables_3, doing, em)) != 0))
		return error;
	if (version < 4 && (error = db_exec(db, db_tables_4, doing, em)) != 0)
		return error;
	if (version < 5 && (error = upgrade_op(db, doing, em)) != 0)
		return error;
	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d",
	    ANALYSIS_SCHEMA);
	return db_exec(db, text, doing, em);
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

/* Those of op and ops, if they are not there. */
static int
make_views(struct db *db, struct errmsg *em)
{
	int error;

	if ((error = db_exec_made(db, db_op_sql(DB_OP_VIEW), making, em)) != 0)
		return error;
	return db_exec(db, db_view_ops, making, em);
}

int
db_schema_setup(struct db *db, struct errmsg *em)
{
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
		return make_views(db, em);
	/* Another that mends it may have many rows to move. */
	if (owner == OWNER_OLDER)
		(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_RUN);
	if ((error = db_exec(db, "BEGIN IMMEDIATE", making, em)) != 0)
		return error;
	if ((error = make_or_mend(db, em)) != 0 ||
	    (error = make_views(db, em)) != 0 ||
	    (error = db_exec(db, "COMMIT", making, em)) != 0)
		db_rollback(db);
	(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_OPEN);
	return error;
}
