#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/verify_impl.h"

int
verify_create(const struct uvm_param *up, const struct uvm_backend *be,
    void *becookie, struct verify **vp)
{
	struct verify *v = calloc(1, sizeof(*v));
	pthread_mutexattr_t ma;

	if (v == NULL)
		return ENOMEM;
	(void)pthread_mutexattr_init(&ma);
	(void)pthread_mutexattr_settype(&ma, PTHREAD_MUTEX_RECURSIVE);
	(void)pthread_mutex_init(&v->v_mutex, &ma);
	(void)pthread_mutexattr_destroy(&ma);
	v->v_be = be;
	v->v_becookie = becookie;
	verify_look(v, be, becookie);
	v->v_last = &v->v_files;
	v->v_pgsize = (uint32_t)up->page_size;
	v->v_q1 = up->q1_error_clean != QUIRK_FIXED;
	v->v_q6 = up->q6_eof_page != QUIRK_FIXED;
	v->v_scratch = malloc(v->v_pgsize);
	v->v_chunk = aligned_alloc(v->v_pgsize, VERIFY_CHUNK);
	if (v->v_scratch == NULL || v->v_chunk == NULL) {
		verify_destroy(v);
		return ENOMEM;
	}
	*vp = v;
	return 0;
}

void
verify_destroy(struct verify *v)
{
	struct vfile *f;

	if (v == NULL)
		return;
	while ((f = v->v_files) != NULL) {
		v->v_files = f->vf_next;
		vfile_free(f);
	}
	free(v->v_permit);
	free(v->v_loss);
	free(v->v_scratch);
	free(v->v_chunk);
	(void)pthread_mutex_destroy(&v->v_mutex);
	free(v);
}

void
verify_look(struct verify *v, const struct uvm_backend *be, void *becookie)
{

	v->v_lookbe = be;
	v->v_lookcookie = becookie;
}

void
verify_fill(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf)
{

	uvm_pattern(file, offset, length, seq, buf);
}

/*
 * ---- what may be lost ----
 */

/* Room for one more element of size bytes in an array of n. */
static bool
reserve(struct verify *v, void **arrayp, size_t n, size_t *maxp, size_t size)
{
	size_t max = *maxp != 0 ? *maxp * 2 : 16;
	void *array;

	if (n < *maxp)
		return true;
	array = reallocarray(*arrayp, max, size);
	if (array == NULL) {
		VERIFY_FAIL(v, ENOMEM,
		    "verify: no memory: replay less of the trace or without --verify");
		return false;
	}
	*arrayp = array;
	*maxp = max;
	return true;
}

void
verify_permit(struct verify *v, uint32_t file, uint64_t from, uint64_t to)
{
	void *array = v->v_permit;

	if (!reserve(v, &array, v->v_npermits, &v->v_maxpermits,
		sizeof(*v->v_permit)))
		return;
	v->v_permit = array;
	v->v_permit[v->v_npermits++] =
	    (struct vpermit){ .vt_from = from, .vt_to = to, .vt_file = file };
}

/*
 * With q6 the page with the new end goes too, dirty or not; without it what
 * the page holds below the end stays.
 */
void
verify_permit_shrink(struct verify *v, uint32_t file, uint64_t size)
{
	const uint64_t mask = v->v_pgsize - 1;

	verify_permit(v, file, v->v_q6 ? size & ~mask : (size + mask) & ~mask,
	    UINT64_MAX);
}

static bool
permitted(const struct verify *v, uint32_t file, uint64_t offset)
{
	for (size_t i = 0; i < v->v_npermits; i++)
		if (v->v_permit[i].vt_file == file &&
		    v->v_permit[i].vt_from <= offset &&
		    offset < v->v_permit[i].vt_to)
			return true;
	return false;
}

void
verify_dropped(struct verify *v, const struct vfile *f, const struct vpage *p)
{
	const uint32_t end = page_end(v, f, p->vp_pgno);
	void *array = v->v_loss;
	uint32_t byte, unused;

	if (!p->vp_dirty)
		return;
	byte = vmap_differ(&p->vp_mem, &p->vp_disk, v->v_pgsize, end);
	if (byte == end)
		return;
	if (p->vp_lossok ||
	    permitted(v, f->vf_file, p->vp_pgno * v->v_pgsize)) {
		v->v_stat.vs_lost++;
		v->v_stat.vs_unwritten += p->vp_lossok;
		return;
	}
	if (!reserve(v, &array, v->v_nlosses, &v->v_maxlosses,
		sizeof(*v->v_loss)))
		return;
	v->v_loss = array;
	v->v_loss[v->v_nlosses++] = (struct vloss){
		.vl_pgno = p->vp_pgno,
		.vl_seq = vmap_at(&p->vp_mem, v->v_pgsize, byte, &unused),
		.vl_file = f->vf_file,
		.vl_byte = byte,
	};
}

/*
 * ---- the end of an event ----
 */

