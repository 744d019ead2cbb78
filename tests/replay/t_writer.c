#include "tests/test.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay/clock.h"
#include "replay/db.h"
#include "tests/dice.h"
#include "tests/replay/dbtest.h"

/* A row whose every column follows from i. */
static struct db_op
op_of(uint64_t i)
{

	return (struct db_op){
		.op_seq = i,
		.op_time = 10 * i,
		.op_offset = 4096 * i,
		.op_length = i % 8192,
		.op_bytes_in = i % 7,
		.op_bytes_out = i % 11,
		.op_scheduled = i % 4 == 0 ? DB_NEVER : 9 * i,
		.op_issued = 10 * i,
		.op_latency = i % 100003,
		.op_tid = (uint32_t)(i % 3),
		.op_file = (uint32_t)(1 + i % 5),
		.op_reads = (uint32_t)(i % 2),
		.op_writes = (uint32_t)(i % 13),
		.op_kind = (uint8_t)(i % OP_NKINDS),
		.op_outcome = (uint8_t)(i % OUTCOME_NOUTCOMES),
	};
}

/* The rows of run are those of op_of(0..nrows), in order, in every column. */
static void
holds_ops(const struct dbtest *dt, int64_t run, uint64_t nrows)
{

	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM op WHERE run = %" PRId64,
			     run),
	    nrows);
	assert_int_equal(
	    dbtest_int(dt,
		"SELECT count(*) FROM op WHERE run = %" PRId64
		" AND seq = n AND time = 10 * n AND tid = n %% 3 AND kind ="
		" n %% %d AND file = 1 + n %% 5 AND offset = 4096 * n AND"
		" length = n %% 8192 AND outcome = n %% %d AND reads = n %% 2"
		" AND writes = n %% 13 AND bytes_in = n %% 7 AND bytes_out ="
		" n %% 11 AND latency_ns = n %% 100003 AND issued_ns = 10 * n"
		" AND completed_ns = 10 * n + n %% 100003 AND scheduled_ns IS"
		" CASE n %% 4 WHEN 0 THEN NULL ELSE 9 * n END",
		run, (int)OP_NKINDS, (int)OUTCOME_NOUTCOMES),
	    nrows);
}

static int64_t
begin(struct db *db, size_t queue, struct db_writer **dwp)
{
	struct errmsg em = { .em_text = "" };
	struct config cf;

	config_init(&cf);
	const int64_t run = dbtest_begin(db, &cf);
	must_em(db_writer_start(db, run, queue, dwp, &em), &em);
	return run;
}

static void
every_row_arrives_once_and_in_order(void **state)
{
	static const uint64_t count[] = { 0, 1, 19, 20, 21, 4096, 250007 };
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);

	for (size_t i = 0; i < nitems(count); i++) {
		struct errmsg em = { .em_text = "" };
		struct db_writer *dw;
		uint64_t rows, waits;
		const int64_t run = begin(db, 4096, &dw);
		const uint64_t since = clock_monotonic();

		for (uint64_t seq = 0; seq < count[i]; seq++) {
			const struct db_op op = op_of(seq);

			db_put_op(dw, &op);
		}
		assert_false(db_writer_failed(dw));
		must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
		print_message("%" PRIu64 " rows, %.0f a second\n", rows,
		    (double)rows * 1e9 / (double)(clock_monotonic() - since));
		assert_int_equal(rows, count[i]);
		holds_ops(dt, run, count[i]);
	}
	db_close(db);
}

static void
ops_and_flushes_mix(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct dice d = { dice_seed() };
	uint64_t ops = 0, flushes = 0, rows, waits;
	struct db_writer *dw;
	const int64_t run = begin(db, 256, &dw);

	for (int i = 0; i < 50000; i++) {
		if (roll(&d, 2) != 0) {
			const struct db_op op = op_of(ops++);

			db_put_op(dw, &op);
			continue;
		}
		const struct db_flush fl = { .fl_seq = flushes,
			.fl_range_pages = 2 * flushes,
			.fl_object_pages = 3 * flushes,
			.fl_visits = 4 * flushes,
			.fl_lookups = 5 * flushes,
			.fl_cleaned = 6 * flushes,
			.fl_writes = 7 * flushes,
			.fl_cpu_ns = 8 * flushes,
			.fl_latency_ns = 9 * flushes,
			.fl_file = 10,
			.fl_caller = (uint8_t)(flushes % FLUSH_NCALLER),
			.fl_by_list = flushes % 2 != 0 };
		flushes++;
		db_put_flush(dw, &fl);
	}
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	assert_int_equal(rows, 50000);
	holds_ops(dt, run, ops);
	assert_int_equal(
	    dbtest_int(dt,
		"SELECT count(*) FROM flush WHERE run = %" PRId64
		" AND seq = n AND range_pages = 2 * n AND object_pages = 3 * n"
		" AND visits = 4 * n AND lookups = 5 * n AND cleaned = 6 * n"
		" AND writes = 7 * n AND cpu_ns = 8 * n AND latency_ns = 9 * n"
		" AND file = 10 AND method = iif(n %% 2, 'list', 'hash')",
		run),
	    flushes);
	for (int caller = 0; caller < FLUSH_NCALLER; caller++) {
		const long long other = dbtest_int(dt,
		    "SELECT count(*) FROM flush WHERE (n %% %d = %d) <>"
		    " (caller = '%s')",
		    (int)FLUSH_NCALLER, caller,
		    uvm_flush_caller_name((enum uvm_flush_caller)caller));

		assert_int_equal(other, 0);
	}
	db_close(db);
}

