#!/bin/bash
# Several processes on one store: nothing twice, nobody robbed, nobody stuck.
#
#   tests/crash/several.sh BUILD [IMAGES]     (2000)
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
images=${1:-2000}
points=0 differences=0
complain() {
  echo "DIFFERENCE $*"
  differences=$((differences + 1))
}

# many_images FILE FIRST COUNT [PATH-AND-QUERY]: a CSV of that many images.
many_images() {
  local n
  {
    echo 'S. No.,Product Name,Input Image Urls'
    for ((n = $2; n < $2 + $3; n++)); do
      echo "$n,Product,$origin${4:-/ppm?w=8&h=8}&seed=$n"
    done
  } >"$1"
}
# targets_twice DIR: targets that were asked for more than once.
targets_twice() {
  awk '{ print $4 }' "$1/origin.log" | sort | uniq -d | wc -l
}
# wait_all PID…: their statuses in $statuses.
wait_all() {
  local pid
  statuses=''
  for pid in "$@"; do
    { wait "$pid"; } 2>/dev/null
    statuses="$statuses $?"
  done
}
# until_true COMMAND…: for 20 s at most.
until_true() {
  local tries
  for ((tries = 0; tries < 400; tries++)); do
    "$@" && return
    sleep 0.05
  done
  complain "waited in vain for: $*"
}
log_lines() { [ "$(wc -l <"$1/origin.log")" -ge "$2" ]; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# --- 2, 4, 8 processes joined on one batch. ---------------------------------
for count in 2 4 8; do
  dir=$scratch/joined.$count
  serve_place "$dir"
  many_images "$dir/input.csv" 1 "$images"
  cd "$dir" || exit
  "$imgbatch" run input.csv "${run_options[@]}" -q --workers 2 2>err.1 &
  pids=($!)
  until_true has_batch "$dir"
  for ((n = 2; n <= count; n++)); do
    "$imgbatch" resume --store store.db -q --if-running join --workers 2 \
      2>"err.$n" </dev/null &
    pids+=($!)
  done
  wait_all "${pids[@]}"
  [ -z "${statuses//[0 ]/}" ] || complain "joined: $statuses $(cat err.*)"
  [ "$(targets_twice "$dir")" -eq 0 ] ||
    complain "$(targets_twice "$dir") images were fetched twice"
  [ "$(find images -type f ! -name .imgbatch | wc -l)" -eq "$images" ] ||
    complain "joined: images are missing"
  [ "$(grep -c 'images/0' output.csv)" -eq "$images" ] ||
    complain "joined: the output is not whole"
  [ ! -s err.1 ] || complain "joined: $(cat err.*)"
  points=$((points + images))
  kill "$origin_pid"
done
echo "ok so far: 2, 4, 8 processes joined, $differences differences," \
  "$((SECONDS - started)) s"

# --- 2, 4, 8 processes with a batch of their own each. ----------------------
for count in 2 4 8; do
  dir=$scratch/own.$count
  serve_place "$dir"
  cd "$dir" || exit
  each=$((images / count))
  pids=()
  for ((n = 1; n <= count; n++)); do
    many_images "input.$n.csv" $((n * each)) $each
    "$imgbatch" run "input.$n.csv" -o "output.$n.csv" --images "images.$n" \
      --store store.db -q --workers 2 2>"err.$n" </dev/null &
    pids+=($!)
  done
  wait_all "${pids[@]}"
  [ -z "${statuses//[0 ]/}" ] || complain "own: $statuses $(cat err.*)"
  [ "$(targets_twice "$dir")" -eq 0 ] ||
    complain "$(targets_twice "$dir") images were fetched twice"
  [ "$(cat output.*.csv | grep -c 'images\.')" -eq $((each * count)) ] ||
    complain "own: an output is not whole"
  [ "$(cat err.* | wc -c)" -eq 0 ] || complain "own: $(cat err.*)"
  points=$((points + images))
  kill "$origin_pid"
done
echo "ok so far: own batches, $differences differences, $((SECONDS - started)) s"

# --- A stopped owner keeps its images, a dead one loses them at once. -------
dir=$scratch/owners
serve_place "$dir"
many_images "$dir/input.csv" 1 12 '/slow?ms=2500'
cd "$dir" || exit
"$imgbatch" run input.csv "${run_options[@]}" -q --per-host 12 2>err.1 &
first=$!
until_true log_lines "$dir" 12
kill -STOP "$first"
"$imgbatch" resume --store store.db -q --if-running join 2>err.2 </dev/null &
second=$!
sleep 4
[ "$(wc -l <origin.log)" -eq 12 ] || complain "a stopped owner was robbed"
points=$((points + 12))
# The log's lines of the second process tell when it took over.
mark=$(now_ms)
{
  kill -9 "$first"
  wait "$first"
} 2>/dev/null
until_true log_lines "$dir" 13
took=$(($(now_ms) - mark))
echo "a dead owner's images were fetched again after $took ms"
[ "$took" -le 1000 ] || complain "a dead owner was noticed after $took ms"
{ wait "$second"; } 2>/dev/null
status=$?
[ "$status" -eq 0 ] || complain "the survivor ends with $status: $(cat err.2)"
[ "$(grep -c 'images/0' output.csv)" -eq 12 ] ||
  complain "the survivor's output is not whole"
kill "$origin_pid"

# --- A second run of the same batch, or onto the same output. ---------------
dir=$scratch/overlap
serve_place "$dir"
many_images "$dir/input.csv" 1 36 '/slow?ms=2000'
many_images "$dir/other.csv" 100 5
cd "$dir" || exit
"$imgbatch" run input.csv "${run_options[@]}" -q 2>err.1 &
first=$!
until_true log_lines "$dir" 6
for what in input other; do
  for ((n = 0; n < 5; n++)); do
    mark=$(now_ms)
    "$imgbatch" run $what.csv "${run_options[@]}" -q --force 2>err.2 </dev/null
    status=$?
    took=$(($(now_ms) - mark))
    points=$((points + 1))
    [ "$status" -eq 11 ] || complain "overlap: $status $(cat err.2)"
    [ "$took" -le 1000 ] || complain "overlap: noticed after $took ms"
  done
done
{ wait "$first"; } 2>/dev/null
status=$?
[ "$status" -eq 0 ] || complain "overlap: the first ends with $status"
[ "$(grep -c 'images/0' output.csv)" -eq 36 ] ||
  complain "overlap: the first one's output is not whole"
kill "$origin_pid"

verdict "several processes" "$points" "$differences" "images and overlaps"
[ "$differences" -eq 0 ]
