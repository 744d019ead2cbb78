#include "traces/preload/preload.h"

/* As many as Linux lets a process have, unless it was told otherwise. */
#define MAPS_MAX 131072

struct map *maps;
size_t nmaps;

bool
maps_init(void)
{
	const long ret =
	    sys_mmap(0, MAPS_MAX * sizeof(*maps), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_failed(ret))
		return false;
	maps = to_ptr((uint64_t)ret);
	return true;
}

static void
bounds(void)
{
	atomic_store_explicit(&lib.lb_lo, nmaps > 0 ? maps[0].mp_start : 0,
	    memory_order_relaxed);
	atomic_store_explicit(&lib.lb_hi,
	    nmaps > 0 ? maps[nmaps - 1].mp_end : 0, memory_order_relaxed);
}

size_t
maps_from(uint64_t addr)
{
	size_t lo = 0, hi = nmaps;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (maps[mid].mp_end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct map *
maps_find(uint64_t addr)
{
	static size_t last; /* where it was found the last time */
	size_t i = last;

	if (i >= nmaps || addr < maps[i].mp_start || addr >= maps[i].mp_end)
		i = maps_from(addr);
	if (i >= nmaps || addr < maps[i].mp_start)
		return NULL;
	last = i;
	return &maps[i];
}

bool
maps_any(uint64_t start, uint64_t end)
{
	size_t i;

	if (!maps_near(start, end))
		return false;
	i = maps_from(start);
	return i < nmaps && maps[i].mp_start < end;
}

static bool
insert_at(size_t i, const struct map *mp)
{
	if (nmaps == MAPS_MAX)
		return false;
	memmove(&maps[i + 1], &maps[i], (nmaps - i) * sizeof(*maps));
	maps[i] = *mp;
	nmaps++;
	return true;
}

bool
maps_insert(const struct map *mp)
{
	const bool done = insert_at(maps_from(mp->mp_start), mp);

	bounds();
	return done;
}

void
maps_split(uint64_t addr)
{
	const size_t i = maps_from(addr);
	struct map low;

	if (i == nmaps || maps[i].mp_start >= addr)
		return;
	low = maps[i];
	low.mp_end = addr;
	if (low.mp_hi > addr)
		low.mp_hi = addr;
	/* Where there is no room, the upper part is not followed any more. */
	if (insert_at(i, &low)) {
		maps[i + 1].mp_start = addr;
		if (maps[i + 1].mp_lo < addr)
			maps[i + 1].mp_lo = addr;
	} else {
		maps[i].mp_end = addr;
		log_note(RECORD_UNARMED_MAPS, 1);
	}
	bounds();
}

void
maps_remove(uint64_t start, uint64_t end)
{
	size_t i, n = 0;

	if (!maps_any(start, end))
		return;
	maps_split(start);
	maps_split(end);
	i = maps_from(start);
	while (i + n < nmaps && maps[i + n].mp_start < end)
		n++;
	memmove(&maps[i], &maps[i + n], (nmaps - i - n) * sizeof(*maps));
	nmaps -= n;
	bounds();
}

/* The map is now by the distance further on, and cut or drawn out to end. */
static void
put_at(struct map mp, uint64_t by, uint64_t end, bool last)
{
	mp.mp_start += by;
	mp.mp_end += by;
	if (mp.mp_end > end || last)
		mp.mp_end = end;
	mp.mp_lo = mp.mp_hi = 0;
	if (mp.mp_start < mp.mp_end && !maps_insert(&mp))
		log_note(RECORD_UNARMED_MAPS, 1);
}

void
maps_move(uint64_t start, uint64_t old, uint64_t to, uint64_t new, bool keep)
{
	const struct map *mp = maps_find(start);
	const bool copied = old == 0 || keep;
	uint64_t at = start;

	if (to != start)
		maps_remove(to, to + new);
	/* A copy is of one map. */
	if (copied && mp != NULL) {
		put_at(*mp, to - start, to + new, true);
		return;
	}
	maps_split(start);
	maps_split(start + old);
	while (!copied && at < start + old) {
		const size_t i = maps_from(at);
		struct map one;

		if (i == nmaps || maps[i].mp_start >= start + old)
			break;
		one = maps[i];
		maps_remove(one.mp_start, one.mp_end);
		put_at(one, to - start, to + new,
		    new > old &&one.mp_end == start + old);
		at = one.mp_end;
	}
}

void
maps_inherit(uint64_t start, uint64_t end, bool inherit)
{
	if (!maps_any(start, end))
		return;
	maps_split(start);
	maps_split(end);
	for (size_t i = maps_from(start); i < nmaps && maps[i].mp_start < end;
	     i++) {
		maps[i].mp_flags &= (uint8_t)~MP_DONTFORK;
		maps[i].mp_flags |= inherit ? 0 : MP_DONTFORK;
	}
}

void
maps_child(void)
{
	for (size_t i = nmaps; i-- > 0;)
		if ((maps[i].mp_flags & MP_DONTFORK) != 0)
			maps_remove(maps[i].mp_start, maps[i].mp_end);
}
