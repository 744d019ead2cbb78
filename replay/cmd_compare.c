#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analysis/analysis.h"
#include "replay/json_out.h"
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

/* A number in five columns or so; a time in its unit. */
static const char *
number(double v, enum compare_unit unit, char *buf, size_t len)
{
	static const char *const plain[] = { "", "k", "M", "G", "T", "P" };
	static const char *const times[] = { "ns", "us", "ms", "s" };
	const bool time = unit == COMPARE_NS;
	const double limit = time ? 999.5 : 9999.5;
	const size_t n = time ? nitems(times) : nitems(plain);
	size_t i = 0;

	while (fabs(v) >= limit && i + 1 < n) {
		v /= 1000;
		i++;
	}
	(void)snprintf(buf, len, fabs(v) < 999.5 ? "%.4g%s" : "%.0f%s", v,
	    time ? times[i] : plain[i]);
	return buf;
}

/* "12.3k ±2%": half the interval in percent of the median. */
static const char *
spread(const struct compare_row *cw, size_t side, char *buf, size_t len)
{
	const double median = cw->cw_median[side];
	char text[32];

	if (cw->cw_n[side] == 0)
		return "-";
	if (cw->cw_verdict == COMPARE_EXACT) {
		(void)snprintf(buf, len, "%.15g", median);
		return buf;
	}
	(void)number(median, cw->cw_unit, text, sizeof(text));
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

/* Print up to width columns; "±" is one, of two bytes. */
static void
put_right(const char *text, int width)
{
	const int wide = strstr(text, "±") != NULL;

	(void)printf("%*s", width + wide, text);
}

/* A ratio in seven columns; a tiny one that is not 1 shows that. */
static const char *
ratio(double v, char *buf, size_t len)
{
	const bool fine = fabs(v - 1) > 0 && fabs(v - 1) < 0.0005;

	if (isnan(v))
		return "-";
	(void)snprintf(buf, len,
	    v >= 1000 ? "%.3g" :
		fine  ? "%.7f" :
			"%.3f",
	    v);
	return buf;
}

static void
print_row(const struct compare_row *cw, int width)
{
	char a[48], b[48], low[32], high[32], interval[80] = "", n[48];

	(void)printf("%-*s", width, cw->cw_name);
	put_right(spread(cw, 0, a, sizeof(a)), 14);
	put_right(spread(cw, 1, b, sizeof(b)), 14);
	(void)printf("%10s", ratio(cw->cw_ratio, a, sizeof(a)));
	if (cw->cw_n[0] > 1 && cw->cw_n[1] > 1 && cw->cw_tested &&
	    cw->cw_ratio_high >= cw->cw_ratio_low)
		(void)snprintf(interval, sizeof(interval), "%s..%s",
		    ratio(cw->cw_ratio_low, low, sizeof(low)),
		    ratio(cw->cw_ratio_high, high, sizeof(high)));
	(void)printf("%16s", interval);
	if (cw->cw_tested)
		(void)printf("%9.3g", cw->cw_adjusted);
	else
		(void)printf("%9s", "-");
	(void)snprintf(n, sizeof(n), "%zu+%zu", cw->cw_n[0], cw->cw_n[1]);
	(void)printf("%7s  %s\n", n, compare_verdict_name[cw->cw_verdict]);
}

static size_t
count(const struct compare_report *cp, enum compare_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < cp->cp_nrows; i++)
		n += cp->cp_row[i].cw_verdict == verdict;
	return n;
}

/* Who is compared, and what they differ in. */
static void
print_groups(const struct compare_args *ca, const struct compare_report *cp)
{
	for (size_t side = 0; side < 2; side++)
		(void)printf("%c: %s, %zu run%s of %s\n", side == 0 ? 'A' : 'B',
		    ca->ca_op.op_operands[1 + side], cp->cp_runs[side],
		    cp->cp_runs[side] == 1 ? "" : "s", cp->cp_about[side]);
	for (size_t i = 0; i < cp->cp_naparts; i++) {
		const struct compare_apart *const part = &cp->cp_apart[i];

		(void)printf("%s: %s in A, %s in B\n", part->ca_name,
		    part->ca_value[0], part->ca_value[1]);
	}
}

/* What there is to say of all rows. */
static void
print_summary(const struct compare_report *cp)
{
	const size_t equal = count(cp, COMPARE_EQUAL);
	const size_t exact = count(cp, COMPARE_EXACT);
	const size_t few = count(cp, COMPARE_FEW);

	if (equal > 0)
		(void)printf("%zu counter%s equal to the last digit\n", equal,
		    equal == 1 ? " is" : "s are");
	if (exact > 0)
		(void)printf("%zu counter%s, the same in all runs of a "
			     "group: an exact difference\n",
		    exact, exact == 1 ? " differs" : "s differ");
	if (cp->cp_tests > 0)
		(void)printf("of %zu other metrics %zu differ (%zu different "
			     "tests, p corrected for all of them)\n",
		    cp->cp_nrows - equal - exact, count(cp, COMPARE_DIFFERENT),
		    cp->cp_tests);
	if (few > 0)
		(void)printf("too few repeats to tell of %zu metric%s: %zu of "
			     "each are needed at least (here %zu and %zu)\n",
		    few, few == 1 ? "" : "s", cp->cp_needed, cp->cp_runs[0],
		    cp->cp_runs[1]);
}

