/*
 * traces: recorded and generated traces of programs using mapped files.
 *
 *	struct trace_event	one event: docs/trace-format.md lists the ops
 *	struct trace_meta	what a trace says of itself: files, provenance
 *	struct trace_reader	a trace being read, batch by batch
 *	struct trace_run	accesses of a batch that are alike
 *	struct trace_image	a trace decoded once, for many readers
 *	struct trace_writer	a trace being written
 *	struct trace_gen	a generator of synthetic traces
 *
 * A trace is a .uvt, or CSV, plain or zstd-compressed; trace_open() tells by
 * looking.  Readers and writers stream: memory does not grow with the trace.
 *
 * Typical use:
 *
 *	if ((error = trace_open(path, 0, &tr, &em)) != 0)
 *		return error;
 *	while ((error = trace_next(tr, &ev, &n, &em)) == 0 && n > 0)
 *		for (i = 0; i < n; i++)
 *			use(&ev[i]);
 *	trace_close(tr);
 *
 * Layer 1.  Includes base/ only; knows nothing of the pager.
 */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include "base/base.h"

/*
 * The ops: TRACE_OP(NAME, "name").  The order is the number on disk: add at
 * the end only.
 */
#define TRACE_OPS(TRACE_OP)                                                    \
	TRACE_OP(ATTACH, "attach")                                             \
	TRACE_OP(DETACH, "detach")                                             \
	TRACE_OP(PROTECT, "protect")                                           \
	TRACE_OP(READ, "read")                                                 \
	TRACE_OP(WRITE, "write")                                               \
	TRACE_OP(MSYNC, "msync")                                               \
	TRACE_OP(MADVISE, "madvise")                                           \
	TRACE_OP(TRUNCATE, "truncate")                                         \
	TRACE_OP(FALLOCATE, "fallocate")                                       \
	TRACE_OP(FSYNC, "fsync")                                               \
	TRACE_OP(SYNC, "sync")                                                 \
	TRACE_OP(PREAD, "pread")                                               \
	TRACE_OP(PWRITE, "pwrite")                                             \
	TRACE_OP(OPEN, "open")                                                 \
	TRACE_OP(CLOSE, "close")                                               \
	TRACE_OP(UNLINK, "unlink")                                             \
	TRACE_OP(RENAME, "rename")                                             \
	TRACE_OP(FORK, "fork")                                                 \
	TRACE_OP(EXIT, "exit")                                                 \
	TRACE_OP(MARK, "mark")

enum trace_op {
#define TRACE_OP(NAME, name) TRACE_##NAME,
	TRACE_OPS(TRACE_OP)
#undef TRACE_OP
	    TRACE_NOPS
};

/*
 * The flags, one bit each, all ops together: TRACE_FLAG(NAME, "name").  Which
 * op takes which is trace_op_flags[].  The order is the bit number on disk and
 * the order in CSV: add at the end only.
 */
#define TRACE_FLAGS(TRACE_FLAG)                                                \
	TRACE_FLAG(R, "r")                                                     \
	TRACE_FLAG(W, "w")                                                     \
	TRACE_FLAG(X, "x")                                                     \
	TRACE_FLAG(SHARED, "shared")                                           \
	TRACE_FLAG(PRIVATE, "private")                                         \
	TRACE_FLAG(MAXW, "maxw")                                               \
	TRACE_FLAG(FIXED, "fixed")                                             \
	TRACE_FLAG(INHERITED, "inherited")                                     \
	TRACE_FLAG(POPULATE, "populate")                                       \
	TRACE_FLAG(KERNEL, "kernel")                                           \
	TRACE_FLAG(IFETCH, "ifetch")                                           \
	TRACE_FLAG(SYNC, "sync")                                               \
	TRACE_FLAG(ASYNC, "async")                                             \
	TRACE_FLAG(INVALIDATE, "invalidate")                                   \
	TRACE_FLAG(NORMAL, "normal")                                           \
	TRACE_FLAG(RANDOM, "random")                                           \
	TRACE_FLAG(SEQUENTIAL, "sequential")                                   \
	TRACE_FLAG(WILLNEED, "willneed")                                       \
	TRACE_FLAG(DONTNEED, "dontneed")                                       \
	TRACE_FLAG(FREE, "free")                                               \
	TRACE_FLAG(KEEP, "keep")                                               \
	TRACE_FLAG(PUNCH, "punch")                                             \
	TRACE_FLAG(ZERO, "zero")                                               \
	TRACE_FLAG(DATA, "data")                                               \
	TRACE_FLAG(RANGE, "range")

