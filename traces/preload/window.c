#include "traces/preload/preload.h"

#include <errno.h>

/*
 * The pages that have been seen since the last flush, as a hash table: a word
 * a page, of its number, whether it was written to, and the epoch.  Words of
 * other epochs are empty, so that a flush empties all of them at once.
 */
#define WORD_WRITE	 1U
#define WORD_PAGE_SHIFT	 1
#define WORD_EPOCH_SHIFT 37
#define EPOCH_MAX	 ((1U << (64 - WORD_EPOCH_SHIFT)) - 1)

#define WORDS_LEAST (1U << 10)
#define WORDS_INF   (1U << 16) /* to begin with, where there are no bounds */

/*
 * An instruction may touch several pages: with a window of fewer it would never
 * be done.
 */
#define WINDOW_LEAST 16U

/* Each open page may be a map of the kernel's, and so what lies between. */
#define WINDOW_MOST 24000U

static uint64_t *words;
static size_t nwords; /* a power of two */
static size_t nseen;
static uint32_t epoch = 1;

static uint64_t *
words_new(size_t n)
{
	const long ret = sys_mmap(0, n * sizeof(*words), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return sys_failed(ret) ? NULL : to_ptr((uint64_t)ret);
}

bool
window_start(void)
{
	nwords = WORDS_INF;
	if (lib.lb_window != RAW_UNKNOWN) {
		if (lib.lb_window < WINDOW_LEAST)
			lib.lb_window = WINDOW_LEAST;
		if (lib.lb_window > WINDOW_MOST)
			lib.lb_window = WINDOW_MOST;
		nwords = WORDS_LEAST;
		while (nwords < 2 * lib.lb_window)
			nwords *= 2;
	}
	words = words_new(nwords);
	return words != NULL;
}

/* The page's word, or the empty one where it belongs. */
static uint64_t *
word_at(uint64_t *table, size_t n, uint64_t addr)
{
	const uint64_t page = addr / PAGE;
	const uint64_t key = (uint64_t)epoch << (WORD_EPOCH_SHIFT - 1) | page;
	size_t i = (size_t)(page * 0x9e3779b97f4a7c15ULL >> 24) & (n - 1);

	while (table[i] >> WORD_PAGE_SHIFT != key &&
	    table[i] >> WORD_EPOCH_SHIFT == epoch)
		i = (i + 1) & (n - 1);
	return &table[i];
}

static uint64_t *
word_of(uint64_t addr)
{
	return word_at(words, nwords, addr);
}

static bool
used(const uint64_t *word)
{
	return *word >> WORD_EPOCH_SHIFT == epoch;
}

bool
window_has(uint64_t addr, bool write)
{
	const uint64_t *word = word_of(addr);

	return used(word) && (!write || (*word & WORD_WRITE) != 0);
}

/* Twice the room; where there is none, a flush makes it. */
static void
grow(void)
{
	uint64_t *more = words_new(nwords * 2), *old = words;
	const size_t n = nwords;

	if (more == NULL) {
		window_flush();
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (used(&old[i]))
			*word_at(more, n * 2,
			    (old[i] >> WORD_PAGE_SHIFT) * PAGE) = old[i];
	words = more;
	nwords = n * 2;
	(void)sys_munmap(to_addr(old), n * sizeof(*old));
}

/* What reading needs, on a machine where what can be written can be read. */
static int
reading(int prot)
{
	return prot == PROT_NONE ? PROT_NONE : (prot & ~PROT_WRITE) | PROT_READ;
}

/* What a page's protection is to be. */
static int
target(const struct map *mp, uint64_t addr)
{
	const uint64_t *word = word_of(addr);
	const int pins = pin_prot(addr);

	if ((used(word) && (*word & WORD_WRITE) != 0) ||
	    (pins & PROT_WRITE) != 0)
		return mp->mp_prot;
	return used(word) || pins != 0 ? reading(mp->mp_prot) : PROT_NONE;
}

/* All of them by themselves, in runs of the same. */
static void
apply_pages(const struct map *mp, uint64_t start, uint64_t end)
{
	while (start < end) {
		const int prot = target(mp, start);
		uint64_t to = start + PAGE;

		while (to < end && target(mp, to) == prot)
			to += PAGE;
		(void)sys_mprotect(start, to - start, prot);
		start = to;
	}
}

void
window_apply(uint64_t start, uint64_t end)
{
	for (size_t i = maps_from(start); i < nmaps && maps[i].mp_start < end;
	     i++) {
		const struct map *mp = &maps[i];
		const uint64_t from =
		    mp->mp_start > start ? mp->mp_start : start;
		const uint64_t to = mp->mp_end < end ? mp->mp_end : end;

		if (nseen == 0 && !pin_any(from, to))
			(void)sys_mprotect(from, to - from, PROT_NONE);
		else
			apply_pages(mp, from, to);
	}
}

void
window_flush(void)
{
	if (nseen == 0)
		return;
	log_flush();
	nseen = 0;
	if (epoch++ == EPOCH_MAX) {
		memset(words, 0, nwords * sizeof(*words));
		epoch = 1;
	}
	for (size_t i = 0; i < nmaps; i++) {
		struct map *mp = &maps[i];
		const uint64_t lo = mp->mp_lo, hi = mp->mp_hi;

		mp->mp_lo = mp->mp_hi = 0;
		if (lo < hi)
			window_apply(lo, hi);
	}
}

static bool
open_page(struct map *mp, uint64_t page)
{
	if (mp->mp_lo >= mp->mp_hi) {
		mp->mp_lo = page;
		mp->mp_hi = page + PAGE;
	} else if (page < mp->mp_lo) {
		mp->mp_lo = page;
	} else if (page >= mp->mp_hi) {
		mp->mp_hi = page + PAGE;
	}
	return sys_mprotect(page, PAGE, target(mp, page)) == 0;
}

static void
remember(uint64_t page, bool write)
{
	uint64_t *word = word_of(page);

	if (!used(word))
		nseen++;
	*word = (uint64_t)epoch << WORD_EPOCH_SHIFT |
	    page / PAGE << WORD_PAGE_SHIFT | (write ? WORD_WRITE : 0);
}

bool
window_see(struct map *mp, uint64_t addr, unsigned flags)
{
	const bool write = (flags & RAW_F_WRITE) != 0;
	const uint64_t page = addr & ~(uint64_t)(PAGE - 1);
	const bool known = used(word_of(page));

	if (window_has(page, write))
		return true;
	if (!known && nseen == lib.lb_window)
		window_flush();
	if (!known && nseen >= nwords / 2)
		grow();
	log_access(addr, flags);
	remember(page, write);
	if (likely(open_page(mp, page)))
		return true;
	/* The kernel has no room for another map: as if it were full. */
	window_flush();
	remember(page, write);
	return open_page(mp, page);
}
