/*
 * The .uvt on disk.  docs/trace-format.md is its description; all numbers are
 * little-endian.
 *
 *	header, preamble, block..., index, trailer
 *
 * Private to traces/.
 */
#ifndef TRACES_UVT_I_H
#define TRACES_UVT_I_H

#include "traces/trace_i.h"

/* As PNG's: shows whether a transfer changed line ends or the eighth bit. */
#define UVT_MAGIC	"\x89UVT\r\n\x1a\n"
#define UVT_MAGIC_LEN	8
#define UVT_BLOCK_MAGIC "uvtBLOCK"
#define UVT_INDEX_MAGIC "uvtINDEX"
#define UVT_END_MAGIC	"uvt\nEND\n"
#define UVT_VERSION	1

/* Events in a block, at most. */
#define UVT_BLOCK_EVENTS ((size_t)65536)

struct uvt_header {
	uint8_t uh_magic[UVT_MAGIC_LEN];
	uint32_t uh_version;
	uint32_t uh_page;
	uint64_t uh_events; /* 0 and no times: the output could not seek */
	uint64_t uh_first, uh_last; /* times */
	uint64_t uh_head_len;	    /* bytes of preamble that follow */
	uint64_t uh_head_sum;	    /* XXH3-64 of it */
	uint64_t uh_sum;	    /* XXH3-64 of the above */
};

struct uvt_block {
	uint8_t ub_magic[8];
	uint64_t ub_first; /* position of its first event in the trace */
	uint64_t ub_time, ub_last; /* of its first and last event */
	uint32_t ub_events;	   /* 1..UVT_BLOCK_EVENTS */
	uint32_t ub_raw;	   /* bytes of columns */
	uint32_t ub_packed;	   /* bytes of the zstd frame that follows */
	uint32_t ub_zero;
	uint64_t ub_packed_sum; /* XXH3-64 of the frame */
	uint64_t ub_sum;	/* XXH3-64 of the above */
};

/* An index: this, and an entry a block. */
struct uvt_index {
	uint8_t ui_magic[8];
	uint64_t ui_blocks;
	uint64_t ui_events;
	uint64_t ui_first, ui_last; /* times */
	uint8_t ui_digest[16];	    /* XXH3-128, canonical */
	uint64_t ui_entries_sum;    /* XXH3-64 of the entries */
	uint64_t ui_sum;	    /* XXH3-64 of the above */
};

struct uvt_entry {
	uint64_t ue_pos;   /* of the block in the file */
	uint64_t ue_first; /* position of its first event in the trace */
	uint64_t ue_time;  /* of that event */
};

struct uvt_trailer {
	uint64_t ut_index; /* where the index is in the file */
	uint64_t ut_index_len;
	uint64_t ut_sum; /* XXH3-64 of the above */
	uint8_t ut_magic[8];
};

_Static_assert(sizeof(struct uvt_header) == 64, "no holes");
_Static_assert(sizeof(struct uvt_block) == 64, "no holes");
_Static_assert(sizeof(struct uvt_index) == 72, "no holes");
_Static_assert(sizeof(struct uvt_entry) == 24, "no holes");
_Static_assert(sizeof(struct uvt_trailer) == 32, "no holes");

/* The sum of a structure's bytes before its member. */
#define UVT_SUM(s, member) XXH3_64bits((s), offsetof(__typeof__(*(s)), member))

/*
 * Columns.  A block is columns one after another: UVT_TIME, UVT_OFFSET and
 * UVT_KIND have a value for each event; the rest have one for each kind of
 * event, that is for each combination of their values in the block, in order
 * of first appearance.
 */
enum uvt_column_id {
	UVT_TIME,
	UVT_OFFSET,
	UVT_KIND, /* which kind, 0.. */
	UVT_LENGTH,
	UVT_PID,
	UVT_TID,
	UVT_FILE,
	UVT_MAP,
	UVT_FLAGS,
	UVT_OP,
	UVT_ORDER,
	UVT_NCOLUMNS
};

#define UVT_PER_EVENT UVT_LENGTH /* the first that has one for each kind */

