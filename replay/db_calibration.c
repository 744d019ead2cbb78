/*
 * db_calibration.c: table calibration.
 */
#include <errno.h>

#include "replay/calibrate.h"
#include "replay/db_impl.h"
#include "replay/host.h"
#include "replay/replay.h"

static const char storing[] = "storing a calibration";

static void
bind_row(sqlite3_stmt *st, int at, const struct cal_row *cr)
{
	const struct cal_value *const value[] = { &cr->cr_list, &cr->cr_lookup,
		&cr->cr_break_even };

	db_bind_u64(st, at++, cr->cr_pages);
	db_bind_text(st, at++, cal_frames_name[cr->cr_frames]);
	db_bind_text(st, at++, cal_present_name[cr->cr_present]);
	db_bind_text(st, at++, cr->cr_cold ? "cold" : "warm");
	db_bind_u64(st, at++, cr->cr_repeats);
	for (size_t i = 0; i < nitems(value); i++) {
		(void)sqlite3_bind_double(st, at++, value[i]->cv_median);
		(void)sqlite3_bind_double(st, at++, value[i]->cv_low);
		(void)sqlite3_bind_double(st, at++, value[i]->cv_high);
	}
}

/* What all rows of a session have; the session's number is made here. */
static int
prepare(struct db *db, const struct calibration *ca, const char *command,
    sqlite3_stmt **stp, struct errmsg *em)
{
	struct host_facts hf;
	char started[DB_STAMP_MAX];
	int error = db_prepare(db,
	    "INSERT INTO calibration(session, started, host, kernel, cpu, core,"
	    " version, revision, compiler, seed, command, pages, frames,"
	    " present, caches, repeats, list_ns, list_low, list_high,"
	    " lookup_ns, lookup_low, lookup_high, break_even, break_even_low,"
	    " break_even_high) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
	    "?,?,?,?,?)",
	    stp, em);

	if (error != 0)
		return error;
	host_facts(&hf);
	db_stamp(started);
	db_bind_text(*stp, 2, started);
	db_bind_known(*stp, 3, hf.hf_host);
	db_bind_known(*stp, 4, hf.hf_kernel);
	db_bind_known(*stp, 5, hf.hf_cpu);
	if (ca->ca_core >= 0)
		(void)sqlite3_bind_int(*stp, 6, ca->ca_core);
	db_bind_text(*stp, 7, UVN_VERSION);
	db_bind_known(*stp, 8, host_revision());
	db_bind_text(*stp, 9, host_compiler());
	db_bind_u64(*stp, 10, ca->ca_seed);
	db_bind_text(*stp, 11, command);
	return 0;
}

/* A number no session has yet. => within a transaction that may write */
static int
new_session(struct db *db, int64_t *sessionp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "SELECT coalesce(max(session), 0) + 1 FROM calibration", &st, em);

	if (error == 0 && sqlite3_step(st) == SQLITE_ROW)
		*sessionp = sqlite3_column_int64(st, 0);
	else if (error == 0)
		error = db_error(db, em, storing);
	(void)sqlite3_finalize(st);
	return error;
}

static int
put(struct db *db, const struct calibration *ca, const char *command,
    int64_t *sessionp, struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error;

	if ((error = new_session(db, sessionp, em)) != 0 ||
	    (error = prepare(db, ca, command, &st, em)) != 0)
		return error;
	(void)sqlite3_bind_int64(st, 1, *sessionp);
	for (size_t i = 0; i < ca->ca_n && error == 0; i++) {
		bind_row(st, 12, &ca->ca_row[i]);
		error = db_step(db, st, storing, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
db_calibration_put(struct db *db, const struct calibration *ca,
    const char *command, int64_t *sessionp, struct errmsg *em)
{
	int error = db_exec(db, "BEGIN IMMEDIATE", storing, em);

	if (error != 0)
		return error;
	if ((error = put(db, ca, command, sessionp, em)) != 0 ||
	    (error = db_exec(db, "COMMIT", storing, em)) != 0)
		db_rollback(db);
	return error;
}
