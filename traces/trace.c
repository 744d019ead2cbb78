#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"
#include "traces/uvt_i.h"

XXH3_state_t *
digest_create(const struct trace_meta *tm)
{
	XXH3_state_t *st = XXH3_createState();

	if (st != NULL) {
		(void)XXH3_128bits_reset(st);
		(void)XXH3_128bits_update(st, tm->tm_head, strlen(tm->tm_head));
	}
	return st;
}

/* Which form the first bytes tell. */
static int
form_find(struct trace_reader *tr, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	int error = in_fill(in, UVT_MAGIC_LEN, em);

	if (error != 0)
		return error;
	if (in_have(in) == 0)
		return ERRMSG(em, EINVAL, "%s: the file is empty", tr->tr_path);
	if (in_have(in) >= UVT_MAGIC_LEN &&
	    memcmp(in_data(in), UVT_MAGIC, UVT_MAGIC_LEN) == 0) {
		tr->tr_ops = &uvt_reader_ops;
		return 0;
	}
	error = in_unwrap(in, em);
	if (error != 0)
		return error;
	if (in_have(in) > 0 && *in_data(in) == '#') {
		tr->tr_ops = &csv_reader_ops;
		return 0;
	}
	return ERRMSG(em, EINVAL,
	    "%s: not a trace: it begins neither as a .uvt nor, plain or "
	    "zstd-compressed, with \"#uvn-trace 1\"",
	    tr->tr_path);
}

int
trace_open(const char *path, unsigned flags, struct trace_reader **trp,
    struct errmsg *em)
{
	struct trace_reader *tr = calloc(1, sizeof(*tr));
	int error;

	if (tr == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it", path);
	tr->tr_flags = flags;
	tr->tr_in.in_fd = -1;
	tr->tr_path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	tr->tr_ev = aligned_alloc(64, TRACE_BATCH * sizeof(*tr->tr_ev));
	if (tr->tr_path == NULL || tr->tr_ev == NULL) {
		error = ERRMSG(em, ENOMEM, "%s: no memory to read it", path);
		goto fail;
	}
	error = in_open(&tr->tr_in, path, em);
	if (error == 0)
		error = form_find(tr, em);
	if (error == 0)
		error = tr->tr_ops->ro_open(tr, em);
	if (error != 0)
		goto fail;
	if (!tr->tr_digest_known || (flags & TRACE_VERIFY) != 0) {
		tr->tr_hash = digest_create(&tr->tr_meta);
		if (tr->tr_hash == NULL) {
			error = ERRMSG(em, ENOMEM, "%s: no memory to read it",
			    path);
			goto fail;
		}
	}
	*trp = tr;
	return 0;
fail:
	trace_close(tr);
	return error;
}

const struct trace_meta *
trace_meta(const struct trace_reader *tr)
{
	return &tr->tr_meta;
}

/* All is read: is it what the writer of a .uvt said it was? */
static int
digest_settle(struct trace_reader *tr, struct errmsg *em)
{
	XXH128_hash_t h;

	if (tr->tr_hash == NULL)
		return 0;
	h = XXH3_128bits_digest(tr->tr_hash);
	if (tr->tr_digest_known && !XXH128_isEqual(h, tr->tr_digest) &&
	    tr->tr_bad_blocks == 0)
		return ERRMSG(em, EILSEQ,
		    "%s: the digest of its %" PRIu64
		    " events is not the one in its index: import it again",
		    tr->tr_path, tr->tr_seq);
	tr->tr_digest = h;
	tr->tr_digest_known = true;
	return 0;
}

size_t
trace_decode(struct trace_reader *tr)
{
	size_t n = 0;

	if (tr->tr_error != 0 || tr->tr_done)
		return 0;
	tr->tr_error = tr->tr_ops->ro_next(tr, &n, &tr->tr_em);
	if (tr->tr_hash != NULL && n > 0)
		(void)XXH3_128bits_update(tr->tr_hash, tr->tr_ev,
		    n * sizeof(*tr->tr_ev));
	if (n == 0 && tr->tr_error == 0) {
		tr->tr_done = true;
		tr->tr_error = digest_settle(tr, &tr->tr_em);
	}
	if (n > 0 && tr->tr_runs != NULL && tr->tr_ops->ro_runs != NULL)
		tr->tr_ops->ro_runs(tr, n);
	return n;
}

struct trace_batch
trace_batch(const struct trace_event *ev, size_t n, const struct runs *rs)
{
	struct trace_batch tb = { .tb_ev = ev,
		.tb_n = n,
		.tb_tid = TRACE_TIDS };

	if (rs != NULL && n > 0) {
		tb.tb_at = rs->rs_at;
		tb.tb_run = rs->rs_run;
		tb.tb_nruns = rs->rs_n;
		tb.tb_tid = rs->rs_tid;
	}
	return tb;
}

int
trace_next_batch(struct trace_reader *tr, struct trace_batch *tb,
    struct errmsg *em)
{
	size_t n;

