#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "replay/clock.h"

static void
time_never_runs_backwards(void **state)
{

	(void)state;
	clock_init(false);
	uint64_t last = clock_ticks();
	for (int i = 0; i < 1000000; i++) {
		const uint64_t now = clock_ticks();

		assert_true(now >= last);
		last = now;
	}
}

/* The clock sees a nap no shorter than what lies within it, and no longer than
 * what lies around it, as CLOCK_MONOTONIC has them, but for 1 %. */
static void
a_nap_is_as_long_as_clock_monotonic_says(void **state)
{
	const struct timespec nap = { .tv_nsec = 50000000 };

	(void)state;
	for (int force = 0; force <= 1; force++) {
		clock_init(force != 0);
		const uint64_t outer = clock_monotonic();
		const uint64_t begin = clock_ticks();
		const uint64_t inner = clock_monotonic();
		assert_int_equal(nanosleep(&nap, NULL), 0);
		const uint64_t inner_end = clock_monotonic();
		const uint64_t end = clock_ticks();
		const uint64_t outer_end = clock_monotonic();
		const double ns = (double)clock_ns(end - begin);

		assert_true(ns >= (double)(inner_end - inner) * 0.99);
		assert_true(ns <= (double)(outer_end - outer) * 1.01);
	}
}

static void
it_can_be_told_to_use_clock_monotonic(void **state)
{

	(void)state;
	clock_init(true);
	assert_string_equal(clock_name(), "monotonic");
	assert_int_equal(clock_ns(123456789), 123456789);
	const uint64_t before = clock_monotonic();
	const uint64_t ticks = clock_ticks();
	assert_true(ticks >= before && ticks <= clock_monotonic());
}

/* What the kernel says of this CPU, where it says something. */
static bool
kernel_says_tsc(bool *knownp)
{
	char line[8192];
	bool constant = false, nonstop = false, rdtscp = false;
	FILE *fp = fopen("/proc/cpuinfo", "r");

	*knownp = false;
	while (fp != NULL && fgets(line, sizeof(line), fp) != NULL)
		if (strncmp(line, "flags", 5) == 0) {
			*knownp = true;
			constant = strstr(line, " constant_tsc ") != NULL;
			nonstop = strstr(line, " nonstop_tsc ") != NULL;
			rdtscp = strstr(line, " rdtscp ") != NULL;
			break;
		}
	if (fp != NULL)
		(void)fclose(fp);
	return constant && nonstop && rdtscp;
}

static void
the_tsc_is_used_only_where_it_is_constant_and_non_stop(void **state)
{
	bool known;
	const bool good = kernel_says_tsc(&known);

	(void)state;
	if (!known)
		skip();
	clock_init(false);
	print_message("clock %s\n", clock_name());
	if (!good)
		assert_string_equal(clock_name(), "monotonic");
	assert_int_equal(strcmp(clock_name(), "tsc") == 0, clock_source.ck_tsc);
	assert_true(clock_source.ck_mult > 0);
}

static void
large_differences_do_not_overflow(void **state)
{
	const uint64_t day = UINT64_C(86400) * 1000000000;

	(void)state;
	clock_init(true);
	assert_int_equal(clock_ns(365 * day), 365 * day);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_never_runs_backwards),
		cmocka_unit_test(a_nap_is_as_long_as_clock_monotonic_says),
		cmocka_unit_test(it_can_be_told_to_use_clock_monotonic),
		cmocka_unit_test(
		    the_tsc_is_used_only_where_it_is_constant_and_non_stop),
		cmocka_unit_test(large_differences_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
