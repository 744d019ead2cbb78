#include "pager/uvm.h"

const struct uvm_counter uvm_stat_table[] = {
#define COUNTER(name, unit, help) { #name, unit, help, false },
#define GAUGE(name, unit, help)	  { #name, unit, help, true },
#include "pager/uvm_stat.def"
#undef COUNTER
#undef GAUGE
};
const size_t uvm_stat_count = nitems(uvm_stat_table);

const struct uvm_waitdef uvm_wait_table[UVM_NWAITS] = {
#define WAIT(KIND, name, help) { name, help },
#include "pager/uvm_wait.def"
#undef WAIT
};

_Static_assert(sizeof(struct uvmexp) ==
	nitems(uvm_stat_table) * sizeof(uint64_t),
    "rows only");

const char *
uvm_flush_caller_name(enum uvm_flush_caller caller)
{
	static const char *const name[FLUSH_NCALLER] = {
		[FLUSH_MSYNC] = "msync",
		[FLUSH_SYNC] = "sync",
		[FLUSH_DETACH] = "detach",
		[FLUSH_TERMINATE] = "terminate",
		[FLUSH_SETSIZE] = "setsize",
		[FLUSH_FAULT] = "fault",
		[FLUSH_MADVISE] = "madvise",
		[FLUSH_FILEIO] = "fileio",
	};

	return caller < FLUSH_NCALLER ? name[caller] : "unknown";
}
