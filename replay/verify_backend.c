/*
 * verify_backend: what passes by between pager and backend.
 *
 * Every op is passed on as it came, and its result handed back: what is found
 * wrong is told by verify_failed(), not by failing the pager's I/O.
 */
#include <errno.h>
#include <inttypes.h>

#include "replay/verify_impl.h"

#define SECTOR 512U /* what a failed write leaves whole, old or new */

/* The file of an op, or NULL if nothing is to be checked. */
static struct vfile *
file_of(struct verify *v, uint32_t file)
{
	struct vfile *f;

	if (verify_over(v))
		return NULL;
	f = vfile_find(v, file);
	if (f == NULL || !f->vf_open) {
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": I/O in event %" PRIu64
		    " before the backend was asked to open it",
		    file, v->v_event);
		return NULL;
	}
	return f;
}

static void
no_memory(struct verify *v, int error)
{

	if (error != 0)
		VERIFY_FAIL(v, error,
		    "verify: no memory: replay less of the trace or without --verify");
}

/*
 * ---- page-in and page-out ----
 */

/* How many of the first n bytes of b lie in its page i. */
static uint32_t
in_page(const struct uvm_buf *b, uint32_t i, uint64_t n)
{
	const uint64_t at = (uint64_t)i * b->b_pgsize;

	if (n <= at)
		return 0;
	return n - at < b->b_pgsize ? (uint32_t)(n - at) : b->b_pgsize;
}

/* Before a write: the frames must hold what the program stored. */
static void
check_pageout(struct verify *v, const struct vfile *f, const struct uvm_buf *b)
{
	const uint64_t first = b->b_offset / v->v_pgsize;

	if (b->b_offset + b->b_length > f->vf_size)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 " page %" PRIu64
		    ": page-out in event %" PRIu64 " up to byte %" PRIu64
		    ", beyond the end of the file at %" PRIu64,
		    f->vf_file, first, v->v_event, b->b_offset + b->b_length,
		    f->vf_size);
	for (uint32_t i = 0; i < b->b_npages && v->v_error == 0; i++) {
		const struct vpage *p = vpage_find(f, first + i);
		const struct vbytes vb = {
			.vb_at = b->b_page != NULL ? b->b_page[i] : NULL,
			.vb_to = in_page(b, i, b->b_length),
		};

		if (p == NULL || !p->vp_resident) {
			VERIFY_FAIL(v, EIO,
			    "file %" PRIu32 " page %" PRIu64
			    ": page-out in event %" PRIu64
			    " of a page that was never read in",
			    f->vf_file, first + i, v->v_event);
			return;
		}
		v->v_stat.vs_pages_out++;
		if (vb.vb_at != NULL)
			(void)bytes_check(v, f, first + i, &p->vp_mem, &vb,
			    "page-out");
	}
}

/*
 * A write failed, and [from, to) of p may be on disk or not: look, by sectors.
 * What cannot be read counts as not written.
 */
static int
settle(struct verify *v, struct vfile *f, struct vpage *p, uint32_t from,
    uint32_t to)
{
	int error = 0;

	if (v->v_lookbe->be_pread == NULL || from >= to ||
	    v->v_lookbe->be_pread(v->v_lookcookie, f->vf_file,
		p->vp_pgno * v->v_pgsize + from, to - from, v->v_chunk) != 0)
		return 0;
	for (uint32_t pos = from; pos < to && error == 0;) {
		const uint32_t next = (pos / SECTOR + 1) * SECTOR;
		const struct vbytes vb = {
			.vb_at = v->v_chunk + (pos - from),
			.vb_from = pos,
			.vb_to = next < to ? next : to,
		};

		if (!bytes_equal(v, f, p->vp_pgno, &p->vp_disk, &vb) &&
		    bytes_equal(v, f, p->vp_pgno, &p->vp_mem, &vb))
			error = vmap_copy(&p->vp_disk, &p->vp_mem, v->v_pgsize,
			    pos, vb.vb_to);
		pos = vb.vb_to;
	}
	return error;
}

