#!/bin/bash
# Runs the recorded Cargo builds again for another target.
# Arguments: the record of cargo-recorder.sh; the platform, for messages; what --target gets; Cargo's subcommand.
set -euo pipefail
record=$1 platform=$2 target=$3
shift 3
if [ ! -s "$record" ]; then
  echo "error: the build command does not call cargo build, so it cannot be repeated for $platform" >&2; exit 1
fi
while IFS= read -r line; do
  words=()
  eval "words=($line)"
  (cd "${words[0]}" && cargo "$@" "${words[@]:1}" --target "$target") < /dev/null
done < "$record"
