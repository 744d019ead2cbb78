/*
 * db_impl: what the files of the database share among themselves.
 *
 *	db.c		opening, errors, small helpers
 *	db_schema.c	making the tables, and bringing older ones up to date
 *	db_tables.c	what the tables are
 *	db_run.c	the beginning of a run, and runs of the past
 *	db_result.c	the end of a run
 *	db_rows.c	rows by the million: those of flush, and of op by
 *	db_ops.c	which packs them, with SQL of
 *	db_op_sql.c
 *	db_sweep.c	sweeps and their cells
 *	writer.c	the thread and its queue
 */
#ifndef REPLAY_DB_IMPL_H
#define REPLAY_DB_IMPL_H

#include <sqlite3.h>

#include "replay/db.h"

/* How long we wait for another program's lock, ms: to open, and once a run
 * has begun, when giving up would lose it. */
#define DB_WAIT_OPEN 5000
#define DB_WAIT_RUN  60000

struct db {
	sqlite3 *db_sq;
	char *db_path;
	uint64_t db_failures; /* of SQLite's memory, that were told */
};

/*
 * The errno for SQLite's last failure on db, with a message: path, what was
 * being done ("opening"), why, and the remedy.
 */
int db_error(struct db *db, struct errmsg *em, const char *doing) mustcheck;

/* Run SQL that returns no rows; several statements if need be. */
int db_exec(struct db *db, const char *sql, const char *doing,
    struct errmsg *em) mustcheck;

/*
 * Has memory failed SQLite since it was asked last?  Then what was read, or
 * written and not committed, may be less than it seems.
 */
int db_memory(struct db *db, const char *doing, struct errmsg *em) mustcheck;

/* Roll back a transaction after a failure; nothing if there is none. */
void db_rollback(struct db *db);

/* Compile one statement; the caller ends it with sqlite3_finalize(). */
int db_prepare(struct db *db, const char *sql, sqlite3_stmt **stp,
    struct errmsg *em) mustcheck;

/* Execute st once and make it ready for the next; no rows. */
int db_step(struct db *db, sqlite3_stmt *st, const char *doing,
    struct errmsg *em) mustcheck;

/* Bind by position.  A count beyond SQLite's integers is the largest of them;
 * NULL text is NULL, and so is "" of db_bind_known(). */
void db_bind_u64(sqlite3_stmt *st, int at, uint64_t v);
void db_bind_text(sqlite3_stmt *st, int at, const char *text);
void db_bind_known(sqlite3_stmt *st, int at, const char *text);

/* Now, UTC, ISO 8601, as SQLite's date functions read it. */
#define DB_STAMP_MAX sizeof("2000-01-01T00:00:00.000Z")
void db_stamp(char buf[DB_STAMP_MAX]);

/* The columns of table run but those of tunables; the other tables, those of
 * schema N and what it added to earlier ones; view ops. */
extern const char db_run_columns[];
extern const char db_tables[], db_tables_2[], db_tables_3[], db_tables_4[];
extern const char db_alter_2[], db_alter_3[];
extern const char db_view_ops[];

/* Make table op_block; put a block there; make view op; read table op, which
 * there was before schema 5.  For sqlite3_free(); NULL without memory. */
enum db_op_sql { DB_OP_TABLE, DB_OP_INSERT, DB_OP_VIEW, DB_OP_SELECT };
char *db_op_sql(enum db_op_sql what);

/* Run what was built, prepare it; NULL: there was no memory.  Freed. */
int db_exec_made(struct db *db, char *sql, const char *doing, struct errmsg *em)
    mustcheck;
int db_prepare_made(struct db *db, char *sql, sqlite3_stmt **stp,
    const char *doing, struct errmsg *em) mustcheck;

/*
 * Make the tables, or add the columns of tunables this database has not.
 *
 * => EINVAL: another program's database, or a newer schema
 */
int db_schema_setup(struct db *db, struct errmsg *em) mustcheck;

/* Mark the runs and sweeps unfinished whose process is gone. */
int db_run_sweep(struct db *db, struct errmsg *em) mustcheck;

/* The value of tunable i as its column has it: text, real or integer. */
void db_bind_tunable(sqlite3_stmt *st, int at, const struct tunable *tn,
    uint64_t val);

enum db_row_kind { DB_ROW_OP, DB_ROW_FLUSH };

/* A row of one of the tables that grow with the trace. */
struct db_row {
	union {
		struct db_op rw_op;
		struct db_flush rw_flush;
	};
	enum db_row_kind rw_kind;
};

/*
 * The statements that put such rows of one run into their tables, within the
 * caller's transactions.
 *
 * => from db_rows_open() to db_rows_close() foreign keys are not checked
 * => a row may wait for others of its kind until db_rows_rest()
 * => after a failure the transaction is to be rolled back, and only
 *    db_rows_close() makes sense
 */
struct db_rows;
int db_rows_open(struct db *db, int64_t run, struct db_rows **drp,
    struct errmsg *em) mustcheck;
int db_rows_put(struct db_rows *dr, const struct db_row *row, struct errmsg *em)
    mustcheck;
int db_rows_rest(struct db_rows *dr, struct errmsg *em) mustcheck;
void db_rows_close(struct db_rows *dr);

/*
 * The rows of op among them, as db_rows.
 *
 * => run and n of a row follow from the order of writing
 */
struct db_ops;
int db_ops_open(struct db *db, int64_t run, struct db_ops **opsp,
    struct errmsg *em) mustcheck;
int db_ops_put(struct db_ops *ops, const struct db_op *op, struct errmsg *em)
    mustcheck;
int db_ops_rest(struct db_ops *ops, struct errmsg *em) mustcheck;
void db_ops_close(struct db_ops *ops);

/* All rows of table op, as it was before schema 5, into op_block. */
int db_ops_move(struct db *db, struct errmsg *em) mustcheck;

#endif
