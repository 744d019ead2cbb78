/*
 * Checksums keep what is changed at random from all but a few lines of the
 * reader.  So a .uvt is taken apart, one part is changed, blocks unpacked, and
 * it is put together anew with its sums right; now and then one is left wrong.
 * Frames are written without compression: what reads them cannot tell.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tests/fuzz/fuzz.h"
#include "traces/uvt_i.h"

#define BLOCKS_MAX 8
#define RAW_MAX	   (1U << 16) /* of a block that is taken apart */

struct part {
	uint8_t *pt_data; /* room for RAW_MAX */
	size_t pt_len;
};

struct uvt {
	struct uvt_header u_header;
	struct part u_head;
	size_t u_nblocks;
	struct uvt_block u_block[BLOCKS_MAX];
	struct part u_raw[BLOCKS_MAX];
	struct part u_tail; /* index, trailer, what follows */
};

/* A file being put together. */
struct output {
	uint8_t *ou_data;
	size_t ou_len, ou_max;
};

static bool
part_init(struct part *pt, const uint8_t *data, size_t len)
{
	pt->pt_data = malloc(RAW_MAX);
	pt->pt_len = len < RAW_MAX ? len : RAW_MAX;
	if (pt->pt_data != NULL && pt->pt_len > 0)
		memcpy(pt->pt_data, data, pt->pt_len);
	return pt->pt_data != NULL;
}

static void
uvt_fini(struct uvt *u)
{
	free(u->u_head.pt_data);
	free(u->u_tail.pt_data);
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		free(u->u_raw[i].pt_data);
	free(u);
}

/* The block at *posp, if there is one: unpacked. */
static bool
take_block(struct uvt *u, const uint8_t *data, size_t size, size_t *posp)
{
	struct uvt_block *ub = &u->u_block[u->u_nblocks];
	struct part *raw = &u->u_raw[u->u_nblocks];
	size_t n;

	if (u->u_nblocks == BLOCKS_MAX || size - *posp < sizeof(*ub) ||
	    memcmp(data + *posp, UVT_BLOCK_MAGIC, sizeof(ub->ub_magic)) != 0)
		return false;
	memcpy(ub, data + *posp, sizeof(*ub));
	if (ub->ub_packed > size - *posp - sizeof(*ub) ||
	    !part_init(raw, NULL, 0))
		return false;
	n = ZSTD_decompress(raw->pt_data, RAW_MAX, data + *posp + sizeof(*ub),
	    ub->ub_packed);
	raw->pt_len = ZSTD_isError(n) ? 0 : n;
	*posp += sizeof(*ub) + ub->ub_packed;
	u->u_nblocks++;
	return true;
}

/* NULL: that is no .uvt. */
static struct uvt *
take_apart(const uint8_t *data, size_t size)
{
	struct uvt *u;
	size_t pos = sizeof(u->u_header);

	if (size < pos || memcmp(data, UVT_MAGIC, UVT_MAGIC_LEN) != 0)
		return NULL;
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	memcpy(&u->u_header, data, pos);
	if (u->u_header.uh_head_len > size - pos ||
	    !part_init(&u->u_head, data + pos, u->u_header.uh_head_len)) {
		uvt_fini(u);
		return NULL;
	}
	pos += u->u_header.uh_head_len;
	while (take_block(u, data, size, &pos))
		continue;
	if (!part_init(&u->u_tail, data + pos, size - pos)) {
		uvt_fini(u);
		return NULL;
	}
	return u;
}

static void
part_change(fuzz_mutator *mutate, struct part *pt, size_t max)
{
	pt->pt_len =
	    mutate(pt->pt_data, pt->pt_len, max < RAW_MAX ? max : RAW_MAX);
}

/* Change the bytes of a structure. */
static void
struct_change(fuzz_mutator *mutate, void *p, size_t size)
{
	uint8_t buf[256];
	size_t n;

	memcpy(buf, p, size);
	n = mutate(buf, size, size);
	memcpy(p, buf, n < size ? n : size);
}

static void
change(fuzz_mutator *mutate, struct uvt *u, size_t max, unsigned seed)
{
	const size_t b = u->u_nblocks == 0 ? 0 : seed / 16 % u->u_nblocks;
	struct part raw;

	switch (seed % 16) {
	case 0:
		struct_change(mutate, &u->u_header, sizeof(u->u_header));
		return;
	case 1:
	case 2:
	case 3:
		part_change(mutate, &u->u_head, max);
		return;
	case 4:
		part_change(mutate, &u->u_tail, max);
		return;
	default:
		break;
	}
	if (u->u_nblocks == 0)
		return;
	switch (seed % 16) {
	case 5:
		struct_change(mutate, &u->u_block[b], sizeof(u->u_block[b]));
		return;
	case 6: /* it is missing */
		raw = u->u_raw[b];
		u->u_nblocks--;
		for (size_t i = b; i < u->u_nblocks; i++) {
			u->u_block[i] = u->u_block[i + 1];
			u->u_raw[i] = u->u_raw[i + 1];
		}
		u->u_raw[u->u_nblocks] = raw;
		return;
	case 7: /* it is there twice */
		if (u->u_nblocks == BLOCKS_MAX ||
		    !part_init(&u->u_raw[u->u_nblocks], u->u_raw[b].pt_data,
			u->u_raw[b].pt_len))
			return;
		u->u_block[u->u_nblocks++] = u->u_block[b];
		return;
	default:
		part_change(mutate, &u->u_raw[b], max);
		return;
	}
}

