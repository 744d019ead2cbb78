#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "tests/replay/perffake.h"

/* ---- names ---- */

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

static struct perf_set *
opened(const char *list)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps = NULL;

	must_em(perf_open(list, &ps, &em), &em);
	return ps;
}

static void
events_keep_the_order_and_the_names_they_were_given(void **state)
{
	struct perf_set *const ps =
	    opened("page-faults, cycles:k ,LLC-load-misses");

	(void)state;
	assert_int_equal(perf_count(ps), 3);
	assert_string_equal(perf_name(ps, 0), "page-faults");
	assert_string_equal(perf_name(ps, 1), "cycles:k");
	assert_string_equal(perf_name(ps, 2), "LLC-load-misses");
	perf_close(ps);
}

/* A mistake and what the complaint has to say. */
struct mistake {
	const char *mi_list, *mi_text;
};

static void
a_mistake_in_the_list_is_named(void **state)
{
	static const struct mistake tries[] = {
		{ "cylces", "no event 'cylces'; did you mean 'cycles'?" },
		{ "cycles,task-clok", "did you mean 'task-clock'?" },
		{ "LLC-load-mises", "did you mean 'LLC-load-misses'?" },
		{ "dtlb-load-mises", "did you mean 'dTLB-load-misses'?" },
		{ "l1-dcache-load", "did you mean 'L1-dcache-loads'?" },
		{ "pagefaults:u", "did you mean 'page-faults'?" },
		{ "qqqqqqqqqqqqqqqqqqq", "uvn doctor --events lists them" },
		{ "no_pmu::cycle", "'no_pmu::cycle'; did you mean 'cycles'" },
		{ "", "empty name" },
		{ ",", "empty name" },
		{ "cycles,", "empty name" },
		{ "cycles, ,task-clock", "empty name" },
		{ "cycles,task-clock,cycles", "'cycles' is named twice" },
		{ "cycles:x",
		    "'cycles:x': invalid event attribute; cycles "
		    "takes u k h" },
		{ "cycles:u=7", "'cycles:u=7': invalid event attribute value" },
		{ "cycles:period=9", "not sampled" },
		{ "cycles:freq=9", "not sampled" },
		{ "cycles:precise=1", "not sampled" },
		{ "cycles:cpu=0", "every CPU" },
		{ "{cycles,instructions}", "'{cycles'" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		struct errmsg em = { .em_text = "" };
		struct perf_set *ps = NULL;

		if (perf_open(tries[i].mi_list, &ps, &em) != EINVAL)
			fail_msg("'%s' was taken", tries[i].mi_list);
		assert_null(ps);
		if (strstr(em.em_text, tries[i].mi_text) == NULL)
			fail_msg("'%s': %s", tries[i].mi_list, em.em_text);
		assert_int_equal(strncmp(em.em_text, "--events: ", 10), 0);
		assert_int_equal(perf_fake.pf_opens, perf_fake.pf_closes);
	}
}

static void
a_name_too_long_for_any_is_cut_in_the_complaint(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps = NULL;
	char name[5000];

	(void)state;
	(void)memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(perf_open(name, &ps, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "lists them"));
}

#if defined(__x86_64__)

static void
an_event_of_another_processor_is_a_name_with_a_reason(void **state)
{
	struct perf_model pm;
	struct perf_set *ps;

	(void)state;
	perf_model(&pm);
	ps = opened(strncmp(pm.pm_name, "skl", 3) == 0 ?
		"netburst::INSTR_RETIRED,task-clock" :
		"skl::INST_RETIRED,task-clock");
	assert_non_null(perf_reason(ps, 0));
	assert_non_null(strstr(perf_reason(ps, 0), "which this host is not"));
	assert_null(perf_reason(ps, 1));
	assert_int_equal(perf_fake.pf_opens, 1);
	perf_close(ps);
}

#endif

/* What is asked of the kernel for a name. */
struct asked {
	const char *as_name;
	bool as_no_user, as_no_kernel;
};

static void
user_mode_alone_is_counted_unless_the_name_says_otherwise(void **state)
{
	static const struct asked tries[] = {
		{ "cycles", false, true },
		{ "cycles:u", false, true },
		{ "cycles:k", true, false },
		{ "cycles:u:k", false, false },
		{ "page-faults", false, true },
		{ "task-clock", false, true },
		{ "context-switches", false, false },
		{ "cpu-migrations", false, false },
		{ "context-switches:u", false, true },
	};

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		const struct perf_event_attr *const attr =
		    &perf_fake.pf_attr[0];

		perf_fake_begin();
		perf_close(opened(tries[i].as_name));
		if (attr->exclude_user != tries[i].as_no_user ||
		    attr->exclude_kernel != tries[i].as_no_kernel)
			fail_msg("%s: user %d, kernel %d", tries[i].as_name,
			    !attr->exclude_user, !attr->exclude_kernel);
		assert_true(attr->disabled);
		assert_false(attr->inherit);
		assert_int_equal(attr->sample_period, 0);
		assert_int_equal(attr->read_format,
		    PERF_FORMAT_TOTAL_TIME_ENABLED |
			PERF_FORMAT_TOTAL_TIME_RUNNING);
	}
}

