#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/tunable.h"
#include "replay/verify.h"

#define PG     4096U
#define NPAGES 16U
#define NFILES 3U

/* A backend in memory, files 1..NFILES-1, with faults to order. */
struct fake {
	uint8_t fk_bytes[NFILES][NPAGES * PG];
	uint64_t fk_size[NFILES];
	int fk_error;	  /* for the next be_io */
	uint64_t fk_done; /* bytes it moves first */
	bool fk_short;	  /* it moves fk_done, without an error */
};

static int
fake_open(void *cookie, uint32_t file, uint64_t size)
{
	struct fake *fk = cookie;

	fk->fk_size[file] = size;
	uvm_filebe_fill(file, 0, size, fk->fk_bytes[file]);
	return 0;
}

static int
fake_io(void *cookie, struct uvm_buf *b)
{
	struct fake *fk = cookie;
	const bool faulty = fk->fk_error != 0 || fk->fk_short;
	const uint64_t n = faulty ? fk->fk_done : b->b_length;

	for (uint64_t i = 0; i < n; i++) {
		uint8_t *const frame = b->b_page[i / PG];
		uint8_t *const byte = &fk->fk_bytes[b->b_file][b->b_offset + i];

		if (b->b_io == UVM_READ)
			frame[i % PG] = *byte;
		else
			*byte = frame[i % PG];
	}
	b->b_done = n;
	b->b_error = fk->fk_error;
	fk->fk_error = 0;
	fk->fk_short = false;
	return b->b_error;
}

static int
fake_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	const struct fake *fk = cookie;

	memcpy(buf, fk->fk_bytes[file] + offset, length);
	return 0;
}

static int
fake_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct fake *fk = cookie;

	memcpy(fk->fk_bytes[file] + offset, buf, length);
	if (offset + length > fk->fk_size[file])
		fk->fk_size[file] = offset + length;
	return 0;
}

static int
fake_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct fake *fk = cookie;

	if (size < fk->fk_size[file])
		memset(fk->fk_bytes[file] + size, 0, fk->fk_size[file] - size);
	fk->fk_size[file] = size;
	return 0;
}

static int
fake_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length)
{
	struct fake *fk = cookie;

	memset(fk->fk_bytes[file] + offset, 0, length);
	return 0;
}

static const struct uvm_backend fake_backend = {
	.be_name = "fake",
	.be_flags = UVM_BE_DATA,
	.be_open = fake_open,
	.be_io = fake_io,
	.be_pread = fake_pread,
	.be_pwrite = fake_pwrite,
	.be_truncate = fake_truncate,
	.be_zero = fake_zero,
};

struct fixture {
	struct fake fx_fake;
	struct verify *fx_v;
	uint8_t fx_frame[NFILES][NPAGES][PG];
	uint64_t fx_event;
};

static void
begin(struct fixture *fx, enum quirk quirks)
{
	struct uvm_param up = {
		.page_size = PG,
		.q1_error_clean = quirks,
		.q6_eof_page = quirks,
		.q21_incoherent = quirks,
	};

	verify_destroy(fx->fx_v);
	memset(fx, 0, sizeof(*fx));
	must(verify_create(&up, &fake_backend, &fx->fx_fake, &fx->fx_v));
	verify_event(fx->fx_v, 0);
}

static int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	begin(fx, QUIRK_FAITHFUL);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	verify_destroy(fx->fx_v);
	free(fx);
	return 0;
}

/*
 * ---- what pager and engine do ----
 */

static void
next_event(struct fixture *fx)
{

	verify_event(fx->fx_v, ++fx->fx_event);
}

static void
add_file(struct fixture *fx, uint32_t file, uint64_t size)
{

	must(verify_backend.be_open(fx->fx_v, file, size));
	verify_file(fx->fx_v, file, size);
}

