/*
 * replace.c: what a trace may take the place of.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "traces/trace_i.h"
#include "traces/uvt_i.h"

#define CSV_MAGIC  "#uvn-trace "
#define ZSTD_MAGIC "\x28\xb5\x2f\xfd"

enum what { NOTHING, TRACE, OTHER };

/* What the regular file at path is, by its first bytes. */
static int
look(const char *path, enum what *whatp)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[16] = "";
	ssize_t n;

	if (fd == -1)
		return errno;
	n = read(fd, head, sizeof(head));
	(void)close(fd);
	*whatp = n == 0 ? NOTHING :
	    n >= UVT_MAGIC_LEN && memcmp(head, UVT_MAGIC, UVT_MAGIC_LEN) == 0 ?
			  TRACE :
	    strncmp(head, CSV_MAGIC, sizeof(CSV_MAGIC) - 1) == 0   ? TRACE :
	    strncmp(head, ZSTD_MAGIC, sizeof(ZSTD_MAGIC) - 1) == 0 ? TRACE :
								     OTHER;
	return 0;
}

/* may_replace: one that is a trace, or one that is none. */
static int
may_replace(const char *path, enum what which, struct errmsg *em)
{
	enum what what = NOTHING;
	struct stat st;
	int error;

	if (strcmp(path, "-") == 0 || stat(path, &st) != 0)
		return 0;
	if (S_ISBLK(st.st_mode))
		return ERRMSG(em, EEXIST,
		    "%s: is a block device and is not touched; name a regular "
		    "file",
		    path);
	/* A pipe or a terminal takes it as it comes. */
	if (!S_ISREG(st.st_mode))
		return 0;
	if ((error = look(path, &what)) != 0)
		return ERRMSG(em, error, "%s: cannot be replaced: %s", path,
		    errno_text(error));
	if (what == NOTHING || what == which)
		return 0;
	return ERRMSG(em, EEXIST,
	    "%s: is there, and is %s trace; remove it, or name another file",
	    path, which == TRACE ? "no" : "a");
}

int
trace_may_replace(const char *path, struct errmsg *em)
{
	return may_replace(path, TRACE, em);
}

int
export_may_replace(const char *path, struct errmsg *em)
{
	return may_replace(path, OTHER, em);
}
