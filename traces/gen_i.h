/*
 * What the files of the generators share.
 *
 *	gen.c		parameters, events, what happens at given rates
 *	gen_pattern.c	which page comes next
 *	gen_random.c	random numbers, ranks, permutations
 *
 * Private to traces/.
 */
#ifndef TRACES_GEN_I_H
#define TRACES_GEN_I_H

#include "traces/trace_i.h"

enum gen_pattern {
	GEN_SEQUENTIAL,
	GEN_DESCENDING,
	GEN_STRIDED,
	GEN_UNIFORM,
	GEN_ZIPF,
	GEN_HOTCOLD,
	GEN_APPEND,
	GEN_MIX,
};

/* Events that one step may make, at most. */
#define GEN_STEP 16

/* gen_random.c: integers only, so that every machine draws the same. */
struct rng {
	uint64_t r_state;
};

uint64_t rng_next(struct rng *r);

/* Uniform in 0..n-1, n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* True with the probability of a RATIO. */
bool rng_chance(struct rng *r, uint64_t ratio);

/*
 * Ranks 0..n-1, of weight (rank + 1)^-theta.
 *
 * The first ranks have a weight each; further on, ranks within a thousandth of
 * each other share one.
 */
struct zipf {
	uint64_t *z_sum;   /* of weights up to and with this bucket */
	uint64_t *z_start; /* first rank of the bucket; one more at end */
	uint32_t *z_guide; /* first bucket of each part of the total */
	size_t z_n;
	uint64_t z_total;
};

int zipf_init(struct zipf *z, uint64_t n, double theta) mustcheck;
uint64_t zipf_next(const struct zipf *z, struct rng *r);
void zipf_fini(struct zipf *z);

/* Where i of 0..n-1 goes in a permutation of them that key chooses. */
uint64_t permute(uint64_t i, uint64_t n, uint64_t key);

struct gen_file {
	uint64_t gf_size; /* pages now */
	uint64_t gf_next; /* append: the page to write next */
};

struct gen_cursor {
	uint64_t gc_at; /* pages a thread has scanned */
};

struct trace_gen {
	struct trace_gen_param tg_p;
	struct trace_meta tg_meta;
	struct file_index tg_index;
	struct rng tg_rng;
	struct zipf tg_zipf;
	struct gen_file *tg_files;
	struct gen_cursor *tg_cursors; /* one a thread */
	uint64_t tg_nmaps;	       /* over all files */
	uint64_t tg_seq;	       /* events made */
	uint64_t tg_body;	       /* events before the detaches */
	uint64_t tg_accesses;
	uint64_t tg_phase;	   /* hotcold: phases begun */
	enum gen_pattern tg_burst; /* mix: what is going on */
	uint64_t tg_burst_left, tg_burst_at, tg_burst_map;
	struct trace_event tg_ev[TRACE_BATCH + GEN_STEP];
	size_t tg_n;
};

/* Add an event of thread t; te_time, te_pid and te_tid are filled in. */
void gen_emit(struct trace_gen *tg, uint64_t t, struct trace_event te);

/* Map m, 0.., is of this file. */
static inline uint64_t
gen_file_of(const struct trace_gen *tg, uint64_t m)
{
	return m % tg->tg_p.files;
}

void gen_access(struct trace_gen *tg, uint64_t t, uint64_t m, uint64_t page,
    bool write);
void gen_truncate(struct trace_gen *tg, uint64_t t, uint64_t file,
    uint64_t pages);

/* gen_pattern.c: the next access of thread t, with what it takes. */
void gen_step(struct trace_gen *tg, uint64_t t);

#endif
