#include "tests/pager/backend_fixture.h"

#include <string.h>
#include <sys/stat.h>

#include "tests/dice.h"

#define MODEL_OPS 4000

static void
must_io(struct fixture *fx, enum uvm_io io, uint64_t pgno, uint32_t npages,
    uint64_t length)
{
	uint64_t done;

	must(backend_page_io(fx, io, pgno, npages, length, &done));
	assert_int_equal(done, length);
}

static void
assert_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			fail_msg("byte %zu of %zu is %#x, not 0", i, len, p[i]);
}

static void
null_moves_nothing_and_says_all_was_moved(void **state)
{
	struct uvm_buf b = {
		.b_io = UVM_READ,
		.b_file = 1,
		.b_length = 5000,
		.b_npages = 2,
		.b_pgsize = PGSIZE,
		.b_error = -1,
	};

	(void)state;
	must(uvm_backend_null.be_io(NULL, &b));
	assert_int_equal(b.b_done, 5000);
	assert_int_equal(b.b_error, 0);
	assert_int_equal(uvm_backend_null.be_flags & UVM_BE_DATA, 0);
}

static void
the_pattern_is_the_same_from_any_offset(void **state)
{
	uint8_t whole[256], part[256];

	(void)state;
	uvm_pattern(7, 4096, sizeof(whole), 99, whole);
	for (size_t from = 0; from < 24; from++)
		for (size_t len = 0; len < 40; len++) {
			memset(part, 0xa5, sizeof(part));
			uvm_pattern(7, 4096 + from, len, 99, part);
			assert_memory_equal(part, whole + from, len);
			assert_int_equal(part[len], 0xa5);
		}
}

static void
the_pattern_differs_by_file_place_and_sequence(void **state)
{
	uint64_t w[5];

	(void)state;
	uvm_pattern(1, 0, 8, 1, &w[0]);
	uvm_pattern(2, 0, 8, 1, &w[1]);
	uvm_pattern(1, 0, 8, 2, &w[2]);
	uvm_pattern(1, 8, 8, 1, &w[3]);
	uvm_pattern(1, PGSIZE, 8, 1, &w[4]);
	for (size_t i = 0; i < nitems(w); i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(w[i], w[j]);
}

static void
the_sequence_can_be_read_back_from_a_word(void **state)
{
	static const uint64_t seqs[] = { 0, 1, 77, 1ULL << 40, UINT64_MAX };
	uint64_t word;

	(void)state;
	for (size_t i = 0; i < nitems(seqs); i++) {
		uvm_pattern(3, 123456 * 8, 8, seqs[i], &word);
		assert_int_equal(uvm_pattern_seq(3, 123456 * 8, &word),
		    seqs[i]);
		assert_int_not_equal(uvm_pattern_seq(4, 123456 * 8, &word),
		    seqs[i]);
	}
}

static void
a_new_file_has_its_size_and_the_fill_bytes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 40000 };
	static uint8_t got[65536], want[65536];
	struct fixture *fx = *state;

	for (size_t i = 0; i < nitems(sizes); i++) {
		backend_create(fx);
		must(fx->fx_be->be_open(fx->fx_fb, 1, sizes[i]));
		uvm_filebe_fill(1, 0, sizes[i], want);
		must(fx->fx_be->be_pread(fx->fx_fb, 1, 0, sizes[i], got));
		assert_memory_equal(got, want, sizes[i]);
		must(fx->fx_be->be_close(fx->fx_fb, 1));
		assert_int_equal(backend_slurp(fx, "file-1.dat", got,
				     sizeof(got)),
		    sizes[i]);
		assert_memory_equal(got, want, sizes[i]);
		backend_destroy(fx);
	}
}

static void
a_file_of_an_earlier_run_is_made_anew(void **state)
{
	static uint8_t got[65536], want[65536];
	struct fixture *fx = *state;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 60000));
	must(fx->fx_be->be_pwrite(fx->fx_fb, 1, 100, 20000, NULL));
	backend_destroy(fx);
	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 30001));
	backend_destroy(fx);
	uvm_filebe_fill(1, 0, 30001, want);
	assert_int_equal(backend_slurp(fx, "file-1.dat", got, sizeof(got)),
	    30001);
	assert_memory_equal(got, want, 30001);
}

static void
pages_come_back_as_they_were_written(void **state)
{
	static const uint64_t lengths[] = { 1, 511, 512, 4095, 4096, 4097,
		3 * 4096, 3 * 4096 + 13, 16 * 4096 };
	static uint8_t want[16 * 4096];
	struct fixture *fx = *state;

	backend_create(fx);
	for (size_t i = 0; i < nitems(lengths); i++) {
		const uint64_t length = lengths[i];
		const uint32_t npages =
		    (uint32_t)((length + PGSIZE - 1) / PGSIZE);

		must(fx->fx_be->be_open(fx->fx_fb, 1, 2 * PGSIZE + length));
		uvm_pattern(9, 0, length, i, want);
		memset(fx->fx_frames, 0xee, MODEL_MAX);
		memcpy(fx->fx_frames, want, length);
		must_io(fx, UVM_WRITE, 2, npages, length);
		memset(fx->fx_frames, 0x11, MODEL_MAX);
		must_io(fx, UVM_READ, 2, npages, length);
		assert_memory_equal(fx->fx_frames, want, length);
		must(fx->fx_be->be_close(fx->fx_fb, 1));
	}
}

