/*
 * raw: what recorders and importers see of a program, before files and maps
 * have numbers: accesses by address, system calls by descriptor.
 *
 *	struct raw		one such thing, with time, process and thread
 *	raw_sys[]		the system calls that matter, a row each
 *	raw_encode(), raw_decode()	as bytes, in rings and spools
 *
 * assemble.h makes a trace of them.  The library that uvn record loads into
 * programs includes this header, too: it calls nothing but memcpy(3).
 *
 * Private to traces/.
 */
#ifndef TRACES_RAW_H
#define TRACES_RAW_H

#include <string.h>

#include "base/base.h"

/*
 *	ACCESS	[0] address, [1] bytes; flags WRITE, KERNEL, IFETCH.  With a
 *		text, [0] is an offset in the file of that path, wherever that
 *		is mapped
 *	CALL	a system call begins: rw_sys, its arguments; text: its path (of
 *		two, the older), text2 the other, where the source knows them
 *	RETURN	the call that rw_tid is in ends: rw_sys, [0] result or -errno
 *	FILE	a descriptor is this file now, and will be until a call changes
 *		that: [0] descriptor (-1: the path of the next call of this
 *		thread, -2: its second path), [1] device, major << 32 | minor,
 *		[2] inode, [3] birth time in ns since 1970, 0 if unknown, [4]
 *		size, [5] position, [6] flags of open(2), [7] links; text: path.
 *		Device and inode 0: the path tells files apart.  RAW_UNKNOWN as
 *		size, position or flags: it is not known.  Flag UNKNOWN: if
 *		nothing is known of the descriptor yet
 *	MAP	a map is there: [0] address, [1] bytes, [2] offset, [3] device,
 *		[4] inode, [5] protection, [6] flags of mmap(2); text: path.
 *		Within a call of mmap(2), what it has mapped; else what exec(2)
 *		has
 *	SHARED	the mmap(2) that this thread is about to call differs from what
 *		the program asked for: [0] the flags it asked for
 *	FLUSH	from here on every page's next access is seen again
 *	FORK	rw_pid begins as a copy of process [0], forked by thread [1];
 *		[2] flags of clone(2), or RAW_UNKNOWN.  For threads: [0] is
 *		rw_pid
 *	EXEC	the process has another image: all maps are gone
 *	EXIT	a thread has ended, and with its last one the process;
 *		flag GROUP: the whole process
 *	START	the library is at work in rw_pid: [0] window, [1] enum raw_start
 *	NOTE	[0] enum record_count happened [1] times; with an inode, [2]
 *		device and [3] inode: to that file, and does not matter if it
 *		is not wanted
 *	LOST	[0] records were lost here
 */
enum raw_kind {
	RAW_ACCESS,
	RAW_CALL,
	RAW_RETURN,
	RAW_FILE,
	RAW_MAP,
	RAW_SHARED,
	RAW_FLUSH,
	RAW_FORK,
	RAW_EXEC,
	RAW_EXIT,
	RAW_START,
	RAW_NOTE,
	RAW_LOST,
	RAW_NKINDS
};

enum raw_flag {
	RAW_F_WRITE = 0x1,
	RAW_F_KERNEL = 0x2,
	RAW_F_IFETCH = 0x4,
	RAW_F_GROUP = 0x8,
	RAW_F_UNKNOWN = 0x10,
};

/* Why the library says that it is at work. */
enum raw_start {
	RAW_START_EXEC, /* its constructor ran */
	RAW_START_FORK, /* in the child of a fork(2) */
};

#define RAW_UNKNOWN UINT64_MAX
#define RAW_NARGS   8

/* The system calls: raw_sys.def. */
enum raw_sysno {
#define SYS(NAME, name, nargs, paths, buffer) RAW_SYS_##NAME,
#include "traces/raw_sys.def"
#undef SYS
	RAW_NSYS
};