	if (tr->tr_ahead != NULL) {
		*tb = trace_ahead_next(tr);
	} else {
		n = trace_decode(tr);
		*tb = trace_batch(tr->tr_ev, n, tr->tr_runs);
	}
	if (tb->tb_n == 0 && tr->tr_error != 0)
		return ERRMSG(em, tr->tr_error, "%s", tr->tr_em.em_text);
	return 0;
}

int
trace_next(struct trace_reader *tr, const struct trace_event **evp, size_t *np,
    struct errmsg *em)
{
	struct trace_batch tb;
	const int error = trace_next_batch(tr, &tb, em);

	*evp = tb.tb_ev;
	*np = tb.tb_n;
	return error;
}

int
trace_runs(struct trace_reader *tr, unsigned page_shift)
{
	struct runs *const rs = calloc(1, sizeof(*rs));

	assert(page_shift >= 1 && page_shift < 32);
	assert(tr->tr_runs == NULL && tr->tr_ahead == NULL);
	if (rs == NULL ||
	    runs_init(rs, page_shift, tr->tr_ops->ro_batch) != 0) {
		free(rs);
		return ENOMEM;
	}
	tr->tr_runs = rs;
	return 0;
}

uint64_t
trace_count(const struct trace_reader *tr)
{
	return tr->tr_count;
}

void
trace_progress(const struct trace_reader *tr, uint64_t *readp, uint64_t *totalp)
{
	*readp = tr->tr_ahead != NULL ? trace_ahead_read(tr->tr_ahead) :
					tr->tr_in.in_read;
	*totalp = tr->tr_in.in_size;
}

void
trace_salvaged(const struct trace_reader *tr, uint64_t *blocksp,
    uint64_t *eventsp)
{
	*blocksp = tr->tr_bad_blocks;
	*eventsp = tr->tr_bad_events;
}

int
trace_digest(const struct trace_reader *tr, char digest[33])
{
	static const char hex[] = "0123456789abcdef";
	XXH128_canonical_t c;

	if (!tr->tr_digest_known)
		return ENODATA;
	XXH128_canonicalFromHash(&c, tr->tr_digest);
	for (size_t i = 0; i < 16; i++) {
		digest[2 * i] = hex[c.digest[i] >> 4];
		digest[2 * i + 1] = hex[c.digest[i] & 15];
	}
	digest[32] = '\0';
	return 0;
}

void
trace_close(struct trace_reader *tr)
{
	if (tr == NULL)
		return;
	trace_ahead_close(tr);
	if (tr->tr_ops != NULL)
		tr->tr_ops->ro_close(tr);
	trace_meta_fini(&tr->tr_meta, &tr->tr_files);
	(void)XXH3_freeState(tr->tr_hash);
	in_close(&tr->tr_in);
	if (tr->tr_runs != NULL)
		runs_fini(tr->tr_runs);
	free(tr->tr_runs);
	free(tr->tr_ev);
	free(tr->tr_path);
	free(tr);
}

static const struct writer_ops *
form_ops(enum trace_form form)
{
	return form == TRACE_UVT ? &uvt_writer_ops : &csv_writer_ops;
}

/* The writer's own meta: what the preamble says, which is what is written. */
static int
meta_take(struct trace_writer *tw, const struct trace_meta *meta,
    struct errmsg *em)
{
	char *head = meta->tm_head != NULL ? strdup(meta->tm_head) :
					     trace_meta_text(meta);
	int error;

