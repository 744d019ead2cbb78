#include "traces/gen_i.h"

/* append: one chunk in so many is followed by a truncate back. */
#define APPEND_BACK 8

/* mix: accesses of one kind before another comes, at most. */
#define BURST 512

static uint64_t
min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * A page of a file of size pages > 0: where a pattern asks for one past the
 * end of a file that a truncate has cut, take another within.
 */
static uint64_t
within(uint64_t page, uint64_t size)
{
	return page < size ? page : page % size;
}

/* The next page of a scan, and the map it is in. */
static uint64_t
scan_page(struct trace_gen *tg, uint64_t t, uint64_t *mp)
{
	const uint64_t pages = tg->tg_p.pages, threads = tg->tg_p.threads;
	const uint64_t at = tg->tg_cursors[t].gc_at++;
	/* Threads start apart, so that they do not run in step. */
	const uint64_t start = pages / threads * t + min64(pages % threads, t);
	const uint64_t i = (start + at % pages) % pages;
	const uint64_t stride = tg->tg_p.stride % pages;

	*mp = (t + at / pages) % tg->tg_nmaps;
	switch ((enum gen_pattern)tg->tg_p.pattern) {
	case GEN_DESCENDING:
		return pages - 1 - i;
	case GEN_STRIDED:
		/* Column by column, so that a pass meets every page once. */
		if (stride > 1) {
			const uint64_t rows = pages / stride;
			const uint64_t longer = pages % stride;
			const uint64_t head = longer * (rows + 1);

			if (i < head)
				return i % (rows + 1) * stride + i / (rows + 1);
			return (i - head) % rows * stride + longer +
			    (i - head) / rows;
		}
		return i;
	case GEN_SEQUENTIAL:
	case GEN_UNIFORM:
	case GEN_ZIPF:
	case GEN_HOTCOLD:
	case GEN_APPEND:
	case GEN_MIX:
		break;
	}
	return i;
}

static uint64_t
zipf_page(struct trace_gen *tg, uint64_t m)
{
	const uint64_t rank = zipf_next(&tg->tg_zipf, &tg->tg_rng);

	if (tg->tg_p.scatter == 0)
		return rank;
	return permute(rank, tg->tg_p.pages,
	    tg->tg_p.seed * 0x2545f4914f6cdd1d + gen_file_of(tg, m));
}

static uint64_t
hot_page(struct trace_gen *tg)
{
	const uint64_t pages = tg->tg_p.pages;
	const uint64_t den = RATIO_DEN(tg->tg_p.hot);
	const uint64_t num = RATIO_NUM(tg->tg_p.hot);
	const uint64_t hot = pages / den * num + pages % den * num / den;
	const uint64_t phase = tg->tg_phase != 0 ? tg->tg_phase - 1 : 0;
	/* Hot sets of phases in a row do not overlap, if there is room. */
	const uint64_t start = hot != 0 ? phase % (pages / hot) * hot : 0;
	uint64_t at;

	if (hot == 0 || hot == pages)
		return rng_below(&tg->tg_rng, pages);
	if (rng_chance(&tg->tg_rng, tg->tg_p.hot_probability))
		at = rng_below(&tg->tg_rng, hot);
	else
		at = hot + rng_below(&tg->tg_rng, pages - hot);
	return (start + at) % pages;
}

