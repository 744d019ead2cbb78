#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/host.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

/* copy: strlcpy(): src into dst of size len, cut if need be. */
static void
copy(char *dst, size_t len, const char *src)
{

	(void)snprintf(dst, len, "%.*s", (int)len - 1, src);
}

/* rtrim: cut white space off the end. */
static void
rtrim(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		s[--n] = '\0';
}

/*
 * read_head: the first bytes of the file at path into buf; "" if there is none.
 *
 * => takes no memory: without the id of the boot, or when a process began, a
 *    run under way would be taken for one whose process is gone
 */
static void
read_head(const char *path, char *buf, size_t len)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 0;

	while (fd != -1 && n + 1 < len &&
	    ((got = read(fd, buf + n, len - 1 - n)) > 0 ||
		(got == -1 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	if (fd != -1)
		(void)close(fd);
	buf[n] = '\0';
}

/* first_line: of the file at path into buf; "" if there is none. */
static bool
first_line(const char *path, char *buf, size_t len)
{

	read_head(path, buf, len);
	buf[strcspn(buf, "\n")] = '\0';
	rtrim(buf);
	return buf[0] != '\0';
}

/* cpu_model: x86 calls it "model name"; others leave it to the device tree. */
static void
cpu_model(char *buf, size_t len)
{
	char head[4096], *line, *colon;

	buf[0] = '\0';
	read_head("/proc/cpuinfo", head, sizeof(head));
	if ((line = strstr(head, "model name")) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		rtrim(line);
		if ((colon = strchr(line, ':')) != NULL)
			copy(buf, len, colon + 1 + (colon[1] == ' '));
	}
	if (buf[0] == '\0')
		(void)first_line("/proc/device-tree/model", buf, len);
}

void
host_facts(struct host_facts *hf)
{
	struct utsname un;

	memset(hf, 0, sizeof(*hf));
	if (uname(&un) == 0) {
		copy(hf->hf_host, sizeof(hf->hf_host), un.nodename);
		(void)snprintf(hf->hf_kernel, sizeof(hf->hf_kernel),
		    "%.60s %.60s %.60s %.60s", un.sysname, un.release,
		    un.version, un.machine);
	}
	cpu_model(hf->hf_cpu, sizeof(hf->hf_cpu));
	(void)first_line("/proc/sys/kernel/random/boot_id", hf->hf_boot,
	    sizeof(hf->hf_boot));
}

/* One line of mountinfo, its fields cut out in place. */
struct mount {
	unsigned mt_major, mt_minor;
	const char *mt_point;
	const char *mt_options;
	const char *mt_fstype;
	const char *mt_source;
	const char *mt_super; /* options of the file system */
};

/* unescape: mountinfo writes white space and \ in a path as \ooo. */
static void
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 4;
		} else
			*to++ = *s++;
	}
	*to = '\0';
}

/*
 * mount_parse: "36 35 98:0 /root /point options [tags] - type source super"
 */
static bool
mount_parse(char *line, struct mount *mt)
{
	char *field[6], *save = NULL, *tail = strstr(line, " - ");
	char *point;

	if (tail == NULL)
		return false;
	*tail = '\0';
	tail += 3;
	for (size_t i = 0; i < nitems(field); i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (field[i] == NULL)
			return false;
	}
	char *colon = strchr(field[2], ':');
	if (colon == NULL)
		return false;
	mt->mt_major = (unsigned)strtoul(field[2], NULL, 10);
	mt->mt_minor = (unsigned)strtoul(colon + 1, NULL, 10);
	point = field[4];
	unescape(point);
	mt->mt_point = point;
	mt->mt_options = field[5];
	save = NULL;
	mt->mt_fstype = strtok_r(tail, " ", &save);
	mt->mt_source = strtok_r(NULL, " ", &save);
	mt->mt_super = strtok_r(NULL, " \n", &save);
	return mt->mt_fstype != NULL && mt->mt_source != NULL;
}

