# ---- what all figures share ----
#
# Drawn for one column of a paper, 8.5 cm wide, and to be told apart in black
# and white: every curve has a grey, a dash and a point of its own.

if (!exists("formats")) formats = "png svg pdf"
reset
set encoding utf8
set datafile missing "NaN"
set termoption noenhanced

set micro

width = 8.5	# cm
font = 7	# points

# The commands that open NAME.FORMAT, height in cm, and make the line styles.
# PNG has 300 dots an inch, SVG 96; pdfcairo takes a point of text for two
# thirds of one; SVG has points and lines of its own size.
terminal(format, height) = ( \
    format eq "png" ? pixels("pngcairo", 300, height, font, 1) . \
	sprintf(" fontscale %g pointscale %g dashlength 2", \
	300 / 96., 300 / 72.) : \
    format eq "svg" ? pixels("svg", 96, height, font * 96 / 72., 0.7) : \
    sprintf("set terminal pdfcairo noenhanced size %gcm,%gcm font 'Sans,%g'" . \
	" linewidth 1.4 dashlength 1.2", width, height, font * 1.5)) . \
    sprintf("; set output name.'.%s';", format) . \
    styles(format eq "svg" ? 1.5 : 1)
pixels(term, dpi, height, size, thick) = sprintf( \
    "set terminal %s noenhanced size %d,%d linewidth %g font 'Sans,%g'" . \
    " background '#ffffff'", term, width / 2.54 * dpi, height / 2.54 * dpi, \
    dpi / 72. * thick, size)

styles(size) = \
    style(1, "#000000", "solid", 7, 0.45 * size) . \
    style(2, "#000000", "(6,3)", 4, 0.5 * size) . \
    style(3, "#777777", "solid", 5, 0.45 * size) . \
    style(4, "#000000", "(1.5,2)", 8, 0.55 * size) . \
    style(5, "#777777", "(6,3)", 6, 0.5 * size) . \
    style(6, "#000000", "(8,2,1.5,2)", 9, 0.55 * size) . \
    style(7, "#777777", "(1.5,2)", 2, 0.5 * size) . \
    style(8, "#777777", "(8,2,1.5,2)", 12, 0.55 * size)
style(i, colour, dash, point, size) = sprintf( \
    "set style line %d lc rgb '%s' dt %s lw 1.2 pt %d ps %g;", \
    i, colour, dash, point, size)

set border 3 linewidth 0.6
set tics nomirror out scale 0.5
set grid xtics ytics linetype 1 linewidth 0.3 linecolor rgb "#dddddd"

unset key
max(a, b) = a > b ? a : b
min(a, b) = a < b ? a : b

# A round distance between tics, for about n of them over range.
distance(range, n) = rounded(range / real(n), \
    10. ** floor(log10(range / real(n))))
rounded(x, power) = power * (x > 5 * power ? 10 : x > 2 * power ? 5 : \
    x > power ? 2 : 1)

# Names of the axes, at heights in cm of a picture that high.  Their own would
# move with the width of the tics' labels, and differ between the terminals.
left = 0.17
right = 0.93
x_name(text, at, height) = sprintf( \
    "set label 101 '%s' at screen %g,%g center noenhanced", \
    text, (left + right) / 2, at / height)
y_name(text, at, height) = sprintf( \
    "set label 102 '%s' at screen 0.03,%g center rotate noenhanced", \
    text, at / height)
set lmargin at screen left
set rmargin at screen right

# The key, below the plot in columns of its own: entry i is label[i] in a style.
# gnuplot's own drops entries that it fears will not fit.
key_row = 0.36		# cm
key_height(columns) = key_row * ceil(curves / real(columns)) + 0.1
entry(i, style, columns, height) = entry_at(i, style, \
    0.09 + 0.88 / columns * ((i - 1) % columns), \
    (key_height(columns) - key_row * ((i - 1) / columns + 0.5)) / height)
entry_at(i, style, x, y) = sprintf( \
    "set arrow %d from screen %g,%g to screen %g,%g nohead ls %d;" . \
    "set label %d '' at screen %g,%g point ls %d;" . \
    "set label %d label[%d] at screen %g,%g left noenhanced", \
    i, x, y, x + 0.09, y, style, \
    2 * i, x + 0.045, y, style, \
    2 * i + 1, i, x + 0.11, y)

# From the bottom: the key, the name of the x axis, its tics' labels.
x_name_at(columns) = key_height(columns) + 0.22
plot_from(columns) = key_height(columns) + 1.05

# A panel between two heights in cm of a picture of that height, and its name.
panel(low, high, text) = sprintf( \
    "set bmargin at screen %g; set tmargin at screen %g;", \
    low / height, high / height) . y_name(text, (low + high) / 2, height)

