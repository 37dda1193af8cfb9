#!/bin/bash
# Copies a crate's README and license files into the directory that OUT names; a link gives the content of its file.
# Of names that differ only in case, some systems hold one: a file that Cargo.toml names wins, and then capitals.
# Arguments: the crate's directory; the source's top, outside of which nothing is copied; an extended expression for
# names; then pairs of a file that Cargo.toml names and its name in the package.
set -euo pipefail
crate=$1 top=$(realpath "$2") names=$3
shift 3
copy() {
  case "$(realpath "$1")" in
    "$top"/*) find "$OUT" -maxdepth 1 -type f -iname "$2" -delete && cp "$1" "$OUT/$2" ;;
  esac
}
find "$crate" -maxdepth 1 -xtype f -regextype posix-extended -iregex ".*/($names)" -print0 | LC_ALL=C sort -zr |
  while IFS= read -r -d '' file; do copy "$file" "${file##*/}"; done
while [ $# -gt 0 ]; do
  if [ -f "$1" ]; then copy "$1" "$2"; fi
  shift 2
done
