#include <sys/mman.h>
#include <ucontext.h>

#include "traces/preload/preload.h"

#define SLOTS_MIN 256
#define PINS	  256  /* calls under way at once that have memory pinned */
#define KEPT	  1024 /* pages with locks in them */

#define ERR_WRITE 0x2 /* x86's error code of page faults */
#define ERR_FETCH 0x10

/*
 * Which pages are open: open addressing, and all slots of an epoch become
 * empty at once.
 */
struct slot {
	uintptr_t sl_page; /* | 1: open for writing, too */
	uint64_t sl_epoch;
};

static struct slot *slots;
static size_t nslots, nopen;
static uint64_t epoch = 1;
static struct pin pins[PINS];
static uintptr_t kept[KEPT];
static size_t nkept;

static uintptr_t
page_of(uintptr_t addr)
{
	return addr & ~(preload.pl_page - 1);
}

bool
window_start(void)
{
	size_t want = SLOTS_MIN;
	long map;

	/* What is pinned comes on top of a window that is full. */
	while (want < 4 *
		(preload.pl_window < (1 << 20) ? preload.pl_window + 4096 :
						 1 << 20))
		want *= 2;
	map = SYS6(SYS_mmap, 0, want * sizeof(*slots), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map < 0 && map >= -4095)
		return false;
	slots = (struct slot *)map;
	nslots = want;
	signals_start();
	return true;
}

static struct slot *
slot_of(uintptr_t page)
{
	size_t i =
	    (size_t)((page / preload.pl_page * 0x9e3779b97f4a7c15ULL) >> 20) &
	    (nslots - 1);

	while (slots[i].sl_epoch == epoch &&
	    (slots[i].sl_page & ~(uintptr_t)1) != page)
		i = (i + 1) & (nslots - 1);
	return &slots[i];
}

static bool
is_open(uintptr_t page, bool write)
{
	const struct slot *sl = slot_of(page);

	return sl->sl_epoch == epoch && (!write || (sl->sl_page & 1) != 0);
}

/* The first page from addr on, before end, that must stay open; or end. */
static uintptr_t
held_from(uintptr_t addr, uintptr_t end)
{
	uintptr_t first = end;

	for (size_t i = 0; i < PINS; i++) {
		const struct pin *pi = &pins[i];

		if (pi->pi_start == 0 || pi->pi_end <= addr)
			continue;
		if (page_of(pi->pi_start) <= addr)
			return addr;
		if (page_of(pi->pi_start) < first)
			first = page_of(pi->pi_start);
	}
	for (size_t i = 0; i < nkept; i++)
		if (kept[i] >= addr && kept[i] < first)
			first = kept[i];
	return first;
}

static bool
holds(void)
{
	for (size_t i = 0; nkept == 0 && i < PINS; i++)
		if (pins[i].pi_start != 0)
			return true;
	return nkept != 0;
}

/* Close what of [lo, hi) need not stay open. */
static void
range_close(uintptr_t lo, uintptr_t hi)
{
	if (!holds()) {
		(void)SYS3(SYS_mprotect, lo, hi - lo, PROT_NONE);
		return;
	}
	while (lo < hi) {
		const uintptr_t to = held_from(lo, hi);

		if (to > lo)
			(void)SYS3(SYS_mprotect, lo, to - lo, PROT_NONE);
		lo = to + preload.pl_page;
	}
}

/* Forget which pages are open, and close them; is it news to the reader? */
static void
close_all(bool say)
{
	const uint64_t none[1] = { 0 };

	for (size_t i = 0; i < preload.pl_nmaps; i++) {
		struct watched *wm = &preload.pl_maps[i];

		if (wm->wm_lo < wm->wm_start)
			wm->wm_lo = wm->wm_start;
		if (wm->wm_hi > wm->wm_end)
			wm->wm_hi = wm->wm_end;
		if (wm->wm_lo < wm->wm_hi)
			range_close(wm->wm_lo, wm->wm_hi);
		wm->wm_lo = UINTPTR_MAX;
		wm->wm_hi = 0;
	}
	epoch++;
	nopen = 0;
	if (say)
		log_args(RAW_FLUSH, 0, none);
}

void
window_close_all(void)
{
	if (nopen > 0)
		close_all(true);
}

static int
open_prot(const struct watched *wm, bool write)
{
	/* A map that may only be written can be read, too, by the processor. */
	if (write)
		return wm->wm_prot;
	return (wm->wm_prot & PROT_WRITE) != 0 ?
	    (wm->wm_prot & ~PROT_WRITE) | PROT_READ :
	    wm->wm_prot;
}

static bool
page_open(struct watched *wm, uintptr_t page, bool write)
{
	if (SYS3(SYS_mprotect, page, preload.pl_page, open_prot(wm, write)) !=
	    0)
		return false;
	if (page < wm->wm_lo)
		wm->wm_lo = page;
	if (page + preload.pl_page > wm->wm_hi)
		wm->wm_hi = page + preload.pl_page;
	return true;
}

/* Out of mappings: this map is open from now on, and not watched. */
static void
give_up(const struct watched *wm)
{
	(void)SYS3(SYS_mprotect, wm->wm_start, wm->wm_end - wm->wm_start,
	    wm->wm_prot);
	log_note(RECORD_UNARMED_MAPS, 1);
	maps_cut(wm->wm_start, wm->wm_end);
}

