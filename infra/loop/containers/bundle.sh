#!/usr/bin/env bash
# Lays out a container's bundle: image below, a layer of its own above, its files in it. Run in the guest.
set -euo pipefail
image=$1 bundle=$2 files=$3
layers=$(dirname "$bundle")

if ! mountpoint -q "$layers/image"; then
  mkdir -p "$layers/image"
  modprobe loop
  mount -t squashfs -o loop,ro "$image" "$layers/image"
fi
mkdir -p "$bundle/rootfs" "$bundle/upper" "$bundle/work"
mount -t overlay -o "lowerdir=$layers/image,upperdir=$bundle/upper,workdir=$bundle/work" overlay "$bundle/rootfs"
cp -rT "$files" "$bundle/rootfs"
