#!/usr/bin/env bash
# Installs linkers and Rust targets for other platforms: linkers.sh COMMAND MANIFEST SHARD, after install.sh made COMMAND.
# zig and cargo-zigbuild are installed beside the command, once in a job; the output `linkers` is their directory.
# Microsoft's libraries are fetched only if the manifest accepts their licence and the shard's crates need them.
# rustup, if present, adds the targets of the shard's crates. An unavailable target or library is no error: the build
# skips its platform.
set -euo pipefail

usage="usage: linkers.sh COMMAND MANIFEST SHARD"
command=${1:?$usage} manifest=${2:?$usage} shard=${3:?$usage}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
environment=${command%/bin/*}
linkers=$environment/linkers

if [[ ! -e "$linkers/complete" ]]; then
  rm -rf -- "$linkers"
  # Outside of the workspace: uv would read a uv.toml there.
  (cd -- "$environment" && ./uv/bin/uv --quiet pip install --python venv/bin/python --target linkers \
    --require-hashes --requirement "$here/../../../requirements/linkers.txt")
  ln -s ../ziglang/zig "$linkers/bin/zig"
  : >"$linkers/complete"
fi
printf 'linkers=%s\n' "$linkers/bin" >>"$GITHUB_OUTPUT"
export PATH=$PATH:$linkers/bin

architectures=$("$command" targets --xwin-arch --manifest="$manifest" --shard="$shard")
if [[ -n "$architectures" ]]; then
  if ! command -v cargo-xwin >/dev/null; then
    (cd -- "$environment" && ./uv/bin/uv --quiet pip install --python venv/bin/python --target linkers \
      --require-hashes --requirement "$here/../../../requirements/windows.txt")
  fi
  (cd / && XWIN_ARCH=$architectures cargo-xwin cache xwin) ||
    echo "Microsoft's libraries are not available: the platforms for Windows are skipped"
fi

if ! command -v rustup >/dev/null; then
  echo "rustup is not installed: only the runner's own Rust targets are used"
  exit 0
fi
targets=$("$command" targets --manifest="$manifest" --shard="$shard")
cd / # outside of the workspace, whose rust-toolchain.toml may name another toolchain
for target in $targets; do
  rustup target add "$target" || echo "$target is not available: its platform is skipped"
done
