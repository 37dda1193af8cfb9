#!/bin/bash
# Copies descriptions of the crate and its dependencies into the current directory: Cargo's metadata, Cargo.lock, and
# an addon's package.json. Lists for each platform the crates that Cargo compiles with the default features, one
# "PLATFORM NAME" per line. Arguments: the crate's directory; the workspace's directory; the directory of the addon's
# package.json, or ""; the file for Cargo's metadata; the file for the list; PLATFORM=TARGET for each platform.
set -euo pipefail
directory=$1 workspace=$2 package=$3 metadata=$4 compiled=$5
shift 5
filters=()
for each in "$@"; do filters+=(--filter-platform "${each#*=}"); done
cargo metadata --offline --format-version 1 "${filters[@]}" --manifest-path "$directory/Cargo.toml" > "$metadata"
cp "$workspace/Cargo.lock" Cargo.lock
if [ -n "$package" ] && [ -f "$package/package.json" ]; then cp -L "$package/package.json" package.json; fi
for each in "$@"; do
  cargo tree --offline --edges normal,build --prefix none --format '{p}' --target "${each#*=}" \
    --manifest-path "$directory/Cargo.toml" |
    sed -nE "s/^([A-Za-z0-9_-]+) v.*/${each%%=*} \\1/p" | sort -u >> "$compiled"
done
