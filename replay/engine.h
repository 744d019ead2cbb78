/*
 * engine: drive the pager with a trace, measure, store.
 */
#ifndef REPLAY_ENGINE_H
#define REPLAY_ENGINE_H

#include "pager/backend_inject.h"
#include "replay/config.h"
#include "replay/db.h"

struct trace_image;

/* A file of the user's to replay a trace file on. */
struct engine_file {
	uint32_t ef_file;
	const char *ef_path;
};

/* A rule of --inject. */
struct engine_inject {
	const char *ei_text;
	struct inject_rule ei_rule;
};

/* One replay, as the command line asks for it. */
struct engine_job {
	struct config *ej_config; /* resolved */
	const char *ej_trace;	  /* path */
	/* Its events, if they are decoded already; NULL: read ej_trace. */
	const struct trace_image *ej_image;
	const char *ej_dir; /* for backing files */
	const struct engine_file *ej_files;
	size_t ej_nfiles;
	const struct engine_inject *ej_inject;
	size_t ej_ninject;
	bool ej_overwrite; /* backing files that are no run's, too */
	bool ej_verify;
	bool ej_paranoid;    /* uvm_check() after every event */
	bool ej_salvage;     /* leave out damaged blocks of a .uvt */
	bool ej_progress;    /* a progress line on stderr */
	uint64_t ej_history; /* events of UVMHIST to dump at the end */
	struct db *ej_db;    /* NULL: store nothing */
	const char *ej_command;
	uint64_t ej_seed;
	uint64_t ej_repeat;    /* 0.. */
	int64_t ej_sweep;      /* row in table sweep; 0: none */
	const char *ej_cell;   /* key of the sweep's cell; NULL: none */
	bool ej_flush_both;    /* dry walks of both methods at each flush */
	const char *ej_events; /* perf events to count: a,b,c; NULL: none */
};

/* How often, and how long in ticks of the clock, a kind of wait was. */
struct engine_wait {
	uint64_t ew_count, ew_ticks;
};

/* Threads of a trace that have latencies and waits of their own. */
#define THREADS_MAX 64

/* What came of it; engine_report_fini() frees what it holds. */
struct engine_report {
	const char *er_status; /* as in table run */
	int er_exit;	       /* enum uvn_exit */
	int64_t er_run;	       /* row in table run, 0 without db */
	char er_digest[33];
	uint64_t er_events, er_wall_ns, er_cpu_ns;
	uint64_t er_rows, er_waits;	       /* of the writer */
	uint64_t er_bad_blocks, er_bad_events; /* left out of a damaged trace */
	/* Of the recording, if it is too large for the memory; else 0. */
	uint64_t er_window_pages;
	uint64_t er_lost; /* records, when it was recorded */
	struct uvmexp er_exp;
	const char *er_verify; /* "off", "passed", "failed" */
	struct hist *er_latency[OP_NKINDS][OUTCOME_NOUTCOMES];
	uint64_t er_untimed[OP_NKINDS][OUTCOME_NOUTCOMES];
	/* With pace: from the time each was due, and how late events began. */
	struct hist *er_response[OP_NKINDS][OUTCOME_NOUTCOMES];
	struct hist *er_lateness; /* NULL without */
	struct engine_wait er_wait[UVM_NWAITS];
	bool er_folded; /* the trace has more than THREADS_MAX threads */
	/* Rows of table event, and how many phases they have and lack. */
	struct db_event *er_perf;
	size_t er_nperf, er_phases;
	uint64_t er_phases_lost;
	struct db_inject *er_inject; /* rows of table inject */
	size_t er_ninject;
	/* With verify: pages lost by permission; of those, by failed writes. */
	uint64_t er_verify_lost, er_verify_unwritten;
	struct errmsg er_em; /* why, if er_exit is not 0 */
};

/*
 * Do it.  Returns er_exit.  SIGINT and SIGTERM end it cleanly, with what was
 * done stored as "interrupted".
 */
int engine_run(const struct engine_job *ej, struct engine_report *er);

/* The same with threads=trace, which engine_run() comes to. */
int engine_run_threads(const struct engine_job *ej, struct engine_report *er);
void engine_report_fini(struct engine_report *er);

#endif
