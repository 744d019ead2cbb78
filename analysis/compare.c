/*
 * compare.c: the values of two groups of runs, and what they say.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"
#include "analysis/stat.h"

const char *const compare_verdict_name[COMPARE_NVERDICTS] = {
	[COMPARE_EQUAL] = "equal",
	[COMPARE_EXACT] = "exact difference",
	[COMPARE_FEW] = "too few repeats",
	[COMPARE_NONE] = "no difference found",
	[COMPARE_DIFFERENT] = "different",
};

/*
 * Every metric of the runs in ?2, a value a row: where it belongs, its name, is
 * it a counter, the value.  What a run has no row of is no value.
 */
static const char metrics_sql[] =
    "WITH chosen(run) AS (SELECT value FROM json_each(?2))"
    " SELECT place, name, counter, value FROM ("
    " SELECT 1 AS place, 'wall_ns' AS name, 0 AS counter, wall_ns AS value, id"
    "  FROM run WHERE id IN chosen"
    " UNION ALL SELECT 2, 'cpu_ns', 0, cpu_ns, id FROM run WHERE id IN chosen"
    " UNION ALL SELECT 3, 'flush cpu_ns', 0, sum(cpu_ns), run FROM flush_total"
    "  WHERE run IN chosen GROUP BY run"
    " UNION ALL SELECT 4, 'flush latency_ns', 0, sum(latency_ns), run"
    "  FROM flush_total WHERE run IN chosen GROUP BY run"
    " UNION ALL SELECT 5, 'latency ' || kind || iif(outcome = 'ok', '',"
    "  ' ' || outcome) || ' ' || which.column1, 0, CASE which.column1"
    "  WHEN 'p50' THEN p50 WHEN 'p99' THEN p99 ELSE mean END, run"
    "  FROM latency, (VALUES ('p50'), ('p99'), ('mean')) AS which"
    "  WHERE run IN chosen AND timed > 0"
    " UNION ALL SELECT 6, 'event ' || name || ' ' || phase, 0, value, run"
    "  FROM event WHERE run IN chosen AND value IS NOT NULL"
    "  AND phase IN ('run', 'flush')"
    " UNION ALL SELECT 7, 'counter ' || name, 1, value, run FROM counter"
    "  WHERE run IN chosen)"
    " WHERE value IS NOT NULL ORDER BY place, name, id";

/* Metrics being gathered, in the order of the statement. */
struct metrics {
	struct metric *ms_me;
	size_t ms_n, ms_room;
};

static void
metrics_fini(struct metrics *ms)
{
	for (size_t i = 0; i < ms->ms_n; i++) {
		free(ms->ms_me[i].me_value[0]);
		free(ms->ms_me[i].me_value[1]);
	}
	free(ms->ms_me);
}

/* The metric of that name, made if it is not there; NULL without memory. */
static struct metric *
metric_of(struct metrics *ms, const char *name, bool counter, size_t *hint)
{
	for (size_t i = *hint; i < ms->ms_n; i++)
		if (strcmp(ms->ms_me[i].me_name, name) == 0) {
			*hint = i;
			return &ms->ms_me[i];
		}
	for (size_t i = 0; i < ms->ms_n; i++)
		if (strcmp(ms->ms_me[i].me_name, name) == 0)
			return &ms->ms_me[i];
	if (ms->ms_n == ms->ms_room) {
		const size_t room = ms->ms_room != 0 ? 2 * ms->ms_room : 64;
		struct metric *me = reallocarray(ms->ms_me, room, sizeof(*me));

		if (me == NULL)
			return NULL;
		ms->ms_me = me;
		ms->ms_room = room;
	}
	struct metric *const me = &ms->ms_me[ms->ms_n];
	*me = (struct metric){ .me_counter = counter };
	printable(me->me_name, sizeof(me->me_name), name);
	*hint = ms->ms_n++;
	return me;
}

