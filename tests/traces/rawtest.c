#include "tests/traces/rawtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/assembletest.h"
#include "tests/traces/tracetest.h"
#include "traces/trace_i.h"

static const char *const kinds[RAW_NKINDS] = {
	[RAW_ACCESS] = "access",
	[RAW_CALL] = "call",
	[RAW_RETURN] = "return",
	[RAW_FILE] = "file",
	[RAW_MAP] = "map",
	[RAW_SHARED] = "shared",
	[RAW_FLUSH] = "flush",
	[RAW_FORK] = "fork",
	[RAW_EXEC] = "exec",
	[RAW_EXIT] = "exit",
	[RAW_START] = "start",
	[RAW_NOTE] = "note",
	[RAW_LOST] = "lost",
};

static const char *
kind_of(const struct raw *rw)
{
	if (rw->rw_kind != RAW_ACCESS)
		return kinds[rw->rw_kind];
	if ((rw->rw_flags & RAW_F_IFETCH) != 0)
		return "ifetch";
	return (rw->rw_flags & RAW_F_WRITE) != 0 ? "write" : "read";
}

static void
line_put(FILE *out, const struct raw *rw, bool time)
{
	unsigned n = rw->rw_nargs;

	if (time)
		(void)fprintf(out, "%" PRIu64 " ", rw->rw_time);
	(void)fprintf(out, "%" PRIu32 "/%" PRIu32 " %s", rw->rw_pid, rw->rw_tid,
	    kind_of(rw));
	if ((rw->rw_flags & RAW_F_KERNEL) != 0)
		(void)fputs(" kernel", out);
	if ((rw->rw_flags & RAW_F_GROUP) != 0)
		(void)fputs(" group", out);
	if (rw->rw_kind == RAW_CALL || rw->rw_kind == RAW_RETURN)
		(void)fprintf(out, " %s", raw_sys[rw->rw_sys].rs_name);
	assert_true(n <= RAW_NARGS);
	for (unsigned i = n; i < RAW_NARGS; i++)
		assert_int_equal(rw->rw_arg[i], 0);
	while (n > 0 && rw->rw_arg[n - 1] == 0)
		n--;
	for (unsigned i = 0; i < n; i++)
		(void)fprintf(out, " %" PRIx64, rw->rw_arg[i]);
	if (rw->rw_text != NULL)
		(void)fprintf(out, " \"%s\"", rw->rw_text);
	if (rw->rw_text2 != NULL)
		(void)fprintf(out, " \"%s\"", rw->rw_text2);
	(void)fputc('\n', out);
}

static int
put(void *to, const struct raw *rw, struct errmsg *em)
{
	struct rt *rt = to;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)em;
	assert_non_null(out);
	line_put(out, rw, rt->rt_times);
	must(fclose(out));
	rt->rt_new = realloc(rt->rt_new, rt->rt_len + len + 1);
	assert_non_null(rt->rt_new);
	memcpy(rt->rt_new + rt->rt_len, text, len + 1);
	rt->rt_len += len;
	free(text);
	return 0;
}

void
rt_begin(struct rt *rt, const struct text_format *tf, bool code)
{
	struct errmsg em = { .em_text = "" };

	*rt = (struct rt){ .rt_format = tf };
	rt->rt_out = (struct raw_out){ put, rt };
	must_em(tf->tf_create(&rt->rt_out, code, &rt->rt_parser, &em), &em);
}

/*
 * A line in memory of its own, so that a sanitizer sees whoever reads beyond
 * its end.
 */
static int
line_give(const struct text_format *tf, void *parser, const char *line,
    size_t len, struct errmsg *em)
{
	char *copy = malloc(len);
	int error;

	assert_true(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, line, len);
	error = tf->tf_line(parser, copy, len, em);
	free(copy);
	return error;
}

void
rt_lines(struct rt *rt, const char *lines)
{
	struct errmsg em = { .em_text = "" };

	for (const char *p = lines, *end; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		assert_non_null(end);
		if (line_give(rt->rt_format, rt->rt_parser, p,
			(size_t)(end - p), &em) != 0)
			fail_msg("%.*s: %s", (int)(end - p), p, em.em_text);
	}
}

void
rt_refused(struct rt *rt, const char *line, const char *text)
{
	struct errmsg em = { .em_text = "" };

	if (line_give(rt->rt_format, rt->rt_parser, line, strlen(line), &em) !=
	    EBADMSG)
		fail_msg("not refused: %s", line);
	if (strstr(em.em_text, text) == NULL)
		fail_msg("%s: '%s' lacks '%s'", line, em.em_text, text);
}

const char *
rt_text(struct rt *rt)
{
	free(rt->rt_old);
	rt->rt_old = rt->rt_new;
	rt->rt_new = NULL;
	rt->rt_len = 0;
	return rt->rt_old != NULL ? rt->rt_old : "";
}

void
rt_finish(struct rt *rt)
{
	struct errmsg em = { .em_text = "" };

	must_em(rt->rt_format->tf_end(rt->rt_parser, &em), &em);
}

void
rt_end(struct rt *rt)
{
	rt->rt_format->tf_destroy(rt->rt_parser);
	free(rt->rt_old);
	free(rt->rt_new);
}

