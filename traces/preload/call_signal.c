#include "traces/preload/signal.h"

#include <errno.h>

extern void __chk_fail(void) __attribute__((noreturn));

/* Is there a signal that the program sees otherwise? */
static bool
shown_otherwise(void)
{
	return on() && signal_ours() != 0;
}

EXPORT int
sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction copy;
	int ret;

	if (!shown_otherwise())
		return real.sigaction(sig, act, old);
	if (act != NULL)
		copy = *act;
	if (sig == signal_ours()) {
		signal_action(act != NULL ? &copy : NULL, old);
		return 0;
	}
	if (act != NULL)
		copy.sa_mask = signal_real(&act->sa_mask);
	ret = real.sigaction(sig, act != NULL ? &copy : NULL, old);
	if (ret == 0 && old != NULL)
		signal_shown(&old->sa_mask);
	return ret;
}
EXPORT_AS(__sigaction, sigaction);

/* signal(3) and its like, with other flags, of our signal. */
static sighandler_t
set_handler(sighandler_t handler, int flags)
{
	struct sigaction sa = { .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sa.sa_handler = handler;
	if ((flags & SA_NODEFER) == 0)
		(void)sigaddset(&sa.sa_mask, signal_ours());
	signal_action(&sa, &old);
	return old.sa_handler;
}

EXPORT sighandler_t
signal(int sig, sighandler_t handler)
{
	if (!shown_otherwise() || sig != signal_ours())
		return real.signal(sig, handler);
	return set_handler(handler, SA_RESTART);
}
EXPORT_AS(bsd_signal, signal);
EXPORT_AS(ssignal, signal);

EXPORT sighandler_t
sysv_signal(int sig, sighandler_t handler)
{
	if (!shown_otherwise() || sig != signal_ours())
		return real.sysv_signal(sig, handler);
	return set_handler(handler, (int)(SA_RESETHAND | SA_NODEFER));
}
EXPORT_AS(__sysv_signal, sysv_signal);

EXPORT int
siginterrupt(int sig, int interrupt)
{
	struct sigaction sa;

	if (!shown_otherwise() || sig != signal_ours())
		return real.siginterrupt(sig, interrupt);
	signal_action(NULL, &sa);
	sa.sa_flags =
	    interrupt ? sa.sa_flags & ~SA_RESTART : sa.sa_flags | SA_RESTART;
	signal_action(&sa, NULL);
	return 0;
}

static int
set_mask(__typeof__(sigprocmask) *fn, int how, const sigset_t *set,
    sigset_t *old)
{
	sigset_t copy;
	int ret;

	if (!shown_otherwise())
		return fn(how, set, old);
	if (set != NULL)
		copy = signal_real(set);
	ret = fn(how, set != NULL ? &copy : NULL, old);
	if (ret == 0 && old != NULL)
		signal_shown(old);
	signal_settle();
	return ret;
}

EXPORT int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)on();
	return set_mask(real.sigprocmask, how, set, old);
}

EXPORT int
pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)on();
	return set_mask(real.pthread_sigmask, how, set, old);
}

/* The old ones, of one signal or of an int of signals. */

static int
one(int how, int sig, sigset_t *old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	if (sigaddset(&set, sig) != 0)
		return -1;
	return sigprocmask(how, &set, old);
}

EXPORT int
sighold(int sig)
{
	return one(SIG_BLOCK, sig, NULL);
}

EXPORT int
sigrelse(int sig)
{
	return one(SIG_UNBLOCK, sig, NULL);
}

EXPORT int
sigignore(int sig)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };

	return sigaction(sig, &sa, NULL);
}

EXPORT sighandler_t
sigset(int sig, sighandler_t handler)
{
	struct sigaction sa = { .sa_flags = 0 }, old;
	sigset_t mask;

	if (handler == SIG_HOLD) {
		if (one(SIG_BLOCK, sig, &mask) != 0 ||
		    sigaction(sig, NULL, &old) != 0)
			return SIG_ERR;
		return sigismember(&mask, sig) ? SIG_HOLD : old.sa_handler;
	}
	sa.sa_handler = handler;
	if (sigaction(sig, &sa, &old) != 0 || one(SIG_UNBLOCK, sig, &mask) != 0)
		return SIG_ERR;
	return sigismember(&mask, sig) ? SIG_HOLD : old.sa_handler;
}

static int
int_mask(int how, int bits)
{
	sigset_t set, old;
	unsigned low;

	(void)sigemptyset(&set);
	memcpy(&set, &bits, sizeof(bits));
	if (sigprocmask(how, &set, &old) != 0)
		return -1;
	memcpy(&low, &old, sizeof(low));
	return (int)low;
}

EXPORT int
sigblock(int mask)
{
	return int_mask(SIG_BLOCK, mask);
}

EXPORT int
sigsetmask(int mask)
{
	return int_mask(SIG_SETMASK, mask);
}

EXPORT int
siggetmask(void)
{
	return int_mask(SIG_BLOCK, 0);
}

EXPORT int
sigpending(sigset_t *set)
{
	int ret;

	(void)on();
	ret = real.sigpending(set);
	if (ret == 0 && self.se_pending)
		(void)sigaddset(set, signal_ours());
	return ret;
}

/* Calls that block other signals while they wait. */

EXPORT int
sigsuspend(const sigset_t *set)
{
	sigset_t copy;

	if (!shown_otherwise())
		return real.sigsuspend(set);
	copy = signal_real(set);
	return real.sigsuspend(&copy);
}

EXPORT int
sigpause(int sig)
{
	sigset_t set;

	if (sigprocmask(SIG_BLOCK, NULL, &set) != 0 ||
	    sigdelset(&set, sig) != 0)
		return -1;
	return sigsuspend(&set);
}

#define WAITS(name, params, args)                                              \
	EXPORT int name params                                                 \
	{                                                                      \
		sigset_t copy;                                                 \
                                                                               \
		if (shown_otherwise() && set != NULL) {                        \
			copy = signal_real(set);                               \
			set = &copy;                                           \
		}                                                              \
		return real.name args;                                         \
	}

WAITS(ppoll,
    (struct pollfd * fds, nfds_t n, const struct timespec *timeout,
	const sigset_t *set),
    (fds, n, timeout, set))
WAITS(pselect,
    (int n, fd_set *in, fd_set *out, fd_set *except,
	const struct timespec *timeout, const sigset_t *set),
    (n, in, out, except, timeout, set))
WAITS(epoll_pwait,
    (int fd, struct epoll_event *events, int n, int timeout,
	const sigset_t *set),
    (fd, events, n, timeout, set))
WAITS(epoll_pwait2,
    (int fd, struct epoll_event *events, int n, const struct timespec *timeout,
	const sigset_t *set),
    (fd, events, n, timeout, set))

/* What _FORTIFY_SOURCE makes of ppoll(2). */
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *set, size_t size);

EXPORT int
__ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *set, size_t size)
{
	if (size / sizeof(*fds) < n)
		__chk_fail();
	return ppoll(fds, n, timeout, set);
}
