/*
 * report_times.c: the summary's section on pace and waits.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replay/clock.h"
#include "replay/report_impl.h"

/* Fractions that are told of a distribution, and their names in JSON. */
static const struct {
	double qn_fraction;
	const char *qn_name;
} quantiles[] = {
	{ 0.5, "p50_ns" },
	{ 0.9, "p90_ns" },
	{ 0.99, "p99_ns" },
	{ 0.999, "p999_ns" },
};

void
report_times_text(FILE *out, const struct engine_report *er)
{
	const struct hist *const late = er->er_lateness;
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX];
	const char *label = "waited";

	if (late != NULL)
		report_line(out, "late", "%15s p50  %s p99  %s max",
		    time_text(hist_quantile(late, 0.5), a),
		    time_text(hist_quantile(late, 0.99), b),
		    time_text(late->h_count != 0 ? late->h_max : 0, c));
	for (size_t i = 0; i < UVM_NWAITS; i++) {
		const struct engine_wait *const ew = &er->er_wait[i];

		if (ew->ew_count == 0)
			continue;
		report_line(out, label, "%15s for %s, %s times",
		    time_text(clock_ns(ew->ew_ticks), a),
		    uvm_wait_table[i].uw_name, count_text(ew->ew_count, b));
		label = "";
	}
}

static json_t *
json_count(uint64_t value)
{
	/* JSON of jansson ends at 2^63 - 1. */
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Add what h tells to object, or give it up. => NULL without memory */
static json_t *
json_times(json_t *object, const struct hist *h)
{
	int bad = json_object_set_new(object, "count", json_count(h->h_count));

	if (h->h_count != 0) {
		bad |=
		    json_object_set_new(object, "min_ns", json_count(h->h_min));
		bad |= json_object_set_new(object, "mean_ns",
		    json_real(hist_mean(h)));
		for (size_t i = 0; i < nitems(quantiles); i++)
			bad |= json_object_set_new(object, quantiles[i].qn_name,
			    json_count(
				hist_quantile(h, quantiles[i].qn_fraction)));
		bad |=
		    json_object_set_new(object, "max_ns", json_count(h->h_max));
	}
	if (bad == 0)
		return object;
	json_decref(object);
	return NULL;
}

json_t *
report_lateness_json(const struct engine_report *er)
{

	if (er->er_lateness == NULL)
		return json_null();
	return json_times(json_object(), er->er_lateness);
}

json_t *
report_response_json(const struct engine_report *er)
{
	json_t *const array = json_array();

	for (size_t i = 0; i < (size_t)OP_NKINDS * OUTCOME_NOUTCOMES; i++) {
		const size_t kind = i / OUTCOME_NOUTCOMES;
		const size_t outcome = i % OUTCOME_NOUTCOMES;
		const struct hist *const h = er->er_response[kind][outcome];

		if (h == NULL || h->h_count == 0)
			continue;
		if (json_array_append_new(array,
			json_times(json_pack("{s:s, s:s}", "kind",
				       opkind_name[kind], "outcome",
				       outcome_name[outcome]),
			    h)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *
report_waits_json(const struct engine_report *er)
{
	json_t *const array = json_array();

	for (size_t i = 0; i < UVM_NWAITS; i++) {
		const struct engine_wait *const ew = &er->er_wait[i];

		if (json_array_append_new(array,
			json_pack("{s:s, s:o, s:o}", "kind",
			    uvm_wait_table[i].uw_name, "count",
			    json_count(ew->ew_count), "ns",
			    json_count(clock_ns(ew->ew_ticks)))) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
