/*
 * signals FOLDER: masks as the program sets them, handlers that are interrupted
 * and interrupt, and waits for signals, while the pages of a map come and go.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

#include "tests/programs/program.h"

static uint8_t *map;
static volatile sig_atomic_t handled[NSIG];
static int out = -1; /* a file that the handlers write to */

static void
handle(int sig)
{
	const int saved = errno;

	handled[sig]++;
	churn(map);
	if (out >= 0)
		CHECK(write(out, map, 16) == 16);
	errno = saved;
}

/* A handler that blocks everything meanwhile. */
static void
handle_by(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = handle, .sa_flags = flags }, old;

	CHECK(sigfillset(&sa.sa_mask) == 0);
	CHECK(sigaction(sig, &sa, NULL) == 0);
	CHECK(sigaction(sig, NULL, &old) == 0);
	CHECK(old.sa_handler == handle);
	CHECK(sigismember(&old.sa_mask, SIGSEGV) == 1);
	CHECK(sigismember(&old.sa_mask, SIGTRAP) == 1);
	CHECK(sigismember(&old.sa_mask, SIGHUP) == 1);
}

static void
everything_blocked(void)
{
	sigset_t all, old, now;

	CHECK(sigfillset(&all) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &all, &old) == 0);
	churn(map);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGSEGV) == 1);
	CHECK(sigismember(&now, SIGTRAP) == 1);
	CHECK(sigismember(&now, SIGUSR1) == 1);
	CHECK(raise(SIGUSR1) == 0);
	churn(map);
	CHECK(handled[SIGUSR1] == 0);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(handled[SIGUSR1] == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	for (int sig = 1; sig < SIGRTMAX; sig++)
		CHECK(sigismember(&now, sig) == sigismember(&old, sig));
}

static void
one_by_one(void)
{
	sigset_t one, now;

	for (int i = 0; i < 2; i++) {
		const int sig = i == 0 ? SIGSEGV : SIGTRAP;

		CHECK(sigemptyset(&one) == 0 && sigaddset(&one, sig) == 0);
		CHECK(pthread_sigmask(SIG_BLOCK, &one, NULL) == 0);
		churn(map);
		CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
		CHECK(sigismember(&now, sig) == 1);
		CHECK(sigismember(&now, SIGUSR2) == 0);
		CHECK(pthread_sigmask(SIG_UNBLOCK, &one, NULL) == 0);
		CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
		CHECK(sigismember(&now, sig) == 0);
		CHECK(pthread_sigmask(-1, &one, NULL) == EINVAL);
	}
}

/* A thread begins with its creator's mask. */
static void *
inherits(void *arg)
{
	sigset_t now;

	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGSEGV) == 1);
	CHECK(sigismember(&now, SIGTRAP) == 1);
	CHECK(sigismember(&now, SIGUSR1) == 1);
	churn(map);
	return arg;
}

static void
threads(void)
{
	sigset_t all, old;
	pthread_t thread;

	CHECK(sigfillset(&all) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	CHECK(pthread_create(&thread, NULL, inherits, NULL) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* Each wait with everything blocked but SIGUSR2, which is pending. */
static void
waits(void)
{
	const struct timespec ts = { 10, 0 };
	sigset_t all, old, usr1, but;
	int sig;

	CHECK(sigfillset(&all) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &all, &old) == 0);
	but = all;
	CHECK(sigdelset(&but, SIGUSR2) == 0);
	for (int how = 0; how < 3; how++) {
		int ret;

		CHECK(raise(SIGUSR2) == 0);
		churn(map);
		CHECK(handled[SIGUSR2] == how);
		errno = 0;
		ret = how == 0 ? sigsuspend(&but) :
		    how == 1   ? ppoll(NULL, 0, &ts, &but) :
				 pselect(0, NULL, NULL, NULL, &ts, &but);
		CHECK(ret == -1 && errno == EINTR);
		CHECK(handled[SIGUSR2] == how + 1);
	}
	CHECK(sigemptyset(&usr1) == 0 && sigaddset(&usr1, SIGUSR1) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(sigwait(&usr1, &sig) == 0 && sig == SIGUSR1);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(sigtimedwait(&usr1, NULL, &ts) == SIGUSR1);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	churn(map);
}

/*
 * Signals at any time: within accesses, and within calls.  One at a time, or
 * handlers that take longer than the timer would leave no time for the rest.
 */
static void
storm(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 0 } };
	uint8_t buf[16];
	int armed = -1;

	while (handled[SIGALRM] < 100) {
		uint8_t *more;

		if (handled[SIGALRM] != armed) {
			armed = handled[SIGALRM];
			soon.it_value.tv_usec = 20 + armed * 37 % 500;
			CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
		}
		more = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, out, 0);
		CHECK(more != MAP_FAILED);
		churn(map);
		(void)peek(more);
		CHECK(pread(out, buf, sizeof(buf), 0) >= 0);
		if (armed % 16 == 0)
			CHECK(msync(map, CHURN_PAGES * PAGE, MS_ASYNC) == 0);
		CHECK(munmap(more, 4 * PAGE) == 0);
	}
}

/* A call that a handler interrupts goes on. */
static void
restarts(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		const struct timespec ts = { 0, 20000000 };

		CHECK(nanosleep(&ts, NULL) == 0);
		CHECK(kill(getppid(), SIGUSR1) == 0);
		CHECK(nanosleep(&ts, NULL) == 0);
		CHECK(write(ends[1], "x", 1) == 1);
		_exit(0);
	}
	handled[SIGUSR1] = 0;
	CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
	CHECK(handled[SIGUSR1] == 1);
	ENDED_WELL(pid);
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	map = new_map(argv[1], "signals", CHURN_PAGES);
	handle_by(SIGUSR1, SA_RESTART);
	handle_by(SIGUSR2, 0);
	handle_by(SIGALRM, SA_RESTART);
	everything_blocked();
	one_by_one();
	threads();
	waits();
	restarts();
	out = new_file(path_in(argv[1], "log"), 4);
	storm();
	return done();
}
