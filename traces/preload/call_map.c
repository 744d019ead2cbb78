/*
 * call_map.c: calls that change maps.
 *
 * In mode kernel the kernel tells of them; here the table is kept, and new maps
 * are armed.  In mode preload they are told here, and before the pages of a map
 * are changed all are closed, so that each map is one piece to the kernel.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "traces/preload/preload.h"

#define POPULATE_READ  22 /* MADV_POPULATE_READ */
#define POPULATE_WRITE 23

NEXT(msync);

static size_t
whole(size_t len)
{
	return (len + preload.pl_page - 1) & ~(preload.pl_page - 1);
}

static bool
failed(long ret)
{
	return ret < 0 && ret >= -4095;
}

/* In mode preload: is the call to be told of? */
static bool
told(const void *addr, size_t len)
{
	return in_mode(RING_PRELOAD) && maps_near((uintptr_t)addr, len);
}

static void
call_told(enum raw_sysno sys, const uint64_t arg[6])
{
	struct mask ma;

	mask_block(&ma);
	preload_lock();
	window_close_all();
	log_call(sys, arg, NULL, NULL);
	preload_unlock();
	mask_restore(&ma);
}

static void
return_told(enum raw_sysno sys, long ret)
{
	struct mask ma;

	mask_block(&ma);
	log_return(sys, ret);
	mask_restore(&ma);
}

/*
 * Flags as the kernel is to have them: no page is brought in unseen, and a map
 * of a descriptor that cannot be written is private, since only such maps can
 * be armed; it shows the same bytes.
 */
static int
real_flags(int prot, int flags, int access, bool *swappedp)
{
	const int type = flags & MAP_TYPE;

	*swappedp = preload.pl_mode == RING_KERNEL && type == MAP_SHARED &&
	    access == O_RDONLY && (prot & PROT_WRITE) == 0;
	if (*swappedp)
		flags = (flags & ~MAP_TYPE) | MAP_PRIVATE;
	if (preload.pl_mode != RING_VALGRIND)
		flags &= ~MAP_POPULATE;
	return flags;
}

/* The new map is there: watch it. => the lock */
static void
watch(uintptr_t addr, size_t len, int prot, int asked, bool swapped)
{
	struct watched wm = { .wm_start = addr,
		.wm_end = addr + whole(len),
		.wm_prot = prot,
		.wm_private = (asked & MAP_TYPE) == MAP_PRIVATE,
		.wm_swapped = swapped,
		.wm_lo = UINTPTR_MAX };

	wm.wm_written = wm.wm_private && (prot & PROT_WRITE) != 0;
	if (preload.pl_mode == RING_KERNEL) {
		arm_map(&wm);
		if (wm.wm_written)
			log_note(RECORD_PRIVATE_MAPS, 1);
		(void)maps_insert(&wm);
		return;
	}
	if (maps_insert(&wm))
		(void)SYS3(SYS_mprotect, wm.wm_start, wm.wm_end - wm.wm_start,
		    PROT_NONE);
}

/* Say what is about to be mapped. */
static void
say_mmap(const uint64_t arg[6], int flags, bool told_by_us)
{
	const uint64_t asked[3] = { arg[3], 0, 0 };
	struct mask ma;

	mask_block(&ma);
	if (told_by_us) {
		log_call(RAW_SYS_MMAP, arg, NULL, NULL);
	} else if ((int)arg[3] != flags) {
		log_args(RAW_SHARED, 1, asked);
	}
	mask_restore(&ma);
}

/* Code is no data: the program's own libraries are left alone. */
static bool
to_watch(int prot, int flags, int fd, int *accessp)
{
	return recording() && fd >= 0 && (flags & MAP_ANONYMOUS) == 0 &&
	    (prot & PROT_EXEC) == 0 && is_regular(fd, accessp);
}

static void *
map(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, len,
		(uint64_t)prot, (uint64_t)flags, (uint64_t)fd,
		(uint64_t)offset };
	const bool fixed = (flags & MAP_FIXED) != 0;
	const bool tell = in_mode(RING_PRELOAD);
	int access = O_RDWR, real = flags;
	bool swapped = false, watched;
	struct mask ma;
	long ret;

	preload_start();
	watched = to_watch(prot, flags, fd, &access);
	if (!recording() ||
	    (!watched && !(fixed && maps_near((uintptr_t)addr, len))))
		return (void *)result(
		    SYS6(SYS_mmap, addr, len, prot, flags, fd, offset));
	if (watched) {
		(void)say_fd(fd);
		real = real_flags(prot, flags, access, &swapped);
	}
	say_mmap(arg, real, tell);
	mask_block(&ma);
	preload_lock();
	if (tell && fixed)
		window_close_all();
	ret = SYS6(SYS_mmap, addr, len, prot, real, fd, offset);
	if (!failed(ret)) {
		if (fixed)
			maps_cut((uintptr_t)ret, (uintptr_t)ret + whole(len));
		if (watched && preload.pl_mode != RING_VALGRIND)
			watch((uintptr_t)ret, len, prot, flags, swapped);
	}
	if (tell)
		log_return(RAW_SYS_MMAP, ret);
	preload_unlock();
	mask_restore(&ma);
	return (void *)result(ret);
}

