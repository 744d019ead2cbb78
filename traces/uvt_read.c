#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/uvt_i.h"

struct uvt_reader {
	struct decoder ur_decoder;
	uint32_t ur_left;  /* events left in the block */
	uint64_t ur_block; /* number of the next block */
	uint64_t ur_first; /* position of its first event as written */
	/* Threads, while all is well; their block, and where the next is. */
	struct crew *ur_crew;
	bool ur_threads; /* ur_crew is at work */
	const struct crew_block *ur_have;
	uint64_t ur_pos;
	struct trace_event *ur_own; /* tr_ev without them */
};

#define SALVAGE_HINT "; --salvage reads what is whole"

static int
no_memory(const struct trace_reader *tr, struct errmsg *em)
{
	return ERRMSG(em, ENOMEM, "%s: no memory to read it", tr->tr_path);
}

static int
damaged(const struct trace_reader *tr, const char *what, struct errmsg *em)
{
	const struct uvt_reader *ur = tr->tr_form;

	return ERRMSG(em, EILSEQ,
	    "%s: block %" PRIu64 " (event %" PRIu64 " on) %s" SALVAGE_HINT,
	    tr->tr_path, ur->ur_block, ur->ur_first, what);
}

static int
uvt_open(struct trace_reader *tr, struct errmsg *em)
{
	struct uvt_reader *ur = calloc(1, sizeof(*ur));

	tr->tr_form = ur;
	if (ur == NULL || decoder_init(&ur->ur_decoder) != 0)
		return no_memory(tr, em);
	return uvt_head_read(tr, em);
}

static int
uvt_threads(struct trace_reader *tr, unsigned threads, struct trace_event *into,
    uint64_t room)
{
	struct uvt_reader *ur = tr->tr_form;
	const struct trace_in *in = &tr->tr_in;
	const struct crew_job cj = {
		.cj_fd = in->in_fd,
		.cj_threads = threads < CREW_MAX ? threads : CREW_MAX,
		.cj_shift = tr->tr_runs != NULL ? tr->tr_runs->rs_shift : 0,
		.cj_size = in->in_size,
		.cj_pos = in->in_pos + in->in_beg,
		.cj_first = ur->ur_first,
		.cj_files = &tr->tr_files,
		.cj_into = into,
		.cj_room = room,
	};
	const int error = crew_start(&cj, &ur->ur_crew);

	if (error != 0)
		return error;
	ur->ur_threads = true;
	ur->ur_pos = cj.cj_pos;
	ur->ur_own = tr->tr_ev;
	return 0;
}

/* tr_ev is the reader's again; what the threads gave last stays. */
static void
uvt_alone(struct trace_reader *tr)
{
	struct uvt_reader *ur = tr->tr_form;

	if (!ur->ur_threads)
		return;
	crew_stop(ur->ur_crew);
	ur->ur_threads = false;
	tr->tr_ev = ur->ur_own;
}

static void
uvt_close(struct trace_reader *tr)
{
	struct uvt_reader *ur = tr->tr_form;

	if (ur == NULL)
		return;
	uvt_alone(tr);
	crew_free(ur->ur_crew);
	decoder_fini(&ur->ur_decoder);
	free(ur);
}

/* The stream is at a block's head: get the block ready. */
static int
block_read(struct trace_reader *tr, struct errmsg *em)
{
	struct uvt_reader *ur = tr->tr_form;
	struct trace_in *in = &tr->tr_in;
	struct uvt_block ub;
	const char *what;
	int error;

	if (in_have(in) < sizeof(ub))
		return damaged(tr, "is missing: the file is cut short", em);
	if (!block_good(in_data(in), &ub))
		return damaged(tr, "is damaged: its head is wrong", em);
	if (ub.ub_first != ur->ur_first)
		return damaged(tr,
		    "is not where it was written: events are "
		    "missing",
		    em);
	error = in_fill(in, sizeof(ub) + ub.ub_packed, em);
	if (error != 0)
		return error;
	if (in_have(in) < sizeof(ub) + ub.ub_packed)
		return damaged(tr, "has no end: the file is cut short", em);
	ur->ur_decoder.dc_up.up_shift =
	    tr->tr_runs != NULL ? tr->tr_runs->rs_shift : 0;
	error = decoder_open(&ur->ur_decoder, &ub, in_data(in) + sizeof(ub),
	    &tr->tr_files, &what);
	if (error != 0)
		return what != NULL ? damaged(tr, what, em) : no_memory(tr, em);
	in->in_beg += sizeof(ub) + ub.ub_packed;
	ur->ur_left = ub.ub_events;
	ur->ur_first += ub.ub_events;
	ur->ur_block++;
	return 0;
}

static bool
at_index(const struct trace_in *in, struct uvt_index *ui)
{
	if (in_have(in) < sizeof(*ui))
		return false;
	memcpy(ui, in_data(in), sizeof(*ui));
	return uvt_index_good(ui);
}

