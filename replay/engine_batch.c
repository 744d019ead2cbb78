/*
 * engine_batch.c: the loop over events; most are accesses to one page of the
 * map in use, and come in runs (traces/trace.h).
 *
 * A run is replayed a block at a time, while the cache is told what the next
 * blocks will need, which the trace knows.  Hints change nothing and count
 * nothing.
 */
#include <stddef.h>

#include "pager/uvm_run.h"
#include "replay/engine_impl.h"
#include "replay/replay.h"

#define BLOCK ((size_t)UVM_BLOCK)

/* How many blocks ahead of the replay each hint of uvm_run.h is given. */
enum { HINT_PAGE = 1, HINT_HASH, HINT_PTE };

/* One fault in so many accesses, or fewer: hints cost more than they bring. */
#define HINT_RARE 64

_Static_assert(UVM_AT_PAGE(TRACE_AT(5, 1)) == 5 &&
	UVM_AT_WRITE(TRACE_AT(5, 1)) == 1,
    "what the trace says is what the pager takes");

/* Accesses that are replayed together. */
struct run {
	uintptr_t ru_ptes; /* where page 0's entry of the table would be */
	const struct trace_event *ru_ev;
	const uint32_t *ru_at;
	size_t ru_n;
	bool ru_writes;	 /* not all of them are reads */
	uint64_t ru_tid; /* whose they all are, or TRACE_TIDS */
};

static inline uint8_t *
run_pte(const struct run *ru, uint32_t at)
{

	return uvm_at_pte(ru->ru_ptes, at);
}

static inline size_t
block_end(const struct run *ru, size_t i)
{

	return i + BLOCK < ru->ru_n ? i + BLOCK : ru->ru_n;
}

/* uvm_unready() of the block at i. */
static inline uint32_t
unready(const struct run *ru, size_t i)
{

	return i < ru->ru_n ? uvm_unready(ru->ru_ptes, &ru->ru_at[i],
				  ru->ru_n - i, ru->ru_writes) :
			      0;
}

/*
 * Give the hints for the blocks after the one at i; far: of all three kinds.
 *
 * => *duep: unready() of the block that HINT_PAGE was for; and, on return,
 *    of the next that it will be for
 */
