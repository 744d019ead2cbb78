/*
 * A program with a SIGSEGV handler of its own, which is called for its own
 * faults, and for no others: left by siglongjmp(3), and by return; on the
 * stack, and on one of its own.
 */
#include <sys/ucontext.h>

#include "tests/programs/prog.h"

#define PAGES 600

static sigjmp_buf out;
static volatile sig_atomic_t calls, mend;
static void *volatile addr;
static volatile int code;
static volatile bool on_stack, blocked;
static unsigned char *map;
static char other[1 << 16];

static void
handler(int sig, siginfo_t *info, void *uc)
{
	const char here = 0;
	sigset_t mask;

	(void)uc;
	calls++;
	addr = info->si_addr;
	code = info->si_code;
	on_stack = &here < other || &here >= other + sizeof(other);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	blocked = sigismember(&mask, sig) == 1;
	/* The handler's own accesses to the map are as any other. */
	CHECK(map[7 * PAGE] == 7);
	if (mend) {
		CHECK(
		    mprotect(info->si_addr, PAGE, PROT_READ | PROT_WRITE) == 0);
		return;
	}
	siglongjmp(out, 1);
}

static void
install(int flags)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | flags }, old;

	sa.sa_sigaction = handler;
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	CHECK(sigaction(SIGSEGV, NULL, &old) == 0);
	CHECK(old.sa_sigaction == handler);
	CHECK((old.sa_flags & (SA_ONSTACK | SA_NODEFER | SA_SIGINFO)) ==
	    (SA_SIGINFO | flags));
}

/* Touch what must not be touched. */
static void
fault(volatile unsigned char *p, bool write, int want)
{
	const int before = calls;

	if (sigsetjmp(out, 1) == 0) {
		if (write)
			*p = 1;
		else
			(void)*p;
		CHECK(false);
	}
	CHECK(calls == before + 1);
	CHECK((uintptr_t)addr == (uintptr_t)p);
	CHECK(code == want);
}

static void
put(volatile unsigned char *p, unsigned char v)
{
	*p = v;
}

static void
all_pages(void)
{
	const int before = calls;

	for (size_t i = 0; i < PAGES; i++) {
		CHECK(map[i * PAGE] == (i & 0xff));
		map[i * PAGE + 1] = 1;
	}
	CHECK(calls == before);
}

static void
faults(void)
{
	unsigned char *none =
	    mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(none != MAP_FAILED);
	for (int i = 0; i < 3; i++) {
		all_pages();
		fault(none, false, SEGV_ACCERR);
		fault((void *)16, true, SEGV_MAPERR);
		/* Pages of the map that the program itself has closed. */
		CHECK(mprotect(map + 3 * PAGE, PAGE, PROT_READ) == 0);
		CHECK(map[3 * PAGE] == 3);
		fault(map + 3 * PAGE, true, SEGV_ACCERR);
		CHECK(mprotect(map + 4 * PAGE, 2 * PAGE, PROT_NONE) == 0);
		fault(map + 5 * PAGE, false, SEGV_ACCERR);
		mend = 1;
		put(map + 4 * PAGE, 4);
		put(map + 5 * PAGE, 5);
		put(map + 3 * PAGE, 3);
		mend = 0;
	}
	CHECK(munmap(none, PAGE) == 0);
}

int
main(int argc, char **argv)
{
	const stack_t ss = { .ss_sp = other, .ss_size = sizeof(other) };

	CHECK(argc == 2);
	map = prog_shared(argv[1], PAGES);
	install(0);
	faults();
	CHECK(on_stack && blocked);
	install(SA_NODEFER);
	faults();
	CHECK(on_stack && !blocked);
	CHECK(sigaltstack(&ss, NULL) == 0);
	install(0);
	faults();
	CHECK(on_stack);
	install(SA_ONSTACK);
	faults();
	CHECK(!on_stack && blocked);
	CHECK(calls == 4 * 3 * 7);
	return prog_ok();
}
