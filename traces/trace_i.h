/*
 * What the files of traces/ share.
 *
 *	event.c		ops, flags, what makes an event well formed
 *	meta.c		the preamble: read, made, checked
 *	stream.c	files in and out, plain or zstd-compressed
 *	csv_read.c, csv_write.c
 *	uvt_column.c, uvt_block.c, uvt_unpack.c, uvt_decode.c, uvt_crew.c,
 *	uvt_head.c, uvt_read.c, uvt_write.c
 *	trace.c		trace.h's readers and writers over them
 *	runs.c		accesses of a batch that are alike
 *	image.c		a trace decoded once, for many readers
 *	ahead.c		a trace decoded by a thread, ahead of its reader
 *	gen*.c		generators
 *	import*.c, export*.c	other tools' formats (import_i.h)
 *
 * Private to traces/.
 */
#ifndef TRACES_TRACE_I_H
#define TRACES_TRACE_I_H

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "traces/trace.h"

/* Events and structures go to disk and into the digest as they lie. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "a big-endian host wants byte swaps in uvt_*.c and digest");
_Static_assert(sizeof(struct trace_event) == 48, "events have no holes");

/* Events handed out at once: they stay in the second-level cache. */
#define TRACE_BATCH 2048

/* Bytes of a preamble, at most; and of a line of events. */
#define TRACE_HEAD_MAX (64U << 20)
#define TRACE_LINE_MAX 512

#define TRACE_CSV_HEADER "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n"

/* event.c */

/*
 * The flags of an event as text.
 *
 * => flags_text: writes at most TRACE_FLAGS_MAX bytes, returns their number
 * => flags_parse: NULL, or what is wrong; *flagsp and *orderp on success only
 */
#define TRACE_FLAGS_MAX 256
size_t trace_flags_text(uint32_t flags, uint16_t order, char *buf);
const char *trace_flags_parse(const char *text, size_t len, uint8_t op,
    uint32_t *flagsp, uint16_t *orderp);

/* The op of that name, or TRACE_NOPS. */
enum trace_op trace_op_parse(const char *text, size_t len);

/* meta.c */

/* Files by id.  An id of a trace is near its place, as a rule. */
struct file_index {
	uint32_t *fx_ids; /* sorted */
	size_t fx_n;
};

/*
 * Read head, a NUL-ended preamble, into *tm and *fx.
 *
 * => takes head, which tm_head becomes, in every case
 * => EINVAL: em names path and line
 * => on failure nothing is left to free
 */
int trace_meta_parse(char *head, const char *path, struct trace_meta *tm,
    struct file_index *fx, struct errmsg *em) mustcheck;

void trace_meta_fini(struct trace_meta *tm, struct file_index *fx);
bool file_index_has_slow(const struct file_index *fx, uint32_t id);

/* The place of an id that it has: 0 to fx_n - 1. */
size_t file_index_place(const struct file_index *fx, uint32_t id);

static inline bool
file_index_has(const struct file_index *fx, uint32_t id)
{
	if (likely(id - 1 < fx->fx_n && fx->fx_ids[id - 1] == id))
		return true;
	return id == 0 || file_index_has_slow(fx, id);
}

/* stream.c: a file being read. */
struct trace_in {
	const char *in_path; /* the reader's, for messages */
	int in_fd;
	uint8_t *in_buf; /* in_beg..in_end is read and not yet used */
	size_t in_cap, in_beg, in_end;
	uint64_t in_pos; /* of in_buf[0] in the (uncompressed) stream */
	uint64_t in_read, in_size; /* bytes of the file; size 0 if unknown */
	bool in_eof;
	struct ZSTD_DCtx_s *in_zstd; /* NULL if plain */
	uint8_t *in_zbuf;
	size_t in_zbeg, in_zend;
	bool in_zmid; /* within a zstd frame */
};

int in_open(struct trace_in *in, const char *path, struct errmsg *em) mustcheck;

/*
 * Have at least need bytes at in_beg, unless the stream ends before.
 *
 * => the buffer grows with what arrives, never with what is asked for
 * => bytes at in_beg may move
 */
int in_fill(struct trace_in *in, size_t need, struct errmsg *em) mustcheck;

/* What is read is a zstd stream: hand out its contents from here on. */
int in_unzstd(struct trace_in *in, struct errmsg *em) mustcheck;

