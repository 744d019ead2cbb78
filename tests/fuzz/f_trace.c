/*
 * Readers: what they hand out is well formed, and written in the other form and
 * read again it is the same trace; what they refuse, they explain.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "traces/trace.h"

/* Of runs. */
#define PAGE_SHIFT 12

/* What a reader made of a file. */
struct outcome {
	int oc_error;
	uint64_t oc_events;
	char oc_digest[33];
};

static void
complained(int error, const struct errmsg *em)
{
	FUZZ_CHECK(em->em_text[0] != '\0', "error %d without a word", error);
	FUZZ_CHECK(strchr(em->em_text, '\n') == NULL, "two lines: %s",
	    em->em_text);
	FUZZ_CHECK(error == EINVAL || error == EILSEQ, "error %d: %s", error,
	    em->em_text);
}

static void
events_check(const struct trace_event *ev, size_t n, uint64_t *timep)
{
	for (size_t i = 0; i < n; i++) {
		const char *what = trace_event_check(&ev[i]);

		FUZZ_CHECK(what == NULL, "handed out: %s", what);
		FUZZ_CHECK(ev[i].te_time >= *timep, "time went back");
		*timep = ev[i].te_time;
	}
}

/* Runs lie within the batch, one after another, and say what its events do. */
static void
runs_check(const struct trace_batch *tb)
{
	uint32_t end = 0;

	for (size_t r = 0; r < tb->tb_nruns; r++) {
		const struct trace_run *const rn = &tb->tb_run[r];

		FUZZ_CHECK(rn->rn_first >= end && rn->rn_n > 0 &&
			rn->rn_n <= tb->tb_n - rn->rn_first,
		    "run %zu is not within its batch", r);
		end = rn->rn_first + rn->rn_n;
		for (uint32_t i = rn->rn_first; i < end; i++) {
			const struct trace_event *const te = &tb->tb_ev[i];
			const uint64_t page = te->te_offset >> PAGE_SHIFT;
			const bool write = te->te_op == TRACE_WRITE;

			FUZZ_CHECK((write || te->te_op == TRACE_READ) &&
				te->te_file == rn->rn_file &&
				te->te_map == rn->rn_map &&
				page >= rn->rn_low && page < rn->rn_pages &&
				tb->tb_at[i] == TRACE_AT(page, write),
			    "run %zu is not of its events", r);
		}
	}
}

/* Read all of it; tw, if not NULL, gets what is read. */
static struct outcome
read_all(struct trace_reader *tr, struct trace_writer *tw)
{
	struct outcome oc = { .oc_error = 0 };
	uint64_t time = 0, bad_blocks, bad_events;
	struct trace_batch tb;

	FUZZ_CHECK(trace_runs(tr, PAGE_SHIFT) == 0, "no memory");
	for (;;) {
		struct errmsg em = { .em_text = "" };

		oc.oc_error = trace_next_batch(tr, &tb, &em);
		if (oc.oc_error != 0)
			complained(oc.oc_error, &em);
		if (oc.oc_error != 0 || tb.tb_n == 0)
			break;
		events_check(tb.tb_ev, tb.tb_n, &time);
		runs_check(&tb);
		oc.oc_events += tb.tb_n;
		if (tw != NULL)
			FUZZ_CHECK(trace_put(tw, tb.tb_ev, tb.tb_n, &em) == 0,
			    "cannot be written: %s", em.em_text);
	}
	trace_salvaged(tr, &bad_blocks, &bad_events);
	FUZZ_CHECK(bad_events == 0 || bad_blocks != 0, "lost from no block");
	if (oc.oc_error == 0)
		FUZZ_CHECK(trace_digest(tr, oc.oc_digest) == 0 ||
			bad_blocks != 0,
		    "read to its end, and no digest");
	return oc;
}

static struct outcome
read_file(const char *path, unsigned flags)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct outcome oc;

	oc = (struct outcome){ .oc_error = trace_open(path, flags, &tr, &em) };
	if (oc.oc_error != 0) {
		complained(oc.oc_error, &em);
		return oc;
	}
	oc = read_all(tr, NULL);
	trace_close(tr);
	return oc;
}

/* Write what path has in that form, and read it: is it the same? */
static void
round_trip(const char *path, enum trace_form form)
{
	struct errmsg em = { .em_text = "" };
	const char *to = fuzz_output();
	struct trace_reader *tr;
	struct trace_writer *tw;
	struct outcome from, back;

	FUZZ_CHECK(trace_open(path, TRACE_VERIFY, &tr, &em) == 0, "%s",
	    em.em_text);
	FUZZ_CHECK(trace_create(to, form, trace_meta(tr), &tw, &em) == 0, "%s",
	    em.em_text);
	from = read_all(tr, tw);
	trace_close(tr);
	if (from.oc_error != 0) {
		trace_abandon(tw);
		return;
	}
	FUZZ_CHECK(trace_finish(tw, &em) == 0, "%s", em.em_text);
	back = read_file(to, TRACE_VERIFY);
	FUZZ_CHECK(back.oc_error == 0, "what was written is not read");
	FUZZ_CHECK(back.oc_events == from.oc_events,
	    "%" PRIu64 " events were written, %" PRIu64 " are read",
	    from.oc_events, back.oc_events);
	FUZZ_CHECK(strcmp(back.oc_digest, from.oc_digest) == 0,
	    "digest %s was written, %s is read", from.oc_digest,
	    back.oc_digest);
	(void)unlink(to);
}

static void
trace_one(const uint8_t *data, size_t size, enum trace_form other)
{
	const char *path = fuzz_file(data, size);
	const struct outcome plain = read_file(path, 0);
	const struct outcome salvaged =
	    read_file(path, TRACE_SALVAGE | TRACE_VERIFY);

	FUZZ_CHECK(plain.oc_error != 0 || salvaged.oc_error != 0 ||
		plain.oc_events == salvaged.oc_events,
	    "%" PRIu64 " events, but %" PRIu64 " salvaged", plain.oc_events,
	    salvaged.oc_events);
	if (plain.oc_error == 0)
		round_trip(path, other);
}

void
fuzz_uvt(const char *name, const uint8_t *data, size_t size)
{
	(void)name;
	trace_one(data, size, TRACE_CSV);
}

void
fuzz_csv(const char *name, const uint8_t *data, size_t size)
{
	(void)name;
	trace_one(data, size, TRACE_UVT);
}
