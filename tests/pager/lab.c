#include "tests/pager/lab.h"

#include <stdlib.h>
#include <string.h>

void
lab_param(struct uvm_param *up, const char *settings)
{
	struct errmsg em = { .em_text = "" };
	char *const copy = strdup(settings != NULL ? settings : "");
	char *word, *rest = NULL;

	assert_non_null(copy);
	uvm_param_init(up);
	for (word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		char *const eq = strchr(word, '=');
		const struct tunable *tn;
		uint64_t val;

		assert_non_null(eq);
		*eq = '\0';
		tn = tunable_find(uvm_param_table, uvm_param_count, word);
		assert_non_null(tn);
		must_em(tunable_parse(tn, eq + 1, &val, &em), &em);
		tunable_set(tn, up, val);
	}
	free(copy);
}

void
lab_open_with(struct lab *lab, const char *settings,
    const struct uvm_backend *be)
{
	struct errmsg em = { .em_text = "" };

	rec_init(&lab->rec);
	lab_param(&lab->up, settings);
	must_em(uvm_param_resolve(&lab->up, &em), &em);
	must_em(uvm_create(&lab->up, be, &lab->rec, &lab->uvm, &em), &em);
	lab_mark(lab);
}

void
lab_open_dirty(struct lab *lab, const char *settings, uint64_t npages,
    const struct uvm_backend *be)
{

	lab_open_with(lab, settings, be);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_scan(lab, 1, 0, npages - 1, UVM_ACCESS_WRITE);
	lab->rec.rec_lazy = true;
	lab_mark(lab);
}

void
lab_open(struct lab *lab, const char *settings)
{

	lab_open_with(lab, settings, &recorder_backend);
}

void
lab_open_data(struct lab *lab, const char *settings)
{

	lab_open_with(lab, settings, &recorder_data_backend);
}

void
lab_close(struct lab *lab)
{

	uvm_destroy(lab->uvm);
	rec_fini(&lab->rec);
}

void
lab_check(const struct lab *lab)
{
	struct errmsg em = { .em_text = "" };

	must_em(uvm_check(lab->uvm, &em), &em);
}

void
lab_end(struct lab *lab)
{

	uvm_event_end(lab->uvm);
	lab_check(lab);
}

void
lab_counters_agree(const struct lab *lab)
{
	const struct uvmexp *const exp = lab_stat(lab);

	assert_int_equal(exp->accesses, exp->mapped_hits + exp->faults);
	assert_int_equal(exp->flushes, exp->flush_by_list + exp->flush_by_hash);
	/* Closed private copies are found without either. */
	assert_true(exp->flt_obj + exp->flt_prcopy <=
	    exp->resident_hits + exp->fltrelck);
	assert_int_equal(exp->fltrelck, exp->fltrelckok);
	assert_int_equal(exp->alloc_failures != 0, exp->memory_waits != 0);
	assert_int_equal(exp->sigsegv + exp->sigbus, exp->fault_errors);
	assert_true(exp->pdfreed + exp->pdreact <= exp->pdscans);
	assert_true(exp->readahead_used + exp->readahead_unused <=
	    exp->readahead_pages);
}

void
lab_mark(struct lab *lab)
{

	lab->mark = *uvm_stat(lab->uvm);
	rec_clear(&lab->rec);
}

void
lab_file(struct lab *lab, uint32_t file, uint64_t size)
{

	must(uvm_file_add(lab->uvm, file, size));
}

void
lab_map_at(struct lab *lab, uint32_t map, uint32_t file, unsigned flags,
    uint64_t offset, uint64_t length)
{

	must(uvm_sys_mmap(lab->uvm,
	    &(struct uvm_mmap){ .mm_map = map,
		.mm_pid = 1,
		.mm_file = file,
		.mm_flags = flags,
		.mm_offset = offset,
		.mm_length = length }));
	lab_end(lab);
}

void
lab_map(struct lab *lab, uint32_t map, uint32_t file, unsigned flags)
{

	lab_map_at(lab, map, file, flags, 0, uvm_file_size(lab->uvm, file));
}

void
lab_unmap(struct lab *lab, uint32_t map)
{

	must(uvm_sys_munmap(lab->uvm, map, 0, 0));
	lab_end(lab);
}

enum uvm_outcome
lab_access(struct lab *lab, uint32_t map, uint64_t pgno, enum uvm_access how)
{
	struct uvm_map *const um = uvm_map_find(lab->uvm, map);
	enum uvm_outcome outcome;

	assert_non_null(um);
	outcome = uvm_access(lab->uvm, um, pgno, how);
	lab_end(lab);
	return outcome;
}

void
lab_scan(struct lab *lab, uint32_t map, uint64_t first, uint64_t last,
    enum uvm_access how)
{
	uint64_t pgno = first;

	for (;;) {
		assert_true(lab_access(lab, map, pgno, how) < UVM_FAULT_PROT);
		if (pgno == last)
			return;
		pgno = first < last ? pgno + 1 : pgno - 1;
	}
}

void
lab_msync(struct lab *lab, uint32_t map, unsigned flags)
{

	must(uvm_sys_msync(lab->uvm, map, 0, 0, flags));
	lab_end(lab);
}

void
lab_sync(struct lab *lab)
{

	must(uvm_sys_sync(lab->uvm));
	lab_end(lab);
}

void
lab_truncate(struct lab *lab, uint32_t file, uint64_t size)
{

	must(uvm_sys_truncate(lab->uvm, file, size));
	lab_end(lab);
}
