/*
 * backend_uring: page I/O that is started now and collected later, by
 * io_uring(7), over the files of backend_file with O_DIRECT.
 *
 * Only be_start() goes through the ring; what is done within the call is done
 * by backend_file's system calls, which are as fast then.  Frames and files are
 * registered with the kernel where it lets us, so that it has neither to pin
 * pages nor to look descriptors up for each request.
 *
 * A request that ends short, or with an error that may pass, is done over
 * within the call: what becomes of it is then backend_file's to say.
 *
 * Any number of threads may start and submit, one of them at a time poll.
 */
#include <sys/uio.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <liburing.h>

#include "pager/backend_file.h"

/* Since Linux 6.15; the headers may be older than the kernel. */
#define OP_READV_FIXED	60
#define OP_WRITEV_FIXED 61

#define REGION_MAX (1UL << 30) /* bytes of one registered buffer */
#define BATCH	   8	       /* requests prepared before they are sent */

struct ring_request {
	struct uvm_buf *rr_buf;
	struct ring_request *rr_next; /* of ri_idle or ri_done */
	struct iovec *rr_iov;
	void *rr_tail;	  /* stands for the last frame of a write, or NULL */
	uint64_t rr_want; /* bytes, whole blocks */
	uint32_t rr_room; /* elements of rr_iov */
};

struct filebe_ring {
	struct io_uring ri_ring;
	pthread_mutex_t ri_lock; /* the submission queue, and what follows */
	struct ring_request *ri_idle;
	struct ring_request *ri_done; /* over already when they were started */
	struct ring_request *ri_request;
	unsigned ri_depth, ri_flying;
	unsigned ri_unsent; /* of those, not submitted yet */
	uint8_t *ri_base;   /* registered frames; NULL: they are not */
	size_t ri_length;
	bool ri_files;	/* descriptors are registered */
	bool ri_vfixed; /* the kernel takes vectors of registered frames */
};

/* ---- making and ending ---- */

static void
ring_free(struct filebe_ring *ri)
{
	unsigned i;

	for (i = 0; ri->ri_request != NULL && i < ri->ri_depth; i++) {
		free(ri->ri_request[i].rr_iov);
		free(ri->ri_request[i].rr_tail);
	}
	free(ri->ri_request);
	free(ri);
}

void
filebe_ring_destroy(struct filebe_ring *ri)
{

	if (ri == NULL)
		return;
	io_uring_queue_exit(&ri->ri_ring);
	(void)pthread_mutex_destroy(&ri->ri_lock);
	ring_free(ri);
}

/* Register the frames, a gigabyte a buffer.  They need not be: it is speed. */
static void
register_frames(struct filebe_ring *ri, uint8_t *base, size_t length)
{
	const size_t n = (length + REGION_MAX - 1) / REGION_MAX;
	struct iovec *iov;
	size_t i;

	if (n == 0 || !filebe_ring_may_register(length) ||
	    (iov = calloc(n, sizeof(*iov))) == NULL)
		return;
	for (i = 0; i < n; i++) {
		const size_t left = length - i * REGION_MAX;

		iov[i].iov_base = base + i * REGION_MAX;
		iov[i].iov_len = left < REGION_MAX ? left : REGION_MAX;
	}
	if (io_uring_register_buffers(&ri->ri_ring, iov, (unsigned)n) == 0) {
		ri->ri_base = base;
		ri->ri_length = length;
	}
	free(iov);
}

static bool
knows_vfixed(struct filebe_ring *ri)
{
	struct io_uring_probe *const probe =
	    io_uring_get_probe_ring(&ri->ri_ring);
	const bool knows = probe != NULL &&
	    io_uring_opcode_supported(probe, OP_READV_FIXED) &&
	    io_uring_opcode_supported(probe, OP_WRITEV_FIXED);

	io_uring_free_probe(probe);
	return knows;
}

