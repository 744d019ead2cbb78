/*
 * record: traces of real programs, recorded or imported.
 *
 *	struct record_select	which files go into a trace
 *	struct record_report	what came of it, and what could not be seen
 *	trace_import()		a trace of another tool's output
 *	trace_export()		a trace for another tool
 *	record_check()		which modes the host allows
 *	record_run()		run a program and record it
 *	record_salvage()	a trace of what a killed recorder left
 *
 * Layer 1, as trace.h.
 */
#ifndef TRACES_RECORD_H
#define TRACES_RECORD_H

#include <signal.h>

#include "traces/trace.h"

/* A window without bounds: first touches only. */
#define RECORD_INF TRACE_INF

/* What was not seen, or in part: record_count.def. */
enum record_count {
#define COUNT(NAME, name, help) RECORD_##NAME,
#include "traces/record_count.def"
#undef COUNT
	RECORD_NCOUNTS
};

extern const char *const record_count_name[RECORD_NCOUNTS];
extern const char *const record_count_help[RECORD_NCOUNTS];

/*
 * Which files are wanted: those that were mapped, and that match one of the
 * patterns to take (if there are any) and none of those to leave, as
 * fnmatch(3) without flags matches the path or its last part.
 */
struct record_select {
	const char *const *rs_only, *const *rs_except;
	size_t rs_nonly, rs_nexcept;
	bool rs_code; /* take programs and libraries, and the C library's own */
	bool rs_unmapped; /* take files that were never mapped, too */
};

/* Does one of n patterns match the path, or its last part? */
bool record_match(const char *path, const char *const *patterns, size_t n);

/* Do the patterns of rs let the path in? */
bool record_wants(const struct record_select *rs, const char *path);

/* What came of it. */
struct record_report {
	uint64_t rr_events, rr_files; /* export: entries; files */
	uint64_t rr_count[RECORD_NCOUNTS];
	uint64_t rr_left[TRACE_NOPS]; /* export: events it has no word for */
	bool rr_output; /* what failed is the output, not the input */
};

/*
 * What importers may be told, a row each in import_param.def; and exporters,
 * in export_param.def.
 */
struct import_param {
#define TUNABLE(field, kind, def, min, max, unit, choices, help) uint64_t field;
#include "traces/import_param.def"
#undef TUNABLE
};

struct export_param {
#define TUNABLE(field, kind, def, min, max, unit, choices, help) uint64_t field;
#include "traces/export_param.def"
#undef TUNABLE
};

extern const struct tunable import_table[], export_table[];
extern const size_t import_count, export_count;

struct import;
struct exporter;

/* The outside formats, a row each in import.c. */
struct trace_format {
	const char *fm_name; /* --format NAME */
	const char *fm_help; /* one line */
	/* Rows of import_table and export_table that it looks at, "a b". */
	const char *fm_takes, *fm_gives;
	/* import_i.h; NULL: it cannot be imported, or not be exported. */
	int (*fm_read)(struct import *im, struct errmsg *em);
	int (*fm_write)(struct exporter *ex, struct errmsg *em);
};

extern const struct trace_format trace_formats[];
extern const size_t trace_nformats;
const struct trace_format *trace_format_find(const char *name);

/* Is that row among those of fm_takes, or of fm_gives? */
bool trace_format_has(const char *rows, const char *name);

struct trace_export_param {
	struct export_param xp_param;
	const char *xp_dir; /* of the files that the output names; NULL */
};

struct trace_import_param {
	struct record_select ip_select;
	struct import_param ip_param;
	uint64_t ip_window; /* pages, or TRACE_INF; 0: as the format has it */
	bool ip_base_names; /* keep the last part of each path only */
	bool ip_lenient;    /* count lines that are not understood, and go on */
};

/* EINVAL: rows contradict each other, or none of them can be; em says which. */
int import_param_check(const struct import_param *ip, struct errmsg *em)
    mustcheck;

/*
 * Make a trace at to of the file at from ("-" is stdin), plain or
 * zstd-compressed.
 *
 * => the rows have been checked
 * => EINVAL, EILSEQ: malformed or damaged; em names file and line
 * => ENODATA: nothing in it makes an event
 * => *rr is filled in every case, as far as it went
 */
