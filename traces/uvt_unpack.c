/*
 * uvt_unpack.c: the columns of a block into events, and into their runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/uvt_i.h"

int
unpacker_init(struct unpacker *up)
{
	up->up_shift = 0;
	/* Not cleared: a block that is opened fills what it uses. */
	up->up_kinds = malloc(UVT_BLOCK_EVENTS * sizeof(*up->up_kinds));
	up->up_runs = malloc(UVT_BLOCK_EVENTS * sizeof(*up->up_runs));
	if (up->up_kinds == NULL || up->up_runs == NULL) {
		unpacker_fini(up);
		return ENOMEM;
	}
	return 0;
}

void
unpacker_fini(struct unpacker *up)
{
	free(up->up_kinds);
	free(up->up_runs);
	up->up_runs = NULL;
	up->up_kinds = NULL;
}

/*
 * Read the next n <= UVT_PIECE values of the columns of kinds: false, if a
 * member cannot hold one.
 */
static bool
kinds_read(struct unpacker *up, size_t n)
{
	/* One less than a power of two each: of all values or-ed, too. */
	static const uint64_t most[UVT_NCOLUMNS] = {
		[UVT_LENGTH] = UINT64_MAX,
		[UVT_PID] = UINT32_MAX,
		[UVT_TID] = UINT32_MAX,
		[UVT_FILE] = UINT32_MAX,
		[UVT_MAP] = UINT32_MAX,
		[UVT_FLAGS] = UINT32_MAX,
		[UVT_OP] = UINT8_MAX,
		[UVT_ORDER] = UINT16_MAX,
	};

	for (unsigned id = UVT_PER_EVENT; id < UVT_NCOLUMNS; id++) {
		uint64_t *const v = up->up_v[id];
		uint64_t bits = 0;

		column_read(&up->up_column[id], v, n);
		for (size_t i = 0; i < n; i++)
			bits |= v[i];
		if (bits > most[id])
			return false;
	}
	return true;
}

/* What is wrong with kind first, one of n that were read, on; and fill them. */
static const char *
kinds_fill(struct unpacker *up, size_t first, size_t n,
    const struct file_index *files)
{
	uint64_t(*const v)[UVT_PIECE] = up->up_v;
	const char *what;

	for (size_t i = 0; i < n; i++) {
		struct trace_event *const te = &up->up_kinds[first + i];

		*te = (struct trace_event){
			.te_length = v[UVT_LENGTH][i],
			.te_pid = (uint32_t)v[UVT_PID][i],
			.te_tid = (uint32_t)v[UVT_TID][i],
			.te_file = (uint32_t)v[UVT_FILE][i],
			.te_map = (uint32_t)v[UVT_MAP][i],
			.te_flags = (uint32_t)v[UVT_FLAGS][i],
			.te_op = (uint8_t)v[UVT_OP][i],
			.te_order = (uint16_t)v[UVT_ORDER][i],
		};
		what = trace_event_check(te);
		if (what != NULL)
			return what;
		if (te->te_file != 0 && !file_index_has(files, te->te_file))
			return "names a file that is not declared";
		if (te->te_length > up->up_reach)
			up->up_reach = te->te_length;
		if (te->te_tid != up->up_tid)
			up->up_tid = first + i == 0 ? te->te_tid : TRACE_TIDS;
	}
	return NULL;
}

/* What a kind, checked, is to runs in pages of that size. */
static struct kind_run
kind_run(const struct trace_event *te, unsigned shift)
{
	const unsigned op = te->te_op - (unsigned)TRACE_READ;
	/* A length of 0 is the longest. */
	const uint64_t last = te->te_length - 1;
	const bool usual = op <= 1 && last >> shift == 0;

	return (struct kind_run){
		.kr_where = usual ? runs_where(te) : 0,
		.kr_last = usual ? (uint32_t)last : 0,
		.kr_write = op == 1,
	};
}

/*
 * Kinds as runs see them; and which are accesses of the mapping that the first
 * such kind is of.
 */
