# ---- cost of a flush by list and by hash against the length of its range ----

eval range_of(1, 1)
least = min(lowest, object / 4.)
most = max(highest, object / 0.25)
eval range_of(3, 4)
ns_low = lowest
ns_high = highest
label[1] = "by list"
label[2] = "by hash"

# 1, 4, 16: as many powers of four as there is room for.
step = most / least > 65536 ? 16 : 4
first_tic = 4. ** ceil(log(least / 1.3) / log(4) - 0.001)
pages_text(n) = n < 1024 ? sprintf("%.0f", n) : \
    n < 1048576 ? sprintf("%.0fK", n / 1024.) : sprintf("%.0fM", n / 1048576.)
tics(n) = sprintf("'%s' %g", pages_text(n), n) . \
    (n * step > most * 1.3 ? "" : ", " . tics(n * step))

# Where a penalty changes from hash to list: the range grows to the right.
line(i, penalty, text) = sprintf( \
    "set arrow %d from first %g, graph 0 to first %g, graph 1 nohead back" . \
    " lc rgb '#777777' dt (3,3) lw 1; set label %d '%s' at first %g, graph 1" . \
    " center offset character 0, 0.5 noenhanced", \
    i, object / penalty, object / penalty, i, text, object / penalty)

height = 5.6 + key_height(2)
do for [format in formats] {
	eval terminal(format, height)
	set tmargin at screen 1 - 0.5 / height
	set bmargin at screen plot_from(2) / height
	set logscale x 2
	set xrange [least / 1.5:most * 1.5]
	eval "set xtics (" . tics(first_tic) . ")"
	set mxtics 1
	unit = time_unit(ns_high)
	eval y_axis(ns_low / unit, ns_high / unit)
	set format y "%.6g"
	eval line(201, 4., "1998: 4")
	eval line(202, 1., "1")
	eval line(203, 0.25, "1/4")
	eval x_name(sprintf("pages in the range (%s are resident)", \
	    pages_text(object)), x_name_at(2), height)
	eval y_name("traversal (".time_name(ns_high).")", \
	    (plot_from(2) + height) / 2, height)
	eval entry(1, 1, 2, height)
	eval entry(2, 2, 2, height)
	eval "plot " . curve("'".name.".dat' index 0", 1, "$1", "$1", 2, unit) . \
	    ", " . curve("'".name.".dat' index 1", 2, "$1", "$1", 2, unit)
	set output
	unset arrow
	unset label
}
