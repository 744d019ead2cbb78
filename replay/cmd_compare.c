#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analysis/analysis.h"
#include "replay/options.h"
#include "replay/replay.h"

/* The command line of uvn compare, read. */
struct compare_args {
	struct options ca_op;
	const char *ca_other;
	uint64_t ca_resamples, ca_confidence;
	bool ca_all, ca_traces, ca_exit_code;
};

static bool
read_args(struct compare_args *ca, int argc, char **argv, int *statusp)
{
	const struct option_row rows[] = {
		{ "against", '\0', OPTION_TEXT, "DB",
		    "look B up in this database", &ca->ca_other, NULL },
		{ "confidence", '\0', OPTION_COUNT, "PERCENT",
		    "of the intervals of the ratios; the tests are at 100 less "
		    "that (95)",
		    &ca->ca_confidence, NULL },
		{ "resamples", '\0', OPTION_COUNT, "N",
		    "samples drawn for each interval (10000)",
		    &ca->ca_resamples, NULL },
		{ "different-traces", '\0', OPTION_FLAG, NULL,
		    "compare runs of different traces, too", &ca->ca_traces,
		    NULL },
		{ "all", '\0', OPTION_FLAG, NULL, "print equal counters, too",
		    &ca->ca_all, NULL },
		{ "exit-code", '\0', OPTION_FLAG, NULL,
		    "exit with 1 if a difference was found", &ca->ca_exit_code,
		    NULL },
	};
	const struct command_line cl = {
		.cl_command = "compare",
		.cl_operands = "DB A B",
		.cl_help = "Compare two groups of runs: medians, their ratio "
			   "with its interval, and a test whether they differ. "
			   " A and B are a run, which stands for all runs of "
			   "its configuration; a list of runs, as 3,5 or 3..8; "
			   "or values of columns, as hash_penalty=1/8.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 3,
		.cl_max = 3,
		.cl_common = OPTIONS_SEED,
	};

	return options_parse(&cl, argc, argv, &ca->ca_op, statusp);
}

/* A number in five columns or so. */
static const char *
number(double v, char *buf, size_t len)
{
	static const char *const unit[] = { "", "k", "M", "G", "T", "P" };
	size_t i = 0;

	while (fabs(v) >= 9999.5 && i + 1 < nitems(unit)) {
		v /= 1000;
		i++;
	}
	(void)snprintf(buf, len,
	    fabs(v) < 9999.5 && (i > 0 || v < 100) ? "%.4g%s" : "%.0f%s", v,
	    unit[i]);
	return buf;
}

/* "12.3k ±2%": half the interval in percent of the median. */
static const char *
spread(const struct compare_row *cw, size_t side, char *buf, size_t len)
{
	const double median = cw->cw_median[side];
	char text[24];

	if (cw->cw_n[side] == 0)
		return "-";
	(void)number(median, text, sizeof(text));
	const double off = fabs(median) > 0 ?
	    50 * (cw->cw_high[side] - cw->cw_low[side]) / fabs(median) :
	    0;

	if (off > 0)
		(void)snprintf(buf, len, "%s ±%d%%", text,
		    off < 9999 ? (int)(off + 0.5) : 9999);
	else
		(void)snprintf(buf, len, "%s", text);
	return buf;
}

/* Pad to a width in characters: "±" is one, of two bytes. */
static void
put_right(const char *text, int width)
{
	const int wide = strstr(text, "±") != NULL;

	(void)printf("%*s", width + wide, text);
}

static void
print_row(const struct compare_row *cw)
{
	char a[40], b[40];

	(void)printf("%-30s ", cw->cw_name);
	put_right(spread(cw, 0, a, sizeof(a)), 14);
	put_right(spread(cw, 1, b, sizeof(b)), 14);
	if (isnan(cw->cw_ratio))
		(void)printf("%9s %19s", "-", "");
	else if (cw->cw_ratio_high > cw->cw_ratio_low)
		(void)printf("%9.3f   (%6.3f..%6.3f)", cw->cw_ratio,
		    cw->cw_ratio_low, cw->cw_ratio_high);
	else
		(void)printf("%9.3f %19s", cw->cw_ratio, "");
	if (cw->cw_verdict == COMPARE_DIFFERENT ||
	    cw->cw_verdict == COMPARE_NONE || cw->cw_verdict == COMPARE_FEW)
		(void)printf(" %8.3g", cw->cw_adjusted);
	else
		(void)printf(" %8s", "-");
	(void)printf("  %s\n", compare_verdict_name[cw->cw_verdict]);
}

static size_t
count(const struct compare_report *cp, enum compare_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < cp->cp_nrows; i++)
		n += cp->cp_row[i].cw_verdict == verdict;
	return n;
}

static void
print_text(const struct compare_args *ca, const struct compare_report *cp)
{
	const size_t equal = count(cp, COMPARE_EQUAL);

	for (size_t side = 0; side < 2; side++)
		(void)printf("%c: %s, %zu run%s of %s\n", side == 0 ? 'A' : 'B',
		    ca->ca_op.op_operands[1 + side], cp->cp_runs[side],
		    cp->cp_runs[side] == 1 ? "" : "s", cp->cp_about[side]);
	(void)printf("\n%-30s %14s%14s%9s   %16s %8s\n", "", "A", "B", "B/A",
	    "interval", "p");
	for (size_t i = 0; i < cp->cp_nrows; i++)
		if (ca->ca_all || cp->cp_row[i].cw_verdict != COMPARE_EQUAL)
			print_row(&cp->cp_row[i]);
	(void)putchar('\n');
	if (equal > 0)
		(void)printf("%zu counters are equal to the last digit\n",
		    equal);
	if (count(cp, COMPARE_EXACT) > 0)
		(void)printf("%zu counters differ, each the same in all runs "
			     "of a group\n",
		    count(cp, COMPARE_EXACT));
	if (cp->cp_needed > 0)
		(void)printf("too few repeats to tell: %zu of each are needed "
			     "at least for %zu tests together\n",
		    cp->cp_needed, cp->cp_tests);
	else
		(void)printf("%zu of %zu tested differ\n",
		    count(cp, COMPARE_DIFFERENT), cp->cp_tests);
}

