/*
 * db_rows.c: rows by the million, of op and into table flush.
 *
 * To bind the values of a row, and to have SQLite copy each of them, is dear.
 * Those of flush it fetches: the rows that wait are a virtual table, and one
 * statement puts all of it into the real one.  Those of op are packed first:
 * db_ops.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "replay/db_impl.h"

#define PENDING 256 /* rows a statement */

static const char writing[] = "writing rows";
static const char waiting_name[] = "uvn_waiting_flush";

/*
 * The columns after run: VALUE(NAME, NUMBER), KNOWN(NAME, IS, NUMBER), which is
 * NULL if it is not, and TEXT(NAME, CONSTANT).
 */
#define FLUSH_COLUMNS(VALUE, KNOWN, TEXT)                                      \
	VALUE(n, n)                                                            \
	VALUE(seq, fl->fl_seq)                                                 \
	TEXT(caller,                                                           \
	    uvm_flush_caller_name((enum uvm_flush_caller)fl->fl_caller))       \
	VALUE(file, fl->fl_file)                                               \
	VALUE(range_pages, fl->fl_range_pages)                                 \
	VALUE(object_pages, fl->fl_object_pages)                               \
	TEXT(method, fl->fl_by_list ? "list" : "hash")                         \
	VALUE(visits, fl->fl_visits)                                           \
	VALUE(lookups, fl->fl_lookups)                                         \
	VALUE(cleaned, fl->fl_cleaned)                                         \
	VALUE(writes, fl->fl_writes)                                           \
	VALUE(cpu_ns, fl->fl_cpu_ns)                                           \
	VALUE(latency_ns, fl->fl_latency_ns)                                   \
	VALUE(choice, fl->fl_choice)                                           \
	KNOWN(other_visits, fl->fl_both, fl->fl_other_visits)                  \
	KNOWN(other_lookups, fl->fl_both, fl->fl_other_lookups)                \
	KNOWN(other_writes, fl->fl_both, fl->fl_other_writes)                  \
	KNOWN(list_ns, fl->fl_both, fl->fl_list_ns)                            \
	KNOWN(hash_ns, fl->fl_both, fl->fl_hash_ns)

#define NUMBER(name, ...) COLUMN_##name,
#define NAME(name, ...)	  ", " #name

enum { FLUSH_COLUMNS(NUMBER, NUMBER, NUMBER) };
static const char columns[] = FLUSH_COLUMNS(NAME, NAME, NAME);

/* The flushes that wait. */
struct sink {
	sqlite3_stmt *sk_insert;
	uint64_t sk_n; /* column n of the first */
	size_t sk_npending;
	struct db_flush sk_pending[PENDING];
};

struct db_rows {
	struct db *dr_db;
	struct db_ops *dr_ops;
	struct sink dr_sink;
};

/* ---- the values of a row ---- */

