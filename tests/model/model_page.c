/*
 * model_page.c: pages, queues, and who maps a page; spec sections 1.7 and 2.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_i.h"

void
m_page_boot(struct model *m)
{
	uint64_t i;

	TAILQ_INIT(&m->free);
	TAILQ_INIT(&m->active);
	TAILQ_INIT(&m->inactive);
	m->pages = m_alloc(m->c.memory, sizeof(*m->pages));
	for (i = 0; i < m->c.memory; i++) {
		m->pages[i].on = ON_FREE;
		TAILQ_INSERT_TAIL(&m->free, &m->pages[i], queue);
	}
	m->n.free = m->c.memory;
}

/* uvm_pagelookup: counted, and true of any number. */
struct page *
m_page_find(struct model *m, struct file *f, uint64_t no)
{

	m->n.lookups++;
	return no < f->nat ? f->at[no] : NULL;
}

static void
object_insert(struct file *f, struct page *pg)
{
	uint64_t want = f->nat;

	if (pg->no >= f->nat) {
		while (want <= pg->no)
			want = want * 2 + 64;
		f->at = realloc(f->at, want * sizeof(struct page *));
		if (f->at == NULL)
			abort();
		(void)memset(f->at + f->nat, 0,
		    (want - f->nat) * sizeof(struct page *));
		f->nat = want;
	}
	f->at[pg->no] = pg;
	TAILQ_INSERT_TAIL(&f->memq, pg, list);
	f->npages++;
}

struct page *
m_page_alloc(struct model *m, struct file *f, uint64_t no)
{
	struct page *pg = TAILQ_FIRST(&m->free);

	if (m->n.free < m->freemin ||
	    (m->n.free < m->freetarg && m->n.inactive < m->inactarg))
		m_daemon_wake(m);
	if (m->n.free <= m->c.reserve || pg == NULL) {
		m->n.alloc_failures++;
		return NULL;
	}
	TAILQ_REMOVE(&m->free, pg, queue);
	m->n.free--;
	*pg = (struct page){ .file = f, .no = no, .busy = true, .clean = true };
	object_insert(f, pg);
	return pg;
}

static void
dequeue(struct model *m, struct page *pg)
{

	if (pg->on == ON_ACTIVE) {
		TAILQ_REMOVE(&m->active, pg, queue);
		m->n.active--;
	} else if (pg->on == ON_INACTIVE) {
		TAILQ_REMOVE(&m->inactive, pg, queue);
		m->n.inactive--;
	}
	pg->on = ON_NONE;
}

void
m_page_free(struct model *m, struct page *pg)
{
	struct file *const f = pg->file;

	f->at[pg->no] = NULL;
	TAILQ_REMOVE(&f->memq, pg, list);
	f->npages--;
	dequeue(m, pg);
	pg->file = NULL;
	pg->on = ON_FREE;
	TAILQ_INSERT_TAIL(&m->free, pg, queue);
	m->n.free++;
}

void
m_page_activate(struct model *m, struct page *pg)
{

	dequeue(m, pg);
	pg->on = ON_ACTIVE;
	TAILQ_INSERT_TAIL(&m->active, pg, queue);
	m->n.active++;
}

void
m_page_deactivate(struct model *m, struct page *pg)
{

	if (pg->on == ON_INACTIVE)
		return;
	dequeue(m, pg);
	pg->on = ON_INACTIVE;
	TAILQ_INSERT_TAIL(&m->inactive, pg, queue);
	m->n.inactive++;
	pg->referenced = false;
	if (pg->modified)
		pg->clean = false;
}

/* The mapping of the page in map, or NULL: private copies are none. */
static struct pte *
mapping(const struct map *map, const struct page *pg)
{
	struct pte *pte;

	if (map->file != pg->file || pg->no < map->first ||
	    pg->no >= map->first + map->npages)
		return NULL;
	pte = &map->pte[pg->no - map->first];
	return pte->mapped && !pte->anon ? pte : NULL;
}

void
m_page_unmap(struct model *m, struct page *pg)
{
	struct map *map;
	struct pte *pte;

	TAILQ_FOREACH(map, &m->maps, link) {
		pte = mapping(map, pg);
		if (pte != NULL)
			pte->mapped = pte->write = false;
	}
}

void
m_page_readonly(struct model *m, struct page *pg)
{
	struct map *map;
	struct pte *pte;

	TAILQ_FOREACH(map, &m->maps, link) {
		pte = mapping(map, pg);
		if (pte != NULL)
			pte->write = false;
	}
}