/* A number, or null for one that JSON has not. */
static json_t *
json_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
json_row(const struct compare_row *cw)
{
	json_t *side[2];

	for (size_t i = 0; i < 2; i++)
		side[i] = json_pack("{s:I, s:o, s:o, s:o}", "n",
		    (json_int_t)cw->cw_n[i], "median",
		    json_number(cw->cw_median[i]), "low",
		    json_number(cw->cw_low[i]), "high",
		    json_number(cw->cw_high[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
	    "metric", cw->cw_name, "a", side[0], "b", side[1], "ratio",
	    json_number(cw->cw_ratio), "ratio_low",
	    json_number(cw->cw_ratio_low), "ratio_high",
	    json_number(cw->cw_ratio_high), "p", json_number(cw->cw_p),
	    "p_adjusted", json_number(cw->cw_adjusted), "verdict",
	    compare_verdict_name[cw->cw_verdict]);
}

static int
print_json(const struct compare_job *cj, const struct compare_report *cp)
{
	json_t *rows = json_array(), *root;
	int error = -1;

	for (size_t i = 0; i < cp->cp_nrows; i++)
		(void)json_array_append_new(rows, json_row(&cp->cp_row[i]));
	root = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:[I,I], s:[I,I], s:I, "
			 "s:f, s:I, s:I, s:s, s:s, s:I, s:I, s:o}",
	    "version", UVN_VERSION, "db", cj->cj_db, "against", cj->cj_other,
	    "a", cj->cj_a, "b", cj->cj_b, "runs", (json_int_t)cp->cp_runs[0],
	    (json_int_t)cp->cp_runs[1], "left_out", (json_int_t)cp->cp_left[0],
	    (json_int_t)cp->cp_left[1], "shared", (json_int_t)cp->cp_shared,
	    "confidence", cj->cj_confidence, "seed", (json_int_t)cj->cj_seed,
	    "resamples", (json_int_t)cj->cj_resamples, "test",
	    "Mann-Whitney, Holm", "interval",
	    "percentile bootstrap of the ratio of medians", "tests",
	    (json_int_t)cp->cp_tests, "repeats_needed",
	    (json_int_t)cp->cp_needed, "rows", rows);
	if (root != NULL)
		error = json_dumpf(root, stdout,
		    JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(root);
	(void)putchar('\n');
	return error == 0 ? UVN_OK : complain(UVN_ENVIRONMENT, "out of memory");
}

/* What the user should know of the groups. */
static void
remark(const struct compare_args *ca, const struct compare_report *cp)
{
	for (size_t side = 0; side < 2; side++)
		if (cp->cp_left[side] > 0)
			(void)complain(UVN_OK,
			    "'%s': left out %zu runs that are not complete",
			    ca->ca_op.op_operands[1 + side], cp->cp_left[side]);
	if (cp->cp_shared > 0)
		(void)complain(UVN_OK,
		    "%zu runs are in both groups, which makes them look alike",
		    cp->cp_shared);
}

static int
compare(struct compare_args *ca)
{
	const struct options *const op = &ca->ca_op;
	struct errmsg em = { .em_text = "" };
	struct compare_report cp;
	int error, status = UVN_OK;

	if (ca->ca_confidence < 50 || ca->ca_confidence > 99)
		return complain(UVN_USAGE,
		    "--confidence: 50 to 99 percent, not %" PRIu64,
		    ca->ca_confidence);
	if (ca->ca_resamples < 100 || ca->ca_resamples > 10000000)
		return complain(UVN_USAGE,
		    "--resamples: 100 to 10000000, not %" PRIu64,
		    ca->ca_resamples);
	const struct compare_job cj = {
		.cj_db = op->op_operands[0],
		.cj_other = ca->ca_other,
		.cj_a = op->op_operands[1],
		.cj_b = op->op_operands[2],
		.cj_seed = op->op_seed,
		.cj_resamples = ca->ca_resamples,
		.cj_confidence = (double)ca->ca_confidence / 100,
		.cj_traces = ca->ca_traces,
	};
	if ((error = analysis_compare(&cj, &cp, &em)) != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	if (!op->op_quiet)
		remark(ca, &cp);
	if (op->op_json)
		status = print_json(&cj, &cp);
	else if (!op->op_quiet)
		print_text(ca, &cp);
	if (status == UVN_OK && ca->ca_exit_code &&
	    count(&cp, COMPARE_DIFFERENT) + count(&cp, COMPARE_EXACT) > 0)
		status = UVN_FAILED;
	free(cp.cp_row);
	return status;
}

int
cmd_compare(int argc, char **argv)
{
	struct compare_args ca = { .ca_resamples = 10000, .ca_confidence = 95 };
	int status = UVN_OK;

	if (read_args(&ca, argc, argv, &status)) {
		status = compare(&ca);
		options_fini(&ca.ca_op);
	}
	return status;
}
