#include "tests/test.h"

#include <sys/stat.h>

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/analysis/made.h"

static const char schema[] =
    "CREATE TABLE run(id INTEGER PRIMARY KEY, status TEXT, trace TEXT,"
    " digest TEXT, sweep INTEGER, cell TEXT, repeat INTEGER DEFAULT 0,"
    " events INTEGER, accesses INTEGER, wall_ns INTEGER, cpu_ns INTEGER,"
    " device TEXT, backend TEXT DEFAULT 'null', hash_penalty REAL DEFAULT 4.0,"
    " cluster INTEGER DEFAULT 65536, cluster_policy TEXT DEFAULT 'forward',"
    " fault_back INTEGER DEFAULT 3, fault_forward INTEGER DEFAULT 4,"
    " memory INTEGER DEFAULT 67108864, page_size INTEGER DEFAULT 4096,"
    " tunables TEXT DEFAULT '{}') STRICT;"
    "CREATE TABLE sweep(id INTEGER PRIMARY KEY, status TEXT, axes TEXT,"
    " traces TEXT, repeats INTEGER, seed INTEGER) STRICT;"
    "CREATE TABLE sweep_cell(sweep INTEGER, n INTEGER, trace TEXT,"
    " digest TEXT, repeat INTEGER, tunables TEXT, cell TEXT, status TEXT,"
    " run INTEGER, reason TEXT, PRIMARY KEY(sweep, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE counter(run INTEGER, name TEXT, value INTEGER,"
    " PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE flush_total(run INTEGER, caller TEXT, method TEXT,"
    " flushes INTEGER, range_pages INTEGER, object_pages INTEGER,"
    " visits INTEGER, lookups INTEGER, cleaned INTEGER, writes INTEGER,"
    " cpu_ns INTEGER, latency_ns INTEGER, PRIMARY KEY(run, caller, method))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE flush(run INTEGER, n INTEGER, seq INTEGER, caller TEXT,"
    " file INTEGER, range_pages INTEGER, object_pages INTEGER, method TEXT,"
    " visits INTEGER, lookups INTEGER, cleaned INTEGER, writes INTEGER,"
    " cpu_ns INTEGER, latency_ns INTEGER, choice INTEGER,"
    " other_visits INTEGER, other_lookups INTEGER, other_writes INTEGER,"
    " list_ns INTEGER, hash_ns INTEGER, PRIMARY KEY(run, n))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE calibration(id INTEGER PRIMARY KEY, session INTEGER,"
    " started TEXT, host TEXT, kernel TEXT, cpu TEXT, core INTEGER,"
    " pages INTEGER, frames TEXT, present TEXT, caches TEXT, repeats INTEGER,"
    " list_ns REAL, list_low REAL, list_high REAL, lookup_ns REAL,"
    " lookup_low REAL, lookup_high REAL, break_even REAL, break_even_low REAL,"
    " break_even_high REAL) STRICT;"
    "CREATE TABLE latency(run INTEGER, kind TEXT, outcome TEXT,"
    " count INTEGER, timed INTEGER, min INTEGER, mean REAL, p50 INTEGER,"
    " p90 INTEGER, p99 INTEGER, p999 INTEGER, max INTEGER, histogram TEXT,"
    " PRIMARY KEY(run, kind, outcome)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE interval(run INTEGER, n INTEGER, time INTEGER,"
    " accesses INTEGER, hits INTEGER, mapped INTEGER, resident INTEGER,"
    " misses INTEGER, dirty INTEGER, free INTEGER, active INTEGER,"
    " inactive INTEGER, bytes_in INTEGER, bytes_out INTEGER,"
    " real_ns INTEGER, depth REAL, depth_most INTEGER,"
    " PRIMARY KEY(run, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE wait(run INTEGER, thread INTEGER, role TEXT, tid INTEGER,"
    " kind TEXT, count INTEGER, ns INTEGER, PRIMARY KEY(run, thread, kind))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE thread_latency(run INTEGER, thread INTEGER, role TEXT,"
    " tid INTEGER, kind TEXT, count INTEGER, min INTEGER, mean REAL,"
    " p50 INTEGER, p90 INTEGER, p99 INTEGER, p999 INTEGER, max INTEGER,"
    " PRIMARY KEY(run, thread, kind)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cluster(run INTEGER, direction TEXT, pages INTEGER,"
    " count INTEGER, PRIMARY KEY(run, direction, pages))"
    " STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1970695729; PRAGMA user_version = 5;";

