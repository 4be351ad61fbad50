#!/bin/bash
# Installs the Debian packages of the named sections of samples/packages.txt,
# those that are missing only:  samples/install-packages.sh build test
set -euo pipefail
list=$(dirname "$(readlink -f "$0")")/packages.txt

if [ $# -eq 0 ]; then
  echo "usage: $0 SECTION...   (sections of $list)" >&2
  exit 2
fi

# The packages of one section, in file order.
packages_of() {
  local section='' line
  while read -r line; do
    case $line in
      '' | '#'*) ;;
      '['*']') section=${line:1:-1} ;;
      *) [ "$section" != "$1" ] || echo "$line" ;;
    esac
  done <"$list"
}

missing=()
for section in "$@"; do
  mapfile -t packages < <(packages_of "$section")
  if [ ${#packages[@]} -eq 0 ]; then
    echo "$0: no section '$section' in $list" >&2
    exit 2
  fi
  for package in "${packages[@]}"; do
    # shellcheck disable=SC2016  # The format is dpkg-query's own.
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>&1 || true)
    [ "$status" = installed ] || missing+=("$package")
  done
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "packages are missing, and this is neither root nor is there sudo;" \
      "as root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo "${as_root[@]}")
fi

echo "installing ${missing[*]}"
options=(-qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
"${as_root[@]}" apt-get "${options[@]}" update
"${as_root[@]}" apt-get "${options[@]}" -y --no-install-recommends \
  install "${missing[@]}" >/dev/null