char *
rt_sample(const char *name, size_t *lenp)
{
	struct errmsg em = { .em_text = "" };
	struct trace_in in;
	char path[8192], *text;

	(void)snprintf(path, sizeof(path), "%s%stests/traces/data/%s",
	    tracetest_top(), *tracetest_top() != '\0' ? "/" : "", name);
	must_em(in_open(&in, path, &em), &em);
	must_em(in_unwrap(&in, &em), &em);
	must_em(in_fill(&in, 64U << 20, &em), &em);
	*lenp = in_have(&in);
	text = malloc(*lenp + 1);
	assert_non_null(text);
	memcpy(text, in_data(&in), *lenp);
	text[*lenp] = '\0';
	in_close(&in);
	return text;
}

static int
assemble(void *to, const struct raw *rw, struct errmsg *em)
{
	const struct at *at = to;

	return assemble_put(at->at_as, rw, em);
}

char *
rt_events(const struct text_format *tf, const char *sample)
{
	struct assemble_param ap = tf->tf_param;
	struct rt rt = { .rt_format = tf };
	struct errmsg em = { .em_text = "" };
	size_t len;
	char *text = rt_sample(sample, &len);
	struct at at;

	ap.ap_page = PG;
	at_begin(&at, &ap);
	rt.rt_out = (struct raw_out){ assemble, &at };
	must_em(tf->tf_create(&rt.rt_out, false, &rt.rt_parser, &em), &em);
	rt_lines(&rt, text);
	rt_finish(&rt);
	rt_end(&rt);
	free(text);
	text = strdup(at_end(&at));
	assert_non_null(text);
	at_free(&at);
	return text;
}

/* What parsers promise of records; the assembler takes what it may. */
static int
examine(void *to, const struct raw *rw, struct errmsg *em)
{
	struct rt *rt = to;

	assert_true(rw->rw_kind < RAW_NKINDS);
	assert_true(rw->rw_sys < RAW_NSYS);
	assert_true(rw->rw_nargs <= RAW_NARGS);
	if (rw->rw_text != NULL)
		assert_true(strlen(rw->rw_text) < RAW_TEXT_MAX);
	rt->rt_records++;
	return assemble(rt->rt_at, rw, em);
}

/* Change a line in some way that pens, disks and people do. */
static size_t
line_damage(struct dice *d, char *line, size_t len)
{
	static const char odd[] = "(){}<>[],=-+|\"\\@/:.0x9f \t";
	const size_t at = dice_below(d, len + 1), n = dice_below(d, 9);

	switch (dice_below(d, 6)) {
	case 0: /* cut off */
		return at;
	case 1: /* a hole */
		if (at + n > len)
			return at;
		memmove(line + at, line + at + n, len - at - n);
		return len - n;
	case 2: /* something else */
		if (at < len)
			line[at] = (char)dice_below(d, 256);
		return len;
	case 3:
		if (at < len)
			line[at] = odd[dice_below(d, sizeof(odd) - 1)];
		return len;
	case 4: /* twice */
		if (at + n > len)
			return len;
		memmove(line + at + n, line + at, len - at);
		return len + n;
	default: /* its own end in its middle */
		memmove(line + at / 2, line + at, len - at);
		return len - at + at / 2;
	}
}

/* A damaged sample, line by line; returns how many were refused. */
static size_t
lines_damaged(struct dice *d, const struct rt *rt, const char *text, char *copy)
{
	size_t bad = 0;

	for (const char *p = text, *end; *p != '\0'; p = end + 1) {
		struct errmsg em = { .em_text = "" };
		size_t k;
		int error;

		end = strchr(p, '\n');
		assert_non_null(end);
		k = (size_t)(end - p);
		memcpy(copy, p, k);
		if (dice_below(d, 8) == 0)
			k = line_damage(d, copy, k);
		error = line_give(rt->rt_format, rt->rt_parser, copy, k, &em);
		assert_true(error == 0 || error == EBADMSG);
		assert_true((error != 0) == (em.em_text[0] != '\0'));
		bad += error != 0;
	}
	return bad;
}

void
rt_damage(const struct text_format *tf, const char *sample, unsigned rounds)
{
	struct dice d = { dice_seed() };
	size_t len, bad = 0;
	char *text = rt_sample(sample, &len), *copy = malloc(len + 16);
	struct assemble_param ap = tf->tf_param;

	assert_non_null(copy);
	ap.ap_page = PG;
	ap.ap_select.rs_code = ap.ap_select.rs_unmapped = true;
	for (unsigned round = 0; round < rounds; round++) {
		struct at at;
		struct rt rt = { .rt_format = tf, .rt_at = &at };
		const struct raw_out ro = { examine, &rt };
		struct errmsg em = { .em_text = "" };

		at_begin(&at, &ap);
		must_em(tf->tf_create(&ro, true, &rt.rt_parser, &em), &em);
		bad += lines_damaged(&d, &rt, text, copy);
		(void)tf->tf_end(rt.rt_parser, &em);
		tf->tf_destroy(rt.rt_parser);
		assert_true(rt.rt_records > 0);
		/* Whatever it is, it can be read. */
		assert_true(strlen(at_end(&at)) > 0);
		at_free(&at);
	}
	assert_true(bad > 0);
	free(copy);
	free(text);
}
