/*
 * backend_file_rw: read(2), write(2) and their kin beside the pager.
 *
 * Under O_DIRECT they go through an aligned bounce buffer, a bounded piece at a
 * time; a write reads the blocks at its edges first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"

/* One call of the four: whose file, and words when it fails. */
struct request {
	struct uvm_filebe *rq_fb;
	struct filebe_file *rq_f;
	const char *rq_what;
	uint64_t rq_offset, rq_length;
};

static int
request_init(struct request *rq, struct uvm_filebe *fb, uint32_t file,
    const char *what)
{

	rq->rq_fb = fb;
	rq->rq_f = filebe_lookup(fb, file);
	rq->rq_what = what;
	if (rq->rq_f == NULL)
		return FILEBE_FAIL(fb, EBADF, "file %" PRIu32 " is not open",
		    file);
	return 0;
}

static int
request_fail(const struct request *rq, int error)
{

	if (error == 0)
		return 0;
	return FILEBE_FAIL(rq->rq_fb, error,
	    "%s: %s of %" PRIu64 " bytes at %" PRIu64 " failed: %s",
	    rq->rq_f->f_path, rq->rq_what, rq->rq_length, rq->rq_offset,
	    errno_text(error));
}

static bool
aligned(const struct uvm_filebe *fb, uint64_t offset, uint64_t length,
    const void *buf)
{
	const uint64_t mask = fb->fb_pgsize - 1;

	return buf != NULL &&
	    (!fb->fb_direct ||
		((offset | length | (uintptr_t)buf) & mask) == 0);
}

/*
 * The piece of [offset, end) that one bounce buffer takes: whole blocks under
 * O_DIRECT, which begin up to a page before offset.
 */
struct piece {
	uint64_t pc_begin; /* what the buffer's first byte is in the file */
	size_t pc_size;	   /* to transfer, whole blocks */
	size_t pc_skip;	   /* from there to offset */
	size_t pc_length;  /* of the request */
};

static struct piece
piece_of(const struct uvm_filebe *fb, uint64_t offset, uint64_t end,
    size_t bounce)
{
	const uint64_t mask = fb->fb_direct ? fb->fb_pgsize - 1 : 0;
	struct piece pc;

	pc.pc_begin = offset & ~mask;
	pc.pc_skip = (size_t)(offset - pc.pc_begin);
	pc.pc_size = ((end + mask) & ~mask) - pc.pc_begin < bounce ?
	    (size_t)(((end + mask) & ~mask) - pc.pc_begin) :
	    bounce;
	pc.pc_length = pc.pc_size - pc.pc_skip < end - offset ?
	    pc.pc_size - pc.pc_skip :
	    (size_t)(end - offset);
	return pc;
}

static int
read_pieces(struct uvm_filebe *fb, const struct filebe_file *f, uint64_t offset,
    uint64_t length, uint8_t *buf)
{
	const uint64_t end = offset + length;
	size_t size, done;
	uint8_t *bounce = filebe_bounce(fb, length + fb->fb_pgsize, &size);
	int error = bounce == NULL ? ENOBUFS : 0;

	while (offset < end && error == 0) {
		const struct piece pc = piece_of(fb, offset, end, size);

		error = filebe_read(fb, f->f_fd, bounce, pc.pc_size,
		    pc.pc_begin, &done);
		if (error == 0 && done < pc.pc_skip + pc.pc_length)
			error = EIO;
		if (error == 0 && buf != NULL) {
			memcpy(buf, bounce + pc.pc_skip, pc.pc_length);
			buf += pc.pc_length;
		}
		offset += pc.pc_length;
	}
	free(bounce);
	return error;
}

int
filebe_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	struct uvm_filebe *fb = cookie;
	struct request rq = { .rq_offset = offset, .rq_length = length };
	size_t done;
	int error = request_init(&rq, fb, file, "read");

	if (error != 0 || length == 0)
		return error;
	if (offset > rq.rq_f->f_size || length > rq.rq_f->f_size - offset)
		return request_fail(&rq, EINVAL);
	if (!aligned(fb, offset, length, buf))
		return request_fail(&rq,
		    read_pieces(fb, rq.rq_f, offset, length, buf));
	error = filebe_read(fb, rq.rq_f->f_fd, buf, length, offset, &done);
	if (error == 0 && done < length)
		error = EIO;
	return request_fail(&rq, error);
}

/* Read one block; what lies behind the file on disk reads as zero. */
static int
read_block(const struct uvm_filebe *fb, const struct filebe_file *f,
    uint64_t offset, uint8_t *block)
{
	size_t done = 0;
	int error = 0;

	if (offset < f->f_size)
		error = filebe_read(fb, f->f_fd, block, fb->fb_pgsize, offset,
		    &done);
	if (error == 0)
		memset(block + done, 0, fb->fb_pgsize - done);
	return error;
}

/* The blocks that a piece changes in part, read into the bounce buffer. */
static int
read_edges(const struct uvm_filebe *fb, const struct filebe_file *f,
    const struct piece *pc, uint8_t *bounce)
{
	const size_t pgsize = fb->fb_pgsize;
	const size_t last = pc->pc_size - pgsize;
	const size_t end = pc->pc_skip + pc->pc_length;
	int error = 0;

	if (!fb->fb_direct)
		return 0;
	if (pc->pc_skip != 0 || end < pgsize)
		error = read_block(fb, f, pc->pc_begin, bounce);
	if (error == 0 && end < pc->pc_size && last != 0)
		error = read_block(fb, f, pc->pc_begin + last, bounce + last);
	return error;
}

