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
    sprintf("; set output '%s.%s';", name, format) . \
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
