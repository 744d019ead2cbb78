/*
 * backend_uring_try: can rings be had here?  If not, why, and what to do.
 *
 * Containers mostly forbid io_uring by a filter of system calls, hardened hosts
 * by a sysctl; a filter may let a ring be made and forbid its use, so a request
 * is sent through it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <liburing.h>

#include "pager/backend_file.h"

/*
 * The number behind what a line of the file at path begins with; 0 if there is
 * no such line.
 */
static uint64_t
number_in(const char *path, const char *what)
{
	FILE *const fp = fopen(path, "re");
	const size_t len = strlen(what);
	uint64_t value = 0;
	char line[128];

	while (fp != NULL && fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, what, len) == 0) {
			value = strtoull(line + len, NULL, 10);
			break;
		}
	}
	if (fp != NULL)
		(void)fclose(fp);
	return value;
}

void
filebe_ring_why(int error, const char **causep, const char **remedyp)
{
	/* Since Linux 6.6: 0 for all, 1 for some, 2 for nobody. */
	const uint64_t level = error != EPERM ?
	    0 :
	    number_in("/proc/sys/kernel/io_uring_disabled", "");

	if (level == 2) {
		*causep = "kernel.io_uring_disabled is 2, which is off for all";
		*remedyp = "sysctl kernel.io_uring_disabled=0";
	} else if (level == 1) {
		*causep = "kernel.io_uring_disabled is 1, which is off but for "
			  "root and kernel.io_uring_group";
		*remedyp = "sysctl kernel.io_uring_disabled=0, or run as root";
	} else if (error == EPERM || error == EACCES) {
		*causep = "a filter of system calls (seccomp) forbids it, as "
			  "most containers' do";
		*remedyp = "a seccomp profile that allows io_uring_setup, "
			   "io_uring_enter and io_uring_register";
	} else if (error == ENOSYS) {
		*causep = "the kernel has none, or a filter of system calls "
			  "(seccomp) hides it";
		*remedyp = "Linux 5.6 or later with CONFIG_IO_URING; in a "
			   "container, a seccomp profile that allows it";
	} else if (error == ENOMEM) {
		*causep = "no memory for a ring (before Linux 5.12: no locked "
			  "memory)";
		*remedyp = "a smaller --io_depth, or a larger ulimit -l";
	} else if (error == EMFILE || error == ENFILE) {
		*causep = "too many open files";
		*remedyp = "a larger ulimit -n";
	} else {
		*causep = errno_text(error);
		*remedyp = "Linux 5.6 or later";
	}
}

bool
filebe_ring_may_register(size_t length)
{

	return length >> 10 <= number_in("/proc/meminfo", "MemAvailable:") / 2;
}

int
filebe_ring_try(struct io_uring *ring)
{
	struct io_uring_sqe *const sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int n;

	if (sqe == NULL)
		return EAGAIN;
	io_uring_prep_nop(sqe);
	do
		n = io_uring_submit_and_wait(ring, 1);
	while (n == -EINTR);
	if (n < 0)
		return -n;
	if (io_uring_peek_cqe(ring, &cqe) != 0)
		return EIO;
	io_uring_cqe_seen(ring, cqe);
	return 0;
}

int
uvm_uring_try(const char **causep, const char **remedyp)
{
	struct io_uring ring;
	int error;

	*causep = *remedyp = "";
	error = -io_uring_queue_init(1, &ring, 0);
	if (error == 0) {
		error = filebe_ring_try(&ring);
		io_uring_queue_exit(&ring);
	}
	if (error != 0)
		filebe_ring_why(error, causep, remedyp);
	return error;
}