static int
page_io(struct fixture *fx, enum uvm_io io, uint32_t file, uint64_t pgno,
    uint32_t npages)
{
	void *page[NPAGES];
	const uint64_t left = fx->fx_fake.fk_size[file] - pgno * PG;
	struct uvm_buf b = {
		.b_io = io,
		.b_file = file,
		.b_offset = pgno * PG,
		.b_length = npages * PG < left ? npages * PG : left,
		.b_npages = npages,
		.b_pgsize = PG,
		.b_page = page,
	};
	int error;

	for (uint32_t i = 0; i < npages; i++)
		page[i] = fx->fx_frame[file][pgno + i];
	error = verify_backend.be_io(fx->fx_v, &b);
	if (io == UVM_READ)
		for (uint64_t i = b.b_done; i < npages * (uint64_t)PG; i++)
			fx->fx_frame[file][pgno + i / PG][i % PG] = 0;
	return error;
}

static void
page_in(struct fixture *fx, uint32_t file, uint64_t pgno, uint32_t npages)
{

	must(page_io(fx, UVM_READ, file, pgno, npages));
}

static void
page_out(struct fixture *fx, uint32_t file, uint64_t pgno, uint32_t npages)
{

	must(page_io(fx, UVM_WRITE, file, pgno, npages));
}

/* The program stores into a page, as event now. */
static void
store(struct fixture *fx, uint32_t file, uint64_t pgno)
{

	verify_fill(file, pgno * PG, PG, fx->fx_event + 1,
	    fx->fx_frame[file][pgno]);
	verify_write_access(fx->fx_v, file, pgno * PG, PG, fx->fx_event + 1);
}

static void
write_file(struct fixture *fx, uint32_t file, uint64_t offset, uint64_t length)
{

	verify_pwrite(fx->fx_v, file, offset, length, fx->fx_event + 1);
	must(verify_backend.be_pwrite(fx->fx_v, file, offset, length, NULL));
}

static void
truncate_file(struct fixture *fx, uint32_t file, uint64_t size)
{

	must(verify_backend.be_truncate(fx->fx_v, file, size));
	verify_truncate(fx->fx_v, file, size);
}

static void
assert_passes(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };

	must_em(verify_finish(fx->fx_v, &em), &em);
}

/* Something was found, and is said in words that have all of those given. */
#define assert_fails(fx, ...)                                                  \
	do {                                                                   \
		const char *const words_[] = { __VA_ARGS__ };                  \
		assert_fails_with((fx), words_, nitems(words_));               \
	} while (0)

static void
assert_fails_with(struct fixture *fx, const char *const *words, size_t n)
{
	struct errmsg em = { .em_text = "" };

	assert_int_equal(verify_finish(fx->fx_v, &em), EIO);
	assert_int_equal(verify_failed(fx->fx_v, NULL), EIO);
	for (size_t i = 0; i < n; i++)
		if (strstr(em.em_text, words[i]) == NULL)
			fail_msg("no \"%s\" in: %s", words[i], em.em_text);
}

/*
 * ---- passes ----
 */

static void
an_untouched_file_passes(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 5 * PG + 123);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_end, 6);
}

static void
stores_written_out_and_read_again_pass(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 8 * PG + 10);
	page_in(fx, 1, 0, 9);
	for (uint64_t i = 0; i < 9; i += 2) {
		next_event(fx);
		store(fx, 1, i);
	}
	page_out(fx, 1, 0, 9);
	for (uint64_t i = 0; i < 9; i++)
		verify_freed(fx->fx_v, 1, i);
	next_event(fx);
	page_in(fx, 1, 0, 9);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_in, 18);
	assert_int_equal(verify_stat(fx->fx_v)->vs_pages_out, 9);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 0);
}

static void
a_dirty_page_still_resident_at_the_end_is_not_lost(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 2 * PG);
	page_in(fx, 1, 1, 1);
	store(fx, 1, 1);
	assert_passes(fx);
}

