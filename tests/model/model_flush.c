/*
 * model_flush.c: flush, and the clusters it writes; spec sections 3.5, 3.9, 4.
 */
#include <assert.h>
#include <string.h>

#include "tests/model/model_i.h"

#define SLOTS 8192 /* 4 MiB of 512 bytes */

/* Pages about to be written: ascending, consecutive, busy. */
struct cluster {
	struct page *page[SLOTS];
	uint64_t n;
};

/* A flush under way. */
struct flush {
	struct model *m;
	struct file *f;
	uint64_t start, stop;
	unsigned flags;
	bool by_list, ok;
};

/* Where a cluster around page no may lie, in bytes. */
static void
cluster_range(const struct model *m, const struct file *f, uint64_t no,
    uint64_t *lo, uint64_t *hi)
{
	const uint64_t offset = no * m->c.page_size;
	const uint64_t end = m_up(m, f->usize) * m->c.page_size;

	assert(offset < f->usize);
	*lo = offset;
	switch ((enum model_policy)m->c.policy) {
	case MODEL_FORWARD:
		break;
	case MODEL_ALIGNED:
		*lo = offset / m->c.cluster * m->c.cluster;
		break;
	case MODEL_AROUND:
		*lo = offset < m->c.cluster / 2 ? 0 : offset - m->c.cluster / 2;
		break;
	}
	*hi = *lo + m->c.cluster < end ? *lo + m->c.cluster : end;
}

/* May page no join?  It is made busy if so. */
static struct page *
join(struct model *m, struct file *f, uint64_t no, bool active_too)
{
	struct page *const pg = m_page_find(m, f, no);

	if (pg == NULL)
		return NULL;
	if (pg->on != ON_INACTIVE) {
		if (!active_too)
			return NULL;
		if (!pg->checked) {
			if (pg->clean && !pg->busy && pg->modified)
				pg->clean = false;
			pg->checked = true;
		}
	}
	if (pg->clean || pg->busy)
		return NULL;
	pg->busy = true;
	m_page_readonly(m, pg);
	return pg;
}

/* mk_pcluster: [start, stop) bounds it, in pages. */
static void
make_cluster(struct model *m, struct page *center, struct cluster *cl,
    bool active_too, const uint64_t bound[2])
{
	const uint64_t size = m->c.page_size;
	struct file *const f = center->file;
	struct page *pg;
	uint64_t lo, hi, no;

	cl->n = 1;
	cl->page[0] = center;
	cluster_range(m, f, center->no, &lo, &hi);
	if (lo < bound[0] * size)
		lo = bound[0] * size;
	if (bound[1] <= hi / size)
		hi = bound[1] * size;
	if (hi > lo && (hi - lo) / size > m->c.cluster / size)
		return;
	if (center->no == 0 && !(m->c.fixed & MODEL_FIX_Q16)) {
		pg = m_page_find(m, f, UINT64_MAX);
		assert(pg == NULL);
	}
	for (no = center->no; no > 0 && (no - 1) * size >= lo; no--) {
		pg = join(m, f, no - 1, active_too);
		if (pg == NULL)
			break;
		(void)memmove(cl->page + 1, cl->page,
		    cl->n * sizeof(struct page *));
		cl->page[0] = pg;
		cl->n++;
	}
	for (no = center->no + 1; no * size < hi; no++) {
		pg = join(m, f, no, active_too);
		if (pg == NULL)
			break;
		cl->page[cl->n++] = pg;
	}
}

/* dropcluster: let go of all but the center. */
static void
drop_cluster(struct model *m, struct cluster *cl, struct page *center,
    bool written)
{
	uint64_t i;

	for (i = 0; i < cl->n; i++) {
		if (cl->page[i] == center)
			continue;
		if (cl->page[i]->released) {
			m_object_release(m, cl->page[i], written);
			continue;
		}
		cl->page[i]->busy = false;
		if (written) {
			cl->page[i]->referenced = false;
			cl->page[i]->modified = false;
			cl->page[i]->clean = true;
		}
	}
	cl->page[0] = center;
	cl->n = 1;
}

/* Write the cluster, or its center alone if that fails. */
static bool
put(struct model *m, struct page *center, struct cluster *cl)
{

	if (m_io_start(m, center->file, cl->page[0]->no, cl->n, true))
		return true;
	if (cl->n == 1)
		return false;
	drop_cluster(m, cl, center, false);
	return m_io_start(m, center->file, center->no, 1, true);
}

bool
m_daemon_put(struct model *m, struct page *pg)
{
	static const uint64_t everything[2] = { 0, UINT64_MAX };
	struct cluster cl;

	make_cluster(m, pg, &cl, false, everything);
	if (!put(m, pg, &cl))
		return false;
	drop_cluster(m, &cl, pg, true);
	return true;
}

/* Does a failed write lose the page?  Else it stays dirty. */
static bool
pg_lost(const struct flush *fl)
{

	return ((fl->flags & FLUSH_FREE) && fl->f->dying) ||
	    !(fl->m->c.fixed & MODEL_FIX_Q1);
}

