#include "tests/traces/stats_naive.h"

#include <string.h>

#define PAGE 4096

struct page {
	uint32_t pg_file;
	uint64_t pg_page;
	bool pg_seen[2], pg_dirty;
};

/* The pages touched so far, the last one first. */
struct stack {
	struct page *sk_page;
	size_t sk_n, sk_room;
};

struct samples {
	uint64_t *sm_v;
	size_t sm_n;
};

struct naive {
	const struct trace_meta *nv_meta;
	const struct trace_event *nv_ev;
	struct stats_result *nv_sr;
	struct stack nv_stack;
	uint32_t nv_private;		 /* a bit for each map below 32 */
	uint64_t nv_from[32], nv_to[32]; /* where maps begin and end */
};

static void
add(struct stats_hist *sh, uint64_t v)
{
	unsigned k = 0;

	while (k < 64 && v >= (uint64_t)1 << k)
		k++;
	sh->sh_bucket[k]++;
	sh->sh_count++;
	sh->sh_sum += v;
	sh->sh_max = v > sh->sh_max ? v : sh->sh_max;
}

/* Move a page to the front.  => the pages above it, or -1: it is new */
static ptrdiff_t
touch(struct stack *sk, uint32_t file, uint64_t page)
{
	struct page pg = { .pg_file = file, .pg_page = page };
	size_t i = 0;

	while (i < sk->sk_n &&
	    (sk->sk_page[i].pg_file != file || sk->sk_page[i].pg_page != page))
		i++;
	if (i == sk->sk_n) {
		if (sk->sk_n == sk->sk_room) {
			sk->sk_room = sk->sk_room * 2 + 16;
			sk->sk_page = reallocarray(sk->sk_page, sk->sk_room,
			    sizeof(*sk->sk_page));
			assert_non_null(sk->sk_page);
		}
		sk->sk_n++;
		memmove(sk->sk_page + 1, sk->sk_page, i * sizeof(pg));
		sk->sk_page[0] = pg;
		return -1;
	}
	pg = sk->sk_page[i];
	memmove(sk->sk_page + 1, sk->sk_page, i * sizeof(pg));
	sk->sk_page[0] = pg;
	return (ptrdiff_t)i;
}

static uint64_t
pages_of(const struct trace_event *te, uint64_t *firstp)
{
	const uint64_t end = (te->te_offset + te->te_length + PAGE - 1) / PAGE;

	*firstp = te->te_offset / PAGE;
	return end > *firstp ? end - *firstp : 1;
}

