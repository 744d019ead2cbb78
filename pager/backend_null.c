/*
 * backend_null: moves no bytes.
 *
 * Without UVM_BE_DATA the pager keeps descriptors only, so that memory far
 * larger than the host's can be simulated.
 */
#include "pager/uvm.h"

static int
null_io(void *cookie, struct uvm_buf *b)
{

	(void)cookie;
	b->b_done = b->b_length;
	b->b_error = 0;
	return 0;
}

const struct uvm_backend uvm_backend_null = {
	.be_name = "null",
	.be_io = null_io,
};
