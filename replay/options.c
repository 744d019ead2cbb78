#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/options.h"
#include "replay/replay.h"

#define COLUMNS	     80
#define HELP_INDENT  24
#define NAME_MAX_LEN 64

/* getopt_long(3) values: what was found is value - its base. */
enum {
	VALUE_COMMON = 0x1000,
	VALUE_ROW = 0x2000,
	VALUE_TUNABLE = 0x10000,
};

enum common {
	COMMON_HELP,
	COMMON_VERSION,
	COMMON_QUIET,
	COMMON_JSON,
	COMMON_DB,
	COMMON_SEED,
	COMMON_SET,
};

static const struct common_row {
	const char *co_name, *co_arg, *co_help;
	unsigned co_need; /* OPTIONS_ it wants to be there */
} common_rows[] = {
	[COMMON_HELP] = { "help", NULL, "print this help and exit", 0 },
	[COMMON_VERSION] = { "version", NULL, "print the version and exit", 0 },
	[COMMON_QUIET] = { "quiet", NULL,
	    "print nothing but errors and what was asked for", 0 },
	[COMMON_JSON] = { "json", NULL,
	    "print one JSON object and nothing else on standard output", 0 },
	[COMMON_DB] = { "db", "FILE", "database of results (uvn.db)",
	    OPTIONS_DB },
	[COMMON_SEED] = { "seed", "N", "seed of what is drawn at random (1)",
	    OPTIONS_SEED },
	[COMMON_SET] = { "set", "NAME=VALUE",
	    "set a tunable; may be repeated, the last one counts", 0 },
};

/* The work of one options_parse(). */
struct parse {
	const struct command_line *ps_cl;
	struct options *ps_op;
	struct option *ps_long;
	size_t ps_nlong;
	char **ps_names; /* with dashes, owned */
	size_t ps_nnames;
	char *ps_short;
	bool ps_done; /* --help or --version was obeyed */
};

void
print_wrapped(FILE *out, const char *text, size_t indent)
{
	size_t column = indent;

	while (*text != '\0') {
		const size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len >= COLUMNS) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fwrite(text, 1, len, out);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

/* One option of --help. */
static void
print_option(const char *name, char letter, const char *arg, const char *help)
{
	char left[NAME_MAX_LEN * 2];
	int n;

	n = snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
	    letter != '\0' ? '-' : ' ', letter != '\0' ? letter : ' ',
	    letter != '\0' ? ", " : "  ", name, arg != NULL ? " " : "",
	    arg != NULL ? arg : "");
	(void)printf("  %-*s", HELP_INDENT - 2, left);
	if (n > HELP_INDENT - 4)
		(void)printf("\n%*s", HELP_INDENT, "");
	print_wrapped(stdout, help, HELP_INDENT);
}

static void
print_tunable(const struct tunable *tn)
{
	char name[NAME_MAX_LEN], value[TUNABLE_TEXT_MAX], help[512];

	tunable_format(tn, tn->tn_def, value, sizeof(value));
	(void)snprintf(help, sizeof(help), "%s (%s)", tn->tn_help, value);
	(void)snprintf(name, sizeof(name), "%s", tn->tn_name);
	print_option(name, '\0',
	    tn->tn_choices != NULL ? tn->tn_choices : "VALUE", help);
}

static bool
common_applies(const struct command_line *cl, size_t i)
{
	if (i == COMMON_SET)
		return cl->cl_ntunables > 0;
	return (common_rows[i].co_need & ~cl->cl_common) == 0;
}

static void
print_help(const struct command_line *cl)
{
	(void)printf("usage: uvn %s [options]%s%s\n\n", cl->cl_command,
	    *cl->cl_operands != '\0' ? " " : "", cl->cl_operands);
	print_wrapped(stdout, cl->cl_help, 0);
	(void)printf("\noptions:\n");
	for (size_t i = 0; i < cl->cl_nrows; i++)
		print_option(cl->cl_rows[i].or_name, cl->cl_rows[i].or_letter,
		    cl->cl_rows[i].or_arg, cl->cl_rows[i].or_help);
	for (size_t i = 0; i < nitems(common_rows); i++)
		if (common_applies(cl, i))
			print_option(common_rows[i].co_name, '\0',
			    common_rows[i].co_arg, common_rows[i].co_help);
	if (cl->cl_ntunables == 0)
		return;
	(void)printf("\ntunables, with their defaults:\n");
	for (size_t i = 0; i < cl->cl_ntunables; i++)
		print_tunable(cl->cl_tunable(i));
}