/* The stream is at the index: is it that of the blocks read? */
static int
index_read(struct trace_reader *tr, const struct uvt_index *ui,
    struct errmsg *em)
{
	const struct uvt_reader *ur = tr->tr_form;
	struct trace_in *in = &tr->tr_in;
	struct uvt_trailer ut;
	const size_t entries = ur->ur_block * sizeof(struct uvt_entry);
	const size_t len = sizeof(*ui) + entries + sizeof(ut);
	int error;

	if (ui->ui_blocks != ur->ur_block || ui->ui_events != ur->ur_first)
		return damaged(tr,
		    "is missing: the index knows of more "
		    "blocks than there are",
		    em);
	error = in_fill(in, len + 1, em);
	if (error != 0)
		return error;
	if (in_have(in) >= len)
		memcpy(&ut, in_data(in) + sizeof(*ui) + entries, sizeof(ut));
	if (in_have(in) != len ||
	    XXH3_64bits(in_data(in) + sizeof(*ui), entries) !=
		ui->ui_entries_sum ||
	    memcmp(ut.ut_magic, UVT_END_MAGIC, sizeof(ut.ut_magic)) != 0 ||
	    ut.ut_sum != UVT_SUM(&ut, ut_sum))
		return ERRMSG(em, EILSEQ,
		    "%s: all %" PRIu64
		    " events are whole, but its index is damaged" SALVAGE_HINT,
		    tr->tr_path, ur->ur_first);
	in->in_beg += len;
	uvt_index_take(tr, ui);
	return 0;
}

/* Note that events up to first were lost. */
static void
lost(struct trace_reader *tr, uint64_t first)
{
	struct uvt_reader *ur = tr->tr_form;
	const uint64_t n = first - ur->ur_first;
	const uint64_t blocks = (n + UVT_BLOCK_EVENTS - 1) / UVT_BLOCK_EVENTS;

	tr->tr_bad_events += n;
	tr->tr_bad_blocks += blocks > 0 ? blocks : 1;
	ur->ur_first = first;
	ur->ur_block += blocks > 0 ? blocks : 1;
}

/*
 * Is there a block or an index that is whole at the stream's place, and goes
 * on from event first or later?  Then what is before it is lost.
 */
static bool
resync_here(struct trace_reader *tr, uint64_t first, bool *endp)
{
	const struct trace_in *in = &tr->tr_in;
	struct uvt_block ub;
	struct uvt_index ui;

	if (in_have(in) >= sizeof(ub) && block_good(in_data(in), &ub) &&
	    ub.ub_first >= first) {
		lost(tr, ub.ub_first);
		return true;
	}
	if (at_index(in, &ui) && ui.ui_events >= first) {
		lost(tr, ui.ui_events);
		*endp = true;
		return true;
	}
	return false;
}

/*
 * After damage: go on to the next block or index that is whole.
 *
 * => *endp: there is none
 */
static int
resync(struct trace_reader *tr, bool *endp, struct errmsg *em)
{
	struct uvt_reader *ur = tr->tr_form;
	struct trace_in *in = &tr->tr_in;
	const uint64_t first = ur->ur_first;

	/* What is here is the damage, unless something before it is missing. */
	if (resync_here(tr, first + 1, endp))
		return 0;
	for (;;) {
		const uint8_t *u;
		int error = in_fill(in, sizeof(struct uvt_index) + 1, em);

		if (error != 0)
			return error;
		if (in_have(in) <= sizeof(struct uvt_block))
			break;
		u = memchr(in_data(in) + 1, UVT_BLOCK_MAGIC[0],
		    in_have(in) - sizeof(struct uvt_block));
		if (u == NULL) {
			in->in_beg += in_have(in) - sizeof(struct uvt_block);
			continue;
		}
		in->in_beg += (size_t)(u - in_data(in));
		error = in_fill(in, sizeof(struct uvt_index), em);
		if (error != 0)
			return error;
		if (resync_here(tr, first, endp))
			return 0;
	}
	lost(tr, tr->tr_count > first ? tr->tr_count : first);
	*endp = true;
	return 0;
}

/*
 * Have a block ready, or *endp.  Under TRACE_SALVAGE damage is stepped over;
 * what the host cannot do is an error all the same.
 */
static int
block_next(struct trace_reader *tr, bool *endp, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	const bool salvage = (tr->tr_flags & TRACE_SALVAGE) != 0;
	struct uvt_index ui;

	for (;;) {
		struct errmsg why = { .em_text = "" };
		int error = in_fill(in, sizeof(ui), em);

		if (error != 0)
			return error;
		*endp = at_index(in, &ui);
		if (*endp)
			error = index_read(tr, &ui, &why);
		else
			error = block_read(tr, &why);
		if (error == 0)
			return 0;
		if (error != EILSEQ || !salvage)
			return ERRMSG(em, error, "%s", why.em_text);
		if (*endp && tr->tr_bad_blocks > 0)
			return 0;
		*endp = false;
		error = resync(tr, endp, em);
		if (error != 0 || *endp)
			return error;
	}
}