/*
 * After a write: what was moved is on disk.  A short one passes for a whole one
 * with q1; after one that failed the pager has to say which pages it gives up
 * (verify_lost()).
 */
static void
pageout_done(struct verify *v, struct vfile *f, const struct uvm_buf *b)
{
	const uint64_t first = b->b_offset / v->v_pgsize;
	const uint64_t done = b->b_done < b->b_length ? b->b_done : b->b_length;
	const bool failed = b->b_error != 0 || done == 0;

	for (uint32_t i = 0; i < b->b_npages && v->v_error == 0; i++) {
		struct vpage *p = vpage_find(f, first + i);
		const uint32_t moved = in_page(b, i, done);
		int error;

		if (p == NULL || !p->vp_resident)
			return;
		error =
		    vmap_copy(&p->vp_disk, &p->vp_mem, v->v_pgsize, 0, moved);
		if (error == 0 && failed)
			error =
			    settle(v, f, p, moved, in_page(b, i, b->b_length));
		no_memory(v, error);
		if (moved >= page_end(v, f, first + i)) {
			p->vp_dirty = false;
			continue;
		}
		p->vp_failed = true;
		if (!failed)
			p->vp_lossok = v->v_q1;
	}
}

/*
 * One page of a page-in; moved bytes came of those wanted.  With q1 the pager
 * takes what is short for the end of the file: the rest is zeros.
 */
static void
page_in(struct verify *v, struct vfile *f, uint64_t pgno, const void *frame,
    uint32_t moved, uint32_t wanted)
{
	struct vpage *p = vpage_get(v, f, pgno);
	const uint32_t end = page_end(v, f, pgno);
	const struct vbytes vb = {
		.vb_at = frame,
		.vb_to = moved < end ? moved : end,
	};

	if (p == NULL)
		return;
	if (p->vp_resident)
		verify_dropped(v, f, p);
	v->v_stat.vs_pages_in++;
	if (frame != NULL &&
	    !bytes_check(v, f, pgno, &p->vp_disk, &vb, "page-in"))
		return;
	if (wanted != end)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 " page %" PRIu64
		    ": page-in in event %" PRIu64 " of %" PRIu32
		    " bytes, but the file has %" PRIu32 " there",
		    f->vf_file, pgno, v->v_event, wanted, end);
	/* Behind the end disk is zeros, and so the pager fills the frame. */
	no_memory(v,
	    vmap_copy(&p->vp_mem, &p->vp_disk, v->v_pgsize, 0, v->v_pgsize));
	if (moved < wanted) {
		v->v_stat.vs_short++;
		no_memory(v,
		    vmap_set(&p->vp_mem, v->v_pgsize, moved, v->v_pgsize,
			SEQ_ZERO));
	}
	p->vp_resident = true;
	p->vp_dirty = false;
	p->vp_failed = false;
	p->vp_lossok = false;
}

static void
io_begin(struct verify *v, const struct uvm_buf *b)
{
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, b->b_file);

	if (f != NULL && b->b_io == UVM_WRITE)
		check_pageout(v, f, b);
}

static void
io_done(struct verify *v, const struct uvm_buf *b)
{
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, b->b_file);
	const uint64_t done = b->b_done < b->b_length ? b->b_done : b->b_length;

	if (f == NULL)
		return;
	if (b->b_io == UVM_WRITE) {
		pageout_done(v, f, b);
		return;
	}
	if (b->b_error != 0 || b->b_done == 0 ||
	    (done < b->b_length && !v->v_q1))
		return;
	for (uint32_t i = 0; i < b->b_npages && v->v_error == 0; i++)
		page_in(v, f, b->b_offset / v->v_pgsize + i,
		    b->b_page != NULL ? b->b_page[i] : NULL,
		    in_page(b, i, done), in_page(b, i, b->b_length));
}

static int
verify_io(void *cookie, struct uvm_buf *b)
{
	struct verify *v = cookie;
	int error;

	io_begin(v, b);
	error = v->v_be->be_io(v->v_becookie, b);
	io_done(v, b);
	return error;
}

