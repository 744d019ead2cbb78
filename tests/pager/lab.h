/*
 * lab: a machine over the recorder, for tests.  Every call is one event of a
 * trace: it must succeed, the daemon gets its turn, and all invariants are
 * checked after it.
 */
#ifndef TESTS_PAGER_LAB_H
#define TESTS_PAGER_LAB_H

#include "tests/test.h"

#include "pager/uvm.h"
#include "tests/pager/recorder.h"

#define PG 4096ULL

struct lab {
	struct uvm *uvm;
	struct recorder rec;
	struct uvm_param up; /* resolved */
	struct uvmexp mark;  /* the counters at lab_mark() */
};

/* Set tunables from "name=value name=value"; of a fresh struct uvm_param. */
void lab_param(struct uvm_param *up, const char *settings);

/* Make a machine; settings as above, NULL for none.  lab_data: with bytes. */
void lab_open(struct lab *lab, const char *settings);
void lab_open_data(struct lab *lab, const char *settings);
void lab_open_with(struct lab *lab, const char *settings,
    const struct uvm_backend *be);
/*
 * As that, with file 1 of so many pages, mapped shared and writable as map 1,
 * all dirty.  From here on I/O ends when the test says so.
 */
void lab_open_dirty(struct lab *lab, const char *settings, uint64_t npages,
    const struct uvm_backend *be);
void lab_close(struct lab *lab);

/* All invariants hold. */
void lab_check(const struct lab *lab);

/* An event made by hand is over: the daemon's turn, and the check. */
void lab_end(struct lab *lab);

/* What counters say of each other, once no event is under way. */
void lab_counters_agree(const struct lab *lab);

/* Count from here, and forget the I/Os so far. */
void lab_mark(struct lab *lab);

/* A file of so many bytes. */
void lab_file(struct lab *lab, uint32_t file, uint64_t size);

/* Map all of a file, or part of it; flags are UVM_MAP_. */
void lab_map(struct lab *lab, uint32_t map, uint32_t file, unsigned flags);
void lab_map_at(struct lab *lab, uint32_t map, uint32_t file, unsigned flags,
    uint64_t offset, uint64_t length);
void lab_unmap(struct lab *lab, uint32_t map);

/* One access. */
enum uvm_outcome lab_access(struct lab *lab, uint32_t map, uint64_t pgno,
    enum uvm_access how);
#define lab_read(lab, map, pgno)  lab_access(lab, map, pgno, UVM_ACCESS_READ)
#define lab_write(lab, map, pgno) lab_access(lab, map, pgno, UVM_ACCESS_WRITE)

/* Accesses from page first to last in this order, each of which must work. */
void lab_scan(struct lab *lab, uint32_t map, uint64_t first, uint64_t last,
    enum uvm_access how);

/* System calls on whole maps that must work. */
void lab_msync(struct lab *lab, uint32_t map, unsigned flags);
void lab_sync(struct lab *lab);
void lab_truncate(struct lab *lab, uint32_t file, uint64_t size);

#define lab_stat(lab) uvm_stat((lab)->uvm)

/* What counter has risen by since the mark. */
#define rise(lab, counter)	     (lab_stat(lab)->counter - (lab)->mark.counter)
#define assert_rise(lab, counter, n) assert_int_equal(rise(lab, counter), n)
#define assert_gauge(lab, gauge, n)  assert_int_equal(lab_stat(lab)->gauge, n)

#define MAP_R  UVM_MAP_READ
#define MAP_RW (UVM_MAP_READ | UVM_MAP_WRITE)

#endif
