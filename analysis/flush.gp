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

# Where the medians cross for good, by hash cheaper before and by list after:
# between two classes along the lines as they are drawn, logarithmic both ways.
crossing = 0.
stats name.'.dat' index 0 using 1 nooutput
classes = int(STATS_records)
if (classes > 1) {
	array range[classes]
	array gain[classes]	# of hash over list
	stats name.'.dat' index 0 using \
	    (range[$0 + 1] = $1, gain[$0 + 1] = log(max($2, 1)), 0) nooutput
	stats name.'.dat' index 1 using \
	    (gain[$0 + 1] = gain[$0 + 1] - log(max($2, 1)), 0) nooutput
	do for [i = 2:classes] {
		if (gain[i - 1] > 0 && gain[i] <= 0) {
			part = gain[i - 1] / (gain[i - 1] - gain[i])
			crossing = range[i - 1] * \
			    (range[i] / range[i - 1]) ** part
			k = i
		}
	}
}
if (crossing > 0) {
	array level[1]
	stats name.'.dat' index 0 every ::(k - 2)::(k - 2) using \
	    (level[1] = log(max($2, 1)), 0) nooutput
	stats name.'.dat' index 0 every ::(k - 1)::(k - 1) using \
	    (level[1] = level[1] + part * (log(max($2, 1)) - level[1]), 0) nooutput
	curves = 3	# a row more below the plot
}

# Where a penalty changes from hash to list: the range grows to the right.
line(i, penalty, text) = sprintf( \
    "set arrow %d from first %g, graph 0 to first %g, graph 1 nohead back" . \
    " lc rgb '#777777' dt (3,3) lw 1; set label %d '%s' at first %g, graph 1" . \
    " center offset character 0, 0.5 noenhanced", \
    i, object / penalty, object / penalty, i, text, object / penalty)

# A ring where the curves cross, and in the key what it says.
two_digits(x) = sprintf(x >= 9.5 ? "%.0f" : x >= 0.95 ? "%.1f" : \
    x >= 0.095 ? "%.2f" : "%.2g", x)
cross(height, unit) = ring(crossing, exp(level[1]) / unit) . ";" . \
    style(9, "#000000", "solid", 6, format eq "svg" ? 1.2 : 1) . sprintf( \
    "set label 204 '' at screen 0.135,%g point ls 9;" . \
    "set label 205 'equal at %s pages: a penalty of %s'" . \
    " at screen 0.2,%g left noenhanced", key_row / 2 / height, \
    pages_text(crossing), two_digits(object / crossing), key_row / 2 / height)

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
	if (crossing > 0) {
		eval cross(height, unit)
	}
	eval "plot " . curve("'".name.".dat' index 0", 1, "$1", "$1", 2, unit) . \
	    ", " . curve("'".name.".dat' index 1", 2, "$1", "$1", 2, unit)
	set output
	unset arrow
	unset label
	unset object
}
