/*
 * options: command lines, read by tables.
 *
 * A command says what it takes in rows; tunables come as further rows from
 * their own tables.  getopt_long(3) reads, --help and messages follow from the
 * same rows.
 *
 *	static const char *out = NULL;
 *	const struct option_row rows[] = {
 *		{ "output", 'o', OPTION_TEXT, "FILE", "write there", &out, NULL },
 *	};
 *	const struct command_line cl = {
 *		.cl_command = "trace gen", .cl_operands = "PATTERN",
 *		.cl_help = "Generate a trace.", .cl_rows = rows,
 *		.cl_nrows = nitems(rows), .cl_min = 1, .cl_max = 1,
 *	};
 *	struct options op;
 *	int status;
 *
 *	if (!options_parse(&cl, argc, argv, &op, &status))
 *		return status;
 *	...
 *	options_fini(&op);
 */
#ifndef REPLAY_OPTIONS_H
#define REPLAY_OPTIONS_H

#include <stdio.h>

#include "base/tunable.h"

enum option_kind {
	OPTION_FLAG,  /* or_dest: bool, set to true */
	OPTION_TEXT,  /* or_dest: const char *, points into argv */
	OPTION_COUNT, /* or_dest: uint64_t, parse_uint() */
	OPTION_SIZE,  /* or_dest: uint64_t, parse_size() */
	OPTION_TIME,  /* or_dest: uint64_t, parse_time() */
	OPTION_CALL,  /* or_call(or_dest, value): repeatable */
};

struct option_row {
	const char *or_name; /* without -- */
	char or_letter;	     /* -o; 0 for none */
	enum option_kind or_kind;
	const char *or_arg;  /* what help calls the value; NULL for FLAG */
	const char *or_help; /* as tn_help */
	void *or_dest;
	int (*or_call)(void *dest, const char *value, struct errmsg *em);
};

/* Common options that only some commands have; all have --help, --version,
 * --quiet and --json. */
#define OPTIONS_DB   0x1
#define OPTIONS_SEED 0x2

/* What a command takes. */
struct command_line {
	const char *cl_command;	 /* as typed after uvn */
	const char *cl_operands; /* as usage shows them */
	const char *cl_help;	 /* sentences; what it does */
	const struct option_row *cl_rows;
	size_t cl_nrows;
	size_t cl_min, cl_max; /* operands */
	bool cl_program;       /* the first operand ends uvn's options */
	unsigned cl_common;    /* OPTIONS_ */
	/* Tunables it takes, as --NAME and --set NAME=; NULL for none. */
	const struct tunable *(*cl_tunable)(size_t i);
	size_t cl_ntunables;
};

/* A tunable as typed; not yet looked at. */
struct setting {
	char *st_name; /* owned by the options */
	const char *st_value;
};

struct options {
	const char **op_operands;
	size_t op_noperands;
	struct setting *op_settings; /* in the order typed */
	size_t op_nsettings;
	const char *op_db; /* "uvn.db" unless given */
	uint64_t op_seed;  /* 1 unless given */
	bool op_quiet, op_json;
};

/*
 * Read a command line; argv[0] is the command's name.
 *
 * => true: op is filled and the caller's until options_fini()
 * => false: there is nothing more to do (--help, --version, or a mistake that
 *    has been complained of); *statusp is the exit status, op holds nothing
 */
bool options_parse(const struct command_line *cl, int argc, char **argv,
    struct options *op, int *statusp) mustcheck;
void options_fini(struct options *op);

/*
 * Put what was typed into the struct at base, whose rows table has.  For
 * commands whose tunables are one table; a config has config_assign().
 *
 * => EINVAL, ERANGE: em says which and what it may be
 */
int options_apply(const struct options *op, const struct tunable *table,
    size_t n, void *base, struct errmsg *em) mustcheck;

/* Print text to out, wrapped at 80 columns, each line behind indent spaces;
 * the first is taken to be there already. */
void print_wrapped(FILE *out, const char *text, size_t indent);

/* The command that complain() names; "" for uvn itself. */
void complain_as(const char *command);

#endif
