/*
 * engine_batch.c: the loop over events; most are accesses to one page of the
 * map in use.
 *
 * A run of such accesses is gathered first: where each goes in the page table.
 * It is then replayed a block at a time, while the cache is told what the next
 * blocks will need, which the trace knows.  Hints change nothing and count
 * nothing.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "replay/engine_impl.h"
#include "replay/replay.h"

#define BLOCK 16UL

/* How many blocks ahead of the replay each hint of uvm.h is given. */
enum { HINT_PAGE = 1, HINT_HASH, HINT_PTE };

/* One fault in so many accesses, or fewer: hints cost more than they bring. */
#define HINT_RARE 64

/* Accesses of a run at most. */
#define RUN 4096

/* An access of a run: the entry of the page table, and whether it is a write. */
#define AT(idx, write) ((uint32_t)(idx) << 1 | (write))
#define AT_WRITE(at)   ((at)&1)
#define AT_MAX	       (1ULL << 31)

struct run {
	struct uvm_map ru_map; /* as it is: it outlives the run */
	size_t ru_n;
	/* Hints look beyond its end, at nothing. */
	uint32_t ru_at[RUN + (HINT_PTE + 1) * BLOCK];
};

_Static_assert(TRACE_WRITE == TRACE_READ + 1, "one comparison for both");
_Static_assert(PTE_R == 1, "the lowest bit");
_Static_assert(offsetof(struct trace_event, te_map) ==
	offsetof(struct trace_event, te_file) + 4,
    "one comparison for both");

/* Its file and its map, in one word. */
static inline uint64_t
where(const struct trace_event *te)
{
	uint64_t both;

	(void)memcpy(&both,
	    (const char *)te + offsetof(struct trace_event, te_file),
	    sizeof(both));
	return both;
}

/* What an access of one page of the map in use looks like, before en_due. */
struct usual {
	uint64_t us_where, us_due;
	uint64_t us_first, us_bytes; /* of the map in the file */
	uint64_t us_in_page;	     /* bits of an offset */
	unsigned us_shift;
};

static inline struct usual
usual(const struct engine *en)
{
	const struct uvm_map *const map = en->en_map;
	const unsigned shift = en->en_shift;
	const struct trace_event here = { .te_file = map->um_file,
		.te_map = map->um_id };

	return (struct usual){
		.us_where = where(&here),
		.us_due = en->en_due,
		.us_first = map->um_first << shift,
		.us_bytes = map->um_npages << shift,
		.us_in_page = (1ULL << shift) - 1,
		.us_shift = shift,
	};
}

/* => *atp: where in the page table; false: it is another kind of event */
static inline bool
is_usual(const struct usual *us, const struct trace_event *te, uint32_t *atp)
{
	const uint64_t at = te->te_offset - us->us_first;
	const unsigned op = te->te_op - (unsigned)TRACE_READ;

	/* A length of 0 is none of one page. */
	if (op > 1 || where(te) != us->us_where || at >= us->us_bytes ||
	    te->te_time >= us->us_due ||
	    te->te_length - 1 > us->us_in_page - (at & us->us_in_page))
		return false;
	*atp = AT(at >> us->us_shift, op);
	return true;
}

/* Gather the usual accesses at the head of n events. */
static void
gather(const struct engine *en, const struct trace_event *ev, size_t n,
    struct run *ru)
{
	const struct usual us = usual(en);
	size_t i;

	ru->ru_map = *en->en_map;
	if (n > RUN)
		n = RUN;
	for (i = 0; i < n && is_usual(&us, &ev[i], &ru->ru_at[i]); i++)
		continue;
	ru->ru_n = i;
}

static inline size_t
block_end(const struct run *ru, size_t i)
{

	return i + BLOCK < ru->ru_n ? i + BLOCK : ru->ru_n;
}

/* Bit k: access i + k of the block will need a fault, as things stand. */
static inline uint32_t
faults_due(const struct run *ru, size_t i)
{
	const uint8_t *const pte = ru->ru_map.um_pte;
	uint32_t due = 0;

	if (likely(i + BLOCK <= ru->ru_n)) {
		for (unsigned k = 0; k < BLOCK; k++)
			due |=
			    ((uint32_t)pte[UVM_AT_INDEX(ru->ru_at[i + k])] & PTE_R)
			    << k;
		return ~due & ((1U << BLOCK) - 1);
	}
	for (unsigned k = 0; i + k < ru->ru_n; k++)
		due |= (~(uint32_t)pte[UVM_AT_INDEX(ru->ru_at[i + k])] & PTE_R)
		    << k;
	return due;
}

