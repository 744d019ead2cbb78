#include "traces/preload/call.h"

/* Accesses that are logged at a time. */
#define USED_ONCE 128

void
call_log(enum raw_sysno sys, size_t n, const uint64_t *arg, const char *text2)
{
	struct raw rw = { .rw_kind = RAW_CALL,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = (uint8_t)n,
		.rw_text2 = text2 };

	if (!lib.lb_guards)
		return;
	memcpy(rw.rw_arg, arg, n * sizeof(*arg));
	log_raw(&rw);
}

void
call_log_end(enum raw_sysno sys, int64_t ret)
{
	struct raw rw = { .rw_kind = RAW_RETURN,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 1,
		.rw_arg = { (uint64_t)ret } };

	if (lib.lb_guards)
		log_raw(&rw);
}

void
call_begin(enum raw_sysno sys, size_t n, const uint64_t *arg, const char *text2)
{
	struct section sc;

	if (!guards())
		return;
	section_begin(&sc);
	call_log(sys, n, arg, text2);
	section_end(&sc);
}

void
call_end(enum raw_sysno sys, int64_t ret)
{
	struct section sc;

	if (!guards())
		return;
	section_begin(&sc);
	call_log_end(sys, ret);
	section_end(&sc);
}

void
call_flush(void)
{
	struct section sc;

	if (!on() || !maps_near(0, UINT64_MAX))
		return;
	section_begin(&sc);
	if (lib.lb_arms)
		arm_drop(0, UINT64_MAX);
	if (lib.lb_guards)
		window_flush();
	section_end(&sc);
}

uint64_t
call_hold(uint64_t id, uint64_t addr, uint64_t len, bool write)
{
	struct section sc;

	if (len == 0 || addr + len < addr)
		return id;
	/*
	 * A guest may leave for good, and its host would be left with what it
	 * holds; that it has been used opens it, too.
	 */
	if (self.se_guest != 0) {
		call_used(addr, len, write);
		return id;
	}
	section_begin(&sc);
	if (maps_any(addr, addr + len)) {
		if (id == PIN_FOREVER)
			id = pin_new();
		pin_add(id, addr, addr + len, write);
	}
	section_end(&sc);
	return id;
}

/* Under the lock: accesses from *addrp on, as many as there is room for. */
static void
use_some(uint64_t *addrp, uint64_t end, unsigned flags)
{
	for (unsigned n = 0; n < USED_ONCE && *addrp < end; n++) {
		struct map *mp = maps_find(*addrp);

		if (mp != NULL) {
			(void)window_see(mp, *addrp, flags);
			*addrp = (*addrp | (PAGE - 1)) + 1;
			continue;
		}
		const size_t i = maps_from(*addrp);

		*addrp = i < nmaps ? maps[i].mp_start : end;
	}
}

void
call_seen(uint64_t addr, uint64_t len, unsigned flags)
{
	const uint64_t end = addr + len;
	struct section sc;

	while (addr < end) {
		section_begin(&sc);
		use_some(&addr, end, flags);
		section_end(&sc);
	}
}

void
call_used(uint64_t addr, uint64_t len, bool write)
{
	call_seen(addr, len, RAW_F_KERNEL | (write ? RAW_F_WRITE : 0U));
}

void
call_release(uint64_t id)
{
	struct section sc;

	if (id == PIN_FOREVER)
		return;
	section_begin(&sc);
	pin_drop(id);
	section_end(&sc);
}

void
call_clean(const uint64_t *id)
{
	call_release(*id);
}

uint64_t
call_hold_string(const char *text)
{
	if (likely(!call_near(text, 1)))
		return PIN_FOREVER;
	/* That its end is looked for lets all of it be seen. */
	return call_hold(PIN_FOREVER, to_addr(text), strlen(text) + 1, false);
}

int
call_opened(int fd, enum file_pos pos)
{
	if (fd >= 0 && on())
		(void)file_say(fd, pos);
	return fd;
}
