# ---- faults by the windows ahead of and behind a fault: two panels ----

# Windows of 0 have no logarithm.
place(pages) = lb(1 + pages)
eval range_of(1, 1)
least = min(lowest, 4)
most = max(highest, 4)
tics(labels) = "'' -9" . tics_from(1, labels)
tics_from(i, labels) = tic(word(windows, i), labels) . \
    (i < words(windows) ? tics_from(i + 1, labels) : "")
tic(pages, labels) = pages < least || pages > most ? "" : sprintf( \
    ", '%s' %g", labels ? pages : "", place(pages))
windows = "0 1 2 4 8 16 32 64 128 256"
eval range_of(3, 4)
faults_low = lowest
faults_high = highest
eval range_of(6, 7)
misses_low = lowest
misses_high = highest

# 1998's point on the curve of its window behind.
ring_faults = NaN
ring_misses = NaN
do for [i=1:curves] {
	if (label[i] eq "3 behind") {
		stats name.".dat" index i-1 using ($1 == 4 ? \
		    (ring_faults = $2, ring_misses = $5, 1) : 1) nooutput
	}
}
ringed(y) = y == y ? ring(place(4), y) : ""

part(i, c, unit) = (i > 1 ? ", " : "plot ") . curve(sprintf( \
    "'%s.dat' index %d", name, i - 1), i, "place($1)", "place($1)", \
    c, unit) . \
    (i < curves ? part(i + 1, c, unit) : "")

each = 2.9
height = mark_height + 0.05 + 2 * each + 0.3 + plot_from(3)
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set xrange [place(least) - 0.25:place(most) + 0.25]
	eval "set xtics (".tics(0).")"
	set format y "%.6g"
	eval mark(place(4))

	top = height - mark_height - 0.05
	eval panel(top - each, top, "faults".scale_name(faults_high))
	unit = scale(faults_high)
	eval y_axis_near(faults_low / unit, faults_high / unit)
	eval mark_text(place(4), "1998: 3 behind, 4 ahead")
	eval ringed(ring_faults / unit)
	eval part(1, 2, unit)
	unset label 201

	top = top - each - 0.3
	eval panel(top - each, top, "misses".scale_name(misses_high))
	unit = scale(misses_high)
	eval y_axis_near(misses_low / unit, misses_high / unit)
	eval x_name("pages ahead of a fault: fault_forward", x_name_at(3), height)
	do for [i=1:curves] { eval entry(i, i, 3, height) }
	eval ringed(ring_misses / unit)
	eval "set xtics (".tics(1).")"
	eval part(1, 5, unit)
	unset multiplot
	set output
	unset arrow
	unset label
	unset object
}
