/*
 * segv FOLDER: handlers of SIGSEGV of its own, for faults of its own, while the
 * pages of a map come and go.
 */
#include <setjmp.h>
#include <signal.h>

#include "tests/programs/program.h"

#define ROUNDS 50

static uint8_t *map, *guard;
static volatile sig_atomic_t handled, depth;
static void *volatile seen;
static volatile int code;
static sigjmp_buf back;

static void
note(int sig, const siginfo_t *si)
{
	CHECK(sig == SIGSEGV);
	handled++;
	seen = si->si_addr;
	code = si->si_code;
	/* Accesses within a handler are as good as any. */
	churn(map);
}

/* Makes good what was wrong: the access is repeated. */
static void
mend(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	note(sig, si);
	CHECK(mprotect(guard, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void
leave(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	note(sig, si);
	siglongjmp(back, 1);
}

/* A fault within the handler. */
static void
nest(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	note(sig, si);
	if (depth++ == 0)
		poke(guard, 1);
	CHECK(mprotect(guard, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void
old_style(int sig)
{
	CHECK(sig == SIGSEGV);
	handled++;
	churn(map);
	CHECK(mprotect(guard, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void
act(void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn,
		.sa_flags = SA_SIGINFO | flags };

	CHECK(sigemptyset(&sa.sa_mask) == 0);
	CHECK(sigaddset(&sa.sa_mask, SIGUSR1) == 0);
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
}

static bool
blocked(int sig)
{
	sigset_t set;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	return sigismember(&set, sig) == 1;
}

static void
handlers_that_mend(void)
{
	act(mend, 0);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
		poke(guard + 7, (uint8_t)i);
		CHECK(handled == i + 1 && seen == guard + 7);
		CHECK(code == SEGV_ACCERR && peek(guard + 7) == (uint8_t)i);
		churn(map);
	}
	CHECK(!blocked(SIGSEGV) && !blocked(SIGUSR1));
}

static void
handlers_that_leave(void)
{
	uint8_t *nowhere = guard + PAGE; /* unmapped */

	act(leave, 0);
	handled = 0;
	for (volatile int i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(back, 1) == 0) {
			churn(map);
			(void)peek(nowhere + 3);
			CHECK(false);
		}
		CHECK(handled == i + 1 && seen == nowhere + 3);
		CHECK(code == SEGV_MAPERR);
		CHECK(!blocked(SIGSEGV) && !blocked(SIGUSR1));
	}
}

/* The mask is not restored: the handler does not block anything, either. */
static void
handlers_without_a_mask(void)
{
	struct sigaction sa = { .sa_sigaction = leave,
		.sa_flags = SA_SIGINFO | SA_NODEFER };

	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	for (volatile int i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(back, 0) == 0) {
			churn(map);
			(void)peek(guard + PAGE);
			CHECK(false);
		}
	}
	CHECK(!blocked(SIGSEGV));
}

static void
faults_within_handlers(void)
{
	act(nest, SA_NODEFER);
	handled = 0;
	CHECK(mprotect(guard, PAGE, PROT_READ) == 0);
	poke(guard, 9);
	CHECK(handled == 2 && peek(guard) == 9);
}

static void
actions_that_are_asked_for(void)
{
	struct sigaction sa;

	CHECK(sigaction(SIGSEGV, NULL, &sa) == 0);
	CHECK(sa.sa_sigaction == nest);
	CHECK((sa.sa_flags & (SA_SIGINFO | SA_NODEFER)) ==
	    (SA_SIGINFO | SA_NODEFER));
	CHECK(sigismember(&sa.sa_mask, SIGUSR1) == 1);
	CHECK(sigismember(&sa.sa_mask, SIGUSR2) == 0);
	CHECK(signal(SIGSEGV, old_style) != SIG_ERR);
	CHECK(signal(SIGSEGV, old_style) == old_style);
	handled = 0;
	CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
	poke(guard, 3);
	CHECK(handled == 1);
	CHECK(signal(SIGSEGV, SIG_DFL) == old_style);
	CHECK(signal(SIGSEGV, SIG_DFL) == SIG_DFL);
}

/* SA_RESETHAND: once, and then the default. */
static void
handlers_for_once(void)
{
	pid_t pid;

	act(mend, (int)SA_RESETHAND);
	pid = fork();
	if (pid == 0) {
		CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
		poke(guard, 1);
		CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
		poke(guard, 1);
		_exit(0);
	}
	CHECK(died_of(pid, SIGSEGV));
	CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

/* A write to what may only be read, in a map of a file. */
static void
maps_that_may_not_be_written(const char *folder)
{
	const int fd = open(path_in(folder, "segv"), O_RDONLY);
	uint8_t *ro = map_of(fd, 2, PROT_READ, MAP_SHARED);

	CHECK(fd >= 0);
	act(leave, 0);
	handled = 0;
	for (volatile int i = 0; i < 2; i++) {
		if (sigsetjmp(back, 1) == 0) {
			(void)peek(ro + PAGE);
			poke(ro + PAGE + 5, 1);
			CHECK(false);
		}
		CHECK(handled == i + 1 && seen == ro + PAGE + 5);
		CHECK(code == SEGV_ACCERR);
		CHECK(peek(ro) == peek(map));
	}
	CHECK(munmap(ro, 2 * PAGE) == 0);
	CHECK(close(fd) == 0);
	CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

/* Until the stack is at its end. */
static int
overflow(int n)
{
	volatile char here[1024];

	here[0] = (char)n;
	return n < 0 ? 0 : overflow(n + 1) + here[0];
}

static volatile bool on_other_stack;
static stack_t other;

static void
elsewhere(int sig, siginfo_t *si, void *uc)
{
	const uint8_t here = 0;
	const uintptr_t at = (uintptr_t)&here, lo = (uintptr_t)other.ss_sp;

	(void)uc;
	note(sig, si);
	on_other_stack = at >= lo && at < lo + other.ss_size;
	siglongjmp(back, 1);
}

/* The program's own stack is at its end. */
static void
other_stacks(void)
{
	other.ss_size = 64U << 10;
	other.ss_sp = malloc(other.ss_size);
	CHECK(other.ss_sp != NULL);
	CHECK(sigaltstack(&other, NULL) == 0);
	act(elsewhere, SA_ONSTACK);
	if (sigsetjmp(back, 1) == 0)
		(void)overflow(1);
	CHECK(on_other_stack);
	/* A handler that wants none runs where the program was. */
	act(elsewhere, 0);
	if (sigsetjmp(back, 1) == 0)
		(void)peek(guard + PAGE);
	CHECK(!on_other_stack);
	churn(map);
	other.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&other, NULL) == 0);
	CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

/* A fault: by default, ignored, or blocked though there is a handler; or one
 * that is only sent. */
static _Noreturn void
end_by(int how)
{
	sigset_t set;

	churn(map);
	if (how == 1)
		CHECK(signal(SIGSEGV, SIG_IGN) == SIG_DFL);
	if (how == 2) {
		act(mend, 0);
		CHECK(sigemptyset(&set) == 0);
		CHECK(sigaddset(&set, SIGSEGV) == 0);
		CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
	}
	if (how == 3)
		CHECK(raise(SIGSEGV) == 0);
	poke(how == 2 ? guard : guard + PAGE, 1);
	_exit(0);
}

/* What kills without a recorder kills with one. */
static void
deaths(void)
{
	pid_t pid;

	for (int how = 0; how < 4; how++) {
		pid = fork();
		if (pid == 0)
			end_by(how);
		CHECK(died_of(pid, SIGSEGV));
	}
	/* One that is sent, and not wanted. */
	pid = fork();
	if (pid == 0) {
		CHECK(signal(SIGSEGV, SIG_IGN) == SIG_DFL);
		CHECK(raise(SIGSEGV) == 0);
		churn(map);
		_exit(0);
	}
	ENDED_WELL(pid);
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	map = new_map(argv[1], "segv", CHURN_PAGES);
	guard = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(guard != MAP_FAILED);
	CHECK(munmap(guard + PAGE, PAGE) == 0);
	handlers_that_mend();
	handlers_that_leave();
	handlers_without_a_mask();
	faults_within_handlers();
	actions_that_are_asked_for();
	handlers_for_once();
	maps_that_may_not_be_written(argv[1]);
	other_stacks();
	deaths();
	return done();
}