/* The page has been seen, and is open; if that is news it is told. */
static void
page_see(struct watched *wm, uintptr_t page, bool write, unsigned flags)
{
	struct slot *sl = slot_of(page);

	if (sl->sl_epoch != epoch) {
		if (nopen >= preload.pl_window || nopen >= nslots / 2) {
			close_all(true);
			sl = slot_of(page);
		}
		*sl = (struct slot){ page, epoch };
		nopen++;
	}
	sl->sl_page |= write;
	if (!page_open(wm, page, write)) {
		close_all(true);
		if (!page_open(wm, page, write)) {
			give_up(wm);
			return;
		}
		*slot_of(page) =
		    (struct slot){ page | (uintptr_t)write, epoch };
		nopen++;
	}
	log_access(page, flags | (write ? RAW_F_WRITE : 0U));
}

void
window_fault(siginfo_t *si, void *context, bool *oursp)
{
#ifdef __x86_64__
	const ucontext_t *uc = context;
	const unsigned long err = (unsigned long)uc->uc_mcontext.gregs[REG_ERR];
#else
	const unsigned long err = 0;
#endif
	const uintptr_t addr = (uintptr_t)si->si_addr;
	const uintptr_t page = page_of(addr);
	const bool write = (err & ERR_WRITE) != 0;
	const int need = write	   ? PROT_WRITE :
	    (err & ERR_FETCH) != 0 ? PROT_EXEC :
				     PROT_READ | PROT_WRITE | PROT_EXEC;
	struct watched *wm = maps_find(addr);

	(void)context;
	*oursp = wm != NULL && (wm->wm_prot & need) != 0;
	if (!*oursp)
		return;
	/* Another thread was faster; or the program had it protected behind
	 * our back. */
	if (is_open(page, write))
		(void)page_open(wm, page, write);
	else
		page_see(wm, page, write,
		    (err & ERR_FETCH) != 0 ? RAW_F_IFETCH : 0U);
}

/* Each page of [start, end) that is watched. */
static void
each_page(uintptr_t start, uintptr_t end, bool write, bool see)
{
	const int need =
	    write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;

	for (uintptr_t page = page_of(start); page < end;
	     page += preload.pl_page) {
		struct watched *wm = maps_find(page);

		if (wm == NULL || (wm->wm_prot & need) == 0)
			continue;
		if (is_open(page, write))
			continue;
		if (see)
			page_see(wm, page, write, RAW_F_KERNEL);
		else
			(void)page_open(wm, page, write);
	}
}

void
window_pin(struct pin *pi, uintptr_t buf, size_t len, bool write)
{
	struct mask ma;

	*pi = (struct pin){ 0, 0 };
	if (len == 0 || !maps_near(buf, len))
		return;
	pi->pi_start = buf;
	pi->pi_end = buf + len;
	mask_block(&ma);
	preload_lock();
	for (size_t i = 0; i < PINS; i++)
		if (pins[i].pi_start == 0) {
			pins[i] = *pi;
			break;
		}
	each_page(pi->pi_start, pi->pi_end, write, false);
	preload_unlock();
	mask_restore(&ma);
}

static void
unpin(const struct pin *pi)
{
	for (size_t i = 0; i < PINS; i++)
		if (pins[i].pi_start == pi->pi_start &&
		    pins[i].pi_end == pi->pi_end) {
			pins[i] = (struct pin){ 0, 0 };
			return;
		}
}

/* What was open for a call only. */
static void
close_unseen(uintptr_t start, uintptr_t end)
{
	for (uintptr_t page = page_of(start); page < end;
	     page += preload.pl_page) {
		const struct watched *wm = maps_find(page);

		if (wm == NULL || is_open(page, true))
			continue;
		if (is_open(page, false))
			(void)SYS3(SYS_mprotect, page, preload.pl_page,
			    open_prot(wm, false));
		else
			range_close(page, page + preload.pl_page);
	}
}

void
window_unpin(struct pin *pi, size_t len, bool write)
{
	struct mask ma;

	if (pi->pi_start == 0)
		return;
	if (len > pi->pi_end - pi->pi_start)
		len = pi->pi_end - pi->pi_start;
	mask_block(&ma);
	preload_lock();
	each_page(pi->pi_start, pi->pi_start + len, write, true);
	unpin(pi);
	close_unseen(pi->pi_start, pi->pi_end);
	preload_unlock();
	mask_restore(&ma);
}

void
window_keep(const void *addr)
{
	const uintptr_t page = page_of((uintptr_t)addr);
	struct watched *wm;
	struct mask ma;

	mask_block(&ma);
	preload_lock();
	wm = maps_find(page);
	for (size_t i = 0; wm != NULL && i < nkept; i++)
		if (kept[i] == page)
			wm = NULL;
	if (wm != NULL && nkept < KEPT) {
		page_see(wm, page, (wm->wm_prot & PROT_WRITE) != 0,
		    RAW_F_KERNEL);
		kept[nkept++] = page;
		log_note(RECORD_PINNED_PAGES, 1);
	}
	preload_unlock();
	mask_restore(&ma);
}
