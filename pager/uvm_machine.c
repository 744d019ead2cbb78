/*
 * uvm_machine.c: making and ending a machine, and what its parts share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "pager/uvm_i.h"

_Static_assert(offsetof(struct uvm, hot) == 0, "the inlines of uvm.h");
_Static_assert(offsetof(struct vm_map, vm_hot) == 0, "uvm_map is its head");
_Static_assert(UVM_FILES_MAX >> (64 - PAGE_PGNO_BITS) == 0 &&
	UVM_FILE_MAX / UVM_PAGE_MIN <= PAGE_PGNO_MASK,
    "page_key()");

static struct idmap_slot *
idmap_slot(const struct idmap *im, uint32_t id)
{
	size_t i = (size_t)(id * 0x9e3779b1U) & im->im_mask;

	while (im->im_slot[i].is_id != 0 && im->im_slot[i].is_id != id)
		i = (i + 1) & im->im_mask;
	return &im->im_slot[i];
}

static int
idmap_grow(struct idmap *im)
{
	const size_t room = im->im_slot == NULL ? 64 : (im->im_mask + 1) * 2;
	struct idmap old = *im;
	size_t i;

	im->im_slot = calloc(room, sizeof(im->im_slot[0]));
	if (im->im_slot == NULL) {
		*im = old;
		return ENOMEM;
	}
	im->im_mask = room - 1;
	for (i = 0; old.im_slot != NULL && i <= old.im_mask; i++) {
		if (old.im_slot[i].is_id != 0)
			*idmap_slot(im, old.im_slot[i].is_id) = old.im_slot[i];
	}
	free(old.im_slot);
	return 0;
}

int
idmap_put(struct idmap *im, uint32_t id, void *ptr)
{
	struct idmap_slot *is;

	KASSERT(id != 0);
	if (im->im_slot == NULL || !idmap_known(im, id)) {
		if ((im->im_slot == NULL ||
			im->im_used * 4 >= im->im_mask * 3) &&
		    idmap_grow(im) != 0)
			return ENOMEM;
		im->im_used++;
	}
	is = idmap_slot(im, id);
	is->is_id = id;
	is->is_ptr = ptr;
	return 0;
}

void *
idmap_get(const struct idmap *im, uint32_t id)
{

	return im->im_slot != NULL ? idmap_slot(im, id)->is_ptr : NULL;
}

bool
idmap_known(const struct idmap *im, uint32_t id)
{

	return im->im_slot != NULL && idmap_slot(im, id)->is_id == id;
}

void
idmap_fini(struct idmap *im)
{

	free(im->im_slot);
	*im = (struct idmap){ .im_slot = NULL };
}

static void
locks_init(struct uvm *uvm)
{

	simple_lock_init(&uvm->pageqlock, RANK_PAGEQ);
	simple_lock_init(&uvm->fpageqlock, RANK_FPAGEQ);
	simple_lock_init(&uvm->hashlock, RANK_HASH);
	simple_lock_init(&uvm->pagermaplock, RANK_PAGERMAP);
	simple_lock_init(&uvm->aio.ai_lock, RANK_AIO);
	simple_lock_init(&uvm->vnodeslock, RANK_VNODES);
	simple_lock_init(&uvm->mapslock, RANK_MAPS);
}

#ifdef UVM_MP

static int
self_init(struct uvm *uvm)
{

	return uvm_mp_init(uvm);
}

static void
self_fini(struct uvm *uvm)
{

	uvm_mp_fini(uvm);
}

#else

static int
self_init(struct uvm *uvm)
{
	struct uvm_self *const self = SELF(uvm);

	self->slotbuf =
	    calloc((size_t)UVM_SLOTDEPTH * uvm->slots, sizeof(void *));
	self->iobuf = calloc(uvm->slots, sizeof(self->iobuf[0]));
	self->readbuf = calloc(uvm->slots, sizeof(void *));
	return self->slotbuf != NULL && self->iobuf != NULL &&
		self->readbuf != NULL ?
	    0 :
	    ENOMEM;
}

static void
self_fini(struct uvm *uvm)
{
	struct uvm_self *const self = SELF(uvm);

	free(self->slotbuf);
	free(self->iobuf);
	free(self->readbuf);
}

const struct uvmexp *
uvm_stat(const struct uvm *uvm)
{

	return &uvm->hot.uh_exp;
}

struct uvm_calls
uvm_calls(const struct uvm *uvm)
{
	const struct uvm_self *const self = SELF(uvm);
	const struct uvm_calls *const no = &self->notcalls;
	const uint64_t n =
	    EXP(uvm)->pagein_ios + EXP(uvm)->pageout_ios - self->aio_begun;
	const uint64_t time = self->io_time - self->aio_time;

	return (struct uvm_calls){
		.uc_waited = { n - no->uc_waited.n, time - no->uc_waited.time },
		.uc_alone = { n - no->uc_alone.n, time - no->uc_alone.time },
	};
}

#endif

int
uvm_create(const struct uvm_param *up, const struct uvm_backend *be,
    void *cookie, struct uvm **uvmp, struct errmsg *em)
{
	struct uvm *const uvm = calloc(1, sizeof(*uvm));
	int error;

	if (uvm == NULL)
		return ERRMSG(em, ENOMEM, "no memory for a machine");
	uvm->up = *up;
	uvm->be = be;
	uvm->becookie = cookie;
	uvm->slots = (unsigned)(up->cluster / up->page_size);
	uvm->pagermap_free = up->pager_map / up->page_size;
	uvm->next_sync = up->sync_interval;
	locks_init(uvm);
	uvn_init(uvm);
	if (self_init(uvm) != 0)
		error = ERRMSG(em, ENOMEM, "no memory for a machine");
	else if ((error = uvm_param_settle(&uvm->up, be, em)) == 0 &&
	    (error = uvm_aio_init(uvm, em)) == 0)
		error = uvm_page_init(uvm, em);
	if (error == 0 && be->be_prepare != NULL &&
	    (error = be->be_prepare(cookie, uvm->mem.pm_data,
		 uvm->mem.pm_datalen,
		 uvm->aio.ai_on ? (unsigned)up->io_depth : 0)) != 0)
		error = ERRMSG(em, error, "backend %s: %s", be->be_name,
		    errno_text(error));
	if (error != 0) {
		uvm_destroy(uvm);
		return error;
	}
	uvm_lean_settle(uvm);
	*uvmp = uvm;
	return 0;
}

void
uvm_destroy(struct uvm *uvm)
{
	struct vm_map *map;
	uint32_t i;

	if (uvm == NULL)
		return;
	uvm_aio_fini(uvm);
	while ((map = uvm->allmaps) != NULL) {
		uvm->allmaps = map->vm_allnext;
		uvm_map_free(map);
	}
	for (i = 1; i <= uvm->nobject; i++) {
		if (uvm->be->be_close != NULL)
			(void)uvm->be->be_close(uvm->becookie,
			    uvm->object[i]->v_file);
		free(uvm->object[i]->v_uvm.u_obj.uo_resident);
		free(uvm->object[i]);
	}
	free(uvm->object);
	idmap_fini(&uvm->files);
	idmap_fini(&uvm->maps);
	uvm_page_fini(uvm);
	self_fini(uvm);
	free(uvm->hist.uh_ring);
	free(uvm);
}

int
uvm_failed(const struct uvm *uvm, const char **whyp)
{

	const int failed = FAILED(uvm);

	if (whyp != NULL)
		*whyp = uvm->why;
	return failed;
}

int
uvm_fail(struct uvm *uvm, int error, const char *fmt, ...)
{
	va_list ap;

#ifdef UVM_MP
	(void)pthread_mutex_lock(&uvm->mp.mp_lock);
#endif
	if (uvm->failed == 0) {
		va_start(ap, fmt);
		(void)vsnprintf(uvm->why, sizeof(uvm->why), fmt, ap);
		va_end(ap);
		shared_set(&uvm->failed, error);
		uvm_lean_settle(uvm);
	}
#ifdef UVM_MP
	(void)pthread_mutex_unlock(&uvm->mp.mp_lock);
	uvm_mp_wake_all(uvm);
#endif
	return error;
}

#ifndef UVM_MP

void
uvm_lean_settle(struct uvm *uvm)
{
	const struct uvm_observer *const obs = &uvm->obs;

	lean_forget(uvm);
	uvm->leanable = uvm->failed == 0 &&
	    (uvm->be->be_flags & UVM_BE_INSTANT) != 0 &&
	    uvm->mem.pm_data == NULL && !uvm->aio.ai_on &&
	    uvm->pagermap_free != 0 && uvm->hist.uh_size == 0 &&
	    obs->uo_traverse == NULL && (obs->uo_io == NULL || obs->uo_lean) &&
	    uvm->up.daemon_rule != DAEMON_IO && !FIXED(uvm, q4_single_read);
}

#endif

uint64_t
uvm_untold(const struct uvm *uvm)
{

	return uvm->untold;
}

void
uvm_observe(struct uvm *uvm, const struct uvm_observer *uo)
{

	if (uo != NULL)
		uvm->obs = *uo;
	else
		uvm->obs = (struct uvm_observer){ .uo_arg = NULL };
	uvm_lean_settle(uvm);
}

/* Asleep with one thread: what is under way is all that can wake us. */
static bool
sleep_alone(struct uvm *uvm, const void *chan, enum uvm_waitkind kind,
    const char *what)
{
	bool awake = false;

	uvm_may_sleep(uvm);
	uvm_waiting(uvm, kind, uvm_clock(uvm));
	if (FAILED(uvm) == 0 && uvm_aio_flying(uvm)) {
		(void)uvm_aio_collect(uvm, true);
		awake = FAILED(uvm) == 0;
	} else if (FAILED(uvm) == 0 && uvm->sleep != NULL) {
		awake = uvm->sleep(uvm, chan);
	}
	uvm_waited(uvm, uvm_clock(uvm));
	if (awake)
		return true;
	(void)uvm_fail(uvm, EDEADLK,
	    "deadlock: waiting for %s that nothing "
	    "will end",
	    what);
	return false;
}

