#include "traces/preload/call.h"

#include <stdarg.h>

/* Functions that make descriptors: what they are is said when they are made. */

/* The mode of open(2), where there is one. */
#define MODE(mode, flags)                                                      \
	do {                                                                   \
		va_list ap_;                                                   \
                                                                               \
		va_start(ap_, flags);                                          \
		if (((flags)&O_CREAT) != 0 ||                                  \
		    ((flags)&O_TMPFILE) == O_TMPFILE)                          \
			(mode) = va_arg(ap_, mode_t);                          \
		va_end(ap_);                                                   \
	} while (0)

static int
open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	(void)on();
	STRING(path, path);
	CALL(OPENAT, U(dirfd), 0, U(flags), mode);
	fd = dirfd == AT_FDCWD ? real.open(path, flags, mode) :
				 real.openat(dirfd, path, flags, mode);
	RETURN(OPENAT, call_result(fd));
	return call_opened(fd, POS_ZERO);
}

EXPORT int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE(mode, flags);
	return open_at(AT_FDCWD, path, flags, mode);
}
EXPORT_AS(open64, open);
EXPORT_AS(__open, open);
EXPORT_AS(__open64, open);
EXPORT_AS(__open_2, open);
EXPORT_AS(__open64_2, open);

EXPORT int
openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE(mode, flags);
	return open_at(dirfd, path, flags, mode);
}
EXPORT_AS(openat64, openat);
EXPORT_AS(__openat_2, openat);
EXPORT_AS(__openat64_2, openat);

EXPORT int
creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
EXPORT_AS(creat64, creat);

#define TEMPS(name, params, args, flags)                                       \
	EXPORT int name params                                                 \
	{                                                                      \
		int fd;                                                        \
                                                                               \
		CALL(OPENAT, U(AT_FDCWD), 0,                                   \
		    U(O_RDWR | O_CREAT | O_EXCL | (flags)));                   \
		(void)on();                                                    \
		fd = real.name args;                                           \
		RETURN(OPENAT, call_result(fd));                               \
		return call_opened(fd, POS_ZERO);                              \
	}

TEMPS(mkstemp, (char *template), (template), 0)
TEMPS(mkostemp, (char *template, int flags), (template, flags), flags)
TEMPS(mkstemps, (char *template, int suffix), (template, suffix), 0)
TEMPS(mkostemps, (char *template, int suffix, int flags),
    (template, suffix, flags), flags)
EXPORT_AS(mkstemp64, mkstemp);
EXPORT_AS(mkostemp64, mkostemp);
EXPORT_AS(mkstemps64, mkstemps);
EXPORT_AS(mkostemps64, mkostemps);

EXPORT int
memfd_create(const char *name, unsigned flags)
{
	int fd;

	STRING(name, name);
	CALL(OPENAT, U(AT_FDCWD), 0, U(O_RDWR | O_CREAT | O_EXCL));
	fd = real.memfd_create(name, flags);
	RETURN(OPENAT, call_result(fd));
	return call_opened(fd, POS_ZERO);
}

EXPORT int
shm_open(const char *name, int flags, mode_t mode)
{
	int fd;

	(void)on();
	CALL(OPENAT, U(AT_FDCWD), 0, U(flags | O_CLOEXEC), mode);
	fd = real.shm_open(name, flags, mode);
	RETURN(OPENAT, call_result(fd));
	return call_opened(fd, POS_ZERO);
}

/* The flags of open(2) that a mode of fopen(3) means. */
static int
stdio_flags(const char *mode)
{
	const int both = strchr(mode, '+') != NULL ? O_RDWR :
	    *mode == 'r'			   ? O_RDONLY :
						     O_WRONLY;

	switch (*mode) {
	case 'w':
		return both | O_CREAT | O_TRUNC;
	case 'a':
		return both | O_CREAT | O_APPEND;
	default:
		return both;
	}
}

static FILE *
stdio_opened(FILE *fp)
{
	const int fd = fp != NULL ? fileno_unlocked(fp) : -1;

	RETURN(OPENAT, call_result(fd));
	(void)call_opened(fd, POS_ASK);
	return fp;
}

EXPORT FILE *
fopen(const char *path, const char *mode)
{
	(void)on();
	STRING(path, path);
	CALL(OPENAT, U(AT_FDCWD), 0, U(stdio_flags(mode)));
	return stdio_opened(real.fopen(path, mode));
}
EXPORT_AS(fopen64, fopen);

EXPORT FILE *
freopen(const char *path, const char *mode, FILE *fp)
{
	const int old = fileno_unlocked(fp);

	if (guards() && old >= 0) {
		CALL(CLOSE, U(old));
		RETURN(CLOSE, 0);
		file_forget((unsigned)old, (unsigned)old);
	}
	STRING(path, path);
	CALL(OPENAT, U(AT_FDCWD), 0, U(stdio_flags(mode)));
	return stdio_opened(real.freopen(path, mode, fp));
}
EXPORT_AS(freopen64, freopen);

EXPORT int
fclose(FILE *fp)
{
	const int fd = guards() ? fileno_unlocked(fp) : -1;
	const bool said = fd >= 0 && file_known(fd);
	int ret;

	(void)on();
	if (said)
		CALL(CLOSE, U(fd));
	ret = real.fclose(fp);
	if (said)
		RETURN(CLOSE, 0);
	if (fd >= 0)
		file_forget((unsigned)fd, (unsigned)fd);
	return ret;
}

EXPORT FILE *
tmpfile(void)
{
	(void)on();
	CALL(OPENAT, U(AT_FDCWD), 0, U(O_RDWR | O_CREAT | O_EXCL));
	return stdio_opened(real.tmpfile());
}
EXPORT_AS(tmpfile64, tmpfile);