static void
kinds_runs(struct unpacker *up)
{

	up->up_where_alike = up->up_last = 0;
	up->up_alike = up->up_writes = 0;
	for (uint32_t i = 0; i < up->up_nkinds; i++) {
		const struct kind_run kr =
		    kind_run(&up->up_kinds[i], up->up_shift);

		up->up_runs[i] = kr;
		if (up->up_where_alike == 0)
			up->up_where_alike = kr.kr_where;
		if (i >= 64 || kr.kr_where == 0 ||
		    kr.kr_where != up->up_where_alike)
			continue;
		up->up_alike |= (uint64_t)1 << i;
		up->up_writes |= (uint64_t)kr.kr_write << i;
		if (kr.kr_last > up->up_last)
			up->up_last = kr.kr_last;
	}
}

static const char bad_columns[] = "has columns that make no sense";

/* All of an event that does not depend on its time and offset. */
static const char *
kinds_open(struct unpacker *up, const struct file_index *files)
{
	const size_t nkinds = up->up_nkinds;
	const char *what;
	size_t n;

	up->up_reach = 0;
	up->up_tid = TRACE_TIDS;
	for (size_t first = 0; first < nkinds; first += n) {
		n = nkinds - first < UVT_PIECE ? nkinds - first : UVT_PIECE;
		if (!kinds_read(up, n))
			return bad_columns;
		what = kinds_fill(up, first, n, files);
		if (what != NULL)
			return what;
	}
	if (up->up_shift != 0)
		kinds_runs(up);
	return NULL;
}

const char *
unpacker_open(struct unpacker *up, const uint8_t *raw, size_t len, uint32_t n,
    const struct file_index *files)
{

	for (unsigned id = 0; id < UVT_NCOLUMNS; id++) {
		struct column *const co = &up->up_column[id];
		const size_t bytes = column_open(co, raw, len);

		if (bytes == 0)
			return bad_columns;
		if (id == UVT_PER_EVENT)
			up->up_nkinds = co->co_h.uc_count;
		if (co->co_h.uc_count !=
		    (id < UVT_PER_EVENT ? n : up->up_nkinds))
			return bad_columns;
		raw += bytes;
		len -= bytes;
	}
	if (len != 0)
		return bad_columns;
	return kinds_open(up, files);
}

/* One of the events is too far: has it a length that makes it so? */
static const char *
reach_check(const struct trace_event *ev, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *what = trace_event_check(&ev[i]);

		if (what != NULL)
			return what;
	}
	return NULL;
}

/* One vector, where the processor has such. */
typedef uint64_t kind_vector
    __attribute__((vector_size(KIND_SIZE), aligned(8), may_alias));

static inline __attribute__((always_inline)) void
kind_copy(struct trace_event *to, const struct trace_event *kind)
{

	*(kind_vector *)&to->te_length = *(const kind_vector *)&kind->te_length;
}

#define SIGN ((uint64_t)1 << 63)

/*
 * Is a kind of the piece none?  Of a difference of two numbers without it, the
 * sign says which is less: all are or-ed, and nothing else is compared.
 */
static inline __attribute__((always_inline)) bool
kinds_fit(const uint64_t *k, size_t n, uint32_t nkinds)
{
	const uint64_t most = (uint64_t)nkinds - 1;
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= k[i] | (most - k[i]);
	return (bits & SIGN) == 0;
}

/* Do times t[1..n] never go back, from t[0] on? */
static inline __attribute__((always_inline)) bool
times_fit(const uint64_t *t, size_t n)
{
	uint64_t bits = t[0];

	for (size_t i = 1; i <= n; i++)
		bits |= t[i] | (t[i] - t[i - 1]);
	if (likely((bits & SIGN) == 0))
		return true;
	for (size_t i = 1; i <= n; i++)
		if (t[i] < t[i - 1])
			return false;
	return true;
}

/*
 * The usual piece: accesses of one mapping, whatever of them is the longest,
 * each within a page.  Their TRACE_AT() go to rc_at in any case.
 *
 * => false: there may be others; nothing is known
 */
