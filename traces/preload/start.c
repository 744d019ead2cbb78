#include "traces/preload/preload.h"

#include <errno.h>

int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);

#define ENV_MAX	  4096
#define LINE_MAX_ (ENV_MAX + 256)

/* A line that is put together without stdio(3). */
struct line {
	char li_text[LINE_MAX_];
	size_t li_n;
};

static struct section forking; /* between the handlers of a fork(2) */

static void
line_add(struct line *li, const char *text)
{
	while (*text != '\0' && li->li_n < sizeof(li->li_text))
		li->li_text[li->li_n++] = *text++;
}

static void
line_number(struct line *li, uint64_t v)
{
	char digits[24];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	line_add(li, digits + n);
}

/* "uvn record: process 12 (x) is not VERB: WHAT: ERROR" */
void
complain(const char *verb, const char *what, long error)
{
	struct line li = { .li_n = 0 };
	const char *text = error != 0 ?
	    strerrordesc_np((int)(error < 0 ? -error : error)) :
	    NULL;

	line_add(&li, "uvn record: process ");
	line_number(&li, (uint64_t)sys_0(SYS_getpid));
	line_add(&li, " (");
	line_add(&li, program_invocation_short_name);
	line_add(&li, ") is not ");
	line_add(&li, verb);
	line_add(&li, ": ");
	line_add(&li, what);
	if (text != NULL) {
		line_add(&li, ": ");
		line_add(&li, text);
	}
	if (li.li_n == sizeof(li.li_text))
		li.li_n--;
	li.li_text[li.li_n++] = '\n';
	(void)sys_3(SYS_write, STDERR_FILENO, SYS_P(li.li_text), (long)li.li_n);
}

static const char *
variable(const char *name)
{
	const size_t n = strlen(name);

	for (char **p = environ; p != NULL && *p != NULL; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

/* Map the ring of that path; false: it cannot be used, and that is said. */
static bool
ring_map(const char *path)
{
	const long fd =
	    sys_4(SYS_openat, AT_FDCWD, SYS_P(path), O_RDWR | O_CLOEXEC, 0);
	const struct ring_file *rf;
	long map;

	if (fd < 0) {
		complain("recorded", path, fd);
		return false;
	}
	map = sys_mmap(0, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    (int)fd, 0);
	if (!sys_failed(map) &&
	    sys_3(SYS_lseek, fd, 0, SEEK_END) < (long)RING_FILE_BYTES) {
		(void)sys_munmap((uint64_t)map, RING_FILE_BYTES);
		map = -EINVAL;
	}
	(void)sys_1(SYS_close, fd);
	if (sys_failed(map)) {
		complain("recorded", path, map);
		return false;
	}
	rf = to_ptr((uint64_t)map);
	if (rf->rf_magic != RING_MAGIC || rf->rf_page != PAGE) {
		complain("recorded",
		    "the library and the ring are of two versions", 0);
		(void)sys_munmap((uint64_t)map, RING_FILE_BYTES);
		return false;
	}
	lib.lb_ring = to_ptr((uint64_t)map);
	return true;
}

void
start_log(enum raw_start why)
{
	struct raw rw = { .rw_kind = RAW_START,
		.rw_nargs = 2,
		.rw_arg = { lib.lb_window, why } };

	log_raw(&rw);
}

/* What a fork(2) copies must be whole. */
static void
before_fork(void)
{
	section_begin(&forking);
	lib.lb_fork_time = log_time();
	lib.lb_forker = self.se_tid;
}

static void
after_fork_parent(void)
{
	const struct section sc = forking;

	lib.lb_fork_time = 0;
	section_end(&sc);
}

/* The lock was wiped: that it is taken begins the child. */
static void
after_fork_child(void)
{
	const struct section sc = forking;

	section_lock();
	section_end(&sc);
	file_say_all();
}

void
start_child(void)
{
	const uint32_t parent = lib.lb_pid;

	lib.lb_pid = (uint32_t)sys_0(SYS_getpid);
	log_forget();
	maps_child();
	if (lib.lb_arms)
		arm_child();
	if (lib.lb_guards) {
		struct raw rw = { .rw_kind = RAW_FORK,
			.rw_nargs = 3,
			.rw_arg = { parent, lib.lb_forker, 0 } };

		log_raw_at(&rw,
		    lib.lb_fork_time != 0 ? lib.lb_fork_time : log_time());
		pin_child();
	}
	lib.lb_fork_time = 0;
	start_log(RAW_START_FORK);
}

void
start_exit(void)
{
	struct section sc;
	struct raw rw = { .rw_kind = RAW_EXIT, .rw_flags = RAW_F_GROUP };

	if (!guards())
		return;
	section_begin(&sc);
	log_raw(&rw);
	section_end(&sc);
}

static void
at_exit(void *arg)
{
	(void)arg;
	start_exit();
}

static void
begin(void)
{
	struct section sc;

	lib.lb_pid = (uint32_t)sys_0(SYS_getpid);
	lib.lb_window = lib.lb_ring->rf_window;
	lib.lb_words = lib.lb_ring->rf_mode == RING_VALGRIND;
	lib.lb_arms = lib.lb_ring->rf_mode == RING_KERNEL;
	lib.lb_guards = lib.lb_ring->rf_mode == RING_PRELOAD;
	section_begin(&sc);
	if (lib.lb_guards && !(window_start() && pin_start())) {
		section_end(&sc);
		complain("recorded", "no memory", 0);
		return;
	}
	start_log(RAW_START_EXEC);
	if (lib.lb_arms)
		arm_start();
	if (lib.lb_guards)
		segv_start();
	/* The signal may be blocked since before the execve(2). */
	sc.sc_mask = signal_real_mask(sc.sc_mask);
	section_end(&sc);
	lib.lb_on = true;
	file_say_all();
	/* Of no library, and the first: so it is called after all others. */
	(void)__cxa_atexit(at_exit, NULL, NULL);
	(void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void
start(void)
{
	const char *path;

	if (lib.lb_ready)
		return;
	lib.lb_ready = true;
	real_start();
	path = variable(RING_ENV);
	if (path == NULL)
		return;
	env_start(path);
	if (!ring_map(path))
		return;
	if (lock_init() && maps_init())
		begin();
	else
		complain("recorded", "no memory", 0);
}

__attribute__((constructor)) static void
constructor(void)
{
	start();
}
