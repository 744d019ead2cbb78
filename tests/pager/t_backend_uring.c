/* Backend uring: I/O that is started now and handed back later. */
#include "tests/pager/backend_fixture.h"

#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"
#include "tests/dice.h"

#define NBUF 64U

/* Buffers of a page each, buffer i on frame i. */
struct flight {
	struct fixture *fl_fx;
	struct uvm_buf fl_buf[NBUF];
	void *fl_page[NBUF];
	unsigned fl_back[NBUF]; /* how often it was handed back */
};

static struct uvm_buf *
buf_init(struct flight *fl, unsigned i, enum uvm_io io, uint64_t pgno)
{

	fl->fl_page[i] =
	    fl->fl_fx->fx_frames + i % MODEL_PAGES * (size_t)PGSIZE;
	fl->fl_buf[i] = (struct uvm_buf){
		.b_io = io,
		.b_file = 1,
		.b_offset = pgno * PGSIZE,
		.b_length = PGSIZE,
		.b_npages = 1,
		.b_pgsize = PGSIZE,
		.b_page = &fl->fl_page[i],
		.b_done = UINT64_MAX,
		.b_error = -1,
	};
	return &fl->fl_buf[i];
}

static int
start_buf(struct flight *fl, unsigned i)
{
	const struct fixture *const fx = fl->fl_fx;

	return fx->fx_be->be_start(fx->fx_fb, &fl->fl_buf[i]);
}

/* Take one back; UINT_MAX: there is none. */
static unsigned
take_back(struct flight *fl, bool wait)
{
	const struct fixture *const fx = fl->fl_fx;
	struct uvm_buf *b;
	unsigned i;

	must(fx->fx_be->be_poll(fx->fx_fb, wait, &b));
	if (b == NULL)
		return UINT_MAX;
	i = (unsigned)(b - fl->fl_buf);
	assert_true(i < NBUF);
	fl->fl_back[i]++;
	return i;
}

/* All of n come back, each once, and no other does. */
static void
land(struct flight *fl, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		assert_true(take_back(fl, true) < n);
	assert_int_equal(take_back(fl, true), UINT_MAX);
	assert_int_equal(take_back(fl, false), UINT_MAX);
	for (i = 0; i < n; i++) {
		assert_int_equal(fl->fl_back[i], 1);
		fl->fl_back[i] = 0;
	}
}

static struct flight *
begin(struct fixture *fx, uint64_t size)
{
	static struct flight fl;

	backend_create(fx);
	fl = (struct flight){ .fl_fx = fx };
	must(fx->fx_be->be_open(fx->fx_fb, 1, size));
	return &fl;
}

static void
assert_page(const struct fixture *fx, const uint8_t *frame, uint64_t pgno,
    uint64_t seq)
{
	uint8_t want[PGSIZE];

	(void)fx;
	uvm_pattern(1, pgno * PGSIZE, PGSIZE, seq, want);
	assert_memory_equal(frame, want, PGSIZE);
}

/* Write pages [0, n) of the file from frames [0, n), all under way at once. */
static void
write_all(struct flight *fl, unsigned n, uint64_t seq)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct uvm_buf *const b = buf_init(fl, i, UVM_WRITE, i);

		uvm_pattern(1, b->b_offset, PGSIZE, seq, fl->fl_page[i]);
		must(start_buf(fl, i));
	}
	must(fl->fl_fx->fx_be->be_submit(fl->fl_fx->fx_fb));
	land(fl, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(fl->fl_buf[i].b_error, 0);
		assert_int_equal(fl->fl_buf[i].b_done, PGSIZE);
	}
}

/* Read them again, the last one first. */
static void
read_all(struct flight *fl, unsigned n, uint64_t seq)
{
	unsigned i;

	memset(fl->fl_fx->fx_frames, 0xee, MODEL_MAX);
	for (i = 0; i < n; i++) {
		(void)buf_init(fl, i, UVM_READ, n - 1 - i);
		must(start_buf(fl, i));
	}
	land(fl, n);
	for (i = 0; i < n; i++)
		assert_page(fl->fl_fx, fl->fl_page[i], n - 1 - i, seq);
}

