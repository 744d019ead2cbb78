/*
 * call: what functions that take the place of the C library's share.
 *
 * Such a function looks whether the process is recorded, and in which mode,
 * calls real.NAME(), and says before and after what is to be said.  errno is
 * what real.NAME() made it: nothing here sets it.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_CALL_H
#define TRACES_PRELOAD_CALL_H

#include <errno.h>

#include "traces/preload/preload.h"

/* An argument of a record. */
#define U(v) ((uint64_t)(v))

/*
 * Log, in mode preload, that a call begins, with its arguments; and that it
 * ends with ret, or -errno.
 */
#define CALL(SYS, ...)                                                         \
	call_begin(RAW_SYS_##SYS,                                              \
	    sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),      \
	    (const uint64_t[]){ __VA_ARGS__ }, NULL)
#define RETURN(SYS, ret) call_end(RAW_SYS_##SYS, ret)

void call_begin(enum raw_sysno sys, size_t n, const uint64_t *arg,
    const char *text2);
void call_end(enum raw_sysno sys, int64_t ret);

/* The same under the lock. */
void call_log(enum raw_sysno sys, size_t n, const uint64_t *arg,
    const char *text2);
void call_log_end(enum raw_sysno sys, int64_t ret);

/* A result of the C library as the kernel has it, and the other way. */
static inline int64_t
call_result(long ret)
{
	return ret == -1 ? -errno : ret;
}

static inline long
call_errno(long ret)
{
	if (!sys_failed(ret))
		return ret;
	errno = (int)-ret;
	return -1;
}

/* All pages are to be seen again: data are about to be written, or gone. */
void call_flush(void);

/* A string of the program's is about to be read by the kernel. */
void call_string(const char *text);

/* The function has made a descriptor, or has none. */
int call_opened(int fd, enum file_pos pos);

#endif
