#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pager/backend_inject.h"

#define SECTOR	512U	    /* what a short transfer of one page is cut to */
#define NAP_MAX 200000U	    /* between looks at the backend, ns */
#define SECOND	1000000000U /* ns */

/* A rule at work. */
struct rule {
	struct inject_rule ru_rule;
	struct inject_count ru_count;
	uint64_t ru_bytes;  /* let by, for ij_after */
	uint64_t ru_random; /* state of the generator */
};

/* A started I/O that is to come back late, or that the backend never gets. */
struct late {
	struct uvm_buf *la_buf; /* NULL: a free slot */
	uint64_t la_due;	/* 0: at once */
	uint64_t la_seq;	/* in the order of starting */
	bool la_over;		/* it can be handed back when it is due */
};

struct uvm_injectbe {
	const struct uvm_backend *ib_be;
	void *ib_cookie;
	struct uvm_backend ib_ops;
	uint32_t ib_pgsize;
	pthread_mutex_t ib_mutex; /* of all that follows */
	struct late *ib_late;
	size_t ib_nlate;
	uint64_t ib_seq;
	size_t ib_nrules;
	struct rule ib_rule[];
};

/* An I/O, as rules see it. */
struct access {
	unsigned ac_what;
	uint32_t ac_file;
	bool ac_paging; /* a page-in or page-out */
	uint64_t ac_offset, ac_length;
};

struct verdict {
	int vd_error;
	bool vd_short;
	uint64_t vd_delay; /* ns */
};

/*
 * ---- which I/O ----
 */

/* The next of a rule's random numbers (splitmix64). */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool
has_page(const struct uvm_injectbe *ib, const struct access *ac, uint64_t pgno)
{

	return ac->ac_length != 0 && pgno >= ac->ac_offset / ib->ib_pgsize &&
	    pgno <= (ac->ac_offset + ac->ac_length - 1) / ib->ib_pgsize;
}

/* Does the rule hit?  Its counters go on. */
static bool
hits(const struct uvm_injectbe *ib, struct rule *ru, const struct access *ac)
{
	const struct inject_rule *const ij = &ru->ru_rule;
	uint64_t n;

	if ((ij->ij_what & ac->ac_what) == 0 ||
	    (ij->ij_short && !ac->ac_paging) ||
	    (ij->ij_file != 0 && ij->ij_file != ac->ac_file) ||
	    (ij->ij_page != INJECT_ANY && !has_page(ib, ac, ij->ij_page)))
		return false;
	if (ij->ij_after != 0 && ru->ru_bytes + ac->ac_length <= ij->ij_after) {
		ru->ru_bytes += ac->ac_length;
		return false;
	}
	n = ++ru->ru_count.ic_seen;
	if ((ij->ij_nth != 0 && n != ij->ij_nth) ||
	    (ij->ij_every != 0 && n % ij->ij_every != 0))
		return false;
	return ij->ij_p == RATIO(1, 1) ||
	    (uint128_t)draw(&ru->ru_random) * RATIO_DEN(ij->ij_p) <
	    (uint128_t)RATIO_NUM(ij->ij_p) << 64;
}

static struct verdict
judge(struct uvm_injectbe *ib, const struct access *ac)
{
	struct verdict vd = { .vd_error = 0 };

	(void)pthread_mutex_lock(&ib->ib_mutex);
	for (size_t i = 0; i < ib->ib_nrules; i++) {
		struct rule *const ru = &ib->ib_rule[i];
		const bool over = vd.vd_error != 0 || vd.vd_short;
		const bool delays =
		    ru->ru_rule.ij_error == 0 && !ru->ru_rule.ij_short;

		if (!hits(ib, ru, ac) || (over && !delays))
			continue;
		ru->ru_count.ic_hit++;
		if (delays) {
			vd.vd_delay += ru->ru_rule.ij_delay;
		} else {
			vd.vd_error = ru->ru_rule.ij_error;
			vd.vd_short = ru->ru_rule.ij_short;
		}
	}
	(void)pthread_mutex_unlock(&ib->ib_mutex);
	return vd;
}

static struct verdict
judge_buf(struct uvm_injectbe *ib, const struct uvm_buf *b)
{
	const struct access ac = {
		.ac_what = b->b_io == UVM_READ ? INJECT_READ : INJECT_WRITE,
		.ac_file = b->b_file,
		.ac_paging = true,
		.ac_offset = b->b_offset,
		.ac_length = b->b_length,
	};

	return judge(ib, &ac);
}

