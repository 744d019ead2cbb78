/*
 * compare.c: the values of two groups of runs.
 */
#include <sys/stat.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"

/*
 * Every metric of the runs in ?2, a value a row: name, unit, is it a counter,
 * which of the runs, the value, the place.  What a run has no row of is no value.
 */
static const char metrics_sql[] =
    "WITH chosen(run, k) AS (SELECT value, key FROM json_each(?2)),"
    " one AS (SELECT k, run.* FROM chosen CROSS JOIN run"
    "  ON run.id = chosen.run),"
    " total AS (SELECT k, flush_total.* FROM chosen CROSS JOIN flush_total"
    "  USING (run))"
    " SELECT name, unit, counter, k, value, place FROM ("
    " SELECT 1 AS place, 'wall_ns' AS name, 1 AS unit, 0 AS counter, k,"
    "  wall_ns AS value FROM one"
    " UNION ALL SELECT 2, 'cpu_ns', 1, 0, k, cpu_ns FROM one"
    " UNION ALL SELECT 3, 'events_per_s', 2, 0, k, events * 1e9 / wall_ns"
    "  FROM one"
    " UNION ALL SELECT 4, 'flush cpu_ns', 1, 0, k, sum(cpu_ns) FROM total"
    "  GROUP BY k"
    " UNION ALL SELECT 5, 'flush latency_ns', 1, 0, k, sum(latency_ns)"
    "  FROM total GROUP BY k"
    " UNION ALL SELECT 6, 'flush ' || caller || ' ' || method || ' cpu_ns', 1,"
    "  0, k, cpu_ns FROM total"
    " UNION ALL SELECT 7, 'flush ' || caller || ' ' || method ||"
    "  ' latency_ns', 1, 0, k, latency_ns FROM total"
    " UNION ALL SELECT 8, 'latency ' || kind || iif(outcome = 'ok', '',"
    "  ' ' || outcome) || ' ' || which.column1, 1, 0, k, CASE which.column1"
    "  WHEN 'p50' THEN p50 WHEN 'p99' THEN p99 ELSE mean END"
    "  FROM chosen CROSS JOIN latency USING (run),"
    "  (VALUES ('p50'), ('p99'), ('mean')) AS which WHERE timed > 0"
    " UNION ALL SELECT 9, 'event ' || name || ' ' || phase, 0, 0, k, value"
    "  FROM chosen CROSS JOIN event USING (run)"
    "  WHERE phase IN ('run', 'flush')"
    " UNION ALL SELECT 10, 'counter ' || name, 0, 1, k, value"
    "  FROM chosen CROSS JOIN counter USING (run))"
    " WHERE value IS NOT NULL ORDER BY place, name, k";

/* Metrics being gathered. */
struct metrics {
	struct metric *ms_me;
	size_t ms_n, ms_room;
	size_t ms_runs[2];
	size_t ms_last; /* looked up */
};

static void
metrics_fini(struct metrics *ms)
{
	for (size_t i = 0; i < ms->ms_n; i++)
		free(ms->ms_me[i].me_value);
	free(ms->ms_me);
}

/* Add a metric without values; NULL without memory. */
static struct metric *
metric_add(struct metrics *ms, const char *name)
{
	const size_t runs = ms->ms_runs[0] + ms->ms_runs[1];

	if (ms->ms_n == ms->ms_room) {
		const size_t room = ms->ms_room != 0 ? 2 * ms->ms_room : 128;
		struct metric *me = reallocarray(ms->ms_me, room, sizeof(*me));

		if (me == NULL)
			return NULL;
		ms->ms_me = me;
		ms->ms_room = room;
	}
	struct metric *const me = &ms->ms_me[ms->ms_n];
	*me = (struct metric){ .me_value = calloc(runs, sizeof(double)) };
	if (me->me_value == NULL)
		return NULL;
	for (size_t i = 0; i < runs; i++)
		me->me_value[i] = nan("");
	printable(me->me_name, sizeof(me->me_name), name);
	ms->ms_last = ms->ms_n++;
	return me;
}

