/*
 * stats_pages.c: accesses to pages, for all that goes by pages.
 */
#include "traces/stats_i.h"

/* Of the leaf of an event's first page. */
static struct stats_key
leaf_key(const struct trace_stats *ts, const struct trace_event *te)
{
	return (struct stats_key){ te->te_offset >> ts->ts_shift >> LEAF_BITS,
		trace_place(&ts->ts_places, te->te_file) };
}

/* The slots have run out: number them anew. */
static void
renumber(struct trace_stats *ts)
{
	struct page_order *const po = &ts->ts_order;

	order_squeeze(po);
	for (size_t i = 0; i < ts->ts_leaves.tb_n; i++) {
		struct page_leaf *const pl = table_record(&ts->ts_leaves, i);

		for (unsigned k = 0; k < LEAF_PAGES; k++)
			if (pl->pl_slot[k] != 0)
				pl->pl_slot[k] = order_anew(po, pl->pl_slot[k]);
	}
	for (unsigned i = 0; i <= ts->ts_work.wp_now; i++)
		ts->ts_work.wp_slot[i] = order_anew(po, ts->ts_work.wp_slot[i]);
	if (order_settle(po) != 0)
		ts->ts_budget.sb_spent = true;
}

/* An access to the page that is a bit of its leaf. */
static void
page_take(struct trace_stats *ts, struct page_leaf *pl, unsigned bit,
    bool write)
{
	const uint8_t mask = (uint8_t)(1U << bit);
	struct page_order *const po = &ts->ts_order;
	const uint32_t slot = pl->pl_slot[bit];

	if ((pl->pl_seen[write] & mask) == 0) {
		struct stats_file *const sf =
		    &ts->ts_result.sr_files[pl->pl_key.sk_b];

		sf->sf_touched += slot == 0;
		ts->ts_result.sr_touched += slot == 0;
		sf->sf_pages[write]++;
		pl->pl_seen[write] |= mask;
	}
	if (slot != 0 && !po->po_fast)
		stats_hist_add(&ts->ts_result.sr_reuse, order_after(po, slot));
	work_access(&ts->ts_work, slot);
	/* The last page of all keeps its slot, if it is of this time. */
	if (slot + 1 != po->po_next ||
	    slot < ts->ts_work.wp_slot[ts->ts_work.wp_now])
		pl->pl_slot[bit] = order_touch(po, slot);
	if (order_full(po))
		renumber(ts);
}

/* The leaf of a key, or NULL: no memory for it. */
static struct page_leaf *
leaf(struct trace_stats *ts, struct stats_key key)
{
	struct page_leaf *pl = ts->ts_leaf;

	if (pl == NULL || pl->pl_key.sk_a != key.sk_a ||
	    pl->pl_key.sk_b != key.sk_b)
		pl = table_get(&ts->ts_leaves, key);
	return pl;
}

void
pages_take(struct trace_stats *ts, uint32_t file, uint64_t first, uint64_t end,
    bool write, bool dirty)
{
	while (first < end && following(ts)) {
		const struct stats_key key = { first >> LEAF_BITS, file };
		struct page_leaf *const pl = leaf(ts, key);
		unsigned bit = first % LEAF_PAGES;

		if (pl == NULL)
			return;
		for (; bit < LEAF_PAGES && first < end; bit++, first++) {
			page_take(ts, pl, bit, write);
			if (dirty && (pl->pl_dirty >> bit & 1) == 0) {
				ts->ts_result.sr_dirtied++;
				dirty_page(&ts->ts_dirty, pl, bit);
			}
		}
	}
}

void
pages_ahead(struct trace_stats *ts, const struct trace_event *ev, size_t i,
    size_t n)
{
	struct ahead *ah;

	if (i + AHEAD_INDEX < n) {
		ah = &ts->ts_ahead[(i + AHEAD_INDEX) % AHEAD];
		ah->ah_hash = table_hash(leaf_key(ts, &ev[i + AHEAD_INDEX]));
		table_hint(&ts->ts_leaves, ah->ah_hash);
	}
	if (i + AHEAD_LEAF < n) {
		ah = &ts->ts_ahead[(i + AHEAD_LEAF) % AHEAD];
		ah->ah_leaf = table_guess(&ts->ts_leaves, ah->ah_hash);
	}
	if (i + AHEAD_ORDER < n) {
		const uint64_t page =
		    ev[i + AHEAD_ORDER].te_offset >> ts->ts_shift;

		ah = &ts->ts_ahead[(i + AHEAD_ORDER) % AHEAD];
		if (ah->ah_leaf != NULL)
			order_hint(&ts->ts_order,
			    ah->ah_leaf->pl_slot[page % LEAF_PAGES]);
	}
	ts->ts_leaf = ts->ts_ahead[i % AHEAD].ah_leaf;
}