/* Read the beginning; if it is that of a zstd stream, hand out its contents. */
int in_unwrap(struct trace_in *in, struct errmsg *em) mustcheck;

/* Go on at pos of a file that is plain. */
int in_seek(struct trace_in *in, uint64_t pos, struct errmsg *em) mustcheck;
void in_close(struct trace_in *in);

static inline const uint8_t *
in_data(const struct trace_in *in)
{
	return in->in_buf + in->in_beg;
}

static inline size_t
in_have(const struct trace_in *in)
{
	return in->in_end - in->in_beg;
}

/*
 * A file without a name, beside path or, for "-", in /tmp: open, to be closed;
 * -1 and errno: there is none to be had.
 */
int file_nameless(const char *path);

/* As trace_may_replace(), for what is no trace: all but a trace. */
int export_may_replace(const char *path, struct errmsg *em) mustcheck;

/* The errno for what zstd says; error, if it is not for want of memory. */
int zstd_errno(size_t code, int error);

/* A file being written, under another name until it is whole. */
struct trace_out {
	char *out_path, *out_tmp; /* out_tmp NULL: written in place */
	int out_fd;
	uint8_t *out_buf;
	size_t out_n;
	uint64_t out_pos;	      /* bytes put so far, before compression */
	struct ZSTD_CCtx_s *out_zstd; /* NULL if plain */
	uint8_t *out_zbuf;
};

#define OUT_BUF (1U << 20)

/* => out_fini() is to be called also when this fails */
int out_open(struct trace_out *out, const char *path, bool zstd,
    struct errmsg *em) mustcheck;
int out_put(struct trace_out *out, const void *data, size_t len,
    struct errmsg *em) mustcheck;

/*
 * Write bytes over what stands at pos, already written.
 *
 * => ESPIPE: the file cannot seek; nothing is changed and em not filled
 */
int out_patch(struct trace_out *out, uint64_t pos, const void *data, size_t len,
    struct errmsg *em) mustcheck;

/* Write what is buffered and give the file its name. */
int out_finish(struct trace_out *out, struct errmsg *em) mustcheck;

/* Free everything; without out_finish() no file is left. */
void out_fini(struct trace_out *out);

/* runs.c: the runs of a batch. */
struct runs {
	unsigned rs_shift;     /* of a page */
	const uint32_t *rs_at; /* as of struct trace_batch */
	const struct trace_run *rs_run;
	size_t rs_n;
	uint64_t rs_tid;      /* as of struct trace_batch */
	uint32_t *rs_at_room; /* where they are found, or NULL */
	struct trace_run *rs_run_room;
};

/*
 * Room for the runs of batches of up to max events.
 *
 * => runs_fini() is fine also after ENOMEM
 */
int runs_init(struct runs *rs, unsigned page_shift, size_t max) mustcheck;
void runs_fini(struct runs *rs);

/* The mapping of an access, not 0. */
static inline uint64_t
runs_where(const struct trace_event *te)
{
	return (uint64_t)te->te_map << 32 | te->te_file;
}

/* Runs of a batch that is gone through piece by piece. */
struct runs_cut {
	uint32_t *rc_at;	  /* TRACE_AT() of the next event goes here */
	struct trace_run *rc_run; /* room for as many as there are events */
	size_t rc_n;		  /* runs so far */
	size_t rc_done;		  /* events so far */
	/* Of the last event: its mapping; its run's start and reach. */
	uint64_t rc_where;
	uint32_t rc_first, rc_low, rc_high;
};

/*
 * The next n events are of these mappings; rc_at[0..n), which then goes on, is
 * filled.  A mapping of 0 is for what is in no run.
 */
void runs_cut(struct runs_cut *rc, const uint64_t *where, size_t n);

/* The same of events that are all of one mapping. */
void runs_same(struct runs_cut *rc, uint64_t where, size_t n);

/*
 * The runs of n events, checked; how many there are.
 *
 * => at has room for n, run for as many runs
 */
size_t runs_find(const struct trace_event *ev, size_t n, unsigned page_shift,
    uint32_t *at, struct trace_run *run);

/* A form's ro_runs that has nothing better than the events. */
void runs_ro(struct trace_reader *tr, size_t n);

