/*
 * stats_seq.c: how the accesses of each thread in each file follow each other.
 */
#include "traces/stats_i.h"

/* A thread in a file. */
struct seq_track {
	struct stats_key tk_key; /* process and thread; place of file */
	uint64_t tk_page;	 /* of the last access */
	uint64_t tk_run;	 /* pages of the run so far; 0: no access yet */
	uint64_t tk_up;		 /* its direction, once it has two pages */
};

void
seq_init(struct seq_state *sq)
{
	sq->sq_budget = (struct stats_budget){
		.sb_left = STATS_RECORDS * 2 * sizeof(struct seq_track),
	};
	table_init(&sq->sq_table, sizeof(struct seq_track), &sq->sq_budget);
}

void
seq_fini(struct seq_state *sq)
{
	table_fini(&sq->sq_table);
}

static void
run_end(const struct seq_track *tk, struct stats_seq *out)
{
	if (tk->tk_run == 1)
		out->sq_alone++;
	else if (tk->tk_run > 1)
		stats_hist_add(&out->sq_run[tk->tk_up], tk->tk_run);
}

/* A step of a track to page. */
static void
step(struct seq_track *tk, struct stats_seq *out, uint64_t page)
{
	const bool up = page > tk->tk_page;
	const uint64_t far = up ? page - tk->tk_page : tk->tk_page - page;

	if (tk->tk_run == 0) {
		out->sq_first++;
		tk->tk_run = 1;
	} else if (far == 0) {
		out->sq_same++;
	} else {
		stats_hist_add(&out->sq_step[up], far);
		if (far == 1 && (tk->tk_run == 1 || tk->tk_up == up)) {
			tk->tk_run++;
			tk->tk_up = up;
		} else {
			run_end(tk, out);
			tk->tk_run = 1;
		}
	}
	tk->tk_page = page;
}

void
seq_take(struct seq_state *sq, struct stats_seq *out,
    const struct trace_event *te, uint32_t file, uint64_t first, uint64_t n)
{
	const struct stats_key key = { (uint64_t)te->te_pid << 32 | te->te_tid,
		file };
	struct seq_track *const tk = table_get(&sq->sq_table, key);

	if (tk == NULL)
		return;
	/* From the third page on, all are alike: a step of 1, and upward. */
	for (uint64_t i = 0; i < n && i < 3; i++)
		step(tk, out, first + i);
	if (n <= 3)
		return;
	tk->tk_run += n - 3;
	tk->tk_page += n - 3;
	out->sq_step[1].sh_bucket[1] += n - 3;
	out->sq_step[1].sh_count += n - 3;
	out->sq_step[1].sh_sum += n - 3;
}

void
seq_result(const struct seq_state *sq, struct stats_seq *out)
{
	out->sq_complete = !sq->sq_budget.sb_spent;
	for (size_t i = 0; i < sq->sq_table.tb_n; i++)
		run_end(table_record(&sq->sq_table, i), out);
}
