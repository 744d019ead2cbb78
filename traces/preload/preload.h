/*
 * preload: the library that uvn record loads into programs.
 *
 *	start.c		what is told of a process when it begins; fork
 *	log.c		records into the ring
 *	say.c		which files descriptors and paths are
 *	maps.c		the table of maps that are watched
 *	arm.c		mode kernel: userfaultfd, and the trap that empties windows
 *	window.c	mode preload: pages open and closed, SIGSEGV
 *	signals.c	the one signal that is ours; the program sees its own
 *	call_*.c	what stands in for functions of libc
 *
 * It is a guest: it calls no malloc(3) and no stdio, keeps descriptors where
 * no program looks for them, leaves errno alone, and holds its lock only with
 * all signals blocked and without touching memory of the program's, which may
 * be what it protects.  Records are made in the process they tell of; what the
 * kernel tells by itself (mode kernel) is not told twice.
 *
 * In mode kernel the fault handler of the kernel does the work: a map that is
 * registered with userfaultfd in the mode WP_ASYNC faults page by page, for
 * reading and once more for writing.  In mode preload a page is open, for
 * reading or as the program has it, or closed (PROT_NONE); when a window of
 * pages is open all are closed again.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_PRELOAD_H
#define TRACES_PRELOAD_PRELOAD_H

#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "traces/preload/ring.h"
#include "traces/record.h"

#define EXPORT __attribute__((visibility("default")))

/* A map of a regular file that is watched; in order of address. */
struct watched {
	uintptr_t wm_start, wm_end;
	int wm_prot;	 /* as the program has it */
	bool wm_private; /* as the program asked */
	bool wm_swapped; /* kernel: asked for as shared, made private */
	bool wm_written; /* private, and could ever be written: never dropped */
	bool wm_armed;	 /* kernel: registered */
	uintptr_t wm_lo, wm_hi; /* preload: open pages lie within */
};

struct preload {
	struct ring_file *pl_ring; /* NULL: this process is not recorded */
	enum ring_mode pl_mode;
	uint64_t pl_window;
	size_t pl_page;
	_Atomic uint32_t pl_lock;
	struct watched *pl_maps;
	size_t pl_nmaps, pl_capmaps;
	/* Bounds of all maps, so that most addresses need no lock. */
	_Atomic uintptr_t pl_lo, pl_hi;
	int pl_fds[2]; /* ours: userfaultfd, perf; -1 */
	char pl_env[2]
		   [RAW_TEXT_MAX]; /* LD_PRELOAD= and RING_ENV=, as they came */
};

extern struct preload preload;

static inline bool
recording(void)
{
	return preload.pl_ring != NULL;
}

static inline bool
in_mode(enum ring_mode mode)
{
	return preload.pl_ring != NULL && preload.pl_mode == mode;
}

/* A system call: a result, or -errno; errno stays as it is. */
long sys6(long nr, long a, long b, long c, long d, long e, long f);
#define SYS0(nr)	  sys6(nr, 0, 0, 0, 0, 0, 0)
#define SYS1(nr, a)	  sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(nr, a, b)	  sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(nr, a, b, c) sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d)                                                   \
	sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS6(nr, a, b, c, d, e, f)                                             \
	sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),        \
	    (long)(f))

/* -errno as libc's functions return it. */
static inline long
result(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = (int)-ret;
	return -1;
}

/* All signals of the thread are blocked from here to mask_restore(). */
struct mask {
	uint64_t ma_old;
};
void mask_block(struct mask *ma);
void mask_restore(const struct mask *ma);

/* => signals are blocked */
void preload_lock(void);
void preload_unlock(void);

/*
 * The next function of that name, behind ours.  Each is found when the library
 * starts: dlsym(3) is nothing for signal handlers.
 *
 *	NEXT(read)
 *	...
 *		return CALL_NEXT(read)(fd, buf, n);
 */
struct next {
	const char *nx_name, *nx_version; /* version NULL: the default */
	void (*nx_fn)(void);
};
#define NEXT_VERSION(name, version)                                            \
	static struct next next_##name = { #name, version, NULL };             \
	static struct next *const nextp_##name                                 \
	    __attribute__((section("uvn_next"), used)) = &next_##name
#define NEXT(name)	NEXT_VERSION(name, NULL)
#define CALL_NEXT(name) ((__typeof__(&(name)))next_fn(&next_##name))
void (*next_fn(struct next *nx))(void);

/* start.c */

/* Begin, if nobody has yet: constructors of others may come before ours. */
void preload_start(void);

/* log.c: all with signals blocked */
void log_raw(const struct raw *rw);

/* Time, process and thread are filled in; [nargs] arguments. */
void log_args(enum raw_kind kind, unsigned nargs, const uint64_t *arg);
void log_access(uintptr_t page, unsigned flags);
void log_note(enum record_count count, uint64_t n);

/* A call, and what it returned; texts may be NULL, and are no memory that is
 * watched. */
void log_call(enum raw_sysno sys, const uint64_t arg[6], const char *text,
    const char *text2);
void log_return(enum raw_sysno sys, long ret);

/* The child of a fork has no slot yet. */
void log_forget(void);

/* say.c */

/* Tell what file fd is, if it is a regular one; returns whether. */
bool say_fd(int fd);

/* Tell what file a path is, that of the next call: which is -1 or -2. */
void say_path(int dirfd, const char *path, int which, bool follow);

/* Tell of all descriptors. */
void say_all(void);
bool is_regular(int fd, int *accessp);

/* One of ours, which the program is to see as not open. */
bool is_ours(int fd);

/* Let a descriptor of ours be where programs do not look. */
int hide_fd(int fd);

/* maps.c: with the lock */
struct watched *maps_find(uintptr_t addr);

/* Index of the first that ends behind addr. */
size_t maps_from(uintptr_t addr);

/* false: no memory, it is not watched */
bool maps_insert(const struct watched *wm);

/* Forget [start, end), and what parts are left have ends there. */
void maps_cut(uintptr_t start, uintptr_t end);
bool maps_split(uintptr_t addr);

/* Without the lock: may [a, a + len) meet a watched map? */
static inline bool
maps_near(uintptr_t a, size_t len)
{
	return a < atomic_load_explicit(&preload.pl_hi, memory_order_relaxed) &&
	    a + len >
	    atomic_load_explicit(&preload.pl_lo, memory_order_relaxed);
}

/* arm.c: mode kernel */

/* false: it cannot be armed here */
bool arm_start(void);
void arm_fork_child(void);
void arm_map(struct watched *wm);	   /* with the lock */
void arm_flush(void);			   /* with the lock */
void arm_drop(uintptr_t addr, size_t len); /* with the lock */
bool arm_is_ours(const siginfo_t *si);

/* window.c: mode preload; with the lock */
bool window_start(void);
void window_close_all(void);
void window_fault(siginfo_t *si, void *context, bool *oursp);

/* Memory that the kernel will use in a call: its pages are open until then. */
struct pin {
	uintptr_t pi_start, pi_end; /* of the bytes; nothing, if start is 0 */
};
void window_pin(struct pin *pi, uintptr_t buf, size_t len, bool write);

/* The call is over and has used len bytes. */
void window_unpin(struct pin *pi, size_t len, bool write);

/* Leave the page open for good: a lock is in it. */
void window_keep(const void *addr);

/* signals.c */
void signals_start(void);

/* call_map.c */

/* Before a call that writes pages back: all are to be seen anew. */
void see_anew(void);

#endif
