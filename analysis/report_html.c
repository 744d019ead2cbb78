#include <inttypes.h>
#include <string.h>

#include "analysis/report_impl.h"

#define REPLACEMENT 0xfffdU

/* What the first byte of a character says: how many follow, and what it adds.
 * least: a longer form of a shorter character is none. */
static size_t
utf8_head(unsigned char byte, uint32_t *cp, uint32_t *leastp)
{
	if (byte < 0x80) {
		*cp = byte;
		*leastp = 0;
		return 0;
	}
	if (byte >= 0xc2 && byte < 0xe0) {
		*cp = byte & 0x1fU;
		*leastp = 0x80;
		return 1;
	}
	if (byte >= 0xe0 && byte < 0xf0) {
		*cp = byte & 0x0fU;
		*leastp = 0x800;
		return 2;
	}
	if (byte >= 0xf0 && byte < 0xf5) {
		*cp = byte & 0x07U;
		*leastp = 0x10000;
		return 3;
	}
	*cp = REPLACEMENT;
	*leastp = 0;
	return 0;
}

/*
 * utf8_next: the character that text begins with.
 *
 * => how many bytes it takes, at least 1; a broken byte is U+FFFD
 */
static size_t
utf8_next(const char *text, size_t len, uint32_t *cp)
{
	uint32_t least;
	const size_t more = utf8_head((unsigned char)text[0], cp, &least);

	for (size_t i = 1; i <= more; i++) {
		if (i >= len || ((unsigned char)text[i] & 0xc0U) != 0x80) {
			*cp = REPLACEMENT;
			return 1;
		}
		*cp = *cp << 6 | ((unsigned char)text[i] & 0x3fU);
	}
	if (*cp < least || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000)) {
		*cp = REPLACEMENT;
		return 1;
	}
	return more + 1;
}

/* Does it change the order that what follows is shown in? */
static bool
turns(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/*
 * put_odd: write a character that HTML must not have, or eyes could not see.
 *
 * => false: it is none of those
 */
static bool
put_odd(FILE *fp, uint32_t c)
{
	if (c == '\t' || c == '\n')
		return false;
	if (c < 0x20)
		(void)fprintf(fp, "&#x%x;", 0x2400 + c);
	else if (c == 0x7f)
		(void)fputs("&#x2421;", fp);
	else if ((c >= 0x80 && c < 0xa0) || c == REPLACEMENT)
		(void)fputs("&#xfffd;", fp);
	else if (turns(c))
		(void)fprintf(fp, "[U+%04X]", c);
	else
		return false;
	return true;
}

static const char *
escape_of(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void
put_bytes(FILE *fp, const char *text, size_t len, bool escape)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		const size_t n = utf8_next(text + i, len - i, &c);
		const char *safe = escape ? escape_of(c) : NULL;

		if (safe != NULL)
			(void)fputs(safe, fp);
		else if (!put_odd(fp, c))
			(void)fwrite(text + i, 1, n, fp);
		i += n;
	}
}

void
html_bytes(FILE *fp, const char *text, size_t len)
{
	put_bytes(fp, text, len, true);
}

void
html_text(FILE *fp, const char *text)
{
	put_bytes(fp, text, strlen(text), true);
}

void
html_mend(FILE *fp, const char *text, size_t len)
{
	put_bytes(fp, text, len, false);
}

void
html_number(FILE *fp, const char *number)
{
	size_t whole;

	if (*number == '-')
		(void)fputc(*number++, fp);
	whole = strspn(number, "0123456789");
	for (size_t left = whole; left > 0; left--) {
		(void)fputc(*number++, fp);
		if (left > 1 && left % 3 == 1)
			(void)fputc(',', fp);
	}
	(void)fputs(number, fp);
}

void
html_count(FILE *fp, int64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	html_number(fp, text);
}

void
html_data_uri(FILE *fp, const char *type, const char *bytes, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)fprintf(fp, "data:%s;base64,", type);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 |
			    (i + j < len ? (unsigned char)bytes[i + j] : 0U);
		for (size_t j = 0; j < 4; j++)
			(void)fputc(i + j <= len ?
				digit[bits >> (18 - 6 * j) & 0x3f] :
				'=',
			    fp);
	}
}

void
html_shell_word(FILE *fp, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789,.:/_+=@%-";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		html_text(fp, word);
		return;
	}
	(void)fputs("&#39;", fp);
	for (; *word != '\0'; word += strcspn(word, "'")) {
		if (*word == '\'') {
			(void)fputs("&#39;\\&#39;&#39;", fp);
			word++;
		}
		html_bytes(fp, word, strcspn(word, "'"));
	}
	(void)fputs("&#39;", fp);
}
