/*
 * thread: threads beside the one that a signal is for.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/base.h"

/*
 * Start a thread with every signal blocked: they are for who handles them, and
 * a file limit that is reached is an error of write(2), not a death.
 *
 * => 0, or an errno: there is none
 */
int thread_start(pthread_t *tp, void *(*start)(void *), void *arg) mustcheck;

#endif
