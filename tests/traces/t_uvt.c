#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "tests/traces/tracetest.h"
#include "traces/uvt_i.h"

#define BLOCK UVT_BLOCK_EVENTS

static void
same_bytes(const char *a, const char *b)
{
	struct blob x = file_read(a), y = file_read(b);

	assert_int_equal(x.bl_len, y.bl_len);
	assert_memory_equal(x.bl_data, y.bl_data, x.bl_len);
	free(x.bl_data);
	free(y.bl_data);
}

static void
recorded_traces_come_back_byte_for_byte(void **state)
{
	static const char *const names[] = { "lld", "lmdb", "rrd", "sqlite" };

	(void)state;
	for (size_t i = 0; i < nitems(names); i++) {
		char path[8192];
		char a[33], b[33];

		(void)snprintf(path, sizeof(path),
		    "%s/tests/traces/data/%s.csv.zst", tracetest_top(),
		    names[i]);
		trace_copy(path, "a.csv");
		trace_copy(path, "a.uvt");
		trace_copy("a.uvt", "b.csv");
		same_bytes("a.csv", "b.csv");
		digest_of("a.csv", a);
		digest_of("a.uvt", b);
		assert_string_equal(a, b);
	}
}

static void
random_events_come_back(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 3, 1000, TRACE_BATCH,
		TRACE_BATCH + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17 };
	struct dice d = { dice_seed() };

	(void)state;
	for (size_t i = 0; i < nitems(counts); i++) {
		struct trace_file files[5];
		struct trace_meta tm;
		struct trace_event *ev = events_random(&d, counts[i], 5);
		struct trace_event *back;
		size_t n;

		meta_fill(&tm, files, 5);
		events_write("a.uvt", TRACE_UVT, &tm, ev, counts[i]);
		back = events_read("a.uvt", TRACE_VERIFY, &n);
		assert_int_equal(n, counts[i]);
		if (n > 0)
			assert_memory_equal(back, ev, n * sizeof(*ev));
		free(back);
		events_write("a.csv", TRACE_CSV, &tm, ev, counts[i]);
		trace_copy("a.csv", "b.uvt");
		same_bytes("a.uvt", "b.uvt");
		trace_copy("a.uvt", "b.csv");
		same_bytes("a.csv", "b.csv");
		free(ev);
	}
}

static void
the_index_tells_count_and_digest_at_once(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	char a[33], b[33];

	(void)state;
	generate("a.uvt", "events=100000", NULL);
	digest_of("a.uvt", a);
	must_em(trace_open("a.uvt", 0, &tr, &em), &em);
	assert_int_equal(trace_count(tr), 100000);
	must(trace_digest(tr, b));
	assert_string_equal(a, b);
	trace_close(tr);
	generate("a.csv", "events=100000", NULL);
	must_em(trace_open("a.csv", 0, &tr, &em), &em);
	assert_int_equal(trace_count(tr), 0);
	assert_int_equal(trace_digest(tr, b), ENODATA);
	trace_close(tr);
	digest_of("a.csv", b);
	assert_string_equal(a, b);
}

