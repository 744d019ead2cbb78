/* A folder in the build tree's file system, and a backend in it. */
#ifndef TESTS_PAGER_BACKEND_FIXTURE_H
#define TESTS_PAGER_BACKEND_FIXTURE_H

#include "tests/test.h"

#include "pager/uvm.h"

#define PGSIZE	    4096U
#define MODEL_PAGES 48U
#define MODEL_MAX   (MODEL_PAGES * (size_t)PGSIZE)

struct fixture {
	char fx_dir[64];
	const struct uvm_backend *fx_be;
	struct uvm_filebe *fx_fb;
	unsigned fx_depth;  /* uring: for the next backend_create() */
	uint8_t *fx_frames; /* MODEL_PAGES pages */
};

int backend_setup_buffered(void **state);
int backend_setup_direct(void **state);
int backend_setup_uring(void **state);
int backend_teardown(void **state);

#define BUFFERED(test)                                                         \
	cmocka_unit_test_setup_teardown(test, backend_setup_buffered,          \
	    backend_teardown)
#define DIRECT(test)                                                           \
	cmocka_unit_test_setup_teardown(test, backend_setup_direct,            \
	    backend_teardown)
#define URING(test)                                                            \
	cmocka_unit_test_setup_teardown(test, backend_setup_uring,             \
	    backend_teardown)
#define ALL(test) BUFFERED(test), DIRECT(test), URING(test)

/*
 * The backend begins; the test is skipped where the host has no O_DIRECT, or no
 * io_uring.
 */
void backend_create(struct fixture *fx);
void backend_destroy(struct fixture *fx);

void backend_path(const struct fixture *fx, const char *name, char *path,
    size_t size);

/* Do b: within the call, or by uring to the end.  => b_error */
int backend_io(struct fixture *fx, struct uvm_buf *b);

/* One I/O of npages frames from page pgno on, the frames in ascending order. */
int backend_page_io(struct fixture *fx, enum uvm_io io, uint64_t pgno,
    uint32_t npages, uint64_t length, uint64_t *donep);

/* The bytes of a file as anybody reads them; returns how many. */
size_t backend_slurp(const struct fixture *fx, const char *name, uint8_t *buf,
    size_t size);

#endif
