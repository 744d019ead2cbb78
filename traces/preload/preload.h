/*
 * preload: the library that uvn record loads into programs.
 *
 * It does nothing unless RING_ENV names a ring.  What it does is the ring's
 * mode, and all that it does the program must not notice:
 *
 *	kernel	The kernel tells of calls and page faults.  Here the maps of
 *		files are armed, so that every page's first access is a fault,
 *		and disarmed pages are dropped every so many faults, so that
 *		the next access is one, too (arm.c).  What descriptors are is
 *		said (file.c).
 *	preload	Pages of mapped files are closed by mprotect(2).  The access
 *		ends in SIGSEGV, is logged, and opens the page; when the window
 *		is full all pages are closed (window.c, segv.c).  Calls are
 *		logged by the functions of the C library that make them.
 *	valgrind What descriptors are is said, in calls that valgrind shows.
 *
 * Where it is:
 *
 *	start.c		begins in a process: by exec, by fork
 *	log.c		records into the ring
 *	file.c		descriptors: what they are, what is known of them
 *	own.c		the library's own descriptors, which the program lacks
 *	maps.c		the table of maps that are armed or closed
 *	arm.c		userfaultfd(2), and the event that counts faults
 *	window.c	which pages are open
 *	pin.c		which stay open: buffers of calls, locks
 *	segv.c		SIGSEGV
 *	signal.c	the signal that is ours, and the program's view of it
 *	call.c		calls as records, and their buffers
 *	call_*.c	functions of the C library in their place
 *	env.c		the environment of programs that are executed
 *	real.c		where the functions' own code is; real.def lists them
 *	sys.h		system calls as they are
 *
 * Rules.  Memory is static or mapped: no malloc(3).  What is shared is under
 * one lock, which is held with all signals blocked, and across no call that
 * may wait for the program.  Memory of the program is not touched while it is
 * held: the access may be one to be logged.  So all of it may be called in a
 * signal handler, and a handler that leaves by siglongjmp(3) leaves nothing
 * behind.
 *
 * A page is wiped in every child that has memory of its own, however it was
 * forked: the lock is in there, and whether the library has begun in the
 * process.  A child of vfork(2) is its parent's guest, whose slot it uses.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_PRELOAD_H
#define TRACES_PRELOAD_PRELOAD_H

#include <signal.h>
#include <sys/stat.h>

#include "traces/preload/real.h"
#include "traces/preload/ring.h"
#include "traces/preload/sys.h"
#include "traces/record.h"

/* A function that takes the place of the C library's. */
#define EXPORT __attribute__((visibility("default")))

