/*
 * backend_file: the folder, the names and the life of backing files.
 *
 * One run at a time works in a folder: DIR/.lock is held with flock(2) and
 * stays behind, because removing it would let two others in, each with a
 * .lock of his own.
 *
 * Page I/O comes from several threads at once, of other pages; all else as
 * pager/uvm_backend.h says.  Two objects of this kind share nothing but the
 * file system.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN	     0
#define stx_dio_offset_align stx_blksize
#define stx_dio_mem_align    stx_blksize
#endif

const struct uvm_backend uvm_backend_buffered = {
	.be_name = "buffered",
	.be_flags = UVM_BE_DATA,
	.be_open = filebe_open,
	.be_close = filebe_close,
	.be_io = filebe_io,
	.be_pread = filebe_pread,
	.be_pwrite = filebe_pwrite,
	.be_truncate = filebe_truncate,
	.be_zero = filebe_zero,
	.be_sync = filebe_sync,
};

const struct uvm_backend uvm_backend_direct = {
	.be_name = "direct",
	.be_flags = UVM_BE_DATA,
	.be_open = filebe_open,
	.be_close = filebe_close,
	.be_io = filebe_io,
	.be_pread = filebe_pread,
	.be_pwrite = filebe_pwrite,
	.be_truncate = filebe_truncate,
	.be_zero = filebe_zero,
	.be_sync = filebe_sync,
};

void
filebe_why(struct uvm_filebe *fb, const char *fmt, ...)
{
	va_list ap;

	(void)pthread_mutex_lock(&fb->fb_mutex);
	va_start(ap, fmt);
	(void)vsnprintf(fb->fb_why, sizeof(fb->fb_why), fmt, ap);
	va_end(ap);
	(void)pthread_mutex_unlock(&fb->fb_mutex);
}

/* => a copy, good until the running thread asks again: others may fail, too */
const char *
uvm_filebe_why(const struct uvm_filebe *cfb)
{
	static _Thread_local char why[sizeof(cfb->fb_why)];
	struct uvm_filebe *const fb = unconst(cfb);

	(void)pthread_mutex_lock(&fb->fb_mutex);
	(void)memcpy(why, fb->fb_why, sizeof(why));
	(void)pthread_mutex_unlock(&fb->fb_mutex);
	return why;
}

uint64_t
filebe_physical(const struct uvm_filebe *fb, uint64_t size)
{
	const uint64_t mask = fb->fb_pgsize - 1;

	return fb->fb_direct ? (size + mask) & ~mask : size;
}

void *
filebe_bounce(const struct uvm_filebe *fb, uint64_t len, size_t *sizep)
{
	const size_t most =
	    fb->fb_pgsize > FILEBE_BOUNCE ? fb->fb_pgsize : FILEBE_BOUNCE;
	const size_t mask = fb->fb_pgsize - 1;

	*sizep = len >= most ? most : ((size_t)len + mask) & ~mask;
	return aligned_alloc(fb->fb_pgsize, *sizep);
}

/* The entry of that number, open or not. */
static struct filebe_file *
entry(const struct uvm_filebe *fb, uint32_t file)
{
	struct filebe_file *f = fb->fb_hash[file % FILEBE_BUCKETS];

	while (f != NULL && f->f_file != file)
		f = f->f_next;
	return f;
}

struct filebe_file *
filebe_lookup(const struct uvm_filebe *fb, uint32_t file)
{
	struct filebe_file *f = entry(fb, file);

	return f != NULL && f->f_fd != -1 ? f : NULL;
}

/* Enter a closed file; path becomes its own, also when it fails. */
static struct filebe_file *
enter(struct uvm_filebe *fb, uint32_t file, char *path)
{
	struct filebe_file *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		free(path);
		return NULL;
	}
	f->f_path = path;
	f->f_file = file;
	f->f_fd = -1;
	f->f_next = fb->fb_hash[file % FILEBE_BUCKETS];
	fb->fb_hash[file % FILEBE_BUCKETS] = f;
	return f;
}

/*
 * ---- O_DIRECT ----
 */

/*
 * Can fd, opened with O_DIRECT, take transfers of whole pages?  Where the
 * kernel does not tell (before 6.1), 512 is assumed, and a device that wants
 * more says EINVAL while the file is filled.
 */
