/*
 * What tests of importers and exporters share.  In the current folder they use
 * the files in, in.zst, out.uvt.
 */
#ifndef TESTS_TRACES_IMPORTTEST_H
#define TESTS_TRACES_IMPORTTEST_H

#include "tests/traces/tracetest.h"
#include "traces/record.h"

/* As SETTINGS() of nothing. */
#define NO_SETTINGS                                                            \
	(const char *const[])                                                  \
	{                                                                      \
		NULL                                                           \
	}

/* An import and what came of it. */
struct imported {
	struct trace_import_param it_param;
	struct record_report it_report;
	struct errmsg it_em;
	int it_error;
	struct trace_event *it_ev; /* free with imported_fini() */
	size_t it_n;
};

/*
 * Begin: rows of import_table as "name=value".
 *
 * => the rest of it_param is the caller's to set
 */
void import_with(struct imported *it, const char *const *settings);

/* Import len bytes; it_error and, if it is 0, it_ev say what came of it. */
void import_bytes(struct imported *it, const char *format, const void *data,
    size_t len);
void import_text(struct imported *it, const char *format, const char *text);

/* Import the file at path, which is of the source tree unless it begins with
 * "./"; it has to work. */
void import_path(struct imported *it, const char *format, const char *path);
void imported_fini(struct imported *it);

/* The text is refused with EINVAL; the message has each of the words. */
void import_refused(const char *format, const char *text, const char *word,
    const char *word2);

/* The preamble of out.uvt has the line. */
void head_has(const char *line);

/*
 * The events are these, in text: "op file map offset length flags", one a line,
 * with flags as in CSV; a line "t N ..." has its time, too.
 */
void events_are(const struct imported *it, const char *text);

/* Export the trace at path; it has to work. */
void export_path(const char *format, const char *path, const char *to,
    const char *const *settings, struct record_report *rr);

/* The files of the trace at path: "size path", one a line. */
void files_are(const char *path, const char *text);

#endif
