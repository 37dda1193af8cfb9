#!/usr/bin/env bash
# Installs this checkout into a private environment below RUNNER_TEMP, once in a job: install.sh PYTHON
# The output `command` is the command's path. PATH gets the command and nothing else of the environment.
set -euo pipefail

python=${1:?usage: install.sh PYTHON}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd -- "$here/../../.." && pwd -P)
environment=$RUNNER_TEMP/cratematrix-$(printf %s "$checkout" | sha256sum | cut -c 1-16)

if [[ ! -e "$environment/complete" ]]; then
  rm -rf -- "$environment"
  # Outside of the workspace: Python would run a folder called pip there, and uv would read a uv.toml.
  mkdir -p -- "$environment/bin"
  cd -- "$environment"
  locked=$checkout/requirements
  # uv takes half the time of venv and pip, so pip installs only uv.
  "$python" -m pip --quiet --disable-pip-version-check install --root-user-action ignore --no-compile \
    --target uv --require-hashes --requirement "$locked/installer.txt"
  uv() { ./uv/bin/uv --quiet "$@"; }
  uv venv --python "$python" venv
  # Python compiles the modules that a command imports; to compile all of them takes twice as long as the rest.
  install=(pip install --python venv/bin/python)
  uv "${install[@]}" --require-hashes --requirement "$locked/build.txt"
  # The build writes files beside the sources, so it gets a copy.
  mkdir source
  cp -R -- "$checkout"/{generator,templates,e2b,pyproject.toml,README.md,CHANGELOG.md,LICENSE} source
  uv "${install[@]}" --no-deps --no-index --no-build-isolation ./source
  rm -rf -- source
  ln -s ../venv/bin/cratematrix bin/cratematrix
  : >complete
fi
printf 'command=%s\n' "$environment/bin/cratematrix" >>"$GITHUB_OUTPUT"
printf '%s\n' "$environment/bin" >>"$GITHUB_PATH"
