#include "tests/test.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pager/uvm.h"

#define PGSIZE	    4096U
#define MODEL_PAGES 48U
#define MODEL_MAX   (MODEL_PAGES * (size_t)PGSIZE)
#define MODEL_OPS   4000

/* A folder in the build tree's file system, and a backend in it. */
struct fixture {
	char fx_dir[64];
	const struct uvm_backend *fx_be;
	struct uvm_filebe *fx_fb;
	uint8_t *fx_frames; /* MODEL_PAGES pages */
};

static void
path_of(const struct fixture *fx, const char *name, char *path, size_t size)
{

	assert_true(
	    snprintf(path, size, "%s/%s", fx->fx_dir, name) < (int)size);
}

static void
create(struct fixture *fx)
{
	struct errmsg em = { .em_text = "" };
	const int error =
	    uvm_filebe_create(fx->fx_be, fx->fx_dir, PGSIZE, &fx->fx_fb, &em);

	if (error == EOPNOTSUPP)
		skip();
	must_em(error, &em);
}

static void
destroy(struct fixture *fx)
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
	fx->fx_frames = aligned_alloc(PGSIZE, MODEL_MAX);
	assert_non_null(fx->fx_frames);
	*state = fx;
	return 0;
}

static int
setup_buffered(void **state)
{

	return setup(state, &uvm_backend_buffered);
}

static int
setup_direct(void **state)
{

	return setup(state, &uvm_backend_direct);
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;
	char path[512];
	struct dirent *de;
	DIR *dir;

	destroy(fx);
	dir = opendir(fx->fx_dir);
	assert_non_null(dir);
	while ((de = readdir(dir)) != NULL) {
		path_of(fx, de->d_name, path, sizeof(path));
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 && unlink(path) != 0)
			assert_int_equal(rmdir(path), 0);
	}
	(void)closedir(dir);
	assert_int_equal(rmdir(fx->fx_dir), 0);
	free(fx->fx_frames);
	free(fx);
	return 0;
}

/* One I/O of npages frames from page pgno on, the frames in ascending order. */
static int
page_io(struct fixture *fx, enum uvm_io io, uint64_t pgno, uint32_t npages,
    uint64_t length, uint64_t *donep)
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
	error = fx->fx_be->be_io(fx->fx_fb, &b);
	assert_int_equal(b.b_error, error);
	*donep = b.b_done;
	return error;
}

static void
must_io(struct fixture *fx, enum uvm_io io, uint64_t pgno, uint32_t npages,
    uint64_t length)
{
	uint64_t done;

	must(page_io(fx, io, pgno, npages, length, &done));
	assert_int_equal(done, length);
}

static void
assert_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			fail_msg("byte %zu of %zu is %#x, not 0", i, len, p[i]);
}

/* The bytes of a file as anybody reads them. */
static size_t
slurp(const struct fixture *fx, const char *name, uint8_t *buf, size_t size)
{
	char path[512];
	size_t n;
	FILE *fp;

	path_of(fx, name, path, sizeof(path));
	fp = fopen(path, "rb");
	assert_non_null(fp);
	n = fread(buf, 1, size, fp);
	(void)fclose(fp);
	return n;
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
		create(fx);
		must(fx->fx_be->be_open(fx->fx_fb, 1, sizes[i]));
		uvm_filebe_fill(1, 0, sizes[i], want);
		must(fx->fx_be->be_pread(fx->fx_fb, 1, 0, sizes[i], got));
		assert_memory_equal(got, want, sizes[i]);
		must(fx->fx_be->be_close(fx->fx_fb, 1));
		assert_int_equal(slurp(fx, "file-1.dat", got, sizeof(got)),
		    sizes[i]);
		assert_memory_equal(got, want, sizes[i]);
		destroy(fx);
	}
}

