#include "traces/preload/call.h"

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

	if (!arms())
		return;
	section_begin(&sc);
	arm_drop(0, UINT64_MAX);
	section_end(&sc);
}

void
call_string(const char *text)
{
	(void)text;
}

int
call_opened(int fd, enum file_pos pos)
{
	if (fd >= 0 && on())
		(void)file_say(fd, pos);
	return fd;
}
