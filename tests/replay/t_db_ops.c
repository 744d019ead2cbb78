/*
 * The rows of op: that what went in comes out of the view, whatever it is, and
 * what SQLite makes of queries of the view.
 */
#include "tests/test.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "replay/db.h"
#include "tests/dice.h"
#include "tests/replay/dbtest.h"

static void
put(struct db *db, int64_t run, const struct db_op *op, size_t n)
{
	struct errmsg em = { .em_text = "" };
	struct db_writer *dw;
	uint64_t rows, waits;

	must_em(db_writer_start(db, run, 4096, &dw, &em), &em);
	for (size_t i = 0; i < n; i++)
		db_put_op(dw, &op[i]);
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	assert_int_equal(rows, n);
}

static int64_t
begin(struct db *db)
{
	struct config cf;

	config_init(&cf);
	return dbtest_begin(db, &cf);
}

static void
is_number(sqlite3_stmt *st, int column, uint64_t want)
{
	const int64_t limited = want > INT64_MAX ? INT64_MAX : (int64_t)want;

	assert_int_equal(sqlite3_column_type(st, column), SQLITE_INTEGER);
	if (sqlite3_column_int64(st, column) != limited)
		fail_msg("%s of row %lld is %lld, not %" PRIi64,
		    sqlite3_column_name(st, column),
		    sqlite3_column_int64(st, 1),
		    sqlite3_column_int64(st, column), limited);
}

/* The columns of the view, as docs/schema.md has them. */
static void
is_op(sqlite3_stmt *st, int64_t run, uint64_t n, const struct db_op *op)
{

	is_number(st, 0, (uint64_t)run);
	is_number(st, 1, n);
	is_number(st, 2, op->op_seq);
	is_number(st, 3, op->op_time);
	is_number(st, 4, op->op_tid);
	is_number(st, 5, op->op_kind);
	is_number(st, 6, op->op_file);
	is_number(st, 7, op->op_offset);
	is_number(st, 8, op->op_length);
	is_number(st, 9, op->op_outcome);
	is_number(st, 10, op->op_reads);
	is_number(st, 11, op->op_writes);
	is_number(st, 12, op->op_bytes_in);
	is_number(st, 13, op->op_bytes_out);
	is_number(st, 14, op->op_latency);
	if (op->op_scheduled == DB_NEVER)
		assert_int_equal(sqlite3_column_type(st, 15), SQLITE_NULL);
	else
		is_number(st, 15, op->op_scheduled);
	is_number(st, 16, op->op_issued);
	if (op->op_issued <= INT64_MAX && op->op_latency <= INT64_MAX &&
	    op->op_issued + op->op_latency <= INT64_MAX)
		is_number(st, 17, op->op_issued + op->op_latency);
}

/* Table or view; the rows come in order of n without being asked to. */
static void
are_ops(const struct dbtest *dt, int64_t run, const struct db_op *op, size_t n)
{
	sqlite3 *sq = NULL;
	sqlite3_stmt *st = NULL;

	must(sqlite3_open(dt->dt_path, &sq));
	must(sqlite3_prepare_v2(sq, "SELECT * FROM op WHERE run = ?", -1, &st,
	    NULL));
	must(sqlite3_bind_int64(st, 1, run));
	assert_int_equal(sqlite3_column_count(st), 18);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		is_op(st, run, i, &op[i]);
	}
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	must(sqlite3_finalize(st));
	must(sqlite3_close(sq));
}

static struct dice dice;

/* A number of bits bits or less. */
static uint64_t
any(unsigned bits)
{

	return dice_next(&dice) >> (64 - bits);
}

static struct db_op
any_op(unsigned bits)
{
	const unsigned half = bits < 32 ? bits : 32;

	return (struct db_op){ .op_seq = any(bits),
		.op_time = any(bits),
		.op_offset = any(bits),
		.op_length = any(bits),
		.op_bytes_in = any(bits),
		.op_bytes_out = any(bits),
		.op_scheduled = any(bits) % 7 == 0 ? DB_NEVER : any(bits),
		.op_issued = any(bits),
		.op_latency = any(bits),
		.op_tid = (uint32_t)any(half),
		.op_file = (uint32_t)any(half),
		.op_reads = (uint32_t)any(half),
		.op_writes = (uint32_t)any(half),
		.op_kind = (uint8_t)(any(32) % OP_NKINDS),
		.op_outcome = (uint8_t)(any(32) % OUTCOME_NOUTCOMES) };
}

static const struct db_op largest = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
	UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX,
	UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
	OP_NKINDS - 1, OUTCOME_NOUTCOMES - 1 };

