#!/usr/bin/env bash
# Debian packages of the kernel guest, of the BPF build and of the containers. Quick when all are there.
set -euo pipefail

packages=(
  qemu-system-x86 busybox-static cpio kmod xz-utils util-linux procps # the guest
  clang llvm gcc make libc6-dev libbpf-dev libelf-dev zlib1g-dev bpftool # the BPF programs and their loader
  runc iproute2 nftables mmdebstrap squashfs-tools-ng debian-archive-keyring # the containers and their network
)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}" >&2
if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get. Install what these Debian packages hold, then run make setup again: ${missing[*]}" >&2
  exit 1
fi
source "$(dirname "$0")/../setup/as-root.sh"
find_root "As root: apt-get install --no-install-recommends ${missing[*]}"

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2
}
# The package lists may be absent or name versions that are gone: refresh them only then.
install || { "${as_root[@]}" apt-get update -qq >&2 && install; }
