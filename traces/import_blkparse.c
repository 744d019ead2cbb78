/*
 * The default output of blkparse(1), of blktrace 1.2:
 *
 *	MAJOR,MINOR CPU SEQ SECONDS PID ACTION RWBS SECTOR + SECTORS [NAME]
 *
 * and without "SECTOR + SECTORS" where there are none.  RWBS is F for a flush
 * of the device before it, then R, W, D (discard) or N (neither), then letters
 * that are of no interest here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/import_i.h"

#define SECTOR 512

/* What stands before and after the lines of events. */
static const char *const others[] = { "Input file ", "CPU", "Total (",
	"Throughput (", "Events (", "Skips: ", " Reads ", " Read ",
	" IO unplugs" };

/* A line, taken apart. */
struct line {
	char *ln_device, *ln_cpu, *ln_seq, *ln_time, *ln_pid, *ln_action;
	char *ln_rwbs;
	char *ln_rest;
};

static bool
is_other(const char *line)
{
	for (size_t i = 0; i < nitems(others); i++)
		if (strncmp(line, others[i], strlen(others[i])) == 0)
			return true;
	return line[strspn(line, " \t")] == '\0';
}

static bool
line_split(char *text, struct line *ln)
{
	ln->ln_device = text_word(&text);
	ln->ln_cpu = text_word(&text);
	ln->ln_seq = text_word(&text);
	ln->ln_time = text_word(&text);
	ln->ln_pid = text_word(&text);
	ln->ln_action = text_word(&text);
	ln->ln_rwbs = text_word(&text);
	ln->ln_rest = text;
	return ln->ln_rwbs != NULL;
}

/* MAJOR,MINOR and nothing else? */
static bool
is_device(const char *word)
{
	char copy[32];
	uint64_t v;
	char *comma;

	if (strlen(word) >= sizeof(copy))
		return false;
	(void)strcpy(copy, word);
	comma = strchr(copy, ',');
	if (comma == NULL)
		return false;
	*comma = '\0';
	return text_uint(copy, &v) && text_uint(comma + 1, &v);
}

/* Did a completion fail?  Its error is the last thing of the line, "[-5]". */
static bool
failed(const char *rest)
{
	const char *bracket = strrchr(rest, '[');

	return bracket != NULL && strcmp(bracket, "[0]") != 0;
}

/*
 * SECTOR + SECTORS, as bytes.
 *
 * => false: they are not there, or *badp: not what they should be
 */
static bool
place(char *rest, uint64_t *offsetp, uint64_t *lengthp, bool *badp)
{
	const char *sector = text_word(&rest), *plus = text_word(&rest);
	const char *sectors = text_word(&rest);
	uint64_t first, n;

	*badp = false;
	if (sector == NULL || plus == NULL || strcmp(plus, "+") != 0)
		return false;
	*badp = sectors == NULL || !text_uint(sector, &first) ||
	    !text_uint(sectors, &n) || first > INT64_MAX / SECTOR ||
	    n > INT64_MAX / SECTOR - first;
	if (*badp)
		return false;
	*offsetp = first * SECTOR;
	*lengthp = n * SECTOR;
	return true;
}

/* A request of the action that is wanted. */
static int
request(struct import *im, struct import_file *f, const struct import_when *iw,
    const struct line *ln, struct errmsg *em)
{
	const char *rwbs = ln->ln_rwbs;
	uint64_t offset, length;
	int error = 0;
	bool bad;

	if (*rwbs == 'F') {
		error = import_flush(im, f, iw, 0, 0, 0, em);
		rwbs++;
	}
	if (error != 0 || *rwbs == 'N' || *rwbs == '\0')
		return error;
	if (strchr("RWD", *rwbs) == NULL)
		return import_malformed(im, em,
		    "'%.20s' is no kind of request: R, W, D or N", ln->ln_rwbs);
	if (!place(ln->ln_rest, &offset, &length, &bad)) {
		if (bad)
			return import_malformed(im, em,
			    "not SECTOR + SECTORS of a disk");
		/* A command passed through, or only a flush. */
		im->im_count[RECORD_UNKNOWN_OFFSETS] +=
		    ln->ln_rwbs[0] != 'F' && *ln->ln_action != 'C';
		return 0;
	}
	if (*rwbs == 'D')
		return import_discard(im, f, iw, offset, length, em);
	return import_request(im, f, iw, *rwbs == 'W', offset, length, em);
}

static int
line_take(struct import *im, char *text, struct errmsg *em)
{
	static const char *const actions[] = { "Q", "I", "D", "C" };
	struct import_file *f;
	struct import_when iw;
	struct line ln;
	uint64_t pid, seq;
	int error;

	if (is_other(text))
		return 0;
	if (!line_split(text, &ln) || !is_device(ln.ln_device) ||
	    !text_uint(ln.ln_cpu, &seq) || !text_uint(ln.ln_seq, &seq) ||
	    !text_seconds(ln.ln_time, &iw.iw_time) ||
	    !text_uint(ln.ln_pid, &pid) || pid > UINT32_MAX)
		return import_malformed(im, em,
		    "not MAJOR,MINOR CPU SEQ SECONDS PID ACTION RWBS ..., "
		    "which blkparse writes without -f");
	iw.iw_pid = iw.iw_tid = (uint32_t)pid;
	if (strcmp(ln.ln_action, actions[im->im_p->action]) != 0 ||
	    (*ln.ln_action == 'C' && failed(ln.ln_rest)))
		return 0;
	error = import_file(im, ln.ln_device, &f, em);
	return error != 0 ? error : request(im, f, &iw, &ln, em);
}

int
blkparse_import(struct import *im, struct errmsg *em)
{
	char *line;
	int error;

	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
		error = line_take(im, line, em);
		if (error != 0)
			break;
	}
	return error != 0 ? error : import_files_finish(im, em);
}
