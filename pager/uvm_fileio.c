/*
 * uvm_fileio.c: system calls on files, as far as the pager hears of them; spec
 * section 7 and 3.17.  Each uses the file's vnode for its duration.
 */
#include <errno.h>

#include "pager/uvm_i.h"

static int
file_end(struct uvm *uvm, struct vnode *vp, int error)
{

	vn_unlock(uvm, vp);
	vnode_rele(uvm, vp);
	return error != 0 ? error : FAILED(uvm);
}

/* Begin and end a call on a file: referenced, vnode locked. */
static int
file_begin(struct uvm *uvm, uint32_t file, struct vnode **vpp)
{
	struct vnode *const vp =
	    file != 0 ? idmap_get(&uvm->files, file) : NULL;
	const int failed = FAILED(uvm);

	*vpp = vp;
	if (failed != 0)
		return failed;
	if (vp == NULL)
		return ESRCH;
	vnode_get(uvm, vp);
	vn_lock(uvm, vp);
	return FAILED(uvm) != 0 ? file_end(uvm, vp, EDEADLK) : 0;
}

int
uvm_sys_truncate(struct uvm *uvm, uint32_t file, uint64_t size)
{
	struct vnode *vp;
	int error;

	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	return file_end(uvm, vp, vnode_truncate(uvm, vp, size));
}

int
uvm_sys_fallocate(struct uvm *uvm, uint32_t file, uint64_t offset,
    uint64_t length, unsigned flags)
{
	struct vnode *vp;
	uint64_t end;
	int error;

	if (offset > UVM_FILE_MAX || length > UVM_FILE_MAX - offset)
		return EFBIG;
	end = offset + length;
	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	if ((flags & (UVM_FALLOC_KEEP | UVM_FALLOC_PUNCH)) == 0 &&
	    end > vp->v_size)
		error = vnode_truncate(uvm, vp, end);
	if ((flags & (UVM_FALLOC_PUNCH | UVM_FALLOC_ZERO)) && error == 0) {
		/* As a write(2) of zeros: mapped pages do not hear of it. */
		(void)uvm_vnp_uncache(uvm, vp);
		if (end > vp->v_size)
			end = vp->v_size;
		vnode_quiesce(uvm, vp);
		uvm_device_begin(uvm);
		if (uvm->be->be_zero != NULL && offset < end)
			error = uvm->be->be_zero(uvm->becookie, file, offset,
			    end - offset);
		uvm_device_end(uvm);
		vnode_resume(uvm, vp);
	}
	return file_end(uvm, vp, error);
}

/*
 * q21 fixed: read(2) and write(2) see mapped stores.
 *
 * => vnode locked
 * => EIO: one of them could not be written, and is in memory alone
 */
static int
file_flush(struct uvm *uvm, struct vnode *vp, uint64_t offset, uint64_t end,
    unsigned flags)
{
	struct uvm_object *const uobj = &vp->v_uvm.u_obj;
	bool ok = true;

	if (!FIXED(uvm, q21_incoherent))
		return 0;
	/* The flush's I/O takes the vnode lock itself. */
	vn_unlock(uvm, vp);
	OBJ_LOCK(uvm, uobj);
	if (end > vp->v_uvm.u_size)
		end = vp->v_uvm.u_size;
	SELF(uvm)->caller = FLUSH_FILEIO;
	if ((vp->v_uvm.u_flags & UVM_VNODE_VALID) != 0 && offset < end)
		ok = uvn_flush(uvm, uobj, offset, end, flags);
	OBJ_UNLOCK(uvm, uobj);
	vn_lock(uvm, vp);
	return ok ? 0 : EIO;
}

int
uvm_sys_pread(struct uvm *uvm, uint32_t file, uint64_t offset, uint64_t length,
    void *buf, uint64_t *donep)
{
	struct vnode *vp;
	int error;

	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	EXP(uvm)->file_reads++;
	if (offset >= vp->v_size)
		length = 0;
	else if (length > vp->v_size - offset)
		length = vp->v_size - offset;
	error = file_flush(uvm, vp, offset, offset + length,
	    PGO_CLEANIT | PGO_SYNCIO);
	if (error != 0)
		return file_end(uvm, vp, error);
	EXP(uvm)->file_read_bytes += length;
	if (donep != NULL)
		*donep = length;
	vnode_quiesce(uvm, vp);
	uvm_device_begin(uvm);
	if (length != 0 && uvm->be->be_pread != NULL)
		error =
		    uvm->be->be_pread(uvm->becookie, file, offset, length, buf);
	uvm_device_end(uvm);
	vnode_resume(uvm, vp);
	return file_end(uvm, vp, error);
}

