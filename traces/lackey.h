/*
 * lackey: what valgrind's lackey prints, as raw records.
 *
 *	valgrind --tool=lackey --trace-mem=yes --trace-syscalls=yes
 *	    --trace-sched=yes
 *
 * A line of memory access tells neither process nor thread: it is of the one
 * that the last line of a call or of the scheduler was about.  Time is the count
 * of such lines, a nanosecond each.
 *
 * Several streams may be read by turns, as long as they belong to processes of
 * one tree: each process is known by what its lines say.  The clock is common.
 *
 * The library of uvn record makes calls of prctl(2) that fail, whose arguments
 * are records (preload/ring.h): files are then told apart by inode, else by
 * the path that open(2) was called with.
 *
 *	lackey_create(&ro, false, &lk, em)
 *	lackey_line(lk, stream, line, len, em)
 *	lackey_end(lk, em)
 *	lackey_destroy(lk)
 *
 * Private to traces/.
 */
#ifndef TRACES_LACKEY_H
#define TRACES_LACKEY_H

#include "traces/import_raw.h"

struct lackey;

/*
 * => code: instruction fetches become records, not only time
 * => ENOMEM
 */
int lackey_create(const struct raw_out *ro, bool code, struct lackey **lkp,
    struct errmsg *em) mustcheck;

/*
 * A line, without its newline, of a stream; any number names one.
 *
 * => EBADMSG: it is none of lackey's; what ro_put returns; ENOMEM
 */
int lackey_line(struct lackey *lk, uint32_t stream, const char *line,
    size_t len, struct errmsg *em) mustcheck;

/*
 * No more lines.
 *
 * => EBADMSG: there were accesses, but no system calls
 */
int lackey_end(struct lackey *lk, struct errmsg *em) mustcheck;

/* Lines of memory accesses so far: the time. */
uint64_t lackey_time(const struct lackey *lk);
void lackey_destroy(struct lackey *lk);

#endif
