#!/bin/bash
# Records the arguments of every `cargo build`, without the target, and runs it. Other subcommands pass unchanged.
# It is called cargo and lies before Cargo on PATH; napi's command line starts it by the variable CARGO.
# `settings` beside it sets, because build tools may clear the environment: record, a file that gets one line per build
# with the directory and the arguments, quoted for Bash; host_target, the host's target or "none"; host_argument, what
# --target gets for it; host_subcommand, Cargo's subcommand that links for it.
# shellcheck disable=SC2154
set -eo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$here/settings"
unset CARGO
PATH=${PATH//"$here:"/}
[ "${1-}" != xwin ] || shift
if [ "${1-}" != build ] && [ "${1-}" != zigbuild ]; then exec cargo "$@"; fi
shift
words=() target=
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2; shift 2 || break ;;
    --target=*) target=${1#--target=}; shift ;;
    *) words+=("$1"); shift ;;
  esac
done
printf '%q ' "$PWD" "${words[@]}" >> "$record"
echo >> "$record"
if [ "$target" = "$host_target" ]; then
  read -ra subcommand <<< "$host_subcommand"
  exec cargo "${subcommand[@]}" "${words[@]}" --target "$host_argument"
fi
unset CARGO_BUILD_TARGET
exec cargo build "${words[@]}" ${target:+--target "$target"}
