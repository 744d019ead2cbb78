/*
 * verify: what every byte must be, kept apart from the pager.
 *
 * Every write of a trace has a sequence number (its event's, plus 1), and the
 * byte it leaves at position pos of a file is a function of (file, pos,
 * sequence); sequence 0 is the contents of a new backing file
 * (uvm_filebe_fill()).  verify keeps, per file, what the program wrote
 * (memory) and what the backend was given (disk), as extents of sequence
 * numbers, never as bytes, and never asks the pager.
 *
 * It sits between pager and backend: verify_backend is a struct uvm_backend
 * that passes everything on to the real one and looks at what goes by.
 *
 *	page-in		the bytes must be what disk holds
 *	page-out	the bytes must be what memory holds, and end with the
 *			file
 *	page freed	what was stored there must be on disk, or some quirk
 *			or call must permit its loss: else a lost write
 *	read(2)		the bytes must be what disk holds
 *	at the end	the whole file is read and must be what disk holds
 */
#ifndef REPLAY_VERIFY_H
#define REPLAY_VERIFY_H

#include "pager/uvm.h"

struct verify;

extern const struct uvm_backend verify_backend; /* cookie: struct verify * */

/*
 * Make a verifier over be, whose cookie is becookie.  up says which losses the
 * quirks permit.
 */
int verify_create(const struct uvm_param *up, const struct uvm_backend *be,
    void *becookie, struct verify **vp) mustcheck;
void verify_destroy(struct verify *v);

/*
 * Look at files through this backend, be's own or one below it: what faults to
 * order in between do to the pager's I/O is no business of a look.
 */
void verify_look(struct verify *v, const struct uvm_backend *be,
    void *becookie);

/*
 * The event now replayed: it names what is found, and its number plus 1 is the
 * sequence of write(2)s.  The event before is judged: what it dropped from
 * memory must have been written or be lost by permission.
 */
void verify_event(struct verify *v, uint64_t event);

/*
 * Fill buf with what a write of sequence seq leaves at [offset, offset+length)
 * of file; uvm_pattern().
 */
void verify_fill(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf);

/*
 * The program did this; offset and length in bytes.
 *
 * => all but verify_write_access(): before or after the system call, but
 *    within its event
 * => verify_write_access(): after the access, when the page is resident, and
 *    for every byte of the frame that was filled, those behind the end of the
 *    file too; pages wholly behind it are passed over
 * => a write(2) with buffer NULL is given its bytes here; another buffer must
 *    hold verify_fill() bytes of the event's sequence
 */
void verify_file(struct verify *v, uint32_t file, uint64_t size);
void verify_write_access(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length, uint64_t seq);
void verify_pwrite(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length, uint64_t seq);
void verify_pwrite_failed(struct verify *v); /* it did not get that far */
void verify_truncate(struct verify *v, uint32_t file, uint64_t size);
void verify_zero(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length);
void verify_discard(struct verify *v, uint32_t file, uint64_t offset,
    uint64_t length); /* MADV_FREE: losing it is permitted */
void verify_unlink_gone(struct verify *v, uint32_t file);

/* The pager gives a page up whose write failed (uo_lost). */
void verify_lost(struct verify *v, uint32_t file, uint64_t pgno);

/* A page left memory (uo_freed); what it held that disk has not is gone. */
void verify_freed(struct verify *v, uint32_t file, uint64_t pgno);

/* 0, or EIO once something was found: em names file, page and event; ENOMEM. */
int verify_failed(const struct verify *v, struct errmsg *em) mustcheck;

/*
 * Read every file to the end and compare; after the last event and before the
 * pager or the backend is ended.  Nothing is checked any more afterwards.
 */
int verify_finish(struct verify *v, struct errmsg *em) mustcheck;

/* For the summary. */
struct verify_stat {
	uint64_t vs_pages_in;  /* checked at page-in */
	uint64_t vs_pages_out; /* checked at page-out */
	uint64_t vs_pages_end; /* checked at the end */
	uint64_t vs_lost;      /* pages whose loss was permitted */
	uint64_t
	    vs_unwritten;  /* of those, as their write failed or was short */
	uint64_t vs_short; /* page-ins that were short and taken for whole */
};
const struct verify_stat *verify_stat(const struct verify *v);

#endif
