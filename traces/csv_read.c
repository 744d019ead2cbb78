#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

/* Lines of the preamble, and its header line. */
struct csv {
	uint64_t cv_lines;
};

/* The fields of a line, in order. */
enum field {
	SEQ,
	TIME,
	PID,
	TID,
	OP,
	FILE_ID,
	MAP,
	OFFSET,
	LENGTH,
	FLAGS,
	NFIELDS
};

static const char *const field_name[NFIELDS] = { "seq", "time_ns", "pid", "tid",
	"op", "file", "map", "offset", "length", "flags" };

struct text {
	char *t_buf;
	size_t t_len, t_cap;
};

static int
preamble_append(struct trace_reader *tr, struct text *t, const void *line,
    size_t n, struct errmsg *em)
{
	if (t->t_len + n >= t->t_cap) {
		const size_t cap = (t->t_len + n) * 2 + 1024;
		char *buf = realloc(t->t_buf, cap);

		if (buf == NULL)
			return ERRMSG(em, ENOMEM,
			    "%s: no memory for its preamble", tr->tr_path);
		t->t_buf = buf;
		t->t_cap = cap;
	}
	memcpy(t->t_buf + t->t_len, line, n);
	t->t_len += n;
	t->t_buf[t->t_len] = '\0';
	return 0;
}

/*
 * The next line of the preamble, with its newline, in the stream's buffer.
 * The buffer grows as far as a preamble may.
 */
static int
preamble_line(struct trace_reader *tr, uint64_t lineno, size_t *lenp,
    struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	size_t done = 0, need = 256;

	for (;;) {
		const uint8_t *nl;
		const int error = in_fill(in, need, em);

		if (error != 0)
			return error;
		nl = memchr(in_data(in) + done, '\n', in_have(in) - done);
		if (nl != NULL) {
			*lenp = (size_t)(nl - in_data(in)) + 1;
			return 0;
		}
		done = in_have(in);
		if (in->in_eof)
			return ERRMSG(em, EINVAL,
			    "%s: line %" PRIu64 ": the file ends before the "
			    "header line \"seq,time_ns,...\": it is cut short "
			    "or no trace",
			    tr->tr_path, lineno);
		if (done > TRACE_HEAD_MAX)
			return ERRMSG(em, EINVAL,
			    "%s: line %" PRIu64 ": a preamble has at most %u "
			    "bytes",
			    tr->tr_path, lineno, TRACE_HEAD_MAX);
		need = done * 2;
	}
}

/* A line of the preamble, n bytes with its newline, that is no header line. */
static int
preamble_check(struct trace_reader *tr, const struct csv *cv, const uint8_t *p,
    size_t n, size_t len, struct errmsg *em)
{
	if (*p != '#')
		return ERRMSG(em, EINVAL,
		    "%s: line %" PRIu64
		    ": neither a # line nor the header line \"%.*s\"",
		    tr->tr_path, cv->cv_lines,
		    (int)strlen(TRACE_CSV_HEADER) - 1, TRACE_CSV_HEADER);
	if (memchr(p, '\0', n) != NULL)
		return ERRMSG(em, EINVAL,
		    "%s: line %" PRIu64 " holds a NUL byte; is it text?",
		    tr->tr_path, cv->cv_lines);
	if (len + n > TRACE_HEAD_MAX)
		return ERRMSG(em, EINVAL,
		    "%s: line %" PRIu64 ": a preamble has at most %u bytes",
		    tr->tr_path, cv->cv_lines, TRACE_HEAD_MAX);
	return 0;
}

static int
preamble_read(struct trace_reader *tr, struct csv *cv, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	struct text head = { 0 };
	int error;

	for (;;) {
		const uint8_t *p;
		size_t n;

		error = preamble_line(tr, ++cv->cv_lines, &n, em);
		if (error != 0)
			break;
		p = in_data(in);
		if (n == strlen(TRACE_CSV_HEADER) &&
		    memcmp(p, TRACE_CSV_HEADER, n) == 0) {
			in->in_beg += n;
			break;
		}
		error = preamble_check(tr, cv, p, n, head.t_len, em);
		if (error == 0)
			error = preamble_append(tr, &head, p, n, em);
		if (error != 0)
			break;
		in->in_beg += n;
	}
	if (error == 0 && head.t_buf == NULL)
		error = ERRMSG(em, EINVAL,
		    "%s: line 1: a trace begins with \"#uvn-trace 1\"",
		    tr->tr_path);
	if (error != 0) {
		free(head.t_buf);
		return error;
	}
	return trace_meta_parse(head.t_buf, tr->tr_path, &tr->tr_meta,
	    &tr->tr_files, em);
}

static int
csv_open(struct trace_reader *tr, struct errmsg *em)
{
	struct csv *cv = calloc(1, sizeof(*cv));

	if (cv == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it",
		    tr->tr_path);
	tr->tr_form = cv;
	return preamble_read(tr, cv, em);
}

static void
csv_close(struct trace_reader *tr)
{
	free(tr->tr_form);
}

