/*
 * Events for the pager: an input is a machine's tunables, then events, a few
 * bytes each.  After each of them all invariants hold.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "tests/pager/lab.h"

#define FILES	   5U
#define FILE_PAGES 80U
#define EVENTS_MAX 4000U

struct run {
	struct lab r_lab;
	struct feed r_feed;
	uint32_t r_maps; /* ids given out */
	uint64_t r_now;
};

static uint32_t
below(struct run *r, uint32_t n)
{
	return feed_below(&r->r_feed, n);
}

/* Bytes of a file: whole pages three times out of four. */
static uint64_t
bytes(struct run *r, uint32_t pages)
{
	const uint64_t n = below(r, pages) * PG;

	return below(r, 4) != 0 ? n : n + below(r, PG);
}

/* Sizes, policies, and each quirk by itself or by the profile. */
static void
param_make(struct run *r)
{
	static const uint64_t penalty[] = { RATIO(4, 1), RATIO(0, 1),
		RATIO(1, 8), RATIO_INF };
	struct uvm_param *up = &r->r_lab.up;

	uvm_param_init(up);
	up->profile = below(r, 2);
	up->memory = (100 + below(r, 64)) * PG;
	up->cluster = (1 + below(r, 32)) * PG;
	up->pager_map = up->cluster * (1 + below(r, 4));
	up->cluster_policy = below(r, 3);
	up->advice = below(r, 3);
	up->fault_back = below(r, 16);
	up->fault_forward = below(r, 16);
	up->daemon_rule = below(r, 3);
	up->hash_penalty = penalty[below(r, nitems(penalty))];
	up->hash_buckets = 1U << below(r, 8);
	up->hash_stride = 1 + below(r, 256);
	up->max_vnodes = 1 + below(r, FILES);
	up->sync_interval = below(r, 4) * 50;
	up->inactive = RATIO(below(r, 5), 4);
	if (below(r, 2) == 0)
		up->durability = DURABLE_NONE + below(r, 4);
	for (size_t i = 0; i < uvm_param_count; i++)
		if (uvm_param_table[i].tn_kind == TUN_QUIRK)
			tunable_set(&uvm_param_table[i], up, below(r, 3));
}

/* Asynchronous I/O, too: how much, how far ahead, and how it ends. */
static void
async_make(struct run *r)
{
	struct uvm_param *up = &r->r_lab.up;
	struct recorder *rec = &r->r_lab.rec;

	up->async_put = SWITCH_OFF + below(r, 2);
	up->readahead = READAHEAD_NONE + below(r, 3);
	up->readahead_max = (1 + below(r, 40)) * PG;
	up->io_depth = 1 + below(r, 8);
	/* Faithful it is refused. */
	if (below(r, 8) != 0)
		up->q11_wlist_unlocked = QUIRK_FIXED;
	rec->rec_order = (enum rec_order)below(r, 3);
	rec->rec_lazy = below(r, 3) == 0;
	rec->rec_dice.d_state = below(r, 256);
}

static int
event_mmap(struct run *r)
{
	static const unsigned flags[] = { MAP_RW, MAP_R,
		MAP_RW | UVM_MAP_PRIVATE, MAP_R | UVM_MAP_MAXW,
		MAP_RW | UVM_MAP_INHERITED, MAP_R | UVM_MAP_INHERITED,
		UVM_MAP_EXEC | UVM_MAP_READ, 0 };

	return uvm_sys_mmap(r->r_lab.uvm,
	    &(struct uvm_mmap){ .mm_map = ++r->r_maps,
		.mm_pid = below(r, 3),
		.mm_file = 1 + below(r, FILES),
		.mm_flags = flags[below(r, nitems(flags))],
		.mm_offset = below(r, 20) * PG,
		.mm_length = 1 + bytes(r, FILE_PAGES) });
}

/* A map that was given out, the last ones rather than others. */
static uint32_t
any_map(struct run *r)
{
	const uint32_t back = below(r, 8);

	return r->r_maps > back ? r->r_maps - back : 1;
}

static int
event_access(struct run *r)
{
	struct uvm_map *const map = uvm_map_find(r->r_lab.uvm, any_map(r));
	const enum uvm_access how = below(r, 3);
	uint32_t n = below(r, 32);
	uint64_t pgno;

	if (map == NULL)
		return ESRCH;
	pgno = map->um_first + below(r, (uint32_t)map->um_npages);
	for (; n != 0; n--)
		(void)uvm_access(r->r_lab.uvm, map, pgno++, how);
	return 0;
}

static int
event_map_call(struct run *r, unsigned which)
{
	struct uvm *const uvm = r->r_lab.uvm;
	const uint32_t map = any_map(r);
	const uint64_t offset = bytes(r, FILE_PAGES);
	const uint64_t length = bytes(r, FILE_PAGES);

	switch (which) {
	case 0:
		return uvm_sys_munmap(uvm, map, offset, length);
	case 1:
		return uvm_sys_mprotect(uvm, map, offset, length, below(r, 8));
	case 2:
		return uvm_sys_madvise(uvm, map, offset, length,
		    (enum uvm_madv)below(r, 6));
	default:
		return uvm_sys_msync(uvm, map, offset, length, below(r, 8));
	}
}

