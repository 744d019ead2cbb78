#include <string.h>

#include "traces/trace_i.h"

const char *const trace_op_name[TRACE_NOPS] = {
#define TRACE_OP(NAME, name) name,
	TRACE_OPS(TRACE_OP)
#undef TRACE_OP
};

const char *const trace_flag_name[TRACE_NFLAGS] = {
#define TRACE_FLAG(NAME, name) name,
	TRACE_FLAGS(TRACE_FLAG)
#undef TRACE_FLAG
};

#define PROT_FLAGS (TRACE_F_R | TRACE_F_W | TRACE_F_X)
#define ADVICE_FLAGS                                                           \
	(TRACE_F_NORMAL | TRACE_F_RANDOM | TRACE_F_SEQUENTIAL |                \
	    TRACE_F_WILLNEED | TRACE_F_DONTNEED | TRACE_F_FREE)
#define ACCESS_FLAGS (TRACE_F_PRIVATE | TRACE_F_KERNEL | TRACE_F_IFETCH)

const uint32_t trace_op_flags[TRACE_NOPS] = {
	[TRACE_ATTACH] = PROT_FLAGS | TRACE_F_SHARED | TRACE_F_PRIVATE |
	    TRACE_F_MAXW | TRACE_F_FIXED | TRACE_F_INHERITED | TRACE_F_POPULATE,
	[TRACE_PROTECT] = PROT_FLAGS,
	[TRACE_READ] = ACCESS_FLAGS,
	[TRACE_WRITE] = ACCESS_FLAGS,
	[TRACE_MSYNC] = TRACE_F_SYNC | TRACE_F_ASYNC | TRACE_F_INVALIDATE,
	[TRACE_MADVISE] = ADVICE_FLAGS,
	[TRACE_FALLOCATE] = TRACE_F_KEEP | TRACE_F_PUNCH | TRACE_F_ZERO,
	[TRACE_FSYNC] = TRACE_F_DATA | TRACE_F_RANGE,
};

/* Flags of which one event carries one at most. */
static const struct {
	uint32_t fg_flags;
	const char *fg_text;
} flag_groups[] = {
	{ TRACE_F_SHARED | TRACE_F_PRIVATE, "is both shared and private" },
	{ TRACE_F_SYNC | TRACE_F_ASYNC, "is both sync and async" },
	{ ADVICE_FLAGS, "gives more than one advice" },
	{ TRACE_F_PUNCH | TRACE_F_ZERO, "both punches and zeroes" },
};

enum { NEEDS_FILE = 1, NEEDS_MAP = 2 };

static const uint8_t op_needs[TRACE_NOPS] = {
	[TRACE_ATTACH] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_DETACH] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_PROTECT] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_READ] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_WRITE] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_MSYNC] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_MADVISE] = NEEDS_FILE | NEEDS_MAP,
	[TRACE_TRUNCATE] = NEEDS_FILE,
	[TRACE_FALLOCATE] = NEEDS_FILE,
	[TRACE_FSYNC] = NEEDS_FILE,
	[TRACE_PREAD] = NEEDS_FILE,
	[TRACE_PWRITE] = NEEDS_FILE,
	[TRACE_OPEN] = NEEDS_FILE,
	[TRACE_CLOSE] = NEEDS_FILE,
	[TRACE_UNLINK] = NEEDS_FILE,
	[TRACE_RENAME] = NEEDS_FILE,
};

/* How many orders the flags of one event have: n factorial. */
static uint32_t
orders(int n)
{
	uint32_t f = 1;

	while (n > 1)
		f *= (uint32_t)n--;
	return f;
}

static const char *
flags_check(const struct trace_event *te)
{
	for (size_t i = 0; i < nitems(flag_groups); i++) {
		const uint32_t f = te->te_flags & flag_groups[i].fg_flags;

		if ((f & (f - 1)) != 0)
			return flag_groups[i].fg_text;
	}
	if (te->te_order >= orders(__builtin_popcount(te->te_flags)))
		return "has flags in no order";
	return NULL;
}

