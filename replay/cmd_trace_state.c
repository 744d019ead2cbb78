#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace.h"

#define BUCKETS	   4096
#define CHUNK_BITS 65536 /* ids in a chunk of the bitmap of used ids */

/* A piece of a mapping, bytes of the file; whole pages. */
struct piece {
	uint64_t pc_start, pc_end;
};

struct live_map {
	struct live_map *lm_hash;
	struct live_map *lm_prev, *lm_next; /* in the order attached */
	struct trace_event lm_attach;
	struct piece *lm_pieces; /* what is mapped, ascending */
	size_t lm_npieces;
	struct trace_event *lm_events; /* what has changed it since */
	size_t lm_nevents, lm_room;
};

struct sized_file {
	uint32_t sf_id;
	uint64_t sf_size;
};

struct trace_state {
	uint64_t ts_page;
	struct live_map *ts_hash[BUCKETS];
	struct live_map *ts_first, *ts_last;
	uint64_t ts_live;
	uint64_t *ts_used[CHUNK_BITS];
	struct sized_file *ts_files; /* by id */
	size_t ts_nfiles;
	state_gone_fn *ts_gone; /* NULL: nobody wants to know */
	void *ts_gone_arg;
};

static int
file_cmp(const void *a, const void *b)
{
	const struct sized_file *x = a, *y = b;

	return (x->sf_id > y->sf_id) - (x->sf_id < y->sf_id);
}

struct trace_state *
state_create(const struct trace_meta *tm)
{
	struct trace_state *ts = calloc(1, sizeof(*ts));

	if (ts == NULL)
		return NULL;
	ts->ts_page = tm->tm_page;
	ts->ts_nfiles = tm->tm_nfiles;
	ts->ts_files = calloc(tm->tm_nfiles + 1, sizeof(*ts->ts_files));
	if (ts->ts_files == NULL) {
		free(ts);
		return NULL;
	}
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		ts->ts_files[i] = (struct sized_file){ tm->tm_files[i].tf_id,
			tm->tm_files[i].tf_size };
	qsort(ts->ts_files, ts->ts_nfiles, sizeof(*ts->ts_files), file_cmp);
	return ts;
}

static struct sized_file *
file_find(const struct trace_state *ts, uint32_t id)
{
	const struct sized_file key = { .sf_id = id };

	return bsearch(&key, ts->ts_files, ts->ts_nfiles, sizeof(key),
	    file_cmp);
}

uint64_t
state_size(const struct trace_state *ts, uint32_t file)
{
	const struct sized_file *sf = file_find(ts, file);

	return sf != NULL ? sf->sf_size : 0;
}

uint64_t
state_live(const struct trace_state *ts)
{
	return ts->ts_live;
}

void
state_watch(struct trace_state *ts, state_gone_fn *gone, void *arg)
{
	ts->ts_gone = gone;
	ts->ts_gone_arg = arg;
}

/* Bytes from..to of a map go, as far as they are a piece of it. */
static void
gone(const struct trace_state *ts, const struct live_map *lm,
    const struct piece *pc, uint64_t from, uint64_t to)
{
	if (from < pc->pc_start)
		from = pc->pc_start;
	if (to > pc->pc_end)
		to = pc->pc_end;
	if (ts->ts_gone != NULL && from < to)
		ts->ts_gone(ts->ts_gone_arg, &lm->lm_attach, from, to);
}

static struct live_map **
map_slot(struct trace_state *ts, uint32_t id)
{
	struct live_map **lmp = &ts->ts_hash[id % BUCKETS];

	while (*lmp != NULL && (*lmp)->lm_attach.te_map != id)
		lmp = &(*lmp)->lm_hash;
	return lmp;
}

static void
map_free(struct live_map *lm)
{
	free(lm->lm_pieces);
	free(lm->lm_events);
	free(lm);
}

static void
map_remove(struct trace_state *ts, struct live_map *lm)
{
	for (size_t i = 0; i < lm->lm_npieces; i++)
		gone(ts, lm, &lm->lm_pieces[i], 0, UINT64_MAX);
	*map_slot(ts, lm->lm_attach.te_map) = lm->lm_hash;
	if (lm->lm_prev != NULL)
		lm->lm_prev->lm_next = lm->lm_next;
	else
		ts->ts_first = lm->lm_next;
	if (lm->lm_next != NULL)
		lm->lm_next->lm_prev = lm->lm_prev;
	else
		ts->ts_last = lm->lm_prev;
	ts->ts_live--;
	map_free(lm);
}