/*
 * How a column is written; x[i] are uc_width bytes, kept as so many planes of
 * one byte each, the lowest first.
 *
 *	STEP	v[i] = base + i * step
 *	PLAIN	v[i] = base + (x[i] << shift)
 *	DELTA	v[i] = v[i - 1] + step + (x[i] << shift), v[-1] = base
 *
 * All modulo 2^64.  Nothing here is of variable length: reading is a loop
 * without branches.
 */
enum uvt_code { UVT_STEP, UVT_PLAIN, UVT_DELTA, UVT_NCODES };

struct uvt_column {
	uint8_t uc_code;
	uint8_t uc_width; /* 0 for STEP, else 1..8 */
	uint8_t uc_shift;
	uint8_t uc_zero;
	uint32_t uc_count; /* values */
	uint64_t uc_base, uc_step;
};

_Static_assert(sizeof(struct uvt_column) == 24, "no holes");

/* Bytes of columns in a block, at most. */
#define UVT_RAW_MAX                                                            \
	(UVT_NCOLUMNS * (sizeof(struct uvt_column) + 8 * UVT_BLOCK_EVENTS))

/* uvt_column.c */

/* What tells which code packs best: trying it. */
struct trial {
	struct ZSTD_CCtx_s *tl_zstd;
	uint8_t *tl_packed; /* compressBound of a column */
	size_t tl_cap;
	uint8_t *tl_other; /* a column */
};

/*
 * Write n >= 1 values at dst in the code that zstd then packs best; returns
 * the bytes written.
 */
size_t column_write(struct trial *tl, const uint64_t *v, size_t n,
    uint8_t *dst);

/* A column being read. */
struct column {
	struct uvt_column co_h;
	const uint8_t *co_planes;
	size_t co_at;	  /* values read so far */
	uint64_t co_last; /* v[co_at - 1] */
};

/*
 * Start reading the column at src; returns the bytes it takes, or 0 if there
 * is no such column in the len bytes there.
 */
size_t column_open(struct column *co, const uint8_t *src, size_t len);

/* Read the next n values, no more than are left. */
void column_read(struct column *co, uint64_t *v, size_t n);

/* Everything of an event but its time and offset stands in one piece. */
#define KIND_OFF  offsetof(struct trace_event, te_length)
#define KIND_SIZE (sizeof(struct trace_event) - KIND_OFF)

/* uvt_block.c */

/* Packs events into the columns of a block. */
struct packer {
	struct trace_event *pk_ev; /* UVT_BLOCK_EVENTS */
	size_t pk_n;
	uint64_t *pk_values; /* of a column */
	uint32_t *pk_kind;   /* of each event */
	uint32_t *pk_first;  /* an event of each kind */
	uint32_t *pk_slots;  /* hash of kinds: number + 1, 0 is free */
	uint8_t *pk_raw;     /* UVT_RAW_MAX */
	struct trial pk_trial;
};

int packer_init(struct packer *pk);
void packer_fini(struct packer *pk);

/* Pack pk_ev[0..pk_n) into pk_raw; returns the bytes. */
size_t packer_pack(struct packer *pk);

/* uvt_unpack.c */

/* Events whose columns are read at a time. */
#define UVT_PIECE ((size_t)256)

/* What a kind of event is to runs. */
struct kind_run {
	uint64_t kr_where; /* the mapping; 0: it is in none */
	uint32_t kr_last;  /* bytes from its first to its last */
	uint32_t kr_write; /* 0 or 1 */
};

/* Unpacks the columns of a block, piece by piece. */
struct unpacker {
	struct column up_column[UVT_NCOLUMNS];
	struct trace_event *up_kinds; /* UVT_BLOCK_EVENTS */
	struct kind_run *up_runs;     /* the same of them */
	unsigned up_shift;	      /* of runs; 0: none are wanted */
	uint32_t up_nkinds;
	uint64_t up_reach;	      /* the longest length of a kind */
	uint64_t up_tid;	      /* of all kinds, or TRACE_TIDS */
	uint64_t up_t[1 + UVT_PIECE]; /* times, after the one before */
	uint64_t up_v[UVT_NCOLUMNS][UVT_PIECE]; /* of the other columns */
	uint64_t up_where[UVT_PIECE];
	/* Of the first 64 kinds, a bit each: those that are accesses of one
	 * mapping, and the writes of these; and the longest of them. */
	uint64_t up_alike, up_writes, up_last, up_where_alike;
};

