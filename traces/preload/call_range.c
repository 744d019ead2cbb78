#include "traces/preload/call.h"

/* Calls on pages of maps that leave the maps as they are. */

/* What headers older than the kernel lack. */
#define ADVICE_POPULATE_READ   22
#define ADVICE_POPULATE_WRITE  23
#define ADVICE_DONTNEED_LOCKED 24

/*
 * The kernel makes pages present, which is an access that nobody sees.
 *
 * Mode kernel: drop them, so that the program's are seen.  Mode preload: they
 * are open for so long, and logged.
 */
struct populating {
	uint64_t po_start, po_end, po_id;
	bool po_write;
};

static struct populating
populate_begin(uint64_t start, size_t len, bool write)
{
	/* mlock(2) takes any address, madvise(2) whole pages. */
	struct populating po = { page_down(start), page_up(start + len),
		PIN_FOREVER, write };

	if (guards() && maps_near(po.po_start, po.po_end))
		po.po_id = call_hold(PIN_FOREVER, start, len, write);
	return po;
}

static void
populate_end(const struct populating *po, bool done)
{
	struct section sc;

	if (arms() && maps_near(po->po_start, po->po_end)) {
		section_begin(&sc);
		arm_drop(po->po_start, po->po_end);
		section_end(&sc);
	}
	if (po->po_id == PIN_FOREVER)
		return;
	if (done)
		call_used(po->po_start, po->po_end - po->po_start,
		    po->po_write);
	call_release(po->po_id);
}

static bool
populates(int advice)
{
	return advice == ADVICE_POPULATE_READ ||
	    advice == ADVICE_POPULATE_WRITE;
}

static void
inherit(uint64_t start, size_t len, bool inherited)
{
	struct section sc;

	if (!on() || !maps_near(start, start + len))
		return;
	section_begin(&sc);
	maps_inherit(start, start + ((len + PAGE - 1) & ~(size_t)(PAGE - 1)),
	    inherited);
	section_end(&sc);
}

EXPORT int
madvise(void *addr, size_t len, int advice)
{
	const uint64_t start = to_addr(addr);
	const bool said = guards() && maps_near(start, start + len);
	struct populating po;
	int ret;

	if (said &&
	    (advice == MADV_DONTNEED || advice == MADV_REMOVE ||
		advice == ADVICE_DONTNEED_LOCKED))
		call_flush();
	if (said)
		CALL(MADVISE, start, len, U(advice));
	if (!populates(advice)) {
		ret = sys_madvise(start, len, advice);
	} else {
		po =
		    populate_begin(start, len, advice == ADVICE_POPULATE_WRITE);
		ret = sys_madvise(start, len, advice);
		populate_end(&po, ret == 0);
	}
	if (ret == 0 && (advice == MADV_DONTFORK || advice == MADV_DOFORK))
		inherit(start, len, advice == MADV_DOFORK);
	if (said)
		RETURN(MADVISE, ret);
	return (int)call_errno(ret);
}

/* As POSIX has it: of MADV_DONTNEED nothing comes. */
EXPORT int
posix_madvise(void *addr, size_t len, int advice)
{
	const uint64_t start = to_addr(addr);
	const bool said = advice != POSIX_MADV_DONTNEED && guards() &&
	    maps_near(start, start + len);
	int ret;

	if (advice == POSIX_MADV_DONTNEED)
		return 0;
	if (said)
		CALL(MADVISE, start, len, U(advice));
	ret = sys_madvise(start, len, advice);
	if (said)
		RETURN(MADVISE, ret);
	return -ret;
}

#define LOCKS(name, SYS, params, call, ...)                                    \
	EXPORT int name params                                                 \
	{                                                                      \
		const uint64_t start = to_addr(addr);                          \
		const bool said = guards() && maps_near(start, start + len);   \
		struct populating po = populate_begin(start, len, false);      \
		long ret;                                                      \
                                                                               \
		if (said)                                                      \
			CALL(SYS, __VA_ARGS__);                                \
		ret = call;                                                    \
		if (said)                                                      \
			RETURN(SYS, ret);                                      \
		populate_end(&po, ret == 0);                                   \
		return (int)call_errno(ret);                                   \
	}

LOCKS(mlock, MLOCK, (const void *addr, size_t len),
    sys_2(SYS_mlock, SYS_U(start), SYS_U(len)), start, len)
LOCKS(mlock2, MLOCK2, (const void *addr, size_t len, unsigned flags),
    sys_3(SYS_mlock2, SYS_U(start), SYS_U(len), SYS_U(flags)), start, len,
    flags)

/* Closed pages are left out by the kernel. */
EXPORT int
mlockall(int flags)
{
	const struct populating po = { 0, UINT64_MAX, PIN_FOREVER, false };
	const long ret = sys_1(SYS_mlockall, flags);

	if (ret == 0 && (flags & MCL_FUTURE) != 0)
		lib.lb_locks = true;
	populate_end(&po, ret == 0);
	return (int)call_errno(ret);
}

/* Its pages are those of other places in the file: that is all that is said. */
EXPORT int
remap_file_pages(void *addr, size_t len, int prot, size_t off, int flags)
{
	const uint64_t start = to_addr(addr);
	const bool said = guards() && maps_near(start, start + len);
	long ret;

	if (said) {
		call_flush();
		CALL(REMAP_FILE_PAGES, start, len, U(prot), off, U(flags));
	}
	ret = sys_5(SYS_remap_file_pages, SYS_U(start), SYS_U(len), prot,
	    SYS_U(off), flags);
	if (said)
		RETURN(REMAP_FILE_PAGES, ret);
	return (int)call_errno(ret);
}

EXPORT int
msync(void *addr, size_t len, int flags)
{
	const uint64_t start = to_addr(addr);
	const bool said = guards() && maps_near(start, start + len);
	int ret;

	call_flush();
	if (said)
		CALL(MSYNC, start, len, U(flags));
	ret = real.msync(addr, len, flags);
	if (said)
		RETURN(MSYNC, call_result(ret));
	return ret;
}
