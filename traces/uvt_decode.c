/*
 * uvt_decode.c: the frame of a block, as it is in the file, into columns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "traces/uvt_i.h"

bool
block_good(const uint8_t *p, struct uvt_block *ub)
{
	memcpy(ub, p, sizeof(*ub));
	return memcmp(ub->ub_magic, UVT_BLOCK_MAGIC, sizeof(ub->ub_magic)) ==
	    0 &&
	    ub->ub_sum == UVT_SUM(ub, ub_sum) && ub->ub_events > 0 &&
	    ub->ub_events <= UVT_BLOCK_EVENTS && ub->ub_raw <= UVT_RAW_MAX &&
	    ub->ub_packed <= ZSTD_compressBound(UVT_RAW_MAX) &&
	    ub->ub_first <= UINT64_MAX - ub->ub_events;
}

int
decoder_init(struct decoder *dc)
{

	*dc = (struct decoder){ .dc_cap = 0 };
	if (unpacker_init(&dc->dc_up) != 0)
		return ENOMEM;
	dc->dc_zstd = ZSTD_createDCtx();
	if (dc->dc_zstd == NULL)
		return ENOMEM;
	/* forceIgnoreChecksum, of zstd 1.4.5.  Another takes its time to sum
	 * up what it has read: no matter. */
	(void)ZSTD_DCtx_setParameter(dc->dc_zstd, ZSTD_d_experimentalParam3, 1);
	return 0;
}

void
decoder_fini(struct decoder *dc)
{

	unpacker_fini(&dc->dc_up);
	(void)ZSTD_freeDCtx(dc->dc_zstd);
	free(dc->dc_raw);
}

static int
raw_room(struct decoder *dc, size_t len)
{
	uint8_t *raw;

	if (len <= dc->dc_cap)
		return 0;
	raw = realloc(dc->dc_raw, len);
	if (raw == NULL)
		return ENOMEM;
	dc->dc_raw = raw;
	dc->dc_cap = len;
	return 0;
}

int
decoder_open(struct decoder *dc, const struct uvt_block *ub,
    const uint8_t *frame, const struct file_index *files, const char **whatp)
{
	size_t n;

	*whatp = NULL;
	if (XXH3_64bits(frame, ub->ub_packed) != ub->ub_packed_sum) {
		*whatp = "is damaged: its checksum is wrong";
		return EILSEQ;
	}
	if (ZSTD_getFrameContentSize(frame, ub->ub_packed) != ub->ub_raw) {
		*whatp = "has a frame of another size";
		return EILSEQ;
	}
	if (raw_room(dc, ub->ub_raw) != 0)
		return ENOMEM;
	n = ZSTD_decompressDCtx(dc->dc_zstd, dc->dc_raw, ub->ub_raw, frame,
	    ub->ub_packed);
	/* That is no fault of the block's. */
	if (zstd_errno(n, 0) == ENOMEM)
		return ENOMEM;
	if (n != ub->ub_raw)
		*whatp = "is damaged: zstd cannot read it";
	else
		*whatp = unpacker_open(&dc->dc_up, dc->dc_raw, ub->ub_raw,
		    ub->ub_events, files);
	return *whatp != NULL ? EILSEQ : 0;
}
