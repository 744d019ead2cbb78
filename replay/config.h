/*
 * config: one run's configuration, all tunables of pager and engine together.
 *
 * The two tables are joined into one; whoever needs "every tunable" (options,
 * columns, uvn params, the manual, JSON) loops over config_tunable().
 */
#ifndef REPLAY_CONFIG_H
#define REPLAY_CONFIG_H

#include "base/tunable.h"
#include "pager/uvm.h"

enum replay_backend {
	BACKEND_NULL,
	BACKEND_BUFFERED,
	BACKEND_DIRECT,
	BACKEND_URING,
};
enum replay_flushlog { FLUSHLOG_ALL, FLUSHLOG_NONE };

struct replay_param {
#define TUNABLE(field, kind, def, min, max, unit, choices, help) uint64_t field;
#include "replay/replay_param.def"
#undef TUNABLE
};

struct config {
	struct uvm_param cf_uvm;
	struct replay_param cf_replay;
};

extern const struct tunable replay_param_table[];
extern const size_t replay_param_count;

/* How many tunables there are, and the i-th, pager's first. */
size_t config_count(void);
const struct tunable *config_tunable(size_t i);

/* The i-th tunable's value in cf. */
uint64_t config_get(const struct config *cf, size_t i);
void config_set(struct config *cf, size_t i, uint64_t val);

/* Every tunable at its default. */
void config_init(struct config *cf);

/*
 * Set NAME=VALUE as the command line says it; '-' in NAME reads as '_'.
 *
 * => EINVAL, ERANGE: em names the nearest tunable, or what the value may be
 */
int config_assign(struct config *cf, const char *name, const char *value,
    struct errmsg *em) mustcheck;

/* uvm_param_resolve() and what the engine's own tunables need. */
int config_resolve(struct config *cf, struct errmsg *em) mustcheck;

#endif
