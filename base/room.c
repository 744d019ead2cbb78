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
	char *all, *room;

	if (size < len || size + more < size)
		return NULL;
	all = mmap(NULL, size + more, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	if (more == 0)
		return all;
	/* What is before the first large page, and behind the last, goes. */
	room = all + -(uintptr_t)all % LARGE;
	if (room != all)
		(void)munmap(all, (size_t)(room - all));
	if (room != all + more)
		(void)munmap(room + size, (size_t)(all + more - room));
	/* Advice only. */
	(void)madvise(room, size, MADV_HUGEPAGE);
	return room;
}

void
room_give(void *p, size_t len)
{
	if (p != NULL)
		(void)munmap(p, whole(len));
}