EXPORT void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return map(addr, len, prot, flags, fd, offset);
}

EXPORT void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return map(addr, len, prot, flags, fd, offset);
}

EXPORT int
munmap(void *addr, size_t len)
{
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, len };
	struct mask ma;
	long ret;

	if (!recording() || !maps_near((uintptr_t)addr, len))
		return (int)result(SYS2(SYS_munmap, addr, len));
	if (told(addr, len))
		call_told(RAW_SYS_MUNMAP, arg);
	mask_block(&ma);
	preload_lock();
	ret = SYS2(SYS_munmap, addr, len);
	if (ret == 0)
		maps_cut((uintptr_t)addr, (uintptr_t)addr + whole(len));
	if (preload.pl_mode == RING_PRELOAD)
		log_return(RAW_SYS_MUNMAP, ret);
	preload_unlock();
	mask_restore(&ma);
	return (int)result(ret);
}

/* A map that was at addr is at to now, and longer or shorter. => the lock */
static void
moved(uintptr_t addr, size_t old, uintptr_t to, size_t new, int flags)
{
	struct watched *at = maps_find(addr);
	struct watched wm;

	if (at == NULL) {
		maps_cut(to, to + whole(new));
		return;
	}
	wm = *at;
	/* MREMAP_DONTUNMAP, or a length of 0: the old one stays. */
	if (old != 0 && (flags & 4) == 0)
		maps_cut(addr, addr + whole(old));
	maps_cut(to, to + whole(new));
	wm.wm_start = to;
	wm.wm_end = to + whole(new);
	wm.wm_lo = UINTPTR_MAX;
	wm.wm_hi = 0;
	if (preload.pl_mode == RING_KERNEL)
		arm_map(&wm);
	if (maps_insert(&wm) && preload.pl_mode == RING_PRELOAD)
		(void)SYS3(SYS_mprotect, wm.wm_start, wm.wm_end - wm.wm_start,
		    PROT_NONE);
}

EXPORT void *
mremap(void *addr, size_t old, size_t new, int flags, ...)
{
	struct mask ma;
	void *to = NULL;
	va_list ap;
	long ret;

	va_start(ap, flags);
	if ((flags & MREMAP_FIXED) != 0)
		to = va_arg(ap, void *);
	va_end(ap);
	if (!recording() ||
	    (!maps_near((uintptr_t)addr, old != 0 ? old : 1) &&
		!(to != NULL && maps_near((uintptr_t)to, new))))
		return (void *)result(sys6(SYS_mremap, (long)addr, (long)old,
		    (long)new, flags, (long)to, 0));
	if (in_mode(RING_PRELOAD)) {
		const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, old, new,
			(uint64_t)flags, (uint64_t)(uintptr_t)to };

		call_told(RAW_SYS_MREMAP, arg);
	}
	mask_block(&ma);
	preload_lock();
	if (preload.pl_mode == RING_PRELOAD)
		window_close_all();
	ret = sys6(SYS_mremap, (long)addr, (long)old, (long)new, flags,
	    (long)to, 0);
	if (!failed(ret))
		moved((uintptr_t)addr, old, (uintptr_t)ret, new, flags);
	if (preload.pl_mode == RING_PRELOAD)
		log_return(RAW_SYS_MREMAP, ret);
	preload_unlock();
	mask_restore(&ma);
	return (void *)result(ret);
}

/* Would it have failed on a map that is private for our sake only? */
static bool
denied(uintptr_t addr, size_t len, int prot)
{
	if ((prot & PROT_WRITE) == 0)
		return false;
	for (size_t i = maps_from(addr);
	     i < preload.pl_nmaps && preload.pl_maps[i].wm_start < addr + len;
	     i++)
		if (preload.pl_maps[i].wm_swapped)
			return true;
	return false;
}

/* => the lock; the kernel has the new protection */
static void protected(uintptr_t addr, size_t len, int prot)
{
	if (!maps_split(addr) || !maps_split(addr + len))
		return;
	for (size_t i = maps_from(addr);
	     i < preload.pl_nmaps && preload.pl_maps[i].wm_start < addr + len;
	     i++) {
		struct watched *wm = &preload.pl_maps[i];

		wm->wm_prot = prot;
		wm->wm_written |= wm->wm_private && (prot & PROT_WRITE) != 0;
		if (preload.pl_mode == RING_PRELOAD)
			(void)SYS3(SYS_mprotect, wm->wm_start,
			    wm->wm_end - wm->wm_start, PROT_NONE);
	}
}

