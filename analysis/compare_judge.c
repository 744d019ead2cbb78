/*
 * compare_judge.c: what the values of two groups say; docs/statistics.md.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"
#include "analysis/stat.h"

/* As many repeats as anybody could be told to do. */
#define REPEATS_MAX 1000

const char *const compare_verdict_name[COMPARE_NVERDICTS] = {
	[COMPARE_EQUAL] = "equal",
	[COMPARE_EXACT] = "exact difference",
	[COMPARE_ONLY_A] = "only in A",
	[COMPARE_ONLY_B] = "only in B",
	[COMPARE_FEW] = "too few repeats",
	[COMPARE_NONE] = "no difference found",
	[COMPARE_DIFFERENT] = "different",
};

const char *const compare_unit_name[COMPARE_NUNITS] = {
	[COMPARE_COUNT] = "",
	[COMPARE_NS] = "ns",
	[COMPARE_PER_S] = "1/s",
};

/* Work in progress. */
struct judging {
	const struct compare_job *jg_job;
	const struct metric *jg_metric;
	struct compare_report *jg_report;
	double *jg_side[2]; /* room for the sorted values of a metric */
	double jg_alpha;
};

/* The values of a side, sorted, without those that are missing. */
static struct stat_sample
sample(const struct judging *jg, const struct metric *me, size_t side)
{
	const size_t *const runs = jg->jg_report->cp_runs;
	const double *const from = me->me_value + (side == 0 ? 0 : runs[0]);
	double *const to = jg->jg_side[side];
	size_t n = 0;

	for (size_t i = 0; i < runs[side]; i++)
		if (!isnan(from[i]))
			to[n++] = from[i];
	stat_sort(to, n);
	return (struct stat_sample){ to, n };
}

static bool
constant(struct stat_sample ss)
{
	return !(ss.ss_value[ss.ss_n - 1] > ss.ss_value[0]);
}

/* The verdict where nothing can be tested; COMPARE_NVERDICTS: it can. */
static enum compare_verdict
settle(const struct metric *me, struct stat_sample a, struct stat_sample b)
{
	if (a.ss_n == 0 || b.ss_n == 0)
		return b.ss_n == 0 ? COMPARE_ONLY_A : COMPARE_ONLY_B;
	if (!constant(a) || !constant(b))
		return COMPARE_NVERDICTS;
	if (fabs(a.ss_value[0] - b.ss_value[0]) > 0)
		return me->me_counter ? COMPARE_EXACT : COMPARE_NVERDICTS;
	/* Times that agree by chance are no more than not different. */
	return me->me_counter ? COMPARE_EQUAL : COMPARE_NONE;
}

/* Medians, intervals, ratio, and p if there is something to test. */
static int
fill(const struct judging *jg, const struct metric *me, struct compare_row *cw)
{
	const struct compare_job *const cj = jg->jg_job;
	struct stat_sample ss[2];
	struct stat_interval si;

	*cw = (struct compare_row){ .cw_unit = me->me_unit,
		.cw_p = 1,
		.cw_adjusted = 1,
		.cw_ratio = nan(""),
		.cw_ratio_low = nan(""),
		.cw_ratio_high = nan("") };
	memcpy(cw->cw_name, me->me_name, sizeof(cw->cw_name));
	for (size_t side = 0; side < 2; side++) {
		ss[side] = sample(jg, me, side);
		cw->cw_n[side] = ss[side].ss_n;
		if (ss[side].ss_n == 0)
			continue;
		si = stat_median_interval(ss[side].ss_value, ss[side].ss_n,
		    cj->cj_confidence);
		cw->cw_median[side] =
		    stat_median(ss[side].ss_value, ss[side].ss_n);
		cw->cw_low[side] = si.si_low;
		cw->cw_high[side] = si.si_high;
	}
	cw->cw_verdict = settle(me, ss[0], ss[1]);
	if (ss[0].ss_n > 0 && ss[1].ss_n > 0 && fabs(cw->cw_median[0]) > 0)
		cw->cw_ratio = cw->cw_ratio_low = cw->cw_ratio_high =
		    cw->cw_median[1] / cw->cw_median[0];
	if (cw->cw_verdict != COMPARE_NVERDICTS)
		return 0;
	cw->cw_tested = true;
	cw->cw_p = stat_mann_whitney(ss[0].ss_value, ss[0].ss_n, ss[1].ss_value,
	    ss[1].ss_n);
	if (cw->cw_p < 0)
		return ENOMEM;
	if (isnan(cw->cw_ratio))
		return 0;
	if (stat_ratio_interval(ss[0], ss[1], cj->cj_seed,
		(size_t)cj->cj_resamples, cj->cj_confidence, &si) != 0)
		return ENOMEM;
	cw->cw_ratio_low = si.si_low;
	cw->cw_ratio_high = si.si_high;
	return 0;
}

