/*
 * signal: masks and actions as the program has them, and as they really are.
 *
 * The library's signal is never really blocked.  Where the program blocks it,
 * STANDIN is blocked in its place: so every mask that is saved, inherited or
 * restored behind our back, by siglongjmp(3), in a ucontext or by
 * pthread_create(3), carries along what the program wanted.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_SIGNAL_H
#define TRACES_PRELOAD_SIGNAL_H

#include "traces/preload/preload.h"

/* The last real-time signal: least likely to be used for itself. */
#define STANDIN 64

/* The library's signal; 0: it has none, and masks are what they are. */
int signal_ours(void);

/* A mask of the program's, to be set; and the other way, to be shown. */
sigset_t signal_real(const sigset_t *set);
void signal_shown(sigset_t *set);

/* sigaction(2) of the library's signal.  Either may be NULL. */
void signal_action(const struct sigaction *act, struct sigaction *old);

/* The mask may have changed: what was kept back may come now. */
void signal_settle(void);

#endif
