#!/usr/bin/env bash
# A bridge and one network namespace per argument NAME=ADDRESS, as a CNI plugin would make them. Run in the guest.
# Batches: starting a program is what takes time here.
set -euo pipefail
gateway=$1
shift

{
  echo "link add pods0 type bridge"
  echo "addr add $gateway/24 dev pods0"
  echo "link set pods0 up"
  for pair in "$@"; do
    name=${pair%%=*}
    echo "netns add $name"
    echo "link add v-$name type veth peer name eth0 netns $name"
    echo "link set v-$name master pods0 up"
  done
} | ip -batch -
for pair in "$@"; do
  {
    echo "link set lo up"
    echo "addr add ${pair#*=}/24 dev eth0"
    echo "link set eth0 up"
    echo "route add default via $gateway"
  } | ip -n "${pair%%=*}" -batch -
done
