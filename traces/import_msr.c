/*
 * The block traces of Microsoft Research Cambridge, as SNIA IOTTA has them:
 *
 *	Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime
 *
 * Times are of 100 ns since 1601, offsets and sizes bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "traces/import_i.h"

#define NS_PER_TICK  100
#define NAME_MAX_LEN 256

enum field { TIME, HOST, DISK, TYPE, OFFSET, SIZE, RESPONSE, NFIELDS };

/* The fields of a line, NUL-ended in place; their number. */
static size_t
split(char *line, char *field[NFIELDS + 1])
{
	size_t n = 0;

	for (char *p = line; p != NULL && n <= NFIELDS;)
		field[n++] = strsep(&p, ",");
	return n;
}

static int
line_take(struct import *im, char *line, struct errmsg *em)
{
	struct import_when iw = { 0, 1, 1 };
	char *field[NFIELDS + 1], name[NAME_MAX_LEN];
	struct import_file *f;
	uint64_t ticks, disk, offset, size, response;
	int error;
	bool write;

	if (split(line, field) != NFIELDS)
		return import_malformed(im, em,
		    "not the %d fields Timestamp,Hostname,DiskNumber,Type,"
		    "Offset,Size,ResponseTime",
		    NFIELDS);
	if (!text_uint(field[TIME], &ticks) ||
	    __builtin_mul_overflow(ticks, NS_PER_TICK, &iw.iw_time))
		return import_malformed(im, em,
		    "'%.40s' is no time of 100 ns since 1601", field[TIME]);
	write = strcasecmp(field[TYPE], "Write") == 0;
	if (!write && strcasecmp(field[TYPE], "Read") != 0)
		return import_malformed(im, em, "'%.40s' is not Read or Write",
		    field[TYPE]);
	if (!text_uint(field[RESPONSE], &response))
		return import_malformed(im, em, "'%.40s' is no response time",
		    field[RESPONSE]);
	if (!text_uint(field[DISK], &disk) || *field[HOST] == '\0' ||
	    strlen(field[HOST]) > sizeof(name) - 32)
		return import_malformed(im, em,
		    "'%.40s' and '%.40s' are no host and number of a disk",
		    field[HOST], field[DISK]);
	if (!text_uint(field[OFFSET], &offset) ||
	    !text_uint(field[SIZE], &size) || offset > INT64_MAX ||
	    size > INT64_MAX - offset)
		return import_malformed(im, em,
		    "'%.40s' and '%.40s' are no offset and size", field[OFFSET],
		    field[SIZE]);
	(void)snprintf(name, sizeof(name), "%s_%" PRIu64, field[HOST], disk);
	error = import_file(im, name, &f, em);
	return error != 0 ? error :
			    import_request(im, f, &iw, write, offset, size, em);
}

int
msr_import(struct import *im, struct errmsg *em)
{
	char *line;
	int error;

	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
		/* Some have a line that names the columns. */
		if (im->im_line == 1 && strncmp(line, "Timestamp,", 10) == 0)
			continue;
		error = line_take(im, line, em);
		if (error != 0)
			break;
	}
	return error != 0 ? error : import_files_finish(im, em);
}
