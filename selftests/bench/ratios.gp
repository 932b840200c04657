# SPDX-License-Identifier: GPL-2.0
# Bars of the ratios, a cluster a row, a colour a path. Set ratios= and svg= by -e.
set terminal svg size 1200,600 font "sans,12"
set output svg
set title "Kernel TCP's cost by AF_TCPX's (above 1: AF_TCPX is cheaper)"
set datafile separator tab
set style fill solid 0.8 border -1
set boxwidth 0.25
set grid ytics
set yrange [0:*]
set key top left
paths = "lo veth veth-plain"
rows = system("cut -f2 " . ratios . " | awk '!n[$0]++' | paste -sd' '")
index(name) = sum [i=1:words(rows)] (word(rows, i) eq name ? i : 0)
set xrange [0.3:words(rows) + 0.7]
set xtics rotate by -40
set for [i=1:words(rows)] xtics add (word(rows, i) i)
plot for [p=1:3] ratios using (index(strcol(2)) + (p - 2) * 0.25):(strcol(1) eq word(paths, p) ? $3 : NaN) \
	with boxes title word(paths, p), 1 with lines lc "black" notitle