/* Readers and writers by form. */
struct reader_ops {
	/* The stream is at the start of the trace. */
	int (*ro_open)(struct trace_reader *, struct errmsg *);
	/*
	 * Fill tr_ev, at most ro_batch events, checked; *np is 0 at the end.
	 * On error *np events before it are good all the same.
	 */
	int (*ro_next)(struct trace_reader *, size_t *np, struct errmsg *);
	/*
	 * Find the runs of these n events for tr_runs.
	 *
	 * => NULL: ro_next() does so
	 */
	void (*ro_runs)(struct trace_reader *, size_t n);
	void (*ro_close)(struct trace_reader *);
	/*
	 * Have threads decode, into memory for room events, where those of
	 * the trace are to stay, or NULL; and have them end.
	 *
	 * => optional; ENOMEM, and the form decodes by itself as before
	 */
	int (*ro_threads)(struct trace_reader *, unsigned threads,
	    struct trace_event *into, uint64_t room);
	void (*ro_alone)(struct trace_reader *);
	size_t ro_batch; /* events that ro_next() hands out, at most */
};

struct trace_reader {
	const struct reader_ops *tr_ops;
	char *tr_path; /* for messages: "standard input" for "-" */
	unsigned tr_flags;
	struct trace_in tr_in;
	struct trace_meta tr_meta;
	struct file_index tr_files;
	struct trace_event *tr_ev;
	struct runs *tr_runs;  /* of tr_ev; NULL: nobody wants them */
	uint64_t tr_seq;       /* position of the next event */
	uint64_t tr_time;      /* of the last event */
	uint64_t tr_count;     /* 0: not known */
	XXH3_state_t *tr_hash; /* NULL: nobody wants to know */
	XXH128_hash_t tr_digest;
	bool tr_digest_known;
	bool tr_done;
	int tr_error; /* to return once what was good is used */
	struct errmsg tr_em;
	uint64_t tr_bad_blocks, tr_bad_events;
	void *tr_form;		      /* the form's own */
	struct trace_ahead *tr_ahead; /* NULL: ro_next() is for who reads */
	bool tr_crew;		      /* ro_threads() was called */
};

/*
 * Decode the next batch into tr_ev, and tr_runs.
 *
 * => its events; 0: the end, or tr_error
 */
size_t trace_decode(struct trace_reader *tr);

/* What tr_ev and runs, or NULL, hold, as its reader gets it. */
struct trace_batch trace_batch(const struct trace_event *ev, size_t n,
    const struct runs *rs);

/* ahead.c */

/*
 * Threads to decode by, beside one that has something else to do, if busy;
 * 0: that had better decode itself.
 */
unsigned trace_processors(bool busy);

/*
 * As trace_ahead(), by so many threads; 0: none.
 *
 * => more than one: of a .uvt whose digest is known
 */
void trace_ahead_by(struct trace_reader *tr, unsigned threads);

/*
 * Have threads decode, of a .uvt that is a file: see ro_threads.
 *
 * => ENOTSUP: of another; ENOMEM.  It is read as before
 */
int trace_crew(struct trace_reader *tr, unsigned threads,
    struct trace_event *into, uint64_t room) mustcheck;

/* The next batch of the one thread; and bytes of the file read for that. */
struct trace_batch trace_ahead_next(struct trace_reader *tr);
uint64_t trace_ahead_read(const struct trace_ahead *ta);
void trace_ahead_close(struct trace_reader *tr);

extern const struct reader_ops csv_reader_ops, uvt_reader_ops;

struct writer_ops {
	int (*wo_open)(struct trace_writer *, struct errmsg *);
	int (*wo_put)(struct trace_writer *, const struct trace_event *,
	    size_t n, struct errmsg *);
	int (*wo_finish)(struct trace_writer *, struct errmsg *);
	void (*wo_close)(struct trace_writer *);
};

struct trace_writer {
	const struct writer_ops *tw_ops;
	struct trace_out tw_out;
	const char *tw_path; /* for messages */
	struct trace_meta tw_meta;
	struct file_index tw_files;
	uint64_t tw_seq;	    /* events put so far */
	uint64_t tw_first, tw_time; /* of the first and last event */
	XXH3_state_t *tw_hash;
	void *tw_form;
};

extern const struct writer_ops csv_writer_ops, uvt_writer_ops;

/* The digest: of the preamble, then of the events as they lie. */
XXH3_state_t *digest_create(const struct trace_meta *tm);

#endif