static void
a_full_queue_waits_counts_it_and_drops_nothing(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct db_writer *dw;
	uint64_t rows, waits;

	/* Faster than SQLite can be. */
	const int64_t run = begin(db, 1, &dw);
	for (uint64_t seq = 0; seq < 20000; seq++) {
		const struct db_op op = op_of(seq);

		db_put_op(dw, &op);
	}
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	assert_int_equal(rows, 20000);
	assert_true(waits > 0 && waits <= 20000);
	holds_ops(dt, run, 20000);

	/* A queue that holds them all makes nobody wait. */
	const int64_t next = begin(db, 20000, &dw);
	for (uint64_t seq = 0; seq < 20000; seq++) {
		const struct db_op op = op_of(seq);

		db_put_op(dw, &op);
	}
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	assert_int_equal(waits, 0);
	holds_ops(dt, next, 20000);
	db_close(db);
}

static void
rows_are_committed_while_the_run_goes_on(void **state)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct db_writer *dw;
	uint64_t rows, waits;
	const struct db_op op = op_of(0);

	/* One row fills nothing, so only the clock can write it. */
	(void)begin(db, 4096, &dw);
	db_put_op(dw, &op);
	int tries = 0;
	while (dbtest_int(dt, "SELECT count(*) FROM op") == 0 && tries++ < 1500)
		(void)nanosleep(&nap, NULL);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM op"), 1);
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	db_close(db);
}

/* A process that writes rows until it is killed, its run after a whole one. */
static void
write_forever(const struct dbtest *dt, int ready)
{
	struct db *db = dbtest_open(dt);
	struct db_writer *dw;
	const char byte = 0;

	(void)begin(db, 4096, &dw);
	for (uint64_t seq = 0;; seq++) {
		const struct db_op op = op_of(seq);

		db_put_op(dw, &op);
		if (seq == 300000 && write(ready, &byte, 1) != 1)
			_exit(1);
	}
}

static void
a_kill_leaves_a_whole_database_and_the_run_unfinished(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	const struct uvmexp exp = { .accesses = 1 };
	const struct db_result rs = { .rs_status = "complete", .rs_exp = &exp };
	struct db_writer *dw;
	uint64_t rows, waits;
	int ready[2];
	char byte;

	const int64_t whole = begin(db, 4096, &dw);
	for (uint64_t seq = 0; seq < 1000; seq++) {
		const struct db_op op = op_of(seq);

		db_put_op(dw, &op);
	}
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	must_em(db_run_end(db, whole, &rs, &em), &em);
	db_close(db);

	must(pipe(ready));
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_forever(dt, ready[1]);
	must(close(ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	must(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	must(close(ready[0]));

	db_close(dbtest_open(dt));
	char *text = dbtest_text(dt,
	    "SELECT group_concat(status) FROM (SELECT status FROM run"
	    " ORDER BY id)");
	assert_string_equal(text, "complete,unfinished");
	free(text);
	text = dbtest_text(dt, "PRAGMA integrity_check");
	assert_string_equal(text, "ok");
	free(text);
	holds_ops(dt, whole, 1000);
	/* What it had written is there, from the first row on. */
	const long long n =
	    dbtest_int(dt, "SELECT count(*) FROM op WHERE run = 2");
	assert_true(n > 0);
	holds_ops(dt, 2, (uint64_t)n);
}

static void
two_runs_may_write_one_database_at_once(void **state)
{
	struct dbtest *dt = *state;
	pid_t pid[2];

	db_close(dbtest_open(dt));
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] != 0)
			continue;
		struct db *db = dbtest_open(dt);
		struct errmsg em = { .em_text = "" };
		struct db_writer *dw;
		uint64_t rows, waits;

		(void)begin(db, 1024, &dw);
		for (uint64_t seq = 0; seq < 100000; seq++) {
			const struct db_op op = op_of(seq);

			db_put_op(dw, &op);
		}
		const int error = db_writer_stop(dw, &rows, &waits, &em);
		db_close(db);
		_exit(error != 0 ? 1 : 0);
	}
	for (int i = 0; i < 2; i++) {
		int status;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	holds_ops(dt, 1, 100000);
	holds_ops(dt, 2, 100000);
}

static void
a_second_writer_of_a_run_that_has_rows_fails(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	const struct db_op op = op_of(0);
	struct db_writer *dw;
	uint64_t rows, waits;

	const int64_t run = begin(db, 64, &dw);
	db_put_op(dw, &op);
	must_em(db_writer_stop(dw, &rows, &waits, &em), &em);
	must_em(db_writer_start(db, run, 64, &dw, &em), &em);
	db_put_op(dw, &op);
	assert_int_not_equal(db_writer_stop(dw, &rows, &waits, &em), 0);
	assert_int_equal(rows, 0);
	assert_string_not_equal(em.em_text, "");
	db_close(db);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, dbtest_setup, dbtest_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_row_arrives_once_and_in_order),
		T(ops_and_flushes_mix),
		T(a_full_queue_waits_counts_it_and_drops_nothing),
		T(rows_are_committed_while_the_run_goes_on),
		T(a_kill_leaves_a_whole_database_and_the_run_unfinished),
		T(two_runs_may_write_one_database_at_once),
		T(a_second_writer_of_a_run_that_has_rows_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
