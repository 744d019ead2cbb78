#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

/* Flags of linux/fs.h and linux/close_range.h. */
#define RENAME_SWAP   2 /* RENAME_EXCHANGE */
#define CLOSE_CLOEXEC 4 /* CLOSE_RANGE_CLOEXEC */

void
call_clear(struct call *ca)
{
	if (ca->ca_ofd != NULL && --ca->ca_ofd->of_refs == 0)
		ofd_free(ca->ca_ofd);
	free(ca->ca_text);
	free(ca->ca_text2);
	free(ca->ca_limbo);
	*ca = (struct call){ .ca_active = false };
}

/* The file of the descriptor that is argument i; 0: none. */
static uint32_t
arg_file(struct thread *th, unsigned i)
{
	struct call *ca = &th->th_call;
	struct ofd *of = fd_ofd(th->th_proc, ca->ca_arg[i]);

	if (ca->ca_ofd == NULL)
		ca->ca_ofd = ofd_ref(of);
	return of != NULL ? of->of_file : 0;
}

/* The same of calls that only files of a file system take. */
static uint32_t
need_file(struct assembler *as, struct thread *th, unsigned i)
{
	const uint32_t file = arg_file(th, i);

	/* The library tells of all regular files: it is a folder, or so. */
	if (file == 0 && !th->th_proc->pr_started)
		as->as_counts[RECORD_UNKNOWN_CALLS]++;
	return file;
}

/* The file of its first or second path; *filep is 0 if unknown. */
static int
path_file(struct assembler *as, struct thread *th, unsigned i, uint32_t *filep)
{
	const char *path = i == 0 ? th->th_call.ca_text : th->th_call.ca_text2;

	*filep = th->th_path[i];
	th->th_path[i] = 0;
	if (*filep != 0 || path == NULL)
		return 0;
	return file_find(as, 0, 0, 0, RAW_UNKNOWN, path, filep);
}

static int
file_event(struct assembler *as, struct thread *th, enum trace_op op,
    uint32_t file, uint64_t offset, uint64_t length)
{
	struct trace_event te = event_at(as, op, file, 0);

	if (file == 0)
		return 0;
	te.te_offset = offset <= INT64_MAX ? offset : INT64_MAX;
	te.te_length = length <= INT64_MAX - te.te_offset ?
	    length :
	    INT64_MAX - te.te_offset;
	return event_wait(as, th, &te);
}

/* reads and writes */

struct io {
	bool io_write, io_positioned;
};

static struct io
io_of(uint8_t sys)
{
	const struct io io = {
		.io_write = sys == RAW_SYS_WRITE || sys == RAW_SYS_PWRITE64 ||
		    sys == RAW_SYS_WRITEV || sys == RAW_SYS_PWRITEV ||
		    sys == RAW_SYS_PWRITEV2,
		.io_positioned = sys == RAW_SYS_PREAD64 ||
		    sys == RAW_SYS_PWRITE64 || sys == RAW_SYS_PREADV ||
		    sys == RAW_SYS_PWRITEV || sys == RAW_SYS_PREADV2 ||
		    sys == RAW_SYS_PWRITEV2,
	};

	return io;
}

static int
io_begin(struct assembler *as, struct thread *th)
{
	struct call *ca = &th->th_call;
	const struct io io = io_of(ca->ca_sys);
	const uint32_t file = arg_file(th, 0);
	uint64_t offset;

	if (file == 0)
		return 0;
	offset = io.io_positioned && ca->ca_arg[3] != RAW_UNKNOWN ?
	    ca->ca_arg[3] :
	    ca->ca_ofd->of_pos;
	return file_event(as, th, io.io_write ? TRACE_PWRITE : TRACE_PREAD,
	    file, offset, 0);
}