static void
write_and_mappings_need_not_agree(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 0, 2);
	next_event(fx);
	write_file(fx, 1, 100, PG);
	/* Stale and clean: page 1 may go, and shows the write when read. */
	verify_freed(fx->fx_v, 1, 1);
	page_in(fx, 1, 1, 1);
	/* Stale and dirty: page 0 overwrites the write. */
	next_event(fx);
	store(fx, 1, 0);
	page_out(fx, 1, 0, 1);
	verify_freed(fx->fx_v, 1, 0);
	page_in(fx, 1, 0, 1);
	assert_passes(fx);
}

static void
a_write_may_extend_the_file_beyond_a_gap(void **state)
{
	struct fixture *fx = *state;
	uint8_t buf[300];

	add_file(fx, 1, 100);
	next_event(fx);
	write_file(fx, 1, 3 * PG + 50, 300);
	assert_int_equal(fx->fx_fake.fk_size[1], 3 * PG + 350);
	page_in(fx, 1, 0, 4);
	must(verify_backend.be_pread(fx->fx_v, 1, 3 * PG + 50, 300, buf));
	assert_passes(fx);
}

static void
bytes_cut_off_come_back_as_zeros(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	truncate_file(fx, 1, PG + 100);
	next_event(fx);
	truncate_file(fx, 1, 3 * PG);
	next_event(fx);
	page_in(fx, 1, 0, 3);
	assert_passes(fx);
}

static void
stores_behind_the_end_show_only_after_growth_and_a_page_out(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, PG + 100);
	page_in(fx, 1, 1, 1);
	next_event(fx);
	store(fx, 1, 1);
	page_out(fx, 1, 1, 1);
	next_event(fx);
	truncate_file(fx, 1, 2 * PG);
	/* Clean, though it holds more than the file: free to go. */
	verify_freed(fx->fx_v, 1, 1);
	next_event(fx);
	page_in(fx, 1, 1, 1);
	assert_int_equal(fx->fx_frame[1][1][100], 0);
	assert_passes(fx);
}

static void
a_page_kept_through_growth_may_be_written_with_its_old_bytes(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, PG + 100);
	page_in(fx, 1, 1, 1);
	next_event(fx);
	store(fx, 1, 1);
	next_event(fx);
	truncate_file(fx, 1, 2 * PG);
	page_out(fx, 1, 1, 1);
	verify_freed(fx->fx_v, 1, 1);
	page_in(fx, 1, 1, 1);
	assert_passes(fx);
}

static void
zeroing_changes_the_file_and_no_page(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 1, 1);
	next_event(fx);
	verify_zero(fx->fx_v, 1, 100, 2 * PG);
	must(verify_backend.be_zero(fx->fx_v, 1, 100, 2 * PG));
	page_in(fx, 1, 0, 1);
	next_event(fx);
	store(fx, 1, 1);
	page_out(fx, 1, 1, 1);
	assert_passes(fx);
}

static void
a_partly_failed_write_is_settled_by_what_is_on_disk(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 2 * PG);
	page_in(fx, 1, 0, 1);
	next_event(fx);
	store(fx, 1, 0);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(page_io(fx, UVM_WRITE, 1, 0, 1), EIO);
	/* The third sector got there, though nobody said so. */
	verify_fill(1, 1024, 512, 2, fx->fx_fake.fk_bytes[1] + 1024);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(page_io(fx, UVM_WRITE, 1, 0, 1), EIO);
	verify_freed(fx->fx_v, 1, 0);
	next_event(fx);
	page_in(fx, 1, 0, 1);
	assert_passes(fx);
}

/*
 * ---- finds ----
 */

static void
a_flipped_byte_on_disk_is_found_at_page_in(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 8 * PG);
	fx->fx_fake.fk_bytes[1][3 * PG + 17] ^= 0x40;
	fx->fx_event = 41;
	next_event(fx);
	page_in(fx, 1, 2, 4);
	assert_fails(fx, "file 1 page 3 byte 12305", "event 42", "page-in",
	    "first contents", "0x");
}