/* => up_shift is 0 then, and may be changed before a block is opened */
int unpacker_init(struct unpacker *up);
void unpacker_fini(struct unpacker *up);

/*
 * Take the columns at raw, of n events: NULL, or what is wrong with them.
 *
 * => raw has to stay until the last event is unpacked
 */
const char *unpacker_open(struct unpacker *up, const uint8_t *raw, size_t len,
    uint32_t n, const struct file_index *files);

/*
 * The next n events: NULL, or what is wrong with them.
 *
 * => *timep is the time of the event before, then of the last; as it was if
 *    something is wrong
 * => rc, of no events so far, gets their runs; NULL if up_shift is 0
 */
const char *unpacker_next(struct unpacker *up, struct trace_event *ev, size_t n,
    uint64_t *timep, struct runs_cut *rc);

/* uvt_head.c */

/*
 * Read header and preamble, and take from the index what it knows if the file
 * can seek.
 *
 * => errors as trace_open()
 */
int uvt_head_read(struct trace_reader *tr, struct errmsg *em) mustcheck;

bool uvt_index_good(const struct uvt_index *ui);
void uvt_index_take(struct trace_reader *tr, const struct uvt_index *ui);

/* uvt_decode.c */

/* Is there a block's head, whole and possible, at p? */
bool block_good(const uint8_t *p, struct uvt_block *ub);

/* Decodes block after block. */
struct decoder {
	struct unpacker dc_up;
	struct ZSTD_DCtx_s *dc_zstd;
	uint8_t *dc_raw;
	size_t dc_cap; /* of dc_raw */
};

/* => decoder_fini() is fine also after ENOMEM */
int decoder_init(struct decoder *dc) mustcheck;
void decoder_fini(struct decoder *dc);

/*
 * Have dc_up unpack a block whose frame is at frame, all of it.
 *
 * => EILSEQ: *whatp is what is wrong with it; ENOMEM
 * => frame is not needed afterwards
 */
int decoder_open(struct decoder *dc, const struct uvt_block *ub,
    const uint8_t *frame, const struct file_index *files, const char **whatp)
    mustcheck;

/* uvt_crew.c */

/* Threads of a crew, at most. */
#define CREW_MAX 8

struct crew_job {
	int cj_fd; /* is read at offsets */
	unsigned cj_threads;
	unsigned cj_shift; /* of the pages of runs; 0: none */
	uint64_t cj_size;  /* of the file */
	uint64_t cj_pos;   /* of a block's head in the file */
	uint64_t cj_first; /* the block's first event */
	const struct file_index *cj_files;
	struct trace_event *cj_into; /* room for event 0 on, or NULL */
	uint64_t cj_room;	     /* events */
};

struct crew_block {
	struct trace_event *cb_ev; /* checked, but for the first's time */
	uint32_t cb_n;
	uint64_t cb_end; /* where the file goes on after the block */
	/* Of each TRACE_BATCH events, and at these places. */
	const uint32_t *cb_at;
	const struct trace_run *cb_run;
	uint32_t cb_nruns[UVT_BLOCK_EVENTS / TRACE_BATCH];
	uint64_t cb_tid; /* of all, as of struct trace_batch */
};

struct crew;

/*
 * Have threads decode the file from cj_pos on.
 *
 * => *cwp is the caller's until crew_free(); the job is copied
 * => ENOMEM: or no thread
 */
int crew_start(const struct crew_job *cj, struct crew **cwp) mustcheck;

/*
 * The next block, the caller's until the next call, or crew_free().
 *
 * => NULL: what follows is no whole block, or crew_stop() was called
 */
const struct crew_block *crew_next(struct crew *cw);

/* Have the threads end; what crew_next() gave stays. */
void crew_stop(struct crew *cw);
void crew_free(struct crew *cw);

#endif
