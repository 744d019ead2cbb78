/*
 * What blkparse(1) prints by default:
 *
 *	MAJOR,MINOR CPU SEQUENCE SECONDS PID ACTION RWBS SECTOR + SECTORS [COMMAND]
 *
 * and behind it a summary, of which only the number of events that were lost
 * is looked at.  A request shows up several times on its way, each time with
 * another action: the user says at which it is taken.
 *
 * RWBS is one letter or more: F the device's cache is flushed before; D, W, R
 * or N discards, writes, reads or does neither; F the data are on the medium
 * when the request is done; and others that are only hints.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/import_i.h"

#define SECTOR 512

/* As the row of import_param.def has them. */
static const char *const taken[] = { "Q", "I", "D", "C" };

/* All actions, but for those. */
static const char *const others[] = { "A", "B", "F", "G", "M", "P", "R", "S",
	"T", "U", "UT", "X", "m" };

/* What a summary begins with, and what may stand before the events. */
static const char *const summary[] = { "CPU", "Total (", "Input file " };

#define SKIPS "Skips: "

struct blk {
	struct import *bl_im;
	const char *bl_action;
	bool bl_summary; /* one has begun: what is no event belongs to it */
};

/* A line, taken apart; words that are not there are NULL. */
struct entry {
	char *en_device, *en_cpu, *en_seq, *en_time, *en_pid, *en_action;
	char *en_rwbs, *en_sector, *en_plus, *en_sectors;
};

/* What is done, in this order. */
struct request {
	bool rq_flush, rq_discard, rq_write, rq_read, rq_fua;
	uint64_t rq_offset, rq_length;
};

static bool
device_p(const char *word)
{
	const size_t major = strspn(word, "0123456789");
	const size_t minor =
	    word[major] == ',' ? strspn(word + major + 1, "0123456789") : 0;

	return major > 0 && minor > 0 && word[major + 1 + minor] == '\0';
}

