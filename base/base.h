/*
 * base: what every layer needs and has no other home.
 *
 *	struct errmsg		the one line a failed call leaves for the user
 *	ERRMSG()		fill it and evaluate to the error
 *	errno_text()		strerror() that threads may call
 *	nitems(), mustcheck, vectorized	small macros
 *	struct tunable		one row of a table of tunables (tunable.h)
 *	thread_start()		a thread that gets no signals (thread.h)
 *
 * Layer 0.  Includes nothing of the project.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define mustcheck	      __attribute__((warn_unused_result))
#define noinline	      __attribute__((noinline))
#define printflike(fmt, args) __attribute__((format(printf, fmt, args)))
#define nitems(a)	      (sizeof(a) / sizeof((a)[0]))
#define likely(x)	      __builtin_expect(!!(x), 1)
#define unlikely(x)	      __builtin_expect(!!(x), 0)

/*
 * A loop that gcc turns into vectors: once more for processors with AVX2, and
 * the program chooses when it starts.  What chooses runs too early for a
 * sanitizer; and clang 14 gives the choice another name.
 */
#if defined(__x86_64__) && !defined(__clang__) &&                              \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define vectorized __attribute__((target_clones("avx2", "default")))
#else
#define vectorized
#endif

/* What only the caller may change, as its owner sees it. */
static inline void *
unconst(const void *p)
{
	union {
		const void *c;
		void *v;
	} u = { .c = p };

	return u.v;
}

/*
 * len bytes of address space, zero, that cost memory only where they are
 * touched.  From 1 MiB on they begin with a large page of 2 MiB, where there
 * are such, and consist of them: what is touched at random is found faster, and
 * costs memory by as much.
 *
 * => NULL: there is no such room
 * => give: with the same len; NULL is fine
 */
void *room_take(size_t len);
void room_give(void *p, size_t len);

/* 128 bits, where products of two 64-bit numbers must be exact. */
__extension__ typedef unsigned __int128 uint128_t;

/*
 * The line that tells a user what went wrong, where, and what to do.
 *
 * => the first message wins: the place that saw the fault knows most
 * => zero it before use: struct errmsg em = { .em_text = "" };
 */
struct errmsg {
	char em_text[512];
};

/* Put a message into em unless it holds one already; NULL drops it. */
void errmsg_put(struct errmsg *em, const char *fmt, ...) printflike(2, 3);

/*
 * Fill em and evaluate to error.  A macro, so that static analysers see that
 * the path returns the error it names.
 */
#define ERRMSG(em, error, ...) (errmsg_put((em), __VA_ARGS__), (error))

/* The text of an errno value; a constant string, never NULL. */
const char *errno_text(int error);

#endif