static void
a_durable_write_leaves_the_same_bytes(void **state)
{
	static uint8_t want[3 * PGSIZE];
	struct fixture *fx = *state;
	void *page[] = { fx->fx_frames, fx->fx_frames + (size_t)PGSIZE,
		fx->fx_frames + 4 * (size_t)PGSIZE };
	struct uvm_buf b = {
		.b_io = UVM_WRITE,
		.b_file = 1,
		.b_length = sizeof(want) - 77,
		.b_npages = 3,
		.b_pgsize = PGSIZE,
		.b_durable = true,
		.b_page = page,
	};
	uint64_t length = b.b_length;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, length));
	uvm_pattern(1, 0, sizeof(want), 3, want);
	for (size_t i = 0; i < nitems(page); i++)
		memcpy(page[i], want + i * PGSIZE, PGSIZE);
	must(backend_io(fx, &b));
	assert_int_equal(b.b_done, length);
	memset(fx->fx_frames, 0, MODEL_MAX);
	must_io(fx, UVM_READ, 0, 3, length);
	assert_memory_equal(fx->fx_frames, want, length);
}

static void
a_write_changes_nothing_beyond_its_length(void **state)
{
	static uint8_t got[4 * PGSIZE];
	struct fixture *fx = *state;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE + 100));
	memset(fx->fx_frames, 0xee, 2 * PGSIZE);
	must_io(fx, UVM_WRITE, 0, 2, PGSIZE + 100);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, 4 * PGSIZE));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, 0, sizeof(got), got));
	assert_int_equal(got[PGSIZE + 99], 0xee);
	assert_zero(got + PGSIZE + 100, sizeof(got) - PGSIZE - 100);
}

static void
what_truncation_cuts_off_reads_zero_after_growth(void **state)
{
	static uint8_t got[40000], want[40000];
	struct fixture *fx = *state;

	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, sizeof(want)));
	uvm_filebe_fill(1, 0, sizeof(want), want);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, 20000));
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, sizeof(want)));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, 0, sizeof(got), got));
	assert_memory_equal(got, want, 20000);
	assert_zero(got + 20000, sizeof(got) - 20000);
}

static void
a_transfer_takes_more_frames_than_one_vector(void **state)
{
	enum { NPAGES = 2500 };
	struct fixture *fx = *state;
	uint8_t *const mem = aligned_alloc(PGSIZE, NPAGES * (size_t)PGSIZE);
	void **page = calloc(NPAGES, sizeof(*page));
	struct uvm_buf b = {
		.b_io = UVM_WRITE,
		.b_file = 1,
		.b_length = NPAGES * (uint64_t)PGSIZE - 5,
		.b_npages = NPAGES,
		.b_pgsize = PGSIZE,
		.b_page = page,
	};
	uint8_t want[PGSIZE];

	assert_non_null(mem);
	assert_non_null(page);
	/* Descending frames: no two of them can share an element. */
	for (size_t i = 0; i < NPAGES; i++) {
		page[i] = mem + (NPAGES - 1 - i) * PGSIZE;
		uvm_pattern(1, i * PGSIZE, PGSIZE, 5, page[i]);
	}
	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, b.b_length));
	must(backend_io(fx, &b));
	assert_int_equal(b.b_done, b.b_length);
	memset(mem, 0, NPAGES * (size_t)PGSIZE);
	b.b_io = UVM_READ;
	must(backend_io(fx, &b));
	assert_int_equal(b.b_done, b.b_length);
	for (size_t i = 0; i < NPAGES; i++) {
		uvm_pattern(1, i * PGSIZE, PGSIZE, 5, want);
		assert_memory_equal(page[i], want,
		    i == NPAGES - 1 ? PGSIZE - 5 : PGSIZE);
	}
	free(page);
	free(mem);
}

/*
 * ---- against a byte array ----
 */

struct model {
	uint8_t mo_bytes[MODEL_MAX];
	uint64_t mo_size;
	struct dice mo_dice;
	uint64_t mo_seq;
};

static void
model_page_io(struct fixture *fx, struct model *mo, enum uvm_io io)
{
	const uint64_t npages = (mo->mo_size + PGSIZE - 1) / PGSIZE;
	uint64_t pgno, n, length;

	if (npages == 0)
		return;
	pgno = dice_below(&mo->mo_dice, npages);
	n = 1 + dice_below(&mo->mo_dice, npages - pgno);
	length = n * PGSIZE;
	if (length > mo->mo_size - pgno * PGSIZE)
		length = mo->mo_size - pgno * PGSIZE;
	uvm_pattern(5, 0, n * PGSIZE, ++mo->mo_seq, fx->fx_frames);
	if (io == UVM_WRITE)
		memcpy(mo->mo_bytes + pgno * PGSIZE, fx->fx_frames, length);
	must_io(fx, io, pgno, (uint32_t)n, length);
	assert_memory_equal(fx->fx_frames, mo->mo_bytes + pgno * PGSIZE,
	    length);
}

