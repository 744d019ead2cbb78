#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "traces/record_i.h"
#include "traces/record_logs.h"

struct log {
	uint32_t lo_pid;
	int lo_fd;
	struct log *lo_next;
};

struct logs {
	int lg_dir;
	int lg_inotify;
	int lg_end; /* eventfd: the thread is to end */
	bool lg_started;
	bool lg_missed; /* what only the folder itself tells; lg_lock */
	pthread_t lg_thread;
	pthread_mutex_t lg_lock;
	struct log *lg_first; /* in the order found; lg_lock */
	struct log **lg_last;
};

/* => lg_lock is held */
static void
found(void *arg, int folder, const char *name)
{
	struct logs *lg = arg;
	const uint32_t pid = (uint32_t)strtoul(name, NULL, 10);
	struct log *lo;

	if (pid == 0)
		return;
	if ((lo = calloc(1, sizeof(*lo))) == NULL) {
		lg->lg_missed = true;
		return;
	}
	lo->lo_fd = openat(folder, name, O_RDWR | O_CLOEXEC);
	if (lo->lo_fd == -1) {
		/* Too many are open: it waits for the next look. */
		lg->lg_missed = true;
		free(lo);
		return;
	}
	(void)unlinkat(folder, name, 0);
	lo->lo_pid = pid;
	*lg->lg_last = lo;
	lg->lg_last = &lo->lo_next;
}

/*
 * Of two files of a process the folder does not say which came first, its
 * events do.
 *
 * => lg_lock is held
 */
static void
look(struct logs *lg)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buf;
	ssize_t n;

	while ((n = read(lg->lg_inotify, &buf, sizeof(buf))) > 0)
		for (const char *p = buf.bytes; p < buf.bytes + n;) {
			struct inotify_event event;

			memcpy(&event, p, sizeof(event));
			p += sizeof(event);
			if (event.len > 0)
				found(lg, lg->lg_dir, p);
			lg->lg_missed |= (event.mask & IN_Q_OVERFLOW) != 0;
			p += event.len;
		}
	if (lg->lg_missed) {
		lg->lg_missed = false;
		(void)record_list(lg->lg_dir, "", found, lg);
	}
}

static void *
watch(void *arg)
{
	struct logs *lg = arg;
	struct pollfd pf[] = {
		{ .fd = lg->lg_inotify, .events = POLLIN },
		{ .fd = lg->lg_end, .events = POLLIN },
	};

	for (;;) {
		if (poll(pf, 2, -1) == -1 && errno != EINTR)
			return NULL;
		if (pf[1].revents != 0)
			return NULL;
		(void)pthread_mutex_lock(&lg->lg_lock);
		look(lg);
		(void)pthread_mutex_unlock(&lg->lg_lock);
	}
}

static int
start(struct logs *lg)
{
	const int error = thread_start(&lg->lg_thread, watch, lg);

	lg->lg_started = error == 0;
	return error;
}

int
logs_create(const char *folder, int dir, struct logs **logsp, struct errmsg *em)
{
	struct logs *lg = calloc(1, sizeof(*lg));
	int error = 0;

	*logsp = NULL;
	if (lg == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	lg->lg_dir = dir;
	lg->lg_last = &lg->lg_first;
	(void)pthread_mutex_init(&lg->lg_lock, NULL);
	lg->lg_inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	lg->lg_end = eventfd(0, EFD_CLOEXEC);
	if (lg->lg_inotify == -1 || lg->lg_end == -1 ||
	    inotify_add_watch(lg->lg_inotify, folder, IN_CREATE) == -1)
		error = errno;
	if (error == 0)
		error = start(lg);
	if (error != 0) {
		logs_destroy(lg);
		return ERRMSG(em, error, "%s cannot be watched: %s", folder,
		    errno_text(error));
	}
	*logsp = lg;
	return 0;
}

bool
logs_take(struct logs *lg, uint32_t *pidp, int *fdp)
{
	struct log *lo;

	(void)pthread_mutex_lock(&lg->lg_lock);
	if (lg->lg_first == NULL)
		look(lg);
	if ((lo = lg->lg_first) != NULL && (lg->lg_first = lo->lo_next) == NULL)
		lg->lg_last = &lg->lg_first;
	(void)pthread_mutex_unlock(&lg->lg_lock);
	if (lo == NULL)
		return false;
	*pidp = lo->lo_pid;
	*fdp = lo->lo_fd;
	free(lo);
	return true;
}

void
logs_destroy(struct logs *lg)
{
	const uint64_t one = 1;
	uint32_t pid;
	int fd;

	if (lg == NULL)
		return;
	if (lg->lg_started) {
		while (write(lg->lg_end, &one, sizeof(one)) == -1 &&
		    errno == EINTR)
			continue;
		(void)pthread_join(lg->lg_thread, NULL);
		while (logs_take(lg, &pid, &fd))
			(void)close(fd);
	}
	if (lg->lg_inotify != -1)
		(void)close(lg->lg_inotify);
	if (lg->lg_end != -1)
		(void)close(lg->lg_end);
	(void)pthread_mutex_destroy(&lg->lg_lock);
	free(lg);
}
