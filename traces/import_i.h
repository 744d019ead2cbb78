/*
 * What importers and exporters of other tools' formats share.
 *
 *	import.c	the table of formats; trace_import()
 *	import_text.c	lines, words, numbers
 *	import_file.c	formats without addresses: files and requests
 *	import_raw.c	formats with addresses; import_raw.h lists their parsers
 *	import_NAME.c	an importer, and what reads it
 *	export.c	trace_export()
 *	export_NAME.c	an exporter
 *
 * An importer is a function fm_read(im, em) that reads the input to its end
 * and puts what it finds into im_sink: itself, by way of import_file.c, or by an
 * assembler of its own, whose counts it adds to im_count at the end:
 *
 *	char *line;
 *
 *	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
 *		if (!understood(line))
 *			error = import_malformed(im, em, "what is wrong");
 *		...
 *		if (error != 0)
 *			break;
 *	}
 *
 * Private to traces/.
 */
#ifndef TRACES_IMPORT_I_H
#define TRACES_IMPORT_I_H

#include <stdio.h>

#include "traces/record.h"
#include "traces/sink.h"
#include "traces/trace_i.h"

/* The choices of import_param.def. */
enum { IMPORT_AS_MAP, IMPORT_AS_IO };
enum { IMPORT_FLUSH_FSYNC, IMPORT_FLUSH_MSYNC };
enum { IMPORT_IDS_AUTO, IMPORT_IDS_PAGE, IMPORT_IDS_ORDER, IMPORT_IDS_SPLIT };

/* Bytes of a line, with its NUL. */
#define IMPORT_LINE_MAX 65536

struct import {
	const struct trace_format *im_format;
	const struct trace_import_param *im_param;
	const struct import_param *im_p; /* im_param's rows */
	const char *im_from;		 /* the input's path, as given */
	struct sink *im_sink;
	uint64_t im_count[RECORD_NCOUNTS];
	/* What the trace will say of itself; the importer's to set. */
	uint64_t im_window;
	enum trace_clock im_clock; /* real until then */
	FILE *im_notes;		   /* lines of provenance, each "#...\n" */
	/* The input: its beginning is there, and it is no zstd stream. */
	struct trace_in im_in;
	uint64_t im_line;    /* number of the line at hand, from 1 */
	const char *im_what; /* what lines are called */
	char *im_text;	     /* the line */
	/* import_file.c's: a tree of struct import_file. */
	void *im_files;
	uint32_t im_nmaps;
};

/* import.c */

/* Begin anew at the start of the input, which is no pipe: in_size is known. */
int import_rewind(struct import *im, struct errmsg *em) mustcheck;

/* import_text.c */

/*
 * The next line, without its newline and a carriage return before it; NUL
 * bytes in it are now '?'.
 *
 * => *linep is the caller's to change until the next call; NULL: the end
 * => lines too long are malformed
 */
int import_line(struct import *im, char **linep, struct errmsg *em) mustcheck;

/*
 * The line at hand is not understood; what says why, and what would be.
 *
 * => EINVAL; 0 if the user wants to go on: it is counted
 */
int import_malformed(struct import *im, struct errmsg *em, const char *fmt, ...)
    printflike(3, 4) mustcheck;

/* The next word of *pp, which is stepped over it; blanks separate words.  It is
 * NUL-ended in place; NULL: there is none. */
char *text_word(char **pp);

/* All of s is a number: decimal, hexadecimal with or without 0x. */
bool text_uint(const char *s, uint64_t *valp);
bool text_hex(const char *s, uint64_t *valp);

/* All of s is seconds with a fraction of any length, or none, as ns. */
bool text_seconds(const char *s, uint64_t *nsp);

/* import_file.c */

/* A file, or a device, that requests name. */
struct import_file {
	char *if_name;
	uint32_t if_id;	 /* in the sink */
	uint32_t if_map; /* of all of it; 0: --as io */
	uint64_t if_end; /* of what is used of it */
};

/* When and by whom a request was made. */
struct import_when {
	uint64_t iw_time; /* ns */
	uint32_t iw_pid, iw_tid;
};

/* The file of that name; it is made if there is none. */
int import_file(struct import *im, const char *name, struct import_file **fp,
    struct errmsg *em) mustcheck;

/*
 * It is read or written; flushed, as the flags of an fsync say; a part of it is
 * dropped.  What a request and a flush become is as the user has it.
 *
 * => offset + length is at most INT64_MAX
 */
int import_request(struct import *im, struct import_file *f,
    const struct import_when *iw, bool write, uint64_t offset, uint64_t length,
    struct errmsg *em) mustcheck;
int import_flush(struct import *im, struct import_file *f,
    const struct import_when *iw, uint32_t flags, uint64_t offset,
    uint64_t length, struct errmsg *em) mustcheck;
int import_discard(struct import *im, struct import_file *f,
    const struct import_when *iw, uint64_t offset, uint64_t length,
    struct errmsg *em) mustcheck;

/* An event of the file that has no map: open, close, ... */
int import_plain(struct import *im, struct import_file *f,
    const struct import_when *iw, enum trace_op op, struct errmsg *em)
    mustcheck;

/* No more requests: sizes are known, and which files are wanted. */
int import_files_finish(struct import *im, struct errmsg *em) mustcheck;
void import_files_fini(struct import *im);

/* import_raw.c */
int bpftrace_import(struct import *im, struct errmsg *em) mustcheck;
int lackey_import(struct import *im, struct errmsg *em) mustcheck;
int perf_script_import(struct import *im, struct errmsg *em) mustcheck;
int perf_trace_import(struct import *im, struct errmsg *em) mustcheck;
int strace_import(struct import *im, struct errmsg *em) mustcheck;

/* oracleGeneral, as import_oracle.c explains. */
struct __attribute__((packed)) oracle_request {
	uint32_t oq_time;
	uint64_t oq_id;
	uint32_t oq_size;
	int64_t oq_next;
};

_Static_assert(sizeof(struct oracle_request) == 24, "as it lies in files");

/* Of the number of an object, the page has the low bits, the file the rest. */
#define ORACLE_PAGE_BITS 40

/* export.c */

struct exporter {
	const struct trace_format *ex_format;
	const struct export_param *ex_p;
	const char *ex_dir; /* of the files that the output names; NULL */
	struct trace_reader *ex_reader;
	struct trace_out ex_out;
	const char *ex_to;
	uint64_t ex_entries, ex_files;
	bool ex_input;		      /* what failed is the input */
	uint64_t ex_left[TRACE_NOPS]; /* events it has no word for */
};

/* As trace_next(). */
int export_next(struct exporter *ex, const struct trace_event **evp, size_t *np,
    struct errmsg *em) mustcheck;

/* As out_put(); of PATH_MAX and a bit. */
int export_printf(struct exporter *ex, struct errmsg *em, const char *fmt, ...)
    printflike(3, 4) mustcheck;

/* The importers and exporters. */
int blkparse_import(struct import *im, struct errmsg *em) mustcheck;
int fio_import(struct import *im, struct errmsg *em) mustcheck;
int msr_import(struct import *im, struct errmsg *em) mustcheck;
int oracle_import(struct import *im, struct errmsg *em) mustcheck;
int fio_export(struct exporter *ex, struct errmsg *em) mustcheck;
int oracle_export(struct exporter *ex, struct errmsg *em) mustcheck;

#endif
