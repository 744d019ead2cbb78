/*
 * record: traces of real programs, recorded or imported.
 *
 *	struct record_select	which files go into a trace
 *	struct record_report	what came of it, and what could not be seen
 *	trace_import()		a trace of another tool's output
 *	trace_export()		a trace for another tool
 *	record_run()		run a program and record it
 *	record_salvage()	a trace of what a killed recorder left
 *
 * Layer 1, as trace.h.
 */
#ifndef TRACES_RECORD_H
#define TRACES_RECORD_H

#include "traces/trace.h"

/* A window without bounds: first touches only. */
#define RECORD_INF UINT64_MAX

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

/* What came of it. */
struct record_report {
	uint64_t rr_events, rr_files;
	uint64_t rr_count[RECORD_NCOUNTS];
};

/* The outside formats, a row each; import.c. */
struct trace_format {
	const char *fm_name; /* --format NAME */
	const char *fm_help; /* one line */
	bool fm_import, fm_export;
	bool fm_access; /* has no maps of its own: every file is one map */
};

extern const struct trace_format trace_formats[];
extern const size_t trace_nformats;
const struct trace_format *trace_format_find(const char *name);

struct trace_import_param {
	struct record_select ip_select;
	uint32_t ip_page;   /* page size of the trace to make */
	uint64_t ip_window; /* 0: as the format has it */
	uint64_t ip_size;   /* bytes of an object or device; 0: as used */
	bool ip_base_names; /* keep the last part of each path only */
	bool ip_strict;	    /* a line not understood is an error */
};

/*
 * Make a trace at to of the file at from, in a format of trace_formats[]; it
 * may be zstd-compressed.
 *
 * => EINVAL, EILSEQ: em names file and line
 */
int trace_import(const struct trace_format *fm, const char *from,
    const struct trace_import_param *ip, const char *to, enum trace_form form,
    struct record_report *rr, struct errmsg *em) mustcheck;

/* The other way: write what tr has left to a file at to. */
int trace_export(const struct trace_format *fm, struct trace_reader *tr,
    const char *to, struct record_report *rr, struct errmsg *em) mustcheck;

#endif
