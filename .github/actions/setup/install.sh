#!/usr/bin/env bash
# Makes the private environment of this very checkout below RUNNER_TEMP, once in a job: install.sh PYTHON
# Leaves the command's path as the output `command`, and puts it, and nothing else of the environment, on PATH.
set -euo pipefail

python=${1:?usage: install.sh PYTHON}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd -- "$here/../../.." && pwd -P)
environment=$RUNNER_TEMP/cratematrix-$(printf %s "$checkout" | sha256sum | cut -c 1-16)

if [[ ! -e "$environment/complete" ]]; then
  rm -rf -- "$environment"
  # Away from the workspace: a folder called pip in it would be run, and its uv.toml obeyed.
  mkdir -p -- "$environment/bin"
  cd -- "$environment"
  locked=$checkout/requirements
  # uv makes the environment and fills it in half the time of venv and pip, which only has to bring uv.
  "$python" -m pip --quiet --disable-pip-version-check install --root-user-action ignore --no-compile \
    --target uv --require-hashes --requirement "$locked/installer.txt"
  uv() { ./uv/bin/uv --quiet "$@"; }
  uv venv --python "$python" venv
  install=(pip install --python venv/bin/python --compile-bytecode)
  uv "${install[@]}" --require-hashes --requirement "$locked/build.txt"
  # A copy, because building leaves files beside the sources, and the checkout is not ours to change.
  mkdir source
  cp -R -- "$checkout"/{generator,templates,e2b,pyproject.toml,README.md,CHANGELOG.md,LICENSE} source
  uv "${install[@]}" --no-deps --no-index --no-build-isolation ./source
  rm -rf -- source
  ln -s ../venv/bin/cratematrix bin/cratematrix
  : >complete
fi
printf 'command=%s\n' "$environment/bin/cratematrix" >>"$GITHUB_OUTPUT"
printf '%s\n' "$environment/bin" >>"$GITHUB_PATH"
