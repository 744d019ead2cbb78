#include "traces/preload/call.h"

#include <stdarg.h>
#include <sys/syscall.h>

/*
 * syscall(2): calls that the library has to know of go where they would have
 * gone by their names.  What programs call by instructions of their own goes
 * past it.
 */

struct args {
	long ar[6];
};

#define FD(i)  ((int)args->ar[i])
#define INT(i) ((int)args->ar[i])
#define LEN(i) ((size_t)args->ar[i])
#define OFF(i) ((off_t)args->ar[i])
#define PTR(i) to_ptr(U(args->ar[i]))

static long
as_ptr(void *p)
{
	return (long)to_addr(p);
}

/* openat2(2), which has no other name. */
static long
open_how(const struct args *args)
{
	long ret;

	STRING(path, PTR(1));
	CALL(OPENAT2, U(args->ar[0]), 0, 0, U(args->ar[3]));
	ret = sys_4(SYS_openat2, args->ar[0], args->ar[1], args->ar[2],
	    args->ar[3]);
	RETURN(OPENAT2, ret);
	return call_opened((int)call_errno(ret), POS_ZERO);
}

/* Of descriptors and names. */
static bool
file_call(long nr, const struct args *args, long *retp)
{
	switch (nr) {
	case SYS_open:
		*retp = open(PTR(0), INT(1), (mode_t)args->ar[2]);
		return true;
	case SYS_openat:
		*retp = openat(FD(0), PTR(1), INT(2), (mode_t)args->ar[3]);
		return true;
	case SYS_openat2:
		*retp = open_how(args);
		return true;
	case SYS_creat:
		*retp = creat(PTR(0), (mode_t)args->ar[1]);
		return true;
	case SYS_memfd_create:
		*retp = memfd_create(PTR(0), (unsigned)args->ar[1]);
		return true;
	case SYS_close:
		*retp = close(FD(0));
		return true;
	case SYS_close_range:
		*retp = close_range((unsigned)args->ar[0],
		    (unsigned)args->ar[1], INT(2));
		return true;
	case SYS_dup:
		*retp = dup(FD(0));
		return true;
	case SYS_dup2:
		*retp = dup2(FD(0), FD(1));
		return true;
	case SYS_dup3:
		*retp = dup3(FD(0), FD(1), INT(2));
		return true;
	case SYS_fcntl:
		*retp = fcntl(FD(0), INT(1), args->ar[2]);
		return true;
	case SYS_lseek:
		*retp = lseek(FD(0), OFF(1), INT(2));
		return true;
	case SYS_unlink:
		*retp = unlink(PTR(0));
		return true;
	case SYS_unlinkat:
		*retp = unlinkat(FD(0), PTR(1), INT(2));
		return true;
	case SYS_rename:
		*retp = rename(PTR(0), PTR(1));
		return true;
	case SYS_renameat2:
		*retp = renameat2(FD(0), PTR(1), FD(2), PTR(3),
		    (unsigned)args->ar[4]);
		return true;
	default:
		return false;
	}
}

