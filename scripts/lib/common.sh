# shellcheck shell=bash
#
# What every script here shares: where things are, saying things, running something long, and
# leaving nothing behind. To be sourced. Messages go to descriptor 3, which is standard error
# unless the script has opened it elsewhere before, so that standard output stays the program's.
#
# Gives $root (the source tree, also the working directory) and $scratch (a private folder that is
# removed at the end). Standard input is never closed afterwards.

# shellcheck disable=SC2034  # used by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
cd "$root" || exit 1

{ : <&0; } 2>/dev/null || exec </dev/null
{ : >&3; } 2>/dev/null || exec 3>&2

for folder in /usr/bin /bin /usr/sbin /sbin; do
  case ":${PATH:-}:" in
    *":$folder:"*) ;;
    *) PATH="${PATH:+$PATH:}$folder" ;;
  esac
done
export PATH

scratch=$(mktemp -d "${TMPDIR:-/tmp}/dray-script.XXXXXX") || exit 1
running=

clean_up () {
  rm -rf "$scratch"
}

# Ends what is running and leaves with the exit status that the signal asks for.
interrupted () {
  trap '' INT TERM HUP
  if [ -n "$running" ]; then
    kill -TERM "$running" 2>/dev/null
    wait "$running" 2>/dev/null
  fi
  exit "$1"
}

trap clean_up EXIT
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

say () {
  printf '%s\n' "$*" >&3
}

fail () {
  printf '%s\n' "$*" >&2
  exit 1
}

# Waits for $running and returns its status. Every 4 seconds without an end, calls "$@" with the
# seconds so far.
wait_ticking () {
  local began=$SECONDS next=4 clock
  exec {clock}<> <(:)
  while kill -0 "$running" 2>/dev/null; do
    read -r -t 0.1 -u "$clock"
    if [ $((SECONDS - began)) -ge "$next" ]; then
      "$@" $((SECONDS - began))
      next=$((SECONDS - began + 4))
    fi
  done
  exec {clock}>&-
  wait "$running"
  local status=$?
  running=
  return "$status"
}

# tick_log LABEL LOG SECONDS
tick_log () {
  local last
  last=$(tail -c 400 "$2" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -d '\000-\037' | cut -c 1-70)
  say "  … $1, $3 s${last:+: $last}"
}

# tick_label LABEL SECONDS
tick_label () {
  say "  … $1, $2 s"
}

# quietly LABEL COMMAND…: runs a program with its output kept aside. Says a line every few seconds
# while it works, and shows the end of the output if it fails. COMMAND is a program, not a function.
quietly () {
  local label=$1 log
  shift
  log=$(mktemp "$scratch/log.XXXXXX")
  (
    trap - INT
    exec "$@"
  ) >"$log" 2>&1 </dev/null &
  running=$!
  wait_ticking tick_log "$label" "$log"
  local status=$?
  if [ "$status" -ne 0 ]; then
    say "$label: failed (status $status)"
    tail -n 60 "$log" >&3
  fi
  return "$status"
}

# aloud LABEL COMMAND…: the same with the output left where it goes.
aloud () {
  local label=$1
  shift
  (
    trap - INT
    exec "$@"
  ) </dev/null &
  running=$!
  wait_ticking tick_label "$label"
}

# The distribution and its version, as a word for a folder's name.
distribution () {
  (
    ID=unknown VERSION_ID=
    # shellcheck source=/dev/null
    [ ! -r /etc/os-release ] || . /etc/os-release
    printf '%s' "$ID-${VERSION_ID:-${VERSION_CODENAME:-rolling}}"
  )
}
