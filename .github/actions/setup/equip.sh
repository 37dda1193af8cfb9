#!/usr/bin/env bash
# Gives the runner what other platforms are built with: equip.sh COMMAND MANIFEST SHARD, after install.sh made COMMAND.
# zig and cargo-zigbuild go beside the command, once in a job, and their directory is left as the output `linkers`.
# rustup, where there is one, adds the targets that the shard's crates want. One that cannot be had is no error: the
# build skips its platform.
set -euo pipefail

usage="usage: equip.sh COMMAND MANIFEST SHARD"
command=${1:?$usage} manifest=${2:?$usage} shard=${3:?$usage}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
environment=${command%/bin/*}
linkers=$environment/linkers

if [[ ! -e "$linkers/complete" ]]; then
  rm -rf -- "$linkers"
  # Away from the workspace, whose uv.toml would be obeyed.
  (cd -- "$environment" && ./uv/bin/uv --quiet pip install --python venv/bin/python --target linkers \
    --require-hashes --requirement "$here/../../../requirements/linkers.txt")
  ln -s ../ziglang/zig "$linkers/bin/zig"
  : >"$linkers/complete"
fi
printf 'linkers=%s\n' "$linkers/bin" >>"$GITHUB_OUTPUT"
export PATH=$PATH:$linkers/bin

if ! command -v rustup >/dev/null; then
  echo "there is no rustup: the Rust targets are those that the runner has"
  exit 0
fi
targets=$("$command" targets --manifest="$manifest" --shard="$shard")
cd / # where no rust-toolchain.toml of the workspace names another toolchain
for target in $targets; do
  rustup target add "$target" || echo "$target cannot be had: its platform is skipped"
done