void
state_end(struct trace_state *ts)
{
	while (ts->ts_first != NULL)
		map_remove(ts, ts->ts_first);
}

void
state_destroy(struct trace_state *ts)
{
	if (ts == NULL)
		return;
	ts->ts_gone = NULL;
	state_end(ts);
	for (size_t i = 0; i < CHUNK_BITS; i++)
		free(ts->ts_used[i]);
	free(ts->ts_files);
	free(ts);
}

/* The pages of an event's range, as bytes. */
static struct piece
pages_of(const struct trace_state *ts, const struct trace_event *te)
{
	const uint64_t mask = ts->ts_page - 1;

	return (struct piece){ te->te_offset & ~mask,
		(te->te_offset + te->te_length + mask) & ~mask };
}

/* Note that an id is used; *whatp if it was before. */
static int
id_use(struct trace_state *ts, uint32_t id, const char **whatp)
{
	uint64_t **chunk = &ts->ts_used[id / CHUNK_BITS];
	const uint64_t bit = (uint64_t)1 << id % 64;
	uint64_t *word;

	if (*chunk == NULL) {
		*chunk = calloc(CHUNK_BITS / 64, sizeof(**chunk));
		if (*chunk == NULL)
			return ENOMEM;
	}
	word = &(*chunk)[id % CHUNK_BITS / 64];
	if ((*word & bit) != 0)
		*whatp = "uses a map id that was used before";
	*word |= bit;
	return 0;
}

static int
attach(struct trace_state *ts, const struct trace_event *te, const char **whatp)
{
	struct live_map *lm;
	int error;

	if (te->te_length == 0) {
		*whatp = "maps no bytes";
		return 0;
	}
	error = id_use(ts, te->te_map, whatp);
	if (error != 0 || *whatp != NULL)
		return error;
	lm = calloc(1, sizeof(*lm));
	if (lm == NULL)
		return ENOMEM;
	lm->lm_pieces = calloc(1, sizeof(*lm->lm_pieces));
	if (lm->lm_pieces == NULL) {
		map_free(lm);
		return ENOMEM;
	}
	lm->lm_pieces[lm->lm_npieces++] = pages_of(ts, te);
	lm->lm_attach = *te;
	lm->lm_prev = ts->ts_last;
	if (ts->ts_last != NULL)
		ts->ts_last->lm_next = lm;
	else
		ts->ts_first = lm;
	ts->ts_last = lm;
	*map_slot(ts, te->te_map) = lm;
	ts->ts_live++;
	return 0;
}

/*
 * Keep an event that changes a map.  An earlier one that says less of the same
 * kind is of no use any more.
 */
static int
event_keep(struct trace_state *ts, struct live_map *lm,
    const struct trace_event *te)
{
	const struct piece all = pages_of(ts, te);
	size_t n = 0;

	for (size_t i = 0; i < lm->lm_nevents; i++) {
		const struct trace_event *old = &lm->lm_events[i];
		const struct piece part = pages_of(ts, old);

		if (old->te_op == te->te_op && te->te_length > 0 &&
		    old->te_length > 0 && part.pc_start >= all.pc_start &&
		    part.pc_end <= all.pc_end)
			continue;
		lm->lm_events[n++] = *old;
	}
	lm->lm_nevents = n;
	if (n == lm->lm_room) {
		const size_t room = n * 2 + 4;
		struct trace_event *ev =
		    reallocarray(lm->lm_events, room, sizeof(*ev));

		if (ev == NULL)
			return ENOMEM;
		lm->lm_events = ev;
		lm->lm_room = room;
	}
	lm->lm_events[lm->lm_nevents++] = *te;
	return 0;
}