/*
 * ---- what becomes of it ----
 */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void
nap(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / SECOND),
		.tv_nsec = (long)(ns % SECOND) };

	while (ns != 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) != 0)
		continue;
}

/*
 * Move the first half: whole pages, or sectors of the only page.  That is
 * pread's and pwrite's business, which know no file's size better than the
 * pager does; other pages' I/O may be under way.
 */
static int
move_part(struct uvm_injectbe *ib, struct uvm_buf *b)
{
	const struct uvm_backend *const be = ib->ib_be;
	const uint64_t pages = (b->b_length + b->b_pgsize - 1) / b->b_pgsize;
	struct uvm_buf part = *b;

	b->b_done = b->b_length / 2;
	b->b_error = 0;
	if (pages > 1) {
		part.b_npages = (uint32_t)(pages / 2);
		part.b_length = (uint64_t)part.b_npages * b->b_pgsize;
		b->b_error = be->be_io(ib->ib_cookie, &part);
		b->b_done = part.b_done;
		return b->b_error;
	}
	if (b->b_done > SECTOR)
		b->b_done -= b->b_done % SECTOR;
	if (b->b_page == NULL || b->b_done == 0)
		return 0;
	if (b->b_io == UVM_WRITE && be->be_pwrite != NULL)
		b->b_error = be->be_pwrite(ib->ib_cookie, b->b_file,
		    b->b_offset, b->b_done, b->b_page[0]);
	else if (b->b_io == UVM_READ && be->be_pread != NULL)
		b->b_error = be->be_pread(ib->ib_cookie, b->b_file, b->b_offset,
		    b->b_done, b->b_page[0]);
	if (b->b_error != 0)
		b->b_done = 0;
	return b->b_error;
}

/* An I/O that is not to be passed on whole. */
static int
spoil(struct uvm_injectbe *ib, const struct verdict *vd, struct uvm_buf *b)
{

	if (vd->vd_short)
		return move_part(ib, b);
	b->b_done = 0;
	b->b_error = vd->vd_error;
	return b->b_error;
}

static int
inject_io(void *cookie, struct uvm_buf *b)
{
	struct uvm_injectbe *const ib = cookie;
	const struct verdict vd = judge_buf(ib, b);

	nap(vd.vd_delay);
	if (vd.vd_error != 0 || vd.vd_short)
		return spoil(ib, &vd, b);
	return ib->ib_be->be_io(ib->ib_cookie, b);
}

/*
 * ---- asynchronous I/O ----
 */

static int
inject_prepare(void *cookie, void *base, size_t length, unsigned depth)
{
	struct uvm_injectbe *const ib = cookie;

	if (depth != 0) {
		ib->ib_late = calloc(depth, sizeof(ib->ib_late[0]));
		if (ib->ib_late == NULL)
			return ENOMEM;
		ib->ib_nlate = depth;
	}
	if (ib->ib_be->be_prepare == NULL)
		return 0;
	return ib->ib_be->be_prepare(ib->ib_cookie, base, length, depth);
}

/* The slot of b; of NULL, a free one. => locked; NULL: there is none */
static struct late *
slot_of(const struct uvm_injectbe *ib, const struct uvm_buf *b)
{
	for (size_t i = 0; i < ib->ib_nlate; i++)
		if (ib->ib_late[i].la_buf == b)
			return &ib->ib_late[i];
	return NULL;
}

/* Keep b until it is due; over: the backend has no part in it. */
static int
keep(struct uvm_injectbe *ib, struct uvm_buf *b, uint64_t delay, bool over)
{
	struct late *la;

	(void)pthread_mutex_lock(&ib->ib_mutex);
	la = slot_of(ib, NULL);
	if (la != NULL)
		*la = (struct late){
			.la_buf = b,
			.la_due = delay != 0 ? now_ns() + delay : 0,
			.la_seq = ib->ib_seq++,
			.la_over = over,
		};
	(void)pthread_mutex_unlock(&ib->ib_mutex);
	return la != NULL ? 0 : EAGAIN;
}

