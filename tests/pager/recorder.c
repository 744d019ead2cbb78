#include "tests/pager/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct rec_file *
file_of(struct recorder *rec, uint32_t file)
{

	return file < REC_FILES ? &rec->rec_file[file] : NULL;
}

/* A file holds its initial pattern up to its size and zeros behind it. */
static int
rec_open(void *cookie, uint32_t file, uint64_t size)
{
	struct rec_file *const rf = file_of(cookie, file);

	if (rf == NULL)
		return ENOSPC;
	rf->rf_size = size;
	rf->rf_room = size + 64 * (uint64_t)REC_PGSIZE;
	rf->rf_bytes = calloc(rf->rf_room, 1);
	if (rf->rf_bytes == NULL)
		return ENOMEM;
	uvm_pattern(file, 0, size, 0, rf->rf_bytes);
	return 0;
}

static int
rec_close(void *cookie, uint32_t file)
{
	struct recorder *const rec = cookie;

	(void)file;
	rec->rec_nclose++;
	return 0;
}

static void
record(struct recorder *rec, const struct uvm_buf *b)
{

	if (rec->rec_nio == rec->rec_room) {
		const size_t room = rec->rec_room * 2 + 64;
		struct rec_io *const io =
		    realloc(rec->rec_io, room * sizeof(*io));

		if (io == NULL)
			abort();
		rec->rec_io = io;
		rec->rec_room = room;
	}
	rec->rec_io[rec->rec_nio++] = (struct rec_io){
		.ri_io = b->b_io,
		.ri_file = b->b_file,
		.ri_page = b->b_offset / b->b_pgsize,
		.ri_npages = b->b_npages,
		.ri_bytes = b->b_length,
		.ri_durable = b->b_durable,
		.ri_error = b->b_error,
	};
}

static bool
is_bad(const struct recorder *rec, const struct uvm_buf *b)
{
	const uint64_t first = b->b_offset / b->b_pgsize;

	return rec->rec_bad_file == b->b_file && rec->rec_bad_io == b->b_io &&
	    first <= rec->rec_bad_last &&
	    first + b->b_npages > rec->rec_bad_first;
}

static int
rec_do_io(void *cookie, struct uvm_buf *b)
{
	struct recorder *const rec = cookie;

	b->b_error = is_bad(rec, b) ? EIO : 0;
	b->b_done = b->b_error != 0 ? 0 : b->b_length;
	if (rec->rec_limited && b->b_io == UVM_WRITE &&
	    b->b_done > rec->rec_most)
		b->b_done = rec->rec_most;
	record(rec, b);
	return b->b_error;
}

static int
rec_data_io(void *cookie, struct uvm_buf *b)
{
	struct rec_file *const rf = file_of(cookie, b->b_file);
	const int error = rec_do_io(cookie, b);
	uint64_t done = 0;
	uint32_t i;

	if (error != 0)
		return error;
	if (rf == NULL)
		return ENOENT;
	/* Files end at their room: rec_truncate() refuses more. */
	if (b->b_offset + b->b_length > rf->rf_room)
		return b->b_error = EIO;
	for (i = 0; i < b->b_npages && done < b->b_length; i++) {
		uint8_t *const at = rf->rf_bytes + b->b_offset + done;
		const uint64_t left = b->b_length - done;
		const size_t n =
		    left < b->b_pgsize ? (size_t)left : (size_t)b->b_pgsize;

		if (b->b_io == UVM_READ) {
			(void)memcpy(b->b_page[i], at, n);
			/* The rest of the frame may hold anything. */
			(void)memset((uint8_t *)b->b_page[i] + n, 0xa5,
			    b->b_pgsize - n);
		} else {
			(void)memcpy(at, b->b_page[i], n);
		}
		done += n;
	}
	return 0;
}

static int
rec_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	const struct rec_file *const rf = file_of(cookie, file);

	if (rf == NULL)
		return ENOENT;
	if (offset + length > rf->rf_room)
		return EIO;
	if (buf != NULL)
		(void)memcpy(buf, rf->rf_bytes + offset, (size_t)length);
	return 0;
}

static int
rec_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct rec_file *const rf = file_of(cookie, file);

	if (rf == NULL || offset + length > rf->rf_room)
		return ENOSPC;
	if (buf != NULL)
		(void)memcpy(rf->rf_bytes + offset, buf, (size_t)length);
	return 0;
}

static int
rec_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct recorder *const rec = cookie;
	struct rec_file *const rf = file_of(rec, file);

	rec->rec_truncated = size;
	if (rf == NULL || rf->rf_bytes == NULL)
		return 0;
	if (size > rf->rf_room)
		return ENOSPC;
	if (size < rf->rf_size)
		(void)memset(rf->rf_bytes + size, 0,
		    (size_t)(rf->rf_size - size));
	rf->rf_size = size;
	return 0;
}

static int
rec_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length)
{
	struct rec_file *const rf = file_of(cookie, file);

	if (rf == NULL)
		return ENOENT;
	if (offset + length > rf->rf_room)
		return EIO;
	(void)memset(rf->rf_bytes + offset, 0, (size_t)length);
	return 0;
}

static int
rec_sync(void *cookie, uint32_t file)
{
	struct recorder *const rec = cookie;

	(void)file;
	rec->rec_nsync++;
	return rec->rec_syncerror;
}

