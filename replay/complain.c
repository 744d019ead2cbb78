#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "replay/options.h"
#include "replay/replay.h"

static const char *complain_command = "";

void
complain_as(const char *command)
{
	complain_command = command;
}

int
complain(int status, const char *fmt, ...)
{
	va_list ap;

	/* One stream at a time: results first, then what is said of them. */
	(void)fflush(stdout);
	(void)fprintf(stderr, "uvn%s%s: ", *complain_command != '\0' ? " " : "",
	    complain_command);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return status;
}

enum uvn_exit
exit_status(int error)
{
	switch (error) {
	case 0:
		return UVN_OK;
	case EIO:
	case EDEADLK:
	case EINTR:
	case ECANCELED:
		return UVN_FAILED;
	case EINVAL:
	case ERANGE:
	case EILSEQ:
	case EBADMSG:
	case EOVERFLOW:
	case EFBIG:
	case ENODATA:
	case ENOENT:
	case EISDIR:
	case ESRCH:
		return UVN_INPUT;
	default:
		return UVN_ENVIRONMENT;
	}
}