/* The bytes of an event of a read or write are known: ret. */
static void
io_done(struct assembler *as, struct trace_event *te, struct ofd *of, bool move,
    uint64_t ret)
{
	struct afile *af = file_of(as, te->te_file);
	const bool write = te->te_op == TRACE_PWRITE;

	if (write && of->of_flags_known && (of->of_flags & O_APPEND) != 0)
		te->te_offset = af->af_size;
	te->te_length = ret;
	if (move)
		of->of_pos = te->te_offset + ret;
	if (!write)
		file_used(af, te->te_offset + ret);
	else if (te->te_offset + ret > af->af_size)
		af->af_size = te->te_offset + ret;
}

/* Memory that the kernel used for the program, unseen by the source. */
static int
buffer_end(struct assembler *as, struct thread *th, uint64_t ret)
{
	const struct call *ca = &th->th_call;
	const struct raw_sys *rs = &raw_sys[ca->ca_sys];
	const unsigned flags = RAW_F_KERNEL |
	    ((rs->rs_buffer & RAW_BUF_FILL) != 0 ? RAW_F_WRITE : 0);
	const bool gup = as->as_ap.ap_gup && ca->ca_ofd != NULL &&
	    ca->ca_ofd->of_flags_known &&
	    (ca->ca_ofd->of_flags & O_DIRECT) != 0;

	if (rs->rs_buffer == RAW_BUF_NONE || (!as->as_ap.ap_buffers && !gup))
		return 0;
	if ((rs->rs_buffer & RAW_BUF_IOV) != 0) {
		if (th->th_proc->pr_space->sp_n > 0)
			as->as_counts[RECORD_UNSEEN_BUFFERS]++;
		return 0;
	}
	return access_put(as, th->th_proc, ca->ca_arg[rs->rs_buffer & 0xf], ret,
	    flags);
}

static int
io_end(struct assembler *as, struct thread *th, int64_t ret)
{
	struct trace_event *te = event_of(as, th, 0);
	const bool move = !io_of(th->th_call.ca_sys).io_positioned;
	int error;

	if (te != NULL && ret > 0)
		io_done(as, te, th->th_call.ca_ofd, move, (uint64_t)ret);
	error = event_settle(as, th, ret > 0);
	if (error == 0 && ret > 0)
		error = buffer_end(as, th, (uint64_t)ret);
	return error;
}

static int
send_end(struct assembler *as, struct thread *th, int64_t ret)
{
	return ret > 0 ? buffer_end(as, th, (uint64_t)ret) : 0;
}

static int
lseek_begin(struct assembler *as, struct thread *th)
{
	(void)as;
	(void)arg_file(th, 0);
	return 0;
}

static int
lseek_end(struct assembler *as, struct thread *th, int64_t ret)
{
	(void)as;
	if (th->th_call.ca_ofd != NULL)
		th->th_call.ca_ofd->of_pos = (uint64_t)ret;
	return 0;
}

/*
 * Copies between descriptors: sendfile(out, in, &offset, n), and splice(2) and
 * copy_file_range(2) (in, &offset, out, &offset, n).  Offsets that are given
 * are in memory, which is not seen.
 */
static int
copy_side(struct assembler *as, struct thread *th, enum trace_op op,
    uint64_t fd, uint64_t offsetp, uint64_t n)
{
	struct ofd *of = fd_ofd(th->th_proc, fd);
	struct trace_event te;
	int error;

	if (of == NULL || of->of_file == 0)
		return 0;
	if (offsetp != 0) {
		as->as_counts[RECORD_UNKNOWN_OFFSETS]++;
		return 0;
	}
	te = event_at(as, op, of->of_file, 0);
	te.te_offset = of->of_pos;
	io_done(as, &te, of, true, n);
	error = event_put(as, &te);
	return error;
}

static int
copy_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	const bool send = ca->ca_sys == RAW_SYS_SENDFILE;
	int error;

	if (ret <= 0)
		return 0;
	error = copy_side(as, th, TRACE_PREAD, ca->ca_arg[send ? 1 : 0],
	    ca->ca_arg[send ? 2 : 1], (uint64_t)ret);
	if (error == 0)
		error =
		    copy_side(as, th, TRACE_PWRITE, ca->ca_arg[send ? 0 : 2],
			send ? 0 : ca->ca_arg[3], (uint64_t)ret);
	return error;
}