int trace_import(const struct trace_format *fm, const char *from,
    const struct trace_import_param *ip, const char *to, enum trace_form form,
    struct record_report *rr, struct errmsg *em) mustcheck;

/* EINVAL: the folder can be none in the output; em says why. */
int export_param_check(const struct trace_export_param *xp, struct errmsg *em)
    mustcheck;

/*
 * The other way: write what tr has left to a file at to ("-" is stdout),
 * zstd-compressed if its name ends in .zst.
 *
 * => the folder has been checked
 * => ENODATA: the format has a word for none of its events
 */
int trace_export(const struct trace_format *fm, struct trace_reader *tr,
    const struct trace_export_param *xp, const char *to,
    struct record_report *rr, struct errmsg *em) mustcheck;

/*
 * How a program is recorded; docs/recording.md.
 *
 *	RECORD_MODE(NAME, "name", "help")
 */
#define RECORD_MODES(RECORD_MODE)                                              \
	RECORD_MODE(KERNEL, "kernel",                                          \
	    "tracepoints of the kernel, and a library that arms maps")         \
	RECORD_MODE(PRELOAD, "preload",                                        \
	    "a library alone, by protection and SIGSEGV; no privilege")        \
	RECORD_MODE(VALGRIND, "valgrind",                                      \
	    "valgrind's lackey: every access, hundreds of times slower")

enum record_mode {
#define RECORD_MODE(NAME, name, help) RECORD_##NAME,
	RECORD_MODES(RECORD_MODE)
#undef RECORD_MODE
	    RECORD_NMODES,
	RECORD_AUTO = RECORD_NMODES, /* the first that the host allows */
};

extern const char *const record_mode_name[RECORD_NMODES];
extern const char *const record_mode_help[RECORD_NMODES];

/*
 * Does the host allow the mode?  For kernel, arming is tried: each page must
 * give one fault for reading and one for writing, each time anew.
 *
 * => folder: where a file may be made to try it on; NULL: /tmp
 * => 0, or an errno, and em says what is missing and how to get it
 */
int record_check(enum record_mode mode, const char *folder, struct errmsg *em)
    mustcheck;

struct record_param {
	enum record_mode rp_mode;
	uint64_t rp_window; /* pages, or RECORD_INF */
	struct record_select rp_select;
	bool rp_base_names;	/* keep the last part of each path only */
	char *const *rp_argv;	/* the program, NULL-ended */
	bool rp_to_stderr;	/* its standard output goes to standard error */
	const char *rp_version; /* of uvn, for the preamble */
	const char *rp_to;	/* the trace */
	enum trace_form rp_form;
	/* Signals to uvn so far, and the last one if the program has to be told
	 * of it; set by the caller's handlers.  The second ends all at once. */
	const volatile sig_atomic_t *rp_signals, *rp_signal;
};

struct record_done {
	enum record_mode rd_mode;
	struct errmsg rd_why; /* AUTO: why not the modes before it; or empty */
	int rd_status;	      /* of the program, as waitpid(2) has it */
	uint64_t rd_ns;	      /* that it took */
	uint64_t rd_records;
	bool rd_killed; /* by a second signal: no trace, but the spool */
	struct record_report rd_report;
};

/*
 * Run a program, record it and all processes that come from it until the last
 * has ended, and make a trace.  While it runs, the records are kept in a file
 * beside the trace (record_spool_name()), which is removed at the end.
 *
 * => ENOEXEC, ENOENT, EACCES: the program cannot be run, or not be recorded in
 *    the mode; em says why
 * => any error of writing: the spool is left, and em names it
 */
int record_run(const struct record_param *rp, struct record_done *rd,
    struct errmsg *em) mustcheck;

/* TRACE.recording; the caller's to free, NULL: no memory. */
char *record_spool_name(const char *to) mustcheck;

/*
 * Make a trace of what a recorder that was killed has left; the file stays.
 * Only rp_select, rp_base_names, rp_to and rp_form are looked at.
 */
int record_salvage(const char *spool, const struct record_param *rp,
    struct record_done *rd, struct errmsg *em) mustcheck;

#endif
