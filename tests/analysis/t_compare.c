/*
 * What comparisons find: nothing where there is nothing, and 5 % where there is.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"
#include "analysis/stat.h"
#include "tests/analysis/made.h"

#define METRICS 40
#define REPEATS 10

/* About standard normal. */
static double
deviate(uint64_t *seed)
{
	double sum = 0;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)(stat_random(seed) >> 11) / 9007199254740992.0;
	return sum - 6;
}

/* Noise as timings have it: now and then a value far above the others. */
static double
noisy(uint64_t *seed, double mean, double noise)
{
	const double tail =
	    stat_random(seed) % 8 == 0 ? fabs(3 * deviate(seed)) : 0;

	return mean * (1 + noise * (tail + deviate(seed)));
}

static size_t
count(const struct compare_report *cp, enum compare_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < cp->cp_nrows; i++)
		n += cp->cp_row[i].cw_verdict == verdict;
	return n;
}

/*
 * A comparison of METRICS independent metrics with REPEATS values a side; B's
 * metric 0 is larger by factor.  The noise is 1 % to 20 %, of metric 0 it is
 * 1 %.
 *
 * => the caller frees cp_row
 */
static void
trial(uint64_t seed, double factor, struct compare_report *cp)
{
	static double value[METRICS][2 * REPEATS];
	struct metric me[METRICS];
	const struct compare_job cj = {
		.cj_seed = seed,
		.cj_resamples = 1000,
		.cj_confidence = 0.95,
	};

	for (size_t i = 0; i < METRICS; i++) {
		const double noise = 0.01 + 0.005 * (double)i;

		me[i] = (struct metric){ .me_name = "metric",
			.me_value = value[i] };
		for (size_t k = 0; k < 2 * REPEATS; k++)
			value[i][k] = noisy(&seed,
			    i == 0 && k >= REPEATS ? 1e6 * factor : 1e6, noise);
	}
	memset(cp, 0, sizeof(*cp));
	cp->cp_runs[0] = cp->cp_runs[1] = REPEATS;
	assert_int_equal(compare_judge(&cj, me, METRICS, cp), 0);
	assert_int_equal(cp->cp_nrows, METRICS);
	assert_int_equal(cp->cp_tests, METRICS);
	assert_int_equal(cp->cp_needed, 0);
}

static void
of_identical_configurations_at_most_5_in_100_differ(void **state)
{
	unsigned wrong = 0;

	(void)state;
	print_message("seeds 1..100\n");
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct compare_report cp;

		trial(seed, 1, &cp);
		wrong += count(&cp, COMPARE_DIFFERENT) > 0;
		free(cp.cp_row);
	}
	print_message("%u of 100 comparisons found a difference\n", wrong);
	assert_true(wrong <= 5);
}

static void
five_percent_are_found_with_ten_repeats_of_little_noise(void **state)
{
	unsigned found = 0;

	(void)state;
	print_message("seeds 1001..1100\n");
	for (uint64_t seed = 1001; seed <= 1100; seed++) {
		struct compare_report cp;

		trial(seed, 1.05, &cp);
		found += cp.cp_row[0].cw_verdict == COMPARE_DIFFERENT;
		if (cp.cp_row[0].cw_verdict == COMPARE_DIFFERENT)
			assert_true(cp.cp_row[0].cw_ratio > 1.02 &&
			    cp.cp_row[0].cw_ratio < 1.08);
		free(cp.cp_row);
	}
	print_message("found in %u of 100\n", found);
	assert_true(found >= 95);
}

/* made_setup(), and what figures do not read. */
static int
setup(void **state)
{
	if (made_setup(state) != 0)
		return -1;
	made_exec(*state,
	    "ALTER TABLE run ADD COLUMN command TEXT;"
	    "ALTER TABLE run ADD COLUMN host TEXT DEFAULT 'h';"
	    "ALTER TABLE run ADD COLUMN cpu TEXT DEFAULT 'c';"
	    "ALTER TABLE run ADD COLUMN kernel TEXT DEFAULT 'k';"
	    "ALTER TABLE run ADD COLUMN file_system TEXT;"
	    "ALTER TABLE run ADD COLUMN version TEXT DEFAULT '1';"
	    "ALTER TABLE run ADD COLUMN revision TEXT DEFAULT 'r';"
	    "ALTER TABLE run ADD COLUMN compiler TEXT DEFAULT 'gcc';"
	    "ALTER TABLE run ADD COLUMN clock TEXT DEFAULT 'tsc';"
	    "ALTER TABLE run ADD COLUMN verify TEXT DEFAULT 'off';"
	    "CREATE TABLE event(run INTEGER, phase TEXT, name TEXT,"
	    " value INTEGER, time_enabled INTEGER, time_running INTEGER,"
	    " reason TEXT) STRICT;"
	    "CREATE INDEX event_run ON event(run);");
	return 0;
}

