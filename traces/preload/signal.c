#include "traces/preload/signal.h"

#include <errno.h>
#include <ucontext.h>

#define FLAG_RESTORER 0x04000000 /* SA_RESTORER */

/* struct sigaction as the kernel has it. */
struct action {
	void *ac_handler;
	uint64_t ac_flags;
	void (*ac_restorer)(void);
	sigmask ac_mask;
};

static int ours;
static signal_handler *our_handler;
static struct sigaction prog; /* by the lock: the program's */

/*
 * What returns from a handler.  The unwinder knows these bytes, and finds its
 * way by them, as long as nothing else says what they are.
 */
void signal_return(void);
__asm__(".text\n"
	"nop\n"
	".globl signal_return\n"
	".hidden signal_return\n"
	".type signal_return, @function\n"
	"signal_return:\n"
	"	movq $15, %rax\n"
	"	syscall\n"
	".size signal_return, . - signal_return\n");

static sigmask
get(const void *set)
{
	sigmask mask;

	memcpy(&mask, set, sizeof(mask));
	return mask;
}

static void
put(void *set, sigmask mask)
{
	memcpy(set, &mask, sizeof(mask));
}

sigmask
signal_real_mask(sigmask mask)
{
	if (ours != 0 && (mask & SIGMASK(ours)) != 0)
		mask = (mask & ~SIGMASK(ours)) | SIGMASK(STANDIN);
	return mask;
}

static sigmask
shown_mask(sigmask mask)
{
	if (ours != 0 && (mask & SIGMASK(STANDIN)) != 0)
		mask |= SIGMASK(ours);
	return mask;
}

int
signal_ours(void)
{
	return ours;
}

sigset_t
signal_real(const sigset_t *set)
{
	sigset_t real_set = *set;

	put(&real_set, signal_real_mask(get(set)));
	return real_set;
}

void
signal_shown(sigset_t *set)
{
	put(set, shown_mask(get(set)));
}

static bool
has_handler(const struct sigaction *sa)
{
	return sa->sa_handler != SIG_DFL && sa->sa_handler != SIG_IGN;
}

/*
 * Have the kernel call us, on the stack that the program's handler would have,
 * so that it can be called from here.
 */
static void
install(void)
{
	struct action ac = {
		.ac_flags =
		    SA_SIGINFO | FLAG_RESTORER | SA_ONSTACK | SA_RESTART,
		.ac_restorer = signal_return,
		.ac_mask = ~(sigmask)0,
	};

	if (has_handler(&prog))
		ac.ac_flags = SA_SIGINFO | FLAG_RESTORER |
		    ((uint64_t)prog.sa_flags & (SA_ONSTACK | SA_RESTART));
	memcpy(&ac.ac_handler, &our_handler, sizeof(ac.ac_handler));
	(void)sys_4(SYS_rt_sigaction, ours, SYS_P(&ac), 0, sizeof(sigmask));
}

void
signal_action(const struct sigaction *act, struct sigaction *old)
{
	struct section sc;
	struct sigaction was;

	section_begin(&sc);
	was = prog;
	if (act != NULL) {
		prog = *act;
		install();
	}
	section_end(&sc);
	if (old != NULL)
		*old = was;
}

void
signal_start(int sig, signal_handler *handler)
{
	struct action ac = { .ac_flags = 0 };

	ours = sig;
	our_handler = handler;
	(void)sys_4(SYS_rt_sigaction, sig, 0, SYS_P(&ac), sizeof(sigmask));
	memcpy(&prog.sa_handler, &ac.ac_handler, sizeof(prog.sa_handler));
	prog.sa_flags = (int)(ac.ac_flags & ~(uint64_t)FLAG_RESTORER);
	put(&prog.sa_mask, ac.ac_mask);
	install();
}

/*
 * The program dies of the signal, as if it came now; it is not blocked where we
 * return to.
 */
static void
die(int sig, siginfo_t *info)
{
	const struct action ac = { .ac_flags = 0 };
	const long tid = sys_0(SYS_gettid), pid = sys_0(SYS_getpid);

	(void)sys_4(SYS_rt_sigaction, sig, SYS_P(&ac), 0, sizeof(sigmask));
	if (sys_4(SYS_rt_tgsigqueueinfo, pid, tid, sig, SYS_P(info)) != 0)
		(void)sys_3(SYS_tgkill, pid, tid, sig);
}

/* Call the program's handler as the kernel would have. */
static void
call_handler(const struct sigaction *sa, int sig, siginfo_t *info, void *uc)
{
	const sigmask all = ~(sigmask)0;
	ucontext_t *context = uc;
	const sigmask was = get(&context->uc_sigmask);
	sigmask mask = was | signal_real_mask(get(&sa->sa_mask));

	if ((sa->sa_flags & SA_NODEFER) == 0)
		mask |= SIGMASK(STANDIN);
	put(&context->uc_sigmask, shown_mask(was));
	(void)sys_sigmask(SIG_SETMASK, &mask, NULL);
	sa->sa_sigaction(sig, info, uc);
	(void)sys_sigmask(SIG_SETMASK, &all, NULL);
	put(&context->uc_sigmask, signal_real_mask(get(&context->uc_sigmask)));
}

void
signal_chain(int sig, siginfo_t *info, void *uc)
{
	const ucontext_t *context = uc;
	const bool blocked =
	    (get(&context->uc_sigmask) & SIGMASK(STANDIN)) != 0;
	const bool caused = info->si_code > 0; /* by the thread itself */
	struct sigaction sa;

	section_lock();
	sa = prog;
	if (!blocked && has_handler(&sa) &&
	    (sa.sa_flags & (int)SA_RESETHAND) != 0) {
		prog.sa_handler = SIG_DFL;
		install();
	}
	section_unlock();
	if (!caused && sa.sa_handler == SIG_IGN)
		return;
	if (!caused && blocked) {
		self.se_pending = true;
		self.se_info = *info;
	} else if (blocked || !has_handler(&sa)) {
		die(sig, info);
	} else {
		call_handler(&sa, sig, info, uc);
	}
}

void
signal_settle(void)
{
	sigmask mask = 0;

	if (likely(!self.se_pending))
		return;
	(void)sys_sigmask(SIG_BLOCK, NULL, &mask);
	if ((mask & SIGMASK(STANDIN)) != 0)
		return;
	self.se_pending = false;
	(void)sys_4(SYS_rt_tgsigqueueinfo, sys_0(SYS_getpid), sys_0(SYS_gettid),
	    ours, SYS_P(&self.se_info));
}