const char *
trace_event_check(const struct trace_event *te)
{
	if (te->te_op >= TRACE_NOPS)
		return "has an unknown op";
	if ((te->te_flags & ~trace_op_flags[te->te_op]) != 0)
		return "has a flag that its op does not take";
	if (te->te_zero != 0)
		return "has te_zero set";
	if ((op_needs[te->te_op] & NEEDS_FILE) != 0 && te->te_file == 0)
		return "names no file, and its op needs one";
	if ((op_needs[te->te_op] & NEEDS_MAP) != 0 && te->te_map == 0)
		return "names no map, and its op needs one";
	if (te->te_offset > INT64_MAX || te->te_length > INT64_MAX ||
	    te->te_offset + te->te_length > INT64_MAX)
		return "reaches past the largest file offset";
	if ((te->te_flags != 0 || te->te_order != 0))
		return flags_check(te);
	return NULL;
}

enum trace_op
trace_op_parse(const char *text, size_t len)
{
	/* Nearly every event is one of these. */
	if (len == 4 && memcmp(text, "read", 4) == 0)
		return TRACE_READ;
	if (len == 5 && memcmp(text, "write", 5) == 0)
		return TRACE_WRITE;
	for (unsigned op = 0; op < TRACE_NOPS; op++) {
		const char *name = trace_op_name[op];

		if (strlen(name) == len && memcmp(text, name, len) == 0)
			return (enum trace_op)op;
	}
	return TRACE_NOPS;
}

/*
 * An order of n flags is a number below n!: its digits in the factorial base
 * say, for each flag written, how many of those left stand before it in
 * TRACE_FLAGS.  0 is the order of TRACE_FLAGS.
 */
size_t
trace_flags_text(uint32_t flags, uint16_t order, char *buf)
{
	char *p = buf;

	while (flags != 0) {
		const uint32_t f = orders(__builtin_popcount(flags) - 1);
		uint32_t left = flags;
		const char *name;
		size_t len;

		for (uint32_t k = order / f; k > 0; k--)
			left &= left - 1;
		order = (uint16_t)(order % f);
		name = trace_flag_name[__builtin_ctz(left)];
		len = strlen(name);
		if (p != buf)
			*p++ = '|';
		memcpy(p, name, len);
		p += len;
		flags &= ~(left & -left);
	}
	return (size_t)(p - buf);
}

static uint32_t
flag_parse(const char *text, size_t len)
{
	for (unsigned i = 0; i < TRACE_NFLAGS; i++) {
		const char *name = trace_flag_name[i];

		if (strlen(name) == len && memcmp(text, name, len) == 0)
			return 1U << i;
	}
	return 0;
}

const char *
trace_flags_parse(const char *text, size_t len, uint8_t op, uint32_t *flagsp,
    uint16_t *orderp)
{
	uint32_t seen[TRACE_NFLAGS], flags = 0, order = 0;
	const char *const end = text + len;
	int n = 0;

	for (;;) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		const char *stop = bar != NULL ? bar : end;
		const uint32_t f = flag_parse(text, (size_t)(stop - text));

		if (f == 0)
			return "unknown flag";
		if ((f & ~trace_op_flags[op]) != 0)
			return "flag does not fit the op";
		if ((flags & f) != 0)
			return "flag twice";
		flags |= f;
		seen[n++] = f;
		if (bar == NULL)
			break;
		text = bar + 1;
	}
	for (int i = 0; i < n; i++) {
		uint32_t left = flags;

		for (int j = 0; j < i; j++)
			left &= ~seen[j];
		order += (uint32_t)__builtin_popcount(left & (seen[i] - 1)) *
		    orders(n - 1 - i);
	}
	if (order > UINT16_MAX)
		return "too many flags in an unusual order";
	*flagsp = flags;
	*orderp = (uint16_t)order;
	return NULL;
}
