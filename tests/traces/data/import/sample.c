/*
 * What the samples of this folder were recorded of: a little of everything
 * that a trace can hold, the same each time.
 *
 *	sample			in an empty folder
 *	sample slow		the same, with time for a tool to look around
 *	sample child FILE	what it executes
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL

static void
must(long ret)
{
	if (ret < 0)
		abort();
}

static char *
map(int fd, size_t pages, int prot, int flags, off_t offset)
{
	char *p = mmap(NULL, pages * PG, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* The data are read by no one: volatile lets the compiler leave them in. */
static void
touch(volatile char *p, size_t page, int write)
{
	if (write)
		p[page * PG + 8] = (char)page;
	else
		(void)p[page * PG + 8];
}

static void *
thread(void *arg)
{
	char *p = arg;

	touch(p, 9, 1);
	must(msync(p + 8 * PG, 4 * PG, MS_ASYNC));
	return NULL;
}

static void
on_signal(int sig)
{
	(void)sig;
}

/* Another image of the process: a private map of the file. */
static int
child(const char *path)
{
	int fd = open(path, O_RDONLY);
	char *p;

	must(fd);
	p = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	touch(p, 1, 0);
	touch(p, 2, 1);
	must(munmap(p, 4 * PG));
	must(close(fd));
	return 0;
}

static void
fork_exec(const char *self, char *p)
{
	pid_t pid = fork();

	must(pid);
	if (pid == 0) {
		/* Let the parent wait: some tools do not say who does what. */
		(void)usleep(200000);
		touch(p, 3, 1);
		must(msync(p, 16 * PG, MS_SYNC));
		(void)execl(self, self, "child", "store \"1\".db", NULL);
		_exit(9);
	}
	must(waitpid(pid, NULL, 0));
}

/* Reads and writes of the file, some of them on a buffer that is mapped. */
static void
calls(int fd, char *p)
{
	int other = dup(fd);
	char buf[64] = "sixty-four bytes";

	must(other);
	must(pwrite(fd, buf, sizeof(buf), 5 * PG));
	must(lseek(other, 6 * PG, SEEK_SET));
	must(write(fd, p, 2 * PG));
	must(pread(other, p + 7 * PG, 100, 0));
	must(close(other));
	must(fdatasync(fd));
	must(fsync(fd));
	if (ftruncate(fd, -1) == 0 || msync(p + 1, 1, MS_SYNC) == 0)
		abort();
}

static char *
remap(int fd, char *p)
{
	must(ftruncate(fd, 8 * PG));
	touch(p, 0, 0);
	must(ftruncate(fd, 24 * PG));
	p = mremap(p, 16 * PG, 24 * PG, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		abort();
	touch(p, 20, 1);
	must(madvise(p, 24 * PG, MADV_RANDOM));
	must(madvise(p + 4 * PG, 4 * PG, MADV_DONTNEED));
	must(mprotect(p, 2 * PG, PROT_READ));
	touch(p, 1, 0);
	must(munmap(p + 22 * PG, 2 * PG));
	return p;
}

int
main(int argc, char **argv)
{
	pthread_t t;
	int fd;
	char *p;

	if (argc == 3)
		return child(argv[2]);
	must(signal(SIGUSR1, on_signal) == SIG_ERR ? -1 : 0);
	fd = open("store \"1\".db", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0644);
	must(fd);
	if (argc == 2)
		(void)usleep(300000);
	must(ftruncate(fd, 16 * PG));
	p = map(fd, 16, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	for (size_t i = 0; i < 12; i += 3)
		touch(p, i, 1);
	touch(p, 5, 0);
	must(msync(p, 4 * PG, MS_SYNC));
	calls(fd, p);
	must(raise(SIGUSR1));
	if (pthread_create(&t, NULL, thread, p) != 0 ||
	    pthread_join(t, NULL) != 0)
		abort();
	fork_exec(argv[0], p);
	p = remap(fd, p);
	must(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, PG));
	must(posix_fallocate(fd, 24 * PG, PG) == 0 ? 0 : -1);
	must(msync(p, 22 * PG, MS_SYNC | MS_INVALIDATE));
	must(rename("store \"1\".db", "kept.db"));
	must(unlink("kept.db"));
	touch(p, 10, 1);
	must(munmap(p, 22 * PG));
	must(close(fd));
	sync();
	return 0;
}