static void
other_contents_have_another_digest(void **state)
{
	static const char *const texts[] = {
		"0,0,1,1,sync,0,0,0,0,\n",
		"0,1,1,1,sync,0,0,0,0,\n",
		"0,0,1,1,mark,0,0,0,0,\n",
		"0,0,1,1,sync,0,0,0,0,\n1,0,1,1,sync,0,0,0,0,\n",
	};
	char digests[nitems(texts) + 1][33], text[512];

	(void)state;
	for (size_t i = 0; i <= nitems(texts); i++) {
		(void)snprintf(text, sizeof(text),
		    "#uvn-trace 1\n%sseq,time_ns,pid,tid,op,file,map,offset,"
		    "length,flags\n%s",
		    i == nitems(texts) ? "#note\n" : "",
		    texts[i % nitems(texts)]);
		text_write("a.csv", text);
		digest_of("a.csv", digests[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(digests[i], digests[j]);
	}
}

static void
a_zipf_trace_takes_at_most_six_bytes_an_event(void **state)
{
	struct blob bl;

	(void)state;
	generate("a.uvt", "pattern=zipf", "pages=1000000", "events=1000000",
	    NULL);
	bl = file_read("a.uvt");
	assert_in_range(bl.bl_len, 1000000, 6 * 1000000);
	free(bl.bl_data);
}

/* Positions of the blocks of a .uvt in memory. */
static size_t
blocks_find(const struct blob *bl, size_t *pos, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i + 8 <= bl->bl_len; i++)
		if (memcmp(bl->bl_data + i, UVT_BLOCK_MAGIC, 8) == 0) {
			assert_true(n < max);
			pos[n++] = i;
		}
	return n;
}

#define NBLOCKS 5
#define NEVENTS (5 * BLOCK - 1000)

static struct blob
five_blocks(size_t pos[NBLOCKS])
{
	struct blob bl;

	generate("good.uvt", "events=326680", NULL); /* NEVENTS */
	bl = file_read("good.uvt");
	assert_int_equal(blocks_find(&bl, pos, NBLOCKS), NBLOCKS);
	return bl;
}

/* The trace is refused as damaged, after that many events. */
static void
damaged(const struct blob *bl, size_t len, uint64_t after, const char *word)
{
	struct errmsg em;
	uint64_t events;

	file_write("bad.uvt", bl->bl_data, len);
	assert_int_equal(read_through("bad.uvt", 0, &events, &em), EILSEQ);
	assert_int_equal(events, after);
	assert_non_null(strstr(em.em_text, "bad.uvt"));
	if (strstr(em.em_text, word) == NULL)
		fail_msg("no '%s': %s", word, em.em_text);
}

static void
salvaged(uint64_t want, uint64_t blocks, uint64_t lost)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	uint64_t events = 0, b, l;
	size_t n;

	must_em(trace_open("bad.uvt", TRACE_SALVAGE, &tr, &em), &em);
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		events += n;
	} while (n > 0);
	trace_salvaged(tr, &b, &l);
	assert_int_equal(events, want);
	assert_int_equal(b, blocks);
	assert_int_equal(l, lost);
	trace_close(tr);
}

static void
another_magic_is_no_trace(void **state)
{
	struct errmsg em;
	uint64_t events;

	(void)state;
	text_write("a.uvt", "PK\3\4 something else altogether, not a trace");
	assert_int_equal(read_through("a.uvt", 0, &events, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "not a trace"));
}

static void
a_newer_version_is_refused(void **state)
{
	struct errmsg em;
	struct blob bl;
	uint64_t events;

	(void)state;
	generate("a.uvt", "events=10", NULL);
	bl = file_read("a.uvt");
	bl.bl_data[offsetof(struct uvt_header, uh_version)] = 2;
	file_write("a.uvt", bl.bl_data, bl.bl_len);
	free(bl.bl_data);
	assert_int_equal(read_through("a.uvt", 0, &events, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "newer version 2"));
}

static void
a_damaged_block_reaches_no_caller(void **state)
{
	size_t pos[NBLOCKS];
	struct blob bl = five_blocks(pos);

	(void)state;
	for (size_t b = 0; b < NBLOCKS; b++) {
		char block[32];
		const size_t at[] = { pos[b] + 16, pos[b] + 30, pos[b] + 64,
			pos[b] + 5000 };

		(void)snprintf(block, sizeof(block), "block %zu ", b);
		for (size_t i = 0; i < nitems(at); i++) {
			const uint64_t size =
			    b == NBLOCKS - 1 ? BLOCK - 1000 : BLOCK;

			bl.bl_data[at[i]] ^= 1;
			damaged(&bl, bl.bl_len, b * BLOCK, block);
			salvaged(NEVENTS - size, 1, size);
			bl.bl_data[at[i]] ^= 1;
		}
	}
	free(bl.bl_data);
}

static void
damage_in_two_places_is_stepped_over(void **state)
{
	size_t pos[NBLOCKS];
	struct blob bl = five_blocks(pos);
	struct trace_event *good, *left;
	size_t n, nleft;

	(void)state;
	bl.bl_data[pos[1] + 100] ^= 1;
	bl.bl_data[pos[2] + 100] ^= 1;
	file_write("bad.uvt", bl.bl_data, bl.bl_len);
	salvaged(NEVENTS - 2 * BLOCK, 2, 2 * BLOCK);
	good = events_read("good.uvt", 0, &n);
	left = events_read("bad.uvt", TRACE_SALVAGE, &nleft);
	assert_memory_equal(left, good, BLOCK * sizeof(*good));
	assert_memory_equal(left + BLOCK, good + 3 * BLOCK,
	    (nleft - BLOCK) * sizeof(*good));
	free(good);
	free(left);
	free(bl.bl_data);
}