static void
naive_access(struct naive *nv, const struct trace_event *te)
{
	struct stats_result *const sr = nv->nv_sr;
	struct stats_file *const sf = &sr->sr_files[te->te_file - 1];
	const bool write = te->te_op == TRACE_WRITE;
	const bool private = (te->te_flags & TRACE_F_PRIVATE) != 0 ||
	    (nv->nv_private >> te->te_map & 1) != 0;
	uint64_t first;
	const uint64_t n = pages_of(te, &first);

	for (uint64_t i = 0; i < n; i++) {
		const ptrdiff_t far =
		    touch(&nv->nv_stack, te->te_file, first + i);
		struct page *const pg = &nv->nv_stack.sk_page[0];

		sr->sr_accesses[write]++;
		sf->sf_accesses[write]++;
		for (unsigned f = 0; f < TRACE_NFLAGS; f++)
			sr->sr_flag[f][write] += te->te_flags >> f & 1;
		if (far >= 0) {
			add(&sr->sr_reuse, (uint64_t)far);
		} else {
			sr->sr_touched++;
			sf->sf_touched++;
		}
		sf->sf_pages[write] += !pg->pg_seen[write];
		pg->pg_seen[write] = true;
		if (write && !private && !pg->pg_dirty) {
			pg->pg_dirty = true;
			sr->sr_dirtied++;
		}
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct page *const x = *(const struct page *const *)a;
	const struct page *const y = *(const struct page *const *)b;

	if (x->pg_file != y->pg_file)
		return x->pg_file < y->pg_file ? -1 : 1;
	return (x->pg_page > y->pg_page) - (x->pg_page < y->pg_page);
}

/* Clean pages from..to - 1 of a file, or of all, and add up their runs. */
static uint64_t
clean(struct naive *nv, uint32_t file, uint64_t from, uint64_t to,
    struct stats_hist *runs)
{
	struct stack *const sk = &nv->nv_stack;
	struct page **found = calloc(sk->sk_n + 1, sizeof(struct page *));
	uint64_t n = 0, run = 0;

	assert_non_null(found);
	for (size_t i = 0; i < sk->sk_n; i++) {
		struct page *const pg = &sk->sk_page[i];

		if (pg->pg_dirty && (file == 0 || pg->pg_file == file) &&
		    pg->pg_page >= from && pg->pg_page < to)
			found[n++] = pg;
	}
	qsort(found, n, sizeof(struct page *), by_place);
	for (uint64_t i = 0; i < n; i++) {
		found[i]->pg_dirty = false;
		run++;
		if (runs != NULL &&
		    (i + 1 == n || found[i + 1]->pg_file != found[i]->pg_file ||
			found[i + 1]->pg_page != found[i]->pg_page + 1)) {
			add(runs, run);
			run = 0;
		}
	}
	free(found);
	return n;
}

static enum stats_sync_kind
kind_of(const struct trace_event *te)
{
	if (te->te_op == TRACE_SYNC)
		return STATS_ALL;
	if (te->te_op == TRACE_MSYNC)
		return te->te_flags & TRACE_F_ASYNC ? STATS_ASYNC : STATS_MSYNC;
	if (te->te_op != TRACE_FSYNC)
		return STATS_NSYNCS;
	if (te->te_flags & TRACE_F_RANGE)
		return STATS_RANGE;
	return te->te_flags & TRACE_F_DATA ? STATS_FDATASYNC : STATS_FSYNC;
}

static void
naive_sync(struct naive *nv, const struct trace_event *te)
{
	const enum stats_sync_kind kind = kind_of(te);
	const bool ranged =
	    kind == STATS_MSYNC || kind == STATS_ASYNC || kind == STATS_RANGE;
	uint64_t from = 0, to = UINT64_MAX;

	if (ranged)
		from = te->te_offset / PAGE;
	if (ranged && te->te_length > 0)
		to = (te->te_offset + te->te_length + PAGE - 1) / PAGE;
	else if (ranged && kind != STATS_RANGE && nv->nv_to[te->te_map] > 0)
		to = (nv->nv_to[te->te_map] + PAGE - 1) / PAGE;
	for (unsigned any = 0; any < 2; any++) {
		struct stats_sync *const sy =
		    &nv->nv_sr->sr_sync[any ? STATS_ANY : kind];
		struct stats_hist runs = { .sh_count = 0 };

		sy->sy_count++;
		if (any)
			continue;
		const uint64_t n = clean(nv,
		    kind == STATS_ALL ? 0 : te->te_file, from, to, &runs);
		struct stats_sync *const both[] = { sy,
			&nv->nv_sr->sr_sync[STATS_ANY] };

		for (unsigned i = 0; i < 2; i++) {
			both[i]->sy_clean += n == 0;
			add(&both[i]->sy_pages, n);
			for (unsigned k = 0; k < STATS_BUCKETS; k++)
				both[i]->sy_runs.sh_bucket[k] +=
				    runs.sh_bucket[k];
			both[i]->sy_runs.sh_count += runs.sh_count;
			both[i]->sy_runs.sh_sum += runs.sh_sum;
			if (runs.sh_max > both[i]->sy_runs.sh_max)
				both[i]->sy_runs.sh_max = runs.sh_max;
		}
	}
}

static void
naive_drop(struct naive *nv, const struct trace_event *te)
{
	uint64_t from = (te->te_length + PAGE - 1) / PAGE, to = UINT64_MAX;

	if (te->te_op == TRACE_FALLOCATE) {
		if ((te->te_flags & (TRACE_F_PUNCH | TRACE_F_ZERO)) == 0)
			return;
		from = (te->te_offset + PAGE - 1) / PAGE;
		to = (te->te_offset + te->te_length) / PAGE;
	}
	nv->nv_sr->sr_dropped += clean(nv, te->te_file, from, to, NULL);
}

static void
naive_event(struct naive *nv, const struct trace_event *te)
{
	struct stats_result *const sr = nv->nv_sr;
	const bool write = te->te_op == TRACE_PWRITE;

	sr->sr_ops[te->te_op]++;
	if (te->te_op == TRACE_READ || te->te_op == TRACE_WRITE)
		naive_access(nv, te);
	else if (te->te_op == TRACE_PREAD || write) {
		sr->sr_bytes[write] += te->te_length;
		sr->sr_files[te->te_file - 1].sf_calls[write]++;
		sr->sr_files[te->te_file - 1].sf_bytes[write] += te->te_length;
	} else if (kind_of(te) != STATS_NSYNCS)
		naive_sync(nv, te);
	else if (te->te_op == TRACE_TRUNCATE || te->te_op == TRACE_FALLOCATE)
		naive_drop(nv, te);
	else if (te->te_op == TRACE_ATTACH) {
		nv->nv_private &= ~(UINT32_C(1) << te->te_map);
		if (te->te_flags & TRACE_F_PRIVATE)
			nv->nv_private |= UINT32_C(1) << te->te_map;
		nv->nv_from[te->te_map] = te->te_offset;
		nv->nv_to[te->te_map] = te->te_offset + te->te_length;
	} else if (te->te_op == TRACE_DETACH &&
	    (te->te_length == 0 ||
		(te->te_offset <= nv->nv_from[te->te_map] &&
		    te->te_offset + te->te_length >= nv->nv_to[te->te_map]))) {
		nv->nv_private &= ~(UINT32_C(1) << te->te_map);
		nv->nv_to[te->te_map] = 0;
	}
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sort them; the p-th of a hundred is the least that p in 100 do not exceed. */
static void
naive_spread(struct samples *sm, struct stats_spread *ss)
{
	*ss = (struct stats_spread){ sm->sm_n, sm->sm_n, 0, 0, 0 };
	if (sm->sm_n == 0)
		return;
	qsort(sm->sm_v, sm->sm_n, sizeof(*sm->sm_v), by_value);
	ss->ss_max = sm->sm_v[sm->sm_n - 1];
	for (size_t i = sm->sm_n; i > 0; i--) {
		if (10 * i >= 5 * sm->sm_n)
			ss->ss_median = sm->sm_v[i - 1];
		if (10 * i >= 9 * sm->sm_n)
			ss->ss_p90 = sm->sm_v[i - 1];
	}
}

/* The intervals of a kind: each sync and the one before it. */
static void
naive_intervals(const struct trace_event *ev, size_t n, unsigned kind,
    struct stats_sync *sy)
{
	struct samples time = { calloc(n + 1, 8), 0 };
	struct samples between = { calloc(n + 1, 8), 0 };
	uint64_t accesses = 0, last_accesses = 0, first;
	const struct trace_event *last = NULL;

	assert_non_null(time.sm_v);
	assert_non_null(between.sm_v);
	for (size_t i = 0; i < n; i++) {
		if (ev[i].te_op == TRACE_READ || ev[i].te_op == TRACE_WRITE)
			accesses += pages_of(&ev[i], &first);
		if (kind_of(&ev[i]) == STATS_NSYNCS ||
		    (kind != STATS_ANY && kind_of(&ev[i]) != kind))
			continue;
		if (last != NULL) {
			time.sm_v[time.sm_n++] = ev[i].te_time - last->te_time;
			between.sm_v[between.sm_n++] = accesses - last_accesses;
		}
		last = &ev[i];
		last_accesses = accesses;
	}
	naive_spread(&time, &sy->sy_time);
	naive_spread(&between, &sy->sy_accesses);
	free(time.sm_v);
	free(between.sm_v);
}

/* All accesses of a thread in a file, page by page. */
static struct samples
track(const struct trace_event *ev, size_t n, const struct trace_event *like)
{
	struct samples sm = { NULL, 0 };
	size_t room = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t first, pages;

		if ((ev[i].te_op != TRACE_READ && ev[i].te_op != TRACE_WRITE) ||
		    ev[i].te_pid != like->te_pid ||
		    ev[i].te_tid != like->te_tid ||
		    ev[i].te_file != like->te_file)
			continue;
		pages = pages_of(&ev[i], &first);
		for (uint64_t k = 0; k < pages; k++) {
			if (sm.sm_n == room) {
				room = room * 2 + 16;
				sm.sm_v = reallocarray(sm.sm_v, room, 8);
				assert_non_null(sm.sm_v);
			}
			sm.sm_v[sm.sm_n++] = first + k;
		}
	}
	return sm;
}

/* Steps, and runs: as long as they go on one by one in one direction. */
static void
naive_track(const struct samples *sm, struct stats_seq *sq)
{
	int64_t way = 0;
	uint64_t run = 1;

	sq->sq_first++;
	for (size_t i = 1; i <= sm->sm_n; i++) {
		const int64_t by = i < sm->sm_n ?
		    (int64_t)(sm->sm_v[i] - sm->sm_v[i - 1]) :
		    INT64_MAX;

		if (by == 0) {
			sq->sq_same++;
			continue;
		}
		if (i < sm->sm_n)
			add(&sq->sq_step[by > 0],
			    (uint64_t)(by > 0 ? by : -by));
		if ((by == 1 || by == -1) && (way == 0 || way == by)) {
			way = by;
			run++;
			continue;
		}
		if (way == 0)
			sq->sq_alone++;
		else
			add(&sq->sq_run[way > 0], run);
		way = 0;
		run = 1;
	}
}

/* Is this the first event with its pid or tid? */
static bool
new_thread(const struct trace_event *ev, size_t i, bool tid)
{
	for (size_t j = 0; j < i; j++)
		if (tid ? ev[j].te_tid == ev[i].te_tid :
			  ev[j].te_pid == ev[i].te_pid)
			return false;
	return true;
}

/* Is this the first access of its thread in its file? */
static bool
new_track(const struct trace_event *ev, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if ((ev[j].te_op == TRACE_READ || ev[j].te_op == TRACE_WRITE) &&
		    ev[j].te_pid == ev[i].te_pid &&
		    ev[j].te_tid == ev[i].te_tid &&
		    ev[j].te_file == ev[i].te_file)
			return false;
	return ev[i].te_op == TRACE_READ || ev[i].te_op == TRACE_WRITE;
}

void
stats_naive(const struct trace_meta *tm, const struct trace_event *ev, size_t n,
    struct stats_result *sr)
{
	struct naive nv = { .nv_meta = tm, .nv_ev = ev, .nv_sr = sr };

	memset(sr, 0, sizeof(*sr));
	sr->sr_files = calloc(tm->tm_nfiles + 1, sizeof(*sr->sr_files));
	assert_non_null(sr->sr_files);
	sr->sr_nfiles = tm->tm_nfiles;
	sr->sr_events = n;
	sr->sr_first = n > 0 ? ev[0].te_time : 0;
	sr->sr_last = n > 0 ? ev[n - 1].te_time : 0;
	sr->sr_pids_complete = sr->sr_pages_complete = true;
	sr->sr_reuse_known = sr->sr_seq.sq_complete = true;
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		sr->sr_files[i].sf_file = &tm->tm_files[i];
	for (size_t i = 0; i < n; i++) {
		naive_event(&nv, &ev[i]);
		sr->sr_pids += new_thread(ev, i, false);
		sr->sr_tids += new_thread(ev, i, true);
		if (new_track(ev, i)) {
			struct samples sm = track(ev, n, &ev[i]);

			naive_track(&sm, &sr->sr_seq);
			free(sm.sm_v);
		}
	}
	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++)
		naive_intervals(ev, n, kind, &sr->sr_sync[kind]);
	for (size_t i = 0; i < nv.nv_stack.sk_n; i++)
		sr->sr_dirty += nv.nv_stack.sk_page[i].pg_dirty;
	free(nv.nv_stack.sk_page);
}

