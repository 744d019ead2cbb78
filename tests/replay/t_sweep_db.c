#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/db_sweep.h"
#include "tests/replay/dbtest.h"

#define CELLS 3

static struct db_sweep
describe(const char *definition, bool fresh)
{
	return (struct db_sweep){
		.ds_definition = definition,
		.ds_command = "uvn sweep t.uvt",
		.ds_axes = "[]",
		.ds_traces = "[]",
		.ds_repeats = 1,
		.ds_seed = 42,
		.ds_jobs = 2,
		.ds_fresh = fresh,
	};
}

/* Three cells, of the keys k0, k1, k2. */
static void
make_cells(struct db_cell cells[CELLS], struct db_cell *list[CELLS])
{
	for (size_t i = 0; i < CELLS; i++) {
		cells[i] = (struct db_cell){ .dc_trace = "t.uvt",
			.dc_digest = "d",
			.dc_tunables = "{}" };
		(void)snprintf(cells[i].dc_key, sizeof(cells[i].dc_key), "k%zu",
		    i);
		list[i] = &cells[i];
	}
}

static int
try_begin(struct db *db, const char *definition, bool fresh,
    struct db_cell cells[CELLS], int64_t *sweepp, bool *resumedp,
    struct errmsg *em)
{
	const struct db_sweep ds = describe(definition, fresh);
	struct db_cell *list[CELLS];

	make_cells(cells, list);
	return db_sweep_begin(db, &ds, list, CELLS, sweepp, resumedp, em);
}

static int64_t
begin(struct db *db, const char *definition, bool fresh,
    struct db_cell cells[CELLS], bool *resumedp)
{
	struct errmsg em = { .em_text = "" };
	int64_t sweep = 0;

	must_em(try_begin(db, definition, fresh, cells, &sweep, resumedp, &em),
	    &em);
	return sweep;
}

static void
end(struct db *db, int64_t sweep, const char *status)
{
	struct errmsg em = { .em_text = "" };

	must_em(db_sweep_end(db, sweep, status, NULL, &em), &em);
}

/* A run of the cell in the database, with a status of its own. */
static int64_t
add_run(const struct dbtest *dt, struct db *db, int64_t sweep, const char *key,
    const char *status)
{
	struct config cf;
	char sql[256];
	int64_t run;

	config_init(&cf);
	run = dbtest_begin(db, &cf);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE run SET sweep = nullif(%lld, 0), cell = '%s', status = '%s'"
	    " WHERE id = %lld",
	    (long long)sweep, key, status, (long long)run);
	dbtest_exec(dt, sql);
	return run;
}

static void
finish_cell(struct db *db, int64_t sweep, size_t n, struct db_cell *dc,
    enum db_cell_status status, int64_t run)
{
	struct errmsg em = { .em_text = "" };

	dc->dc_status = status;
	dc->dc_run = run;
	must_em(db_cell_end(db, sweep, n, dc, &em), &em);
}

static void
a_sweep_is_a_row_and_its_cells_are_rows(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed = true;
	const int64_t sweep = begin(db, "def", false, cells, &resumed);

	assert_int_equal(sweep, 1);
	assert_false(resumed);
	char *text = dbtest_text(dt,
	    "SELECT status || ',' || command || ',' || axes || ',' || traces"
	    " || ',' || repeats || ',' || seed || ',' || jobs || ',' || cells"
	    " || ',' || resumed || ',' || definition FROM sweep"
	    " WHERE finished IS NULL AND host IS NOT NULL AND started > '2000'");
	assert_string_equal(text,
	    "running,uvn sweep t.uvt,[],[],1,42,2,3,0,def");
	free(text);
	assert_int_equal(dbtest_int(dt, "SELECT pid FROM sweep"), getpid());
	text = dbtest_text(dt,
	    "SELECT group_concat(n || cell || status || trace, ' ')"
	    " FROM sweep_cell WHERE run IS NULL");
	assert_string_equal(text,
	    "0k0plannedt.uvt 1k1plannedt.uvt 2k2plannedt.uvt");
	free(text);
	end(db, sweep, "complete");
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM sweep WHERE status ="
			     " 'complete' AND finished IS NOT NULL"),
	    1);
	db_close(db);
}

static void
the_same_definition_goes_on_and_another_begins(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;

	end(db, begin(db, "def", false, cells, &resumed), "interrupted");
	assert_int_equal(begin(db, "def", false, cells, &resumed), 1);
	assert_true(resumed);
	assert_int_equal(dbtest_int(dt, "SELECT resumed FROM sweep"), 1);
	end(db, 1, "complete");
	assert_int_equal(begin(db, "other", false, cells, &resumed), 2);
	assert_false(resumed);
	end(db, 2, "complete");
	assert_int_equal(begin(db, "def", true, cells, &resumed), 3);
	assert_false(resumed);
	end(db, 3, "complete");
	/* The latest is the one to go on with. */
	assert_int_equal(begin(db, "def", false, cells, &resumed), 3);
	db_close(db);
}