/* ---- what goes wrong ---- */

struct refusal {
	const char *rf_name;
	int rf_error;
	long rf_paranoid, rf_rdpmc; /* -1: no such file */
	const char *rf_what, *rf_remedy;
};

static void
what_a_host_cannot_count_has_a_reason_and_a_remedy(void **state)
{
	static const struct refusal tries[] = {
		{ "cycles", ENOENT, 2, -1, "no hardware counters",
		    "bare metal" },
		{ "cycles", EOPNOTSUPP, 2, -1, "no hardware counters",
		    "bare metal" },
		{ "LLC-load-misses", ENOENT, 2, 1, "no counter for it",
		    "choose another" },
		{ "cycles", ENODEV, 2, 1, "no counter for it",
		    "choose another" },
		{ "cgroup-switches", ENOENT, 2, 1, "kernel does not count it",
		    "choose another" },
		{ "cycles", EACCES, 4, 1, "perf_event_paranoid at 4",
		    "sysctl kernel.perf_event_paranoid=2" },
		{ "cycles:k", EACCES, 2, 1, "perf_event_paranoid at 2",
		    "sysctl kernel.perf_event_paranoid=1" },
		{ "context-switches", EACCES, 2, 1, "perf_event_paranoid at 2",
		    "sysctl kernel.perf_event_paranoid=1" },
		{ "cycles", EACCES, 2, 1, "container", "permit it" },
		{ "task-clock", EPERM, -1, -1, "container", "permit it" },
		{ "cycles", EINVAL, 2, 1, "for one thread", "leave some out" },
		{ "cycles", EMFILE, 2, 1, "open files", "ulimit -n" },
		{ "task-clock", ENFILE, 2, 1, "open files", "ulimit -n" },
		{ "cycles", EBUSY, 2, 1, "another program", "end it" },
		{ "task-clock", ENOSYS, 2, 1, "no perf events",
		    "CONFIG_PERF_EVENTS" },
		{ "cycles", ENOSPC, 2, 1, "perf_event_open", "No space" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		struct perf_reading pr = { 1, 2, 3 };
		struct perf_set *ps;
		const char *reason;

		perf_fake_begin();
		perf_fake.pf_open_error[0] = tries[i].rf_error;
		perf_fake.pf_paranoid = tries[i].rf_paranoid;
		perf_fake.pf_rdpmc_setting = tries[i].rf_rdpmc;
		ps = opened(tries[i].rf_name);
		reason = perf_reason(ps, 0);
		assert_non_null(reason);
		if (strstr(reason, tries[i].rf_what) == NULL ||
		    strstr(reason, tries[i].rf_remedy) == NULL)
			fail_msg("%s, %s: %s", tries[i].rf_name,
			    errno_text(tries[i].rf_error), reason);
		perf_enable(ps);
		assert_false(perf_read(ps, 0, &pr));
		assert_int_equal(pr.pr_value + pr.pr_enabled + pr.pr_running,
		    0);
		perf_close(ps);
		assert_int_equal(perf_fake.pf_reads + perf_fake.pf_closes, 0);
	}
}

static void
one_event_refused_leaves_the_others_counted(void **state)
{
	struct perf_reading pr;
	struct perf_set *ps;

	(void)state;
	perf_fake.pf_open_error[1] = ENOENT;
	perf_fake.pf_value[2] = 42;
	ps = opened("cycles,instructions,branches");
	assert_null(perf_reason(ps, 0));
	assert_non_null(perf_reason(ps, 1));
	assert_null(perf_reason(ps, 2));
	perf_enable(ps);
	assert_false(perf_read(ps, 1, &pr));
	assert_true(perf_read(ps, 2, &pr));
	assert_int_equal(pr.pr_value, 42);
	perf_close(ps);
	assert_int_equal(perf_fake.pf_closes, 2);
}

static void
a_reading_has_the_value_and_both_times(void **state)
{
	struct perf_reading pr, before;
	struct perf_set *ps;

	(void)state;
	perf_fake.pf_value[0] = 100;
	perf_fake.pf_step[0] = 7;
	perf_fake.pf_enabled[0] = 20;
	perf_fake.pf_running[0] = 10;
	perf_fake.pf_enabled_step = 5;
	perf_fake.pf_running_step = 3;
	ps = opened("cycles");
	perf_enable(ps);
	assert_true(perf_read(ps, 0, &before));
	assert_int_equal(before.pr_value, 100);
	assert_int_equal(before.pr_enabled, 20);
	assert_int_equal(before.pr_running, 10);
	assert_true(perf_read(ps, 0, &pr));
	pr = perf_since(&pr, &before);
	assert_int_equal(pr.pr_value, 7);
	assert_int_equal(pr.pr_enabled, 5);
	assert_int_equal(pr.pr_running, 3);
	perf_close(ps);
}

static void
an_event_that_cannot_be_read_is_counted_no_more(void **state)
{
	struct perf_reading pr;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct perf_set *ps;

		perf_fake_begin();
		ps = opened("cycles");
		perf_enable(ps);
		assert_true(perf_read(ps, 0, &pr));
		if (i == 0)
			perf_fake.pf_read_nothing = true;
		else
			perf_fake.pf_read_result = i == 1 ? 8 : -1;
		perf_fake.pf_read_error = EIO;
		assert_false(perf_read(ps, 0, &pr));
		assert_int_equal(pr.pr_value, 0);
		assert_non_null(perf_reason(ps, 0));
		assert_non_null(strstr(perf_reason(ps, 0), "cannot be read"));
		assert_int_equal(perf_fake.pf_closes, 1);
		/* Nor is it tried again. */
		perf_fake.pf_read_nothing = false;
		perf_fake.pf_read_result = 0;
		assert_false(perf_read(ps, 0, &pr));
		assert_int_equal(perf_fake.pf_reads, 2);
		perf_close(ps);
		assert_int_equal(perf_fake.pf_closes, 1);
	}
}

