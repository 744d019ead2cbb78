/*
 * gen.c: random events; the machine they run on is made in gen_config.c.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/gen.h"
#include "tests/model/gen_i.h"

uint64_t
gen_below(struct genstate *gs, uint64_t n)
{

	return n == 0 ? 0 : dice_below(&gs->dice, n);
}

bool
gen_chance(struct genstate *gs, unsigned percent)
{

	return gen_below(gs, 100) < percent;
}

uint64_t
gen_between(struct genstate *gs, uint64_t lo, uint64_t hi)
{

	return lo + gen_below(gs, hi - lo + 1);
}

/* The next event, with its time; the caller fills in the rest. */
static struct model_event *
put(struct genstate *gs, enum model_op op)
{
	struct model_event *ev;

	if (gs->n == gs->max)
		return &gs->spare;
	gs->time += gen_between(gs, 100, 1000000);
	if (gen_below(gs, 1000) < gs->gaps)
		gs->time += gen_below(gs, 70000000000);
	ev = &gs->events[gs->n++];
	*ev = (struct model_event){ .op = op, .time = gs->time };
	return ev;
}

static struct model_event *
put_map(struct genstate *gs, enum model_op op, const struct genmap *map)
{
	struct model_event *const ev = put(gs, op);

	ev->map = map->id;
	ev->file = map->file->id;
	ev->pid = map->pid;
	return ev;
}

static struct model_event *
put_file(struct genstate *gs, enum model_op op, const struct genfile *f)
{
	struct model_event *const ev = put(gs, op);

	ev->file = f->id;
	ev->pid = 1;
	return ev;
}

static struct genmap *
any_map(struct genstate *gs)
{

	return gs->nmaps == 0 ? NULL : &gs->maps[gen_below(gs, gs->nmaps)];
}

static struct genfile *
any_file(struct genstate *gs)
{

	return &gs->files[gen_below(gs, gs->nfiles)];
}

static void
drop_map(struct genstate *gs, struct genmap *map)
{

	*map = gs->maps[--gs->nmaps];
}

/*
 * ---- mapping and unmapping ----
 */

static uint32_t
map_prot(struct genstate *gs)
{
	static const uint32_t rare[] = { 0, MODEL_F_W, MODEL_F_X,
		MODEL_F_W | MODEL_F_X, MODEL_F_R | MODEL_F_W | MODEL_F_X };

	if (gen_chance(gs, 5))
		return rare[gen_below(gs, nitems(rare))];
	if (gen_chance(gs, 65))
		return MODEL_F_R | MODEL_F_W;
	return gen_chance(gs, 20) ? MODEL_F_R | MODEL_F_X : MODEL_F_R;
}

static void
gen_attach(struct genstate *gs)
{
	struct genfile *const f = any_file(gs);
	const uint64_t pages = f->size / gs->page + 1;
	struct genmap *map;
	struct model_event *ev;

	if (gs->nmaps == gs->maxmaps)
		return;
	map = &gs->maps[gs->nmaps++];
	*map = (struct genmap){ .id = ++gs->lastmap * 4001 % GEN_MAX_ID,
		.file = f };
	map->pid = (uint32_t)gen_between(gs, 1, 4);
	map->npages = pages;
	if (gen_chance(gs, 40)) {
		map->first = gen_below(gs, pages);
		map->npages = gen_between(gs, 1, pages - map->first);
	}
	if (gen_chance(gs, 25))
		map->npages += gen_below(gs, 24);
	if (map->npages > GEN_PAGES)
		map->npages = GEN_PAGES;
	(void)memset(map->live, 1, map->npages);
	map->prot = map_prot(gs);
	map->flags = gen_chance(gs, 25) ? MODEL_F_PRIVATE : MODEL_F_SHARED;
	if (gen_chance(gs, map->prot & MODEL_F_W ? 85 : 20))
		map->flags |= MODEL_F_MAXW;
	ev = put_map(gs, MODEL_ATTACH, map);
	ev->offset = map->first * gs->page;
	ev->length = map->npages * gs->page - gen_below(gs, gs->page);
	ev->flags = map->flags | map->prot;
	if (gen_chance(gs, 15))
		ev->flags |= MODEL_F_INHERITED;
}

