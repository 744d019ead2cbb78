#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "pager/uvm.h"
#include "replay/config.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"
#include "traces/record.h"

#define RANGE_MAX (2 * TUNABLE_TEXT_MAX + 256)
#define INDENT	  4

static const char *
kind_name(enum tunable_kind kind)
{
	switch (kind) {
	case TUN_UINT:
		return "count";
	case TUN_SIZE:
		return "size";
	case TUN_TIME:
		return "time";
	case TUN_RATIO:
		return "ratio";
	case TUN_ENUM:
		return "choice";
	case TUN_QUIRK:
		return "quirk";
	case TUN_SAMPLE:
		return "sample";
	case TUN_PACE:
		return "pace";
	}
	return "";
}

/* Is there no upper bound but that of 64 bits? */
static bool
unbounded(const struct tunable *tn)
{
	return tn->tn_max == UINT64_MAX;
}

/* What the tunable may be, in words. */
static void
range_text(const struct tunable *tn, char *buf, size_t len)
{
	char min[TUNABLE_TEXT_MAX], max[TUNABLE_TEXT_MAX];

	if (tn->tn_kind == TUN_ENUM) {
		(void)snprintf(buf, len, "%s", tn->tn_choices);
		return;
	}
	if (tn->tn_kind == TUN_QUIRK) {
		(void)snprintf(buf, len, "profile|faithful|fixed");
		return;
	}
	if (tn->tn_kind == TUN_SAMPLE) {
		(void)snprintf(buf, len, "%s|sample:N", tn->tn_choices);
		return;
	}
	if (tn->tn_kind == TUN_PACE) {
		(void)snprintf(buf, len, "asap|trace|FACTOR");
		return;
	}
	tunable_format(tn, tn->tn_min, min, sizeof(min));
	tunable_format(tn, tn->tn_max, max, sizeof(max));
	if (!unbounded(tn))
		(void)snprintf(buf, len, "%s to %s", min, max);
	else if (tn->tn_kind == TUN_RATIO)
		(void)snprintf(buf, len, "%s to inf", min);
	else
		(void)snprintf(buf, len, "%s or more", min);
}

static const char *
unit_of(const struct tunable *tn)
{
	/* A time is written with its own unit. */
	return tn->tn_kind == TUN_TIME ? "" : tn->tn_unit;
}

static void
text_tunables(void)
{
	char value[TUNABLE_TEXT_MAX], range[RANGE_MAX];

	(void)printf("%-20s%-12s%-26s%s\n", "TUNABLE", "DEFAULT", "RANGE",
	    "UNIT");
	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);

		tunable_format(tn, tn->tn_def, value, sizeof(value));
		range_text(tn, range, sizeof(range));
		if (*unit_of(tn) != '\0')
			(void)printf("%-19s %-11s %-25s %s\n", tn->tn_name,
			    value, range, unit_of(tn));
		else
			(void)printf("%-19s %-11s %s\n", tn->tn_name, value,
			    range);
		(void)printf("%*s", INDENT, "");
		print_wrapped(stdout, tn->tn_help, INDENT);
	}
}

static void
text_counters(void)
{
	(void)printf("%-20s%-12s%s\n", "COUNTER", "UNIT", "MEANING");
	for (size_t i = 0; i < uvm_stat_count; i++) {
		const struct uvm_counter *uc = &uvm_stat_table[i];

		(void)printf("%-19s %-11s ", uc->uc_name, uc->uc_unit);
		print_wrapped(stdout, uc->uc_help, 32);
	}
}

static json_t *
json_tunables(void)
{
	json_t *array = json_array();
	char value[TUNABLE_TEXT_MAX], range[RANGE_MAX];

	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);
		json_t *row;

		tunable_format(tn, tn->tn_def, value, sizeof(value));
		range_text(tn, range, sizeof(range));
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name",
		    tn->tn_name, "kind", kind_name(tn->tn_kind), "default",
		    value, "range", range, "unit", tn->tn_unit, "help",
		    tn->tn_help);
		if (row != NULL && tunable_bounded(tn)) {
			tunable_format(tn, tn->tn_min, value, sizeof(value));
			(void)json_object_set_new(row, "min",
			    json_string(value));
			tunable_format(tn, tn->tn_max, value, sizeof(value));
			(void)json_object_set_new(row, "max",
			    unbounded(tn) ? json_null() : json_string(value));
		}
		(void)json_array_append_new(array, row);
	}
	return array;
}

static json_t *
json_counters(void)
{
	json_t *array = json_array();

	for (size_t i = 0; i < uvm_stat_count; i++) {
		const struct uvm_counter *uc = &uvm_stat_table[i];

		(void)json_array_append_new(array,
		    json_pack("{s:s, s:s, s:s, s:b}", "name", uc->uc_name,
			"unit", uc->uc_unit, "help", uc->uc_help, "gauge",
			(int)uc->uc_gauge));
	}
	return array;
}

