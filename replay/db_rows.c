#include <errno.h>
#include <stdlib.h>

#include "replay/db_impl.h"

#define STATEMENT_ROWS 20 /* rows an INSERT */

static const char writing[] = "writing rows";

/*
 * How the rows of one table get in: by an INSERT of STATEMENT_ROWS, or one by
 * one for what is left over.
 */
struct sink {
	sqlite3_stmt *sk_many, *sk_one;
	uint64_t sk_n; /* column n of the next row */
	size_t sk_npending;
	struct db_row sk_pending[STATEMENT_ROWS];
};

struct db_rows {
	struct db *dr_db;
	struct sink dr_sink[DB_ROW_NKINDS];
};

/* A table of rows. */
struct table {
	const char *tb_columns; /* its name and columns, run first */
	int tb_ncolumns;	/* after run */
	void (*tb_bind)(sqlite3_stmt *, int at, uint64_t n,
	    const struct db_row *);
};

static void
op_bind(sqlite3_stmt *st, int at, uint64_t n, const struct db_row *row)
{
	const struct db_op *op = &row->rw_op;

	db_bind_u64(st, at++, n);
	db_bind_u64(st, at++, op->op_seq);
	db_bind_u64(st, at++, op->op_time);
	db_bind_u64(st, at++, op->op_tid);
	db_bind_u64(st, at++, op->op_kind);
	db_bind_u64(st, at++, op->op_file);
	db_bind_u64(st, at++, op->op_offset);
	db_bind_u64(st, at++, op->op_length);
	db_bind_u64(st, at++, op->op_outcome);
	db_bind_u64(st, at++, op->op_reads);
	db_bind_u64(st, at++, op->op_writes);
	db_bind_u64(st, at++, op->op_bytes_in);
	db_bind_u64(st, at++, op->op_bytes_out);
	db_bind_u64(st, at++, op->op_latency);
	if (op->op_scheduled != DB_NEVER)
		db_bind_u64(st, at++, op->op_scheduled);
	else
		(void)sqlite3_bind_null(st, at++);
	db_bind_u64(st, at, op->op_issued);
}

static void
flush_bind(sqlite3_stmt *st, int at, uint64_t n, const struct db_row *row)
{
	const struct db_flush *fl = &row->rw_flush;
	const char *caller =
	    uvm_flush_caller_name((enum uvm_flush_caller)fl->fl_caller);

	db_bind_u64(st, at++, n);
	db_bind_u64(st, at++, fl->fl_seq);
	(void)sqlite3_bind_text(st, at++, caller, -1, SQLITE_STATIC);
	db_bind_u64(st, at++, fl->fl_file);
	db_bind_u64(st, at++, fl->fl_range_pages);
	db_bind_u64(st, at++, fl->fl_object_pages);
	(void)sqlite3_bind_text(st, at++, fl->fl_by_list ? "list" : "hash", 4,
	    SQLITE_STATIC);
	db_bind_u64(st, at++, fl->fl_visits);
	db_bind_u64(st, at++, fl->fl_lookups);
	db_bind_u64(st, at++, fl->fl_cleaned);
	db_bind_u64(st, at++, fl->fl_writes);
	db_bind_u64(st, at++, fl->fl_cpu_ns);
	db_bind_u64(st, at++, fl->fl_latency_ns);
	db_bind_u64(st, at++, fl->fl_choice);
	const uint64_t both[] = { fl->fl_other_visits, fl->fl_other_lookups,
		fl->fl_other_writes, fl->fl_list_ns, fl->fl_hash_ns };
	for (size_t i = 0; i < nitems(both); i++)
		if (fl->fl_both)
			db_bind_u64(st, at++, both[i]);
		else
			(void)sqlite3_bind_null(st, at++);
}

static const struct table tables[DB_ROW_NKINDS] = {
	[DB_ROW_OP] = { "op(run, n, seq, time, tid, kind, file, offset, length,"
			" outcome, reads, writes, bytes_in, bytes_out, latency_ns,"
			" scheduled_ns, issued_ns)",
	    16, op_bind },
	[DB_ROW_FLUSH] = { "flush(run, n, seq, caller, file, range_pages, object_pages,"
			   " method, visits, lookups, cleaned, writes, cpu_ns,"
			   " latency_ns, choice, other_visits, other_lookups,"
			   " other_writes, list_ns, hash_ns)",
	    19, flush_bind },
};

