#include "tests/replay/perffake.h"

#include <errno.h>
#include <string.h>

#include "tests/test.h"

#define FIRST_FD 1000

struct perf_fake perf_fake;

static size_t
of_fd(int fd)
{

	assert_in_range(fd, FIRST_FD, FIRST_FD + FAKE_FDS - 1);
	return (size_t)fd - FIRST_FD;
}

static int
fake_open(struct perf_event_attr *attr)
{
	const size_t n = perf_fake.pf_opens++;

	assert_true(n < FAKE_FDS);
	perf_fake.pf_attr[n] = *attr;
	if (perf_fake.pf_open_error[n] != 0) {
		errno = perf_fake.pf_open_error[n];
		return -1;
	}
	return FIRST_FD + (int)n;
}

static ssize_t
fake_read(int fd, void *buf, size_t size)
{
	struct perf_fake *const pf = &perf_fake;
	const size_t n = of_fd(fd);
	uint64_t *const word = buf;

	assert_int_equal(size, 3 * sizeof(*word));
	pf->pf_reads++;
	if (pf->pf_read_nothing)
		return 0;
	if (pf->pf_read_result != 0) {
		errno = pf->pf_read_error;
		return pf->pf_read_result;
	}
	word[0] = pf->pf_value[n];
	word[1] = pf->pf_enabled[n];
	word[2] = pf->pf_running[n];
	pf->pf_value[n] += pf->pf_step[n];
	pf->pf_enabled[n] += pf->pf_enabled_step;
	pf->pf_running[n] += pf->pf_running_step;
	return (ssize_t)size;
}

static int
fake_ioctl(int fd, unsigned long request)
{

	(void)of_fd(fd);
	assert_true(request == PERF_EVENT_IOC_ENABLE ||
	    request == PERF_EVENT_IOC_DISABLE);
	if (perf_fake.pf_ioctl_error == 0)
		return 0;
	errno = perf_fake.pf_ioctl_error;
	return -1;
}

static int
fake_close(int fd)
{

	(void)of_fd(fd);
	perf_fake.pf_closes++;
	return 0;
}

static void *
fake_map(int fd, size_t size)
{

	(void)of_fd(fd);
	assert_true(size >= sizeof(perf_fake.pf_page));
	if (!perf_fake.pf_mappable)
		return NULL;
	perf_fake.pf_maps++;
	return &perf_fake.pf_page;
}

static int
fake_unmap(void *map, size_t size)
{

	(void)size;
	assert_ptr_equal(map, &perf_fake.pf_page);
	perf_fake.pf_unmaps++;
	return 0;
}

static uint64_t
fake_rdpmc(uint32_t counter)
{

	perf_fake.pf_rdpmcs++;
	return perf_fake.pf_rdpmc != NULL ?
	    perf_fake.pf_rdpmc(&perf_fake, counter) :
	    perf_fake.pf_pmc;
}

static bool
fake_number(const char *path, long *numberp)
{
	const long number = strstr(path, "paranoid") != NULL ?
	    perf_fake.pf_paranoid :
	    perf_fake.pf_rdpmc_setting;

	if (number == -1)
		return false;
	*numberp = number;
	return true;
}

static const struct perf_os fake_os = {
	.po_open = fake_open,
	.po_read = fake_read,
	.po_ioctl = fake_ioctl,
	.po_close = fake_close,
	.po_map = fake_map,
	.po_unmap = fake_unmap,
	.po_rdpmc = fake_rdpmc,
	.po_number = fake_number,
};

void
perf_fake_begin(void)
{

	(void)memset(&perf_fake, 0, sizeof(perf_fake));
	perf_fake.pf_paranoid = 2;
	perf_fake.pf_rdpmc_setting = 1;
	perf_os = &fake_os;
}

void
perf_fake_end(void)
{

	perf_os = &perf_os_host;
}
