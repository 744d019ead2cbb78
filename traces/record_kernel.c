#include <stdlib.h>

#include "traces/record_i.h"

static int
kernel_open(const struct record_param *rp, struct child *ch, void **statep,
    struct errmsg *em)
{
	char *env[1] = { NULL };
	struct perfrec *pr;
	int error = child_start(rp->rp_argv, env, -1, ch, em);

	if (error != 0)
		return error;
	error = perfrec_open(ch->ch_pid, &pr, em);
	if (error != 0) {
		child_cancel(ch);
		return error;
	}
	*statep = pr;
	return 0;
}

static void
kernel_wait(void *state, int ms)
{
	perfrec_wait(state, ms);
}

static int
kernel_drain(void *state, struct spool *sp, uint64_t *np, struct errmsg *em)
{
	return perfrec_drain(state, sp, np, em);
}

static void
kernel_stop(void *state)
{
	perfrec_stop(state);
}

static void
kernel_close(void *state)
{
	perfrec_close(state);
}

const struct recorder recorder_kernel = {
	.rc_open = kernel_open,
	.rc_wait = kernel_wait,
	.rc_drain = kernel_drain,
	.rc_stop = kernel_stop,
	.rc_close = kernel_close,
};

const struct recorder recorder_preload, recorder_valgrind;
