/*
 * Signals blocked and let through: the program sees its own masks, whatever it
 * blocks the map can be used, and what is sent comes when it should.
 */
#include <poll.h>
#include <pthread.h>

#include "tests/programs/prog.h"

#define PAGES 700

static unsigned char *map;
static volatile sig_atomic_t calls;

static void
handler(int sig)
{
	sigset_t mask;

	(void)sig;
	calls++;
	/* sa_mask has all of them. */
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
	CHECK(sigismember(&mask, SIGSEGV) == 1);
	CHECK(sigismember(&mask, SIGTRAP) == 1);
	CHECK(map[11 * PAGE] == 11);
}

static void
walk(void)
{
	for (size_t i = 0; i < PAGES; i++)
		CHECK(map[i * PAGE] == (i & 0xff));
}

static void *
thread(void *arg)
{
	sigset_t mask;

	/* Inherited. */
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
	CHECK(sigismember(&mask, SIGSEGV) == 1);
	CHECK(sigismember(&mask, SIGTRAP) == 1);
	CHECK(sigismember(&mask, SIGUSR1) == 1);
	walk();
	return arg;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler }, old;
	struct timespec now = { 0, 0 };
	sigset_t all, none, was;
	pthread_t th;

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	sa.sa_mask = all;
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
	CHECK(sigismember(&old.sa_mask, SIGSEGV) == 1);
	CHECK(sigismember(&old.sa_mask, SIGTRAP) == 1);
	CHECK(sigprocmask(SIG_SETMASK, &all, &was) == 0);
	CHECK(sigismember(&was, SIGSEGV) == 0);
	CHECK(sigismember(&was, SIGTRAP) == 0);
	walk();
	CHECK(pthread_create(&th, NULL, thread, NULL) == 0);
	CHECK(pthread_join(th, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	walk();
	CHECK(calls == 0);
	/* Let through for a moment. */
	CHECK(sigsuspend(&none) == -1 && errno == EINTR);
	CHECK(calls == 1);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(ppoll(NULL, 0, &now, &none) <= 0);
	CHECK(calls == 2);
	CHECK(sigprocmask(SIG_SETMASK, &was, &old.sa_mask) == 0);
	CHECK(sigismember(&old.sa_mask, SIGSEGV) == 1);
	CHECK(sigismember(&old.sa_mask, SIGTRAP) == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &was) == 0);
	CHECK(sigismember(&was, SIGSEGV) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(calls == 3);
	walk();
	return prog_ok();
}
