#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"
#include "replay/json_out.h"

/* Patterns as typed, in their order. */
struct patterns {
	const char **pa_v;
	size_t pa_n;
};

/* What was asked for. */
struct import_args {
	const char *ia_format, *ia_to, *ia_from;
	bool ia_salvage;
	struct patterns ia_only, ia_except;
	struct trace_import_param ia_param;
};

static int
pattern_add(void *dest, const char *value, struct errmsg *em)
{
	struct patterns *pa = dest;
	const char **v =
	    reallocarray(pa->pa_v, pa->pa_n + 1, sizeof(*pa->pa_v));

	if (v == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	v[pa->pa_n++] = value;
	pa->pa_v = v;
	return 0;
}

static int
window_set(void *dest, const char *value, struct errmsg *em)
{
	uint64_t *window = dest;

	if (strcmp(value, "inf") == 0) {
		*window = TRACE_INF;
		return 0;
	}
	if (parse_uint(value, window) != 0 || *window == 0)
		return ERRMSG(em, EINVAL,
		    "'%.40s' is not a number of pages, nor inf", value);
	return 0;
}

/* X.uvt for X.csv and X.csv.zst, in the same folder; the caller's to free. */
static char *
import_name(const char *path)
{
	static const char *const ends[] = { ".uvt", ".zst", ".csv" };
	size_t len = strlen(path);
	char *name;

	for (size_t i = 0; i < nitems(ends); i++) {
		const size_t n = strlen(ends[i]);

		if (len > n && strncmp(path + len - n, ends[i], n) == 0)
			len -= n;
	}
	if (asprintf(&name, "%.*s.uvt", (int)len, path) == -1)
		return NULL;
	return name;
}

static json_t *
counts_json(const struct record_report *rr)
{
	json_t *counts = json_object();

	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		(void)json_object_set_new(counts, record_count_name[i],
		    json_integer((json_int_t)rr->rr_count[i]));
	return counts;
}

static int
print_json(const char *format, const char *to, const struct record_report *rr)
{
	return json_emit(json_pack("{s:s, s:o, s:I, s:I, s:o}", "format",
	    format, "trace", json_text(to), "events", (json_int_t)rr->rr_events,
	    "files", (json_int_t)rr->rr_files, "counts", counts_json(rr)));
}

/* Say what was not seen. */
static void
print_counts(const char *from, const struct record_report *rr)
{
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		if (rr->rr_count[i] != 0)
			(void)complain(UVN_OK, "%s: %s: %" PRIu64 " %s", from,
			    record_count_name[i], rr->rr_count[i],
			    record_count_help[i]);
}

/* Import another tool's output. */
static int
import_format(const struct trace_format *fm, struct import_args *ia,
    const struct options *op, const char *to, enum trace_form form)
{
	struct errmsg em = { .em_text = "" };
	struct trace_import_param *ip = &ia->ia_param;
	struct record_report rr;
	int error;

	ip->ip_select.rs_only = ia->ia_only.pa_v;
	ip->ip_select.rs_nonly = ia->ia_only.pa_n;
	ip->ip_select.rs_except = ia->ia_except.pa_v;
	ip->ip_select.rs_nexcept = ia->ia_except.pa_n;
	tunable_defaults(import_table, import_count, &ip->ip_param);
	error =
	    options_apply(op, import_table, import_count, &ip->ip_param, &em);
	if (error == 0)
		error = import_param_check(&ip->ip_param, &em);
	if (error != 0)
		return complain(UVN_USAGE, "%s", em.em_text);
	error = trace_import(fm, ia->ia_from, ip, to, form, &rr, &em);
	if (error != 0)
		return complain(rr.rr_output ? output_status(error) :
					       (int)exit_status(error),
		    "%s", em.em_text);
	if (op->op_json)
		return print_json(fm->fm_name, to, &rr);
	if (!op->op_quiet)
		print_counts(ia->ia_from, &rr);
	return UVN_OK;
}

static int
import_to(const struct trace_format *fm, struct import_args *ia,
    const struct options *op, const char *to)
{
	enum trace_form form = TRACE_UVT;
	const int status = output_form(to, &form);

	if (status != UVN_OK)
		return status;
	if (strcmp(ia->ia_from, to) == 0 && strcmp(to, "-") != 0)
		return complain(UVN_USAGE,
		    "%s: input and output are the same file", to);
	if (fm != NULL && op->op_json && strcmp(to, "-") == 0)
		return complain(UVN_USAGE,
		    "--json: the trace goes to standard output; say -o FILE");
	if (fm != NULL)
		return import_format(fm, ia, op, to, form);
	if (form != TRACE_UVT)
		return complain(UVN_USAGE,
		    "%s: import writes .uvt; uvn trace export writes CSV", to);
	return convert(ia->ia_from, ia->ia_salvage, to, form);
}

static int
import(struct import_args *ia, const struct options *op)
{
	const struct trace_format *fm;
	char *name = NULL;
	int status;

	if (!format_find(ia->ia_format, false, &fm, &status))
		return status;
	status = format_settings(op, fm, fm != NULL ? fm->fm_takes : NULL);
	if (status != UVN_OK)
		return status;
	if (fm == NULL && (ia->ia_only.pa_n > 0 || ia->ia_except.pa_n > 0))
		return complain(UVN_USAGE,
		    "--only and --except are for other formats; say which with "
		    "--format");
	if (fm != NULL && ia->ia_salvage)
		return complain(UVN_USAGE,
		    "--salvage is for .uvt; see --lenient");
	if (ia->ia_to == NULL && strcmp(ia->ia_from, "-") == 0)
		return complain(UVN_USAGE,
		    "standard input has no name; say -o FILE.uvt");
	if (ia->ia_to == NULL) {
		name = import_name(ia->ia_from);
		if (name == NULL)
			return complain(UVN_ENVIRONMENT, "out of memory");
	}
	status = import_to(fm, ia, op, name != NULL ? name : ia->ia_to);
	free(name);
	return status;
}

static const struct tunable *
import_tunable(size_t i)
{
	return &import_table[i];
}

int
trace_cmd_import(int argc, char **argv)
{
	struct import_args ia = { 0 };
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE",
		    "write there; otherwise beside the input, as .uvt",
		    &ia.ia_to, NULL },
		{ "format", 'f', OPTION_TEXT, "NAME",
		    "the input is another tool's; list lists the formats",
		    &ia.ia_format, NULL },
		{ "only", '\0', OPTION_CALL, "PATTERN",
		    "of another tool's files take those whose path or last "
		    "part of it matches; may be repeated",
		    &ia.ia_only, pattern_add },
		{ "except", '\0', OPTION_CALL, "PATTERN",
		    "leave those out that match; may be repeated",
		    &ia.ia_except, pattern_add },
		{ "code", '\0', OPTION_FLAG, NULL,
		    "take programs and libraries, too",
		    &ia.ia_param.ip_select.rs_code, NULL },
		{ "unmapped", '\0', OPTION_FLAG, NULL,
		    "take files that were never mapped, too",
		    &ia.ia_param.ip_select.rs_unmapped, NULL },
		{ "base-names", '\0', OPTION_FLAG, NULL,
		    "keep the last part of each path only",
		    &ia.ia_param.ip_base_names, NULL },
		{ "window", '\0', OPTION_CALL, "PAGES",
		    "re-references within so many pages are not in the input; "
		    "inf: none are",
		    &ia.ia_param.ip_window, window_set },
		{ "lenient", '\0', OPTION_FLAG, NULL,
		    "count lines that are not understood, and go on",
		    &ia.ia_param.ip_lenient, NULL },
		SALVAGE_ROW(&ia.ia_salvage),
	};
	const struct command_line cl = {
		.cl_command = "trace import",
		.cl_operands = "TRACE",
		.cl_help =
		    "Make a .uvt of a trace, or with --format of what another "
		    "tool has written.  Exporting a CSV again gives it back, "
		    "byte for byte.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_max = 1,
		.cl_tunable = import_tunable,
		.cl_ntunables = import_count,
	};
	struct options op;
	int status;

	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (ia.ia_format == NULL || strcmp(ia.ia_format, "list") != 0)
		status = operand_expected(&cl, &op);
	if (status == UVN_OK) {
		ia.ia_from = op.op_noperands > 0 ? op.op_operands[0] : "-";
		status = import(&ia, &op);
	}
	free(ia.ia_only.pa_v);
	free(ia.ia_except.pa_v);
	options_fini(&op);
	return status;
}