static void
a_flipped_byte_on_disk_is_found_at_the_end(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, PG);
	add_file(fx, 2, 8 * PG + 9);
	fx->fx_fake.fk_bytes[2][8 * PG + 8] ^= 1;
	assert_fails(fx, "file 2 page 8 byte 32776", "at the end");
}

static void
a_stale_page_is_found_and_dated(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 2, 1);
	fx->fx_event = 6;
	for (int i = 0; i < 2; i++) {
		next_event(fx);
		store(fx, 1, 2);
		page_out(fx, 1, 2, 1);
	}
	verify_freed(fx->fx_v, 1, 2);
	/* The second write never got to the medium. */
	verify_fill(1, 2 * PG, PG, 8, fx->fx_fake.fk_bytes[1] + 2 * PG);
	next_event(fx);
	page_in(fx, 1, 2, 1);
	assert_fails(fx, "file 1 page 2", "sequence 8 (event 7) of this page",
	    "sequence 9 (event 8) must be", "event 9");
}

static void
a_page_of_another_place_is_found_and_named(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	add_file(fx, 2, 9 * PG);
	uvm_filebe_fill(2, 7 * PG, PG, fx->fx_fake.fk_bytes[1] + PG);
	page_in(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "of file 2 page 7");
}

static void
zeros_in_place_of_data_are_named(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	memset(fx->fx_fake.fk_bytes[1] + PG, 0, PG);
	page_in(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "has zeros");
}

static void
a_wrong_frame_is_found_at_page_out(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 0, 3);
	next_event(fx);
	store(fx, 1, 1);
	memcpy(fx->fx_frame[1][1], fx->fx_frame[1][2], PG);
	page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "page-out", "event 1",
	    "of file 1 page 2", "sequence 2 (event 1) must be");
}

static void
a_lost_write_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 3, 1);
	fx->fx_event = 10;
	next_event(fx);
	store(fx, 1, 3);
	next_event(fx);
	verify_freed(fx->fx_v, 1, 3);
	next_event(fx);
	assert_fails(fx, "file 1 page 3", "lost write", "event 12",
	    "sequence 12 (event 11)");
}

static void
a_second_page_in_over_unwritten_stores_is_a_lost_write(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 3, 1);
	store(fx, 1, 3);
	page_in(fx, 1, 3, 1);
	assert_fails(fx, "file 1 page 3", "lost write");
}

static void
a_write_beyond_the_end_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	page_in(fx, 1, 2, 1);
	store(fx, 1, 2);
	truncate_file(fx, 1, 2 * PG + 5);
	fx->fx_fake.fk_size[1] = 3 * PG;
	page_out(fx, 1, 2, 1);
	assert_fails(fx, "file 1 page 2", "beyond the end", "8197");
}

static void
a_short_read_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	fx->fx_fake.fk_short = true;
	fx->fx_fake.fk_done = 100;
	page_in(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "100 bytes", "4096");
}

static void
a_truncate_that_the_backend_never_hears_of_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	verify_truncate(fx->fx_v, 1, PG);
	assert_fails(fx, "file 1", "truncated to 4096", "has 12288");
}

static void
a_write_that_the_backend_never_hears_of_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	verify_pwrite(fx->fx_v, 1, 5, 10, 1);
	next_event(fx);
	assert_fails(fx, "file 1", "write(2) of 10 bytes");
}

static void
a_page_out_of_what_was_never_read_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1", "never read in");
}

static void
a_store_into_what_was_never_read_is_found(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 3 * PG);
	store(fx, 1, 1);
	assert_fails(fx, "file 1 page 1", "never read in");
}

