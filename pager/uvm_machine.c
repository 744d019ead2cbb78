/*
 * uvm_machine.c: making and ending a machine, and what its parts share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "pager/uvm_i.h"

_Static_assert(offsetof(struct uvm, hot) == 0, "the inlines of uvm.h");
_Static_assert(offsetof(struct vm_map, vm_hot) == 0, "uvm_map is its head");
_Static_assert(sizeof(struct vm_page) == 48, "three groups of 16 bytes");

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
	uvn_init(uvm);
	uvm->slotbuf =
	    calloc((size_t)UVM_SLOTDEPTH * uvm->slots, sizeof(void *));
	uvm->iobuf = calloc(uvm->slots, sizeof(uvm->iobuf[0]));
	uvm->readbuf = calloc(uvm->slots, sizeof(void *));
	if (uvm->slotbuf == NULL || uvm->iobuf == NULL || uvm->readbuf == NULL)
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
	free(uvm->slotbuf);
	free(uvm->iobuf);
	free(uvm->readbuf);
	free(uvm->hist.uh_ring);
	free(uvm);
}

const struct uvmexp *
uvm_stat(const struct uvm *uvm)
{

	return &uvm->hot.uh_exp;
}

int
uvm_failed(const struct uvm *uvm, const char **whyp)
{

	if (whyp != NULL)
		*whyp = uvm->why;
	return uvm->failed;
}

int
uvm_fail(struct uvm *uvm, int error, const char *fmt, ...)
{
	va_list ap;

	if (uvm->failed == 0) {
		uvm->failed = error;
		va_start(ap, fmt);
		(void)vsnprintf(uvm->why, sizeof(uvm->why), fmt, ap);
		va_end(ap);
	}
	return uvm->failed;
}

void
uvm_observe(struct uvm *uvm, const struct uvm_observer *uo)
{

	if (uo != NULL)
		uvm->obs = *uo;
	else
		uvm->obs = (struct uvm_observer){ .uo_arg = NULL };
}

bool
uvm_sleep(struct uvm *uvm, const void *chan, const char *what)
{

	uvm_may_sleep(uvm);
	if (uvm->failed == 0 && uvm->aio.ai_flying != 0) {
		(void)uvm_aio_collect(uvm, true);
		return uvm->failed == 0;
	}
	if (uvm->failed == 0 && uvm->sleep != NULL && uvm->sleep(uvm, chan))
		return true;
	(void)uvm_fail(uvm, EDEADLK,
	    "deadlock: waiting for %s that nothing "
	    "will end",
	    what);
	return false;
}

void
uvm_wakeup(struct uvm *uvm, const void *chan)
{

	/* One thread: nobody sleeps. */
	(void)uvm;
	(void)chan;
}

int
uvm_file_add(struct uvm *uvm, uint32_t file, uint64_t size)
{
	struct vnode *vp;

	if (uvm->failed != 0)
		return uvm->failed;
	if (file == 0)
		return ESRCH;
	if (idmap_known(&uvm->files, file))
		return EEXIST;
	if (size > UVM_FILE_MAX)
		return EFBIG;
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
	vp->v_uvm.u_obj.uo_num = ++uvm->nobject;
	vp->v_uvm.u_obj.uo_hashbase =
	    (uint64_t)uvm->nobject * uvm->up.hash_stride;
	uvm->object[uvm->nobject] = vp;
	if (uvm->be->be_open == NULL)
		return 0;
	return uvm->be->be_open(uvm->becookie, file, size);
}
