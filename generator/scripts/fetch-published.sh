#!/bin/bash
# Fetches the crates that a published Cargo.lock names. Resolves anew when the registry lacks a version that it names.
# Arguments: the crate's Cargo.toml; its Cargo.lock.
set -euo pipefail
manifest=$1 lock=$2
if [ -f "$lock" ] && ! cargo fetch --locked --manifest-path "$manifest" 2> fetch.log; then
  cat fetch.log >&2
  grep -qE 'lock file|failed to select|no matching package|yanked' fetch.log || exit 101
  echo "note: the published Cargo.lock cannot be used any more; dependencies are resolved anew"
  rm "$lock"
fi
cargo fetch --manifest-path "$manifest"
