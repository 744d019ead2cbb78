/*
 * backend_file_io: page-in and page-out.
 *
 * One pager I/O is one system call of the host; neighbouring frames become one
 * element of the vector.  Only more than IOV_MAX elements, a signal or a short
 * transfer take another call.  A durable write has RWF_DSYNC.
 */
#include <sys/uio.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"

/*
 * A short transfer that ends within a block cannot be continued around the
 * page cache: it is the end of the file on disk.
 */
static bool
at_end(const struct uvm_filebe *fb, ssize_t n)
{

	return n == 0 || (fb->fb_direct && n % 512 != 0);
}

int
filebe_read(const struct uvm_filebe *fb, int fd, void *buf, size_t len,
    uint64_t offset, size_t *donep)
{

	*donep = 0;
	while (*donep < len) {
		const ssize_t n = pread(fd, (uint8_t *)buf + *donep,
		    len - *donep, (off_t)(offset + *donep));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		*donep += (size_t)n;
		if (at_end(fb, n))
			break;
	}
	return 0;
}

int
filebe_write(int fd, const void *buf, size_t len, uint64_t offset,
    size_t *donep)
{

	*donep = 0;
	while (*donep < len) {
		const ssize_t n = pwrite(fd, (const uint8_t *)buf + *donep,
		    len - *donep, (off_t)(offset + *donep));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		*donep += (size_t)n;
	}
	return 0;
}

/* One system call; -1 and errno. */
static ssize_t
transfer(int fd, const struct uvm_buf *b, const struct iovec *iov, int niov)
{
	const off_t at = (off_t)(b->b_offset + b->b_done);

	if (b->b_io == UVM_READ)
		return niov == 1 ? pread(fd, iov->iov_base, iov->iov_len, at) :
				   preadv(fd, iov, niov, at);
	if (b->b_durable)
		return pwritev2(fd, iov, niov, at, RWF_DSYNC);
	return niov == 1 ? pwrite(fd, iov->iov_base, iov->iov_len, at) :
			   pwritev(fd, iov, niov, at);
}

/* Move the vector; iov is used up.  b_done grows by the bytes moved. */
static int
move(const struct uvm_filebe *fb, int fd, struct uvm_buf *b, struct iovec *iov,
    int niov)
{
	while (niov > 0) {
		ssize_t n = transfer(fd, b, iov, niov);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0 && b->b_io == UVM_WRITE)
			return EIO;
		b->b_done += (uint64_t)n;
		if (at_end(fb, n))
			return 0;
		while (niov > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			niov--;
		}
		if (niov > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/*
 * The last page of a direct write that ends within it: a copy with zeros
 * behind the end.  The frame itself may hold other bytes there, which are not
 * the file's.
 */
static int
make_tail(const struct uvm_filebe *fb, struct filebe_file *f, const void *frame,
    size_t len)
{

	if (f->f_tail == NULL)
		f->f_tail = aligned_alloc(fb->fb_pgsize, fb->fb_pgsize);
	if (f->f_tail == NULL)
		return ENOBUFS;
	memcpy(f->f_tail, frame, len);
	memset((uint8_t *)f->f_tail + len, 0, fb->fb_pgsize - len);
	return 0;
}

/*
 * Move the first npages frames of b, a vector at a time.
 *
 * => the last frame counts for last bytes
 * => tail, if not NULL, stands for the last frame
 */
static int
move_pages(struct uvm_filebe *fb, const struct filebe_file *f,
    struct uvm_buf *b, uint32_t npages, size_t last, void *tail)
{
	const size_t pgsize = b->b_pgsize;
	struct iovec iov[IOV_MAX];
	uint64_t want = 0;
	int error = 0;
	uint32_t i = 0;

	while (i < npages && error == 0 && b->b_done == want) {
		int n = 0;

		for (; i < npages; i++) {
			void *const p = i == npages - 1 && tail != NULL ?
			    tail :
			    b->b_page[i];
			const size_t len = i == npages - 1 ? last : pgsize;

			if (n > 0 &&
			    (uint8_t *)iov[n - 1].iov_base +
				    iov[n - 1].iov_len ==
				p) {
				iov[n - 1].iov_len += len;
			} else if (n == IOV_MAX) {
				break;
			} else {
				iov[n].iov_base = p;
				iov[n++].iov_len = len;
			}
			want += len;
		}
		error = move(fb, f->f_fd, b, iov, n);
	}
	return error;
}

int
filebe_finish_io(struct uvm_filebe *fb, struct filebe_file *f,
    struct uvm_buf *b, int error)
{

	if (b->b_done > b->b_length)
		b->b_done = b->b_length;
	if (b->b_io == UVM_WRITE && b->b_offset + b->b_done > f->f_size)
		f->f_size = b->b_offset + b->b_done;
	b->b_error = error;
	if (error != 0)
		filebe_why(fb,
		    "%s: %s of %" PRIu64 " bytes at %" PRIu64
		    " failed after %" PRIu64 ": %s",
		    f->f_path, b->b_io == UVM_READ ? "read" : "write",
		    b->b_length, b->b_offset, b->b_done, errno_text(error));
	return error;
}

int
filebe_io(void *cookie, struct uvm_buf *b)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_file *f = filebe_lookup(fb, b->b_file);
	const uint32_t pgsize = b->b_pgsize;
	const uint32_t npages = (uint32_t)((b->b_length + pgsize - 1) / pgsize);
	const size_t ragged = b->b_length % pgsize;
	void *tail = NULL;
	size_t last = pgsize;
	int error;

	b->b_done = 0;
	if (f == NULL) {
		b->b_error = EBADF;
		return FILEBE_FAIL(fb, EBADF, "file %" PRIu32 " is not open",
		    b->b_file);
	}
	if (ragged != 0 && !fb->fb_direct) {
		last = ragged;
	} else if (ragged != 0 && b->b_io == UVM_WRITE) {
		error = make_tail(fb, f, b->b_page[npages - 1], ragged);
		if (error != 0)
			return filebe_finish_io(fb, f, b, error);
		tail = f->f_tail;
	}
	error = move_pages(fb, f, b, npages, last, tail);
	return filebe_finish_io(fb, f, b, error);
}
