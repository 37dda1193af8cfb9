#!/bin/bash
# Writes the summary of the coverage that instrumented tests left. It fails no tests.
# Arguments: cargo-llvm-cov; Cargo's target directory; the Rust target, which has a directory when a build names it;
# the summary's file.
tool=$1 directory=$2 target=$3 summary=$4
rm -rf "$summary"
profile=dev
for each in "$directory/release" "$directory/$target/release"; do
  [ ! -d "$each" ] || profile=release
done
"$tool" llvm-cov report --profile "$profile" --target "$target" --json --summary-only --output-path "$summary" || true