/* descriptors */

static uint64_t
open_flags(const struct call *ca)
{
	switch (ca->ca_sys) {
	case RAW_SYS_OPEN:
		return ca->ca_arg[1];
	case RAW_SYS_OPENAT:
		return ca->ca_arg[2];
	case RAW_SYS_CREAT:
		return O_CREAT | O_WRONLY | O_TRUNC;
	default:
		return RAW_UNKNOWN;
	}
}

static int
open_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const uint64_t flags = open_flags(&th->th_call);
	struct ofd *of = ofd_new(as);
	uint32_t file = 0;
	int error;

	if (of == NULL)
		return ENOMEM;
	of->of_opened = true;
	if (flags != RAW_UNKNOWN) {
		of->of_flags = (uint32_t)flags;
		of->of_flags_known = true;
		of->of_truncated = (flags & O_TRUNC) != 0;
		of->of_created =
		    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	}
	error = fd_put(as, th->th_proc, (uint64_t)ret, of,
	    flags != RAW_UNKNOWN && (flags & O_CLOEXEC) != 0);
	if (of->of_refs == 0) {
		ofd_free(of);
		return error;
	}
	/* The library will say what it is; else the path is all there is. */
	if (error == 0 && th->th_proc->pr_started) {
		of->of_path = th->th_call.ca_text;
		th->th_call.ca_text = NULL;
		return 0;
	}
	if (error == 0)
		error = path_file(as, th, 0, &file);
	if (error == 0 && file != 0)
		error = ofd_named(as, of, file);
	return error;
}

static int
close_begin(struct assembler *as, struct thread *th)
{
	return fd_put(as, th->th_proc, th->th_call.ca_arg[0], NULL, false);
}

static int
close_range_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	struct fdtable *ft = &th->th_proc->pr_fds;
	int error = 0;

	(void)ret;
	for (uint64_t fd = ca->ca_arg[0];
	     error == 0 && fd < ft->ft_n && fd <= (uint32_t)ca->ca_arg[1];
	     fd++) {
		if ((ca->ca_arg[2] & CLOSE_CLOEXEC) != 0)
			ft->ft_fds[fd].fd_cloexec = true;
		else
			error = fd_put(as, th->th_proc, fd, NULL, false);
	}
	return error;
}

static int
dup_begin(struct assembler *as, struct thread *th)
{
	(void)as;
	(void)arg_file(th, 0);
	return 0;
}

static int
dup_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	const bool cloexec =
	    ca->ca_sys == RAW_SYS_DUP3 && (ca->ca_arg[2] & O_CLOEXEC) != 0;

	/* dup2(2) of a descriptor to itself leaves all as it is. */
	if ((uint64_t)ret == ca->ca_arg[0])
		return 0;
	return fd_put(as, th->th_proc, (uint64_t)ret, ca->ca_ofd, cloexec);
}

static int
fcntl_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	struct ofd *of = ca->ca_ofd;

	if (of == NULL)
		return 0;
	switch (ca->ca_arg[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fd_put(as, th->th_proc, (uint64_t)ret, of,
		    ca->ca_arg[1] == F_DUPFD_CLOEXEC);
	case F_SETFD:
		return fd_put(as, th->th_proc, ca->ca_arg[0], of,
		    (ca->ca_arg[2] & FD_CLOEXEC) != 0);
	case F_SETFL:
		of->of_flags = (of->of_flags & O_ACCMODE) |
		    ((uint32_t)ca->ca_arg[2] & ~(uint32_t)O_ACCMODE);
		return 0;
	default:
		return 0;
	}
}

/* files */