static void
model_pwrite(struct fixture *fx, struct model *mo)
{
	const uint64_t offset = dice_below(&mo->mo_dice, MODEL_MAX);
	const uint64_t length = dice_below(&mo->mo_dice, MODEL_MAX - offset) >>
	    dice_below(&mo->mo_dice, 12);
	uint8_t *const buf = fx->fx_frames + 1;

	if (length + 1 > MODEL_MAX || length == 0)
		return;
	uvm_pattern(6, 0, length, ++mo->mo_seq, buf);
	must(fx->fx_be->be_pwrite(fx->fx_fb, 1, offset, length, buf));
	memcpy(mo->mo_bytes + offset, buf, length);
	if (offset + length > mo->mo_size)
		mo->mo_size = offset + length;
}

static void
model_pread(struct fixture *fx, struct model *mo)
{
	const uint64_t offset = dice_below(&mo->mo_dice, mo->mo_size + 1);
	const uint64_t length =
	    dice_below(&mo->mo_dice, mo->mo_size - offset + 1);

	must(fx->fx_be->be_pread(fx->fx_fb, 1, offset, length, NULL));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, offset, length, fx->fx_frames));
	assert_memory_equal(fx->fx_frames, mo->mo_bytes + offset, length);
}

static void
model_truncate(struct fixture *fx, struct model *mo)
{
	uint64_t size = dice_below(&mo->mo_dice, MODEL_MAX + 1);

	if (dice_below(&mo->mo_dice, 4) == 0)
		size &= ~(uint64_t)(PGSIZE - 1);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, size));
	if (size < mo->mo_size)
		memset(mo->mo_bytes + size, 0, mo->mo_size - size);
	mo->mo_size = size;
}

static void
model_zero(struct fixture *fx, struct model *mo)
{
	const uint64_t offset = dice_below(&mo->mo_dice, mo->mo_size + 1);
	const uint64_t length = dice_below(&mo->mo_dice, MODEL_MAX);
	const uint64_t left = mo->mo_size - offset;

	must(fx->fx_be->be_zero(fx->fx_fb, 1, offset, length));
	memset(mo->mo_bytes + offset, 0, length < left ? length : left);
}

static void
random_operations_agree_with_a_byte_array(void **state)
{
	static struct model mo;
	static uint8_t got[MODEL_MAX + 1];
	struct fixture *fx = *state;

	mo = (struct model){ .mo_size = 100000, .mo_dice = { dice_seed() } };
	uvm_filebe_fill(1, 0, mo.mo_size, mo.mo_bytes);
	backend_create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, mo.mo_size));
	for (int i = 0; i < MODEL_OPS; i++) {
		switch (roll(&mo.mo_dice, 10)) {
		case 0:
		case 1:
		case 2:
			model_page_io(fx, &mo, UVM_READ);
			break;
		case 3:
		case 4:
		case 5:
			model_page_io(fx, &mo, UVM_WRITE);
			break;
		case 6:
			model_pwrite(fx, &mo);
			break;
		case 7:
			model_pread(fx, &mo);
			break;
		case 8:
			model_truncate(fx, &mo);
			break;
		default:
			model_zero(fx, &mo);
			break;
		}
	}
	must(fx->fx_be->be_sync(fx->fx_fb, 1));
	backend_destroy(fx);
	assert_int_equal(backend_slurp(fx, "file-1.dat", got, sizeof(got)),
	    mo.mo_size);
	assert_memory_equal(got, mo.mo_bytes, mo.mo_size);
}

static void
a_file_on_disk_is_padded_to_whole_pages_while_open(void **state)
{
	struct fixture *fx = *state;
	struct stat st;
	char path[512];

	backend_create(fx);
	backend_path(fx, "file-1.dat", path, sizeof(path));
	must(fx->fx_be->be_open(fx->fx_fb, 1, 100));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, PGSIZE);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, 9000));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3 * PGSIZE);
	backend_destroy(fx);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 9000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_moves_nothing_and_says_all_was_moved),
		cmocka_unit_test(the_pattern_is_the_same_from_any_offset),
		cmocka_unit_test(
		    the_pattern_differs_by_file_place_and_sequence),
		cmocka_unit_test(the_sequence_can_be_read_back_from_a_word),
		ALL(a_new_file_has_its_size_and_the_fill_bytes),
		ALL(a_file_of_an_earlier_run_is_made_anew),
		ALL(pages_come_back_as_they_were_written),
		ALL(a_durable_write_leaves_the_same_bytes),
		ALL(a_write_changes_nothing_beyond_its_length),
		ALL(what_truncation_cuts_off_reads_zero_after_growth),
		ALL(a_transfer_takes_more_frames_than_one_vector),
		ALL(random_operations_agree_with_a_byte_array),
		DIRECT(a_file_on_disk_is_padded_to_whole_pages_while_open),
		URING(a_file_on_disk_is_padded_to_whole_pages_while_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
