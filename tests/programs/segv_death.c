/*
 * A program that dies of its own SIGSEGV, as its children do of theirs: without
 * a handler, with the signal blocked, ignored, or sent.
 */
#include "tests/programs/prog.h"

static unsigned char *map;
static volatile int *volatile nowhere = (volatile int *)16;

static void
once(int sig)
{
	(void)sig;
	(void)!write(STDOUT_FILENO, "", 0);
}

static void
die_plain(void)
{
	*nowhere = 1;
}

static void
die_blocked(void)
{
	sigset_t set;

	CHECK(signal(SIGSEGV, once) == SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSEGV);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(map[PAGE] == 1);
	*nowhere = 1;
}

static void
die_ignored(void)
{
	CHECK(signal(SIGSEGV, SIG_IGN) == SIG_DFL);
	CHECK(raise(SIGSEGV) == 0);
	CHECK(map[2 * PAGE] == 2);
	*nowhere = 1;
}

static void
die_sent(void)
{
	(void)raise(SIGSEGV);
}

/* SA_RESETHAND: the second is the last; each is caused again and again. */
static void
die_reset(void)
{
	struct sigaction sa = { .sa_flags = (int)SA_RESETHAND }, now;

	sa.sa_handler = once;
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	CHECK(raise(SIGSEGV) == 0);
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
	CHECK(now.sa_handler == SIG_DFL);
	*nowhere = 1;
}

/* Past what the program may do with its own map. */
static void
die_readonly(void)
{
	CHECK(mprotect(map, PAGE, PROT_READ) == 0);
	map[0] = 1;
}

int
main(int argc, char **argv)
{
	static void (*const ways[])(void) = { die_plain, die_blocked,
		die_ignored, die_sent, die_reset, die_readonly };

	CHECK(argc == 2);
	map = prog_shared(argv[1], 8);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const pid_t pid = fork();
		int status;

		CHECK(pid != -1);
		if (pid == 0) {
			map[i * PAGE] = (unsigned char)i;
			ways[i]();
			_exit(3);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
	return prog_ok();
}