/* buf NULL writes zeros. */
static int
write_pieces(struct uvm_filebe *fb, const struct filebe_file *f,
    uint64_t offset, uint64_t length, const uint8_t *buf)
{
	const uint64_t end = offset + length;
	size_t size, done;
	uint8_t *bounce = filebe_bounce(fb, length + fb->fb_pgsize, &size);
	int error = bounce == NULL ? ENOBUFS : 0;

	while (offset < end && error == 0) {
		const struct piece pc = piece_of(fb, offset, end, size);

		if ((error = read_edges(fb, f, &pc, bounce)) != 0)
			break;
		if (buf != NULL) {
			memcpy(bounce + pc.pc_skip, buf, pc.pc_length);
			buf += pc.pc_length;
		} else {
			memset(bounce + pc.pc_skip, 0, pc.pc_length);
		}
		error = filebe_write(f->f_fd, bounce, pc.pc_size, pc.pc_begin,
		    &done);
		offset += pc.pc_length;
	}
	free(bounce);
	return error;
}

/* Zero the bytes of the last page behind a logical size of size. */
static int
clear_tail(struct uvm_filebe *fb, const struct filebe_file *f, uint64_t size)
{
	const size_t keep = size % fb->fb_pgsize;
	uint8_t *block;
	size_t done;
	int error;

	if (!fb->fb_direct || keep == 0)
		return 0;
	block = filebe_bounce(fb, fb->fb_pgsize, &done);
	if (block == NULL)
		return ENOBUFS;
	error = read_block(fb, f, size - keep, block);
	memset(block + keep, 0, fb->fb_pgsize - keep);
	if (error == 0)
		error = filebe_write(f->f_fd, block, fb->fb_pgsize, size - keep,
		    &done);
	free(block);
	return error;
}

/*
 * The logical size after a write up to end.  What a failed one left behind the
 * old end is cut off and zeroed, so far as that still works.
 */
static int
grown(const struct request *rq, uint64_t end, int error)
{
	struct filebe_file *f = rq->rq_f;
	const int failed = request_fail(rq, error);

	if (end <= f->f_size)
		return failed;
	if (failed == 0)
		f->f_size = end;
	else if (ftruncate(f->f_fd,
		     (off_t)filebe_physical(rq->rq_fb, f->f_size)) == 0)
		(void)clear_tail(rq->rq_fb, f, f->f_size);
	return failed;
}

int
filebe_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct uvm_filebe *fb = cookie;
	struct request rq = { .rq_offset = offset, .rq_length = length };
	size_t done;
	int error = request_init(&rq, fb, file, "write");

	if (error != 0 || length == 0)
		return error;
	if (aligned(fb, offset, length, buf))
		error = filebe_write(rq.rq_f->f_fd, buf, length, offset, &done);
	else
		error = write_pieces(fb, rq.rq_f, offset, length, buf);
	return grown(&rq, offset + length, error);
}

int
filebe_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct uvm_filebe *fb = cookie;
	struct request rq = { .rq_offset = size };
	int error = request_init(&rq, fb, file, "truncate");

	if (error != 0 || size == rq.rq_f->f_size)
		return error;
	if (size < rq.rq_f->f_size)
		error = clear_tail(fb, rq.rq_f, size);
	if (error == 0 &&
	    ftruncate(rq.rq_f->f_fd, (off_t)filebe_physical(fb, size)) != 0)
		error = errno;
	if (error == 0)
		rq.rq_f->f_size = size;
	return request_fail(&rq, error);
}

/*
 * Whole pages are left to the file system, which has no data to write then;
 * where it cannot, and at the edges, zeros are written.
 */
int
filebe_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length)
{
	struct uvm_filebe *fb = cookie;
	struct request rq = { .rq_offset = offset, .rq_length = length };
	const uint64_t mask = fb->fb_pgsize - 1;
	uint64_t end, from, to;
	int error = request_init(&rq, fb, file, "zeroing");

	if (error != 0 || offset >= rq.rq_f->f_size)
		return error;
	if (length > rq.rq_f->f_size - offset)
		length = rq.rq_f->f_size - offset;
	end = offset + length;
	from = (offset + mask) & ~mask;
	to = end & ~mask;
	if (from >= to ||
	    fallocate(rq.rq_f->f_fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		(off_t)from, (off_t)(to - from)) != 0)
		return request_fail(&rq,
		    length == 0 ?
			0 :
			write_pieces(fb, rq.rq_f, offset, length, NULL));
	if (offset < from)
		error = write_pieces(fb, rq.rq_f, offset, from - offset, NULL);
	if (error == 0 && to < end)
		error = write_pieces(fb, rq.rq_f, to, end - to, NULL);
	return request_fail(&rq, error);
}

int
filebe_sync(void *cookie, uint32_t file)
{
	struct request rq = { .rq_offset = 0 };
	int error = request_init(&rq, cookie, file, "sync");

	if (error != 0)
		return error;
	return request_fail(&rq, fdatasync(rq.rq_f->f_fd) == 0 ? 0 : errno);
}
