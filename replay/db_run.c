#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "replay/clock.h"
#include "replay/db_impl.h"
#include "replay/host.h"
#include "replay/json_out.h"
#include "replay/replay.h"

char *
db_tunables_text(const struct config *cf)
{
	json_t *obj = json_object();
	char text[TUNABLE_TEXT_MAX];
	char *out = NULL;
	bool ok = obj != NULL;

	for (size_t i = 0; ok && i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);

		tunable_format(tn, config_get(cf, i), text, sizeof(text));
		ok = json_object_set_new(obj, tn->tn_name, json_string(text)) ==
		    0;
	}
	if (ok)
		out = json_dumps(obj, JSON_COMPACT);
	json_decref(obj);
	return out;
}

/* A column of a new run that is no tunable: its name, and how to bind it. */
static const char begin_columns[] = "status, started, trace, command, repeat, "
				    "seed, dir, device, file_system, "
				    "mount_options, host, kernel, cpu, clock, "
				    "version, compiler, pid, pid_start, boot, "
				    "tunables, sweep, cell, revision";
#define BEGIN_NCOLUMNS 23

/* begin_bind: what begin_columns names, in that order. */
static int
begin_bind(sqlite3_stmt *st, const struct db_run *rn)
{
	struct host_facts hf;
	struct host_dir hd = { .hd_device = "" };
	char started[DB_STAMP_MAX];
	char *tunables = db_tunables_text(rn->rn_config);
	int at = 1;

	if (tunables == NULL)
		return ENOMEM;
	host_facts(&hf);
	if (rn->rn_dir != NULL)
		host_dir(rn->rn_dir, &hd);
	db_stamp(started);
	db_bind_text(st, at++, "running");
	db_bind_text(st, at++, started);
	db_bind_text(st, at++, rn->rn_trace);
	db_bind_text(st, at++, rn->rn_command);
	db_bind_u64(st, at++, rn->rn_repeat);
	db_bind_u64(st, at++, rn->rn_seed);
	db_bind_text(st, at++, rn->rn_dir);
	db_bind_known(st, at++, hd.hd_device);
	db_bind_known(st, at++, hd.hd_fstype);
	db_bind_known(st, at++, hd.hd_options);
	db_bind_known(st, at++, hf.hf_host);
	db_bind_known(st, at++, hf.hf_kernel);
	db_bind_known(st, at++, hf.hf_cpu);
	db_bind_text(st, at++, clock_name());
	db_bind_text(st, at++, UVN_VERSION);
	db_bind_text(st, at++, host_compiler());
	db_bind_u64(st, at++, (uint64_t)getpid());
	db_bind_u64(st, at++, host_pid_start(getpid()));
	db_bind_known(st, at++, hf.hf_boot);
	db_bind_text(st, at++, tunables);
	if (rn->rn_sweep != 0)
		(void)sqlite3_bind_int64(st, at, rn->rn_sweep);
	at++;
	db_bind_text(st, at++, rn->rn_cell);
	db_bind_known(st, at++, host_revision());
	free(tunables);
	for (size_t i = 0; i < config_count(); i++)
		db_bind_tunable(st, at++, config_tunable(i),
		    config_get(rn->rn_config, i));
	return 0;
}

/* begin_sql: sqlite3_free()d by the caller; NULL without memory. */
static char *
begin_sql(struct db *db)
{
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);

	sqlite3_str_appendf(sql, "INSERT INTO run(%s", begin_columns);
	for (size_t i = 0; i < config_count(); i++)
		sqlite3_str_appendf(sql, ",\"%w\"", config_tunable(i)->tn_name);
	sqlite3_str_appendall(sql, ") VALUES(?");
	for (size_t i = 1; i < BEGIN_NCOLUMNS + config_count(); i++)
		sqlite3_str_appendall(sql, ",?");
	sqlite3_str_appendall(sql, ")");
	return sqlite3_str_finish(sql);
}

int
db_run_begin(struct db *db, const struct db_run *rn, int64_t *runp,
    struct errmsg *em)
{
	static const char doing[] = "beginning a run";
	char *sql = begin_sql(db);
	sqlite3_stmt *st = NULL;
	int error;

	if (sql == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    doing);
	if ((error = db_prepare(db, sql, &st, em)) != 0)
		goto out;
	if ((error = begin_bind(st, rn)) != 0) {
		errmsg_put(em, "%s: %s: %s", db->db_path, doing,
		    errno_text(error));
		goto out;
	}
	if ((error = db_step(db, st, doing, em)) != 0)
		goto out;
	*runp = sqlite3_last_insert_rowid(db->db_sq);
	(void)sqlite3_busy_timeout(db->db_sq, DB_WAIT_RUN);
out:
	(void)sqlite3_finalize(st);
	sqlite3_free(sql);
	return error;
}