/* under: does path lie at or below the mount point? */
static bool
under(const char *path, const char *point)
{
	const size_t n = strlen(point);

	if (strcmp(point, "/") == 0)
		return true;
	return strncmp(path, point, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/*
 * device_model: "vda1 (MODEL)" for the block device, or false if there is no
 * such device.  A partition's model is its disk's.
 */
static bool
device_model(unsigned major, unsigned minor, char *buf, size_t len)
{
	char path[128], target[PATH_MAX], model[96];
	const char *const where[] = { "device/model", "../device/model",
		"device/name", "../device/name" };

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major,
	    minor);
	if (realpath(path, target) == NULL)
		return false;
	const char *name = strrchr(target, '/') + 1;
	for (size_t i = 0; i < nitems(where); i++) {
		char file[PATH_MAX + 32];

		(void)snprintf(file, sizeof(file), "%s/%s", target, where[i]);
		if (first_line(file, model, sizeof(model))) {
			(void)snprintf(buf, len, "%.64s (%s)", name, model);
			return true;
		}
	}
	copy(buf, len, name);
	return true;
}

/* take: what the mount says of the directory that lies on it. */
static void
take(const struct mount *mt, struct host_dir *hd)
{

	copy(hd->hd_fstype, sizeof(hd->hd_fstype), mt->mt_fstype);
	if (mt->mt_super != NULL)
		(void)snprintf(hd->hd_options, sizeof(hd->hd_options),
		    "%.120s;%.120s", mt->mt_options, mt->mt_super);
	else
		copy(hd->hd_options, sizeof(hd->hd_options), mt->mt_options);
	copy(hd->hd_device, sizeof(hd->hd_device), mt->mt_source);
}

/*
 * find_mount: the mount that path lies on: the longest mount point above it,
 * and of two at the same place the later one, which hides the other.
 */
static void
find_mount(const char *path, struct host_dir *hd)
{
	FILE *fp = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t cap = 0, best = 0;
	struct mount mt;

	if (fp == NULL)
		return;
	while (getline(&line, &cap, fp) > 0) {
		if (!mount_parse(line, &mt) || !under(path, mt.mt_point))
			continue;
		if (strlen(mt.mt_point) < best)
			continue;
		best = strlen(mt.mt_point);
		take(&mt, hd);
		char device[sizeof(hd->hd_device)];
		if (device_model(mt.mt_major, mt.mt_minor, device,
			sizeof(device)))
			copy(hd->hd_device, sizeof(hd->hd_device), device);
	}
	free(line);
	(void)fclose(fp);
}

/* existing: the nearest existing directory at or above dir, absolute. */
static bool
existing(const char *dir, char path[PATH_MAX])
{
	char buf[PATH_MAX];

	copy(buf, sizeof(buf), dir[0] == '\0' ? "." : dir);
	while (realpath(buf, path) == NULL) {
		char *slash = strrchr(buf, '/');

		if (slash == NULL)
			return realpath(".", path) != NULL;
		slash[slash == buf] = '\0';
		if (strcmp(buf, "/") == 0)
			return realpath(buf, path) != NULL;
	}
	return true;
}

void
host_dir(const char *dir, struct host_dir *hd)
{
	char path[PATH_MAX];
	struct statfs sf;

	memset(hd, 0, sizeof(*hd));
	if (!existing(dir, path))
		return;
	find_mount(path, hd);
	if (hd->hd_fstype[0] == '\0' && statfs(path, &sf) == 0)
		(void)snprintf(hd->hd_fstype, sizeof(hd->hd_fstype), "0x%lx",
		    (unsigned long)sf.f_type);
}

uint64_t
host_pid_start(int64_t pid)
{
	char path[64], line[1024];

	if (pid <= 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	if (!first_line(path, line, sizeof(line)))
		return 0;
	/* The name, field 2, may hold anything, so count from its end. */
	const char *p = strrchr(line, ')');
	if (p == NULL || strlen(p) < 3 || p[2] == 'Z' || p[2] == 'X')
		return 0;
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p == NULL ? 0 : strtoull(p + 1, NULL, 10);
}

uint64_t
host_free_memory(void)
{
	FILE *fp = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t bytes = 0;

	while (fp != NULL && fgets(line, sizeof(line), fp) != NULL)
		if (strncmp(line, "MemAvailable:", 13) == 0)
			bytes = strtoull(line + 13, NULL, 10) << 10;
	if (fp != NULL)
		(void)fclose(fp);
	if (bytes == 0)
		bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) *
		    (uint64_t)sysconf(_SC_PAGESIZE);
	return bytes;
}

/*
 * Not of sysconf(3): on some processors it counts the caches of others, too.
 */
uint64_t
host_cache(unsigned core)
{
	uint64_t largest = 0;

	for (unsigned i = 0; i < 16; i++) {
		char path[128], line[32], *unit;
		uint64_t bytes;

		(void)snprintf(path, sizeof(path),
		    "/sys/devices/system/cpu/cpu%u/cache/index%u/size", core,
		    i);
		if (!first_line(path, line, sizeof(line)))
			break;
		bytes = strtoull(line, &unit, 10);
		bytes <<= *unit == 'M' ? 20 : *unit == 'K' ? 10 : 0;
		if (bytes > largest)
			largest = bytes;
	}
	return largest;
}

const char *
host_compiler(void)
{

	return COMPILER;
}

/* From the Makefile, which asks git. */
#ifndef UVN_REVISION
#define UVN_REVISION ""
#endif

const char *
host_revision(void)
{
	return UVN_REVISION;
}
