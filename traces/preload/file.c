#include "traces/preload/preload.h"

#include <dirent.h>

#define SEEN 1024 /* files whose path has been said; a power of two */
#define FDS  65536

/* A file whose path has been said, of those that fall on its place. */
struct seen {
	uint64_t sn_dev, sn_ino, sn_birth;
};

/* What is known of a descriptor. */
enum kind { KIND_UNKNOWN, KIND_REGULAR, KIND_OTHER };

static struct seen seen[SEEN]; /* by the lock */
static _Atomic uint8_t kinds[FDS];

/* A guest's descriptors are not its host's, but its memory is. */
static void
kind_set(int fd, enum kind kind)
{
	if (self.se_guest != 0)
		kind = KIND_UNKNOWN;
	if (fd >= 0 && fd < FDS)
		atomic_store_explicit(&kinds[fd], (uint8_t)kind,
		    memory_order_relaxed);
}

static enum kind
kind_get(int fd)
{
	if (fd < 0 || fd >= FDS || self.se_guest != 0)
		return KIND_UNKNOWN;
	return (
	    enum kind)atomic_load_explicit(&kinds[fd], memory_order_relaxed);
}

void
file_forget(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < FDS; fd++)
		atomic_store_explicit(&kinds[fd], KIND_UNKNOWN,
		    memory_order_relaxed);
}

void
file_like(int fd, int old)
{
	kind_set(fd, kind_get(old));
}

static uint64_t
birth_of(const struct statx *sx)
{
	if ((sx->stx_mask & STATX_BTIME) == 0)
		return 0;
	return (uint64_t)sx->stx_btime.tv_sec * 1000000000U +
	    sx->stx_btime.tv_nsec;
}

static bool
look(int dirfd, const char *path, int flags, struct statx *sx)
{
	return sys_5(SYS_statx, dirfd, SYS_P(path), flags,
		   STATX_BASIC_STATS | STATX_BTIME, SYS_P(sx)) == 0 &&
	    S_ISREG(sx->stx_mode);
}

static void
raw_file(struct raw *rw, int64_t fd, const struct statx *sx)
{
	*rw = (struct raw){ .rw_kind = RAW_FILE,
		.rw_nargs = 8,
		.rw_arg = { (uint64_t)fd,
		    (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor,
		    sx->stx_ino, birth_of(sx), sx->stx_size, RAW_UNKNOWN,
		    RAW_UNKNOWN, sx->stx_nlink } };
}

/* "/proc/thread-self/fd/N" */
static void
fd_link(int fd, char *buf)
{
	static const char prefix[] = "/proc/thread-self/fd/";
	char digits[12];
	size_t n = 0;
	unsigned v = (unsigned)fd;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	memcpy(buf, prefix, sizeof(prefix) - 1);
	buf += sizeof(prefix) - 1;
	while (n > 0)
		*buf++ = digits[--n];
	*buf = '\0';
}

/* The descriptor's path, in lib.lb_path; NULL: it cannot be had. */
static const char *
path_of(int fd)
{
	static const char gone[] = " (deleted)";
	char link[48];
	char *path = lib.lb_path;
	long n;

	fd_link(fd, link);
	n = sys_3(SYS_readlink, SYS_P(link), SYS_P(path),
	    (long)sizeof(lib.lb_path) - 1);
	if (n <= 0)
		return NULL;
	if ((size_t)n > sizeof(gone) - 1 &&
	    memcmp(path + n - (sizeof(gone) - 1), gone, sizeof(gone) - 1) == 0)
		n -= (long)sizeof(gone) - 1;
	path[n] = '\0';
	return path;
}

/* The path, the first time that the file is seen. */
static const char *
path_once(int fd, const struct raw *rw)
{
	const struct seen now = { rw->rw_arg[1], rw->rw_arg[2], rw->rw_arg[3] };
	struct seen *sn =
	    &seen[(now.sn_ino * 0x9e3779b97f4a7c15ULL >> 32) & (SEEN - 1)];
	const char *path;

	if (memcmp(sn, &now, sizeof(now)) == 0)
		return NULL;
	path = path_of(fd);
	if (path != NULL)
		*sn = now;
	return path;
}

void
file_renamed(void)
{
	struct section sc;

	section_begin(&sc);
	memset(seen, 0, sizeof(seen));
	section_end(&sc);
}

static uint64_t
known(long ret)
{
	return ret < 0 ? RAW_UNKNOWN : (uint64_t)ret;
}

bool
file_say(int fd, enum file_pos pos)
{
	struct section sc;
	struct statx sx = { .stx_mask = 0 };
	struct raw rw;

	if (fd < 0 || own_p(fd))
		return false;
	if (!look(fd, "", AT_EMPTY_PATH, &sx)) {
		kind_set(fd, KIND_OTHER);
		return false;
	}
	raw_file(&rw, fd, &sx);
	if (pos == POS_ZERO)
		rw.rw_arg[5] = 0;
	else if (pos == POS_ASK)
		rw.rw_arg[5] = known(sys_3(SYS_lseek, fd, 0, SEEK_CUR));
	rw.rw_arg[6] = known(sys_2(SYS_fcntl, fd, F_GETFL));
	kind_set(fd, KIND_REGULAR);
	section_begin(&sc);
	if (!lib.lb_words)
		rw.rw_text = path_once(fd, &rw);
	log_raw(&rw);
	section_end(&sc);
	return true;
}

bool
file_known(int fd)
{
	const enum kind kind = kind_get(fd);

	if (likely(kind != KIND_UNKNOWN))
		return kind == KIND_REGULAR;
	return file_say(fd, POS_ASK);
}

bool
file_say_path(int which, int dirfd, const char *path, int flags)
{
	struct section sc;
	struct statx sx = { .stx_mask = 0 };
	struct raw rw;

	if (!look(dirfd, path, flags, &sx))
		return false;
	raw_file(&rw, which, &sx);
	section_begin(&sc);
	log_raw(&rw);
	section_end(&sc);
	return true;
}

static int
number(const char *name)
{
	int v = 0;

	if (*name == '\0')
		return -1;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9')
			return -1;
		v = v * 10 + (*name - '0');
	}
	return v;
}

/* An entry of getdents64(2). */
struct entry {
	uint64_t en_ino;
	int64_t en_off;
	uint16_t en_len;
	uint8_t en_type;
	char en_name[];
};

void
file_say_all(void)
{
	_Alignas(8) char buf[1024] = "";
	const int dir =
	    (int)sys_4(SYS_openat, AT_FDCWD, SYS_P("/proc/thread-self/fd"),
		O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (dir < 0)
		return;
	while ((n = sys_3(SYS_getdents64, dir, SYS_P(buf), sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *en = (const void *)(buf + at);
			const int fd = number(en->en_name);

			if (fd != dir)
				(void)file_say(fd, POS_ASK);
			at += en->en_len;
		}
	(void)sys_1(SYS_close, dir);
}
