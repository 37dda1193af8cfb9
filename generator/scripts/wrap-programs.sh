#!/bin/bash
# Replaces the crate's programs that lie beside a test by scripts that start them with a runtime.
# Arguments: the test's path; the runtime's command, quoted for a shell; names of programs.
# Does nothing for tests of rustdoc, which lie elsewhere and run at the same time as others.
# shellcheck disable=SC2015,SC2016  # a program that cannot be moved is skipped; the scripts expand their own variables
test=$1 command=$2
shift 2
if [[ $test == */deps/* ]]; then
  cd "${test%%/deps/*}" || exit
  for each in "$@"; do
    if [ ! -f "$each" ] || [ -e "behind/$each" ]; then continue; fi
    mkdir -p behind && mv -- "$each" behind/ || continue
    printf '#!/bin/sh\nexec %s "${0%%/*}/behind/${0##*/}" "$@"\n' "$command" > "$each"
    chmod +x -- "$each"
  done
fi