static int
verify_start(void *cookie, struct uvm_buf *b)
{
	struct verify *v = cookie;

	int error;

	io_begin(v, b);
	error = v->v_be->be_start(v->v_becookie, b);
	if (error != 0) {
		b->b_done = 0;
		b->b_error = error;
		io_done(v, b);
	}
	return error;
}

static int
verify_submit(void *cookie)
{
	struct verify *v = cookie;

	if (v->v_be->be_submit == NULL)
		return 0;
	return v->v_be->be_submit(v->v_becookie);
}

static int
verify_poll(void *cookie, bool wait, struct uvm_buf **bp)
{
	struct verify *v = cookie;
	int error;

	error = v->v_be->be_poll(v->v_becookie, wait, bp);
	if (error == 0 && *bp != NULL)
		io_done(v, *bp);
	return error;
}

/*
 * ---- the other ops ----
 */

static int
verify_prepare(void *cookie, void *base, size_t length, unsigned depth)
{
	struct verify *v = cookie;

	if (v->v_be->be_prepare == NULL)
		return 0;
	return v->v_be->be_prepare(v->v_becookie, base, length, depth);
}

static int
verify_open(void *cookie, uint32_t file, uint64_t size)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	int error = 0;
	struct vfile *f;

	if (v->v_be->be_open != NULL)
		error = v->v_be->be_open(v->v_becookie, file, size);
	if (error != 0 || verify_over(v) || (f = vfile_get(v, file)) == NULL)
		return error;
	if (f->vf_known && f->vf_told != size)
		VERIFY_FAIL(v, EIO,
		    "file %" PRIu32 ": has %" PRIu64
		    " bytes, but the backend is asked for %" PRIu64,
		    file, f->vf_told, size);
	vfile_reset(f, size);
	f->vf_open = true;
	f->vf_known = false;
	return 0;
}

static int
verify_close(void *cookie, uint32_t file)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, file);

	if (f != NULL) {
		verify_whole(v, f);
		f->vf_open = false;
	}
	if (v->v_be->be_close == NULL)
		return 0;
	return v->v_be->be_close(v->v_becookie, file);
}

/* Bytes [offset, offset + length) at buf must be what disk holds. */
static void
check_bytes(struct verify *v, const struct vfile *f, uint64_t offset,
    uint64_t length, const uint8_t *buf, const char *what)
{
	const uint64_t end =
	    offset + length < f->vf_size ? offset + length : f->vf_size;

	while (offset < end && v->v_error == 0) {
		const uint64_t pgno = offset / v->v_pgsize;
		const uint64_t start = pgno * v->v_pgsize;
		const struct vbytes vb = {
			.vb_at = buf,
			.vb_from = (uint32_t)(offset - start),
			.vb_to = end - start < v->v_pgsize ?
			    (uint32_t)(end - start) :
			    v->v_pgsize,
		};
		const struct vpage *p = vpage_find(f, pgno);
		struct vmap m = { .vm_n = 1 };

		if (p == NULL && vpage_default(v, f, pgno, &m) != 0)
			return;
		(void)bytes_check(v, f, pgno, p != NULL ? &p->vp_disk : &m, &vb,
		    what);
		vmap_fini(&m);
		buf += vb.vb_to - vb.vb_from;
		offset = start + vb.vb_to;
	}
}

/* Pass a read(2) on; bytes that nobody cares for are checked all the same. */
static int
verify_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, file);
	const uint64_t most = buf != NULL ? length : VERIFY_CHUNK;
	uint64_t done = 0;
	int error = 0;

	if (v->v_be->be_pread == NULL)
		return 0;
	while (done < length && error == 0) {
		const uint64_t n = length - done < most ? length - done : most;
		uint8_t *const to = buf != NULL ? buf : v->v_chunk;

		error = v->v_be->be_pread(v->v_becookie, file, offset + done, n,
		    to);
		if (error == 0 && f != NULL)
			check_bytes(v, f, offset + done, n, to, "read(2)");
		done += n;
	}
	return error;
}

