#!/bin/bash
# Fails when a program that Cargo's configuration names is not in the sandbox.
# Arguments: for each a key of the configuration, the program, and the key's place, which may be empty.
set -euo pipefail
while [ $# -gt 0 ]; do
  type -P -- "$2" > /dev/null || {
    echo "error: Cargo's configuration names the program $2 in $1, which is not in the sandbox: remove the key" >&2
    [ -z "$3" ] || echo " --> $3" >&2
    exit 1
  }
  shift 3
done
