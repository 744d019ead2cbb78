#include <errno.h>
#include <stdlib.h>

#include "traces/order.h"

#define KEPT_BYTES (64U << 20) /* of encoded records, at most */

struct kept {
	uint64_t ke_time, ke_seq;
	uint8_t *ke_bytes;
	size_t ke_len;
};

struct order {
	struct raw_out od_to;
	struct kept *od_heap; /* od_cap of them, the first is the next one */
	size_t od_max, od_cap, od_n;
	size_t od_bytes;
	uint8_t *od_out;		   /* the bytes of the last one out */
	uint64_t od_seq, od_time, od_late; /* od_time: of the last one out */
};

static bool
before(const struct kept *a, const struct kept *b)
{
	return a->ke_time != b->ke_time ? a->ke_time < b->ke_time :
					  a->ke_seq < b->ke_seq;
}

static void
sift_up(struct kept *heap, size_t i)
{
	const struct kept ke = heap[i];

	for (size_t up; i > 0 && before(&ke, &heap[up = (i - 1) / 2]); i = up)
		heap[i] = heap[up];
	heap[i] = ke;
}

static void
sift_down(struct kept *heap, size_t n)
{
	const struct kept ke = heap[0];
	size_t i = 0;

	for (size_t down; (down = 2 * i + 1) < n; i = down) {
		if (down + 1 < n && before(&heap[down + 1], &heap[down]))
			down++;
		if (!before(&heap[down], &ke))
			break;
		heap[i] = heap[down];
	}
	heap[i] = ke;
}

static int
pass_on(struct order *od, struct errmsg *em)
{
	const struct kept ke = od->od_heap[0];
	struct raw rw;
	int error = 0;

	od->od_heap[0] = od->od_heap[--od->od_n];
	sift_down(od->od_heap, od->od_n);
	od->od_bytes -= ke.ke_len;
	if (ke.ke_time < od->od_time)
		od->od_late++;
	else
		od->od_time = ke.ke_time;
	/* It is taken for the one before, whose place it has. */
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	if (raw_decode(ke.ke_bytes, ke.ke_len, &rw) != 0)
		error = raw_put(&od->od_to, &rw, em);
	free(ke.ke_bytes);
	return error;
}

static bool
grow(struct order *od)
{
	const size_t cap = od->od_cap != 0 ? od->od_cap * 2 : 64;
	struct kept *heap;

	if (od->od_n < od->od_cap)
		return true;
	heap = realloc(od->od_heap, cap * sizeof(*heap));
	if (heap == NULL)
		return false;
	od->od_heap = heap;
	od->od_cap = cap;
	return true;
}

int
order_put(struct order *od, const struct raw *rw, struct errmsg *em)
{
	uint8_t bytes[RAW_MAX];
	struct kept ke = { rw->rw_time, od->od_seq++, NULL,
		raw_encode(rw, bytes) };
	int error = 0;

	ke.ke_bytes = malloc(ke.ke_len);
	if (ke.ke_bytes == NULL || !grow(od)) {
		free(ke.ke_bytes);
		return ERRMSG(em, ENOMEM, "no memory to sort records");
	}
	memcpy(ke.ke_bytes, bytes, ke.ke_len);
	od->od_heap[od->od_n] = ke;
	sift_up(od->od_heap, od->od_n++);
	od->od_bytes += ke.ke_len;
	while (
	    error == 0 && (od->od_n > od->od_max || od->od_bytes > KEPT_BYTES))
		error = pass_on(od, em);
	return error;
}

int
order_end(struct order *od, struct errmsg *em)
{
	int error = 0;

	while (error == 0 && od->od_n > 0)
		error = pass_on(od, em);
	return error;
}

uint64_t
order_late(const struct order *od)
{
	return od->od_late;
}

int
order_create(const struct raw_out *to, size_t max, struct order **odp,
    struct errmsg *em)
{
	struct order *od = calloc(1, sizeof(*od));

	if (od == NULL)
		return ERRMSG(em, ENOMEM, "no memory to sort records");
	od->od_to = *to;
	od->od_max = max;
	*odp = od;
	return 0;
}

void
order_destroy(struct order *od)
{
	if (od == NULL)
		return;
	for (size_t i = 0; i < od->od_n; i++)
		free(od->od_heap[i].ke_bytes);
	free(od->od_heap);
	free(od);
}
