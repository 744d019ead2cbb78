# ---- cost of flushes and number of writes by hash_penalty: two panels ----

# What lies where: finite values at their logarithm, 0 and infinity beyond.
from = 2.	# 1998's penalty, 4
to = 2.
has_zero = 0
has_inf = 0
least = -1.
stretch(p) = p <= 0 ? (has_zero = 1) : p > 1e300 ? (has_inf = 1) : \
    (from = min(from, lb(p)), to = max(to, lb(p)), 1)
find_least(p, cost) = least < 0 || cost < least ? \
    (least = cost, least_penalty = p, 1) : 1
stats name.".dat" using (stretch($1)) nooutput
stats name.".dat" using (find_least($1, $2)):2 nooutput
gap = max(0.08 * (to - from), 0.8)
first = has_zero ? from - 2.4 * gap : from - gap
last = has_inf ? to + 2.4 * gap : to + gap
place(p) = p <= 0 ? from - 1.7 * gap : p > 1e300 ? to + 1.7 * gap : lb(p)
finite(p) = p > 0 && p < 1e300

# Tics at powers of two, with as many labels as there is room for.
step = ceil((to - from + 0.01) / 6.5)
step = step == 4 || step == 5 ? 6 : step
power(e) = e < -13 || e > 13 ? sprintf("2^%d", e) : \
    e < 0 ? sprintf("1/%d", 2 ** -e) : sprintf("%d", 2 ** e)
tics = ""
do for [e = ceil(from - 0.001):floor(to + 0.001)] {
	tics = tics.sprintf("%s'%s' %d %d", tics eq "" ? "" : ", ", \
	    e % step == 0 ? power(e) : "", e, e % step == 0 ? 0 : 1)
}
ends = (has_zero ? sprintf(", '0' %g", place(0)) : "") . \
    (has_inf ? sprintf(", '∞' %g", place(1e301)) : "")
blank = ""
do for [e = ceil(from - 0.001):floor(to + 0.001)] {
	blank = blank.sprintf("%s'' %d %d", blank eq "" ? "" : ", ", \
	    e, e % step == 0 ? 0 : 1)
}
blank_ends = (has_zero ? sprintf(", '' %g", place(0)) : "") . \
    (has_inf ? sprintf(", '' %g", place(1e301)) : "")

# The axis below, with gaps before the values that lie apart.
axis_part(i, a, b) = sprintf("set arrow %d from first %g, graph 0" . \
    " to first %g, graph 0 nohead front lt 1 lc rgb '#000000' lw 0.6;", i, a, b)
axis_parts = axis_part(211, from - gap, to + gap) . \
    (has_zero ? axis_part(212, first, from - 1.3 * gap) : "") . \
    (has_inf ? axis_part(213, to + 1.3 * gap, last) : "")

eval range_of(3, 4)
cost_low = lowest
cost_high = highest
eval range_of(6, 7)
writes_low = lowest
writes_high = highest

# The line leaves out what lies apart.
series(y) = "plot " . curve("'" . name . ".dat'", 1, \
    "finite($1) ? place($1) : NaN", "place($1)", y, unit)

# Where in the picture a place is, cm; the word for the least cost keeps clear
# of 1998's and of the edges.
at_cm(x) = width * (left + (right - left) * (x - first) / (last - first))
at_1998 = at_cm(2)
at_least = at_cm(place(least_penalty))
least_text = "least: ".penalty_text(least_penalty)
beside = abs(at_least - at_1998) > 1.55 ? at_least : \
    at_least <= at_1998 ? at_1998 - 1.55 : at_1998 + 1.55
beside = beside > width - 0.75 ? \
    min(width - 0.75, at_1998 - 1.55) : max(beside, 0.75)

curves = 0
height = 6.6
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set border 2
	set xrange [first:last]
	set format x "%g"
	set format y "%.6g"
	eval axis_parts
	eval mark(2)

	unit = time_unit(cost_high)
	eval panel(height - 2.9, height - 0.4, "flush CPU time (" . \
	    time_name(cost_high) . ")")
	eval y_axis(cost_low / unit, cost_high / unit)
	eval "set xtics (".blank.blank_ends.")"
	set label 201 "1998: 4" at screen at_1998 / width, \
	    1 - 0.22 / height center noenhanced
	eval ring(place(least_penalty), least / unit)
	set label 202 least_text at screen beside / width, \
	    1 - 0.22 / height center noenhanced
	eval series(2)
	unset label 201
	unset label 202

	eval panel(plot_from(1), height - 3.2, "writes".scale_name(writes_high))
	unit = scale(writes_high)
	eval y_axis(writes_low / unit, writes_high / unit)
	eval "set xtics (".tics.ends.")"
	eval x_name("hash_penalty", x_name_at(1), height)
	unset object 201
	eval series(5)
	unset multiplot
	set output
	unset arrow
	unset label
}
