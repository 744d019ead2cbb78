/*
 * report_times.c: the summary's section on pace and waits.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replay/clock.h"
#include "replay/json_out.h"
#include "replay/report_impl.h"

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

bool
report_put_times(json_t *row, const struct hist *h)
{

	return json_put_uint(row, "min_ns", h->h_min) &&
	    json_put(row, "mean_ns", json_real(hist_mean(h))) &&
	    json_put_uint(row, "p50_ns", hist_quantile(h, 0.5)) &&
	    json_put_uint(row, "p90_ns", hist_quantile(h, 0.9)) &&
	    json_put_uint(row, "p99_ns", hist_quantile(h, 0.99)) &&
	    json_put_uint(row, "p999_ns", hist_quantile(h, 0.999)) &&
	    json_put_uint(row, "max_ns", h->h_max);
}

/* Add what h tells to object, or give it up. => NULL without memory */
static json_t *
json_times(json_t *object, const struct hist *h)
{

	if (json_put_uint(object, "count", h->h_count) &&
	    (h->h_count == 0 || report_put_times(object, h)))
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

		json_t *const row = json_object();

		if (!json_put_text(row, "kind", uvm_wait_table[i].uw_name) ||
		    !json_put_uint(row, "count", ew->ew_count) ||
		    !json_put_uint(row, "ns", clock_ns(ew->ew_ticks))) {
			json_decref(row);
			json_decref(array);
			return NULL;
		}
		if (json_array_append_new(array, row) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