enum trace_flag_bit {
#define TRACE_FLAG(NAME, name) TRACE_BIT_##NAME,
	TRACE_FLAGS(TRACE_FLAG)
#undef TRACE_FLAG
	    TRACE_NFLAGS
};

enum trace_flag {
#define TRACE_FLAG(NAME, name) TRACE_F_##NAME = 1 << TRACE_BIT_##NAME,
	TRACE_FLAGS(TRACE_FLAG)
#undef TRACE_FLAG
};

extern const char *const trace_op_name[TRACE_NOPS];
extern const char *const trace_flag_name[TRACE_NFLAGS];
extern const uint32_t trace_op_flags[TRACE_NOPS]; /* flags the op may carry */

/* One event.  48 bytes; seq is its position in the trace, from 0. */
struct trace_event {
	uint64_t te_time;   /* ns since start, never decreasing */
	uint64_t te_offset; /* bytes in the file */
	uint64_t te_length; /* bytes; truncate: the new size */
	uint32_t te_pid, te_tid;
	uint32_t te_file, te_map; /* 0 for none */
	uint32_t te_flags;	  /* TRACE_F_ */
	uint8_t te_op;		  /* enum trace_op */
	uint8_t te_zero;	  /* 0 */
	uint16_t te_order;	  /* of the flags in CSV; 0: as TRACE_FLAGS */
};

/* A file of a trace, in the order of its declarations. */
struct trace_file {
	uint32_t tf_id;	  /* 1.. */
	uint64_t tf_size; /* bytes before the first event */
	char *tf_path;	  /* as recorded; never opened */
};

/* A window without bounds: first touches only. */
#define TRACE_INF UINT64_MAX

/* What the times of events are: TRACE_CLOCK(NAME, "name"). */
#define TRACE_CLOCKS(TRACE_CLOCK)                                              \
	TRACE_CLOCK(UNKNOWN, "unknown")                                        \
	TRACE_CLOCK(REAL, "real")                                              \
	TRACE_CLOCK(VIRTUAL, "virtual")

enum trace_clock {
#define TRACE_CLOCK(NAME, name) TRACE_CLOCK_##NAME,
	TRACE_CLOCKS(TRACE_CLOCK)
#undef TRACE_CLOCK
	    TRACE_NCLOCKS
};

extern const char *const trace_clock_name[TRACE_NCLOCKS];

/*
 * What stands before the events.  The lines of CSV up to its header line are
 * kept verbatim, provenance and all, so that CSV -> .uvt -> CSV is the identity.
 */
struct trace_meta {
	uint32_t tm_version; /* 1 */
	uint32_t tm_page;    /* page size of the recording */
	struct trace_file *tm_files;
	size_t tm_nfiles;
	char *tm_head;	    /* those lines, NUL-ended */
	uint64_t tm_window; /* re-reference window in pages; 0 unknown */
	char *tm_mode;	    /* how it was recorded, a word; NULL unknown */
	enum trace_clock tm_clock;
	uint64_t tm_lost; /* records that did not become events */
};

/*
 * A preamble made from the members other than tm_head.
 *
 * => the caller's to free(); NULL: no memory
 */
char *trace_meta_text(const struct trace_meta *tm) mustcheck;

/* Places in tm_files, by the files' numbers; tm has to outlive it. */
struct trace_places {
	const struct trace_meta *tp_meta;
	struct trace_place *tp_places; /* sorted */
};

/* => ENOMEM; trace_places_fini() is fine after that, too */
int trace_places_init(struct trace_places *tp, const struct trace_meta *tm)
    mustcheck;
void trace_places_fini(struct trace_places *tp);
uint32_t trace_place_slow(const struct trace_places *tp, uint32_t id);

/* UINT32_MAX: no such file.  A number is that of its place, as a rule. */
static inline uint32_t
trace_place(const struct trace_places *tp, uint32_t id)
{
	const struct trace_meta *const tm = tp->tp_meta;

	if (likely(id - 1 < tm->tm_nfiles && tm->tm_files[id - 1].tf_id == id))
		return id - 1;
	return trace_place_slow(tp, id);
}

/* Is this line of a preamble one that trace_meta_text() makes, no provenance? */
bool trace_meta_line(const char *line);

