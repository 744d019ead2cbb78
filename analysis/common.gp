# ---- what all figures share ----
#
# Drawn for one column of a paper, 8.5 cm wide, and to be told apart in black
# and white: every curve has a grey, a dash and a point of its own.

if (!exists("formats")) formats = "png svg pdf"
reset
set encoding utf8
set datafile missing "NaN"
set termoption noenhanced

width = 8.5	# cm
font = 8	# points

# The commands that open NAME.FORMAT, height in cm.
terminal(format, height) = ( \
    format eq "png" ? sprintf("set terminal pngcairo noenhanced size %d,%d fontscale %g linewidth %g pointscale %g font 'Sans,%g' background '#ffffff'", \
	width / 2.54 * 300, height / 2.54 * 300, 300 / 72., 300 / 72., 300 / 72., font) : \
    format eq "svg" ? sprintf("set terminal svg noenhanced size %d,%d linewidth %g pointscale %g font 'sans-serif,%g' background '#ffffff'", \
	width / 2.54 * 96, height / 2.54 * 96, 96 / 72., 96 / 72. * 0.75, font * 96 / 72.) : \
    sprintf("set terminal pdfcairo noenhanced size %gcm,%gcm linewidth 1 pointscale 1 font 'Sans,%g'", \
	width, height, font)) . \
    sprintf("; set output '%s.%s'", name, format)

set border 3 linewidth 0.6
set tics nomirror out scale 0.5
set grid xtics ytics linetype 1 linewidth 0.3 linecolor rgb "#dddddd"

set style line 1 lc rgb "#000000" dt solid lw 1.2 pt 7 ps 0.45
set style line 2 lc rgb "#000000" dt (6,3) lw 1.2 pt 4 ps 0.5
set style line 3 lc rgb "#777777" dt solid lw 1.2 pt 5 ps 0.45
set style line 4 lc rgb "#000000" dt (1.5,2) lw 1.2 pt 8 ps 0.55
set style line 5 lc rgb "#777777" dt (6,3) lw 1.2 pt 6 ps 0.5
set style line 6 lc rgb "#000000" dt (8,2,1.5,2) lw 1.2 pt 9 ps 0.55
set style line 7 lc rgb "#777777" dt (1.5,2) lw 1.2 pt 2 ps 0.5
set style line 8 lc rgb "#777777" dt (8,2,1.5,2) lw 1.2 pt 12 ps 0.55

max(a, b) = a > b ? a : b
min(a, b) = a < b ? a : b