/*
 * Have a block of the crew's.  What is no whole block, or does not follow the
 * one before in time, is read once more without it, which tells.
 */
static int
crew_block(struct trace_reader *tr, struct errmsg *em)
{
	struct uvt_reader *ur = tr->tr_form;
	const struct crew_block *const cb = crew_next(ur->ur_crew);

	if (cb == NULL || cb->cb_ev[0].te_time < tr->tr_time) {
		uvt_alone(tr);
		ur->ur_left = 0;
		return in_seek(&tr->tr_in, ur->ur_pos, em);
	}
	ur->ur_have = cb;
	ur->ur_pos = cb->cb_end;
	ur->ur_left = cb->cb_n;
	ur->ur_first += cb->cb_n;
	ur->ur_block++;
	tr->tr_in.in_read = cb->cb_end;
	return 0;
}

/* The next batch of the crew's block. */
static size_t
crew_batch(struct trace_reader *tr)
{
	struct uvt_reader *ur = tr->tr_form;
	const struct crew_block *const cb = ur->ur_have;
	const size_t n = ur->ur_left < TRACE_BATCH ? ur->ur_left : TRACE_BATCH;
	const size_t at = cb->cb_n - ur->ur_left;
	struct runs *const rs = tr->tr_runs;

	tr->tr_ev = cb->cb_ev + at;
	if (rs != NULL) {
		rs->rs_at = cb->cb_at + at;
		rs->rs_run = cb->cb_run + at;
		rs->rs_n = cb->cb_nruns[at / TRACE_BATCH];
		rs->rs_tid = cb->cb_tid;
	}
	tr->tr_time = tr->tr_ev[n - 1].te_time;
	ur->ur_left -= (uint32_t)n;
	tr->tr_seq += n;
	return n;
}

/*
 * Unpack the next n events, and their runs if they are wanted: NULL, or what is
 * wrong with them.
 */
static const char *
own_batch(struct trace_reader *tr, size_t n)
{
	struct uvt_reader *ur = tr->tr_form;
	struct runs *const rs = tr->tr_runs;
	struct runs_cut rc = { .rc_n = 0 };

	if (rs == NULL)
		return unpacker_next(&ur->ur_decoder.dc_up, tr->tr_ev, n,
		    &tr->tr_time, NULL);
	rc.rc_at = rs->rs_at_room;
	rc.rc_run = rs->rs_run_room;
	rs->rs_at = rs->rs_at_room;
	rs->rs_run = rs->rs_run_room;
	const char *const what = unpacker_next(&ur->ur_decoder.dc_up, tr->tr_ev,
	    n, &tr->tr_time, &rc);
	rs->rs_n = rc.rc_n;
	rs->rs_tid = ur->ur_decoder.dc_up.up_tid;
	return what;
}

static int
uvt_next(struct trace_reader *tr, size_t *np, struct errmsg *em)
{
	struct uvt_reader *ur = tr->tr_form;
	const char *what;
	int error;
	size_t n;

	*np = 0;
	if (ur->ur_threads && ur->ur_left == 0 &&
	    (error = crew_block(tr, em)) != 0)
		return error;
	if (ur->ur_threads) {
		*np = crew_batch(tr);
		return 0;
	}
	for (;;) {
		if (ur->ur_left == 0) {
			bool end = false;

			error = block_next(tr, &end, em);
			if (error != 0 || end)
				return error;
		}
		n = ur->ur_left < TRACE_BATCH ? ur->ur_left : TRACE_BATCH;
		what = own_batch(tr, n);
		if (what == NULL)
			break;
		if ((tr->tr_flags & TRACE_SALVAGE) == 0)
			return ERRMSG(em, EILSEQ,
			    "%s: block %" PRIu64 ", event %" PRIu64
			    " or one of the %zu after it %s" SALVAGE_HINT,
			    tr->tr_path, ur->ur_block - 1,
			    ur->ur_first - ur->ur_left, n - 1, what);
		tr->tr_bad_blocks++;
		tr->tr_bad_events += ur->ur_left;
		ur->ur_left = 0;
	}
	ur->ur_left -= (uint32_t)n;
	tr->tr_seq += n;
	*np = n;
	return 0;
}

const struct reader_ops uvt_reader_ops = {
	.ro_open = uvt_open,
	.ro_next = uvt_next,
	.ro_threads = uvt_threads,
	.ro_alone = uvt_alone,
	.ro_batch = TRACE_BATCH,
	.ro_close = uvt_close,
};
