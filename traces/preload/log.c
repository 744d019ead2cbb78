#include <linux/futex.h>
#include <time.h>

#include "traces/preload/preload.h"

#define STALL_NS 1000000000U /* without progress: the recorder is stuck */
#define NAP_NS	 20000000

/* What a thread needs to write: its slot, and who it is. */
struct writer {
	struct ring_slot *wr_slot;
	uint8_t *wr_data;
	uint32_t wr_pid, wr_tid;
};

static __thread struct writer writer __attribute__((tls_model("initial-exec")));

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

void
log_forget(void)
{
	writer = (struct writer){ .wr_slot = NULL };
}

/* Take a slot for this thread; false: there is none. */
static bool
slot_take(void)
{
	struct ring_file *rf = preload.pl_ring;
	const uint32_t pid = (uint32_t)SYS0(SYS_getpid);
	const uint32_t tid = (uint32_t)SYS0(SYS_gettid);

	for (uint32_t i = 0; i < RING_SLOTS; i++) {
		const uint32_t at = (tid + i) % RING_SLOTS;
		struct ring_slot *sl = &rf->rf_slot[at];
		uint64_t none = 0;

		if (atomic_load_explicit(&sl->sl_owner, memory_order_relaxed) !=
			0 ||
		    !atomic_compare_exchange_strong(&sl->sl_owner, &none,
			(uint64_t)pid << 32 | tid))
			continue;
		writer = (struct writer){ sl, (uint8_t *)rf + RING_DATA(at),
			pid, tid };
		return true;
	}
	return false;
}

static void
wake_reader(void)
{
	_Atomic uint32_t *ready = &preload.pl_ring->rf_ready;

	(void)atomic_fetch_add(ready, 1);
	(void)SYS3(SYS_futex, ready, FUTEX_WAKE, 1);
}

static bool
recorder_lives(void)
{
	const struct ring_file *rf = preload.pl_ring;

	return atomic_load(&rf->rf_stop) == 0 &&
	    SYS2(SYS_kill, rf->rf_pid, 0) != -ESRCH;
}

/* Wait until the slot has room for n bytes. */
static bool
room_wait(struct ring_slot *sl, uint64_t head, size_t n)
{
	const struct timespec nap = { 0, NAP_NS };
	uint64_t tail = atomic_load(&sl->sl_tail), begin = now();

	while (head + n - tail > RING_BYTES) {
		const uint64_t before = tail;

		if (!recorder_lives())
			return false;
		atomic_store(&sl->sl_waiting, 1);
		wake_reader();
		(void)SYS4(SYS_futex, &sl->sl_waiting, FUTEX_WAIT, 1, &nap);
		tail = atomic_load(&sl->sl_tail);
		if (tail != before)
			begin = now();
		else if (now() - begin > STALL_NS)
			return false;
	}
	return true;
}

/* The head to write at; false: the record is lost, and counted. */
static bool
room(size_t n, uint64_t *headp)
{
	struct ring_slot *sl = writer.wr_slot;

	if (sl == NULL && !slot_take()) {
		(void)atomic_fetch_add(&preload.pl_ring->rf_lost, 1);
		return false;
	}
	sl = writer.wr_slot;
	*headp = atomic_load_explicit(&sl->sl_head, memory_order_relaxed);
	if (*headp + n -
		atomic_load_explicit(&sl->sl_tail, memory_order_acquire) <=
	    RING_BYTES)
		return true;
	if (room_wait(sl, *headp, n))
		return true;
	(void)atomic_fetch_add(&sl->sl_lost, 1);
	return false;
}

static void
ring_write(uint64_t pos, const void *bytes, size_t n)
{
	const size_t at = pos & (RING_BYTES - 1);
	const size_t first = RING_BYTES - at < n ? RING_BYTES - at : n;

	memcpy(writer.wr_data + at, bytes, first);
	memcpy(writer.wr_data, (const uint8_t *)bytes + first, n - first);
}

static void
publish(uint64_t head, size_t n)
{
	atomic_store_explicit(&writer.wr_slot->sl_head, head + n,
	    memory_order_release);
	/* Each quarter of a ring, lest it be full before the reader looks. */
	if (((head ^ (head + n)) & (RING_BYTES / 4)) != 0)
		wake_reader();
}

void
log_access(uintptr_t page, unsigned flags)
{
	struct {
		struct raw_head head;
		uint64_t arg[2];
	} rec = { .arg = { page, 1 } };
	uint64_t head;

	if (!room(sizeof(rec), &head))
		return;
	rec.head = (struct raw_head){ .rh_time = now(),
		.rh_pid = writer.wr_pid,
		.rh_tid = writer.wr_tid,
		.rh_kind = RAW_ACCESS,
		.rh_flags = (uint8_t)flags,
		.rh_nargs = 2 };
	ring_write(head, &rec, sizeof(rec));
	publish(head, sizeof(rec));
}

