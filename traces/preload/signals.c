/*
 * signals.c: the one signal that is ours, SIGTRAP or SIGSEGV.
 *
 * It is never blocked and always has our handler.  The program sees the action
 * and the mask it has set itself; what is no doing of ours goes to its handler,
 * or its default action.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "traces/preload/preload.h"

NEXT(sigaction);
NEXT(sigprocmask);
NEXT(pthread_sigmask);
NEXT(sigsuspend);
NEXT(ppoll);
NEXT(pselect);
NEXT(epoll_pwait);

static int ours; /* 0: not begun */
static struct sigaction wanted;

/* Has the program blocked it, in this thread?  Then it is to see it so. */
static __thread bool blocked __attribute__((tls_model("initial-exec")));

/* The kernel's struct sigaction has its own order. */
static void
set_default(int sig)
{
	const struct sigaction sa = { .sa_handler = SIG_DFL };

	(void)CALL_NEXT(sigaction)(sig, &sa, NULL);
}

static bool
by_kernel(const siginfo_t *si)
{
	return si->si_code > 0;
}

/* As the program's own action has it. */
static void
chain(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	struct sigaction sa = wanted;
	sigset_t set = uc->uc_sigmask;

	if ((sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == SIG_IGN &&
	    !by_kernel(si))
		return;
	if ((sa.sa_flags & SA_SIGINFO) == 0 &&
	    (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN)) {
		/* It comes again by itself; what was sent is sent again. */
		set_default(sig);
		if (!by_kernel(si))
			(void)SYS3(SYS_tgkill, SYS0(SYS_getpid),
			    SYS0(SYS_gettid), sig);
		return;
	}
	if ((sa.sa_flags & (int)SA_RESETHAND) != 0)
		wanted = (struct sigaction){ .sa_handler = SIG_DFL };
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&sa.sa_mask, i) == 1)
			(void)sigaddset(&set, i);
	(void)sigdelset(&set, sig);
	(void)CALL_NEXT(sigprocmask)(SIG_SETMASK, &set, NULL);
	if ((sa.sa_flags & SA_SIGINFO) != 0)
		sa.sa_sigaction(sig, si, context);
	else
		sa.sa_handler(sig);
}

static void
on_segv(int sig, siginfo_t *si, void *context)
{
	const int saved = errno;
	bool mine = false;

	if (by_kernel(si)) {
		preload_lock();
		window_fault(si, context, &mine);
		preload_unlock();
	}
	if (!mine)
		chain(sig, si, context);
	errno = saved;
}

static void
on_trap(int sig, siginfo_t *si, void *context)
{
	const int saved = errno;

	if (arm_is_ours(si)) {
		preload_lock();
		arm_flush();
		preload_unlock();
	} else {
		chain(sig, si, context);
	}
	errno = saved;
}

void
signals_start(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK |
		    SA_NODEFER | SA_RESTART };

	ours = preload.pl_mode == RING_KERNEL ? SIGTRAP : SIGSEGV;
	sa.sa_sigaction = ours == SIGTRAP ? on_trap : on_segv;
	(void)sigfillset(&sa.sa_mask);
	(void)CALL_NEXT(sigaction)(ours, &sa, &wanted);
	{
		sigset_t set;

		(void)sigemptyset(&set);
		(void)sigaddset(&set, ours);
		(void)CALL_NEXT(sigprocmask)(SIG_UNBLOCK, &set, NULL);
	}
}

EXPORT int
sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction copy, before;
	struct mask ma;

	preload_start();
	if (ours == 0)
		return CALL_NEXT(sigaction)(sig, act, old);
	if (act != NULL) {
		copy = *act;
		(void)sigdelset(&copy.sa_mask, ours);
	}
	if (sig != ours)
		return CALL_NEXT(
		    sigaction)(sig, act != NULL ? &copy : NULL, old);
	mask_block(&ma);
	preload_lock();
	before = wanted;
	if (act != NULL)
		wanted = copy;
	preload_unlock();
	mask_restore(&ma);
	if (old != NULL)
		*old = before;
	return 0;
}

static sighandler_t
set_handler(int sig, sighandler_t handler, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags }, old;

	(void)sigemptyset(&sa.sa_mask);
	if ((flags & SA_NODEFER) == 0 && sig > 0 && sig < NSIG)
		(void)sigaddset(&sa.sa_mask, sig);
	return sigaction(sig, &sa, &old) == 0 ? old.sa_handler : SIG_ERR;
}

EXPORT sighandler_t
signal(int sig, sighandler_t handler)
{
	return set_handler(sig, handler, SA_RESTART);
}

sighandler_t bsd_signal(int sig, sighandler_t handler);

EXPORT sighandler_t
bsd_signal(int sig, sighandler_t handler)
{
	return set_handler(sig, handler, SA_RESTART);
}

EXPORT sighandler_t
sysv_signal(int sig, sighandler_t handler)
{
	return set_handler(sig, handler, (int)SA_RESETHAND | SA_NODEFER);
}

EXPORT sighandler_t
__sysv_signal(int sig, sighandler_t handler)
{
	return sysv_signal(sig, handler);
}

/* A set without our signal; NULL stays NULL. */
static const sigset_t *
without(const sigset_t *set, sigset_t *copy)
{
	if (set == NULL || ours == 0)
		return set;
	*copy = *set;
	(void)sigdelset(copy, ours);
	return copy;
}

/* What the program wants of our signal, and sees of it. */
static void
mask_seen(int how, const sigset_t *set, bool has, sigset_t *old)
{
	const bool was = blocked;

	if (ours == 0)
		return;
	if (set != NULL && how == SIG_SETMASK)
		blocked = has;
	else if (has)
		blocked = how == SIG_BLOCK;
	if (old != NULL && was)
		(void)sigaddset(old, ours);
}

EXPORT int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	const bool has =
	    set != NULL && ours != 0 && sigismember(set, ours) == 1;
	sigset_t copy;
	int ret;

	preload_start();
	ret = CALL_NEXT(sigprocmask)(how, without(set, &copy), old);
	if (ret == 0)
		mask_seen(how, set, has, old);
	return ret;
}

EXPORT int
pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	const bool has =
	    set != NULL && ours != 0 && sigismember(set, ours) == 1;
	sigset_t copy;
	int ret;

	preload_start();
	ret = CALL_NEXT(pthread_sigmask)(how, without(set, &copy), old);
	if (ret == 0)
		mask_seen(how, set, has, old);
	return ret;
}

EXPORT int
sigsuspend(const sigset_t *set)
{
	sigset_t copy;

	return CALL_NEXT(sigsuspend)(without(set, &copy));
}

EXPORT int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *set)
{
	sigset_t copy;

	return CALL_NEXT(ppoll)(fds, n, timeout, without(set, &copy));
}

EXPORT int
pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout,
    const sigset_t *set)
{
	sigset_t copy;

	return CALL_NEXT(pselect)(n, r, w, e, timeout, without(set, &copy));
}

EXPORT int
epoll_pwait(int fd, struct epoll_event *events, int n, int timeout,
    const sigset_t *set)
{
	sigset_t copy;

	return CALL_NEXT(
	    epoll_pwait)(fd, events, n, timeout, without(set, &copy));
}