static int
ring_setup(struct uvm_filebe *fb, struct filebe_ring *ri)
{
	const char *cause, *remedy;
	int error;

	error = -io_uring_queue_init(ri->ri_depth, &ri->ri_ring, 0);
	if (error == 0) {
		error = filebe_ring_try(&ri->ri_ring);
		if (error == 0)
			return 0;
		io_uring_queue_exit(&ri->ri_ring);
	}
	filebe_ring_why(error, &cause, &remedy);
	return FILEBE_FAIL(fb, EOPNOTSUPP,
	    "no io_uring for --backend uring: %s; use %s, or --backend direct",
	    cause, remedy);
}

static int
uring_prepare(void *cookie, void *base, size_t length, unsigned depth)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_ring *ri = calloc(1, sizeof(*ri));
	unsigned i;
	int error;

	if (depth == 0) {
		free(ri);
		return 0;
	}
	if (ri == NULL)
		return FILEBE_FAIL(fb, ENOMEM, "%s: no memory", fb->fb_dir);
	ri->ri_depth = depth;
	ri->ri_request = calloc(depth, sizeof(ri->ri_request[0]));
	if (ri->ri_request == NULL)
		error = FILEBE_FAIL(fb, ENOMEM, "%s: no memory", fb->fb_dir);
	else
		error = ring_setup(fb, ri);
	if (error != 0) {
		ring_free(ri);
		return error;
	}
	(void)pthread_mutex_init(&ri->ri_lock, NULL);
	for (i = depth; i-- > 0;) {
		ri->ri_request[i].rr_next = ri->ri_idle;
		ri->ri_idle = &ri->ri_request[i];
	}
	register_frames(ri, base, length);
	ri->ri_vfixed = ri->ri_base != NULL && knows_vfixed(ri);
	ri->ri_files =
	    io_uring_register_files_sparse(&ri->ri_ring, FILEBE_SLOTS) == 0;
	fb->fb_ring = ri;
	return 0;
}

/* Tell the kernel of an open file's descriptor; -1 of a closed one's end. */
static void
ring_file(struct uvm_filebe *fb, struct filebe_file *f, int fd)
{
	struct filebe_ring *const ri = fb->fb_ring;

	if (ri == NULL || !ri->ri_files || f->f_slot < 0)
		return;
	(void)pthread_mutex_lock(&ri->ri_lock);
	if (io_uring_register_files_update(&ri->ri_ring, (unsigned)f->f_slot,
		&fd, 1) != 1)
		f->f_slot = -1;
	(void)pthread_mutex_unlock(&ri->ri_lock);
}

static int
uring_open(void *cookie, uint32_t file, uint64_t size)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_file *f;
	const int error = filebe_open(cookie, file, size);

	if (error != 0)
		return error;
	f = filebe_lookup(fb, file);
	f->f_slot = fb->fb_slots < FILEBE_SLOTS ? (int)fb->fb_slots++ : -1;
	ring_file(fb, f, f->f_fd);
	return 0;
}

static int
uring_close(void *cookie, uint32_t file)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_file *const f = filebe_lookup(fb, file);

	if (f != NULL)
		ring_file(fb, f, -1);
	return filebe_close(cookie, file);
}

/* ---- requests ---- */

/* Room for the vector of b, and for a tail page if its write is ragged. */
static int
request_room(const struct uvm_filebe *fb, struct ring_request *rr,
    const struct uvm_buf *b)
{
	struct iovec *iov;

	if (rr->rr_room < b->b_npages) {
		iov = realloc(rr->rr_iov, b->b_npages * sizeof(*iov));
		if (iov == NULL)
			return ENOBUFS;
		rr->rr_iov = iov;
		rr->rr_room = b->b_npages;
	}
	if (b->b_io == UVM_WRITE && b->b_length % b->b_pgsize != 0 &&
	    rr->rr_tail == NULL) {
		rr->rr_tail = aligned_alloc(fb->fb_pgsize, fb->fb_pgsize);
		if (rr->rr_tail == NULL)
			return ENOBUFS;
	}
	return 0;
}

/*
 * The vector of b: whole blocks, neighbours as one element; the last page of a
 * ragged write is a copy with zeros behind the end of the file.
 */
