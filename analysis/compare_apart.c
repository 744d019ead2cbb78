/*
 * compare_apart.c: what two groups of runs differ in as they were made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_impl.h"

/*
 * What may tell runs apart, in ?2, a name a row: the value, and how many there
 * are.
 */
static const char facts_sql[] =
    "WITH one AS (SELECT run.* FROM json_each(?2) AS j CROSS JOIN run"
    "  ON run.id = j.value),"
    " fact(place, name, value) AS ("
    " SELECT 1, t.key, t.value FROM one, json_each(one.tunables) AS t"
    " UNION ALL SELECT 2, 'trace digest', digest FROM one"
    " UNION ALL SELECT 3, 'host', host FROM one"
    " UNION ALL SELECT 3, 'cpu', cpu FROM one"
    " UNION ALL SELECT 3, 'kernel', kernel FROM one"
    " UNION ALL SELECT 3, 'device', device FROM one"
    " UNION ALL SELECT 3, 'file_system', file_system FROM one"
    " UNION ALL SELECT 4, 'version', version FROM one"
    " UNION ALL SELECT 4, 'revision', revision FROM one"
    " UNION ALL SELECT 4, 'compiler', compiler FROM one"
    " UNION ALL SELECT 4, 'clock', clock FROM one"
    " UNION ALL SELECT 4, 'verify', verify FROM one)"
    " SELECT name, min(coalesce(value, '-')),"
    "  count(DISTINCT coalesce(value, '-')) FROM fact"
    " GROUP BY place, name ORDER BY place, name";

/* The tunables are fewer, and more names than these are not ours. */
#define FACTS 256

/* The fact called name, made if it is not there; NULL: there are too many. */
static struct compare_apart *
fact_of(struct compare_apart *facts, size_t *np, const char *name)
{
	struct compare_apart key = { .ca_value = { "-", "-" } };

	printable(key.ca_name, sizeof(key.ca_name), name);
	for (size_t i = 0; i < *np; i++)
		if (strcmp(facts[i].ca_name, key.ca_name) == 0)
			return &facts[i];
	if (*np == FACTS)
		return NULL;
	facts[*np] = key;
	return &facts[(*np)++];
}

static int
read_facts(const struct group *gr, size_t side, struct compare_apart *facts,
    size_t *np, struct errmsg *em)
{
	const struct source *const so = gr->gr_source;
	sqlite3_stmt *st;
	int rc, error = source_query(so, facts_sql, 0, &st, em);

	if (error != 0)
		return error;
	(void)sqlite3_bind_text(st, 2, gr->gr_ids, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);
		const char *value = (const char *)sqlite3_column_text(st, 1);
		const int values = sqlite3_column_int(st, 2);
		struct compare_apart *ca =
		    name != NULL ? fact_of(facts, np, name) : NULL;

		if (ca == NULL)
			continue;
		if (values > 1)
			(void)snprintf(ca->ca_value[side],
			    sizeof(ca->ca_value[side]), "%d values", values);
		else
			printable(ca->ca_value[side],
			    sizeof(ca->ca_value[side]),
			    value != NULL ? value : "-");
	}
	if (rc != SQLITE_DONE)
		error = source_error(so, em);
	(void)sqlite3_finalize(st);
	return error;
}

int
compare_apart(const struct group gr[2], struct compare_report *cp,
    struct errmsg *em)
{
	struct compare_apart *facts = calloc(FACTS, sizeof(*facts));
	size_t n = 0;
	int error = 0;

	if (facts == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory",
		    gr[0].gr_source->so_path);
	for (size_t side = 0; side < 2 && error == 0; side++)
		error = read_facts(&gr[side], side, facts, &n, em);
	for (size_t i = 0; i < n && error == 0; i++) {
		const struct compare_apart *const ca = &facts[i];

		/* A group that is mixed is worth to be told, too. */
		if ((strcmp(ca->ca_value[0], ca->ca_value[1]) != 0 ||
			strstr(ca->ca_value[0], " values") != NULL) &&
		    cp->cp_naparts < COMPARE_APART)
			cp->cp_apart[cp->cp_naparts++] = *ca;
	}
	free(facts);
	return error;
}
