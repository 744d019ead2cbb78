#include "traces/preload/preload.h"

#include <ucontext.h>

/* error_code of a page fault. */
#define FAULT_WRITE  0x2
#define FAULT_IFETCH 0x10

/* A fault with nothing to do, so often in a row, is not of our making. */
#define AGAIN_MAX 8

/*
 * The page is open already: another thread was faster.  Unless it goes on:
 * then the machine has a reason that we do not know.
 */
static bool
again(uint64_t addr, uint64_t ip)
{
	if (self.se_again[0] != addr || self.se_again[1] != ip) {
		self.se_again[0] = addr;
		self.se_again[1] = ip;
		self.se_times = 0;
	}
	return self.se_times++ < AGAIN_MAX;
}

/* Is the fault ours?  Then the page is open now. */
static bool
fault(uint64_t addr, uint64_t error, uint64_t ip)
{
	struct map *mp = maps_find(addr);
	const bool write = (error & FAULT_WRITE) != 0;
	unsigned flags = write ? RAW_F_WRITE : 0;
	int need = PROT_READ | PROT_WRITE | PROT_EXEC;

	if (mp == NULL)
		return false;
	if (write)
		need = PROT_WRITE;
	if ((error & FAULT_IFETCH) != 0) {
		need = PROT_EXEC;
		flags = RAW_F_IFETCH;
	}
	if ((mp->mp_prot & need) == 0)
		return false;
	if (unlikely(window_has(addr, write)))
		return again(addr, ip);
	return window_see(mp, addr, flags);
}

static void
segv(int sig, siginfo_t *info, void *uc)
{
	const greg_t *regs = ((const ucontext_t *)uc)->uc_mcontext.gregs;
	bool done = false;

	if (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR) {
		log_room();
		section_lock();
		done = fault(to_addr(info->si_addr), (uint64_t)regs[REG_ERR],
		    (uint64_t)regs[REG_RIP]);
		section_unlock();
	}
	if (!done)
		signal_chain(sig, info, uc);
}

void
segv_start(void)
{
	signal_start(SIGSEGV, segv);
}
