#include <sched.h>

#include "traces/strace_i.h"

/* The value of an argument, or why it has none. */
static const char *
value(const struct scan *arg, uint64_t *vp)
{
	struct scan sc = *arg, rest = *arg, name;

	/* What lies in memory is printed, not its address. */
	*vp = 1;
	if (scan_sees(&sc, '"') || scan_sees(&sc, '{') || scan_sees(&sc, '[') ||
	    scan_sees(&sc, '~'))
		return NULL;
	/* clone(2) has names before its values. */
	if (scan_word(&rest, &name) && scan_text(&rest, "="))
		sc = rest;
	return scan_flags(&sc, "", vp);
}

/* The value of a field of a struct: {NAME=VALUE, ...}. */
static bool
field_value(const struct scan *arg, const char *name, uint64_t *vp)
{
	struct scan sc = *arg, field, before;

	if (!scan_text(&sc, "{"))
		return false;
	while (scan_arg(&sc, &field)) {
		struct scan text = field;

		if (scan_until(&text, "=", &before) && scan_is(&before, name))
			return value(&text, vp) == NULL;
		if (!scan_text(&sc, ","))
			return false;
	}
	return false;
}

bool
strace_makes(enum raw_sysno sys)
{
	return sys == RAW_SYS_FORK || sys == RAW_SYS_VFORK ||
	    sys == RAW_SYS_CLONE || sys == RAW_SYS_CLONE3;
}

/* The flags of a call that makes a thread or process. */
static uint64_t
make_flags(enum raw_sysno sys, const struct scan_call *ca)
{
	uint64_t v;

	switch ((int)sys) {
	case RAW_SYS_VFORK:
		return CLONE_VM | CLONE_VFORK;
	case RAW_SYS_CLONE3:
		if (ca->sc_n > 0 && field_value(&ca->sc_arg[0], "flags", &v))
			return v;
		return 0;
	case RAW_SYS_CLONE:
		for (unsigned i = 0; i < ca->sc_n; i++) {
			struct scan arg = ca->sc_arg[i];

			if (scan_text(&arg, "flags=") &&
			    value(&arg, &v) == NULL)
				return v;
		}
		return 0;
	default:
		return 0;
	}
}

int
strace_made(struct strace *sr, enum raw_sysno sys, const struct scan_call *ca,
    uint32_t tid)
{
	const uint64_t flags = make_flags(sys, ca);
	const uint32_t parent = sr->sr_raw.rw_pid;
	const uint32_t pid = (flags & CLONE_THREAD) != 0 ? parent : tid;
	const struct st_thread *st = tids_find(&sr->sr_threads, tid);
	const struct st_thread *maker =
	    tids_find(&sr->sr_threads, sr->sr_raw.rw_tid);
	struct raw rw = strace_raw(sr, RAW_FORK);
	int error;

	/* It may have come and gone by now. */
	if ((st != NULL && st->st_known) ||
	    (maker != NULL && maker->st_child == tid))
		return 0;
	error = strace_thread(sr, tid, pid, parent);
	rw.rw_arg[0] = parent;
	rw.rw_arg[1] = rw.rw_tid;
	rw.rw_arg[2] = flags;
	rw.rw_nargs = 3;
	rw.rw_pid = pid;
	rw.rw_tid = tid;
	return error != 0 ? error : strace_put(sr, &rw);
}

/* A descriptor is this file. */
static int
file_put(struct strace *sr, const struct scan *arg, uint64_t fd, uint64_t size,
    bool guess)
{
	struct raw rw = strace_raw(sr, RAW_FILE);
	char path[RAW_TEXT_MAX];

	scan_path(arg, path, sizeof(path));
	if (path[0] == '\0')
		return 0;
	rw.rw_flags = guess ? RAW_F_UNKNOWN : 0;
	rw.rw_arg[0] = fd;
	rw.rw_arg[4] = size;
	rw.rw_arg[5] = rw.rw_arg[6] = RAW_UNKNOWN;
	rw.rw_arg[7] = 1;
	rw.rw_nargs = 8;
	rw.rw_text = path;
	return strace_put(sr, &rw);
}

/* Argument i of the call, a path: into buf, as seen from the root. */
static int
path_read(struct strace *sr, enum raw_sysno sys, const struct scan_call *ca,
    unsigned i, char *buf)
{
	char path[RAW_TEXT_MAX], folder[RAW_TEXT_MAX];
	struct scan sc = ca->sc_arg[i], from = { NULL, NULL };
	const struct st_proc *sp;
	int error = 0;

	if (!scan_quoted(&sc, path, sizeof(path))) {
		buf[0] = '\0';
		return 0;
	}
	folder[0] = '\0';
	if (raw_at(sys, i)) {
		from = ca->sc_arg[i - 1];
		scan_path(&from, folder, sizeof(folder));
	}
	if (folder[0] != '\0' && scan_text(&from, "AT_FDCWD"))
		error = strace_cwd(sr, folder);
	sp = strace_proc(sr);
	if (error != 0 || sp == NULL)
		return error != 0 ? error : strace_no_memory(sr);
	path_join(buf, RAW_TEXT_MAX, folder[0] != '\0' ? folder : sp->sp_cwd,
	    path);
	return 0;
}