static void
gen_detach(struct genstate *gs)
{
	struct genmap *const map = any_map(gs);
	struct model_event *ev;
	struct genrange range;
	uint64_t no, end;

	if (map == NULL)
		return;
	ev = put_map(gs, MODEL_DETACH, map);
	if (gen_chance(gs, 50))
		range = (struct genrange){ map->first, map->npages };
	else
		range = gen_range(gs, map, 40);
	ev->offset = range.first * gs->page;
	if (range.first == map->first && range.npages >= map->npages &&
	    gen_chance(gs, 70)) {
		ev->offset = 0;
	} else {
		ev->length = range.npages * gs->page - gen_below(gs, gs->page);
		if (gen_chance(gs, 10) && ev->length > gs->page)
			ev->offset += gen_below(gs, gs->page);
	}
	if (ev->length == 0) {
		drop_map(gs, map);
		return;
	}
	end = (ev->offset + ev->length + gs->page - 1) / gs->page - map->first;
	for (no = ev->offset / gs->page - map->first;
	     no < end && no < map->npages; no++)
		map->live[no] = 0;
	if (memchr(map->live, 1, map->npages) == NULL)
		drop_map(gs, map);
}

static void
gen_exit(struct genstate *gs)
{
	const uint32_t pid = (uint32_t)gen_between(gs, 1, 5);
	size_t i;

	put(gs, MODEL_EXIT)->pid = pid;
	for (i = gs->nmaps; i-- > 0;) {
		if (gs->maps[i].pid == pid)
			drop_map(gs, &gs->maps[i]);
	}
}

/*
 * ---- accesses ----
 */

/* One access event at page no of map, if that is mapped. */
static void
gen_access(struct genstate *gs, struct genmap *map, uint64_t no, bool write)
{
	uint64_t most = 1, begin, end;
	struct model_event *ev;

	if (no >= map->npages || !map->live[no])
		return;
	ev = put_map(gs, write ? MODEL_WRITE : MODEL_READ, map);
	if (!write && gen_chance(gs, 5))
		ev->flags = MODEL_F_IFETCH;
	if (gen_chance(gs, 15)) {
		while (most < 12 && no + most < map->npages &&
		    map->live[no + most])
			most++;
		most = gen_between(gs, 1, most);
	}
	begin = (map->first + no) * gs->page + gen_below(gs, gs->page);
	end = (map->first + no + most) * gs->page - gen_below(gs, gs->page);
	if (gen_chance(gs, 1))
		begin = end = (map->first + no) * gs->page;
	ev->offset = begin;
	ev->length = end > begin ? end - begin : 0;
}

/* A page of map, seldom past the end of its file. */
static uint64_t
somewhere(struct genstate *gs, const struct genmap *map)
{
	const uint64_t pages = map->file->size / gs->page;
	uint64_t n = map->npages;

	if (pages > map->first && pages - map->first < n && !gen_chance(gs, 5))
		n = pages - map->first;
	return gen_below(gs, n);
}

/* A burst of accesses with a pattern, somewhere near the last one. */
static void
gen_burst(struct genstate *gs)
{
	struct genmap *const map = any_map(gs);
	const uint64_t count = gen_between(gs, 1, gs->burst);
	const unsigned pattern = (unsigned)gen_below(gs, 4);
	unsigned writes;
	uint64_t i;

	if (map == NULL)
		return;
	writes = gen_chance(gs, 50) ? (unsigned)gen_below(gs, 101) : gs->writes;
	if (!(map->prot & MODEL_F_W) && !gen_chance(gs, 5))
		writes = 0;
	if (gen_chance(gs, 50))
		map->cursor = somewhere(gs, map);
	for (i = 0; i < count; i++) {
		gen_access(gs, map, map->cursor, gen_chance(gs, writes));
		if (pattern == 0)
			map->cursor++;
		else if (pattern == 1)
			map->cursor--;
		else if (pattern == 2)
			map->cursor = somewhere(gs, map);
		else
			map->cursor += gen_below(gs, 9) - 4;
		if (map->cursor >= map->npages)
			map->cursor = pattern == 1 ? map->npages - 1 : 0;
	}
}

/*
 * ---- calls on maps ----
 */

/* A part of map: all, its file's part, short, or anything. */
struct genrange
gen_range(struct genstate *gs, const struct genmap *map, uint64_t little)
{
	struct genrange range = { map->first, map->npages };

	switch (gen_below(gs, 4)) {
	case 0:
		break;
	case 1:
	case 2:
		range.first += gen_below(gs, map->npages);
		range.npages = gen_between(gs, 1, little);
		break;
	default:
		range.first += gen_below(gs, map->npages);
		range.npages = gen_between(gs, 1, map->npages);
		break;
	}
	if (range.first + range.npages > map->first + map->npages &&
	    !gen_chance(gs, 3))
		range.npages = map->first + map->npages - range.first;
	if (range.npages > map->first + map->npages - range.first)
		range.npages = map->first + map->npages - range.first;
	return range;
}

