#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/config.h"
#include "replay/options.h"
#include "replay/replay.h"

#define ARGS_MAX 16

/* What the rows below fill. */
static struct {
	bool flag;
	const char *text;
	uint64_t count, size, time;
	char each[64];
} got;

static int
add_each(void *dest, const char *value, struct errmsg *em)
{
	char *each = dest;

	if (strcmp(value, "bad") == 0)
		return ERRMSG(em, EINVAL, "bad is not good");
	strncat(each, value, sizeof(got.each) - strlen(each) - 1);
	return 0;
}

static const struct option_row rows[] = {
	{ "flag", 'f', OPTION_FLAG, NULL, "set the flag", &got.flag, NULL },
	{ "text", 't', OPTION_TEXT, "TEXT", "take a text", &got.text, NULL },
	{ "count", '\0', OPTION_COUNT, "N", "count", &got.count, NULL },
	{ "size", '\0', OPTION_SIZE, "SIZE", "bytes", &got.size, NULL },
	{ "time", '\0', OPTION_TIME, "TIME", "time", &got.time, NULL },
	{ "each", '\0', OPTION_CALL, "X", "collect", got.each, add_each },
};

static const struct command_line command = {
	.cl_command = "test",
	.cl_operands = "TRACE [MORE]",
	.cl_help = "Test.",
	.cl_rows = rows,
	.cl_nrows = nitems(rows),
	.cl_min = 1,
	.cl_max = 2,
	.cl_common = OPTIONS_DB | OPTIONS_SEED,
};

static char said[16384]; /* on stdout and stderr by the last parse() */
static int status;

/* Redirect fd into file; returns what it was. */
static int
divert(FILE *stream, FILE *file)
{
	const int old = dup(fileno(stream));

	(void)fflush(stream);
	assert_true(old >= 0);
	assert_true(dup2(fileno(file), fileno(stream)) >= 0);
	return old;
}

static void
restore(FILE *stream, int old)
{
	(void)fflush(stream);
	assert_true(dup2(old, fileno(stream)) >= 0);
	(void)close(old);
}

/* Parse the words of line, with the tunables of a config. */
static bool
parse(const char *line, struct options *op)
{
	static char copy[512];
	struct command_line cl = command;
	char *argv[ARGS_MAX + 1], *save = NULL;
	int argc = 0, out, err;
	FILE *file = tmpfile();
	size_t n;
	bool go;

	assert_non_null(file);
	cl.cl_tunable = config_tunable;
	cl.cl_ntunables = config_count();
	memset(&got, 0, sizeof(got));
	assert_true(strlen(line) < sizeof(copy));
	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	out = divert(stdout, file);
	err = divert(stderr, file);
	status = -1;
	go = options_parse(&cl, argc, argv, op, &status);
	restore(stderr, err);
	restore(stdout, out);
	rewind(file);
	n = fread(said, 1, sizeof(said) - 1, file);
	said[n] = '\0';
	(void)fclose(file);
	return go;
}

static void
options_may_stand_anywhere_among_operands(void **state)
{
	static const char *const lines[] = {
		"test a.uvt b --flag -t x --count 3K --size=1M --time 2ms",
		"test -f --text x a.uvt --count=3K --size 1M --time=2ms b",
		"test a.uvt -ftx --count 3K b --size 1M --time 2ms",
	};
	struct options op;

	(void)state;
	for (size_t i = 0; i < nitems(lines); i++) {
		assert_true(parse(lines[i], &op));
		assert_string_equal(said, "");
		assert_int_equal(op.op_noperands, 2);
		assert_string_equal(op.op_operands[0], "a.uvt");
		assert_string_equal(op.op_operands[1], "b");
		assert_true(got.flag);
		assert_string_equal(got.text, "x");
		assert_int_equal(got.count, 3072);
		assert_int_equal(got.size, 1U << 20);
		assert_int_equal(got.time, 2000000);
		options_fini(&op);
	}
}

