/*
 * report_svg.c: a picture of gnuplot's as part of a page.
 *
 * All pictures of gnuplot call their parts the same, and a page has one set of
 * names; a file by itself has a prolog that HTML knows nothing of.  So the
 * picture is read tag by tag, and only what is known goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report_impl.h"

/* How deep elements may lie in each other. */
#define DEPTH_MAX 64

static const char *const elements[] = { "circle", "clipPath", "defs", "ellipse",
	"feComposite", "feFlood", "filter", "g", "line", "linearGradient",
	"mask", "path", "pattern", "polygon", "polyline", "radialGradient",
	"rect", "stop", "svg", "text", "tspan", "use" };

/* Of a tag, in the text that was read. */
struct word {
	const char *w_at;
	size_t w_len;
};

/* An element that has begun. */
struct open {
	struct word op_name;
	size_t op_tag;	/* where its tag begins in what is written */
	size_t op_body; /* and where what it holds does */
};

struct svg {
	const char *sv_at, *sv_end; /* still to be read */
	const char *sv_prefix;
	const char *sv_label;
	FILE *sv_fp; /* writes to the two below */
	char *sv_text;
	size_t sv_len;
	struct open sv_open[DEPTH_MAX];
	size_t sv_depth;
	size_t sv_dropped; /* elements that have begun and are left out */
	bool sv_whole;	   /* the picture has ended */
};

static bool
is(struct word w, const char *text)
{
	return w.w_len == strlen(text) && memcmp(w.w_at, text, w.w_len) == 0;
}

static bool
starts(const struct svg *sv, const char *text)
{
	const size_t len = strlen(text);

	return (size_t)(sv->sv_end - sv->sv_at) >= len &&
	    memcmp(sv->sv_at, text, len) == 0;
}

/* The end of text in what is to be read, or its end. */
static const char *
after(const struct svg *sv, const char *text)
{
	const char *found = memmem(sv->sv_at, (size_t)(sv->sv_end - sv->sv_at),
	    text, strlen(text));

	return found == NULL ? sv->sv_end : found + strlen(text);
}

static bool
known(struct word name)
{
	for (size_t i = 0; i < nitems(elements); i++)
		if (is(name, elements[i]))
			return true;
	return false;
}

static bool
name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '_';
}

static bool
space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct word
read_name(struct svg *sv)
{
	struct word w = { .w_at = sv->sv_at, .w_len = 0 };

	while (sv->sv_at < sv->sv_end && name_byte(*sv->sv_at))
		sv->sv_at++;
	w.w_len = (size_t)(sv->sv_at - w.w_at);
	return w;
}

static void
skip_space(struct svg *sv)
{
	while (sv->sv_at < sv->sv_end && space(*sv->sv_at))
		sv->sv_at++;
}

/* NAME="VALUE"; false at the end of the tag, or of what makes sense. */
static bool
read_attribute(struct svg *sv, struct word *name, struct word *value)
{
	const char *end;

	skip_space(sv);
	*name = read_name(sv);
	skip_space(sv);
	if (name->w_len == 0 || sv->sv_at >= sv->sv_end || *sv->sv_at != '=')
		return false;
	sv->sv_at++;
	skip_space(sv);
	if (sv->sv_at >= sv->sv_end ||
	    (*sv->sv_at != '"' && *sv->sv_at != '\''))
		return false;
	end = memchr(sv->sv_at + 1, *sv->sv_at,
	    (size_t)(sv->sv_end - sv->sv_at - 1));
	if (end == NULL)
		return false;
	value->w_at = sv->sv_at + 1;
	value->w_len = (size_t)(end - value->w_at);
	sv->sv_at = end + 1;
	return true;
}

/* Does the value refer to something that is not in the picture? */
static bool
reaches_out(struct word name, struct word value)
{
	const char *at = value.w_at, *end = value.w_at + value.w_len;

	if (is(name, "href") || is(name, "xlink:href"))
		return value.w_len == 0 || *at != '#';
	while ((at = memmem(at, (size_t)(end - at), "url(", 4)) != NULL) {
		at += 4;
		if (at == end || *at != '#')
			return true;
	}
	/* A backslash could hide such words in a style. */
	return memchr(value.w_at, '\\', value.w_len) != NULL;
}

static bool
wanted(const struct svg *sv, struct word name, struct word value)
{
	/* The page says how large the picture is. */
	static const char *const root[] = { "width", "height", "id", "role",
		"aria-label", "version" };

	for (size_t i = 0; sv->sv_depth == 0 && i < nitems(root); i++)
		if (is(name, root[i]))
			return false;
	return !(name.w_len >= 2 && strncasecmp(name.w_at, "on", 2) == 0) &&
	    !(name.w_len >= 5 && strncasecmp(name.w_at, "xmlns", 5) == 0) &&
	    !reaches_out(name, value);
}

/* A value, with the names in it made this picture's own. */
static void
put_value(struct svg *sv, struct word name, struct word value)
{
	const char *at = value.w_at, *end = value.w_at + value.w_len, *hash;

	if (is(name, "id"))
		(void)fputs(sv->sv_prefix, sv->sv_fp);
	if (is(name, "href") || is(name, "xlink:href")) {
		(void)fprintf(sv->sv_fp, "#%s", sv->sv_prefix);
		at++;
	}
	while ((hash = memmem(at, (size_t)(end - at), "url(#", 5)) != NULL) {
		html_mend(sv->sv_fp, at, (size_t)(hash + 5 - at));
		(void)fputs(sv->sv_prefix, sv->sv_fp);
		at = hash + 5;
	}
	for (; at < end; at++) {
		const size_t n = strcspn(at, "\"<>");
		const size_t len =
		    n < (size_t)(end - at) ? n : (size_t)(end - at);

		html_mend(sv->sv_fp, at, len);
		at += len;
		if (at < end)
			html_bytes(sv->sv_fp, at, 1);
	}
}

