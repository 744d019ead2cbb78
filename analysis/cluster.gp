# ---- throughput, writes and latency by cluster size: three panels ----

kib(bytes) = bytes / 1024.
# Policies that have a size in common stand side by side.
beside(i, bytes) = kib(bytes) * 1.06 ** (i - (curves + 1) / 2.)
style_of(i) = label[i] eq "forward" ? 1 : label[i] eq "aligned" ? 2 : 3

eval range_of(1, 1)
least = min(kib(lowest), 64)
most = max(kib(highest), 64)
eval range_of(3, 4)
rate_low = lowest
rate_high = highest
eval range_of(6, 7)
writes_low = lowest
writes_high = highest
eval range_of(9, 10)
wait_low = lowest
wait_high = highest

# Nothing waited where nothing was synced: then there is no third panel.
panels = synced eq "" ? 2 : 3
each = 2.3
row(i) = height - mark_height - 0.05 - (i - 1) * (each + 0.3)
part(i, c, unit) = (i > 1 ? ", " : "plot ") . curve(sprintf( \
    "'%s.dat' index %d", name, i - 1), style_of(i), \
    sprintf("beside(%d, $1)", i), sprintf("beside(%d, $1)", i), c, unit) . \
    (i < curves ? part(i + 1, c, unit) : "")
show(c, unit) = part(1, c, unit)

# What stands below the last panel.
below = "do for [i=1:curves] { eval entry(i, style_of(i), 3, height) };" . \
    "eval x_name('cluster (KiB)', x_name_at(3), height)"

height = mark_height + 0.05 + panels * each + (panels - 1) * 0.3 + plot_from(3)
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	set logscale x 2
	set xrange [least / 1.3:most * 1.3]
	set xtics least, 4, most
	set mxtics 2
	set format x ""
	set format y "%.6g"
	eval mark(64)

	eval panel(row(1) - each, row(1), rate_name(rate_high)." written")
	unit = rate_unit(rate_high)
	eval y_axis(rate_low / unit, rate_high / unit)
	eval mark_text(64, "1998: 64 KiB")
	eval show(2, unit)
	unset label 201

	if (panels == 2) { set format x "%.6g" }
	eval panel(row(2) - each, row(2), "writes".scale_name(writes_high))
	unit = scale(writes_high)
	eval y_axis(writes_low / unit, writes_high / unit)
	if (panels == 2) { eval below }
	eval show(5, unit)

	if (panels == 3) {
		eval below
		set format x "%.6g"
		eval panel(row(3) - each, row(3), "p99 of ".synced. \
		    " (".time_name(wait_high).")")
		unit = time_unit(wait_high)
		eval y_axis(wait_low / unit, wait_high / unit)
		eval show(8, unit)
	}
	unset multiplot
	set output
	unset arrow
	unset label
}
