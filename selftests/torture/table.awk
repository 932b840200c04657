# SPDX-License-Identifier: GPL-2.0
# A table for people from torture.tsv of the long form: awk -f table.awk torture.tsv
BEGIN {
	FS = "\t"
	print "| Cell | kernel TCP, Mbit/s | tt % | tk % | kt % | rounds |"
	print "|------|------|------|------|------|------|"
}
FNR == 1 || $1 ~ /^fair / { next }
!($1 in base) { order[++n] = $1; base[$1] = $4 }
{ rounds[$1] = $3 }
{ percent[$1, $2] = $5 }
END {
	for (i = 1; i <= n; i++) {
		c = order[i]
		printf "| %s | %.2f | %d | %d | %d | %d |\n", c, base[c] / 1000,
			percent[c, "tt"], percent[c, "tk"], percent[c, "kt"], rounds[c]
	}
}
