# ---- which pages are read and written when ----
#
# The map is an image, a dot of 300 an inch for a cell or a part of one, so that
# its size does not go with the trace.  Reads are light and blue, writes dark
# and red; the more accesses, the darker.

# The image: 0 is empty, then come shades from reads to writes for each step from
# few to many accesses.  With more of either, pictures of dense traces take more
# bytes and show no more.
shades = 4
steps = 5
array image[columns * rows]
array red[1 + shades * steps]
array green[1 + shades * steps]
array blue[1 + shades * steps]
shade(few_read, many_read, few_write, many_write, many, write) = floor( \
    (few_read * (1 - many) + many_read * many) * (1 - write) + \
    (few_write * (1 - many) + many_write * many) * write + 0.5)
r(many, write) = shade(0x8c, 0x2a, 0xb5, 0x33, many, write)
g(many, write) = shade(0xbe, 0x6c, 0x3c, 0x08, many, write)
b(many, write) = shade(0xe2, 0xb4, 0x0c, 0x00, many, write)
paint(i, r, g, b) = sprintf("red[%d] = %d; green[%d] = %d; blue[%d] = %d", \
    i, r, i, g, i, b)
eval paint(1, 255, 255, 255)
do for [i=0:shades * steps - 1] {
	step = i / shades / (steps - 1.)
	write = i % shades / (shades - 1.)
	eval paint(i + 2, r(step, write), g(step, write), b(step, write))
}

# A cell with both is never that of one alone.  Where no cell has more than one
# access, there are no few and many.
step_of(n) = most > 1 ? min(steps - 1, floor(log(n) / log(full) * steps)) : \
    steps / 2
written(r, w) = w == 0 ? 0 : r == 0 ? shades - 1 : \
    1 + floor((shades - 2) * w / (r + w + 0.))
code(r, w) = 1 + shades * step_of(r + w) + written(r, w)
place(c, r) = 1 + c + columns * r

# Few dots are drawn larger, over what is empty beside them.
size = cells < 1500 ? 5 : cells < 8000 ? 3 : cells < 40000 ? 2 : 1
wide = max(0, ceil(size * columns / real(dots)) - 1)
high = max(0, ceil(size * rows / real(dot_rows)) - 1)
fill(c, r, v) = c < 0 || r < 0 || c >= columns || r >= rows ? 0 : \
    image[place(c, r)] >= 1 ? 0 : (image[place(c, r)] = v, 0)
spread(c, r, v) = (sum [x=-wide / 2:wide - wide / 2] \
    sum [y=-high / 2:high - high / 2] fill(c + x, r + y, v), 1)

do for [i=1:columns * rows] { image[i] = 0 }
if (mapped) {
	array cover[columns * rows]
	do for [i=1:columns * rows] { cover[i] = 0 }
	stats name.".dat" index 1 using (sum [c=int($2):int($3)] \
	    (cover[place(c, int($1))] = 255, 0), 1) nooutput
}
if (cells > 0) {
	stats name.".dat" index 0 using \
	    (image[place(int($1), int($2))] = code($3, $4), 1) nooutput
	if (wide + high > 0) {
		stats name.".dat" index 0 using \
		    (spread(int($1), int($2), code($3, $4))) nooutput
	}
}
at(x, y) = place(min(columns - 1, int(x * columns)), \
    min(rows - 1, int(y * rows)))

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
of(n, what) = sprintf("%.3g %s%s", n, what, n > 1 ? "s" : "")
span_text(x) = by_event ? of(x, "event") : \
    sprintf("%.3g %s", x / span_unit(x), span_name(x))
dot_text = cells == 0 ? "" : "one dot: " . span_text(x_span / columns) . \
    " × " . of(pages / rows, "page") . (most > 1 ? \
    sprintf(", 1 to %.4g accesses", most) : ", 1 access")

