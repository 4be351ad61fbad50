#!/bin/bash
# Kills a batch of many tiny images at random moments, going on each time,
# until there were KILLS of them; batches follow each other as they end.
#
#   tests/crash/random_kills.sh BUILD [KILLS [IMAGES [SEED]]]   (200 20000 1)
#
# Nothing may be lost or there twice: each output CSV and each image is that of
# an undisturbed run, attempts are not consumed. What was fetched again is
# bounded by what was in flight at each kill.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
kills=${1:-200} images=${2:-20000} RANDOM=${3:-1}

place=$scratch/place
serve_place "$place"
# Every 1000th is not there, every 2000th fails for good after two tries.
{
  echo 'S. No.,Product Name,Input Image Urls'
  for ((n = 1; n <= images; n += 4)); do
    row=''
    for ((k = n; k < n + 4 && k <= images; k++)); do
      case $((k % 2000)) in
        0) row="$row,$origin/status/503?id=$k" ;;
        1000) row="$row,$origin/status/404?id=$k" ;;
        *) row="$row,$origin/ppm?w=8&h=8&seed=$k" ;;
      esac
    done
    echo "$n,Product $n,\"${row:1}\""
  done
} >"$place/input.csv"
concurrency=64
options=(--concurrency "$concurrency" --per-host "$concurrency" -q)

# fingerprint: of everything that must come out the same.
fingerprint() {
  (
    cd "$place" || exit
    cat output.csv
    find images -type f ! -name .imgbatch -print0 | sort -z | xargs -0 sha256sum
    "$imgbatch" status latest --store store.db --json --failed |
      grep -oE '"(total|done|failed|pending|running|waiting)":[0-9]+|"attempts":[0-9]+'
  ) | sha256sum
}

run_place "$place" "${options[@]}"
status=$?
expected=$(fingerprint)
undisturbed=$SECONDS
if [ "$status" -ne 3 ]; then
  cat "$place/err"
  echo "not ok - the undisturbed run ends with $status"
  exit 1
fi
echo "undisturbed: $images images in $((undisturbed - started)) s"

killed=0 batches=0 differences=0
lines=$(wc -l <"$place/origin.log")
while [ "$killed" -lt "$kills" ]; do
  clean_place "$place"
  batches=$((batches + 1))
  while [ "$killed" -lt "$kills" ]; do
    cd "$place" || exit
    if has_batch "$place"; then
      "$imgbatch" resume --store store.db -q --concurrency $concurrency \
        2>err </dev/null &
    else
      "$imgbatch" run input.csv "${run_options[@]}" "${options[@]}" \
        2>err </dev/null &
    fi
    pid=$!
    sleep "0.$(printf '%03d' $((RANDOM % 400 + 20)))"
    kill -9 "$pid" 2>/dev/null
    { wait "$pid"; } 2>/dev/null
    case $? in
      137) killed=$((killed + 1)) ;;
      3 | 0) break ;;
      *)
        echo "DIFFERENCE status after kill $killed: $(cat err)"
        differences=$((differences + 1))
        ;;
    esac
    cd "$scratch" || exit
  done
  # To the end; it may have come there before the last kill.
  resume_place "$place" -q
  actual=$(fingerprint)
  if [ "$actual" != "$expected" ]; then
    echo "DIFFERENCE in batch $batches: $(cat "$place/err")"
    differences=$((differences + 1))
  fi
done

# GETs beyond one per image (two for those that fail twice).
gets=$(($(wc -l <"$place/origin.log") - lines))
needed=$((batches * (images + images / 2000)))
again=$((gets - needed))
# In flight are the downloads and a few images that wait for workers and disk.
bound=$((kills * (concurrency + 4 * $(nproc) + 8)))
echo "$batches batches, $again images fetched again," \
  "$((again / kills)) a kill; the bound is $((bound / kills))"
[ "$again" -le "$bound" ] || differences=$((differences + 1))
verdict "random kills of $images images" "$killed" "$differences" "kills"
[ "$differences" -eq 0 ]
