/*
 * ring: how records leave a program that is being recorded.
 *
 * A file of RING_SLOTS rings that the recorder makes and the library in each
 * process maps.  A thread takes a free slot for its own at its first record, so
 * a ring has one writer and one reader and needs no lock; records are
 * raw_encode()d, in order of time within a slot.  A program that is killed
 * leaves what it has published; the recorder frees a slot when its owner is
 * gone and it is empty.
 *
 * Where a ring is full the writer waits for the reader, as long as the recorder
 * lives; where there is no slot, or no recorder any more, records are lost and
 * counted.
 *
 * The library finds the file by RING_ENV; the file says all the rest.
 *
 * Private to traces/.
 */
#ifndef TRACES_PRELOAD_RING_H
#define TRACES_PRELOAD_RING_H

#include <stdatomic.h>

#include "traces/raw.h"

#define RING_ENV   "UVN_RECORD" /* path of the file */
#define RING_MAGIC 0x3130474e49524e55ULL
#define RING_SLOTS 1024
#define RING_BYTES (512U << 10) /* a slot's; a power of two */

/* What the library is to do. */
enum ring_mode {
	RING_KERNEL,   /* say what files are; arm maps; no accesses, no calls */
	RING_PRELOAD,  /* all of it, by protection and SIGSEGV */
	RING_VALGRIND, /* say what files are, by calls of prctl(2) */
};

/* A slot's head, a cache line for each side. */
struct ring_slot {
	_Alignas(64) _Atomic uint64_t sl_owner; /* pid << 32 | tid; 0: free */
	_Atomic uint64_t sl_head;		/* bytes ever written */
	_Atomic uint64_t sl_lost;		/* records that found no room */
	_Alignas(64) _Atomic uint64_t sl_tail;	/* bytes ever read */
	_Atomic uint32_t sl_waiting; /* the writer sleeps on sl_tail */
};

struct ring_file {
	uint64_t rf_magic;
	uint32_t rf_mode;   /* enum ring_mode */
	uint32_t rf_pid;    /* the recorder's */
	uint64_t rf_window; /* pages; RAW_UNKNOWN: no bounds */
	uint64_t rf_page;
	_Atomic uint64_t rf_lost; /* records that found no slot */
	_Atomic uint32_t rf_stop; /* the recorder wants no more */
	_Atomic uint32_t
	    rf_ready; /* bumped by writers, for the reader to sleep on */
	struct ring_slot rf_slot[RING_SLOTS];
};

/* The data of slot i begin here in the file; the file is sparse. */
#define RING_DATA(i)                                                           \
	((sizeof(struct ring_file) + 4095) / 4096 * 4096 +                     \
	    (uint64_t)(i)*RING_BYTES)
#define RING_FILE_BYTES RING_DATA(RING_SLOTS)

/*
 * RING_VALGRIND: a record is one or more calls of prctl(RING_PRCTL, word, three
 * arguments of it), which fail, and which valgrind shows.  RING_FILE_2 ends a
 * FILE; its third argument is 0.
 */
#define RING_PRCTL 0x55564e46

enum ring_word {
	RING_FILE_0, /* arguments 0 to 2 */
	RING_FILE_1, /* 3 to 5 */
	RING_FILE_2, /* 6 and 7 */
	RING_START = 16,
	RING_SHARED,
	RING_NOTE,
};

#endif