static void
a_file_cut_anywhere_is_detected(void **state)
{
	size_t pos[NBLOCKS];
	struct blob bl = five_blocks(pos);

	(void)state;
	damaged(&bl, 30, 0, "cut short");
	damaged(&bl, 70, 0, "cut short");
	for (size_t b = 0; b < NBLOCKS; b++) {
		damaged(&bl, pos[b], b * BLOCK, "cut short");
		damaged(&bl, pos[b] + 40, b * BLOCK, "cut short");
		damaged(&bl, pos[b] + 1000, b * BLOCK, "cut short");
		salvaged(b * BLOCK, 1, 0);
	}
	/* Only the index is hurt: nothing is lost, and yet it is said. */
	damaged(&bl, bl.bl_len - 1, NEVENTS, "index is damaged");
	salvaged(NEVENTS, 1, 0);
	free(bl.bl_data);
}

static void
a_missing_or_inserted_piece_is_found(void **state)
{
	size_t pos[NBLOCKS];
	struct blob bl = five_blocks(pos);
	struct blob other = { malloc(bl.bl_len + 100), 0 };

	(void)state;
	/* Block 1 is gone altogether. */
	memcpy(other.bl_data, bl.bl_data, pos[1]);
	memcpy(other.bl_data + pos[1], bl.bl_data + pos[2], bl.bl_len - pos[2]);
	damaged(&other, bl.bl_len - (pos[2] - pos[1]), BLOCK,
	    "events are missing");
	salvaged(NEVENTS - BLOCK, 1, BLOCK);
	/* Bytes that do not belong there, within block 1. */
	memcpy(other.bl_data, bl.bl_data, pos[1] + 100);
	memset(other.bl_data + pos[1] + 100, 'u', 100);
	memcpy(other.bl_data + pos[1] + 200, bl.bl_data + pos[1] + 100,
	    bl.bl_len - pos[1] - 100);
	damaged(&other, bl.bl_len + 100, BLOCK, "checksum");
	salvaged(NEVENTS - BLOCK, 1, BLOCK);
	/* And behind the end. */
	memcpy(other.bl_data, bl.bl_data, bl.bl_len);
	memset(other.bl_data + bl.bl_len, 0, 1);
	damaged(&other, bl.bl_len + 1, NEVENTS, "index");
	free(other.bl_data);
	free(bl.bl_data);
}

static void
any_flipped_bit_is_found(void **state)
{
	struct dice d = { dice_seed() };
	struct errmsg em;
	struct blob bl;
	uint64_t events;

	(void)state;
	generate("good.uvt", "events=3000", "pages=500", NULL);
	bl = file_read("good.uvt");
	for (unsigned i = 0; i < 500; i++) {
		const size_t at = dice_below(&d, bl.bl_len);
		const uint8_t bit = (uint8_t)(1U << dice_below(&d, 8));

		bl.bl_data[at] ^= bit;
		file_write("bad.uvt", bl.bl_data, bl.bl_len);
		if (read_through("bad.uvt", 0, &events, &em) == 0)
			fail_msg("byte %zu, bit %u", at, bit);
		(void)read_through("bad.uvt", TRACE_SALVAGE, &events, &em);
		bl.bl_data[at] ^= bit;
	}
	free(bl.bl_data);
}

/* A file of one block that has good checksums and any columns at all. */
static void
block_forge(const struct blob *bl, size_t pos, const uint8_t *raw, size_t len,
    uint32_t events)
{
	const size_t cap = len + 1000;
	uint8_t *out = malloc(pos + sizeof(struct uvt_block) + cap);
	struct uvt_block ub;
	size_t packed;

	assert_non_null(out);
	memcpy(out, bl->bl_data, pos);
	packed = ZSTD_compress(out + pos + sizeof(ub), cap, raw, len, 1);
	assert_false(ZSTD_isError(packed));
	memcpy(&ub, bl->bl_data + pos, sizeof(ub));
	ub.ub_events = events;
	ub.ub_raw = (uint32_t)len;
	ub.ub_packed = (uint32_t)packed;
	ub.ub_packed_sum = XXH3_64bits(out + pos + sizeof(ub), packed);
	ub.ub_sum = UVT_SUM(&ub, ub_sum);
	memcpy(out + pos, &ub, sizeof(ub));
	file_write("forged.uvt", out, pos + sizeof(ub) + packed);
	free(out);
}

/*
 * Whoever makes a file with good checksums can say anything: what comes out
 * has to be well formed all the same, or an error.
 */
