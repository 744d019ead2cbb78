/*
 * backend_null: moves no bytes.
 *
 * Without UVM_BE_DATA the pager keeps descriptors only, so that memory far
 * larger than the host's can be simulated.  What is started is over when it is
 * asked for, in order.
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

static int
null_start(void *cookie, struct uvm_buf *b)
{
	struct uvm_nullbe *const nb = cookie;

	(void)null_io(NULL, b);
	b->b_next = NULL;
	(void)pthread_mutex_lock(&nb->nb_mutex);
	if (nb->nb_head == NULL)
		nb->nb_head = b;
	else
		nb->nb_tail->b_next = b;
	nb->nb_tail = b;
	(void)pthread_mutex_unlock(&nb->nb_mutex);
	return 0;
}

static int
null_poll(void *cookie, bool wait, struct uvm_buf **bp)
{
	struct uvm_nullbe *const nb = cookie;

	(void)wait;
	(void)pthread_mutex_lock(&nb->nb_mutex);
	*bp = nb->nb_head;
	if (*bp != NULL)
		nb->nb_head = (*bp)->b_next;
	(void)pthread_mutex_unlock(&nb->nb_mutex);
	return 0;
}

const struct uvm_backend uvm_backend_null = {
	.be_name = "null",
	.be_flags = UVM_BE_INSTANT,
	.be_io = null_io,
	.be_start = null_start,
	.be_poll = null_poll,
};
