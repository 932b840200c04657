# SPDX-License-Identifier: GPL-2.0
# Figures of the bench program -> path, row, ratio, median of kernel TCP, of TCPX, of AF_UNIX
# ("-": none), spread of TCPX's figures in percent, unit. The ratio is kernel TCP's cost by
# TCPX's: 1.05 is 5 % less than kernel TCP takes.
function median(key, n, i, j, t, v) {
	n = split(all[key], v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	if (n == 0)
		return "-"
	middle = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	spread = middle ? 100 * (v[n] - v[1]) / middle : 0
	return middle + 0
}
BEGIN { FS = "\t"; OFS = "\t" }
/^#/ || NF < 6 { next }
{
	row = $1 OFS $2
	if (!(row in unit))
		order[++rows] = row
	unit[row] = $6
	all[row OFS $3] = all[row OFS $3] " " $5
}
END {
	for (i = 1; i <= rows; i++) {
		row = order[i]
		unix = median(row OFS "unix")
		tcp = median(row OFS "tcp")
		tcpx = median(row OFS "tcpx")
		ratio = tcp != "-" && tcpx > 0 ? sprintf("%.3f", tcp / tcpx) : "-"
		print row, ratio, tcp, tcpx, unix, sprintf("%.1f", spread), unit[row]
	}
}
