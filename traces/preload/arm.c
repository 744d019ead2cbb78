#include "traces/preload/preload.h"

#include <linux/perf_event.h>
#include <linux/userfaultfd.h>

/* What headers older than the kernel lack. */
#define FEATURE_WP_UNPOPULATED (1U << 13)
#define FEATURE_WP_ASYNC       (1U << 15)
#define ADVICE_DONTNEED_LOCKED 24
#define FLAG_USER_MODE_ONLY    1
#define CODE_PERF	       6 /* TRAP_PERF */
#define COOKIE		       0x55564e2d61726d00ULL

/*
 * What si_code TRAP_PERF brings behind si_addr; siginfo_t of glibc 2.36 does
 * not have it.
 */
struct perf_info {
	int pi_signo, pi_errno, pi_code, pi_pad;
	uint64_t pi_addr, pi_data;
};

/*
 * A map that is registered for asynchronous write protection gets one fault a
 * page, and the one that reads maps it for reading only: neither fault-around
 * nor a large folio maps its neighbours.
 */
static int
uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API,
		.features = FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC };
	long fd = sys_1(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	long ret;

	if (fd < 0)
		fd = sys_1(SYS_userfaultfd,
		    O_CLOEXEC | O_NONBLOCK | FLAG_USER_MODE_ONLY);
	if (fd < 0)
		return (int)fd;
	ret = sys_3(SYS_ioctl, fd, UFFDIO_API, SYS_P(&api));
	if (ret < 0) {
		(void)sys_1(SYS_close, fd);
		return (int)ret;
	}
	return (int)fd;
}

/*
 * The event that sends SIGTRAP to a thread at each of its lb_window-th faults,
 * right after the fault; never in a system call.
 */
static int
event_open(void)
{
	struct perf_event_attr pa = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(pa),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = lib.lb_window,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.inherit = 1,
		.inherit_thread = 1,
		.remove_on_exec = 1,
		.sigtrap = 1,
		.sig_data = COOKIE,
	};

	return (int)sys_5(SYS_perf_event_open, SYS_P(&pa), 0, -1, -1,
	    PERF_FLAG_FD_CLOEXEC);
}

/*
 * Without a descriptor maps are counted as unarmed, one by one.  That is said
 * once, not for every child.
 */
static void
open_both(bool first)
{
	const int fd = uffd_open();
	int event = -1;

	if (fd < 0 && first)
		complain("armed", "userfaultfd", fd);
	own_set(OWN_UFFD, fd);
	if (fd < 0 || lib.lb_window == RAW_UNKNOWN)
		return;
	event = event_open();
	if (event < 0 && first)
		complain("armed again", "perf_event_open", event);
	own_set(OWN_EVENT, event);
}

static bool
arm(uint64_t start, uint64_t end)
{
	struct uffdio_register rg = { .range = { start, end - start },
		.mode = UFFDIO_REGISTER_MODE_WP };
	const int fd = own_get(OWN_UFFD);

	return fd >= 0 &&
	    sys_3(SYS_ioctl, fd, UFFDIO_REGISTER, SYS_P(&rg)) == 0;
}

void
arm_range(uint64_t start, uint64_t end)
{
	if (!arm(start, end))
		log_note(RECORD_UNARMED_MAPS, 1);
}

void
arm_drop(uint64_t start, uint64_t end)
{
	uint64_t lo = 0, hi = 0;

	for (size_t i = maps_from(start); i < nmaps && maps[i].mp_start < end;
	     i++) {
		const struct map *mp = &maps[i];
		const uint64_t from =
		    mp->mp_start > start ? mp->mp_start : start;
		const uint64_t to = mp->mp_end < end ? mp->mp_end : end;

		if ((mp->mp_flags & MP_DROP) == 0)
			continue;
		/* Neighbours go in one call. */
		if (from != hi && hi > lo)
			(void)sys_madvise(lo, hi - lo, ADVICE_DONTNEED_LOCKED);
		if (from != hi)
			lo = from;
		hi = to;
	}
	if (hi > lo)
		(void)sys_madvise(lo, hi - lo, ADVICE_DONTNEED_LOCKED);
}

static void
trap(int sig, siginfo_t *info, void *uc)
{
	struct perf_info pi;
	uint64_t page;

	memcpy(&pi, info, sizeof(pi));
	if (pi.pi_code != CODE_PERF || pi.pi_data != COOKIE) {
		signal_chain(sig, info, uc);
		return;
	}
	/* The access is still to be made: it would only fault once more. */
	page = pi.pi_addr & ~(uint64_t)(PAGE - 1);
	section_lock();
	arm_drop(0, page);
	arm_drop(page + PAGE, UINT64_MAX);
	section_unlock();
}

void
arm_start(void)
{
	signal_start(SIGTRAP, trap);
	open_both(true);
}

/*
 * Maps of a forked child are armed by nobody; those that it has not inherited
 * must leave the table, since other memory may come to be there.
 */
void
arm_child(void)
{
	own_drop();
	open_both(false);
	if (own_get(OWN_UFFD) < 0) {
		maps_remove(0, UINT64_MAX);
		return;
	}
	for (size_t i = 0; i < nmaps;) {
		const struct map mp = maps[i];

		if (arm(mp.mp_start, mp.mp_end))
			i++;
		else
			maps_remove(mp.mp_start, mp.mp_end);
	}
	arm_drop(0, UINT64_MAX);
}
