#!/bin/bash
# Installs what is missing, builds, runs tests; the same for people and CI.
#
#   tests/run.sh              the default sets: unit commands crash layering
#                             format lint
#   tests/run.sh SET...       these sets
#   tests/run.sh --all        all sets: the default ones, asan tsan fuzz tidy
#
#   unit      GoogleTest programs, contract suites among them
#   commands  the real binary in a fresh directory, tests/commands/
#   crash     a minute of tests/crash/run.sh: kills, full disks, power loss
#   layering  who includes whom, and that the lists of files agree
#   format    clang-format
#   lint      shellcheck, mandoc, and what the manual promises
#   asan      unit and commands under AddressSanitizer and UBSan
#   tsan      unit and commands under ThreadSanitizer
#   fuzz      each fuzz target for FUZZ_SECONDS (20)
#   tidy      clang-tidy
#
# The last line is always "N passed, N failed".
set -uo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root" || exit 1
default_sets=(unit commands crash layering format lint)
all_sets=("${default_sets[@]}" asan tsan fuzz tidy)
jobs=$(nproc)
passed=0
failed=0

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && exit 0
  exit 1
}
trap finish EXIT
trap 'echo interrupted; failed=$((failed + 1)); exit 1' INT TERM

note() { echo "== $*"; }
fail() {
  echo "not ok - $*"
  failed=$((failed + 1))
}
# stop WHY: nothing can be tested any more.
stop() {
  fail "$@"
  exit 1
}

# script NAME COMMAND...: runs a test that prints "ok - ..." or "not ok - ..."
# for each of its cases, and counts those.
script() {
  local name=$1 log=$logs/$1.log status=0
  shift
  timeout 600 "$@" </dev/null 2>&1 | tee "$log" || status=$?
  passed=$((passed + $(grep -c '^ok - ' "$log")))
  local bad
  bad=$(grep -c '^not ok - ' "$log")
  failed=$((failed + bad))
  if [ "$bad" -eq 0 ] && [ "$status" -ne 0 ]; then
    fail "$name: exit status $status"
  fi
}

# build DIR CMAKE-OPTION...: configures and builds everything there.
build() {
  local dir=$1 begin=$SECONDS
  shift
  note "building in $dir"
  mkdir -p "$dir"
  if ! cmake -G Ninja -S "$root" -B "$dir" -DIMGBATCH_WERROR=ON \
    -DIMGBATCH_TESTS=ON "$@" \
    >"$logs/cmake.log" 2>&1; then
    cat "$logs/cmake.log"
    return 1
  fi
  if ! timeout 1500 ninja -C "$dir" all test_origin make_samples crash_tools \
    >"$logs/ninja.log" 2>&1; then
    grep -A30 '^FAILED' "$logs/ninja.log" | head -100
    return 1
  fi
  echo "built in $((SECONDS - begin)) s"
}

# gtests DIR: every GoogleTest program of a build directory through ctest.
gtests() {
  local dir=$1 name report names
  rm -rf "$dir/reports"
  mkdir -p "$dir/reports"
  names=$(ctest --test-dir "$dir" -N | sed -n 's/^ *Test *#[0-9]*: //p')
  GTEST_OUTPUT="xml:$dir/reports/" GTEST_COLOR=no timeout 900 \
    ctest --test-dir "$dir" -j "$jobs" --timeout 300 >"$dir/ctest.log" 2>&1
  for name in $names; do
    report=$dir/reports/$name.xml
    [ -s "$report" ] && count_report "$name" "$report"
    # It died, hung, or a sanitizer complained at its end: what it said.
    if grep -qE "Test +#[0-9]+: $name \.+.*\*\*\*" "$dir/ctest.log" &&
      ! grep -q '<failure' "$report" 2>/dev/null; then
      awk -v name="$name" '/^[0-9]+\/[0-9]+ Testing: / { show = ($3 == name) }
        show' "$dir/Testing/Temporary/LastTest.log" | tail -80
      fail "$name did not end well; run $dir/$name"
    fi
  done
}