/* Another name of one, with the same arguments. */
#define EXPORT_AS(name, other)                                                 \
	__asm__(".globl " #name "\n"                                           \
		".type " #name ", @function\n"                                 \
		".set " #name ", " #other "\n")

#define PAGE 4096U

static inline uint64_t
page_down(uint64_t v)
{
	return v & ~(uint64_t)(PAGE - 1);
}

static inline uint64_t
page_up(uint64_t v)
{
	return page_down(v + PAGE - 1);
}

/*
 * Of the process.
 *
 *	s: stable once lb_ready is set, but for a fork
 *	l: by the lock
 */
struct lib {
	bool lb_ready;		   /* start() has been here */
	bool lb_on;		   /* s: the process is recorded */
	bool lb_arms;		   /* s: mode kernel */
	bool lb_guards;		   /* s: mode preload */
	bool lb_words;		   /* s: mode valgrind */
	bool lb_locks;		   /* mlockall(MCL_FUTURE) has been called */
	uint32_t lb_pid;	   /* s: */
	uint64_t lb_window;	   /* s: pages; RAW_UNKNOWN: no bounds */
	struct ring_file *lb_ring; /* s: */
	uint64_t lb_time;	   /* l: of the last record */
	uint64_t lb_fork_time;	   /* l: of the fork at hand; 0: none */
	uint32_t lb_forker;	   /* l: its thread */
	/* l: all maps of the table lie within; read without the lock */
	_Atomic uint64_t lb_lo, lb_hi;
	char lb_path[RAW_TEXT_MAX], lb_path2[RAW_TEXT_MAX]; /* l: at hand */
	uint8_t lb_record[RAW_MAX];			    /* l: at hand */
};

extern struct lib lib;

/* Of a thread. */
struct self {
	struct ring_slot *se_slot; /* NULL: has none yet */
	uint8_t *se_data;	   /* of its ring */
	uint64_t se_head;	   /* as sl_head */
	uint64_t se_tail;	   /* sl_tail when it was last looked at */
	bool se_stalled;	   /* the reader has not moved for too long */
	uint32_t se_tid;	   /* 0: not known yet */
	uint32_t se_guest;    /* it is a child of vfork(2), at this depth */
	uint64_t se_again[2]; /* segv.c: the last fault, if nothing was to do */
	uint32_t se_times;    /* and how often in a row */
	bool se_pending;      /* signal.c: ours came while it was blocked */
	siginfo_t se_info;    /* so */
};

extern _Thread_local struct self self;

/* start.c */

/* Begin in this process, unless that is done. */
void start(void);

/* In a child that has memory of its own; the lock is held. */
void start_child(void);

/* Say that the library is at work; under the lock. */
void start_log(enum raw_start why);

/* The process is about to end. */
void start_exit(void);

/* Say on stderr that the process is not, or not all, recorded. */
void complain(const char *verb, const char *what, long error);

static inline bool
on(void)
{
	if (unlikely(!lib.lb_ready))
		start();
	return lib.lb_on;
}

static inline bool
arms(void)
{
	return on() && lib.lb_arms;
}

static inline bool
guards(void)
{
	return on() && lib.lb_guards;
}

/* log.c */

/*
 * What is done under the lock stands between these two: all signals are
 * blocked.  Records are written within, a few at a time.
 */
struct section {
	sigmask sc_mask;
};

void section_begin(struct section *sc);
void section_end(const struct section *sc);

/* The same where signals are blocked already. */
void section_lock(void);
void section_unlock(void);

/* See that the thread has room for some records; may wait for the reader. */
void log_room(void);

/* Write a record; time, process and thread are filled in. */
void log_raw(struct raw *rw);
void log_raw_at(struct raw *rw, uint64_t time);
void log_access(uint64_t addr, unsigned flags);
void log_flush(void);
void log_note(enum record_count count, uint64_t n);

/* A time later than that of any record before. */
uint64_t log_time(void);

/* The thread's slot is another process's; it takes a new one. */
void log_forget(void);

/* Make the page that children find wiped. */
bool lock_init(void);

/* file.c */

enum file_pos { POS_ZERO, POS_ASK, POS_UNKNOWN };

/* Say what a descriptor is, if it is a regular file; is it? */
bool file_say(int fd, enum file_pos pos);

/* The same of all descriptors that are open. */
void file_say_all(void);

/* Say which file a path means, for the next call of this thread: which is -1
 * for its first path, -2 for the second.  Is it a regular one? */
bool file_say_path(int which, int dirfd, const char *path, int flags);

/* Is it a regular file?  If that was not known yet, it is said, too. */
bool file_known(int fd);

/* It is closed, or may be another file. */
void file_forget(unsigned first, unsigned last);

/* What is known of one is true of the other. */
void file_like(int fd, int old);

/* Paths have changed: say them again. */
void file_renamed(void);

/* own.c */
enum own { OWN_UFFD, OWN_EVENT, OWN_N };

/* The descriptor becomes the library's: moved out of the way; -1: it has none
 * any more. */
void own_set(enum own which, int fd);
int own_get(enum own which);
bool own_p(int fd);

/* In a child: those of the parent are nothing to it. */
void own_drop(void);

/* The program wants this number for itself: make way. */
void own_yield(int fd);

/* close_range(2) that leaves out what is the library's. */
long own_close_range(unsigned first, unsigned last, int flags);

/* maps.c */

enum map_flag {
	MP_DROP = 0x1, /* kernel: its pages may be dropped and read again */
	MP_COPY = 0x2, /* kernel: private, where the program asked for shared */
	MP_PRIVATE = 0x4,
	MP_DONTFORK = 0x8, /* children do not inherit it */
};

struct map {
	uint64_t mp_start, mp_end;
	uint64_t mp_lo, mp_hi; /* preload: open pages lie within; or lo >= hi */
	uint8_t mp_prot;       /* as the program has it */
	uint8_t mp_flags;      /* enum map_flag */
};

/* All under the lock. */
extern struct map *maps; /* by address; none overlap */
extern size_t nmaps;

bool maps_init(void);

/* The map that has addr; NULL: none. */
struct map *maps_find(uint64_t addr);

/* Index of the first map that ends behind addr. */
size_t maps_from(uint64_t addr);

/* false: the table is full. */
bool maps_insert(const struct map *mp);

/* Have maps begin and end at addr where one has it within. */
void maps_split(uint64_t addr);
void maps_remove(uint64_t start, uint64_t end);

/*
 * What mremap(2) has done: from start on, old bytes are new bytes at to; keep:
 * they are also where they were.
 */
void maps_move(uint64_t start, uint64_t old, uint64_t to, uint64_t new,
    bool keep);

/* madvise(2): a child has the range, or has not; and in a child. */
void maps_inherit(uint64_t start, uint64_t end, bool inherit);
void maps_child(void);

/* Is there any in the range?  Also without the lock: then perhaps. */
bool maps_any(uint64_t start, uint64_t end);
static inline bool
maps_near(uint64_t start, uint64_t end)
{
	return start < atomic_load_explicit(&lib.lb_hi, memory_order_relaxed) &&
	    end > atomic_load_explicit(&lib.lb_lo, memory_order_relaxed);
}

/* arm.c: mode kernel; all under the lock. */
void arm_start(void);
void arm_child(void);

/* Let pages of the range fault one by one; it is in the table. */
void arm_range(uint64_t start, uint64_t end);

/* Drop the pages of the range that can be, so that they fault again. */
void arm_drop(uint64_t start, uint64_t end);

/* window.c: mode preload; all under the lock. */
bool window_start(void);

/* Close all pages: their next access is seen again. */
void window_flush(void);

/*
 * The page is accessed: enum raw_flag.  It is logged if it is news, and open
 * from now on; where the window is full, all others are closed before.
 *
 * => false: it could not be opened
 */
bool window_see(struct map *mp, uint64_t addr, unsigned flags);

/* Has it been seen so since the last flush? */
bool window_has(uint64_t addr, bool write);

/* Give the pages of maps in the range the protection they are to have now. */
void window_apply(uint64_t start, uint64_t end);

/* pin.c: pages that stay open across flushes; all under the lock. */
bool pin_start(void);

/* An id for pages of a call; pages of this one stay open for good. */
#define PIN_FOREVER 0
uint64_t pin_new(void);

/*
 * Let pages of maps in the range be open, for writing or reading, as far as the
 * program may; until pin_drop() of their id.  Where there is no room, they are
 * not.
 */
void pin_add(uint64_t id, uint64_t start, uint64_t end, bool write);
void pin_drop(uint64_t id);

/* The same for good; false: they are already. */
bool pin_keep(uint64_t start, uint64_t end);

/* Is it open for good?  Also without the lock: true is true. */
bool pin_kept(uint64_t addr);

/* What is wanted of a page: PROT_READ, and PROT_WRITE, or neither. */
int pin_prot(uint64_t addr);
bool pin_any(uint64_t start, uint64_t end);

/* In a child: calls of other threads are none of its. */
void pin_child(void);

/* What stays open for good in the range is no map any more, or has moved. */
void pin_remove(uint64_t start, uint64_t end);
void pin_move(uint64_t start, uint64_t end, uint64_t by);

/* segv.c */
void segv_start(void);

/* signal.c */

/* The signal is the library's: handler is called for it, and has to call
 * signal_chain() for what it does not want. */
typedef void signal_handler(int sig, siginfo_t *info, void *uc);
void signal_start(int sig, signal_handler *handler);
void signal_chain(int sig, siginfo_t *info, void *uc);

/* What a thread is to block really, if mask is what the program wants. */
sigmask signal_real_mask(sigmask mask);

/* env.c */

/* Bytes that env_add() needs; 0: nothing is to be added. */
size_t env_room(char *const *envp);

/* envp with what the library needs, made in buf. */
char **env_add(char *const *envp, void *buf);

/* Remember what it needs. */
void env_start(const char *ring);

#endif
