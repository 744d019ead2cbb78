/*
 * depend.c: the order across threads that a trace shows.
 *
 * Of each file and each map it is known who used it last.  An event that
 * changes one alone (a truncate its file, a detach its map) waits for all who
 * used it since the last such; all others wait for that.  So a map is attached
 * before it is used and not detached before, and a truncate stands where it
 * stood among the accesses, msyncs and calls of all threads.  Opens and closes
 * of a file are in order: a close that came first would close nothing.
 *
 * An exit is not here: it comes after everything before it, and before
 * everything after it, since all maps of the process end, and its number may be
 * another's then.
 */
#include <errno.h>
#include <stdlib.h>

#include "replay/mp/mp.h"

#define BUCKETS 4096

struct use {
	uint32_t us_worker;
	uint64_t us_pos;
	bool us_knows; /* has waited for the last change, or made it */
};

struct track {
	struct track *tk_next;
	uint64_t tk_id;
	struct dependence tk_change; /* dp_pos 0: none */
	struct use *tk_uses;
	uint32_t tk_n, tk_room;
};

int
depend_init(struct depend *de)
{

	de->de_bucket = calloc(BUCKETS, sizeof(struct track *));
	return de->de_bucket != NULL ? 0 : ENOMEM;
}

void
depend_fini(struct depend *de)
{

	for (size_t i = 0; de->de_bucket != NULL && i < BUCKETS; i++) {
		struct track *tk;

		while ((tk = de->de_bucket[i]) != NULL) {
			de->de_bucket[i] = tk->tk_next;
			free(tk->tk_uses);
			free(tk);
		}
	}
	free(de->de_bucket);
	free(de->de_deps);
	*de = (struct depend){ .de_bucket = NULL };
}

static struct track *
track_of(struct depend *de, uint64_t id)
{
	struct track **const bucket =
	    &de->de_bucket[id * 0x9e3779b97f4a7c15ULL >> 52];
	struct track *tk;

	for (tk = *bucket; tk != NULL; tk = tk->tk_next)
		if (tk->tk_id == id)
			return tk;
	tk = calloc(1, sizeof(*tk));
	if (tk == NULL)
		return NULL;
	tk->tk_id = id;
	tk->tk_next = *bucket;
	*bucket = tk;
	return tk;
}

/* Wait for pos of worker; the later one if it is there already. */
static int
wait_for(struct depend *de, uint32_t worker, uint64_t pos)
{
	struct dependence *deps;

	for (uint32_t i = 0; i < de->de_ndeps; i++)
		if (de->de_deps[i].dp_worker == worker) {
			if (de->de_deps[i].dp_pos < pos)
				de->de_deps[i].dp_pos = pos;
			return 0;
		}
	if (de->de_ndeps == de->de_room) {
		deps = reallocarray(de->de_deps, de->de_room * 2 + 8,
		    sizeof(*deps));
		if (deps == NULL)
			return ENOMEM;
		de->de_deps = deps;
		de->de_room = de->de_room * 2 + 8;
	}
	de->de_deps[de->de_ndeps++] =
	    (struct dependence){ .dp_worker = worker, .dp_pos = pos };
	return 0;
}

static struct use *
use_of(struct track *tk, uint32_t worker)
{
	struct use *uses;

	for (uint32_t i = 0; i < tk->tk_n; i++)
		if (tk->tk_uses[i].us_worker == worker)
			return &tk->tk_uses[i];
	if (tk->tk_n == tk->tk_room) {
		uses = reallocarray(tk->tk_uses, tk->tk_room * 2 + 2,
		    sizeof(*uses));
		if (uses == NULL)
			return NULL;
		tk->tk_uses = uses;
		tk->tk_room = tk->tk_room * 2 + 2;
	}
	tk->tk_uses[tk->tk_n] = (struct use){ .us_worker = worker };
	return &tk->tk_uses[tk->tk_n++];
}

/* The pos-th event of worker uses the object, or changes it alone. */
static int
use(struct depend *de, uint64_t id, bool change, uint32_t worker, uint64_t pos)
{
	struct track *const tk = track_of(de, id);
	struct use *us;
	int error = 0;

	if (tk == NULL)
		return ENOMEM;
	if (change) {
		for (uint32_t i = 0; i < tk->tk_n && error == 0; i++)
			if (tk->tk_uses[i].us_worker != worker)
				error = wait_for(de, tk->tk_uses[i].us_worker,
				    tk->tk_uses[i].us_pos);
		tk->tk_n = 0;
		tk->tk_change = (struct dependence){ worker, pos };
	}
	us = use_of(tk, worker);
	if (us == NULL)
		return ENOMEM;
	if (error == 0 && !us->us_knows && tk->tk_change.dp_pos != 0 &&
	    tk->tk_change.dp_worker != worker)
		error =
		    wait_for(de, tk->tk_change.dp_worker, tk->tk_change.dp_pos);
	us->us_knows = true;
	us->us_pos = pos;
	return error;
}

bool
depend_alone(const struct trace_event *ev)
{

	return ev->te_op == TRACE_TRUNCATE || ev->te_op == TRACE_FALLOCATE ||
	    ev->te_op == TRACE_PWRITE || ev->te_op == TRACE_UNLINK ||
	    (ev->te_op == TRACE_MADVISE && (ev->te_flags & TRACE_F_FREE));
}

/* Does it change the map? */
static bool
changes_map(const struct trace_event *ev)
{

	return ev->te_op == TRACE_ATTACH || ev->te_op == TRACE_DETACH ||
	    ev->te_op == TRACE_PROTECT || ev->te_op == TRACE_MADVISE;
}

#define ID_FILE(id)  ((uint64_t)(id) << 2)
#define ID_MAP(id)   ((uint64_t)(id) << 2 | 1)
#define ID_OPENS(id) ((uint64_t)(id) << 2 | 2) /* how often it is open */

int
depend_event(struct depend *de, const struct trace_event *ev, uint32_t worker,
    uint64_t pos)
{
	int error = 0;

	de->de_ndeps = 0;
	if (ev->te_file != 0)
		error = use(de, ID_FILE(ev->te_file), depend_alone(ev), worker,
		    pos);
	if (error == 0 && ev->te_map != 0)
		error =
		    use(de, ID_MAP(ev->te_map), changes_map(ev), worker, pos);
	if (error == 0 && (ev->te_op == TRACE_OPEN || ev->te_op == TRACE_CLOSE))
		error = use(de, ID_OPENS(ev->te_file), true, worker, pos);
	return error;
}
