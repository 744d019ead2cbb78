/*
 * stats_dirty.c: which pages are dirty, and the runs that a sync finds.
 *
 * A leaf has a bit for each of its pages.  Above the leaves stand words, in
 * levels, each bit of which says that something dirty is below: the next dirty
 * page is found without looking at clean ones, however large the file.
 */
#include <stdlib.h>

#include "traces/stats_i.h"

#define LEVELS 9 /* of 6 bits: numbers of leaves have 51 at most */

struct dirty_word {
	struct stats_key dw_key; /* level and place; place of file */
	uint64_t dw_bits;
};

static struct stats_key
word_key(uint32_t file, unsigned level, uint64_t i)
{
	return (struct stats_key){ (uint64_t)level << 56 | i, file };
}

void
dirty_init(struct dirty_pages *dp, struct stats_table *leaves,
    struct stats_budget *sb)
{
	*dp = (struct dirty_pages){ .dp_leaves = leaves };
	table_init(&dp->dp_words, sizeof(struct dirty_word), sb);
}

void
dirty_fini(struct dirty_pages *dp)
{
	table_fini(&dp->dp_words);
	free(dp->dp_files);
}

static void
file_link(struct dirty_pages *dp, uint32_t file)
{
	struct file_state *const fs = &dp->dp_files[file];

	fs->fs_prev = 0;
	fs->fs_next = dp->dp_first;
	if (fs->fs_next != 0)
		dp->dp_files[fs->fs_next - 1].fs_prev = file + 1;
	dp->dp_first = file + 1;
}

static void
file_unlink(struct dirty_pages *dp, uint32_t file)
{
	const struct file_state *const fs = &dp->dp_files[file];

	if (fs->fs_prev != 0)
		dp->dp_files[fs->fs_prev - 1].fs_next = fs->fs_next;
	else
		dp->dp_first = fs->fs_next;
	if (fs->fs_next != 0)
		dp->dp_files[fs->fs_next - 1].fs_prev = fs->fs_prev;
}

/* Leaf i of a file is dirty. */
static void
leaf_set(struct dirty_pages *dp, uint32_t file, uint64_t i)
{
	for (unsigned level = 1; level <= LEVELS; level++) {
		struct dirty_word *const dw =
		    table_get(&dp->dp_words, word_key(file, level, i / 64));
		const uint64_t had = dw != NULL ? dw->dw_bits : 1;

		if (dw != NULL)
			dw->dw_bits |= (uint64_t)1 << i % 64;
		if (had != 0)
			break;
		i /= 64;
	}
}

/* Leaf i of a file is clean. */
static void
leaf_clear(struct dirty_pages *dp, uint32_t file, uint64_t i)
{
	for (unsigned level = 1; level <= LEVELS; level++) {
		struct dirty_word *const dw =
		    table_find(&dp->dp_words, word_key(file, level, i / 64));

		if (dw == NULL)
			break;
		dw->dw_bits &= ~((uint64_t)1 << i % 64);
		if (dw->dw_bits != 0)
			break;
		i /= 64;
	}
}

static uint64_t
word_bits(const struct dirty_pages *dp, uint32_t file, unsigned level,
    uint64_t i)
{
	const struct dirty_word *const dw =
	    table_find(&dp->dp_words, word_key(file, level, i));

	return dw != NULL ? dw->dw_bits : 0;
}

/* The first dirty leaf of a file from i on, or UINT64_MAX. */
static uint64_t
leaf_next(const struct dirty_pages *dp, uint32_t file, uint64_t i)
{
	for (unsigned level = 1; level <= LEVELS; level++) {
		uint64_t bits =
		    word_bits(dp, file, level, i / 64) & UINT64_MAX << i % 64;

		if (bits == 0) {
			i = i / 64 + 1;
			continue;
		}
		for (;;) {
			i = i / 64 * 64 + (unsigned)__builtin_ctzll(bits);
			if (--level == 0)
				return i;
			bits = word_bits(dp, file, level, i);
			i *= 64;
		}
	}
	return UINT64_MAX;
}

void
dirty_page(struct dirty_pages *dp, struct page_leaf *pl, unsigned bit)
{
	const uint32_t file = (uint32_t)pl->pl_key.sk_b;

	if (pl->pl_dirty == 0)
		leaf_set(dp, file, pl->pl_key.sk_a);
	pl->pl_dirty |= (uint8_t)(1U << bit);
	if (dp->dp_files[file].fs_dirty++ == 0)
		file_link(dp, file);
}

/* The pages of leaf i that lie within from..to - 1, as bits. */
static uint8_t
within(uint64_t i, uint64_t from, uint64_t to)
{
	const uint64_t first = i << LEAF_BITS;
	unsigned bits = UINT8_MAX;

	if (from > first)
		bits &= (unsigned)UINT8_MAX << (from - first);
	if (to < first + LEAF_PAGES)
		bits &= (1U << (to - first)) - 1;
	return (uint8_t)bits;
}

/* A run in the making. */
struct run {
	uint64_t rn_next, rn_pages; /* the page that would go on; so far */
	struct stats_hist *rn_hist; /* or NULL */
};

static void
run_end(struct run *rn)
{
	if (rn->rn_pages > 0 && rn->rn_hist != NULL)
		stats_hist_add(rn->rn_hist, rn->rn_pages);
	rn->rn_pages = 0;
}

/* Clean these pages of leaf i.  => how many there were */
static unsigned
leaf_clean(struct dirty_pages *dp, struct page_leaf *pl, uint8_t bits,
    struct run *rn)
{
	const uint32_t file = (uint32_t)pl->pl_key.sk_b;
	const uint64_t first = pl->pl_key.sk_a << LEAF_BITS;
	unsigned n = 0;

	bits &= pl->pl_dirty;
	if (bits == 0)
		return 0;
	pl->pl_dirty &= (uint8_t)~bits;
	if (pl->pl_dirty == 0)
		leaf_clear(dp, file, pl->pl_key.sk_a);
	for (unsigned left = bits; left != 0; left &= left - 1, n++) {
		const uint64_t page = first + (unsigned)__builtin_ctz(left);

		if (page != rn->rn_next)
			run_end(rn);
		rn->rn_pages++;
		rn->rn_next = page + 1;
	}
	return n;
}

uint64_t
dirty_clean(struct dirty_pages *dp, uint32_t file, uint64_t from, uint64_t to,
    struct stats_hist *runs)
{
	struct file_state *const fs = &dp->dp_files[file];
	struct run rn = { .rn_hist = runs };
	uint64_t sum = 0, i = from >> LEAF_BITS;

	if (fs->fs_dirty == 0 || from >= to)
		return 0;
	while (
	    (i = leaf_next(dp, file, i)) << LEAF_BITS < to && i != UINT64_MAX) {
		struct page_leaf *const pl =
		    table_find(dp->dp_leaves, (struct stats_key){ i, file });

		if (pl != NULL)
			sum += leaf_clean(dp, pl, within(i, from, to), &rn);
		i++;
	}
	run_end(&rn);
	fs->fs_dirty -= sum;
	if (sum > 0 && fs->fs_dirty == 0)
		file_unlink(dp, file);
	return sum;
}
