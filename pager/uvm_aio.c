/*
 * uvm_aio.c: asynchronous I/O; spec section 3.12.
 *
 * 1998 laid out descriptors, a done queue and a daemon that calls aiodone, and
 * wrote none of it.  Here a machine that one thread drives collects what is
 * done wherever it sleeps, at the end of each event, and when the page daemon's
 * turn begins.
 */
#include <errno.h>
#include <stdlib.h>

#include "pager/uvm_i.h"

int
uvm_aio_init(struct uvm *uvm, struct errmsg *em)
{
	struct uvm_aio *const ai = &uvm->aio;
	const size_t depth = (size_t)uvm->up.io_depth;
	size_t i;

	ai->ai_donetail = &ai->ai_done;
	if (!uvm_param_async(&uvm->up))
		return 0;
	if (uvm->be->be_start == NULL)
		return ERRMSG(em, EOPNOTSUPP,
		    "backend %s has no asynchronous I/O: use --backend uring, "
		    "or --async_put off --readahead none",
		    uvm->be->be_name);
	ai->ai_desc = calloc(depth, sizeof(ai->ai_desc[0]));
	ai->ai_pages = calloc(depth * uvm->slots, sizeof(void *));
	ai->ai_addrs = calloc(depth * uvm->slots, sizeof(ai->ai_addrs[0]));
	if (ai->ai_desc == NULL || ai->ai_pages == NULL || ai->ai_addrs == NULL)
		return ERRMSG(em, ENOMEM, "no memory for io_depth=%zu", depth);
	for (i = depth; i-- > 0;) {
		struct uvm_aiodesc *const ad = &ai->ai_desc[i];

		ad->ad_page = &ai->ai_pages[i * uvm->slots];
		ad->ad_addr = &ai->ai_addrs[i * uvm->slots];
		ad->ad_next = ai->ai_idle;
		ai->ai_idle = ad;
	}
	ai->ai_on = true;
	return 0;
}

void
uvm_aio_fini(struct uvm *uvm)
{
	struct uvm_aio *const ai = &uvm->aio;
	struct uvm_buf *b = NULL;

	/* The backend has to let go of the frames and descriptors first. */
	while (ai->ai_flying != 0) {
		if (uvm->be->be_poll(uvm->becookie, true, &b) != 0 || b == NULL)
			break;
		ai->ai_flying--;
	}
	free(ai->ai_desc);
	free(ai->ai_pages);
	free(ai->ai_addrs);
}

#define AIO_LOCK(uvm)	simple_lock(&SELF(uvm)->ls, &(uvm)->aio.ai_lock)
#define AIO_UNLOCK(uvm) simple_unlock(&SELF(uvm)->ls, &(uvm)->aio.ai_lock)

/* => descriptors locked */
static struct uvm_aiodesc *
take_idle(struct uvm *uvm)
{
	struct uvm_aio *const ai = &uvm->aio;
	struct uvm_aiodesc *const ad = ai->ai_idle;

	if (ad != NULL)
		ai->ai_idle = ad->ad_next;
	return ad;
}

struct uvm_aiodesc *
uvm_aio_tryget(struct uvm *uvm)
{
	struct uvm_aiodesc *ad;

	AIO_LOCK(uvm);
	ad = take_idle(uvm);
	AIO_UNLOCK(uvm);
	return ad;
}

struct uvm_aiodesc *
uvm_aio_get(struct uvm *uvm)
{
	struct uvm_aiodesc *ad;

	AIO_LOCK(uvm);
	ad = take_idle(uvm);
	if (ad == NULL)
		EXP(uvm)->depth_waits++;
	while (ad == NULL &&
	    uvm_sleep(uvm, &uvm->aio.ai_idle, UVM_WAIT_DEVICE,
		"a free I/O descriptor", &uvm->aio.ai_lock))
		ad = take_idle(uvm);
	AIO_UNLOCK(uvm);
	return ad;
}

void
uvm_aio_put(struct uvm *uvm, struct uvm_aiodesc *ad)
{

	AIO_LOCK(uvm);
	ad->ad_next = uvm->aio.ai_idle;
	uvm->aio.ai_idle = ad;
	uvm_wakeup(uvm, &uvm->aio.ai_idle);
	AIO_UNLOCK(uvm);
}

bool
uvm_aio_flying(struct uvm *uvm)
{
	bool flying;

	AIO_LOCK(uvm);
	flying = uvm->aio.ai_flying != 0;
	AIO_UNLOCK(uvm);
	return flying;
}

/* One I/O more or less is under way. */
static void
fly(struct uvm *uvm, const struct uvm_aiodesc *ad, bool up)
{
	struct uvm_aio *const ai = &uvm->aio;
	struct uvmexp *const lv = LEVELS(uvm);

	AIO_LOCK(uvm);
	if (up)
		ai->ai_flying++;
	else
		ai->ai_flying--;
	if (ad->ad_kind == AIO_DAEMON && up)
		shared_add(&uvm->paging, ad->ad_buf.b_npages);
	else if (ad->ad_kind == AIO_DAEMON)
		shared_sub(&uvm->paging, ad->ad_buf.b_npages);
	if (up && ai->ai_flying > shared_get(&lv->depth_most))
		shared_set(&lv->depth_most, ai->ai_flying);
	uvm_depth_tell(uvm, up ? 1 : -1, uvm_clock(uvm));
	if (up)
		uvm_wakeup(uvm, &ai->ai_flying);
	AIO_UNLOCK(uvm);
}

