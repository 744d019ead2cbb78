/*
 * model_object.c: the vnode pager but for flush; spec section 3.
 */
#include <stdlib.h>

#include "tests/model/model_i.h"

static bool
fails(const struct model *m, const struct model_io *io)
{
	const struct model_bad *bad = m->trace->bad;
	size_t i;

	for (i = 0; io->write && i < m->trace->nbad; i++) {
		if (bad[i].file == io->file &&
		    bad[i].page < io->page + io->npages &&
		    io->page < bad[i].page + bad[i].npages)
			return true;
	}
	return false;
}

/* One I/O of n pages that are busy; false if it failed or lies past the end. */
bool
m_io_start(struct model *m, struct file *f, uint64_t no, uint64_t n, bool write)
{
	const uint64_t offset = no * m->c.page_size;
	struct model_io io = { .write = write,
		.file = f->id,
		.page = no,
		.npages = n,
		.bytes = n * m->c.page_size };

	if (offset >= f->usize)
		return false;
	if (io.bytes > f->usize - offset)
		io.bytes = f->usize - offset;
	if (m->c.rule == MODEL_AT_IO && m->woken)
		m_daemon_turn(m);
	/* A write goes the way of write(2), which uncaches first. */
	if (write)
		m_object_uncache(m, f);
	io.failed = fails(m, &io);
	if (m->nio == m->maxio) {
		m->maxio = m->maxio * 2 + 256;
		m->io = realloc(m->io, m->maxio * sizeof(*m->io));
		if (m->io == NULL)
			abort();
	}
	m->io[m->nio++] = io;
	if (!write) {
		m->n.pagein_ios++;
		m->n.pagein_pages += n;
		m->n.pagein_bytes += io.bytes;
		return true;
	}
	m->n.pageout_ios++;
	m->n.pageout_pages += n;
	m->n.pageout_bytes += io.bytes;
	m->n.pageout_errors += io.failed;
	return !io.failed;
}

void
m_object_attach(struct model *m, struct file *f, bool write)
{

	m->n.attaches++;
	if (!f->valid) {
		f->valid = f->can_persist = true;
		f->dying = f->writeable = false;
		f->refs = 0;
		f->usize = f->size;
	}
	if (f->refs == 0)
		m_vnode_get(m, f);
	f->refs++;
	if (write && !f->writeable) {
		f->writeable = true;
		TAILQ_INSERT_HEAD(&m->wlist, f, wlist);
	}
}

/* The object is no more; it has no pages. */
static void
object_kill(struct model *m, struct file *f)
{

	if (f->writeable)
		TAILQ_REMOVE(&m->wlist, f, wlist);
	f->valid = f->can_persist = f->dying = f->writeable = false;
	f->relkill = false;
}

void
m_object_release(struct model *m, struct page *pg, bool written)
{
	struct file *const f = pg->file;

	/* Only what is dirty is ever released: it was about to be written. */
	if (!written) {
		m->n.dirty_discarded++;
		m->n.lost_pages++;
	}
	m_page_unmap(m, pg);
	m_page_free(m, pg);
	/* The vnode is not dropped: Q8. */
	if (f->relkill && f->npages == 0)
		object_kill(m, f);
}

void
m_object_detach(struct model *m, struct file *f)
{

	m->n.detaches++;
	if (--f->refs > 0)
		return;
	if (f->can_persist) {
		(void)m_object_flush(m, f, 0, 0, FLUSH_DEACTIVATE | FLUSH_ALL);
		m->n.persists++;
		/* The vnode is dropped with the object locked. */
		m->n.lock_violations++;
	} else {
		f->dying = true;
		(void)m_object_flush(m, f, 0, 0,
		    FLUSH_CLEAN | FLUSH_FREE | FLUSH_ALL);
		if (f->npages > 0) {
			f->relkill = true;
			return;
		}
		object_kill(m, f);
	}
	m_vnode_put(m, f);
}

/* Its vnode is wanted for another file; nobody refers to the object. */
void
m_object_terminate(struct model *m, struct file *f)
{

	if (!f->valid)
		return;
	m->n.terminates++;
	f->dying = true;
	(void)m_object_flush(m, f, 0, 0, FLUSH_CLEAN | FLUSH_FREE | FLUSH_ALL);
	object_kill(m, f);
}

void
m_object_uncache(struct model *m, struct file *f)
{

	if (!f->valid || f->dying)
		return;
	f->can_persist = false;
	if (f->refs > 0)
		return;
	m_vnode_get(m, f);
	f->refs = 1;
	m_object_detach(m, f);
}

void
m_object_setsize(struct model *m, struct file *f, uint64_t size)
{
	const uint64_t end = m_up(m, f->usize);
	uint64_t start = size / m->c.page_size;

	if (!f->valid)
		return;
	if (m->c.fixed & MODEL_FIX_Q6)
		start = m_up(m, size);
	/* With the quirk there is always something in between. */
	if (size < f->usize && start < end)
		(void)m_object_flush(m, f, start, end, FLUSH_FREE);
	f->usize = size;
}

/* uvm_vnp_sync of everything: the one that was writable first comes first. */
void
m_object_sync_all(struct model *m)
{
	struct files syncq = TAILQ_HEAD_INITIALIZER(syncq);
	struct file *f, *next;

	m->n.syncs++;
	TAILQ_FOREACH(f, &m->wlist, wlist) {
		if (f->dying)
			continue;
		if (f->refs == 0)
			m_vnode_get(m, f);
		f->refs++;
		TAILQ_INSERT_HEAD(&syncq, f, syncq);
	}
	for (f = TAILQ_FIRST(&syncq); f != NULL; f = next) {
		next = TAILQ_NEXT(f, syncq);
		(void)m_object_flush(m, f, 0, 0, FLUSH_CLEAN | FLUSH_ALL);
		if (f->refs == 1 && f->writeable) {
			TAILQ_REMOVE(&m->wlist, f, wlist);
			f->writeable = false;
		}
		m_object_detach(m, f);
	}
}
