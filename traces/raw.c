#include <sys/syscall.h>

#include "traces/raw.h"
#include "traces/record.h"

/* Calls that not every architecture has. */
#ifndef __NR_open
#define __NR_open   (-1)
#define __NR_creat  (-1)
#define __NR_dup2   (-1)
#define __NR_unlink (-1)
#define __NR_rename (-1)
#define __NR_fork   (-1)
#define __NR_vfork  (-1)
#endif

#define USER_END 0x800000000000ULL /* addresses from here are the kernel's */

/* error_code of x86's page faults. */
#define FAULT_WRITE  0x2
#define FAULT_IFETCH 0x10

const struct raw_sys raw_sys[RAW_NSYS] = {
#define SYS(NAME, name, nargs, paths, buffer)                                  \
	{ #name, __NR_##name, nargs, paths, buffer },
#include "traces/raw_sys.def"
#undef SYS
};

const char *const record_count_name[RECORD_NCOUNTS] = {
#define COUNT(NAME, name, help) name,
#include "traces/record_count.def"
#undef COUNT
};

const char *const record_count_help[RECORD_NCOUNTS] = {
#define COUNT(NAME, name, help) help,
#include "traces/record_count.def"
#undef COUNT
};

enum raw_sysno
raw_sys_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < RAW_NSYS; i++)
		if (strncmp(raw_sys[i].rs_name, name, len) == 0 &&
		    raw_sys[i].rs_name[len] == '\0')
			return (enum raw_sysno)i;
	return RAW_NSYS;
}

enum raw_sysno
raw_sys_number(long nr)
{
	for (unsigned i = 0; nr >= 0 && i < RAW_NSYS; i++)
		if (raw_sys[i].rs_nr == nr)
			return (enum raw_sysno)i;
	return RAW_NSYS;
}

bool
raw_fault(struct raw *rw, uint64_t address, uint64_t code, bool kernel)
{
	if (address >= USER_END)
		return false;
	rw->rw_kind = RAW_ACCESS;
	rw->rw_nargs = 2;
	rw->rw_arg[0] = address;
	rw->rw_arg[1] = 1;
	rw->rw_flags = (uint8_t)((kernel ? RAW_F_KERNEL : 0) |
	    ((code & FAULT_WRITE) != 0 ? RAW_F_WRITE : 0) |
	    ((code & FAULT_IFETCH) != 0 ? RAW_F_IFETCH : 0));
	return true;
}

/* A text of len bytes at *pp, NUL and all; steps over it. */
static bool
text_decode(const uint8_t **pp, size_t len, const char **textp)
{
	const char *text = (const char *)*pp;

	*textp = len > 0 ? text : NULL;
	*pp += len;
	return len == 0 || memchr(text, '\0', len) == text + len - 1;
}

size_t
raw_decode(const uint8_t *buf, size_t len, struct raw *rw)
{
	struct raw_head rh;
	const uint8_t *p;
	size_t n;

	if (len < sizeof(rh))
		return 0;
	memcpy(&rh, buf, sizeof(rh));
	n = sizeof(rh) + (size_t)8 * rh.rh_nargs + rh.rh_text + rh.rh_text2;
	n = (n + 7) / 8 * 8;
	if (n > len || rh.rh_nargs > RAW_NARGS || rh.rh_kind >= RAW_NKINDS ||
	    rh.rh_sys >= RAW_NSYS)
		return 0;
	*rw = (struct raw){
		.rw_time = rh.rh_time,
		.rw_pid = rh.rh_pid,
		.rw_tid = rh.rh_tid,
		.rw_kind = rh.rh_kind,
		.rw_flags = rh.rh_flags,
		.rw_sys = rh.rh_sys,
		.rw_nargs = rh.rh_nargs,
	};
	p = buf + sizeof(rh);
	memcpy(rw->rw_arg, p, (size_t)8 * rh.rh_nargs);
	p += (size_t)8 * rh.rh_nargs;
	if (!text_decode(&p, rh.rh_text, &rw->rw_text) ||
	    !text_decode(&p, rh.rh_text2, &rw->rw_text2))
		return 0;
	return n;
}