static int
event_file_call(struct run *r, unsigned which)
{
	static uint8_t buf[4 * PG];
	struct uvm *const uvm = r->r_lab.uvm;
	const uint32_t file = 1 + below(r, FILES + 1);
	const uint64_t offset = bytes(r, FILE_PAGES);
	const uint64_t length = bytes(r, 4);

	switch (which) {
	case 0:
		return uvm_sys_truncate(uvm, file, offset);
	case 1:
		return uvm_sys_fallocate(uvm, file, offset, length,
		    below(r, 8));
	case 2:
		return uvm_sys_pread(uvm, file, offset, length, buf, NULL);
	case 3:
		return uvm_sys_pwrite(uvm, file, offset, length, buf);
	case 4:
		return uvm_sys_fsync(uvm, file);
	case 5:
		return uvm_sys_open(uvm, file);
	case 6:
		return uvm_sys_close(uvm, file);
	default:
		return uvm_sys_unlink(uvm, file);
	}
}

/* The device goes bad, or good, or refuses to start what is asked of it. */
static void
event_device(struct run *r)
{
	struct recorder *rec = &r->r_lab.rec;
	const uint64_t first = below(r, FILE_PAGES);

	switch (below(r, 4)) {
	case 0:
		rec->rec_bad_file = 0;
		rec->rec_syncerror = 0;
		break;
	case 1:
		rec_fail(rec, (enum uvm_io)below(r, 2), 1 + below(r, FILES),
		    first, first + below(r, FILE_PAGES));
		break;
	case 2:
		rec->rec_syncerror = EIO;
		break;
	default:
		rec->rec_refuse = below(r, 4);
		break;
	}
}

static int
event(struct run *r)
{
	const unsigned which = below(r, 32);

	r->r_now += below(r, 16);
	if (r->r_now >= uvm_next_tick(r->r_lab.uvm))
		(void)!uvm_tick(r->r_lab.uvm, r->r_now);
	if (which < 4)
		return event_map_call(r, which);
	if (which < 12)
		return event_file_call(r, which - 4);
	switch (which) {
	case 12:
		return uvm_sys_exit(r->r_lab.uvm, below(r, 3));
	case 13:
		return uvm_sys_sync(r->r_lab.uvm);
	case 14:
		event_device(r);
		return 0;
	case 15:
		(void)uvm_poll(r->r_lab.uvm);
		return 0;
	case 16:
	case 17:
	case 18:
		return event_mmap(r);
	default:
		return event_access(r);
	}
}

static void
check(struct run *r, uint32_t i)
{
	struct errmsg em = { .em_text = "" };

	FUZZ_CHECK(uvm_check(r->r_lab.uvm, &em) == 0, "event %" PRIu32 ": %s",
	    i, em.em_text);
}

static void
run_events(struct run *r)
{
	uint32_t i;

	for (i = 1; i <= FILES; i++)
		if (uvm_file_add(r->r_lab.uvm, i, bytes(r, FILE_PAGES)) != 0)
			return;
	for (i = 0; r->r_feed.fd_left != 0 && i < EVENTS_MAX &&
	     uvm_failed(r->r_lab.uvm, NULL) == 0;
	     i++) {
		(void)event(r);
		uvm_event_end(r->r_lab.uvm);
		check(r, i);
		rec_clear(&r->r_lab.rec);
	}
	r->r_lab.rec.rec_lazy = false;
	if (uvm_failed(r->r_lab.uvm, NULL) == 0 &&
	    uvm_finish(r->r_lab.uvm) == 0) {
		check(r, i);
		FUZZ_CHECK(r->r_lab.rec.rec_nflying == 0, "I/O is under way");
		lab_counters_agree(&r->r_lab);
	}
}

void
fuzz_pager(const char *name, const uint8_t *data, size_t size)
{
	static const struct uvm_backend *const backends[] = { &recorder_backend,
		&recorder_data_backend, &recorder_async_backend,
		&recorder_async_data_backend };
	struct errmsg em = { .em_text = "" };
	struct run r = { .r_feed = { data, size } };
	uint32_t which;

	(void)name;
	rec_init(&r.r_lab.rec);
	which = below(&r, nitems(backends));
	param_make(&r);
	if (which >= 2)
		async_make(&r);
	if (uvm_param_resolve(&r.r_lab.up, &em) == 0 &&
	    uvm_create(&r.r_lab.up, backends[which], &r.r_lab.rec, &r.r_lab.uvm,
		&em) == 0) {
		run_events(&r);
		uvm_destroy(r.r_lab.uvm);
	} else {
		FUZZ_CHECK(em.em_text[0] != '\0', "refused without a word");
	}
	rec_fini(&r.r_lab.rec);
}
