#include <errno.h>
#include <inttypes.h>

#include "pager/uvm.h"
#include "pager/uvm_page.h"

const struct tunable uvm_param_table[] = {
#define TUNABLE(field, kind, def, min, max, unit, choices, help)               \
	{ #field, TUN_##kind, offsetof(struct uvm_param, field), def, min,     \
		max, unit, choices, help },
#include "pager/uvm_param.def"
#undef TUNABLE
};
const size_t uvm_param_count = nitems(uvm_param_table);

_Static_assert(sizeof(struct uvm_param) ==
	nitems(uvm_param_table) * sizeof(uint64_t),
    "rows only");

void
uvm_param_init(struct uvm_param *up)
{

	tunable_defaults(uvm_param_table, uvm_param_count, up);
}

static bool
power_of_two(uint64_t n)
{

	return n != 0 && (n & (n - 1)) == 0;
}

static uint64_t
clamp(uint64_t n, uint64_t lo, uint64_t hi)
{

	return n < lo ? lo : n > hi ? hi : n;
}

/* What was not set by itself follows the profile. */
static void
resolve_profile(struct uvm_param *up)
{
	const enum quirk quirk =
	    up->profile == PROFILE_1998 ? QUIRK_FAITHFUL : QUIRK_FIXED;
	size_t i;

	if (up->durability != DURABLE_BY_PROFILE &&
	    up->q2_not_durable == QUIRK_BY_PROFILE)
		up->q2_not_durable = up->durability <= DURABLE_1998 ?
		    QUIRK_FAITHFUL :
		    QUIRK_FIXED;
	if (up->profile == PROFILE_1998 && up->async_put == SWITCH_BY_PROFILE)
		up->async_put = SWITCH_OFF;
	if (up->profile == PROFILE_1998 &&
	    up->readahead == READAHEAD_BY_PROFILE)
		up->readahead = READAHEAD_NONE;
	if (up->q11_wlist_unlocked == QUIRK_BY_PROFILE && uvm_param_async(up))
		up->q11_wlist_unlocked = QUIRK_FIXED;

	for (i = 0; i < uvm_param_count; i++) {
		const struct tunable *const tn = &uvm_param_table[i];

		if (tn->tn_kind == TUN_QUIRK &&
		    tunable_get(tn, up) == QUIRK_BY_PROFILE)
			tunable_set(tn, up, quirk);
	}
	if (up->durability == DURABLE_BY_PROFILE)
		up->durability = up->q2_not_durable == QUIRK_FIXED ?
		    DURABLE_FDATASYNC :
		    DURABLE_1998;
}

/* q2 and durability say the same, or one of them is wrong. */
static int
resolve_durability(const struct uvm_param *up, struct errmsg *em)
{

	if ((up->q2_not_durable == QUIRK_FIXED) ==
	    (up->durability > DURABLE_1998))
		return 0;
	return ERRMSG(em, EINVAL,
	    up->q2_not_durable == QUIRK_FIXED ?
		"q2_not_durable=fixed wants durability=fdatasync or dsync: "
		"leave one of the two out" :
		"q2_not_durable=faithful wants durability=none or 1998: leave "
		"one of the two out");
}

/* freemin and freetarg: spec section 5.1; q20. */
static int
resolve_targets(struct uvm_param *up, uint64_t npages, struct errmsg *em)
{
	const uint64_t reserve = up->reserve_kernel;

	if (up->freemin == 0)
		up->freemin = clamp(npages / 20, (16U << 10) / up->page_size,
		    (256U << 10) / up->page_size);
	if (up->freetarg == 0) {
		up->freetarg = up->freemin * 4 / 3;
		if (up->freetarg <= up->freemin)
			up->freetarg = up->freemin + 1;
		if (up->q20_small_memory == QUIRK_FIXED &&
		    up->freetarg <= reserve)
			up->freetarg = reserve + 1;
	}
	if (up->freetarg <= up->freemin)
		return ERRMSG(em, EINVAL,
		    "freetarg=%" PRIu64 " must be above freemin=%" PRIu64,
		    up->freetarg, up->freemin);
	if (up->freetarg <= reserve && npages >= 100)
		return ERRMSG(em, EINVAL,
		    "freetarg=%" PRIu64 " lies within the kernel's reserve of "
		    "%" PRIu64 " pages, so that every fault would wait for "
		    "ever (q20); give a larger freetarg",
		    up->freetarg, reserve);
	if (up->freetarg <= reserve)
		return ERRMSG(em, EINVAL,
		    "memory=%" PRIu64 " is %" PRIu64 " pages of %" PRIu64
		    " bytes: freetarg %" PRIu64 " lies within the kernel's "
		    "reserve of %" PRIu64 " pages, so that every fault would "
		    "wait for ever (q20); give at least 100 pages (%" PRIu64
		    "K), or a larger freetarg",
		    up->memory, npages, up->page_size, up->freetarg, reserve,
		    100 * up->page_size >> 10);
	if (npages <= up->freetarg + 1)
		return ERRMSG(em, EINVAL,
		    "memory=%" PRIu64 " is %" PRIu64 " pages, not enough to "
		    "keep freetarg=%" PRIu64 " of them free",
		    up->memory, npages, up->freetarg);
	return 0;
}