static unsigned
request_vector(struct ring_request *rr, const struct uvm_buf *b)
{
	const size_t pgsize = b->b_pgsize;
	const uint32_t npages = (uint32_t)((b->b_length + pgsize - 1) / pgsize);
	const size_t ragged = b->b_length % pgsize;
	struct iovec *const iov = rr->rr_iov;
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < npages; i++) {
		void *p = b->b_page[i];

		if (i == npages - 1 && ragged != 0 && b->b_io == UVM_WRITE) {
			memcpy(rr->rr_tail, p, ragged);
			memset((uint8_t *)rr->rr_tail + ragged, 0,
			    pgsize - ragged);
			p = rr->rr_tail;
		}
		if (n > 0 &&
		    (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == p) {
			iov[n - 1].iov_len += pgsize;
		} else {
			iov[n].iov_base = p;
			iov[n++].iov_len = pgsize;
		}
	}
	rr->rr_want = (uint64_t)npages * pgsize;
	return n;
}

/* The registered buffer that holds all of the vector, or -1. */
static int
registered(const struct filebe_ring *ri, const struct iovec *iov, unsigned n)
{
	int region = -1;
	unsigned i;

	for (i = 0; i < n && ri->ri_base != NULL; i++) {
		const uint8_t *const p = iov[i].iov_base;
		size_t first, last;

		if (p < ri->ri_base || p >= ri->ri_base + ri->ri_length)
			return -1;
		first = (size_t)(p - ri->ri_base) / REGION_MAX;
		last = ((size_t)(p - ri->ri_base) + iov[i].iov_len - 1) /
		    REGION_MAX;
		if (first != last || (region != -1 && (size_t)region != first))
			return -1;
		region = (int)first;
	}
	return region;
}

static void
request_sqe(const struct filebe_ring *ri, const struct filebe_file *f,
    struct ring_request *rr, unsigned n, struct io_uring_sqe *sqe)
{
	const struct uvm_buf *const b = rr->rr_buf;
	const struct iovec *const iov = rr->rr_iov;
	const bool read = b->b_io == UVM_READ;
	const bool slot = ri->ri_files && f->f_slot >= 0;
	const int fd = slot ? f->f_slot : f->f_fd;
	const int region = registered(ri, iov, n);

	if (n == 1 && region >= 0 && read)
		io_uring_prep_read_fixed(sqe, fd, iov->iov_base,
		    (unsigned)iov->iov_len, b->b_offset, region);
	else if (n == 1 && region >= 0)
		io_uring_prep_write_fixed(sqe, fd, iov->iov_base,
		    (unsigned)iov->iov_len, b->b_offset, region);
	else if (read)
		io_uring_prep_readv(sqe, fd, iov, n, b->b_offset);
	else
		io_uring_prep_writev(sqe, fd, iov, n, b->b_offset);
	if (n > 1 && region >= 0 && ri->ri_vfixed) {
		sqe->opcode = read ? OP_READV_FIXED : OP_WRITEV_FIXED;
		sqe->buf_index = (uint16_t)region;
	}
	if (b->b_durable)
		sqe->rw_flags = RWF_DSYNC;
	if (slot)
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, rr);
}

/* Send what is prepared. => ri_lock held */
static int
ring_send(struct filebe_ring *ri)
{
	int n = 0;

	while (ri->ri_unsent != 0) {
		n = io_uring_submit(&ri->ri_ring);
		if (n == -EINTR || n == -EAGAIN || n == -EBUSY)
			continue;
		if (n <= 0)
			return n < 0 ? -n : EIO;
		ri->ri_unsent -= (unsigned)n;
	}
	return 0;
}