/* Bytes of a text in a record; its start, if it is too long. */
static uint16_t
text_len(const char **textp)
{
	size_t n;

	if (*textp == NULL)
		return 0;
	n = strlen(*textp) + 1;
	if (n > RAW_TEXT_MAX) {
		*textp += n - RAW_TEXT_MAX;
		n = RAW_TEXT_MAX;
	}
	return (uint16_t)n;
}

void
log_raw(const struct raw *rw)
{
	static const uint8_t zeroes[8] = { 0 };
	const char *text = rw->rw_text, *text2 = rw->rw_text2;
	struct raw_head rh = { .rh_kind = rw->rw_kind,
		.rh_flags = rw->rw_flags,
		.rh_sys = rw->rw_sys,
		.rh_nargs = rw->rw_nargs };
	uint64_t head, pos;
	size_t n;

	rh.rh_text = text_len(&text);
	rh.rh_text2 = text_len(&text2);
	n = sizeof(rh) + (size_t)8 * rh.rh_nargs + rh.rh_text + rh.rh_text2;
	n = (n + 7) / 8 * 8;
	if (!room(n, &head))
		return;
	/* Not the slot's: a child of vfork(2) writes into its parent's. */
	rh.rh_pid = (uint32_t)SYS0(SYS_getpid);
	rh.rh_tid = (uint32_t)SYS0(SYS_gettid);
	rh.rh_time = now();
	pos = head;
	ring_write(pos, &rh, sizeof(rh));
	pos += sizeof(rh);
	ring_write(pos, rw->rw_arg, (size_t)8 * rh.rh_nargs);
	pos += (size_t)8 * rh.rh_nargs;
	ring_write(pos, text, rh.rh_text);
	pos += rh.rh_text;
	ring_write(pos, text2, rh.rh_text2);
	pos += rh.rh_text2;
	ring_write(pos, zeroes, head + n - pos);
	publish(head, n);
}

/* The words of a record as valgrind shows them: a call that fails. */
static void
log_in_band(long i, const uint64_t *arg)
{
	(void)sys6(SYS_prctl, RING_PRCTL, i, (long)arg[0], (long)arg[1],
	    (long)arg[2], 0);
}

static void
log_by_call(enum raw_kind kind, const uint64_t *arg)
{
	const uint64_t rest[3] = { arg[6], arg[7], 0 };

	switch (kind) {
	case RAW_FILE:
		log_in_band(RING_FILE_0, arg);
		log_in_band(RING_FILE_3, arg + 3);
		log_in_band(RING_FILE_6, rest);
		return;
	case RAW_START:
		log_in_band(RING_START, arg);
		return;
	case RAW_SHARED:
		log_in_band(RING_SHARED, arg);
		return;
	case RAW_NOTE:
		log_in_band(RING_NOTE, arg);
		return;
	case RAW_ACCESS:
	case RAW_CALL:
	case RAW_RETURN:
	case RAW_MAP:
	case RAW_FLUSH:
	case RAW_FORK:
	case RAW_EXEC:
	case RAW_EXIT:
	case RAW_LOST:
	case RAW_NKINDS:
		return;
	}
}

void
log_args(enum raw_kind kind, unsigned nargs, const uint64_t *arg)
{
	struct raw rw = { .rw_kind = (uint8_t)kind,
		.rw_nargs = (uint8_t)nargs };

	memcpy(rw.rw_arg, arg, (size_t)8 * nargs);
	if (preload.pl_mode == RING_VALGRIND)
		log_by_call(kind, rw.rw_arg);
	else
		log_raw(&rw);
}

void
log_note(enum record_count count, uint64_t n)
{
	const uint64_t arg[2] = { count, n };

	log_args(RAW_NOTE, 2, arg);
}

void
log_call(enum raw_sysno sys, const uint64_t arg[6], const char *text,
    const char *text2)
{
	struct raw rw = { .rw_kind = RAW_CALL,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 6,
		.rw_text = text,
		.rw_text2 = text2 };

	memcpy(rw.rw_arg, arg, 6 * sizeof(*arg));
	log_raw(&rw);
}

void
log_return(enum raw_sysno sys, long ret)
{
	const struct raw rw = { .rw_kind = RAW_RETURN,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 1,
		.rw_arg = { (uint64_t)ret } };

	log_raw(&rw);
}