static inline void
hint(const struct engine *en, const struct run *ru, size_t i, bool far,
    uint32_t *duep)
{
	const size_t pte = i + HINT_PTE * BLOCK, hash = i + HINT_HASH * BLOCK;
	uint32_t due;

	if (likely(pte + BLOCK <= ru->ru_n))
		for (size_t k = 0; k < BLOCK; k++)
			__builtin_prefetch(run_pte(ru, ru->ru_at[pte + k]), 1);
	if (!far)
		return;
	if (*duep != 0)
		uvm_hint_pages(en->en_uvm, en->en_map,
		    &ru->ru_at[i + HINT_PAGE * BLOCK], *duep);
	due = *duep = unready(ru, hash);
	if (due != 0)
		uvm_hint_hash(en->en_uvm, en->en_map, &ru->ru_at[hash], due);
	/* The event was written by another processor. */
	for (due = ru->ru_tid == TRACE_TIDS || en->en_timing == 1 ? due : 0;
	     due != 0; due &= due - 1)
		__builtin_prefetch(
		    &ru->ru_ev[hash + (unsigned)__builtin_ctz(due)].te_tid);
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
	if (got == UVM_HIT_MAPPED) {
		engine_fault_none(en, latency != ENGINE_UNTIMED);
		en->en_counted[write][OUTCOME_MAPPED]++;
	} else if (unlikely(got >= UVM_FAULT_PROT))
		status = engine_access_end(en, write, got, latency);
	else if (latency == ENGINE_UNTIMED)
		en->en_counted[write][access_done(got)]++;
	else
		engine_latency(en, write ? OP_WRITE : OP_READ, access_done(got),
		    latency);
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
 * Accesses from k on, before end, that need neither a fault nor bytes.
 *
 * => the first that does
 */
static noinline size_t
run_hits(struct engine *en, const struct run *ru, size_t k, size_t end)
{
	/* No entry has all bits. */
	const uint8_t need[2] = { PTE_READ_HIT,
		en->en_data ? UINT8_MAX : PTE_WRITE_HIT };
	/* Marks are bytes, which might be any of what is not here. */
	const struct run here = *ru;
	const size_t first = k;
	size_t writes = 0;

	for (; k < end; k++) {
		const uint32_t at = here.ru_at[k], write = UVM_AT_WRITE(at);

		if (!uvm_pte_mark(run_pte(&here, at), need[write]))
			break;
		writes += write;
	}
	count_hits(en, k - first, writes);
	return k;
}

/*
 * Replay accesses k to end - 1 of a run: with fast, those that need no fault
 * and no bytes at once; the others as any event.
 *
 * => 0, or the exit status
 */
static int
part_replay(struct engine *en, const struct run *ru, size_t k, size_t end,
    bool fast)
{
	const bool plain = fast && en->en_verify == NULL && !en->en_data;
	int status = 0;

	for (; status == 0; k++) {
		if (likely(fast))
			k = run_hits(en, ru, k, end);
		if (k == end)
			break;
		if (likely(plain))
			status =
			    fault(en, &ru->ru_ev[k], UVM_AT_PAGE(ru->ru_at[k]));
		else
			status = event(en, &ru->ru_ev[k]);
	}
	return status;
}

/* How many of n accesses are writes? */
static inline size_t
writes_of(const uint32_t *at, size_t n)
{
	uint32_t writes = 0;

	for (size_t i = 0; i < n; i++)
		writes += UVM_AT_WRITE(at[i]);
	return writes;
}

/*
 * Are the next faults all of one thread, and none of them to be timed?  Then
 * their events need not be looked at.
 */
static inline bool
faults_plain(const struct engine *en, const struct run *ru)
{

	return ru->ru_tid != TRACE_TIDS &&
	    (en->en_timing == 0 ||
		(en->en_timing > 1 && en->en_untimed > BLOCK));
}

/*
 * Of what is due of the block at i, which begins with event seq, do those whose
 * faults are common.
 *
 * => false: the next is none of those
 */
static inline bool
common_faults(struct engine *en, const struct run *ru, size_t i, uint64_t seq,
    struct uvm_run *ur)
{
	const unsigned done = ur->ur_done;
	const unsigned faults = ur->ur_faults[0] + ur->ur_faults[1];

	if (!faults_plain(en, ru))
		return false;
	engine_thread_enter(en, (uint32_t)ru->ru_tid);
	uvm_fault_run(en->en_uvm, ur);
	if (ur->ur_done == done)
		return false;
	if (en->en_timing != 0)
		en->en_untimed -= ur->ur_faults[0] + ur->ur_faults[1] - faults;
	if (uvm_event_due(en->en_uvm)) {
		en->en_ev = &ru->ru_ev[i + ur->ur_last];
		en->en_seq = seq + ur->ur_last;
		engine_event_end(en);
		ur->ur_due = uvm_run_due(ur, ur->ur_last + 1);
	}
	return true;
}

/*
 * Replay the block of a run at i, where faults are common: which accesses need
 * one is found out without a branch for each, as no processor foresees it.  It
 * holds until a mapping may have been lost.  Accesses that need nothing are
 * only counted: their entries have all they would get.
 *
 * => of the fast kind, with neither bytes nor a verifier
 * => 0, or the exit status
 */
static int
block_replay(struct engine *en, const struct run *ru, size_t i, size_t n)
{
	struct uvm_run ur = {
		.ur_map = en->en_map,
		.ur_at = &ru->ru_at[i],
		.ur_n = (unsigned)n,
		.ur_writes = ru->ru_writes,
		.ur_turns = true,
	};
	const uint64_t seq = en->en_seq;
	size_t faults = 0, writes = 0;
	int status = 0;

	ur.ur_due = uvm_run_due(&ur, 0);
	while (ur.ur_due != 0) {
		if (common_faults(en, ru, i, seq, &ur))
			continue;
		const unsigned k = (unsigned)__builtin_ctz(ur.ur_due);
		const uint32_t at = ur.ur_at[k], write = UVM_AT_WRITE(at);
		const uint32_t lost = uvm_lost(en->en_uvm);

		ur.ur_due &= ur.ur_due - 1;
		if (unlikely(uvm_pte_mark(run_pte(ru, at), uvm_at_need(at))))
			continue;
		en->en_seq = seq + k;
		status = fault(en, &ru->ru_ev[i + k], UVM_AT_PAGE(at));
		if (unlikely(status != 0)) {
			n = k;
			break;
		}
		faults++;
		writes += write;
		if (unlikely(uvm_lost_since(en->en_uvm, lost)))
			ur.ur_due = uvm_run_due(&ur, k + 1);
	}
	for (unsigned miss = 0; miss < 2; miss++) {
		const enum outcome as = miss ? OUTCOME_MISS : OUTCOME_RESIDENT;

		en->en_counted[0][as] +=
		    ur.ur_faults[miss] - ur.ur_fault_writes[miss];
		en->en_counted[1][as] += ur.ur_fault_writes[miss];
		faults += ur.ur_faults[miss];
		writes += ur.ur_fault_writes[miss];
	}
	if (ru->ru_writes)
		writes = writes_of(ur.ur_at, n) - writes;
	en->en_seq = seq + faults;
	count_hits(en, n - faults, writes);
	return status;
}

/* Replay a run, with hints block by block. => as part_replay() */
static int
run_replay(struct engine *en, struct run *ru, bool fast, bool hints)
{
	const bool plain = fast && en->en_verify == NULL && !en->en_data;
	const bool far = uvm_hints_pay(en->en_uvm);
	uint32_t due;
	size_t i, end;
	int status = 0;

	if (!hints)
		return engine_interrupted() ?
		    UVN_FAILED :
		    part_replay(en, ru, 0, ru->ru_n, fast);
	ru->ru_writes = writes_of(ru->ru_at, ru->ru_n) != 0;
	due = far ? unready(ru, HINT_PAGE * BLOCK) : 0;
	for (i = 0; i < ru->ru_n && status == 0; i = end) {
		end = block_end(ru, i);
		if (engine_interrupted())
			return UVN_FAILED;
		hint(en, ru, i, far, &due);
		status = likely(plain) ? block_replay(en, ru, i, end - i) :
					 part_replay(en, ru, i, end, fast);
	}
	return status;
}

/* How many of n events are due before en_due; their times never go back. */
static size_t
before_due(const struct engine *en, const struct trace_event *ev, size_t n)
{
	size_t low = 0, high = n;

	if (likely(ev[n - 1].te_time < en->en_due))
		return n;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (ev[mid].te_time < en->en_due)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The events of run rn of the batch from i on, before end.
 *
 * => *ru: they are of the map in use and of nothing else that is due; false:
 *    the first has to be looked at by itself
 */
static bool
run_take(const struct engine *en, const struct trace_batch *tb,
    const struct trace_run *rn, size_t i, size_t end, struct run *ru)
{
	const struct uvm_map *const map = en->en_map;
	const size_t last = rn->rn_first + (size_t)rn->rn_n;

	if (map == NULL || map->um_id != rn->rn_map ||
	    map->um_file != rn->rn_file || rn->rn_low < map->um_first ||
	    rn->rn_pages > map->um_first + map->um_npages)
		return false;
	ru->ru_ptes = uvm_ptes(map);
	ru->ru_ev = &tb->tb_ev[i];
	ru->ru_at = &tb->tb_at[i];
	ru->ru_tid = tb->tb_tid;
	ru->ru_n = before_due(en, ru->ru_ev, (last < end ? last : end) - i);
	return ru->ru_n != 0;
}

int
engine_batch(struct engine *en, const struct trace_batch *tb, size_t n)
{
	const struct uvmexp *const exp = uvm_stat(en->en_uvm);
	/* The others have to be looked at one by one. */
	const bool fast =
	    !en->en_job->ej_paranoid && en->en_every == 0 && !en->en_pace.pc_on;
	const bool hints = (exp->faults - en->en_faults) * HINT_RARE > n;
	const struct trace_run *rn = tb->tb_run;
	const struct trace_run *const rend = rn + tb->tb_nruns;
	const uint64_t seq = en->en_seq;
	struct run ru;
	int status = 0;
	size_t i;

	en->en_faults = exp->faults;
	while ((i = (size_t)(en->en_seq - seq)) < n && status == 0) {
		while (rn != rend && rn->rn_first + rn->rn_n <= i)
			rn++;
		if (rn != rend && rn->rn_first <= i &&
		    run_take(en, tb, rn, i, n, &ru)) {
			status = run_replay(en, &ru, fast, hints);
			continue;
		}
		en->en_ev = &tb->tb_ev[i];
		if (en->en_ev->te_time >= en->en_due)
			status = engine_due(en);
		if (status == 0)
			status = event(en, &tb->tb_ev[i]);
	}
	return status;
}
