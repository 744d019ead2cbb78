#include <string.h>
#include <zstd.h>

#include "traces/uvt_i.h"

/* Columns shorter than this are not worth a trial. */
#define TRIAL_MIN 256

static uint8_t
width_of(uint64_t max)
{
	uint8_t width = 1;

	while ((max >>= 8) != 0)
		width++;
	return width;
}

/* Bits that all values have as 0 at their low end. */
static uint8_t
shift_of(uint64_t bits)
{
	return bits == 0 ? 0 : (uint8_t)__builtin_ctzll(bits);
}

static bool
step_fits(const uint64_t *v, size_t n, struct uvt_column *uc)
{
	const uint64_t step = n > 1 ? v[1] - v[0] : 0;

	for (size_t i = 2; i < n; i++)
		if (v[i] - v[i - 1] != step)
			return false;
	uc->uc_code = UVT_STEP;
	uc->uc_width = uc->uc_shift = 0;
	uc->uc_base = v[0];
	uc->uc_step = step;
	return true;
}

static void
plain_fit(const uint64_t *v, size_t n, struct uvt_column *uc)
{
	uint64_t min = v[0], max = v[0], bits = 0;

	for (size_t i = 1; i < n; i++) {
		min = v[i] < min ? v[i] : min;
		max = v[i] > max ? v[i] : max;
	}
	for (size_t i = 0; i < n; i++)
		bits |= v[i] - min;
	uc->uc_code = UVT_PLAIN;
	uc->uc_shift = shift_of(bits);
	uc->uc_width = width_of((max - min) >> uc->uc_shift);
	uc->uc_base = min;
	uc->uc_step = 0;
}

/* The least step becomes uc_step, so that what is left is not negative. */
static void
delta_fit(const uint64_t *v, size_t n, struct uvt_column *uc)
{
	int64_t min = (int64_t)(v[1] - v[0]), max = min;
	uint64_t bits = 0;

	for (size_t i = 2; i < n; i++) {
		const int64_t d = (int64_t)(v[i] - v[i - 1]);

		min = d < min ? d : min;
		max = d > max ? d : max;
	}
	for (size_t i = 1; i < n; i++)
		bits |= v[i] - v[i - 1] - (uint64_t)min;
	uc->uc_code = UVT_DELTA;
	uc->uc_shift = shift_of(bits);
	uc->uc_width =
	    width_of(((uint64_t)max - (uint64_t)min) >> uc->uc_shift);
	uc->uc_base = v[0] - (uint64_t)min;
	uc->uc_step = (uint64_t)min;
}

static size_t
column_encode(const struct uvt_column *uc, const uint64_t *v, uint8_t *dst)
{
	const size_t n = uc->uc_count;
	uint8_t *planes = dst + sizeof(*uc);
	uint64_t last = uc->uc_base;

	memcpy(dst, uc, sizeof(*uc));
	if (uc->uc_code == UVT_STEP)
		return sizeof(*uc);
	for (size_t i = 0; i < n; i++) {
		uint64_t x = v[i] - last;

		if (uc->uc_code == UVT_DELTA) {
			x -= uc->uc_step;
			last = v[i];
		}
		x >>= uc->uc_shift;
		for (unsigned w = 0; w < uc->uc_width; w++)
			planes[w * n + i] = (uint8_t)(x >> 8 * w);
	}
	return sizeof(*uc) + n * uc->uc_width;
}

static size_t
packed_size(struct trial *tl, const uint8_t *p, size_t len)
{
	const size_t n = ZSTD_compressCCtx(tl->tl_zstd, tl->tl_packed,
	    tl->tl_cap, p, len, 1);

	return ZSTD_isError(n) ? len : n;
}

size_t
column_write(struct trial *tl, const uint64_t *v, size_t n, uint8_t *dst)
{
	struct uvt_column plain = { .uc_count = (uint32_t)n };
	struct uvt_column delta = plain;
	size_t len, dlen;

	if (step_fits(v, n, &plain))
		return column_encode(&plain, v, dst);
	plain_fit(v, n, &plain);
	delta_fit(v, n, &delta);
	if (n < TRIAL_MIN)
		return column_encode(delta.uc_width < plain.uc_width ? &delta :
								       &plain,
		    v, dst);
	len = column_encode(&plain, v, dst);
	dlen = column_encode(&delta, v, tl->tl_other);
	/* The first is read faster: let it have a little more. */
	if (packed_size(tl, tl->tl_other, dlen) >=
	    packed_size(tl, dst, len) * 63 / 64)
		return len;
	memcpy(dst, tl->tl_other, dlen);
	return dlen;
}