/*
 * insert_prepare: an INSERT of nrows rows.  Parameter 1 is the run, for all of
 * them; a row's other columns are consecutive.
 */
static int
insert_prepare(struct db *db, int64_t run, const struct table *tb, int nrows,
    sqlite3_stmt **stp, struct errmsg *em)
{
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);
	int error;

	sqlite3_str_appendf(sql, "INSERT INTO %s VALUES", tb->tb_columns);
	for (int row = 0; row < nrows; row++) {
		sqlite3_str_appendall(sql, row == 0 ? "(?1" : ",(?1");
		for (int i = 0; i < tb->tb_ncolumns; i++)
			sqlite3_str_appendall(sql, ",?");
		sqlite3_str_appendall(sql, ")");
	}
	char *text = sqlite3_str_finish(sql);
	if (text == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    writing);
	error = db_prepare(db, text, stp, em);
	sqlite3_free(text);
	if (error == 0)
		(void)sqlite3_bind_int64(*stp, 1, run);
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
	for (size_t i = 0; i < DB_ROW_NKINDS; i++) {
		struct sink *sk = &dr->dr_sink[i];

		if ((error = insert_prepare(db, run, &tables[i], STATEMENT_ROWS,
			 &sk->sk_many, em)) != 0 ||
		    (error = insert_prepare(db, run, &tables[i], 1, &sk->sk_one,
			 em)) != 0)
			goto fail;
	}
	/* The run's row is there; to look for it for every row is dear. */
	if ((error = db_exec(db, "PRAGMA foreign_keys = OFF", writing, em)) !=
	    0)
		goto fail;
	*drp = dr;
	return 0;
fail:
	db_rows_close(dr);
	return error;
}

/* sink_many: write the pending rows with one statement, which they fill. */
static int
sink_many(struct db *db, struct sink *sk, const struct table *tb,
    struct errmsg *em)
{
	int at = 2;

	for (size_t i = 0; i < STATEMENT_ROWS; i++) {
		tb->tb_bind(sk->sk_many, at, sk->sk_n++, &sk->sk_pending[i]);
		at += tb->tb_ncolumns;
	}
	sk->sk_npending = 0;
	return db_step(db, sk->sk_many, writing, em);
}

int
db_rows_put(struct db_rows *dr, const struct db_row *row, struct errmsg *em)
{
	struct sink *sk = &dr->dr_sink[row->rw_kind];

	sk->sk_pending[sk->sk_npending++] = *row;
	if (sk->sk_npending < STATEMENT_ROWS)
		return 0;
	return sink_many(dr->dr_db, sk, &tables[row->rw_kind], em);
}

int
db_rows_rest(struct db_rows *dr, struct errmsg *em)
{
	int error = 0;

	for (size_t k = 0; k < DB_ROW_NKINDS; k++) {
		struct sink *sk = &dr->dr_sink[k];

		for (size_t i = 0; error == 0 && i < sk->sk_npending; i++) {
			tables[k].tb_bind(sk->sk_one, 2, sk->sk_n++,
			    &sk->sk_pending[i]);
			error = db_step(dr->dr_db, sk->sk_one, writing, em);
		}
		sk->sk_npending = 0;
	}
	return error;
}

void
db_rows_close(struct db_rows *dr)
{

	if (dr == NULL)
		return;
	for (size_t i = 0; i < DB_ROW_NKINDS; i++) {
		(void)sqlite3_finalize(dr->dr_sink[i].sk_many);
		(void)sqlite3_finalize(dr->dr_sink[i].sk_one);
	}
	/* It only fails within a transaction, and there is none. */
	(void)sqlite3_exec(dr->dr_db->db_sq, "PRAGMA foreign_keys = ON", NULL,
	    NULL, NULL);
	free(dr);
}
