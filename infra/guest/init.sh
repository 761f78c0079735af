#!/bin/busybox sh
# First program in the guest: the host's root, read-only, under a layer in memory; then start.sh as process 1.
/bin/busybox --install -s /bin
export PATH=/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

while read -r module; do
  insmod "/modules/$module" || echo "sluice: insmod $module failed" >/dev/console
done </modules/order

run=$(sed -n 's/.*sluice\.run=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t tmpfs -o size=80%,mode=755 layer /layer
mkdir /layer/upper /layer/work
options=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$options,ro,cache=loose" host /host || echo "sluice: the host's root did not mount" >/dev/console
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root ||
  echo "sluice: the layer in memory did not mount" >/dev/console
# Uncached, so that both sides see each other's writes at once.
mount -t 9p -o "$options,cache=none" run "/root$run" || echo "sluice: $run did not mount" >/dev/console

mount --move /dev /root/dev
umount /proc /sys
exec switch_root /root /bin/sh "$run/start.sh"