size_t
column_open(struct column *co, const uint8_t *src, size_t len)
{
	struct uvt_column *uc = &co->co_h;
	size_t bytes;

	if (len < sizeof(*uc))
		return 0;
	memcpy(uc, src, sizeof(*uc));
	if (uc->uc_code >= UVT_NCODES || uc->uc_width > 8 ||
	    uc->uc_shift > 63 || uc->uc_zero != 0 || uc->uc_count == 0 ||
	    uc->uc_count > UVT_BLOCK_EVENTS ||
	    (uc->uc_code == UVT_STEP) != (uc->uc_width == 0))
		return 0;
	bytes = (size_t)uc->uc_count * uc->uc_width;
	if (bytes > len - sizeof(*uc))
		return 0;
	co->co_planes = src + sizeof(*uc);
	co->co_at = 0;
	co->co_last = uc->uc_base;
	return sizeof(*uc) + bytes;
}

/* Values that a compiler turns into vectors without being asked for more. */
#define RUN 32

/* The same of a column that has steps only. */
#define STEPS 8

/*
 * n values of width planes, the first at p, the next planes so many bytes
 * apart; each, shifted, is added to base.
 *
 * => inlined with a width that is known: half as wide a vector element does for
 *    the narrow ones, which most are
 */
static inline __attribute__((always_inline)) void
narrow_read(const uint8_t *p, size_t stride, unsigned width, uint64_t base,
    unsigned shift, uint64_t *v, size_t n)
{

	for (size_t i = 0; i < n; i++) {
		uint32_t x = p[i];

		for (unsigned w = 1; w < width; w++)
			x |= (uint32_t)p[w * stride + i] << 8 * w;
		v[i] = base + ((uint64_t)x << shift);
	}
}

static inline __attribute__((always_inline)) void
wide_read(const uint8_t *p, size_t stride, unsigned width, uint64_t base,
    unsigned shift, uint64_t *v, size_t n)
{

	for (size_t i = 0; i < n; i++) {
		uint64_t x = p[i];

		for (unsigned w = 1; w < width; w++)
			x |= (uint64_t)p[w * stride + i] << 8 * w;
		v[i] = base + (x << shift);
	}
}

/* As many at a time as make whole vectors. */
#define READ_RUNS(read, width)                                                 \
	for (; n >= RUN; n -= RUN, p += RUN, v += RUN)                         \
		read(p, stride, width, base, shift, v, RUN);                   \
	read(p, stride, width, base, shift, v, n)

static inline __attribute__((always_inline)) void
planes_read(const uint8_t *p, size_t stride, unsigned width, uint64_t base,
    unsigned shift, uint64_t *v, size_t n)
{
	switch (width) {
	case 1:
		READ_RUNS(narrow_read, 1);
		break;
	case 2:
		READ_RUNS(narrow_read, 2);
		break;
	case 3:
		READ_RUNS(narrow_read, 3);
		break;
	case 4:
		READ_RUNS(narrow_read, 4);
		break;
	default:
		READ_RUNS(wide_read, width);
		break;
	}
}

/* n values from first on, step apart: no product for each. */
static inline __attribute__((always_inline)) void
steps_read(uint64_t first, uint64_t step, uint64_t *v, size_t n)
{
	uint64_t off[STEPS];

	for (size_t k = 0; k < STEPS; k++)
		off[k] = k * step;
	for (; n >= STEPS; n -= STEPS, v += STEPS, first += STEPS * step)
		for (size_t k = 0; k < STEPS; k++)
			v[k] = first + off[k];
	for (size_t k = 0; k < n; k++)
		v[k] = first + off[k];
}

vectorized void
column_read(struct column *co, uint64_t *v, size_t n)
{
	const struct uvt_column *uc = &co->co_h;
	const uint64_t base = uc->uc_base, step = uc->uc_step;
	const size_t at = co->co_at;
	uint64_t last = co->co_last;

	co->co_at += n;
	if (uc->uc_code == UVT_STEP) {
		steps_read(base + at * step, step, v, n);
		return;
	}
	planes_read(co->co_planes + at, uc->uc_count, uc->uc_width,
	    uc->uc_code == UVT_PLAIN ? base : step, uc->uc_shift, v, n);
	if (uc->uc_code == UVT_PLAIN)
		return;
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i++) {
		last += v[i];
		v[i] = last;
	}
	co->co_last = last;
}