# Sizes in dots, from below: the key, the name of the axis, its tics' labels, a
# lane for each kind of sync, the map, a line above it.
key_dots = 54
lane_dots = 26
left_dots = 148
base = key_dots + 112
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
key_y = 20
box(i, x, wide, colour) = sprintf("set object %d rectangle from screen " . \
    "%g,%g to screen %g,%g fillcolor rgb %d fillstyle solid noborder;", i, \
    across(x), up(key_y - 12), across(x + wide), up(key_y + 12), colour)
named(i, x, text) = sprintf("set label %d '%s' at screen %g,%g left " . \
    "noenhanced;", 300 + i, text, across(x), up(key_y))
stroke(i, x, style) = sprintf("set arrow %d from screen %g,%g to screen " . \
    "%g,%g nohead %s;", 300 + i, across(x), up(key_y), across(x + 40), \
    up(key_y), style)
rgb(many, write) = 65536 * r(many, write) + 256 * g(many, write) + \
    b(many, write)
ramp(i, x, write) = most > 1 ? ramp_box(i, x, 0, write) . \
    ramp_box(i, x, 1, write) . ramp_box(i, x, 2, write) . \
    ramp_box(i, x, 3, write) . ramp_box(i, x, 4, write) : \
    box(i, x, 90, rgb(0.5, write))
ramp_box(i, x, k, write) = box(i + k, x + 18 * k, 18, rgb(k / 4., write))

sized_style = "lc rgb '#000000' lw 0.6"
mark_style = "lc rgb '#777777' dt (3,3) lw 0.8"
tick_style = "lc rgb '#000000' lw 0.35"
bound_style = "lc rgb '#777777' lw 0.35"

do for [format in formats] {
	eval terminal(format, height)
	small = sprintf(",%g", font * 0.78 * (format eq "pdf" ? 1.5 : \
	    format eq "svg" ? 96 / 72. : 1))
	set multiplot
	set border 15 linewidth 0.5
	unset grid
	set xrange [x_low:x_high]
	set xtics distance(x_high - x_low, 6)

	x = 40
	eval ramp(400, x, 0) . named(1, x + 102, "read")
	x = x + 195
	eval ramp(410, x, 1) . named(2, x + 102, "written")
	x = x + 243
	if (mapped) {
		eval box(420, x, 40, 0xefefef) . named(3, x + 54, "mapped")
		x = x + 198
	}
	if (sized) {
		eval stroke(4, x, sized_style) . named(4, x + 54, "file size")
		x = x + 202
	}
	if (marked) {
		eval stroke(5, x, mark_style) . named(5, x + 54, "mark")
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
	set samples dots
	set isosamples dot_rows
	set urange [x_of(columns * 0.5 / dots):x_of(columns * (1 - 0.5 / dots))]
	set vrange [y_of(pages * 0.5 / dot_rows):y_of(pages * (1 - 0.5 / dot_rows))]
	x_part(x) = (x - x_low) / (x_high - x_low)
	y_part(y) = y / y_high
	plot mapped ? "++" : "/dev/null" using (k = at(x_part($1), y_part($2)), $1) \
		:2:(239):(239):(239):(cover[k]) with rgbalpha, \
	    marked ? name.".dat" : "/dev/null" index 5 using \
		(x_of($1 + 0.5)):(0):(0):(y_high) \
		with vectors nohead @mark_style, \
	    files > 1 ? name.".dat" : "/dev/null" index 4 using \
		(x_high):(y_of($1)):((x_low - x_high) * ($2 > 0 ? 1 : 12. / dots)):(0) \
		with vectors nohead @bound_style, \
	    sized ? name.".dat" : "/dev/null" index 3 using \
		(x_of($1)):(y_of($2)) with steps @sized_style, \
	    "++" using (k = 1 + image[at(x_part($1), y_part($2))], $1):2 \
		:(red[k]):(green[k]):(blue[k]):(k > 1 ? 255 : 0) with rgbalpha

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
		plot name.".dat" index 2 using (x_of($1 + 0.5)):($2 + 0.4):(0) \
			:(-0.8) with vectors nohead @tick_style
	}
	unset multiplot
	set output
	unset label
}