/* The rest of a tag, from behind its name; written if the element is. */
static void
read_attributes(struct svg *sv, bool write)
{
	struct word name, value;

	while (read_attribute(sv, &name, &value)) {
		if (!write || !wanted(sv, name, value))
			continue;
		(void)fprintf(sv->sv_fp, " %.*s=\"",
		    (int)(is(name, "xlink:href") ? 4 : name.w_len),
		    is(name, "xlink:href") ? "href" : name.w_at);
		put_value(sv, name, value);
		(void)fputc('"', sv->sv_fp);
	}
}

/* A tag that begins an element. */
static int
read_open(struct svg *sv)
{
	struct open op = { .op_tag = 0 };
	bool write, closed;

	op.op_name = read_name(sv);
	write = sv->sv_dropped == 0 && known(op.op_name) &&
	    (sv->sv_depth > 0 || is(op.op_name, "svg"));
	if (write && (fflush(sv->sv_fp) != 0 || sv->sv_depth == DEPTH_MAX))
		return EINVAL;
	op.op_tag = sv->sv_len;
	if (write) {
		(void)fprintf(sv->sv_fp, "<%.*s", (int)op.op_name.w_len,
		    op.op_name.w_at);
		if (sv->sv_depth == 0) {
			(void)fputs(" role=\"img\" aria-label=\"", sv->sv_fp);
			html_text(sv->sv_fp, sv->sv_label);
			(void)fputc('"', sv->sv_fp);
		}
	}
	read_attributes(sv, write);
	closed = sv->sv_at < sv->sv_end && *sv->sv_at == '/';
	if (closed)
		sv->sv_at++;
	if (sv->sv_at >= sv->sv_end || *sv->sv_at != '>')
		return EINVAL;
	sv->sv_at++;
	if (write)
		(void)fputs(closed ? "/>" : ">", sv->sv_fp);
	if (write && !closed) {
		if (fflush(sv->sv_fp) != 0)
			return ENOMEM;
		op.op_body = sv->sv_len;
		sv->sv_open[sv->sv_depth++] = op;
	} else if (!write && !closed)
		sv->sv_dropped++;
	return 0;
}

/* A group that holds nothing is not worth its bytes, and gnuplot makes many. */
static bool
drop_empty(struct svg *sv, const struct open *op)
{
	if (!is(op->op_name, "g"))
		return false;
	for (size_t i = op->op_body; i < sv->sv_len; i++)
		if (!space(sv->sv_text[i]))
			return false;
	return fseeko(sv->sv_fp, (off_t)op->op_tag, SEEK_SET) == 0;
}

static int
read_close(struct svg *sv)
{
	const struct word name = read_name(sv);
	const struct open *op;

	skip_space(sv);
	if (sv->sv_at >= sv->sv_end || *sv->sv_at != '>')
		return EINVAL;
	sv->sv_at++;
	if (sv->sv_dropped > 0) {
		sv->sv_dropped--;
		return 0;
	}
	if (sv->sv_depth == 0)
		return EINVAL;
	op = &sv->sv_open[--sv->sv_depth];
	if (op->op_name.w_len != name.w_len ||
	    memcmp(op->op_name.w_at, name.w_at, name.w_len) != 0)
		return EINVAL;
	if (fflush(sv->sv_fp) != 0)
		return ENOMEM;
	if (!drop_empty(sv, op))
		(void)fprintf(sv->sv_fp, "</%.*s>", (int)name.w_len, name.w_at);
	sv->sv_whole = sv->sv_depth == 0;
	return 0;
}

/* What is between tags; entities stay as they are. */
static void
read_text(struct svg *sv)
{
	const char *end =
	    memchr(sv->sv_at, '<', (size_t)(sv->sv_end - sv->sv_at));

	if (end == NULL)
		end = sv->sv_end;
	if (sv->sv_depth > 0 && sv->sv_dropped == 0)
		html_mend(sv->sv_fp, sv->sv_at, (size_t)(end - sv->sv_at));
	sv->sv_at = end;
}

static int
read_all(struct svg *sv)
{
	int error = 0;

	while (error == 0 && !sv->sv_whole && sv->sv_at < sv->sv_end) {
		if (*sv->sv_at != '<')
			read_text(sv);
		else if (starts(sv, "<!--"))
			sv->sv_at = after(sv, "-->");
		else if (starts(sv, "<![CDATA["))
			sv->sv_at = after(sv, "]]>");
		else if (starts(sv, "<!") || starts(sv, "<?"))
			sv->sv_at = after(sv, ">");
		else if (starts(sv, "</")) {
			sv->sv_at += 2;
			error = read_close(sv);
		} else {
			sv->sv_at++;
			error = read_open(sv);
		}
	}
	return error == 0 && !sv->sv_whole ? EINVAL : error;
}

int
svg_write(FILE *fp, const char *svg, size_t len, const char *prefix,
    const char *label)
{
	struct svg sv = {
		.sv_at = svg,
		.sv_end = svg + len,
		.sv_prefix = prefix,
		.sv_label = label,
	};
	int error;

	if ((sv.sv_fp = open_memstream(&sv.sv_text, &sv.sv_len)) == NULL)
		return ENOMEM;
	error = read_all(&sv);
	if (fclose(sv.sv_fp) != 0 && error == 0)
		error = ENOMEM;
	if (error == 0)
		(void)fwrite(sv.sv_text, 1, sv.sv_len, fp);
	free(sv.sv_text);
	return error;
}
