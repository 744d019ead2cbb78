#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/dice.h"
#include "tests/mp/membe.h"

struct mfile {
	uint8_t *mf_bytes;
	uint64_t mf_size;
	unsigned mf_ios; /* under way */
	bool mf_busy[MEMBE_PAGES];
};

struct membe {
	pthread_mutex_t mb_mutex;
	pthread_cond_t mb_cond;
	struct mfile *mb_files; /* [files + 1] */
	uint32_t mb_nfiles;
	size_t mb_pgsize;
	struct dice mb_dice;
	struct uvm_buf *mb_started;
	unsigned mb_nstarted;
};

_Noreturn void
thread_broken(const char *file, int line, const char *what)
{

	(void)fprintf(stderr, "%s:%d: not %s\n", file, line, what);
	abort();
}

struct membe *
membe_create(uint32_t files, size_t pgsize, uint64_t seed)
{
	struct membe *const mb = calloc(1, sizeof(*mb));

	thread_check(mb != NULL);
	mb->mb_files = calloc(files + 1, sizeof(mb->mb_files[0]));
	thread_check(mb->mb_files != NULL);
	for (uint32_t i = 1; i <= files; i++) {
		mb->mb_files[i].mf_bytes = calloc(MEMBE_PAGES, pgsize);
		thread_check(mb->mb_files[i].mf_bytes != NULL);
	}
	mb->mb_nfiles = files;
	mb->mb_pgsize = pgsize;
	mb->mb_dice.d_state = seed;
	(void)pthread_mutex_init(&mb->mb_mutex, NULL);
	(void)pthread_cond_init(&mb->mb_cond, NULL);
	return mb;
}

void
membe_destroy(struct membe *mb)
{

	for (uint32_t i = 1; i <= mb->mb_nfiles; i++)
		free(mb->mb_files[i].mf_bytes);
	free(mb->mb_files);
	(void)pthread_mutex_destroy(&mb->mb_mutex);
	(void)pthread_cond_destroy(&mb->mb_cond);
	free(mb);
}

uint64_t
membe_word(const struct membe *mb, uint32_t file, uint64_t offset)
{
	uint64_t word;

	(void)memcpy(&word, mb->mb_files[file].mf_bytes + offset, sizeof(word));
	return word;
}

static void
dawdle(uint64_t dice)
{
	const struct timespec ts = { .tv_nsec = (long)(dice % 30000) };

	if (dice % 4 == 0)
		(void)nanosleep(&ts, NULL);
	else if (dice % 4 == 1)
		(void)sched_yield();
}

static bool *
busy(struct membe *mb, const struct uvm_buf *b)
{

	return &mb->mb_files[b->b_file].mf_busy[b->b_offset / mb->mb_pgsize];
}

/* => how long it is to take */
static uint64_t
begin(struct membe *mb, const struct uvm_buf *b)
{
	uint64_t dice;

	(void)pthread_mutex_lock(&mb->mb_mutex);
	for (uint32_t i = 0; i < b->b_npages; i++) {
		thread_check(!busy(mb, b)[i]);
		busy(mb, b)[i] = true;
	}
	mb->mb_files[b->b_file].mf_ios++;
	dice = dice_next(&mb->mb_dice);
	(void)pthread_mutex_unlock(&mb->mb_mutex);
	return dice;
}

/* Move the bytes: nobody else has these pages. */
static void
move(struct membe *mb, struct uvm_buf *b)
{
	struct mfile *const mf = &mb->mb_files[b->b_file];
	uint64_t left = b->b_length;

	for (uint32_t i = 0; i < b->b_npages && left != 0; i++) {
		const size_t n =
		    left < mb->mb_pgsize ? (size_t)left : mb->mb_pgsize;
		uint8_t *const at =
		    mf->mf_bytes + b->b_offset + i * mb->mb_pgsize;

		if (b->b_io == UVM_READ)
			(void)memcpy(b->b_page[i], at, n);
		else
			(void)memcpy(at, b->b_page[i], n);
		left -= n;
	}
	b->b_done = b->b_length;
	b->b_error = 0;
}

