#!/bin/bash
# Runs the real binary as a user would, each case in a fresh directory with a
# fresh store and an origin of its own:
#
#   tests/commands/run.sh BUILD-DIRECTORY [CASE...]
#   BLESS=1 tests/commands/run.sh ...    take what is printed as expected
#
# A case is a directory with `cmd`, a bash script, and what it must print and
# return: `stdout`, `stderr`, `status` (a missing one: nothing, nothing, 0).
# Other files of it are copied beside. The script has the functions of lib.sh;
# what differs from run to run is replaced by `normalise`.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?a build directory}")
shift
export here build
for program in imgbatch test_origin make_samples; do
  if [ ! -x "$build/$program" ]; then
    echo "not ok - commands: there is no $build/$program"
    exit 1
  fi
done
shared=$(mktemp -d)
export shared
trap 'rm -rf "$shared"' EXIT
"$build/make_samples" "$shared/images" >/dev/null || exit 1

# What differs from run to run or with the encoders: addresses, directories,
# ids, locks, processes, times, sizes.
normalise() {
  sed -E -e "s|http://127\.0\.0\.1:$port|http://ORIGIN|g" \
    -e "s|$scratch|DIR|g" \
    -e 's/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g' \
    -e 's/[0-9a-f]{32}\.lock/LOCK/g' -e 's/\b[0-9a-f]{8}\b/ID/g' \
    -e 's/process \([0-9]+\)/process (PID)/' -e 's/ in [0-9]+:[0-9]{2}$/ in TIME/' \
    -e 's/[0-9.]+ [kM]?B became [0-9.]+ [kM]?B: [0-9.]+ %/SIZE became SIZE: N %/'
}

# run_case NAME: the differences, and one line that says ok or not ok.
run_case() {
  local name=$1 source=$here/$1 part expected bad='' origin port
  scratch=$(mktemp -d)
  mkdir "$scratch/work" "$scratch/home" "$scratch/actual"
  cp -r "$source/." "$scratch/work"
  (cd "$scratch/work" && rm -f cmd stdout stderr status)

  : >"$scratch/origin"
  "$build/test_origin" "$shared/images" --log "$scratch/origin.log" \
    >"$scratch/origin" 2>&1 </dev/null &
  origin=$!
  until grep -q listening "$scratch/origin"; do
    kill -0 "$origin" 2>/dev/null || break
    sleep 0.02
  done
  port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$scratch/origin")

  (
    cd "$scratch/work" || exit
    env -i PATH="$build:/usr/bin:/bin" HOME="$scratch/home" LC_ALL=C.UTF-8 \
      TERM=dumb ORIGIN="http://127.0.0.1:$port" LOG="$scratch/origin.log" \
      BASH_ENV="$here/lib.sh" timeout 90 bash "$source/cmd" \
      >"$scratch/raw.stdout" 2>"$scratch/raw.stderr" </dev/null
    echo $? >"$scratch/raw.status"
  )
  kill "$origin"
  wait "$origin" 2>/dev/null
  [ "$(cat "$scratch/raw.status")" = 0 ] && : >"$scratch/raw.status"

  for part in stdout stderr status; do
    normalise <"$scratch/raw.$part" >"$scratch/actual/$part"
    expected=$source/$part
    if [ "${BLESS:-}" = 1 ]; then
      rm -f "$expected"
      [ -s "$scratch/actual/$part" ] && cp "$scratch/actual/$part" "$expected"
    fi
    [ -e "$expected" ] || expected=/dev/null
    diff -u --label "$name: expected $part" --label "$name: $part" \
      "$expected" "$scratch/actual/$part" || bad=yes
  done
  chmod -R u+rwX "$scratch"
  rm -rf "$scratch"
  if [ -n "$bad" ]; then
    echo "not ok - commands/$name"
  else
    echo "ok - commands/$name"
  fi
}
export -f run_case normalise

cases=("$@")
if [ ${#cases[@]} -eq 0 ]; then
  mapfile -t cases < <(cd "$here" && find . -mindepth 2 -name cmd |
    sed 's|^\./||; s|/cmd$||' | sort)
fi
# Two at a time: most of them wait for something.
# shellcheck disable=SC2016  # The inner shell expands it.
printf '%s\0' "${cases[@]}" | xargs -0 -n 1 -P 2 bash -c '
  output=$(run_case "$1" 2>&1)
  printf "%s\n" "$output"' _ | tee "$shared/log"
! grep -q '^not ok' "$shared/log"
