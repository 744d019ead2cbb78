/*
 * compare_select.c: the runs of a group.
 *
 * Names of columns are looked up in the database's own list before they become
 * part of a statement; values are bound.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"
#include "base/tunable.h"

#define CONDITIONS 16

/* Where a list of runs stops being one. */
#define RUNS_MAX 100000

void
group_fini(struct group *gr)
{

	free(gr->gr_ids);
	gr->gr_ids = NULL;
}

/* A run of a selector, at *textp. */
static bool
read_run(const char **textp, int64_t *runp)
{
	char *end;

	errno = 0;
	*runp = strtoll(*textp, &end, 10);
	if (end == *textp || errno != 0 || *runp <= 0)
		return false;
	*textp = end;
	return true;
}

/*
 * N,M,K..L as "[1,2,3]"; sqlite3_free()d by the caller.
 *
 * => NULL: it is something else, or out of memory
 */
static char *
read_list(const struct source *so, const char *text)
{
	sqlite3_str *ids = sqlite3_str_new(so->so_sq);
	const char *comma = "[";
	bool ok = true;
	size_t n = 0;

	while (ok) {
		int64_t first, last;

		ok = read_run(&text, &first);
		last = first;
		if (ok && strncmp(text, "..", 2) == 0) {
			text += 2;
			ok = read_run(&text, &last) && last >= first;
		}
		for (; ok && first <= last && n < RUNS_MAX; first++, n++) {
			sqlite3_str_appendf(ids, "%s%lld", comma,
			    (long long)first);
			comma = ",";
		}
		if (*text != ',')
			break;
		text++;
	}
	ok = ok && *text == '\0' && n < RUNS_MAX;
	sqlite3_str_appendall(ids, "]");
	char *list = sqlite3_str_finish(ids);
	if (!ok) {
		sqlite3_free(list);
		list = NULL;
	}
	return list;
}

/* A condition on a column. */
struct condition {
	char co_name[64];
	const char *co_text;
	size_t co_len;
	char co_type[16]; /* of the column; "" if there is none */
};

