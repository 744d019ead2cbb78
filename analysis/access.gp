# ---- which pages are read and written when ----
#
# The map is an image, a cell for one or more dots of 300 an inch, so that its size
# does not go with the trace.  A cell's look is 0 where nothing is, 1 where a map
# is, then come shades from reads to writes for each step from few to many
# accesses.  Reads are light and blue, writes dark and red; more is darker.

tint(few_read, many_read, few_write, many_write, many, write) = floor( \
    (few_read * (1 - many) + many_read * many) * (1 - write) + \
    (few_write * (1 - many) + many_write * many) * write + 0.5)
rgb(many, write) = \
    65536 * tint(0x8c, 0x2a, 0xb5, 0x33, many, write) + \
    256 * tint(0xbe, 0x6c, 0x3c, 0x08, many, write) + \
    tint(0xe2, 0xb4, 0x0c, 0x00, many, write)
mapped_rgb = 0xefefef

looks = sprintf("1 '#%06x'", mapped_rgb)
do for [i=0:shades * steps - 1] {
	looks = looks.sprintf(", %d '#%06x'", i + 2, \
	    rgb(i / shades / (steps - 1.), i % shades / (shades - 1.)))
}
eval "set palette defined (" . looks . ")"
set cbrange [1:shades * steps + 1]
unset colorbox

# The axes.  A short piece late in the trace, or far behind in the file, begins
# anew.
late = !by_event && x_from > 20 * x_span
x_begin = late ? 0. : x_from
unit = by_event ? scale(x_begin + x_span) : time_unit(x_begin + x_span)
x_text = by_event ? "event" . scale_name(x_begin + x_span) : \
    (late ? sprintf("time after %.9g %s", x_from / time_unit(x_from), \
    time_name(x_from)) : "trace time") . \
    sprintf(" (%s)", time_name(x_begin + x_span))
x_low = x_begin / unit
x_high = (x_begin + x_span) / unit
x_of(column) = x_low + (x_high - x_low) * column / columns
y_unit = scale(pages)
y_high = pages / y_unit
y_of(page) = page / y_unit
y_text = "page" . (files > 1 ? sprintf(", %d files stacked", files) : \
    page_low > 0 ? sprintf(" after %.0f", page_low) : "") . scale_name(pages)

# What a dot stands for.
span_unit(ns) = ns < 1e3 ? 1. : ns < 1e6 ? 1e3 : ns < 1e9 ? 1e6 : 1e9
span_name(ns) = ns < 1e3 ? "ns" : ns < 1e6 ? "µs" : ns < 1e9 ? "ms" : "s"
plain(n) = n < 100 ? sprintf("%.3g", n) : n < 1e6 ? sprintf("%.0f", n) : \
    sprintf("%.3g", n)
of(n, what) = sprintf("%s %s%s", plain(n), what, n > 1 ? "s" : "")
span_text(x) = by_event ? of(x, "event") : \
    sprintf("%.3g %s", x / span_unit(x), span_name(x))
dot_text = cells == 0 ? "" : "one dot: " . span_text(x_span / columns) . \
    " × " . of(pages / rows, "page") . ", " . \
    (most > least ? plain(least) . " to " : "") . plain(most) . \
    (most > 1 ? " accesses" : " access")

# Sizes in dots, from below: the key, the name of the axis, its tics' labels, a
# lane for each kind of sync, the map, a line above it.
key_rows = sized || marked ? 2 : 1
key_dots = 11 + 43 * key_rows
lane_dots = 26
left_dots = 148
base = key_dots + 120
map_from = base + (lanes > 0 ? lanes * lane_dots + 10 : 0)
height_dots = map_from + dot_rows + 40
width_dots = floor(width / 2.54 * 300)
cm(n) = n / 300. * 2.54
height = cm(height_dots + 0.1)
across(n) = n / real(width_dots)
up(n) = n / real(height_dots)
left = across(left_dots)
right = across(left_dots + dots)
set lmargin at screen left
set rmargin at screen right

# The key: boxes, lines and words, from the left; x is in dots.
key_y(row) = 20 + 43 * (key_rows - row)
box(i, x, row, wide, colour) = sprintf("set object %d rectangle from screen " . \
    "%g,%g to screen %g,%g fillcolor rgb %d fillstyle solid noborder;", i, \
    across(x), up(key_y(row) - 12), across(x + wide), up(key_y(row) + 12), \
    colour)
named(i, x, row, text) = sprintf("set label %d '%s' at screen %g,%g left " . \
    "noenhanced;", 300 + i, text, across(x), up(key_y(row)))
stroke(i, x, row, style) = sprintf("set arrow %d from screen %g,%g to screen " . \
    "%g,%g nohead %s;", 300 + i, across(x), up(key_y(row)), \
    across(x + 40), up(key_y(row)), style)
