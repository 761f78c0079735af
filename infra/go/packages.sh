#!/usr/bin/env bash
# Go, where it is lacking or too old to fetch the version that a module asks for, which it does from 1.21 on. Quick when it is there.
set -euo pipefail

for go in $(command -v go || true) /usr/local/go/bin/go /usr/lib/go/bin/go; do
  [ -x "$go" ] || continue
  minor=$("$go" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 21 ] && exit 0
done

echo "installing: Go" >&2
if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get. Install Go 1.21 or later, then run this again." >&2
  exit 1
fi
source "$(dirname "$0")/../setup/as-root.sh"
find_root "Install Go 1.21 or later as root, then run this again."

# The stable suite may have one from before 1.21; backports have a newer one.
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *(https?:[^ ]*\/debian)\/? *.*/\3/p' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
list=/etc/apt/sources.list.d/sluice-backports.list
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $suite-backports main" | "${as_root[@]}" tee "$list" >/dev/null
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends -t "$suite-backports" golang-go </dev/null >&2