static int
fsync_begin(struct assembler *as, struct thread *th)
{
	const uint32_t file = need_file(as, th, 0);
	const int error = file_event(as, th, TRACE_FSYNC, file, 0, 0);

	see_anew(as);
	if (error == 0 && file != 0 && th->th_call.ca_sys == RAW_SYS_FDATASYNC)
		event_of(as, th, 0)->te_flags = TRACE_F_DATA;
	return error;
}

static int
sync_range_begin(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;
	const uint32_t file = need_file(as, th, 0);
	int error;

	see_anew(as);
	if (file == 0)
		return 0;
	error =
	    file_event(as, th, TRACE_FSYNC, file, ca->ca_arg[1], ca->ca_arg[2]);
	if (error == 0)
		event_of(as, th, 0)->te_flags = TRACE_F_DATA | TRACE_F_RANGE;
	return error;
}

static int
sync_begin(struct assembler *as, struct thread *th)
{
	const struct trace_event te = event_at(as, TRACE_SYNC, 0, 0);

	see_anew(as);
	return event_wait(as, th, &te);
}

static int
truncated(struct assembler *as, struct thread *th, uint32_t file)
{
	const uint64_t size = th->th_call.ca_arg[1];

	if (file == 0 || size > INT64_MAX)
		return 0;
	file_sized(file_of(as, file));
	see_anew(as);
	return file_event(as, th, TRACE_TRUNCATE, file, 0, size);
}

static int
ftruncate_begin(struct assembler *as, struct thread *th)
{
	return truncated(as, th, need_file(as, th, 0));
}

static int
truncate_begin(struct assembler *as, struct thread *th)
{
	uint32_t file;
	const int error = path_file(as, th, 0, &file);

	return error != 0 ? error : truncated(as, th, file);
}

static int
truncate_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct trace_event *te = event_of(as, th, 0);

	(void)ret;
	if (te != NULL)
		file_of(as, te->te_file)->af_size = te->te_length;
	return 0;
}

static int
fallocate_begin(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;
	const uint64_t mode = ca->ca_arg[1];
	const uint32_t file = need_file(as, th, 0);
	int error;

	if (file == 0)
		return 0;
	/* It fails, even if that was not seen. */
	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 &&
	    (mode & FALLOC_FL_ZERO_RANGE) != 0)
		return 0;
	/* What moves the rest of the file has no event that says so. */
	if ((mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) != 0) {
		as->as_counts[RECORD_UNKNOWN_CALLS]++;
		return 0;
	}
	file_sized(file_of(as, file));
	see_anew(as);
	error = file_event(as, th, TRACE_FALLOCATE, file, ca->ca_arg[2],
	    ca->ca_arg[3]);
	if (error == 0)
		event_of(as, th, 0)->te_flags =
		    ((mode & FALLOC_FL_KEEP_SIZE) != 0 ? TRACE_F_KEEP : 0U) |
		    ((mode & FALLOC_FL_PUNCH_HOLE) != 0 ? TRACE_F_PUNCH : 0U) |
		    ((mode & FALLOC_FL_ZERO_RANGE) != 0 ? TRACE_F_ZERO : 0U);
	return error;
}

static int
fallocate_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct trace_event *te = event_of(as, th, 0);
	struct afile *af;

	(void)ret;
	if (te == NULL || (te->te_flags & TRACE_F_KEEP) != 0)
		return 0;
	af = file_of(as, te->te_file);
	if (te->te_offset + te->te_length > af->af_size)
		af->af_size = te->te_offset + te->te_length;
	return 0;
}

static int
unlink_begin(struct assembler *as, struct thread *th)
{
	uint32_t file;
	int error;

	if (th->th_call.ca_sys == RAW_SYS_UNLINKAT &&
	    (th->th_call.ca_arg[2] & AT_REMOVEDIR) != 0)
		return 0;
	error = path_file(as, th, 0, &file);
	return error != 0 ? error :
			    file_event(as, th, TRACE_UNLINK, file, 0, 0);
}

