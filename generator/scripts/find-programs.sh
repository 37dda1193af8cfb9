#!/bin/bash
# Fails when a program that Cargo's configuration names is not in the sandbox.
# Arguments: pairs of a key of the configuration and a program.
set -euo pipefail
while [ $# -gt 0 ]; do
  command -v "$2" > /dev/null || {
    echo "error: Cargo's configuration names the program $2 in $1, which is not in the sandbox: remove the key" >&2
    exit 1
  }
  shift 2
done
