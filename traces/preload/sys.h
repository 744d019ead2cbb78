/*
 * sys: system calls as they are, past the C library: they set no errno, cancel
 * no thread, and are interposed by nobody.  Results are those of the kernel,
 * errors as -errno.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_SYS_H
#define TRACES_PRELOAD_SYS_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

#ifndef __x86_64__
#error "the library knows the registers of x86-64 only"
#endif

static inline long
sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
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
}

/* Pointers and addresses as arguments. */
#define SYS_P(p) ((long)(uintptr_t)(p))
#define SYS_U(u) ((long)(u))

#define sys_0(nr)		 sys_call(nr, 0, 0, 0, 0, 0, 0)
#define sys_1(nr, a)		 sys_call(nr, a, 0, 0, 0, 0, 0)
#define sys_2(nr, a, b)		 sys_call(nr, a, b, 0, 0, 0, 0)
#define sys_3(nr, a, b, c)	 sys_call(nr, a, b, c, 0, 0, 0)
#define sys_4(nr, a, b, c, d)	 sys_call(nr, a, b, c, d, 0, 0)
#define sys_5(nr, a, b, c, d, e) sys_call(nr, a, b, c, d, e, 0)

/* An address as a pointer, and the other way. */
static inline void *
to_ptr(uint64_t addr)
{
	void *p;

	_Static_assert(sizeof(p) == sizeof(addr), "addresses are 64 bits");
	__builtin_memcpy(&p, &addr, sizeof(p));
	return p;
}

static inline uint64_t
to_addr(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* A result that is one of the last 4095 values is an error. */
static inline bool
sys_failed(long ret)
{
	return ret < 0 && ret >= -4095;
}

static inline int
sys_mprotect(uint64_t addr, uint64_t len, int prot)
{
	return (int)sys_3(SYS_mprotect, SYS_U(addr), SYS_U(len), prot);
}

static inline int
sys_madvise(uint64_t addr, uint64_t len, int advice)
{
	return (int)sys_3(SYS_madvise, SYS_U(addr), SYS_U(len), advice);
}

static inline long
sys_mmap(uint64_t addr, uint64_t len, int prot, int flags, int fd, off_t off)
{
	return sys_call(SYS_mmap, SYS_U(addr), SYS_U(len), prot, flags, fd,
	    off);
}

static inline int
sys_munmap(uint64_t addr, uint64_t len)
{
	return (int)sys_2(SYS_munmap, SYS_U(addr), SYS_U(len));
}

static inline long
sys_futex(const volatile void *word, int op, uint32_t val,
    const struct timespec *ts)
{
	return sys_4(SYS_futex, SYS_P(word), op, SYS_U(val), SYS_P(ts));
}

/* Signal masks as the kernel has them: bit N - 1 for signal N. */
typedef uint64_t sigmask;
#define SIGMASK(sig) ((sigmask)1 << ((sig)-1))

static inline long
sys_sigmask(int how, const sigmask *set, sigmask *old)
{
	return sys_4(SYS_rt_sigprocmask, how, SYS_P(set), SYS_P(old),
	    sizeof(*set));
}

#endif
