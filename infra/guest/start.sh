#!/bin/sh
# Process 1 of the guest. Mounts what a node has, brings the network up, then serves the host's lines:
#   host → guest   run ID | kill PID SIGNAL
#   guest → host   up SECONDS | started ID PID | exited ID CODE
# A job is the folder jobs/ID of the run folder: `command` is run by bash, `output` takes what it prints.
# Owns: mounts, network, jobs. Does not own: limits of time (the host kills), what a job does.
run=$(dirname "$0")
. "$run/settings.sh" # cwd, path, forwards
export PATH="$path" HOME=/root LANG=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 run /run
mkdir -p /dev/pts /dev/shm /run/lock /var/lib/sluice
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
# An overlay cannot have another overlay as its upper layer: containers keep theirs here.
mount -t tmpfs -o size=60%,mode=755 sluice /var/lib/sluice
for link in 'fd /proc/self/fd' 'stdin fd/0' 'stdout fd/1' 'stderr fd/2'; do
  ln -snf "${link#* }" "/dev/${link%% *}"
done

release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "$modules/$release" "/lib/modules/$release"

echo guest >/proc/sys/kernel/hostname
ulimit -l unlimited
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

# Ports of the host's loopback that must answer on the guest's loopback: a broker advertises 127.0.0.1.
if [ -n "$forwards" ]; then
  echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
  nft -f - <<RULES || echo "sluice: ports $forwards are not forwarded" >/dev/console
table ip sluice {
  chain output {
    type nat hook output priority -100;
    ip daddr 127.0.0.1 tcp dport { $forwards } dnat to 10.0.2.2
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr 127.0.0.0/8 oifname "eth0" masquerade
  }
}
RULES
fi

for name in /sys/class/virtio-ports/*/name; do
  [ "$(cat "$name")" = sluice ] && port=/dev/$(basename "$(dirname "$name")")
done
cd "$cwd" || cd /

job() {
  # A session of its own, so that the whole of it can be killed at once.
  setsid bash "$run/jobs/$1/command" </dev/null >"$run/jobs/$1/output" 2>&1 3>&- &
  echo "started $1 $!" >&3
  wait "$!"
  echo "exited $1 $?" >&3
}

serve() {
  exec 3<>"$port"
  echo "up $(cut -d' ' -f1 /proc/uptime)" >&3
  while read -r word number signal <&3; do
    case $word in
      run) job "$number" & ;;
      kill) kill -s "$signal" -- "-$number" 2>/dev/null ;;
    esac
  done
}

serve &
# Process 1 reaps what its descendants left behind; it ends only when the host's line does.
wait
echo o >/proc/sysrq-trigger
sleep 30
