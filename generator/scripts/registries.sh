#!/bin/bash
# Asks Cargo, npm, yarn and pnpm for their registries, so that mirrors and private registries count.
# Prints one line per answer: its kind, a space, and the answer; generator/network/registries.py reads them.
cd "$(mktemp -d)" || exit
export CARGO_NET_RETRY=1 COREPACK_ENABLE_NETWORK=0
# A query for a crate that does not exist makes Cargo read its index's configuration, which names the download host.
cargo info --quiet --color never "a$(date +%s)" > /dev/null 2>&1
for each in "$CARGO_HOME"/registry/index/*/config.json; do
  [ -f "$each" ] || continue
  directory=${each%/config.json}; name=${directory##*/}
  echo "index https://${name%-*}/"
  echo "cargo $(tr -d '\n' < "$each")"
done
# Cargo prints without a query how Cargo.lock names the registry.
mkdir src && touch src/lib.rs
printf '[package]\nname = "ask"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nask = "1"\n' > Cargo.toml
echo "crates $(cargo metadata --no-deps --offline --format-version 1 2> /dev/null)"
echo "npm $(npm config ls --json 2> /dev/null | tr -d '\n')"
echo "usual $(env -u npm_config_registry npm config get registry 2> /dev/null)"
echo "usual ${YARN_REGISTRY:-}"
echo "usual ${YARN_NPM_REGISTRY_SERVER:-}"
# COREPACK_ENABLE_NETWORK=0 skips a yarn or pnpm that Corepack would first have to download.
for each in yarn pnpm; do
  command -v "$each" > /dev/null || continue
  for key in registry npmRegistryServer; do echo "usual $("$each" config get "$key" 2> /dev/null | tail -n 1)"; done
done
exit 0
