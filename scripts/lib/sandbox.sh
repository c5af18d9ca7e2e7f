# shellcheck shell=bash
#
# Building and installing the Flatpak of this tree; to be sourced after install.sh and stand-in.sh.
# All of it happens in the user's installation, which is FLATPAK_USER_DIR's where that is set.

: "${root:?}" "${scratch:?}" "${called_from:?}" "${stand_in_branch:?}"

application_id=org.dray.Dray.Devel
manifest=$root/flatpak/$application_id.json
flathub=https://dl.flathub.org/repo/flathub.flatpakrepo

# ensure_mounted_root ARGUMENT…: in a chroot, where no sandbox can be made, starts over in a root where
# it can.
ensure_mounted_root () {
  if mountpoint -q / || [ "$(id -u)" -ne 0 ]; then
    return 0
  fi
  clean_up
  exec /usr/bin/python3 scripts/lib/with-mounted-root \
    env -C "$called_from" "$root/scripts/flatpak" "$@"
}

# wanted_version: the runtime that the manifest asks for.
wanted_version () {
  sed -n 's/.*"runtime-version": "\(.*\)".*/\1/p' "$manifest"
}

# have_runtime VERSION
have_runtime () {
  flatpak info "org.gnome.Platform//$1" >/dev/null 2>&1 &&
    flatpak info "org.gnome.Sdk//$1" >/dev/null 2>&1
}

# fetch_runtime VERSION: from Flathub, if it can be reached.
fetch_runtime () {
  quietly "flatpak remote-add" timeout 30 \
    flatpak --user remote-add --if-not-exists flathub "$flathub" &&
    quietly "flatpak install" flatpak --user install --noninteractive -y flathub \
      "org.gnome.Platform//$1" "org.gnome.Sdk//$1"
}

# Sets $runtime_version to that of a runtime that is installed.
prepare_runtime () {
  runtime_version=$(wanted_version)
  ! have_runtime "$runtime_version" || return 0
  say "Fetching the GNOME runtime $runtime_version"
  ! fetch_runtime "$runtime_version" || return 0
  say "The GNOME runtime $runtime_version could not be fetched."
  runtime_version=$stand_in_branch
  install_stand_in || fail "Could not make the stand-in for the GNOME runtime."
}

# build_sandboxed [MESON-OPTION…]: builds this tree against $runtime_version and installs it.
build_sandboxed () {
  local folder=$root/build/flatpak
  scripts/lib/derive-manifest "$manifest" "$runtime_version" "$@" >"$folder/$application_id.json" ||
    return 1
  say "Building $application_id on the runtime $runtime_version"
  quietly "flatpak-builder" flatpak-builder --user --install --force-clean --disable-rofiles-fuse \
    --state-dir="$folder/state" "$folder/application" "$folder/$application_id.json"
}
