#!/bin/bash
# Power loss: records what a small batch writes, syncs and renames, builds what
# a power loss after each record may have left on the disk, and looks whether
# each of these states keeps the promises; see power_states.cc.
#
#   tests/crash/power.sh BUILD [STATES [SEED]]     (2000 1)
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
states=${1:-2000} seed=${2:-1}

place=$scratch/place
serve_place "$place"
small_batch "$place"
mkdir "$place/work"

# recorded COMMAND [OPTION...]: imgbatch in $place/work, recorded.
recorded() {
  (cd "$place/work" && LD_PRELOAD="$build/librecord_io.so" \
    RECORD_UNDER="$place/work" RECORD_LOG="$place/log" \
    timeout 60 "$imgbatch" "$@" --store store.db --workers 2 \
    >>"$place/out" 2>&1 </dev/null)
}
options=(-o output.csv --images images --retries 1)
# Stopped early, gone on with, and once more from the beginning.
recorded run ../input.csv "${options[@]}" --max-images 3
first=$?
recorded resume
second=$?
recorded run ../input.csv "${options[@]}" --new
third=$?
if [ "$first $second $third" != "7 3 3" ]; then
  cat "$place/out"
  echo "not ok - the recorded runs end with $first $second $third"
  exit 1
fi

"$build/power_states" "$place/log" "$place/input.csv" "$place/work" "$scratch" \
  "$states" "$seed" >"$scratch/result"
grep VIOLATION "$scratch/result" | head -50
tail -1 "$scratch/result"
read -r points _ _ _ _ differences _ < <(tail -1 "$scratch/result")
verdict "power loss" "$points" "$differences" "states of the disk"
[ "$differences" -eq 0 ] || exit 1

# The test of the test: a disk that lies about syncs must be found out.
POWER_IGNORE_SYNC=1 "$build/power_states" "$place/log" "$place/input.csv" \
  "$place/work" "$scratch" 3000 "$seed" >"$scratch/lies"
if grep -q VIOLATION "$scratch/lies"; then
  echo "ok - a disk that does not sync is found out"
else
  echo "not ok - a disk that does not sync is not found out"
  exit 1
fi
