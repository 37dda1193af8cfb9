# shellcheck shell=bash
# Adds options to the flags of rustc or rustdoc, once. Cargo reads one place alone: CARGO_ENCODED_RUSTFLAGS, RUSTFLAGS,
# the flags of the target, or else those of [build]. Without this function the options would hide the others.
# Arguments: RUSTFLAGS or RUSTDOCFLAGS; the variable of the target's flags; the variable of [build]'s flags, empty when
# the project's flags of the target hide them; the project's flags of [build]; the options.
add_flags() {
  local flags=$1 target=$2 build=$3 project=$4 encoded=CARGO_ENCODED_$1 options words=()
  shift 4
  if [ -n "${!encoded+set}" ]; then
    options=$(IFS=$'\x1f' && echo "$*")
    [[ $'\x1f'${!encoded}$'\x1f' == *$'\x1f'"$options"$'\x1f'* ]] ||
      export "$encoded=${!encoded}${!encoded:+$'\x1f'}$options"
    return 0
  fi
  if [ -z "${!flags+set}" ]; then
    [ -n "$build" ] && [ -z "${!target-}" ] && read -ra words <<< "$project ${!build-}"
    flags=$target
  fi
  [[ " ${!flags-} " == *" $* "* ]] || export "$flags=${!flags-}${!flags:+ }${words[*]}${words:+ }$*"
}