/*
 * The first row whose test is the same as that of row at, or at: ranks are all
 * that a test sees of the values.
 */
static size_t
same_test(const struct judging *jg, size_t at)
{
	const struct compare_report *const cp = jg->jg_report;
	const size_t all = cp->cp_runs[0] + cp->cp_runs[1];

	for (size_t i = 0; i < at; i++) {
		const struct compare_row *const cw = &cp->cp_row[i];

		if (cw->cw_tested && cw->cw_test == i &&
		    stat_same_order(jg->jg_metric[i].me_value,
			jg->jg_metric[at].me_value, all))
			return i;
	}
	return at;
}

/* Holm's correction over the different tests. */
static int
correct(const struct judging *jg)
{
	struct compare_report *const cp = jg->jg_report;
	double *p = calloc(cp->cp_nrows + 1, sizeof(*p));
	size_t n = 0;

	if (p == NULL)
		return ENOMEM;
	for (size_t i = 0; i < cp->cp_nrows; i++) {
		struct compare_row *const cw = &cp->cp_row[i];

		if (!cw->cw_tested)
			continue;
		cw->cw_test = same_test(jg, i);
		if (cw->cw_test == i)
			p[n++] = cw->cw_p;
	}
	cp->cp_tests = n;
	if (stat_holm(p, n) != 0) {
		free(p);
		return ENOMEM;
	}
	n = 0;
	for (size_t i = 0; i < cp->cp_nrows; i++) {
		struct compare_row *const cw = &cp->cp_row[i];

		if (cw->cw_tested)
			cw->cw_adjusted = cw->cw_test == i ?
			    p[n++] :
			    cp->cp_row[cw->cw_test].cw_adjusted;
	}
	free(p);
	return 0;
}

/* Could no outcome of so many tests have told samples of n and m apart? */
static bool
too_few(const struct judging *jg, size_t n, size_t m)
{
	const size_t tests = jg->jg_report->cp_tests;

	return stat_smallest_p(n, m) * (double)(tests > 0 ? tests : 1) >=
	    jg->jg_alpha;
}

static void
conclude(const struct judging *jg)
{
	struct compare_report *const cp = jg->jg_report;
	bool few = false;

	for (size_t i = 0; i < cp->cp_nrows; i++) {
		struct compare_row *const cw = &cp->cp_row[i];

		if (!cw->cw_tested && cw->cw_verdict != COMPARE_NONE)
			continue;
		if (cw->cw_adjusted < jg->jg_alpha &&
		    (cw->cw_ratio_low > 1 || cw->cw_ratio_high < 1 ||
			isnan(cw->cw_ratio)))
			cw->cw_verdict = COMPARE_DIFFERENT;
		else if (too_few(jg, cw->cw_n[0], cw->cw_n[1]))
			cw->cw_verdict = COMPARE_FEW;
		else
			cw->cw_verdict = COMPARE_NONE;
		few |= cw->cw_verdict == COMPARE_FEW;
	}
	if (few)
		do
			cp->cp_needed++;
		while (cp->cp_needed < REPEATS_MAX &&
		    too_few(jg, cp->cp_needed, cp->cp_needed));
}

int
compare_judge(const struct compare_job *cj, const struct metric *me, size_t n,
    struct compare_report *cp)
{
	struct judging jg = {
		.jg_job = cj,
		.jg_metric = me,
		.jg_report = cp,
		.jg_alpha = 1 - cj->cj_confidence,
	};
	int error = 0;

	cp->cp_row = calloc(n + 1, sizeof(*cp->cp_row));
	cp->cp_nrows = n;
	cp->cp_needed = 0;
	for (size_t side = 0; side < 2; side++)
		jg.jg_side[side] =
		    calloc(cp->cp_runs[side] + 1, sizeof(*jg.jg_side[side]));
	if (cp->cp_row == NULL || jg.jg_side[0] == NULL ||
	    jg.jg_side[1] == NULL)
		error = ENOMEM;
	for (size_t i = 0; i < n && error == 0; i++)
		error = fill(&jg, &me[i], &cp->cp_row[i]);
	if (error == 0 && (error = correct(&jg)) == 0)
		conclude(&jg);
	free(jg.jg_side[0]);
	free(jg.jg_side[1]);
	if (error != 0) {
		free(cp->cp_row);
		cp->cp_row = NULL;
	}
	return error;
}
