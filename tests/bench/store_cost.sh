#!/bin/bash
# What the SQLite store costs end to end, against the in-memory store of the
# tests:
#
#   tests/bench/store_cost.sh BUILD DIRECTORY [N] [ROUNDS]
#
# DIRECTORY holds JPEG photos, served N (540) times under different URLs and
# with different content over loopback; see drain_bench.cc.
set -euo pipefail
build=$(readlink -f "${1:?usage: $0 BUILD DIRECTORY [N] [ROUNDS]}")
photos=$(readlink -f "${2:?a directory of JPEG photos}")
count=${3:-540}
rounds=${4:-5}
scratch=$(mktemp -d)
origin=
trap '[ -z "$origin" ] || kill "$origin" 2>/dev/null || true
  rm -rf "$scratch"' EXIT
mapfile -t files < <(find "$photos" -iname '*.jp*g' -type f | sort)
[ ${#files[@]} -gt 0 ] || { echo "no JPEG files in $photos" >&2; exit 2; }
mkdir "$scratch/www"
for ((n = 0; n < count; n++)); do
  { printf '\xff\xd8\xff\xfe\x00\x08%06d' "$n"
    tail -c +3 "${files[n % ${#files[@]}]}"; } >"$scratch/www/$n.jpg"
done
: >"$scratch/origin"
"$build/test_origin" "$scratch/www" >"$scratch/origin" 2>&1 </dev/null &
origin=$!
until grep -q listening "$scratch/origin"; do
  kill -0 "$origin" || { cat "$scratch/origin" >&2; exit 1; }
  sleep 0.1
done
address=$(sed -n 's/^listening on //p' "$scratch/origin")
for ((n = 0; n < count; n++)); do echo "$address/$n.jpg"; done >"$scratch/urls"
echo "$(nproc) cores, $count images, $rounds rounds"
"$build/drain_bench" "$scratch/urls" "$scratch" "$rounds"