static void
a_cell_with_a_complete_run_is_not_planned_again(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;

	/* Of no sweep, or one before. */
	const int64_t run = add_run(dt, db, 0, "k1", "complete");
	(void)add_run(dt, db, 0, "k2", "failed");
	(void)add_run(dt, db, 0, "k2", "interrupted");
	(void)begin(db, "def", false, cells, &resumed);
	assert_int_equal(cells[0].dc_status, CELL_PLANNED);
	assert_int_equal(cells[1].dc_status, CELL_COMPLETE);
	assert_int_equal(cells[1].dc_run, run);
	assert_int_equal(cells[2].dc_status, CELL_PLANNED);
	assert_int_equal(dbtest_int(dt,
			     "SELECT run FROM sweep_cell WHERE n = 1"
			     " AND status = 'complete'"),
	    run);
	end(db, 1, "interrupted");
	/* Afresh, nothing counts that is not its own. */
	(void)begin(db, "def", true, cells, &resumed);
	assert_int_equal(cells[1].dc_status, CELL_PLANNED);
	db_close(db);
}

static void
a_run_with_io_errors_is_not_taken_for_a_finished_cell(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;

	(void)add_run(dt, db, 0, "k0", "complete");
	dbtest_exec(dt, "UPDATE run SET reason = '3 page-outs failed'");
	(void)begin(db, "def", false, cells, &resumed);
	assert_int_equal(cells[0].dc_status, CELL_PLANNED);
	db_close(db);
}

static void
a_sweep_with_nothing_left_is_not_counted_as_resumed(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;

	(void)add_run(dt, db, 0, "k0", "complete");
	(void)add_run(dt, db, 0, "k1", "complete");
	(void)add_run(dt, db, 0, "k2", "complete");
	end(db, begin(db, "def", false, cells, &resumed), "complete");
	end(db, begin(db, "def", false, cells, &resumed), "complete");
	assert_true(resumed);
	assert_int_equal(dbtest_int(dt, "SELECT resumed FROM sweep"), 0);
	db_close(db);
}

static void
a_sweep_that_runs_elsewhere_is_refused(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct db_cell cells[CELLS];
	int64_t sweep = 0;
	bool resumed;

	(void)begin(db, "def", false, cells, &resumed);
	assert_int_equal(try_begin(db, "def", false, cells, &sweep, &resumed,
			     &em),
	    EBUSY);
	assert_non_null(strstr(em.em_text, "sweep 1 is this one"));
	em.em_text[0] = '\0';
	assert_int_equal(try_begin(db, "def", true, cells, &sweep, &resumed,
			     &em),
	    EBUSY);
	/* The transaction is over: others may write. */
	dbtest_exec(dt, "UPDATE sweep SET jobs = 7");
	db_close(db);
}

static void
a_sweep_whose_process_is_gone_becomes_unfinished(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;

	(void)begin(db, "def", false, cells, &resumed);
	(void)begin(db, "mine", false, cells, &resumed);
	db_close(db);
	/* The pid is another process' now. */
	dbtest_exec(dt,
	    "UPDATE sweep SET pid_start = pid_start + 1"
	    " WHERE definition = 'def'");
	db = dbtest_open(dt);
	char *text = dbtest_text(dt,
	    "SELECT group_concat(status || coalesce(reason, ''), ';')"
	    " FROM sweep");
	assert_string_equal(text,
	    "unfinishedits process ended without a word;running");
	free(text);
	assert_int_equal(begin(db, "def", false, cells, &resumed), 1);
	assert_true(resumed);
	assert_int_equal(dbtest_int(dt,
			     "SELECT count(*) FROM sweep WHERE id = 1"
			     " AND status = 'running' AND reason IS NULL"),
	    1);
	db_close(db);
}

static void
a_complete_cell_stays_complete(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct db_cell cells[CELLS];
	bool resumed;
	const int64_t sweep = begin(db, "def", false, cells, &resumed);
	const int64_t run = add_run(dt, db, sweep, "k0", "complete");

	finish_cell(db, sweep, 0, &cells[0], CELL_COMPLETE, run);
	finish_cell(db, sweep, 0, &cells[0], CELL_INTERRUPTED, 0);
	finish_cell(db, sweep, 1, &cells[1], CELL_INTERRUPTED, 0);
	finish_cell(db, sweep, 1, &cells[1], CELL_COMPLETE, run);
	char *text = dbtest_text(dt,
	    "SELECT group_concat(status || coalesce(run, '-'), ' ')"
	    " FROM sweep_cell");
	assert_string_equal(text, "complete1 complete1 planned-");
	free(text);
	db_close(db);
}