static void
several_are_under_way_and_each_comes_back_once(void **state)
{
	struct flight *const fl = begin(*state, NBUF * PGSIZE);

	write_all(fl, 32, 1);
	read_all(fl, 32, 1);
	write_all(fl, 31, 2);
	read_all(fl, 31, 2);
}

/* Fewer than are sent at a time: be_poll sends them all the same. */
static void
what_was_kept_back_is_sent_by_a_poll(void **state)
{
	struct flight *const fl = begin(*state, NBUF * PGSIZE);
	unsigned i;

	for (i = 0; i < 3; i++) {
		(void)buf_init(fl, i, UVM_READ, i);
		must(start_buf(fl, i));
	}
	land(fl, 3);
	assert_page(fl->fl_fx, fl->fl_page[2], 2, 0);
}

static void
no_more_than_the_depth_are_under_way(void **state)
{
	struct fixture *fx = *state;
	struct flight *fl;

	fx->fx_depth = 1;
	fl = begin(fx, NBUF * PGSIZE);
	(void)buf_init(fl, 0, UVM_READ, 0);
	(void)buf_init(fl, 1, UVM_READ, 1);
	must(start_buf(fl, 0));
	assert_int_equal(start_buf(fl, 1), EAGAIN);
	assert_int_equal(take_back(fl, true), 0);
	must(start_buf(fl, 1));
	assert_int_equal(take_back(fl, true), 1);
	fl->fl_back[0] = fl->fl_back[1] = 0;
	for (unsigned i = 0; i < 5; i++) {
		(void)buf_init(fl, i, UVM_READ, i);
		must(start_buf(fl, i));
		assert_int_equal(take_back(fl, true), i);
		assert_page(fx, fl->fl_page[i], i, 0);
	}
}

static void
without_depth_there_is_no_ring(void **state)
{
	struct fixture *fx = *state;

	fx->fx_depth = 0;
	backend_create(fx);
	assert_null(fx->fx_fb->fb_ring);
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
}

static void
one_of_several_fails_alone(void **state)
{
	struct flight *const fl = begin(*state, NBUF * PGSIZE);
	const struct fixture *const fx = fl->fl_fx;
	struct rlimit old, low;
	unsigned i;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 20 * PGSIZE;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (i = 0; i < 24; i++) {
		(void)buf_init(fl, i, UVM_WRITE, i);
		uvm_pattern(1, i * (uint64_t)PGSIZE, PGSIZE, 9, fl->fl_page[i]);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (i = 0; i < 24; i++)
		must(start_buf(fl, i));
	land(fl, 24);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	for (i = 0; i < 24; i++) {
		const bool fits = i < 20;

		assert_int_equal(fl->fl_buf[i].b_error, fits ? 0 : EFBIG);
		assert_int_equal(fl->fl_buf[i].b_done, fits ? PGSIZE : 0);
	}
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "file-1.dat"));
	for (i = 0; i < 24; i++) {
		(void)buf_init(fl, i, UVM_READ, i);
		must(start_buf(fl, i));
	}
	land(fl, 24);
	for (i = 0; i < 24; i++)
		assert_page(fx, fl->fl_page[i], i, i < 20 ? 9 : 0);
}

