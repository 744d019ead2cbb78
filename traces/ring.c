#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "traces/ring.h"

struct ring {
	char *rg_path;
	int rg_fd;
	uint8_t *rg_map;    /* RING_FILE_BYTES */
	uint8_t *rg_buf;    /* RING_BYTES: what a slot held, in one piece */
	uint64_t rg_broken; /* records lost in slots that were no rings */
};

static struct ring_file *
file_of(const struct ring *rg)
{
	return (void *)rg->rg_map;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int
map_file(struct ring *rg)
{
	void *map;

	rg->rg_fd =
	    open(rg->rg_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (rg->rg_fd == -1)
		return errno;
	if (ftruncate(rg->rg_fd, (off_t)RING_FILE_BYTES) != 0)
		return errno;
	map = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    rg->rg_fd, 0);
	if (map == MAP_FAILED)
		return errno;
	rg->rg_map = map;
	return 0;
}

int
ring_create(const char *path, enum ring_mode mode, uint64_t window,
    uint32_t page, struct ring **rgp, struct errmsg *em)
{
	struct ring *rg = calloc(1, sizeof(*rg));
	struct ring_file *rf;
	int error;

	if (rg == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	rg->rg_fd = -1;
	rg->rg_path = strdup(path);
	rg->rg_buf = malloc(RING_BYTES);
	if (rg->rg_path == NULL || rg->rg_buf == NULL) {
		ring_destroy(rg);
		return ERRMSG(em, ENOMEM, "no memory to record");
	}
	error = map_file(rg);
	if (error != 0) {
		ring_destroy(rg);
		return ERRMSG(em, error, "%s: cannot make the ring: %s", path,
		    errno_text(error));
	}
	rf = file_of(rg);
	rf->rf_mode = mode;
	rf->rf_pid = (uint32_t)getpid();
	rf->rf_window = window;
	rf->rf_page = page;
	atomic_thread_fence(memory_order_release);
	rf->rf_magic = RING_MAGIC;
	*rgp = rg;
	return 0;
}

/* How many of the n bytes at buf are records that can be read. */
static size_t
whole(const uint8_t *buf, size_t n)
{
	struct raw rw;
	size_t at = 0, len;

	while ((len = raw_decode(buf + at, n - at, &rw)) != 0)
		at += len;
	return at;
}

/* Take n bytes from tail on out of slot i, in one piece. */
static void
take(struct ring *rg, unsigned i, uint64_t tail, size_t n)
{
	const uint8_t *data = rg->rg_map + RING_DATA(i);
	const size_t at = tail & (RING_BYTES - 1);
	const size_t first = n < RING_BYTES - at ? n : RING_BYTES - at;

	memcpy(rg->rg_buf, data + at, first);
	memcpy(rg->rg_buf + first, data, n - first);
}

static void
wake_writer(struct ring_slot *sl)
{
	if (atomic_exchange(&sl->sl_waiting, 0) != 0)
		(void)syscall(SYS_futex, &sl->sl_tail, FUTEX_WAKE, 1, NULL,
		    NULL, 0);
}

static int
slot_drain(struct ring *rg, unsigned i, ring_put *put, void *arg)
{
	struct ring_slot *sl = &file_of(rg)->rf_slot[i];
	const uint64_t head =
	    atomic_load_explicit(&sl->sl_head, memory_order_acquire);
	const uint64_t tail =
	    atomic_load_explicit(&sl->sl_tail, memory_order_relaxed);
	size_t n = 0;
	int error = 0;

	if (head == tail)
		return 0;
	if (head - tail <= RING_BYTES) {
		take(rg, i, tail, (size_t)(head - tail));
		n = whole(rg->rg_buf, (size_t)(head - tail));
	}
	/* A program that writes where it should not may have been here. */
	if (n != head - tail)
		rg->rg_broken++;
	if (n > 0)
		error = put(arg, i, rg->rg_buf, n);
	atomic_store(&sl->sl_tail, head);
	wake_writer(sl);
	return error;
}

static bool
lives(uint64_t owner)
{
	/* EPERM: it lives, as somebody else. */
	return syscall(SYS_tgkill, (pid_t)(owner >> 32), (pid_t)owner, 0) ==
	    0 ||
	    errno != ESRCH;
}

/* Its thread is gone: nobody else may say so. */
static int
slot_exit(unsigned i, uint64_t owner, ring_put *put, void *arg)
{
	const struct raw rw = { .rw_time = now_ns(),
		.rw_pid = (uint32_t)(owner >> 32),
		.rw_tid = (uint32_t)owner,
		.rw_kind = RAW_EXIT };
	uint8_t buf[RAW_MAX];

	return put(arg, i, buf, raw_encode(&rw, buf));
}

/* The slot of a thread that is gone and has left nothing is free. */
static bool
slot_free(struct ring *rg, unsigned i, uint64_t *ownerp)
{
	struct ring_slot *sl = &file_of(rg)->rf_slot[i];

	*ownerp = atomic_load(&sl->sl_owner);
	if (lives(*ownerp) ||
	    atomic_load(&sl->sl_head) != atomic_load(&sl->sl_tail))
		return false;
	(void)fallocate(rg->rg_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)RING_DATA(i), RING_BYTES);
	return atomic_compare_exchange_strong(&sl->sl_owner, ownerp, 0);
}

int
ring_drain(struct ring *rg, ring_put *put, void *arg)
{
	struct ring_file *rf = file_of(rg);
	int error = 0;

	for (unsigned i = 0; error == 0 && i < RING_SLOTS; i++) {
		uint64_t owner;

		if (atomic_load(&rf->rf_slot[i].sl_owner) == 0)
			continue;
		error = slot_drain(rg, i, put, arg);
		if (error == 0 && slot_free(rg, i, &owner))
			error = slot_exit(i, owner, put, arg);
	}
	return error;
}

void
ring_wait(struct ring *rg, int ms)
{
	struct ring_file *rf = file_of(rg);
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };
	const uint32_t ready = atomic_load(&rf->rf_ready);

	/* One that is filling since the last look would not wake us again. */
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		const struct ring_slot *sl = &rf->rf_slot[i];

		if (atomic_load(&sl->sl_owner) != 0 &&
		    atomic_load(&sl->sl_head) - atomic_load(&sl->sl_tail) >=
			RING_BYTES / 2)
			return;
	}
	(void)syscall(SYS_futex, &rf->rf_ready, FUTEX_WAIT, ready, &ts, NULL,
	    0);
}

uint64_t
ring_lost(const struct ring *rg)
{
	const struct ring_file *rf = file_of(rg);
	uint64_t lost = atomic_load(&rf->rf_lost) + rg->rg_broken;

	for (unsigned i = 0; i < RING_SLOTS; i++)
		lost += atomic_load(&rf->rf_slot[i].sl_lost);
	return lost;
}

void
ring_stop(struct ring *rg)
{
	atomic_store(&file_of(rg)->rf_stop, 1);
}

void
ring_destroy(struct ring *rg)
{
	if (rg == NULL)
		return;
	if (rg->rg_map != NULL) {
		ring_stop(rg);
		(void)munmap(rg->rg_map, RING_FILE_BYTES);
	}
	if (rg->rg_fd != -1) {
		(void)close(rg->rg_fd);
		(void)unlink(rg->rg_path);
	}
	free(rg->rg_path);
	free(rg->rg_buf);
	free(rg);
}