ramp(i, x, row, write) = most > least ? ramp_box(i, x, row, 0, write) . \
    ramp_box(i, x, row, 1, write) . ramp_box(i, x, row, 2, write) . \
    ramp_box(i, x, row, 3, write) . ramp_box(i, x, row, 4, write) : \
    box(i, x, row, 80, rgb(0.5, write))
ramp_box(i, x, row, k, write) = \
    box(i + k, x + 16 * k, row, 16, rgb(k / 4., write))

sized_style = "lc rgb '#000000' lw 0.6"
mark_style = "lc rgb '#777777' dt (3,3) lw 0.8"
tick_style = "lc rgb '#000000' lw 0.35"
bound_style = "lc rgb '#777777' lw 0.35"

# What lies on top of each other: where maps are; marks; where files meet, a tick
# for small ones; their sizes; the accesses.
look(v, from, to) = v >= from && v <= to ? v : NaN
image(from, to) = sprintf("name.'.dat' index 0 matrix using " . \
    "(x_of($1 + 0.5)):(y_high * ($2 + 0.5) / rows):(look($3, %d, %d)) " . \
    "with image", from, to)
layers = (mapped ? image(1, 1) . ", " : "") . \
    (marked ? "name.'.dat' index 4 using (x_of($1 + 0.5)):(0):(0):(y_high) " . \
    "with vectors nohead " . mark_style . ", " : "") . \
    (bounds ? "name.'.dat' index 3 using (x_high):(y_of($1)):((x_low - x_high) " . \
    "* ($2 > 0 ? 1 : 12. / dots)):(0) with vectors nohead " . bound_style . \
    ", " : "") . \
    (sized ? "name.'.dat' index 2 using (x_of($1)):(y_of($2)) with steps " . \
    sized_style . ", " : "") . \
    (cells > 0 ? image(2, shades * steps + 1) : "NaN")

do for [format in formats] {
	eval terminal(format, height)
	small = sprintf(",%g", font * 0.78 * (format eq "pdf" ? 1.5 : \
	    format eq "svg" ? 96 / 72. : 1))
	set multiplot
	set border 15 linewidth 0.5
	unset grid
	set xrange [x_low:x_high]
	set xtics distance(x_high - x_low, 6)

	eval ramp(400, 40, 1, 0) . named(1, 132, 1, "read")
	eval ramp(410, 240, 1, 0.5) . named(2, 332, 1, "both")
	eval ramp(420, 440, 1, 1) . named(3, 532, 1, "written")
	if (mapped) {
		eval box(430, 690, 1, 80, mapped_rgb) . named(4, 782, 1, "mapped")
	}
	if (sized) {
		eval stroke(5, 40, 2, sized_style) . named(5, 92, 2, "size of the file")
	}
	if (marked) {
		x = sized ? 440 : 40
		eval stroke(6, x, 2, mark_style) . named(6, x + 52, 2, "mark")
	}

	# Above the map: how large a dot is.  Names of files: of one there, too, of
	# several beside the map.
	set label 200 dot_text at graph 1, graph 1 right \
	    offset character 0, 0.5 font small noenhanced
	do for [i=1:names] {
		if (files == 1) {
			set label 200 + i file_name[i] at graph 0, graph 1 left \
			    offset character 0, 0.5 font small noenhanced
		} else {
			set label 200 + i file_name[i] \
			    at screen right + across(12), first y_of(file_at[i]) \
			    left font small noenhanced
		}
	}
	if (cells == 0) {
		set label 300 "no accesses" at graph 0.5, graph 0.5 center
	}

	# The map.
	eval panel(cm(map_from), cm(map_from + dot_rows), y_text)
	set yrange [0:y_high]
	set ytics offset character 0.5, 0 max(distance(y_high, 6), y_unit == 1 ? 1 : 0)
	set format y "%.10g"
	if (lanes > 0) {
		set format x ""
	} else {
		set format x "%.10g"
		eval x_name(x_text, cm(key_dots + 26), height)
	}
	eval "plot ".layers

	# The lanes.
	unset label
	unset arrow
	unset object
	if (lanes > 0) {
		set bmargin at screen up(base)
		set tmargin at screen up(base + lanes * lane_dots)
		set border 1
		set xtics nomirror
		set yrange [lanes + 0.5:0.5]
		unset ytics
		set format x "%.10g"
		eval x_name(x_text, cm(key_dots + 26), height)
		do for [i=1:lanes] {
			set label 310 + i lane_name[i] at graph 0, first i right \
			    offset character -0.7, 0 font small noenhanced
		}
		plot name.".dat" index 1 using (x_of($1 + 0.5)):($2 + 0.4):(0) \
			:(-0.8) with vectors nohead @tick_style
	}
	unset multiplot
	set output
	unset label
}
