/*
 * real: the C library's own functions, behind those of this library.
 *
 * Private to traces/preload/.
 */
#ifndef TRACES_PRELOAD_REAL_H
#define TRACES_PRELOAD_REAL_H

#include <aio.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Macros where the compiler optimizes. */
#undef fread_unlocked
#undef fwrite_unlocked

/* Programs call them all the same. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct real {
#define REAL(name) __typeof__(name) *name;
#include "traces/preload/real.def"
#undef REAL
};

#pragma GCC diagnostic pop

extern struct real real;

/* Look them all up. */
void real_start(void);

#endif