static void
the_view_gives_back_what_was_put(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	static struct db_op op[20000];

	dice.d_state = dice_seed();
	/* Stretches of numbers of the same length, and of the same row. */
	for (size_t i = 0; i < nitems(op);) {
		const size_t end = i + 1 + any(10);
		const unsigned bits = 1 + (unsigned)any(6);
		const bool same = any(1) != 0, never = any(2) != 0;
		struct db_op one = any_op(bits);

		for (; i < end && i < nitems(op); i++) {
			if (!same)
				one = any_op(bits);
			if (never)
				one.op_scheduled = DB_NEVER;
			op[i] = one;
		}
	}
	const int64_t run = begin(db), other = begin(db);
	put(db, run, op, nitems(op));
	put(db, other, op, 777);
	are_ops(dt, run, op, nitems(op));
	are_ops(dt, other, op, 777);
	db_close(db);
}

static void
the_largest_and_the_smallest_may_be_neighbours(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_op op[500];

	for (size_t i = 0; i < nitems(op); i++)
		op[i] = i % 3 == 0 ? largest : (struct db_op){ .op_seq = i };
	const int64_t run = begin(db);
	put(db, run, op, nitems(op));
	are_ops(dt, run, op, nitems(op));
	db_close(db);
}

/* As most blocks nearly fill one, a part in another would double them. */
static void
a_block_fits_a_page(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	static struct db_op op[20000];

	dice.d_state = 1;
	for (size_t i = 0; i < nitems(op); i++) {
		op[i] = any_op(1 + (unsigned)(i / 500) * 3 / 2 % 64);
		op[i].op_seq += UINT64_C(1) << 62;
		op[i].op_length += UINT64_C(1) << 62;
		op[i].op_scheduled = i;
	}
	put(db, begin(db), op, nitems(op));
	assert_in_range(dbtest_int(dt, "SELECT count(*) FROM op_block"), 100,
	    2000);
	assert_int_equal(
	    dbtest_int(dt,
		"SELECT count(*) FROM dbstat"
		" WHERE name = 'op_block' AND pagetype = 'overflow'"),
	    0);
	db_close(db);
}

/* EXPLAIN QUERY PLAN of the query: has it the step? */
static bool
plan_has(const struct dbtest *dt, const char *query, const char *step)
{
	char sql[512];
	sqlite3 *sq = NULL;
	sqlite3_stmt *st = NULL;
	bool has = false;

	(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", query);
	must(sqlite3_open(dt->dt_path, &sq));
	must(sqlite3_prepare_v2(sq, sql, -1, &st, NULL));
	while (sqlite3_step(st) == SQLITE_ROW)
		has |= strstr((const char *)sqlite3_column_text(st, 3), step) !=
		    NULL;
	must(sqlite3_finalize(st));
	must(sqlite3_close(sq));
	return has;
}

static void
the_rows_of_a_run_are_searched_for(void **state)
{
	static const char *const query[] = {
		"SELECT * FROM op WHERE run = 3",
		"SELECT * FROM ops WHERE run = 3",
		"SELECT * FROM op WHERE run = 3 AND n BETWEEN 5 AND 10",
		"SELECT kind, sum(latency_ns) FROM ops WHERE run = 3 GROUP BY 1",
		"SELECT seq FROM ops WHERE run = 3 ORDER BY latency_ns LIMIT 9",
		"SELECT (SELECT count(*) FROM op WHERE run = r.id) FROM run r",
	};
	struct dbtest *dt = *state;

	db_close(dbtest_open(dt));
	for (size_t i = 0; i < nitems(query); i++) {
		if (!plan_has(dt, query[i], "SEARCH b USING INDEX") ||
		    plan_has(dt, query[i], "SCAN b") ||
		    plan_has(dt, query[i], "MATERIALIZE"))
			fail_msg("%s", query[i]);
	}
	assert_true(plan_has(dt, "SELECT * FROM op", "SCAN b"));
}

/* As those of a column of type INTEGER do. */
static void
columns_compare_with_text(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	const struct db_op op[] = { { .op_seq = 7 }, { .op_seq = 8 } };

	put(db, begin(db), op, nitems(op));
	db_close(db);
	assert_int_equal(
	    dbtest_int(dt,
		"SELECT count(*) FROM op WHERE run = '1'"
		" AND n = '1' AND seq = '8' AND kind = '0' AND latency_ns = '0'"),
	    1);
}

static void
deleting_a_run_deletes_its_rows(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	static struct db_op op[1000];

	for (size_t i = 0; i < nitems(op); i++)
		op[i].op_seq = i;
	put(db, begin(db), op, nitems(op));
	put(db, begin(db), op, nitems(op));
	db_close(db);
	dbtest_exec(dt,
	    "PRAGMA foreign_keys = ON;"
	    "DELETE FROM run WHERE id = 1");
	are_ops(dt, 1, op, 0);
	are_ops(dt, 2, op, nitems(op));
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM op_block WHERE run <> 2"),
	    0);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, dbtest_setup, dbtest_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_view_gives_back_what_was_put),
		T(the_largest_and_the_smallest_may_be_neighbours),
		T(a_block_fits_a_page),
		T(the_rows_of_a_run_are_searched_for),
		T(columns_compare_with_text),
		T(deleting_a_run_deletes_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