static int
resolve_cluster(const struct uvm_param *up, struct errmsg *em)
{

	if (up->cluster % up->page_size != 0 ||
	    up->cluster / up->page_size > UVM_SLOTS_MAX)
		return ERRMSG(em, EINVAL,
		    "cluster=%" PRIu64 " must be 1 to %d pages of %" PRIu64
		    " bytes",
		    up->cluster, UVM_SLOTS_MAX, up->page_size);
	if (up->pager_map < up->cluster)
		return ERRMSG(em, EINVAL,
		    "pager_map=%" PRIu64 " cannot hold one cluster of %" PRIu64
		    " bytes; give it as much at least",
		    up->pager_map, up->cluster);
	return 0;
}

/*
 * Quirks that threads cannot live with: a page left busy for ever (q9), a list
 * changed without its lock (q11), a flush that waits for itself (q19).
 */
static int
resolve_threads(struct uvm_param *up, struct errmsg *em)
{
	static const size_t quirks[] = {
		offsetof(struct uvm_param, q9_get_error_busy),
		offsetof(struct uvm_param, q11_wlist_unlocked),
		offsetof(struct uvm_param, q19_again_sync),
	};

	if (up->threads == THREADS_ONE)
		return 0;
	for (size_t i = 0; i < nitems(quirks); i++) {
		const struct tunable *const tn =
		    &uvm_param_table[quirks[i] / sizeof(uint64_t)];

		if (tunable_get(tn, up) == QUIRK_FAITHFUL)
			return ERRMSG(em, EINVAL,
			    "%s=faithful is not safe with threads=trace: "
			    "leave it out, or say --threads one",
			    tn->tn_name);
		tunable_set(tn, up, QUIRK_FIXED);
	}
	return 0;
}

bool
uvm_param_async(const struct uvm_param *up)
{

	return up->async_put == SWITCH_ON || up->readahead > READAHEAD_NONE;
}

static int
resolve_async(const struct uvm_param *up, struct errmsg *em)
{

	if (up->readahead_max % up->page_size != 0)
		return ERRMSG(em, EINVAL,
		    "readahead_max=%" PRIu64 " is not a number of pages of "
		    "%" PRIu64 " bytes",
		    up->readahead_max, up->page_size);
	if (uvm_param_async(up) && up->q11_wlist_unlocked == QUIRK_FAITHFUL)
		return ERRMSG(em, EINVAL,
		    "q11_wlist_unlocked=faithful is not safe with asynchronous "
		    "I/O: leave it out, or say --async_put off --readahead "
		    "none");
	return 0;
}

int
uvm_param_settle(struct uvm_param *up, const struct uvm_backend *be,
    struct errmsg *em)
{
	const bool can = be->be_start != NULL;

	if (up->async_put == SWITCH_BY_PROFILE)
		up->async_put = can ? SWITCH_ON : SWITCH_OFF;
	if (up->readahead == READAHEAD_BY_PROFILE)
		up->readahead = can ? READAHEAD_ADAPTIVE : READAHEAD_NONE;
	return resolve_async(up, em);
}

int
uvm_param_resolve(struct uvm_param *up, struct errmsg *em)
{
	uint64_t npages;
	int error;

	if (!power_of_two(up->page_size))
		return ERRMSG(em, EINVAL,
		    "page_size=%" PRIu64 " is not a power of two",
		    up->page_size);
	npages = up->memory / up->page_size;
	if (npages > FRAMES_MAX)
		return ERRMSG(em, EINVAL,
		    "memory=%" PRIu64 " is %" PRIu64 " pages of %" PRIu64
		    " bytes; at most %" PRIu64 " can be simulated",
		    up->memory, npages, up->page_size, (uint64_t)FRAMES_MAX);
	if ((error = resolve_threads(up, em)) != 0)
		return error;
	resolve_profile(up);
	if ((error = resolve_targets(up, npages, em)) != 0 ||
	    (error = resolve_cluster(up, em)) != 0 ||
	    (error = resolve_durability(up, em)) != 0 ||
	    (error = resolve_async(up, em)) != 0)
		return error;
	if (up->hash_buckets == 0)
		for (up->hash_buckets = 1; up->hash_buckets < npages;)
			up->hash_buckets *= 2;
	if (!power_of_two(up->hash_buckets))
		return ERRMSG(em, EINVAL,
		    "hash_buckets=%" PRIu64 " is not a power of two",
		    up->hash_buckets);
	return 0;
}
