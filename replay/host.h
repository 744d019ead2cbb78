/*
 * host: facts of the machine a run was made on, for the run's row.
 *
 * What the host does not tell is an empty string; nothing here fails.
 */
#ifndef REPLAY_HOST_H
#define REPLAY_HOST_H

#include "base/base.h"

struct host_facts {
	char hf_host[65];    /* node name */
	char hf_kernel[256]; /* system, release, version, machine */
	char hf_cpu[128];    /* model */
	char hf_boot[40];    /* id of this boot */
};

struct host_dir {
	char hd_device[192];  /* "nvme0n1p2 (MODEL)", or the mount's source */
	char hd_fstype[32];   /* ext4, xfs, ... */
	char hd_options[256]; /* of the mount and its file system */
};

void host_facts(struct host_facts *hf);

/*
 * Where dir lives.  Where it does not exist yet, its nearest parent that does
 * answers for it.
 */
void host_dir(const char *dir, struct host_dir *hd);

/*
 * When process pid started, in clock ticks since boot; 0 if there is none,
 * or it is dead and only waits for its parent to ask.
 * The same pid with another start is another process.
 */
uint64_t host_pid_start(int64_t pid);

/* Bytes that may be used without pushing others out of memory. */
uint64_t host_free_memory(void);

/* Bytes of the largest cache of processor core; 0 if the host does not tell. */
uint64_t host_cache(unsigned core);

/* This program's compiler and its version. */
const char *host_compiler(void);

/* The commit it was built from, with -dirty if files had changed; "" if that
 * is not known. */
const char *host_revision(void);

#endif
