#!/bin/bash
# SIGTERM and SIGINT at random moments while images are being downloaded: no
# claim after 100 ms, exit within 2 s with 143 or 130, nothing claimed any
# more, no try consumed; a second signal ends it within 200 ms.
#
#   tests/crash/signals.sh BUILD [TRIALS [SEED]]     (200 1)
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
trials=${1:-200} seed=${2:-1}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# mark DIR: a request of our own, to have a moment in the origin's log.
mark() {
  exec 9<>"/dev/tcp/127.0.0.1/${origin##*:}"
  printf 'GET /mark HTTP/1.0\r\n\r\n' >&9
  cat <&9 >/dev/null
  exec 9>&-
}

# one_trial DIR N SIGNAL STATUS: prints what went wrong.
one_trial() {
  local dir=$1 number=$2 signal=$3 expected=$4 pid begin took status
  clean_place "$dir"
  : >"$dir/err"
  (cd "$dir" && exec "$imgbatch" run input.csv "${run_options[@]}" -q \
    --per-host 20 2>err </dev/null) &
  pid=$!
  sleep "0.$(printf '%03d' $((RANDOM % 600 + 150)))"
  mark
  kill "-$signal" "$pid" 2>/dev/null
  begin=$(now_ms)
  [ $((number % 4)) -ne 3 ] || kill "-$signal" "$pid" 2>/dev/null
  { wait "$pid"; } 2>/dev/null
  status=$?
  took=$(($(now_ms) - begin))
  [ "$status" -eq "$expected" ] ||
    echo "DIFFERENCE status $status after SIG$signal: $(cat "$dir/err")"
  if [ $((number % 4)) -eq 3 ]; then
    [ "$took" -le 200 ] || echo "DIFFERENCE second signal: exit after $took ms"
  else
    [ "$took" -le 2000 ] || echo "DIFFERENCE exit after $took ms"
    echo "TOOK $took"
    # Of the second signal nothing is promised here: the next process finds it.
    "$imgbatch" status latest --store "$dir/store.db" --json |
      grep -q '"running":0' || echo "DIFFERENCE images are still claimed"
    grep -q 'go on with: imgbatch resume' "$dir/err" ||
      echo "DIFFERENCE it does not say how to go on: $(cat "$dir/err")"
  fi
  sed -n '/ \/mark /,$p' "$dir/origin.log" | awk '
    / \/mark / { at = $2; next }
    $2 > at + 100 { printf "DIFFERENCE request %d ms after it\n", $2 - at }'
  : >"$dir/origin.log"
}

run_job() {
  local job=$1 dir=$scratch/place.$1 number n
  serve_place "$dir"
  RANDOM=$((seed + job))
  {
    echo 'S. No.,Product Name,Input Image Urls'
    for ((n = 0; n < 200; n++)); do
      echo "$n,Product,$origin/slow?ms=$((RANDOM % 300 + 50))&seed=$n"
    done
    echo "200,Product,$origin/status/503"
  } >"$dir/input.csv"
  for ((number = job; number < trials; number += jobs)); do
    if [ $((number % 8)) -lt 6 ]; then
      one_trial "$dir" "$number" TERM 143
    else
      one_trial "$dir" "$number" INT 130
    fi
    echo POINT
  done
  # What was stopped last goes on to the end, and no try was consumed.
  resume_place "$dir" -q
  "$imgbatch" status latest --store "$dir/store.db" --json --failed |
    grep -q '"done":200,"failed":1,.*"attempts":2' ||
    echo "DIFFERENCE at the end: $(cat "$dir/err")"
  kill "$origin_pid"
}

each_job run_job >"$scratch/all"
grep DIFFERENCE "$scratch/all" | sort | uniq -c | sort -rn | head -50
differences=$(grep -c DIFFERENCE "$scratch/all")
awk '/^TOOK/ { if ($2 > most) most = $2; sum += $2; n++ }
  END { printf "exit after %d ms on average, %d ms at most\n", sum / n, most }' \
  "$scratch/all"
verdict "signals" "$(grep -c POINT "$scratch/all")" "$differences" "trials"
[ "$differences" -eq 0 ]