static int
protect(enum raw_sysno sys, long nr, void *addr, size_t len, int prot, int key)
{
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, len,
		(uint64_t)prot, (uint64_t)key };
	struct mask ma;
	long ret;

	if (!recording() || !maps_near((uintptr_t)addr, len))
		return (int)result(SYS4(nr, addr, len, prot, key));
	if (told(addr, len))
		call_told(sys, arg);
	mask_block(&ma);
	preload_lock();
	if (preload.pl_mode == RING_PRELOAD)
		window_close_all();
	ret = denied((uintptr_t)addr, whole(len), prot) ?
	    -EACCES :
	    SYS4(nr, addr, len, prot, key);
	if (ret == 0)
	protected((uintptr_t)addr, whole(len), prot);
	if (preload.pl_mode == RING_PRELOAD)
		log_return(sys, ret);
	preload_unlock();
	mask_restore(&ma);
	return (int)result(ret);
}

EXPORT int
mprotect(void *addr, size_t len, int prot)
{
	return protect(RAW_SYS_MPROTECT, SYS_mprotect, addr, len, prot, 0);
}

EXPORT int
pkey_mprotect(void *addr, size_t len, int prot, int key)
{
	return protect(RAW_SYS_PKEY_MPROTECT, SYS_pkey_mprotect, addr, len,
	    prot, key);
}

void
see_anew(void)
{
	struct mask ma;

	if (preload.pl_nmaps == 0)
		return;
	mask_block(&ma);
	preload_lock();
	if (preload.pl_mode == RING_KERNEL && preload.pl_window != RAW_UNKNOWN)
		arm_flush();
	else if (preload.pl_mode == RING_PRELOAD)
		window_close_all();
	preload_unlock();
	mask_restore(&ma);
}

EXPORT int
msync(void *addr, size_t len, int flags)
{
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, len,
		(uint64_t)flags };
	const bool tell = told(addr, len);
	int ret;

	preload_start();
	if (recording())
		see_anew();
	if (tell)
		call_told(RAW_SYS_MSYNC, arg);
	ret = CALL_NEXT(msync)(addr, len, flags);
	if (tell)
		return_told(RAW_SYS_MSYNC, ret == 0 ? 0 : -errno);
	return ret;
}

/*
 * What brings pages in without a fault.  In mode kernel they are dropped again
 * afterwards, so that their accesses are seen; in mode preload they have to be
 * open meanwhile.
 */
static long
populating(long nr, void *addr, size_t len, long c, bool write)
{
	struct mask ma;
	struct pin pi;
	long ret;

	if (!recording() || !maps_near((uintptr_t)addr, len))
		return SYS3(nr, addr, len, c);
	if (preload.pl_mode == RING_PRELOAD) {
		window_pin(&pi, (uintptr_t)addr, len, write);
		ret = SYS3(nr, addr, len, c);
		window_unpin(&pi, ret == 0 ? len : 0, write);
		return ret;
	}
	ret = SYS3(nr, addr, len, c);
	mask_block(&ma);
	preload_lock();
	if (preload.pl_mode == RING_KERNEL)
		arm_flush();
	preload_unlock();
	mask_restore(&ma);
	return ret;
}

EXPORT int
madvise(void *addr, size_t len, int advice)
{
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)addr, len,
		(uint64_t)advice };
	const bool tell = told(addr, len);
	long ret;

	if (advice == POPULATE_READ || advice == POPULATE_WRITE)
		return (int)result(populating(SYS_madvise, addr, len, advice,
		    advice == POPULATE_WRITE));
	if (tell)
		call_told(RAW_SYS_MADVISE, arg);
	ret = SYS3(SYS_madvise, addr, len, advice);
	if (tell)
		return_told(RAW_SYS_MADVISE, ret);
	return (int)result(ret);
}

EXPORT int
posix_madvise(void *addr, size_t len, int advice)
{
	int error;

	/* As libc has it: what it would throw away is left. */
	if (advice == POSIX_MADV_DONTNEED)
		return 0;
	error = errno;
	if (madvise(addr, len, advice) == 0)
		return 0;
	advice = errno;
	errno = error;
	return advice;
}

EXPORT int
mlock(const void *addr, size_t len)
{
	return (int)result(
	    populating(SYS_mlock, (void *)(uintptr_t)addr, len, 0, false));
}

EXPORT int
mlock2(const void *addr, size_t len, unsigned flags)
{
	return (int)result(populating(SYS_mlock2, (void *)(uintptr_t)addr, len,
	    (long)flags, false));
}
