/*
 * trap FOLDER: handlers of SIGTRAP of its own, and breakpoints, while the pages
 * of a map come and go.
 */
#include <setjmp.h>
#include <signal.h>

#include "tests/programs/program.h"

#define ROUNDS 50

static uint8_t *map;
static volatile sig_atomic_t handled, sent;
static sigjmp_buf back;

static void
breakpoint(void)
{
	__builtin_ia32_pause();
	__asm__ volatile("int3");
}

static void
count(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	CHECK(sig == SIGTRAP);
	handled++;
	if (si->si_code <= 0)
		sent++;
	churn(map);
}

static void
leave(int sig)
{
	CHECK(sig == SIGTRAP);
	churn(map);
	siglongjmp(back, 1);
}

static void
handlers(void)
{
	struct sigaction sa = { .sa_sigaction = count, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGTRAP, &sa, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		breakpoint();
		churn(map);
		CHECK(raise(SIGTRAP) == 0);
		CHECK(handled == 2 * (i + 1) && sent == i + 1);
	}
	CHECK(sigaction(SIGTRAP, NULL, &sa) == 0);
	CHECK(sa.sa_sigaction == count && (sa.sa_flags & SA_SIGINFO) != 0);
	CHECK(signal(SIGTRAP, leave) != SIG_ERR);
	for (volatile int i = 0; i < ROUNDS; i++)
		if (sigsetjmp(back, 1) == 0) {
			breakpoint();
			CHECK(false);
		}
	CHECK(signal(SIGTRAP, SIG_IGN) == leave);
	CHECK(raise(SIGTRAP) == 0);
	churn(map);
	CHECK(signal(SIGTRAP, SIG_DFL) == SIG_IGN);
}

/* One that is sent while it is blocked waits. */
static void
blocking(void)
{
	struct sigaction sa = { .sa_sigaction = count, .sa_flags = SA_SIGINFO };
	sigset_t set, old, now;

	handled = 0;
	CHECK(sigaction(SIGTRAP, &sa, NULL) == 0);
	CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGTRAP) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(sigismember(&old, SIGTRAP) == 0);
	churn(map);
	CHECK(raise(SIGTRAP) == 0);
	churn(map);
	CHECK(handled == 0);
	CHECK(sigpending(&now) == 0 && sigismember(&now, SIGTRAP) == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGTRAP) == 1);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(handled == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGTRAP) == 0);
	CHECK(signal(SIGTRAP, SIG_DFL) != SIG_ERR);
}

static void
deaths(void)
{
	for (int how = 0; how < 3; how++) {
		const pid_t pid = fork();

		if (pid == 0) {
			churn(map);
			if (how == 1)
				CHECK(signal(SIGTRAP, SIG_IGN) == SIG_DFL);
			if (how == 2)
				CHECK(raise(SIGTRAP) == 0);
			breakpoint();
			_exit(0);
		}
		CHECK(died_of(pid, SIGTRAP));
	}
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	map = new_map(argv[1], "trap", CHURN_PAGES);
	handlers();
	blocking();
	deaths();
	return done();
}
