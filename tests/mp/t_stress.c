/*
 * t_stress: many threads on one machine with tiny memory and a few small files:
 * faults, stores, msync, truncate, write, sync, detach and attach, unlink, all
 * at once, with delays at every lock release, wait and I/O.
 *
 * Each thread has maps of its own, so that it may unmap them; objects, files,
 * pages, queues and descriptors are everybody's.  What a store leaves is known:
 * it is done while the page is held.  Stores and write(2) have pages of their
 * own, since in 1998 neither sees the other; each of the latter is one
 * thread's, so that the order of its writes is known.
 *
 * A store must find what the store before it left.  When all have ended the
 * machine is checked, everything is synchronised, and each page of each file
 * must hold what was last put there.  A page of the second half of files 2 and
 * 3, and any of file 4, may be zero instead: the file may have been shorter
 * meanwhile, or unlinked.
 *
 * UVN_SEED= and STRESS_SECONDS= in the environment; the seed is printed.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pager/uvm.h"
#include "tests/dice.h"
#include "tests/mp/membe.h"
#include "tests/test.h"

#define THREADS 8
#define FILES	4
#define PAGES	64 /* of each file, at most */
#define PGSIZE	4096
#define KEPT	(PAGES / 2) /* no truncate takes these */

struct stress {
	struct uvm *st_uvm;
	struct membe *st_be;
	uint64_t st_stamp[FILES + 1][PAGES]; /* of the last store */
	uint32_t st_maps;		     /* ids given out */
	uint64_t st_stamps;		     /* given out */
	uint64_t st_seed;
	time_t st_end;
	bool st_few; /* a thread has one map at most */
};

struct worker {
	pthread_t wk_thread;
	struct stress *wk_st;
	struct dice wk_dice;
	uint32_t wk_map[FILES + 1]; /* 0: none */
	unsigned wk_n;
	int wk_error;
};

static uint64_t
rnd(struct worker *wk, uint64_t below)
{

	return dice_below(&wk->wk_dice, below);
}

/* The page of each file that wk's write(2)s go to, and no stores. */
static uint64_t
written_page(const struct worker *wk)
{

	return wk->wk_n * (PAGES / THREADS) + PAGES / THREADS - 1;
}

static bool
is_written(uint64_t page)
{

	return page % (PAGES / THREADS) == PAGES / THREADS - 1;
}

/* Did the page keep what was last put there? */
static bool
is_kept(const struct stress *st, uint32_t file, uint64_t page, uint64_t have)
{
	const bool may_be_lost = file == FILES || (file != 1 && page >= KEPT);

	return have == st->st_stamp[file][page] || (may_be_lost && have == 0);
}

/* A store: the object is locked, so that stamps of a page come one by one. */
struct stamp {
	struct stress *sp_st;
	uint32_t sp_file;
	uint64_t sp_page;
};

static void
put_stamp(void *arg, void *bytes)
{
	const struct stamp *const sp = arg;
	struct stress *const st = sp->sp_st;
	const uint64_t seq =
	    __atomic_add_fetch(&st->st_stamps, 1, __ATOMIC_RELAXED);
	uint64_t have;

	thread_check(bytes != NULL);
	memcpy(&have, bytes, sizeof(have));
	thread_check(is_kept(st, sp->sp_file, sp->sp_page, have));
	st->st_stamp[sp->sp_file][sp->sp_page] = seq;
	memcpy(bytes, &seq, sizeof(seq));
}

static void
access_one(struct worker *wk, uint32_t file)
{
	struct stress *const st = wk->wk_st;
	struct uvm_map *const map = uvm_map_find(st->st_uvm, wk->wk_map[file]);
	struct stamp sp = { st, file, rnd(wk, PAGES) };
	const struct uvm_store store = { put_stamp, &sp };
	const bool write = rnd(wk, 3) == 0 && !is_written(sp.sp_page);
	enum uvm_outcome got;

	thread_check(map != NULL);
	if (write)
		got = uvm_access_store(st->st_uvm, map, sp.sp_page,
		    UVM_ACCESS_WRITE, &store);
	else
		got = uvm_access(st->st_uvm, map, sp.sp_page, UVM_ACCESS_READ);
	/* The file may be shorter than that. */
	thread_check(got < UVM_FAULT_PROT || got == UVM_FAULT_BAD);
}

static void
attach(struct worker *wk, uint32_t file)
{
	struct stress *const st = wk->wk_st;

	wk->wk_map[file] =
	    __atomic_add_fetch(&st->st_maps, 1, __ATOMIC_RELAXED);
	wk->wk_error = uvm_sys_mmap(st->st_uvm,
	    &(struct uvm_mmap){ .mm_map = wk->wk_map[file],
		.mm_pid = wk->wk_n + 1,
		.mm_file = file,
		.mm_flags = UVM_MAP_READ | UVM_MAP_WRITE | UVM_MAP_MAXW,
		.mm_length = (uint64_t)PAGES * PGSIZE });
}

