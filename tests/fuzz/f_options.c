/*
 * Command lines, tunables and axes.  An input's first byte says of what its
 * rest is text; words of a command line end at newlines.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/config.h"
#include "replay/options.h"
#include "replay/perf.h"
#include "replay/sweep.h"
#include "tests/fuzz/fuzz.h"
#include "traces/record.h"

#define WORDS_MAX 64

static void
refused(int error, const struct errmsg *em)
{
	FUZZ_CHECK(em->em_text[0] != '\0', "error %d without a word", error);
	FUZZ_CHECK(error == EINVAL || error == ERANGE || error == EFBIG,
	    "error %d: %s", error, em->em_text);
}

/* A value that is taken is written so that it is read as the same. */
static void
value_check(const struct tunable *tn, uint64_t val)
{
	struct errmsg em = { .em_text = "" };
	char text[TUNABLE_TEXT_MAX];
	uint64_t again;

	tunable_format(tn, val, text, sizeof(text));
	FUZZ_CHECK(tunable_parse(tn, text, &again, &em) == 0, "%s=%s: %s",
	    tn->tn_name, text, em.em_text);
	FUZZ_CHECK(tunable_cmp(tn, val, again) == 0, "%s=%s is another",
	    tn->tn_name, text);
}

static void
one_table(const struct tunable *table, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		struct errmsg em = { .em_text = "" };
		uint64_t val;
		const int error = tunable_parse(&table[i], text, &val, &em);

		if (error != 0)
			refused(error, &em);
		else
			value_check(&table[i], val);
	}
}

static void
one_value(const char *text)
{
	uint64_t val;

	one_table(uvm_param_table, uvm_param_count, text);
	one_table(replay_param_table, replay_param_count, text);
	one_table(import_table, import_count, text);
	one_table(export_table, export_count, text);
	one_table(trace_gen_table, trace_gen_count, text);
	(void)!parse_size(text, &val);
	(void)!parse_time(text, &val);
	(void)!parse_uint(text, &val);
}

/* Axes, one a line. */
static void
one_sweep(char *text)
{
	struct sweep_axes xs = { .xs_n = 0 };
	char *line, *rest = NULL;

	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct errmsg em = { .em_text = "" };
		const int error = sweep_axis_add(&xs, line, &em);

		if (error != 0)
			refused(error, &em);
	}
	for (size_t i = 0; i < xs.xs_n; i++) {
		const struct sweep_axis *ax = &xs.xs_axis[i];
		const struct tunable *tn = config_tunable(ax->ax_tunable);

		FUZZ_CHECK(ax->ax_n > 0 && ax->ax_n <= SWEEP_AXIS_MAX,
		    "%zu values", ax->ax_n);
		for (size_t k = 0; k < ax->ax_n; k++)
			value_check(tn, ax->ax_value[k]);
	}
	sweep_axes_fini(&xs);
}

/* Settings of a run, "NAME=VALUE", one a line; then all of them together. */
static void
one_config(char *text)
{
	struct errmsg em = { .em_text = "" };
	struct config cf;
	char *line, *rest = NULL;
	int error;

	config_init(&cf);
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *eq = strchr(line, '=');

		em.em_text[0] = '\0';
		if (eq != NULL)
			*eq++ = '\0';
		error = config_assign(&cf, line, eq != NULL ? eq : "", &em);
		if (error != 0)
			refused(error, &em);
	}
	em.em_text[0] = '\0';
	error = config_resolve(&cf, &em);
	if (error != 0)
		refused(error, &em);
	else
		FUZZ_CHECK(config_resolve(&cf, &em) == 0,
		    "resolved, and not twice: %s", em.em_text);
}

static int
option_call(void *dest, const char *value, struct errmsg *em)
{
	(void)dest;
	return *value == '!' ? ERRMSG(em, EINVAL, "no '%.60s'", value) : 0;
}

/* A command that takes options of all kinds. */
static void
one_command_line(int argc, char **argv)
{
	bool flag = false;
	const char *name = NULL;
	uint64_t count = 0, size = 0, time = 0;
	const struct option_row rows[] = {
		{ "flag", 'f', OPTION_FLAG, NULL, "a flag", &flag, NULL },
		{ "output", 'o', OPTION_TEXT, "FILE", "text", &name, NULL },
		{ "count", 'c', OPTION_COUNT, "N", "a number", &count, NULL },
		{ "size", '\0', OPTION_SIZE, "SIZE", "bytes", &size, NULL },
		{ "time", 't', OPTION_TIME, "TIME", "time", &time, NULL },
		{ "call", '\0', OPTION_CALL, "X", "any", NULL, option_call },
	};
	const struct command_line cl = {
		.cl_command = "fuzz",
		.cl_operands = "THING",
		.cl_help = "Nothing.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 3,
		.cl_program = argc % 2 != 0,
		.cl_common = OPTIONS_DB | OPTIONS_SEED,
		.cl_tunable = config_tunable,
		.cl_ntunables = config_count(),
	};
	struct options op;
	int status = -1;

	if (!options_parse(&cl, argc, argv, &op, &status)) {
		FUZZ_CHECK(status == 0 || status == 2, "exit status %d",
		    status);
		return;
	}
	FUZZ_CHECK(cl.cl_program ||
		(op.op_noperands >= 1 && op.op_noperands <= 3),
	    "%zu operands", op.op_noperands);
	options_fini(&op);
}

static void
one_line(char *text)
{
	static char command[] = "fuzz";
	char *argv[WORDS_MAX + 1] = { command };
	int argc = 1;

	/* A word may be empty. */
	while (text != NULL && argc < WORDS_MAX)
		argv[argc++] = strsep(&text, "\n");
	argv[argc] = NULL;
	one_command_line(argc, argv);
}

/* Names of events: what this host cannot count is no mistake. */
static void
one_list(const char *text)
{
	struct errmsg em = { .em_text = "" };
	struct perf_set *ps;
	const int error = perf_open(text, &ps, &em);

	if (error != 0)
		refused(error, &em);
	else
		perf_close(ps);
}

void
fuzz_options(const char *name, const uint8_t *data, size_t size)
{
	char *text;

	(void)name;
	if (size == 0)
		return;
	text = malloc(size);
	FUZZ_CHECK(text != NULL, "no memory");
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'a':
		one_sweep(text);
		break;
	case 'c':
		one_config(text);
		break;
	case 'e':
		one_list(text);
		break;
	case 'l':
		one_line(text);
		break;
	default:
		one_value(text);
		break;
	}
	free(text);
}