/* The column's type, as the database declares it. */
static int
find_type(const struct source *so, struct condition *co, struct errmsg *em)
{
	sqlite3_stmt *st;
	int error = source_query(so,
	    "SELECT type FROM pragma_table_info('run') WHERE name = ?2", 0, &st,
	    em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, co->co_name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		printable(co->co_type, sizeof(co->co_type),
		    (const char *)sqlite3_column_text(st, 0));
	(void)sqlite3_finalize(st);
	if (co->co_type[0] == '\0')
		return ERRMSG(em, EINVAL,
		    "%s: table run has no column '%.40s'; docs/schema.md "
		    "lists them",
		    so->so_path, co->co_name);
	return 0;
}

/* NAME=VALUE,NAME=VALUE into conditions. */
static int
read_conditions(const struct source *so, const char *text,
    struct condition co[CONDITIONS], size_t *np, struct errmsg *em)
{
	size_t n = 0;
	int error = 0;

	while (*text != '\0' && error == 0) {
		const size_t name = strcspn(text, "=,");
		struct condition *const c = &co[n];

		if (text[name] != '=' || name == 0 ||
		    name >= sizeof(c->co_name) || n == CONDITIONS)
			return ERRMSG(em, EINVAL,
			    "'%.60s' selects no runs: give a run, as 3, runs, "
			    "as 3,5 or 3..8, or columns, as "
			    "hash_penalty=1/8,cluster=64K",
			    text);
		*c = (struct condition){ .co_text = text + name + 1 };
		memcpy(c->co_name, text, name);
		for (char *p = c->co_name; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		c->co_len = strcspn(c->co_text, ",");
		error = find_type(so, c, em);
		text = c->co_text + c->co_len;
		text += *text == ',';
		n++;
	}
	*np = n;
	return error;
}

/* 1/8, 0.125, 4, inf. */
static bool
read_ratio(const char *text, double *realp)
{
	char *end;

	if (strcmp(text, "inf") == 0) {
		*realp = HUGE_VAL;
		return true;
	}
	*realp = strtod(text, &end);
	if (end == text)
		return false;
	if (*end == '/') {
		const char *under = end + 1;

		*realp /= strtod(under, &end);
		if (end == under)
			return false;
	}
	return *end == '\0';
}

/* The value of a condition as its column has it, as parameter at. */
static bool
bind_value(sqlite3_stmt *st, int at, const struct condition *co)
{
	char text[160];
	uint64_t count;
	double real;

	if (co->co_len >= sizeof(text))
		return false;
	memcpy(text, co->co_text, co->co_len);
	text[co->co_len] = '\0';
	if (strcmp(co->co_type, "INTEGER") == 0) {
		if (parse_size(text, &count) != 0 &&
		    parse_time(text, &count) != 0)
			return false;
		(void)sqlite3_bind_int64(st, at,
		    count > INT64_MAX ? INT64_MAX : (int64_t)count);
	} else if (strcmp(co->co_type, "REAL") == 0) {
		if (!read_ratio(text, &real))
			return false;
		(void)sqlite3_bind_double(st, at, real);
	} else
		(void)sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
	return true;
}

/*
 * Run a statement that gives id, complete; collect.
 */
static int
collect(const struct source *so, sqlite3_stmt *st, struct group *gr,
    struct errmsg *em)
{
	sqlite3_str *ids = sqlite3_str_new(so->so_sq);
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_int(st, 1) == 0) {
			gr->gr_left++;
			continue;
		}
		sqlite3_str_appendf(ids, "%s%lld", gr->gr_n++ == 0 ? "[" : ",",
		    sqlite3_column_int64(st, 0));
	}
	sqlite3_str_appendall(ids, gr->gr_n == 0 ? "[]" : "]");
	char *list = sqlite3_str_finish(ids);
	if (list != NULL)
		gr->gr_ids = strdup(list);
	sqlite3_free(list);
	if (rc != SQLITE_DONE)
		return source_error(so, em);
	if (gr->gr_ids == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
	return 0;
}

/*
 * The runs of the configuration of run ?1: what could change a count or a time
 * is the same.
 */
static const char same_configuration[] =
    "WITH known AS (SELECT run.*,"
    "  instr(coalesce(command, ''), ' --flush-both') > 0 AS both,"
    "  (SELECT json_group_array(name) FROM (SELECT DISTINCT name FROM event"
    "   WHERE event.run = run.id ORDER BY name)) AS events_on"
    "  FROM run WHERE digest IS (SELECT digest FROM run WHERE id = ?1))"
    " SELECT r.id, r.status = 'complete' FROM known AS r, known AS one"
    " WHERE one.id = ?1 AND r.tunables = one.tunables AND r.both = one.both"
    " AND r.host IS one.host AND r.cpu IS one.cpu AND r.kernel IS one.kernel"
    " AND r.device IS one.device AND r.file_system IS one.file_system"
    " AND r.version = one.version AND r.revision IS one.revision"
    " AND r.compiler = one.compiler AND r.clock = one.clock"
    " AND (r.status <> 'complete' OR one.status <> 'complete'"
    "  OR (r.events_on = one.events_on AND r.verify IS one.verify))"
    " ORDER BY r.id";

static int
select_like(const struct source *so, int64_t run, struct group *gr,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int error = source_query(so, same_configuration, run, &st, em);

	if (error != 0)
		return error;
	error = collect(so, st, gr, em);
	(void)sqlite3_finalize(st);
	if (error == 0 && gr->gr_n + gr->gr_left == 0)
		error = ERRMSG(em, ENOENT, "%s: holds no run %" PRId64,
		    so->so_path, run);
	return error;
}

static int
select_list(const struct source *so, const char *list, struct group *gr,
    struct errmsg *em)
{
	sqlite3_stmt *st;
	int error = source_query(so,
	    "SELECT value, coalesce((SELECT status = 'complete' FROM run"
	    " WHERE id = value), 2) FROM json_each(?2) GROUP BY value",
	    0, &st, em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, list, -1, SQLITE_STATIC);
	while (error == 0 && sqlite3_step(st) == SQLITE_ROW)
		if (sqlite3_column_int(st, 1) == 2)
			error = ERRMSG(em, ENOENT, "%s: holds no run %" PRId64,
			    so->so_path, (int64_t)sqlite3_column_int64(st, 0));
	(void)sqlite3_reset(st);
	if (error == 0)
		error = collect(so, st, gr, em);
	(void)sqlite3_finalize(st);
	return error;
}

static int
select_where(const struct source *so, const char *text, struct group *gr,
    struct errmsg *em)
{
	sqlite3_str *sql = sqlite3_str_new(so->so_sq);
	struct condition co[CONDITIONS];
	sqlite3_stmt *st = NULL;
	size_t n = 0;
	int error = read_conditions(so, text, co, &n, em);

	sqlite3_str_appendall(sql,
	    "SELECT id, status = 'complete' FROM run WHERE 1");
	for (size_t i = 0; i < n; i++)
		sqlite3_str_appendf(sql, " AND \"%w\" = ?%d", co[i].co_name,
		    (int)i + 2);
	sqlite3_str_appendall(sql, " ORDER BY id");
	char *all = sqlite3_str_finish(sql);
	if (error == 0 && all == NULL)
		error = ERRMSG(em, ENOMEM, "%s: out of memory", so->so_path);
	if (error == 0)
		error = source_query(so, all, 0, &st, em);
	for (size_t i = 0; i < n && error == 0; i++)
		if (!bind_value(st, (int)i + 2, &co[i]))
			error = ERRMSG(em, EINVAL,
			    "%s: '%.*s' is no value of that column",
			    co[i].co_name, (int)co[i].co_len, co[i].co_text);
	if (error == 0)
		error = collect(so, st, gr, em);
	(void)sqlite3_finalize(st);
	sqlite3_free(all);
	return error;
}

/* Digest and a description; the runs of a group are of one trace. */
static int
describe(struct group *gr, const char *text, struct errmsg *em)
{
	const struct source *const so = gr->gr_source;
	sqlite3_stmt *st;
	int error = source_query(so,
	    "SELECT count(DISTINCT digest), max(digest), max(trace)"
	    " FROM run WHERE id IN (SELECT value FROM json_each(?2))",
	    0, &st, em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, gr->gr_ids, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_ROW)
		error = source_error(so, em);
	else if (sqlite3_column_int(st, 0) > 1)
		error = ERRMSG(em, EINVAL,
		    "%s: '%.60s' selects runs of %d traces; name one with "
		    "digest=...",
		    so->so_path, text, sqlite3_column_int(st, 0));
	else {
		const char *digest = (const char *)sqlite3_column_text(st, 1);
		const char *trace = (const char *)sqlite3_column_text(st, 2);

		printable(gr->gr_digest, sizeof(gr->gr_digest),
		    digest != NULL ? digest : "");
		printable(gr->gr_about, sizeof(gr->gr_about),
		    trace != NULL ? trace : "?");
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
group_select(const struct source *so, const char *text, struct group *gr,
    struct errmsg *em)
{
	const char *at = text;
	char *list;
	int64_t run;
	int error;

	*gr = (struct group){ .gr_source = so };
	if (text[0] == '\0')
		return ERRMSG(em, EINVAL, "an empty selector of runs");
	if (read_run(&at, &run) && *at == '\0')
		error = select_like(so, run, gr, em);
	else if ((list = read_list(so, text)) != NULL) {
		error = select_list(so, list, gr, em);
		sqlite3_free(list);
	} else
		error = select_where(so, text, gr, em);
	if (error == 0 && gr->gr_n == 0)
		error = ERRMSG(em, ENOENT,
		    "%s: '%.60s' selects no complete run%s", so->so_path, text,
		    gr->gr_left > 0 ? ", but others" : "");
	return error == 0 ? describe(gr, text, em) : error;
}
