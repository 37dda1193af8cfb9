#!/bin/bash
# Records every `cargo build`, without the target, and runs it. Other subcommands pass unchanged.
# It is called cargo and lies before Cargo on PATH; napi's command line starts it by the variable CARGO.
# The record has one line per build, quoted for Bash: the variables that the build command has set, the word --, the
# directory, and the arguments. Files beside this one, because build tools may clear the environment:
# - environment: the variables before the build command;
# - exports: lines of Bash with the variables for the host;
# - settings sets record, the file; host_target, the host's target or "none"; host_argument, what --target gets for it;
#   host_subcommand, Cargo's subcommand that links for it; aliases, one own subcommand a line with its words.
# shellcheck disable=SC2154
set -eo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/settings"
unset CARGO
PATH=${PATH//"$here:"/}
[ "${1-}" != xwin ] || shift
while read -r name words; do
  if [ -n "$name" ] && [ "${1-}" = "$name" ]; then shift && eval "set -- $words \"\$@\"" && break; fi
done <<< "$aliases"
case ${1-} in
  build | b | zigbuild) shift ;;
  *) exec cargo "$@" ;;
esac
words=() target=
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2; shift 2 || break ;;
    --target=*) target=${1#--target=}; shift ;;
    *) words+=("$1"); shift ;;
  esac
done
# Variables of shells, of package managers, of this machine and of napi's command line are not the build's own.
changed=()
while IFS= read -r -d '' each; do
  case ${each%%=*} in
    _ | PATH | PWD | OLDPWD | SHLVL | HOME | TMPDIR | TERM | INIT_CWD | NODE | COLOR | EDITOR | BASH_FUNC_*) ;;
    npm_* | YARN_* | BERRY_BIN_FOLDER | PROJECT_CWD | pnpm_* | PNPM_*) ;;
    CARGO | CARGO_HOME | CARGO_BUILD_TARGET | CARGO_TARGET_* | CARGO_CFG_NAPI_* | NAPI_* | TYPE_DEF_* | WASI_REGISTER_*) ;;
    *) changed+=("$each") ;;
  esac
done < <(LC_ALL=C comm -z -13 "$here/environment" <(env -0 | LC_ALL=C sort -z))
printf '%q ' "${changed[@]}" -- "$PWD" "${words[@]}" >> "$record"
echo >> "$record"
if [ "$target" = "$host_target" ]; then
  # shellcheck source=/dev/null
  . "$here/exports"
  read -ra subcommand <<< "$host_subcommand"
  exec cargo "${subcommand[@]}" "${words[@]}" --target "$host_argument"
fi
unset CARGO_BUILD_TARGET
exec cargo build "${words[@]}" ${target:+--target "$target"}
