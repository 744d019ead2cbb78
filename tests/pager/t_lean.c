/*
 * Two machines see the same random events.  One may take common faults in one
 * piece, or in a run of them; the other, whose observer wants to hear of every
 * I/O, may not.  After every event they are the same to the last bit: outcomes,
 * counters, frames, hash, page tables.  The seed is printed; UVN_SEED repeats a
 * run.
 */
#include "tests/pager/core.h"

#include <inttypes.h>
#include <string.h>

#include "pager/uvm_run.h"
#include "tests/dice.h"

#define FILES	 3U
#define MACHINES 60U
#define EVENTS	 1200U
#define SIZE	 500U /* pages of a file */
#define OUTCOMES (UVM_FAULT_NOMAP + 1U)

struct machine {
	struct uvm *m_uvm;
	uint64_t m_told; /* reads of one page */
	uint64_t m_other;
	uint32_t m_maps; /* ids given out */
	uint64_t m_run;	 /* faults of runs */
	uint64_t m_now;
};

static void
hear_io(void *arg, const struct uvm_buf *b)
{
	struct machine *const m = arg;

	if (b->b_io == UVM_READ && b->b_npages == 1)
		m->m_told++;
	else
		m->m_other++;
}

static void
machine_open(struct machine *m, const struct uvm_param *up, bool lean)
{
	struct errmsg em = { .em_text = "" };
	uint32_t i;

	must_em(uvm_create(up, &uvm_backend_null, NULL, &m->m_uvm, &em), &em);
	uvm_observe(m->m_uvm,
	    &(struct uvm_observer){ .uo_arg = m,
		.uo_io = hear_io,
		.uo_lean = lean });
	for (i = 1; i <= FILES; i++)
		must(uvm_file_add(m->m_uvm, i, SIZE * PG - i * 100));
}

static void
random_param(struct dice *d, struct uvm_param *up)
{
	struct errmsg em = { .em_text = "" };

	uvm_param_init(up);
	up->memory = (100 + roll(d, 300)) * PG;
	up->advice = roll(d, 3) == 0 ? ADVICE_RANDOM : ADVICE_NORMAL;
	up->daemon_rule = roll(d, 4) == 0 ? DAEMON_WAIT : DAEMON_EVENT;
	up->hash_buckets = 1U << roll(d, 10);
	up->fault_back = roll(d, 6);
	up->fault_forward = roll(d, 6);
	up->sync_interval = 400;
	must_em(uvm_param_resolve(up, &em), &em);
}

static uint32_t
any_map(const struct machine *m, struct dice *d)
{
	const uint32_t back = roll(d, 5);

	return m->m_maps > back ? m->m_maps - back : 1;
}

/* An access by itself: into sum[write][outcome]. */
static void
single(struct machine *m, struct uvm_map *map, uint32_t at,
    uint32_t sum[2][OUTCOMES])
{
	const uint32_t write = UVM_AT_WRITE(at);

	sum[write][uvm_access(m->m_uvm, map, UVM_AT_PAGE(at),
	    write ? UVM_ACCESS_WRITE : UVM_ACCESS_READ)]++;
	uvm_event_end(m->m_uvm);
}

/*
 * A run of accesses: the machine that may does its faults together, and the
 * others as hits, which are counted only.  Hints change nothing.
 */
static void
run(struct machine *m, struct uvm_run *ur, uint32_t sum[2][OUTCOMES])
{

	for (uint32_t k = 0; k < ur->ur_n; k++) {
		sum[UVM_AT_WRITE(ur->ur_at[k])][UVM_HIT_MAPPED]++;
		ur->ur_writes |= UVM_AT_WRITE(ur->ur_at[k]);
	}
	ur->ur_due = uvm_run_due(ur, 0);
	uvm_hint_hash(m->m_uvm, ur->ur_map, ur->ur_at, ur->ur_due);
	uvm_hint_pages(m->m_uvm, ur->ur_map, ur->ur_at, ur->ur_due);
	while (ur->ur_due != 0) {
		const unsigned done = ur->ur_done;
		const uint32_t lost = uvm_lost(m->m_uvm);
		const uint64_t deact = uvm_stat(m->m_uvm)->pddeact;

		uvm_fault_run(m->m_uvm, ur);
		if (uvm_stat(m->m_uvm)->pddeact != deact)
			assert_true(uvm_lost_since(m->m_uvm, lost));
		if (ur->ur_done == done) {
			const uint32_t k = (uint32_t)__builtin_ctz(ur->ur_due);

			sum[UVM_AT_WRITE(ur->ur_at[k])][UVM_HIT_MAPPED]--;
			single(m, ur->ur_map, ur->ur_at[k], sum);
			ur->ur_due = uvm_run_due(ur, k + 1);
		} else if (uvm_event_due(m->m_uvm)) {
			uvm_event_end(m->m_uvm);
			ur->ur_due = uvm_run_due(ur, ur->ur_last + 1);
		} else if (ur->ur_due != 0) {
			/* Nothing that lacks something was forgotten. */
			assert_int_equal(uvm_run_due(ur, ur->ur_last + 1) &
				~ur->ur_due,
			    0);
		}
	}
	for (unsigned miss = 0; miss < 2; miss++) {
		const enum uvm_outcome as = miss ? UVM_MISS : UVM_HIT_RESIDENT;
		const uint32_t writes = ur->ur_fault_writes[miss];
		const uint32_t reads = ur->ur_faults[miss] - writes;

		sum[0][as] += reads;
		sum[0][UVM_HIT_MAPPED] -= reads;
		sum[1][as] += writes;
		sum[1][UVM_HIT_MAPPED] -= writes;
		m->m_run += reads + writes;
	}
}

