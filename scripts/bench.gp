# What has a goal, beside it: right of 1 it is met.  Called by scripts/bench with
# data, svg and png.
set datafile separator "\t"
stats data using 0 nooutput
n = STATS_records
stats data using 3:4 nooutput
low = STATS_min_x < 0.4 ? STATS_min_x * 0.9 : 0.4
high = STATS_max_y > 2.5 ? STATS_max_y * 1.1 : 2.5
set logscale x 2
set xrange [low:high]
set xtics (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
set xlabel "measured / goal (for an upper bound, goal / measured)"
set yrange [-0.7:n - 0.3]
set ytics nomirror noenhanced
set grid x
set key off
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb "#888888"
set style line 1 lw 2 pt 7 ps 0.8 lc rgb "#0072b2"
set lmargin 44
set title "left of 1 the goal is missed, right of it met" noenhanced tc rgb "#666666"

set terminal svg size 1000, 120 + 24 * n font "sans,12" background "#ffffff"
set output svg
plot data using 2:0:3:4:yticlabels(1) with xerrorbars ls 1
set terminal pngcairo size 1000, 120 + 24 * n font "sans,10"
set output png
replot
