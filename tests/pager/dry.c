#include "tests/pager/dry.h"

#include <inttypes.h>
#include <string.h>

static struct world *current;

static uint64_t
ticks(void)
{
	return ++current->wo_ticks;
}

static void
keep_flush(void *arg, const struct uvm_flushinfo *fi)
{
	struct world *const wo = arg;

	if (wo->wo_nflush < FLUSHES)
		wo->wo_flush[wo->wo_nflush++] = *fi;
}

static void
keep_traverse(void *arg, bool on)
{
	struct world *const wo = arg;

	assert_int_not_equal(wo->wo_on, on);
	wo->wo_on = on;
	wo->wo_turns++;
}

void
world_map(struct world *wo, uint32_t map, unsigned flags)
{

	must(uvm_sys_mmap(wo->wo_uvm,
	    &(struct uvm_mmap){
		.mm_map = map,
		.mm_pid = map,
		.mm_file = 1,
		.mm_length = PAGES * PG,
		.mm_flags = flags,
	    }));
}

void
world_make(struct world *wo, const struct uvm_param *up, bool both)
{
	struct errmsg em = { .em_text = "" };
	const struct uvm_observer uo = {
		.uo_arg = wo,
		.uo_clock = ticks,
		.uo_flush = keep_flush,
		.uo_traverse = keep_traverse,
		.uo_both = both,
	};

	(void)memset(wo, 0, sizeof(*wo));
	current = wo;
	rec_init(&wo->wo_rec);
	must_em(uvm_create(up, &recorder_backend, &wo->wo_rec, &wo->wo_uvm,
		    &em),
	    &em);
	uvm_observe(wo->wo_uvm, &uo);
	must(uvm_file_add(wo->wo_uvm, 1, PAGES * PG));
}

void
world_end(struct world *wo)
{

	uvm_destroy(wo->wo_uvm);
	rec_fini(&wo->wo_rec);
}

void
world_touch(struct world *wo, uint32_t map, uint64_t pgno, bool write)
{
	struct uvm_map *const um = uvm_map_find(wo->wo_uvm, map);

	if (um != NULL)
		(void)uvm_access(wo->wo_uvm, um, pgno,
		    write ? UVM_ACCESS_WRITE : UVM_ACCESS_READ);
	uvm_event_end(wo->wo_uvm);
}

void
world_now(struct world *wo)
{

	current = wo;
}

const struct uvm_flushinfo *
world_choice(const struct world *wo)
{

	for (size_t i = 0; i < wo->wo_nflush; i++)
		if (wo->wo_flush[i].fi_choice)
			return &wo->wo_flush[i];
	return NULL;
}

void
foretold_is(const struct uvm_flushinfo *foretold,
    const struct uvm_flushinfo *done, uint64_t seed)
{
	if (foretold->fi_other_visits == done->fi_visits &&
	    foretold->fi_other_lookups == done->fi_lookups &&
	    foretold->fi_other_writes == done->fi_writes)
		return;
	fail_msg("seed %" PRIu64 ", by %s, flags %x: visits %" PRIu64
		 " foretold %" PRIu64 ", lookups %" PRIu64 " foretold %" PRIu64
		 ", writes %" PRIu64 " foretold %" PRIu64,
	    seed, done->fi_by_list ? "list" : "hash", done->fi_flags,
	    done->fi_visits, foretold->fi_other_visits, done->fi_lookups,
	    foretold->fi_other_lookups, done->fi_writes,
	    foretold->fi_other_writes);
}
