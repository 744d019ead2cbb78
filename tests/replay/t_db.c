#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/clock.h"
#include "replay/db.h"
#include "tests/replay/dbtest.h"

/* Counters of the engine, beside the pager's. */
static const char *const extra_name[] = { "queue_waits", "rows" };
static const uint64_t extra_value[] = { 7, UINT64_MAX };

static void
a_new_database_has_the_tables_of_the_manual(void **state)
{
	static const char *const table[] = { "run", "counter", "op", "op_kind",
		"outcome", "ops", "latency", "interval", "flush", "cluster",
		"event", "response", "lateness", "wait", "thread_latency" };
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);

	for (size_t i = 0; i < nitems(table); i++) {
		const long long n = dbtest_int(dt,
		    "SELECT count(*) FROM sqlite_schema WHERE name = '%s'",
		    table[i]);

		assert_int_equal(n, 1);
	}
	assert_int_equal(dbtest_int(dt, "PRAGMA application_id"), 0x75766e31);
	assert_int_equal(dbtest_int(dt, "PRAGMA user_version"), 5);
	char *mode = dbtest_text(dt, "PRAGMA journal_mode");
	assert_string_equal(mode, "wal");
	free(mode);
	db_close(db);
}

static void
codes_of_kinds_and_outcomes_have_their_names(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);

	for (int i = 0; i < OP_NKINDS; i++)
		assert_int_equal(dbtest_int(dt,
				     "SELECT id FROM op_kind WHERE name = '%s'",
				     opkind_name[i]),
		    i);
	for (int i = 0; i < OUTCOME_NOUTCOMES; i++)
		assert_int_equal(dbtest_int(dt,
				     "SELECT id FROM outcome WHERE name = '%s'",
				     outcome_name[i]),
		    i);
	db_close(db);
}

static void
every_tunable_is_a_column_that_sql_computes_with(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct config cf;

	config_init(&cf);
	must_em(config_assign(&cf, "hash_penalty", "1/8", &em), &em);
	must_em(config_assign(&cf, "cluster", "256K", &em), &em);
	must_em(config_assign(&cf, "cluster_policy", "around", &em), &em);
	must_em(config_assign(&cf, "log", "sample:10", &em), &em);
	const int64_t run = dbtest_begin(db, &cf);
	for (size_t i = 0; i < config_count(); i++)
		assert_int_equal(dbtest_int(dt,
				     "SELECT \"%s\" IS NOT NULL FROM run",
				     config_tunable(i)->tn_name),
		    1);
	assert_int_equal(run, 1);
	assert_int_equal(dbtest_int(dt,
			     "SELECT hash_penalty * 80 = 10.0 FROM run"),
	    1);
	assert_int_equal(dbtest_int(dt, "SELECT cluster / 1024 FROM run"), 256);
	char *text = dbtest_text(dt,
	    "SELECT typeof(hash_penalty) || ' ' || cluster_policy || ' ' || log"
	    " FROM run");
	assert_string_equal(text, "real around sample:10");
	free(text);

	must_em(config_assign(&cf, "hash_penalty", "inf", &em), &em);
	(void)dbtest_begin(db, &cf);
	assert_int_equal(dbtest_int(dt,
			     "SELECT hash_penalty > 1e300 FROM run"
			     " WHERE id = 2"),
	    1);
	db_close(db);
}

static void
a_run_is_seen_as_running_from_its_beginning(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	(void)dbtest_begin(db, &cf);
	char *text = dbtest_text(dt,
	    "SELECT status || ',' || trace || ',' || command || ',' || repeat"
	    " || ',' || seed || ',' || clock FROM run WHERE finished IS NULL"
	    " AND device IS NOT NULL AND file_system IS NOT NULL"
	    " AND host IS NOT NULL AND kernel IS NOT NULL"
	    " AND version IS NOT NULL AND compiler IS NOT NULL");
	char want[128];
	(void)snprintf(want, sizeof(want),
	    "running,t.uvt,uvn replay t.uvt,3,42,%s", clock_name());
	assert_string_equal(text, want);
	free(text);
	assert_int_equal(dbtest_int(dt,
			     "SELECT strftime('%%s', started) > '1700000000'"
			     " FROM run"),
	    1);
	assert_int_equal(dbtest_int(dt, "SELECT pid FROM run"), getpid());
	db_close(db);
}

