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
 *	page-in		the bytes must be what disk holds; if memory holds
 *			newer ones that were never written and that no quirk
 *			allows to lose, that is a lost write
 *	page-out	the bytes must be what memory holds
 *	at the end	the whole file is read and must be what disk holds, and
 *			what memory holds newer must be resident or lost by
 *			permission
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
    void *becookie, struct verify **vfp) mustcheck;
void verify_destroy(struct verify *vf);

/* The event now replayed, for the messages. */
void verify_event(struct verify *vf, uint64_t event);

/*
 * Fill buf with what a write of sequence seq leaves at [offset, offset+length)
 * of file.
 */
void verify_fill(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf);

/* The program did this.  offset and length in bytes; a write access is cut to
 * the end of the file by the caller's pager, and here too. */
void verify_file(struct verify *vf, uint32_t file, uint64_t size);
void verify_write_access(struct verify *vf, uint32_t file, uint64_t offset,
    uint64_t length, uint64_t seq);
void verify_pwrite(struct verify *vf, uint32_t file, uint64_t offset,
    uint64_t length, uint64_t seq);
void verify_truncate(struct verify *vf, uint32_t file, uint64_t size);
void verify_zero(struct verify *vf, uint32_t file, uint64_t offset,
    uint64_t length);
void verify_discard(struct verify *vf, uint32_t file, uint64_t offset,
    uint64_t length); /* MADV_FREE: losing it is permitted */
void verify_unlink_gone(struct verify *vf, uint32_t file);

/* A page left memory (uo_freed); what it held that disk has not is gone. */
void verify_freed(struct verify *vf, uint32_t file, uint64_t pgno);

/* 0, or EIO once something was found: em names file, page and event. */
int verify_failed(const struct verify *vf, struct errmsg *em) mustcheck;

/* Read every file to the end and compare; call after the last event. */
int verify_finish(struct verify *vf, struct errmsg *em) mustcheck;

/* For the summary. */
struct verify_stat {
	uint64_t vs_pages_in;	/* checked at page-in */
	uint64_t vs_pages_out;	/* checked at page-out */
	uint64_t vs_pages_end;	/* checked at the end */
	uint64_t vs_lost;	/* pages whose loss a quirk permitted */
};
const struct verify_stat *verify_stat(const struct verify *vf);

#endif
