/*
 * uvm_check: what the files of uvm_check() share.
 */
#ifndef PAGER_UVM_CHECK_H
#define PAGER_UVM_CHECK_H

#include "pager/uvm_i.h"

/* Say what is wrong and return EINVAL from the caller unless cond holds. */
#define CHECK(em, cond, ...)                                                   \
	do {                                                                   \
		if (!(cond))                                                   \
			return ERRMSG((em), EINVAL, __VA_ARGS__);              \
	} while (0)

/*
 * An object that is alive: its vnode's references, its maps and what they map,
 * its bits.
 */
int check_object_links(const struct uvm *uvm, const struct vnode *vp,
    struct errmsg *em) mustcheck;

/*
 * The hash, which has to have so many pages; the writable list; vnodes in core;
 * asynchronous I/O, which has to have made so many pages busy.
 */
int check_links(const struct uvm *uvm, uint64_t tabled, uint64_t busy,
    struct errmsg *em) mustcheck;

#endif
