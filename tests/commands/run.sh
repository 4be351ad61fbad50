#!/bin/bash
# Runs the real binary as a user would, each case in a fresh directory with a
# fresh store and the test origin:
#
#   tests/commands/run.sh BUILD-DIRECTORY [CASE...]
#   BLESS=1 tests/commands/run.sh ...    take what is printed as expected
#
# A case is a directory with `cmd`, a bash script, and what it must print and
# return: `stdout`, `stderr`, `status` (missing: nothing, nothing, 0). Other
# files of it are copied beside. What differs from run to run is replaced:
# see normalise.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?a build directory}")
shift
export here build

# Batch ids, the origin, directories, times, rates.
normalise() {
  sed -E -e "s|$ORIGIN|http://ORIGIN|g" -e "s|$PWD|DIR|g" \
    -e 's/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/BATCH/g' \
    -e "s|${PWD//\//.}|DIR|g"
}

# run_case NAME: one line that says ok or not ok.
run_case() {
  local name=$1 source=$here/$1 scratch status expected part bad=''
  scratch=$(mktemp -d)
  mkdir "$scratch/work" "$scratch/home"
  cp -r "$source/." "$scratch/work"
  (cd "$scratch/work" && rm -f cmd stdout stderr status)
  (
    cd "$scratch/work" || exit
    env -i PATH="$build:/usr/bin:/bin" HOME="$scratch/home" LC_ALL=C.UTF-8 \
      XDG_STATE_HOME="$scratch/home/state" ORIGIN="$ORIGIN" BUILD="$build" \
      TERM=dumb timeout 60 bash "$source/cmd" \
      >"$scratch/stdout.raw" 2>"$scratch/stderr.raw" </dev/null
    echo $? >"$scratch/status"
    normalise <"$scratch/stdout.raw" >"$scratch/stdout"
    normalise <"$scratch/stderr.raw" >"$scratch/stderr"
  )
  [ "$(cat "$scratch/status")" = 0 ] && : >"$scratch/status"
  for part in stdout stderr status; do
    expected=$source/$part
    if [ "${BLESS:-}" = 1 ]; then
      rm -f "$expected"
      [ -s "$scratch/$part" ] && cp "$scratch/$part" "$expected"
    fi
    [ -e "$expected" ] || expected=/dev/null
    diff -u --label "expected $part" "$expected" --label "$part" \
      "$scratch/$part" || bad=yes
  done
  if [ -n "$bad" ]; then
    echo "not ok - commands/$name"
    status=1
  else
    echo "ok - commands/$name"
    status=0
  fi
  chmod -R u+rwX "$scratch"
  rm -rf "$scratch"
  return "$status"
}
export -f run_case normalise

cases=("$@")
if [ ${#cases[@]} -eq 0 ]; then
  mapfile -t cases < <(cd "$here" && ls -d ./*/ 2>/dev/null | tr -d './')
fi
[ ${#cases[@]} -gt 0 ] || exit 0
