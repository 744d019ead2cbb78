#include <signal.h>

#include "base/thread.h"

int
thread_start(pthread_t *tp, void *(*start)(void *), void *arg)
{
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(tp, NULL, start, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}
