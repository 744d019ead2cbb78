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

/*
 * Mode preload: memory of the program's that the kernel is to read or write,
 * where maps are near.  It is held open, used, which is logged, and released;
 * a call that is cancelled releases it, too.
 *
 * call_hold():	the id to release it by: a new one, if it was 0
 * call_used():	the kernel has accessed len bytes
 * call_seen():	they have been accessed: enum raw_flag
 */
uint64_t call_hold(uint64_t id, uint64_t addr, uint64_t len, bool write);
void call_used(uint64_t addr, uint64_t len, bool write);
void call_seen(uint64_t addr, uint64_t len, unsigned flags);
void call_release(uint64_t id);
void call_clean(const uint64_t *id);

/* Is there a map that memory of the program's may be in? */
static inline bool
call_near(const volatile void *p, size_t len)
{
	return guards() && len > 0 && maps_near(to_addr(p), to_addr(p) + len);
}

/* A string that the kernel is about to read is held while the block lasts. */
uint64_t call_hold_string(const char *text);
#define STRING(name, text)                                                     \
	__attribute__((cleanup(call_clean), unused))                           \
	const uint64_t name##_held = call_hold_string(text)

/* A lock, or other memory that is used behind our back: where it lies in a map,
 * its pages stay open for good. */
void call_keep(const volatile void *p, size_t size);

/* The function has made a descriptor, or has none. */
int call_opened(int fd, enum file_pos pos);

#endif