/*
 * Give the hints for the blocks after the one at i.
 *
 * => *duep: faults_due() of the block that HINT_PAGE was for; and, on return,
 *    of the next that it will be for
 */
static inline void
hint(const struct engine *en, const struct run *ru, size_t i, uint32_t *duep)
{
	const size_t pte = i + HINT_PTE * BLOCK, hash = i + HINT_HASH * BLOCK;

	for (size_t k = pte; k < block_end(ru, pte); k++)
		__builtin_prefetch(
		    &ru->ru_map.um_pte[UVM_AT_INDEX(ru->ru_at[k])], 1);
	if (*duep != 0)
		uvm_hint_pages(en->en_uvm, en->en_map,
		    &ru->ru_at[i + HINT_PAGE * BLOCK], *duep);
	*duep = faults_due(ru, hash);
	if (*duep != 0)
		uvm_hint_hash(en->en_uvm, en->en_map, &ru->ru_at[hash], *duep);
}

/* What may end a run between two events. => 0, or the exit status */
static int
check(struct engine *en)
{
	struct errmsg *const em = &en->en_report->er_em;
	int error;

	if (engine_interrupted() ||
	    (en->en_job->ej_paranoid && uvm_check(en->en_uvm, em) != 0))
		return UVN_FAILED;
	if (en->en_verify != NULL &&
	    (error = verify_failed(en->en_verify, em)) != 0)
		return engine_status(error);
	return 0;
}

/*
 * An event, whatever it is, when nothing is due before it.
 *
 * => en_seq is the next one's, unless this one ended the run
 */
static int
event(struct engine *en, const struct trace_event *ev)
{
	int status;

	en->en_ev = ev;
	if (en->en_pace.pc_on && (status = engine_pace_event(en)) != 0)
		return status;
	if ((status = engine_apply(en)) != 0)
		return status;
	engine_event_end(en);
	en->en_seq++;
	return check(en);
}

/* Of a fault that went well. */
static inline enum outcome
access_done(enum uvm_outcome got)
{

	return got == UVM_MISS ? OUTCOME_MISS : OUTCOME_RESIDENT;
}

static inline enum uvm_outcome
fault_page(const struct engine *en, const struct trace_event *ev, uint64_t pgno)
{

	return uvm_access_slow(en->en_uvm, en->en_map, pgno,
	    ev->te_op == TRACE_WRITE	      ? UVM_ACCESS_WRITE :
		ev->te_flags & TRACE_F_IFETCH ? UVM_ACCESS_IFETCH :
						UVM_ACCESS_READ);
}

/*
 * The same for an access that needs a fault, when nothing else is asked for:
 * apply_page() of engine_apply.c without what it then does not need.
 */
static inline int
fault(struct engine *en, const struct trace_event *ev, uint64_t pgno)
{
	const bool write = ev->te_op == TRACE_WRITE;
	uint64_t latency = ENGINE_UNTIMED;
	enum uvm_outcome got;
	int status = 0;

	en->en_ev = ev;
	engine_thread_enter(en, ev->te_tid);
	if (engine_fault_timed(en)) {
		const uint64_t began = clock_ticks();

		got = fault_page(en, ev, pgno);
		latency = clock_ns(clock_ticks() - began);
	} else {
		got = fault_page(en, ev, pgno);
	}
	if (got == UVM_HIT_MAPPED)
		en->en_counted[write][OUTCOME_MAPPED]++;
	else if (unlikely(got >= UVM_FAULT_PROT))
		status = engine_access_end(en, write, got, latency);
	else if (latency == ENGINE_UNTIMED)
		en->en_counted[write][access_done(got)]++;
	else
		engine_latency(en, write ? OP_WRITE : OP_READ,
		    access_done(got), latency);
	if (unlikely(status != 0))
		return status;
	engine_event_end(en);
	en->en_seq++;
	return 0;
}