static void
put(struct output *ou, const void *data, size_t len)
{
	const size_t room = ou->ou_max - ou->ou_len;
	const size_t n = len < room ? len : room;

	if (n > 0)
		memcpy(ou->ou_data + ou->ou_len, data, n);
	ou->ou_len += n;
}

/* A zstd frame of data as it is; no longer than a block of zstd's may be. */
static size_t
frame(uint8_t *dst, const struct part *raw)
{
	const uint32_t magic = ZSTD_MAGICNUMBER;
	const uint32_t size = (uint32_t)raw->pt_len;
	const uint32_t block = 1 | size << 3; /* the last, raw */
	const uint8_t what = 0xa0; /* the size is there, in 4 bytes */

	memcpy(dst, &magic, 4);
	dst[4] = what;
	memcpy(dst + 5, &size, 4);
	memcpy(dst + 9, &block, 3);
	memcpy(dst + 12, raw->pt_data, raw->pt_len);
	return 12 + raw->pt_len;
}

static void
put_block(struct output *ou, struct uvt_block *ub, const struct part *raw,
    bool right)
{
	uint8_t *packed = malloc(RAW_MAX + 16);

	if (packed == NULL)
		return;
	memcpy(ub->ub_magic, UVT_BLOCK_MAGIC, sizeof(ub->ub_magic));
	ub->ub_packed = (uint32_t)frame(packed, raw);
	if (right) {
		ub->ub_raw = (uint32_t)raw->pt_len;
		ub->ub_packed_sum = XXH3_64bits(packed, ub->ub_packed);
	}
	ub->ub_sum = UVT_SUM(ub, ub_sum);
	put(ou, ub, sizeof(*ub));
	put(ou, packed, ub->ub_packed);
	free(packed);
}

/* The index and the trailer, if they are there: with their sums right. */
static void
put_tail(struct output *ou, struct part *tail, const struct uvt *u)
{
	struct uvt_index ui;
	struct uvt_trailer ut;
	size_t len = tail->pt_len;

	if (len < sizeof(ui) + sizeof(ut)) {
		put(ou, tail->pt_data, len);
		return;
	}
	memcpy(&ui, tail->pt_data, sizeof(ui));
	memcpy(&ut, tail->pt_data + len - sizeof(ut), sizeof(ut));
	len -= sizeof(ui) + sizeof(ut);
	ui.ui_entries_sum = XXH3_64bits(tail->pt_data + sizeof(ui), len);
	if (ui.ui_blocks == u->u_nblocks)
		ut.ut_index = ou->ou_len;
	ui.ui_sum = UVT_SUM(&ui, ui_sum);
	ut.ut_sum = UVT_SUM(&ut, ut_sum);
	put(ou, &ui, sizeof(ui));
	put(ou, tail->pt_data + sizeof(ui), len);
	put(ou, &ut, sizeof(ut));
}

static void
put_together(struct output *ou, struct uvt *u, unsigned seed)
{
	/* 0: all sums are right. */
	const unsigned wrong = seed % 8 == 0 ? seed / 8 % 4 : 0;
	struct uvt_header *uh = &u->u_header;
	uint64_t first = 0;

	memcpy(uh->uh_magic, UVT_MAGIC, UVT_MAGIC_LEN);
	if (wrong != 1) {
		uh->uh_head_len = u->u_head.pt_len;
		uh->uh_head_sum =
		    XXH3_64bits(u->u_head.pt_data, u->u_head.pt_len);
	}
	uh->uh_sum = UVT_SUM(uh, uh_sum);
	put(ou, uh, sizeof(*uh));
	put(ou, u->u_head.pt_data, u->u_head.pt_len);
	for (size_t i = 0; i < u->u_nblocks; i++) {
		if (wrong != 2)
			u->u_block[i].ub_first = first;
		first += u->u_block[i].ub_events;
		put_block(ou, &u->u_block[i], &u->u_raw[i], wrong != 3);
	}
	put_tail(ou, &u->u_tail, u);
}

size_t
fuzz_uvt_mutate(fuzz_mutator *mutate, uint8_t *data, size_t size, size_t max,
    unsigned seed)
{
	struct output ou = { data, 0, max };
	/* Neighbours differ in their low bits: mix. */
	const unsigned dice = (unsigned)(seed * 2654435761ULL >> 8);
	struct uvt *u = dice % 32 == 0 ? NULL : take_apart(data, size);

	if (u == NULL)
		return mutate(data, size, max);
	change(mutate, u, max, dice / 32);
	put_together(&ou, u, dice / 8192);
	uvt_fini(u);
	return ou.ou_len;
}
