#include <assert.h>
#include <errno.h>
#include <string.h>

#include "replay/config.h"

const struct tunable replay_param_table[] = {
#define TUNABLE(field, kind, def, min, max, unit, choices, help)               \
	{ #field, TUN_##kind, offsetof(struct replay_param, field), def, min,  \
		max, unit, choices, help },
#include "replay/replay_param.def"
#undef TUNABLE
};
const size_t replay_param_count = nitems(replay_param_table);

static_assert(sizeof(struct replay_param) ==
	nitems(replay_param_table) * sizeof(uint64_t),
    "struct replay_param holds rows only");

/* More than both tables together will have. */
#define NAMES_MAX 256

size_t
config_count(void)
{
	return uvm_param_count + replay_param_count;
}

const struct tunable *
config_tunable(size_t i)
{
	assert(i < config_count());
	return i < uvm_param_count ? &uvm_param_table[i] :
				     &replay_param_table[i - uvm_param_count];
}

uint64_t
config_get(const struct config *cf, size_t i)
{
	const void *base = &cf->cf_replay;

	if (i < uvm_param_count)
		base = &cf->cf_uvm;
	return tunable_get(config_tunable(i), base);
}

void
config_set(struct config *cf, size_t i, uint64_t val)
{
	void *base = &cf->cf_replay;

	if (i < uvm_param_count)
		base = &cf->cf_uvm;
	tunable_set(config_tunable(i), base, val);
}

void
config_init(struct config *cf)
{
	uvm_param_init(&cf->cf_uvm);
	tunable_defaults(replay_param_table, replay_param_count,
	    &cf->cf_replay);
}

static int
unknown_tunable(const char *name, struct errmsg *em)
{
	const char *names[NAMES_MAX], *near;
	size_t n;

	for (n = 0; n < config_count() && n < NAMES_MAX; n++)
		names[n] = config_tunable(n)->tn_name;
	near = nearest_word(name, names, n);
	if (near == NULL)
		return ERRMSG(em, EINVAL,
		    "unknown tunable '%.60s'; uvn params lists them", name);
	return ERRMSG(em, EINVAL, "unknown tunable '%.60s'; did you mean '%s'?",
	    name, near);
}

int
config_assign(struct config *cf, const char *name, const char *value,
    struct errmsg *em)
{
	const struct tunable *tn;
	void *base = &cf->cf_uvm;
	uint64_t val;
	int error;

	tn = tunable_find(uvm_param_table, uvm_param_count, name);
	if (tn == NULL) {
		base = &cf->cf_replay;
		tn = tunable_find(replay_param_table, replay_param_count, name);
	}
	if (tn == NULL)
		return unknown_tunable(name, em);
	if ((error = tunable_parse(tn, value, &val, em)) != 0)
		return error;
	tunable_set(tn, base, val);
	return 0;
}

int
config_resolve(struct config *cf, struct errmsg *em)
{
	static const struct uvm_backend synchronous = { .be_name = "" };
	struct uvm_param *const up = &cf->cf_uvm;
	const uint64_t backend = cf->cf_replay.backend;
	int error;

	if ((error = uvm_param_resolve(up, em)) != 0)
		return error;
	/* By profile only where there is a device to be kept busy. */
	error = uvm_param_settle(up,
	    backend == BACKEND_URING ? &uvm_backend_uring : &synchronous, em);
	if (error != 0)
		return error;
	if (up->chaos != 0 && up->threads != THREADS_TRACE)
		return ERRMSG(em, EINVAL,
		    "chaos delays threads, and threads=one has none: say "
		    "--threads trace, or leave --chaos out");
	if (uvm_param_async(up) && backend != BACKEND_URING &&
	    backend != BACKEND_NULL)
		return ERRMSG(em, EINVAL,
		    "async_put=on and readahead want --backend uring (or null, "
		    "where I/O takes no time)");
	return 0;
}