/* A plain decimal number up to max, and the byte end after it. */
static inline bool
number(const char **pp, uint64_t max, char end, uint64_t *valp)
{
	const char *p = *pp;
	uint64_t v = (uint64_t)(*p - '0');
	int digits = 1;

	if (unlikely(v > 9))
		return false;
	for (p++; *p >= '0' && *p <= '9'; p++, digits++) {
		const uint64_t d = (uint64_t)(*p - '0');

		if (unlikely(v == 0 || digits >= 19) &&
		    (v == 0 || v > (UINT64_MAX - d) / 10))
			return false;
		v = v * 10 + d;
	}
	if (unlikely(*p != end || v > max))
		return false;
	*pp = p + 1;
	*valp = v;
	return true;
}

/* What is wrong with a number, in words. */
static const char *
number_fault(const char *p, size_t len)
{
	if (len == 0)
		return "is empty";
	for (size_t i = 0; i < len; i++)
		if (p[i] < '0' || p[i] > '9')
			return "is no plain decimal number; write digits alone";
	if (p[0] == '0' && len > 1)
		return "has leading zeros; write it without";
	return "is too large";
}

/*
 * One line, without its newline, into *te.
 *
 * => false: *fieldp is the field that is wrong and *textp its text
 */
static bool
line_parse(const char *p, const char *end, struct trace_event *te,
    uint64_t *seqp, enum field *fieldp, const char **textp)
{
	uint64_t v[NFIELDS];
	const char *comma;

#define NUMBER(field, max)                                                     \
	do {                                                                   \
		*fieldp = (field);                                             \
		*textp = p;                                                    \
		if (unlikely(!number(&p, (max), ',', &v[field])))              \
			return false;                                          \
	} while (0)

	NUMBER(SEQ, UINT64_MAX);
	NUMBER(TIME, UINT64_MAX);
	NUMBER(PID, UINT32_MAX);
	NUMBER(TID, UINT32_MAX);
	*fieldp = OP;
	*textp = p;
	comma = memchr(p, ',', (size_t)(end - p));
	if (comma == NULL)
		return false;
	te->te_op = (uint8_t)trace_op_parse(p, (size_t)(comma - p));
	if (te->te_op == TRACE_NOPS)
		return false;
	p = comma + 1;
	NUMBER(FILE_ID, UINT32_MAX);
	NUMBER(MAP, UINT32_MAX);
	NUMBER(OFFSET, UINT64_MAX);
	NUMBER(LENGTH, UINT64_MAX);
#undef NUMBER
	*fieldp = FLAGS;
	*textp = p;
	te->te_flags = 0;
	te->te_order = 0;
	if (p != end &&
	    trace_flags_parse(p, (size_t)(end - p), te->te_op, &te->te_flags,
		&te->te_order) != NULL)
		return false;
	*seqp = v[SEQ];
	te->te_time = v[TIME];
	te->te_pid = (uint32_t)v[PID];
	te->te_tid = (uint32_t)v[TID];
	te->te_file = (uint32_t)v[FILE_ID];
	te->te_map = (uint32_t)v[MAP];
	te->te_offset = v[OFFSET];
	te->te_length = v[LENGTH];
	te->te_zero = 0;
	return true;
}

struct where {
	const struct trace_reader *w_tr;
	uint64_t w_line, w_event;
};

#define WHERE_FMT    "%s: line %" PRIu64 " (event %" PRIu64 "): "
#define WHERE_ARG(w) (w)->w_tr->tr_path, (w)->w_line, (w)->w_event

/* As much of a field as a message may show, and nothing a terminal obeys. */
static void
clip(char *buf, size_t size, const char *text, size_t len)
{
	size_t n;

	for (n = 0; n < len && n < size - 1; n++)
		buf[n] = text[n] < ' ' || text[n] > '~' ? '?' : text[n];
	buf[n] = '\0';
}

/* Names of the flags that op takes; returns their number. */
static size_t
flags_of(uint8_t op, const char *names[TRACE_NFLAGS])
{
	size_t n = 0;

	for (unsigned i = 0; i < TRACE_NFLAGS; i++)
		if ((trace_op_flags[op] & 1U << i) != 0)
			names[n++] = trace_flag_name[i];
	return n;
}

/* The first flag in a field that trace_flags_parse() refused. */
static int
flags_fault(const struct where *w, uint8_t op, const char *text, size_t len,
    struct errmsg *em)
{
	const char *names[TRACE_NFLAGS], *near;
	const size_t n = flags_of(op, names);
	char flag[64];
	uint32_t flags, seen = 0;
	uint16_t order;

	for (const char *p = text, *end = text + len; p <= end;) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		const size_t flen = (size_t)((bar != NULL ? bar : end) - p);
		const char *what =
		    trace_flags_parse(p, flen, op, &flags, &order);

