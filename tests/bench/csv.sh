#!/bin/bash
# Reads one CSV file with imgbatch's reader and with what people have at hand:
#   tests/bench/csv.sh BUILD-DIRECTORY [ROWS]        (1000000 rows)
# Seconds are of the processor, so a busy machine matters little; the file is
# in the page cache. 10000000 rows are the 1 GiB of the manual.
set -euo pipefail
build=$(readlink -f "${1:?a build directory}")
rows=${2:-1000000}
ninja -C "$build" csv_bench >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/csv_bench" --make "$rows" "$work/in.csv"
bytes=$(stat -c %s "$work/in.csv")
cat "$work/in.csv" >/dev/null
echo "$rows rows, $((bytes / 1000000)) MB"

"$build/csv_bench" "$work/in.csv"

# peer NAME COMMAND...: its processor seconds and MB/s.
peer() {
  local name=$1 cpu
  shift
  TIMEFORMAT='%U %S'
  cpu=$({ time "$@" >/dev/null 2>"$work/errors"; } 2>&1 |
    awk '{ print $1 + $2 }')
  awk -v name="$name" -v cpu="$cpu" -v bytes="$bytes" 'BEGIN {
    printf "%-22s %7.0f MB/s  %6.2f s\n", name, bytes / (cpu + 0.001) / 1e6, cpu
  }'
}
peer "wc -l" wc -l "$work/in.csv"
[ -x "$build/imgbatch" ] &&
  peer "imgbatch inspect" "$build/imgbatch" inspect --json "$work/in.csv"
if command -v python3 >/dev/null; then
  peer "python3 csv" python3 -c '
import csv, sys
for row in csv.reader(open(sys.argv[1], newline="")):
    pass' "$work/in.csv"
fi
if command -v sqlite3 >/dev/null; then
  peer "sqlite3 .import" sqlite3 "$work/import.db" \
    'create table t(a, b, c, d, e)' 'create index i on t(e)' '.mode csv' \
    ".import --skip 1 $work/in.csv t"
fi
