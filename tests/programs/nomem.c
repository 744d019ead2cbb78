/*
 * nomem: memory that runs out.  Not a program: a library to load into one by
 * LD_PRELOAD, which lets the N-th request for memory of a program and of all
 * it forks fail.  Or, with NOMEM_WRAP, linked into one by ld --wrap, since no
 * library comes before the allocator of a sanitizer, which then tells of leaks;
 * requests are those of the program itself alone, and libc's are left out.
 *
 *	NOMEM=N			the N-th alone, from 1 on; 0: none
 *	NOMEM=N+		it and all after it
 *	NOMEM_COUNT=PATH	at the end how many there were goes there
 *
 * Requests are malloc(3) and its kin, mmap(2), fork(2) and pthread_create(3);
 * libc's own, of stdio and the like, too.  What a program executes is spared,
 * and what comes after its main(): gcov's counts are written there, by code that
 * takes memory for granted.
 */
#include <sys/mman.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of all processes of the run. */
static _Atomic uint64_t *count;
static uint64_t fail_at;
static bool fail_on;
static char count_path[4096];
static pid_t first_pid;
#ifdef NOMEM_WRAP
#define NAMED(name)    __wrap_##name
#define REAL(name)     __real_##name
#define is_early(p)    false
#define KNOWN(name)    true
#define OVER	       false
#define early_alloc(n) NULL
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_aligned_alloc(size_t, size_t);
int __real_posix_memalign(void **, size_t, size_t);
void *__real_mmap(void *, size_t, int, int, int, off_t);
pid_t __real_fork(void);
int __real_pthread_create(pthread_t *, const pthread_attr_t *,
    void *(*)(void *), void *);
#else
#define NAMED(name) name
#define REAL(name)  real.name
#define KNOWN(name) (real.name != NULL)
#define OVER	    over
static atomic_bool over;
static int (*program)(int, char **, char **);

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	pid_t (*fork)(void);
	int (*pthread_create)(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
	void (*exit)(int);
	int (*libc_start_main)(int (*)(int, char **, char **), int, char **,
	    void (*)(void), void (*)(void), void (*)(void), void *);
} real;

/* What dlsym(3) asks for while it looks for them; never freed. */
static _Alignas(16) char early[16384];
static size_t early_len;

static bool
is_early(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)early &&
	    (uintptr_t)p < (uintptr_t)early + sizeof(early);
}

static void *
early_alloc(size_t n)
{
	void *const p = early + early_len;

	n = (n + 15) & ~(size_t)15;
	if (n > sizeof(early) - early_len)
		abort();
	early_len += n;
	return p;
}

/* dlsym(3)'s is a pointer to an object: one to a function by way of memory. */
static void
find(void *fn, const char *name)
{
	void *const p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	memcpy(fn, &p, sizeof(p));
}
#endif

/* Has it run out for this request? */
static bool
out_of_memory(void)
{
	uint64_t n;

	if (count == NULL || OVER)
		return false;
	n = atomic_fetch_add(count, 1) + 1;
	return fail_at != 0 && (n == fail_at || (fail_on && n > fail_at));
}

static void *
no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *const text = getenv("NOMEM");
	const char *const path = getenv("NOMEM_COUNT");
	void *shared;
	char *end;

#ifndef NOMEM_WRAP
	find(&real.calloc, "calloc");
	find(&real.malloc, "malloc");
	find(&real.realloc, "realloc");
	find(&real.aligned_alloc, "aligned_alloc");
	find(&real.posix_memalign, "posix_memalign");
	find(&real.mmap, "mmap");
	find(&real.fork, "fork");
	find(&real.pthread_create, "pthread_create");
	find(&real.exit, "exit");
#endif
	if (text == NULL)
		return;
	fail_at = strtoull(text, &end, 10);
	fail_on = *end == '+';
	if (path != NULL)
		(void)snprintf(count_path, sizeof(count_path), "%s", path);
	first_pid = getpid();
	(void)unsetenv("LD_PRELOAD");
	(void)unsetenv("NOMEM");
	shared = REAL(mmap)(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	count = shared;
}

