#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "traces/uvt_i.h"

/* Twice the most kinds, so that probes stay short. */
#define SLOTS	  (2 * UVT_BLOCK_EVENTS)
#define SLOT_MASK (SLOTS - 1)

int
packer_init(struct packer *pk)
{
	const size_t column = sizeof(struct uvt_column) + 8 * UVT_BLOCK_EVENTS;

	*pk = (struct packer){ 0 };
	pk->pk_ev = calloc(UVT_BLOCK_EVENTS, sizeof(*pk->pk_ev));
	pk->pk_values = calloc(UVT_BLOCK_EVENTS, sizeof(*pk->pk_values));
	pk->pk_kind = calloc(UVT_BLOCK_EVENTS, sizeof(*pk->pk_kind));
	pk->pk_first = calloc(UVT_BLOCK_EVENTS, sizeof(*pk->pk_first));
	pk->pk_slots = calloc(SLOTS, sizeof(*pk->pk_slots));
	pk->pk_raw = malloc(UVT_RAW_MAX);
	pk->pk_trial.tl_cap = ZSTD_compressBound(column);
	pk->pk_trial.tl_packed = malloc(pk->pk_trial.tl_cap);
	pk->pk_trial.tl_other = malloc(column);
	pk->pk_trial.tl_zstd = ZSTD_createCCtx();
	if (pk->pk_ev == NULL || pk->pk_values == NULL || pk->pk_kind == NULL ||
	    pk->pk_first == NULL || pk->pk_slots == NULL ||
	    pk->pk_raw == NULL || pk->pk_trial.tl_packed == NULL ||
	    pk->pk_trial.tl_other == NULL || pk->pk_trial.tl_zstd == NULL) {
		packer_fini(pk);
		return ENOMEM;
	}
	return 0;
}

void
packer_fini(struct packer *pk)
{
	free(pk->pk_ev);
	free(pk->pk_values);
	free(pk->pk_kind);
	free(pk->pk_first);
	free(pk->pk_slots);
	free(pk->pk_raw);
	free(pk->pk_trial.tl_packed);
	free(pk->pk_trial.tl_other);
	(void)ZSTD_freeCCtx(pk->pk_trial.tl_zstd);
	*pk = (struct packer){ 0 };
}

/* The column's value in an event. */
static uint64_t
value_get(const struct trace_event *te, enum uvt_column_id id)
{
	switch (id) {
	case UVT_TIME:
		return te->te_time;
	case UVT_OFFSET:
		return te->te_offset;
	case UVT_LENGTH:
		return te->te_length;
	case UVT_PID:
		return te->te_pid;
	case UVT_TID:
		return te->te_tid;
	case UVT_FILE:
		return te->te_file;
	case UVT_MAP:
		return te->te_map;
	case UVT_FLAGS:
		return te->te_flags;
	case UVT_OP:
		return te->te_op;
	case UVT_ORDER:
		return te->te_order;
	case UVT_KIND:
	case UVT_NCOLUMNS:
		break;
	}
	return 0;
}

/* => false: the member cannot hold the value */
static bool
value_set(struct trace_event *te, enum uvt_column_id id, uint64_t v)
{
	static const uint64_t max[UVT_NCOLUMNS] = {
		[UVT_LENGTH] = UINT64_MAX,
		[UVT_PID] = UINT32_MAX,
		[UVT_TID] = UINT32_MAX,
		[UVT_FILE] = UINT32_MAX,
		[UVT_MAP] = UINT32_MAX,
		[UVT_FLAGS] = UINT32_MAX,
		[UVT_OP] = UINT8_MAX,
		[UVT_ORDER] = UINT16_MAX,
	};

	if (v > max[id])
		return false;
	switch (id) {
	case UVT_LENGTH:
		te->te_length = v;
		break;
	case UVT_PID:
		te->te_pid = (uint32_t)v;
		break;
	case UVT_TID:
		te->te_tid = (uint32_t)v;
		break;
	case UVT_FILE:
		te->te_file = (uint32_t)v;
		break;
	case UVT_MAP:
		te->te_map = (uint32_t)v;
		break;
	case UVT_FLAGS:
		te->te_flags = (uint32_t)v;
		break;
	case UVT_OP:
		te->te_op = (uint8_t)v;
		break;
	case UVT_ORDER:
		te->te_order = (uint16_t)v;
		break;
	case UVT_TIME:
	case UVT_OFFSET:
	case UVT_KIND:
	case UVT_NCOLUMNS:
		return false;
	}
	return true;
}

/* Everything of an event but its time and offset stands in one piece. */
#define KIND_OFF  offsetof(struct trace_event, te_length)
#define KIND_SIZE (sizeof(struct trace_event) - KIND_OFF)

static const uint8_t *
kind_bytes(const struct trace_event *te)
{
	return (const uint8_t *)te + KIND_OFF;
}

