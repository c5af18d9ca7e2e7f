# shellcheck shell=bash
#
# Build folders; to be sourced after common.sh. Each lies under build/, is keyed by distribution, so
# that one tree serves several systems, and is made anew when what it was made with has changed.

: "${root:?}"

# build_folder [VARIANT]
build_folder () {
  printf '%s' "build/$(distribution)${1:+-$1}"
}

# set_up FOLDER [MESON-OPTION…]
set_up () {
  local folder=$1 stamp
  shift
  stamp="$root|$(meson --version)|${CC:-}|$*"
  if [ ! -e "$folder/build.ninja" ] || [ "$(cat "$folder/set-up-with" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$folder"
    quietly "Setting up $folder" meson setup "$@" "$folder" || return 1
    printf '%s\n' "$stamp" >"$folder/set-up-with"
  fi
}

# build FOLDER [TARGET…]
build () {
  local folder=$1
  shift
  quietly "Building $folder" ninja -C "$folder" -j "$(nproc)" "$@"
}
