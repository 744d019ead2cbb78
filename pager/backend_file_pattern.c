/*
 * backend_file_pattern: what a write leaves, as a function of where and when.
 *
 * The eight bytes at an aligned position are, in the host's byte order, a
 * bijective mix of
 *
 *	(file * FILE_MULT ^ seq * SEQ_MULT) + (position / 8) * WORD_MULT
 *
 * so that within one write no two words are alike, and the sequence can be
 * computed back from a word and its place.  The multipliers are odd: large
 * steps, and inverses modulo 2^64.
 *
 * Two words are mixed at a time, by shifts and additions: a vector of 64-bit
 * integers has no multiplication on older processors.  A generator by bytes or
 * in a chain would be slower than the disk.
 */
#include <string.h>

#include "pager/uvm.h"

#define FILE_MULT 0xd6e8feb86659fd93ULL
#define SEQ_MULT  0xa0761d6478bd642fULL
#define WORD_MULT 0x9e3779b97f4a7c15ULL
#define SHIFT_ADD 21 /* a multiplication by 2^21 + 1 */

#define BLOCK 64U /* bytes mixed in one round */

typedef uint64_t pair_t __attribute__((vector_size(16)));

/* The inverse of odd a modulo 2^64: each step doubles the valid bits. */
static uint64_t
inverse(uint64_t a)
{
	uint64_t x = a;

	for (int i = 0; i < 5; i++)
		x *= 2 - a * x;
	return x;
}

static inline pair_t
mix(pair_t x)
{

	x ^= x >> 32;
	x += x << SHIFT_ADD;
	return x ^ x >> 29;
}

static uint64_t
unmix(uint64_t x)
{

	x ^= x >> 29 ^ x >> 58;
	x *= inverse((1ULL << SHIFT_ADD) + 1);
	return x ^ x >> 32;
}

/* The whole block whose first word has this input; returns the next input. */
static inline uint64_t
block(uint64_t input, uint8_t *p)
{
	pair_t x = { input, input + WORD_MULT };

	for (size_t i = 0; i < BLOCK; i += sizeof(x)) {
		const pair_t word = mix(x);

		memcpy(p + i, &word, sizeof(word));
		x += 2 * WORD_MULT;
	}
	return input + BLOCK / 8 * WORD_MULT;
}

void
uvm_pattern(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf)
{
	uint64_t input =
	    (file * FILE_MULT ^ seq * SEQ_MULT) + offset / 8 * WORD_MULT;
	const size_t skip = offset % 8;
	uint8_t edge[BLOCK], *p = buf;

	if (skip != 0 && length != 0) {
		const size_t n = length < 8 - skip ? length : 8 - skip;

		(void)block(input, edge);
		memcpy(p, edge + skip, n);
		input += WORD_MULT;
		p += n;
		length -= n;
	}
	for (; length >= BLOCK; length -= BLOCK, p += BLOCK)
		input = block(input, p);
	if (length != 0) {
		(void)block(input, edge);
		memcpy(p, edge, length);
	}
}

uint64_t
uvm_pattern_seq(uint32_t file, uint64_t offset, const void *word)
{
	uint64_t x;

	memcpy(&x, word, 8);
	x = unmix(x) - offset / 8 * WORD_MULT;
	return (x ^ file * FILE_MULT) * inverse(SEQ_MULT);
}

void
uvm_filebe_fill(uint32_t file, uint64_t offset, size_t length, void *buf)
{

	uvm_pattern(file, offset, length, 0, buf);
}
