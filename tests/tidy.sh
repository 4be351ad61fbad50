#!/bin/bash
# clang-tidy over our sources, or over those that are named; the checks are
# those of .clang-tidy:  tests/tidy.sh BUILD-DIRECTORY [FILE...]
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
build=${1:?a build directory}
shift
if [ $# -eq 0 ]; then
  mapfile -t files < <(find core formats store cli -name '*.cc' 2>/dev/null |
    sort)
  set -- "${files[@]}"
fi

tidy_one() {
  local output
  if output=$(clang-tidy --quiet -p "$1" "$2" 2>/dev/null); then
    echo "ok - tidy $2"
  else
    printf '%s\nnot ok - tidy %s\n' "$output" "$2"
    return 1
  fi
}
export -f tidy_one
# shellcheck disable=SC2016  # The inner shell expands it.
printf '%s\0' "$@" |
  xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy_one "$1" "$2"' _ "$build"