static int
check_alignment(struct uvm_filebe *fb, int fd, const char *path)
{
	struct statx sx;
	uint32_t align = 512;

	if (!fb->fb_direct)
		return 0;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) == 0 &&
	    STATX_DIOALIGN != 0 && (sx.stx_mask & STATX_DIOALIGN) != 0) {
		align = sx.stx_dio_offset_align > sx.stx_dio_mem_align ?
		    sx.stx_dio_offset_align :
		    sx.stx_dio_mem_align;
		if (align == 0)
			return FILEBE_FAIL(fb, EOPNOTSUPP,
			    "%s: this file system has no O_DIRECT: use --backend buffered or another --dir",
			    path);
	}
	if (fb->fb_pgsize < align)
		return FILEBE_FAIL(fb, EINVAL,
		    "%s: O_DIRECT wants blocks of %" PRIu32
		    " bytes here, a page has %" PRIu32
		    ": use --page_size %" PRIu32 " or --backend buffered",
		    path, align, fb->fb_pgsize, align);
	return 0;
}

/* open(2) for page I/O; words for what it fails with. */
static int
open_file(struct uvm_filebe *fb, const char *path, int flags, int *fdp)
{
	const int direct = fb->fb_direct ? O_DIRECT : 0;
	int error, fd;

	do
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | direct | flags,
		    0666);
	while (fd == -1 && errno == EINTR);
	if (fd != -1) {
		if ((error = check_alignment(fb, fd, path)) != 0)
			(void)close(fd);
		else
			*fdp = fd;
		return error;
	}
	error = errno;
	if (error == EINVAL && direct != 0)
		return FILEBE_FAIL(fb, EOPNOTSUPP,
		    "%s: this file system has no O_DIRECT: use --backend buffered or another --dir",
		    path);
	if (error == EMFILE || error == ENFILE)
		return FILEBE_FAIL(fb, error,
		    "%s: too many open files: raise the limit with ulimit -n",
		    path);
	if (error == ELOOP)
		return FILEBE_FAIL(fb, error,
		    "%s: is a symbolic link, not a backing file: remove it or use another --dir",
		    path);
	return FILEBE_FAIL(fb, error,
	    "%s: cannot be opened for writing: %s: use another --dir", path,
	    errno_text(error));
}

/*
 * ---- the folder ----
 */

