/*
 * uvm_run: accesses of one page each, of one map, in a row.
 *
 * Whoever replays a trace knows what comes: the cache is told, and common
 * faults are done together.
 */
#ifndef PAGER_UVM_RUN_H
#define PAGER_UVM_RUN_H

#include "pager/uvm.h"

/* An access: the page of the file, below 1 << 31, and whether it writes. */
#define UVM_AT_PAGE(at)	 ((at) >> 1)
#define UVM_AT_WRITE(at) ((at)&1)

/* As many as are looked at together. */
#define UVM_BLOCK 16U

/*
 * A block of accesses; what is to be done of it, and what was.
 *
 * => all of its pages are within the map
 */
struct uvm_run {
	struct uvm_map *ur_map;
	const uint32_t *ur_at; /* [ur_n], at most UVM_BLOCK */
	unsigned ur_n;
	bool ur_writes; /* not all of them are reads */
	bool ur_turns;	/* the page daemon may have its turn between two */

	/* Bit k: at[k] needs more than its entry has, and is yet to be done.
	 * The others need nothing: they are only counted, by the caller. */
	uint32_t ur_due;
	unsigned ur_done; /* so many were due, and done */
	unsigned ur_last; /* the last of them */
	/* Those that were faults, [0] of resident pages, [1] that missed; and
	 * how many of these were writes. */
	unsigned ur_faults[2], ur_fault_writes[2];
};

/* What the entry of an access must have for a hit. */
static inline uint8_t
uvm_at_need(uint32_t at)
{

	return UVM_AT_WRITE(at) ? PTE_WRITE_HIT : PTE_READ_HIT;
}

/* Where the entry of page 0 of the file would be; and that of an access. */
static inline uintptr_t
uvm_ptes(const struct uvm_map *map)
{

	return (uintptr_t)map->um_pte - map->um_first;
}

static inline uint8_t *
uvm_at_pte(uintptr_t ptes, uint32_t at)
{

	/* What is in front of the table is no object to point into. */
	return (uint8_t *)(ptes + UVM_AT_PAGE(at)); /* NOLINT */
}

/* Of eight accesses; bit k: that of at[k]. */
static inline uint32_t
uvm_unready8(uintptr_t ptes, const uint32_t *at, bool writes)
{
	uint64_t lacks = 0, write = 0, reads;

	_Static_assert(PTE_R == 1 && PTE_W == 1 << 1 && PTE_REF == 1 << 2 &&
		PTE_MOD == 1 << 3,
	    "shifts");
	for (unsigned k = 0; k < 8; k++)
		lacks |= (uint64_t)*uvm_at_pte(ptes, at[k]) << 8 * k;
	lacks = ~lacks;
	reads = lacks | lacks >> 2;
	if (likely(!writes))
		return uvm_lowest8(reads);
	for (unsigned k = 0; k < 8; k++)
		write |= (uint64_t)UVM_AT_WRITE(at[k]) << 8 * k;
	return uvm_lowest8((reads & ~write) |
	    ((lacks >> 1 | lacks >> 2 | lacks >> 3) & write));
}

/*
 * Bit k: at[k], of the first UVM_BLOCK of n accesses, as things stand needs
 * more than its page table entry has: a fault, or to be marked.
 *
 * => writes: not all of them are reads
 */
static inline uint32_t
uvm_unready(uintptr_t ptes, const uint32_t *at, size_t n, bool writes)
{
	uint32_t bits = 0;

	if (likely(n >= UVM_BLOCK))
		return uvm_unready8(ptes, at, writes) |
		    uvm_unready8(ptes, at + 8, writes) << 8;
	for (unsigned k = 0; k < n; k++) {
		const unsigned need = PTE_REF | uvm_at_need(at[k]);
		const unsigned has = *uvm_at_pte(ptes, at[k]);

		bits |= (uint32_t)((has & need) != need) << k;
	}
	return bits;
}

/* What is due of a run from access k on, as things stand. */
static inline uint32_t
uvm_run_due(const struct uvm_run *ur, unsigned k)
{

	return uvm_unready(uvm_ptes(ur->ur_map), ur->ur_at, ur->ur_n,
		   ur->ur_writes) &
	    -(1U << k);
}

/*
 * Do accesses that are due, as uvm_access_slow() would one by one, for as long
 * as the faults are common, and nothing is due at the end of their event but a
 * turn of the page daemon that finds clean pages only, if ur_turns.  What turns
 * out to be mapped, or wants a mark only, is an access done, and the caller's to
 * count.
 *
 * => ur_due has what is left; its lowest is another kind of fault, or
 *    uvm_event_due(): uvm_event_end() of event ur_last comes first, after which
 *    ur_due has to be found out anew
 * => ur_done and the counts of faults are added to
 * => ur_due says, too, of what mappings the daemon took
 */
#ifdef UVM_MP
#define uvm_fault_run(uvm, ur) ((void)(uvm), (void)(ur))
#else
void uvm_fault_run(struct uvm *uvm, struct uvm_run *ur);
#endif

/* Do the hints of the hash and of pages pay?  Not where a cache has them all. */
bool uvm_hints_pay(const struct uvm *uvm);

/*
 * Hints of accesses to come, in three steps, each wanted some accesses before
 * the next: the page table's entry (uvm_at_pte()), which the caller has come;
 * where the hash begins; then the page that a fault will look at there.  They
 * change nothing and count nothing.
 *
 * => of at[0] to at[31] those are meant whose bit of due is set
 */
void uvm_hint_hash(const struct uvm *uvm, const struct uvm_map *map,
    const uint32_t *at, uint32_t due);
void uvm_hint_pages(const struct uvm *uvm, const struct uvm_map *map,
    const uint32_t *at, uint32_t due);

#endif