/* Of file 1 nothing is ever lost, of 2 and 3 what lies behind KEPT. */
static int
shorten(struct worker *wk, uint32_t file)
{
	struct uvm *const uvm = wk->wk_st->st_uvm;

	if (file == 1)
		return 0;
	if (file == FILES && rnd(wk, 8) == 0)
		return uvm_sys_unlink(uvm, file);
	if (file == FILES)
		return uvm_sys_truncate(uvm, file,
		    rnd(wk, PAGES + 1) * PGSIZE + rnd(wk, 2) * 100);
	return uvm_sys_truncate(uvm, file,
	    (KEPT + rnd(wk, PAGES - KEPT + 1)) * PGSIZE + rnd(wk, 2) * 100);
}

static int
write_page(struct worker *wk, uint32_t file)
{
	struct stress *const st = wk->wk_st;
	const uint64_t page = written_page(wk);
	uint64_t bytes[PGSIZE / sizeof(uint64_t)] = { 0 };

	bytes[0] = __atomic_add_fetch(&st->st_stamps, 1, __ATOMIC_RELAXED);
	st->st_stamp[file][page] = bytes[0];
	return uvm_sys_pwrite(st->st_uvm, file, page * PGSIZE, sizeof(bytes),
	    bytes);
}

/* Of the calls that are not accesses; file has a map, or not. */
static int
call_one(struct worker *wk, uint32_t file)
{
	struct stress *const st = wk->wk_st;
	struct uvm *const uvm = st->st_uvm;
	const uint64_t page = rnd(wk, PAGES);
	const uint64_t offset = page * PGSIZE;
	const uint64_t length = (rnd(wk, PAGES - page) + 1) * PGSIZE;
	const uint32_t map = wk->wk_map[file];

	switch (rnd(wk, 13)) {
	case 0:
	case 1:
	case 2:
		return uvm_sys_msync(uvm, map, offset, length, UVM_MS_SYNC);
	case 3:
		return uvm_sys_msync(uvm, map, offset, length, UVM_MS_ASYNC);
	case 4:
		return uvm_sys_msync(uvm, map, offset, length,
		    UVM_MS_SYNC | UVM_MS_INVALIDATE);
	case 5:
		return shorten(wk, file);
	case 6:
		wk->wk_map[file] = 0;
		return uvm_sys_munmap(uvm, map, 0, 0);
	case 7:
		return uvm_sys_fsync(uvm, file);
	case 8:
		return uvm_sys_sync(uvm);
	case 9:
		return uvm_sys_madvise(uvm, map, offset, length,
		    rnd(wk, 2) == 0 ? UVM_MADV_WILLNEED : UVM_MADV_DONTNEED);
	case 10:
		return uvm_sys_pread(uvm, file, offset, length, NULL, NULL);
	case 11:
		return write_page(wk, file);
	default:
		return rnd(wk, 2) == 0 ? uvm_sys_open(uvm, file) :
					 uvm_sys_close(uvm, file);
	}
}

/* All it has: of several threads that do, one is the last of an object. */
static void
unmap(struct worker *wk)
{

	for (uint32_t file = 1; file <= FILES && wk->wk_error == 0; file++) {
		if (wk->wk_map[file] != 0)
			wk->wk_error = uvm_sys_munmap(wk->wk_st->st_uvm,
			    wk->wk_map[file], 0, 0);
		wk->wk_map[file] = 0;
	}
}

static void *
work(void *arg)
{
	struct worker *const wk = arg;
	struct stress *const st = wk->wk_st;

	thread_check(uvm_thread_join(st->st_uvm) == 0);
	while (time(NULL) < st->st_end && wk->wk_error == 0) {
		const uint32_t file = (uint32_t)rnd(wk, FILES) + 1;

		if (wk->wk_map[file] == 0 && st->st_few && rnd(wk, 8) != 0)
			continue;
		if (wk->wk_map[file] == 0 && st->st_few)
			unmap(wk);
		if (wk->wk_map[file] == 0)
			attach(wk, file);
		else if (rnd(wk, 8) != 0)
			access_one(wk, file);
		else
			wk->wk_error = call_one(wk, file);
		uvm_event_end(st->st_uvm);
	}
	unmap(wk);
	uvm_thread_leave(st->st_uvm);
	return NULL;
}