/* Add a row to the array for getopt_long(3). */
static void
add_long(struct parse *ps, const char *name, bool has_arg, int value)
{
	ps->ps_long[ps->ps_nlong++] = (struct option){
		.name = name,
		.has_arg = has_arg ? required_argument : no_argument,
		.flag = NULL,
		.val = value,
	};
}

/* The name with dashes for underscores, or NULL without memory. */
static char *
dashed(const char *name)
{
	char *copy = strdup(name);

	for (char *p = copy; p != NULL && *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
	return copy;
}

static bool
parse_prepare(struct parse *ps, int argc)
{
	const struct command_line *cl = ps->ps_cl;
	struct options *op = ps->ps_op;
	const size_t nargs = (size_t)argc + 1;
	size_t s = 0;

	op->op_operands = calloc(nargs, sizeof(*op->op_operands));
	op->op_settings = calloc(nargs, sizeof(*op->op_settings));
	ps->ps_long = calloc(nitems(common_rows) + cl->cl_nrows +
		2 * cl->cl_ntunables + 1,
	    sizeof(*ps->ps_long));
	ps->ps_names = calloc(cl->cl_ntunables + 1, sizeof(*ps->ps_names));
	ps->ps_short = calloc(2 * cl->cl_nrows + 3, 1);
	if (op->op_operands == NULL || op->op_settings == NULL ||
	    ps->ps_long == NULL || ps->ps_names == NULL || ps->ps_short == NULL)
		return false;

	/* '-': operands come as options 1, wherever they stand. */
	ps->ps_short[s++] = '-';
	ps->ps_short[s++] = ':';
	for (size_t i = 0; i < nitems(common_rows); i++)
		if (common_applies(cl, i))
			add_long(ps, common_rows[i].co_name,
			    common_rows[i].co_arg != NULL,
			    VALUE_COMMON + (int)i);
	for (size_t i = 0; i < cl->cl_nrows; i++) {
		const bool has_arg = cl->cl_rows[i].or_kind != OPTION_FLAG;

		add_long(ps, cl->cl_rows[i].or_name, has_arg,
		    VALUE_ROW + (int)i);
		if (cl->cl_rows[i].or_letter == '\0')
			continue;
		ps->ps_short[s++] = cl->cl_rows[i].or_letter;
		if (has_arg)
			ps->ps_short[s++] = ':';
	}
	for (size_t i = 0; i < cl->cl_ntunables; i++) {
		char *name = dashed(cl->cl_tunable(i)->tn_name);

		if (name == NULL)
			return false;
		ps->ps_names[ps->ps_nnames++] = name;
		add_long(ps, name, true, VALUE_TUNABLE + (int)i);
		if (strchr(name, '-') != NULL)
			add_long(ps, cl->cl_tunable(i)->tn_name, true,
			    VALUE_TUNABLE + (int)i);
	}
	return true;
}

static void
parse_cleanup(struct parse *ps)
{
	for (size_t i = 0; i < ps->ps_nnames; i++)
		free(ps->ps_names[i]);
	free(ps->ps_names);
	free(ps->ps_long);
	free(ps->ps_short);
}

/* Keep NAME=VALUE, or a name and its value. */
static int
add_setting(struct options *op, const char *name, size_t len, const char *value)
{
	char *copy = strndup(name, len);

	if (copy == NULL)
		return complain(UVN_ENVIRONMENT, "out of memory");
	op->op_settings[op->op_nsettings++] = (struct setting){
		.st_name = copy,
		.st_value = value,
	};
	return UVN_OK;
}

static int
take_common(struct parse *ps, size_t i, const char *arg)
{
	struct options *op = ps->ps_op;
	const char *equals;

	switch ((enum common)i) {
	case COMMON_HELP:
		print_help(ps->ps_cl);
		ps->ps_done = true;
		break;
	case COMMON_VERSION:
		(void)printf("uvn %s\n", UVN_VERSION);
		ps->ps_done = true;
		break;
	case COMMON_QUIET:
		op->op_quiet = true;
		break;
	case COMMON_JSON:
		op->op_json = true;
		break;
	case COMMON_DB:
		op->op_db = arg;
		break;
	case COMMON_SEED:
		if (parse_uint(arg, &op->op_seed) != 0)
			return complain(UVN_USAGE,
			    "--seed: '%.40s' is not a number of 64 bits", arg);
		break;
	case COMMON_SET:
		equals = strchr(arg, '=');
		if (equals == NULL || equals == arg)
			return complain(UVN_USAGE,
			    "--set: '%.60s' is not NAME=VALUE", arg);
		return add_setting(op, arg, (size_t)(equals - arg), equals + 1);
	}
	return UVN_OK;
}

static int
take_row(const struct option_row *row, const char *arg)
{
	struct errmsg em = { .em_text = "" };
	const char *what = "";
	int error = 0;

	switch (row->or_kind) {
	case OPTION_FLAG:
		*(bool *)row->or_dest = true;
		break;
	case OPTION_TEXT:
		*(const char **)row->or_dest = arg;
		break;
	case OPTION_COUNT:
		error = parse_uint(arg, row->or_dest);
		what = "a count such as 100, 64K, 1M";
		break;
	case OPTION_SIZE:
		error = parse_size(arg, row->or_dest);
		what = "a size such as 4096, 64K, 1G";
		break;
	case OPTION_TIME:
		error = parse_time(arg, row->or_dest);
		what = "a time such as 250us, 30s, 5min (or 0)";
		break;
	case OPTION_CALL:
		error = row->or_call(row->or_dest, arg, &em);
		break;
	}
	if (error == 0)
		return UVN_OK;
	if (em.em_text[0] != '\0')
		return complain(error == ENOMEM ? UVN_ENVIRONMENT : UVN_USAGE,
		    "--%s: %s", row->or_name, em.em_text);
	return complain(UVN_USAGE, "--%s: '%.40s' is not %s", row->or_name, arg,
	    what);
}

/* Say which option is unknown, and which was meant. */
static int
unknown_option(const struct parse *ps, const char *typed)
{
	const char *near = NULL, **names;
	char name[NAME_MAX_LEN];
	size_t len;

	if (strncmp(typed, "--", 2) != 0)
		return complain(UVN_USAGE,
		    "unknown option -%c; uvn %s --help lists them", optopt,
		    ps->ps_cl->cl_command);
	len = strcspn(typed + 2, "=");
	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, typed + 2, len);
	name[len] = '\0';

	names = calloc(ps->ps_nlong, sizeof(*names));
	if (names != NULL) {
		for (size_t i = 0; i < ps->ps_nlong; i++) {
			names[i] = ps->ps_long[i].name;
			if (optopt != 0 && ps->ps_long[i].val == optopt) {
				free(names);
				return complain(UVN_USAGE,
				    "--%s takes no value", name);
			}
		}
		near = nearest_word(name, names, ps->ps_nlong);
		free(names);
	}
	if (near == NULL)
		return complain(UVN_USAGE,
		    "unknown option --%s; uvn %s --help lists them", name,
		    ps->ps_cl->cl_command);
	return complain(UVN_USAGE, "unknown option --%s; did you mean --%s?",
	    name, near);
}