__attribute__((destructor)) static void
end(void)
{
	char text[32];
	int fd, n;

	if (count == NULL || count_path[0] == '\0' || getpid() != first_pid)
		return;
	n = snprintf(text, sizeof(text), "%llu\n",
	    (unsigned long long)atomic_load(count));
	fd = open(count_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1 || write(fd, text, (size_t)n) != n)
		abort();
	(void)close(fd);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's
 * are reserved. */

void *
NAMED(malloc)(size_t n)
{
	if (!KNOWN(malloc))
		return early_alloc(n);
	return out_of_memory() ? no_memory() : REAL(malloc)(n);
}

void *
NAMED(calloc)(size_t n, size_t size)
{
	if (!KNOWN(calloc))
		return early_alloc(n * size);
	return out_of_memory() ? no_memory() : REAL(calloc)(n, size);
}

void *
NAMED(realloc)(void *p, size_t n)
{
	void *fresh;

	if (out_of_memory())
		return no_memory();
	if (!is_early(p))
		return REAL(realloc)(p, n);
	fresh = REAL(malloc)(n);
	if (fresh != NULL)
		memcpy(fresh, p, n < 1024 ? n : 1024);
	return fresh;
}

void *
NAMED(reallocarray)(void *p, size_t n, size_t size)
{
	size_t len;

	return __builtin_mul_overflow(n, size, &len) ? no_memory() :
						       NAMED(realloc)(p, len);
}

void *
NAMED(aligned_alloc)(size_t align, size_t n)
{
	return out_of_memory() ? no_memory() : REAL(aligned_alloc)(align, n);
}

int
NAMED(posix_memalign)(void **pp, size_t align, size_t n)
{
	return out_of_memory() ? ENOMEM : REAL(posix_memalign)(pp, align, n);
}

/* Sanitizers' own ask for memory elsewhere. */
char *
NAMED(strdup)(const char *s)
{
	const size_t n = strlen(s) + 1;
	char *const copy = NAMED(malloc)(n);

	return copy != NULL ? memcpy(copy, s, n) : NULL;
}

char *
NAMED(strndup)(const char *s, size_t n)
{
	const size_t len = strnlen(s, n);
	char *const copy = NAMED(malloc)(len + 1);

	if (copy == NULL)
		return NULL;
	copy[len] = '\0';
	return memcpy(copy, s, len);
}

void *
NAMED(mmap)(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
#ifndef NOMEM_WRAP
	if (!KNOWN(mmap))
		find(&real.mmap, "mmap");
#endif
	if (out_of_memory()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return REAL(mmap)(addr, n, prot, flags, fd, offset);
}

void *
NAMED(mmap64)(void *addr, size_t n, int prot, int flags, int fd, off_t offset)
{
	return NAMED(mmap)(addr, n, prot, flags, fd, offset);
}

pid_t
NAMED(fork)(void)
{
	if (out_of_memory()) {
		errno = ENOMEM;
		return -1;
	}
	return REAL(fork)();
}

int
NAMED(pthread_create)(pthread_t *thread, const pthread_attr_t *attr,
    void *(*fn)(void *), void *arg)
{
	if (out_of_memory())
		return EAGAIN;
	return REAL(pthread_create)(thread, attr, fn, arg);
}

#ifndef NOMEM_WRAP
void
exit(int status)
{
	over = true;
	real.exit(status);
	abort();
}

static int
program_then_over(int argc, char **argv, char **env)
{
	const int status = program(argc, argv, env);

	over = true;
	return status;
}

/* What calls main(). */
int __libc_start_main(int (*)(int, char **, char **), int, char **,
    void (*)(void), void (*)(void), void (*)(void), void *);
int
__libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
    void (*first)(void), void (*last)(void), void (*linker)(void), void *stack)
{
	find(&real.libc_start_main, "__libc_start_main");
	program = start;
	return real.libc_start_main(program_then_over, argc, argv, first, last,
	    linker, stack);
}
#endif

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