/* A latency as the histogram has it: one of buckets 1 % apart. */
static long long
bucket(double ns)
{
	return (long long)exp(ceil(log(ns) * 100) / 100);
}

/*
 * A run as they are: what takes time shares the slowness of the moment, and has
 * noise of its own; events come in whole numbers; counters do not vary.
 */
static void
made_noisy_run(struct made *md, long long run, uint64_t *seed,
    double instructions)
{
	static const char *const kinds[] = { "read", "write", "msync" };
	static const char *const outcomes[] = { "ok", "resident", "miss" };
	/* Drawn in this order, whatever the compiler. */
	const double slow = noisy(seed, 1, 0.04);
	const double wall = noisy(seed, 1e9 * slow, 0.02);
	const double cpu = noisy(seed, 9e8 * slow, 0.01);
	const double retired = 1e9 * instructions * (1 + 0.01 * deviate(seed));
	const double flushing = 1e7 * (1 + 0.01 * deviate(seed));
	const double cycles = noisy(seed, 3e9 * slow, 0.02);
	const long long faults = (long long)(2000 + stat_random(seed) % 4);
	const long long switches = (long long)(stat_random(seed) % 3);

	made_exec(md,
	    "INSERT INTO run(id, status, trace, digest, events, wall_ns, cpu_ns)"
	    " VALUES(%lld, 'complete', 'a.uvt', 'd', 100000, %lld, %lld);"
	    "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 60) INSERT INTO counter SELECT %lld, 'c' || i, i * 1000"
	    " FROM n;",
	    run, (long long)wall, (long long)cpu, run);
	for (size_t i = 0; i < 9; i++) {
		const double p50 =
		    noisy(seed, 300 * (double)(i + 1) * slow, 0.02);
		const double mean = noisy(seed, p50 * 1.2, 0.01);
		const double p99 = noisy(seed, p50 * 4, 0.1);

		made_exec(md,
		    "INSERT INTO latency(run, kind, outcome, count, timed,"
		    " mean, p50, p99) VALUES(%lld, %Q, %Q, 5000, 5000, %f,"
		    " %lld, %lld)",
		    run, kinds[i % 3], outcomes[i / 3], mean, bucket(p50),
		    bucket(p99));
	}
	for (size_t i = 0; i < 4; i++) {
		const double on = noisy(seed, 1e7 * slow, 0.03);
		const double all = noisy(seed, on * 1.1, 0.01);

		made_exec(md,
		    "INSERT INTO flush_total VALUES(%lld, %Q, %Q, 9, 9, 9, 9,"
		    " 9, 9, 9, %lld, %lld)",
		    run, i / 2 == 0 ? "msync" : "sync",
		    i % 2 == 0 ? "list" : "hash", (long long)on,
		    (long long)all);
	}
	made_exec(md,
	    "INSERT INTO event VALUES"
	    "(%lld, 'run', 'instructions', %lld, 1, 1, NULL),"
	    "(%lld, 'run', 'cycles', %lld, 1, 1, NULL),"
	    "(%lld, 'run', 'page-faults', %lld, 1, 1, NULL),"
	    "(%lld, 'run', 'context-switches', %lld, 1, 1, NULL),"
	    "(%lld, 'run', 'cache-misses', NULL, 0, 0, 'no PMU'),"
	    "(%lld, 'flush', 'instructions', %lld, 1, 1, NULL)",
	    run, (long long)retired, run, (long long)cycles, run, faults, run,
	    switches, run, run, (long long)flushing);
}

/* Runs 1..20, ten a side, of the seed; B has so many more instructions. */
static void
made_trial(struct made *md, uint64_t seed, double instructions,
    struct compare_report *cp)
{
	const struct compare_job cj = {
		.cj_db = md->md_db,
		.cj_a = "1..10",
		.cj_b = "11..20",
		.cj_seed = seed,
		.cj_resamples = 1000,
		.cj_confidence = 0.95,
	};
	struct errmsg em = { .em_text = "" };

