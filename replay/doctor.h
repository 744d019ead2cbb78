/*
 * doctor: checks of the host, for cmd_doctor.c and doctor_*.c.
 */
#ifndef REPLAY_DOCTOR_H
#define REPLAY_DOCTOR_H

#include "base/base.h"

/* What one check found. */
struct finding {
	bool fi_ok;
	char fi_text[256];
	char fi_remedy[192]; /* "" if there is nothing to do */
};

void found(struct finding *fi, bool ok, const char *remedy, const char *fmt,
    ...) printflike(4, 5);

/* Counters of processor and kernel; dir is not looked at. */
void check_pmu(const char *dir, struct finding *fi);
void check_perf(const char *dir, struct finding *fi);
void check_rdpmc(const char *dir, struct finding *fi);
void check_libpfm(const char *dir, struct finding *fi);

/* Modes of uvn record; a file is made in dir to try arming on. */
void check_record_kernel(const char *dir, struct finding *fi);
void check_record_preload(const char *dir, struct finding *fi);
void check_record_valgrind(const char *dir, struct finding *fi);

/*
 * List the events that libpfm4 knows on this host on standard output, each
 * with whether it can be counted, or as one JSON object.
 *
 * => the exit status
 */
int doctor_events(bool json) mustcheck;

#endif
