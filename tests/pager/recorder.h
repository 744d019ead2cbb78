/*
 * recorder: a backend for tests.  It writes down every I/O, fails those it is
 * told to, and can hold the bytes of files in memory.
 */
#ifndef TESTS_PAGER_RECORDER_H
#define TESTS_PAGER_RECORDER_H

#include <stdio.h>

#include "pager/uvm.h"
#include "tests/dice.h"

#define REC_FILES  8 /* files that can have bytes: 1..REC_FILES - 1 */
#define REC_PGSIZE 4096U

/* One I/O of the pager. */
struct rec_io {
	enum uvm_io ri_io;
	uint32_t ri_file;
	uint64_t ri_page, ri_npages; /* pages */
	uint64_t ri_bytes;
	bool ri_durable;
	int ri_error;
};

struct rec_file {
	uint8_t *rf_bytes; /* rf_room of them, zero from rf_size on */
	uint64_t rf_size, rf_room;
};

/* In which order I/Os that were started end. */
enum rec_order { REC_FIFO, REC_LIFO, REC_RANDOM };

struct recorder {
	struct rec_io *rec_io; /* rec_nio of them */
	size_t rec_nio, rec_room;
	/* I/Os in this direction that touch these pages of a file fail */
	enum uvm_io rec_bad_io;
	uint32_t rec_bad_file; /* 0: none does */
	uint64_t rec_bad_first, rec_bad_last;
	uint64_t rec_most; /* bytes a write moves at most, if rec_limited */
	bool rec_limited;
	unsigned rec_nsync, rec_nclose;
	int rec_syncerror;	/* what be_sync returns */
	uint64_t rec_truncated; /* the last size of be_truncate */
	struct rec_file rec_file[REC_FILES];

	/* Asynchronous I/O: what was started and is not over. */
	struct uvm_buf **rec_flying; /* rec_nflying of them */
	size_t rec_nflying, rec_flyroom;
	enum rec_order rec_order;
	struct dice rec_dice; /* REC_RANDOM */
	bool rec_lazy;	      /* nothing ends but when it is waited for */
	unsigned rec_refuse;  /* so many starts are refused from now on */
	/* If set, called when an I/O was started, and before one ends. */
	void (*rec_started)(void *);
	void (*rec_ends)(void *);
	void *rec_arg;
};

/* Without and with UVM_BE_DATA; the cookie is a struct recorder. */
extern const struct uvm_backend recorder_backend;
extern const struct uvm_backend recorder_data_backend;

/* The same with asynchronous I/O: bytes move when it ends. */
extern const struct uvm_backend recorder_async_backend;
extern const struct uvm_backend recorder_async_data_backend;

void rec_init(struct recorder *rec);
void rec_fini(struct recorder *rec);

/* From now on fail I/Os in that direction over pages [first, last]. */
void rec_fail(struct recorder *rec, enum uvm_io io, uint32_t file,
    uint64_t first, uint64_t last);

/* Forget the I/Os written down. */
void rec_clear(struct recorder *rec);

/* Pages offered in all I/Os of a direction. */
uint64_t rec_pages(const struct recorder *rec, enum uvm_io io);

/*
 * The I/Os as text, as in "r(4,1) w(0,16)! 2:w(9,1)3996": file number if it is
 * not 1, read or write, first page and pages, bytes if pages are not whole, s
 * if it was to be on stable storage, ! if it failed.  The caller frees it.
 */
char *rec_text(const struct recorder *rec);

#define assert_ios(rec, text)                                                  \
	do {                                                                   \
		char *const rec_text_ = rec_text(rec);                         \
		assert_string_equal(rec_text_, (text));                        \
		free(rec_text_);                                               \
	} while (0)

#endif
