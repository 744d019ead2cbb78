#include "tests/test.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/replay/dbtest.h"

int
dbtest_setup(void **state)
{
	struct dbtest *dt = calloc(1, sizeof(*dt));

	if (dt == NULL)
		return -1;
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(dt->dt_dir, sizeof(dt->dt_dir), "%s/uvn-db-XXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	if (mkdtemp(dt->dt_dir) == NULL) {
		free(dt);
		return -1;
	}
	(void)snprintf(dt->dt_path, sizeof(dt->dt_path), "%s/t.db", dt->dt_dir);
	*state = dt;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{

	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
dbtest_teardown(void **state)
{
	struct dbtest *dt = *state;
	const int error =
	    nftw(dt->dt_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(dt);
	return error;
}

struct db *
dbtest_open(const struct dbtest *dt)
{
	struct errmsg em = { .em_text = "" };
	struct db *db = NULL;

	must_em(db_open(dt->dt_path, &db, &em), &em);
	return db;
}

int64_t
dbtest_begin(struct db *db, const struct config *cf)
{
	const struct db_run rn = { .rn_config = cf,
		.rn_trace = "t.uvt",
		.rn_command = "uvn replay t.uvt",
		.rn_dir = ".",
		.rn_repeat = 3,
		.rn_seed = 42 };
	struct errmsg em = { .em_text = "" };
	int64_t run = 0;

	must_em(db_run_begin(db, &rn, &run, &em), &em);
	return run;
}

static sqlite3 *
connect_to(const struct dbtest *dt)
{
	sqlite3 *sq = NULL;

	must(sqlite3_open_v2(dt->dt_path, &sq, SQLITE_OPEN_READWRITE, NULL));
	must(sqlite3_busy_timeout(sq, 10000));
	return sq;
}

void
dbtest_exec(const struct dbtest *dt, const char *sql)
{
	sqlite3 *sq = connect_to(dt);
	char *why = NULL;

	if (sqlite3_exec(sq, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	must(sqlite3_close(sq));
}

char *
dbtest_text(const struct dbtest *dt, const char *sql)
{
	sqlite3 *sq = connect_to(dt);
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
	if (sqlite3_step(st) != SQLITE_ROW)
		fail_msg("%s: no row", sql);
	const char *text = (const char *)sqlite3_column_text(st, 0);
	char *copy = strdup(text != NULL ? text : "NULL");
	assert_non_null(copy);
	must(sqlite3_finalize(st));
	must(sqlite3_close(sq));
	return copy;
}

long long
dbtest_int(const struct dbtest *dt, const char *fmt, ...)
{
	char sql[512];
	va_list ap;

	va_start(ap, fmt);
	const int len = vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	assert_in_range(len, 1, sizeof(sql) - 1);
	char *text = dbtest_text(dt, sql), *end;
	const long long value = strtoll(text, &end, 10);
	if (end == text || *end != '\0')
		fail_msg("%s: %s is no integer", sql, text);
	free(text);
	return value;
}

void
dbtest_drop_views(const struct dbtest *dt)
{
	char *sql = dbtest_text(dt,
	    "SELECT group_concat('DROP VIEW \"' || name || '\"', ';')"
	    " FROM sqlite_schema WHERE type = 'view'");

	dbtest_exec(dt, sql);
	free(sql);
}
