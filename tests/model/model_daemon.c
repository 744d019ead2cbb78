/*
 * model_daemon.c: the page daemon; spec section 5.
 */
#include "tests/model/model_i.h"

void
m_daemon_wake(struct model *m)
{

	m->woken = true;
}

/* Free clean inactive pages and write dirty ones, from the head. */
static void
free_loop(struct model *m)
{
	struct page *pg, *next;

	for (pg = TAILQ_FIRST(&m->inactive); pg != NULL; pg = next) {
		if (m->n.free >= m->freetarg)
			return;
		m->n.pdscans++;
		next = TAILQ_NEXT(pg, queue);
		if (pg->referenced) {
			m_page_activate(m, pg);
			m->n.pdreact++;
			continue;
		}
		if (pg->busy) {
			m->n.pdbusy++;
			continue;
		}
		m->n.pdobscan++;
		if (pg->clean) {
			m_page_unmap(m, pg);
			m_page_free(m, pg);
			m->n.pdfreed++;
			m->idle_turns = 0;
			continue;
		}
		m->n.pgswapout++;
		m->n.pdpageouts++;
		pg->busy = true;
		m_page_readonly(m, pg);
		if (m_daemon_put(m, pg)) {
			pg->modified = false;
			pg->clean = true;
			m->idle_turns = 0;
			next = TAILQ_NEXT(pg, queue);
		} else {
			next = TAILQ_NEXT(pg, queue);
			m_page_activate(m, pg);
		}
		pg->referenced = false;
		pg->busy = false;
	}
}

static void
scan(struct model *m)
{
	const uint64_t freed = m->n.pdfreed;
	struct page *pg, *next;
	int64_t shortage;

	m->n.pdrevs++;
	free_loop(m);
	shortage = (int64_t)m->inactarg - (int64_t)m->n.inactive;
	if (shortage <= 0 && m->n.pdfreed == freed)
		shortage = 1;
	for (pg = TAILQ_FIRST(&m->active); pg != NULL && shortage > 0;
	     pg = next) {
		next = TAILQ_NEXT(pg, queue);
		if (pg->busy)
			continue;
		m_page_unmap(m, pg);
		m_page_deactivate(m, pg);
		m->n.pddeact++;
		m->idle_turns = 0;
		shortage--;
	}
}

void
m_daemon_turn(struct model *m)
{

	m->woken = false;
	m->n.pdwoke++;
	m->idle_turns++;
	m->inactarg = (m->n.active + m->n.inactive) * m->c.inactive_num /
	    m->c.inactive_den;
	if (m->inactarg <= m->freetarg)
		m->inactarg = m->freetarg + 1;
	if (m->n.free < m->freetarg || m->n.inactive < m->inactarg)
		scan(m);
	if (m->idle_turns >= m->c.daemon_limit)
		m_stop(m, "the page daemon does not get on");
}

void
m_daemon_wait(struct model *m)
{

	m->n.memory_waits++;
	m_daemon_turn(m);
}
