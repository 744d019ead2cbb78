# ---- hit rate, pages and I/O over trace time: panels, one time axis ----

curves = 3
array label[3] = ["free", "active", "inactive"]

stats name.".dat" using 1 nooutput
last = max(STATS_max, 1)
intervals = STATS_records
unit = last < 2e3 ? 1 : last < 2e6 ? 1e3 : last < 2e9 ? 1e6 : \
    last < 6e11 ? 1e9 : last < 3.6e13 ? 6e10 : 3.6e12
unit_name = unit == 1 ? "ns" : unit == 1e3 ? "µs" : unit == 1e6 ? "ms" : \
    unit == 1e9 ? "s" : unit == 6e10 ? "min" : "h"

# Where there are many points, some tell curves apart; a panel with one curve
# needs them only where they are few.  A point between two gaps stays visible.
some = max(1, intervals / 8)
alone = intervals > 50 ? 0.05 : 0.45
thick = intervals > 200 ? 0.7 : 1.2

# An interval without accesses has no hit rate.
stats name.".dat" using (valid(2) ? $2 : 100) nooutput
gap = max(100 - STATS_min, 0.1)
stats name.".dat" using 3 nooutput
dirty = max(STATS_max, 1)
stats name.".dat" using (max(max($4, $5), $6)) nooutput
pages = max(STATS_max, 1)

# A run of an older database knows nothing of I/O under way: depth is -1.
under = depth < 0 ? 0 : 2.1

height = 8.8 + under + key_height(3)
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set xrange [0:last / unit * 1.01]
	set xtics distance(last / unit, 6)
	set format x ""
	set format y "%.6g"

	eval panel(height - 2.35, height - 0.2, "hit rate (%)")
	set yrange [100 - 1.06 * gap:100 + 0.06 * gap]
	set ytics distance(gap, 5)
	plot name.".dat" using ($1 / unit):2 with linespoints ls 1 lw thick ps alone

	eval panel(height - 4.65, height - 2.75, "dirty pages".scale_name(dirty))
	top = dirty / scale(dirty)
	set yrange [-0.05 * top:1.08 * top]
	set ytics max(distance(top, 4), dirty < 4 ? 1 : 0)
	plot name.".dat" using ($1 / unit):($3 / scale(dirty)) \
	    with linespoints ls 1 lw thick ps alone

	# Under way: the mean as a line, the most in grey behind it.
	if (under > 0) {
		eval panel(height - 6.75, height - 5.05, "I/Os under way")
		top = max(depth, 1)
		set yrange [-0.05 * top:1.08 * top]
		set ytics max(distance(top, 4), top < 4 ? 1 : 0)
		plot name.".dat" using ($1 / unit):8 \
			with points ls 3 pt 7 ps 0.6 * alone + 0.08, \
		    name.".dat" using ($1 / unit):7 \
			with linespoints ls 1 lw thick ps alone
	}

	eval panel(plot_from(3), height - 5.05 - under, \
	    "pages".scale_name(pages))
	top = pages / scale(pages)
	set yrange [-0.03 * top:1.06 * top]
	set ytics max(distance(top, 5), pages < 5 ? 1 : 0)
	set format x "%.6g"
	eval x_name("trace time (".unit_name.")", x_name_at(3), height)
	do for [i=1:3] { eval entry(i, i, 3, height) }
	plot for [i=1:3] name.".dat" \
	    using ($1 / unit):(column(i + 3) / scale(pages)) \
	    with linespoints ls i lw thick pointinterval some
	unset multiplot
	set output
	unset arrow
	unset label
}
