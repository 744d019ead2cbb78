/* Seeds, among them all that fuzzing ever found: nothing goes wrong any more. */
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/traces/tracetest.h"
#include "traces/record.h"

static void
run_seed(const struct fuzz_target *ft, const char *folder, const char *name)
{
	struct blob b;
	char *path;

	assert_int_not_equal(asprintf(&path, "%s/%s", folder, name), -1);
	/* It ends the program: say where. */
	print_message("%s/%s\n", ft->ft_name, name);
	(void)fflush(stdout);
	b = file_read(path);
	ft->ft_one(ft->ft_name, b.bl_data, b.bl_len);
	free(b.bl_data);
	free(path);
}

/* => how many there were */
static unsigned
run_seeds(const struct fuzz_target *ft)
{
	struct dirent *de;
	unsigned n = 0;
	char *folder;
	DIR *dir;

	assert_int_not_equal(asprintf(&folder, "%s/tests/fuzz/seeds/%s",
				 tracetest_top(), ft->ft_name),
	    -1);
	dir = opendir(folder);
	if (dir == NULL) {
		fail_msg("%s: no seeds", folder);
		return 0;
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		run_seed(ft, folder, de->d_name);
		n++;
	}
	(void)closedir(dir);
	free(folder);
	return n;
}

static void
what_was_found_once_is_mended(void **state)
{
	(void)state;
	for (size_t i = 0; i < fuzz_ntargets; i++)
		assert_true(run_seeds(&fuzz_targets[i]) > 0);
}

static void
nothing_at_all_is_an_input_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < fuzz_ntargets; i++)
		fuzz_targets[i].ft_one(fuzz_targets[i].ft_name,
		    (const uint8_t *)"", 0);
}

static void
every_importer_is_a_target(void **state)
{
	(void)state;
	for (size_t i = 0; i < trace_nformats; i++)
		if (trace_formats[i].fm_read != NULL &&
		    fuzz_target(trace_formats[i].fm_name) == NULL)
			fail_msg("%s is no target", trace_formats[i].fm_name);
}

/* A change, the same one for the same bytes. */
static size_t
flip(uint8_t *data, size_t size, size_t max)
{
	(void)max;
	if (size > 0)
		data[size / 2] ^= 0x11;
	return size;
}

static void
a_changed_uvt_has_its_sums_right(void **state)
{
	const size_t room = 1U << 17;
	uint8_t *data = malloc(room);
	unsigned taken = 0;
	struct blob b;

	(void)state;
	assert_non_null(data);
	generate("a.uvt", "events=100", "pages=50", NULL);
	b = file_read("a.uvt");
	for (unsigned seed = 0; seed < 2000; seed++) {
		struct errmsg em = { .em_text = "" };
		uint64_t events;
		size_t n;

		memcpy(data, b.bl_data, b.bl_len);
		n = fuzz_uvt_mutate(flip, data, b.bl_len, room, seed);
		file_write("b.uvt", data, n);
		taken += read_through("b.uvt", 0, &events, &em) == 0 ||
		    strstr(em.em_text, "checksum") == NULL;
	}
	/* Some are left wrong on purpose. */
	assert_in_range(taken, 1500, 1990);
	free(b.bl_data);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_found_once_is_mended,
		    tracetest_setup, tracetest_teardown),
		cmocka_unit_test(nothing_at_all_is_an_input_too),
		cmocka_unit_test(every_importer_is_a_target),
		cmocka_unit_test_setup_teardown(
		    a_changed_uvt_has_its_sums_right, tracetest_setup,
		    tracetest_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
