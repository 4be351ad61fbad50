#!/bin/bash
# Runs every fuzz target of a build directory for FUZZ_SECONDS (20) each:
#   tests/fuzz/run.sh BUILD-DIRECTORY
# What it finds stays in that directory as crash-<target>-*.
set -uo pipefail
build=$(readlink -f "${1:?a build directory}")
root=$(dirname "$(readlink -f "$0")")/../..
seconds=${FUZZ_SECONDS:-20}
status=0
found=no
for target in "$build"/*_fuzz; do
  [ -f "$target" ] || continue
  found=yes
  name=$(basename "$target")
  corpus=$build/corpus-$name
  mkdir -p "$corpus"
  [ "$name" != image_fuzz ] || "$build/make_seeds" "$corpus"
  seeds=()
  [ "$name" = csv_reader_fuzz ] && seeds=("$root/samples/csv")
  if timeout $((seconds + 60)) "$target" -max_total_time="$seconds" \
    -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$build/crash-$name-" "$corpus" "${seeds[@]}" \
    >"$build/$name.log" 2>&1; then
    echo "ok - fuzz $name:" \
      "$(sed -n 's/stat::number_of_executed_units: *//p' "$build/$name.log")" \
      "inputs in $seconds s"
  else
    tail -40 "$build/$name.log"
    echo "not ok - fuzz $name"
    status=1
  fi
done
if [ "$found" = no ]; then
  echo "not ok - fuzz: no target in $build"
  status=1
fi
exit "$status"
