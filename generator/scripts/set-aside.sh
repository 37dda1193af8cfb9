#!/bin/bash
# Moves everything in the current directory into another one, for the time in which the next crate needs the place.
# Arguments: the other directory; the names that stay.
set -euo pipefail
shopt -s dotglob nullglob
place=$1
shift
mkdir -p -- "$place"
for entry in *; do
  for kept in "$@"; do [[ $entry != "$kept" ]] || continue 2; done
  mv -- "./$entry" "$place/"
done
