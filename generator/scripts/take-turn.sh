#!/bin/bash
# Removes what the crate before has left, and copies what was set aside for this crate and for all crates of the batch.
# It fails if something cannot be removed: then no other crate may be built here.
# Arguments: the directories of all crates and of this one; the names that stay.
set -euo pipefail
shopt -s dotglob nullglob
shared=$1 own=$2
shift 2
clear_all_but() {
  local entry kept left=()
  for entry in *; do
    for kept in "$@"; do [[ $entry != "$kept" ]] || continue 2; done
    left+=("./$entry")
  done
  ((${#left[@]})) || return 0
  # A directory without rights cannot be emptied.
  find "${left[@]}" -type d ! -perm -700 -exec chmod u+rwx {} \;
  rm -rf -- "${left[@]}"
}
clear_all_but "$@"
(cd cargo && clear_all_but registry git)
# Without isolation, the files there are the user's.
if [[ $PWD == /build ]]; then
  cd /tmp
  others=()
  for entry in *; do [[ -O $entry || -L $entry ]] || others+=("$entry"); done
  clear_all_but "${others[@]}"
  cd /build
fi
cp -a -- "$shared/." "$own/." .