static bool
printed(const struct compare_args *ca, const struct compare_row *cw)
{
	return ca->ca_all || cw->cw_verdict != COMPARE_EQUAL;
}

static void
print_text(const struct compare_args *ca, const struct compare_report *cp)
{
	char interval[32];
	size_t width = 0;

	print_groups(ca, cp);
	for (size_t i = 0; i < cp->cp_nrows; i++)
		if (printed(ca, &cp->cp_row[i]) &&
		    strlen(cp->cp_row[i].cw_name) > width)
			width = strlen(cp->cp_row[i].cw_name);
	(void)snprintf(interval, sizeof(interval), "%" PRIu64 "%% interval",
	    ca->ca_confidence);
	(void)printf("\n%*s%14s%14s%10s%16s%9s%7s\n", (int)width, "", "A", "B",
	    "B/A", interval, "p", "n");
	for (size_t i = 0; i < cp->cp_nrows; i++)
		if (printed(ca, &cp->cp_row[i]))
			print_row(&cp->cp_row[i], (int)width);
	(void)putchar('\n');
	print_summary(cp);
}

/* A number, or null for one that JSON has not. */
static json_t *
json_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
json_side(const struct compare_row *cw, size_t side)
{
	if (cw->cw_n[side] == 0)
		return json_pack("{s:i, s:n, s:n, s:n}", "n", 0, "median",
		    "low", "high");
	return json_pack("{s:I, s:o, s:o, s:o}", "n",
	    (json_int_t)cw->cw_n[side], "median",
	    json_number(cw->cw_median[side]), "low",
	    json_number(cw->cw_low[side]), "high",
	    json_number(cw->cw_high[side]));
}

static json_t *
json_row(const struct compare_report *cp, const struct compare_row *cw)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "metric",
	    cw->cw_name, "unit", compare_unit_name[cw->cw_unit], "verdict",
	    compare_verdict_name[cw->cw_verdict], "a", json_side(cw, 0), "b",
	    json_side(cw, 1), "ratio", json_number(cw->cw_ratio));

	if (row == NULL)
		return NULL;
	if (cw->cw_tested)
		(void)json_object_update_new(row,
		    json_pack("{s:o, s:o, s:o, s:o, s:s}", "ratio_low",
			json_number(cw->cw_ratio_low), "ratio_high",
			json_number(cw->cw_ratio_high), "p",
			json_number(cw->cw_p), "p_adjusted",
			json_number(cw->cw_adjusted), "test_of",
			cp->cp_row[cw->cw_test].cw_name));
	return row;
}

/* How it was compared, so that it can be done again. */
static json_t *
json_method(const struct compare_job *cj)
{
	return json_pack("{s:f, s:I, s:I, s:s, s:s, s:s, s:s}", "confidence",
	    cj->cj_confidence, "seed", (json_int_t)cj->cj_seed, "resamples",
	    (json_int_t)cj->cj_resamples, "test", "Mann-Whitney U, two-sided",
	    "correction", "Holm", "ratio_interval",
	    "percentile bootstrap of the ratio of medians", "median_interval",
	    "order statistics");
}

static json_t *
json_report(const struct compare_job *cj, const struct compare_report *cp)
{
	json_t *rows = json_array(), *apart = json_array();

	for (size_t i = 0; i < cp->cp_nrows; i++)
		(void)json_array_append_new(rows, json_row(cp, &cp->cp_row[i]));
	for (size_t i = 0; i < cp->cp_naparts; i++)
		(void)json_array_append_new(apart,
		    json_pack("{s:s, s:s, s:s}", "name",
			cp->cp_apart[i].ca_name, "a",
			cp->cp_apart[i].ca_value[0], "b",
			cp->cp_apart[i].ca_value[1]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:[I,I], s:[I,I], s:I, "
			 "s:o, s:o, s:I, s:I, s:o}",
	    "version", UVN_VERSION, "db", json_text(cj->cj_db), "against",
	    json_text(cj->cj_other), "a", json_text(cj->cj_a), "b",
	    json_text(cj->cj_b), "runs", (json_int_t)cp->cp_runs[0],
	    (json_int_t)cp->cp_runs[1], "left_out", (json_int_t)cp->cp_left[0],
	    (json_int_t)cp->cp_left[1], "shared", (json_int_t)cp->cp_shared,
	    "apart", apart, "method", json_method(cj), "tests",
	    (json_int_t)cp->cp_tests, "repeats_needed",
	    (json_int_t)cp->cp_needed, "rows", rows);
}

/* What the user should know of the groups. */
static void
remark(const struct compare_args *ca, const struct compare_report *cp)
{
	for (size_t side = 0; side < 2; side++)
		if (cp->cp_left[side] > 0)
			(void)complain(UVN_OK,
			    "'%s': left out %zu run%s not complete",
			    ca->ca_op.op_operands[1 + side], cp->cp_left[side],
			    cp->cp_left[side] == 1 ? " that is" : "s that are");
	if (cp->cp_shared > 0)
		(void)complain(UVN_OK,
		    "%zu run%s in both groups, which makes them look alike",
		    cp->cp_shared, cp->cp_shared == 1 ? " is" : "s are");
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
		status = json_emit(json_report(&cj, &cp));
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
