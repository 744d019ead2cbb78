#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "traces/preload/preload.h"

/* Newer than Debian 12's headers. */
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif

/* Not MADV_DONTNEED: that would be the program's own. */
#define DONTNEED_LOCKED 24

#define COOKIE 0x55766e20726563ULL

static int
uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API,
		.features = (uint64_t)UFFD_FEATURE_WP_ASYNC |
		    UFFD_FEATURE_WP_UNPOPULATED };
	long fd = SYS1(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		fd = SYS1(SYS_userfaultfd,
		    O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (fd < 0)
		return -1;
	if (SYS3(SYS_ioctl, fd, UFFDIO_API, &api) != 0) {
		(void)SYS1(SYS_close, fd);
		return -1;
	}
	return hide_fd((int)fd);
}

/* A trap in the thread whose fault was the last of a window. */
static int
trap_open(void)
{
	struct perf_event_attr pa = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(pa),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = preload.pl_window,
		.exclude_kernel = 1,
		.inherit = 1,
		.inherit_thread = 1,
		.sigtrap = 1,
		.remove_on_exec = 1,
		.sig_data = COOKIE,
	};
	const long fd = sys6(SYS_perf_event_open, (long)&pa, 0, -1, -1,
	    PERF_FLAG_FD_CLOEXEC, 0);

	return fd < 0 ? -1 : hide_fd((int)fd);
}

bool
arm_is_ours(const siginfo_t *si)
{
	uint64_t data;

	if (si->si_code != TRAP_PERF)
		return false;
	/* si_perf_data, behind si_addr; glibc 2.36 has no name for it. */
	memcpy(&data, (const char *)&si->si_addr + sizeof(void *),
	    sizeof(data));
	return data == COOKIE;
}

static bool
open_both(void)
{
	preload.pl_fds[0] = uffd_open();
	if (preload.pl_fds[0] == -1)
		return false;
	if (preload.pl_window == RAW_UNKNOWN)
		return true;
	preload.pl_fds[1] = trap_open();
	if (preload.pl_fds[1] != -1)
		return true;
	(void)SYS1(SYS_close, preload.pl_fds[0]);
	preload.pl_fds[0] = -1;
	return false;
}

bool
arm_start(void)
{
	if (!open_both())
		return false;
	signals_start();
	return true;
}

void
arm_map(struct watched *wm)
{
	struct uffdio_register reg = {
		.range = { .start = wm->wm_start,
		    .len = wm->wm_end - wm->wm_start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	if (preload.pl_fds[0] == -1)
		return;
	wm->wm_armed =
	    SYS3(SYS_ioctl, preload.pl_fds[0], UFFDIO_REGISTER, &reg) == 0;
	if (!wm->wm_armed)
		log_note(RECORD_UNARMED_MAPS, 1);
}

void
arm_drop(uintptr_t addr, size_t len)
{
	(void)SYS3(SYS_madvise, addr, len, DONTNEED_LOCKED);
}

void
arm_flush(void)
{
	for (size_t i = 0; i < preload.pl_nmaps; i++) {
		const struct watched *wm = &preload.pl_maps[i];

		if (wm->wm_armed && !wm->wm_written)
			arm_drop(wm->wm_start, wm->wm_end - wm->wm_start);
	}
}

void
arm_fork_child(void)
{
	for (size_t i = 0; i < nitems(preload.pl_fds); i++) {
		if (preload.pl_fds[i] != -1)
			(void)SYS1(SYS_close, preload.pl_fds[i]);
		preload.pl_fds[i] = -1;
	}
	if (!open_both())
		return;
	for (size_t i = 0; i < preload.pl_nmaps; i++)
		arm_map(&preload.pl_maps[i]);
}