static int
inject_start(void *cookie, struct uvm_buf *b)
{
	struct uvm_injectbe *const ib = cookie;
	const struct verdict vd = judge_buf(ib, b);
	const bool spoilt = vd.vd_error != 0 || vd.vd_short;
	struct late *la;
	int error;

	if (spoilt)
		(void)spoil(ib, &vd, b);
	if (spoilt || vd.vd_delay != 0) {
		error = keep(ib, b, vd.vd_delay, spoilt);
		if (error != 0 || spoilt)
			return error;
	}
	error = ib->ib_be->be_start(ib->ib_cookie, b);
	if (error != 0 && vd.vd_delay != 0) {
		(void)pthread_mutex_lock(&ib->ib_mutex);
		if ((la = slot_of(ib, b)) != NULL)
			la->la_buf = NULL;
		(void)pthread_mutex_unlock(&ib->ib_mutex);
	}
	return error;
}

/*
 * Take the first of those kept that is due.
 *
 * => NULL: none is; in *duep when one will be, UINT64_MAX: none is kept
 */
static struct uvm_buf *
take_due(struct uvm_injectbe *ib, uint64_t *duep)
{
	struct late *best = NULL;
	struct uvm_buf *b = NULL;

	*duep = UINT64_MAX;
	(void)pthread_mutex_lock(&ib->ib_mutex);
	for (size_t i = 0; i < ib->ib_nlate; i++) {
		struct late *const la = &ib->ib_late[i];

		if (la->la_buf == NULL || !la->la_over)
			continue;
		if (best == NULL || la->la_due < best->la_due ||
		    (la->la_due == best->la_due && la->la_seq < best->la_seq))
			best = la;
	}
	if (best != NULL)
		*duep = best->la_due;
	if (best != NULL && (best->la_due == 0 || best->la_due <= now_ns())) {
		b = best->la_buf;
		best->la_buf = NULL;
	}
	(void)pthread_mutex_unlock(&ib->ib_mutex);
	return b;
}

/* The backend is done with b.  Is it to be handed back now? */
static bool
may_return(struct uvm_injectbe *ib, const struct uvm_buf *b)
{
	struct late *la;

	(void)pthread_mutex_lock(&ib->ib_mutex);
	if ((la = slot_of(ib, b)) != NULL)
		la->la_over = true;
	(void)pthread_mutex_unlock(&ib->ib_mutex);
	return la == NULL;
}

static int
inject_poll(void *cookie, bool wait, struct uvm_buf **bp)
{
	struct uvm_injectbe *const ib = cookie;
	uint64_t due, left;
	int error;

	for (;;) {
		if ((*bp = take_due(ib, &due)) != NULL)
			return 0;
		error = ib->ib_be->be_poll(ib->ib_cookie,
		    wait && due == UINT64_MAX, bp);
		if (error != 0)
			return error;
		if (*bp != NULL) {
			if (may_return(ib, *bp))
				return 0;
			continue;
		}
		/* One may have been kept since. */
		if (due == UINT64_MAX) {
			*bp = take_due(ib, &due);
			if (*bp != NULL || due == UINT64_MAX || !wait)
				return 0;
		}
		if (!wait)
			return 0;
		left = now_ns();
		left = due > left ? due - left : 0;
		nap(left < NAP_MAX ? left : NAP_MAX);
	}
}

static int
inject_submit(void *cookie)
{
	const struct uvm_injectbe *const ib = cookie;

	return ib->ib_be->be_submit(ib->ib_cookie);
}

/*
 * ---- the other ops ----
 */

static int
inject_open(void *cookie, uint32_t file, uint64_t size)
{
	const struct uvm_injectbe *const ib = cookie;

	return ib->ib_be->be_open(ib->ib_cookie, file, size);
}

static int
inject_close(void *cookie, uint32_t file)
{
	const struct uvm_injectbe *const ib = cookie;

	return ib->ib_be->be_close(ib->ib_cookie, file);
}

/* An op that moves no page: 0, or the error it is to fail with. */
static int
pass(struct uvm_injectbe *ib, unsigned what, uint32_t file, uint64_t offset,
    uint64_t length)
{
	const struct access ac = {
		.ac_what = what,
		.ac_file = file,
		.ac_offset = offset,
		.ac_length = length,
	};
	const struct verdict vd = judge(ib, &ac);

	nap(vd.vd_delay);
	return vd.vd_error;
}