static void
common_options_have_defaults_and_are_read(void **state)
{
	struct options op;

	(void)state;
	assert_true(parse("test a", &op));
	assert_string_equal(op.op_db, "uvn.db");
	assert_int_equal(op.op_seed, 1);
	assert_false(op.op_json || op.op_quiet);
	options_fini(&op);
	assert_true(parse("test --db x.db a --seed 77 --json --quiet", &op));
	assert_string_equal(op.op_db, "x.db");
	assert_int_equal(op.op_seed, 77);
	assert_true(op.op_json && op.op_quiet);
	options_fini(&op);
}

static void
every_tunable_is_an_option_with_dashes_or_not(void **state)
{
	struct options op;
	char line[128], dashes[64];

	(void)state;
	for (size_t i = 0; i < config_count(); i++) {
		const char *name = config_tunable(i)->tn_name;

		(void)snprintf(dashes, sizeof(dashes), "%s", name);
		for (char *p = dashes; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		(void)snprintf(line, sizeof(line),
		    "test --%s 1 a --%s=2 --set %s=3", name, dashes, name);
		if (!parse(line, &op))
			fail_msg("%s: %s", line, said);
		assert_int_equal(op.op_nsettings, 3);
		for (size_t j = 0; j < 3; j++) {
			const char value[] = { (char)('1' + j), '\0' };

			assert_string_equal(op.op_settings[j].st_name, name);
			assert_string_equal(op.op_settings[j].st_value, value);
		}
		options_fini(&op);
	}
}

static void
no_tunable_has_the_name_of_an_option(void **state)
{
	static const char *const taken[] = { "help", "version", "quiet", "json",
		"db", "seed", "set", "dir", "file", "overwrite", "verify",
		"paranoid", "history", "like", "no-db", "progress",
		"no-progress" };

	(void)state;
	for (size_t i = 0; i < nitems(taken); i++)
		assert_null(tunable_find(replay_param_table, replay_param_count,
		    taken[i]));
	for (size_t i = 0; i < nitems(taken); i++)
		assert_null(
		    tunable_find(uvm_param_table, uvm_param_count, taken[i]));
}

static void
what_follows_two_dashes_is_an_operand(void **state)
{
	struct options op;

	(void)state;
	assert_true(parse("test -- --flag -", &op));
	assert_int_equal(op.op_noperands, 2);
	assert_string_equal(op.op_operands[0], "--flag");
	assert_string_equal(op.op_operands[1], "-");
	assert_false(got.flag);
	options_fini(&op);
	assert_true(parse("test -", &op));
	assert_string_equal(op.op_operands[0], "-");
	options_fini(&op);
}

static void
repeatable_options_are_taken_in_order(void **state)
{
	struct options op;

	(void)state;
	assert_true(parse("test --each a x --each b --set memory=1 "
			  "--set memory=2",
	    &op));
	assert_string_equal(got.each, "ab");
	assert_string_equal(op.op_settings[1].st_value, "2");
	options_fini(&op);
}

static void
a_mistake_is_status_2_with_one_line_that_says_what_was_meant(void **state)
{
	static const struct {
		const char *line, *says;
	} tries[] = {
		{ "test", "TRACE [MORE] expected" },
		{ "test a b c", "'c' is one operand too many" },
		{ "test a --flga",
		    "unknown option --flga; did you mean --flag?" },
		{ "test a --memroy 1", "did you mean --memory?" },
		{ "test a --hash-penlaty 1", "did you mean --hash-penalty?" },
		{ "test a --xyzzy", "uvn test --help lists them" },
		{ "test a -x", "unknown option -x" },
		{ "test a --flag=1", "--flag takes no value" },
		{ "test a --text", "--text needs a value" },
		{ "test a -t", "-t needs a value" },
		{ "test a --count x", "--count: 'x' is not a count" },
		{ "test a --size 1X", "--size: '1X' is not a size" },
		{ "test a --time 1", "--time: '1' is not a time" },
		{ "test a --each bad", "--each: bad is not good" },
		{ "test a --set memory", "'memory' is not NAME=VALUE" },
		{ "test a --set =1", "'=1' is not NAME=VALUE" },
		{ "test a --seed -1", "--seed: '-1' is not a number" },
	};
	struct options op;

	(void)state;
	for (size_t i = 0; i < nitems(tries); i++) {
		if (parse(tries[i].line, &op))
			fail_msg("%s", tries[i].line);
		assert_int_equal(status, UVN_USAGE);
		assert_int_equal(strncmp(said, "uvn test: ", 10), 0);
		if (strstr(said, tries[i].says) == NULL)
			fail_msg("%s: %s", tries[i].line, said);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

static void
help_names_every_option_and_fits_80_columns(void **state)
{
	struct options op;
	char *save = NULL;

	(void)state;
	assert_false(parse("test --help", &op));
	assert_int_equal(status, UVN_OK);
	for (size_t i = 0; i < nitems(rows); i++)
		assert_non_null(strstr(said, rows[i].or_name));
	for (size_t i = 0; i < config_count(); i++)
		assert_non_null(strstr(said, config_tunable(i)->tn_name));
	assert_non_null(strstr(said, "--set NAME=VALUE"));
	for (char *line = strtok_r(said, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (strlen(line) >= 80)
			fail_msg("%s", line);
}

static void
version_is_printed_whatever_else_is_missing(void **state)
{
	struct options op;

	(void)state;
	assert_false(parse("test --version", &op));
	assert_int_equal(status, UVN_OK);
	assert_string_equal(said, "uvn " UVN_VERSION "\n");
}

static void
settings_are_applied_to_one_table_or_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;
	struct options op;

	(void)state;
	uvm_param_init(&up);
	assert_true(parse("test a --memory 1G --set cluster=4K", &op));
	must_em(options_apply(&op, uvm_param_table, uvm_param_count, &up, &em),
	    &em);
	assert_int_equal(up.memory, 1U << 30);
	assert_int_equal(up.cluster, 4096);
	options_fini(&op);
	assert_true(parse("test a --set clutser=4K", &op));
	assert_int_equal(options_apply(&op, uvm_param_table, uvm_param_count,
			     &up, &em),
	    EINVAL);
	assert_non_null(strstr(em.em_text, "did you mean 'cluster'?"));
	options_fini(&op);
}

static void
exit_statuses_tell_input_from_environment(void **state)
{
	(void)state;
	assert_int_equal(exit_status(0), UVN_OK);
	assert_int_equal(exit_status(EIO), UVN_FAILED);
	assert_int_equal(exit_status(EILSEQ), UVN_INPUT);
	assert_int_equal(exit_status(EINVAL), UVN_INPUT);
	assert_int_equal(exit_status(ENOENT), UVN_INPUT);
	assert_int_equal(exit_status(EACCES), UVN_ENVIRONMENT);
	assert_int_equal(exit_status(ENOSPC), UVN_ENVIRONMENT);
	assert_int_equal(exit_status(EBUSY), UVN_ENVIRONMENT);
	assert_int_equal(exit_status(ENOMEM), UVN_ENVIRONMENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere_among_operands),
		cmocka_unit_test(common_options_have_defaults_and_are_read),
		cmocka_unit_test(every_tunable_is_an_option_with_dashes_or_not),
		cmocka_unit_test(no_tunable_has_the_name_of_an_option),
		cmocka_unit_test(what_follows_two_dashes_is_an_operand),
		cmocka_unit_test(repeatable_options_are_taken_in_order),
		cmocka_unit_test(
		    a_mistake_is_status_2_with_one_line_that_says_what_was_meant),
		cmocka_unit_test(help_names_every_option_and_fits_80_columns),
		cmocka_unit_test(version_is_printed_whatever_else_is_missing),
		cmocka_unit_test(settings_are_applied_to_one_table_or_refused),
		cmocka_unit_test(exit_statuses_tell_input_from_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