/* A window as "#window" has it, a number or inf. */
#define TRACE_WINDOW_TEXT 24
void trace_window_text(uint64_t window, char buf[TRACE_WINDOW_TEXT]);

struct trace_reader;
struct trace_writer;

#define TRACE_SALVAGE 0x1 /* skip damaged blocks of a .uvt, and count them */
#define TRACE_VERIFY  0x2 /* read a .uvt's digest anew: EILSEQ if it differs */

/*
 * Open the trace at path ("-" is stdin, CSV or .uvt) and read its preamble.
 *
 * => *trp is the caller's until trace_close()
 * => EINVAL, EILSEQ: no trace, a newer version, or damaged; em says where
 * => any errno of open(2) and read(2)
 */
int trace_open(const char *path, unsigned flags, struct trace_reader **trp,
    struct errmsg *em) mustcheck;

/* Valid until trace_close().  In CSV, declarations end at the header line. */
const struct trace_meta *trace_meta(const struct trace_reader *tr);

/*
 * The next events, in order: *evp[0..*np), valid until the next call.  *np is
 * 0 at the end.  Every event has passed trace_event_check().
 *
 * => EILSEQ: damaged or malformed: em names file, line or block, and event;
 *    the events before it were handed out
 */
int trace_next(struct trace_reader *tr, const struct trace_event **evp,
    size_t *np, struct errmsg *em) mustcheck;

/*
 * Runs: most events are accesses within one page, of the mapping that the one
 * before was of.  Whoever replays them wants page numbers, not events.
 *
 * An access of no length, one that crosses a page, one of a page from
 * TRACE_PAGES on, and every other op is in no run; every other access is in
 * one.  Two runs with nothing between them are of two mappings.  A run ends
 * with its batch.  Times do not go back in it, as in no trace of any form.
 */
#define TRACE_AT(page, write) ((uint32_t)(page) << 1 | (write))
#define TRACE_PAGES	      ((uint64_t)1 << 31)

struct trace_run {
	uint32_t rn_first, rn_n;  /* events of the batch */
	uint32_t rn_file, rn_map; /* of all of them */
	uint32_t rn_low;	  /* the lowest page of the file */
	uint32_t rn_pages;	  /* one more than the highest */
};

/* No thread in particular. */
#define TRACE_TIDS UINT64_MAX

struct trace_batch {
	const struct trace_event *tb_ev; /* all events, those of runs, too */
	size_t tb_n;
	uint64_t tb_tid; /* whose all events are; or TRACE_TIDS, perhaps */
	const uint32_t *tb_at; /* [tb_n]: TRACE_AT() of those in runs */
	const struct trace_run *tb_run; /* ascending */
	size_t tb_nruns;
};

/*
 * Find runs, too, in pages of 1 << page_shift bytes of the file, whatever the
 * trace's own.
 *
 * => before the first batch is read, and before trace_ahead()
 * => page_shift is 1 to 31
 * => ENOMEM: and no runs
 */
int trace_runs(struct trace_reader *tr, unsigned page_shift) mustcheck;

/*
 * As trace_next(), with the runs of the batch: none, and tb_at is NULL, of a
 * reader that was not told to find them.
 */
int trace_next_batch(struct trace_reader *tr, struct trace_batch *tb,
    struct errmsg *em) mustcheck;

/*
 * From here on a thread decodes the trace, some batches ahead of trace_next();
 * or up to three, where there are more than two processors, some blocks of a
 * .uvt each.  All is as before where that cannot be: of a pipe, with one
 * processor, without memory.
 *
 * It ends with trace_ahead_end(), after which no more can be read, though the
 * last batch is still there; or with trace_close().  trace_salvaged() and
 * trace_digest() are for after the end.
 */
void trace_ahead(struct trace_reader *tr);
void trace_ahead_end(struct trace_reader *tr);

/*
 * Events in the trace if known without reading it (.uvt with its index), else
 * 0; bytes read so far and in all (0 if unknown), for a progress line.
 */
uint64_t trace_count(const struct trace_reader *tr);
void trace_progress(const struct trace_reader *tr, uint64_t *readp,
    uint64_t *totalp);

/* Damaged blocks and events skipped under TRACE_SALVAGE. */
void trace_salvaged(const struct trace_reader *tr, uint64_t *blocksp,
    uint64_t *eventsp);