/* Which argument is memory the kernel fills or reads, result bytes of it. */
enum raw_buffer {
	RAW_BUF_NONE,
	RAW_BUF_FILL = 0x10, /* | argument: a buffer it writes to */
	RAW_BUF_READ = 0x20, /* | argument: a buffer it reads */
	RAW_BUF_IOV = 0x40,  /* the argument is an array of struct iovec */
};

struct raw_sys {
	const char *rs_name; /* as in strace(1), without sys_ */
	int rs_nr;	     /* of this architecture; -1: has none */
	uint8_t rs_nargs;
	uint8_t rs_paths; /* bit i: argument i is a path */
	uint8_t rs_buffer;
};

extern const struct raw_sys raw_sys[RAW_NSYS];

/* The call of that name, or of that number here; RAW_NSYS: none of ours. */
enum raw_sysno raw_sys_find(const char *name, size_t len);
enum raw_sysno raw_sys_number(long nr);

struct raw {
	uint64_t rw_time; /* ns; not before the one before, but see spool.h */
	uint32_t rw_pid, rw_tid;
	uint8_t rw_kind;  /* enum raw_kind */
	uint8_t rw_flags; /* enum raw_flag */
	uint8_t rw_sys;	  /* CALL, RETURN: enum raw_sysno */
	uint8_t rw_nargs; /* that are not 0, or more */
	uint64_t rw_arg[RAW_NARGS];
	const char *rw_text, *rw_text2; /* NULL: none; the maker's */
};

/*
 * A page fault of x86 at an address, with the processor's error code; or of
 * the kernel on the program's memory.
 *
 * => false: it is no memory of a program
 */
bool raw_fault(struct raw *rw, uint64_t address, uint64_t code, bool kernel);

/*
 * Encoded: a head of 24 bytes, the arguments, the texts with their NULs, and
 * zeroes up to a multiple of 8.
 */
struct raw_head {
	uint64_t rh_time;
	uint32_t rh_pid, rh_tid;
	uint8_t rh_kind, rh_flags, rh_sys, rh_nargs;
	uint16_t rh_text, rh_text2; /* bytes with their NUL; 0: none */
};

_Static_assert(sizeof(struct raw_head) == 24, "a head has no holes");

#define RAW_TEXT_MAX 4096 /* of each text, with its NUL */
#define RAW_MAX	     (24 + 8 * RAW_NARGS + 2 * RAW_TEXT_MAX)

/*
 * Write rw at buf, of RAW_MAX bytes; returns its length.  Texts too long lose
 * their beginning.
 */
static inline size_t
raw_encode(const struct raw *rw, uint8_t *buf)
{
	const char *text[2] = { rw->rw_text, rw->rw_text2 };
	uint16_t len[2] = { 0, 0 };
	struct raw_head rh;
	size_t n = sizeof(rh);

	memcpy(buf + n, rw->rw_arg, (size_t)8 * rw->rw_nargs);
	n += (size_t)8 * rw->rw_nargs;
	for (int i = 0; i < 2; i++) {
		size_t max;

		if (text[i] == NULL)
			continue;
		max = strlen(text[i]) + 1;
		if (max > RAW_TEXT_MAX) {
			text[i] += max - RAW_TEXT_MAX;
			max = RAW_TEXT_MAX;
		}
		memcpy(buf + n, text[i], max);
		n += max;
		len[i] = (uint16_t)max;
	}
	for (; n % 8 != 0; n++)
		buf[n] = 0;
	rh =
	    (struct raw_head){ rw->rw_time, rw->rw_pid, rw->rw_tid, rw->rw_kind,
		    rw->rw_flags, rw->rw_sys, rw->rw_nargs, len[0], len[1] };
	memcpy(buf, &rh, sizeof(rh));
	return n;
}

/*
 * Read what raw_encode() wrote from the len bytes at buf; texts point there.
 *
 * => its length; 0: these bytes are no whole record
 */
size_t raw_decode(const uint8_t *buf, size_t len, struct raw *rw);

#endif
