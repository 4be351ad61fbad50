#!/bin/sh
# How fast a million rows are recorded, beside `sqlite3 .import` of the same
# file into one table with one index.
#   tests/bench/record.sh BUILD_DIR [ROWS]
set -eu
build=$1
rows=${2:-1000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

awk -v rows="$rows" 'BEGIN {
  print "S. No.,Product Name,Input Image Urls"
  for (i = 1; i <= rows; ++i)
    printf "%d,Product number %d,https://cdn%d.example-shop.com/images/" \
      "products/2026/%07d/photo-%d.jpg\n", i, i, i % 40, \
      (i * 48271) % 1000003, i
}' > "$folder/rows.csv"

seconds() { date +%s.%N; }
begin=$(seconds)
sqlite3 "$folder/import.db" \
  'CREATE TABLE row (a, b, c); CREATE INDEX row_a ON row (a)' \
  '.mode csv' ".import $folder/rows.csv row"
middle=$(seconds)
"$build/store_bench" record "$folder" "$folder/rows.csv"
end=$(seconds)
awk -v a="$begin" -v b="$middle" -v c="$end" 'BEGIN {
  printf "sqlite3 .import %.2f s, recording %.2f s, ratio %.2f\n",
    b - a, c - b, (c - b) / (b - a) }'
