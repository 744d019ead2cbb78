#include "tests/pager/backend_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
backend_path(const struct fixture *fx, const char *name, char *path,
    size_t size)
{

	assert_true(
	    snprintf(path, size, "%s/%s", fx->fx_dir, name) < (int)size);
}

void
backend_create(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };
	int error;

	error =
	    uvm_filebe_create(fx->fx_be, fx->fx_dir, PGSIZE, &fx->fx_fb, &em);
	if (error == EOPNOTSUPP)
		skip();
	must_em(error, &em);
	if (fx->fx_be->be_prepare == NULL)
		return;
	error = fx->fx_be->be_prepare(fx->fx_fb, fx->fx_frames, MODEL_MAX,
	    fx->fx_depth);
	if (error == EOPNOTSUPP) {
		print_message("%s\n", uvm_filebe_why(fx->fx_fb));
		skip();
	}
	must(error);
}

void
backend_destroy(struct fixture *fx)
{

	uvm_filebe_destroy(fx->fx_fb);
	fx->fx_fb = NULL;
}

static int
setup(void **state, const struct uvm_backend *be)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	(void)snprintf(fx->fx_dir, sizeof(fx->fx_dir), "./t_backend.XXXXXX");
	assert_non_null(mkdtemp(fx->fx_dir));
	fx->fx_be = be;
	fx->fx_depth = 32;
	fx->fx_frames = aligned_alloc(PGSIZE, MODEL_MAX);
	assert_non_null(fx->fx_frames);
	*state = fx;
	return 0;
}

int
backend_setup_buffered(void **state)
{

	return setup(state, &uvm_backend_buffered);
}

int
backend_setup_direct(void **state)
{

	return setup(state, &uvm_backend_direct);
}

int
backend_setup_uring(void **state)
{

	return setup(state, &uvm_backend_uring);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{

	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
backend_teardown(void **state)
{
	struct fixture *fx = *state;

	backend_destroy(fx);
	assert_int_equal(nftw(fx->fx_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS),
	    0);
	free(fx->fx_frames);
	free(fx);
	return 0;
}

int
backend_io(struct fixture *fx, struct uvm_buf *b)
{
	struct uvm_buf *done = NULL;
	int error;

	if (fx->fx_be->be_start == NULL)
		return fx->fx_be->be_io(fx->fx_fb, b);
	b->b_error = error = fx->fx_be->be_start(fx->fx_fb, b);
	if (error != 0)
		return error;
	must(fx->fx_be->be_submit(fx->fx_fb));
	must(fx->fx_be->be_poll(fx->fx_fb, true, &done));
	assert_ptr_equal(done, b);
	return b->b_error;
}

int
backend_page_io(struct fixture *fx, enum uvm_io io, uint64_t pgno,
    uint32_t npages, uint64_t length, uint64_t *donep)
{
	void *page[MODEL_PAGES];
	struct uvm_buf b = {
		.b_io = io,
		.b_file = 1,
		.b_offset = pgno * PGSIZE,
		.b_length = length,
		.b_npages = npages,
		.b_pgsize = PGSIZE,
		.b_page = page,
		.b_done = UINT64_MAX,
		.b_error = -1,
	};
	int error;

	for (uint32_t i = 0; i < npages; i++)
		page[i] = fx->fx_frames + i * (size_t)PGSIZE;
	error = backend_io(fx, &b);
	assert_int_equal(b.b_error, error);
	*donep = b.b_done;
	return error;
}

size_t
backend_slurp(const struct fixture *fx, const char *name, uint8_t *buf,
    size_t size)
{
	char path[512];
	size_t n;
	FILE *fp;

	backend_path(fx, name, path, sizeof(path));
	fp = fopen(path, "rb");
	assert_non_null(fp);
	n = fread(buf, 1, size, fp);
	(void)fclose(fp);
	return n;
}
