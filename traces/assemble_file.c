#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

/* How a file is found: by device, inode and birth, or by path. */
struct file_key {
	uint64_t fk_dev, fk_ino, fk_birth;
	char *fk_path;
	uint32_t fk_file;
};

static int
cmp(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
ino_cmp(const void *a, const void *b)
{
	const struct file_key *x = a, *y = b;

	if (x->fk_ino != y->fk_ino)
		return cmp(x->fk_ino, y->fk_ino);
	if (x->fk_dev != y->fk_dev)
		return cmp(x->fk_dev, y->fk_dev);
	return cmp(x->fk_birth, y->fk_birth);
}

static int
path_cmp(const void *a, const void *b)
{
	const struct file_key *x = a, *y = b;

	return strcmp(x->fk_path, y->fk_path);
}

static void
key_free(void *key)
{
	struct file_key *fk = key;

	free(fk->fk_path);
	free(fk);
}

/* The tree and order that a key is looked for in. */
static void **
tree(struct assembler *as, const struct file_key *fk,
    int (**cmpp)(const void *, const void *))
{
	*cmpp = fk->fk_path != NULL ? path_cmp : ino_cmp;
	return fk->fk_path != NULL ? &as->as_by_path : &as->as_by_ino;
}

static uint32_t
key_find(struct assembler *as, const struct file_key *fk)
{
	int (*order)(const void *, const void *);
	void **root = tree(as, fk, &order);
	struct file_key *const *found = tfind(fk, root, order);

	return found != NULL ? (*found)->fk_file : 0;
}

/* From now on the key means the file; 0: nothing. */
static int
key_set(struct assembler *as, const struct file_key *fk, uint32_t file)
{
	int (*order)(const void *, const void *);
	void **root = tree(as, fk, &order);
	struct file_key *const *found = tfind(fk, root, order);
	struct file_key *key;

	if (found != NULL) {
		(*found)->fk_file = file;
		return 0;
	}
	key = malloc(sizeof(*key));
	if (key == NULL)
		return no_memory(as);
	*key = *fk;
	key->fk_file = file;
	if (fk->fk_path != NULL)
		key->fk_path = strdup(fk->fk_path);
	if ((fk->fk_path != NULL && key->fk_path == NULL) ||
	    tsearch(key, root, order) == NULL) {
		key_free(key);
		return no_memory(as);
	}
	return 0;
}

static int
path_set(struct assembler *as, const char *path, uint32_t file)
{
	char *copy = strdup(path);
	struct file_key fk = { .fk_path = copy };
	int error;

	if (copy == NULL)
		return no_memory(as);
	error = key_set(as, &fk, file);
	free(copy);
	return error;
}

uint32_t
file_known(struct assembler *as, const char *path)
{
	char *copy = strdup(path);
	struct file_key fk = { .fk_path = copy };
	const uint32_t file = copy != NULL ? key_find(as, &fk) : 0;

	free(copy);
	return file;
}

struct afile *
file_of(struct assembler *as, uint32_t file)
{
	return &as->as_files[file - 1];
}

static int
room(struct assembler *as)
{
	const size_t cap = as->as_capfiles != 0 ? as->as_capfiles * 2 : 64;
	struct afile *files;

	if (as->as_nfiles < as->as_capfiles)
		return 0;
	files = realloc(as->as_files, cap * sizeof(*files));
	if (files == NULL)
		return no_memory(as);
	as->as_files = files;
	as->as_capfiles = cap;
	return 0;
}

/* Lies path in the folder of the recorder's own files? */
static bool
ours(const struct assembler *as, const char *path)
{
	const char *folder = as->as_ap.ap_ignore;

	return folder != NULL && path != NULL &&
	    strncmp(path, folder, strlen(folder)) == 0;
}

static int
file_new(struct assembler *as, const struct afile *like, const char *path,
    uint32_t *filep)
{
	struct afile *af;
	int error = room(as);

	if (error != 0)
		return error;
	error = sink_file(as->as_sink, filep, as->as_em);
	if (error != 0)
		return error;
	af = &as->as_files[as->as_nfiles];
	*af = *like;
	af->af_id = *filep;
	af->af_path = path != NULL ? strdup(path) : NULL;
	af->af_ours = ours(as, path);
	as->as_nfiles++;
	if (path != NULL && af->af_path == NULL)
		return no_memory(as);
	return 0;
}

/* A path that is known by now, or has changed unseen. */
static int
file_named(struct assembler *as, uint32_t file, const char *path)
{
	struct afile *af = file_of(as, file);
	char *copy;

	if (path == NULL ||
	    (af->af_path != NULL && strcmp(af->af_path, path) == 0))
		return 0;
	copy = strdup(path);
	if (copy == NULL)
		return no_memory(as);
	free(af->af_path);
	af->af_path = copy;
	af->af_ours |= ours(as, path);
	return path_set(as, path, file);
}

/*
 * By inode: the key without a birth time means the latest file there, for
 * sources that do not tell it; such a file is born when one tells.
 */
static int
inode_find(struct assembler *as, const struct file_key *fk, uint32_t *filep)
{
	const struct file_key any = { fk->fk_dev, fk->fk_ino, 0, NULL, 0 };

	*filep = key_find(as, fk);
	if (*filep != 0 || fk->fk_birth == 0)
		return 0;
	*filep = key_find(as, &any);
	if (*filep != 0 && file_of(as, *filep)->af_birth != 0)
		*filep = 0;
	if (*filep == 0)
		return 0;
	file_of(as, *filep)->af_birth = fk->fk_birth;
	return key_set(as, fk, *filep);
}

static int
inode_set(struct assembler *as, const struct file_key *fk, uint32_t file)
{
	const struct file_key any = { fk->fk_dev, fk->fk_ino, 0, NULL, 0 };
	int error = key_set(as, &any, file);

	if (error == 0 && fk->fk_birth != 0)
		error = key_set(as, fk, file);
	return error;
}

int
file_find(struct assembler *as, uint64_t dev, uint64_t ino, uint64_t birth,
    uint64_t size, const char *path, uint32_t *filep)
{
	const struct file_key fk = { dev, ino, birth, NULL, 0 };
	const struct afile like = {
		.af_dev = dev,
		.af_ino = ino,
		.af_birth = birth,
		.af_first = size != RAW_UNKNOWN ? size : 0,
		.af_size = size != RAW_UNKNOWN ? size : 0,
		.af_inferred = size == RAW_UNKNOWN,
		.af_unsized = size == RAW_UNKNOWN,
	};
	const bool by_ino = dev != 0 || ino != 0;
	int error = 0;

	*filep = 0;
	if (by_ino)
		error = inode_find(as, &fk, filep);
	else if (path != NULL)
		*filep = file_known(as, path);
	else
		return 0;
	if (*filep != 0 || error != 0)
		return error != 0 ? error : file_named(as, *filep, path);
	error = file_new(as, &like, path, filep);
	if (error == 0 && by_ino)
		error = inode_set(as, &fk, *filep);
	if (error == 0 && path != NULL)
		error = path_set(as, path, *filep);
	return error;
}

int
file_resized(struct assembler *as, uint32_t file, uint64_t size)
{
	struct afile *af = file_of(as, file);
	struct trace_event te;

	if (size == RAW_UNKNOWN || size <= af->af_size)
		return 0;
	if (af->af_unsized) {
		af->af_unsized = af->af_inferred = false;
		af->af_first = af->af_size = size;
		return 0;
	}
	af->af_size = size;
	te = event_at(as, TRACE_TRUNCATE, file, 0);
	te.te_length = size;
	return event_put(as, &te);
}

void
file_used(struct afile *af, uint64_t end)
{
	if (af->af_unsized && end > af->af_size)
		af->af_first = af->af_size = end;
}

void
file_sized(struct afile *af)
{
	/* Where nothing was accessed, a map is all there is to go by. */
	if (af->af_unsized && af->af_size == 0)
		af->af_first = af->af_size = af->af_extent;
	af->af_unsized = false;
}

int
file_unlinked(struct assembler *as, uint32_t file)
{
	struct afile *af = file_of(as, file);
	const struct file_key any = { af->af_dev, af->af_ino, 0, NULL, 0 };
	int error = 0;

	/* The inode may be used again, and the birth time may not tell. */
	if (af->af_ino != 0 && key_find(as, &any) == file)
		error = key_set(as, &any, 0);
	if (error == 0 && af->af_path != NULL &&
	    file_known(as, af->af_path) == file)
		error = path_set(as, af->af_path, 0);
	return error;
}

int
file_renamed(struct assembler *as, uint32_t file, const char *path)
{
	struct afile *af = file_of(as, file);
	int error = 0;

	if (path == NULL)
		return 0;
	if (af->af_path != NULL && file_known(as, af->af_path) == file)
		error = path_set(as, af->af_path, 0);
	if (error == 0)
		error = file_named(as, file, path);
	return error;
}

/* What the C library maps for itself. */
static bool
libc_own(const char *path)
{
	static const char *const patterns[] = { "/etc/ld.so.cache",
		"/usr/lib/locale/*", "*/gconv/gconv-modules.cache" };

	return record_match(path, patterns, nitems(patterns));
}

static bool
wanted(const struct assembler *as, const struct afile *af)
{
	const struct record_select *rs = &as->as_ap.ap_select;
	const char *path = af->af_path != NULL ? af->af_path : "";

	if (af->af_ours || (!af->af_mapped && !rs->rs_unmapped))
		return false;
	if (!rs->rs_code && (af->af_code || libc_own(path)))
		return false;
	return record_wants(rs, path);
}

int
file_noted(struct assembler *as, const struct raw *rw)
{
	const struct file_key fk = { rw->rw_arg[2], rw->rw_arg[3], 0, NULL, 0 };
	const uint32_t file = key_find(as, &fk);
	struct afile *af;

	if (file == 0)
		return 0;
	af = file_of(as, file);
	if (af->af_counts == NULL)
		af->af_counts = calloc(RECORD_NCOUNTS, sizeof(uint64_t));
	if (af->af_counts == NULL)
		return no_memory(as);
	af->af_counts[rw->rw_arg[0]] += rw->rw_arg[1];
	return 0;
}

int
files_judge(struct assembler *as)
{
	for (size_t i = 0; i < as->as_nfiles; i++) {
		struct afile *af = &as->as_files[i];
		struct sink_info *si = sink_info(as->as_sink, af->af_id);

		file_sized(af);
		si->si_size = af->af_first;
		si->si_path = strdup(af->af_path != NULL ? af->af_path : "");
		if (si->si_path == NULL)
			return no_memory(as);
		si->si_wanted = wanted(as, af);
		if (si->si_wanted && af->af_inferred)
			as->as_counts[RECORD_UNKNOWN_SIZES]++;
		for (size_t k = 0; si->si_wanted && af->af_counts != NULL &&
		     k < RECORD_NCOUNTS;
		     k++)
			as->as_counts[k] += af->af_counts[k];
	}
	return 0;
}

void
files_fini(struct assembler *as)
{
	for (size_t i = 0; i < as->as_nfiles; i++) {
		free(as->as_files[i].af_path);
		free(as->as_files[i].af_counts);
	}
	free(as->as_files);
	tdestroy(as->as_by_ino, key_free);
	tdestroy(as->as_by_path, key_free);
}
