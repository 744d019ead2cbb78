#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "traces/uvt_i.h"

#define LEVEL 3

struct uvt_writer {
	struct packer uw_pk;
	ZSTD_CCtx *uw_zstd;
	uint8_t *uw_packed;
	size_t uw_cap; /* of uw_packed */
	struct uvt_entry *uw_entries;
	size_t uw_nentries, uw_room;
};

static int
no_memory(const struct trace_writer *tw, struct errmsg *em)
{
	return ERRMSG(em, ENOMEM, "%s: no memory to write it", tw->tw_path);
}

static void
header_fill(const struct trace_writer *tw, struct uvt_header *uh)
{
	const size_t len = strlen(tw->tw_meta.tm_head);

	*uh = (struct uvt_header){
		.uh_version = UVT_VERSION,
		.uh_page = tw->tw_meta.tm_page,
		.uh_events = tw->tw_seq,
		.uh_first = tw->tw_first,
		.uh_last = tw->tw_time,
		.uh_head_len = len,
		.uh_head_sum = XXH3_64bits(tw->tw_meta.tm_head, len),
	};
	memcpy(uh->uh_magic, UVT_MAGIC, UVT_MAGIC_LEN);
	uh->uh_sum = UVT_SUM(uh, uh_sum);
}

static int
uvt_open(struct trace_writer *tw, struct errmsg *em)
{
	struct uvt_writer *uw = calloc(1, sizeof(*uw));
	struct uvt_header uh;
	int error;

	tw->tw_form = uw;
	if (uw == NULL || packer_init(&uw->uw_pk) != 0)
		return no_memory(tw, em);
	uw->uw_cap = ZSTD_compressBound(UVT_RAW_MAX);
	uw->uw_packed = malloc(uw->uw_cap);
	uw->uw_zstd = ZSTD_createCCtx();
	if (uw->uw_packed == NULL || uw->uw_zstd == NULL)
		return no_memory(tw, em);
	(void)ZSTD_CCtx_setParameter(uw->uw_zstd, ZSTD_c_compressionLevel,
	    LEVEL);
	(void)ZSTD_CCtx_setParameter(uw->uw_zstd, ZSTD_c_checksumFlag, 1);
	header_fill(tw, &uh);
	error = out_put(&tw->tw_out, &uh, sizeof(uh), em);
	if (error != 0)
		return error;
	return out_put(&tw->tw_out, tw->tw_meta.tm_head, uh.uh_head_len, em);
}

static int
entry_add(struct trace_writer *tw, uint64_t first, uint64_t time,
    struct errmsg *em)
{
	struct uvt_writer *uw = tw->tw_form;

	if (uw->uw_nentries == uw->uw_room) {
		const size_t room = uw->uw_room != 0 ? uw->uw_room * 2 : 64;
		struct uvt_entry *e =
		    reallocarray(uw->uw_entries, room, sizeof(*e));

		if (e == NULL)
			return no_memory(tw, em);
		uw->uw_entries = e;
		uw->uw_room = room;
	}
	uw->uw_entries[uw->uw_nentries++] =
	    (struct uvt_entry){ tw->tw_out.out_pos, first, time };
	return 0;
}

/* Write the events collected, of which the last is number end - 1. */
static int
block_write(struct trace_writer *tw, uint64_t end, struct errmsg *em)
{
	struct uvt_writer *uw = tw->tw_form;
	struct packer *pk = &uw->uw_pk;
	struct uvt_block ub = {
		.ub_first = end - pk->pk_n,
		.ub_time = pk->pk_ev[0].te_time,
		.ub_last = pk->pk_ev[pk->pk_n - 1].te_time,
		.ub_events = (uint32_t)pk->pk_n,
	};
	const size_t raw = packer_pack(pk);
	const size_t packed = ZSTD_compress2(uw->uw_zstd, uw->uw_packed,
	    uw->uw_cap, pk->pk_raw, raw);
	int error;

	if (ZSTD_isError(packed))
		return ERRMSG(em, zstd_errno(packed, EIO), "%s: zstd says: %s",
		    tw->tw_path, ZSTD_getErrorName(packed));
	memcpy(ub.ub_magic, UVT_BLOCK_MAGIC, sizeof(ub.ub_magic));
	ub.ub_raw = (uint32_t)raw;
	ub.ub_packed = (uint32_t)packed;
	ub.ub_packed_sum = XXH3_64bits(uw->uw_packed, packed);
	ub.ub_sum = UVT_SUM(&ub, ub_sum);
	pk->pk_n = 0;
	error = entry_add(tw, ub.ub_first, ub.ub_time, em);
	if (error == 0)
		error = out_put(&tw->tw_out, &ub, sizeof(ub), em);
	if (error != 0)
		return error;
	return out_put(&tw->tw_out, uw->uw_packed, packed, em);
}