	made_exec(md,
	    "BEGIN; DELETE FROM run; DELETE FROM latency; DELETE FROM event;"
	    "DELETE FROM counter; DELETE FROM flush_total;");
	for (long long run = 1; run <= 20; run++)
		made_noisy_run(md, run, &seed, run > 10 ? instructions : 1);
	made_exec(md, "COMMIT");
	if (analysis_compare(&cj, cp, &em) != 0)
		fail_msg("%s", em.em_text);
	/* 3, flush 2 + 8, latency 27, event 5, of which 1 was not counted. */
	assert_int_equal(cp->cp_nrows, 3 + 10 + 27 + 5 + 61);
	assert_int_equal(count(cp, COMPARE_EQUAL), 61);
	assert_int_equal(cp->cp_needed, 0);
	assert_int_equal(cp->cp_naparts, 0);
}

static enum compare_verdict
verdict_of(const struct compare_report *cp, const char *name)
{
	for (size_t i = 0; i < cp->cp_nrows; i++)
		if (strcmp(cp->cp_row[i].cw_name, name) == 0)
			return cp->cp_row[i].cw_verdict;
	fail_msg("no metric %s", name);
	return COMPARE_NVERDICTS;
}

static void
databases_of_identical_runs_differ_at_most_5_in_100_times(void **state)
{
	unsigned wrong = 0;

	made_exec(*state, "PRAGMA synchronous = OFF");
	print_message("seeds 1..100\n");
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct compare_report cp;

		made_trial(*state, seed, 1, &cp);
		wrong += count(&cp, COMPARE_DIFFERENT) > 0;
		free(cp.cp_row);
	}
	print_message("%u of 100 comparisons found a difference\n", wrong);
	assert_true(wrong <= 5);
}

static void
databases_5_percent_apart_in_a_counter_show_it(void **state)
{
	unsigned found = 0, wrong = 0;

	made_exec(*state, "PRAGMA synchronous = OFF");
	print_message("seeds 1001..1100\n");
	for (uint64_t seed = 1001; seed <= 1100; seed++) {
		struct compare_report cp;

		made_trial(*state, seed, 1.05, &cp);
		const bool here = verdict_of(&cp, "event instructions run") ==
		    COMPARE_DIFFERENT;
		found += here;
		wrong += count(&cp, COMPARE_DIFFERENT) > here;
		free(cp.cp_row);
	}
	print_message("found in %u of 100; something else in %u\n", found,
	    wrong);
	assert_true(found >= 98);
	assert_true(wrong <= 5);
}

/* Judge one metric of these values. */
static struct compare_row
judge(bool counter, const double *a, size_t n, const double *b, size_t m,
    size_t *neededp)
{
	double value[32];
	const struct metric me = { .me_name = "one",
		.me_counter = counter,
		.me_value = value };
	const struct compare_job cj = { .cj_seed = 1,
		.cj_resamples = 500,
		.cj_confidence = 0.95 };
	struct compare_report cp = { .cp_runs = { n, m } };

	memcpy(value, a, n * sizeof(*a));
	memcpy(value + n, b, m * sizeof(*b));
	assert_int_equal(compare_judge(&cj, &me, 1, &cp), 0);
	const struct compare_row only = cp.cp_row[0];
	*neededp = cp.cp_needed;
	free(cp.cp_row);
	return only;
}

static void
counters_need_no_test_where_they_are_constant(void **state)
{
	static const double five[] = { 5, 5, 5, 5 }, six[] = { 6, 6 };
	size_t needed;

	(void)state;
	assert_int_equal(judge(true, five, 3, five, 2, &needed).cw_verdict,
	    COMPARE_EQUAL);
	assert_int_equal(judge(true, five, 1, six, 1, &needed).cw_verdict,
	    COMPARE_EXACT);
	assert_int_equal(needed, 0);
	/* A time that happens to be the same is not known to be. */
	assert_int_equal(judge(false, five, 4, five, 4, &needed).cw_verdict,
	    COMPARE_NONE);
	assert_int_equal(judge(false, five, 1, five, 1, &needed).cw_verdict,
	    COMPARE_FEW);
}

