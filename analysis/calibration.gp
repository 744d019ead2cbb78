# ---- list step, lookup and break-even penalty by resident pages: two panels --

style_of(i) = label[i] eq "list, fresh" ? 1 : label[i] eq "list, aged" ? 2 : \
    label[i] eq "list, shuffled" ? 3 : 4
# Points of a size stand side by side.
beside(i, pages) = pages * 1.07 ** (i - (curves + 1) / 2.)

eval range_of(1, 1)
least = lowest
most = max(highest, 2 * lowest)
eval range_of(3, 4)
ns_low = lowest
ns_high = highest
eval range_of(6, 7)
even_low = min(lowest > 0 ? lowest : 1, 0.5)
even_high = max(highest, 4)

# Tics with K and M; without words in the upper panel.
pages_text(n) = n < 1024 ? sprintf("%.0f", n) : \
    n < 1048576 ? sprintf("%.0fK", n / 1024.) : sprintf("%.0fM", n / 1048576.)
tics(n, words) = sprintf("'%s' %g", words ? pages_text(n) : "", n) . \
    (n * step > most * 1.01 ? "" : ", " . tics(n * step, words))
step = most / least > 5000 ? 16 : most / least > 300 ? 4 : 2

part(i, c) = (i > 1 ? ", " : "plot ") . curve(sprintf("'%s.dat' index %d", \
    name, i - 1), style_of(i), sprintf("beside(%d, $1)", i), \
    sprintf("beside(%d, $1)", i), c, 1) . (i < drawn ? part(i + 1, c) : "")
# Lookups have no break-even of their own.
lists = curves - (label[curves] eq "lookup, aged" ? 1 : 0)

height = 7.6 + key_height(2)
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set logscale x 2
	set xrange [least / 1.5:most * 1.5]
	eval "set xtics (" . tics(least, 0) . ")"
	set mxtics 1
	set format y "%.6g"

	eval panel(height - 3.3, height - 0.2, "cost (ns)")
	eval y_axis(ns_low, ns_high)
	drawn = curves
	eval part(1, 2)

	eval panel(plot_from(2), height - 3.65, "break-even penalty")
	eval "set xtics (" . tics(least, 1) . ")"
	set logscale y 2
	set yrange [even_low / 1.4:even_high * 1.7]
	set ytics ("1/32" 1/32., "1/16" 1/16., "1/8" 1/8., "1/4" 1/4., \
	    "1/2" 1/2., "1" 1, "2" 2, "4" 4, "8" 8, "16" 16)
	set arrow 201 from graph 0, first 4 to graph 1, first 4 nohead back \
	    lc rgb '#777777' dt (3,3) lw 1
	set label 201 "1998: 4" at graph 0.99, first 4 right \
	    offset character 0, 0.5 noenhanced
	eval x_name("resident pages of the object", x_name_at(2), height)
	do for [i=1:curves] { eval entry(i, style_of(i), 2, height) }
	drawn = lists
	if (drawn > 0) { eval part(1, 5) }
	unset multiplot
	set output
	unset arrow
	unset label
	unset logscale
}