int
uvm_sys_pwrite(struct uvm *uvm, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf)
{
	struct vnode *vp;
	int error;

	if (offset > UVM_FILE_MAX || length > UVM_FILE_MAX - offset)
		return EFBIG;
	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	EXP(uvm)->file_writes++;
	EXP(uvm)->file_write_bytes += length;
	if (length == 0)
		return file_end(uvm, vp, 0);
	/* What is in memory alone would be freed below. */
	error = file_flush(uvm, vp, offset, offset + length,
	    PGO_CLEANIT | PGO_SYNCIO);
	if (error == 0 && offset + length > vp->v_size)
		error = vnode_grow(uvm, vp, offset + length);
	if (error != 0)
		return file_end(uvm, vp, error);
	(void)uvm_vnp_uncache(uvm, vp);
	vnode_quiesce(uvm, vp);
	uvm_device_begin(uvm);
	if (error == 0 && uvm->be->be_pwrite != NULL)
		error = uvm->be->be_pwrite(uvm->becookie, file, offset, length,
		    buf);
	uvm_device_end(uvm);
	vnode_resume(uvm, vp);
	(void)file_flush(uvm, vp, offset, offset + length, PGO_FREE);
	return file_end(uvm, vp, error);
}

int
uvm_file_sync(struct uvm *uvm, uint32_t file)
{
	int error;

	EXP(uvm)->file_syncs++;
	if (uvm->be->be_sync == NULL)
		return 0;
	uvm_device_begin(uvm);
	error = uvm->be->be_sync(uvm->becookie, file);
	uvm_device_end(uvm);
	return error;
}

int
uvm_sys_fsync(struct uvm *uvm, uint32_t file)
{
	struct vnode *vp;
	int error;

	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	EXP(uvm)->fsyncs++;
	vnode_quiesce(uvm, vp);
	OBJ_LOCK(uvm, &vp->v_uvm.u_obj);
	if (vp->v_uvm.u_error != 0 && FIXED(uvm, q1_error_clean))
		error = EIO;
	vp->v_uvm.u_error = 0;
	OBJ_UNLOCK(uvm, &vp->v_uvm.u_obj);
	/* Under dsync, too: sizes and what write(2) left are not there yet. */
	if (error == 0 && uvm->up.durability != DURABLE_NONE)
		error = uvm_file_sync(uvm, file);
	vnode_resume(uvm, vp);
	return file_end(uvm, vp, error);
}

int
uvm_sys_sync(struct uvm *uvm)
{

	if (FAILED(uvm) == 0)
		uvm_vnp_sync(uvm);
	return FAILED(uvm);
}

int
uvm_sys_open(struct uvm *uvm, uint32_t file)
{
	struct vnode *vp;
	int error;

	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	vnode_ref(uvm, vp);
	simple_lock(&SELF(uvm)->ls, &uvm->vnodeslock);
	vp->v_opens++;
	simple_unlock(&SELF(uvm)->ls, &uvm->vnodeslock);
	return file_end(uvm, vp, 0);
}

int
uvm_sys_close(struct uvm *uvm, uint32_t file)
{
	struct vnode *const vp =
	    file != 0 ? idmap_get(&uvm->files, file) : NULL;
	bool open;

	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	if (vp == NULL)
		return ESRCH;
	/* Opened before the trace began: nothing to give back. */
	simple_lock(&SELF(uvm)->ls, &uvm->vnodeslock);
	open = vp->v_opens != 0;
	vp->v_opens -= open;
	simple_unlock(&SELF(uvm)->ls, &uvm->vnodeslock);
	if (open)
		vnode_rele(uvm, vp);
	return FAILED(uvm);
}

int
uvm_sys_unlink(struct uvm *uvm, uint32_t file)
{
	struct vnode *vp;
	int error;

	if ((error = file_begin(uvm, file, &vp)) != 0)
		return error;
	(void)uvm_vnp_uncache(uvm, vp);
	simple_lock(&SELF(uvm)->ls, &uvm->vnodeslock);
	vp->v_unlinked = true;
	simple_unlock(&SELF(uvm)->ls, &uvm->vnodeslock);
	return file_end(uvm, vp, 0);
}

uint64_t
uvm_next_tick(const struct uvm *uvm)
{

	return uvm->up.sync_interval != 0 ? uvm->next_sync : UINT64_MAX;
}

int
uvm_tick_next(struct uvm *uvm, uint64_t ns)
{
	const uint64_t step = uvm->up.sync_interval;
	uint64_t n = 1;

	if (ns < uvm_next_tick(uvm) || uvm_next_tick(uvm) == UINT64_MAX)
		return FAILED(uvm);
	/* With no writable file the syncs due differ in nothing. */
	if (shared_get(&uvm->wlist) == NULL) {
		n = (ns - uvm->next_sync) / step + 1;
		EXP(uvm)->syncs += n;
	} else
		uvm_vnp_sync(uvm);
	uvm->next_sync = n > (UINT64_MAX - uvm->next_sync) / step ?
	    UINT64_MAX :
	    uvm->next_sync + n * step;
	return FAILED(uvm);
}

int
uvm_tick(struct uvm *uvm, uint64_t ns)
{
	int error = FAILED(uvm);

	while (error == 0 && ns >= uvm_next_tick(uvm) &&
	    uvm_next_tick(uvm) != UINT64_MAX)
		error = uvm_tick_next(uvm, ns);
	return error;
}