/* Act on one answer of getopt_long(3). */
static int
take(struct parse *ps, int value, const char *typed)
{
	const struct command_line *cl = ps->ps_cl;
	struct options *op = ps->ps_op;

	if (value == 1) {
		op->op_operands[op->op_noperands++] = optarg;
		return UVN_OK;
	}
	if (value == ':')
		return complain(UVN_USAGE, "%s needs a value", typed);
	if (value == '?')
		return unknown_option(ps, typed);
	if (value >= VALUE_TUNABLE) {
		const char *name =
		    cl->cl_tunable((size_t)(value - VALUE_TUNABLE))->tn_name;

		return add_setting(op, name, strlen(name), optarg);
	}
	if (value >= VALUE_ROW)
		return take_row(&cl->cl_rows[value - VALUE_ROW], optarg);
	if (value >= VALUE_COMMON)
		return take_common(ps, (size_t)(value - VALUE_COMMON), optarg);
	for (size_t i = 0; i < cl->cl_nrows; i++)
		if (cl->cl_rows[i].or_letter == (char)value)
			return take_row(&cl->cl_rows[i], optarg);
	return UVN_OK;
}

static int
check_operands(const struct command_line *cl, const struct options *op)
{
	if (op->op_noperands < cl->cl_min)
		return complain(UVN_USAGE,
		    "%s expected; usage: uvn %s [options] %s",
		    op->op_noperands == 0 ? cl->cl_operands : "more operands",
		    cl->cl_command, cl->cl_operands);
	if (op->op_noperands > cl->cl_max)
		return complain(UVN_USAGE,
		    "'%.60s' is one operand too many; usage: uvn %s [options]%s%s",
		    op->op_operands[cl->cl_max], cl->cl_command,
		    *cl->cl_operands != '\0' ? " " : "", cl->cl_operands);
	return UVN_OK;
}