static void
a_lost_cell_is_what_its_run_says(void **state)
{
	static const struct lost {
		const char *lo_run, *lo_want;
	} lost[] = {
		{ NULL, "failed,0,it died" },
		{ "unfinished", "failed,1,it died" },
		{ "complete", "complete,1,NULL" },
	};
	struct dbtest *dt = *state;

	for (size_t i = 0; i < nitems(lost); i++) {
		struct db *db = dbtest_open(dt);
		struct errmsg em = { .em_text = "" };
		struct db_cell cells[CELLS];
		bool resumed;
		const int64_t sweep = begin(db, "def", true, cells, &resumed);

		if (lost[i].lo_run != NULL)
			(void)add_run(dt, db, sweep, "k0", lost[i].lo_run);
		cells[0].dc_status = CELL_FAILED;
		cells[0].dc_reason = strdup("it died");
		must_em(db_cell_lost(db, sweep, 0, &cells[0], &em), &em);
		char *text = dbtest_text(dt,
		    "SELECT status || ',' || (run IS NOT NULL) || ','"
		    " || coalesce(reason, 'NULL') FROM sweep_cell"
		    " WHERE n = 0 ORDER BY sweep DESC LIMIT 1");
		assert_string_equal(text, lost[i].lo_want);
		free(text);
		free(cells[0].dc_reason);
		end(db, sweep, "failed");
		db_close(db);
	}
}

static void
results_are_those_of_the_run(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	struct db_cell_result cr;
	struct config cf;

	config_init(&cf);
	const int64_t run = dbtest_begin(db, &cf);
	must_em(db_cell_result(db, run, &cr, &em), &em);
	assert_int_equal(cr.cr_wall_ns, 0);
	dbtest_exec(dt,
	    "UPDATE run SET wall_ns = 1, cpu_ns = 2, accesses = 10;"
	    "INSERT INTO counter VALUES(1, 'mapped_hits', 3),"
	    "(1, 'resident_hits', 4), (1, 'misses', 5), (1, 'pageout_ios', 6);"
	    "INSERT INTO flush_total VALUES"
	    "(1, 'msync', 'list', 0, 0, 0, 0, 0, 0, 0, 100, 0),"
	    "(1, 'msync', 'hash', 0, 0, 0, 0, 0, 0, 0, 20, 0)");
	must_em(db_cell_result(db, run, &cr, &em), &em);
	assert_int_equal(cr.cr_wall_ns, 1);
	assert_int_equal(cr.cr_cpu_ns, 2);
	assert_int_equal(cr.cr_accesses, 10);
	assert_int_equal(cr.cr_hits, 7);
	assert_int_equal(cr.cr_misses, 5);
	assert_int_equal(cr.cr_writes, 6);
	assert_int_equal(cr.cr_flush_cpu_ns, 120);
	db_close(db);
}

static void
a_look_changes_nothing(void **state)
{
	struct dbtest *dt = *state;
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;
	uint64_t wall = 0, runs = 0;
	struct stat st;

	must_em(db_peek(dt->dt_path, &db, &em), &em);
	assert_null(db);
	assert_int_not_equal(stat(dt->dt_path, &st), 0);

	db_close(dbtest_open(dt));
	dbtest_exec(dt, "CREATE TABLE x(a); DROP TABLE x");
	must_em(db_peek(dt->dt_path, &db, &em), &em);
	assert_non_null(db);
	must_em(db_median_wall(db, "d", "null", &wall, &runs, &em), &em);
	assert_int_equal(runs, 0);
	assert_int_equal(db_sweep_end(db, 1, "complete", NULL, &em), EACCES);
	db_close(db);

	em.em_text[0] = '\0';
	dbtest_exec(dt, "PRAGMA application_id = 1");
	assert_int_equal(db_peek(dt->dt_path, &db, &em), EINVAL);
}

static void
the_median_is_of_complete_runs_of_that_trace_and_backend(void **state)
{
	struct dbtest *dt = *state;
	struct db *db = dbtest_open(dt);
	struct errmsg em = { .em_text = "" };
	uint64_t wall = 0, runs = 0;

	for (int i = 0; i < 7; i++)
		(void)add_run(dt, db, 0, "k", "complete");
	dbtest_exec(dt,
	    "UPDATE run SET digest = 'd', wall_ns = id * 100;"
	    "UPDATE run SET status = 'failed' WHERE id = 1;"
	    "UPDATE run SET digest = 'e' WHERE id = 2;"
	    "UPDATE run SET backend = 'null' WHERE id = 3");
	must_em(db_median_wall(db, "d", "direct", &wall, &runs, &em), &em);
	assert_int_equal(runs, 4);
	assert_in_range(wall, 500, 600);
	db_close(db);
}

int
main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, dbtest_setup, dbtest_teardown)
	const struct CMUnitTest tests[] = {
		T(a_sweep_is_a_row_and_its_cells_are_rows),
		T(the_same_definition_goes_on_and_another_begins),
		T(a_cell_with_a_complete_run_is_not_planned_again),
		T(a_run_with_io_errors_is_not_taken_for_a_finished_cell),
		T(a_sweep_with_nothing_left_is_not_counted_as_resumed),
		T(a_sweep_that_runs_elsewhere_is_refused),
		T(a_sweep_whose_process_is_gone_becomes_unfinished),
		T(a_complete_cell_stays_complete),
		T(a_lost_cell_is_what_its_run_says),
		T(results_are_those_of_the_run),
		T(a_look_changes_nothing),
		T(the_median_is_of_complete_runs_of_that_trace_and_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
