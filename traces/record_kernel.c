#include <errno.h>
#include <stdlib.h>

#include "traces/record_i.h"
#include "traces/record_library.h"

struct kernel {
	struct perfrec *kn_perf;
	struct library *kn_library;
};

static void
kernel_close(void *state)
{
	struct kernel *kn = state;

	perfrec_close(kn->kn_perf);
	library_remove(kn->kn_library);
	free(kn);
}

static int
kernel_open(const struct record_param *rp, struct child *ch, void **statep,
    struct errmsg *em)
{
	struct kernel *kn = calloc(1, sizeof(*kn));
	struct child_param cp = { .cp_argv = rp->rp_argv,
		.cp_to_stderr = rp->rp_to_stderr };
	int error;

	if (kn == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	error = library_make(RING_KERNEL, rp->rp_window, &kn->kn_library, em);
	if (error == 0) {
		cp.cp_env = library_env(kn->kn_library);
		error = child_start(&cp, ch, em);
	}
	if (error != 0) {
		kernel_close(kn);
		return error;
	}
	error = perfrec_open(ch->ch_pid, &kn->kn_perf, em);
	if (error != 0) {
		child_cancel(ch);
		kernel_close(kn);
		return error;
	}
	*statep = kn;
	return 0;
}

static void
kernel_wait(void *state, int ms)
{
	const struct kernel *kn = state;

	perfrec_wait(kn->kn_perf, ms);
}

static int
kernel_drain(void *state, struct spool *sp, uint64_t *np, struct errmsg *em)
{
	struct kernel *kn = state;
	uint64_t n = 0;
	int error = perfrec_drain(kn->kn_perf, sp, np, em);

	if (error == 0)
		error = library_drain(kn->kn_library, sp,
		    perfrec_sources(kn->kn_perf), &n, em);
	*np += n;
	return error;
}

static void
kernel_stop(void *state)
{
	struct kernel *kn = state;

	perfrec_stop(kn->kn_perf);
	ring_stop(library_ring(kn->kn_library));
}

const struct recorder recorder_kernel = {
	.rc_open = kernel_open,
	.rc_wait = kernel_wait,
	.rc_drain = kernel_drain,
	.rc_stop = kernel_stop,
	.rc_close = kernel_close,
};
