/*
 * A program with a SIGTRAP handler of its own, which is called for its own
 * traps, and for no others.
 */
#include "tests/programs/prog.h"

#define PAGES 2000

static sigjmp_buf out;
static volatile sig_atomic_t calls, jump;
static volatile int code;

static void
handler(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	calls++;
	code = info->si_code;
	if (jump)
		siglongjmp(out, 1);
}

static void
walk(unsigned char *map)
{
	const int before = calls;

	for (size_t i = 0; i < PAGES; i++) {
		CHECK(map[i * PAGE] == (i & 0xff));
		map[i * PAGE + 1] = 1;
	}
	CHECK(calls == before);
}

static void
trap(void)
{
	const int before = calls;

	if (sigsetjmp(out, 1) == 0)
		__asm__ volatile("int3");
	CHECK(calls == before + 1);
	CHECK(code != SI_USER && code != SI_TKILL);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO }, old;
	unsigned char *map;
	sigset_t set, was;
	pid_t pid;
	int status;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	walk(map);
	sa.sa_sigaction = handler;
	CHECK(sigaction(SIGTRAP, &sa, &old) == 0);
	CHECK(old.sa_handler == SIG_DFL);
	for (int i = 0; i < 4; i++) {
		jump = i & 1;
		walk(map);
		trap();
		CHECK(sigaction(SIGTRAP, NULL, &old) == 0);
		CHECK(old.sa_sigaction == handler);
	}
	/* One that is sent while it is blocked comes later. */
	jump = 0;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTRAP);
	CHECK(sigprocmask(SIG_BLOCK, &set, &was) == 0);
	CHECK(sigismember(&was, SIGTRAP) == 0);
	CHECK(raise(SIGTRAP) == 0);
	walk(map);
	CHECK(calls == 4);
	CHECK(sigpending(&was) == 0 && sigismember(&was, SIGTRAP) == 1);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, &was) == 0);
	CHECK(sigismember(&was, SIGTRAP) == 1);
	CHECK(calls == 5 && code == SI_TKILL);
	/* And without a handler it is the end. */
	CHECK(signal(SIGTRAP, SIG_DFL) != SIG_ERR);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		walk(map);
		__asm__ volatile("int3");
		_exit(3);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
	return prog_ok();
}