static void
forged_columns_make_events_that_are_well_formed_or_an_error(void **state)
{
	struct dice d = { dice_seed() };
	struct blob bl;
	struct uvt_block ub;
	uint8_t *raw, *copy;
	size_t pos = 0;

	(void)state;
	generate("good.uvt", "events=500", "pages=500", "files=3", "maps=2",
	    NULL);
	bl = file_read("good.uvt");
	assert_int_equal(blocks_find(&bl, &pos, 1), 1);
	memcpy(&ub, bl.bl_data + pos, sizeof(ub));
	raw = malloc(ub.ub_raw);
	copy = malloc(ub.ub_raw);
	assert_non_null(raw);
	assert_non_null(copy);
	assert_int_equal(ZSTD_decompress(raw, ub.ub_raw,
			     bl.bl_data + pos + sizeof(ub), ub.ub_packed),
	    ub.ub_raw);
	for (unsigned i = 0; i < 1000; i++) {
		struct errmsg em = { .em_text = "" };
		struct trace_reader *tr;
		const struct trace_event *ev;
		uint64_t time = 0;
		size_t n = 0;

		memcpy(copy, raw, ub.ub_raw);
		for (uint64_t k = 1 + dice_below(&d, 4); k > 0; k--)
			copy[dice_below(&d, ub.ub_raw)] =
			    (uint8_t)dice_next(&d);
		block_forge(&bl, pos, copy, ub.ub_raw,
		    dice_below(&d, 4) == 0 ? 499 : 500);
		must_em(trace_open("forged.uvt", 0, &tr, &em), &em);
		while (trace_next(tr, &ev, &n, &em) == 0 && n > 0)
			for (size_t e = 0; e < n; e++) {
				assert_null(trace_event_check(&ev[e]));
				assert_true(ev[e].te_time >= time);
				assert_true(ev[e].te_file <= 3);
				time = ev[e].te_time;
			}
		assert_true(em.em_text[0] != '\0');
		trace_close(tr);
	}
	free(raw);
	free(copy);
	free(bl.bl_data);
}

/* The sum of the frame was compared: zstd's own, of what it holds, is for other
 * readers, and takes time. */
static void
the_checksum_within_a_frame_is_not_compared(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	struct uvt_block ub;
	struct blob bl;
	size_t pos = 0, n, events = 0;
	uint8_t *frame;

	(void)state;
	generate("good.uvt", "events=500", NULL);
	bl = file_read("good.uvt");
	assert_int_equal(blocks_find(&bl, &pos, 1), 1);
	memcpy(&ub, bl.bl_data + pos, sizeof(ub));
	frame = bl.bl_data + pos + sizeof(ub);
	frame[ub.ub_packed - 1] ^= 1;
	ub.ub_packed_sum = XXH3_64bits(frame, ub.ub_packed);
	ub.ub_sum = UVT_SUM(&ub, ub_sum);
	memcpy(bl.bl_data + pos, &ub, sizeof(ub));
	file_write("odd.uvt", bl.bl_data, bl.bl_len);
	must_em(trace_open("odd.uvt", 0, &tr, &em), &em);
	while (trace_next(tr, &ev, &n, &em) == 0 && n > 0)
		events += n;
	trace_close(tr);
	assert_string_equal(em.em_text, "");
	assert_int_equal(events, 500);
	free(bl.bl_data);
}

static void
a_file_that_shrinks_while_read_is_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;
	int error;

	(void)state;
	generate("a.uvt", "events=1000000", NULL);
	must_em(trace_open("a.uvt", 0, &tr, &em), &em);
	must(truncate("a.uvt", 400000));
	do {
		error = trace_next(tr, &ev, &n, &em);
	} while (error == 0 && n > 0);
	assert_int_equal(error, EILSEQ);
	assert_non_null(strstr(em.em_text, "shrank"));
	trace_close(tr);
}

static void
a_digest_that_does_not_fit_is_found(void **state)
{
	struct errmsg em;
	struct uvt_trailer ut;
	struct uvt_index ui;
	struct blob bl;
	uint64_t events;

	(void)state;
	generate("a.uvt", "events=1000", NULL);
	bl = file_read("a.uvt");
	memcpy(&ut, bl.bl_data + bl.bl_len - sizeof(ut), sizeof(ut));
	memcpy(&ui, bl.bl_data + ut.ut_index, sizeof(ui));
	ui.ui_digest[3] ^= 1;
	ui.ui_sum = UVT_SUM(&ui, ui_sum);
	memcpy(bl.bl_data + ut.ut_index, &ui, sizeof(ui));
	file_write("a.uvt", bl.bl_data, bl.bl_len);
	free(bl.bl_data);
	must(read_through("a.uvt", 0, &events, &em));
	assert_int_equal(read_through("a.uvt", TRACE_VERIFY, &events, &em),
	    EILSEQ);
	assert_int_equal(events, 1000);
	assert_non_null(strstr(em.em_text, "digest"));
}

static size_t
size_of(const char *path)
{
	struct blob bl = file_read(path);

	free(bl.bl_data);
	return bl.bl_len;
}

