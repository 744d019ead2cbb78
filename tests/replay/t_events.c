#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/engine_impl.h"
#include "replay/replay.h"
#include "tests/replay/perffake.h"

/* As in engine_events.c: pairs of readings before the run, and its cap. */
#define CALIBRATION (2 * 64 * 15)
#define PHASES	    1000

/* ---- the hooks alone, over a kernel to order ---- */

struct hooks {
	struct engine hk_en;
	struct engine_job hk_job;
	struct engine_report hk_er;
	struct uvm_observer hk_uo;
	struct db_result hk_rs;
};

static int
fake(void **state)
{

	(void)state;
	perf_fake_begin();
	return 0;
}

static int
real(void **state)
{

	(void)state;
	perf_fake_end();
	return 0;
}

static void
hooks_open(struct hooks *hk, const char *list)
{

	*hk = (struct hooks){ .hk_job.ej_events = list };
	hk->hk_en.en_job = &hk->hk_job;
	hk->hk_en.en_report = &hk->hk_er;
	must_em(engine_events_open(&hk->hk_en), &hk->hk_er.er_em);
	hk->hk_uo.uo_arg = &hk->hk_en;
	engine_events_observe(&hk->hk_en, &hk->hk_uo);
}

static void
hooks_result(struct hooks *hk)
{

	engine_events_end(&hk->hk_en);
	engine_events_result(&hk->hk_en, &hk->hk_rs);
	engine_events_fini(&hk->hk_en);
}

static void
traverse(struct hooks *hk, bool on)
{

	hk->hk_uo.uo_traverse(hk->hk_uo.uo_arg, on);
}

/* The row of an event in a phase; NULL: there is none. */
static const struct db_event *
find_row(const struct engine_report *er, const char *name, const char *phase)
{
	const struct db_event *found = NULL;

	for (size_t i = 0; i < er->er_nperf; i++) {
		const struct db_event *const ev = &er->er_perf[i];

		if (strcmp(ev->ev_name, name) != 0 ||
		    strcmp(ev->ev_phase, phase) != 0)
			continue;
		assert_null(found);
		found = ev;
	}
	return found;
}

static const struct db_event *
row(const struct engine_report *er, const char *name, const char *phase)
{
	const struct db_event *const ev = find_row(er, name, phase);

	if (ev == NULL) {
		fail_msg("no row of %s in %s", name, phase);
		abort();
	}
	return ev;
}

static uint64_t
value(const struct engine_report *er, const char *name, const char *phase)
{
	const struct db_event *const ev = row(er, name, phase);

	if (ev->ev_reason != NULL)
		fail_msg("%s in %s: %s", name, phase, ev->ev_reason);
	return ev->ev_value;
}

static void
without_events_nobody_is_called(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, NULL);
	assert_null(hk.hk_en.en_events);
	assert_null(hk.hk_uo.uo_traverse);
	engine_events_begin(&hk.hk_en);
	engine_events_mark(&hk.hk_en);
	hooks_result(&hk);
	assert_int_equal(hk.hk_rs.rs_nperf, 0);
	assert_int_equal(perf_fake.pf_opens, 0);
	engine_report_fini(&hk.hk_er);
}

static void
the_run_is_what_was_counted_from_begin_to_end(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles,instructions");
	perf_fake.pf_value[0] = 1000;
	perf_fake.pf_value[1] = 5000;
	engine_events_begin(&hk.hk_en);
	perf_fake.pf_value[0] += 30;
	perf_fake.pf_value[1] += 70;
	hooks_result(&hk);
	assert_int_equal(value(&hk.hk_er, "cycles", "run"), 30);
	assert_int_equal(value(&hk.hk_er, "instructions", "run"), 70);
	assert_int_equal(value(&hk.hk_er, "cycles", "flush"), 0);
	/* Without marks the run is its only phase. */
	assert_null(find_row(&hk.hk_er, "cycles", "phase-0"));
	assert_ptr_equal(hk.hk_rs.rs_perf, hk.hk_er.er_perf);
	assert_int_equal(hk.hk_rs.rs_nperf, 6);
	engine_report_fini(&hk.hk_er);
}

