#!/bin/bash
# Shell scripts through shellcheck, manual pages through mandoc, and what the
# manual promises against the program:  tests/lint.sh BUILD-DIRECTORY
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
build=${1:?a build directory}
status=0
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok - $name"
  else
    echo "$output"
    echo "not ok - $name"
    status=1
  fi
}

scripts() {
  find .ci samples tests -type f -exec grep -lE '^#!/bin/(ba)?sh' {} + | sort
}
mapfile -t found < <(scripts)
check shellcheck shellcheck -S warning "${found[@]}"

for page in man/*.[157]; do
  [ -e "$page" ] || continue
  check "mandoc $page" mandoc -T lint -W warning "$page"
done

# Every long option that --help shows has its line in imgbatch.1, and every
# option of the page is one that the program knows.
options_agree() {
  local help manual
  help=$(for command in '' run resume status retry export inspect cancel version; do
    # shellcheck disable=SC2086  # No command is no argument.
    "$build/imgbatch" $command --help
  done | grep -oE -- '--[a-z][a-z-]+' | sort -u)
  manual=$(sed -n 's/^\.It Fl.* Fl Fl \([a-z-]*\).*/--\1/p
    s/^\.It Fl Fl \([a-z-]*\).*/--\1/p' man/imgbatch.1 | sort -u)
  diff <(echo "$help") <(echo "$manual")
}
if [ -x "$build/imgbatch" ] && [ -e man/imgbatch.1 ]; then
  check "options of --help and of imgbatch.1" options_agree
fi
exit $status