/* What a run leaves at its end: two histograms, three untimed, I/Os of two
 * sizes, two intervals. */
static void
end_run(struct db *db, int64_t run)
{
	static struct hist hist[2];
	static struct hist *const latency[OP_NKINDS][OUTCOME_NOUTCOMES] = {
		[OP_READ][OUTCOME_MISS] = &hist[0],
		[OP_MSYNC][OUTCOME_OK] = &hist[1],
	};
	static const uint64_t untimed[OP_NKINDS][OUTCOME_NOUTCOMES] = {
		[OP_READ][OUTCOME_MAPPED] = 12345,
		[OP_READ][OUTCOME_MISS] = 5,
	};
	const uint64_t in[17] = { [1] = 100 };
	const uint64_t out[17] = { [1] = 3, [16] = 9 };
	const struct db_interval intervals[] = {
		{ 1000, 10, 5, 3, 2, 1, 90, 6, 4, 8192, 0, 9, 9, 1 },
		{ 2000, 20, 18, 1, 1, 2, 80, 16, 4, 4096, 65536, 9, 9, 1 },
	};
	struct uvmexp exp;
	struct errmsg em = { .em_text = "" };

	for (size_t i = 0; i < uvm_stat_count; i++)
		memcpy((char *)&exp + i * sizeof(uint64_t),
		    &(uint64_t){ 1000 + i }, sizeof(uint64_t));
	hist_init(&hist[0]);
	hist_init(&hist[1]);
	for (uint64_t v = 1; v <= 100; v++)
		hist_add(&hist[0], v);
	const struct db_result rs = { .rs_status = "complete",
		.rs_digest = "0123456789abcdef0123456789abcdef",
		.rs_events = 777,
		.rs_wall_ns = 5000000000,
		.rs_cpu_ns = 4000000000,
		.rs_verify = "passed",
		.rs_exp = &exp,
		.rs_names = extra_name,
		.rs_values = extra_value,
		.rs_nvalues = nitems(extra_name),
		.rs_latency = latency,
		.rs_untimed = untimed,
		.rs_cluster = { [UVM_READ] = in, [UVM_WRITE] = out },
		.rs_cluster_max = 16,
		.rs_intervals = intervals,
		.rs_nintervals = nitems(intervals) };
	must_em(db_run_end(db, run, &rs, &em), &em);
}

static void
an_ended_run_has_its_result(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	end_run(db, dbtest_begin(db, &cf));
	char *text = dbtest_text(dt,
	    "SELECT status || ',' || digest || ',' || events || ',' || wall_ns"
	    " || ',' || cpu_ns || ',' || verify || ',' || accesses FROM run"
	    " WHERE reason IS NULL AND finished >= started");
	assert_string_equal(text,
	    "complete,0123456789abcdef0123456789abcdef,777,5000000000,"
	    "4000000000,passed,1000");
	free(text);
	db_close(db);
}

static void
every_counter_of_the_pager_and_the_engine_is_a_row(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	end_run(db, dbtest_begin(db, &cf));
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM counter"),
	    uvm_stat_count + nitems(extra_name));
	for (size_t i = 0; i < uvm_stat_count; i++) {
		const long long value = dbtest_int(dt,
		    "SELECT value FROM counter WHERE run = 1 AND name = '%s'",
		    uvm_stat_table[i].uc_name);

		assert_int_equal(value, 1000 + i);
	}
	assert_int_equal(dbtest_int(dt,
			     "SELECT value FROM counter WHERE name ="
			     " 'queue_waits'"),
	    7);
	/* The largest SQLite has. */
	assert_true(
	    dbtest_int(dt, "SELECT value FROM counter WHERE name = 'rows'") ==
	    INT64_MAX);
	db_close(db);
}

