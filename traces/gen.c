#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/gen_i.h"

const struct tunable trace_gen_table[] = {
#define TUNABLE(field, kind, def, min, max, unit, choices, help)               \
	{ #field, TUN_##kind, offsetof(struct trace_gen_param, field), def,    \
		min, max, unit, choices, help },
#include "traces/gen_param.def"
#undef TUNABLE
};
const size_t trace_gen_count = nitems(trace_gen_table);

static_assert(sizeof(struct trace_gen_param) ==
	nitems(trace_gen_table) * sizeof(uint64_t),
    "struct trace_gen_param holds rows only");

#define PID 100

/* mix, if no rate is given at all. */
static void
mix_defaults(struct trace_gen_param *gp)
{
	if (gp->pattern != GEN_MIX || gp->msync != 0 || gp->fsync != 0 ||
	    gp->truncate != 0 || gp->sync != 0)
		return;
	gp->msync = 1000;
	gp->fsync = 5000;
	gp->truncate = 20000;
	gp->sync = 50000;
}

static int
param_check(const struct trace_gen_param *gp, struct errmsg *em)
{
	const uint64_t maps = gp->files * gp->maps;
	uint64_t bytes;

	if ((gp->page & (gp->page - 1)) != 0)
		return ERRMSG(em, EINVAL,
		    "page: %" PRIu64 " is no power of two", gp->page);
	if (__builtin_mul_overflow(gp->pages, gp->page, &bytes) ||
	    bytes > INT64_MAX)
		return ERRMSG(em, EINVAL,
		    "pages: %" PRIu64 " of %" PRIu64 " bytes are more than a "
		    "file can have",
		    gp->pages, gp->page);
	if (maps > 1U << 20)
		return ERRMSG(em, EINVAL,
		    "maps: %" PRIu64 " files with %" PRIu64
		    " maps each are more than %u maps",
		    gp->files, gp->maps, 1U << 20);
	if (gp->events < maps * (1 + gp->detach))
		return ERRMSG(em, EINVAL,
		    "events: %" PRIu64 " are too few; attaching%s %" PRIu64
		    " maps takes %" PRIu64,
		    gp->events, gp->detach != 0 ? " and detaching" : "", maps,
		    maps * (1 + gp->detach));
	if (gp->interval != 0 && gp->events > UINT64_MAX / gp->interval)
		return ERRMSG(em, EINVAL,
		    "interval: %" PRIu64 " ns times %" PRIu64
		    " events does not fit 64 bits",
		    gp->interval, gp->events);
	return 0;
}

/* The preamble: with the parameters, so that the trace can be made again. */
static char *
head_make(const struct trace_gen *tg)
{
	const uint64_t size =
	    tg->tg_p.pattern == GEN_APPEND ? 0 : tg->tg_p.pages * tg->tg_p.page;
	char *head = NULL, text[TUNABLE_TEXT_MAX];
	size_t len;
	FILE *fp = open_memstream(&head, &len);

	if (fp == NULL)
		return NULL;
	(void)fprintf(fp, "#uvn-trace 1\n#page %" PRIu64 "\n#generator",
	    tg->tg_p.page);
	for (size_t i = 0; i < trace_gen_count; i++) {
		const struct tunable *tn = &trace_gen_table[i];

		tunable_format(tn, tunable_get(tn, &tg->tg_p), text,
		    sizeof(text));
		(void)fprintf(fp, " %s=%s", tn->tn_name, text);
	}
	(void)fputc('\n', fp);
	for (uint64_t f = 1; f <= tg->tg_p.files; f++)
		(void)fprintf(fp,
		    "#file %" PRIu64 " size=%" PRIu64 " path=gen%" PRIu64 "\n",
		    f, size, f);
	if (fclose(fp) != 0) {
		free(head);
		return NULL;
	}
	return head;
}

int
trace_gen_create(const struct trace_gen_param *gp, struct trace_gen **tgp,
    struct errmsg *em)
{
	struct trace_gen *tg;
	char *head;
	int error = param_check(gp, em);

