#!/bin/bash
# Kills a small batch at every system call that changes a file, goes on with
# it, and compares with an undisturbed run: output CSV, images, store; nothing
# that was done may be fetched again.
#
#   tests/crash/kill_points.sh BUILD [OPTION...]
#     --workers N    threads of imgbatch (1)
#     --how HOW      kill or torn, see strike_at.cc (kill)
#     --every K      only each k-th call (1)
#     --resume       kills the going on as well, once per first kill, at a call
#                    that differs from one to the next
# CRASH_JOBS places are worked on at the same time; KEEP=1 keeps them.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
workers=1 how=kill every=1 second=
while [ $# -gt 0 ]; do
  case $1 in
    --workers) workers=$2 && shift ;;
    --how) how=$2 && shift ;;
    --every) every=$2 && shift ;;
    --resume) second=yes ;;
    *) echo "not ok - unknown option $1" && exit 2 ;;
  esac
  shift
done
options=(--workers "$workers")

reference_run

# way_on DIR: what somebody does after a crash: resume, or run when the batch
# had not been recorded.
way_on() {
  if has_batch "$1"; then echo resume; else echo run; fi
}
# go_on WAY DIR
go_on() {
  if [ "$1" = resume ]; then
    resume_place "$2" --workers "$workers"
  else
    run_place "$2" "${options[@]}"
  fi
}

complain() {
  echo "DIFFERENCE at call $1 ($2): ${*:3}"
}

# try_point DIR N: prints DIFFERENCE lines; returns 1 when no strike came.
try_point() {
  local dir=$1 at=$2 status where way='' again
  strike_log=$dir/struck
  clean_place "$dir"
  struck "$at" "$how" run_place "$dir" "${options[@]}"
  status=$?
  [ -s "$strike_log" ] || return 1
  where=$(sed "s|$dir/||" "$strike_log")
  [ "$status" -eq 137 ] ||
    complain "$at" "$where" "status $status, $(cat "$dir/err")"
  remember "$dir"
  if [ -n "$second" ]; then
    # A call of the second process: all of them within some tens of points.
    strike_log=$dir/struck-again
    way=$(way_on "$dir")
    struck $((at * 7 % 97 + 1)) "$how" go_on "$way" "$dir"
    status=$?
    if [ -s "$strike_log" ]; then
      where="$where, then $(sed "s|$dir/||" "$strike_log")"
      echo SECOND
      way=''
    fi
    compare_log "$dir" "$at" "$where"
    remember "$dir"
  fi
  # Unless the second process came to its end before the strike.
  if [ -z "$way" ]; then
    way=$(way_on "$dir")
    go_on "$way" "$dir"
    status=$?
    compare_log "$dir" "$at" "$where"
  fi
  was_finished "$dir" || [ "$status" -eq "$expected_status" ] ||
    complain "$at" "$where" "$way ends with $status: $(cat "$dir/err")"
  if ! digest "$dir" | diff "$scratch/expected" - >"$dir/diff"; then
    complain "$at" "$where" "$(head -20 "$dir/diff")"
  fi
}

# remember DIR: what is done now, and how long the origin's log is.
remember() {
  finished=$(done_targets "$1")
  lines=$(wc -l <"$1/origin.log")
}
# compare_log DIR N WHERE: against what was remembered.
compare_log() {
  local again
  again=$(fetched_again "$1" "$lines" "$finished")
  [ -z "$again" ] || complain "$2" "$3" "$again"
}

run_job() {
  local job=$1 dir=$scratch/place.$1 at
  serve_place "$dir"
  small_batch "$dir"
  for ((at = 1 + job * every; ; at += jobs * every)); do
    try_point "$dir" "$at" || break
    echo POINT
  done
  kill "$origin_pid"
}

each_job run_job >"$scratch/all"
grep -v -E '^(POINT|SECOND)$' "$scratch/all" | head -200
points=$(grep -c '^POINT$' "$scratch/all")
differences=$(grep -c '^DIFFERENCE' "$scratch/all")
what="calls killed ($how)"
[ -z "$second" ] ||
  what="$what, $(grep -c '^SECOND$' "$scratch/all") of them twice"
verdict "kill at every call, $workers workers" "$points" "$differences" "$what"
[ "$differences" -eq 0 ]
