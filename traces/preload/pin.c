#include "traces/preload/preload.h"

#define PINS_MAX 65536

/* Pages that stay open for good, where they are easily found; a power of two.*/
#define KEPT 256

/* Pages that are open because a call uses them, or for good. */
struct pin {
	uint64_t pn_start, pn_end;
	uint64_t pn_id;
	int pn_prot; /* PROT_READ, and PROT_WRITE */
};

static struct pin *pins;
static size_t npins;
static uint64_t last_id = PIN_FOREVER;
static _Atomic uint64_t kept[KEPT];

bool
pin_start(void)
{
	const long ret =
	    sys_mmap(0, PINS_MAX * sizeof(*pins), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_failed(ret))
		return false;
	pins = to_ptr((uint64_t)ret);
	return true;
}

uint64_t
pin_new(void)
{
	return ++last_id;
}

int
pin_prot(uint64_t addr)
{
	int prot = 0;

	for (size_t i = 0; i < npins; i++)
		if (addr >= pins[i].pn_start && addr < pins[i].pn_end)
			prot |= pins[i].pn_prot;
	return prot;
}

static _Atomic uint64_t *
kept_at(uint64_t addr)
{
	return &kept[addr / PAGE & (KEPT - 1)];
}

bool
pin_kept(uint64_t addr)
{
	return atomic_load_explicit(kept_at(addr), memory_order_relaxed) ==
	    addr / PAGE;
}

/* Under the lock: say which there are. */
static void
keep(const struct pin *pn)
{
	for (uint64_t at = pn->pn_start; at < pn->pn_end; at += PAGE)
		atomic_store(kept_at(at), at / PAGE);
}

static void
keep_all(void)
{
	for (size_t i = 0; i < KEPT; i++)
		atomic_store(&kept[i], 0);
	for (size_t i = 0; i < npins; i++)
		if (pins[i].pn_id == PIN_FOREVER)
			keep(&pins[i]);
}

/* Does one keep all of these pages open already? */
static bool
within(uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < npins; i++)
		if (pins[i].pn_id == PIN_FOREVER && start >= pins[i].pn_start &&
		    end <= pins[i].pn_end) {
			keep(&pins[i]);
			return true;
		}
	return false;
}

bool
pin_any(uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < npins; i++)
		if (start < pins[i].pn_end && end > pins[i].pn_start)
			return true;
	return false;
}

void
pin_add(uint64_t id, uint64_t start, uint64_t end, bool write)
{
	const struct pin pn = { start & ~(uint64_t)(PAGE - 1),
		(end + PAGE - 1) & ~(uint64_t)(PAGE - 1), id,
		PROT_READ | (write ? PROT_WRITE : 0) };

	if (npins == PINS_MAX)
		return;
	pins[npins++] = pn;
	window_apply(pn.pn_start, pn.pn_end);
}

bool
pin_keep(uint64_t start, uint64_t end)
{
	if (within(start, end))
		return false;
	pin_add(PIN_FOREVER, start, end, true);
	keep_all();
	return true;
}

static void
drop_at(size_t i)
{
	const struct pin pn = pins[i];

	pins[i] = pins[--npins];
	window_apply(pn.pn_start, pn.pn_end);
}

void
pin_drop(uint64_t id)
{
	for (size_t i = npins; i-- > 0;)
		if (pins[i].pn_id == id)
			drop_at(i);
}

void
pin_child(void)
{
	for (size_t i = npins; i-- > 0;)
		if (pins[i].pn_id != PIN_FOREVER)
			drop_at(i);
}

void
pin_remove(uint64_t start, uint64_t end)
{
	for (size_t i = npins; i-- > 0;)
		if (pins[i].pn_id == PIN_FOREVER && pins[i].pn_start >= start &&
		    pins[i].pn_end <= end)
			pins[i] = pins[--npins];
	keep_all();
}

void
pin_move(uint64_t start, uint64_t end, uint64_t by)
{
	for (size_t i = 0; i < npins; i++)
		if (pins[i].pn_start >= start && pins[i].pn_end <= end) {
			pins[i].pn_start += by;
			pins[i].pn_end += by;
		}
	keep_all();
}
