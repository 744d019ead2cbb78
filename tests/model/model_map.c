/*
 * model_map.c: maps, their entries, and the calls on them; spec section 7.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/model/model_i.h"

#define PROT (MODEL_F_R | MODEL_F_W | MODEL_F_X)

/* Pages of the file that an event names. */
struct range {
	uint64_t start, end;
};

struct map *
m_map_find(struct model *m, uint32_t id)
{
	struct map *map;

	TAILQ_FOREACH(map, &m->maps, link) {
		if (map->id == id)
			return map;
	}
	return NULL;
}

/* The map of the event; the run ends if there is none. */
static struct map *
map_of(struct model *m, const struct model_event *ev)
{
	struct map *const map = m_map_find(m, ev->map);

	if (map == NULL)
		m_stop(m, "unknown map");
	return map;
}

struct piece *
m_piece_at(const struct map *map, uint64_t no)
{
	struct piece *piece;

	TAILQ_FOREACH(piece, &map->pieces, link) {
		if (no >= piece->start && no < piece->end)
			return piece;
	}
	return NULL;
}

static struct range
range_of(const struct model *m, const struct model_event *ev)
{

	return (struct range){ ev->offset / m->c.page_size,
		m_up(m, ev->offset + ev->length) };
}

/* Is each page of the range in an entry? */
static bool
whole(const struct map *map, struct range range)
{
	const struct piece *piece;

	while (range.start < range.end) {
		piece = m_piece_at(map, range.start);
		if (piece == NULL)
			return false;
		range.start = piece->end;
	}
	return true;
}

/* Make an entry begin at page no, if one contains it. */
static void
split(struct map *map, uint64_t no)
{
	struct piece *const left = m_piece_at(map, no);
	struct piece *right;

	if (left == NULL || left->start == no)
		return;
	right = m_alloc(1, sizeof(*right));
	*right = *left;
	left->end = right->start = no;
	TAILQ_INSERT_AFTER(&map->pieces, left, right, link);
	map->file->refs++;
}

static void
clip(struct map *map, struct range range)
{

	split(map, range.start);
	split(map, range.end);
}

static bool
within(const struct piece *piece, struct range range)
{

	return piece->start >= range.start && piece->end <= range.end;
}