# count_report NAME XML: adds up one program's report.
count_report() {
  local name=$1 report=$2 total bad skipped
  total=$(sed -n 's/^<testsuites tests="\([0-9]*\)".*/\1/p' "$report")
  bad=$(sed -n 's/^<testsuites .* failures="\([0-9]*\)".*/\1/p' "$report")
  skipped=$(grep -c 'result="skipped"' "$report")
  passed=$((passed + total - bad - skipped))
  failed=$((failed + bad))
  echo "$name: $((total - bad - skipped)) passed, $bad failed, $skipped skipped"
  [ "$bad" -eq 0 ] && return
  # The failing cases with their messages.
  awk '/<testcase/ { name = $0 }
    /<failure/ { print name; show = 1 }
    show { print }
    /<\/failure>/ { show = 0 }' "$report" | head -60
}

release_is_built=no
release() {
  [ "$release_is_built" = yes ] && return
  build "$root/build" -DCMAKE_BUILD_TYPE=Release || stop "the build"
  release_is_built=yes
}

set_unit() {
  release
  gtests "$root/build"
}
set_commands() {
  release
  script commands tests/commands/run.sh "$root/build"
}
set_crash() {
  release
  script crash tests/crash/run.sh "$root/build" --sample
}
set_layering() { script layering tests/layering_test.sh; }
set_format() {
  local bad
  bad=$(sources | xargs clang-format --dry-run -Werror 2>&1 |
    sed -n 's/:[0-9]*:[0-9]*: error: .*//p' | sort -u)
  if [ -n "$bad" ]; then
    fail "format; run: clang-format -i" "$(echo "$bad" | tr '\n' ' ')"
  else
    echo "ok - format"
    passed=$((passed + 1))
  fi
}
set_lint() { script lint tests/lint.sh "$root/build"; }
set_asan() {
  export ASAN_OPTIONS=detect_stack_use_after_return=1
  export UBSAN_OPTIONS=print_stacktrace=1
  sanitized build-asan address,undefined
}
set_tsan() {
  export TSAN_OPTIONS=halt_on_error=1
  sanitized build-tsan thread
}
sanitized() {
  if build "$root/$1" "-DIMGBATCH_SANITIZE=$2"; then
    gtests "$root/$1"
    script "commands-$1" tests/commands/run.sh "$root/$1"
  else
    fail "the build in $1"
  fi
}
set_fuzz() {
  samples/install-packages.sh fuzz || stop "installing packages"
  if build "$root/build-fuzz" -DCMAKE_CXX_COMPILER=clang++ \
    -DIMGBATCH_FUZZ=ON -DIMGBATCH_TESTS=OFF \
    -DIMGBATCH_SANITIZE=fuzzer-no-link,address,undefined; then
    script fuzz tests/fuzz/run.sh "$root/build-fuzz"
  else
    fail "the build in build-fuzz"
  fi
}
set_tidy() {
  samples/install-packages.sh tidy || stop "installing packages"
  release
  script tidy tests/tidy.sh "$root/build"
}
sources() {
  find . -path './build*' -prune -o \( -name '*.h' -o -name '*.cc' \) -print
}

sets=()
for argument in "$@"; do
  case $argument in
    --all) sets=("${all_sets[@]}") ;;
    -h | --help)
      sed -n '2,/^set/s/^#[ ]\{0,1\}//p' "$0"
      trap - EXIT
      exit 0
      ;;
    *)
      [[ " ${all_sets[*]} " == *" $argument "* ]] ||
        stop "no set '$argument'; there are: ${all_sets[*]}"
      sets+=("$argument")
      ;;
  esac
done
[ ${#sets[@]} -gt 0 ] || sets=("${default_sets[@]}")

logs=$root/build/logs
mkdir -p "$logs"
begin=$SECONDS
samples/install-packages.sh build test || stop "installing packages"
for name in "${sets[@]}"; do
  note "$name"
  "set_$name"
done
note "took $((SECONDS - begin)) s"
