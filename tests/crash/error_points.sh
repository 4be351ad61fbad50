#!/bin/bash
# Makes the n-th system call that changes a file fail, for every n, then goes
# on without trouble and compares with an undisturbed run.
#
#   tests/crash/error_points.sh BUILD [--every K] [KIND...]
#
# KIND is an errno, with + when all calls from the n-th on fail:
#   ENOSPC EIO    one call;  ENOSPC+ EIO+: a disk that stays full or broken
#   EINTR         one call; nobody may notice
#   EMFILE EMFILE+  opens and sockets instead of changes
# The run must stop with status 6 or 8 and one line (or not notice), no image
# may fail for it, and going on must lead to the undisturbed result.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
every=1 kinds=()
while [ $# -gt 0 ]; do
  case $1 in
    --every) every=$2 && shift ;;
    -*) echo "not ok - unknown option $1" && exit 2 ;;
    *) kinds+=("$1") ;;
  esac
  shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(ENOSPC ENOSPC+ EIO EIO+ EINTR EMFILE EMFILE+)
options=(--workers 1)
reference_run

complain() {
  echo "DIFFERENCE $kind at call $1 ($2): ${*:3}"
}

# try_point DIR N: prints DIFFERENCE lines; returns 1 when no strike came.
try_point() {
  local dir=$1 at=$2 status where finished lines again complaints
  strike_log=$dir/struck
  clean_place "$dir"
  struck "$at" "${kind%+}" run_place "$dir" "${options[@]}"
  status=$?
  [ -s "$strike_log" ] || return 1
  where=$(sed "s|$dir/||" "$strike_log")
  complaints=$(grep -c '^imgbatch: ' "$dir/err")
  case $status:$kind in
    "$expected_status":*) ;;
    6:EINTR | 8:EINTR) complain "$at" "$where" "$(cat "$dir/err")" ;;
    6:* | 8:*)
      [ "$complaints" -eq 1 ] ||
        complain "$at" "$where" "$complaints lines: $(cat "$dir/err")"
      echo "LINE $status $(sed -n "s|$dir|DIR|g;s/^imgbatch: //p" "$dir/err")"
      ;;
    *) complain "$at" "$where" "status $status: $(cat "$dir/err")" ;;
  esac
  finished=$(done_targets "$dir")
  lines=$(wc -l <"$dir/origin.log")
  if [ "$status" -ne "$expected_status" ]; then
    if has_batch "$dir"; then
      resume_place "$dir" --workers 1
    else
      run_place "$dir" "${options[@]}"
    fi
    status=$?
    [ "$status" -eq "$expected_status" ] ||
      complain "$at" "$where" "going on ends with $status: $(cat "$dir/err")"
    again=$(fetched_again "$dir" "$lines" "$finished")
    [ -z "$again" ] || complain "$at" "$where" "$again"
  fi
  # Should the very last change have failed, the next command tidies up.
  resume_place "$dir"
  if ! digest "$dir" | diff "$scratch/expected" - >"$dir/diff"; then
    complain "$at" "$where" "$(head -20 "$dir/diff")"
  fi
}

run_job() {
  local job=$1 dir=$scratch/place.${kind%+}.$1 at
  rm -rf "$dir"; serve_place "$dir"
  small_batch "$dir"
  case $kind in *+) export STRIKE_FOR=ever ;; esac
  case $kind in EMFILE*) export STRIKE_WHAT=files ;; esac
  for ((at = 1 + job * every; ; at += jobs * every)); do
    try_point "$dir" "$at" || break
    echo POINT
  done
  kill "$origin_pid"
}

all_differences=0
for kind in "${kinds[@]}"; do
  started=$SECONDS
  each_job run_job >"$scratch/all"
  grep -v -E '^(POINT$|LINE)' "$scratch/all" | head -200
  [ -z "${VERBOSE:-}" ] || grep '^LINE' "$scratch/all" | sort | uniq -c
  points=$(grep -c '^POINT$' "$scratch/all")
  differences=$(grep -c '^DIFFERENCE' "$scratch/all")
  verdict "$kind at every call" "$points" "$differences" "calls failed"
  all_differences=$((all_differences + differences))
done
[ "$all_differences" -eq 0 ]