static int
unlink_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct trace_event *te = event_of(as, th, 0);

	(void)ret;
	return te != NULL ? file_unlinked(as, te->te_file) : 0;
}

/* What had the new name is unlinked, then the old one is renamed. */
static int
rename_begin(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;
	const bool swap = ca->ca_sys == RAW_SYS_RENAMEAT2 &&
	    (ca->ca_arg[4] & RENAME_SWAP) != 0;
	uint32_t file, over = th->th_path[1];
	int error = path_file(as, th, 0, &file);

	th->th_path[1] = 0;
	if (over == 0 && ca->ca_text2 != NULL)
		over = file_known(as, ca->ca_text2);
	if (error == 0 && over != 0 && over != file && !swap)
		error = file_event(as, th, TRACE_UNLINK, over, 0, 0);
	if (error == 0)
		error = file_event(as, th, TRACE_RENAME, file, 0, 0);
	return error;
}

static int
rename_end(struct assembler *as, struct thread *th, int64_t ret)
{
	int error = 0;

	(void)ret;
	for (unsigned i = 0; error == 0 && i < th->th_call.ca_n; i++) {
		const struct trace_event *te = event_of(as, th, i);

		if (te->te_op == TRACE_UNLINK)
			error = file_unlinked(as, te->te_file);
		else
			error =
			    file_renamed(as, te->te_file, th->th_call.ca_text2);
	}
	return error;
}

static int
uring_end(struct assembler *as, struct thread *th, int64_t ret)
{
	(void)th;
	(void)ret;
	as->as_counts[RECORD_IO_URINGS]++;
	return 0;
}

static int
unseen_end(struct assembler *as, struct thread *th, int64_t ret)
{
	(void)ret;
	if (th->th_proc->pr_space->sp_n > 0)
		as->as_counts[RECORD_UNSEEN_BUFFERS]++;
	return 0;
}

/*
 * What each does; without a row it is only waited for.  An end is called where
 * the call has worked; those of reads and writes have settled by themselves.
 */