static bool
among(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static bool
rwbs_read(const char *p, struct request *rq)
{
	rq->rq_flush = *p == 'F';
	p += rq->rq_flush;
	rq->rq_discard = *p == 'D';
	rq->rq_write = *p == 'W';
	rq->rq_read = *p == 'R';
	if (*p == '\0' || strchr("DWRN", *p) == NULL)
		return false;
	p++;
	rq->rq_fua = *p == 'F';
	return p[strspn(p, "FABSME")] == '\0';
}

static bool
range_read(const struct entry *en, struct request *rq)
{
	uint64_t sector, sectors;

	return en->en_sectors != NULL && text_uint(en->en_sector, &sector) &&
	    text_uint(en->en_sectors, &sectors) &&
	    !__builtin_mul_overflow(sector, SECTOR, &rq->rq_offset) &&
	    !__builtin_mul_overflow(sectors, SECTOR, &rq->rq_length) &&
	    rq->rq_offset <= INT64_MAX &&
	    rq->rq_length <= INT64_MAX - rq->rq_offset;
}

/* Did the request that the line says is complete fail?  "... [ERROR]". */
static bool
failed(const char *rest)
{
	const char *bracket = strrchr(rest, '[');

	return bracket != NULL && strcmp(bracket, "[0]") != 0;
}

static int
request_put(struct import *im, const struct request *rq, struct import_file *f,
    const struct import_when *iw, struct errmsg *em)
{
	int error = 0;

	if (rq->rq_flush)
		error = import_flush(im, f, iw, 0, 0, 0, em);
	if (error == 0 && rq->rq_discard)
		error =
		    import_discard(im, f, iw, rq->rq_offset, rq->rq_length, em);
	if (error == 0 && (rq->rq_read || rq->rq_write))
		error = import_request(im, f, iw, rq->rq_write, rq->rq_offset,
		    rq->rq_length, em);
	if (error == 0 && rq->rq_write && rq->rq_fua)
		error = import_flush(im, f, iw, TRACE_F_DATA | TRACE_F_RANGE,
		    rq->rq_offset, rq->rq_length, em);
	return error;
}

/* An entry of the action that is wanted; rest is what is behind RWBS. */
static int
entry_take(struct blk *bl, struct entry *en, char *rest,
    const struct import_when *iw, struct errmsg *em)
{
	struct import *im = bl->bl_im;
	struct request rq = { .rq_flush = false };
	struct import_file *f;
	const bool done = strcmp(en->en_action, "C") == 0;
	int error;

	if (done && failed(rest))
		return 0;
	if (!rwbs_read(en->en_rwbs, &rq))
		return import_malformed(im, em,
		    "'%.40s' says not what the request does", en->en_rwbs);
	en->en_sector = text_word(&rest);
	en->en_plus = text_word(&rest);
	if (en->en_plus == NULL || strcmp(en->en_plus, "+") != 0) {
		/* A flush, or a command that is passed through. */
		im->im_count[RECORD_UNKNOWN_OFFSETS] += !rq.rq_flush && !done &&
		    (rq.rq_read || rq.rq_write || rq.rq_discard);
		rq.rq_discard = rq.rq_write = rq.rq_read = false;
	} else {
		en->en_sectors = text_word(&rest);
		if (!range_read(en, &rq))
			return import_malformed(im, em,
			    "'%.40s + %.40s' are no sectors", en->en_sector,
			    en->en_sectors != NULL ? en->en_sectors : "");
	}
	error = import_file(im, en->en_device, &f, em);
	if (error != 0)
		return error;
	return request_put(im, &rq, f, iw, em);
}

/* "Skips: TIMES forward (EVENTS - SHARE%)": numbers with commas, perhaps. */
static void
skips_take(struct import *im, const char *line)
{
	const char *p = strchr(line, '(');
	uint64_t v = 0;

	for (p = p != NULL ? p + 1 : "";
	     isdigit((unsigned char)*p) || *p == ','; p++)
		if (*p != ',' && v < UINT64_MAX / 10 - 1)
			v = v * 10 + (uint64_t)(*p - '0');
	im->im_count[RECORD_LOST] += v;
}

/* A line that is no event's: of the summary? */
static bool
summary_take(struct blk *bl, const char *line)
{
	for (size_t i = 0; i < nitems(summary); i++)
		bl->bl_summary |=
		    strncmp(line, summary[i], strlen(summary[i])) == 0;
	if (bl->bl_summary && strncmp(line, SKIPS, strlen(SKIPS)) == 0)
		skips_take(bl->bl_im, line);
	return bl->bl_summary || *line == '\0';
}

/* When and by whom; numbers of processors and events are only looked at. */
static bool
when_read(const struct entry *en, struct import_when *iw)
{
	uint64_t v;

	if (!text_uint(en->en_cpu, &v) || !text_uint(en->en_seq, &v) ||
	    !text_seconds(en->en_time, &iw->iw_time) ||
	    !text_uint(en->en_pid, &v) || v > UINT32_MAX)
		return false;
	iw->iw_pid = iw->iw_tid = (uint32_t)v;
	return true;
}

static int
line_take(struct blk *bl, char *line, struct errmsg *em)
{
	struct import *im = bl->bl_im;
	struct entry en = { 0 };
	struct import_when iw;
	char *words = line, first = *(line + strspn(line, " \t"));

	if (!isdigit((unsigned char)first) && summary_take(bl, line))
		return 0;
	en.en_device = text_word(&words);
	en.en_cpu = text_word(&words);
	en.en_seq = text_word(&words);
	en.en_time = text_word(&words);
	en.en_pid = text_word(&words);
	en.en_action = text_word(&words);
	en.en_rwbs = text_word(&words);
	if (en.en_rwbs == NULL || !device_p(en.en_device) ||
	    !when_read(&en, &iw))
		return import_malformed(im, em,
		    "not MAJOR,MINOR CPU SEQUENCE SECONDS PID ACTION RWBS ..., "
		    "as blkparse prints without -f");
	bl->bl_summary = false;
	if (strcmp(en.en_action, bl->bl_action) == 0)
		return entry_take(bl, &en, words, &iw, em);
	if (among(en.en_action, taken, nitems(taken)) ||
	    among(en.en_action, others, nitems(others)))
		return 0;
	return import_malformed(im, em, "'%.40s' is no action of blkparse",
	    en.en_action);
}

int
blkparse_import(struct import *im, struct errmsg *em)
{
	struct blk bl = {
		.bl_im = im,
		.bl_action = taken[im->im_p->action],
	};
	char *line;
	int error;

	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
		error = line_take(&bl, line, em);
		if (error != 0)
			break;
	}
	return error != 0 ? error : import_files_finish(im, em);
}
