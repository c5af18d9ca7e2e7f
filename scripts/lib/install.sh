# shellcheck shell=bash
#
# Installing what is missing, on Debian and Ubuntu; to be sourced after common.sh. Nothing is asked
# for that is there already. A person at a terminal is shown the packages and their size and asked.

: "${root:?}" "${scratch:?}"

# The packages of the purposes given, from the one list.
packages_for () {
  local purpose package wanted
  while read -r purpose package; do
    for wanted in "$@"; do
      [ "$purpose" != "$wanted" ] || printf '%s\n' "$package"
    done
  done <"$root/scripts/lib/packages"
}

# The names for which an installed package stands in, such as npm where another nodejs has it inside.
provided () {
  dpkg-query -W -f='${db:Status-Status} ${Provides}\n' 2>/dev/null |
    sed -n 's/^installed //p' | tr ',' '\n' | sed 's/(.*//; s/ //g'
}

# Those of the packages named that are neither installed nor provided.
missing_of () {
  local package names
  names=$(provided)
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1)" = installed ] ||
      grep -qxF "$package" <<<"$names" || printf '%s\n' "$package"
  done
}

# as_root LABEL COMMAND…: runs a program as root, through sudo if need be.
as_root () {
  local label=$1
  shift
  if [ "$(id -u)" -eq 0 ]; then
    quietly "$label" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -v || fail "Could not become root to install packages."
    quietly "$label" sudo -n env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

update_lists () {
  say "Fetching the package lists"
  as_root "apt-get update" apt-get -q update
}

have_lists () {
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

# Says how much the packages named weigh, with all that they need; says nothing when apt cannot tell.
print_size () {
  local -a all
  mapfile -t all < <(
    LC_ALL=C apt-get -s install --no-install-recommends "$@" 2>/dev/null </dev/null |
      sed -n 's/^Inst \([^ ]*\) .*(\([^ ]*\) .*/\1=\2/p')
  [ "${#all[@]}" -gt 0 ] || return 0
  LC_ALL=C apt-cache show --no-all-versions "${all[@]}" 2>/dev/null | awk -v count="${#all[@]}" '
    $1 == "Size:" { download += $2 }
    $1 == "Installed-Size:" { disk += $2 }
    END {
      printf "With what they need: %d packages, %.0f MB to download, %.0f MB on the disk.\n",
             count, download / 1e6, disk * 1024 / 1e6
    }' >&3
}

confirm () {
  local answer
  [ -t 0 ] && [ -t 2 ] || return 0
  read -r -p "Install them? [Y/n] " answer || return 1
  case $answer in
    '' | [Yy]*) return 0 ;;
    *) return 1 ;;
  esac
}

# Leaves with status 2 where we do not know how to install, naming the packages.
require_apt () {
  case $(distribution) in
    debian-* | ubuntu-*) ;;
    *)
      say "These packages are needed, by their names in Debian; please install their equivalents:"
      say "  $*"
      exit 2
      ;;
  esac
}

require_root () {
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null && return 0
  say "Neither root nor sudo is at hand. As root:"
  say "  apt-get install --no-install-recommends $*"
  exit 2
}

apt_install () {
  as_root "apt-get install" apt-get -q -y --no-install-recommends --no-remove \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install "$@"
}

# install_missing PURPOSE…: when it returns, every package of those purposes is installed.
install_missing () {
  local -a wanted missing
  mapfile -t wanted < <(packages_for "$@")
  require_apt "${wanted[@]}"
  mapfile -t missing < <(missing_of "${wanted[@]}")
  [ "${#missing[@]}" -gt 0 ] || return 0

  require_root "${missing[@]}"
  say "These packages are needed and not installed:"
  say "  ${missing[*]}"
  have_lists || update_lists || fail "Could not fetch the package lists."
  print_size "${missing[@]}"
  confirm || fail "Nothing was installed."
  say "Installing"
  apt_install "${missing[@]}" || { update_lists && apt_install "${missing[@]}"; } ||
    fail "Could not install: ${missing[*]}"

  mapfile -t missing < <(missing_of "${wanted[@]}")
  [ "${#missing[@]}" -eq 0 ] || fail "Still missing: ${missing[*]}"
}

# Makes the programs of the packages to unpack available on PATH, without installing them.
unpack_tools () {
  local package tools
  tools=build/$(distribution)-tools
  for package in $(packages_for unpack); do
    if ! command -v "$package" >/dev/null && [ ! -e "$tools/$package.done" ]; then
      unpack_tool "$package" "$tools" || fail "Could not fetch and unpack $package."
    fi
  done
  PATH="$PATH:$root/$tools/usr/sbin:$root/$tools/usr/bin"
}

# unpack_tool PACKAGE FOLDER
unpack_tool () {
  say "Fetching $1, to be unpacked in $2"
  mkdir -p "$2" "$scratch/$1"
  have_lists || update_lists || return 1
  download_package "$1" || { update_lists && download_package "$1"; } || return 1
  dpkg-deb -x "$scratch/$1"/*.deb "$2" && touch "$2/$1.done"
}

download_package () {
  quietly "apt-get download" env -C "$scratch/$1" apt-get -q download "$1"
}