/* What the files hold in the end. */
static void
verify(const struct stress *st)
{

	for (uint32_t file = 1; file <= FILES; file++)
		for (uint64_t page = 0; page < PAGES; page++) {
			const uint64_t want = st->st_stamp[file][page];
			const uint64_t have =
			    membe_word(st->st_be, file, page * PGSIZE);

			if (!is_kept(st, file, page, have))
				fail_msg("file %" PRIu32 " page %" PRIu64
					 ": %" PRIu64 ", not %" PRIu64,
				    file, page, have, want);
		}
}

/* Run THREADS workers for a while; the machine is as the tunables say. */
static void
storm(void (*tune)(struct uvm_param *), bool few)
{
	struct stress st = { .st_seed = dice_seed(), .st_few = few };
	struct worker workers[THREADS] = { 0 };
	const char *seconds = getenv("STRESS_SECONDS");
	const char *why = "";
	const struct uvmexp *exp;
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;

	uvm_param_init(&up);
	up.memory = 128 * PGSIZE;
	up.threads = THREADS_TRACE;
	up.chaos = 50;
	up.chaos_seed = st.st_seed;
	up.freemin = 12;
	up.freetarg = 16;
	up.max_vnodes = 3;
	tune(&up);
	if (uvm_param_resolve(&up, &em) != 0)
		fail_msg("%s", em.em_text);
	st.st_be = membe_create(FILES, PGSIZE, st.st_seed);
	if (uvm_create(&up, &membe_backend, st.st_be, &st.st_uvm, &em) != 0)
		fail_msg("%s", em.em_text);
	for (uint32_t file = 1; file <= FILES; file++)
		assert_int_equal(uvm_file_add(st.st_uvm, file,
				     (uint64_t)PAGES * PGSIZE),
		    0);
	if (uvm_threads_start(st.st_uvm, &em) != 0)
		fail_msg("%s", em.em_text);
	st.st_end =
	    time(NULL) + (seconds != NULL ? strtol(seconds, NULL, 10) : 3);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].wk_st = &st;
		workers[i].wk_n = i;
		/* The backend rolls those of the seed itself. */
		workers[i].wk_dice.d_state = st.st_seed + 1 + i;
		assert_int_equal(pthread_create(&workers[i].wk_thread, NULL,
				     work, &workers[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].wk_thread, NULL), 0);
	if (uvm_failed(st.st_uvm, &why) != 0)
		fail_msg("%s", why);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].wk_error, 0);
	uvm_threads_stop(st.st_uvm);
	assert_int_equal(uvm_sys_sync(st.st_uvm), 0);
	uvm_event_end(st.st_uvm);
	if (uvm_check(st.st_uvm, &em) != 0)
		fail_msg("%s", em.em_text);
	verify(&st);
	/* A storm in which nothing happens proves nothing. */
	exp = uvm_stat(st.st_uvm);
	assert_true(exp->pageout_ios > 0);
	assert_true(st.st_stamps > 0);
	assert_true(exp->memory_waits > 0);
	assert_int_equal(exp->aiodones > 0, up.async_put == SWITCH_ON);
	/* Each access has one outcome, or none. */
	assert_true(exp->mapped_hits + exp->resident_hits + exp->misses <=
	    exp->accesses);
	print_message("%" PRIu64 " accesses, %" PRIu64 " misses, %" PRIu64
		      " page-outs, %" PRIu64 " waits for memory\n",
	    exp->accesses, exp->misses, exp->pageout_ios, exp->memory_waits);
	uvm_destroy(st.st_uvm);
	membe_destroy(st.st_be);
}

static void
synchronous(struct uvm_param *up)
{

	/* It loses stores, and is known for it. */
	up->q6_eof_page = QUIRK_FIXED;
}

static void
asynchronous(struct uvm_param *up)
{

	up->profile = PROFILE_MODERN;
	up->async_put = SWITCH_ON;
	up->readahead = READAHEAD_ADAPTIVE;
	up->io_depth = 4;
	up->pager_map = 64U << 10;
}

static void
files_hold_the_last_store_with_synchronous_io(void **state)
{

	(void)state;
	storm(synchronous, false);
}

static void
files_hold_the_last_store_with_asynchronous_io(void **state)
{

	(void)state;
	storm(asynchronous, false);
}

static void
narrow(struct uvm_param *up)
{

	synchronous(up);
	up->memory = 64 * PGSIZE;
	up->cluster = PGSIZE;
	up->pager_map = 2 * PGSIZE;
}

static void
and_so_when_maps_are_few_and_io_is_refused(void **state)
{

	(void)state;
	storm(narrow, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_hold_the_last_store_with_synchronous_io),
		cmocka_unit_test(
		    files_hold_the_last_store_with_asynchronous_io),
		cmocka_unit_test(and_so_when_maps_are_few_and_io_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
