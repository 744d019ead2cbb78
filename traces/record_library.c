#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/record_i.h"
#include "traces/record_library.h"

#define NENV 2

struct library {
	char li_folder[RECORD_PATH];
	char *li_so, *li_rings;
	char *li_env[NENV + 1];
	struct ring *li_ring;
	uint64_t li_lost; /* told so far */
};

static int
so_write(const char *path, struct errmsg *em)
{
	const size_t len = (size_t)record_preload_so_size;
	const int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	int error = 0;

	if (fd == -1 || write(fd, record_preload_so, len) != (ssize_t)len)
		error = errno;
	if (fd != -1)
		(void)close(fd);
	if (error != 0)
		return ERRMSG(em, error, "%s: cannot write: %s", path,
		    errno_text(error));
	return 0;
}

/* LD_PRELOAD with the library before what it has now, and where the rings are.
 */
static int
env_make(struct library *li)
{
	const char *was = secure_getenv("LD_PRELOAD");

	if (asprintf(&li->li_env[0], "LD_PRELOAD=%s%s%s", li->li_so,
		was != NULL ? ":" : "", was != NULL ? was : "") == -1) {
		li->li_env[0] = NULL;
		return ENOMEM;
	}
	if (asprintf(&li->li_env[1], RING_ENV "=%s", li->li_rings) == -1) {
		li->li_env[1] = NULL;
		return ENOMEM;
	}
	return 0;
}

static int
fill(struct library *li, enum ring_mode mode, uint64_t window,
    struct errmsg *em)
{
	int error;

	if (asprintf(&li->li_so, "%s/uvn.so", li->li_folder) == -1)
		li->li_so = NULL;
	if (asprintf(&li->li_rings, "%s/rings", li->li_folder) == -1)
		li->li_rings = NULL;
	if (li->li_so == NULL || li->li_rings == NULL || env_make(li) != 0)
		return ERRMSG(em, ENOMEM, "no memory to record");
	error = so_write(li->li_so, em);
	if (error != 0)
		return error;
	return ring_create(li->li_rings, mode, window,
	    (uint32_t)sysconf(_SC_PAGESIZE), &li->li_ring, em);
}

int
library_make(enum ring_mode mode, uint64_t window, struct library **lip,
    struct errmsg *em)
{
	struct library *li = calloc(1, sizeof(*li));
	int error;

	if (li == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	error = record_folder("/tmp", li->li_folder, em);
	if (error != 0) {
		free(li);
		return error;
	}
	/* Others may load the library, but not read what is recorded. */
	(void)chmod(li->li_folder, 0711);
	error = fill(li, mode, window, em);
	if (error != 0) {
		library_remove(li);
		return error;
	}
	*lip = li;
	return 0;
}

char *const *
library_env(const struct library *li)
{
	return li->li_env;
}

struct ring *
library_ring(const struct library *li)
{
	return li->li_ring;
}

struct drain {
	struct spool *dr_spool;
	uint32_t dr_first;
	uint64_t dr_n;
	struct errmsg *dr_em;
};

static int
drain_some(void *arg, uint32_t slot, const uint8_t *bytes, size_t len)
{
	struct drain *dr = arg;
	struct raw rw;

	for (size_t at = 0; at < len; dr->dr_n++)
		at += raw_decode(bytes + at, len - at, &rw);
	return spool_put(dr->dr_spool, dr->dr_first + slot, bytes, len,
	    dr->dr_em);
}

static int
lost_put(struct library *li, struct drain *dr)
{
	const uint64_t lost = ring_lost(li->li_ring);
	struct raw rw = { .rw_time = record_clock(),
		.rw_kind = RAW_LOST,
		.rw_nargs = 1,
		.rw_arg = { lost - li->li_lost } };
	uint8_t buf[RAW_MAX];

	if (lost == li->li_lost)
		return 0;
	li->li_lost = lost;
	return spool_put(dr->dr_spool, dr->dr_first + RING_SLOTS, buf,
	    raw_encode(&rw, buf), dr->dr_em);
}

int
library_drain(struct library *li, struct spool *sp, uint32_t first,
    uint64_t *np, struct errmsg *em)
{
	struct drain dr = { sp, first, 0, em };
	int error = ring_drain(li->li_ring, drain_some, &dr);

	if (error == 0)
		error = lost_put(li, &dr);
	*np = dr.dr_n;
	return error;
}

void
library_remove(struct library *li)
{
	if (li == NULL)
		return;
	ring_destroy(li->li_ring);
	if (li->li_so != NULL)
		(void)unlink(li->li_so);
	if (li->li_rings != NULL)
		(void)unlink(li->li_rings);
	(void)rmdir(li->li_folder);
	for (size_t i = 0; i < NENV; i++)
		free(li->li_env[i]);
	free(li->li_so);
	free(li->li_rings);
	free(li);
}