/*
 * Pass a write(2) on; bytes that nobody cares for are made up here, so that
 * they can be told from others later.
 */
static int
pass_pwrite(struct verify *v, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf, uint64_t seq)
{
	uint64_t done = 0;
	int error = 0;

	if (buf != NULL)
		return v->v_be->be_pwrite(v->v_becookie, file, offset, length,
		    buf);
	while (done < length && error == 0) {
		const uint64_t left = length - done;
		const size_t n = left < VERIFY_CHUNK ? left : VERIFY_CHUNK;

		uvm_pattern(file, offset + done, n, seq, v->v_chunk);
		error = v->v_be->be_pwrite(v->v_becookie, file, offset + done,
		    n, v->v_chunk);
		done += n;
	}
	return error;
}

static int
verify_be_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, file);
	const uint64_t seq =
	    v->v_now.vn_seq != 0 ? v->v_now.vn_seq : v->v_event + 1;
	int error;

	if (v->v_be->be_pwrite == NULL)
		return 0;
	error = pass_pwrite(v, file, offset, length, buf, seq);
	if (error != 0) {
		v->v_iofailed = true;
	} else if (f != NULL) {
		v->v_pwritten += length;
		if (offset + length > f->vf_size)
			f->vf_size = offset + length;
		no_memory(v, vfile_disk_set(v, f, offset, length, seq));
		/* What was handed down must be what the program wrote. */
		if (buf != NULL)
			check_bytes(v, f, offset, length, buf, "write(2)");
	}
	return error;
}

/* q6 fixed: the pager zeroed what the page with the new end holds behind it. */
static void
zero_tail(struct verify *v, struct vfile *f, uint64_t size)
{
	struct vpage *p = vpage_find(f, size / v->v_pgsize);

	if (!v->v_q6 && p != NULL && p->vp_resident)
		no_memory(v,
		    vmap_set(&p->vp_mem, v->v_pgsize,
			(uint32_t)(size % v->v_pgsize), v->v_pgsize, SEQ_ZERO));
}

static int
verify_be_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, file);
	int error = 0;

	if (v->v_be->be_truncate != NULL)
		error = v->v_be->be_truncate(v->v_becookie, file, size);
	if (error != 0) {
		v->v_iofailed = true;
	} else if (f != NULL) {
		if (size < f->vf_size) {
			verify_permit_shrink(v, file, size);
			zero_tail(v, f, size);
		}
		no_memory(v, vfile_disk_size(v, f, size));
	}
	return error;
}

static int
verify_be_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length)
{
	struct verify *v = cookie;
	VERIFY_HOLD(v);
	struct vfile *f = file_of(v, file);
	int error = 0;

	if (v->v_be->be_zero != NULL)
		error = v->v_be->be_zero(v->v_becookie, file, offset, length);
	if (error != 0)
		v->v_iofailed = true;
	else if (f != NULL && offset < f->vf_size)
		no_memory(v,
		    vfile_disk_set(v, f, offset,
			length < f->vf_size - offset ? length :
						       f->vf_size - offset,
			SEQ_ZERO));
	return error;
}

static int
verify_sync(void *cookie, uint32_t file)
{
	struct verify *v = cookie;

	if (v->v_be->be_sync == NULL)
		return 0;
	return v->v_be->be_sync(v->v_becookie, file);
}

const struct uvm_backend verify_backend = {
	.be_name = "verify",
	.be_flags = UVM_BE_DATA,
	.be_prepare = verify_prepare,
	.be_open = verify_open,
	.be_close = verify_close,
	.be_io = verify_io,
	.be_start = verify_start,
	.be_submit = verify_submit,
	.be_poll = verify_poll,
	.be_pread = verify_pread,
	.be_pwrite = verify_be_pwrite,
	.be_truncate = verify_be_truncate,
	.be_zero = verify_be_zero,
	.be_sync = verify_sync,
};
