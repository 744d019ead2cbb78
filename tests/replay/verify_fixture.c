#include "tests/replay/verify_fixture.h"

#include <errno.h>
#include <string.h>

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

void
vt_begin(struct fixture *fx, enum quirk quirks)
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

int
vt_setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	vt_begin(fx, QUIRK_FAITHFUL);
	*state = fx;
	return 0;
}

int
vt_teardown(void **state)
{
	struct fixture *fx = *state;

	verify_destroy(fx->fx_v);
	free(fx);
	return 0;
}

/*
 * ---- what pager and engine do ----
 */

void
vt_next_event(struct fixture *fx)
{

	verify_event(fx->fx_v, ++fx->fx_event);
}

void
vt_add_file(struct fixture *fx, uint32_t file, uint64_t size)
{

	must(verify_backend.be_open(fx->fx_v, file, size));
	verify_file(fx->fx_v, file, size);
}

int
vt_page_io(struct fixture *fx, enum uvm_io io, uint32_t file, uint64_t pgno,
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

void
vt_page_in(struct fixture *fx, uint32_t file, uint64_t pgno, uint32_t npages)
{

	must(vt_page_io(fx, UVM_READ, file, pgno, npages));
}

void
vt_page_out(struct fixture *fx, uint32_t file, uint64_t pgno, uint32_t npages)
{

	must(vt_page_io(fx, UVM_WRITE, file, pgno, npages));
}

void
vt_store(struct fixture *fx, uint32_t file, uint64_t pgno)
{

	verify_fill(file, pgno * PG, PG, fx->fx_event + 1,
	    fx->fx_frame[file][pgno]);
	verify_write_access(fx->fx_v, file, pgno * PG, PG, fx->fx_event + 1);
}

void
vt_write_file(struct fixture *fx, uint32_t file, uint64_t offset,
    uint64_t length)
{

	verify_pwrite(fx->fx_v, file, offset, length, fx->fx_event + 1);
	must(verify_backend.be_pwrite(fx->fx_v, file, offset, length, NULL));
}

void
vt_truncate_file(struct fixture *fx, uint32_t file, uint64_t size)
{

	must(verify_backend.be_truncate(fx->fx_v, file, size));
	verify_truncate(fx->fx_v, file, size);
}

void
assert_passes(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };

	must_em(verify_finish(fx->fx_v, &em), &em);
}

void
assert_fails_with(struct fixture *fx, const char *const *words, size_t n)
{
	struct errmsg em = { .em_text = "" };

	assert_int_equal(verify_finish(fx->fx_v, &em), EIO);
	assert_int_equal(verify_failed(fx->fx_v, NULL), EIO);
	for (size_t i = 0; i < n; i++)
		if (strstr(em.em_text, words[i]) == NULL)
			fail_msg("no \"%s\" in: %s", words[i], em.em_text);
}