static void
put_range(struct genstate *gs, struct model_event *ev, const struct genmap *map)
{
	const struct genrange range = gen_range(gs, map, 20);

	ev->offset = range.first * gs->page;
	ev->length = range.npages * gs->page;
	if (gen_chance(gs, 10))
		ev->offset += gen_below(gs, gs->page);
	if (gen_chance(gs, 10))
		ev->length -= gen_below(gs, gs->page);
	if (gen_chance(gs, 2))
		ev->length += gs->page * 3;
	if (gen_chance(gs, 3)) {
		ev->offset = range.first * gs->page;
		ev->length = 0;
	}
}

static void
gen_msync(struct genstate *gs)
{
	const struct genmap *const map = any_map(gs);
	struct model_event *ev;

	if (map == NULL)
		return;
	ev = put_map(gs, MODEL_MSYNC, map);
	put_range(gs, ev, map);
	ev->flags = gen_chance(gs, 50) ? MODEL_F_MS_SYNC : MODEL_F_MS_ASYNC;
	if (gen_chance(gs, 15))
		ev->flags |= MODEL_F_MS_INVALIDATE;
	if (gen_chance(gs, 3))
		ev->flags ^= MODEL_F_MS_SYNC;
}

static void
gen_madvise(struct genstate *gs)
{
	const struct genmap *const map = any_map(gs);
	struct model_event *ev;

	if (map == NULL)
		return;
	ev = put_map(gs, MODEL_MADVISE, map);
	put_range(gs, ev, map);
	ev->flags = (uint32_t)MODEL_F_NORMAL << gen_below(gs, 6);
}

static void
gen_protect(struct genstate *gs)
{
	struct genmap *const map = any_map(gs);
	struct model_event *ev;

	if (map == NULL)
		return;
	ev = put_map(gs, MODEL_PROTECT, map);
	put_range(gs, ev, map);
	ev->flags = gen_chance(gs, 40) ? MODEL_F_R | MODEL_F_W : map_prot(gs);
	if (gen_chance(gs, 15))
		ev->flags = 0;
	map->prot |= ev->flags;
}

/*
 * ---- calls on files ----
 */

static uint64_t
some_size(struct genstate *gs)
{
	const uint64_t pages = gen_below(gs, GEN_FILE_PAGES);

	return pages * gs->page +
	    (gen_chance(gs, 70) ? gen_below(gs, gs->page) : 0);
}

static void
gen_truncate(struct genstate *gs)
{
	struct genfile *const f = any_file(gs);
	struct model_event *const ev = put_file(gs, MODEL_TRUNCATE, f);
	uint64_t size = some_size(gs);

	switch (gen_below(gs, 6)) {
	case 0:
		size = f->size;
		break;
	case 1:
		size = f->size + gen_below(gs, gs->page * 8);
		break;
	case 2:
		size = f->size - gen_below(gs, gs->page * 8);
		if (size > f->size)
			size = 0;
		break;
	case 3:
		size = f->size - f->size / 8;
		break;
	default:
		break;
	}
	if (size > GEN_FILE_PAGES * gs->page)
		size = GEN_FILE_PAGES * gs->page;
	ev->length = f->size = size;
}

static void
gen_fileio(struct genstate *gs)
{
	struct genfile *const f = any_file(gs);
	const bool write = gen_chance(gs, 70);
	struct model_event *ev;

	ev = put_file(gs, write ? MODEL_PWRITE : MODEL_PREAD, f);
	ev->offset = gen_below(gs, f->size + 1);
	ev->length = gen_below(gs, gs->page * 6);
	if (gen_chance(gs, 20))
		ev->offset = f->size;
	if (gen_chance(gs, 5))
		ev->length = 0;
	if (ev->offset + ev->length > GEN_FILE_PAGES * gs->page)
		ev->offset = 0;
	if (write && ev->length > 0 && ev->offset + ev->length > f->size)
		f->size = ev->offset + ev->length;
}