static void
an_event_that_cannot_be_started_has_a_reason(void **state)
{
	struct perf_set *const ps = opened("cycles,task-clock");

	(void)state;
	perf_fake.pf_ioctl_error = EINVAL;
	perf_enable(ps);
	assert_non_null(perf_reason(ps, 0));
	assert_non_null(strstr(perf_reason(ps, 1), "cannot be started"));
	assert_int_equal(perf_fake.pf_closes, 2);
	perf_close(ps);
}

struct scaling {
	struct perf_reading sc_reading;
	bool sc_known;
	uint64_t sc_value;
};

static void
a_value_is_scaled_to_the_time_enabled(void **state)
{
	static const struct scaling tries[] = {
		{ { 0, 0, 0 }, true, 0 },
		{ { 1000, 500, 500 }, true, 1000 },
		{ { 1000, 500, 250 }, true, 2000 },
		{ { 1000, 300, 100 }, true, 3000 },
		{ { 1000, 500, 501 }, true, 1000 },
		{ { 0, 500, 1 }, true, 0 },
		{ { 0, 500, 0 }, false, 0 },
		{ { 1, 500, 0 }, false, 0 },
		{ { UINT64_C(1) << 62, 6000000000, 3000000000 }, true,
		    UINT64_C(1) << 63 },
		{ { UINT64_MAX, UINT64_MAX, 1 }, true, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		uint64_t value = 77;

		assert_int_equal(perf_scaled(&tries[i].sc_reading, &value),
		    tries[i].sc_known);
		assert_int_equal(value,
		    tries[i].sc_known ? tries[i].sc_value : 77);
	}
}

/* ---- reading without a system call ---- */

#if defined(__x86_64__)

/* A page that permits it: a counter of 48 bits at index 1, no time passes. */
static struct perf_set *
mapped(void)
{
	struct perf_event_mmap_page *const pg = &perf_fake.pf_page;
	struct perf_set *ps;

	perf_fake_begin();
	perf_fake.pf_mappable = true;
	pg->cap_usr_rdpmc = 1;
	pg->cap_user_time = 1;
	/* time_cycles + (cycles since & 0): the same at every reading. */
	pg->cap_user_time_short = 1;
	pg->index = 1;
	pg->pmc_width = 48;
	pg->time_enabled = 1000;
	pg->time_running = 400;
	ps = opened("cycles");
	perf_enable(ps);
	assert_true(perf_by_rdpmc(ps, 0));
	return ps;
}

struct width {
	uint16_t wi_bits;
	uint64_t wi_pmc;
	int64_t wi_offset;
	uint64_t wi_value;
};

static void
a_counter_by_rdpmc_is_sign_extended_from_its_width(void **state)
{
	static const struct width tries[] = {
		{ 48, 5, 100, 105 },
		/* The kernel starts counters below zero, to see them wrap. */
		{ 48, UINT64_C(0xffffffffffff), 100, 99 },
		{ 48, UINT64_C(0x800000000000), INT64_C(1) << 47, 0 },
		{ 48, UINT64_C(0x7fffffffffff), 1, UINT64_C(1) << 47 },
		/* What is above its width is not the counter's. */
		{ 48, UINT64_C(0xabcd000000000005), 0, 5 },
		{ 40, UINT64_C(0xfffffffffe), 10, 8 },
		{ 32, UINT64_C(0xffffffff), 10, 9 },
		{ 64, UINT64_MAX, 10, 9 },
		{ 64, UINT64_C(1) << 62, 0, UINT64_C(1) << 62 },
		{ 1, 1, 10, 9 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		struct perf_set *const ps = mapped();
		struct perf_reading pr;

		perf_fake.pf_page.pmc_width = tries[i].wi_bits;
		perf_fake.pf_page.offset = tries[i].wi_offset;
		perf_fake.pf_pmc = tries[i].wi_pmc;
		assert_true(perf_read(ps, 0, &pr));
		assert_int_equal(pr.pr_value, tries[i].wi_value);
		assert_int_equal(perf_fake.pf_rdpmcs, 1);
		assert_int_equal(perf_fake.pf_reads, 0);
		perf_close(ps);
		assert_int_equal(perf_fake.pf_maps, 1);
		assert_int_equal(perf_fake.pf_unmaps, 1);
		assert_int_equal(perf_fake.pf_closes, 1);
	}
}

static uint64_t
index_is_one_less(struct perf_fake *pf, uint32_t counter)
{

	assert_int_equal(counter, pf->pf_page.index - 1);
	return 3;
}

static void
the_index_of_the_page_is_the_counter_plus_one(void **state)
{
	struct perf_set *const ps = mapped();
	struct perf_reading pr;

	(void)state;
	perf_fake.pf_rdpmc = index_is_one_less;
	/* Fixed counters of Intel's have bit 30 set. */
	perf_fake.pf_page.index = (1U << 30) + 2;
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(pr.pr_value, 3);
	perf_close(ps);
}

static void
an_event_that_is_off_its_counter_stands_still_but_stays_enabled(void **state)
{
	struct perf_set *const ps = mapped();
	struct perf_reading pr;

	(void)state;
	perf_fake.pf_page.index = 0;
	perf_fake.pf_page.offset = 321;
	perf_fake.pf_page.time_offset = 50;
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(pr.pr_value, 321);
	assert_int_equal(pr.pr_enabled, 1050);
	assert_int_equal(pr.pr_running, 400);
	assert_int_equal(perf_fake.pf_rdpmcs + perf_fake.pf_reads, 0);
	perf_close(ps);
}

static void
times_are_those_of_the_page_and_what_passed_since(void **state)
{
	struct perf_event_mmap_page *const pg = &perf_fake.pf_page;
	struct perf_set *const ps = mapped();
	struct perf_reading pr;

	(void)state;
	/* 1000 cycles of 3/4 ns, and an offset. */
	pg->time_cycles = 1000;
	pg->time_mult = 3;
	pg->time_shift = 2;
	pg->time_offset = 10;
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(pr.pr_enabled, 1000 + 750 + 10);
	assert_int_equal(pr.pr_running, 400 + 750 + 10);
	/* Exact beyond 32 bits of cycles too, remainder and all. */
	pg->time_cycles = (UINT64_C(5) << 40) + 7;
	pg->time_mult = 1U << 31;
	pg->time_shift = 31;
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(pr.pr_enabled, 1000 + (UINT64_C(5) << 40) + 7 + 10);
	/* Without the short form the cycles are the processor's. */
	pg->cap_user_time_short = 0;
	pg->time_mult = 1;
	pg->time_shift = 0;
	struct perf_reading later;
	assert_true(perf_read(ps, 0, &pr));
	assert_true(perf_read(ps, 0, &later));
	assert_true(later.pr_enabled > pr.pr_enabled);
	perf_close(ps);
}

/* The kernel comes between: another counter, another offset. */
static uint64_t
interrupted_once(struct perf_fake *pf, uint32_t counter)
{

	if (pf->pf_rdpmcs == 1) {
		assert_int_equal(counter, 0);
		pf->pf_page.lock += 2;
		pf->pf_page.index = 4;
		pf->pf_page.offset = 1000;
		pf->pf_page.time_enabled = 5000;
		pf->pf_page.time_running = 4000;
		return 999999;
	}
	assert_int_equal(counter, 3);
	return 1;
}

static void
a_reading_that_the_kernel_came_between_is_made_again(void **state)
{
	struct perf_set *const ps = mapped();
	struct perf_reading pr;

	(void)state;
	perf_fake.pf_rdpmc = interrupted_once;
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(perf_fake.pf_rdpmcs, 2);
	assert_int_equal(pr.pr_value, 1001);
	assert_int_equal(pr.pr_enabled, 5000);
	assert_int_equal(pr.pr_running, 4000);
	perf_close(ps);
}

static void
without_leave_a_counter_is_read_by_read(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct perf_event_mmap_page *const pg = &perf_fake.pf_page;
		struct perf_set *const ps = mapped();
		struct perf_reading pr;

		perf_fake.pf_value[0] = 4711;
		if (i == 0)
			pg->cap_usr_rdpmc = 0;
		else if (i == 1)
			pg->cap_user_time = 0;
		else if (i == 2)
			pg->pmc_width = 0;
		else if (i == 3)
			pg->pmc_width = 65;
		else
			pg->time_shift = 64;
		assert_true(perf_read(ps, 0, &pr));
		assert_int_equal(pr.pr_value, 4711);
		assert_int_equal(perf_fake.pf_reads, 1);
		assert_int_equal(perf_fake.pf_rdpmcs, 0);
		if (i < 2)
			assert_false(perf_by_rdpmc(ps, 0));
		perf_close(ps);
	}
}

static void
software_events_are_read_by_read(void **state)
{
	struct perf_reading pr;
	struct perf_set *ps;

	(void)state;
	perf_close(mapped());
	perf_fake.pf_opens = perf_fake.pf_maps = 0;
	perf_fake.pf_value[0] = 12;
	ps = opened("task-clock");
	perf_enable(ps);
	assert_false(perf_by_rdpmc(ps, 0));
	assert_true(perf_read(ps, 0, &pr));
	assert_int_equal(pr.pr_value, 12);
	assert_int_equal(perf_fake.pf_maps, 0);
	perf_close(ps);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define FAKE(test) cmocka_unit_test_setup_teardown(test, fake, real)
		FAKE(events_keep_the_order_and_the_names_they_were_given),
		FAKE(a_mistake_in_the_list_is_named),
		FAKE(a_name_too_long_for_any_is_cut_in_the_complaint),
		FAKE(user_mode_alone_is_counted_unless_the_name_says_otherwise),
		FAKE(what_a_host_cannot_count_has_a_reason_and_a_remedy),
		FAKE(one_event_refused_leaves_the_others_counted),
		FAKE(a_reading_has_the_value_and_both_times),
		FAKE(an_event_that_cannot_be_read_is_counted_no_more),
		FAKE(an_event_that_cannot_be_started_has_a_reason),
		FAKE(a_value_is_scaled_to_the_time_enabled),
#if defined(__x86_64__)
		FAKE(an_event_of_another_processor_is_a_name_with_a_reason),
		FAKE(a_counter_by_rdpmc_is_sign_extended_from_its_width),
		FAKE(the_index_of_the_page_is_the_counter_plus_one),
		FAKE(
		    an_event_that_is_off_its_counter_stands_still_but_stays_enabled),
		FAKE(times_are_those_of_the_page_and_what_passed_since),
		FAKE(a_reading_that_the_kernel_came_between_is_made_again),
		FAKE(without_leave_a_counter_is_read_by_read),
		FAKE(software_events_are_read_by_read),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