static uint64_t
accesses_run(struct machine *m, struct uvm_map *map, struct dice *d)
{
	uint32_t sum[2][OUTCOMES] = { { 0 } };
	const uint32_t n = 1 + roll(d, UVM_BLOCK), writes = roll(d, 3);
	const uint32_t near = 1 + roll(d, (uint32_t)map->um_npages);
	const bool turns = roll(d, 4) != 0;
	uint64_t mapped, digest = 0;
	uint32_t at[UVM_BLOCK];

	for (uint32_t k = 0; k < n; k++)
		at[k] = (uint32_t)(map->um_first + roll(d, near)) << 1 |
		    (roll(d, 4) < writes);
	mapped = uvm_stat(m->m_uvm)->mapped_hits;
	if (m->m_uvm->leanable) {
		run(m,
		    &(struct uvm_run){ .ur_map = map,
			.ur_at = at,
			.ur_n = n,
			.ur_turns = turns },
		    sum);
		mapped = uvm_stat(m->m_uvm)->mapped_hits - mapped;
		uvm_count_hits(m->m_uvm,
		    sum[0][UVM_HIT_MAPPED] + sum[1][UVM_HIT_MAPPED] - mapped);
	} else {
		for (uint32_t k = 0; k < n; k++)
			single(m, map, at[k], sum);
	}
	for (unsigned i = 0; i < 2 * OUTCOMES; i++)
		digest = digest * 37 + sum[i / OUTCOMES][i % OUTCOMES];
	return digest;
}

static uint64_t
accesses(struct machine *m, struct dice *d)
{
	struct uvm_map *const map = uvm_map_find(m->m_uvm, any_map(m, d));
	const bool far = roll(d, 2) != 0;
	const uint32_t writes = roll(d, 3);
	uint32_t n = roll(d, 60);
	uint64_t pgno, sum = 0;

	if (map == NULL)
		return 0;
	if (roll(d, 2) == 0)
		return accesses_run(m, map, d);
	pgno = map->um_first + roll(d, (uint32_t)map->um_npages);
	for (; n != 0; n--) {
		const enum uvm_access how = roll(d, 4) < writes ?
		    UVM_ACCESS_WRITE :
		    (enum uvm_access)(roll(d, 2) * UVM_ACCESS_IFETCH);

		pgno = far ? map->um_first + roll(d, (uint32_t)map->um_npages) :
			     pgno + 1;
		sum = sum * 7 + (uint64_t)uvm_access(m->m_uvm, map, pgno, how);
		uvm_event_end(m->m_uvm);
	}
	return sum;
}

static uint64_t
call(struct machine *m, struct dice *d)
{
	static const unsigned flags[] = { MAP_R, MAP_RW, MAP_RW, MAP_RW,
		MAP_RW | UVM_MAP_PRIVATE, MAP_R | UVM_MAP_MAXW,
		UVM_MAP_EXEC | UVM_MAP_READ };
	const uint64_t offset = roll(d, SIZE) * PG;
	const uint64_t length = roll(d, SIZE * PG);
	const uint32_t map = any_map(m, d), file = 1 + roll(d, FILES);
	const bool whole = roll(d, 2) != 0;
	struct uvm *const uvm = m->m_uvm;

	switch (roll(d, 12)) {
	case 0:
	case 1:
	case 2:
		return (uint64_t)uvm_sys_mmap(uvm,
		    &(struct uvm_mmap){ .mm_map = ++m->m_maps,
			.mm_file = file,
			.mm_flags = flags[roll(d, nitems(flags))],
			.mm_offset = whole ? 0 : offset,
			.mm_length = whole ? SIZE * PG : 1 + length });
	case 3:
		return (uint64_t)uvm_sys_munmap(uvm, map, offset, length / 8);
	case 4:
		return (uint64_t)uvm_sys_mprotect(uvm, map, offset, length,
		    roll(d, 8));
	case 5:
	case 6:
		return (uint64_t)uvm_sys_madvise(uvm, map, offset, length,
		    (enum uvm_madv)roll(d, 6));
	case 7:
	case 8:
		return (uint64_t)uvm_sys_msync(uvm, map, offset, length,
		    roll(d, 8));
	case 9:
		return (uint64_t)uvm_sys_truncate(uvm, file,
		    offset / 4 + SIZE * PG * 3 / 4 + roll(d, PG));
	case 10:
		return (uint64_t)uvm_sys_pwrite(uvm, file, offset, length / 32,
		    NULL);
	default:
		return (uint64_t)uvm_sys_fsync(uvm, file);
	}
}