static const struct {
	int (*begin)(struct assembler *as, struct thread *th);
	int (*end)(struct assembler *as, struct thread *th, int64_t ret);
	bool settles;
} does[RAW_NSYS] = {
	[RAW_SYS_READ] = { io_begin, io_end, true },
	[RAW_SYS_WRITE] = { io_begin, io_end, true },
	[RAW_SYS_PREAD64] = { io_begin, io_end, true },
	[RAW_SYS_PWRITE64] = { io_begin, io_end, true },
	[RAW_SYS_READV] = { io_begin, io_end, true },
	[RAW_SYS_WRITEV] = { io_begin, io_end, true },
	[RAW_SYS_PREADV] = { io_begin, io_end, true },
	[RAW_SYS_PWRITEV] = { io_begin, io_end, true },
	[RAW_SYS_PREADV2] = { io_begin, io_end, true },
	[RAW_SYS_PWRITEV2] = { io_begin, io_end, true },
	[RAW_SYS_LSEEK] = { lseek_begin, lseek_end, false },
	[RAW_SYS_SENDFILE] = { NULL, copy_end, false },
	[RAW_SYS_SPLICE] = { NULL, copy_end, false },
	[RAW_SYS_COPY_FILE_RANGE] = { NULL, copy_end, false },
	[RAW_SYS_SENDTO] = { NULL, send_end, false },
	[RAW_SYS_RECVFROM] = { NULL, send_end, false },
	[RAW_SYS_OPEN] = { NULL, open_end, false },
	[RAW_SYS_OPENAT] = { NULL, open_end, false },
	[RAW_SYS_OPENAT2] = { NULL, open_end, false },
	[RAW_SYS_CREAT] = { NULL, open_end, false },
	[RAW_SYS_CLOSE] = { close_begin, NULL, false },
	[RAW_SYS_CLOSE_RANGE] = { NULL, close_range_end, false },
	[RAW_SYS_DUP] = { dup_begin, dup_end, false },
	[RAW_SYS_DUP2] = { dup_begin, dup_end, false },
	[RAW_SYS_DUP3] = { dup_begin, dup_end, false },
	[RAW_SYS_FCNTL] = { dup_begin, fcntl_end, false },
	[RAW_SYS_MMAP] = { NULL, mmap_end, false },
	[RAW_SYS_MUNMAP] = { munmap_begin, NULL, false },
	[RAW_SYS_MREMAP] = { mremap_begin, mremap_end, true },
	[RAW_SYS_MPROTECT] = { mprotect_begin, mprotect_end, false },
	[RAW_SYS_PKEY_MPROTECT] = { mprotect_begin, mprotect_end, false },
	[RAW_SYS_MSYNC] = { msync_begin, NULL, false },
	[RAW_SYS_MADVISE] = { madvise_begin, madvise_end, false },
	[RAW_SYS_MLOCK] = { NULL, mlock_end, false },
	[RAW_SYS_MLOCK2] = { NULL, mlock_end, false },
	[RAW_SYS_REMAP_FILE_PAGES] = { NULL, unseen_end, false },
	[RAW_SYS_FSYNC] = { fsync_begin, NULL, false },
	[RAW_SYS_FDATASYNC] = { fsync_begin, NULL, false },
	[RAW_SYS_SYNC] = { sync_begin, NULL, false },
	[RAW_SYS_SYNCFS] = { sync_begin, NULL, false },
	[RAW_SYS_SYNC_FILE_RANGE] = { sync_range_begin, NULL, false },
	[RAW_SYS_TRUNCATE] = { truncate_begin, truncate_end, false },
	[RAW_SYS_FTRUNCATE] = { ftruncate_begin, truncate_end, false },
	[RAW_SYS_FALLOCATE] = { fallocate_begin, fallocate_end, false },
	[RAW_SYS_UNLINK] = { unlink_begin, unlink_end, false },
	[RAW_SYS_UNLINKAT] = { unlink_begin, unlink_end, false },
	[RAW_SYS_RENAME] = { rename_begin, rename_end, false },
	[RAW_SYS_RENAMEAT] = { rename_begin, rename_end, false },
	[RAW_SYS_RENAMEAT2] = { rename_begin, rename_end, false },
	[RAW_SYS_IO_URING_SETUP] = { NULL, uring_end, false },
	[RAW_SYS_PROCESS_VM_READV] = { NULL, unseen_end, false },
	[RAW_SYS_PROCESS_VM_WRITEV] = { NULL, unseen_end, false },
};

static char *
copied(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

int
call_begin(struct assembler *as, struct thread *th, const struct raw *rw)
{
	struct call *ca = &th->th_call;

	if (rw->rw_sys >= RAW_NSYS)
		return 0;
	ca->ca_active = true;
	ca->ca_sys = rw->rw_sys;
	memcpy(ca->ca_arg, rw->rw_arg, sizeof(ca->ca_arg));
	ca->ca_text = copied(rw->rw_text);
	ca->ca_text2 = copied(rw->rw_text2);
	th->th_mapped = 0;
	if ((rw->rw_text != NULL && ca->ca_text == NULL) ||
	    (rw->rw_text2 != NULL && ca->ca_text2 == NULL))
		return no_memory(as);
	if (does[ca->ca_sys].begin == NULL)
		return 0;
	return does[ca->ca_sys].begin(as, th);
}

int
call_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const uint8_t sys = th->th_call.ca_sys;
	/* A result of mmap(2) may be any address: errors are the last 4095. */
	const bool good = ret >= 0 || ret < -4095;
	int error = 0;

	if (does[sys].settles)
		return does[sys].end(as, th, ret);
	if (good && does[sys].end != NULL)
		error = does[sys].end(as, th, ret);
	if (error == 0)
		error = event_settle(as, th, good);
	if (sys == RAW_SYS_MMAP)
		th->th_asked = RAW_UNKNOWN;
	return error;
}