static int
parse_all(struct parse *ps, int argc, char **argv)
{
	struct options *op = ps->ps_op;
	int value, status;

	optind = 0; /* glibc: start afresh, also after another command line */
	opterr = 0;
	for (;;) {
		const int at = optind > 0 ? optind : 1;

		value =
		    getopt_long(argc, argv, ps->ps_short, ps->ps_long, NULL);
		if (value == -1)
			break;
		status = take(ps, value, at < argc ? argv[at] : "");
		if (status != UVN_OK || ps->ps_done)
			return status;
		if (value == 1 && ps->ps_cl->cl_program)
			break;
	}
	while (optind < argc) /* behind "--" */
		op->op_operands[op->op_noperands++] = argv[optind++];
	return check_operands(ps->ps_cl, op);
}

bool
options_parse(const struct command_line *cl, int argc, char **argv,
    struct options *op, int *statusp)
{
	struct parse ps = { .ps_cl = cl, .ps_op = op };

	*op = (struct options){ .op_db = "uvn.db", .op_seed = 1 };
	complain_as(cl->cl_command);
	if (parse_prepare(&ps, argc))
		*statusp = parse_all(&ps, argc, argv);
	else
		*statusp = complain(UVN_ENVIRONMENT, "out of memory");
	parse_cleanup(&ps);
	if (*statusp == UVN_OK && !ps.ps_done)
		return true;
	options_fini(op);
	return false;
}

void
options_fini(struct options *op)
{
	for (size_t i = 0; i < op->op_nsettings; i++)
		free(op->op_settings[i].st_name);
	free(op->op_settings);
	free(op->op_operands);
	*op = (struct options){ .op_db = NULL };
}

static int
unknown_tunable(const struct tunable *table, size_t n, const char *name,
    struct errmsg *em)
{
	const char **names = calloc(n + 1, sizeof(*names)), *near = NULL;

	for (size_t i = 0; names != NULL && i < n; i++)
		names[i] = table[i].tn_name;
	if (names != NULL)
		near = nearest_word(name, names, n);
	free(names);
	return ERRMSG(em, EINVAL, "unknown tunable '%.60s'%s%s%s", name,
	    near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
	    near != NULL ? "'?" : "");
}

int
options_apply(const struct options *op, const struct tunable *table, size_t n,
    void *base, struct errmsg *em)
{
	for (size_t i = 0; i < op->op_nsettings; i++) {
		const struct setting *st = &op->op_settings[i];
		const struct tunable *tn = tunable_find(table, n, st->st_name);
		uint64_t val;
		int error;

		if (tn == NULL)
			return unknown_tunable(table, n, st->st_name, em);
		error = tunable_parse(tn, st->st_value, &val, em);
		if (error != 0)
			return error;
		tunable_set(tn, base, val);
	}
	return 0;
}
