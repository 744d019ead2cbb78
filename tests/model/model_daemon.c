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
	bool written;

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
			m->progress = true;
			continue;
		}
		m->n.pgswapout++;
		m->n.pdpageouts++;
		pg->busy = true;
		m_page_readonly(m, pg);
		written = m_daemon_put(m, pg);
		next = TAILQ_NEXT(pg, queue);
		pg->busy = pg->referenced = false;
		if (written) {
			pg->modified = false;
			pg->clean = true;
			m->progress = true;
		}
		if (pg->released)
			m_object_release(m, pg, written);
		else if (!written)
			m_page_activate(m, pg);
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
		shortage--;
	}
}

/*
 * Did the turn get on?  It freed or cleaned; or it deactivated, but pages that
 * cannot be written go round for ever, so that counts for one round only.
 */
static void
judge(struct model *m, uint64_t deactivated)
{

	if (m->progress)
		m->vain = 0;
	else if (deactivated > 0 && m->vain < m->c.memory)
		m->progress = true;
	m->vain += deactivated;
	m->idle_turns = m->progress ? 0 : m->idle_turns + 1;
	if (m->idle_turns >= m->c.daemon_limit)
		m_stop(m, "the page daemon does not get on");
}

void
m_daemon_turn(struct model *m)
{
	const uint64_t deactivated = m->n.pddeact;

	m->woken = false;
	m->n.pdwoke++;
	m->progress = false;
	m->inactarg = (m->n.active + m->n.inactive) * m->c.inactive_num /
	    m->c.inactive_den;
	if (m->inactarg <= m->freetarg)
		m->inactarg = m->freetarg + 1;
	if (m->n.free < m->freetarg || m->n.inactive < m->inactarg)
		scan(m);
	judge(m, m->n.pddeact - deactivated);
}

void
m_daemon_wait(struct model *m)
{

	m->n.memory_waits++;
	m_daemon_turn(m);
}
