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