static void
a_file_cut_short_moves_what_is_there(void **state)
{
	struct flight *const fl = begin(*state, 8 * PGSIZE);
	char path[512];
	unsigned i;

	backend_path(fl->fl_fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(truncate(path, 5 * PGSIZE + 100), 0);
	for (i = 0; i < 8; i++) {
		(void)buf_init(fl, i, UVM_READ, i);
		must(start_buf(fl, i));
	}
	land(fl, 8);
	for (i = 0; i < 8; i++) {
		assert_int_equal(fl->fl_buf[i].b_error, 0);
		assert_int_equal(fl->fl_buf[i].b_done,
		    i < 5      ? PGSIZE :
			i == 5 ? 100 :
				 0);
	}
}

/* Two files, each with a last page of its own that ends within it. */
static void
ragged_ends_under_way_together_keep_apart(void **state)
{
	struct fixture *const fx = *state;
	struct flight *const fl = begin(fx, PGSIZE + 100);
	static uint8_t got[4 * PGSIZE];

	must(fx->fx_be->be_open(fx->fx_fb, 2, PGSIZE + 3000));
	for (unsigned i = 0; i < 2; i++) {
		struct uvm_buf *const b = buf_init(fl, i, UVM_WRITE, 1);

		b->b_file = i + 1;
		b->b_length = i == 0 ? 100 : 3000;
		memset(fl->fl_page[i], i == 0 ? 0x11 : 0x22, PGSIZE);
		must(start_buf(fl, i));
	}
	land(fl, 2);
	for (unsigned i = 0; i < 2; i++) {
		const size_t end = i == 0 ? 100 : 3000;

		assert_int_equal(fl->fl_buf[i].b_done, end);
		must(fx->fx_be->be_truncate(fx->fx_fb, i + 1, 3 * PGSIZE));
		must(fx->fx_be->be_pread(fx->fx_fb, i + 1, PGSIZE, 2 * PGSIZE,
		    got));
		for (size_t k = 0; k < 2 * PGSIZE; k++)
			assert_int_equal(got[k],
			    k >= end   ? 0 :
				i == 0 ? 0x11 :
					 0x22);
	}
}

static void
a_file_the_ring_has_no_number_for_works_as_well(void **state)
{
	struct fixture *const fx = *state;
	struct flight *fl;

	backend_create(fx);
	fx->fx_fb->fb_slots = FILEBE_SLOTS - 1;
	must(fx->fx_be->be_open(fx->fx_fb, 2, PGSIZE));
	assert_int_not_equal(filebe_lookup(fx->fx_fb, 2)->f_slot, -1);
	backend_destroy(fx);
	backend_create(fx);
	fx->fx_fb->fb_slots = FILEBE_SLOTS;
	must(fx->fx_be->be_open(fx->fx_fb, 1, NBUF * PGSIZE));
	assert_int_equal(filebe_lookup(fx->fx_fb, 1)->f_slot, -1);
	fl = &(struct flight){ .fl_fx = fx };
	write_all(fl, 32, 1);
	read_all(fl, 32, 1);
	must(fx->fx_be->be_close(fx->fx_fb, 1));
}

/* What lies elsewhere than be_prepare was told is moved without registration. */
static void
frames_need_not_be_registered(void **state)
{
	struct fixture *const fx = *state;
	uint8_t *const frames = fx->fx_frames;
	struct flight *fl;

	fx->fx_frames = aligned_alloc(PGSIZE, MODEL_MAX);
	assert_non_null(fx->fx_frames);
	fl = begin(fx, NBUF * PGSIZE);
	free(fx->fx_frames);
	fx->fx_frames = frames;
	write_all(fl, 32, 1);
	read_all(fl, 32, 1);
}

static void
memory_is_registered_if_there_is_plenty(void **state)
{

	(void)state;
	assert_true(filebe_ring_may_register(PGSIZE));
	assert_false(filebe_ring_may_register((size_t)1 << 46));
}

static void
an_unknown_file_is_told_at_once(void **state)
{
	struct flight *const fl = begin(*state, PGSIZE);

	buf_init(fl, 0, UVM_READ, 0)->b_file = 5;
	assert_int_equal(start_buf(fl, 0), EBADF);
	assert_int_equal(take_back(fl, true), UINT_MAX);
	must(fl->fl_fx->fx_be->be_close(fl->fl_fx->fx_fb, 1));
	(void)buf_init(fl, 0, UVM_READ, 0);
	assert_int_equal(start_buf(fl, 0), EBADF);
}

/*
 * Reads and writes of clusters that do not overlap, of random length, started
 * and taken back in random order, some of them durable.
 */
static void
random_flights_agree_with_a_table_of_sequences(void **state)
{
	struct fixture *const fx = *state;
	struct flight *const fl = begin(fx, MODEL_PAGES * PGSIZE);
	uint64_t seqs[MODEL_PAGES] = { 0 };
	struct dice d = { dice_seed() };
	void *page[MODEL_PAGES];

	for (unsigned i = 0; i < MODEL_PAGES; i++)
		page[i] =
		    fx->fx_frames + (MODEL_PAGES - 1 - i) * (size_t)PGSIZE;
	for (uint64_t round = 1; round < 300; round++) {
		unsigned n = 0, at = 0;

		while (at < MODEL_PAGES && n < fx->fx_depth) {
			struct uvm_buf *const b = &fl->fl_buf[n];
			const unsigned left = MODEL_PAGES - at;
			unsigned len;

			len = 1 + roll(&d, 5);
			len = len < left ? len : left;
			(void)buf_init(fl, n, roll(&d, 2), at);
			b->b_npages = len;
			b->b_length = len * (uint64_t)PGSIZE;
			b->b_page = &page[at];
			b->b_durable = b->b_io == UVM_WRITE && roll(&d, 8) == 0;
			for (; len-- > 0; at++) {
				if (b->b_io == UVM_WRITE)
					seqs[at] = round;
				uvm_pattern(1, at * (uint64_t)PGSIZE, PGSIZE,
				    b->b_io == UVM_WRITE ? round : 7777,
				    page[at]);
			}
			must(start_buf(fl, n++));
			if (roll(&d, 7) == 0)
				must(fx->fx_be->be_submit(fx->fx_fb));
		}
		land(fl, n);
		for (unsigned i = 0; i < at; i++)
			assert_page(fx, page[i], i, seqs[i]);
	}
}

static void
a_ring_that_cannot_be_had_is_told_with_cause_and_remedy(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct rlimit old, low;
	const char *cause, *remedy, *why;
	int error;

	must_em(uvm_filebe_create(fx->fx_be, fx->fx_dir, PGSIZE, &fx->fx_fb,
		    &em),
	    &em);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	error = fx->fx_be->be_prepare(fx->fx_fb, fx->fx_frames, MODEL_MAX, 4);
	assert_int_not_equal(uvm_uring_try(&cause, &remedy), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(error, EOPNOTSUPP);
	why = uvm_filebe_why(fx->fx_fb);
	assert_non_null(strstr(why, cause));
	assert_non_null(strstr(why, remedy));
	assert_non_null(strstr(why, "--backend direct"));
	assert_true(strlen(cause) != 0 && strlen(remedy) != 0);
	assert_null(fx->fx_fb->fb_ring);
	/* What is done within the call needs none. */
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
}

static void
every_refusal_has_a_cause_and_a_remedy(void **state)
{
	static const int errors[] = { EPERM, EACCES, ENOSYS, ENOMEM, EMFILE,
		ENFILE, EINVAL };
	const char *cause, *remedy;

	(void)state;
	for (size_t i = 0; i < nitems(errors); i++) {
		cause = remedy = NULL;
		filebe_ring_why(errors[i], &cause, &remedy);
		assert_true(cause != NULL && *cause != '\0');
		assert_true(remedy != NULL && *remedy != '\0');
	}
	/* Found means that one could be made. */
	if (uvm_uring_try(&cause, &remedy) == 0)
		assert_int_equal(strlen(cause) + strlen(remedy), 0);
	else
		assert_true(*cause != '\0' && *remedy != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		URING(several_are_under_way_and_each_comes_back_once),
		URING(what_was_kept_back_is_sent_by_a_poll),
		URING(no_more_than_the_depth_are_under_way),
		URING(without_depth_there_is_no_ring),
		URING(one_of_several_fails_alone),
		URING(a_file_cut_short_moves_what_is_there),
		URING(ragged_ends_under_way_together_keep_apart),
		URING(a_file_the_ring_has_no_number_for_works_as_well),
		URING(frames_need_not_be_registered),
		URING(an_unknown_file_is_told_at_once),
		URING(random_flights_agree_with_a_table_of_sequences),
		URING(a_ring_that_cannot_be_had_is_told_with_cause_and_remedy),
		cmocka_unit_test(memory_is_registered_if_there_is_plenty),
		cmocka_unit_test(every_refusal_has_a_cause_and_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
