#!/bin/bash
# Starts each program of an installed package. Exit codes of a shell or a shim that cannot start it are errors.
# Arguments: names of programs.
set -euo pipefail
for name in "$@"; do
  code=0
  timeout -k 1 20 npx --no-install "$name" --version < /dev/null || code=$?
  case "$code" in 126 | 127 | 13[0-9]) echo "error: $name does not start: exit $code" >&2; exit 1 ;; esac
done