bool
uvm_sleep(struct uvm *uvm, const void *chan, enum uvm_waitkind kind,
    const char *what, struct simplelock *l)
{
	bool awake;

#ifdef UVM_MP
	if (CONCURRENT(uvm))
		return uvm_mp_sleep(uvm, chan, kind, what, l);
#endif
	simple_unlock(&SELF(uvm)->ls, l);
	awake = sleep_alone(uvm, chan, kind, what);
	simple_lock(&SELF(uvm)->ls, l);
	return awake;
}

int
uvm_file_add(struct uvm *uvm, uint32_t file, uint64_t size)
{
	struct vnode *vp;

	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	if (file == 0)
		return ESRCH;
	if (idmap_known(&uvm->files, file))
		return EEXIST;
	if (size > UVM_FILE_MAX)
		return EFBIG;
	if (uvm->nobject == UVM_FILES_MAX)
		return E2BIG;
	if (uvm->nobject + 1 >= uvm->objectroom) {
		const uint32_t room = uvm->objectroom * 2 + 64;
		struct vnode **const object =
		    realloc(uvm->object, room * sizeof(struct vnode *));

		if (object == NULL)
			return ENOMEM;
		uvm->object = object;
		uvm->objectroom = room;
	}
	vp = calloc(1, sizeof(*vp));
	if (vp == NULL)
		return ENOMEM;
	if (idmap_put(&uvm->files, file, vp) != 0) {
		free(vp);
		return ENOMEM;
	}
	vp->v_file = file;
	vp->v_size = size;
	simple_lock_init(&vp->v_uvm.u_obj.vmobjlock, RANK_OBJECT);
	vp->v_uvm.u_obj.uo_num = ++uvm->nobject;
	vp->v_uvm.u_obj.uo_hashbase =
	    (uint64_t)uvm->nobject * uvm->up.hash_stride;
	uvm->object[uvm->nobject] = vp;
	if (uvm->be->be_open == NULL)
		return 0;
	return uvm->be->be_open(uvm->becookie, file, size);
}