/*
 * A digest of the trace's contents, 32 hex digits and NUL, the same for its
 * CSV and .uvt forms; known at the end of reading, or from the index at once.
 *
 * => ENODATA: not known yet
 */
int trace_digest(const struct trace_reader *tr, char digest[33]) mustcheck;

void trace_close(struct trace_reader *tr);

/*
 * A trace decoded once, by all processors if it is a .uvt, for many replays.
 * Its events lie in memory that children of fork(2) share and nobody changes
 * after the load.
 */
struct trace_image;

/*
 * => flags as trace_open(); the digest is known afterwards
 * => page_shift 0, or that of runs to be found once for all readers.  Those of
 *    other pages find their own, and all do if runs do not fit into max, too
 * => EFBIG: the events take more than max bytes; nothing is kept
 * => otherwise as trace_open() and trace_next(); ENOMEM
 * => *tip is the caller's until trace_image_free()
 */
int trace_image_load(const char *path, unsigned flags, unsigned page_shift,
    uint64_t max, struct trace_image **tip, struct errmsg *em) mustcheck;
void trace_image_free(struct trace_image *ti);

/*
 * A reader of it; trace_salvaged() says what the load left out.
 *
 * => ti must live until trace_close(); ENOMEM
 */
int trace_image_open(const struct trace_image *ti, struct trace_reader **trp)
    mustcheck;

/* How many events, and the digest, as of a reader at its end; and its memory. */
uint64_t trace_image_count(const struct trace_image *ti);
uint64_t trace_image_bytes(const struct trace_image *ti);
const char *trace_image_digest(const struct trace_image *ti);

/*
 * A well-formed event?  Flags fit the op, file and map are there if the op
 * needs them, offset + length does not overflow.  NULL if so, else what is
 * wrong with it.
 */
const char *trace_event_check(const struct trace_event *te);

enum trace_form { TRACE_UVT, TRACE_CSV, TRACE_CSV_ZST };

/*
 * May a trace take the place of what path holds?  trace_create() asks; whoever
 * has long to do before it may ask earlier.
 *
 * => 0: there is nothing, or nothing in it, or a trace; or it is a pipe, a
 *    terminal, "-"
 * => EEXIST: a file of another kind, or a block device
 */
int trace_may_replace(const char *path, struct errmsg *em) mustcheck;

/*
 * Write a trace to path ("-" is stdout).  It appears under its name when
 * trace_finish() returns 0, and not at all otherwise.
 *
 * => meta is copied.  Where tm_head is not NULL it is written verbatim and has
 *    to say what the other members say; else it is made from them
 * => trace_put() wants what trace_next() promises: EINVAL if an event is not
 *    well formed, goes back in time or names an undeclared file
 */
int trace_create(const char *path, enum trace_form form,
    const struct trace_meta *meta, struct trace_writer **twp, struct errmsg *em)
    mustcheck;
int trace_put(struct trace_writer *tw, const struct trace_event *ev, size_t n,
    struct errmsg *em) mustcheck;

/* Write what is buffered and the index; frees tw in every case. */
int trace_finish(struct trace_writer *tw, struct errmsg *em) mustcheck;

/* Give up: no file is left behind. */
void trace_abandon(struct trace_writer *tw);

/*
 * Generators: docs/trace-format.md and uvn-trace(1).  The same parameters and
 * seed make the same events, on every machine.  Parameters are a table of
 * tunables (gen_param.def), set by name.
 */
#include "base/tunable.h"

struct trace_gen_param {
#define TUNABLE(field, kind, def, min, max, unit, choices, help) uint64_t field;
#include "traces/gen_param.def"
#undef TUNABLE
};

extern const struct tunable trace_gen_table[];
extern const size_t trace_gen_count;

/*
 * => *tgp is the caller's until trace_gen_destroy()
 * => EINVAL: the parameters contradict each other; em says which.  Each is
 *    taken to be within its row's bounds
 * => ENOMEM
 */
struct trace_gen;
int trace_gen_create(const struct trace_gen_param *gp, struct trace_gen **tgp,
    struct errmsg *em) mustcheck;
const struct trace_meta *trace_gen_meta(const struct trace_gen *tg);

/* As trace_next(); cannot fail. */
void trace_gen_next(struct trace_gen *tg, const struct trace_event **evp,
    size_t *np);
void trace_gen_destroy(struct trace_gen *tg);

#endif
