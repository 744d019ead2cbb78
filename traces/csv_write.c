#include <string.h>

#include "traces/trace_i.h"

/* Digits of v at p; returns the byte after them. */
static inline char *
decimal(char *p, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	memcpy(p, digits + n, sizeof(digits) - n);
	return p + (sizeof(digits) - n);
}

static size_t
event_text(char *buf, uint64_t seq, const struct trace_event *te)
{
	const char *op = trace_op_name[te->te_op];
	const uint64_t before[] = { seq, te->te_time, te->te_pid, te->te_tid };
	const uint64_t after[] = { te->te_file, te->te_map, te->te_offset,
		te->te_length };
	char *p = buf;

	for (size_t i = 0; i < nitems(before); i++) {
		p = decimal(p, before[i]);
		*p++ = ',';
	}
	p = stpcpy(p, op);
	*p++ = ',';
	for (size_t i = 0; i < nitems(after); i++) {
		p = decimal(p, after[i]);
		*p++ = ',';
	}
	p += trace_flags_text(te->te_flags, te->te_order, p);
	*p++ = '\n';
	return (size_t)(p - buf);
}

static int
csv_open(struct trace_writer *tw, struct errmsg *em)
{
	const char *head = tw->tw_meta.tm_head;
	const int error = out_put(&tw->tw_out, head, strlen(head), em);

	if (error != 0)
		return error;
	return out_put(&tw->tw_out, TRACE_CSV_HEADER, strlen(TRACE_CSV_HEADER),
	    em);
}

static int
csv_put(struct trace_writer *tw, const struct trace_event *ev, size_t n,
    struct errmsg *em)
{
	char line[TRACE_LINE_MAX];

	for (size_t i = 0; i < n; i++) {
		const size_t len = event_text(line, tw->tw_seq + i, &ev[i]);
		const int error = out_put(&tw->tw_out, line, len, em);

		if (error != 0)
			return error;
	}
	return 0;
}

static int
csv_finish(struct trace_writer *tw, struct errmsg *em)
{
	(void)tw;
	(void)em;
	return 0;
}

static void
csv_close(struct trace_writer *tw)
{
	(void)tw;
}

const struct writer_ops csv_writer_ops = {
	.wo_open = csv_open,
	.wo_put = csv_put,
	.wo_finish = csv_finish,
	.wo_close = csv_close,
};
