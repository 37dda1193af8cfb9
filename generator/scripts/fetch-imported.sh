#!/bin/bash
# Fills npm's cache with the packages that a wasm-bindgen crate or its dependencies import from npm: the finished package is
# installed without the network. Their names and versions are copied for the host. Arguments: the crate's directory; the
# directory to install into; the file for the host; the text of imported-packages.js; the text of npm's settings; a regular
# expression of versions that a registry has; npm's options in one word.
set -euo pipefail
directory=$1 needed=$2 copy=$3 imported_packages=$4 settings=$5 versions=$6
read -ra options <<< "$7"
if [ -f "$directory/package.json" ]; then
  # Cargo runs outside of the source, whose configuration could name programs.
  count=$(cargo metadata --offline --all-features --filter-platform wasm32-unknown-unknown --format-version 1 \
    --manifest-path "$directory/Cargo.toml" | (cd "$directory" && node -e "$imported_packages" "$needed" "$versions"))
  if [ "$count" != 0 ]; then
    printf %s "$settings" > "$HOME/.npmrc"
    cp "$needed/package.json" "$copy"
    cd "$needed" && npm install "${options[@]}" --loglevel=error
  fi
fi
