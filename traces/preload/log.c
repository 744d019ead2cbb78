#include "traces/preload/preload.h"

#include <errno.h>

/* Room that a few records of any kind want, and that several pages do. */
#define ROOM ((uint64_t)4 * RAW_MAX)

/* A wait for the reader, and after how many in vain it is given up. */
#define WAIT_NS	  50000000
#define WAITS_MAX 20

/* Tries to get the lock before sleeping. */
#define SPINS 200

/* What a forked child finds zeroed. */
struct wiped {
	_Atomic uint32_t wi_lock;  /* 0: free, 1: held, 2: and waited for */
	_Atomic uint32_t wi_alive; /* the library has begun in this process */
};

struct lib lib;
_Thread_local struct self self;
static struct wiped *wiped;

bool
lock_init(void)
{
	const long ret = sys_mmap(0, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (sys_failed(ret) ||
	    sys_madvise((uint64_t)ret, PAGE, MADV_WIPEONFORK) != 0)
		return false;
	wiped = to_ptr((uint64_t)ret);
	atomic_store(&wiped->wi_alive, 1);
	return true;
}

static bool
try_lock(void)
{
	uint32_t was = 0;

	return atomic_compare_exchange_strong_explicit(&wiped->wi_lock, &was, 1,
	    memory_order_acquire, memory_order_relaxed);
}

void
section_lock(void)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (likely(try_lock()))
			goto locked;
		__builtin_ia32_pause();
	}
	while (atomic_exchange(&wiped->wi_lock, 2) != 0)
		(void)sys_futex(&wiped->wi_lock, FUTEX_WAIT_PRIVATE, 2, NULL);
locked:
	if (unlikely(atomic_load_explicit(&wiped->wi_alive,
			 memory_order_relaxed) == 0)) {
		atomic_store(&wiped->wi_alive, 1);
		start_child();
	}
}

void
section_unlock(void)
{
	if (atomic_exchange(&wiped->wi_lock, 0) == 2)
		(void)sys_futex(&wiped->wi_lock, FUTEX_WAKE_PRIVATE, 1, NULL);
}

void
section_begin(struct section *sc)
{
	const sigmask all = ~(sigmask)0;

	(void)sys_sigmask(SIG_BLOCK, &all, &sc->sc_mask);
	log_room();
	section_lock();
}

void
section_end(const struct section *sc)
{
	section_unlock();
	(void)sys_sigmask(SIG_SETMASK, &sc->sc_mask, NULL);
}

uint64_t
log_time(void)
{
	struct timespec ts;
	uint64_t now;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
	/* Records of a process are in order, whatever the clock's grain. */
	if (now <= lib.lb_time)
		now = lib.lb_time + 1;
	lib.lb_time = now;
	return now;
}

void
log_forget(void)
{
	self.se_slot = NULL;
	self.se_tid = 0;
	self.se_guest = 0;
}

static void
slot_use(unsigned i)
{
	struct ring_slot *sl = &lib.lb_ring->rf_slot[i];

	self.se_slot = sl;
	self.se_data = (uint8_t *)lib.lb_ring + RING_DATA(i);
	self.se_head = atomic_load(&sl->sl_head);
	self.se_tail = atomic_load(&sl->sl_tail);
	self.se_stalled = false;
}

/*
 * Find the thread a slot: the one it had before exec(2), or one that is free.
 */
static bool
slot_take(void)
{
	const uint64_t me = (uint64_t)lib.lb_pid << 32 | self.se_tid;
	struct ring_slot *slots = lib.lb_ring->rf_slot;

	for (unsigned i = 0; i < RING_SLOTS; i++)
		if (atomic_load_explicit(&slots[i].sl_owner,
			memory_order_relaxed) == me) {
			slot_use(i);
			return true;
		}
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		uint64_t owner = 0;

		if (atomic_load_explicit(&slots[i].sl_owner,
			memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_strong(&slots[i].sl_owner, &owner,
			me)) {
			slot_use(i);
			return true;
		}
	}
	return false;
}

/* Has the thread a slot? */
static bool
slot_have(void)
{
	if (likely(self.se_slot != NULL))
		return true;
	if (self.se_tid == 0)
		self.se_tid = (uint32_t)sys_0(SYS_gettid);
	return slot_take();
}

static bool
fits(uint64_t n)
{
	if (likely(self.se_head + n - self.se_tail <= RING_BYTES))
		return true;
	self.se_tail =
	    atomic_load_explicit(&self.se_slot->sl_tail, memory_order_acquire);
	return self.se_head + n - self.se_tail <= RING_BYTES;
}

static void
wake_reader(void)
{
	atomic_fetch_add(&lib.lb_ring->rf_ready, 1);
	(void)sys_futex(&lib.lb_ring->rf_ready, FUTEX_WAKE, 1, NULL);
}

