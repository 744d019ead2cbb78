# ---- by thread: latencies of operations, and time waited: two panels ----

left = 0.2 # for latencies with their units
set lmargin at screen left

is_wait(i) = strlen(label[i]) > 5 && substr(label[i], 1, 5) eq "wait:"
nwaits = 0
do for [i=1:curves] { nwaits = nwaits + is_wait(i) }
nkinds = curves - nwaits

# A thread has a place one wide, which its kinds of operations share.
nthreads = words(threads)
place_cm = (right - left) * width / nthreads
step = min(0.8 / max(nkinds, 1), 0.6 / place_cm)
place(i, thread) = thread + 1 + step * (i - nwaits - (nkinds + 1) / 2.)
half = min(0.35, 0.5 / place_cm)
crowded = step * place_cm < 0.14

# Names as far apart as their text needs; upright where there are many.
longest = 1
do for [i=1:nthreads] { longest = max(longest, strlen(word(threads, i))) }
upright = place_cm < 0.17 * longest
every_name = ceil((upright ? 0.3 : 0.17 * longest) / place_cm)
names = "'' -9"
do for [i=1:nthreads:every_name] {
	names = names.sprintf(", '%s' %d", word(threads, i), i)
}
names_cm = upright ? 0.1 + 0.14 * longest : 0.35

# Of latencies: from the least median to the largest of all.
lowest = NaN
highest = NaN
do for [i=nwaits+1:curves] {
	stats name.".dat" index i-1 \
	    using (cover(max($2, 1)) + cover($4)) nooutput
}
if (nkinds == 0) { lowest = 1.; highest = 10. }
seconds(ns) = max(ns, 1) * 1e-9
decades = log10(highest / max(lowest, 1.))

# Of waits: the highest stack.
waited = 0
do for [i=1:nwaits] {
	stats name.".dat" index i-1 using 3 nooutput
	waited = max(waited, STATS_max)
}

# Waits are told apart by their grey, from a frame alone to black.
shade(i) = label[i] eq "wait: lock" ? "#000000" : \
    label[i] eq "wait: page" ? "#ffffff" : \
    label[i] eq "wait: memory" ? "#999999" : "#dddddd"
box(i, x, y, height) = sprintf( \
    "set object %d rectangle from screen %g,%g to screen %g,%g front" . \
    " fillcolor rgb '%s' fillstyle solid 1 border lc rgb '#000000' lw 0.6;" . \
    "set label %d label[%d] at screen %g,%g left noenhanced", \
    300 + i, x + 0.02, y - 0.09 / height, x + 0.09, y + 0.09 / height, \
    shade(i), 2 * i + 1, i, x + 0.11, y)
key_x(i) = 0.09 + 0.44 * ((i - 1) % 2)
key_y(i, height) = (key_height(2) - key_row * ((i - 1) / 2 + 0.5)) / height

lower = nwaits > 0 ? 2.6 : 0
height = 3.6 + lower + names_cm - 0.35 + plot_from(2)
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set xrange [0.45:nthreads + 0.55]
	unset grid
	set grid ytics linetype 1 linewidth 0.3 linecolor rgb "#dddddd"
	bottom = plot_from(2) + names_cm - 0.35
	# What stands below the last panel.
	below = "set xtics (".names.") scale 0" . \
	    (upright ? " rotate by 90 right;" : ";") . \
	    x_name("thread", x_name_at(2), height)
	do for [i=1:curves] {
		below = below.";".(is_wait(i) ? \
		    box(i, key_x(i), key_y(i, height), height) : \
		    entry(i, i - nwaits, 2, height))
	}
	dot = (crowded ? 0.22 : 0.45) * (format eq "svg" ? 1.5 : 1)

	if (nwaits > 0) { unset xtics } else { eval below }
	eval panel(bottom + lower, height - 0.2, \
	    "latency: p50, p99, max")
	set logscale y
	set yrange [seconds(lowest) / 1.6:seconds(highest) * 1.6]
	set format y "%.0s %cs"
	set ytics decades > 6 ? 100 : 10
	set mytics 10
	if (nkinds > 0) {
		plot for [i=nwaits+1:curves] name.".dat" index i-1 using \
			(place(i, $1)):(seconds($2)):(0): \
			(seconds($3) - seconds($2)) \
			with vectors nohead ls i-nwaits lw 1, \
		    for [i=nwaits+1:curves] name.".dat" index i-1 using \
			(place(i, $1)):(seconds($3)):(0):(0) \
			with vectors nohead ls i-nwaits lw 1, \
		    for [i=nwaits+1:curves] name.".dat" index i-1 using \
			(place(i, $1)):(seconds($2)) \
			with points ls i-nwaits ps dot, \
		    for [i=nwaits+1:curves] name.".dat" index i-1 using \
			(place(i, $1)):(seconds($4)) \
			with points ls i-nwaits pt 2 lw 0.6 ps 0.7 * dot
	} else {
		plot NaN
	}

	if (nwaits > 0) {
		eval below
		unit = time_unit(waited)
		eval panel(bottom, bottom + lower - 0.4, \
		    "waited (".time_name(waited).")")
		unset logscale y
		set format y "%.6g"
		set yrange [0:max(1.08 * waited / unit, 1e-9)]
		set ytics distance(max(waited / unit, 1e-9), 4)
		set mytics 1
		set style fill solid 1 border lc rgb "#000000"
		plot for [i=1:nwaits] name.".dat" index i-1 using \
		    ($1 + 1):($2 / unit):($1 + 1 - half):($1 + 1 + half): \
		    ($2 / unit):($3 / unit) \
		    with boxxyerror lc rgb shade(i) lw 0.6
	}
	unset multiplot
	set output
	unset arrow
	unset label
	unset object
}