static void
a_phase_lasts_from_mark_to_mark_and_the_phases_are_the_run(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	engine_events_begin(&hk.hk_en);
	for (uint64_t i = 0; i < 3; i++) {
		perf_fake.pf_value[0] += 10 + i;
		engine_events_mark(&hk.hk_en);
	}
	perf_fake.pf_value[0] += 100;
	hooks_result(&hk);
	assert_int_equal(value(&hk.hk_er, "cycles", "phase-0"), 10);
	assert_int_equal(value(&hk.hk_er, "cycles", "phase-1"), 11);
	assert_int_equal(value(&hk.hk_er, "cycles", "phase-2"), 12);
	assert_int_equal(value(&hk.hk_er, "cycles", "phase-3"), 100);
	assert_int_equal(value(&hk.hk_er, "cycles", "run"), 133);
	assert_null(find_row(&hk.hk_er, "cycles", "phase-4"));
	assert_int_equal(hk.hk_er.er_phases, 4);
	assert_int_equal(hk.hk_er.er_phases_lost, 0);
	engine_report_fini(&hk.hk_er);
}

static void
phases_beyond_a_thousand_are_counted_not_kept(void **state)
{
	struct hooks hk;
	size_t reads;

	(void)state;
	hooks_open(&hk, "cycles,task-clock");
	engine_events_begin(&hk.hk_en);
	for (int i = 0; i < PHASES + 5; i++) {
		reads = perf_fake.pf_reads;
		perf_fake.pf_value[0]++;
		engine_events_mark(&hk.hk_en);
		/* What is not kept is not read either. */
		assert_int_equal(perf_fake.pf_reads - reads,
		    i < PHASES ? 2 : 0);
	}
	hooks_result(&hk);
	assert_int_equal(hk.hk_er.er_phases, PHASES);
	assert_int_equal(hk.hk_er.er_phases_lost, 6);
	assert_int_equal(value(&hk.hk_er, "cycles", "phase-999"), 1);
	assert_null(find_row(&hk.hk_er, "cycles", "phase-1000"));
	assert_int_equal(value(&hk.hk_er, "cycles", "run"), PHASES + 5);
	engine_report_fini(&hk.hk_er);
}

static void
flush_is_the_sum_of_what_was_counted_between_on_and_off(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	engine_events_begin(&hk.hk_en);
	for (uint64_t i = 1; i <= 3; i++) {
		perf_fake.pf_value[0] += 1000;
		traverse(&hk, true);
		perf_fake.pf_value[0] += i;
		perf_fake.pf_enabled[0] += 20;
		perf_fake.pf_running[0] += 20;
		traverse(&hk, false);
	}
	hooks_result(&hk);
	assert_int_equal(value(&hk.hk_er, "cycles", "flush"), 6);
	assert_int_equal(row(&hk.hk_er, "cycles", "flush")->ev_enabled, 60);
	assert_int_equal(value(&hk.hk_er, "cycles", "run"), 3006);
	engine_report_fini(&hk.hk_er);
}

static void
flushes_before_the_run_and_after_it_are_not_counted(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	traverse(&hk, true);
	perf_fake.pf_value[0] += 7;
	traverse(&hk, false);
	engine_events_begin(&hk.hk_en);
	/* One that is under way when the run ends has no end. */
	traverse(&hk, true);
	perf_fake.pf_value[0] += 7;
	engine_events_end(&hk.hk_en);
	traverse(&hk, false);
	engine_events_result(&hk.hk_en, &hk.hk_rs);
	engine_events_fini(&hk.hk_en);
	assert_int_equal(value(&hk.hk_er, "cycles", "flush"), 0);
	engine_report_fini(&hk.hk_er);
}

static void
what_the_readings_count_is_measured_and_told_apart(void **state)
{
	struct hooks hk;

	(void)state;
	/* Each reading is one cycle, and half a second on the counter. */
	perf_fake.pf_step[0] = 1;
	perf_fake.pf_step[1] = 10;
	perf_fake.pf_enabled_step = 4;
	perf_fake.pf_running_step = 2;
	hooks_open(&hk, "cycles,instructions");
	assert_int_equal(perf_fake.pf_reads, 2 * CALIBRATION);
	engine_events_begin(&hk.hk_en);
	for (int i = 0; i < 10; i++) {
		traverse(&hk, true);
		traverse(&hk, false);
	}
	hooks_result(&hk);
	/* Half the time, so that twice as many are to be expected. */
	assert_int_equal(value(&hk.hk_er, "cycles", "reading"), 20);
	assert_int_equal(value(&hk.hk_er, "instructions", "reading"), 200);
	/* Empty traversals have counted nothing else. */
	assert_int_equal(value(&hk.hk_er, "cycles", "flush"), 20);
	assert_int_equal(value(&hk.hk_er, "instructions", "flush"), 200);
	engine_report_fini(&hk.hk_er);
}