/* So many accesses since the last event needed no fault. */
static inline void
count_hits(struct engine *en, size_t n, size_t writes)
{

	uvm_count_hits(en->en_uvm, n);
	en->en_counted[0][OUTCOME_MAPPED] += n - writes;
	en->en_counted[1][OUTCOME_MAPPED] += writes;
	en->en_seq += n;
}

/*
 * What an entry must have for an access that is done at once: of a read in the
 * lowest byte, of a write in the next.  One that has bytes to store is none: no
 * entry has all bits.
 */
static inline unsigned
needs(const struct engine *en)
{

	return PTE_READ_HIT |
	    (en->en_data ? (unsigned)UINT8_MAX : PTE_WRITE_HIT) << 8;
}

static inline bool
hit(const struct uvm_map *map, uint32_t at, unsigned need)
{

	return uvm_pte_mark(&map->um_pte[UVM_AT_INDEX(at)],
	    (uint8_t)(need >> 8 * AT_WRITE(at)));
}

/*
 * Accesses from k on, before end, that need neither a fault nor bytes.
 *
 * => the first that does
 */
static inline size_t
run_hits(struct engine *en, const struct run *ru, size_t k, size_t end)
{
	const unsigned need = needs(en);
	const size_t first = k;
	size_t writes = 0;

	for (; k < end && hit(&ru->ru_map, ru->ru_at[k], need); k++)
		writes += AT_WRITE(ru->ru_at[k]);
	count_hits(en, k - first, writes);
	return k;
}

/*
 * The same of usual accesses at the head of n events that are not gathered: of
 * a trace with hardly any faults.
 */
static size_t
all_hits(struct engine *en, const struct trace_event *ev, size_t n)
{
	const struct usual us = usual(en);
	const struct uvm_map map = *en->en_map;
	const unsigned need = needs(en);
	size_t i, writes = 0;
	uint32_t at;

	for (i = 0; i < n && is_usual(&us, &ev[i], &at) && hit(&map, at, need);
	     i++)
		writes += AT_WRITE(at);
	count_hits(en, i, writes);
	return i;
}

/*
 * Replay a run of accesses: with fast, those that need no fault and no bytes at
 * once; the others as any event.
 *
 * => 0, or the exit status
 */
static int
run_replay(struct engine *en, const struct trace_event *ev,
    const struct run *ru, bool fast)
{
	const bool plain = fast && en->en_verify == NULL && !en->en_data;
	uint32_t due = faults_due(ru, HINT_PAGE * BLOCK);
	size_t i, end, k = 0;
	int status = 0;

	for (i = 0; i < ru->ru_n && status == 0; i = end) {
		end = block_end(ru, i);
		if (engine_interrupted())
			return UVN_FAILED;
		hint(en, ru, i, &due);
		while (status == 0) {
			if (likely(fast))
				k = run_hits(en, ru, k, end);
			if (k == end)
				break;
			if (likely(plain))
				status = fault(en, &ev[k],
				    en->en_map->um_first +
					UVM_AT_INDEX(ru->ru_at[k]));
			else
				status = event(en, &ev[k]);
			k++;
		}
	}
	return status;
}

int
engine_batch(struct engine *en, const struct trace_event *ev, size_t n)
{
	const struct uvmexp *const exp = uvm_stat(en->en_uvm);
	/* The others have to be looked at one by one. */
	const bool fast =
	    !en->en_job->ej_paranoid && en->en_every == 0 && !en->en_pace.pc_on;
	const bool hints = (exp->faults - en->en_faults) * HINT_RARE > n;
	const uint64_t seq = en->en_seq;
	struct run ru;
	int status = 0;
	size_t i;

	en->en_faults = exp->faults;
	while ((i = (size_t)(en->en_seq - seq)) < n && status == 0) {
		ru.ru_n = 0;
		if (likely(en->en_map != NULL) &&
		    likely(en->en_map->um_npages <= AT_MAX)) {
			if (fast && !hints && all_hits(en, &ev[i], n - i) != 0)
				continue;
			if (hints)
				gather(en, &ev[i], n - i, &ru);
		}
		if (ru.ru_n != 0) {
			status = run_replay(en, &ev[i], &ru, fast);
			continue;
		}
		en->en_ev = &ev[i];
		if (ev[i].te_time >= en->en_due)
			status = engine_due(en);
		if (status == 0)
			status = event(en, &ev[i]);
	}
	return status;
}
