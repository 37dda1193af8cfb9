#!/bin/bash
# Records the arguments of every `cargo build`, without the target, and runs it. Other subcommands pass unchanged.
# It is called cargo and lies before Cargo on PATH; napi's command line starts it by the variable CARGO.
# Environment: CRATEMATRIX_RECORD, a file that gets one line per build: the directory and the arguments, quoted for Bash;
# CRATEMATRIX_RECORD_TARGET, the host's target or "none"; CRATEMATRIX_RECORD_ARGUMENT, what --target gets for it;
# CRATEMATRIX_RECORD_SUBCOMMAND, Cargo's subcommand that links for it.
set -eo pipefail
here=$(dirname "$(realpath "$0")")
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
printf '%q ' "$PWD" "${words[@]}" >> "$CRATEMATRIX_RECORD"
echo >> "$CRATEMATRIX_RECORD"
if [ "$target" = "$CRATEMATRIX_RECORD_TARGET" ]; then
  read -ra subcommand <<< "$CRATEMATRIX_RECORD_SUBCOMMAND"
  exec cargo "${subcommand[@]}" "${words[@]}" --target "$CRATEMATRIX_RECORD_ARGUMENT"
fi
unset CARGO_BUILD_TARGET
exec cargo build "${words[@]}" ${target:+--target "$target"}
