#include <sys/mman.h>

#include "traces/preload/preload.h"

#define CAP_FIRST 256

static void
bounds(void)
{
	const size_t n = preload.pl_nmaps;

	atomic_store_explicit(&preload.pl_lo,
	    n > 0 ? preload.pl_maps[0].wm_start : UINTPTR_MAX,
	    memory_order_relaxed);
	atomic_store_explicit(&preload.pl_hi,
	    n > 0 ? preload.pl_maps[n - 1].wm_end : 0, memory_order_relaxed);
}

size_t
maps_from(uintptr_t addr)
{
	size_t lo = 0, hi = preload.pl_nmaps;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (preload.pl_maps[mid].wm_end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct watched *
maps_find(uintptr_t addr)
{
	const size_t i = maps_from(addr);

	if (i == preload.pl_nmaps || preload.pl_maps[i].wm_start > addr)
		return NULL;
	return &preload.pl_maps[i];
}

/* Room for one more; the table is memory of our own. */
static bool
grow(void)
{
	const size_t old = preload.pl_capmaps;
	const size_t cap = old != 0 ? old * 2 : CAP_FIRST;
	long map;

	if (preload.pl_nmaps < old)
		return true;
	map = SYS6(SYS_mmap, 0, cap * sizeof(*preload.pl_maps),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map >= -4095)
		return false;
	if (old != 0) {
		memcpy((void *)map, preload.pl_maps,
		    old * sizeof(*preload.pl_maps));
		(void)SYS2(SYS_munmap, preload.pl_maps,
		    old * sizeof(*preload.pl_maps));
	}
	preload.pl_maps = (struct watched *)map;
	preload.pl_capmaps = cap;
	return true;
}

bool
maps_insert(const struct watched *wm)
{
	const size_t i = maps_from(wm->wm_start);

	if (!grow())
		return false;
	memmove(&preload.pl_maps[i + 1], &preload.pl_maps[i],
	    (preload.pl_nmaps - i) * sizeof(*wm));
	preload.pl_maps[i] = *wm;
	preload.pl_nmaps++;
	bounds();
	return true;
}

bool
maps_split(uintptr_t addr)
{
	struct watched *wm = maps_find(addr);
	struct watched high;

	if (wm == NULL || wm->wm_start == addr)
		return true;
	high = *wm;
	high.wm_start = addr;
	wm->wm_end = addr;
	return maps_insert(&high);
}

void
maps_cut(uintptr_t start, uintptr_t end)
{
	size_t i, n = 0;

	/* Without room to split, more is forgotten than need be. */
	(void)maps_split(start);
	(void)maps_split(end);
	i = maps_from(start);
	while (
	    i + n < preload.pl_nmaps && preload.pl_maps[i + n].wm_start < end)
		n++;
	memmove(&preload.pl_maps[i], &preload.pl_maps[i + n],
	    (preload.pl_nmaps - i - n) * sizeof(*preload.pl_maps));
	preload.pl_nmaps -= n;
	bounds();
}