static void
judge_losses(struct verify *v)
{
	for (size_t i = 0; i < v->v_nlosses; i++) {
		const struct vloss *vl = &v->v_loss[i];
		const uint64_t start = vl->vl_pgno * v->v_pgsize;

		if (permitted(v, vl->vl_file, start))
			v->v_stat.vs_lost++;
		else
			VERIFY_FAIL(v, EIO,
			    "file %" PRIu32 " page %" PRIu64 " byte %" PRIu64
			    ": lost write: in event %" PRIu64
			    " sequence %" PRIu64 " (event %" PRIu64
			    ") left memory without having been written",
			    vl->vl_file, vl->vl_pgno, start + vl->vl_byte,
			    v->v_event, vl->vl_seq, vl->vl_seq - 1);
	}
	v->v_nlosses = 0;
	v->v_npermits = 0;
}

/* Did the backend hear of what the program did? */
static void
judge_now(struct verify *v)
{
	const struct vnow *now = &v->v_now;
	const struct vfile *f = now->vn_file;

	if (f != NULL && !v->v_iofailed && now->vn_truncated &&
	    f->vf_size != now->vn_size)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": truncated to %" PRIu64
		    " bytes in event %" PRIu64 ", but the backend has %" PRIu64,
		    f->vf_file, now->vn_size, v->v_event, f->vf_size);
	if (f != NULL && !v->v_iofailed && now->vn_pwrite != v->v_pwritten)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": write(2) of %" PRIu64
		    " bytes in event %" PRIu64 ", but the backend got %" PRIu64,
		    f->vf_file, now->vn_pwrite, v->v_event, v->v_pwritten);
	v->v_now = (struct vnow){ .vn_file = NULL };
	v->v_pwritten = 0;
	v->v_iofailed = false;
}

static void
judge(struct verify *v)
{

	if (verify_over(v))
		return;
	judge_losses(v);
	judge_now(v);
}

static void
use_seq(struct verify *v, uint64_t seq)
{

	if (seq > v->v_seqmax)
		v->v_seqmax = seq;
}

void
verify_event(struct verify *v, uint64_t event)
{
	VERIFY_HOLD(v);
	judge(v);
	v->v_event = event;
	use_seq(v, event + 1);
}

/*
 * ---- what the program does ----
 */

/* The file of that number, which the program just used, or NULL. */
static struct vfile *
known(struct verify *v, uint32_t file)
{
	struct vfile *f;

	if (verify_over(v))
		return NULL;
	f = vfile_find(v, file);
	if (f == NULL)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": used in event %" PRIu64
		    " before it was there",
		    file, v->v_event);
	return f;
}

void
verify_file(struct verify *v, uint32_t file, uint64_t size)
{
	VERIFY_HOLD(v);
	struct vfile *f;

	if (verify_over(v) || (f = vfile_get(v, file)) == NULL)
		return;
	f->vf_told = size;
	f->vf_known = true;
	if (f->vf_open && f->vf_size != size)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": has %" PRIu64
		    " bytes, but the backend made %" PRIu64,
		    file, size, f->vf_size);
}

void
verify_write_access(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length, uint64_t seq)
{
	VERIFY_HOLD(v);
	struct vfile *f = known(v, file);
	const uint64_t end = offset + length;

	use_seq(v, seq);
	while (f != NULL && offset < end && v->v_error == 0) {
		const uint64_t pgno = offset / v->v_pgsize;
		const uint64_t start = pgno * v->v_pgsize;
		const uint32_t to = end - start < v->v_pgsize ?
		    (uint32_t)(end - start) :
		    v->v_pgsize;
		struct vpage *p = vpage_find(f, pgno);

		if (start >= f->vf_size)
			return;
		if (p == NULL || !p->vp_resident) {
			VERIFY_FAIL(v, EIO,
			    "file %" PRIu32 " page %" PRIu64
			    ": stored into in event %" PRIu64
			    " but never read in",
			    file, pgno, v->v_event);
			return;
		}
		if (vmap_set(&p->vp_mem, v->v_pgsize,
			(uint32_t)(offset - start), to, seq) != 0)
			VERIFY_FAIL(v, ENOMEM, "verify: no memory");
		p->vp_dirty = true;
		p->vp_failed = false;
		p->vp_lossok = false;
		offset = start + to;
	}
}

void
verify_pwrite(struct verify *v, uint32_t file, uint64_t offset, uint64_t length,
    uint64_t seq)
{
	VERIFY_HOLD(v);
	struct vfile *f = known(v, file);

	use_seq(v, seq);
	if (f == NULL || offset > UVM_FILE_MAX ||
	    length > UVM_FILE_MAX - offset)
		return;
	v->v_now.vn_file = f;
	v->v_now.vn_seq = seq;
	v->v_now.vn_pwrite += length;
}

void
verify_pwrite_failed(struct verify *v)
{
	VERIFY_HOLD(v);
	v->v_iofailed = true;
}

void
verify_truncate(struct verify *v, uint32_t file, uint64_t size)
{
	VERIFY_HOLD(v);
	struct vfile *f = known(v, file);

	if (f == NULL || size > UVM_FILE_MAX)
		return;
	if (size < f->vf_size)
		verify_permit_shrink(v, file, size);
	v->v_now.vn_file = f;
	v->v_now.vn_size = size;
	v->v_now.vn_truncated = true;
}