/* Sleep until the reader has moved, or for a while. */
static void
wait_reader(void)
{
	const struct timespec ts = { 0, WAIT_NS };
	struct ring_slot *sl = self.se_slot;

	atomic_store(&sl->sl_waiting, 1);
	wake_reader();
	/* The low half of the word; the reader wakes whoever waits there. */
	if (atomic_load(&sl->sl_tail) == self.se_tail)
		(void)sys_futex(&sl->sl_tail, FUTEX_WAIT,
		    (uint32_t)self.se_tail, &ts);
}

static bool
stopped(void)
{
	return atomic_load_explicit(&lib.lb_ring->rf_stop,
		   memory_order_relaxed) != 0;
}

static bool
reader_lives(void)
{
	return sys_2(SYS_kill, lib.lb_ring->rf_pid, 0) != -ESRCH;
}

void
log_room(void)
{
	unsigned waits = 0;
	uint64_t tail;

	if (lib.lb_words || !slot_have())
		return;
	tail = self.se_tail; /* as it was when last looked at */
	if (likely(fits(ROOM)))
		return;
	/* The reader that was given up: has it come back? */
	if (self.se_stalled && tail == self.se_tail)
		return;
	self.se_stalled = false;
	while (!fits(ROOM) && !stopped()) {
		if (self.se_tail != tail)
			waits = 0;
		tail = self.se_tail;
		if (waits++ == WAITS_MAX || !reader_lives()) {
			self.se_stalled = true;
			return;
		}
		wait_reader();
	}
}

/* len bytes go to the ring at head. */
static void
copy_in(uint64_t head, const void *bytes, size_t len)
{
	const size_t at = head & (RING_BYTES - 1);
	const size_t first = len < RING_BYTES - at ? len : RING_BYTES - at;

	memcpy(self.se_data + at, bytes, first);
	if (unlikely(first < len))
		memcpy(self.se_data, (const uint8_t *)bytes + first,
		    len - first);
}

static void
put(const void *bytes, size_t len)
{
	const uint64_t head = self.se_head;

	if (unlikely(stopped()))
		return;
	if (unlikely(!slot_have())) {
		atomic_fetch_add(&lib.lb_ring->rf_lost, 1);
		wake_reader();
		return;
	}
	if (unlikely(!fits(len))) {
		atomic_fetch_add(&self.se_slot->sl_lost, 1);
		return;
	}
	copy_in(head, bytes, len);
	self.se_head = head + len;
	atomic_store_explicit(&self.se_slot->sl_head, head + len,
	    memory_order_release);
	/* Half of the ring more. */
	if (unlikely(((head ^ (head + len)) & (RING_BYTES / 2)) != 0))
		wake_reader();
}

static void
ids(uint32_t *pid, uint32_t *tid)
{
	*pid = lib.lb_pid;
	*tid = self.se_tid;
	if (unlikely(self.se_guest != 0)) {
		*pid = (uint32_t)sys_0(SYS_getpid);
		*tid = (uint32_t)sys_0(SYS_gettid);
	}
}

static void
word(enum ring_word word, uint64_t a, uint64_t b, uint64_t c)
{
	(void)sys_5(SYS_prctl, RING_PRCTL, (long)word, SYS_U(a), SYS_U(b),
	    SYS_U(c));
}

/* As valgrind shows it; what has no words is not wanted there. */
static void
put_words(const struct raw *rw)
{
	const uint64_t *arg = rw->rw_arg;

	switch (rw->rw_kind) {
	case RAW_FILE:
		word(RING_FILE_0, arg[0], arg[1], arg[2]);
		word(RING_FILE_1, arg[3], arg[4], arg[5]);
		word(RING_FILE_2, arg[6], arg[7], 0);
		break;
	case RAW_START:
		word(RING_START, arg[0], arg[1], 0);
		break;
	case RAW_SHARED:
		word(RING_SHARED, arg[0], 0, 0);
		break;
	case RAW_NOTE:
		word(RING_NOTE, arg[0], arg[1], 0);
		break;
	default:
		break;
	}
}

void
log_raw_at(struct raw *rw, uint64_t time)
{
	if (lib.lb_words) {
		put_words(rw);
		return;
	}
	rw->rw_time = time;
	if (slot_have())
		ids(&rw->rw_pid, &rw->rw_tid);
	put(lib.lb_record, raw_encode(rw, lib.lb_record));
}

void
log_raw(struct raw *rw)
{
	log_raw_at(rw, log_time());
}

void
log_access(uint64_t addr, unsigned flags)
{
	struct {
		struct raw_head head;
		uint64_t arg[2];
	} rec = {
		.head = { .rh_time = log_time(),
		    .rh_kind = RAW_ACCESS,
		    .rh_flags = (uint8_t)flags,
		    .rh_nargs = 2 },
		.arg = { addr, 1 },
	};

	if (likely(slot_have()))
		ids(&rec.head.rh_pid, &rec.head.rh_tid);
	put(&rec, sizeof(rec));
}

void
log_flush(void)
{
	struct raw rw = { .rw_kind = RAW_FLUSH };

	log_raw(&rw);
}

void
log_note(enum record_count count, uint64_t n)
{
	struct raw rw = { .rw_kind = RAW_NOTE,
		.rw_nargs = 2,
		.rw_arg = { count, n } };

	log_raw(&rw);
}