/* mix: runs of one kind after another, each in one map. */
static uint64_t
mix_page(struct trace_gen *tg, uint64_t *mp)
{
	static const enum gen_pattern kinds[] = { GEN_SEQUENTIAL,
		GEN_DESCENDING, GEN_UNIFORM, GEN_ZIPF, GEN_HOTCOLD };
	const uint64_t pages = tg->tg_p.pages;

	if (tg->tg_burst_left == 0) {
		tg->tg_burst = kinds[rng_below(&tg->tg_rng, nitems(kinds))];
		tg->tg_burst_left = 1 + rng_below(&tg->tg_rng, BURST);
		tg->tg_burst_at = rng_below(&tg->tg_rng, pages);
		tg->tg_burst_map = rng_below(&tg->tg_rng, tg->tg_nmaps);
	}
	tg->tg_burst_left--;
	*mp = tg->tg_burst_map;
	switch (tg->tg_burst) {
	case GEN_SEQUENTIAL:
		tg->tg_burst_at = (tg->tg_burst_at + 1) % pages;
		return tg->tg_burst_at;
	case GEN_DESCENDING:
		tg->tg_burst_at = (tg->tg_burst_at + pages - 1) % pages;
		return tg->tg_burst_at;
	case GEN_ZIPF:
		return zipf_page(tg, *mp);
	case GEN_HOTCOLD:
		return hot_page(tg);
	case GEN_STRIDED:
	case GEN_UNIFORM:
	case GEN_APPEND:
	case GEN_MIX:
		break;
	}
	return rng_below(&tg->tg_rng, pages);
}

static void
append_step(struct trace_gen *tg, uint64_t t)
{
	const uint64_t m = t % tg->tg_nmaps;
	const uint64_t file = gen_file_of(tg, m);
	struct gen_file *gf = &tg->tg_files[file];
	const uint64_t chunk = min64(tg->tg_p.chunk, tg->tg_p.pages);

	if (gf->gf_next == gf->gf_size && gf->gf_size > 0 &&
	    tg->tg_p.truncate == 0 &&
	    rng_below(&tg->tg_rng, APPEND_BACK) == 0) {
		gf->gf_next -= 1 + rng_below(&tg->tg_rng, gf->gf_size);
		gen_truncate(tg, t, file, gf->gf_next);
	}
	if (gf->gf_next == gf->gf_size) {
		if (gf->gf_size == tg->tg_p.pages) {
			gf->gf_next = 0;
			gen_truncate(tg, t, file, 0);
		}
		gen_truncate(tg, t, file,
		    min64(gf->gf_size + chunk, tg->tg_p.pages));
	}
	gen_access(tg, t, m, gf->gf_next++, true);
}

/* hotcold: a phase begins with a mark. */
static void
phase_begin(struct trace_gen *tg, uint64_t t)
{
	const uint64_t body = tg->tg_body - tg->tg_nmaps;
	const uint64_t done = tg->tg_seq - tg->tg_nmaps;
	const uint64_t phases = tg->tg_p.phases;

	if (tg->tg_phase < phases &&
	    done >= body / phases * tg->tg_phase +
		    body % phases * tg->tg_phase / phases) {
		tg->tg_phase++;
		gen_emit(tg, t, (struct trace_event){ .te_op = TRACE_MARK });
	}
}

void
gen_step(struct trace_gen *tg, uint64_t t)
{
	const enum gen_pattern pattern = (enum gen_pattern)tg->tg_p.pattern;
	uint64_t page = 0, m = 0;

	switch (pattern) {
	case GEN_APPEND:
		append_step(tg, t);
		return;
	case GEN_SEQUENTIAL:
	case GEN_DESCENDING:
	case GEN_STRIDED:
		page = scan_page(tg, t, &m);
		break;
	case GEN_MIX:
		page = mix_page(tg, &m);
		break;
	case GEN_UNIFORM:
	case GEN_ZIPF:
	case GEN_HOTCOLD:
		if (pattern == GEN_HOTCOLD)
			phase_begin(tg, t);
		m = tg->tg_nmaps > 1 ? rng_below(&tg->tg_rng, tg->tg_nmaps) : 0;
		page = pattern == GEN_ZIPF ?
		    zipf_page(tg, m) :
		    pattern == GEN_HOTCOLD ?
		    hot_page(tg) :
		    rng_below(&tg->tg_rng, tg->tg_p.pages);
		break;
	}
	gen_access(tg, t, m,
	    within(page, tg->tg_files[gen_file_of(tg, m)].gf_size),
	    rng_chance(&tg->tg_rng, tg->tg_p.writes));
}
