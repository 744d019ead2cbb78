/*
 * uvm_hist: the event history ring, after UVMHIST.
 *
 * A log call stores a format and four words and costs one branch when the
 * history is off.  In formats %u is the next word in decimal, %x in hexadecimal.
 */
#ifndef PAGER_UVM_HIST_H
#define PAGER_UVM_HIST_H

#include "base/base.h"

struct uvm_hist_entry {
	const char *he_func;
	const char *he_fmt;
	uint64_t he_word[4];
	uint64_t he_num; /* 1.. over the life of the machine */
};

struct uvm_hist {
	struct uvm_hist_entry *uh_ring;
	size_t uh_size; /* 0: off */
	uint64_t uh_count;
};

void uvm_hist_log(struct uvm_hist *uh, const char *func, const char *fmt,
    uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#define UVMHIST(uvm, fmt, a, b, c, d)                                          \
	do {                                                                   \
		if (unlikely((uvm)->hist.uh_size != 0))                        \
			uvm_hist_log(&(uvm)->hist, __func__, (fmt),            \
			    (uint64_t)(a), (uint64_t)(b), (uint64_t)(c),       \
			    (uint64_t)(d));                                    \
	} while (0)

#endif