/* Of bytes in files. */
static bool
data_call(long nr, const struct args *args, long *retp)
{
	switch (nr) {
	case SYS_read:
		*retp = read(FD(0), PTR(1), LEN(2));
		return true;
	case SYS_write:
		*retp = write(FD(0), PTR(1), LEN(2));
		return true;
	case SYS_pread64:
		*retp = pread(FD(0), PTR(1), LEN(2), OFF(3));
		return true;
	case SYS_pwrite64:
		*retp = pwrite(FD(0), PTR(1), LEN(2), OFF(3));
		return true;
	case SYS_readv:
		*retp = readv(FD(0), PTR(1), INT(2));
		return true;
	case SYS_writev:
		*retp = writev(FD(0), PTR(1), INT(2));
		return true;
	case SYS_copy_file_range:
		*retp = copy_file_range(FD(0), PTR(1), FD(2), PTR(3), LEN(4),
		    (unsigned)args->ar[5]);
		return true;
	case SYS_getrandom:
		*retp = getrandom(PTR(0), LEN(1), (unsigned)args->ar[2]);
		return true;
	case SYS_truncate:
		*retp = truncate(PTR(0), OFF(1));
		return true;
	case SYS_ftruncate:
		*retp = ftruncate(FD(0), OFF(1));
		return true;
	case SYS_fallocate:
		*retp = fallocate(FD(0), INT(1), OFF(2), OFF(3));
		return true;
	case SYS_fsync:
		*retp = fsync(FD(0));
		return true;
	case SYS_fdatasync:
		*retp = fdatasync(FD(0));
		return true;
	case SYS_syncfs:
		*retp = syncfs(FD(0));
		return true;
	case SYS_sync:
		sync();
		*retp = 0;
		return true;
	case SYS_sync_file_range:
		*retp = sync_file_range(FD(0), OFF(1), OFF(2),
		    (unsigned)args->ar[3]);
		return true;
	default:
		return false;
	}
}

/* Of maps. */
static bool
map_call(long nr, const struct args *args, long *retp)
{
	switch (nr) {
	case SYS_mmap:
		*retp =
		    as_ptr(mmap(PTR(0), LEN(1), INT(2), INT(3), FD(4), OFF(5)));
		return true;
	case SYS_munmap:
		*retp = munmap(PTR(0), LEN(1));
		return true;
	case SYS_mremap:
		*retp = as_ptr(mremap(PTR(0), LEN(1), LEN(2), INT(3), PTR(4)));
		return true;
	case SYS_mprotect:
		*retp = mprotect(PTR(0), LEN(1), INT(2));
		return true;
	case SYS_pkey_mprotect:
		*retp = pkey_mprotect(PTR(0), LEN(1), INT(2), INT(3));
		return true;
	case SYS_madvise:
		*retp = madvise(PTR(0), LEN(1), INT(2));
		return true;
	case SYS_mlock:
		*retp = mlock(PTR(0), LEN(1));
		return true;
	case SYS_mlock2:
		*retp = mlock2(PTR(0), LEN(1), (unsigned)args->ar[2]);
		return true;
	case SYS_mlockall:
		*retp = mlockall(INT(0));
		return true;
	case SYS_msync:
		*retp = msync(PTR(0), LEN(1), INT(2));
		return true;
	case SYS_futex:
		call_keep(PTR(0), sizeof(uint32_t));
		return false;
	default:
		return false;
	}
}

/* Of processes. */
static bool
process_call(long nr, const struct args *args, long *retp)
{
	switch (nr) {
	case SYS_execve:
		*retp = execve(PTR(0), PTR(1), PTR(2));
		return true;
	case SYS_execveat:
		*retp = execveat(FD(0), PTR(1), PTR(2), PTR(3), INT(4));
		return true;
	case SYS_exit_group:
		_exit(INT(0));
	case SYS_io_uring_setup:
		CALL(IO_URING_SETUP, U(args->ar[0]), U(args->ar[1]));
		*retp = sys_2(nr, args->ar[0], args->ar[1]);
		RETURN(IO_URING_SETUP, *retp);
		*retp = call_errno(*retp);
		return true;
	default:
		return false;
	}
}

EXPORT long
syscall(long nr, ...)
{
	struct args args;
	va_list ap;
	long ret;

	va_start(ap, nr);
	for (size_t i = 0; i < nitems(args.ar); i++)
		args.ar[i] = va_arg(ap, long);
	va_end(ap);
	if (on() &&
	    (file_call(nr, &args, &ret) || data_call(nr, &args, &ret) ||
		map_call(nr, &args, &ret) || process_call(nr, &args, &ret)))
		return ret;
	return call_errno(sys_call(nr, args.ar[0], args.ar[1], args.ar[2],
	    args.ar[3], args.ar[4], args.ar[5]));
}
