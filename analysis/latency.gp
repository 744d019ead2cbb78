# ---- distribution of latencies: a step for each bucket of the histogram ----

seconds(ns) = ns < 1 ? 1e-9 : ns * 1e-9
stats name.".dat" using (seconds($1)) nooutput
low = 10. ** floor(log10(STATS_min))
high = 10. ** ceil(log10(STATS_max))
if (low >= high) { high = 10 * low }
decades = log10(high / low)
decade = decades > 6 ? 100 : 10

# Points where a curve crosses these fractions, apart for each curve.
crossed(i, y) = floor((y - 0.08 - 0.03 * i) / 0.25)
cross(i, row, y) = (before = row == 0 ? -1 : level, level = crossed(i, y), \
    y > 0 && level > before ? y : NaN)

height = 6.0 + key_height(2)
do for [format in formats] {
	eval terminal(format, height)
	set tmargin at screen 1 - 0.2 / height
	set bmargin at screen plot_from(2) / height
	set logscale x
	set xrange [low:high]
	set yrange [0:1.02]
	set format x "%.0s %cs"
	set xtics decade
	set mxtics 10
	set ytics 0.2
	set mytics 2
	eval x_name("latency", x_name_at(2), height)
	eval y_name("fraction of operations", \
	    (plot_from(2) + height) / 2, height)
	do for [i=1:curves] { eval entry(i, i, 2, height) }
	plot for [i=1:curves] name.".dat" index i-1 \
		using (seconds($1)):2 with lines ls i, \
	    for [i=1:curves] name.".dat" index i-1 \
		using (seconds($1)):(cross(i, $0, $2)) with points ls i
	set output
}