/* One event, the same for both. */
static uint64_t
event(struct machine *m, struct dice d)
{
	uint64_t sum;

	m->m_now += roll(&d, 8);
	if (m->m_now >= uvm_next_tick(m->m_uvm))
		must(uvm_tick(m->m_uvm, m->m_now));
	sum = roll(&d, 6) == 0 ? call(m, &d) : accesses(m, &d);
	uvm_event_end(m->m_uvm);
	return sum;
}

/* Two machines of the same tunables are at the same point. */
static void
same(const struct uvm *a, const struct uvm *b)
{

	assert_memory_equal(uvm_stat(a), uvm_stat(b), sizeof(struct uvmexp));
	assert_memory_equal(a->mem.pm_frame, b->mem.pm_frame,
	    a->mem.pm_framelen);
	/* Versions are the flush's, which only has to see that they change. */
	for (uint64_t i = 1; i < a->mem.pm_fresh; i++) {
		const struct vm_page_rare *const ra = &a->mem.pm_rare[i],
						 *const rb = &b->mem.pm_rare[i];

		assert_int_equal(ra->nmaps, rb->nmaps);
		assert_int_equal(ra->wire_count, rb->wire_count);
	}
	assert_memory_equal(a->mem.pm_bucket, b->mem.pm_bucket,
	    a->mem.pm_bucketlen);
	assert_int_equal(a->mem.pm_free.pl_head, b->mem.pm_free.pl_head);
	assert_int_equal(a->mem.pm_active.pl_tail, b->mem.pm_active.pl_tail);
	assert_int_equal(a->hot.uh_due, b->hot.uh_due);
}

static void
same_maps(const struct machine *a, const struct machine *b)
{

	for (uint32_t id = 1; id <= a->m_maps; id++) {
		const struct uvm_map *const ma = uvm_map_find(a->m_uvm, id);
		const struct uvm_map *const mb = uvm_map_find(b->m_uvm, id);

		assert_int_equal(ma == NULL, mb == NULL);
		if (ma != NULL && mb != NULL)
			assert_memory_equal(ma->um_pte, mb->um_pte,
			    ma->um_npages);
	}
}

static void
two_machines(struct dice *d, uint64_t *untoldp, uint64_t *toldp, uint64_t *runp)
{
	struct machine lean = { .m_maps = 0 }, plain = { .m_maps = 0 };
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;

	random_param(d, &up);
	machine_open(&lean, &up, true);
	machine_open(&plain, &up, false);
	lean.m_uvm->mem.pm_far = roll(d, 2) != 0;
	assert_true(lean.m_uvm->leanable);
	assert_false(plain.m_uvm->leanable);
	for (uint32_t i = 0; i < EVENTS; i++) {
		const struct dice both = { dice_next(d) };
		const uint64_t sum = event(&lean, both);

		assert_int_equal(event(&plain, both), sum);
		same(lean.m_uvm, plain.m_uvm);
		same_maps(&lean, &plain);
		must_em(uvm_check(lean.m_uvm, &em), &em);
		if (uvm_failed(lean.m_uvm, NULL) != 0)
			break;
	}
	assert_int_equal(uvm_failed(lean.m_uvm, NULL),
	    uvm_failed(plain.m_uvm, NULL));
	assert_int_equal(uvm_untold(plain.m_uvm), 0);
	assert_int_equal(uvm_untold(lean.m_uvm) + lean.m_told, plain.m_told);
	assert_int_equal(lean.m_other, plain.m_other);
	*untoldp += uvm_untold(lean.m_uvm);
	*toldp += lean.m_told;
	*runp += lean.m_run;
	uvm_destroy(lean.m_uvm);
	uvm_destroy(plain.m_uvm);
}

static void
common_faults_leave_what_others_leave(void **state)
{
	uint64_t seed = dice_seed(), untold = 0, told = 0, of_runs = 0;
	struct dice d;

	(void)state;
	for (unsigned i = 0; i < MACHINES; i++, seed++) {
		d.d_state = seed;
		two_machines(&d, &untold, &told, &of_runs);
	}
	print_message("%" PRIu64 " reads in one piece, %" PRIu64
		      " not, %" PRIu64 " faults of runs\n",
	    untold, told, of_runs);
	/* All ways were gone. */
	assert_true(of_runs > 10000);
	assert_true(untold > 10000);
	assert_true(told > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_faults_leave_what_others_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