static int
detach(struct trace_state *ts, struct live_map *lm,
    const struct trace_event *te)
{
	const struct piece cut = pages_of(ts, te);
	struct piece *left;
	size_t n = 0;

	if (te->te_length == 0) {
		map_remove(ts, lm);
		return 0;
	}
	left = calloc(lm->lm_npieces + 1, sizeof(*left)); /* one may split */
	if (left == NULL)
		return ENOMEM;
	for (size_t i = 0; i < lm->lm_npieces; i++) {
		const struct piece p = lm->lm_pieces[i];
		const uint64_t to =
		    p.pc_end < cut.pc_start ? p.pc_end : cut.pc_start;
		const uint64_t from =
		    p.pc_start > cut.pc_end ? p.pc_start : cut.pc_end;

		gone(ts, lm, &p, cut.pc_start, cut.pc_end);
		if (p.pc_start < to)
			left[n++] = (struct piece){ p.pc_start, to };
		if (from < p.pc_end)
			left[n++] = (struct piece){ from, p.pc_end };
	}
	free(lm->lm_pieces);
	lm->lm_pieces = left;
	lm->lm_npieces = n;
	if (n > 0)
		return event_keep(ts, lm, te);
	map_remove(ts, lm);
	return 0;
}

static bool
mapped(const struct trace_state *ts, const struct live_map *lm,
    const struct trace_event *te)
{
	const struct piece want = pages_of(ts, te);

	for (size_t i = 0; i < lm->lm_npieces; i++)
		if (lm->lm_pieces[i].pc_start <= want.pc_start &&
		    want.pc_end <= lm->lm_pieces[i].pc_end)
			return true;
	return false;
}

static int
map_event(struct trace_state *ts, const struct trace_event *te,
    const char **whatp)
{
	struct live_map *lm = *map_slot(ts, te->te_map);

	if (lm == NULL) {
		*whatp = "names a map that is not attached";
		return 0;
	}
	if (lm->lm_attach.te_file != te->te_file) {
		*whatp = "names a file that its map is not of";
		return 0;
	}
	if (te->te_op == TRACE_DETACH)
		return detach(ts, lm, te);
	if (te->te_op == TRACE_PROTECT || te->te_op == TRACE_MADVISE)
		return event_keep(ts, lm, te);
	if ((te->te_op == TRACE_READ || te->te_op == TRACE_WRITE) &&
	    !mapped(ts, lm, te))
		*whatp = "reaches outside what is mapped";
	return 0;
}

static void
exit_process(struct trace_state *ts, uint32_t pid)
{
	struct live_map *lm, *next;

	for (lm = ts->ts_first; lm != NULL; lm = next) {
		next = lm->lm_next;
		if (lm->lm_attach.te_pid == pid)
			map_remove(ts, lm);
	}
}

static void
file_event(struct trace_state *ts, const struct trace_event *te)
{
	struct sized_file *sf = file_find(ts, te->te_file);
	const uint64_t end = te->te_offset + te->te_length;

	if (sf == NULL)
		return;
	if (te->te_op == TRACE_TRUNCATE)
		sf->sf_size = te->te_length;
	else if (end > sf->sf_size &&
	    (te->te_flags & (TRACE_F_KEEP | TRACE_F_PUNCH)) == 0)
		sf->sf_size = end;
}

int
state_take(struct trace_state *ts, const struct trace_event *te,
    const char **whatp)
{
	*whatp = NULL;
	switch ((enum trace_op)te->te_op) {
	case TRACE_ATTACH:
		return attach(ts, te, whatp);
	case TRACE_DETACH:
	case TRACE_PROTECT:
	case TRACE_READ:
	case TRACE_WRITE:
	case TRACE_MSYNC:
	case TRACE_MADVISE:
		return map_event(ts, te, whatp);
	case TRACE_TRUNCATE:
	case TRACE_FALLOCATE:
	case TRACE_PWRITE:
		file_event(ts, te);
		break;
	case TRACE_EXIT:
		exit_process(ts, te->te_pid);
		break;
	case TRACE_FSYNC:
	case TRACE_SYNC:
	case TRACE_PREAD:
	case TRACE_OPEN:
	case TRACE_CLOSE:
	case TRACE_UNLINK:
	case TRACE_RENAME:
	case TRACE_FORK:
	case TRACE_MARK:
	case TRACE_NOPS:
		break;
	}
	return 0;
}

int
state_replay(const struct trace_state *ts,
    int (*emit)(void *arg, const struct trace_event *te), void *arg)
{
	int error = 0;

	for (const struct live_map *lm = ts->ts_first; lm != NULL && error == 0;
	     lm = lm->lm_next) {
		error = emit(arg, &lm->lm_attach);
		for (size_t i = 0; i < lm->lm_nevents && error == 0; i++)
			error = emit(arg, &lm->lm_events[i]);
	}
	return error;
}
