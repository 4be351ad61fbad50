# shellcheck shell=bash disable=SC2034,SC2154
# What the scripts of tests/crash/ share. They source it with the build
# directory as their first argument:
#
#   . "$(dirname "$(readlink -f "$0")")/lib.sh"
#
# A "place" is a directory with one small batch of its own: an origin with its
# log, input.csv, and after a run output.csv, images/ and store.db.
# Every script prints "ok - …" or "not ok - …" with the points that it tried.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(readlink -f "${1:?a build directory}")
shift
# More than cores: a run waits a quarter of a second before it tries again.
jobs=${CRASH_JOBS:-$(($(nproc) * 2))}

# What is killed is a process, not a machine: memory is as good as a disk and
# much faster. Scripts about disks set CRASH_DISK=1.
scratch_parent() {
  if [ -z "${CRASH_DISK:-}" ] && [ -w /dev/shm ] &&
    [ "$(df -k --output=avail /dev/shm | tail -1)" -gt 400000 ]; then
    echo /dev/shm
  else
    echo "${TMPDIR:-/tmp}"
  fi
}
scratch=$(mktemp -d "$(scratch_parent)/imgbatch-crash.XXXXXX")
started=$SECONDS

# Copies, so that a build meanwhile does no harm.
mkdir "$scratch/bin"
if ! cp "$build"/{imgbatch,test_origin,libstrike_at.so} "$scratch/bin"; then
  echo "not ok - build the targets imgbatch, test_origin and crash_tools first"
  exit 1
fi
imgbatch=$scratch/bin/imgbatch
strike=$scratch/bin/libstrike_at.so