static inline void
aio_backend_end(struct uvm *uvm, uint64_t began)
{

	SELF(uvm)->aio_time += uvm_backend_end(uvm, began) - began;
}

int
uvm_aio_start(struct uvm *uvm, struct uvm_aiodesc *ad)
{
	uint64_t began;
	int error;

	if (!CONCURRENT(uvm))
		uvm->hot.uh_due |= UVM_DUE_AIO;
	fly(uvm, ad, true);
	began = uvm_backend_begin(uvm);
	error = uvm->be->be_start(uvm->becookie, &ad->ad_buf);
	aio_backend_end(uvm, began);
	if (error != 0)
		fly(uvm, ad, false);
	return error;
}

void
uvm_aio_submit(struct uvm *uvm)
{
	uint64_t began;

	if (!uvm->aio.ai_on || uvm->be->be_submit == NULL)
		return;
	began = uvm_backend_begin(uvm);
	/* What cannot be sent comes back, or fails, when it is collected. */
	(void)uvm->be->be_submit(uvm->becookie);
	aio_backend_end(uvm, began);
}

/* The backend is done with ad: on the done queue it goes. */
static void
aio_done(struct uvm *uvm, struct uvm_aiodesc *ad)
{
	struct uvm_aio *const ai = &uvm->aio;

	fly(uvm, ad, false);
	ad->ad_next = NULL;
	*ai->ai_donetail = ad;
	ai->ai_donetail = &ad->ad_next;
}

unsigned
uvm_aio_collect(struct uvm *uvm, bool wait)
{
	struct uvm_aio *const ai = &uvm->aio;
	struct uvm_aiodesc *ad;
	struct uvm_buf *b;
	uint64_t began;
	unsigned n = 0;
	int error;

	uvm_may_sleep(uvm);
	while (uvm_aio_flying(uvm)) {
		b = NULL;
		began = uvm_backend_begin(uvm);
		error = uvm->be->be_poll(uvm->becookie, wait, &b);
		aio_backend_end(uvm, began);
		if (error != 0) {
			(void)uvm_fail(uvm, error,
			    "the backend lost the I/Os under way");
			break;
		}
		if (b == NULL)
			break;
		aio_done(uvm, (struct uvm_aiodesc *)b);
		wait = false;
	}
	while ((ad = ai->ai_done) != NULL) {
		ai->ai_done = ad->ad_next;
		if (ai->ai_done == NULL)
			ai->ai_donetail = &ai->ai_done;
		uvn_aiodone(uvm, ad);
		n++;
	}
	AIO_LOCK(uvm);
	if (ai->ai_flying == 0 && ai->ai_rele == NULL)
		shared_and(&uvm->hot.uh_due, (uint8_t)~UVM_DUE_AIO);
	AIO_UNLOCK(uvm);
	return n;
}

void
uvm_aio_drain(struct uvm *uvm, struct uvm_vnode *uvn)
{
	struct uvm_object *const uobj = &uvn->u_obj;

	OBJ_LOCK(uvm, uobj);
	uvn_io_wait(uvm, uvn, "I/O under way");
	uvn_iosync_end(uvm, uvn);
	OBJ_UNLOCK(uvm, uobj);
}

int
uvm_finish(struct uvm *uvm)
{

	/* Letting go of a vnode may start more. */
	while (uvm->failed == 0 &&
	    (uvm->aio.ai_flying != 0 || uvm->aio.ai_rele != NULL)) {
		(void)uvm_aio_collect(uvm, true);
		uvm_aio_rele(uvm);
	}
	return uvm->failed;
}

void
uvm_aio_rele_later(struct uvm *uvm, struct vnode *vp)
{

	AIO_LOCK(uvm);
	if (vp->v_reles++ == 0) {
		vp->v_relenext = uvm->aio.ai_rele;
		uvm->aio.ai_rele = vp;
	}
	shared_or(&uvm->hot.uh_due, UVM_DUE_AIO);
	AIO_UNLOCK(uvm);
}

void
uvm_aio_rele(struct uvm *uvm)
{
	struct vnode *vp;
	unsigned n;

	for (;;) {
		AIO_LOCK(uvm);
		vp = uvm->aio.ai_rele;
		if (vp == NULL)
			break;
		uvm->aio.ai_rele = vp->v_relenext;
		n = vp->v_reles;
		vp->v_relenext = NULL;
		vp->v_reles = 0;
		AIO_UNLOCK(uvm);
		for (; n != 0; n--)
			vnode_rele(uvm, vp);
	}
	if (uvm->aio.ai_flying == 0 || CONCURRENT(uvm))
		shared_and(&uvm->hot.uh_due, (uint8_t)~UVM_DUE_AIO);
	AIO_UNLOCK(uvm);
}