static int
inject_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf)
{
	struct uvm_injectbe *const ib = cookie;
	const int error = pass(ib, INJECT_READ, file, offset, length);

	if (error != 0 || ib->ib_be->be_pread == NULL)
		return error;
	return ib->ib_be->be_pread(ib->ib_cookie, file, offset, length, buf);
}

static int
inject_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct uvm_injectbe *const ib = cookie;
	const int error = pass(ib, INJECT_WRITE, file, offset, length);

	if (error != 0 || ib->ib_be->be_pwrite == NULL)
		return error;
	return ib->ib_be->be_pwrite(ib->ib_cookie, file, offset, length, buf);
}

static int
inject_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length)
{
	struct uvm_injectbe *const ib = cookie;
	const int error = pass(ib, INJECT_WRITE, file, offset, length);

	if (error != 0 || ib->ib_be->be_zero == NULL)
		return error;
	return ib->ib_be->be_zero(ib->ib_cookie, file, offset, length);
}

static int
inject_truncate(void *cookie, uint32_t file, uint64_t size)
{
	struct uvm_injectbe *const ib = cookie;
	const int error = pass(ib, INJECT_TRUNCATE, file, size, 0);

	if (error != 0 || ib->ib_be->be_truncate == NULL)
		return error;
	return ib->ib_be->be_truncate(ib->ib_cookie, file, size);
}

static int
inject_sync(void *cookie, uint32_t file)
{
	struct uvm_injectbe *const ib = cookie;
	const int error = pass(ib, INJECT_SYNC, file, 0, 0);

	if (error != 0 || ib->ib_be->be_sync == NULL)
		return error;
	return ib->ib_be->be_sync(ib->ib_cookie, file);
}

/*
 * ---- the layer ----
 */

int
uvm_injectbe_create(const struct uvm_backend *be, void *cookie, uint32_t pgsize,
    const struct inject_rule *rules, size_t nrules, uint64_t seed,
    struct uvm_injectbe **ibp)
{
	struct uvm_injectbe *const ib =
	    calloc(1, sizeof(*ib) + nrules * sizeof(ib->ib_rule[0]));
	const bool async = be->be_start != NULL;

	if (ib == NULL)
		return ENOMEM;
	ib->ib_be = be;
	ib->ib_cookie = cookie;
	ib->ib_pgsize = pgsize;
	ib->ib_ops = (struct uvm_backend){
		.be_name = be->be_name,
		/* A fault may be a delay. */
		.be_flags = be->be_flags & ~(unsigned)UVM_BE_INSTANT,
		.be_open = be->be_open != NULL ? inject_open : NULL,
		.be_close = be->be_close != NULL ? inject_close : NULL,
		.be_io = inject_io,
		.be_start = async ? inject_start : NULL,
		.be_poll = async ? inject_poll : NULL,
		.be_submit = be->be_submit != NULL ? inject_submit : NULL,
		.be_prepare = inject_prepare,
		.be_pread = inject_pread,
		.be_pwrite = inject_pwrite,
		.be_truncate = inject_truncate,
		.be_zero = inject_zero,
		.be_sync = inject_sync,
	};
	ib->ib_nrules = nrules;
	for (size_t i = 0; i < nrules; i++) {
		ib->ib_rule[i].ru_rule = rules[i];
		/* Rules of one run shall not draw the same. */
		ib->ib_rule[i].ru_random = seed;
		ib->ib_rule[i].ru_random = draw(&ib->ib_rule[i].ru_random) + i;
	}
	(void)pthread_mutex_init(&ib->ib_mutex, NULL);
	*ibp = ib;
	return 0;
}

void
uvm_injectbe_destroy(struct uvm_injectbe *ib)
{

	if (ib == NULL)
		return;
	(void)pthread_mutex_destroy(&ib->ib_mutex);
	free(ib->ib_late);
	free(ib);
}

const struct uvm_backend *
uvm_injectbe_ops(const struct uvm_injectbe *ib)
{

	return &ib->ib_ops;
}

struct inject_count
uvm_injectbe_count(struct uvm_injectbe *ib, size_t i)
{
	struct inject_count ic;

	(void)pthread_mutex_lock(&ib->ib_mutex);
	ic = ib->ib_rule[i].ru_count;
	(void)pthread_mutex_unlock(&ib->ib_mutex);
	return ic;
}