# Ends our own children, by their ids, and cleans up.
cleanup() {
  local pid
  for pid in $(jobs -p); do kill -9 "$pid" 2>/dev/null; done
  wait 2>/dev/null
  [ -n "${KEEP:-}" ] && echo "kept: $scratch" || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

unset "${!IMGBATCH_@}" STATE_DIRECTORY
export XDG_STATE_HOME=$scratch/state LC_ALL=C.UTF-8

# serve_place DIR [ORIGIN-OPTION...]: makes the directory, starts its origin.
# Sets $origin to its URL and $origin_pid.
serve_place() {
  local dir=$1
  shift
  mkdir -p "$dir/www"
  "$scratch/bin/test_origin" "$dir/www" --log "$dir/origin.log" "$@" \
    >"$dir/origin.out" 2>&1 </dev/null &
  origin_pid=$!
  until grep -q listening "$dir/origin.out" 2>/dev/null; do
    kill -0 "$origin_pid" 2>/dev/null || {
      echo "not ok - the origin does not start: $(cat "$dir/origin.out")"
      exit 1
    }
    sleep 0.01
  done
  origin=$(sed -n 's/listening on //p' "$dir/origin.out")
}

# small_batch DIR: four pictures, one of them in two cells, one that is not
# there, one that fails twice, a URL that is none.
small_batch() {
  cat >"$1/input.csv" <<END
S. No.,Product Name,Input Image Urls
1,Boots,"$origin/ppm?w=40&h=30&seed=1,$origin/ppm?w=40&h=30&seed=2"
2,Teapot,"$origin/status/404,$origin/ppm?w=40&h=30&seed=1"
3,Lamp,"$origin/status/503,$origin/ppm?w=30&h=40&seed=3"
4,Mug,$origin/ppm?w=64&h=64&seed=4
5,None,http://
END
}

# The options of every run. Two tries, so that retries are part of it.
run_options=(-o output.csv --images images --store store.db --retries 1)

# run_place DIR [OPTION...] and resume_place DIR [OPTION...]; what they print
# is in DIR/err and DIR/out, their status is returned.
run_place() {
  local dir=$1
  shift
  { (cd "$dir" && exec timeout 60 "$imgbatch" run input.csv \
    "${run_options[@]}" "$@" >out 2>err </dev/null); } 2>/dev/null
}
resume_place() {
  local dir=$1
  shift
  { (cd "$dir" && exec timeout 60 "$imgbatch" resume --store store.db "$@" \
    >out 2>err </dev/null); } 2>/dev/null
}
# struck N HOW COMMAND...: the command with the strike at its n-th call; what
# was struck is in $strike_log, which is empty when the end came before.
struck() {
  local at=$1 how=$2
  shift 2
  rm -f "$strike_log"
  LD_PRELOAD=$strike STRIKE_AT=$at STRIKE_HOW=$how STRIKE_LOG=$strike_log "$@"
}
# The preload is for imgbatch alone: `timeout` inherits it and changes no
# files, so its calls do not count.

# clean_place DIR: as before the first run.
clean_place() {
  rm -rf "$1"/{output.csv,images,out,err,store.db*} "$1"/.[!.]*
}

# was_finished DIR: the last resume found nothing to do. What is compared then
# tells whether that is true.
was_finished() {
  grep -q 'nothing to resume' "$1/err"
}

# has_batch DIR: whether the store knows a batch.
has_batch() {
  [ -e "$1/store.db" ] &&
    "$imgbatch" status --store "$1/store.db" --json 2>/dev/null |
    grep -q '"status"'
}

uuid='[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}'

# digest DIR: everything that must be the same however the batch came about,
# as text. What differs from run to run (ids, times) is left out, and what may
# differ between origins (the port) is replaced.
digest() {
  (
    cd "$1" || exit
    echo "== output.csv"
    cat output.csv 2>&1
    echo "== images"
    find images -type f ! -name .imgbatch -print0 2>/dev/null | sort -z |
      xargs -0r sha256sum
    echo "== left behind"
    find . \( -name '*part*' -o -path './store.db.files/tmp/*' -o \
      -path './store.db.files/owners/*' \) -print
    find store.db.files/inputs -type f 2>/dev/null | wc -l
    find store.db.files/pool -type f -printf '%f\n' 2>/dev/null | sort
    echo "== store"
    "$imgbatch" status --store store.db --json 2>&1 | grep -c '"status"'
    {
      "$imgbatch" status latest --store store.db --json --failed 2>&1
      "$imgbatch" export latest --store store.db --format jsonl -o - 2>&1
    } | sed -E -e "s/$uuid/ID/g" -e "s|$PWD|DIR|g" -e 's/[{,]"/\n"/g' |
      grep -v -E '^"([a-z]+_at|downloaded)":'
  ) | sed "s|$origin|http://ORIGIN|g"
}

# reference_run: an undisturbed run with "${options[@]}" in a place of its own:
# its status in $expected_status, its digest in $scratch/expected.
reference_run() {
  serve_place "$scratch/reference"
  small_batch "$scratch/reference"
  run_place "$scratch/reference" "${options[@]}"
  expected_status=$?
  digest "$scratch/reference" >"$scratch/expected"
  kill "$origin_pid"
  [ "$expected_status" -eq 3 ] && return
  cat "$scratch/reference/err"
  echo "not ok - the undisturbed run ends with $expected_status"
  exit 1
}

# done_targets DIR: paths of the images that the store calls done.
done_targets() {
  "$imgbatch" export latest --store "$1/store.db" --format jsonl -o - \
    2>/dev/null | sed -n '/"state":"done"/s|.*"url":"http://[^/"]*\([^"]*\)".*|\1|p'
}

# fetched_again DIR LINE DONE: the targets of DONE that were asked for after
# line LINE of the origin's log.
fetched_again() {
  tail -n "+$(($2 + 1))" "$1/origin.log" | awk '{ print $4 }' |
    grep -Fxf <(echo "$3") | sort | uniq -c | sed 's/^/fetched again: /'
}

# each_job FUNCTION: runs it with 0 .. jobs-1 at the same time and
# prints what they printed.
each_job() {
  local job pids=()
  for ((job = 0; job < jobs; job++)); do
    "$1" "$job" >"$scratch/job.$job" 2>&1 &
    pids+=($!)
  done
  wait "${pids[@]}"
  for ((job = 0; job < jobs; job++)); do cat "$scratch/job.$job"; done
}

# verdict NAME POINTS DIFFERENCES WHAT: the one line of a script.
verdict() {
  local word="ok"
  [ "$3" -eq 0 ] && [ "$2" -gt 0 ] || word="not ok"
  echo "$word - $1: $2 $4, $3 differences, $((SECONDS - started)) s"
}
