/*
 * backend_file_fill: the first contents of a backing file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"

/* Switch O_DIRECT for an open file; false where it has none. */
static bool
set_direct(int fd, bool on)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags != -1 &&
	    fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/* Write the first contents of a file, and zeros from its size on to end. */
static int
fill(const struct filebe_file *f, uint64_t end, uint8_t *chunk)
{
	uint64_t offset = 0;
	int error = 0;

	while (offset < end && error == 0) {
		const uint64_t left = end - offset;
		const size_t len = left < FILEBE_CHUNK ? left : FILEBE_CHUNK;
		const size_t logical =
		    f->f_size - offset < len ? f->f_size - offset : len;
		size_t done;

		uvm_filebe_fill(f->f_file, offset, logical, chunk);
		memset(chunk + logical, 0, len - logical);
		error = filebe_write(f->f_fd, chunk, len, offset, &done);
		offset += done;
	}
	return error;
}

/*
 * Fill around the host's cache also where replay goes through it: that is
 * faster by far than to have gigabytes written back, and leaves the cache
 * empty.
 */
static int
fill_around_cache(const struct uvm_filebe *fb, const struct filebe_file *f,
    uint8_t *chunk)
{
	const uint64_t mask = FILEBE_ALIGN - 1;
	int error = EINVAL;

	if (fb->fb_direct)
		return fill(f, filebe_physical(fb, f->f_size), chunk);
	if (set_direct(f->f_fd, true)) {
		error = fill(f, (f->f_size + mask) & ~mask, chunk);
		if (!set_direct(f->f_fd, false))
			return errno;
		if (error == 0 && ftruncate(f->f_fd, (off_t)f->f_size) != 0)
			return errno;
	}
	return error == EINVAL ? fill(f, f->f_size, chunk) : error;
}

int
filebe_make_contents(struct uvm_filebe *fb, struct filebe_file *f)
{
	uint8_t *chunk = aligned_alloc(FILEBE_CHUNK, FILEBE_CHUNK);
	int error = 0;

	if (chunk == NULL)
		return FILEBE_FAIL(fb, ENOMEM, "%s: no memory", f->f_path);
	if (ftruncate(f->f_fd, (off_t)filebe_physical(fb, f->f_size)) != 0)
		error = errno;
	if (error == 0)
		error = fill_around_cache(fb, f, chunk);
	if (error == 0 && fdatasync(f->f_fd) != 0)
		error = errno;
	free(chunk);
	if (error == 0) {
		if (!fb->fb_direct)
			(void)posix_fadvise(f->f_fd, 0, 0, POSIX_FADV_DONTNEED);
		return 0;
	}
	filebe_why(fb,
	    error == ENOSPC || error == EDQUOT || error == EFBIG ?
		"%s: %s for %" PRIu64 " bytes: make room or use another --dir" :
		"%s: %s while filling %" PRIu64
		" bytes: use another --dir or --backend buffered",
	    f->f_path, errno_text(error), f->f_size);
	if (!f->f_user) {
		(void)unlink(f->f_path);
		f->f_size = 0;
	}
	return error;
}
