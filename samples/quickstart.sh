#!/bin/bash
# The main job, once through: installs what is missing, builds a release, serves
# sample images on loopback, runs imgbatch on samples/products.csv, and shows
# what came out of it. Can be run again and again.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
build=$root/build
port=8765 # The one that samples/products.csv names.

step() { printf '\n== %s\n' "$*"; }

step "Packages and build (the first time this takes some minutes)"
"$root/samples/install-packages.sh" build
log=$build/quickstart.log
echo "what the build says: $log"
mkdir -p "$build"
cmake -G Ninja -S "$root" -B "$build" -DIMGBATCH_TESTS=OFF >"$log" &&
  ninja -C "$build" imgbatch test_origin make_samples >>"$log" || {
  tail -40 "$log"
  exit 1
}
echo "built $build/imgbatch"

step "Sample images, served on http://127.0.0.1:$port"
rm -rf "$build/samples"
: >"$build/origin.log"
"$build/make_samples" "$build/samples"
"$build/test_origin" "$build/samples" --port "$port" \
  >"$build/origin.log" 2>&1 </dev/null &
origin=$!
trap 'kill "$origin" 2>/dev/null || true' EXIT
until grep -q listening "$build/origin.log"; do
  if ! kill -0 "$origin" 2>/dev/null; then
    cat "$build/origin.log" >&2
    echo "is port $port in use? samples/products.csv names it; end the" \
      "program that listens there and try again" >&2
    exit 1
  fi
  sleep 0.1
done

step "imgbatch run samples/products.csv"
rm -rf "$build/quickstart"
mkdir "$build/quickstart"
cd "$build/quickstart"
status=0
"$build/imgbatch" run "$root/samples/products.csv" --store imgbatch.db ||
  status=$?
case $status in
  0) echo "exit status 0: every image was downloaded and compressed" ;;
  3) echo "exit status 3: finished, some images failed. That is right here:" \
    "the CSV has a dead link, to show what becomes of one" ;;
  *) exit "$status" ;;
esac

step "What failed: imgbatch status latest --failed"
"$build/imgbatch" status latest --failed --store imgbatch.db

step "The output CSV: $build/quickstart/products-output.csv"
cat products-output.csv

step "The images: $build/quickstart/products-images"
ls -l products-images | awk 'NF > 8 { printf "%9d  %s\n", $5, $9 }'