static int
uring_start(void *cookie, struct uvm_buf *b)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_ring *const ri = fb->fb_ring;
	const struct filebe_file *const f = filebe_lookup(fb, b->b_file);
	struct ring_request *rr;
	struct io_uring_sqe *sqe;
	unsigned n;
	int error = 0;

	if (f == NULL)
		return FILEBE_FAIL(fb, EBADF, "file %" PRIu32 " is not open",
		    b->b_file);
	(void)pthread_mutex_lock(&ri->ri_lock);
	rr = ri->ri_idle;
	if (rr == NULL || (error = request_room(fb, rr, b)) != 0) {
		(void)pthread_mutex_unlock(&ri->ri_lock);
		return rr == NULL ? EAGAIN : error;
	}
	ri->ri_idle = rr->rr_next;
	ri->ri_flying++;
	rr->rr_buf = b;
	n = request_vector(rr, b);
	sqe = n <= IOV_MAX ? io_uring_get_sqe(&ri->ri_ring) : NULL;
	if (sqe != NULL) {
		request_sqe(ri, f, rr, n, sqe);
		/* A failure to send comes back from be_submit(). */
		if (++ri->ri_unsent >= BATCH)
			(void)ring_send(ri);
	} else {
		/* More elements than the kernel takes at once. */
		(void)filebe_io(cookie, b);
		rr->rr_next = ri->ri_done;
		ri->ri_done = rr;
	}
	(void)pthread_mutex_unlock(&ri->ri_lock);
	return 0;
}

static int
uring_submit(void *cookie)
{
	struct filebe_ring *const ri = ((struct uvm_filebe *)cookie)->fb_ring;
	int error;

	(void)pthread_mutex_lock(&ri->ri_lock);
	error = ring_send(ri);
	(void)pthread_mutex_unlock(&ri->ri_lock);
	return error;
}

/* A request is over: what it came to, or once more within the call. */
static void
request_over(struct uvm_filebe *fb, struct ring_request *rr, int res)
{
	struct uvm_buf *const b = rr->rr_buf;

	if (res < 0 || (uint64_t)res != rr->rr_want) {
		(void)filebe_io(fb, b);
		return;
	}
	b->b_done = (uint64_t)res;
	(void)filebe_finish_io(fb, filebe_lookup(fb, b->b_file), b, 0);
}

/* Take one finished request; NULL if there is none. => ri_lock held */
static struct ring_request *
take(struct uvm_filebe *fb, struct filebe_ring *ri)
{
	struct ring_request *rr = ri->ri_done;
	struct io_uring_cqe *cqe;
	int res;

	if (rr != NULL) {
		ri->ri_done = rr->rr_next;
		return rr;
	}
	if (io_uring_peek_cqe(&ri->ri_ring, &cqe) != 0)
		return NULL;
	rr = io_uring_cqe_get_data(cqe);
	res = cqe->res;
	io_uring_cqe_seen(&ri->ri_ring, cqe);
	request_over(fb, rr, res);
	return rr;
}

static int
uring_poll(void *cookie, bool wait, struct uvm_buf **bp)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_ring *const ri = fb->fb_ring;
	struct io_uring_cqe *cqe;
	struct ring_request *rr;
	int error;

	*bp = NULL;
	for (;;) {
		(void)pthread_mutex_lock(&ri->ri_lock);
		error = ring_send(ri);
		rr = take(fb, ri);
		if (rr != NULL) {
			*bp = rr->rr_buf;
			rr->rr_next = ri->ri_idle;
			ri->ri_idle = rr;
			ri->ri_flying--;
		}
		wait = wait && ri->ri_flying != 0;
		(void)pthread_mutex_unlock(&ri->ri_lock);
		if (rr != NULL || !wait || error != 0)
			return error;
		error = io_uring_wait_cqe(&ri->ri_ring, &cqe);
		if (error != 0 && error != -EINTR)
			return FILEBE_FAIL(fb, -error,
			    "waiting for I/O under way: %s",
			    errno_text(-error));
	}
}

const struct uvm_backend uvm_backend_uring = {
	.be_name = "uring",
	.be_flags = UVM_BE_DATA,
	.be_prepare = uring_prepare,
	.be_open = uring_open,
	.be_close = uring_close,
	.be_io = filebe_io,
	.be_start = uring_start,
	.be_submit = uring_submit,
	.be_poll = uring_poll,
	.be_pread = filebe_pread,
	.be_pwrite = filebe_pwrite,
	.be_truncate = filebe_truncate,
	.be_zero = filebe_zero,
	.be_sync = filebe_sync,
};
