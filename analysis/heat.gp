# ---- throughput and writes by hash_penalty and cluster size: two maps ----

# Columns and rows, with what stands beside them.
most = 200
array column_text[most]
array row_text[most]
do for [i=1:most] { column_text[i] = ""; row_text[i] = "" }
ncolumns = 1
nrows = 1
outlined_column = 0
outlined_row = 0
longest = 1
cells = " "
add_column(i, p) = i > most ? 1 : (ncolumns = max(ncolumns, i), \
    column_text[i] = short(p), longest = max(longest, strlen(short(p))), \
    outlined_column = p == 4 ? i : outlined_column, 1)
add_row(i, bytes) = i > most ? 1 : (nrows = max(nrows, i), \
    row_text[i] = sprintf("%.4g", bytes / 1024.), \
    outlined_row = bytes == 65536 ? i : outlined_row, 1)
add_cell(c, r) = (cells = cells . sprintf("%d,%d ", c, r), 1)
short(p) = strlen(penalty_text(p)) > 5 ? sprintf("%.3g", p) : penalty_text(p)
stats name.".dat" using (add_column($1, $3)) nooutput
stats name.".dat" using (add_row($2, $4) + add_cell($1, $2)) nooutput
outlined = outlined_column > 0 && outlined_row > 0

left = 0.12
right = 0.98
column_cm = (right - left) * width / ncolumns
row_cm = nrows > 12 ? max(5. / nrows, 0.06) : max(0.42, 1.9 / nrows)
numbers = column_cm > 0.42 && row_cm > 0.24

# Tics as far apart as their text needs.
upright = column_cm < 0.15 * longest
tic_cm = upright ? 0.25 + 0.13 * longest : 0.5
column_tics = "'' -9"
do for [i=1:ncolumns:ceil(0.28 / column_cm)] {
	column_tics = column_tics.sprintf(", '%s' %d", column_text[i], i)
}
row_tics = "'' -9"
do for [i=1:nrows:ceil(0.28 / row_cm)] {
	row_tics = row_tics.sprintf(", '%s' %d", row_text[i], i)
}

# A cell that the sweep lacks is crossed out.
crossed(c, r) = cross(c, r, 1000 + 400 * r + 2 * c, -1) . \
    cross(c, r, 1001 + 400 * r + 2 * c, 1)
cross(c, r, i, side) = sprintf("set arrow %d from first %g,%g to first %g,%g" . \
    " nohead back lc rgb '#999999' lw 0.4;", i, \
    c - 0.4, r - 0.4 * side, c + 0.4, r + 0.4 * side)

# From light to dark; by the logarithm where values differ much.
lightest = 255
darkest = 60
grey(share) = floor(lightest + (darkest - lightest) * share)
rgb(level) = 65793 * level
share(v, low, high) = high <= low ? 0 : low > 0 && high > 10 * low ? \
    log(v / low) / log(high / low) : (v - low) / (high - low)
ink(v, low, high) = grey(share(v, low, high)) < 130 ? 0xffffff : 0
three(v) = v >= 99.95 ? sprintf("%.0f", v) : v >= 9.995 ? \
    sprintf("%.1f", v) : sprintf("%.2f", v)
number(v) = v > 0 && v < 0.995 ? three(v)[2:] : three(v)

eval range_of(5, 5)
rate_low = lowest
rate_high = highest
eval range_of(6, 6)
writes_low = lowest
writes_high = highest

# Above a map: what it shows, and the greys from the least to the greatest.
swatch(i, x, share) = sprintf("set object %d rectangle from screen %g,%g" . \
    " to screen %g,%g fillcolor rgb %d fillstyle solid noborder;", i, \
    (x + (i - 1) * 0.16) / width, (at - 0.12) / height, \
    (x + i * 0.16) / width, (at + 0.12) / height, rgb(grey(share)))
swatches(x) = swatch(1, x, 0) . swatch(2, x, 0.2) . swatch(3, x, 0.4) . \
    swatch(4, x, 0.6) . swatch(5, x, 0.8) . swatch(6, x, 1) . \
    sprintf("set object 7 rectangle from screen %g,%g to screen %g,%g" . \
    " fillstyle empty border lc rgb '#000000' lw 0.4", x / width, \
    (at - 0.12) / height, (x + 0.96) / width, (at + 0.12) / height)
legend(text, low, high) = sprintf( \
    "set label 111 '%s' at screen %g,%g left noenhanced;" . \
    "set label 112 '%s' at screen %g,%g right noenhanced;" . \
    "set label 113 '%s' at screen %g,%g left noenhanced;", \
    text, left, at / height, \
    number(low), (right * width - 1.86) / width, at / height, \
    number(high), (right * width - 0.74) / width, at / height) . \
    swatches(right * width - 1.8)

outline = outlined ? sprintf("set object 8 rectangle from first %g,%g" . \
    " to first %g,%g front fillstyle empty border lc rgb '#000000' lw 1.4", \
    outlined_column - 0.5, outlined_row - 0.5, \
    outlined_column + 0.5, outlined_row + 0.5) : ""

points(format, size) = format eq "pdf" ? size * 1.5 : \
    format eq "svg" ? size * 96 / 72. : size

foot = 0.35 + tic_cm + 0.25 + (outlined ? 0.4 : 0.1)
map_cm = nrows * row_cm
head = 0.55
height = foot + 2 * (map_cm + head) + 0.3
do for [format in formats] {
	eval terminal(format, height)
	set multiplot
	unset grid
	set border 15 linewidth 0.4
	set tics scale 0
	set xrange [0.5:ncolumns + 0.5]
	set yrange [0.5:nrows + 0.5]
	eval "set ytics (".row_tics.")"
	set boxwidth 1
	set style fill solid noborder
	cell_font = sprintf(",%g", points(format, column_cm > 0.6 ? 5.5 : 4.8))
	eval outline
	do for [r=1:nrows] {
		do for [c=1:ncolumns] {
			if (strstrt(cells, sprintf(" %d,%d ", c, r)) == 0) {
				eval crossed(c, r)
			}
		}
	}

	do for [map=1:2] {
		low = map == 1 ? rate_low : writes_low
		high = map == 1 ? rate_high : writes_high
		unit = map == 1 ? rate_unit(2 * high) : scale(10 * high)
		top = map == 1 ? height - head : height - 2 * head - map_cm - 0.3
		at = top + 0.26
		eval panel(top - map_cm, top, "cluster (KiB)")
		eval legend(map == 1 ? \
		    "throughput of flushes (".rate_name(2 * high).")" : \
		    "writes".scale_name(10 * high), low / unit, high / unit)
		if (map == 1) {
			set format x ""
			set xtics ("" 1)
		} else {
			set format x "%g"
			eval "set xtics (".column_tics.")" . \
			    (upright ? " rotate by 90 right" : "")
			eval x_name("hash_penalty", foot - tic_cm - 0.2, height)
			if (outlined) {
				set label 114 "outlined: 1998, penalty 4 and 64 KiB" \
				    at screen (left + right) / 2, 0.2 / height \
				    center noenhanced
			}
		}
		plot name.".dat" using 1:2:($1 - 0.5):($1 + 0.5):($2 - 0.5) \
			:($2 + 0.5):(rgb(grey(share(column(map + 4), low, high)))) \
			with boxxyerror lc rgb variable, \
		    numbers ? name.".dat" : "/dev/null" \
			using 1:2:(number(column(map + 4) / unit)) \
			:(ink(column(map + 4), low, high)) \
			with labels font cell_font tc rgb variable
	}
	unset multiplot
	set output
	unset arrow
	unset label
	unset object
}