/* config_read: the tunables of run, as their JSON text has them, into cf. */
static int
config_read(const struct db *db, int64_t run, const char *text,
    struct config *cf, struct errmsg *em)
{
	json_t *obj = json_loads(text, 0, NULL);
	const char *name;
	json_t *value;
	int error = 0;

	if (json_memory_failed()) {
		json_decref(obj);
		return ERRMSG(em, ENOMEM, "%s: run %" PRId64 ": out of memory",
		    db->db_path, run);
	}
	if (!json_is_object(obj)) {
		json_decref(obj);
		return ERRMSG(em, EINVAL,
		    "%s: run %" PRId64 ": column tunables is not the text that "
		    "uvn wrote",
		    db->db_path, run);
	}
	json_object_foreach(obj, name, value)
	{
		struct errmsg why = { .em_text = "" };

		error = config_assign(cf, name,
		    json_is_string(value) ? json_string_value(value) : "",
		    &why);
		if (error != 0) {
			errmsg_put(em, "%s: run %" PRId64 ": %s", db->db_path,
			    run, why.em_text);
			break;
		}
	}
	json_decref(obj);
	return error;
}

int
db_run_config(struct db *db, int64_t run, struct config *cf, struct errmsg *em)
{
	static const char doing[] = "reading a run's tunables";
	sqlite3_stmt *st = NULL;
	struct config got;
	int error =
	    db_prepare(db, "SELECT tunables FROM run WHERE id = ?", &st, em);

	if (error != 0)
		return error;
	config_init(&got);
	(void)sqlite3_bind_int64(st, 1, run);
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		error = config_read(db, run,
		    (const char *)sqlite3_column_text(st, 0), &got, em);
		break;
	case SQLITE_DONE:
		error = ERRMSG(em, ENOENT,
		    "%s: there is no run %" PRId64 "; SELECT id FROM run "
		    "lists them",
		    db->db_path, run);
		break;
	default:
		error = db_error(db, em, doing);
		break;
	}
	(void)sqlite3_finalize(st);
	if (error == 0)
		*cf = got;
	return error;
}

/*
 * gone: has the process of this run or sweep ended?
 *
 * => st selects id, host, boot, pid, pid_start
 * => of another host we cannot know: no
 */
static bool
gone(sqlite3_stmt *st, const struct host_facts *hf)
{
	const char *host = (const char *)sqlite3_column_text(st, 1);
	const char *boot = (const char *)sqlite3_column_text(st, 2);
	const int64_t pid = sqlite3_column_int64(st, 3);
	const uint64_t start = (uint64_t)sqlite3_column_int64(st, 4);

	if (host == NULL || strcmp(host, hf->hf_host) != 0)
		return false;
	if (boot != NULL && strcmp(boot, hf->hf_boot) != 0)
		return true;
	const uint64_t now = host_pid_start(pid);
	return now == 0 || now != start;
}

/* mark_gone: the rows of table, run or sweep, whose process has ended. */
static int
mark_gone(struct db *db, const char *table, const struct host_facts *hf,
    struct errmsg *em)
{
	static const char doing[] = "marking what is unfinished";
	sqlite3_stmt *st = NULL;
	sqlite3_str *sql = sqlite3_str_new(db->db_sq);
	char select[96];
	size_t n = 0;
	int error, rc;

	sqlite3_str_appendf(sql,
	    "UPDATE %s SET status = 'unfinished',"
	    " reason = 'its process ended without a word'"
	    " WHERE status = 'running' AND id IN (0",
	    table);
	(void)sqlite3_snprintf(sizeof(select), select,
	    "SELECT id, host, boot, pid, pid_start FROM %s"
	    " WHERE status = 'running'",
	    table);
	error = db_prepare(db, select, &st, em);
	if (error == 0) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			if (gone(st, hf)) {
				n++;
				sqlite3_str_appendf(sql, ",%lld",
				    sqlite3_column_int64(st, 0));
			}
		if (rc != SQLITE_DONE)
			error = db_error(db, em, doing);
	}
	/* Ends the reading: a reader cannot wait for another's write. */
	(void)sqlite3_finalize(st);
	sqlite3_str_appendall(sql, ")");
	char *text = sqlite3_str_finish(sql);
	if (error == 0 && n > 0)
		error = text == NULL ?
		    ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
			doing) :
		    db_exec(db, text, doing, em);
	sqlite3_free(text);
	return error;
}

int
db_run_sweep(struct db *db, struct errmsg *em)
{
	struct host_facts hf;
	int error;

	host_facts(&hf);
	if ((error = mark_gone(db, "run", &hf, em)) != 0)
		return error;
	return mark_gone(db, "sweep", &hf, em);
}
