#!/usr/bin/env bash
# Says what is missing on this machine, and how to mend it, before anything is installed.
set -euo pipefail

missing=0
complain() {
  echo "missing: $1" >&2
  echo "   mend: $2" >&2
  missing=1
}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  complain "Node.js with npm" "install Node.js 20 or later (it only brings in the Node 24 that Sluice runs on)"
elif [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  complain "Node.js 20 or later; this is $(node -v)" "install a newer Node.js"
fi

if ! command -v mvn >/dev/null; then
  complain "Maven" "apt-get install maven (it brings Kafka and the registry from Maven Central)"
fi

# The registry needs Java 21, the broker Java 17: one JDK of 21 or later does for both, or one of each.
newest=0
for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} $(command -v java || true) /usr/lib/jvm/*/bin/java; do
  [ -x "$java" ] || continue
  version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${version:-0}" -gt "$newest" ] && newest=$version
done
if [ "$newest" -lt 21 ]; then
  found="none was found"
  [ "$newest" -gt 0 ] && found="the newest found is $newest"
  complain "a JDK of 21 or later; $found" "install one under /usr/lib/jvm or set JAVA_HOME (Kafka runs on 17, the schema registry needs 21)"
fi

if ! command -v apt-get >/dev/null; then
  echo "note: this is not a Debian system. make demo and make check work; the kernel suites install their packages with apt-get." >&2
fi

exit "$missing"
