/*
 * What a run leaves of times: of waits, of threads, and of a schedule.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "replay/db.h"
#include "tests/replay/dbtest.h"

static const struct uvmexp no_counts;

/* The result of a run that did nothing, to begin with. */
static struct db_result
nothing(void)
{

	return (struct db_result){ .rs_status = "complete",
		.rs_verify = "off",
		.rs_exp = &no_counts };
}

static void
end(struct dbtest *dt, const struct db_result *rs)
{
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct config cf;

	config_init(&cf);
	must_em(db_run_end(db, dbtest_begin(db, &cf), rs, &em), &em);
	db_close(db);
}

static void
is_text(const struct dbtest *dt, const char *sql, const char *want)
{
	char *const text = dbtest_text(dt, sql);

	assert_string_equal(text, want);
	free(text);
}

static void
without_pace_there_is_nothing_of_a_schedule(void **state)
{
	struct dbtest *dt = *state;
	const struct db_result rs = nothing();

	end(dt, &rs);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM response"), 0);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM lateness"), 0);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM wait"), 0);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM thread_latency"),
	    0);
}

static void
response_and_lateness_are_distributions(void **state)
{
	static struct hist hist;
	static struct hist *const response[OP_NKINDS][OUTCOME_NOUTCOMES] = {
		[OP_MSYNC][OUTCOME_OK] = &hist
	};
	struct dbtest *dt = *state;
	struct db_result rs = nothing();

	hist_init(&hist);
	for (uint64_t ns = 1; ns <= 100; ns++)
		hist_add(&hist, ns);
	rs.rs_response = response;
	rs.rs_lateness = &hist;
	end(dt, &rs);
	assert_int_equal(dbtest_int(dt, "SELECT count(*) FROM response"), 1);
	is_text(dt,
	    "SELECT kind || outcome || ',' || count || ',' || min || ',' ||"
	    " mean || ',' || p50 || ',' || p90 || ',' || p99 || ',' || p999"
	    " || ',' || max || ',' || substr(histogram, 1, 7) FROM response",
	    "msyncok,100,1,50.5,50,90,99,100,100,1:1 2:1");
	is_text(dt,
	    "SELECT count || ',' || min || ',' || mean || ',' || p50 || ',' ||"
	    " p90 || ',' || p99 || ',' || p999 || ',' || max || ',' ||"
	    " substr(histogram, 1, 7) FROM lateness",
	    "100,1,50.5,50,90,99,100,100,1:1 2:1");
}

static void
a_paced_run_without_events_was_never_late(void **state)
{
	static struct hist hist;
	struct dbtest *dt = *state;
	struct db_result rs = nothing();

	hist_init(&hist);
	rs.rs_lateness = &hist;
	end(dt, &rs);
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM lateness WHERE count = 0 AND"
			     " min IS NULL AND max IS NULL AND histogram IS"
			     " NULL"),
	    1);
}

static void
only_threads_of_the_trace_have_tids(void **state)
{
	static const struct db_wait waits[] = {
		{ { 0, 4711, ROLE_TRACE }, UVM_WAIT_PAGE, 2, 300 },
		{ { 0, 4711, ROLE_TRACE }, UVM_WAIT_DEVICE, 5, 1000 },
		{ { 1, 0, ROLE_DAEMON }, UVM_WAIT_DEVICE, 1, 70 },
	};
	struct dbtest *dt = *state;
	struct db_result rs = nothing();

	rs.rs_waits = waits;
	rs.rs_nwaits = nitems(waits);
	end(dt, &rs);
	is_text(dt,
	    "SELECT group_concat(thread || role || coalesce(tid, '-') || kind"
	    " || count || '=' || ns) FROM (SELECT * FROM wait"
	    " ORDER BY thread, kind)",
	    "0trace4711device5=1000,0trace4711page2=300,1daemon-device1=70");
}

static void
latencies_of_threads_are_rows(void **state)
{
	static const struct db_thread_latency rows[] = {
		{ .tl_thread = { 0, 17, ROLE_TRACE },
		    .tl_kind = OP_WRITE,
		    .tl_count = 9,
		    .tl_min = 1,
		    .tl_mean = 2.5,
		    .tl_p50 = 3,
		    .tl_p90 = 4,
		    .tl_p99 = 5,
		    .tl_p999 = 6,
		    .tl_max = 7 },
		{ .tl_thread = { 1, 0, ROLE_UPDATE },
		    .tl_kind = OP_UPDATE,
		    .tl_count = 1 },
	};
	struct dbtest *dt = *state;
	struct db_result rs = nothing();

	rs.rs_threads = rows;
	rs.rs_nthreads = nitems(rows);
	end(dt, &rs);
	is_text(dt,
	    "SELECT thread || role || tid || kind || count || ',' || min || ','"
	    " || mean || ',' || p50 || ',' || p90 || ',' || p99 || ',' || p999"
	    " || ',' || max FROM thread_latency WHERE thread = 0",
	    "0trace17write9,1,2.5,3,4,5,6,7");
	is_text(dt, "SELECT role || kind FROM thread_latency WHERE tid IS NULL",
	    "updateupdate");
}

static void
the_depth_of_an_interval_is_its_mean(void **state)
{
	static const struct db_interval rows[] = {
		{ .in_time = 10,
		    .in_real = 4000,
		    .in_depth = 6000,
		    .in_depth_most = 3 },
		{ .in_time = 20 },
	};
	struct dbtest *dt = *state;
	struct db_result rs = nothing();

	rs.rs_intervals = rows;
	rs.rs_nintervals = nitems(rows);
	end(dt, &rs);
	is_text(dt,
	    "SELECT group_concat(real_ns || ' ' || depth || ' ' || depth_most)"
	    " FROM (SELECT * FROM interval ORDER BY n)",
	    "4000 1.5 3,0 0.0 0");
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, dbtest_setup, dbtest_teardown)
	const struct CMUnitTest tests[] = {
		T(without_pace_there_is_nothing_of_a_schedule),
		T(response_and_lateness_are_distributions),
		T(a_paced_run_without_events_was_never_late),
		T(only_threads_of_the_trace_have_tids),
		T(latencies_of_threads_are_rows),
		T(the_depth_of_an_interval_is_its_mean),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