uint64_t
stats_naive_pages(const struct trace_event *ev, size_t n, uint64_t from,
    uint64_t to, uint64_t *accessesp)
{
	struct stack sk = { .sk_n = 0 };
	uint64_t first, pages;

	*accessesp = 0;
	for (size_t i = 0; i < n; i++) {
		if ((ev[i].te_op != TRACE_READ && ev[i].te_op != TRACE_WRITE) ||
		    ev[i].te_time < from || ev[i].te_time >= to)
			continue;
		pages = pages_of(&ev[i], &first);
		*accessesp += pages;
		for (uint64_t k = 0; k < pages; k++)
			(void)touch(&sk, ev[i].te_file, first + k);
	}
	free(sk.sk_page);
	return sk.sk_n;
}

/* Flags that go together, for ops that have some. */
static uint32_t
some_flags(struct dice *d, enum trace_op op)
{
	static const struct {
		enum trace_op op;
		uint32_t flags[4];
	} some[] = {
		{ TRACE_READ,
		    { 0, 0, TRACE_F_IFETCH,
			TRACE_F_KERNEL | TRACE_F_PRIVATE } },
		{ TRACE_WRITE, { 0, 0, TRACE_F_PRIVATE, TRACE_F_KERNEL } },
		{ TRACE_ATTACH,
		    { TRACE_F_SHARED, TRACE_F_SHARED | TRACE_F_R,
			TRACE_F_PRIVATE, TRACE_F_SHARED } },
		{ TRACE_MSYNC,
		    { TRACE_F_SYNC, TRACE_F_ASYNC, 0,
			TRACE_F_SYNC | TRACE_F_INVALIDATE } },
		{ TRACE_FSYNC,
		    { 0, TRACE_F_DATA, TRACE_F_RANGE, TRACE_F_RANGE } },
		{ TRACE_FALLOCATE,
		    { 0, TRACE_F_KEEP, TRACE_F_ZERO,
			TRACE_F_KEEP | TRACE_F_PUNCH } },
	};

	for (size_t i = 0; i < nitems(some); i++)
		if (some[i].op == op)
			return some[i].flags[dice_below(d, 4)];
	return 0;
}

