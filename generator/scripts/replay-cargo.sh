#!/bin/bash
# Runs the recorded Cargo builds again for another target.
# Arguments: the record of cargo-recorder.sh; the platform, for messages; lines of Bash with the variables for it; what
# --target gets; Cargo's subcommand.
set -euo pipefail
record=$1 platform=$2 exports=$3 target=$4
shift 4
if [ ! -s "$record" ]; then
  echo "error: the build command does not call cargo build, so it cannot be repeated for $platform" >&2; exit 1
fi
while IFS= read -r line; do
  (
    words=()
    eval "words=($line)"
    while [ "${words[0]}" != -- ]; do export "${words[0]}" && words=("${words[@]:1}"); done
    eval "$exports"
    cd "${words[1]}" && cargo "$@" "${words[@]:2}" --target "$target"
  ) < /dev/null
done < "$record"