static void
a_file_of_an_earlier_run_is_made_anew(void **state)
{
	static uint8_t got[65536], want[65536];
	struct fixture *fx = *state;

	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 60000));
	must(fx->fx_be->be_pwrite(fx->fx_fb, 1, 100, 20000, NULL));
	destroy(fx);
	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 30001));
	destroy(fx);
	uvm_filebe_fill(1, 0, 30001, want);
	assert_int_equal(slurp(fx, "file-1.dat", got, sizeof(got)), 30001);
	assert_memory_equal(got, want, 30001);
}

static void
pages_come_back_as_they_were_written(void **state)
{
	static const uint64_t lengths[] = { 1, 511, 512, 4095, 4096, 4097,
		3 * 4096, 3 * 4096 + 13, 16 * 4096 };
	static uint8_t want[16 * 4096];
	struct fixture *fx = *state;

	create(fx);
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
a_write_changes_nothing_beyond_its_length(void **state)
{
	static uint8_t got[4 * PGSIZE];
	struct fixture *fx = *state;

	create(fx);
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

	create(fx);
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
	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, b.b_length));
	must(fx->fx_be->be_io(fx->fx_fb, &b));
	assert_int_equal(b.b_done, b.b_length);
	memset(mem, 0, NPAGES * (size_t)PGSIZE);
	b.b_io = UVM_READ;
	must(fx->fx_be->be_io(fx->fx_fb, &b));
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
	uint64_t mo_rng;
	uint64_t mo_seq;
};

static uint64_t
rnd(struct model *mo, uint64_t below)
{

	mo->mo_rng = mo->mo_rng * 6364136223846793005ULL + 1442695040888963407U;
	return (mo->mo_rng >> 33) % below;
}

static void
model_page_io(struct fixture *fx, struct model *mo, enum uvm_io io)
{
	const uint64_t npages = (mo->mo_size + PGSIZE - 1) / PGSIZE;
	uint64_t pgno, n, length;

	if (npages == 0)
		return;
	pgno = rnd(mo, npages);
	n = 1 + rnd(mo, npages - pgno);
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
	const uint64_t offset = rnd(mo, MODEL_MAX);
	const uint64_t length = rnd(mo, MODEL_MAX - offset) >> rnd(mo, 12);
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
	const uint64_t offset = rnd(mo, mo->mo_size + 1);
	const uint64_t length = rnd(mo, mo->mo_size - offset + 1);

	must(fx->fx_be->be_pread(fx->fx_fb, 1, offset, length, NULL));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, offset, length, fx->fx_frames));
	assert_memory_equal(fx->fx_frames, mo->mo_bytes + offset, length);
}

static void
model_truncate(struct fixture *fx, struct model *mo)
{
	uint64_t size = rnd(mo, MODEL_MAX + 1);

	if (rnd(mo, 4) == 0)
		size &= ~(uint64_t)(PGSIZE - 1);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, size));
	if (size < mo->mo_size)
		memset(mo->mo_bytes + size, 0, mo->mo_size - size);
	mo->mo_size = size;
}

static void
model_zero(struct fixture *fx, struct model *mo)
{
	const uint64_t offset = rnd(mo, mo->mo_size + 1);
	const uint64_t length = rnd(mo, MODEL_MAX);
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

	mo =
	    (struct model){ .mo_size = 100000, .mo_rng = (uint64_t)time(NULL) };
	print_message("seed %" PRIu64 "\n", mo.mo_rng);
	uvm_filebe_fill(1, 0, mo.mo_size, mo.mo_bytes);
	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, mo.mo_size));
	for (int i = 0; i < MODEL_OPS; i++) {
		switch (rnd(&mo, 10)) {
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
	destroy(fx);
	assert_int_equal(slurp(fx, "file-1.dat", got, sizeof(got)), mo.mo_size);
	assert_memory_equal(got, mo.mo_bytes, mo.mo_size);
}

/*
 * ---- what goes wrong ----
 */

static void
a_file_cut_short_by_another_moves_what_is_there(void **state)
{
	struct fixture *fx = *state;
	uint8_t byte;
	char path[512];
	uint64_t done;

	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 4 * PGSIZE));
	path_of(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(truncate(path, PGSIZE + 100), 0);
	must(page_io(fx, UVM_READ, 0, 4, 4 * PGSIZE, &done));
	assert_int_equal(done, PGSIZE + 100);
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 3 * PGSIZE, 1,
			     &byte),
	    EIO);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "file-1.dat"));
}

