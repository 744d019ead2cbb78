# ---- I/Os by their size: a stem for each size that occurred ----

stats name.".dat" using 1 nooutput
widest = max(STATS_max, 2)
stats name.".dat" using 2 nooutput
most = STATS_max

# Where both directions have a size, their stems stand side by side.
style_of(i) = label[i] eq "page-in" ? 1 : 3
side(i) = label[i] eq "page-in" ? -1 : 1
beside(i, pages) = pages + side(i) * min(0.025 * pages, 0.25)

height = 6.0 + key_height(2)
do for [format in formats] {
	eval terminal(format, height)
	set tmargin at screen 1 - 0.2 / height
	set bmargin at screen plot_from(2) / height
	set logscale x 2
	set logscale y
	set xrange [0.8:widest * 1.25]
	set yrange [0.7:max(most * 2, 12)]
	set xtics 2
	set mxtics 1
	set format x "%.0f"
	set format y "%.0s%c"
	eval x_name("pages in one I/O", x_name_at(2), height)
	eval y_name("number of I/Os", (plot_from(2) + height) / 2, height)
	do for [i=1:curves] { eval entry(i, style_of(i), 2, height) }
	plot for [i=curves:1:-1] name.".dat" index i-1 \
		using (beside(i, $1)):2 with impulses ls style_of(i), \
	    for [i=curves:1:-1] name.".dat" index i-1 \
		using (beside(i, $1)):2 with points ls style_of(i)
	set output
}
