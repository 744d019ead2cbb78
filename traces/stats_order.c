/*
 * stats_order.c: how many different pages were accessed since a page was.
 *
 * The slots of last accesses are a row of bits, one for each page at the time
 * of its last access; the distance of reuse is the number of bits behind the
 * page's.  That is the algorithm of B. T. Bennett and V. J. Kruskal, "LRU stack
 * processing" (IBM J. Res. Dev. 19, 1975), whose sums are kept in P. M.
 * Fenwick's tree ("A new data structure for cumulative frequency tables",
 * Softw. Pract. Exp. 24, 1994).  Its leaves are blocks of 512 bits, one line of
 * the cache, counted when asked for: the tree is small enough to stay in the
 * cache where one with a number for each slot would not.
 *
 * When all slots are used they are numbered anew, so that memory goes with the
 * pages, and not with the length of the trace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/stats_i.h"

#define BLOCK_BITS   512U
#define BLOCK_WORDS  (BLOCK_BITS / 64)
#define BLOCKS_LEAST 128
#define BLOCKS_MOST  ((size_t)UINT32_MAX / BLOCK_BITS)
/* Slots for each page in use: the work of numbering them is spread wide. */
#define SLOTS_A_PAGE 4
/* So near, counting is faster than asking the tree. */
#define NEAR (2 * BLOCK_BITS)

static bool
room(struct page_order *po, size_t blocks)
{
	uint64_t *bits;
	uint32_t *sums;

	bits = reallocarray(po->po_bits, blocks, BLOCK_BITS / 8);
	if (bits == NULL)
		return false;
	po->po_bits = bits;
	sums = reallocarray(po->po_sums, blocks + 1, sizeof(*sums));
	if (sums == NULL)
		return false;
	po->po_sums = sums;
	po->po_blocks = blocks;
	return true;
}

int
order_init(struct page_order *po, bool fast)
{
	*po = (struct page_order){ .po_fast = fast };
	return order_settle(po);
}

void
order_fini(struct page_order *po)
{
	free(po->po_bits);
	free(po->po_sums);
}

/* In line: what the compiler may take for granted has no instruction for it. */
static inline uint32_t
ones(uint64_t word)
{
	const uint64_t fives = 0x5555555555555555, threes = 0x3333333333333333;

	word -= word >> 1 & fives;
	word = (word & threes) + (word >> 2 & threes);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (uint32_t)(word * 0x0101010101010101 >> 56);
}

/* Bits of a block before slot; all of it for the first slot of the next. */
static uint32_t
block_before(const struct page_order *po, size_t block, uint32_t slot)
{
	const uint64_t *const bits = &po->po_bits[block * BLOCK_WORDS];
	const uint32_t n = slot - (uint32_t)block * BLOCK_BITS;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n / 64; i++)
		sum += ones(bits[i]);
	if (n % 64 != 0)
		sum += ones(bits[n / 64] << (64 - n % 64));
	return sum;
}

static void
sums_add(struct page_order *po, size_t block, uint32_t v)
{
	for (size_t i = block + 1; i <= po->po_blocks; i += i & -i)
		po->po_sums[i] += v;
}

/* The sum of the blocks before this one, which are all closed. */
static uint32_t
sums_before(const struct page_order *po, size_t block)
{
	uint32_t sum = 0;

	for (size_t i = block; i > 0; i &= i - 1)
		sum += po->po_sums[i];
	return sum;
}

uint32_t
order_after(const struct page_order *po, uint32_t slot)
{
	const size_t block = slot / BLOCK_BITS;
	uint32_t sum, i = slot / 64;

	if (po->po_next - slot > NEAR)
		return po->po_live - sums_before(po, block) -
		    block_before(po, block, slot + 1);
	sum = ones(po->po_bits[i] >> slot % 64) - 1;
	for (i++; i <= po->po_next / 64; i++)
		sum += ones(po->po_bits[i]);
	return sum;
}

void
order_hint(const struct page_order *po, uint32_t slot)
{
	__builtin_prefetch(
	    po->po_bits + (size_t)(slot / BLOCK_BITS) * BLOCK_WORDS);
	__builtin_prefetch(&po->po_sums[slot / BLOCK_BITS]);
}

uint32_t
order_touch(struct page_order *po, uint32_t old)
{
	const uint32_t slot = po->po_next++;
	const size_t block = slot / BLOCK_BITS;

	po->po_bits[slot / 64] |= (uint64_t)1 << slot % 64;
	if (old == 0) {
		po->po_live++;
	} else {
		po->po_bits[old / 64] &= ~((uint64_t)1 << old % 64);
		if (old / BLOCK_BITS < block && !po->po_fast)
			sums_add(po, old / BLOCK_BITS, (uint32_t)-1);
	}
	if (po->po_next % BLOCK_BITS == 0 && !po->po_fast)
		sums_add(po, block, block_before(po, block, po->po_next));
	return slot;
}

void
order_squeeze(struct page_order *po)
{
	uint32_t sum = 0;

	/* The tree's place is taken by plain sums of the blocks before. */
	for (size_t b = 0; b < po->po_blocks; b++) {
		po->po_sums[b] = sum;
		sum += block_before(po, b, (uint32_t)(b + 1) * BLOCK_BITS);
	}
}

uint32_t
order_anew(const struct page_order *po, uint32_t slot)
{
	return po->po_sums[slot / BLOCK_BITS] +
	    block_before(po, slot / BLOCK_BITS, slot) + 1;
}

int
order_settle(struct page_order *po)
{
	const uint64_t want = (uint64_t)po->po_live * SLOTS_A_PAGE;
	size_t blocks = po->po_blocks != 0 ? po->po_blocks : BLOCKS_LEAST;

	while ((uint64_t)blocks * BLOCK_BITS < want && blocks < BLOCKS_MOST / 2)
		blocks *= 2;
	if (po->po_live >= blocks * BLOCK_BITS - 1 || !room(po, blocks))
		return ENOMEM;
	memset(po->po_bits, 0, blocks * (BLOCK_BITS / 8));
	memset(po->po_sums, 0, (blocks + 1) * sizeof(*po->po_sums));
	/* Slots 1 to po_live, as if touched in this order. */
	po->po_next = po->po_live + 1;
	memset(po->po_bits, 0xff, po->po_next / 64 * sizeof(*po->po_bits));
	po->po_bits[po->po_next / 64] |= ((uint64_t)1 << po->po_next % 64) - 1;
	po->po_bits[0] &= ~(uint64_t)1;
	for (size_t b = 0; b < po->po_next / BLOCK_BITS && !po->po_fast; b++)
		sums_add(po, b,
		    block_before(po, b, (uint32_t)(b + 1) * BLOCK_BITS));
	return 0;
}