static void
a_failed_write_is_reported_with_its_path(void **state)
{
	struct rlimit old, low;
	struct fixture *fx = *state;
	uint64_t done;
	int error;

	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 0));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = PGSIZE;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	error = page_io(fx, UVM_WRITE, 0, 4, 4 * PGSIZE, &done);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(error, EFBIG);
	assert_int_equal(done, PGSIZE);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "file-1.dat"));
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "write"));
}

static void
a_file_that_does_not_fit_is_removed_again(void **state)
{
	struct rlimit old, low;
	struct fixture *fx = *state;
	char path[512];
	int error;

	create(fx);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = PGSIZE;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	error = fx->fx_be->be_open(fx->fx_fb, 1, 1 << 20);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(error, EFBIG);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "--dir"));
	path_of(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(page_io(fx, UVM_READ, 0, 1, PGSIZE, &(uint64_t){ 0 }),
	    EBADF);
}

static void
a_file_is_opened_before_and_once(void **state)
{
	struct fixture *fx = *state;
	uint64_t done;

	create(fx);
	assert_int_equal(page_io(fx, UVM_READ, 0, 1, PGSIZE, &done), EBADF);
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 0, 1, NULL), EBADF);
	assert_int_equal(fx->fx_be->be_close(fx->fx_fb, 1), EBADF);
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
	assert_int_equal(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE), EEXIST);
	must(fx->fx_be->be_close(fx->fx_fb, 1));
	must(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE));
}

static void
a_read_past_the_end_is_refused(void **state)
{
	struct fixture *fx = *state;
	uint8_t buf[16];

	create(fx);
	must(fx->fx_be->be_open(fx->fx_fb, 1, 100));
	must(fx->fx_be->be_pread(fx->fx_fb, 1, 84, 16, buf));
	assert_int_equal(fx->fx_be->be_pread(fx->fx_fb, 1, 85, 16, buf),
	    EINVAL);
}

static void
a_folder_takes_one_run_at_a_time(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *second = NULL;

	create(fx);
	assert_int_equal(uvm_filebe_create(fx->fx_be, fx->fx_dir, PGSIZE,
			     &second, &em),
	    EBUSY);
	assert_non_null(strstr(em.em_text, fx->fx_dir));
	assert_non_null(strstr(em.em_text, "--dir"));
	destroy(fx);
	create(fx);
}

static void
a_folder_is_made_if_its_parent_is_there(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *fb = NULL;
	char path[512], lock[600];

	create(fx);
	path_of(fx, "new", path, sizeof(path));
	must_em(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em), &em);
	uvm_filebe_destroy(fb);
	(void)snprintf(lock, sizeof(lock), "%s/.lock", path);
	assert_int_equal(unlink(lock), 0);
	path_of(fx, "new/er/est", path, sizeof(path));
	assert_int_equal(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em),
	    ENOENT);
	assert_non_null(strstr(em.em_text, path));
	em.em_text[0] = '\0';
	path_of(fx, ".lock", path, sizeof(path));
	assert_int_equal(uvm_filebe_create(fx->fx_be, path, PGSIZE, &fb, &em),
	    ENOTDIR);
	assert_non_null(strstr(em.em_text, path));
}

static void
a_backing_file_is_no_link_to_elsewhere(void **state)
{
	struct fixture *fx = *state;
	char path[512];

	create(fx);
	path_of(fx, "file-1.dat", path, sizeof(path));
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(fx->fx_be->be_open(fx->fx_fb, 1, PGSIZE), ELOOP);
	assert_non_null(strstr(uvm_filebe_why(fx->fx_fb), "link"));
}