		clip(flag, sizeof(flag), p, flen);
		if (what == NULL && (seen & flags) != 0)
			return ERRMSG(em, EILSEQ,
			    WHERE_FMT "flag %s twice; write it once",
			    WHERE_ARG(w), flag);
		if (what != NULL && n == 0)
			return ERRMSG(em, EILSEQ,
			    WHERE_FMT "op %s takes no flags, but here is "
				      "\"%s\"",
			    WHERE_ARG(w), trace_op_name[op], flag);
		if (what != NULL) {
			near = nearest_word(flag, names, n);
			return ERRMSG(em, EILSEQ,
			    WHERE_FMT "%s \"%s\" of %s; the nearest that fits "
				      "is %s",
			    WHERE_ARG(w), what, flag, trace_op_name[op],
			    near != NULL ? near : names[0]);
		}
		seen |= flags;
		p += flen + 1;
	}
	return ERRMSG(em, EILSEQ, WHERE_FMT "too many flags in one event",
	    WHERE_ARG(w));
}

static int
field_fault(const struct where *w, const struct trace_event *te,
    enum field field, const char *text, const char *end, struct errmsg *em)
{
	const char *comma = memchr(text, ',', (size_t)(end - text));
	const size_t len = (size_t)((comma != NULL ? comma : end) - text);
	char shown[64];

	clip(shown, sizeof(shown), text, len);
	if (field == FLAGS && comma != NULL)
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "more than the 10 fields of the header line",
		    WHERE_ARG(w));
	if (field == FLAGS)
		return flags_fault(w, te->te_op, text, len, em);
	if (comma == NULL)
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "ends in field %s; a line has 10 fields",
		    WHERE_ARG(w), field_name[field]);
	if (field == OP) {
		const char *near =
		    nearest_word(shown, trace_op_name, TRACE_NOPS);

		return ERRMSG(em, EILSEQ, WHERE_FMT "unknown op \"%s\"%s%s%s",
		    WHERE_ARG(w), shown, near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
	}
	return ERRMSG(em, EILSEQ, WHERE_FMT "field %s: \"%s\" %s", WHERE_ARG(w),
	    field_name[field], shown, number_fault(text, len));
}

/* An event that parsed: does it fit where it stands? */
static int
event_place(const struct trace_reader *tr, const struct where *w,
    const struct trace_event *te, uint64_t seq, struct errmsg *em)
{
	const char *what;

	if (seq != w->w_event)
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "seq is %" PRIu64 "; events are numbered from 0 "
			      "without gaps",
		    WHERE_ARG(w), seq);
	if (te->te_time < tr->tr_time)
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "time goes back from %" PRIu64 " to %" PRIu64
			      "; sort the events by time",
		    WHERE_ARG(w), tr->tr_time, te->te_time);
	what = trace_event_check(te);
	if (what != NULL)
		return ERRMSG(em, EILSEQ, WHERE_FMT "op %s %s", WHERE_ARG(w),
		    trace_op_name[te->te_op], what);
	if (te->te_file != 0 && !file_index_has(&tr->tr_files, te->te_file))
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "file %" PRIu32 " is not declared; add a line "
			      "\"#file %" PRIu32 " size=BYTES path=NAME\"",
		    WHERE_ARG(w), te->te_file, te->te_file);
	return 0;
}

/* No newline within what a line may have. */
static int
no_newline(const struct where *w, const struct trace_in *in, struct errmsg *em)
{
	if (in_have(in) >= TRACE_LINE_MAX)
		return ERRMSG(em, EILSEQ,
		    WHERE_FMT "longer than the %d bytes of a line",
		    WHERE_ARG(w), TRACE_LINE_MAX);
	return ERRMSG(em, EILSEQ,
	    WHERE_FMT "the last line has no newline: the file is cut short",
	    WHERE_ARG(w));
}

static int
event_read(struct trace_reader *tr, struct trace_event *te, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	const struct csv *cv = tr->tr_form;
	const struct where w = { tr, cv->cv_lines + tr->tr_seq + 1,
		tr->tr_seq };
	const char *const p = (const char *)in_data(in);
	const size_t have = in_have(in);
	const char *end, *text;
	enum field field;
	uint64_t seq;
	int error;

	end = memchr(p, '\n', have < TRACE_LINE_MAX ? have : TRACE_LINE_MAX);
	if (unlikely(end == NULL))
		return no_newline(&w, in, em);
	if (unlikely(!line_parse(p, end, te, &seq, &field, &text)))
		return field_fault(&w, te, field, text, end, em);
	error = event_place(tr, &w, te, seq, em);
	if (unlikely(error != 0))
		return error;
	in->in_beg += (size_t)(end - p) + 1;
	tr->tr_time = te->te_time;
	tr->tr_seq++;
	return 0;
}

static int
csv_next(struct trace_reader *tr, size_t *np, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	size_t n;

	for (n = 0; n < TRACE_BATCH; n++) {
		int error = 0;

		if (unlikely(in_have(in) < TRACE_LINE_MAX)) {
			error = in_fill(in, TRACE_LINE_MAX, em);
			if (error == 0 && in_have(in) == 0)
				break;
		}
		if (likely(error == 0))
			error = event_read(tr, &tr->tr_ev[n], em);
		if (unlikely(error != 0)) {
			*np = n;
			return error;
		}
	}
	*np = n;
	return 0;
}

const struct reader_ops csv_reader_ops = {
	.ro_open = csv_open,
	.ro_next = csv_next,
	.ro_runs = runs_ro,
	.ro_batch = TRACE_BATCH,
	.ro_close = csv_close,
};