static void
end(struct membe *mb, const struct uvm_buf *b)
{

	(void)pthread_mutex_lock(&mb->mb_mutex);
	for (uint32_t i = 0; i < b->b_npages; i++)
		busy(mb, b)[i] = false;
	mb->mb_files[b->b_file].mf_ios--;
	(void)pthread_mutex_unlock(&mb->mb_mutex);
}

static int
mem_io(void *cookie, struct uvm_buf *b)
{
	struct membe *const mb = cookie;

	dawdle(begin(mb, b));
	move(mb, b);
	end(mb, b);
	return 0;
}

static int
mem_start(void *cookie, struct uvm_buf *b)
{
	struct membe *const mb = cookie;

	(void)begin(mb, b);
	(void)pthread_mutex_lock(&mb->mb_mutex);
	b->b_next = mb->mb_started;
	mb->mb_started = b;
	mb->mb_nstarted++;
	(void)pthread_cond_signal(&mb->mb_cond);
	(void)pthread_mutex_unlock(&mb->mb_mutex);
	return 0;
}

static int
mem_poll(void *cookie, bool wait, struct uvm_buf **bp)
{
	struct membe *const mb = cookie;
	struct uvm_buf **link, *b;
	uint64_t dice;

	*bp = NULL;
	(void)pthread_mutex_lock(&mb->mb_mutex);
	while (mb->mb_nstarted == 0 && wait)
		(void)pthread_cond_wait(&mb->mb_cond, &mb->mb_mutex);
	if (mb->mb_nstarted == 0) {
		(void)pthread_mutex_unlock(&mb->mb_mutex);
		return 0;
	}
	dice = dice_next(&mb->mb_dice);
	link = &mb->mb_started;
	for (uint64_t i = dice % mb->mb_nstarted; i > 0; i--)
		link = &(*link)->b_next;
	b = *link;
	*link = b->b_next;
	mb->mb_nstarted--;
	(void)pthread_mutex_unlock(&mb->mb_mutex);
	dawdle(dice >> 7);
	move(mb, b);
	end(mb, b);
	*bp = b;
	return 0;
}

static int
mem_open(void *cookie, uint32_t file, uint64_t size)
{
	struct membe *const mb = cookie;

	mb->mb_files[file].mf_size = size;
	return 0;
}

/* An operation of the file: no I/O is under way, from begin to end. */
static void
alone(struct membe *mb, uint32_t file, uint64_t *dicep)
{

	(void)pthread_mutex_lock(&mb->mb_mutex);
	thread_check(mb->mb_files[file].mf_ios == 0);
	if (dicep != NULL)
		*dicep = dice_next(&mb->mb_dice);
	(void)pthread_mutex_unlock(&mb->mb_mutex);
}

static int
mem_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	uint64_t dice;

	(void)offset;
	(void)length;
	(void)buf;
	alone(cookie, file, &dice);
	dawdle(dice);
	alone(cookie, file, NULL);
	return 0;
}

static int
mem_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct membe *const mb = cookie;
	uint64_t dice;

	alone(mb, file, &dice);
	dawdle(dice);
	if (buf != NULL)
		(void)memcpy(mb->mb_files[file].mf_bytes + offset, buf, length);
	alone(mb, file, NULL);
	return 0;
}

static int
mem_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct membe *const mb = cookie;
	struct mfile *const mf = &mb->mb_files[file];
	uint64_t dice;

	alone(mb, file, &dice);
	dawdle(dice);
	(void)memset(mf->mf_bytes + size, 0,
	    MEMBE_PAGES * mb->mb_pgsize - size);
	mf->mf_size = size;
	alone(mb, file, NULL);
	return 0;
}

static int
mem_sync(void *cookie, uint32_t file)
{

	(void)cookie;
	(void)file;
	return 0;
}

const struct uvm_backend membe_backend = {
	.be_name = "mem",
	.be_flags = UVM_BE_DATA,
	.be_open = mem_open,
	.be_io = mem_io,
	.be_start = mem_start,
	.be_poll = mem_poll,
	.be_pread = mem_pread,
	.be_pwrite = mem_pwrite,
	.be_truncate = mem_truncate,
	.be_sync = mem_sync,
};
