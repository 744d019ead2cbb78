/*
 * db_result.c: the end of a run, in one transaction.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/db_impl.h"

static const char ending[] = "ending a run";

static int
end_run(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	char finished[DB_STAMP_MAX];
	int error;

	error = db_prepare(db,
	    "UPDATE run SET status = ?, reason = ?, finished = ?, digest = ?,"
	    " events = ?, accesses = ?, wall_ns = ?, cpu_ns = ?, verify = ?"
	    " WHERE id = ?",
	    &st, em);
	if (error != 0)
		return error;
	db_stamp(finished);
	db_bind_text(st, 1, rs->rs_status);
	db_bind_text(st, 2, rs->rs_reason);
	db_bind_text(st, 3, finished);
	db_bind_text(st, 4, rs->rs_digest);
	db_bind_u64(st, 5, rs->rs_events);
	db_bind_u64(st, 6, rs->rs_exp->accesses);
	db_bind_u64(st, 7, rs->rs_wall_ns);
	db_bind_u64(st, 8, rs->rs_cpu_ns);
	db_bind_text(st, 9, rs->rs_verify);
	(void)sqlite3_bind_int64(st, 10, run);
	error = db_step(db, st, ending, em);
	if (error == 0 && sqlite3_changes(db->db_sq) != 1)
		error = ERRMSG(em, ENOENT, "%s: %s: there is no run %" PRId64,
		    db->db_path, ending, run);
	(void)sqlite3_finalize(st);
	return error;
}

/* counter_value: the i-th field of exp, which holds nothing but counters. */
static uint64_t
counter_value(const struct uvmexp *exp, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)exp + i * sizeof(v), sizeof(v));
	return v;
}

