#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "traces/import_i.h"

#define NS_PER_S 1000000000

int
import_malformed(struct import *im, struct errmsg *em, const char *fmt, ...)
{
	struct errmsg why = { .em_text = "" };
	va_list ap;

	if (im->im_param->ip_lenient) {
		im->im_count[RECORD_MALFORMED]++;
		return 0;
	}
	va_start(ap, fmt);
	(void)vsnprintf(why.em_text, sizeof(why.em_text), fmt, ap);
	va_end(ap);
	return ERRMSG(em, EINVAL,
	    "%s: %s %" PRIu64 ": %.300s; --lenient goes on without it",
	    im->im_in.in_path, im->im_what, im->im_line, why.em_text);
}

/*
 * Have the bytes up to the next newline, that one too, or to the end, at in_beg.
 *
 * => *lenp: how many; more than max: there are max and no newline yet
 */
static int
line_fill(struct trace_in *in, size_t max, size_t *lenp, struct errmsg *em)
{
	size_t seen = 0;

	for (;;) {
		const size_t have = in_have(in);
		const uint8_t *data = in_data(in);
		const uint8_t *nl =
		    have > seen ? memchr(data + seen, '\n', have - seen) : NULL;
		int error;

		if (nl != NULL)
			*lenp = (size_t)(nl - data) + 1;
		else
			*lenp = have;
		if (nl != NULL || in->in_eof || have > max)
			return 0;
		seen = have;
		error = in_fill(in, have + 1, em);
		if (error != 0)
			return error;
	}
}

/* Step over what is left of a line that is too long. */
static int
line_skip(struct trace_in *in, struct errmsg *em)
{
	for (;;) {
		size_t len;
		int error = line_fill(in, 0, &len, em);
		bool end;

		if (error != 0)
			return error;
		end = len == 0 || in_data(in)[len - 1] == '\n';
		in->in_beg += len;
		if (end)
			return 0;
	}
}

int
import_line(struct import *im, char **linep, struct errmsg *em)
{
	struct trace_in *in = &im->im_in;
	size_t len;
	int error;

	*linep = NULL;
	for (;;) {
		error = line_fill(in, IMPORT_LINE_MAX, &len, em);
		if (error != 0 || len == 0)
			return error;
		im->im_line++;
		if (len < IMPORT_LINE_MAX)
			break;
		error = line_skip(in, em);
		if (error == 0)
			error = import_malformed(im, em,
			    "has %d bytes or more; no line of %s has",
			    IMPORT_LINE_MAX, im->im_format->fm_name);
		if (error != 0)
			return error;
	}
	memcpy(im->im_text, in_data(in), len);
	in->in_beg += len;
	if (im->im_text[len - 1] == '\n')
		len--;
	if (len > 0 && im->im_text[len - 1] == '\r')
		len--;
	im->im_text[len] = '\0';
	for (char *p = im->im_text;
	     (p = memchr(p, '\0', (size_t)(im->im_text + len - p))) != NULL;)
		*p = '?';
	*linep = im->im_text;
	return 0;
}

char *
text_word(char **pp)
{
	char *word = *pp + strspn(*pp, " \t");
	char *end = word + strcspn(word, " \t");

	if (end == word)
		return NULL;
	*pp = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word;
}

bool
text_uint(const char *s, uint64_t *valp)
{
	uint64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	*valp = v;
	return *s == '\0';
}

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

bool
text_hex(const char *s, uint64_t *valp)
{
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	if (*s == '\0')
		return false;
	for (; hex_digit(*s) < 16; s++) {
		if (v >> 60 != 0)
			return false;
		v = v << 4 | hex_digit(*s);
	}
	*valp = v;
	return *s == '\0';
}

bool
text_seconds(const char *s, uint64_t *nsp)
{
	uint64_t v = 0, scale = NS_PER_S;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	if (__builtin_mul_overflow(v, NS_PER_S, &v))
		return false;
	if (*s == '.' && (s[1] < '0' || s[1] > '9'))
		return false;
	for (s += *s == '.'; *s >= '0' && *s <= '9'; s++) {
		scale /= 10;
		if (__builtin_add_overflow(v, scale * (uint64_t)(*s - '0'), &v))
			return false;
	}
	*nsp = v;
	return *s == '\0';
}
