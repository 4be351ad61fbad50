#!/bin/bash
# All the scripts of this directory, one after the other, or the named ones:
#
#   tests/crash/run.sh BUILD [SCRIPT...]
#   tests/crash/run.sh BUILD --sample     a minute's worth, for tests/run.sh
#
# What each one tries is said at its top; each line of output begins with
# "ok -" or "not ok -".
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?a build directory}")
shift

status=0
try() {
  local script=$here/$1.sh
  shift
  "$script" "$build" "$@" || status=1
}

if [ "${1:-}" = --sample ]; then
  try kill_points --every 11
  try error_points --every 41 ENOSPC+ EIO EINTR EMFILE
  try power 300
  exit $status
fi
if [ $# -gt 0 ]; then
  for name in "$@"; do try "$name"; done
  exit $status
fi
try kill_points --workers 1
try kill_points --workers 8
try kill_points --workers 1 --how torn
try kill_points --workers 2 --resume
try error_points
try power 4000
exit $status
