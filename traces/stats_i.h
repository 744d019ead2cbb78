/*
 * What the files of the statistics share.
 *
 *	stats.c		events taken apart, and the result
 *	stats_pages.c	accesses to pages, for all that goes by pages
 *	stats_table.c	records found by a key
 *	stats_order.c	pages in the order of their last access
 *	stats_work.c	different pages in each part of the time
 *	stats_dirty.c	dirty pages, and the runs that syncs find
 *	stats_sync.c	kinds of sync, and the intervals between them
 *	stats_seq.c	steps and runs of each thread in each file
 *
 * Private to traces/.
 */
#ifndef TRACES_STATS_I_H
#define TRACES_STATS_I_H

#include "traces/stats.h"

/* Records of the small tables, at most: threads, maps, and the like. */
#define STATS_RECORDS ((size_t)1 << 22)

void stats_hist_add(struct stats_hist *sh, uint64_t v);

/* stats_table.c */

/* A record begins with its key; the rest is zero when it is made. */
struct stats_key {
	uint64_t sk_a, sk_b;
};

/* Memory that several tables may take together. */
struct stats_budget {
	uint64_t sb_left; /* bytes */
	bool sb_spent;	  /* something found too little */
};

#define TABLE_CHUNK ((size_t)4096)

struct stats_table {
	size_t tb_size;	     /* of a record, whole words */
	uint8_t **tb_chunks; /* of TABLE_CHUNK records */
	size_t tb_n, tb_nchunks;
	uint64_t *tb_index; /* half of a hash, and the record's number + 1 */
	size_t tb_mask;
	struct stats_budget *tb_budget;
};

void table_init(struct stats_table *tb, size_t size, struct stats_budget *sb);
void table_fini(struct stats_table *tb);

/* The record of that key, or NULL.  It stays where it is, but for removals. */
void *table_find(const struct stats_table *tb, struct stats_key key);

/*
 * The record of that key, made if need be.
 *
 * => NULL: no memory, or no more of the budget, which is then spent
 */
void *table_get(struct stats_table *tb, struct stats_key key);

/* Another record may move into its place. */
void table_remove(struct stats_table *tb, struct stats_key key);

/*
 * Ahead of table_get(), so that the processor need not wait for what it will
 * want: fetch the place in the index of a key with that hash; fetch the record
 * that is there, or NULL, which may be another's.
 */
uint64_t table_hash(struct stats_key key);
void table_hint(const struct stats_table *tb, uint64_t hash);
void *table_guess(const struct stats_table *tb, uint64_t hash);

static inline void *
table_record(const struct stats_table *tb, size_t i)
{
	return tb->tb_chunks[i / TABLE_CHUNK] + i % TABLE_CHUNK * tb->tb_size;
}

/* Pages come in leaves, which are as long as a line of the cache. */
#define LEAF_BITS  3
#define LEAF_PAGES (1U << LEAF_BITS)

struct page_leaf {
	struct stats_key pl_key; /* first page >> LEAF_BITS, place of file */
	/* A bit a page: read, written, dirty. */
	uint8_t pl_seen[2], pl_dirty, pl_zero[13];
	uint32_t pl_slot[LEAF_PAGES]; /* 0: never touched */
};
_Static_assert(sizeof(struct page_leaf) == 64, "a leaf is a line");

/* stats_order.c */

/*
 * Pages in the order of their last access.  Each has a slot, a number from 1
 * that grows with that time; a bit says that a slot is some page's.  Sums over
 * blocks of bits tell how many pages were accessed since.
 */
struct page_order {
	uint64_t *po_bits;
	uint32_t *po_sums; /* tree of the blocks before po_next's */
	size_t po_blocks;  /* room */
	uint32_t po_next;  /* slot of the next access */
	uint32_t po_live;  /* slots in use */
	bool po_fast;	   /* no sums, no distances */
};

/* => ENOMEM */
int order_init(struct page_order *po, bool fast) mustcheck;
void order_fini(struct page_order *po);

/* How many pages were accessed after the one at slot. */
uint32_t order_after(const struct page_order *po, uint32_t slot);

/* It will be asked for this slot soon. */
void order_hint(const struct page_order *po, uint32_t slot);

/* An access: the new slot of a page that was at old; 0: of a new page. */
uint32_t order_touch(struct page_order *po, uint32_t old);

/* Slots have run out: number all anew before the next order_touch(). */
static inline bool
order_full(const struct page_order *po)
{
	return po->po_next == po->po_blocks * 512;
}

/*
 * Number slots anew, without gaps.  After order_squeeze(), order_anew() says
 * what each one is now, until order_settle().
 *
 * => order_anew() of a free slot: of the next one that was in use
 * => order_settle(): ENOMEM; the order is of no use any more
 */
void order_squeeze(struct page_order *po);
uint32_t order_anew(const struct page_order *po, uint32_t slot);
int order_settle(struct page_order *po) mustcheck;

/* stats_work.c */

#define WORK_PARTS 128 /* twice this is merged into half */

struct work_parts {
	uint64_t wp_begin;	      /* ns */
	unsigned wp_shift;	      /* a part is 2^wp_shift ns */
	unsigned wp_now;	      /* part */
	uint32_t wp_slot[WORK_PARTS]; /* the first of each */
	uint64_t wp_accesses[WORK_PARTS];
	/* Pages of each by the part that touched them before, + 1; or 0. */
	uint64_t wp_pages[WORK_PARTS][WORK_PARTS + 1];
};

