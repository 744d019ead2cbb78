/*
 * model_file.c: vnodes in and out of core, sizes, and the calls on files; spec
 * sections 3.17 and 7.
 */
#include "tests/model/model_i.h"

struct file *
m_file_find(struct model *m, uint32_t id)
{
	size_t i;

	for (i = 0; i < m->nfiles; i++) {
		if (m->files[i].id == id)
			return &m->files[i];
	}
	return NULL;
}

uint64_t
model_file_size(struct model *m, uint32_t file)
{
	const struct file *const f = m_file_find(m, file);

	return f == NULL ? 0 : f->size;
}

/* A vnode for a file that has none: a new one, or the least recently used. */
static void
getnewvnode(struct model *m)
{
	struct file *const victim = TAILQ_FIRST(&m->vfree);

	if (m->nvnodes < m->c.max_vnodes || victim == NULL) {
		m->nvnodes++;
		return;
	}
	TAILQ_REMOVE(&m->vfree, victim, freelist);
	victim->on_free = victim->in_core = false;
	m->n.vnodes_recycled++;
	m_object_terminate(m, victim);
}

void
m_vnode_get(struct model *m, struct file *f)
{

	if (!f->in_core) {
		getnewvnode(m);
		f->in_core = true;
	}
	if (f->on_free) {
		TAILQ_REMOVE(&m->vfree, f, freelist);
		f->on_free = false;
	}
	f->uses++;
}

static void
shrink(struct model *m, struct file *f, uint64_t size)
{

	f->size = size;
	m_object_uncache(m, f);
	m_object_setsize(m, f, size);
}

static void
grow(struct model *m, struct file *f, uint64_t size)
{

	f->size = size;
	m_object_setsize(m, f, size);
	m_object_uncache(m, f);
}

static void
truncate_to(struct model *m, struct file *f, uint64_t size)
{

	if (size < f->size)
		shrink(m, f, size);
	else if (size > f->size)
		grow(m, f, size);
}

void
m_vnode_put(struct model *m, struct file *f)
{

	if (f->uses > 1) {
		f->uses--;
		return;
	}
	if (f->unlinked) {
		/* Still in use, so that this happens once. */
		f->unlinked = false;
		truncate_to(m, f, 0);
		m_object_terminate(m, f);
		f->uses = 0;
		f->in_core = false;
		m->nvnodes--;
		return;
	}
	f->uses = 0;
	f->on_free = true;
	TAILQ_INSERT_TAIL(&m->vfree, f, freelist);
}

static void
do_pread(struct model *m, const struct file *f, const struct model_event *ev)
{
	const uint64_t there = ev->offset < f->size ? f->size - ev->offset : 0;

	m->n.file_reads++;
	m->n.file_read_bytes += ev->length < there ? ev->length : there;
}

static void
do_pwrite(struct model *m, struct file *f, const struct model_event *ev)
{

	m->n.file_writes++;
	m->n.file_write_bytes += ev->length;
	if (ev->length == 0)
		return;
	if (ev->offset + ev->length > f->size) {
		f->size = ev->offset + ev->length;
		m_object_setsize(m, f, f->size);
	}
	m_object_uncache(m, f);
}

static void
do_fallocate(struct model *m, struct file *f, const struct model_event *ev)
{
	const bool beyond = ev->offset + ev->length > f->size;

	if (ev->flags & MODEL_F_PUNCH) {
		m_object_uncache(m, f);
		return;
	}
	if (beyond && !(ev->flags & MODEL_F_KEEP))
		grow(m, f, ev->offset + ev->length);
	if (ev->flags & MODEL_F_ZERO)
		m_object_uncache(m, f);
}

static void
do_close(struct model *m, struct file *f)
{

	if (f->opens == 0)
		return;
	f->opens--;
	m_vnode_put(m, f);
}

int
m_do_file(struct model *m, const struct model_event *ev)
{
	struct file *const f = m_file_find(m, ev->file);

	if (f == NULL) {
		m_stop(m, "unknown file");
		return 0;
	}
	if (ev->op == MODEL_CLOSE) {
		do_close(m, f);
		return 0;
	}
	m_vnode_get(m, f);
	if (ev->op == MODEL_OPEN) {
		f->opens++;
		return 0;
	}
	if (ev->op == MODEL_TRUNCATE)
		truncate_to(m, f, ev->length);
	else if (ev->op == MODEL_FALLOCATE)
		do_fallocate(m, f, ev);
	else if (ev->op == MODEL_PWRITE)
		do_pwrite(m, f, ev);
	else if (ev->op == MODEL_PREAD)
		do_pread(m, f, ev);
	else if (ev->op == MODEL_FSYNC)
		m->n.fsyncs++;
	else if (ev->op == MODEL_UNLINK) {
		m_object_uncache(m, f);
		f->unlinked = true;
	}
	m_vnode_put(m, f);
	return 0;
}