struct trace_event *
stats_events(struct dice *d, size_t n, uint32_t nfiles, uint64_t pages)
{
	struct trace_event *const ev = calloc(n + 1, sizeof(*ev));
	uint64_t time = dice_below(d, 1000000);
	uint64_t at[4] = { 0 };

	assert_non_null(ev);
	for (size_t i = 0; i < n; i++) {
		struct trace_event *const te = &ev[i];
		const uint64_t what = dice_below(d, 100);
		const unsigned thread = (unsigned)dice_below(d, 4);
		const uint64_t how = dice_below(d, 4);

		time += dice_below(d, 50) == 0 ? dice_below(d, 100000) :
						 dice_below(d, 300);
		te->te_time = time;
		te->te_pid = 10 + thread / 2;
		te->te_tid = 20 + thread;
		te->te_file = 1 + (uint32_t)dice_below(d, nfiles);
		te->te_map = 1 + (uint32_t)dice_below(d, 20);
		te->te_op = what < 55 ? TRACE_READ :
		    what < 90	      ? TRACE_WRITE :
					(uint8_t)dice_below(d, TRACE_NOPS);
		te->te_flags = some_flags(d, te->te_op);
		/* Go on, go back, stay, or go somewhere. */
		at[thread] = how == 0	       ? at[thread] + 1 :
		    how == 1 && at[thread] > 0 ? at[thread] - 1 :
		    how == 2		       ? at[thread] :
						 dice_below(d, pages);
		if (dice_below(d, 100) == 0)
			at[thread] = ((uint64_t)1 << 50) + dice_below(d, pages);
		te->te_offset =
		    at[thread] * PAGE + dice_below(d, 2) * dice_below(d, PAGE);
		te->te_length = dice_below(d, 3) != 0 ?
		    PAGE :
		    dice_below(d, PAGE * (pages / 4 + 1));
		if (te->te_op == TRACE_TRUNCATE)
			te->te_offset = 0;
		assert_null(trace_event_check(te));
	}
	return ev;
}

struct trace_stats *
stats_of(const struct trace_meta *tm, const struct stats_param *sp,
    const struct trace_event *ev, size_t n, const struct stats_result **srp)
{
	struct errmsg em = { .em_text = "" };
	struct trace_stats *ts;

	must_em(trace_stats_create(tm, sp, &ts, &em), &em);
	trace_stats_take(ts, ev, n);
	*srp = trace_stats_result(ts);
	return ts;
}
