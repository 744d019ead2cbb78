/*
 * core: what tests of the pager's inside share: objects, pages and queues by
 * their private headers.
 */
#ifndef TESTS_PAGER_CORE_H
#define TESTS_PAGER_CORE_H

#include "tests/pager/lab.h"

#include "pager/uvm_i.h"

struct vnode *core_vnode(const struct lab *lab, uint32_t file);
struct uvm_object *core_object(const struct lab *lab, uint32_t file);

/* The resident page of a file, or NULL; no lookup is counted. */
struct vm_page *core_page(const struct lab *lab, uint32_t file, uint64_t pgno);

/* Page numbers along a queue or an object's list, as "3 0 1"; to be freed. */
char *core_queue(const struct lab *lab, const struct pglist *pl);
char *core_memq(const struct lab *lab, uint32_t file);

void core_wire(struct lab *lab, struct vm_page *pg);
void core_unwire(struct lab *lab, struct vm_page *pg);

/* uvn_flush of bytes [start, stop), locked as it wants. */
bool core_flush(struct lab *lab, uint32_t file, uint64_t start, uint64_t stop,
    unsigned flags);

#define assert_order(call, text)                                               \
	do {                                                                   \
		char *const order_ = (call);                                   \
		assert_string_equal(order_, (text));                           \
		free(order_);                                                  \
	} while (0)

#define assert_inactive(lab, text)                                             \
	assert_order(core_queue((lab), &(lab)->uvm->mem.pm_inactive), (text))
#define assert_active(lab, text)                                               \
	assert_order(core_queue((lab), &(lab)->uvm->mem.pm_active), (text))

#endif
