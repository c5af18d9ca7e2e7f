# shellcheck shell=bash
#
# A stand-in for the GNOME runtime and its SDK, made from Debian 13's packages where the real ones
# cannot be fetched; to be sourced after install.sh. It is not what users get, but it lets the
# sandboxed program be built and seen. Its branch has a name that no real one has, so that it never
# takes the place of the real runtime.

: "${root:?}" "${scratch:?}"

stand_in_branch=dray-debian-13
stand_in_remote=dray-stand-in
stand_in=$root/build/flatpak/stand-in

# The machine's own ways to reach the archive, a proxy for instance, as options of mmdebstrap.
apt_options () {
  apt-config dump | sed -n 's/^\(Acquire::\(Check-\|http\|Retries\).*\)$/--aptopt=\1/p'
}

# Where this machine has Debian's packages from; nothing where it is not Debian's own.
debian_mirror () {
  # shellcheck disable=SC2016  # for apt-get
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' | sort -u | head -n 1
}

# make_stand_in_tree FOLDER: FOLDER/usr becomes a runtime's files; FOLDER/files is an application's,
# empty, which must be there too.
make_stand_in_tree () {
  local packages options
  packages=$(packages_for build runtime | sort -u | paste -sd ,)
  mapfile -t options < <(apt_options)
  quietly "mmdebstrap" mmdebstrap --quiet --variant=minbase --include="$packages" "${options[@]}" \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/gtk-doc/*' \
    trixie "$scratch/debian.tar" "$(debian_mirror)" || return 1
  mkdir -p "$1/files"
  say "Unpacking it"
  quietly "tar" tar -C "$1" --no-same-owner -xf "$scratch/debian.tar" \
    ./usr ./etc || return 1
  rm -f "$scratch/debian.tar"
  # Nothing here may be unreadable for the user, and a runtime keeps etc in its usr.
  chmod -R u+rwX,go+rX "$1/usr" "$1/etc"
  mv "$1/etc" "$1/usr/etc"
}

# make_repository FOLDER: an empty one. It keeps files as they are, which spares compressing them, and
# an installation on the same file system shares them.
make_repository () {
  mkdir -p "$1"/{objects,tmp,state,extensions,refs/{heads,mirrors,remotes}} &&
    printf '[core]\nrepo_version=1\nmode=bare-user-only\n' >"$1/config"
}

# export_stand_in FOLDER REPOSITORY ID
export_stand_in () {
  local arch
  arch=$(flatpak --default-arch)
  cat >"$1/metadata" <<METADATA
[Runtime]
name=$3
runtime=org.gnome.Platform/$arch/$stand_in_branch
sdk=org.gnome.Sdk/$arch/$stand_in_branch
METADATA
  say "Making $3 of it"
  quietly "flatpak build-export $3" flatpak build-export --disable-sandbox --runtime \
    --no-update-summary "$2" "$1" "$stand_in_branch"
}

# The cached repository is made anew when the list of packages has changed.
make_stand_in () {
  local stamp
  stamp=$(packages_for build runtime | sort -u | sha256sum)
  [ "$(cat "$stand_in/made-with" 2>/dev/null)" != "$stamp" ] || return 0
  install_missing stand-in
  say "Making a stand-in from Debian 13's packages in build/flatpak/stand-in: about 1 GB, a minute or two"
  rm -rf "$stand_in" && make_repository "$stand_in/repository" &&
    make_stand_in_tree "$stand_in/tree" &&
    export_stand_in "$stand_in/tree" "$stand_in/repository" org.gnome.Platform &&
    export_stand_in "$stand_in/tree" "$stand_in/repository" org.gnome.Sdk &&
    quietly "flatpak build-update-repo" flatpak build-update-repo "$stand_in/repository" &&
    rm -rf "$stand_in/tree" &&
    printf '%s\n' "$stamp" >"$stand_in/made-with"
}

# Installs both, or what has changed since they were installed.
install_stand_in () {
  local id
  make_stand_in || return 1
  quietly "flatpak remote-add" flatpak --user remote-add --if-not-exists --no-gpg-verify \
    --no-enumerate "$stand_in_remote" "file://$stand_in/repository" &&
    quietly "flatpak remote-modify" flatpak --user remote-modify --url="file://$stand_in/repository" \
      "$stand_in_remote" || return 1
  for id in org.gnome.Platform org.gnome.Sdk; do
    say "Installing the stand-in $id"
    quietly "flatpak install $id" flatpak --user install --noninteractive -y --or-update \
      "$stand_in_remote" "$id//$stand_in_branch" || return 1
  done
}
