#include "traces/preload/call.h"

#include <stdarg.h>
#include <sys/vfs.h>

#define HUGETLBFS 0x958458f6 /* HUGETLBFS_MAGIC */

/* An mmap(2) that is about to be made. */
struct mapping {
	uint64_t mg_addr, mg_len;
	int mg_prot, mg_flags, mg_fd;
	off_t mg_off;
	bool mg_file; /* of a regular file */
	bool mg_copy; /* made private of shared */
};

static bool
shared(int flags)
{
	return (flags & MAP_TYPE) == MAP_SHARED ||
	    (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
}

/* Pages of hugetlbfs are not ours to open and close. */
static bool
small_pages(int fd)
{
	struct statfs sf = { .f_type = 0 };

	return sys_2(SYS_fstatfs, fd, SYS_P(&sf)) != 0 ||
	    sf.f_type != (__typeof__(sf.f_type))HUGETLBFS;
}

/*
 * What a map that is to be armed must be: not filled ahead; and private where
 * it is shared but not for writing, which cannot be armed.
 */
static void
arm_flags(struct mapping *mg)
{
	const int asked = mg->mg_flags;
	struct section sc;

	mg->mg_flags &= ~MAP_POPULATE;
	if (shared(asked) && (mg->mg_prot & PROT_WRITE) == 0 &&
	    (asked & MAP_SYNC) == 0 &&
	    (sys_2(SYS_fcntl, mg->mg_fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		mg->mg_flags = (mg->mg_flags & ~MAP_TYPE) | MAP_PRIVATE;
		mg->mg_copy = true;
	}
	if (mg->mg_flags != asked) {
		struct raw rw = { .rw_kind = RAW_SHARED,
			.rw_nargs = 1,
			.rw_arg = { U(asked) } };

		section_begin(&sc);
		log_raw(&rw);
		section_end(&sc);
	}
}

/* The map is there: arm it. */
static void
map_arm(const struct mapping *mg, uint64_t addr)
{
	const bool writable = (mg->mg_prot & PROT_WRITE) != 0;
	const bool drop = shared(mg->mg_flags) || !writable;
	const struct map mp = {
		.mp_start = addr,
		.mp_end = addr + page_up(mg->mg_len),
		.mp_prot = (uint8_t)mg->mg_prot,
		.mp_flags = (uint8_t)((drop ? MP_DROP : 0) |
		    (mg->mg_copy ? MP_COPY : 0) |
		    (shared(mg->mg_flags) ? 0 : MP_PRIVATE)),
	};

	if (!drop)
		log_note(RECORD_PRIVATE_MAPS, 1);
	if (!small_pages(mg->mg_fd) || !maps_insert(&mp)) {
		log_note(RECORD_UNARMED_MAPS, 1);
		return;
	}
	arm_range(mp.mp_start, mp.mp_end);
	if (lib.lb_locks || (mg->mg_flags & MAP_LOCKED) != 0)
		arm_drop(mp.mp_start, mp.mp_end);
}

/* The map is there: close it. */
static void
map_guard(const struct mapping *mg, uint64_t addr)
{
	const struct map mp = {
		.mp_start = addr,
		.mp_end = addr + page_up(mg->mg_len),
		.mp_prot = (uint8_t)mg->mg_prot,
		.mp_flags = (uint8_t)(shared(mg->mg_flags) ? 0 : MP_PRIVATE),
	};

	if (small_pages(mg->mg_fd) &&
	    sys_mprotect(mp.mp_start, mp.mp_end - mp.mp_start, PROT_NONE) ==
		0 &&
	    maps_insert(&mp))
		return;
	(void)sys_mprotect(mp.mp_start, mp.mp_end - mp.mp_start, mg->mg_prot);
	log_note(RECORD_UNARMED_MAPS, 1);
}

static void
map_begin(const struct mapping *mg, bool over)
{
	call_log(RAW_SYS_MMAP, 6,
	    (const uint64_t[]){ mg->mg_addr, mg->mg_len, U(mg->mg_prot),
		U(mg->mg_flags), U(mg->mg_fd), U(mg->mg_off) },
	    NULL);
	if (over && lib.lb_guards)
		window_flush();
}

/* What was there, by our account, is gone. */
static void
gone(uint64_t start, uint64_t end)
{
	maps_remove(start, end);
	pin_remove(start, end);
}

/*
 * There is memory that is none of ours.  If the table knows better, the program
 * has unmapped a map behind our back; nothing worse must come of it.
 */
static void
map_forget(uint64_t start, uint64_t end)
{
	struct section sc;

	if (!on() || !maps_near(start, end))
		return;
	section_begin(&sc);
	gone(start, end);
	section_end(&sc);
}

static void
map_end(const struct mapping *mg, long ret)
{
	if (!sys_failed(ret))
		gone(U(ret), U(ret) + page_up(mg->mg_len));
	if (!sys_failed(ret) && mg->mg_file && lib.lb_arms)
		map_arm(mg, U(ret));
	if (!sys_failed(ret) && mg->mg_file && lib.lb_guards)
		map_guard(mg, U(ret));
	call_log_end(RAW_SYS_MMAP, ret);
}

static long
map_call(const struct mapping *mg)
{
	return sys_mmap(mg->mg_addr, mg->mg_len, mg->mg_prot, mg->mg_flags,
	    mg->mg_fd, mg->mg_off);
}

static long
map_make(struct mapping *mg)
{
	const bool over = (mg->mg_flags & MAP_FIXED) != 0 &&
	    maps_near(mg->mg_addr, mg->mg_addr + page_up(mg->mg_len));
	struct section sc;
	long ret;

	if (!over && !mg->mg_file) {
		ret = map_call(mg);
		if (!sys_failed(ret))
			map_forget(U(ret), U(ret) + page_up(mg->mg_len));
		return ret;
	}
	section_begin(&sc);
	map_begin(mg, over);
	/* Nobody may take what is replaced for what it was; but for what is
	 * new, which may take long, nobody waits. */
	if (!over)
		section_end(&sc);
	ret = map_call(mg);
	if (!over)
		section_begin(&sc);
	map_end(mg, ret);
	section_end(&sc);
	return ret;
}

EXPORT void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	struct mapping mg = { to_addr(addr), len, prot, flags, fd, off, false,
		false };

	if (on()) {
		mg.mg_file =
		    (flags & MAP_ANONYMOUS) == 0 && file_say(fd, POS_UNKNOWN);
		if (mg.mg_file && lib.lb_arms)
			arm_flags(&mg);
	}
	return to_ptr(U(call_errno(map_make(&mg))));
}
EXPORT_AS(mmap64, mmap);

/*
 * Calls on a range that has maps of the table are made under the lock; and where
 * pages are closed they are logged, and let all be seen anew.
 */
static bool
change_begin(struct section *sc, uint64_t start, uint64_t end)
{
	if (!on() || !maps_near(start, end))
		return false;
	section_begin(sc);
	if (maps_any(start, end))
		return true;
	section_end(sc);
	return false;
}

#define CHANGES(SYS, ...)                                                      \
	do {                                                                   \
		call_log(RAW_SYS_##SYS,                                        \
		    sizeof((const uint64_t[]){ __VA_ARGS__ }) /                \
			sizeof(uint64_t),                                      \
		    (const uint64_t[]){ __VA_ARGS__ }, NULL);                  \
		if (lib.lb_guards)                                             \
			window_flush();                                        \
	} while (0)

EXPORT int
munmap(void *addr, size_t len)
{
	const uint64_t start = to_addr(addr), end = start + page_up(len);
	struct section sc;
	int ret;

	if (!change_begin(&sc, start, end))
		return (int)call_errno(sys_munmap(start, len));
	CHANGES(MUNMAP, start, len);
	ret = sys_munmap(start, len);
	if (ret == 0)
		gone(start, end);
	call_log_end(RAW_SYS_MUNMAP, ret);
	section_end(&sc);
	return (int)call_errno(ret);
}

/* Where in the range is what the program may not write to?  Or its end. */
static uint64_t
unwritable(uint64_t start, uint64_t end)
{
	for (size_t i = maps_from(start); i < nmaps && maps[i].mp_start < end;
	     i++)
		if ((maps[i].mp_flags & MP_COPY) != 0)
			return maps[i].mp_start > start ? maps[i].mp_start :
							  start;
	return end;
}

/* Pages of the range may be the program's own from now on. */
static void
keep(uint64_t start, uint64_t end)
{
	maps_split(start);
	maps_split(end);
	for (size_t i = maps_from(start); i < nmaps && maps[i].mp_start < end;
	     i++)
		if ((maps[i].mp_flags & (MP_PRIVATE | MP_DROP)) ==
		    (MP_PRIVATE | MP_DROP)) {
			maps[i].mp_flags &= (uint8_t)~MP_DROP;
			log_note(RECORD_PRIVATE_MAPS, 1);
		}
}

/* mprotect(2), or pkey_mprotect(2) where there is a key. */
static int
protect(uint64_t start, uint64_t len, int prot, int key)
{
	if (key == -1)
		return sys_mprotect(start, len, prot);
	return (
	    int)sys_4(SYS_pkey_mprotect, SYS_U(start), SYS_U(len), prot, key);
}

/* Writing is allowed up to what the program could not have made writable. */
static int
protect_armed(uint64_t start, uint64_t len, int prot, int key)
{
	const uint64_t end = start + page_up(len);
	uint64_t to = end;
	int ret = 0;

	if ((prot & PROT_WRITE) != 0) {
		to = unwritable(start, end);
		keep(start, to);
	}
	if (to == end)
		return protect(start, len, prot, key);
	if (to > start)
		ret = protect(start, to - start, prot, key);
	return ret != 0 ? ret : -EACCES;
}

/* What is closed stays so, whatever it will be opened for. */
static int
protect_guarded(uint64_t start, uint64_t len, int prot, int key)
{
	const uint64_t end = start + page_up(len);
	const int ret = protect(start, len, prot, key);

	if (ret == 0) {
		maps_split(start);
		maps_split(end);
	}
	for (size_t i = maps_from(start);
	     ret == 0 && i < nmaps && maps[i].mp_start < end; i++)
		maps[i].mp_prot = (uint8_t)prot;
	window_apply(start, end);
	return ret;
}

static int
range_protect(void *addr, size_t len, int prot, int key)
{
	const uint64_t start = to_addr(addr), end = start + page_up(len);
	struct section sc;
	int ret;

	if (!change_begin(&sc, start, end))
		return (int)call_errno(protect(start, len, prot, key));
	CHANGES(MPROTECT, start, len, U(prot));
	if (lib.lb_arms)
		ret = protect_armed(start, len, prot, key);
	else
		ret = protect_guarded(start, len, prot, key);
	call_log_end(RAW_SYS_MPROTECT, ret);
	section_end(&sc);
	return (int)call_errno(ret);
}

EXPORT int
mprotect(void *addr, size_t len, int prot)
{
	return range_protect(addr, len, prot, -1);
}

EXPORT int
pkey_mprotect(void *addr, size_t len, int prot, int key)
{
	return range_protect(addr, len, prot, key);
}

/* The kernel moves a map only if it is one: let no page of it be open. */
static void
remap_begin(uint64_t start, uint64_t old)
{
	for (size_t i = maps_from(start);
	     i < nmaps && maps[i].mp_start < start + old; i++) {
		const struct map *mp = &maps[i];
		const uint64_t from =
		    mp->mp_start > start ? mp->mp_start : start;
		const uint64_t to =
		    mp->mp_end < start + old ? mp->mp_end : start + old;

		(void)sys_mprotect(from, to - from, PROT_NONE);
	}
}

static void
remap_end(uint64_t start, uint64_t old, uint64_t to, uint64_t new, int flags)
{
	const bool keep = (flags & MREMAP_DONTUNMAP) != 0;

	pin_remove(start + new, start + old);
	if (to != start)
		pin_remove(to, to + new);
	maps_move(start, old, to, new, keep);
	if (lib.lb_arms && maps_any(to, to + new)) {
		arm_range(to, to + new);
		arm_drop(to, to + new);
	}
	if (lib.lb_guards) {
		pin_move(start, start + old, to - start);
		window_apply(to, to + new);
	}
}

static long
remap(uint64_t start, uint64_t old, uint64_t new, int flags, uint64_t to)
{
	const uint64_t len = page_up(old);
	long ret;

	CHANGES(MREMAP, start, old, new, U(flags), to);
	if (lib.lb_guards)
		remap_begin(start, len);
	ret = sys_5(SYS_mremap, SYS_U(start), SYS_U(old), SYS_U(new), flags,
	    SYS_U(to));
	if (!sys_failed(ret))
		remap_end(start, len, U(ret), page_up(new), flags);
	else if (lib.lb_guards)
		window_apply(start, start + len);
	call_log_end(RAW_SYS_MREMAP, ret);
	return ret;
}

EXPORT void *
mremap(void *addr, size_t old, size_t new, int flags, ...)
{
	const uint64_t start = to_addr(addr);
	uint64_t to = 0;
	struct section sc;
	va_list ap;
	long ret;

	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
		va_start(ap, flags);
		to = to_addr(va_arg(ap, void *));
		va_end(ap);
	}
	/* Of its map, or onto one. */
	if (!change_begin(&sc, start, start + page_up(old) + 1) &&
	    !change_begin(&sc, to, to + page_up(new))) {
		ret = sys_5(SYS_mremap, SYS_U(start), SYS_U(old), SYS_U(new),
		    flags, SYS_U(to));
		if (!sys_failed(ret))
			map_forget(U(ret), U(ret) + page_up(new));
		return to_ptr(U(call_errno(ret)));
	}
	ret = remap(start, old, new, flags, to);
	section_end(&sc);
	return to_ptr(U(call_errno(ret)));
}