# Large numbers and times in units that suit the largest.
scale(n) = n < 1e4 ? 1 : n < 1e7 ? 1e3 : n < 1e10 ? 1e6 : 1e9
scale_name(n) = scale(n) == 1 ? "" : scale(n) == 1e3 ? " (10³)" : \
    scale(n) == 1e6 ? " (10⁶)" : " (10⁹)"
time_unit(ns) = ns < 2e3 ? 1 : ns < 2e6 ? 1e3 : ns < 2e9 ? 1e6 : 1e9
time_name(ns) = time_unit(ns) == 1 ? "ns" : time_unit(ns) == 1e3 ? "µs" : \
    time_unit(ns) == 1e6 ? "ms" : "s"
rate_unit(n) = n < 2e5 ? 1e3 : n < 2e9 ? 1e6 : 1e9
rate_name(n) = rate_unit(n) == 1e3 ? "kB/s" : rate_unit(n) == 1e6 ? "MB/s" : \
    "GB/s"

# lowest and highest of columns a and b of the data; 0 if there are no values.
range_of(a, b) = sprintf("lowest = NaN; highest = NaN;" . \
    "stats name.'.dat' using (valid(%d) ? cover($%d) : 0)" . \
    ":(valid(%d) ? cover($%d) : 0) nooutput;" . \
    "if (lowest != lowest) { lowest = 0.; highest = 0. }", a, a, b, b)
cover(x) = (lowest = lowest == lowest ? min(lowest, x) : x, \
    highest = highest == highest ? max(highest, x) : x, 1)

# The y axis for values from low to high: from 0, or logarithmic if the largest
# is more than eight times the smallest.
y_axis(low, high) = low > 0 && high > 8 * low ? \
    sprintf("set logscale y; set yrange [%g:%g]; set ytics (%s); set mytics 1", \
	low / 1.3, high * 1.3, high / low > 300 ? \
	tens(floor(log10(low)), high * 1.3) : \
	one_two_five(floor(log10(low)), high * 1.3)) : \
    sprintf("unset logscale y; set yrange [0:%g]; set ytics %g; set mytics 1", \
	high > 0 ? 1.1 * high : 1, distance(high > 0 ? high : 1, 5))
# The same, but not from 0 where all values lie close together.
y_axis_near(low, high) = low > 0.7 * high && high - low > 0.002 * high ? \
    around(low, high, high - low) : y_axis(low, high)
around(low, high, range) = sprintf("unset logscale y;" . \
    "set yrange [%g:%g]; set ytics %g; set mytics 1", low - 0.12 * range, \
    high + 0.12 * range, distance(range, 4))
tens(e, high) = sprintf("1e%d", e) . \
    (10. ** (e + 1) > high ? "" : ", " . tens(e + 1, high))
one_two_five(e, high) = sprintf("1e%d, 2e%d, 5e%d", e, e, e) . \
    (10. ** (e + 1) > high ? "" : ", " . one_two_five(e + 1, high))

# A curve: columns y, y + 1 and y + 2 are a value and the interval around it,
# a bar with ends, drawn as an arrow.  A point stands at x; the line goes
# through line_x, with a gap where that is NaN.
curve(from, style, line_x, x, y, unit) = sprintf( \
    "%s using (%s):($%d / %g) with lines ls %d," . bars . \
    ", %s using (%s):($%d / %g) with points ls %d", \
    from, line_x, y, unit, style, \
    from, x, y + 1, unit, y + 2, y + 1, unit, style, \
    from, x, y, unit, style)
bars = " %s using (%s):($%d / %g):(0):(($%d - $%d) / %g) with vectors heads" . \
    " size screen 0.007,90 fixed ls %d dt 1 lw 0.8"

# A line where 1998's value lies on the x axis of the panel, and a word above
# it, in a margin of this height in cm.
mark_height = 0.35
mark(x) = sprintf("set arrow 201 from first %g, graph 0 to first %g, graph 1" . \
    " nohead back lc rgb '#777777' dt (3,3) lw 1", x, x)
mark_text(x, text) = sprintf("set label 201 '%s' at first %g, graph 1" . \
    " center offset character 0, 0.5 noenhanced", text, x)

# A ring around a point.
ring(x, y) = sprintf("set object 201 circle at first %g,%g size screen 0.017" . \
    " front fillstyle empty border lc rgb '#000000' lw 0.9", x, y)

# Values of hash_penalty as text and as places: the logarithm, with 0 and
# infinity apart from the others at the ends.
lb(x) = log(x) / log(2)
penalty_text(p) = p <= 0 ? "0" : p > 1e300 ? "∞" : \
    p < 1 && abs(1 / p - floor(1 / p + 0.5)) < 1e-6 / p ? \
    sprintf("1/%.0f", 1 / p) : sprintf("%g", p)