static int
rec_start(void *cookie, struct uvm_buf *b)
{
	struct recorder *const rec = cookie;

	if (rec->rec_refuse != 0) {
		rec->rec_refuse--;
		return EAGAIN;
	}
	if (rec->rec_nflying == rec->rec_flyroom) {
		const size_t room = rec->rec_flyroom * 2 + 16;
		struct uvm_buf **const flying =
		    realloc(rec->rec_flying, room * sizeof(struct uvm_buf *));

		if (flying == NULL)
			abort();
		rec->rec_flying = flying;
		rec->rec_flyroom = room;
	}
	rec->rec_flying[rec->rec_nflying++] = b;
	if (rec->rec_started != NULL)
		rec->rec_started(rec->rec_arg);
	return 0;
}

/* Which of what is under way ends next. */
static size_t
next_to_end(struct recorder *rec)
{

	switch (rec->rec_order) {
	case REC_FIFO:
		break;
	case REC_LIFO:
		return rec->rec_nflying - 1;
	case REC_RANDOM:
		return dice_below(&rec->rec_dice, rec->rec_nflying);
	}
	return 0;
}

static int
poll_with(struct recorder *rec, bool wait, struct uvm_buf **bp,
    int (*io)(void *, struct uvm_buf *))
{
	size_t at;

	*bp = NULL;
	if (rec->rec_nflying == 0 || (!wait && rec->rec_lazy))
		return 0;
	if (!wait && rec->rec_order == REC_RANDOM &&
	    roll(&rec->rec_dice, 3) == 0)
		return 0;
	if (rec->rec_ends != NULL)
		rec->rec_ends(rec->rec_arg);
	at = next_to_end(rec);
	*bp = rec->rec_flying[at];
	rec->rec_nflying--;
	(void)memmove(&rec->rec_flying[at], &rec->rec_flying[at + 1],
	    (rec->rec_nflying - at) * sizeof(void *));
	(void)io(rec, *bp);
	return 0;
}

static int
rec_poll(void *cookie, bool wait, struct uvm_buf **bp)
{

	return poll_with(cookie, wait, bp, rec_do_io);
}

static int
rec_data_poll(void *cookie, bool wait, struct uvm_buf **bp)
{

	return poll_with(cookie, wait, bp, rec_data_io);
}

const struct uvm_backend recorder_async_backend = {
	.be_name = "asynchronous recorder",
	.be_close = rec_close,
	.be_io = rec_do_io,
	.be_start = rec_start,
	.be_poll = rec_poll,
	.be_truncate = rec_truncate,
	.be_sync = rec_sync,
};

const struct uvm_backend recorder_async_data_backend = {
	.be_name = "asynchronous recorder with data",
	.be_flags = UVM_BE_DATA,
	.be_open = rec_open,
	.be_close = rec_close,
	.be_io = rec_data_io,
	.be_start = rec_start,
	.be_poll = rec_data_poll,
	.be_pread = rec_pread,
	.be_pwrite = rec_pwrite,
	.be_truncate = rec_truncate,
	.be_zero = rec_zero,
	.be_sync = rec_sync,
};

const struct uvm_backend recorder_backend = {
	.be_name = "recorder",
	.be_close = rec_close,
	.be_io = rec_do_io,
	.be_truncate = rec_truncate,
	.be_sync = rec_sync,
};

const struct uvm_backend recorder_data_backend = {
	.be_name = "recorder with data",
	.be_flags = UVM_BE_DATA,
	.be_open = rec_open,
	.be_close = rec_close,
	.be_io = rec_data_io,
	.be_pread = rec_pread,
	.be_pwrite = rec_pwrite,
	.be_truncate = rec_truncate,
	.be_zero = rec_zero,
	.be_sync = rec_sync,
};

void
rec_init(struct recorder *rec)
{

	*rec = (struct recorder){ .rec_io = NULL };
}

void
rec_fini(struct recorder *rec)
{
	size_t i;

	for (i = 0; i < REC_FILES; i++)
		free(rec->rec_file[i].rf_bytes);
	free(rec->rec_io);
	free(rec->rec_flying);
	rec_init(rec);
}

void
rec_fail(struct recorder *rec, enum uvm_io io, uint32_t file, uint64_t first,
    uint64_t last)
{

	rec->rec_bad_io = io;
	rec->rec_bad_file = file;
	rec->rec_bad_first = first;
	rec->rec_bad_last = last;
}

void
rec_clear(struct recorder *rec)
{

	rec->rec_nio = 0;
}

uint64_t
rec_pages(const struct recorder *rec, enum uvm_io io)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < rec->rec_nio; i++) {
		if (rec->rec_io[i].ri_io == io)
			n += rec->rec_io[i].ri_npages;
	}
	return n;
}

static void
io_text(FILE *fp, const struct rec_io *ri)
{

	if (ri->ri_file != 1)
		(void)fprintf(fp, "%" PRIu32 ":", ri->ri_file);
	(void)fprintf(fp, "%c(%" PRIu64 ",%" PRIu64 ")",
	    ri->ri_io == UVM_READ ? 'r' : 'w', ri->ri_page, ri->ri_npages);
	if (ri->ri_bytes != ri->ri_npages * REC_PGSIZE)
		(void)fprintf(fp, "%" PRIu64, ri->ri_bytes);
	if (ri->ri_durable)
		(void)fputc('s', fp);
	if (ri->ri_error != 0)
		(void)fputc('!', fp);
}

char *
rec_text(const struct recorder *rec)
{
	char *text = NULL;
	size_t i, len = 0;
	FILE *const fp = open_memstream(&text, &len);

	if (fp == NULL)
		abort();
	for (i = 0; i < rec->rec_nio; i++) {
		if (i != 0)
			(void)fputc(' ', fp);
		io_text(fp, &rec->rec_io[i]);
	}
	if (fclose(fp) != 0)
		abort();
	return text;
}