static void
a_trace_appears_when_it_is_finished_and_not_before(void **state)
{
	const struct trace_event bad = { .te_op = TRACE_READ };
	const struct trace_event good = { .te_op = TRACE_SYNC, .te_time = 5 };
	const struct trace_event back = { .te_op = TRACE_SYNC, .te_time = 4 };
	struct trace_event undeclared = { .te_op = TRACE_FSYNC,
		.te_time = 5,
		.te_file = 2 };
	struct errmsg em = { .em_text = "" };
	struct trace_file file;
	struct trace_meta tm;
	struct trace_writer *tw;

	(void)state;
	meta_fill(&tm, &file, 1);
	must_em(trace_create("a.uvt", TRACE_UVT, &tm, &tw, &em), &em);
	must_em(trace_put(tw, &good, 1, &em), &em);
	assert_int_equal(trace_put(tw, &bad, 1, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "event 1 names no file"));
	assert_int_equal(trace_put(tw, &back, 1, NULL), EINVAL);
	assert_int_equal(trace_put(tw, &undeclared, 1, NULL), EINVAL);
	assert_false(file_exists("a.uvt"));
	trace_abandon(tw);
	text_write("a.uvt", "old");
	em.em_text[0] = '\0';
	assert_int_equal(trace_create("a.uvt", TRACE_UVT, &tm, &tw, &em),
	    EEXIST);
	assert_non_null(strstr(em.em_text, "a.uvt: is there, and is no trace"));
	assert_int_equal(size_of("a.uvt"), 3);
	text_write("a.uvt", "#uvn-trace 1");
	em.em_text[0] = '\0';
	must_em(trace_create("a.uvt", TRACE_UVT, &tm, &tw, &em), &em);
	trace_abandon(tw);
	assert_int_equal(size_of("a.uvt"), 12);
	must_em(trace_create("a.uvt", TRACE_UVT, &tm, &tw, &em), &em);
	must_em(trace_finish(tw, &em), &em);
	assert_true(size_of("a.uvt") > 12);
}

static void
what_cannot_be_written_says_why(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct trace_file file;
	struct trace_meta tm;
	struct trace_writer *tw;

	(void)state;
	meta_fill(&tm, &file, 1);
	assert_int_equal(trace_create("no/such/a.uvt", TRACE_UVT, &tm, &tw,
			     &em),
	    ENOENT);
	assert_non_null(strstr(em.em_text, "no/such/a.uvt"));
	em.em_text[0] = '\0';
	must_em(trace_create("/dev/full", TRACE_UVT, &tm, &tw, &em), &em);
	assert_int_equal(trace_finish(tw, &em), ENOSPC);
	assert_non_null(strstr(em.em_text, "/dev/full"));
}

static void
memory_does_not_grow_with_the_trace(void **state)
{
	struct rusage before, after;
	struct errmsg em;
	uint64_t events;

	(void)state;
	generate("a.uvt", "events=500000", NULL);
	generate("a.csv", "events=100000", NULL);
	must(read_through("a.uvt", TRACE_VERIFY, &events, &em));
	must(read_through("a.csv", 0, &events, &em));
	must(getrusage(RUSAGE_SELF, &before));
	generate("b.uvt", "events=5000000", NULL);
	must(read_through("b.uvt", TRACE_VERIFY, &events, &em));
	assert_int_equal(events, 5000000);
	generate("b.csv", "events=1000000", NULL);
	must(read_through("b.csv", 0, &events, &em));
	must(getrusage(RUSAGE_SELF, &after));
	/* KiB.  The events alone are 240 MB. */
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 16 << 10);
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(recorded_traces_come_back_byte_for_byte),
		T(random_events_come_back),
		T(the_index_tells_count_and_digest_at_once),
		T(other_contents_have_another_digest),
		T(a_zipf_trace_takes_at_most_six_bytes_an_event),
		T(another_magic_is_no_trace),
		T(a_newer_version_is_refused),
		T(a_damaged_block_reaches_no_caller),
		T(damage_in_two_places_is_stepped_over),
		T(a_file_cut_anywhere_is_detected),
		T(a_missing_or_inserted_piece_is_found),
		T(any_flipped_bit_is_found),
		T(forged_columns_make_events_that_are_well_formed_or_an_error),
		T(the_checksum_within_a_frame_is_not_compared),
		T(a_file_that_shrinks_while_read_is_refused),
		T(a_digest_that_does_not_fit_is_found),
		T(a_trace_appears_when_it_is_finished_and_not_before),
		T(what_cannot_be_written_says_why),
		T(memory_does_not_grow_with_the_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
