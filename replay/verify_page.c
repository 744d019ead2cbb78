#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/verify_impl.h"

#define PAGES_MIN 64 /* buckets of a file's first page hash */

/*
 * ---- extents of a page ----
 */

/* The index of the piece that holds pos. */
static uint32_t
piece_at(const struct vmap *m, uint32_t pos)
{
	uint32_t lo = 0, hi = m->vm_n;

	while (hi - lo > 1) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (m->vm_ext[mid].ve_start <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

uint64_t
vmap_at(const struct vmap *m, uint32_t pgsize, uint32_t pos, uint32_t *endp)
{
	uint32_t i;

	if (m->vm_n == 1) {
		*endp = pgsize;
		return m->vm_seq;
	}
	i = piece_at(m, pos);
	*endp = i + 1 < m->vm_n ? m->vm_ext[i + 1].ve_start : pgsize;
	return m->vm_ext[i].ve_seq;
}

void
vmap_fini(struct vmap *m)
{

	if (m->vm_n > 1)
		free(m->vm_ext);
	m->vm_n = 1;
	m->vm_seq = SEQ_ZERO;
}

/* Append the pieces of src within [from, to) to ext; returns the new count. */
static uint32_t
append(struct vext *ext, uint32_t n, const struct vmap *src, uint32_t pgsize,
    uint32_t from, uint32_t to)
{
	uint32_t end;

	for (; from < to; from = end) {
		const uint64_t seq = vmap_at(src, pgsize, from, &end);

		if (n > 0 && ext[n - 1].ve_seq == seq)
			continue;
		ext[n].ve_start = from;
		ext[n++].ve_seq = seq;
	}
	return n;
}

int
vmap_copy(struct vmap *dst, const struct vmap *src, uint32_t pgsize,
    uint32_t from, uint32_t to)
{
	struct vext *ext;
	uint32_t n;

	if (from >= to)
		return 0;
	if (from == 0 && to == pgsize && src->vm_n == 1) {
		vmap_fini(dst);
		dst->vm_seq = src->vm_seq;
		return 0;
	}
	ext = malloc((dst->vm_n + src->vm_n + 2) * sizeof(*ext));
	if (ext == NULL)
		return ENOMEM;
	n = append(ext, 0, dst, pgsize, 0, from);
	n = append(ext, n, src, pgsize, from, to);
	n = append(ext, n, dst, pgsize, to, pgsize);
	vmap_fini(dst);
	if (n == 1) {
		dst->vm_seq = ext[0].ve_seq;
		free(ext);
	} else {
		dst->vm_ext = ext;
		dst->vm_n = n;
	}
	return 0;
}

int
vmap_set(struct vmap *m, uint32_t pgsize, uint32_t from, uint32_t to,
    uint64_t seq)
{
	const struct vmap one = { .vm_n = 1, .vm_seq = seq };

	return vmap_copy(m, &one, pgsize, from, to);
}

uint32_t
vmap_differ(const struct vmap *a, const struct vmap *b, uint32_t pgsize,
    uint32_t end)
{
	uint32_t pos = 0, enda, endb;

	while (pos < end) {
		if (vmap_at(a, pgsize, pos, &enda) !=
		    vmap_at(b, pgsize, pos, &endb))
			return pos;
		pos = enda < endb ? enda : endb;
	}
	return end;
}

/*
 * ---- pages ----
 */

static size_t
bucket(const struct vfile *f, uint64_t pgno)
{

	return (size_t)(pgno & (f->vf_nbuckets - 1));
}

struct vpage *
vpage_find(const struct vfile *f, uint64_t pgno)
{
	struct vpage *p;

	if (f->vf_nbuckets == 0)
		return NULL;
	p = f->vf_page[bucket(f, pgno)];
	while (p != NULL && p->vp_pgno != pgno)
		p = p->vp_next;
	return p;
}

int
vpage_default(const struct verify *v, const struct vfile *f, uint64_t pgno,
    struct vmap *m)
{
	const uint64_t start = pgno * v->v_pgsize;

	m->vm_n = 1;
	m->vm_seq = start < f->vf_filled ? 0 : SEQ_ZERO;
	if (start >= f->vf_filled || f->vf_filled - start >= v->v_pgsize)
		return 0;
	return vmap_set(m, v->v_pgsize, (uint32_t)(f->vf_filled - start),
	    v->v_pgsize, SEQ_ZERO);
}

/* Double the page hash.  Failing leaves longer chains, nothing worse. */
static bool
grow(struct vfile *f)
{
	const size_t n = f->vf_nbuckets != 0 ? f->vf_nbuckets * 2 : PAGES_MIN;
	struct vpage **old = f->vf_page,
		     **new = calloc(n, sizeof(struct vpage *));
	const size_t nold = f->vf_nbuckets;

	if (new == NULL)
		return nold != 0;
	f->vf_page = new;
	f->vf_nbuckets = n;
	for (size_t i = 0; i < nold; i++) {
		struct vpage *p;

		while ((p = old[i]) != NULL) {
			old[i] = p->vp_next;
			p->vp_next = new[bucket(f, p->vp_pgno)];
			new[bucket(f, p->vp_pgno)] = p;
		}
	}
	free(old);
	return true;
}

struct vpage *
vpage_get(struct verify *v, struct vfile *f, uint64_t pgno)
{
	struct vpage *p = vpage_find(f, pgno);

	if (p != NULL)
		return p;
	if (f->vf_npages < f->vf_nbuckets || grow(f))
		p = calloc(1, sizeof(*p));
	if (p != NULL && vpage_default(v, f, pgno, &p->vp_disk) != 0) {
		free(p);
		p = NULL;
	}
	if (p == NULL) {
		VERIFY_FAIL(v, ENOMEM,
		    "verify: no memory for the pages of file %u: replay less of the trace or without --verify",
		    f->vf_file);
		return NULL;
	}
	p->vp_pgno = pgno;
	p->vp_mem.vm_n = 1;
	p->vp_next = f->vf_page[bucket(f, pgno)];
	f->vf_page[bucket(f, pgno)] = p;
	f->vf_npages++;
	return p;
}

static void
vpage_remove(struct vfile *f, struct vpage *p)
{
	struct vpage **pp = &f->vf_page[bucket(f, p->vp_pgno)];

	while (*pp != p)
		pp = &(*pp)->vp_next;
	*pp = p->vp_next;
	f->vf_npages--;
	vmap_fini(&p->vp_disk);
	vmap_fini(&p->vp_mem);
	free(p);
}

/* Forget a page that is as if it had never been touched. */
static void
vpage_trim(const struct verify *v, struct vfile *f, struct vpage *p)
{
	struct vmap m;

	if (p->vp_resident || vpage_default(v, f, p->vp_pgno, &m) != 0)
		return;
	if (vmap_differ(&m, &p->vp_disk, v->v_pgsize, v->v_pgsize) ==
	    v->v_pgsize)
		vpage_remove(f, p);
	vmap_fini(&m);
}

void
vpage_evict(struct verify *v, struct vfile *f, struct vpage *p)
{

	p->vp_resident = false;
	p->vp_dirty = false;
	p->vp_failed = false;
	p->vp_lossok = false;
	vmap_fini(&p->vp_mem);
	vpage_trim(v, f, p);
}

/*
 * ---- files ----
 */

struct vfile *
vfile_find(const struct verify *v, uint32_t file)
{
	struct vfile *f = v->v_hash[file % VFILE_BUCKETS];

	while (f != NULL && f->vf_file != file)
		f = f->vf_hnext;
	return f;
}

struct vfile *
vfile_get(struct verify *v, uint32_t file)
{
	struct vfile *f = vfile_find(v, file);

	if (f != NULL)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		VERIFY_FAIL(v, ENOMEM, "verify: no memory for file %u", file);
		return NULL;
	}
	f->vf_file = file;
	f->vf_hnext = v->v_hash[file % VFILE_BUCKETS];
	v->v_hash[file % VFILE_BUCKETS] = f;
	*v->v_last = f;
	v->v_last = &f->vf_next;
	return f;
}

void
vfile_reset(struct vfile *f, uint64_t size)
{
	for (size_t i = 0; i < f->vf_nbuckets; i++)
		while (f->vf_page[i] != NULL)
			vpage_remove(f, f->vf_page[i]);
	f->vf_size = f->vf_filled = size;
}

void
vfile_free(struct vfile *f)
{

	vfile_reset(f, 0);
	free(f->vf_page);
	free(f);
}

int
vfile_disk_set(struct verify *v, struct vfile *f, uint64_t offset,
    uint64_t length, uint64_t seq)
{
	const uint64_t end = offset + length;

	while (offset < end) {
		const uint64_t pgno = offset / v->v_pgsize;
		const uint32_t from = (uint32_t)(offset % v->v_pgsize);
		const uint64_t left = end - pgno * v->v_pgsize;
		const uint32_t to =
		    left < v->v_pgsize ? (uint32_t)left : v->v_pgsize;
		struct vpage *p = vpage_get(v, f, pgno);

		if (p == NULL ||
		    vmap_set(&p->vp_disk, v->v_pgsize, from, to, seq) != 0)
			return ENOMEM;
		offset = pgno * v->v_pgsize + to;
	}
	return 0;
}

/* Bytes of p from the byte size of the file on read as zero on disk. */
static int
cut(struct verify *v, struct vfile *f, struct vpage *p, uint64_t size)
{
	const uint64_t start = p->vp_pgno * v->v_pgsize;
	const uint32_t from = start < size ? (uint32_t)(size - start) : 0;
	int error;

	error = vmap_set(&p->vp_disk, v->v_pgsize, from, v->v_pgsize, SEQ_ZERO);
	if (error == 0)
		vpage_trim(v, f, p);
	return error;
}

int
vfile_disk_size(struct verify *v, struct vfile *f, uint64_t size)
{
	const uint64_t first = size / v->v_pgsize;
	const uint64_t last = f->vf_size / v->v_pgsize;
	int error = 0;

	if (size < f->vf_filled)
		f->vf_filled = size;
	if (size >= f->vf_size) {
		f->vf_size = size;
		return 0;
	}
	f->vf_size = size;
	if (last - first < f->vf_nbuckets) {
		for (uint64_t i = first; i <= last && error == 0; i++) {
			struct vpage *p = vpage_find(f, i);

			if (p != NULL)
				error = cut(v, f, p, size);
		}
		return error;
	}
	for (size_t i = 0; i < f->vf_nbuckets && error == 0; i++) {
		struct vpage *p, *next;

		for (p = f->vf_page[i]; p != NULL && error == 0; p = next) {
			next = p->vp_next;
			if (p->vp_pgno >= first)
				error = cut(v, f, p, size);
		}
	}
	return error;
}
