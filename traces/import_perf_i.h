/*
 * What import_perf.c (lines, calls, faults) and import_perf_map.c (maps, tasks)
 * share.
 *
 * Private to import_perf*.c.
 */
#ifndef TRACES_IMPORT_PERF_I_H
#define TRACES_IMPORT_PERF_I_H

#include "traces/fault.h"
#include "traces/import_raw.h"
#include "traces/scan.h"
#include "traces/tids.h"

/* What a thread is in. */
enum where {
	AT_USER, /* no call that is recorded */
	AT_CALL, /* pt_sys; RAW_NSYS: another one */
	AT_EXEC, /* its new image is being mapped */
};

struct perf_thread {
	enum where pt_where;
	enum raw_sysno pt_sys;
	struct fault_last pt_fault;
};

struct perf {
	struct raw_out pf_out;
	bool pf_code;
	bool pf_calls;	/* mmap(2) is among the calls that are recorded */
	bool pf_faults; /* there was one */
	bool pf_maps;
	uint64_t pf_begin; /* of the recording: the first time that is none */
	struct tids pf_threads;
	struct errmsg *pf_em; /* of the line at hand */
};

/* A line, but for its beginning, and the thread it is of. */
struct perf_line {
	struct scan pl_rest;
	struct perf_thread *pl_thread;
	struct raw pl_raw; /* time, process, thread */
};

/* import_perf.c */

/* EBADMSG, said with what is left. */
int perf_bad(struct perf *pf, const struct perf_line *pl, const char *what)
    mustcheck;
int perf_put(struct perf *pf, const struct raw *rw) mustcheck;

/*
 * import_perf_map.c: what stands behind "PERF_RECORD_MMAP2 ", ...
 */
int perf_map(struct perf *pf, struct perf_line *pl) mustcheck;
int perf_exec(struct perf *pf, struct perf_line *pl) mustcheck;
int perf_fork(struct perf *pf, struct perf_line *pl) mustcheck;
int perf_exit(struct perf *pf, struct perf_line *pl) mustcheck;

#endif
