#!/usr/bin/env bash
# A bridge and one network namespace per argument NAME=ADDRESS, as a CNI plugin would make them. Run in the guest.
set -euo pipefail
gateway=$1
shift

ip link add pods0 type bridge
ip addr add "$gateway/24" dev pods0
ip link set pods0 up
for pair in "$@"; do
  name=${pair%%=*}
  ip netns add "$name"
  ip link add "v-$name" type veth peer name eth0 netns "$name"
  ip link set "v-$name" master pods0 up
  ip -n "$name" addr add "${pair#*=}/24" dev eth0
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
  ip -n "$name" route add default via "$gateway"
done
