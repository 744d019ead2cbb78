#include "traces/preload/call.h"

/* Calls that write dirty pages, or change what the file has. */

#define SYNCS(name, SYS, params, args, wanted, ...)                            \
	EXPORT int name params                                                 \
	{                                                                      \
		bool said;                                                     \
		int ret;                                                       \
                                                                               \
		said = guards() && (wanted);                                   \
		call_flush();                                                  \
		if (said)                                                      \
			CALL(SYS, __VA_ARGS__);                                \
		ret = real.name args;                                          \
		if (said)                                                      \
			RETURN(SYS, call_result(ret));                         \
		return ret;                                                    \
	}

SYNCS(fsync, FSYNC, (int fd), (fd), file_known(fd), U(fd))
SYNCS(fdatasync, FDATASYNC, (int fd), (fd), file_known(fd), U(fd))
SYNCS(syncfs, SYNCFS, (int fd), (fd), true, U(fd))
SYNCS(sync_file_range, SYNC_FILE_RANGE,
    (int fd, off_t off, off_t len, unsigned flags), (fd, off, len, flags),
    file_known(fd), U(fd), U(off), U(len), flags)
SYNCS(fallocate, FALLOCATE, (int fd, int mode, off_t off, off_t len),
    (fd, mode, off, len), file_known(fd), U(fd), U(mode), U(off), U(len))
SYNCS(ftruncate, FTRUNCATE, (int fd, off_t size), (fd, size), file_known(fd),
    U(fd), U(size))
EXPORT_AS(fallocate64, fallocate);
EXPORT_AS(ftruncate64, ftruncate);

EXPORT void
sync(void)
{
	call_flush();
	CALL(SYNC, 0);
	real.sync();
	RETURN(SYNC, 0);
}

EXPORT int
posix_fallocate(int fd, off_t off, off_t len)
{
	bool said;
	int error;

	said = guards() && file_known(fd);
	call_flush();
	if (said)
		CALL(FALLOCATE, U(fd), 0, U(off), U(len));
	error = real.posix_fallocate(fd, off, len);
	if (said)
		RETURN(FALLOCATE, -error);
	return error;
}
EXPORT_AS(posix_fallocate64, posix_fallocate);
