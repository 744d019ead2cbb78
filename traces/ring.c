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

#define BATCH (64U << 10) /* bytes handed out at once */

struct ring {
	struct ring_file *rg_file;
	uint32_t rg_ready;		  /* rf_ready when last looked at */
	uint8_t rg_copy[BATCH + RAW_MAX]; /* of what wraps around */
};

int
ring_create(const char *path, enum ring_mode mode, uint64_t window,
    uint64_t page, struct ring **rgp, struct errmsg *em)
{
	struct ring *rg = calloc(1, sizeof(*rg));
	struct ring_file *rf;
	int fd, error;

	if (rg == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || ftruncate(fd, (off_t)RING_FILE_BYTES) != 0) {
		error = errno;
		if (fd != -1)
			(void)close(fd);
		free(rg);
		return ERRMSG(em, error, "%s: cannot create: %s", path,
		    errno_text(error));
	}
	rf = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	error = errno;
	(void)close(fd);
	if (rf == MAP_FAILED) {
		free(rg);
		return ERRMSG(em, error, "%s: cannot map it: %s", path,
		    errno_text(error));
	}
	rf->rf_mode = (uint32_t)mode;
	rf->rf_pid = (uint32_t)getpid();
	rf->rf_window = window;
	rf->rf_page = page;
	rf->rf_magic = RING_MAGIC;
	rg->rg_file = rf;
	*rgp = rg;
	return 0;
}

void
ring_wait(const struct ring *rg, int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	(void)syscall(SYS_futex, &rg->rg_file->rf_ready, FUTEX_WAIT,
	    rg->rg_ready, &ts, NULL, 0);
}

/* Whole records of at most BATCH bytes, or one longer, from pos on; in one
 * piece at *bytesp. */
static size_t
batch(struct ring *rg, uint32_t slot, uint64_t pos, size_t have,
    const uint8_t **bytesp)
{
	const uint8_t *data = (const uint8_t *)rg->rg_file + RING_DATA(slot);
	const size_t at = pos & (RING_BYTES - 1);
	size_t n = have < sizeof(rg->rg_copy) ? have : sizeof(rg->rg_copy);
	size_t whole = 0;

	*bytesp = data + at;
	if (at + n > RING_BYTES) {
		memcpy(rg->rg_copy, data + at, RING_BYTES - at);
		memcpy(rg->rg_copy + (RING_BYTES - at), data,
		    n - (RING_BYTES - at));
		*bytesp = rg->rg_copy;
	}
	while (whole < BATCH && whole < n) {
		struct raw rw;
		const size_t len = raw_decode(*bytesp + whole, n - whole, &rw);

		if (len == 0)
			break;
		whole += len;
	}
	return whole;
}

static void
wake_writer(struct ring_slot *sl)
{
	if (atomic_exchange(&sl->sl_waiting, 0) != 0)
		(void)syscall(SYS_futex, &sl->sl_waiting, FUTEX_WAKE, 1, NULL,
		    NULL, 0);
}

static int
slot_drain(struct ring *rg, uint32_t slot,
    int (*fn)(void *, uint32_t, const uint8_t *, size_t), void *arg)
{
	struct ring_slot *sl = &rg->rg_file->rf_slot[slot];
	const uint64_t head =
	    atomic_load_explicit(&sl->sl_head, memory_order_acquire);
	uint64_t tail = atomic_load(&sl->sl_tail);
	int error = 0;

	while (error == 0 && tail < head) {
		const uint8_t *bytes;
		const size_t n =
		    batch(rg, slot, tail, (size_t)(head - tail), &bytes);

		/* A writer that wrote over itself: nothing here is whole. */
		if (n == 0) {
			atomic_store(&sl->sl_tail, head);
			(void)atomic_fetch_add(&sl->sl_lost, 1);
			break;
		}
		error = fn(arg, slot, bytes, n);
		tail += n;
		atomic_store(&sl->sl_tail, tail);
		wake_writer(sl);
	}
	return error;
}

static bool
thread_gone(uint64_t owner)
{
	return syscall(SYS_tgkill, (pid_t)(owner >> 32), (pid_t)owner, 0) ==
	    -1 &&
	    errno == ESRCH;
}

/* The thread is gone, and all it wrote has been read. */
static int
slot_free(struct ring *rg, uint32_t slot, uint64_t owner,
    int (*fn)(void *, uint32_t, const uint8_t *, size_t), void *arg)
{
	struct ring_slot *sl = &rg->rg_file->rf_slot[slot];
	uint8_t buf[RAW_MAX];
	struct timespec ts;
	struct raw rw = { .rw_kind = RAW_EXIT,
		.rw_pid = (uint32_t)(owner >> 32),
		.rw_tid = (uint32_t)owner };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	rw.rw_time = (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
	atomic_store(&sl->sl_owner, 0);
	return fn(arg, slot, buf, raw_encode(&rw, buf));
}

int
ring_drain(struct ring *rg,
    int (*fn)(void *arg, uint32_t slot, const uint8_t *bytes, size_t len),
    void *arg)
{
	struct ring_file *rf = rg->rg_file;
	int error = 0;

	rg->rg_ready = atomic_load(&rf->rf_ready);
	for (uint32_t i = 0; error == 0 && i < RING_SLOTS; i++) {
		struct ring_slot *sl = &rf->rf_slot[i];
		const uint64_t owner = atomic_load(&sl->sl_owner);
		bool gone;

		if (owner == 0)
			continue;
		gone = thread_gone(owner);
		error = slot_drain(rg, i, fn, arg);
		if (error == 0 && gone)
			error = slot_free(rg, i, owner, fn, arg);
	}
	return error;
}

uint64_t
ring_lost(const struct ring *rg)
{
	uint64_t lost = atomic_load(&rg->rg_file->rf_lost);

	for (uint32_t i = 0; i < RING_SLOTS; i++)
		lost += atomic_load(&rg->rg_file->rf_slot[i].sl_lost);
	return lost;
}

void
ring_stop(struct ring *rg)
{
	atomic_store(&rg->rg_file->rf_stop, 1);
}

void
ring_destroy(struct ring *rg)
{
	if (rg == NULL)
		return;
	(void)munmap(rg->rg_file, RING_FILE_BYTES);
	free(rg);
}
