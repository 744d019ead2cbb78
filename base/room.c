#include <sys/mman.h>

#include <stdint.h>

#include "base/base.h"

/* What a large page covers, where there are such. */
#define LARGE ((size_t)2 << 20)

/* How much is mapped for so much. */
static size_t
whole(size_t len)
{
	return len >= LARGE / 2 ? (len + LARGE - 1) / LARGE * LARGE : len;
}

void *
room_take(size_t len)
{
	const size_t size = whole(len), more = size >= LARGE ? LARGE : 0;
	char *p;
	size_t before;

	if (size < len || size + more < size)
		return NULL;
	p = mmap(NULL, size + more, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (more == 0)
		return p;
	before = -(uintptr_t)p % LARGE;
	if (before != 0)
		(void)munmap(p, before);
	p += before;
	if (before != more)
		(void)munmap(p + size, more - before);
	/* Advice only. */
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void
room_give(void *p, size_t len)
{
	if (p != NULL)
		(void)munmap(p, whole(len));
}