/*
 * The backend is told by the pager, and that is when disk changes; mapped
 * pages do not hear of it.
 */
void
verify_zero(struct verify *v, uint32_t file, uint64_t offset, uint64_t length)
{
	VERIFY_HOLD(v);
	(void)offset;
	(void)length;
	(void)known(v, file);
}

void
verify_discard(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length)
{
	VERIFY_HOLD(v);
	const uint64_t mask = v->v_pgsize - 1;

	if (known(v, file) != NULL)
		verify_permit(v, file, offset & ~mask,
		    length < UINT64_MAX - offset ? offset + length :
						   UINT64_MAX);
}

void
verify_unlink_gone(struct verify *v, uint32_t file)
{
	VERIFY_HOLD(v);
	if (known(v, file) != NULL)
		verify_permit(v, file, 0, UINT64_MAX);
}

void
verify_lost(struct verify *v, uint32_t file, uint64_t pgno)
{
	VERIFY_HOLD(v);
	const struct vfile *f = verify_over(v) ? NULL : vfile_find(v, file);
	struct vpage *p = f != NULL ? vpage_find(f, pgno) : NULL;

	/* Behind the end there is nothing to lose. */
	if (f == NULL || page_end(v, f, pgno) == 0)
		return;
	if (p == NULL || !p->vp_resident || (p->vp_dirty && !p->vp_failed))
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 " page %" PRIu64
		    ": given up in event %" PRIu64
		    " though no write of what it holds has failed",
		    file, pgno, v->v_event);
	else
		p->vp_lossok = true;
}

void
verify_freed(struct verify *v, uint32_t file, uint64_t pgno)
{
	VERIFY_HOLD(v);
	struct vfile *f = verify_over(v) ? NULL : vfile_find(v, file);
	struct vpage *p = f != NULL ? vpage_find(f, pgno) : NULL;

	/* A page that could not be read in was never resident here. */
	if (p == NULL || !p->vp_resident)
		return;
	verify_dropped(v, f, p);
	vpage_evict(v, f, p);
}

/*
 * ---- verdict ----
 */

/* Compare the pages of [offset, offset + length), which are in v_chunk. */
static void
check_chunk(struct verify *v, const struct vfile *f, uint64_t offset,
    size_t length)
{
	for (size_t at = 0; at < length && v->v_error == 0; at += v->v_pgsize) {
		const uint64_t pgno = (offset + at) / v->v_pgsize;
		const struct vbytes vb = {
			.vb_at = v->v_chunk + at,
			.vb_to = length - at < v->v_pgsize ?
			    (uint32_t)(length - at) :
			    v->v_pgsize,
		};
		const struct vpage *p = vpage_find(f, pgno);
		struct vmap m;

		v->v_stat.vs_pages_end++;
		if (p != NULL) {
			(void)bytes_check(v, f, pgno, &p->vp_disk, &vb,
			    "the file at the end");
		} else if (vpage_default(v, f, pgno, &m) == 0) {
			(void)bytes_check(v, f, pgno, &m, &vb,
			    "the file at the end");
			vmap_fini(&m);
		}
	}
}

void
verify_whole(struct verify *v, struct vfile *f)
{
	uint64_t offset = 0;

	while (offset < f->vf_size && v->v_error == 0 &&
	    v->v_lookbe->be_pread != NULL) {
		const uint64_t left = f->vf_size - offset;
		const size_t n = left < VERIFY_CHUNK ? left : VERIFY_CHUNK;
		const int error = v->v_lookbe->be_pread(v->v_lookcookie,
		    f->vf_file, offset, n, v->v_chunk);

		if (error != 0)
			VERIFY_FAIL(v, EIO,
			    "file %" PRIu32 ": cannot be read at byte %" PRIu64
			    " to be verified: %s",
			    f->vf_file, offset, errno_text(error));
		else
			check_chunk(v, f, offset, n);
		offset += n;
	}
}

/* Pages that are in memory and clean, and whose changes no file will have. */
static void
count_lost(struct verify *v, const struct vfile *f)
{
	for (size_t i = 0; i < f->vf_nbuckets; i++)
		for (const struct vpage *p = f->vf_page[i]; p != NULL;
		     p = p->vp_next)
			if (p->vp_resident && p->vp_lossok)
				verify_dropped(v, f, p);
}

int
verify_failed(const struct verify *v, struct errmsg *em)
{
	VERIFY_HOLD(v);
	if (v->v_error == 0)
		return 0;
	return ERRMSG(em, v->v_error, "%s", v->v_em.em_text);
}

int
verify_finish(struct verify *v, struct errmsg *em)
{
	VERIFY_HOLD(v);
	judge(v);
	for (struct vfile *f = v->v_files; f != NULL && !verify_over(v);
	     f = f->vf_next)
		if (f->vf_open) {
			verify_whole(v, f);
			count_lost(v, f);
		}
	v->v_finished = true;
	return verify_failed(v, em);
}

const struct verify_stat *
verify_stat(const struct verify *v)
{

	return &v->v_stat;
}