static void
the_first_thing_found_is_the_one_told(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 8 * PG);
	fx->fx_fake.fk_bytes[1][3 * PG] ^= 1;
	fx->fx_fake.fk_bytes[1][5 * PG] ^= 1;
	page_in(fx, 1, 5, 1);
	page_in(fx, 1, 3, 1);
	assert_fails(fx, "page 5");
}

/*
 * ---- permitted losses ----
 */

/* Page 1 of file 1 is dirty and every write of it fails. */
static void
fail_page_1(struct fixture *fx)
{

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 1, 2);
	next_event(fx);
	store(fx, 1, 1);
	store(fx, 1, 2);
	next_event(fx);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(page_io(fx, UVM_WRITE, 1, 1, 2), EIO);
	fx->fx_fake.fk_error = EIO;
	assert_int_equal(page_io(fx, UVM_WRITE, 1, 1, 1), EIO);
}

static void
q1_permits_the_loss_of_a_failed_write(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	next_event(fx);
	page_in(fx, 1, 1, 1);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
}

static void
q1_does_not_permit_the_loss_of_its_neighbour(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	verify_freed(fx->fx_v, 1, 2);
	assert_fails(fx, "file 1 page 2", "lost write");
}

static void
q1_does_not_permit_the_loss_of_a_later_store(void **state)
{
	struct fixture *fx = *state;

	fail_page_1(fx);
	next_event(fx);
	store(fx, 1, 1);
	next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "lost write", "sequence 4");
}

static void
q1_fixed_permits_no_loss(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	fail_page_1(fx);
	verify_freed(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "lost write");
}

static void
a_failed_write_tried_again_is_kept(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	fail_page_1(fx);
	page_out(fx, 1, 1, 2);
	verify_freed(fx->fx_v, 1, 1);
	verify_freed(fx->fx_v, 1, 2);
	page_in(fx, 1, 1, 2);
	assert_passes(fx);
}

/* Pages 1 and 2 are dirty; a shrink into page 1 frees those told. */
static void
shrink(struct fixture *fx, bool before, bool page1)
{

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 1, 2);
	store(fx, 1, 1);
	store(fx, 1, 2);
	next_event(fx);
	if (before)
		verify_truncate(fx->fx_v, 1, PG + 100);
	if (page1)
		verify_freed(fx->fx_v, 1, 1);
	else
		memset(fx->fx_frame[1][1] + 100, 0, PG - 100);
	verify_freed(fx->fx_v, 1, 2);
	must(verify_backend.be_truncate(fx->fx_v, 1, PG + 100));
	if (!before)
		verify_truncate(fx->fx_v, 1, PG + 100);
}

static void
q6_permits_a_shrink_to_drop_the_page_of_the_new_end(void **state)
{
	struct fixture *fx = *state;

	for (int before = 0; before < 2; before++) {
		begin(fx, QUIRK_FAITHFUL);
		shrink(fx, before != 0, true);
		page_in(fx, 1, 1, 1);
		assert_passes(fx);
		assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 2);
	}
}

static void
q6_does_not_outlast_its_event(void **state)
{
	struct fixture *fx = *state;

	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 1, 1);
	store(fx, 1, 1);
	next_event(fx);
	truncate_file(fx, 1, PG + 100);
	next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	assert_fails(fx, "file 1 page 1", "lost write");
}

static void
q6_fixed_keeps_the_page_of_the_new_end(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	shrink(fx, true, true);
	assert_fails(fx, "file 1 page 1", "lost write");
}

static void
q6_fixed_drops_the_rest_and_zeroes_the_tail(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	shrink(fx, false, false);
	next_event(fx);
	truncate_file(fx, 1, 2 * PG);
	page_out(fx, 1, 1, 1);
	assert_passes(fx);
	assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
}

static void
a_tail_not_zeroed_is_found_when_q6_is_fixed(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	shrink(fx, false, false);
	memset(fx->fx_frame[1][1] + 100, 0xee, 1);
	next_event(fx);
	truncate_file(fx, 1, 2 * PG);
	page_out(fx, 1, 1, 1);
	assert_fails(fx, "file 1 page 1 byte 4196", "zeros must be");
}

