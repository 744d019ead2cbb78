/*
 * model_fault.c: accesses, and the fault routine; spec section 6.
 */
#include <inttypes.h>

#include "tests/model/model_i.h"

/* A fault at page no of piece. */
struct fault {
	struct model *m;
	struct map *map;
	struct piece *piece;
	struct file *f;
	uint64_t no;
	bool write;
};

static struct pte *
pte_at(const struct map *map, uint64_t no)
{

	return &map->pte[no - map->first];
}

static bool
allowed(uint32_t prot, const struct model_event *ev)
{

	if (ev->op == MODEL_WRITE)
		return (prot & MODEL_F_R) && (prot & MODEL_F_W);
	if (ev->flags & MODEL_F_IFETCH)
		return (prot & (MODEL_F_R | MODEL_F_X)) != 0;
	return (prot & MODEL_F_R) != 0;
}

/* Map page no at the entry's protection, but for writing if it is COW. */
static void
enter(struct fault *fa, uint64_t no)
{

	*pte_at(fa->map, no) = (struct pte){ .mapped = true,
		.write = (fa->piece->prot & MODEL_F_W) && !fa->map->cow };
}

/*
 * The window, [lo, hi); sequential advice first drops what lies behind the
 * fault.
 */
static void
window(struct fault *fa, uint64_t *lo, uint64_t *hi)
{
	const struct model_config *const c = &fa->m->c;
	uint64_t back = 0, forward = 0;

	switch (fa->piece->advice) {
	case MODEL_NORMAL:
		back = c->fault_back;
		forward = c->fault_forward;
		break;
	case MODEL_RANDOM:
		break;
	case MODEL_SEQUENTIAL:
		back = c->seq_back;
		forward = c->seq_forward;
		break;
	}
	if (back > fa->no - fa->piece->start)
		back = fa->no - fa->piece->start;
	if (forward > fa->piece->end - fa->no - 1)
		forward = fa->piece->end - fa->no - 1;
	*lo = fa->no - back;
	*hi = fa->no + forward + 1;
	if (fa->piece->advice == MODEL_SEQUENTIAL) {
		(void)m_object_flush(fa->m, fa->f, *lo, fa->no,
		    FLUSH_DEACTIVATE);
		*lo = fa->no;
	}
}

/* The first get.  Maps the neighbours; returns the center, or NULL. */
static struct page *
first_get(struct fault *fa, uint64_t lo, uint64_t hi)
{
	struct model *const m = fa->m;
	struct page *pg, *center = NULL;
	uint64_t no;

	m->n.fltlget++;
	for (no = lo; no < hi; no++) {
		if (no != fa->no &&
		    (pte_at(fa->map, no)->mapped || pte_at(fa->map, no)->anon))
			continue;
		pg = m_page_find(m, fa->f, no);
		if (pg == NULL)
			continue;
		if (no == fa->no) {
			center = pg;
			continue;
		}
		m_page_activate(m, pg);
		m->n.neighbours_mapped++;
		enter(fa, no);
	}
	return center;
}

/* The second get: one page, from the file.  NULL if there is none. */
static struct page *
second_get(struct fault *fa)
{
	struct model *const m = fa->m;
	struct page *pg;

	m->n.fltget++;
	for (;;) {
		pg = m_page_find(m, fa->f, fa->no);
		if (pg != NULL)
			break;
		pg = m_page_alloc(m, fa->f, fa->no);
		if (pg != NULL)
			break;
		m_daemon_wait(m);
		if (m->why[0] != '\0')
			return NULL;
	}
	if (!m_io_start(m, fa->f, fa->no, 1, false)) {
		m_page_free(m, pg);
		return NULL;
	}
	pg->modified = false;
	m->n.fltrelck++;
	m->n.fltrelckok++;
	return pg;
}

/* False: the fault failed. */
static bool
fault(struct fault *fa)
{
	struct model *const m = fa->m;
	struct pte *const pte = pte_at(fa->map, fa->no);
	struct page *pg;
	uint64_t lo, hi;

	window(fa, &lo, &hi);
	if (pte->anon) {
		m->n.resident_hits++;
		pte->mapped = true;
		pte->write = (fa->piece->prot & MODEL_F_W) != 0;
		return true;
	}
	pg = first_get(fa, lo, hi);
	if (pg != NULL) {
		m->n.resident_hits++;
	} else {
		m->n.misses++;
		pg = second_get(fa);
		if (pg == NULL)
			return false;
	}
	pg->busy = false;
	m_page_activate(m, pg);
	if (fa->write && fa->map->cow) {
		m->n.flt_prcopy++;
		*pte =
		    (struct pte){ .mapped = true, .write = true, .anon = true };
		return true;
	}
	m->n.flt_obj++;
	enter(fa, fa->no);
	return true;
}

/* What hardware does through a mapping: R and M. */
static void
touch(const struct map *map, uint64_t no, bool write)
{
	struct page *pg;

	if (pte_at(map, no)->anon)
		return;
	pg = map->file->at[no];
	pg->referenced = true;
	if (write)
		pg->modified = true;
}

static void
access_page(struct model *m, struct map *map, uint64_t no,
    const struct model_event *ev)
{
	const bool write = ev->op == MODEL_WRITE;
	const struct pte *const pte = pte_at(map, no);
	struct fault fa = { .m = m,
		.map = map,
		.f = map->file,
		.no = no,
		.write = write };

	fa.piece = m_piece_at(map, no);
	if (fa.piece == NULL) {
		m_stop(m, "access to page %" PRIu64 ", not mapped", no);
		return;
	}
	m->n.accesses++;
	if (pte->mapped && (pte->write || !write)) {
		m->n.mapped_hits++;
		touch(map, no, write);
		return;
	}
	m->n.faults++;
	if (!allowed(fa.piece->prot, ev) || !fault(&fa)) {
		m->n.fault_errors++;
		m->n.sigsegv++;
		return;
	}
	touch(map, no, write);
}

void
m_do_access(struct model *m, const struct model_event *ev)
{
	struct map *const map = m_map_find(m, ev->map);
	uint64_t no = ev->offset / m->c.page_size;
	uint64_t end = m_up(m, ev->offset + ev->length);

	if (map == NULL) {
		m_stop(m, "access through unknown map");
		return;
	}
	if (end <= no)
		end = no + 1;
	for (; no < end && m->why[0] == '\0'; no++) {
		if (no < map->first || no >= map->first + map->npages)
			m_stop(m, "access outside the map");
		else
			access_page(m, map, no, ev);
	}
}
