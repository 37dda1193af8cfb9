#!/bin/bash
# Installs an addon's npm dependencies, by npm's own lock file when there is one. Refuses dependencies from git.
# Arguments: the directories of the source, of package.json and of needed-packages.js; a regular expression of the lines
# that an .npmrc keeps; the text of needed-packages.js; npm's options in one word; runtime packages of wasm32.
set -euo pipefail
source=$1 directory=$2 needed=$3 allowed_lines=$4 needed_packages=$5
read -ra options <<< "$6"
shift 6
find "$source" -name .npmrc | while IFS= read -r each; do
  mv "$each" "$each.given" && { grep -E "$allowed_lines" "$each.given" > "$each" || true; }
done
if [ -f "$directory/package.json" ]; then
  cd "$directory"
  if grep -qE '"(resolved|version)": *"git' package-lock.json npm-shrinkwrap.json 2> /dev/null; then
    echo "error: npm dependencies from git are not built: they would run their scripts while the network is open" >&2
    exit 1
  fi
  project=$(npm prefix)
  # needed-packages.js uses the project's registries too: a private name is never looked up elsewhere.
  if [ -f "$project/.npmrc" ]; then cp "$project/.npmrc" "$HOME/.npmrc"; fi
  if [ -f package-lock.json ]; then npm ci "${options[@]}"; else npm install --no-package-lock "${options[@]}"; fi
  count=$(node -e "$needed_packages" "$needed" "$@")
  if [ "$count" != 0 ]; then cd "$needed" && npm install "${options[@]}" --loglevel=error; fi
fi