/* A page of a cluster that has been tried. */
static void
finish(struct flush *fl, struct page *pg, bool written)
{
	struct model *const m = fl->m;

	pg->busy = false;
	if (written || !(m->c.fixed & MODEL_FIX_Q1)) {
		pg->clean = true;
		pg->checked = true;
		m->n.flush_cleaned++;
		if (!(fl->flags & FLUSH_FREE))
			pg->modified = false;
	}
	if (!written &&
	    ((fl->flags & FLUSH_FREE) || (m->c.fixed & MODEL_FIX_Q1)))
		fl->ok = false;
	if (!written && pg_lost(fl))
		m->n.lost_pages++;
	assert(!(fl->flags & FLUSH_DEACTIVATE));
	if ((fl->flags & FLUSH_FREE) && (written || pg_lost(fl))) {
		m_page_unmap(m, pg);
		m_page_free(m, pg);
	}
}

/* Is there something to write?  Settles PG_CLEAN. */
static bool
needs_clean(struct flush *fl, struct page *pg)
{

	if (!(fl->flags & FLUSH_CLEAN) || pg->busy)
		return false;
	if (pg->clean && (fl->flags & FLUSH_FREE) && pg->on == ON_ACTIVE)
		m_page_unmap(fl->m, pg);
	if (pg->clean && pg->modified)
		pg->clean = false;
	pg->checked = true;
	return !pg->clean;
}

/* The page after pg: by list, or by a lookup at no. */
static struct page *
successor(struct flush *fl, struct page *pg, uint64_t no)
{

	if (fl->by_list)
		return TAILQ_NEXT(pg, list);
	return no < fl->stop ? m_page_find(fl->m, fl->f, no) : NULL;
}

/* Write pg with its neighbours.  Returns the successor. */
static struct page *
clean(struct flush *fl, struct page *pg, uint64_t no)
{
	const uint64_t everything[2] = { 0, UINT64_MAX };
	const uint64_t range[2] = { fl->start, fl->stop };
	struct cluster cl;
	struct page *next;
	uint64_t i;
	bool written;

	pg->busy = true;
	m_page_readonly(fl->m, pg);
	make_cluster(fl->m, pg, &cl, true,
	    fl->flags & FLUSH_ALL ? everything : range);
	written = put(fl->m, pg, &cl);
	for (i = 0; i < cl.n; i++) {
		if (cl.page[i] != pg)
			finish(fl, cl.page[i], written);
	}
	next = successor(fl, pg, no);
	finish(fl, pg, written);
	return next;
}

/* One page found.  Returns its successor. */
static struct page *
flush_page(struct flush *fl, struct page *pg, uint64_t no)
{
	struct page *next;

	if (needs_clean(fl, pg))
		return clean(fl, pg, no);
	next = successor(fl, pg, no);
	if (fl->flags & FLUSH_DEACTIVATE) {
		if (pg->on != ON_INACTIVE) {
			m_page_unmap(fl->m, pg);
			m_page_deactivate(fl->m, pg);
		}
	} else if (fl->flags & FLUSH_FREE) {
		if (pg->busy) {
			pg->released = true;
			return next;
		}
		/* What FLUSH_CLEAN leaves is clean. */
		if (!pg->clean || pg->modified)
			fl->m->n.dirty_discarded++;
		m_page_unmap(fl->m, pg);
		m_page_free(fl->m, pg);
	}
	return next;
}

static void
flush_by_list(struct flush *fl)
{
	struct model *const m = fl->m;
	struct page *pg, *next;

	m->n.flush_by_list++;
	if (fl->flags & FLUSH_CLEAN) {
		TAILQ_FOREACH(pg, &fl->f->memq, list) {
			m->n.list_visits++;
			if (pg->no >= fl->start && pg->no < fl->stop)
				pg->checked = false;
		}
	}
	for (pg = TAILQ_FIRST(&fl->f->memq); pg != NULL; pg = next) {
		m->n.list_visits++;
		next = pg->no >= fl->start && pg->no < fl->stop ?
		    flush_page(fl, pg, 0) :
		    TAILQ_NEXT(pg, list);
	}
}

static void
flush_by_hash(struct flush *fl)
{
	struct model *const m = fl->m;
	struct page *pg;
	uint64_t no;

	m->n.flush_by_hash++;
	if (fl->flags & FLUSH_CLEAN) {
		for (no = fl->start; no < fl->stop; no++) {
			pg = m_page_find(m, fl->f, no);
			if (pg != NULL)
				pg->checked = false;
		}
	}
	pg = m_page_find(m, fl->f, fl->start);
	for (no = fl->start; no < fl->stop; no++) {
		if (pg != NULL)
			pg = flush_page(fl, pg, no + 1);
		else if (no + 1 < fl->stop)
			pg = m_page_find(m, fl->f, no + 1);
	}
}

bool
m_object_flush(struct model *m, struct file *f, uint64_t start, uint64_t stop,
    unsigned flags)
{
	const uint64_t end = m_up(m, f->usize);
	struct flush fl = { .m = m,
		.f = f,
		.start = start,
		.stop = stop,
		.flags = flags,
		.ok = true };

	m->n.flushes++;
	if (flags & FLUSH_ALL) {
		fl.start = 0;
		fl.stop = end;
		fl.by_list = true;
	} else {
		if ((m->c.fixed & MODEL_FIX_Q5) && fl.stop > end)
			fl.stop = end;
		if (fl.start > fl.stop)
			fl.start = fl.stop;
		fl.by_list = f->npages * m->c.penalty_den <=
		    (fl.stop - fl.start) * m->c.penalty_num;
		if (m->c.penalty_den == 0)
			fl.by_list = true;
	}
	if (fl.by_list)
		flush_by_list(&fl);
	else
		flush_by_hash(&fl);
	return fl.ok;
}