static void
too_few_repeats_are_said_to_be(void **state)
{
	static const double a[] = { 1, 2, 3 }, b[] = { 11, 12, 13, 14 };
	static const double c[] = { 1, 2, 3, 4 };
	size_t needed;

	(void)state;
	/* 2 in 35 is the least p that three and four can give. */
	assert_int_equal(judge(false, a, 3, b, 4, &needed).cw_verdict,
	    COMPARE_FEW);
	assert_int_equal(needed, 4);
	assert_int_equal(judge(false, c, 4, b, 4, &needed).cw_verdict,
	    COMPARE_DIFFERENT);
	assert_int_equal(needed, 0);
	assert_int_equal(judge(false, a, 1, b, 1, &needed).cw_verdict,
	    COMPARE_FEW);
}

static void
a_ratio_to_nothing_is_no_number(void **state)
{
	static const double zero[] = { 0, 0, 0, 0, 0 },
			    some[] = { 3, 4, 5, 6, 7 };
	size_t needed;
	const struct compare_row one = judge(false, zero, 5, some, 5, &needed);

	(void)state;
	assert_true(isnan(one.cw_ratio));
	assert_int_equal(one.cw_verdict, COMPARE_DIFFERENT);
}

static void
what_one_group_lacks_is_said_to_be_only_in_the_other(void **state)
{
	const double none[] = { nan(""), nan("") }, some[] = { 3, nan("") };
	size_t needed;
	struct compare_row one;

	(void)state;
	one = judge(false, none, 2, some, 2, &needed);
	assert_int_equal(one.cw_verdict, COMPARE_ONLY_B);
	assert_int_equal(one.cw_n[0], 0);
	assert_int_equal(one.cw_n[1], 1);
	assert_int_equal(judge(true, some, 2, none, 2, &needed).cw_verdict,
	    COMPARE_ONLY_A);
}

/* Metrics that rank the runs alike, or in reverse, are one test. */
static void
the_same_test_counts_once(void **state)
{
	double wall[] = { 1, 2, 3, 4, 11, 12, 13, 14 };
	double rate[8], cpu[8], other[] = { 1, 2, 3, 4, 11, 12, 14, 13 };
	const struct metric me[] = {
		{ .me_name = "wall", .me_value = wall },
		{ .me_name = "rate", .me_value = rate },
		{ .me_name = "cpu", .me_value = cpu },
		{ .me_name = "other", .me_value = other },
	};
	const struct compare_job cj = { .cj_seed = 1,
		.cj_resamples = 500,
		.cj_confidence = 0.95 };
	struct compare_report cp = { .cp_runs = { 4, 4 } };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		rate[i] = 1e9 / wall[i];
		cpu[i] = wall[i] * wall[i];
	}
	assert_int_equal(compare_judge(&cj, me, 3, &cp), 0);
	assert_int_equal(cp.cp_tests, 1);
	assert_int_equal(cp.cp_needed, 0);
	assert_int_equal(count(&cp, COMPARE_DIFFERENT), 3);
	assert_int_equal(cp.cp_row[2].cw_test, 0);
	assert_true(fabs(cp.cp_row[1].cw_adjusted - 2. / 70) < 1e-12);
	free(cp.cp_row);
	/* Two tests: 2 in 70 twice is too much, and five of each are needed. */
	assert_int_equal(compare_judge(&cj, me, 4, &cp), 0);
	assert_int_equal(cp.cp_tests, 2);
	assert_int_equal(cp.cp_needed, 5);
	assert_int_equal(count(&cp, COMPARE_FEW), 4);
	free(cp.cp_row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    of_identical_configurations_at_most_5_in_100_differ),
		cmocka_unit_test(
		    five_percent_are_found_with_ten_repeats_of_little_noise),
		cmocka_unit_test_setup_teardown(
		    databases_of_identical_runs_differ_at_most_5_in_100_times,
		    setup, made_teardown),
		cmocka_unit_test_setup_teardown(
		    databases_5_percent_apart_in_a_counter_show_it, setup,
		    made_teardown),
		cmocka_unit_test(counters_need_no_test_where_they_are_constant),
		cmocka_unit_test(too_few_repeats_are_said_to_be),
		cmocka_unit_test(a_ratio_to_nothing_is_no_number),
		cmocka_unit_test(
		    what_one_group_lacks_is_said_to_be_only_in_the_other),
		cmocka_unit_test(the_same_test_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