int
m_do_attach(struct model *m, const struct model_event *ev)
{
	struct file *const f = m_file_find(m, ev->file);
	struct map *map, *before;
	struct piece *piece;

	if (f == NULL || m_map_find(m, ev->map) != NULL) {
		m_stop(m, "attach of unknown file or known map");
		return 0;
	}
	map = m_alloc(1, sizeof(*map));
	map->id = ev->map;
	map->pid = ev->pid;
	map->file = f;
	map->cow = (ev->flags & MODEL_F_PRIVATE) != 0;
	map->may_write = (ev->flags & (MODEL_F_W | MODEL_F_MAXW)) != 0;
	map->first = ev->offset / m->c.page_size;
	map->npages = m_up(m, ev->length);
	map->pte = m_alloc(map->npages, sizeof(*map->pte));
	TAILQ_INIT(&map->pieces);
	piece = m_alloc(1, sizeof(*piece));
	piece->start = map->first;
	piece->end = map->first + map->npages;
	piece->prot = ev->flags & PROT;
	piece->advice = (enum model_advice)m->c.advice;
	TAILQ_INSERT_TAIL(&map->pieces, piece, link);

	m_vnode_get(m, f);
	if ((ev->flags & MODEL_F_INHERITED) && f->valid && f->refs > 0) {
		f->refs++;
	} else {
		m_object_attach(m, f, !map->cow && map->may_write);
		if (!map->cow && map->may_write)
			m_object_uncache(m, f);
	}
	m_vnode_put(m, f);

	TAILQ_FOREACH(before, &m->maps, link) {
		if (before->id > map->id)
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_BEFORE(before, map, link);
	else
		TAILQ_INSERT_TAIL(&m->maps, map, link);
	return 0;
}

void
m_map_destroy(struct model *m, struct map *map)
{
	struct piece *piece;

	while ((piece = TAILQ_FIRST(&map->pieces)) != NULL) {
		TAILQ_REMOVE(&map->pieces, piece, link);
		free(piece);
	}
	TAILQ_REMOVE(&m->maps, map, link);
	free(map->pte);
	free(map);
}

/* Unmap the range; the map goes with its last entry. */
static void
unmap(struct model *m, struct map *map, struct range range)
{
	struct file *const f = map->file;
	struct piece *piece, *next;
	uint64_t no, detach = 0;

	clip(map, range);
	for (piece = TAILQ_FIRST(&map->pieces); piece != NULL; piece = next) {
		next = TAILQ_NEXT(piece, link);
		if (!within(piece, range))
			continue;
		for (no = piece->start; no < piece->end; no++)
			map->pte[no - map->first] = (struct pte){ 0 };
		TAILQ_REMOVE(&map->pieces, piece, link);
		free(piece);
		detach++;
	}
	if (TAILQ_EMPTY(&map->pieces))
		m_map_destroy(m, map);
	while (detach-- > 0)
		m_object_detach(m, f);
}

int
m_do_detach(struct model *m, const struct model_event *ev)
{
	struct map *const map = map_of(m, ev);

	if (map == NULL)
		return 0;
	unmap(m, map,
	    ev->length == 0 ? (struct range){ 0, UINT64_MAX } :
			      range_of(m, ev));
	return 0;
}

int
m_do_exit(struct model *m, const struct model_event *ev)
{
	struct map *map, *next;

	for (map = TAILQ_FIRST(&m->maps); map != NULL; map = next) {
		next = TAILQ_NEXT(map, link);
		if (map->pid == ev->pid)
			unmap(m, map, (struct range){ 0, UINT64_MAX });
	}
	return 0;
}

/* The mappings of an entry lose what prot lacks. */
static void
reduce(struct map *map, const struct piece *piece)
{
	struct pte *pte;
	uint64_t no;

	for (no = piece->start; no < piece->end; no++) {
		pte = &map->pte[no - map->first];
		if (!(piece->prot & (MODEL_F_R | MODEL_F_X)))
			pte->mapped = false;
		if (!pte->mapped || !(piece->prot & MODEL_F_W))
			pte->write = false;
	}
}

int
m_do_protect(struct model *m, const struct model_event *ev)
{
	struct map *const map = map_of(m, ev);
	const struct range range = range_of(m, ev);
	struct piece *piece;
	uint32_t old;

	if (map == NULL || ev->length == 0)
		return 0;
	if (!whole(map, range))
		return ENOMEM;
	if ((ev->flags & MODEL_F_W) && !map->cow && !map->may_write)
		return EACCES;
	clip(map, range);
	TAILQ_FOREACH(piece, &map->pieces, link) {
		if (!within(piece, range))
			continue;
		old = piece->prot;
		piece->prot = ev->flags & PROT;
		if (old & ~piece->prot)
			reduce(map, piece);
	}
	return 0;
}

/* Flush what each entry has of the range, as long as that succeeds. */
static bool
flush_range(struct model *m, struct map *map, struct range range,
    unsigned flags)
{
	struct piece *piece;

	TAILQ_FOREACH(piece, &map->pieces, link) {
		if (piece->end <= range.start || piece->start >= range.end)
			continue;
		if (!m_object_flush(m, map->file,
			piece->start > range.start ? piece->start : range.start,
			piece->end < range.end ? piece->end : range.end, flags))
			return false;
	}
	return true;
}

int
m_do_msync(struct model *m, const struct model_event *ev)
{
	const uint32_t both = MODEL_F_MS_SYNC | MODEL_F_MS_ASYNC;
	struct map *const map = map_of(m, ev);
	struct range range = range_of(m, ev);
	const struct piece *piece;
	unsigned flags = FLUSH_CLEAN;

	if (map == NULL)
		return 0;
	if (!(ev->flags & (both | MODEL_F_MS_INVALIDATE)) ||
	    (ev->flags & both) == both)
		return EINVAL;
	if (ev->length == 0) {
		piece = m_piece_at(map, range.start);
		if (piece == NULL)
			return ENOMEM;
		range = (struct range){ piece->start, piece->end };
	}
	if (!whole(map, range))
		return ENOMEM;
	if (ev->flags & MODEL_F_MS_INVALIDATE)
		flags |= FLUSH_FREE;
	return flush_range(m, map, range, flags) ? 0 : EIO;
}

int
m_do_madvise(struct model *m, const struct model_event *ev)
{
	struct map *const map = map_of(m, ev);
	const struct range range = range_of(m, ev);
	struct piece *piece;
	enum model_advice advice = MODEL_NORMAL;

	if (map == NULL || ev->length == 0)
		return 0;
	if (!whole(map, range))
		return ENOMEM;
	if (ev->flags & MODEL_F_WILLNEED)
		return 0;
	if (ev->flags & (MODEL_F_DONTNEED | MODEL_F_FREE)) {
		(void)flush_range(m, map, range,
		    ev->flags & MODEL_F_FREE ? FLUSH_FREE : FLUSH_DEACTIVATE);
		return 0;
	}
	if (ev->flags & MODEL_F_RANDOM)
		advice = MODEL_RANDOM;
	if (ev->flags & MODEL_F_SEQUENTIAL)
		advice = MODEL_SEQUENTIAL;
	clip(map, range);
	TAILQ_FOREACH(piece, &map->pieces, link) {
		if (within(piece, range))
			piece->advice = advice;
	}
	return 0;
}
