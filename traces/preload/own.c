#include "traces/preload/preload.h"

#include <sys/resource.h>

/* Where programs do not look for numbers that are free. */
#define HIGH 900

static _Atomic int own[OWN_N] = { -1, -1 };

/* A copy of fd that is out of the way; -1: there is no room. */
static int
high_copy(int fd, int least)
{
	struct rlimit rl = { .rlim_cur = 0 };
	long copy = sys_3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);

	if (copy >= 0 ||
	    sys_4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, SYS_P(&rl)) != 0)
		return (int)copy;
	/* As high as it goes. */
	for (least = rl.rlim_cur < HIGH ? (int)rl.rlim_cur - 1 : HIGH;
	     copy < 0 && least > 2; least--)
		copy = sys_3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);
	return (int)copy;
}

void
own_set(enum own which, int fd)
{
	const int copy = fd >= 0 ? high_copy(fd, HIGH) : -1;

	if (copy >= 0) {
		(void)sys_1(SYS_close, fd);
		fd = copy;
	}
	atomic_store(&own[which], fd);
}

int
own_get(enum own which)
{
	return atomic_load_explicit(&own[which], memory_order_relaxed);
}

bool
own_p(int fd)
{
	if (fd < 0)
		return false;
	for (unsigned i = 0; i < OWN_N; i++)
		if (own_get((enum own)i) == fd)
			return true;
	return false;
}

void
own_drop(void)
{
	for (unsigned i = 0; i < OWN_N; i++) {
		const int fd = atomic_exchange(&own[i], -1);

		if (fd >= 0)
			(void)sys_1(SYS_close, fd);
	}
}

/*
 * A copy keeps what stands behind it: maps stay armed, the event goes on.
 */
void
own_yield(int fd)
{
	/* A guest's descriptors are not its host's: they may go. */
	for (unsigned i = 0; self.se_guest == 0 && i < OWN_N; i++) {
		int copy;

		if (fd < 0 || own_get((enum own)i) != fd)
			continue;
		copy = high_copy(fd, fd + 1);
		if (copy < 0)
			copy = high_copy(fd, HIGH);
		if (copy >= 0)
			atomic_store(&own[i], copy);
	}
}

long
own_close_range(unsigned first, unsigned last, int flags)
{
	for (;;) {
		unsigned next = last;
		bool found = false;
		long ret = 0;

		/* The first of ours in the range. */
		for (unsigned i = 0; i < OWN_N; i++) {
			const int fd = own_get((enum own)i);

			if (fd >= 0 && (unsigned)fd >= first &&
			    (unsigned)fd <= next) {
				next = (unsigned)fd;
				found = true;
			}
		}
		if (!found)
			return sys_3(SYS_close_range, first, last, flags);
		if (next > first)
			ret = sys_3(SYS_close_range, first, next - 1, flags);
		if (ret != 0 || next == last)
			return ret;
		first = next + 1;
	}
}