/* Number the kinds of the events; returns how many there are. */
static uint32_t
kinds_find(struct packer *pk)
{
	uint32_t n = 0, last = 0;

	memset(pk->pk_slots, 0, SLOTS * sizeof(*pk->pk_slots));
	for (uint32_t i = 0; i < pk->pk_n; i++) {
		const uint8_t *k = kind_bytes(&pk->pk_ev[i]);
		size_t s;

		if (n > 0 &&
		    memcmp(k, kind_bytes(&pk->pk_ev[pk->pk_first[last]]),
			KIND_SIZE) == 0) {
			pk->pk_kind[i] = last;
			continue;
		}
		s = XXH3_64bits(k, KIND_SIZE) & SLOT_MASK;
		while (pk->pk_slots[s] != 0 &&
		    memcmp(k,
			kind_bytes(
			    &pk->pk_ev[pk->pk_first[pk->pk_slots[s] - 1]]),
			KIND_SIZE) != 0)
			s = (s + 1) & SLOT_MASK;
		if (pk->pk_slots[s] == 0) {
			pk->pk_first[n++] = i;
			pk->pk_slots[s] = n;
		}
		last = pk->pk_slots[s] - 1;
		pk->pk_kind[i] = last;
	}
	return n;
}

size_t
packer_pack(struct packer *pk)
{
	const uint32_t nkinds = kinds_find(pk);
	size_t len = 0;

	for (unsigned id = 0; id < UVT_NCOLUMNS; id++) {
		const size_t n = id < UVT_PER_EVENT ? pk->pk_n : nkinds;

		for (size_t i = 0; i < n; i++) {
			const size_t from =
			    id < UVT_PER_EVENT ? i : pk->pk_first[i];

			pk->pk_values[i] = id == UVT_KIND ?
			    pk->pk_kind[i] :
			    value_get(&pk->pk_ev[from], (enum uvt_column_id)id);
		}
		len += column_write(&pk->pk_trial, pk->pk_values, n,
		    pk->pk_raw + len);
	}
	return len;
}

int
unpacker_init(struct unpacker *up)
{
	up->up_kinds = calloc(UVT_BLOCK_EVENTS, sizeof(*up->up_kinds));
	up->up_values = calloc(UVT_BLOCK_EVENTS, sizeof(*up->up_values));
	if (up->up_kinds == NULL || up->up_values == NULL) {
		unpacker_fini(up);
		return ENOMEM;
	}
	return 0;
}

void
unpacker_fini(struct unpacker *up)
{
	free(up->up_kinds);
	free(up->up_values);
	up->up_kinds = NULL;
	up->up_values = NULL;
}

/* The column id of every kind. */
static bool
kinds_fill(struct unpacker *up, struct column *co, enum uvt_column_id id)
{
	column_read(co, up->up_values, up->up_nkinds);
	for (uint32_t i = 0; i < up->up_nkinds; i++)
		if (!value_set(&up->up_kinds[i], id, up->up_values[i]))
			return false;
	return true;
}

/* All of an event that does not depend on its time and offset. */
static const char *
kinds_check(struct unpacker *up, const struct file_index *files)
{
	up->up_reach = 0;
	for (uint32_t i = 0; i < up->up_nkinds; i++) {
		struct trace_event *te = &up->up_kinds[i];
		const char *what;

		te->te_time = te->te_offset = 0;
		te->te_zero = 0;
		what = trace_event_check(te);
		if (what != NULL)
			return what;
		if (te->te_file != 0 && !file_index_has(files, te->te_file))
			return "names a file that is not declared";
		if (te->te_length > up->up_reach)
			up->up_reach = te->te_length;
	}
	return NULL;
}

const char *
unpacker_open(struct unpacker *up, const uint8_t *raw, size_t len, uint32_t n,
    const struct file_index *files)
{
	static const char bad[] = "has columns that make no sense";
	struct column *per_event[] = { &up->up_time, &up->up_offset,
		&up->up_kind };

	for (unsigned id = 0; id < UVT_NCOLUMNS; id++) {
		struct column other = { .co_planes = NULL };
		struct column *co = id < UVT_PER_EVENT ? per_event[id] : &other;
		const size_t bytes = column_open(co, raw, len);

		if (bytes == 0)
			return bad;
		if (id == UVT_PER_EVENT)
			up->up_nkinds = co->co_h.uc_count;
		if (co->co_h.uc_count !=
		    (id < UVT_PER_EVENT ? n : up->up_nkinds))
			return bad;
		if (id >= UVT_PER_EVENT &&
		    !kinds_fill(up, co, (enum uvt_column_id)id))
			return bad;
		raw += bytes;
		len -= bytes;
	}
	if (len != 0)
		return bad;
	return kinds_check(up, files);
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

vectorized const char *
unpacker_next(struct unpacker *up, struct trace_event *ev, size_t n,
    uint64_t *timep)
{
	const struct trace_event *kinds = up->up_kinds;
	const uint32_t nkinds = up->up_nkinds;
	uint64_t last = *timep, far = 0;
	bool back = false, beyond = false;

	column_read(&up->up_time, up->up_t, n);
	column_read(&up->up_offset, up->up_o, n);
	column_read(&up->up_kind, up->up_k, n);
	for (size_t i = 0; i < n; i++)
		beyond |= up->up_k[i] >= nkinds;
	if (beyond)
		return "has an event of no kind";
	for (size_t i = 0; i < n; i++) {
		const uint64_t t = up->up_t[i], o = up->up_o[i];

		ev[i] = kinds[up->up_k[i]];
		ev[i].te_time = t;
		ev[i].te_offset = o;
		back |= t < last;
		far = o > far ? o : far;
		last = t;
	}
	if (back)
		return "goes back in time";
	if (far > INT64_MAX || far + up->up_reach > INT64_MAX) {
		const char *what = reach_check(ev, n);

		if (what != NULL)
			return what;
	}
	*timep = last;
	return NULL;
}