static void
a_file_of_the_users_is_resized_and_filled(void **state)
{
	static uint8_t got[65536], want[65536];
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512], mine[512];
	int fd;

	create(fx);
	path_of(fx, "mine", mine, sizeof(mine));
	fd = open(mine, O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, "precious", 8), 8);
	(void)close(fd);
	must_em(uvm_filebe_use(fx->fx_fb, 3, mine, &em), &em);
	must(fx->fx_be->be_open(fx->fx_fb, 3, 10001));
	path_of(fx, "file-3.dat", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	destroy(fx);
	uvm_filebe_fill(3, 0, 10001, want);
	assert_int_equal(slurp(fx, "mine", got, sizeof(got)), 10001);
	assert_memory_equal(got, want, 10001);
}

static void
only_a_regular_file_may_be_the_users(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512];

	create(fx);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, fx->fx_dir, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "regular file"));
	path_of(fx, "fifo", path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, path, NULL), EINVAL);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 1, "/dev/null", NULL),
	    EINVAL);
}

static void
one_file_serves_one_number(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	char path[512];

	create(fx);
	path_of(fx, "mine", path, sizeof(path));
	must_em(uvm_filebe_use(fx->fx_fb, 1, path, &em), &em);
	assert_int_equal(uvm_filebe_use(fx->fx_fb, 2, path, &em), EEXIST);
	assert_non_null(strstr(em.em_text, "mine"));
}

static void
a_page_below_the_devices_block_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct errmsg em = { .em_text = "" };
	struct uvm_filebe *fb;

	create(fx);
	destroy(fx);
	assert_int_equal(uvm_filebe_create(fx->fx_be, fx->fx_dir, 256, &fb,
			     &em),
	    EINVAL);
	assert_non_null(strstr(em.em_text, "256"));
	assert_non_null(strstr(em.em_text, "--backend buffered"));
}

static void
a_file_on_disk_is_padded_to_whole_pages_while_open(void **state)
{
	struct fixture *fx = *state;
	struct stat st;
	char path[512];

	create(fx);
	path_of(fx, "file-1.dat", path, sizeof(path));
	must(fx->fx_be->be_open(fx->fx_fb, 1, 100));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, PGSIZE);
	must(fx->fx_be->be_truncate(fx->fx_fb, 1, 9000));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3 * PGSIZE);
	destroy(fx);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 9000);
}

#define BUFFERED(test)                                                         \
	cmocka_unit_test_setup_teardown(test, setup_buffered, teardown)
#define DIRECT(test)                                                           \
	cmocka_unit_test_setup_teardown(test, setup_direct, teardown)
#define BOTH(test) BUFFERED(test), DIRECT(test)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_moves_nothing_and_says_all_was_moved),
		cmocka_unit_test(the_pattern_is_the_same_from_any_offset),
		cmocka_unit_test(
		    the_pattern_differs_by_file_place_and_sequence),
		cmocka_unit_test(the_sequence_can_be_read_back_from_a_word),
		BOTH(a_new_file_has_its_size_and_the_fill_bytes),
		BOTH(a_file_of_an_earlier_run_is_made_anew),
		BOTH(pages_come_back_as_they_were_written),
		BOTH(a_write_changes_nothing_beyond_its_length),
		BOTH(what_truncation_cuts_off_reads_zero_after_growth),
		BOTH(a_transfer_takes_more_frames_than_one_vector),
		BOTH(random_operations_agree_with_a_byte_array),
		BOTH(a_file_cut_short_by_another_moves_what_is_there),
		BOTH(a_failed_write_is_reported_with_its_path),
		BOTH(a_file_that_does_not_fit_is_removed_again),
		BOTH(a_file_is_opened_before_and_once),
		BOTH(a_read_past_the_end_is_refused),
		BOTH(a_folder_takes_one_run_at_a_time),
		BOTH(a_folder_is_made_if_its_parent_is_there),
		BOTH(a_backing_file_is_no_link_to_elsewhere),
		BOTH(a_file_of_the_users_is_resized_and_filled),
		BOTH(only_a_regular_file_may_be_the_users),
		BOTH(one_file_serves_one_number),
		DIRECT(a_page_below_the_devices_block_is_refused),
		DIRECT(a_file_on_disk_is_padded_to_whole_pages_while_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