static void
latencies_are_rows_and_what_was_not_timed_is_null(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	end_run(db, dbtest_begin(db, &cf));
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM latency"), 2);
	char *text = dbtest_text(dt,
	    "SELECT count || ',' || timed || ',' || min || ',' || mean || ','"
	    " || p50 || ',' || p90 || ',' || p99 || ',' || p999 || ',' || max"
	    " || ',' || substr(histogram, 1, 7) FROM latency"
	    " WHERE kind = 'read' AND outcome = 'miss'");
	assert_string_equal(text, "105,100,1,50.5,50,90,99,100,100,1:1 2:1");
	free(text);
	assert_int_equal(dbtest_int(dt,
			     "SELECT count FROM latency WHERE outcome ="
			     " 'mapped' AND timed = 0 AND min IS NULL AND mean"
			     " IS NULL AND p50 IS NULL AND p999 IS NULL AND max"
			     " IS NULL AND histogram IS NULL"),
	    12345);
	db_close(db);
}

static void
clusters_and_intervals_are_rows(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	end_run(db, dbtest_begin(db, &cf));
	char *text = dbtest_text(dt,
	    "SELECT group_concat(direction || pages || '=' || count) FROM"
	    " (SELECT * FROM cluster ORDER BY direction, pages)");
	assert_string_equal(text, "in1=100,out1=3,out16=9");
	free(text);
	text = dbtest_text(dt,
	    "SELECT time || ',' || accesses || ',' || hits || ',' || mapped ||"
	    " ',' || resident || ',' || misses || ',' || dirty || ',' || free"
	    " || ',' || active || ',' || inactive || ',' || bytes_in || ',' ||"
	    " bytes_out FROM interval WHERE n = 1");
	assert_string_equal(text, "2000,20,19,18,1,1,2,80,16,4,4096,65536");
	free(text);
	db_close(db);
}

static void
a_run_ends_whole_or_not_at_all(void **state)
{
	static const char *const twice[] = { "accesses" };
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	const struct uvmexp exp = { .accesses = 1 };
	struct config cf;

	config_init(&cf);
	const int64_t run = dbtest_begin(db, &cf);
	const struct db_result rs = { .rs_status = "complete",
		.rs_exp = &exp,
		.rs_names = twice,
		.rs_values = extra_value,
		.rs_nvalues = 1 };
	assert_int_not_equal(db_run_end(db, run, &rs, &em), 0);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM counter"), 0);
	assert_int_equal(dbtest_int(dt, "SELECT status = 'running' FROM run"),
	    1);

	em.em_text[0] = '\0';
	const struct db_result none = { .rs_status = "complete",
		.rs_exp = &exp };
	assert_int_equal(db_run_end(db, 99, &none, &em), ENOENT);
	db_close(db);
}

static void
a_run_can_be_repeated_with_every_tunable_as_it_was(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct config cf, back;

	config_init(&cf);
	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);
		uint64_t val = 1;

		if (tn->tn_kind == TUN_RATIO || tn->tn_kind == TUN_PACE)
			val = RATIO(1, 3);
		else if (tn->tn_kind == TUN_QUIRK)
			val = QUIRK_FIXED;
		else if (tn->tn_kind == TUN_SAMPLE)
			val = 1000;
		else if (tn->tn_kind != TUN_ENUM)
			val = tn->tn_max;
		config_set(&cf, i, val);
	}
	(void)dbtest_begin(db, &cf);
	must_em(db_run_config(db, 1, &back, &em), &em);
	for (size_t i = 0; i < config_count(); i++)
		assert_int_equal(config_get(&back, i), config_get(&cf, i));

	must_em(config_assign(&cf, "hash_penalty", "inf", &em), &em);
	(void)dbtest_begin(db, &cf);
	must_em(db_run_config(db, 2, &back, &em), &em);
	assert_true(back.cf_uvm.hash_penalty == RATIO_INF);
	db_close(db);
}

static void
a_run_that_cannot_be_repeated_says_why(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct config cf, back;

	config_init(&cf);
	(void)dbtest_begin(db, &cf);
	assert_int_equal(db_run_config(db, 5, &back, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "no run 5"));

	dbtest_exec(dt, "UPDATE run SET tunables = '{\"gone\":\"1\"}'");
	em.em_text[0] = '\0';
	assert_int_equal(db_run_config(db, 1, &back, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "run 1"));
	assert_non_null(strstr(em.em_text, "gone"));

	dbtest_exec(dt, "UPDATE run SET tunables = 'memory=1M'");
	em.em_text[0] = '\0';
	assert_int_equal(db_run_config(db, 1, &back, &em), EINVAL);
	db_close(db);
}

