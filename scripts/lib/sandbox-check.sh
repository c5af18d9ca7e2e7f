# shellcheck shell=bash
#
# Sees the sandboxed program at work, without a screen and without touching anything of the user's;
# to be sourced after build.sh and sandbox.sh. What it leaves lies in build/flatpak: the installation
# in user/, the downloaded model and the picture in check/.

: "${root:?}" "${scratch:?}" "${application_id:?}"

check_folder=$root/build/flatpak/check
model_name=check-q4_0.gguf
model_size=48000000
helpers=()

stop_helpers () {
  local helper
  for helper in "${helpers[@]}"; do
    kill -TERM "$helper" 2>/dev/null
    wait "$helper" 2>/dev/null
  done
  clean_up
}

# An installation, a home and a bus of its own from here on; no display, proxy or token is passed on.
use_throwaway_installation () {
  local name
  for name in $(compgen -e); do
    case $name in
      PATH | LANG | LC_* | TERM | TMPDIR | G_MESSAGES_DEBUG | SSL_CERT_*) ;;
      *) unset "$name" ;;
    esac
  done
  rm -rf "$check_folder"
  mkdir -p "$check_folder/home/.config" "$check_folder/home/Downloads"
  mkdir -m 0700 "$scratch/runtime"
  # The Downloads folder exists for the sandbox only where it is configured.
  # shellcheck disable=SC2016  # the file's own variable
  printf 'XDG_DOWNLOAD_DIR="$HOME/Downloads"\n' >"$check_folder/home/.config/user-dirs.dirs"
  export HOME=$check_folder/home XDG_RUNTIME_DIR=$scratch/runtime
  export FLATPAK_USER_DIR=$root/build/flatpak/user
  trap stop_helpers EXIT
}

# helper LOG COMMAND…: starts what is ended when we end.
helper () {
  local log=$1
  shift
  : >"$log"
  "$@" >"$log" 2>&1 </dev/null 3>&- &
  helpers+=($!)
}

# wait_until SECONDS LABEL COMMAND…: whether COMMAND comes to succeed in that time.
wait_until () {
  local began=$SECONDS next=4 longest=$1 label=$2
  shift 2
  until "$@"; do
    if [ $((SECONDS - began)) -ge "$longest" ]; then
      say "$label: not within $longest s"
      return 1
    fi
    if [ $((SECONDS - began)) -ge "$next" ]; then
      say "  … $label, $((SECONDS - began)) s"
      next=$((SECONDS - began + 4))
    fi
    sleep 0.1
  done
}

# Sets $model_url and $model_digest.
start_model_server () {
  local folder log=$scratch/model-server
  folder=$(build_folder)
  say "Building the model server in $folder"
  set_up "$folder" && build "$folder" tests/server/dray-model-server || return 1
  helper "$log" "$folder/tests/server/dray-model-server" --rate=12000000 \
    --file="$model_name=$model_size"
  wait_until 10 "Starting the model server" grep -q "/$model_name\$" "$log" || return 1
  model_url=$(sed -n 's/^listening on //p' "$log")/$model_name
  model_digest=$(sed -n "s|^\([0-9a-f]\{64\}\) .*/$model_name\$|\1|p" "$log")
}

start_bus () {
  export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
  helper "$scratch/bus" dbus-daemon --session --nofork --address="$DBUS_SESSION_BUS_ADDRESS"
  wait_until 10 "Starting a bus" test -S "$XDG_RUNTIME_DIR/bus"
}

# Only the socket in the file system is listened on, as that is what the sandbox is to be given.
start_display () {
  local number=$scratch/display-number
  mkdir -p /tmp/.X11-unix && : >"$number"
  # shellcheck disable=SC2016  # for the inner shell
  helper "$scratch/display" bash -c '
    exec Xvfb -displayfd 4 -screen 0 1280x900x24 -nolisten tcp -nolisten local -noreset 4>"$0"' \
    "$number"
  wait_until 20 "Starting a virtual display" test -s "$number" || return 1
  DISPLAY=:$(cat "$number")
  export DISPLAY
}

# What the sandbox must show and must hide.
check_sandbox () {
  touch "$HOME/private"
  say "Looking round in the sandbox"
  # shellcheck disable=SC2016  # for the sandbox's shell
  quietly "flatpak run" flatpak run --user --command=sh "$application_id" -c '
    number=${DISPLAY#*:}
    fail () { echo "$1"; exit 1; }
    [ -S "/tmp/.X11-unix/X${number%%.*}" ] || fail "There is no display."
    [ -d "$1/Downloads" ] || fail "There is no Downloads folder."
    [ ! -e "$1/private" ] || fail "The home folder is visible."
    [ -e /.flatpak-info ] || fail "There is no sandbox."' sh "$HOME"
}

# Sets $model to the finished file, if it is there.
find_model () {
  model=$(find "$HOME/Downloads/Models" -type f -name "$model_name" 2>/dev/null)
  [ -n "$model" ]
}

# The window is opened with the link; $model is complete afterwards.
download_with_window () {
  say "Opening the window with $model_url"
  helper "$check_folder/program.log" flatpak run --user --env=GSK_RENDERER=cairo "$application_id" \
    "$model_url"
  wait_until 120 "Downloading" find_model
  local status=$?
  [ "$status" -eq 0 ] || tail -n 40 "$check_folder/program.log" >&3
  take_picture && return "$status"
}

# Whether the display shows something, and the same as when this was called last.
is_at_rest () {
  local colours signature before=${last_signature:-}
  import -silent -window root "$check_folder/window.png" || return 1
  read -r colours signature < <(identify -format '%k %#\n' "$check_folder/window.png")
  last_signature=$signature
  sleep 0.5
  [ "$colours" -gt 32 ] && [ "$signature" = "$before" ]
}

take_picture () {
  wait_until 30 "Waiting for a picture at rest" is_at_rest || return 1
  say "A picture of the window: $check_folder/window.png"
}

verify_model () {
  local digest
  digest=$(sha256sum <"$model") || return 1
  if [ "${digest%% *}" != "$model_digest" ]; then
    say "$model has other bytes than the server sent."
    return 1
  fi
  say "Verified: ${model#"$HOME/"}, sha256 $model_digest"
}

check_sandboxed () {
  local step
  for step in start_model_server start_bus start_display check_sandbox download_with_window \
    verify_model; do
    "$step" || fail "The sandboxed program did not do what it should."
  done
}