	if (error != 0)
		return error;
	tg = calloc(1, sizeof(*tg));
	if (tg == NULL)
		return ERRMSG(em, ENOMEM, "no memory for a generator");
	tg->tg_p = *gp;
	mix_defaults(&tg->tg_p);
	tg->tg_nmaps = gp->files * gp->maps;
	tg->tg_body = gp->events - (gp->detach != 0 ? tg->tg_nmaps : 0);
	tg->tg_rng.r_state = gp->seed;
	error = ENOMEM;
	tg->tg_files = calloc(gp->files, sizeof(*tg->tg_files));
	tg->tg_cursors = calloc(gp->threads, sizeof(*tg->tg_cursors));
	if (tg->tg_files == NULL || tg->tg_cursors == NULL)
		goto fail;
	if (gp->pattern != GEN_APPEND)
		for (uint64_t f = 0; f < gp->files; f++)
			tg->tg_files[f].gf_size = gp->pages;
	if ((gp->pattern == GEN_ZIPF || gp->pattern == GEN_MIX) &&
	    zipf_init(&tg->tg_zipf, gp->pages,
		tunable_real(tunable_find(trace_gen_table, trace_gen_count,
				 "theta"),
		    gp->theta)) != 0)
		goto fail;
	head = head_make(tg);
	if (head == NULL)
		goto fail;
	error = trace_meta_parse(head, "generator", &tg->tg_meta, &tg->tg_index,
	    em);
	if (error != 0)
		goto fail;
	*tgp = tg;
	return 0;
fail:
	trace_gen_destroy(tg);
	return ERRMSG(em, error, "no memory for a generator");
}

const struct trace_meta *
trace_gen_meta(const struct trace_gen *tg)
{
	return &tg->tg_meta;
}

void
gen_emit(struct trace_gen *tg, uint64_t t, struct trace_event te)
{
	assert(tg->tg_n < nitems(tg->tg_ev));
	te.te_time = tg->tg_seq * tg->tg_p.interval;
	te.te_pid = PID;
	te.te_tid = (uint32_t)(PID + t);
	tg->tg_ev[tg->tg_n++] = te;
	tg->tg_seq++;
}

void
gen_access(struct trace_gen *tg, uint64_t t, uint64_t m, uint64_t page,
    bool write)
{
	gen_emit(tg, t,
	    (struct trace_event){
		.te_op = write ? TRACE_WRITE : TRACE_READ,
		.te_file = (uint32_t)gen_file_of(tg, m) + 1,
		.te_map = (uint32_t)m + 1,
		.te_offset = page * tg->tg_p.page,
		.te_length = tg->tg_p.page,
	    });
}

void
gen_truncate(struct trace_gen *tg, uint64_t t, uint64_t file, uint64_t pages)
{
	tg->tg_files[file].gf_size = pages;
	gen_emit(tg, t,
	    (struct trace_event){
		.te_op = TRACE_TRUNCATE,
		.te_file = (uint32_t)file + 1,
		.te_length = pages * tg->tg_p.page,
	    });
}

/* Attach or detach map m. */
static void
map_event(struct trace_gen *tg, uint64_t m, enum trace_op op)
{
	gen_emit(tg, 0,
	    (struct trace_event){
		.te_op = (uint8_t)op,
		.te_file = (uint32_t)gen_file_of(tg, m) + 1,
		.te_map = (uint32_t)m + 1,
		.te_length = tg->tg_p.pages * tg->tg_p.page,
		.te_flags = op == TRACE_ATTACH ?
		    TRACE_F_R | TRACE_F_W | TRACE_F_SHARED | TRACE_F_MAXW :
		    0,
	    });
}

/*
 * The length of an msync, in pages: one of the doublings between least and
 * most, then any length within it.
 */
static uint64_t
msync_length(struct trace_gen *tg)
{
	const uint64_t pages = tg->tg_p.pages;
	const uint64_t asked = tg->tg_p.msync_pages;
	const uint64_t most = asked == 0 || asked > pages ? pages : asked;
	const uint64_t least = tg->tg_p.msync_least;
	uint64_t doublings = 1, from, to;

	if (least == 0 || least >= most)
		return most;
	while (least << doublings <= most)
		doublings++;
	from = least << rng_below(&tg->tg_rng, doublings);
	to = 2 * from <= most ? 2 * from : most + 1;
	return from + rng_below(&tg->tg_rng, to - from);
}