static int
lock_dir(struct uvm_filebe *fb)
{
	char *path;
	int error;

	if (asprintf(&path, "%s/.lock", fb->fb_dir) < 0)
		return FILEBE_FAIL(fb, ENOMEM, "%s: no memory", fb->fb_dir);
	error = open_file(fb, path, O_NOFOLLOW, &fb->fb_lockfd);
	while (error == 0 && flock(fb->fb_lockfd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		error = errno == EWOULDBLOCK ? EBUSY : errno;
		filebe_why(fb,
		    error == EBUSY ?
			"%s: another run works here: wait for it or use another --dir" :
			"%s: cannot be locked: use another --dir",
		    fb->fb_dir);
	}
	free(path);
	return error;
}

static int
make_dir(struct uvm_filebe *fb)
{
	struct stat st;

	if (mkdir(fb->fb_dir, 0777) == 0)
		return 0;
	if (errno == ENOENT)
		return FILEBE_FAIL(fb, ENOENT,
		    "%s: the folder above it does not exist: make that first",
		    fb->fb_dir);
	if (errno != EEXIST)
		return FILEBE_FAIL(fb, errno,
		    "%s: cannot be made: %s: use another --dir", fb->fb_dir,
		    errno_text(errno));
	if (stat(fb->fb_dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return FILEBE_FAIL(fb, ENOTDIR,
		    "%s: is not a folder: use another --dir", fb->fb_dir);
	return 0;
}

int
uvm_filebe_create(const struct uvm_backend *be, const char *dir,
    uint32_t pgsize, struct uvm_filebe **fbp, struct errmsg *em)
{
	struct uvm_filebe *fb = calloc(1, sizeof(*fb));
	int error;

	if (fb == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory", dir);
	(void)pthread_mutex_init(&fb->fb_mutex, NULL);
	fb->fb_lockfd = -1;
	fb->fb_pgsize = pgsize;
	fb->fb_direct = strcmp(be->be_name, "buffered") != 0;
	fb->fb_dir = strdup(dir);
	if (fb->fb_dir == NULL)
		error = FILEBE_FAIL(fb, ENOMEM, "%s: no memory", dir);
	else if ((error = make_dir(fb)) == 0)
		error = lock_dir(fb);
	if (error != 0) {
		errmsg_put(em, "%s", fb->fb_why);
		uvm_filebe_destroy(fb);
		return error;
	}
	*fbp = fb;
	return 0;
}

/* Trim f to its logical size and close it. */
static int
shut(struct uvm_filebe *fb, struct filebe_file *f)
{
	int error = 0;

	if (f->f_fd == -1)
		return 0;
	if (fb->fb_direct && ftruncate(f->f_fd, (off_t)f->f_size) != 0)
		error =
		    FILEBE_FAIL(fb, errno, "%s: cannot be cut to its size: %s",
			f->f_path, errno_text(errno));
	if (close(f->f_fd) != 0 && error == 0)
		error = FILEBE_FAIL(fb, errno, "%s: cannot be closed: %s",
		    f->f_path, errno_text(errno));
	f->f_fd = -1;
	free(f->f_tail);
	f->f_tail = NULL;
	return error;
}

void
uvm_filebe_destroy(struct uvm_filebe *fb)
{

	if (fb == NULL)
		return;
	filebe_ring_destroy(fb->fb_ring);
	for (size_t i = 0; i < FILEBE_BUCKETS; i++) {
		struct filebe_file *f;

		while ((f = fb->fb_hash[i]) != NULL) {
			fb->fb_hash[i] = f->f_next;
			(void)shut(fb, f);
			free(f->f_path);
			free(f);
		}
	}
	if (fb->fb_lockfd != -1)
		(void)close(fb->fb_lockfd);
	free(fb->fb_dir);
	(void)pthread_mutex_destroy(&fb->fb_mutex);
	free(fb);
}

/*
 * ---- life of a file ----
 */

/* Only a regular file will do, and none that another number has. */
static int
check_user_file(struct uvm_filebe *fb, const char *path)
{
	struct stat st, other;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return FILEBE_FAIL(fb, errno, "%s: cannot be used: %s", path,
		    errno_text(errno));
	}
	if (!S_ISREG(st.st_mode))
		return FILEBE_FAIL(fb, EINVAL,
		    "%s: is not a regular file, and nothing else is overwritten: name a regular file",
		    path);
	for (size_t i = 0; i < FILEBE_BUCKETS; i++)
		for (const struct filebe_file *f = fb->fb_hash[i]; f != NULL;
		     f = f->f_next)
			if (stat(f->f_path, &other) == 0 &&
			    other.st_dev == st.st_dev &&
			    other.st_ino == st.st_ino)
				return FILEBE_FAIL(fb, EEXIST,
				    "%s: is in use for file %" PRIu32
				    " already: name another one",
				    path, f->f_file);
	return 0;
}

int
uvm_filebe_use(struct uvm_filebe *fb, uint32_t file, const char *path,
    struct errmsg *em)
{
	struct filebe_file *f;
	char *copy;
	int error, fd;

	if (entry(fb, file) != NULL)
		return ERRMSG(em, EEXIST,
		    "%s: file %" PRIu32 " has a backing file already", path,
		    file);
	if ((error = check_user_file(fb, path)) != 0 ||
	    (error = open_file(fb, path, 0, &fd)) != 0)
		return ERRMSG(em, error, "%s", fb->fb_why);
	(void)close(fd);
	copy = strdup(path);
	f = copy == NULL ? NULL : enter(fb, file, copy);
	if (f == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory", path);
	f->f_user = true;
	return 0;
}

int
filebe_open(void *cookie, uint32_t file, uint64_t size)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_file *f = entry(fb, file);
	struct stat st;
	char *path;
	int error;

	if (f != NULL && f->f_fd != -1)
		return FILEBE_FAIL(fb, EEXIST, "%s: is open already",
		    f->f_path);
	if (f == NULL) {
		if (asprintf(&path, "%s/file-%" PRIu32 ".dat", fb->fb_dir,
			file) < 0 ||
		    (f = enter(fb, file, path)) == NULL)
			return FILEBE_FAIL(fb, ENOMEM, "%s: no memory",
			    fb->fb_dir);
	}
	error = open_file(fb, f->f_path, f->f_user ? 0 : O_NOFOLLOW, &f->f_fd);
	if (error != 0)
		return error;
	f->f_size = size;
	if (fstat(f->f_fd, &st) != 0 || !S_ISREG(st.st_mode))
		error = FILEBE_FAIL(fb, EINVAL,
		    "%s: is not a regular file: remove it or use another --dir",
		    f->f_path);
	else
		error = filebe_make_contents(fb, f);
	if (error == 0)
		return 0;
	(void)close(f->f_fd);
	f->f_fd = -1;
	return error;
}

int
filebe_close(void *cookie, uint32_t file)
{
	struct uvm_filebe *fb = cookie;
	struct filebe_file *f = filebe_lookup(fb, file);

	if (f == NULL)
		return FILEBE_FAIL(fb, EBADF, "file %" PRIu32 " is not open",
		    file);
	return shut(fb, f);
}