static int
print_json(bool counters)
{
	json_t *root = json_pack("{s:s}", "version", UVN_VERSION);

	if (!counters)
		(void)json_object_set_new(root, "tunables", json_tunables());
	(void)json_object_set_new(root, "counters", json_counters());
	return json_emit(root);
}

/* Text of a .def row as text of the manual. */
static void
mdoc_text(const char *text)
{
	char line[512];
	size_t n = 0;

	for (; *text != '\0' && n < sizeof(line) - 4; text++) {
		line[n++] = *text;
		if (*text == '\\')
			line[n++] = 'e';
	}
	line[n++] = '.';
	line[n] = '\0';
	print_wrapped(stdout, line, 0);
}

static void
mdoc_unseen(void)
{
	(void)printf(".El\n.Sh WHAT A TRACE HAS NOT SEEN\n"
		     "Names in lines\n.Li #unseen\n"
		     "of a preamble, in the summaries of\n.Xr uvn-record 1\n"
		     "and\n.Xr uvn-trace 1 ,\nand in\n.Li unseen\n"
		     "of their JSON.\n.Bl -tag -width Ds\n");
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++) {
		(void)printf(".It Va %s\n", record_count_name[i]);
		mdoc_text(record_count_help[i]);
	}
	(void)printf(".El\n");
}

/* The manual page of tunables and counters; docs/man/uvn-tunables.7. */
static void
print_mdoc(void)
{
	char value[TUNABLE_TEXT_MAX], range[RANGE_MAX];

	(void)printf(".\\\" Written by uvn params --mdoc; make docs renews it."
		     "\n.Dd November 27, 2026\n.Dt UVN-TUNABLES 7\n.Os\n"
		     ".Sh NAME\n.Nm uvn-tunables\n"
		     ".Nd tunables and counters of uvn\n");
	(void)printf(
	    ".Sh DESCRIPTION\n"
	    "Every tunable is an option\n.Fl -NAME Ar VALUE\nof\n"
	    ".Xr uvn-replay 1 ,\na\n.Fl -set Ar NAME Ns = Ns Ar VALUE\n"
	    "there, and a column of table\n.Li run\nin the database.\n"
	    "A\n.Ql _\nin a name may be written\n.Ql - .\n.Pp\n"
	    "Counts and sizes take K, M and G, sizes T too; "
	    "they are powers of two.\n"
	    "Times take ns, us, ms, s and min, and need one of them.\n"
	    "Ratios are written as 1/8, 0.125, 4 or inf and kept exactly.\n");
	(void)printf(".Sh TUNABLES\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);
		const char *unit = unit_of(tn);

		tunable_format(tn, tn->tn_def, value, sizeof(value));
		range_text(tn, range, sizeof(range));
		(void)printf(".It Va %s\n", tn->tn_name);
		mdoc_text(tn->tn_help);
		(void)printf("Range: %s%s%s.\nDefault: %s.\n", range,
		    *unit != '\0' ? " " : "", unit, value);
	}
	(void)printf(".El\n.Sh COUNTERS\n"
		     "Names in table\n.Li counter\nand in\n.Li counters\n"
		     "of the JSON summary.\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < uvm_stat_count; i++) {
		const struct uvm_counter *uc = &uvm_stat_table[i];

		(void)printf(".It Va %s Pq %s%s\n", uc->uc_name, uc->uc_unit,
		    uc->uc_gauge ? ", at the end" : "");
		mdoc_text(uc->uc_help);
	}
	mdoc_unseen();
	(void)printf(".Sh SEE ALSO\n.Xr uvn 1 ,\n.Xr uvn-params 1 ,\n"
		     ".Xr uvn-record 1 ,\n.Xr uvn-replay 1 ,\n"
		     ".Xr uvn-trace 1\n");
}

int
cmd_params(int argc, char **argv)
{
	bool counters = false, mdoc = false;
	const struct option_row rows[] = {
		{ "counters", '\0', OPTION_FLAG, NULL,
		    "list the counters instead", &counters, NULL },
		{ "mdoc", '\0', OPTION_FLAG, NULL,
		    "write the manual page uvn-tunables(7)", &mdoc, NULL },
	};
	const struct command_line cl = {
		.cl_command = "params",
		.cl_operands = "",
		.cl_help = "List every tunable with its default, range, unit "
			   "and meaning.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
	};
	struct options op;
	int status = UVN_OK;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (mdoc)
		print_mdoc();
	else if (op.op_json)
		status = print_json(counters);
	else if (counters)
		text_counters();
	else
		text_tunables();
	options_fini(&op);
	return status;
}
