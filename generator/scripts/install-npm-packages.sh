#!/bin/bash
# Installs an addon's npm dependencies by the lock file, if there is one. Nothing of the packages runs.
# Arguments: the directory to install in; the manager; the lock file's name or ""; npm's options in one word; hosts of
# archives in yarn.lock that are no registries of this machine.
set -euo pipefail
directory=$1 manager=$2 lock=$3
read -ra options <<< "$4"
shift 4
cd "$directory"
if [ -n "$lock" ] && grep -qE '"(resolved|version)": *"git' "$lock"; then
  echo "error: npm dependencies from git are not built: they would run their scripts while the network is open" >&2
  exit 1
fi
registry=$(npm config get registry)
# The registry of yarn and pnpm where neither the machine nor the project names another one.
grep -qs '^"registry"' .yarnrc || export YARN_REGISTRY="${YARN_REGISTRY-$registry}"
grep -qs '^npmRegistryServer:' .yarnrc.yml || export YARN_NPM_REGISTRY_SERVER="${YARN_NPM_REGISTRY_SERVER-$registry}"
export npm_config_registry=$registry
grep -qsE '^(registry|registries):' pnpm-workspace.yaml || export pnpm_config_registry=$registry
# A dependency by git would run its scripts, and a package of a registry may have one: each call of git fails, as with npm.
no_git=$(mktemp -d)
trap 'rm -r "$no_git"' EXIT
ln -s /bin/false "$no_git/git"
case $manager in
  npm)
    # Version 12 reads no npm-shrinkwrap.json, which has the same format.
    if [ "$lock" = npm-shrinkwrap.json ]; then cp npm-shrinkwrap.json package-lock.json; fi
    # Addresses in the lock file have been checked. Version 12 refuses those of other registries than the default one.
    if [ -n "$lock" ]; then npm ci --allow-remote=all "${options[@]}"; else npm install --no-package-lock "${options[@]}"; fi
    ;;
  pnpm)
    frozen=(--no-lockfile)
    if [ -n "$lock" ]; then
      frozen=(--frozen-lockfile)
      # The lock file has the results of .pnpmfile.cjs, which is code of the repository and does not run here.
      sed -i '/^pnpmfileChecksum:/d' "$lock"
    fi
    PATH="$no_git:$PATH" pnpm install --ignore-scripts --ignore-pnpmfile "${frozen[@]}"
    ;;
  yarn)
    case ${YARN_NPM_REGISTRY_SERVER-} in http:*) export YARN_UNSAFE_HTTP_WHITELIST='*' ;; esac
    PATH="$no_git:$PATH" yarn install --mode=skip-build "$([ -n "$lock" ] && echo --immutable || echo --no-immutable)"
    ;;
  yarn-classic)
    # yarn asks the address in its lock file, where npm asks its own registry. The digests are in the lock file, too.
    for host in "$@"; do
      sed -i -E "s#^(  resolved \")https://$host/(([^/\"]+/)*)((@[^/\"]+/)?[^/\"]+/-/)#\\1${registry%/}/\\4#" "$lock"
    done
    PATH="$no_git:$PATH" yarn install --ignore-scripts --non-interactive "$([ -n "$lock" ] && echo --frozen-lockfile || echo --pure-lockfile)"
    ;;
esac