static void
a_value_that_was_multiplexed_is_scaled_and_its_times_are_kept(void **state)
{
	const struct db_event *ev;
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	engine_events_begin(&hk.hk_en);
	perf_fake.pf_value[0] += 100;
	perf_fake.pf_enabled[0] += 1000;
	perf_fake.pf_running[0] += 250;
	hooks_result(&hk);
	ev = row(&hk.hk_er, "cycles", "run");
	assert_int_equal(ev->ev_value, 400);
	assert_int_equal(ev->ev_enabled, 1000);
	assert_int_equal(ev->ev_running, 250);
	engine_report_fini(&hk.hk_er);
}

static void
an_event_that_never_got_a_counter_has_no_value(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	engine_events_begin(&hk.hk_en);
	perf_fake.pf_enabled[0] += 1000;
	hooks_result(&hk);
	assert_non_null(
	    strstr(row(&hk.hk_er, "cycles", "run")->ev_reason, "fewer events"));
	/* There was no flush, of which nothing is known but that. */
	assert_int_equal(value(&hk.hk_er, "cycles", "flush"), 0);
	engine_report_fini(&hk.hk_er);
}

static void
an_event_that_is_refused_has_rows_with_the_reason(void **state)
{
	struct hooks hk;

	(void)state;
	perf_fake.pf_open_error[0] = ENOENT;
	perf_fake.pf_rdpmc_setting = -1;
	hooks_open(&hk, "cycles,task-clock");
	engine_events_begin(&hk.hk_en);
	perf_fake.pf_value[1] += 5;
	engine_events_mark(&hk.hk_en);
	hooks_result(&hk);
	assert_non_null(
	    strstr(row(&hk.hk_er, "cycles", "run")->ev_reason, "bare metal"));
	assert_non_null(row(&hk.hk_er, "cycles", "flush")->ev_reason);
	assert_null(find_row(&hk.hk_er, "cycles", "phase-0"));
	assert_int_equal(value(&hk.hk_er, "task-clock", "run"), 5);
	assert_int_equal(value(&hk.hk_er, "task-clock", "phase-0"), 5);
	engine_report_fini(&hk.hk_er);
}

static void
an_event_lost_on_the_way_has_no_value_in_any_phase(void **state)
{
	struct hooks hk;

	(void)state;
	hooks_open(&hk, "cycles");
	engine_events_begin(&hk.hk_en);
	perf_fake.pf_value[0] += 5;
	engine_events_mark(&hk.hk_en);
	perf_fake.pf_read_nothing = true;
	traverse(&hk, true);
	traverse(&hk, false);
	hooks_result(&hk);
	assert_non_null(row(&hk.hk_er, "cycles", "run")->ev_reason);
	assert_non_null(row(&hk.hk_er, "cycles", "flush")->ev_reason);
	assert_null(find_row(&hk.hk_er, "cycles", "phase-0"));
	engine_report_fini(&hk.hk_er);
}

static void
a_mistake_in_the_list_is_wrong_usage(void **state)
{
	struct engine_report er = { .er_exit = 0 };
	struct engine_job job = { .ej_events = "cylces" };
	struct engine en = { .en_job = &job, .en_report = &er };

	(void)state;
	assert_int_equal(engine_events_open(&en), UVN_USAGE);
	assert_non_null(strstr(er.er_em.em_text, "'cycles'"));
	engine_events_fini(&en);
	engine_report_fini(&er);
}

/* ---- whole replays on this host ---- */

#define FILE_PAGES 256U

/* A small trace: attach, writes, msyncs; a mark at the middle. */
static void
write_trace(const char *path)
{
	FILE *const fp = fopen(path, "we");
	unsigned seq = 1;

	assert_non_null(fp);
	(void)fprintf(fp,
	    "#uvn-trace 1\n#page 4096\n#file 1 size=%u path=/one\n"
	    "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n"
	    "0,0,1,1,attach,1,1,0,%u,r|w|shared|maxw\n",
	    FILE_PAGES * 4096, FILE_PAGES * 4096);
	for (unsigned i = 0; i < 4 * FILE_PAGES; i++, seq++) {
		const unsigned at = i * 7 % FILE_PAGES * 4096;

		if (i == 2 * FILE_PAGES)
			(void)fprintf(fp, "%u,%u,1,1,mark,0,0,0,0,\n", seq,
			    seq);
		else if (i % 16 == 15)
			(void)fprintf(fp, "%u,%u,1,1,msync,1,1,0,%u,sync\n",
			    seq, seq, FILE_PAGES * 4096);
		else
			(void)fprintf(fp, "%u,%u,1,1,write,1,1,%u,4096,\n", seq,
			    seq, at);
	}
	assert_int_equal(fclose(fp), 0);
}