static int
end_counters(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error =
	    db_prepare(db, "INSERT INTO counter VALUES(?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < uvm_stat_count; i++) {
		db_bind_text(st, 2, uvm_stat_table[i].uc_name);
		db_bind_u64(st, 3, counter_value(rs->rs_exp, i));
		error = db_step(db, st, ending, em);
	}
	for (size_t i = 0; error == 0 && i < rs->rs_nvalues; i++) {
		db_bind_text(st, 2, rs->rs_names[i]);
		db_bind_u64(st, 3, rs->rs_values[i]);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

/* put_times: columns min..histogram; NULL if h timed nothing. */
static int
put_times(struct db *db, sqlite3_stmt *st, int at, const struct hist *h,
    struct errmsg *em)
{
	static const double quantile[] = { 0.5, 0.9, 0.99, 0.999 };
	char *text;

	if (h == NULL || h->h_count == 0) {
		for (int i = 0; i < 8; i++)
			(void)sqlite3_bind_null(st, at + i);
		return 0;
	}
	if ((text = hist_text(h)) == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    ending);
	db_bind_u64(st, at++, h->h_min);
	(void)sqlite3_bind_double(st, at++, hist_mean(h));
	for (size_t i = 0; i < nitems(quantile); i++)
		db_bind_u64(st, at++, hist_quantile(h, quantile[i]));
	db_bind_u64(st, at++, h->h_max);
	db_bind_text(st, at, text);
	free(text);
	return 0;
}

/* latency_row: one kind and outcome, unless nothing was counted. */
static int
latency_row(struct db *db, sqlite3_stmt *st, const struct hist *h,
    uint64_t untimed, struct errmsg *em)
{
	const uint64_t timed = h == NULL ? 0 : h->h_count;
	int error;

	if (timed + untimed == 0)
		return 0;
	db_bind_u64(st, 4, timed + untimed);
	db_bind_u64(st, 5, timed);
	if ((error = put_times(db, st, 6, h, em)) != 0)
		return error;
	return db_step(db, st, ending, em);
}

static int
end_latency(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT INTO latency VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (int i = 0; error == 0 && i < OP_NKINDS * OUTCOME_NOUTCOMES; i++) {
		const int kind = i / OUTCOME_NOUTCOMES;
		const int outcome = i % OUTCOME_NOUTCOMES;
		const struct hist *h = rs->rs_latency == NULL ?
		    NULL :
		    rs->rs_latency[kind][outcome];
		const uint64_t untimed =
		    rs->rs_untimed == NULL ? 0 : rs->rs_untimed[kind][outcome];

		db_bind_text(st, 2, opkind_name[kind]);
		db_bind_text(st, 3, outcome_name[outcome]);
		error = latency_row(db, st, h, untimed, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

/* From the time each operation was due; nothing without pace. */
static int
end_response(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT INTO response VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (int i = 0; error == 0 && rs->rs_response != NULL &&
	     i < OP_NKINDS * OUTCOME_NOUTCOMES;
	     i++) {
		const int kind = i / OUTCOME_NOUTCOMES;
		const int outcome = i % OUTCOME_NOUTCOMES;
		const struct hist *h = rs->rs_response[kind][outcome];

		if (h == NULL || h->h_count == 0)
			continue;
		db_bind_text(st, 2, opkind_name[kind]);
		db_bind_text(st, 3, outcome_name[outcome]);
		db_bind_u64(st, 4, h->h_count);
		if ((error = put_times(db, st, 5, h, em)) == 0)
			error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_lateness(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error;

	if (rs->rs_lateness == NULL)
		return 0;
	error = db_prepare(db,
	    "INSERT INTO lateness VALUES(?,?,?,?,?,?,?,?,?,?)", &st, em);
	if (error == 0) {
		(void)sqlite3_bind_int64(st, 1, run);
		db_bind_u64(st, 2, rs->rs_lateness->h_count);
		error = put_times(db, st, 3, rs->rs_lateness, em);
	}
	if (error == 0)
		error = db_step(db, st, ending, em);
	(void)sqlite3_finalize(st);
	return error;
}

/* Columns thread, role, tid; tid is NULL for all but one of the trace. */
static void
put_thread(sqlite3_stmt *st, int at, const struct db_thread *th)
{

	db_bind_u64(st, at++, th->th_n);
	db_bind_text(st, at++, role_name[th->th_role]);
	if (th->th_role == ROLE_TRACE)
		db_bind_u64(st, at, th->th_tid);
	else
		(void)sqlite3_bind_null(st, at);
}

static int
end_waits(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error =
	    db_prepare(db, "INSERT INTO wait VALUES(?,?,?,?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < rs->rs_nwaits; i++) {
		const struct db_wait *wt = &rs->rs_waits[i];

		put_thread(st, 2, &wt->wt_thread);
		db_bind_text(st, 5, uvm_wait_table[wt->wt_kind].uw_name);
		db_bind_u64(st, 6, wt->wt_count);
		db_bind_u64(st, 7, wt->wt_ns);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_threads(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT INTO thread_latency VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", &st,
	    em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < rs->rs_nthreads; i++) {
		const struct db_thread_latency *tl = &rs->rs_threads[i];
		const uint64_t value[] = { tl->tl_p50, tl->tl_p90, tl->tl_p99,
			tl->tl_p999, tl->tl_max };

		put_thread(st, 2, &tl->tl_thread);
		db_bind_text(st, 5, opkind_name[tl->tl_kind]);
		db_bind_u64(st, 6, tl->tl_count);
		db_bind_u64(st, 7, tl->tl_min);
		(void)sqlite3_bind_double(st, 8, tl->tl_mean);
		for (size_t j = 0; j < nitems(value); j++)
			db_bind_u64(st, (int)j + 9, value[j]);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_clusters(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	static const char
	    *const direction[] = { [UVM_READ] = "in", [UVM_WRITE] = "out" };
	sqlite3_stmt *st = NULL;
	int error =
	    db_prepare(db, "INSERT INTO cluster VALUES(?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < 2 * rs->rs_cluster_max; i++) {
		const uint64_t *count = rs->rs_cluster[i % 2];
		const size_t pages = i / 2 + 1;

		if (count == NULL || count[pages] == 0)
			continue;
		db_bind_text(st, 2, direction[i % 2]);
		db_bind_u64(st, 3, pages);
		db_bind_u64(st, 4, count[pages]);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_intervals(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT INTO interval VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < rs->rs_nintervals; i++) {
		const struct db_interval *in = &rs->rs_intervals[i];
		const uint64_t value[] = { i, in->in_time, in->in_accesses,
			in->in_mapped + in->in_resident, in->in_mapped,
			in->in_resident, in->in_misses, in->in_dirty,
			in->in_free, in->in_active, in->in_inactive,
			in->in_bytes_in, in->in_bytes_out };

		for (size_t j = 0; j < nitems(value); j++)
			db_bind_u64(st, (int)j + 2, value[j]);
		db_bind_u64(st, 15, in->in_real);
		(void)sqlite3_bind_double(st, 16,
		    in->in_real == 0 ?
			0 :
			(double)in->in_depth / (double)in->in_real);
		db_bind_u64(st, 17, in->in_depth_most);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_flush_totals(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	static const char *const method[] = { "hash", "list" };
	sqlite3_stmt *st = NULL;
	int error = db_prepare(db,
	    "INSERT INTO flush_total VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && rs->rs_flush_total != NULL &&
	     i < (size_t)2 * FLUSH_NCALLER;
	     i++) {
		const struct db_flush_total *ft =
		    &rs->rs_flush_total[i / 2][i % 2];
		const uint64_t value[] = { ft->ft_flushes, ft->ft_range_pages,
			ft->ft_object_pages, ft->ft_visits, ft->ft_lookups,
			ft->ft_cleaned, ft->ft_writes, ft->ft_cpu_ns,
			ft->ft_latency_ns };

		if (ft->ft_flushes == 0)
			continue;
		db_bind_text(st, 2,
		    uvm_flush_caller_name((enum uvm_flush_caller)(i / 2)));
		db_bind_text(st, 3, method[i % 2]);
		for (size_t j = 0; j < nitems(value); j++)
			db_bind_u64(st, (int)j + 4, value[j]);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_perf(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error =
	    db_prepare(db, "INSERT INTO event VALUES(?,?,?,?,?,?,?)", &st, em);

	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < rs->rs_nperf; i++) {
		const struct db_event *ev = &rs->rs_perf[i];
		const uint64_t value[] = { ev->ev_value, ev->ev_enabled,
			ev->ev_running };

		db_bind_text(st, 2, ev->ev_phase);
		db_bind_text(st, 3, ev->ev_name);
		for (size_t j = 0; j < nitems(value); j++)
			if (ev->ev_reason == NULL)
				db_bind_u64(st, (int)j + 4, value[j]);
			else
				(void)sqlite3_bind_null(st, (int)j + 4);
		db_bind_text(st, 7, ev->ev_reason);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

static int
end_inject(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	sqlite3_stmt *st = NULL;
	int error;

	if (rs->rs_ninject == 0)
		return 0;
	error = db_prepare(db, "INSERT INTO inject VALUES(?,?,?,?,?)", &st, em);
	if (error == 0)
		(void)sqlite3_bind_int64(st, 1, run);
	for (size_t i = 0; error == 0 && i < rs->rs_ninject; i++) {
		db_bind_u64(st, 2, i);
		db_bind_text(st, 3, rs->rs_inject[i].ij_text);
		db_bind_u64(st, 4, rs->rs_inject[i].ij_seen);
		db_bind_u64(st, 5, rs->rs_inject[i].ij_hit);
		error = db_step(db, st, ending, em);
	}
	(void)sqlite3_finalize(st);
	return error;
}

int
db_run_end(struct db *db, int64_t run, const struct db_result *rs,
    struct errmsg *em)
{
	int error = db_exec(db, "BEGIN IMMEDIATE", ending, em);

	if (error != 0)
		return error;
	if ((error = end_run(db, run, rs, em)) != 0 ||
	    (error = end_counters(db, run, rs, em)) != 0 ||
	    (error = end_latency(db, run, rs, em)) != 0 ||
	    (error = end_response(db, run, rs, em)) != 0 ||
	    (error = end_lateness(db, run, rs, em)) != 0 ||
	    (error = end_waits(db, run, rs, em)) != 0 ||
	    (error = end_threads(db, run, rs, em)) != 0 ||
	    (error = end_clusters(db, run, rs, em)) != 0 ||
	    (error = end_intervals(db, run, rs, em)) != 0 ||
	    (error = end_flush_totals(db, run, rs, em)) != 0 ||
	    (error = end_perf(db, run, rs, em)) != 0 ||
	    (error = end_inject(db, run, rs, em)) != 0 ||
	    (error = db_exec(db, "COMMIT", ending, em)) != 0)
		db_rollback(db);
	return error;
}