int
made_setup(void **state)
{
	struct made *md = calloc(1, sizeof(*md));
	const char *tmp = getenv("TMPDIR");

	if (md == NULL)
		return -1;
	(void)snprintf(md->md_dir, sizeof(md->md_dir), "%s/uvn-figures-XXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	if (mkdtemp(md->md_dir) == NULL) {
		free(md);
		return -1;
	}
	(void)snprintf(md->md_db, sizeof(md->md_db), "%s/t.db", md->md_dir);
	(void)snprintf(md->md_out, sizeof(md->md_out), "%s/a/b", md->md_dir);
	if (sqlite3_open(md->md_db, &md->md_sq) != SQLITE_OK)
		return -1;
	made_exec(md, "%s", schema);
	made_exec(md, "%s", analysis_views_sql());
	*state = md;
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
made_teardown(void **state)
{
	struct made *md = *state;
	int error;

	(void)sqlite3_close(md->md_sq);
	error = nftw(md->md_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(md);
	return error;
}

void
made_exec(struct made *md, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sqlite3_exec(md->md_sq, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(md->md_sq));
	sqlite3_free(sql);
}

const char *
made_rows(struct made *md, const char *fmt, ...)
{
	static char text[65536];
	sqlite3_stmt *st;
	size_t n = 0;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	char *sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sqlite3_prepare_v2(md->md_sq, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(md->md_sq));
	text[0] = '\0';
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(st, 0);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n",
		    value != NULL ? value : "NULL");
		assert_in_range(n, 0, sizeof(text) - 1);
	}
	assert_int_equal(rc, SQLITE_DONE);
	(void)sqlite3_finalize(st);
	sqlite3_free(sql);
	return text;
}

void
made_run(struct made *md, int64_t run)
{
	const long long id = run;

	made_exec(md,
	    "INSERT INTO run(id, status, trace) VALUES"
	    "(%lld, 'complete', 'some.uvt');"
	    "INSERT INTO latency VALUES(%lld, 'read', 'miss', 4, 4, 80, 95.0,"
	    " 90, 100, 120, 120, 120, '80:1 90:2 120:1');"
	    "INSERT INTO latency VALUES(%lld, 'msync', 'ok', 1, 1, 5000, 5000.0,"
	    " 5000, 5000, 5000, 5000, 5000, '4992:1');"
	    "INSERT INTO cluster VALUES(%lld, 'in', 1, 4);"
	    "INSERT INTO cluster VALUES(%lld, 'out', 16, 2);",
	    id, id, id, id, id);
	made_exec(md,
	    "INSERT INTO thread_latency VALUES"
	    "(%lld, 0, 'trace', 7, 'read', 3, 80, 90.0, 85, 95, 99, 99, 120),"
	    "(%lld, 1, 'trace', 9, 'read', 1, 90, 90.0, 90, 90, 90, 90, 90),"
	    "(%lld, 1, 'trace', 9, 'msync', 1, 5000, 5000.0, 5000, 5000, 5000,"
	    " 5000, 5000);"
	    "INSERT INTO wait VALUES(%lld, 0, 'trace', 7, 'device', 3, 200),"
	    " (%lld, 0, 'trace', 7, 'memory', 1, 1000),"
	    " (%lld, 2, 'daemon', NULL, 'device', 2, 4000);",
	    id, id, id, id, id, id);
	for (int i = 0; i < 5; i++)
		made_exec(md,
		    "INSERT INTO interval VALUES(%lld, %d, %d, 100, 90, 80, 10,"
		    " 10, %d, 50, 30, 20, 4096, 0, 2000, 0.5, %d)",
		    id, i, (i + 1) * 1000, i, 1 + i);
	for (int i = 0; i < 20; i++)
		made_exec(md,
		    "INSERT INTO flush VALUES(%lld, %d, %d, 'msync', 1, %d, 64,"
		    " 'list', 64, 0, 4, 1, 900, 1500, 1, 0, %d, 1, 640, %d)",
		    id, i, i, 1 + 3 * i, 1 + 3 * i, 20 + 40 * i);
}

void
made_calibration(struct made *md, int64_t session)
{
	static const char *const frames[] = { "fresh", "aged", "shuffled" },
				 *const present[] = { "present", "absent",
					 "quarter" },
				 *const caches[] = { "warm", "cold" };

	for (unsigned i = 0; i < 54; i++) {
		const double list = 2.0 + i, lookup = 4.0 + 0.1 * i;

		made_exec(md,
		    "INSERT INTO calibration(session, started, host, cpu, core,"
		    " pages, frames, present, caches, repeats, list_ns,"
		    " list_low, list_high, lookup_ns, lookup_low, lookup_high,"
		    " break_even, break_even_low, break_even_high)"
		    " VALUES(%lld, '2026-01-01', 'h', 'Some CPU', 1, %d, %Q,"
		    " %Q, %Q, 9, %f, %f, %f, %f, %f, %f, %f, %f, %f)",
		    (long long)session, 64 << (i / 18 * 4), frames[i % 3],
		    present[i / 3 % 3], caches[i / 9 % 2], list, list - 0.5,
		    list + 0.5, lookup, lookup - 0.5, lookup + 0.5,
		    lookup / list, (lookup - 0.5) / (list + 0.5),
		    (lookup + 0.5) / (list - 0.5));
	}
}

int64_t
made_sweep(struct made *md, const char *axes)
{
	made_exec(md,
	    "INSERT INTO sweep(status, axes, traces, repeats, seed) VALUES"
	    "('complete', (SELECT json_group_array(json_object('name', value,"
	    " 'values', json_array())) FROM json_each(%Q)),"
	    " '[{\"path\":\"a.uvt\",\"digest\":\"d\"}]', 6, 1)",
	    axes);
	return sqlite3_last_insert_rowid(md->md_sq);
}