static void
msync_event(struct trace_gen *tg, uint64_t t)
{
	static const uint32_t flags[] = { TRACE_F_SYNC, TRACE_F_ASYNC,
		TRACE_F_SYNC | TRACE_F_INVALIDATE };
	const uint64_t m = rng_below(&tg->tg_rng, tg->tg_nmaps);
	const uint64_t range = msync_length(tg);
	const uint64_t start =
	    rng_below(&tg->tg_rng, tg->tg_p.pages - range + 1);

	gen_emit(tg, t,
	    (struct trace_event){
		.te_op = TRACE_MSYNC,
		.te_file = (uint32_t)gen_file_of(tg, m) + 1,
		.te_map = (uint32_t)m + 1,
		.te_offset = start * tg->tg_p.page,
		.te_length = range * tg->tg_p.page,
		.te_flags = flags[tg->tg_p.msync_kind],
	    });
}

/* Cut a share off, or put back what was cut off; append cuts off a part of
 * its last chunk. */
static void
truncate_event(struct trace_gen *tg, uint64_t t)
{
	const uint64_t f = rng_below(&tg->tg_rng, tg->tg_p.files);
	struct gen_file *gf = &tg->tg_files[f];
	const uint64_t num = RATIO_NUM(tg->tg_p.truncate_share);
	const uint64_t den = RATIO_DEN(tg->tg_p.truncate_share);
	const uint64_t pages = tg->tg_p.pages;
	uint64_t keep = pages - pages / den * num - pages % den * num / den;

	if (tg->tg_p.pattern == GEN_APPEND) {
		if (gf->gf_next == 0)
			return;
		gf->gf_next -= 1 + rng_below(&tg->tg_rng, gf->gf_next);
		gen_truncate(tg, t, f, gf->gf_next);
		return;
	}
	/* A file of no pages would leave nothing to access. */
	if (keep == 0)
		keep = 1;
	gen_truncate(tg, t, f, gf->gf_size < pages ? pages : keep);
}

static bool
due(const struct trace_gen *tg, uint64_t every)
{
	return every != 0 && tg->tg_accesses % every == 0;
}

/* What happens between accesses. */
static void
between(struct trace_gen *tg, uint64_t t)
{
	if (due(tg, tg->tg_p.msync))
		msync_event(tg, t);
	if (due(tg, tg->tg_p.fsync))
		gen_emit(tg, t,
		    (struct trace_event){
			.te_op = TRACE_FSYNC,
			.te_file =
			    (uint32_t)rng_below(&tg->tg_rng, tg->tg_p.files) +
			    1,
		    });
	if (due(tg, tg->tg_p.truncate))
		truncate_event(tg, t);
	if (due(tg, tg->tg_p.sync))
		gen_emit(tg, t, (struct trace_event){ .te_op = TRACE_SYNC });
}

void
trace_gen_next(struct trace_gen *tg, const struct trace_event **evp, size_t *np)
{
	const uint64_t end = tg->tg_p.events;

	tg->tg_n = 0;
	while (tg->tg_n < TRACE_BATCH && tg->tg_seq < end) {
		if (tg->tg_seq < tg->tg_nmaps) {
			map_event(tg, tg->tg_seq, TRACE_ATTACH);
		} else if (tg->tg_seq >= tg->tg_body) {
			map_event(tg, tg->tg_seq - tg->tg_body, TRACE_DETACH);
		} else {
			const uint64_t t = tg->tg_accesses % tg->tg_p.threads;
			const size_t n = tg->tg_n;

			gen_step(tg, t);
			tg->tg_accesses++;
			between(tg, t);
			/* A step may make more than there is room for. */
			if (tg->tg_seq > tg->tg_body) {
				tg->tg_n -= (size_t)(tg->tg_seq - tg->tg_body);
				tg->tg_seq = tg->tg_body;
			}
			assert(tg->tg_n > n);
		}
	}
	*evp = tg->tg_ev;
	*np = tg->tg_n;
}

void
trace_gen_destroy(struct trace_gen *tg)
{
	if (tg == NULL)
		return;
	trace_meta_fini(&tg->tg_meta, &tg->tg_index);
	zipf_fini(&tg->tg_zipf);
	free(tg->tg_files);
	free(tg->tg_cursors);
	free(tg);
}
