/*
 * The iolog of fio(1), as its manual has it under "TRACE FILE FORMAT":
 *
 *	fio version 2 iolog		1.17 to 3.30 write it, all read it
 *	NAME add|open|close
 *	NAME ACTION OFFSET LENGTH
 *
 *	fio version 3 iolog		from 3.31 on
 *	TIME NAME add|open|close
 *	TIME NAME ACTION OFFSET LENGTH
 *
 * TIME is microseconds since the start.  Version 2 has an action wait instead,
 * whose offset is microseconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "traces/import_i.h"

#define NS_PER_US 1000

enum kind { DATA_READ, DATA_WRITE, FLUSH, FLUSH_RANGE, DISCARD, WAIT };

static const struct action {
	const char *ac_name;
	enum kind ac_kind;
	uint32_t ac_flags; /* of the flush */
} actions[] = {
	{ "read", DATA_READ, 0 },
	{ "write", DATA_WRITE, 0 },
	{ "sync", FLUSH, 0 },
	{ "datasync", FLUSH, TRACE_F_DATA },
	{ "sync_file_range", FLUSH_RANGE, TRACE_F_RANGE },
	{ "trim", DISCARD, 0 },
	{ "wait", WAIT, 0 },
};

/* What is done to files as such; add only declares one. */
static const struct {
	const char *name;
	enum trace_op op;
} file_actions[] = {
	{ "add", TRACE_NOPS },
	{ "open", TRACE_OPEN },
	{ "close", TRACE_CLOSE },
};

struct fio {
	struct import *fi_im;
	bool fi_times;	    /* version 3 */
	uint64_t fi_waited; /* ns */
};

/* A line, taken apart. */
struct entry {
	char *en_time, *en_name, *en_action;
	char *en_offset, *en_length; /* NULL: of a file as such */
};

static const struct action *
action_find(const char *name)
{
	for (size_t i = 0; i < nitems(actions); i++)
		if (strcmp(actions[i].ac_name, name) == 0)
			return &actions[i];
	return NULL;
}

static int
file_entry(struct fio *fi, const struct entry *en, const struct import_when *iw,
    struct errmsg *em)
{
	struct import *im = fi->fi_im;
	struct import_file *f;
	size_t i = 0;
	int error;

	while (i < nitems(file_actions) &&
	    strcmp(file_actions[i].name, en->en_action) != 0)
		i++;
	if (i == nitems(file_actions))
		return import_malformed(im, em,
		    "'%.40s' is no action on a file: add, open or close",
		    en->en_action);
	error = import_file(im, en->en_name, &f, em);
	if (error != 0 || file_actions[i].op == TRACE_NOPS)
		return error;
	return import_plain(im, f, iw, file_actions[i].op, em);
}

static int
wait_entry(struct fio *fi, uint64_t us, struct errmsg *em)
{
	uint64_t ns;

	if (__builtin_mul_overflow(us, NS_PER_US, &ns) ||
	    __builtin_add_overflow(fi->fi_waited, ns, &fi->fi_waited))
		return import_malformed(fi->fi_im, em,
		    "waits until the end of time");
	return 0;
}

static int
data_entry(struct fio *fi, const struct entry *en, const struct import_when *iw,
    struct errmsg *em)
{
	const struct action *ac = action_find(en->en_action);
	struct import *im = fi->fi_im;
	struct import_file *f;
	uint64_t offset, length;
	int error;

	if (ac == NULL || (ac->ac_kind == WAIT && fi->fi_times))
		return import_malformed(im, em,
		    "'%.40s' is no action of version %d", en->en_action,
		    fi->fi_times ? 3 : 2);
	if (!text_uint(en->en_offset, &offset) ||
	    !text_uint(en->en_length, &length) || offset > INT64_MAX ||
	    length > INT64_MAX - offset)
		return import_malformed(im, em,
		    "'%.40s %.40s' is no offset and length", en->en_offset,
		    en->en_length);
	if (ac->ac_kind == WAIT)
		return wait_entry(fi, offset, em);
	error = import_file(im, en->en_name, &f, em);
	if (error != 0)
		return error;
	switch (ac->ac_kind) {
	case DATA_READ:
	case DATA_WRITE:
		return import_request(im, f, iw, ac->ac_kind == DATA_WRITE,
		    offset, length, em);
	case FLUSH:
		/* Where it says it is, a read or write was before. */
		return import_flush(im, f, iw, ac->ac_flags, 0, 0, em);
	case FLUSH_RANGE:
		return import_flush(im, f, iw, ac->ac_flags, offset, length,
		    em);
	case DISCARD:
		return import_discard(im, f, iw, offset, length, em);
	case WAIT:
		break;
	}
	return 0;
}

static int
line_take(struct fio *fi, char *line, struct errmsg *em)
{
	struct import *im = fi->fi_im;
	struct import_when iw = { fi->fi_waited, 1, 1 };
	struct entry en = { 0 };
	uint64_t us = 0;

	if (fi->fi_times) {
		en.en_time = text_word(&line);
		if (en.en_time == NULL || !text_uint(en.en_time, &us) ||
		    us > UINT64_MAX / NS_PER_US)
			return import_malformed(im, em,
			    "'%.40s' is no time in microseconds",
			    en.en_time != NULL ? en.en_time : "");
		iw.iw_time = us * NS_PER_US;
	}
	en.en_name = text_word(&line);
	en.en_action = text_word(&line);
	en.en_offset = text_word(&line);
	en.en_length = text_word(&line);
	if (en.en_action == NULL ||
	    (en.en_offset != NULL && en.en_length == NULL) ||
	    text_word(&line) != NULL)
		return import_malformed(im, em,
		    "not %sNAME ACTION, or that and OFFSET LENGTH",
		    fi->fi_times ? "TIME " : "");
	if (en.en_offset == NULL)
		return file_entry(fi, &en, &iw, em);
	return data_entry(fi, &en, &iw, em);
}

int
fio_import(struct import *im, struct errmsg *em)
{
	struct fio fi = { .fi_im = im };
	char *line;
	int error = import_line(im, &line, em);

	if (error != 0)
		return error;
	fi.fi_times = line != NULL && strcmp(line, "fio version 3 iolog") == 0;
	if (!fi.fi_times &&
	    (line == NULL || strcmp(line, "fio version 2 iolog") != 0))
		return ERRMSG(em, EINVAL,
		    "%s: line 1: not \"fio version 2 iolog\" nor \"fio version "
		    "3 iolog\"; no other is read",
		    im->im_in.in_path);
	if (!fi.fi_times)
		im->im_clock = TRACE_CLOCK_VIRTUAL;
	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
		error = line_take(&fi, line, em);
		if (error != 0)
			break;
	}
	return error != 0 ? error : import_files_finish(im, em);
}
