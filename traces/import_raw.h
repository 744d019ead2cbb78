/*
 * import_raw: text of tools that saw addresses and descriptors.
 *
 *	struct raw_out		where a parser puts what it has read
 *	struct text_format	a parser, and what its tool can see
 *
 * import_raw.c reads files of such formats: import_i.h has the functions.
 *
 * A parser is given line after line and makes raw records of them; the
 * assembler does the rest.
 *
 *	lackey.c, lackey_call.c	valgrind --tool=lackey
 *	import_perf.c		perf script
 *	import_ptrace.c		perf trace -F all
 *	import_strace.c		strace
 *	import_bpf.c		scripts/page-faults.bt
 *	order.c			records a little out of order, in order
 *	scan.c, scan_call.c, tids.c	what they share
 *
 * Private to traces/.
 */
#ifndef TRACES_IMPORT_RAW_H
#define TRACES_IMPORT_RAW_H

#include "traces/assemble.h"

/* Texts of records are the parser's, until ro_put returns. */
struct raw_out {
	int (*ro_put)(void *to, const struct raw *rw, struct errmsg *em);
	void *ro_to;
};

static inline int
raw_put(const struct raw_out *ro, const struct raw *rw, struct errmsg *em)
{
	return ro->ro_put(ro->ro_to, rw, em);
}

/* Is argument i of the call, a path, seen from the folder that i - 1 is? */
static inline bool
raw_at(enum raw_sysno sys, unsigned i)
{
	return i > 0 && (raw_sys[sys].rs_paths >> (i - 1) & 1) == 0;
}

/* The descriptor that is none: a path is seen from the current folder. */
#define RAW_FDCWD ((uint32_t)-100)

/* Does it give out a descriptor of the path? */
static inline bool
raw_opens(enum raw_sysno sys)
{
	return sys == RAW_SYS_OPEN || sys == RAW_SYS_OPENAT ||
	    sys == RAW_SYS_OPENAT2 || sys == RAW_SYS_CREAT;
}

/*
 * A parser.  A line is without its newline, and may hold anything.
 *
 * tf_line, tf_end:
 *	=> EBADMSG: the line is malformed, em says how; nothing was put
 *	=> else what ro_put returns; ENOMEM
 */
struct text_format {
	/* code: instruction fetches are wanted, too. */
	int (*tf_create)(const struct raw_out *ro, bool code, void **parserp,
	    struct errmsg *em);
	int (*tf_line)(void *parser, const char *line, size_t len,
	    struct errmsg *em);
	int (*tf_end)(void *parser, struct errmsg *em);
	void (*tf_destroy)(void *parser);
	struct assemble_param tf_param; /* but for select, page */
	enum trace_clock tf_clock;
	uint64_t tf_window; /* as tm_window */
	size_t tf_order;    /* records may come this much too late; 0: never */
};

extern const struct text_format text_lackey, text_perf, text_ptrace,
    text_strace, text_bpf;

#endif