static inline void
value(sqlite3_context *cx, uint64_t v)
{

	sqlite3_result_int64(cx, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

#define CASE_VALUE(name, v)                                                    \
	case COLUMN_##name:                                                    \
		value(cx, (v));                                                \
		break;
#define CASE_KNOWN(name, is, v)                                                \
	case COLUMN_##name:                                                    \
		if (is)                                                        \
			value(cx, (v));                                        \
		break;
#define CASE_TEXT(name, text)                                                  \
	case COLUMN_##name:                                                    \
		sqlite3_result_text(cx, (text), -1, SQLITE_STATIC);            \
		break;

/* What sets no result is NULL. */
static void
flush_value(sqlite3_context *cx, int column, uint64_t n,
    const struct db_flush *fl)
{

	switch (column) {
		FLUSH_COLUMNS(CASE_VALUE, CASE_KNOWN, CASE_TEXT)
	default:
		break;
	}
}

/* ---- the table of those that wait ---- */

struct waiting {
	sqlite3_vtab wt_base; /* first: SQLite's */
	const struct sink *wt_sink;
};

struct waiting_cursor {
	sqlite3_vtab_cursor wc_base; /* first: SQLite's */
	size_t wc_at;
};

static const struct sink *
cursor_sink(const sqlite3_vtab_cursor *cursor)
{

	return ((const struct waiting *)cursor->pVtab)->wt_sink;
}

static int
waiting_connect(sqlite3 *sq, void *arg, int argc, const char *const *argv,
    sqlite3_vtab **vtabp, char **whyp)
{
	const struct sink *const sk = arg;
	struct waiting *const wt = sqlite3_malloc(sizeof(*wt));
	char *const sql = sqlite3_mprintf("CREATE TABLE x(%s)", columns + 2);
	int rc = SQLITE_NOMEM;

	(void)argc;
	(void)argv;
	(void)whyp;
	if (wt != NULL && sql != NULL)
		rc = sqlite3_declare_vtab(sq, sql);
	sqlite3_free(sql);
	if (rc != SQLITE_OK) {
		sqlite3_free(wt);
		return rc;
	}
	*wt = (struct waiting){ .wt_sink = sk };
	*vtabp = &wt->wt_base;
	return SQLITE_OK;
}

static int
waiting_disconnect(sqlite3_vtab *vtab)
{

	sqlite3_free(vtab);
	return SQLITE_OK;
}

static int
waiting_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{

	(void)vtab;
	info->estimatedCost = PENDING;
	return SQLITE_OK;
}

static int
waiting_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursorp)
{
	struct waiting_cursor *const wc = sqlite3_malloc(sizeof(*wc));

	(void)vtab;
	if (wc == NULL)
		return SQLITE_NOMEM;
	*wc = (struct waiting_cursor){ .wc_at = 0 };
	*cursorp = &wc->wc_base;
	return SQLITE_OK;
}

static int
waiting_close(sqlite3_vtab_cursor *cursor)
{

	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int
waiting_filter(sqlite3_vtab_cursor *cursor, int number, const char *text,
    int argc, sqlite3_value **argv)
{

	(void)number;
	(void)text;
	(void)argc;
	(void)argv;
	((struct waiting_cursor *)cursor)->wc_at = 0;
	return SQLITE_OK;
}

static int
waiting_next(sqlite3_vtab_cursor *cursor)
{

	((struct waiting_cursor *)cursor)->wc_at++;
	return SQLITE_OK;
}

static int
waiting_eof(sqlite3_vtab_cursor *cursor)
{

	return ((struct waiting_cursor *)cursor)->wc_at ==
	    cursor_sink(cursor)->sk_npending;
}

static int
waiting_column(sqlite3_vtab_cursor *cursor, sqlite3_context *cx, int column)
{
	const struct sink *const sk = cursor_sink(cursor);
	const size_t at = ((struct waiting_cursor *)cursor)->wc_at;

	flush_value(cx, column, sk->sk_n + at, &sk->sk_pending[at]);
	return SQLITE_OK;
}

static int
waiting_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *idp)
{

	*idp = (sqlite3_int64)((struct waiting_cursor *)cursor)->wc_at;
	return SQLITE_OK;
}

/* Without xCreate: it is there under the module's name. */
static const sqlite3_module waiting_module = {
	.xConnect = waiting_connect,
	.xBestIndex = waiting_index,
	.xDisconnect = waiting_disconnect,
	.xOpen = waiting_open,
	.xClose = waiting_close,
	.xFilter = waiting_filter,
	.xNext = waiting_next,
	.xEof = waiting_eof,
	.xColumn = waiting_column,
	.xRowid = waiting_rowid,
};

/* The module of a sink; or, sk NULL, its end. => SQLite's */
static int
waiting_register(struct db *db, struct sink *sk)
{

	return sqlite3_create_module_v2(db->db_sq, waiting_name,
	    sk != NULL ? &waiting_module : NULL, sk, NULL);
}

/* ---- rows ---- */

static int
sink_open(struct db *db, int64_t run, struct sink *sk, struct errmsg *em)
{
	char *sql;
	int error;

	if (waiting_register(db, sk) != SQLITE_OK)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    writing);
	sql = sqlite3_mprintf("INSERT INTO flush(run%s) SELECT ?1%s FROM %s",
	    columns, columns, waiting_name);
	error = db_prepare_made(db, sql, &sk->sk_insert, writing, em);
	if (error == 0)
		(void)sqlite3_bind_int64(sk->sk_insert, 1, run);
	return error;
}

int
db_rows_open(struct db *db, int64_t run, struct db_rows **drp,
    struct errmsg *em)
{
	struct db_rows *dr = calloc(1, sizeof(*dr));
	int error;

	if (dr == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    writing);
	dr->dr_db = db;
	/* The run's row is there; to look for it for every row is dear. */
	if ((error = db_ops_open(db, run, &dr->dr_ops, em)) != 0 ||
	    (error = sink_open(db, run, &dr->dr_sink, em)) != 0 ||
	    (error = db_exec(db, "PRAGMA foreign_keys = OFF", writing, em)) !=
		0) {
		db_rows_close(dr);
		return error;
	}
	*drp = dr;
	return 0;
}

/* Write what waits. */
static int
sink_write(struct db *db, struct sink *sk, struct errmsg *em)
{
	const int error = db_step(db, sk->sk_insert, writing, em);

	sk->sk_n += sk->sk_npending;
	sk->sk_npending = 0;
	return error;
}

int
db_rows_put(struct db_rows *dr, const struct db_row *row, struct errmsg *em)
{
	struct sink *const sk = &dr->dr_sink;

	if (row->rw_kind == DB_ROW_OP)
		return db_ops_put(dr->dr_ops, &row->rw_op, em);
	sk->sk_pending[sk->sk_npending++] = row->rw_flush;
	return sk->sk_npending < PENDING ? 0 : sink_write(dr->dr_db, sk, em);
}

int
db_rows_rest(struct db_rows *dr, struct errmsg *em)
{
	const int error = db_ops_rest(dr->dr_ops, em);

	if (error != 0 || dr->dr_sink.sk_npending == 0)
		return error;
	return sink_write(dr->dr_db, &dr->dr_sink, em);
}

void
db_rows_close(struct db_rows *dr)
{

	if (dr == NULL)
		return;
	(void)sqlite3_finalize(dr->dr_sink.sk_insert);
	(void)waiting_register(dr->dr_db, NULL);
	db_ops_close(dr->dr_ops);
	/* It only fails within a transaction, and there is none. */
	(void)sqlite3_exec(dr->dr_db->db_sq, "PRAGMA foreign_keys = ON", NULL,
	    NULL, NULL);
	free(dr);
}