static void
replay_with(const char *list, struct engine_report *er)
{
	char dir[] = "/tmp/uvn-events-XXXXXX", path[64];
	struct errmsg em = { .em_text = "" };
	struct config cf;
	struct engine_job job = {
		.ej_config = &cf,
		.ej_trace = path,
		.ej_events = list,
	};

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/t.csv", dir);
	write_trace(path);
	config_init(&cf);
	must_em(config_assign(&cf, "backend", "null", &em), &em);
	must_em(config_resolve(&cf, &em), &em);
	must_em(engine_run(&job, er), &er->er_em);
	must(unlink(path));
	must(rmdir(dir));
}

static void
counting_changes_nothing_that_the_pager_counts(void **state)
{
	struct engine_report with, without;

	(void)state;
	replay_with("task-clock,page-faults,cycles", &with);
	replay_with(NULL, &without);
	assert_memory_equal(&with.er_exp, &without.er_exp, sizeof(with.er_exp));
	assert_int_equal(without.er_nperf, 0);
	engine_report_fini(&with);
	engine_report_fini(&without);
}

static void
flushes_and_phases_are_parts_of_the_run(void **state)
{
	static const char *const names[] = { "task-clock", "page-faults" };
	struct engine_report er;

	(void)state;
	replay_with("task-clock,page-faults", &er);
	if (row(&er, "task-clock", "run")->ev_reason != NULL) {
		engine_report_fini(&er);
		skip();
	}
	for (size_t i = 0; i < nitems(names); i++) {
		const uint64_t run = value(&er, names[i], "run");
		const uint64_t first = value(&er, names[i], "phase-0");
		const uint64_t second = value(&er, names[i], "phase-1");

		assert_true(value(&er, names[i], "flush") <= run);
		assert_true(first + second <= run);
	}
	assert_true(value(&er, "task-clock", "phase-0") > 0);
	assert_true(value(&er, "task-clock", "phase-1") > 0);
	assert_true(value(&er, "task-clock", "run") <= er.er_wall_ns);
	assert_int_equal(er.er_phases, 2);
	engine_report_fini(&er);
}

static void
every_flush_of_a_replay_is_a_traversal(void **state)
{
	struct engine_report er;

	(void)state;
	perf_fake_begin();
	perf_fake.pf_step[0] = 1;
	replay_with("cycles", &er);
	perf_fake_end();
	/* One reading from on to off, at least once a flush. */
	assert_true(er.er_exp.flushes > 0);
	assert_true(value(&er, "cycles", "flush") >= er.er_exp.flushes);
	assert_true(
	    value(&er, "cycles", "flush") < value(&er, "cycles", "run"));
	engine_report_fini(&er);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define FAKE(test) cmocka_unit_test_setup_teardown(test, fake, real)
		FAKE(without_events_nobody_is_called),
		FAKE(the_run_is_what_was_counted_from_begin_to_end),
		FAKE(
		    a_phase_lasts_from_mark_to_mark_and_the_phases_are_the_run),
		FAKE(phases_beyond_a_thousand_are_counted_not_kept),
		FAKE(flush_is_the_sum_of_what_was_counted_between_on_and_off),
		FAKE(flushes_before_the_run_and_after_it_are_not_counted),
		FAKE(what_the_readings_count_is_measured_and_told_apart),
		FAKE(
		    a_value_that_was_multiplexed_is_scaled_and_its_times_are_kept),
		FAKE(an_event_that_never_got_a_counter_has_no_value),
		FAKE(an_event_that_is_refused_has_rows_with_the_reason),
		FAKE(an_event_lost_on_the_way_has_no_value_in_any_phase),
		FAKE(a_mistake_in_the_list_is_wrong_usage),
		cmocka_unit_test(
		    counting_changes_nothing_that_the_pager_counts),
		cmocka_unit_test(flushes_and_phases_are_parts_of_the_run),
		FAKE(every_flush_of_a_replay_is_a_traversal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
