/* Importers meet samples with bytes changed, cut out, doubled or made up. */
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/importtest.h"
#include "tests/traces/rawtest.h"

#define ROUNDS 150
#define KEEP   (1U << 21) /* bytes of a sample */
#define LARGE  (1U << 16) /* from there on, fewer rounds of more changes */

static struct dice dice;

/* A sample of each format, in tests/traces/data. */
static const struct {
	const char *sm_format, *sm_file;
} samples[] = {
	{ "fio", "fio-v2.log" },
	{ "fio", "fio-v3.log" },
	{ "blkparse", "blkparse.txt" },
	{ "msr", "msr.csv" },
	{ "oracleGeneral", "lmdb.oracleGeneral" },
	{ "oracleGeneral", "oracleGeneral.bin.zst" },
	{ "lackey", "import/lackey.txt.zst" },
	{ "perf-script", "import/perf.txt" },
	{ "perf-script", "import/perf-named.txt" },
	{ "perf-trace", "import/perf-trace.txt" },
	{ "strace", "import/strace.txt" },
	{ "bpftrace", "import/bpftrace.txt" },
};

/* Change buf, of len bytes and room for twice as many, somewhere. */
static size_t
change(uint8_t *buf, size_t len)
{
	const size_t at = dice_below(&dice, len);
	const size_t n = 1 + dice_below(&dice, 40) % (len - at);

	switch (dice_below(&dice, 5)) {
	case 0: /* a bit */
		buf[at] ^= (uint8_t)(1U << dice_below(&dice, 8));
		return len;
	case 1: /* a byte, of those that mean something as a rule */
		buf[at] =
		    (uint8_t) "0919,.- \n\r\t\0xF+[]"[dice_below(&dice, 18)];
		return len;
	case 2: /* a piece is missing */
		memmove(buf + at, buf + at + n, len - at - n);
		return len - n;
	case 3: /* a piece is there twice */
		if (len + n > (size_t)2 * KEEP)
			return len;
		memmove(buf + at + n, buf + at, len - at);
		return len + n;
	default: /* noise */
		for (size_t i = 0; i < n; i++)
			buf[at + i] = (uint8_t)dice_next(&dice);
		return len;
	}
}

/*
 * What is imported is a trace, or the input is said to be bad: no output.
 *
 * => was it imported?
 */
static bool
import_changed(const char *format, const uint8_t *data, size_t len,
    bool lenient)
{
	struct imported it;
	bool taken;

	import_with(&it, NO_SETTINGS);
	it.it_param.ip_lenient = lenient;
	import_bytes(&it, format, data, len);
	if (it.it_error != 0) {
		if (it.it_report.rr_output ||
		    strncmp(it.it_em.em_text, "in: ", 4) != 0)
			fail_msg("%s: %s", format, it.it_em.em_text);
		assert_false(file_exists("out.uvt"));
	} else {
		assert_true(it.it_n > 0);
		assert_int_equal(it.it_n, it.it_report.rr_events);
		must(remove("out.uvt"));
	}
	taken = it.it_error == 0;
	imported_fini(&it);
	return taken;
}

static void
fuzz(const char *format, const uint8_t *sample, size_t len)
{
	uint8_t *buf = malloc((size_t)2 * KEEP);
	const unsigned rounds = len < LARGE ? ROUNDS : ROUNDS / 10;
	unsigned taken = 0;

	assert_non_null(buf);
	if (len > KEEP)
		len = KEEP;
	for (unsigned i = 0; i < rounds; i++) {
		const unsigned changes =
		    1 + (unsigned)dice_below(&dice, len < LARGE ? 4 : 40);
		size_t n = len;

		memcpy(buf, sample, len);
		for (unsigned k = 0; k < changes && n > 1; k++)
			n = change(buf, n);
		taken += import_changed(format, buf, n, i % 2 != 0);
	}
	/* Else it was never the format's reader that saw the changes. */
	if (taken == 0)
		fail_msg("%s: none of %u was imported", format, rounds);
	free(buf);
}

static void
every_format_that_is_read_has_a_sample(void **state)
{
	(void)state;
	for (size_t f = 0; f < trace_nformats; f++) {
		bool found = trace_formats[f].fm_read == NULL;

		for (size_t i = 0; i < nitems(samples); i++)
			found |= strcmp(samples[i].sm_format,
				     trace_formats[f].fm_name) == 0;
		if (!found)
			fail_msg("no sample of %s", trace_formats[f].fm_name);
	}
}

static void
changed_samples_make_a_trace_or_a_complaint(void **state)
{
	(void)state;
	dice.d_state = dice_seed();
	for (size_t i = 0; i < nitems(samples); i++) {
		size_t len;
		char *sample = rt_sample(samples[i].sm_file, &len);

		fuzz(samples[i].sm_format, (uint8_t *)sample, len);
		free(sample);
	}
}

static void
noise_is_refused_by_every_format(void **state)
{
	uint8_t noise[1000];

	(void)state;
	dice.d_state = dice_seed();
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)dice_next(&dice);
		for (size_t f = 0; f < trace_nformats; f++)
			(void)import_changed(trace_formats[f].fm_name, noise,
			    1 + dice_below(&dice, sizeof(noise)), i % 2 != 0);
	}
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(every_format_that_is_read_has_a_sample),
		T(changed_samples_make_a_trace_or_a_complaint),
		T(noise_is_refused_by_every_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