/* The metric of that name, made if it is not there; NULL without memory. */
static struct metric *
metric_of(struct metrics *ms, const char *text)
{
	char name[COMPARE_NAME];

	printable(name, sizeof(name), text);
	/* Mostly the same again, or the next one. */
	for (size_t i = 0; i < ms->ms_n; i++) {
		const size_t at = (ms->ms_last + i) % ms->ms_n;

		if (strcmp(ms->ms_me[at].me_name, name) == 0) {
			ms->ms_last = at;
			return &ms->ms_me[at];
		}
	}
	return metric_add(ms, name);
}

/* The values of one group, side 0 or 1. */
static int
gather(struct metrics *ms, const struct group *gr, size_t side,
    struct errmsg *em)
{
	const struct source *const so = gr->gr_source;
	const size_t first = side == 0 ? 0 : ms->ms_runs[0];
	sqlite3_stmt *st;
	int rc, error = source_query(so, metrics_sql, 0, &st, em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, gr->gr_ids, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);
		struct metric *me = name != NULL ? metric_of(ms, name) : NULL;
		const size_t k = (size_t)sqlite3_column_int64(st, 3);

		if (me == NULL) {
			error = ERRMSG(em, ENOMEM, "%s: out of memory",
			    so->so_path);
			break;
		}
		me->me_place = sqlite3_column_int(st, 5);
		me->me_unit = (enum compare_unit)sqlite3_column_int(st, 1);
		me->me_counter = sqlite3_column_int(st, 2) != 0;
		if (k < ms->ms_runs[side])
			me->me_value[first + k] = sqlite3_column_double(st, 4);
	}
	if (error == 0 && rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

static int
by_place(const void *a, const void *b)
{
	const struct metric *const x = a, *const y = b;

	if (x->me_place != y->me_place)
		return x->me_place - y->me_place;
	return strcmp(x->me_name, y->me_name);
}

/* Of both groups, in the order of the statement, as each alone is. */
static int
gather_both(struct metrics *ms, const struct group gr[2], struct errmsg *em)
{
	int error;

	if ((error = gather(ms, &gr[0], 0, em)) != 0 ||
	    (error = gather(ms, &gr[1], 1, em)) != 0)
		return error;
	if (ms->ms_n > 0)
		qsort(ms->ms_me, ms->ms_n, sizeof(*ms->ms_me), by_place);
	return 0;
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
		    "'%.40s' is of trace %.80s (%.8s), '%.40s' of %.80s "
		    "(%.8s); --different-traces compares them all the same",
		    cj->cj_a, gr[0].gr_about, gr[0].gr_digest, cj->cj_b,
		    gr[1].gr_about, gr[1].gr_digest);
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
	struct metrics ms = { .ms_runs = { gr[0].gr_n, gr[1].gr_n } };
	int error;

	if ((error = check_groups(cj, gr, cp, em)) == 0 &&
	    (error = compare_apart(gr, cp, em)) == 0 &&
	    (error = gather_both(&ms, gr, em)) == 0 &&
	    (error = compare_judge(cj, ms.ms_me, ms.ms_n, cp)) != 0)
		(void)ERRMSG(em, error, "%s: out of memory", cj->cj_db);
	metrics_fini(&ms);
	return error;
}

/* Are these two names of one file? */
static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

int
analysis_compare(const struct compare_job *cj, struct compare_report *cp,
    struct errmsg *em)
{
	struct source so[2];
	struct group gr[2] = { { .gr_ids = NULL }, { .gr_ids = NULL } };
	const bool two =
	    cj->cj_other != NULL && !same_file(cj->cj_db, cj->cj_other);
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
	if (error == 0)
		error = source_memory(&so[0], em);
	group_fini(&gr[0]);
	group_fini(&gr[1]);
	source_close(&so[0]);
	if (two)
		source_close(&so[1]);
	return error;
}
