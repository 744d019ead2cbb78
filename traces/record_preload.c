#include "traces/record_i.h"
#include "traces/record_library.h"

static int
preload_open(const struct record_param *rp, struct child *ch, void **statep,
    struct errmsg *em)
{
	struct child_param cp = { .cp_argv = rp->rp_argv,
		.cp_to_stderr = rp->rp_to_stderr };
	struct library *li = NULL;
	int error = program_check(rp->rp_argv[0], em);

	if (error == 0)
		error = library_make(RING_PRELOAD, rp->rp_window, &li, em);
	if (error != 0)
		return error;
	cp.cp_env = library_env(li);
	error = child_start(&cp, ch, em);
	if (error != 0) {
		library_remove(li);
		return error;
	}
	*statep = li;
	return 0;
}

static void
preload_wait(void *state, int ms)
{
	ring_wait(library_ring(state), ms);
}

static int
preload_drain(void *state, struct spool *sp, uint64_t *np, struct errmsg *em)
{
	return library_drain(state, sp, 0, np, em);
}

static void
preload_stop(void *state)
{
	ring_stop(library_ring(state));
}

static void
preload_close(void *state)
{
	library_remove(state);
}

const struct recorder recorder_preload = {
	.rc_open = preload_open,
	.rc_wait = preload_wait,
	.rc_drain = preload_drain,
	.rc_stop = preload_stop,
	.rc_close = preload_close,
};