	if (head == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it",
		    tw->tw_path);
	error = trace_meta_parse(head, tw->tw_path, &tw->tw_meta, &tw->tw_files,
	    em);
	if (error != 0)
		return error;
	tw->tw_hash = digest_create(&tw->tw_meta);
	if (tw->tw_hash == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it",
		    tw->tw_path);
	return 0;
}

int
trace_create(const char *path, enum trace_form form,
    const struct trace_meta *meta, struct trace_writer **twp, struct errmsg *em)
{
	struct trace_writer *tw = calloc(1, sizeof(*tw));
	int error;

	if (tw == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it", path);
	tw->tw_out.out_fd = -1;
	error = trace_may_replace(path, em);
	if (error != 0)
		goto fail;
	error = out_open(&tw->tw_out, path, form == TRACE_CSV_ZST, em);
	if (error != 0)
		goto fail;
	tw->tw_path = tw->tw_out.out_path;
	error = meta_take(tw, meta, em);
	if (error != 0)
		goto fail;
	tw->tw_ops = form_ops(form);
	error = tw->tw_ops->wo_open(tw, em);
	if (error != 0)
		goto fail;
	*twp = tw;
	return 0;
fail:
	trace_abandon(tw);
	return error;
}

static int
put_check(struct trace_writer *tw, const struct trace_event *ev, size_t n,
    struct errmsg *em)
{
	uint64_t time = tw->tw_time;

	for (size_t i = 0; i < n; i++) {
		const char *what = trace_event_check(&ev[i]);

		if (what == NULL && ev[i].te_time < time)
			what = "goes back in time";
		if (what == NULL && ev[i].te_file != 0 &&
		    !file_index_has(&tw->tw_files, ev[i].te_file))
			what = "names a file that is not declared";
		if (what != NULL)
			return ERRMSG(em, EINVAL, "%s: event %" PRIu64 " %s",
			    tw->tw_path, tw->tw_seq + i, what);
		time = ev[i].te_time;
	}
	return 0;
}

int
trace_put(struct trace_writer *tw, const struct trace_event *ev, size_t n,
    struct errmsg *em)
{
	int error;

	if (n == 0)
		return 0;
	error = put_check(tw, ev, n, em);
	if (error == 0)
		error = tw->tw_ops->wo_put(tw, ev, n, em);
	if (error != 0)
		return error;
	(void)XXH3_128bits_update(tw->tw_hash, ev, n * sizeof(*ev));
	if (tw->tw_seq == 0)
		tw->tw_first = ev[0].te_time;
	tw->tw_time = ev[n - 1].te_time;
	tw->tw_seq += n;
	return 0;
}

int
trace_finish(struct trace_writer *tw, struct errmsg *em)
{
	int error = tw->tw_ops->wo_finish(tw, em);

	if (error == 0)
		error = out_finish(&tw->tw_out, em);
	trace_abandon(tw);
	return error;
}

void
trace_abandon(struct trace_writer *tw)
{
	if (tw->tw_ops != NULL)
		tw->tw_ops->wo_close(tw);
	trace_meta_fini(&tw->tw_meta, &tw->tw_files);
	(void)XXH3_freeState(tw->tw_hash);
	out_fini(&tw->tw_out);
	free(tw);
}
