#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "traces/preload/preload.h"

struct preload preload = { .pl_fds = { -1, -1 }, .pl_lo = UINTPTR_MAX };

/* The table that NEXT() makes; the linker says where it lies. */
extern struct next *const __start_uvn_next[], *const __stop_uvn_next[];

static _Atomic int started;

long
sys6(long nr, long a, long b, long c, long d, long e, long f)
{
#ifdef __x86_64__
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			 "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#else
	const int saved = errno;
	long ret = syscall(nr, a, b, c, d, e, f);

	if (ret == -1)
		ret = -errno;
	errno = saved;
	return ret;
#endif
}

void
mask_block(struct mask *ma)
{
	const uint64_t all = UINT64_MAX;

	(void)SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &ma->ma_old,
	    sizeof(all));
}

void
mask_restore(const struct mask *ma)
{
	(void)SYS4(SYS_rt_sigprocmask, SIG_SETMASK, &ma->ma_old, NULL,
	    sizeof(ma->ma_old));
}

void
preload_lock(void)
{
	for (unsigned spins = 0;; spins++) {
		uint32_t none = 0;

		if (atomic_compare_exchange_weak_explicit(&preload.pl_lock,
			&none, 1, memory_order_acquire, memory_order_relaxed))
			return;
		if (spins > 100)
			(void)SYS0(SYS_sched_yield);
	}
}

void
preload_unlock(void)
{
	atomic_store_explicit(&preload.pl_lock, 0, memory_order_release);
}

static void
next_find(struct next *nx)
{
	void *fn = NULL;

	if (nx->nx_version != NULL)
		fn = dlvsym(RTLD_NEXT, nx->nx_name, nx->nx_version);
	if (fn == NULL)
		fn = dlsym(RTLD_NEXT, nx->nx_name);
	memcpy(&nx->nx_fn, &fn, sizeof(fn));
}

void (*next_fn(struct next *nx))(void)
{
	if (nx->nx_fn == NULL)
		next_find(nx);
	return nx->nx_fn;
}

/* One line on standard error; the program runs on. */
static void
refuse(const char *why)
{
	static const char head[] = "uvn record: process ",
			  mid[] = " is not recorded: ";
	char line[256], digits[12];
	size_t n = sizeof(head) - 1, k = 0;
	long pid = SYS0(SYS_getpid);

	memcpy(line, head, n);
	do {
		digits[k++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0);
	while (k > 0)
		line[n++] = digits[--k];
	memcpy(line + n, mid, sizeof(mid) - 1);
	n += sizeof(mid) - 1;
	k = strnlen(why, sizeof(line) - n - 1);
	memcpy(line + n, why, k);
	n += k;
	line[n++] = '\n';
	(void)SYS3(SYS_write, 2, line, n);
}

/* Map the file that the recorder has made. */
static struct ring_file *
ring_open(const char *path)
{
	const long fd = SYS4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	struct ring_file *rf;
	long map;

	if (fd < 0) {
		refuse(fd == -EACCES || fd == -EPERM ?
			"it has another user's rights" :
			"its recorder is gone");
		return NULL;
	}
	map = SYS6(SYS_mmap, 0, RING_FILE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	(void)SYS1(SYS_close, fd);
	if (map < 0 && map >= -4095) {
		refuse("it has no address space for the rings");
		return NULL;
	}
	rf = (struct ring_file *)map;
	if (rf->rf_magic == RING_MAGIC)
		return rf;
	refuse("the library and the recorder are of different versions");
	return NULL;
}

static void
say_start(enum raw_start why)
{
	const uint64_t arg[3] = { preload.pl_window, why, 0 };
	struct mask ma;

	mask_block(&ma);
	log_args(RAW_START, 2, arg);
	mask_restore(&ma);
}

/* => the lock is held from before fork(2) until after */
static struct mask fork_mask;

static void
fork_prepare(void)
{
	struct mask ma;

	mask_block(&ma);
	preload_lock();
	fork_mask = ma;
}

static void
fork_parent(void)
{
	const struct mask ma = fork_mask;

	preload_unlock();
	mask_restore(&ma);
}

static void
fork_child(void)
{
	const struct mask ma = fork_mask;
	const uint64_t arg[3] = { (uint64_t)SYS0(SYS_getppid),
		(uint64_t)SYS0(SYS_getppid), 0 };

	log_forget();
	if (preload.pl_mode == RING_PRELOAD)
		log_args(RAW_FORK, 3, arg);
	if (preload.pl_mode == RING_KERNEL)
		arm_fork_child();
	preload_unlock();
	mask_restore(&ma);
	if (preload.pl_mode != RING_KERNEL || preload.pl_fds[0] != -1)
		say_start(RAW_START_FORK);
}

/* The variable as it stands in the environment, "NAME=value", kept. */
static void
env_keep(const char *name, char *kept)
{
	const char *value = getenv(name);
	const size_t n = strlen(name);

	if (value == NULL || n + strlen(value) + 2 > RAW_TEXT_MAX)
		return;
	memcpy(kept, name, n);
	kept[n] = '=';
	memcpy(kept + n + 1, value, strlen(value) + 1);
}

static bool
mode_start(void)
{
	switch (preload.pl_mode) {
	case RING_KERNEL:
		return arm_start();
	case RING_PRELOAD:
		return window_start();
	case RING_VALGRIND:
		break;
	}
	return true;
}

static void
start(void)
{
	const char *path = getenv(RING_ENV);
	struct ring_file *rf;

	for (struct next *const *nx = __start_uvn_next; nx < __stop_uvn_next;
	     nx++)
		next_find(*nx);
	if (path == NULL || (rf = ring_open(path)) == NULL)
		return;
	env_keep("LD_PRELOAD", preload.pl_env[0]);
	env_keep(RING_ENV, preload.pl_env[1]);
	preload.pl_mode = (enum ring_mode)rf->rf_mode;
	preload.pl_window = rf->rf_window;
	preload.pl_page = rf->rf_page;
	preload.pl_ring = rf;
	/* What cannot be armed is heard of by its calls and first touches. */
	if (mode_start())
		say_start(RAW_START_EXEC);
	say_all();
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

void
preload_start(void)
{
	int none = 0;

	if (atomic_load_explicit(&started, memory_order_acquire) != 0)
		return;
	if (atomic_compare_exchange_strong(&started, &none, 1))
		start();
}

__attribute__((constructor)) static void
constructor(void)
{
	preload_start();
}