static void
gen_fallocate(struct genstate *gs)
{
	struct genfile *const f = any_file(gs);
	struct model_event *const ev = put_file(gs, MODEL_FALLOCATE, f);

	ev->offset = gen_below(gs, f->size + 1);
	ev->length = gen_between(gs, 1, gs->page * 10);
	if (ev->offset + ev->length > GEN_FILE_PAGES * gs->page)
		ev->offset = 0;
	switch (gen_below(gs, 5)) {
	case 0:
		ev->flags = MODEL_F_KEEP;
		break;
	case 1:
		ev->flags = MODEL_F_PUNCH | MODEL_F_KEEP;
		break;
	case 2:
		ev->flags = MODEL_F_ZERO;
		break;
	case 3:
		ev->flags = MODEL_F_ZERO | MODEL_F_KEEP;
		break;
	default:
		break;
	}
	if (!(ev->flags & MODEL_F_KEEP) && ev->offset + ev->length > f->size)
		f->size = ev->offset + ev->length;
}

static void
gen_vnode(struct genstate *gs)
{
	struct genfile *const f = any_file(gs);

	switch (gen_below(gs, 8)) {
	case 0:
		(void)put_file(gs, MODEL_UNLINK, f);
		/* Its size is 0 some time; what is done to it stays valid. */
		break;
	case 1:
		(void)put_file(gs, MODEL_FSYNC, f);
		break;
	case 2:
	case 3:
	case 4:
		(void)put_file(gs, MODEL_OPEN, f);
		break;
	default:
		(void)put_file(gs, MODEL_CLOSE, f);
		break;
	}
}

static void
gen_sync(struct genstate *gs)
{

	(void)put(gs, MODEL_SYNC);
}

/* Make the last event one that a program could not have made. */
static void
gen_wrong(struct genstate *gs)
{
	const struct genmap *const map = any_map(gs);
	struct model_event *ev;

	gs->n--;
	ev = put_file(gs, MODEL_READ, any_file(gs));
	ev->map = GEN_MAX_ID;
	switch (gen_below(gs, 6)) {
	case 0:
		ev->op = MODEL_DETACH;
		break;
	case 1:
		ev->op = MODEL_MSYNC;
		ev->flags = MODEL_F_MS_SYNC;
		break;
	case 2:
		ev->op = MODEL_TRUNCATE;
		ev->file = GEN_MAX_FILES + 1;
		ev->map = 0;
		break;
	default:
		if (map == NULL)
			break;
		ev->map = map->id;
		ev->file = map->file->id;
		ev->offset = (map->first + map->npages - 1) * gs->page;
		ev->length = gs->page * 2;
		break;
	}
}

static const struct {
	void (*make)(struct genstate *);
	unsigned weight, peak;
} kinds[GEN_NKINDS] = {
	{ gen_burst, 60, 400 },
	{ gen_attach, 14, 60 },
	{ gen_detach, 8, 40 },
	{ gen_exit, 1, 10 },
	{ gen_msync, 10, 80 },
	{ gen_madvise, 6, 60 },
	{ gen_protect, 5, 60 },
	{ gen_truncate, 4, 60 },
	{ gen_fileio, 6, 60 },
	{ gen_fallocate, 2, 20 },
	{ gen_vnode, 4, 40 },
	{ gen_sync, 2, 20 },
};

static void
weigh(struct genstate *gs)
{
	size_t i;

	for (i = 0; i < GEN_NKINDS; i++) {
		gs->weight[i] = kinds[i].weight;
		if (gen_chance(gs, 15))
			gs->weight[i] = kinds[i].peak;
		else if (gen_chance(gs, 15))
			gs->weight[i] = 0;
		gs->weights += gs->weight[i];
	}
	gs->weights += gs->weight[1] == 0;
	gs->weight[1] += gs->weight[1] == 0;
}

void
gen_make(struct gen *g, uint64_t seed)
{
	struct genstate gs = { .dice = { seed } };
	uint64_t pick;
	size_t i, tries;

	*g = (struct gen){ .seed = seed };
	gen_config(&gs, g);
	weigh(&gs);
	gs.events = g->events = calloc(gs.max, sizeof(*g->events));
	if (g->events == NULL)
		abort();
	for (tries = 0; gs.n < gs.max && tries < gs.max * 10; tries++) {
		pick = gen_below(&gs, gs.weights);
		for (i = 0; pick >= gs.weight[i]; i++)
			pick -= gs.weight[i];
		kinds[i].make(&gs);
	}
	if (gen_chance(&gs, 10) && gs.n > 0)
		gen_wrong(&gs);
	g->trace.events = g->events;
	g->trace.nevents = gs.n;
	g->trace.files = g->files;
	g->trace.nfiles = gs.nfiles;
	g->trace.bad = g->bad;
}

void
gen_free(struct gen *g)
{

	free(g->events);
	g->events = NULL;
}