int
strace_call_put(struct strace *sr, enum raw_sysno sys,
    const struct scan_call *ca)
{
	struct raw rw = strace_raw(sr, RAW_CALL);
	char text[2][RAW_TEXT_MAX];
	unsigned paths = 0;
	int error = 0;

	rw.rw_sys = (uint8_t)sys;
	rw.rw_nargs = (uint8_t)ca->sc_n;
	for (unsigned i = 0; error == 0 && i < ca->sc_n; i++) {
		const bool path = (raw_sys[sys].rs_paths >> i & 1) != 0;
		const char *wrong = value(&ca->sc_arg[i], &rw.rw_arg[i]);

		if (wrong != NULL)
			return strace_bad(sr, &ca->sc_arg[i], wrong);
		if (path && paths < nitems(text))
			error = path_read(sr, sys, ca, i, text[paths++]);
	}
	if (sys == RAW_SYS_CLONE)
		rw.rw_arg[0] = make_flags(sys, ca);
	for (unsigned i = 0; error == 0 && i < ca->sc_n; i++)
		if (!raw_at(sys, i + 1) ||
		    (raw_sys[sys].rs_paths >> (i + 1) & 1) == 0)
			error = file_put(sr, &ca->sc_arg[i], rw.rw_arg[i],
			    RAW_UNKNOWN, true);
	/* What open(2) returns is annotated with the path in the end. */
	if (paths > 0 && (ca->sc_made.sc_p == NULL || !raw_opens(sys)))
		rw.rw_text = text[0];
	if (paths > 1)
		rw.rw_text2 = text[1];
	return error != 0 ? error : strace_put(sr, &rw);
}

int
strace_return_put(struct strace *sr, enum raw_sysno sys,
    const struct scan_call *ca, uint64_t time)
{
	struct raw rw = strace_raw(sr, RAW_RETURN);
	int error = 0;

	if (strace_makes(sys) && ca->sc_ret > 0)
		error = strace_made(sr, sys, ca, (uint32_t)ca->sc_ret);
	rw.rw_time = time;
	rw.rw_sys = (uint8_t)sys;
	rw.rw_arg[0] = (uint64_t)ca->sc_ret;
	rw.rw_nargs = 1;
	if (sys == RAW_SYS_EXECVE || sys == RAW_SYS_EXECVEAT)
		if (ca->sc_ret == 0)
			rw.rw_kind = RAW_EXEC;
	if (rw.rw_kind == RAW_EXEC)
		rw.rw_nargs = rw.rw_sys = 0;
	if (error == 0)
		error = strace_put(sr, &rw);
	if (error == 0 && raw_opens(sys) && ca->sc_ret >= 0 &&
	    ca->sc_made.sc_p != NULL)
		error = file_put(sr, &ca->sc_made, (uint64_t)ca->sc_ret,
		    RAW_UNKNOWN, false);
	return error;
}

int
strace_other_put(struct strace *sr, const struct scan_call *ca)
{
	char path[RAW_TEXT_MAX], full[RAW_TEXT_MAX];
	const struct st_proc *sp;
	struct scan arg;
	uint64_t fd, size;

	if (ca->sc_n == 0 || ca->sc_ret != 0 || !ca->sc_whole)
		return 0;
	arg = ca->sc_arg[0];
	if (scan_is(&ca->sc_name, "fchdir")) {
		scan_path(&arg, path, sizeof(path));
		return path[0] != '\0' ? strace_cwd(sr, path) : 0;
	}
	if (scan_is(&ca->sc_name, "chdir") &&
	    scan_quoted(&arg, path, sizeof(path))) {
		sp = strace_proc(sr);
		path_join(full, sizeof(full), sp != NULL ? sp->sp_cwd : NULL,
		    path);
		return strace_cwd(sr, full);
	}
	/* fstat(FD, {...}), newfstatat(FD, "", {...}) */
	for (unsigned i = 1; i < ca->sc_n && i < 3; i++)
		if (scan_find(&ca->sc_arg[i], "{st_mode=S_IFREG") != NULL &&
		    scan_number(&arg, &fd) &&
		    field_value(&ca->sc_arg[i], "st_size", &size))
			return file_put(sr, &ca->sc_arg[0], fd, size, false);
	return 0;
}