static void
a_database_without_a_tunable_gets_it_with_its_default(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	config_set(&cf, 0, config_tunable(0)->tn_max);
	(void)dbtest_begin(db, &cf);
	db_close(db);
	/* As a tool made it that had neither of them, nor one kind. */
	dbtest_drop_views(dt);
	dbtest_exec(dt, "ALTER TABLE run DROP COLUMN queue");
	dbtest_exec(dt, "ALTER TABLE run DROP COLUMN hash_penalty");
	dbtest_exec(dt, "ALTER TABLE run DROP COLUMN q2_not_durable");
	dbtest_exec(dt, "DELETE FROM op_kind WHERE name = 'update'");

	db = dbtest_open(dt);
	assert_int_equal(dbtest_int(dt, "SELECT queue FROM run"), 65536);
	assert_int_equal(dbtest_int(dt, "SELECT hash_penalty = 4.0 FROM run"),
	    1);
	assert_int_equal(dbtest_int(dt,
			     "SELECT q2_not_durable = 'profile' FROM run"),
	    1);
	assert_int_equal(dbtest_int(dt, "SELECT memory = %lld FROM run",
			     (long long)config_tunable(0)->tn_max),
	    1);
	assert_int_equal(dbtest_int(dt,
			     "SELECT id FROM op_kind WHERE name = 'update'"),
	    OP_UPDATE);
	(void)dbtest_begin(db, &cf);
	db_close(db);
}

static void
a_database_may_have_columns_of_a_newer_tool(void **state)
{
	struct dbtest *dt = *state;
	struct config cf;

	config_init(&cf);
	db_close(dbtest_open(dt));
	dbtest_exec(dt,
	    "ALTER TABLE run ADD COLUMN new_knob INTEGER NOT NULL"
	    " DEFAULT 17");
	struct db *db = dbtest_open(dt);
	(void)dbtest_begin(db, &cf);
	assert_int_equal(dbtest_int(dt, "SELECT new_knob FROM run"), 17);
	db_close(db);
}

static void
deleting_a_run_deletes_all_its_rows(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct config cf;

	config_init(&cf);
	end_run(db, dbtest_begin(db, &cf));
	end_run(db, dbtest_begin(db, &cf));
	db_close(db);
	const long long counters =
	    dbtest_int(dt, "SELECT count(*) FROM counter");
	dbtest_exec(dt,
	    "PRAGMA foreign_keys = ON;"
	    "DELETE FROM run WHERE id = 1");
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM counter"),
	    counters / 2);
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM latency WHERE run = 1"),
	    0);
}

static void
a_database_may_be_in_memory_only(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct db *db;
	struct config cf;

	(void)state;
	config_init(&cf);
	must_em(db_open(":memory:", &db, &em), &em);
	end_run(db, dbtest_begin(db, &cf));
	db_close(db);
	assert_int_not_equal(access(":memory:", F_OK), 0);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, dbtest_setup, dbtest_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_database_has_the_tables_of_the_manual),
		T(codes_of_kinds_and_outcomes_have_their_names),
		T(every_tunable_is_a_column_that_sql_computes_with),
		T(a_run_is_seen_as_running_from_its_beginning),
		T(an_ended_run_has_its_result),
		T(every_counter_of_the_pager_and_the_engine_is_a_row),
		T(latencies_are_rows_and_what_was_not_timed_is_null),
		T(clusters_and_intervals_are_rows),
		T(a_run_ends_whole_or_not_at_all),
		T(a_run_can_be_repeated_with_every_tunable_as_it_was),
		T(a_run_that_cannot_be_repeated_says_why),
		T(a_database_without_a_tunable_gets_it_with_its_default),
		T(a_database_may_have_columns_of_a_newer_tool),
		T(deleting_a_run_deletes_all_its_rows),
		T(a_database_may_be_in_memory_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