static void
madv_free_permits_the_loss_of_its_range_in_its_event(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 2; i++) {
		begin(fx, QUIRK_FIXED);
		add_file(fx, 1, 4 * PG);
		page_in(fx, 1, 1, 2);
		store(fx, 1, 1);
		store(fx, 1, 2);
		next_event(fx);
		verify_freed(fx->fx_v, 1, 1);
		verify_discard(fx->fx_v, 1, PG, PG);
		if (i == 0) {
			assert_passes(fx);
			assert_int_equal(verify_stat(fx->fx_v)->vs_lost, 1);
		} else {
			verify_freed(fx->fx_v, 1, 2);
			assert_fails(fx, "file 1 page 2", "lost write");
		}
	}
}

static void
an_unlinked_file_may_lose_all(void **state)
{
	struct fixture *fx = *state;

	begin(fx, QUIRK_FIXED);
	add_file(fx, 1, 4 * PG);
	page_in(fx, 1, 1, 1);
	store(fx, 1, 1);
	next_event(fx);
	verify_freed(fx->fx_v, 1, 1);
	must(verify_backend.be_truncate(fx->fx_v, 1, 0));
	verify_unlink_gone(fx->fx_v, 1);
	assert_passes(fx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_untouched_file_passes),
		TEST(stores_written_out_and_read_again_pass),
		TEST(a_dirty_page_still_resident_at_the_end_is_not_lost),
		TEST(write_and_mappings_need_not_agree),
		TEST(a_write_may_extend_the_file_beyond_a_gap),
		TEST(bytes_cut_off_come_back_as_zeros),
		TEST(
		    stores_behind_the_end_show_only_after_growth_and_a_page_out),
		TEST(
		    a_page_kept_through_growth_may_be_written_with_its_old_bytes),
		TEST(zeroing_changes_the_file_and_no_page),
		TEST(a_partly_failed_write_is_settled_by_what_is_on_disk),
		TEST(a_flipped_byte_on_disk_is_found_at_page_in),
		TEST(a_flipped_byte_on_disk_is_found_at_the_end),
		TEST(a_stale_page_is_found_and_dated),
		TEST(a_page_of_another_place_is_found_and_named),
		TEST(zeros_in_place_of_data_are_named),
		TEST(a_wrong_frame_is_found_at_page_out),
		TEST(a_lost_write_is_found),
		TEST(a_second_page_in_over_unwritten_stores_is_a_lost_write),
		TEST(a_write_beyond_the_end_is_found),
		TEST(a_short_read_is_found),
		TEST(a_truncate_that_the_backend_never_hears_of_is_found),
		TEST(a_write_that_the_backend_never_hears_of_is_found),
		TEST(a_page_out_of_what_was_never_read_is_found),
		TEST(a_store_into_what_was_never_read_is_found),
		TEST(the_first_thing_found_is_the_one_told),
		TEST(q1_permits_the_loss_of_a_failed_write),
		TEST(q1_does_not_permit_the_loss_of_its_neighbour),
		TEST(q1_does_not_permit_the_loss_of_a_later_store),
		TEST(q1_fixed_permits_no_loss),
		TEST(a_failed_write_tried_again_is_kept),
		TEST(q6_permits_a_shrink_to_drop_the_page_of_the_new_end),
		TEST(q6_does_not_outlast_its_event),
		TEST(q6_fixed_keeps_the_page_of_the_new_end),
		TEST(q6_fixed_drops_the_rest_and_zeroes_the_tail),
		TEST(a_tail_not_zeroed_is_found_when_q6_is_fixed),
		TEST(madv_free_permits_the_loss_of_its_range_in_its_event),
		TEST(an_unlinked_file_may_lose_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
