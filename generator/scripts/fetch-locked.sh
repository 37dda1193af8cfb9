#!/bin/bash
# Fetches the crates that the repository's Cargo.lock names. A dependency that it lacks is an error.
# Arguments: the crate's Cargo.toml; the workspace's Cargo.lock.
set -euo pipefail
manifest=$1 lock=$2
# Cargo may write other line endings than the repository has.
pins() { tr -d '\r' < "$1" | grep -E '^(checksum|source = "git)' | sort -u; }
cp "$lock" lock.given
cargo fetch --manifest-path "$manifest"
if comm -13 <(pins lock.given || true) <(pins "$lock" || true) | grep -q .; then
  echo "error: Cargo.lock does not hold all dependencies: run cargo update --workspace and commit it" >&2; exit 1
fi