static inline __attribute__((always_inline)) bool
piece_alike(const struct unpacker *up, size_t n, uint32_t *restrict at)
{
	const unsigned shift = up->up_shift;
	const uint64_t in_page = ((uint64_t)1 << shift) - 1;
	const uint64_t last = up->up_last, writes = up->up_writes;
	const uint64_t alike = up->up_alike;
	const uint64_t *const k = up->up_v[UVT_KIND],
			      *const o = up->up_v[UVT_OFFSET];
	uint64_t all = 1, beyond = 0, kinds = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t kind = k[i] & 63;

		all &= alike >> kind;
		kinds |= k[i];
		beyond |= (o[i] >> 31) | ((o[i] & in_page) + last);
		at[i] =
		    (uint32_t)((o[i] >> shift) << 1 | ((writes >> kind) & 1));
	}
	return all != 0 && kinds < 64 && beyond >> shift == 0;
}

/* The runs of n <= UVT_PIECE events, whose columns are read and fit. */
static inline __attribute__((always_inline)) void
piece_runs(struct unpacker *up, size_t n, struct runs_cut *rc)
{
	const unsigned shift = up->up_shift;
	const uint64_t in_page = ((uint64_t)1 << shift) - 1;
	const struct kind_run *const kinds = up->up_runs;
	const uint64_t *const k = up->up_v[UVT_KIND],
			      *const o = up->up_v[UVT_OFFSET];
	uint64_t *const restrict where = up->up_where;
	uint32_t *const restrict at = rc->rc_at;

	if (likely(piece_alike(up, n, at))) {
		runs_same(rc, up->up_where_alike, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct kind_run *const kr = &kinds[k[i]];
		const uint64_t end = (o[i] & in_page) + kr->kr_last;
		const uint64_t page = o[i] >> shift;

		at[i] = TRACE_AT(page, kr->kr_write);
		where[i] = kr->kr_where &
		    -(uint64_t)((end <= in_page) & (page < TRACE_PAGES));
	}
	runs_cut(rc, where, n);
}

/*
 * The next n <= UVT_PIECE events.  Their columns are small enough to stay in
 * the first-level cache between the loops.
 */
static inline __attribute__((always_inline)) const char *
piece_next(struct unpacker *up, struct trace_event *ev, size_t n,
    uint64_t *timep, struct runs_cut *rc)
{
	const struct trace_event *const kinds = up->up_kinds;
	uint64_t *const t = up->up_t, *const o = up->up_v[UVT_OFFSET],
			*const k = up->up_v[UVT_KIND];
	uint64_t far = up->up_reach;

	t[0] = *timep;
	column_read(&up->up_column[UVT_TIME], t + 1, n);
	column_read(&up->up_column[UVT_OFFSET], o, n);
	column_read(&up->up_column[UVT_KIND], k, n);
	if (!kinds_fit(k, n, up->up_nkinds))
		return "has an event of no kind";
	if (!times_fit(t, n))
		return "goes back in time";
#pragma GCC unroll 4
	for (size_t i = 0; i < n; i++) {
		ev[i].te_time = t[i + 1];
		ev[i].te_offset = o[i];
		kind_copy(&ev[i], &kinds[k[i]]);
	}
	*timep = t[n];
	if (rc != NULL)
		piece_runs(up, n, rc);
	for (size_t i = 0; i < n; i++)
		far |= o[i];
	/* Both below half of it: so is their sum. */
	return far > INT64_MAX / 2 ? reach_check(ev, n) : NULL;
}

vectorized const char *
unpacker_next(struct unpacker *up, struct trace_event *ev, size_t n,
    uint64_t *timep, struct runs_cut *rc)
{
	const char *what = NULL;
	uint64_t time = *timep;

	for (size_t i = 0; i < n && what == NULL; i += UVT_PIECE)
		what = piece_next(up, ev + i,
		    n - i < UVT_PIECE ? n - i : UVT_PIECE, &time, rc);
	if (what == NULL)
		*timep = time;
	return what;
}
