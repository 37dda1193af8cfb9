#!/bin/bash
# Puts one version of a package manager into a directory. Its command is then in node_modules/.bin there.
# Arguments: the directory; the directory of a machine that has this version; the command; PACKAGE@VERSION; its digest as
# ALGORITHM.HEX, or ""; what the digest is of, "archive" or "program"; npm's options in one word.
set -euo pipefail
directory=$1 known=$2 command=$3 package=$4 digest=$5 digested=$6
read -ra options <<< "$7"
check() {
  if [ -z "$digest" ] || echo "${digest#*.}  $1" | "${digest%%.*}sum" --check --strict --quiet; then return; fi
  echo "error: $package does not have the digest $digest" >&2
  exit 1
}
mkdir -p "$directory"
cd "$directory"
if [ -d "$known" ]; then
  ln -sfn "$known/node_modules" node_modules
else
  archive=$(npm pack --silent "${options[@]}" "$package")
  if [ "$digested" = archive ]; then check "$archive"; fi
  install=(npm install --prefix . --no-save --no-package-lock --engine-strict "${options[@]}" --loglevel=error)
  if ! "${install[@]}" "./$archive" 2> errors; then
    if grep -q EBADENGINE errors; then
      wanted=$(tar -xOf "$archive" package/package.json | node -p 'JSON.parse(fs.readFileSync(0)).engines.node')
      echo "error: $package needs Node.js $wanted, and $(node --version) is installed" >&2
    fi
    cat errors >&2
    exit 1
  fi
fi
if [ "$digested" = program ]; then check "$(realpath "node_modules/.bin/$command")"; fi