/* The values of one group, side 0 or 1. */
static int
gather(struct metrics *ms, const struct group *gr, size_t side,
    struct errmsg *em)
{
	const struct source *const so = gr->gr_source;
	sqlite3_stmt *st;
	size_t hint = 0;
	int rc, error = source_query(so, metrics_sql, 0, &st, em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, gr->gr_ids, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		char name[64];
		struct metric *me;

		printable(name, sizeof(name),
		    (const char *)sqlite3_column_text(st, 1));
		me = metric_of(ms, name, sqlite3_column_int(st, 2) != 0, &hint);
		if (me != NULL && me->me_value[side] == NULL)
			me->me_value[side] =
			    calloc(gr->gr_n, sizeof(*me->me_value[side]));
		if (me == NULL || me->me_value[side] == NULL) {
			error = ERRMSG(em, ENOMEM, "%s: out of memory",
			    so->so_path);
			break;
		}
		if (me->me_n[side] < gr->gr_n)
			me->me_value[side][me->me_n[side]++] =
			    sqlite3_column_double(st, 3);
	}
	if (error == 0 && rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* Are all values of a side the same?  They are sorted. */
static bool
constant(const struct metric *me, size_t side)
{
	const double *const v = me->me_value[side];
	const size_t n = me->me_n[side];

	return n > 0 && !(v[n - 1] > v[0]);
}

/* What can be said without a test. */
static bool
settle(const struct metric *me, struct compare_row *cw)
{
	if (me->me_n[0] == 0 || me->me_n[1] == 0) {
		cw->cw_verdict = COMPARE_FEW;
		return true;
	}
	if (!constant(me, 0) || !constant(me, 1))
		return false;
	if (fabs(cw->cw_median[0] - cw->cw_median[1]) <= 0) {
		/* Times that agree by chance are no more than not different. */
		cw->cw_verdict = me->me_counter ? COMPARE_EQUAL : COMPARE_NONE;
		return true;
	}
	if (!me->me_counter)
		return false;
	cw->cw_verdict = COMPARE_EXACT;
	return true;
}

/* Medians, intervals, ratio, p of one metric; *testedp: p is of a test. */
static int
fill(const struct compare_job *cj, struct metric *me, struct compare_row *cw,
    bool *testedp)
{
	struct stat_interval si;

	*cw = (struct compare_row){ .cw_p = 1,
		.cw_adjusted = 1,
		.cw_ratio = nan(""),
		.cw_ratio_low = nan(""),
		.cw_ratio_high = nan("") };
	memcpy(cw->cw_name, me->me_name, sizeof(cw->cw_name));
	for (size_t side = 0; side < 2; side++) {
		const size_t n = cw->cw_n[side] = me->me_n[side];

		if (n == 0)
			continue;
		stat_sort(me->me_value[side], n);
		si = stat_median_interval(me->me_value[side], n,
		    cj->cj_confidence);
		cw->cw_median[side] = stat_median(me->me_value[side], n);
		cw->cw_low[side] = si.si_low;
		cw->cw_high[side] = si.si_high;
	}
	if (cw->cw_n[0] > 0 && cw->cw_n[1] > 0 && fabs(cw->cw_median[0]) > 0) {
		cw->cw_ratio = cw->cw_median[1] / cw->cw_median[0];
		cw->cw_ratio_low = cw->cw_ratio_high = cw->cw_ratio;
	}
	*testedp = !settle(me, cw);
	if (!*testedp)
		return 0;
	cw->cw_verdict = COMPARE_NONE;
	if (stat_ratio_interval((struct stat_sample){ me->me_value[0],
				    me->me_n[0] },
		(struct stat_sample){ me->me_value[1], me->me_n[1] },
		cj->cj_seed, (size_t)cj->cj_resamples, cj->cj_confidence,
		&si) != 0)
		return ENOMEM;
	cw->cw_ratio_low = si.si_low;
	cw->cw_ratio_high = si.si_high;
	cw->cw_p = stat_mann_whitney(me->me_value[0], me->me_n[0],
	    me->me_value[1], me->me_n[1]);
	return cw->cw_p < 0 ? ENOMEM : 0;
}

/* The least number of repeats of each that could tell with so many tests. */
static size_t
repeats_needed(size_t tests, double alpha)
{
	size_t n = 1;

	while (stat_smallest_p(n, n) * (double)tests >= alpha && n < 1000)
		n++;
	return n;
}

/* Holm's correction over the rows that were tested, and the verdicts. */
static int
conclude(const struct compare_job *cj, const bool *tested,
    struct compare_report *cp)
{
	const double alpha = 1 - cj->cj_confidence;
	double *p = calloc(cp->cp_nrows + 1, sizeof(*p));
	size_t n = 0;

	if (p == NULL)
		return ENOMEM;
	for (size_t i = 0; i < cp->cp_nrows; i++)
		if (tested[i])
			p[n++] = cp->cp_row[i].cw_p;
	cp->cp_tests = n;
	if (stat_holm(p, n) != 0) {
		free(p);
		return ENOMEM;
	}
	n = 0;
	for (size_t i = 0; i < cp->cp_nrows; i++) {
		struct compare_row *const cw = &cp->cp_row[i];

		if (!tested[i])
			continue;
		cw->cw_adjusted = p[n++];
		if (stat_smallest_p(cw->cw_n[0], cw->cw_n[1]) *
			(double)cp->cp_tests >=
		    alpha) {
			cw->cw_verdict = COMPARE_FEW;
			cp->cp_needed = repeats_needed(cp->cp_tests, alpha);
		} else if (cw->cw_adjusted < alpha &&
		    (cw->cw_ratio_low > 1 || cw->cw_ratio_high < 1 ||
			isnan(cw->cw_ratio)))
			cw->cw_verdict = COMPARE_DIFFERENT;
	}
	free(p);
	return 0;
}

int
compare_judge(const struct compare_job *cj, struct metric *me, size_t n,
    struct compare_report *cp)
{
	bool *tested = calloc(n + 1, sizeof(*tested));
	int error = 0;

	cp->cp_row = calloc(n + 1, sizeof(*cp->cp_row));
	cp->cp_nrows = n;
	if (tested == NULL || cp->cp_row == NULL)
		error = ENOMEM;
	for (size_t i = 0; i < n && error == 0; i++)
		error = fill(cj, &me[i], &cp->cp_row[i], &tested[i]);
	if (error == 0)
		error = conclude(cj, tested, cp);
	free(tested);
	if (error != 0) {
		free(cp->cp_row);
		cp->cp_row = NULL;
	}
	return error;
}

/* Runs that both groups have, if they are of one database. */
static int
count_shared(const struct group gr[2], size_t *np, struct errmsg *em)
{
	sqlite3_stmt *st;
	int error;

	*np = 0;
	if (gr[0].gr_source != gr[1].gr_source)
		return 0;
	error = source_query(gr[0].gr_source,
	    "SELECT count(*) FROM json_each(?2) WHERE value IN"
	    " (SELECT value FROM json_each(?3))",
	    0, &st, em);
	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, gr[0].gr_ids, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 3, gr[1].gr_ids, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		*np = (size_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return 0;
}

/* May these two be compared? */
static int
check_groups(const struct compare_job *cj, const struct group gr[2],
    struct compare_report *cp, struct errmsg *em)
{
	int error;

	for (size_t side = 0; side < 2; side++) {
		cp->cp_runs[side] = gr[side].gr_n;
		cp->cp_left[side] = gr[side].gr_left;
		memcpy(cp->cp_about[side], gr[side].gr_about,
		    sizeof(cp->cp_about[side]));
	}
	if (!cj->cj_traces && strcmp(gr[0].gr_digest, gr[1].gr_digest) != 0)
		return ERRMSG(em, EINVAL,
		    "'%.40s' is of trace %.40s, '%.40s' of %.40s; "
		    "--different-traces compares them all the same",
		    cj->cj_a, gr[0].gr_about, cj->cj_b, gr[1].gr_about);
	if ((error = count_shared(gr, &cp->cp_shared, em)) != 0)
		return error;
	if (cp->cp_shared > 0 && cp->cp_shared == gr[0].gr_n &&
	    cp->cp_shared == gr[1].gr_n)
		return ERRMSG(em, EINVAL,
		    "'%.60s' and '%.60s' are the same runs; select two groups",
		    cj->cj_a, cj->cj_b);
	return 0;
}

static int
compare_groups(const struct compare_job *cj, const struct group gr[2],
    struct compare_report *cp, struct errmsg *em)
{
	struct metrics ms = { .ms_n = 0 };
	int error;

	if ((error = check_groups(cj, gr, cp, em)) == 0 &&
	    (error = gather(&ms, &gr[0], 0, em)) == 0 &&
	    (error = gather(&ms, &gr[1], 1, em)) == 0 &&
	    (error = compare_judge(cj, ms.ms_me, ms.ms_n, cp)) != 0)
		(void)ERRMSG(em, error, "%s: out of memory", cj->cj_db);
	metrics_fini(&ms);
	return error;
}

int
analysis_compare(const struct compare_job *cj, struct compare_report *cp,
    struct errmsg *em)
{
	struct source so[2];
	struct group gr[2] = { { .gr_ids = NULL }, { .gr_ids = NULL } };
	const bool two = cj->cj_other != NULL;
	int error;

	memset(cp, 0, sizeof(*cp));
	if ((error = source_connect(&so[0], cj->cj_db, em)) != 0)
		return error;
	if (two && (error = source_connect(&so[1], cj->cj_other, em)) != 0) {
		source_close(&so[0]);
		return error;
	}
	if ((error = group_select(&so[0], cj->cj_a, &gr[0], em)) == 0 &&
	    (error = group_select(&so[two], cj->cj_b, &gr[1], em)) == 0)
		error = compare_groups(cj, gr, cp, em);
	group_fini(&gr[0]);
	group_fini(&gr[1]);
	source_close(&so[0]);
	if (two)
		source_close(&so[1]);
	return error;
}
