/*
 * backend_file_pattern: what a write leaves, as a function of where and when.
 *
 * The eight bytes at an aligned position are a bijective mix of
 *
 *	(file * FILE_MULT ^ seq * SEQ_MULT) + (position / 8) * WORD_MULT
 *
 * so that within one write no two words are alike, and the sequence can be
 * computed back from a word and its place.  The multipliers are odd: large
 * steps, and inverses modulo 2^64.
 *
 * One multiplication per word, independent of its neighbours, is as fast as
 * memory; a byte-wise or chained generator would be slower than the disk.
 */
#include <endian.h>
#include <string.h>

#include "pager/uvm.h"

#define FILE_MULT 0xd6e8feb86659fd93ULL
#define SEQ_MULT  0xa0761d6478bd642fULL
#define WORD_MULT 0x9e3779b97f4a7c15ULL
#define MIX_MULT  0xe7037ed1a0b428dbULL

/* The inverse of odd a modulo 2^64: each step doubles the valid bits. */
static uint64_t
inverse(uint64_t a)
{
	uint64_t x = a;

	for (int i = 0; i < 5; i++)
		x *= 2 - a * x;
	return x;
}

static inline uint64_t
mix(uint64_t x)
{

	x ^= x >> 32;
	x *= MIX_MULT;
	return x ^ x >> 29;
}

static uint64_t
unmix(uint64_t x)
{

	x ^= x >> 29 ^ x >> 58;
	x *= inverse(MIX_MULT);
	return x ^ x >> 32;
}

/* Bytes [from, to) of the word whose mix has this input. */
static void
part(uint64_t input, size_t from, size_t to, void *buf)
{
	const uint64_t word = htole64(mix(input));

	memcpy(buf, (const uint8_t *)&word + from, to - from);
}

void
uvm_pattern(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf)
{
	uint64_t input =
	    (file * FILE_MULT ^ seq * SEQ_MULT) + offset / 8 * WORD_MULT;
	const size_t skip = offset % 8;
	uint8_t *p = buf;

	if (skip != 0) {
		const size_t to = length < 8 - skip ? skip + length : 8;

		part(input, skip, to, p);
		input += WORD_MULT;
		p += to - skip;
		length -= to - skip;
	}
	for (; length >= 8; length -= 8, p += 8, input += WORD_MULT) {
		const uint64_t word = htole64(mix(input));

		memcpy(p, &word, 8);
	}
	if (length != 0)
		part(input, 0, length, p);
}

uint64_t
uvm_pattern_seq(uint32_t file, uint64_t offset, const void *word)
{
	uint64_t x;

	memcpy(&x, word, 8);
	x = unmix(le64toh(x)) - offset / 8 * WORD_MULT;
	return (x ^ file * FILE_MULT) * inverse(SEQ_MULT);
}

void
uvm_filebe_fill(uint32_t file, uint64_t offset, size_t length, void *buf)
{

	uvm_pattern(file, offset, length, 0, buf);
}