/* The time is now; next is the slot of the next access. */
void work_time(struct work_parts *wp, uint64_t time, uint32_t next);

/* An access to a page that was at slot; 0: a new page. */
void work_first(struct work_parts *wp, uint32_t slot);

static inline void
work_access(struct work_parts *wp, uint32_t slot)
{
	wp->wp_accesses[wp->wp_now]++;
	if (slot < wp->wp_slot[wp->wp_now])
		work_first(wp, slot);
}

void work_result(const struct work_parts *wp, struct stats_result *sr);

/* stats_dirty.c */

/* A file: its figures, and its dirty pages. */
struct file_state {
	uint64_t fs_dirty;
	uint32_t fs_prev, fs_next; /* files with dirty pages; place + 1 */
};

struct dirty_pages {
	struct file_state *dp_files;
	uint32_t dp_first;	     /* file with dirty pages; place + 1 */
	struct stats_table dp_words; /* which leaves are dirty, in levels */
	struct stats_table *dp_leaves;
};

/* => dp_files is the caller's to fill in, from malloc(3) */
void dirty_init(struct dirty_pages *dp, struct stats_table *leaves,
    struct stats_budget *sb);
void dirty_fini(struct dirty_pages *dp);

/* A page of leaf pl becomes dirty. */
void dirty_page(struct dirty_pages *dp, struct page_leaf *pl, unsigned bit);

/*
 * Pages from..to - 1 of a file are dirty no more.
 *
 * => their runs are added to runs, if that is not NULL
 * => how many there were
 */
uint64_t dirty_clean(struct dirty_pages *dp, uint32_t file, uint64_t from,
    uint64_t to, struct stats_hist *runs);

/* stats_sync.c */

struct sync_samples {
	uint64_t *sm_v;
	size_t sm_n, sm_room;
	uint64_t sm_count, sm_max;
};

struct sync_times {
	bool sn_seen;
	uint64_t sn_time, sn_accesses; /* of the last one */
	struct sync_samples sn_times, sn_between;
};

enum stats_sync_kind sync_kind(const struct trace_event *te);

/* A sync of that kind, when so many pages had been accessed. */
void sync_take(struct sync_times *sn, uint64_t time, uint64_t accesses);
void sync_result(const struct sync_times *sn, struct stats_sync *sy);
void sync_fini(struct sync_times *sn);

/* stats_seq.c */

struct seq_state {
	struct stats_table sq_table;
	struct stats_budget sq_budget;
};

void seq_init(struct seq_state *sq);
void seq_fini(struct seq_state *sq);

/* An access of a thread to pages first..first + n - 1 of the file at place. */
void seq_take(struct seq_state *sq, struct stats_seq *out,
    const struct trace_event *te, uint32_t file, uint64_t first, uint64_t n);

/* The runs that have not ended yet are ended in *out. */
void seq_result(const struct seq_state *sq, struct stats_seq *out);

/* stats.c, stats_pages.c */

struct live_range {
	struct stats_key lr_key; /* map */
	uint64_t lr_from, lr_to; /* bytes of the file */
	bool lr_private;
};

/* How many events ahead to fetch a page's place in the index, its leaf, and
 * its place in the order; and room for the farthest. */
#define AHEAD_INDEX 24
#define AHEAD_LEAF  16
#define AHEAD_ORDER 8
#define AHEAD	    32

struct ahead {
	uint64_t ah_hash;
	struct page_leaf *ah_leaf; /* or another one, or NULL */
};

struct trace_stats {
	const struct trace_meta *ts_meta;
	unsigned ts_shift; /* of a page */
	struct trace_places ts_places;
	struct stats_result ts_result;
	struct stats_seq ts_seq; /* runs that have ended */
	struct seq_state ts_tracks;
	struct sync_times ts_syncs[STATS_NSYNCS];
	struct stats_budget ts_small;
	struct stats_table ts_pids, ts_tids;
	uint64_t ts_pid, ts_tid; /* of the last event, + 1 */
	uint32_t ts_map;	 /* of the last write, and is it private? */
	bool ts_private;

	/* What goes by pages, until they take too much. */
	struct stats_budget ts_budget;
	struct stats_table ts_leaves, ts_maps;
	struct page_order ts_order;
	struct work_parts ts_work;
	struct dirty_pages ts_dirty;
	struct ahead ts_ahead[AHEAD];
	struct page_leaf *ts_leaf; /* perhaps the next one; or NULL */
};

/* Is what follows pages still known? */
static inline bool
following(const struct trace_stats *ts)
{
	return !ts->ts_budget.sb_spent;
}

/* Accesses to pages first..end - 1, and whether they are then dirty. */
void pages_take(struct trace_stats *ts, uint32_t file, uint64_t first,
    uint64_t end, bool write, bool dirty);

/*
 * Have what events after ev[i] will want in the cache: with many pages, all of
 * it is far from the processor.
 */
void pages_ahead(struct trace_stats *ts, const struct trace_event *ev, size_t i,
    size_t n);

#endif
