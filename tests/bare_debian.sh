#!/bin/bash
# Proves that the list of packages is complete: makes a bare Debian 12 with
# debootstrap, clones the last commit into it, and runs both commands of the
# README there, each twice. As root; takes some minutes:
#
#   tests/bare_debian.sh [SCRATCH-DIRECTORY]
#
# Packages come from the first deb.debian.org mirror that apt knows here.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
scratch=${1:-$(mktemp -d)}
bare=$scratch/bare
command -v debootstrap >/dev/null || apt-get install -y debootstrap

debootstrap --variant=minbase bookworm "$bare" http://deb.debian.org/debian \
  >"$scratch/debootstrap.log"
cp /etc/apt/sources.list.d/debian.sources "$bare/etc/apt/sources.list.d/"
rm -f "$bare/etc/apt/sources.list"
git clone -q "$root" "$bare/root/imgbatch"
mount -t proc proc "$bare/proc"
mount --rbind /dev "$bare/dev"
mount --make-rslave "$bare/dev"
trap 'umount -R "$bare/dev" "$bare/proc"' EXIT

inside() {
  local begin=$SECONDS status=0
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    chroot "$bare" "$@" </dev/null || status=$?
  echo "== bare Debian: $* took $((SECONDS - begin)) s, status $status"
  return "$status"
}
for round in 1 2; do
  echo "== bare Debian, round $round"
  inside /root/imgbatch/samples/quickstart.sh
  inside /root/imgbatch/tests/run.sh
done