static int
uvt_put(struct trace_writer *tw, const struct trace_event *ev, size_t n,
    struct errmsg *em)
{
	struct uvt_writer *uw = tw->tw_form;
	struct packer *pk = &uw->uw_pk;
	uint64_t seq = tw->tw_seq;

	while (n > 0) {
		const size_t room = UVT_BLOCK_EVENTS - pk->pk_n;
		const size_t part = n < room ? n : room;

		memcpy(pk->pk_ev + pk->pk_n, ev, part * sizeof(*ev));
		pk->pk_n += part;
		ev += part;
		n -= part;
		seq += part;
		if (pk->pk_n == UVT_BLOCK_EVENTS) {
			const int error = block_write(tw, seq, em);

			if (error != 0)
				return error;
		}
	}
	return 0;
}

static int
index_write(struct trace_writer *tw, struct errmsg *em)
{
	struct uvt_writer *uw = tw->tw_form;
	const size_t len = uw->uw_nentries * sizeof(*uw->uw_entries);
	struct uvt_index ui = {
		.ui_blocks = uw->uw_nentries,
		.ui_events = tw->tw_seq,
		.ui_first = tw->tw_first,
		.ui_last = tw->tw_time,
		.ui_entries_sum = XXH3_64bits(uw->uw_entries, len),
	};
	struct uvt_trailer ut = {
		.ut_index = tw->tw_out.out_pos,
		.ut_index_len = sizeof(ui) + len,
	};
	XXH128_canonical_t c;
	int error;

	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(tw->tw_hash));
	memcpy(ui.ui_magic, UVT_INDEX_MAGIC, sizeof(ui.ui_magic));
	memcpy(ui.ui_digest, c.digest, sizeof(ui.ui_digest));
	ui.ui_sum = UVT_SUM(&ui, ui_sum);
	memcpy(ut.ut_magic, UVT_END_MAGIC, sizeof(ut.ut_magic));
	ut.ut_sum = UVT_SUM(&ut, ut_sum);
	error = out_put(&tw->tw_out, &ui, sizeof(ui), em);
	if (error == 0 && len > 0)
		error = out_put(&tw->tw_out, uw->uw_entries, len, em);
	if (error == 0)
		error = out_put(&tw->tw_out, &ut, sizeof(ut), em);
	return error;
}

static int
uvt_finish(struct trace_writer *tw, struct errmsg *em)
{
	struct uvt_writer *uw = tw->tw_form;
	struct uvt_header uh;
	int error = 0;

	if (uw->uw_pk.pk_n > 0)
		error = block_write(tw, tw->tw_seq, em);
	if (error == 0)
		error = index_write(tw, em);
	if (error != 0)
		return error;
	header_fill(tw, &uh);
	error = out_patch(&tw->tw_out, 0, &uh, sizeof(uh), em);
	return error == ESPIPE ? 0 : error;
}

static void
uvt_close(struct trace_writer *tw)
{
	struct uvt_writer *uw = tw->tw_form;

	if (uw == NULL)
		return;
	packer_fini(&uw->uw_pk);
	(void)ZSTD_freeCCtx(uw->uw_zstd);
	free(uw->uw_packed);
	free(uw->uw_entries);
	free(uw);
}

const struct writer_ops uvt_writer_ops = {
	.wo_open = uvt_open,
	.wo_put = uvt_put,
	.wo_finish = uvt_finish,
	.wo_close = uvt_close,
};