int64_t
made_cell(struct made *md, int64_t sweep, const char *set)
{
	made_exec(md,
	    "INSERT INTO run(status, trace, digest, sweep)"
	    " VALUES('complete', 'a.uvt', 'd', %lld)",
	    (long long)sweep);
	const long long run = sqlite3_last_insert_rowid(md->md_sq);
	made_exec(md,
	    "UPDATE run SET %s WHERE id = %lld;"
	    "UPDATE run SET tunables = json_object('hash_penalty',"
	    " CAST(hash_penalty AS TEXT), 'cluster', cluster,"
	    " 'cluster_policy', cluster_policy, 'fault_back', fault_back,"
	    " 'fault_forward', fault_forward, 'memory', memory)"
	    " WHERE id = %lld;"
	    "INSERT INTO sweep_cell VALUES(%lld, %lld, 'a.uvt', 'd', 0, '{}',"
	    " 'c', 'complete', %lld, NULL);"
	    "INSERT INTO flush_total VALUES(%lld, 'msync', 'list', 1, 4, 10,"
	    " 10, 0, 2, 1, 400, 1000);"
	    "INSERT INTO flush_total VALUES(%lld, 'sync', 'hash', 1, 4, 10,"
	    " 0, 4, 4, 1, 600, 2000);",
	    set, run, run, (long long)sweep, run, run, run, run);
	made_exec(md,
	    "INSERT INTO counter VALUES(%lld, 'pageout_ios', 20),"
	    " (%lld, 'faults', 50), (%lld, 'misses', 5);"
	    "INSERT INTO latency(run, kind, outcome, count, timed, p99)"
	    " VALUES(%lld, 'msync', 'ok', 9, 9, 700)",
	    run, run, run, run);
	return run;
}

/* Six repeats of a cell, not all alike. */
static void
six_cells(struct made *md, int64_t sweep, const char *set)
{
	for (int i = 0; i < 6; i++) {
		const long long run = made_cell(md, sweep, set);

		made_exec(md,
		    "UPDATE flush_total SET cpu_ns = cpu_ns + %d,"
		    " latency_ns = latency_ns + %d WHERE run = %lld",
		    i, 10 * i, run);
	}
}

void
made_sweeps(struct made *md)
{
	const int64_t penalty = made_sweep(md, "[\"hash_penalty\"]");
	const int64_t heat = made_sweep(md, "[\"hash_penalty\",\"cluster\"]");
	const int64_t cluster =
	    made_sweep(md, "[\"cluster\",\"cluster_policy\"]");
	const int64_t ahead =
	    made_sweep(md, "[\"fault_back\",\"fault_forward\"]");

	six_cells(md, penalty, "hash_penalty = 0");
	six_cells(md, penalty, "hash_penalty = 0.25");
	six_cells(md, penalty, "hash_penalty = 4");
	six_cells(md, penalty, "hash_penalty = 9e999");
	six_cells(md, heat, "hash_penalty = 0.25");
	six_cells(md, heat, "hash_penalty = 0.25, cluster = 4096");
	six_cells(md, heat, "hash_penalty = 4");
	six_cells(md, cluster, "cluster = 4096");
	six_cells(md, cluster, "cluster = 65536");
	six_cells(md, cluster, "cluster_policy = 'around'");
	six_cells(md, ahead, "fault_back = 0");
	six_cells(md, ahead, "fault_back = 3");
	six_cells(md, ahead, "fault_forward = 16");
}

const struct figure_result *
made_result(const struct figures_report *fp, const char *name)
{
	for (size_t i = 0; i < fp->fp_nfigures; i++)
		if (strcmp(fp->fp_figure[i].fr_figure->fg_name, name) == 0)
			return &fp->fp_figure[i];
	fail_msg("there is no figure %s", name);
	return NULL;
}

int
made_figures(struct made *md, int64_t run, struct figures_report *fp,
    struct errmsg *em)
{
	const struct figures_job fj = {
		.fj_db = md->md_db,
		.fj_id = { [FIGURE_RUN] = run },
		.fj_formats = FIGURE_PICTURES,
		.fj_dir = md->md_out,
	};

	return analysis_figures(&fj, fp, em);
}

/* Below the folder of figures. */
static void
path_of(const struct made *md, const char *name, char *buf, size_t len)
{
	const int n = snprintf(buf, len, "%s/%s", md->md_out, name);

	assert_in_range(n, 1, len - 1);
}

long
made_size(const struct made *md, const char *name)
{
	char path[512];
	struct stat st;

	path_of(md, name, path, sizeof(path));
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

const char *
made_text(const struct made *md, const char *name)
{
	static char text[65536];
	char path[512];
	FILE *fp;
	size_t n;

	path_of(md, name, path, sizeof(path));
	if ((fp = fopen(path, "r")) == NULL)
		fail_msg("%s is not there", path);
	n = fread(text, 1, sizeof(text) - 1, fp);
	text[n] = '\0';
	(void)fclose(fp);
	return text;
}

void
made_need_gnuplot(void)
{
	if (system("gnuplot --version >/dev/null 2>&1") != 0)
		skip();
}
