/*
 * engine_flush.c: what every uvn_flush() cost: a row each, and sums.
 */
#include "replay/engine_impl.h"

static struct db_flush
flush_row(struct engine *en, const struct uvm_flushinfo *fi)
{
	const uint64_t ticks = fi->fi_end - fi->fi_begin;

	return (struct db_flush){
		.fl_seq = engine_running(en)->en_seq,
		.fl_range_pages = fi->fi_range_pages,
		.fl_object_pages = fi->fi_object_pages,
		.fl_visits = fi->fi_visits,
		.fl_lookups = fi->fi_lookups,
		.fl_cleaned = fi->fi_cleaned,
		.fl_writes = fi->fi_writes,
		.fl_cpu_ns = clock_ns(ticks - fi->fi_io),
		.fl_latency_ns = clock_ns(ticks),
		.fl_file = fi->fi_file,
		.fl_caller = (uint8_t)fi->fi_caller,
		.fl_by_list = fi->fi_by_list,
		.fl_choice = fi->fi_choice,
		.fl_both = fi->fi_both,
		.fl_other_visits = fi->fi_other_visits,
		.fl_other_lookups = fi->fi_other_lookups,
		.fl_other_writes = fi->fi_other_writes,
		.fl_list_ns = clock_ns(fi->fi_list_time),
		.fl_hash_ns = clock_ns(fi->fi_hash_time),
	};
}

static void
observe_flush(void *arg, const struct uvm_flushinfo *fi)
{
	struct engine *const en = arg;
	const struct db_flush fl = flush_row(en, fi);
	struct db_flush_total *const ft =
	    &en->en_flush_total[fl.fl_caller][fl.fl_by_list];

	ENGINE_LOCK(en);
	ft->ft_flushes++;
	ft->ft_range_pages += fl.fl_range_pages;
	ft->ft_object_pages += fl.fl_object_pages;
	ft->ft_visits += fl.fl_visits;
	ft->ft_lookups += fl.fl_lookups;
	ft->ft_cleaned += fl.fl_cleaned;
	ft->ft_writes += fl.fl_writes;
	ft->ft_cpu_ns += fl.fl_cpu_ns;
	ft->ft_latency_ns += fl.fl_latency_ns;
	if (en->en_writer != NULL &&
	    en->en_cf->cf_replay.log_flush == FLUSHLOG_ALL)
		db_put_flush(en->en_writer, &fl);
	ENGINE_UNLOCK(en);
}

void
engine_flush_observe(struct engine *en, struct uvm_observer *uo)
{

	uo->uo_clock = clock_ticks;
	uo->uo_flush = observe_flush;
	uo->uo_both = en->en_job->ej_flush_both;
}
