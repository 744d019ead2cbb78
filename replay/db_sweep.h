/*
 * db_sweep: tables sweep and sweep_cell.
 *
 * A sweep's row is "running" while its process is; db_open() makes it
 * "unfinished" when that is gone, as it does for runs.
 */
#ifndef REPLAY_DB_SWEEP_H
#define REPLAY_DB_SWEEP_H

#include "replay/db.h"

enum db_cell_status {
	CELL_PLANNED,
	CELL_COMPLETE,
	CELL_FAILED,
	CELL_INTERRUPTED,
};

/* As table sweep_cell spells them. */
extern const char *const db_cell_status_name[];

/* A row of sweep_cell. */
struct db_cell {
	const char *dc_trace;	 /* path */
	const char *dc_digest;	 /* of the trace */
	uint64_t dc_repeat;	 /* 0.. */
	const char *dc_tunables; /* JSON */
	char dc_key[33];	 /* of all that makes it what it is */
	enum db_cell_status dc_status;
	int64_t dc_run;	 /* 0: none */
	char *dc_reason; /* malloc'd; NULL: none */
};

/* What a sweep shows of a run. */
struct db_cell_result {
	uint64_t cr_wall_ns, cr_cpu_ns;
	uint64_t cr_accesses, cr_hits, cr_misses;
	uint64_t cr_writes;	  /* page-out I/Os */
	uint64_t cr_flush_cpu_ns; /* of the traversals of all flushes */
};

/* What is known when a sweep begins. */
struct db_sweep {
	const char *ds_definition; /* digest of what is swept */
	const char *ds_command;
	const char *ds_axes, *ds_traces; /* JSON */
	uint64_t ds_repeats, ds_seed, ds_jobs;
	bool ds_fresh; /* regardless of what the database has */
};

/*
 * Begin the sweep, or go on with the latest of the same definition.
 *
 * => *cells[i] is row i; those that a complete run of the same key exists for
 *    become complete and point to it, unless ds_fresh
 * => EBUSY: it is running now, in another process
 */
int db_sweep_begin(struct db *db, const struct db_sweep *ds,
    struct db_cell *const *cells, size_t n, int64_t *sweepp, bool *resumedp,
    struct errmsg *em) mustcheck;

/* End it: "complete", "failed", "interrupted"; reason may be NULL. */
int db_sweep_end(struct db *db, int64_t sweep, const char *status,
    const char *reason, struct errmsg *em) mustcheck;

/*
 * The processes that still run a cell of the sweep, though the one that started
 * them is gone: at most n of their ids into pids, *np of them.
 */
int db_sweep_orphans(struct db *db, int64_t sweep, int64_t *pids, size_t *np,
    struct errmsg *em) mustcheck;

/*
 * The complete run with the key, of this sweep if it has one, and else of any
 * unless fresh.
 *
 * => *runp is 0 if there is none
 */
int db_cell_find(struct db *db, int64_t sweep, const char *key, bool fresh,
    int64_t *runp, struct errmsg *em) mustcheck;

/* Store how cell n ended; one that is complete stays so. */
int db_cell_end(struct db *db, int64_t sweep, size_t n,
    const struct db_cell *dc, struct errmsg *em) mustcheck;

/*
 * The process of cell n has died: its run, if it got so far, into *dc, which
 * becomes complete if the run is; and store that.
 */
int db_cell_lost(struct db *db, int64_t sweep, size_t n, struct db_cell *dc,
    struct errmsg *em) mustcheck;

/* The results of a run; zero where the row has none. */
int db_cell_result(struct db *db, int64_t run, struct db_cell_result *cr,
    struct errmsg *em) mustcheck;

/*
 * Open a database to read from alone.
 *
 * => *dbp is NULL if there is none, or one of an earlier schema
 * => as db_open(), otherwise; nothing is written to it
 */
int db_peek(const char *path, struct db **dbp, struct errmsg *em) mustcheck;

/* The median time of the complete runs of a trace on a backend; *np of them. */
int db_median_wall(struct db *db, const char *digest, const char *backend,
    uint64_t *wallp, uint64_t *np, struct errmsg *em) mustcheck;

#endif
